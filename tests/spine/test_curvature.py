"""Curvature, range of motion and rhythm against closed forms."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.sample_rigs import sample_model_path, sample_motion_path, sample_vertebrae_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.kinematics.pose_track import PoseTrack
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.spine.curvature import cobb_angles, curvature, keypoint_curvature
from simspine.simspine_addon.spine.endplates import Endplate, find_endplates
from simspine.simspine_addon.spine.published import LEVELS, LORDOSIS, ROM_1978, SEGMENTAL_LORDOSIS_DEG
from simspine.simspine_addon.spine.rhythm import lumbopelvic_rhythm
from simspine.simspine_addon.spine.rom import joined, level_ranges, ranges_of

NAMES = ("Hip", "Spine_01", "Spine_02", "Spine_03", "Spine_04", "Spine_05", "Neck", "LHip", "RHip")


@pytest.fixture(scope="module")
def sample():
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path("trunk_flexion"), model)
    return model, motion, pose_track(model, motion)


def two_bodies(rotations: np.ndarray) -> PoseTrack:
    frames = len(rotations)
    both = np.stack([np.broadcast_to(np.eye(3), (frames, 3, 3)), rotations], axis=1)
    zero = np.zeros((frames, 2, 3))
    time = np.arange(frames) / 50.0
    return PoseTrack(time, ("below", "above"), np.array([-1, 0]), zero, both, zero[0], zero[0], both[0])


def plate(body: int, lean_deg: float = 0.0) -> Endplate:
    frame = Rotation.from_euler("z", -lean_deg, degrees=True).as_matrix()
    return Endplate("L1", "upper", body, np.zeros(3), frame, 0.03)


def test_sagittal_angle_is_the_difference_of_leans_whatever_the_room():
    room = Rotation.from_euler("yxz", [120, 20, -35], degrees=True).as_matrix()
    track = two_bodies(Rotation.from_euler("z", [[0.0], [10.0], [-60.0]], degrees=True).as_matrix())
    track = replace(track, rotations=room @ track.rotations)
    sagittal, coronal = cobb_angles(track, plate(0, 37.0), plate(1, -13.5))
    np.testing.assert_allclose(np.degrees(sagittal), [50.5, 60.5, -9.5], atol=1e-9)
    np.testing.assert_allclose(coronal, 0.0, atol=1e-12)


def test_coronal_angle_is_positive_to_the_right():
    track = two_bodies(Rotation.from_euler("x", [[25.0], [-8.0]], degrees=True).as_matrix())
    sagittal, coronal = cobb_angles(track, plate(0), plate(1))
    np.testing.assert_allclose(np.degrees(coronal), [25.0, -8.0], atol=1e-9)
    np.testing.assert_allclose(sagittal, 0.0, atol=1e-12)


def test_sample_neutral_has_published_curves(sample):
    """Lordosis 50.5 (Sci Rep 2022, the sum of its segments), kyphosis 32.9 (SIMSPINE), as the sample was built."""
    model, _, track = sample
    rest = replace(track, positions=track.rest_positions[None], rotations=track.rest_rotations[None])
    found = curvature(replace(rest, time=np.zeros(1)), find_endplates(model))
    table = json.loads(sample_vertebrae_path().read_text())
    kyphosis = table["T3"]["inclination_deg"] - table["T12"]["inclination_deg"]
    assert np.degrees(found.lordosis[0]) == pytest.approx(sum(SEGMENTAL_LORDOSIS_DEG.values()), abs=2.0)
    assert np.degrees(found.kyphosis[0]) == pytest.approx(kyphosis, abs=2.0)
    assert any("cannot change" in note for note in found.notes)


def arc(lumbar_deg: float, thoracic_deg: float) -> np.ndarray:
    """Keypoints [1, 9, 3] of a back whose segments lean in steps: two lumbar and two thoracic directions."""
    leans = np.radians([lumbar_deg / 2, 0, -lumbar_deg / 2, 0, 0, thoracic_deg])
    steps = np.column_stack([np.sin(leans), np.cos(leans), np.zeros(6)]) * 0.08
    line = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
    return np.concatenate([line, [[0, -0.05, -0.1], [0, -0.05, 0.1]]])[None]


def test_keypoints_give_the_turn_of_their_line_in_any_room():
    points = arc(40.0, 25.0)
    room = Rotation.from_euler("xyz", [70, -20, 140], degrees=True).as_matrix()
    for found in (keypoint_curvature(points, NAMES), keypoint_curvature(points @ room.T + 3.0, NAMES)):
        assert np.degrees(found.lordosis[0]) == pytest.approx(40.0, abs=1e-6)
        assert np.degrees(found.kyphosis[0]) == pytest.approx(25.0, abs=1e-6)
        assert found.lumbar_coronal[0] == pytest.approx(0.0, abs=1e-9)


def test_missing_keypoints_are_named():
    with pytest.raises(InputError, match="Spine_03"):
        keypoint_curvature(np.zeros((1, 3, 3)), ("Hip", "Spine_01", "Spine_02"))


def test_level_ranges_are_those_of_the_motions_columns(sample):
    model, motion, track = sample
    cells = {(cell.level, cell.movement): cell for cell in level_ranges(model, track)}
    for level, joint in {"L5-S1": "L5_S1", "T12-L1": "L1_T12"}.items():
        column = motion.values[:, motion.coordinate_names.index(f"{joint}_Flex_Ext")]
        cell = cells[level, "flexion-extension"]
        assert (cell.low, cell.high) == pytest.approx((column.min(), column.max()), abs=1e-9)


def test_unusable_frames_have_no_part_in_the_range():
    angles = np.zeros((4, 1, 3))
    angles[2, 0] = 1.0
    usable = np.array([True, True, False, True])
    assert all(cell.range == 0.0 for cell in ranges_of(("L5-S1",), angles, usable))
    with pytest.raises(InputError, match="no frame"):
        ranges_of(("L5-S1",), angles, np.zeros(4, dtype=bool))


def test_more_than_published_is_told_and_less_is_not():
    cells = ranges_of(("L4-L5",), np.radians([[[0.0, 0.0, 0.0]], [[-10.0, 20.0, 2.9]]]))
    assert [cell.exceeds for cell in cells] == [False, True, False]


def test_ranges_of_several_motions_join_to_the_widest():
    one = ranges_of(("L4-L5",), np.radians([[[0.0, 0, 0]], [[-10.0, 0, 0]]]))
    two = ranges_of(("L4-L5",), np.radians([[[0.0, 0, 0]], [[5.0, 0, 0]]]))
    assert np.degrees(joined([one, two])[0].range) == pytest.approx(15.0)


def test_rhythm_divides_the_bend_as_the_motion_was_written(sample):
    """The pelvis tilts by 38 deg (the file's column); with the lumbar joints' sum it makes the trunk's lean."""
    model, motion, track = sample
    rhythm = lumbopelvic_rhythm(model, track)
    assert rhythm is not None
    tilt = motion.values[:, motion.coordinate_names.index("pelvis_tilt")]
    flexion = [i for i, name in enumerate(motion.coordinate_names) if name[0] == "L" and name.endswith("Flex_Ext")]
    lumbar = motion.values[:, flexion].sum(axis=1)
    np.testing.assert_allclose(rhythm.pelvis, -tilt, atol=1e-4)
    np.testing.assert_allclose(rhythm.lumbar, -lumbar, atol=1e-4)
    deepest = np.argmin(tilt + lumbar)
    assert rhythm.lumbar_share == pytest.approx(lumbar[deepest] / (lumbar + tilt)[deepest], abs=1e-3)


def test_published_tables_are_complete():
    assert all(set(rows) == set(LEVELS) for rows in ROM_1978.values())
    assert LORDOSIS[0].range == pytest.approx((27.4, 72.2))
