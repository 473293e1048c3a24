"""Joint angles and markers of poses, read back by opensim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simspine.exporters.opensim_motion import export_mot, export_sto, export_trc, marker_track
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.markers import read_trc
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES


@pytest.fixture(scope="module")
def model():
    return read_model(sample_model_path())


@pytest.fixture(scope="module")
def motion(model):
    motion = read_motion(sample_motion_path("lifting_with_twist"), model)
    return replace(motion, time=motion.time[::10], values=motion.values[::10])


@pytest.fixture(scope="module")
def track(model, motion):
    return pose_track(model, motion)


@pytest.fixture(scope="module")
def opensim():
    library = pytest.importorskip("opensim")
    library.Logger.setLevelString("error")
    return library


def table_columns(table):
    return {name: table.getDependentColumn(name).to_numpy() for name in table.getColumnLabels()}


def rotational(model):
    return np.array([coordinate.motion_type == "rotational" for coordinate in model.coordinates])


@pytest.mark.parametrize("degrees", [True, False])
def test_opensim_reads_the_angles_that_went_in(degrees, model, motion, track, tmp_path, opensim):
    export_mot(tmp_path / "back again.mot", model, track, degrees=degrees)
    table = opensim.TimeSeriesTable(str(tmp_path / "back again.mot"))
    assert table.getTableMetaDataAsString("inDegrees") == ("yes" if degrees else "no")
    columns = table_columns(table)
    wanted = np.where(rotational(model) & degrees, np.degrees(motion.values), motion.values)
    assert np.allclose(table.getIndependentColumn(), motion.time, atol=1e-12)
    assert np.abs(np.stack([columns[name] for name in model.coordinate_names], axis=1) - wanted).max() < 1e-9


def test_states_put_opensims_own_model_where_the_bodies_stood(model, motion, track, tmp_path, opensim):
    export_sto(tmp_path / "states.sto", model, track)
    engine = opensim.Model(str(sample_model_path()))
    coordinates = engine.updCoordinateSet()
    for index in range(coordinates.getSize()):
        coordinates.get(index).set_locked(False)  # opensim makes the states of locked coordinates NaN
    engine.initSystem()
    table = opensim.TimeSeriesTable(str(tmp_path / "states.sto"))
    states = opensim.StatesTrajectory.createFromStatesTable(engine, table, True, False, False)
    assert states.getSize() == len(motion.time)
    for row in (0, 17, len(motion.time) - 1):
        state = states.get(row)
        engine.realizePosition(state)
        for body, name in enumerate(model.body_names):
            place = engine.getBodySet().get(name).getTransformInGround(state).p().to_numpy()
            assert np.abs(place - track.positions[row, body]).max() < 1e-8, name


def test_states_hold_speeds_of_the_values(model, motion, track, tmp_path, opensim):
    uniform = replace(track, time=np.arange(len(motion.time)) / 6.0)
    export_sto(tmp_path / "states.sto", model, uniform)
    columns = table_columns(opensim.TimeSeriesTable(str(tmp_path / "states.sto")))
    path = "/jointset/hip_r/hip_flexion_r"
    value = motion.values[:, model.coordinate_names.index("hip_flexion_r")]
    assert np.allclose(columns[f"{path}/value"], value, atol=1e-12)
    assert np.allclose(columns[f"{path}/speed"][1:-1], (value[2:] - value[:-2]) * 3.0, atol=1e-12)


def test_states_read_back_as_a_motion(model, motion, track, tmp_path):
    export_sto(tmp_path / "states.sto", model, track)
    back = read_motion(tmp_path / "states.sto", model)
    assert np.abs(back.values - motion.values).max() < 1e-12
    assert back.warnings == ()


def test_what_the_joints_cannot_follow_is_returned(model, track, tmp_path):
    positions = track.positions.copy()
    head = model.body_names.index("head")
    positions[5, head, 2] += 0.02
    result = export_mot(tmp_path / "a.mot", model, replace(track, positions=positions))
    assert result.residual_position.max() == pytest.approx(0.02, abs=1e-9)
    assert any("20 mm" in note and "most in frame 6" in note for note in result.notes)


def test_bodies_in_another_order_are_sorted_out(model, motion, track, tmp_path):
    order = np.random.default_rng(1).permutation(len(track.names))
    shuffled = replace(
        track,
        names=tuple(track.names[i] for i in order),
        positions=track.positions[:, order],
        rotations=track.rotations[:, order],
        centres=track.centres[order],
        rest_positions=track.rest_positions[order],
        rest_rotations=track.rest_rotations[order],
    )
    assert np.abs(export_mot(tmp_path / "a.mot", model, shuffled).values - motion.values).max() < 1e-9
    assert np.array_equal(marker_track(model, shuffled).positions, marker_track(model, track).positions)


@pytest.mark.parametrize("unit", ["m", "mm"])
def test_opensim_reads_the_markers_where_its_own_model_has_them(unit, model, motion, track, tmp_path, opensim):
    export_trc(tmp_path / "markers.trc", model, track, unit=unit)
    table = opensim.TimeSeriesTableVec3(str(tmp_path / "markers.trc"))
    factor = {"m": 1.0, "mm": 1e-3}[unit]
    engine = pytest.importorskip("simspine.simspine_addon.kinematics.opensim_engine").OpensimEngine(sample_model_path())
    _, _, theirs = engine.run(motion.values[:3], motion.coordinate_names)
    for index, name in enumerate(engine.marker_names):
        column = table.getDependentColumn(name)
        for row in range(3):
            read = np.array([column[row][axis] for axis in range(3)]) * factor
            assert np.abs(read - theirs[row, index]).max() < 1e-7, name


def test_keypoints_alone_and_with_markers(model, track, tmp_path):
    keypoints = export_trc(tmp_path / "keypoints.trc", model, track, points="keypoints")
    both = marker_track(model, track, points="both")
    assert set(keypoints.names) <= set(KEYPOINT_NAMES)
    assert both.names[: len(model.marker_names)] == model.marker_names
    assert set(both.names) == set(model.marker_names) | set(keypoints.names)
    assert np.abs(read_trc(tmp_path / "keypoints.trc").positions - keypoints.positions).max() < 1e-12


def test_a_model_without_markers_is_refused(model, track, tmp_path):
    with pytest.raises(InputError, match="has no markers"):
        export_trc(tmp_path / "a.trc", replace(model, markers=()), track)
    assert list(tmp_path.iterdir()) == []


def test_one_frame_is_written(model, track, tmp_path):
    one = replace(track, time=track.time[:1], positions=track.positions[:1], rotations=track.rotations[:1])
    export_mot(tmp_path / "a.mot", model, one)
    export_sto(tmp_path / "a.sto", model, one)
    assert len(read_motion(tmp_path / "a.mot", model).time) == len(read_motion(tmp_path / "a.sto", model).time) == 1


def test_no_frames_are_refused_and_leave_nothing(model, track, tmp_path):
    none = replace(track, time=track.time[:0], positions=track.positions[:0], rotations=track.rotations[:0])
    for export, name in ((export_mot, "a.mot"), (export_sto, "a.sto"), (export_trc, "a.trc")):
        with pytest.raises(InputError, match="no frames"):
            export(tmp_path / name, model, none)
    assert list(tmp_path.iterdir()) == []
