"""Whole recordings, and inputs that lie: each is named in one line, or handled."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simspine.simspine_addon.capture.camera_presets import human36m_preset, look_at
from simspine.simspine_addon.capture.detection_layouts import partners
from simspine.simspine_addon.capture.detections import make_detections
from simspine.simspine_addon.capture.people import match_people
from simspine.simspine_addon.capture.projection import project
from simspine.simspine_addon.capture.triangulate_recording import RecordingOptions, triangulate_recording
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, keypoint_positions

SAMPLES = Path(__file__).parents[2] / "sample_rigs/data"
K = np.array([[1145.0, 0.0, 499.5], [0.0, 1145.0, 499.5], [0.0, 0.0, 1.0]])
PLACES = [(4.2, 1.5, 1.6), (-1.4, 1.7, 4.5), (-4.4, 1.4, -0.9), (1.9, 1.9, -4.0)]  # no symmetry
H36M_LENS = np.array([-0.2071, 0.2478, -0.0010, -0.0031, -0.0031])
NOISE_PX = 2.0


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """[100, 37, 3] m: trunk flexion of the sample model, at 50 Hz."""
    model = read_model(SAMPLES / "simspine_sample.osim")
    track = pose_track(model, read_motion(SAMPLES / "lifting_with_twist.mot", model))
    found = keypoint_positions(model, track)[100:200]
    return found - [*found.mean(axis=(0, 1))[[0]], 0, *found.mean(axis=(0, 1))[[2]]]


@pytest.fixture(scope="module")
def cameras():
    aim = np.array([0, 0.9, 0])
    return tuple(look_at(f"cam_{i + 1:02d}", np.array(p), aim, (1000, 1000), K) for i, p in enumerate(PLACES))


def filmed(cameras, points, noise_px: float = NOISE_PX) -> np.ndarray:
    """[T, V, K, 2] px."""
    exact = np.stack([project(camera, points)[0] for camera in cameras], axis=1)
    return exact + np.random.default_rng(0).normal(0, 1, exact.shape) * noise_px


def detections(cameras, pixels, names=KEYPOINT_NAMES):
    """One person's, or with pixels [T, V, P, K, 2] several people's."""
    pixels = pixels[:, :, None] if pixels.ndim == 4 else pixels
    scores = np.isfinite(pixels).all(axis=-1).astype(float)
    names = [camera.name for camera in cameras], names
    return make_detections(pixels, scores, camera_names=names[0], keypoint_names=names[1], rate=50.0)


def error_mm(recording, points) -> np.ndarray:
    return 1000 * np.linalg.norm(recording.track.positions - points, axis=-1)


def test_exact_pixels_give_exact_tracks_and_no_finding(cameras, points):
    recording = triangulate_recording(cameras, detections(cameras, filmed(cameras, points, 0.0)))
    assert error_mm(recording, points).max() < 1e-3
    assert not recording.findings
    assert not recording.track.warnings
    assert not recording.gaps


@pytest.mark.parametrize("noise_px", [1.0, 3.0, 10.0])
def test_honest_noise_is_no_lie(cameras, points, noise_px):
    recording = triangulate_recording(cameras, detections(cameras, filmed(cameras, points, noise_px)))
    assert not recording.findings
    assert abs(recording.raw.noise_px / noise_px - 1) < 0.05
    assert not recording.exchanged.any()


@pytest.mark.parametrize(
    ("order", "names"), [((1, 0, 2, 3), ("cam_01", "cam_02")), ((0, 3, 2, 1), ("cam_02", "cam_04"))]
)
def test_swapped_cameras_are_named(cameras, points, order, names):
    with pytest.raises(InputError, match="cameras are swapped") as error:
        triangulate_recording(cameras, detections(cameras, filmed(cameras, points)[:, order]))
    assert f"{names[0]} for {names[1]}" in str(error.value)
    others = {"cam_01", "cam_02", "cam_03", "cam_04"} - set(names)
    assert not any(name in str(error.value) for name in others)


def test_calibration_and_detections_of_different_recordings_do_not_fit(cameras, points):
    random = np.random.default_rng(3)
    pixels = random.uniform(0, 1000, filmed(cameras, points).shape)
    with pytest.raises(InputError, match="do not fit each other"):
        triangulate_recording(cameras, detections(cameras, pixels))


def test_the_calibration_of_another_rig_is_no_mirrored_image(points):
    """A symmetric rig elsewhere: turned about, any one of its images fits the others' calibration by chance."""
    here, there = (
        human36m_preset(points, size=(1000, 1000)),
        human36m_preset(points + np.array([3, 0, 1]), size=(1280, 720)),
    )
    with pytest.raises(InputError, match="do not fit each other"):
        triangulate_recording(there, detections(here, filmed(here, points)))


def test_pixels_beyond_the_calibrated_image_are_named(cameras, points):
    small = tuple(replace(camera, size=(400, 400)) for camera in cameras)
    with pytest.raises(InputError, match=r"outside the calibration's images: cam_01 \(.* beyond 400 x 400"):
        triangulate_recording(small, detections(cameras, filmed(cameras, points)))


def test_a_refusal_tells_that_views_were_taken_in_alphabetical_order(cameras, points):
    found = detections(cameras, filmed(cameras, points)[:, [1, 0, 2, 3]])
    with pytest.raises(InputError, match=r"cameras are swapped: .*; taken in alphabetical order"):
        triangulate_recording(cameras, replace(found, warnings=("taken in alphabetical order",)))


@pytest.mark.parametrize("which", [[2], [0, 1, 2, 3]], ids=["one camera", "all cameras"])
def test_a_lens_other_than_the_calibration_s_is_named(cameras, points, which):
    cameras = [replace(camera, t=0.7 * camera.t + 0.3 * camera.R @ [0, -0.9, 0]) for camera in cameras]  # nearer
    bent = [
        replace(camera, distortion_model="brown_conrady", distortion=H36M_LENS) if index in which else camera
        for index, camera in enumerate(cameras)
    ]
    recording = triangulate_recording(cameras, detections(cameras, filmed(bent, points)))
    finding = next(each for each in recording.findings if each.kind == "wrong distortion")
    for index, camera in enumerate(cameras):
        assert (camera.name in finding.text) == (index in which)
    honest = triangulate_recording(bent, detections(cameras, filmed(bent, points)))
    assert not honest.findings


def test_left_and_right_taken_for_each_other_in_one_view_are_exchanged_back(cameras, points):
    pixels = filmed(cameras, points)
    clean = triangulate_recording(cameras, detections(cameras, pixels))
    pixels[30:60, 1] = pixels[30:60, 1][:, partners(KEYPOINT_NAMES)]
    recording = triangulate_recording(cameras, detections(cameras, pixels))
    assert np.flatnonzero(recording.exchanged[:, 1]).tolist() == list(range(30, 60))
    assert not recording.exchanged[:, [0, 2, 3]].any()
    assert np.allclose(recording.track.positions, clean.track.positions, atol=1e-9)
    assert recording.report()["cameras"]["cam_02"]["frames_with_sides_exchanged"] == 30


def test_left_and_right_exchanged_in_all_views_are_named(cameras, points):
    pixels = filmed(cameras, points)[:, :, partners(KEYPOINT_NAMES)]
    with pytest.raises(InputError, match="left and right are exchanged in all views"):
        triangulate_recording(cameras, detections(cameras, pixels))


def test_a_mirrored_video_is_named(cameras, points):
    pixels = filmed(cameras, points)
    pixels[:, 2] = (pixels[:, 2] * [-1, 1] + [999, 0])[:, partners(KEYPOINT_NAMES)]
    with pytest.raises(InputError, match="image of cam_03 is mirrored"):
        triangulate_recording(cameras, detections(cameras, pixels))


def test_a_camera_three_frames_late_is_named_and_put_in_step(cameras, points):
    pixels = filmed(cameras, points)
    pixels[3:, 2] = pixels[:-3, 2].copy()
    pixels[:3, 2] = np.nan
    plain = triangulate_recording(cameras, detections(cameras, pixels))
    assert [each.kind for each in plain.findings] == ["not in step"]
    assert "cam_03" in plain.findings[0].text
    mended = triangulate_recording(cameras, detections(cameras, pixels), RecordingOptions(synchronise=True))
    assert not mended.findings
    assert abs(mended.offsets.frames[2] - 3) < 0.2
    honest = triangulate_recording(cameras, detections(cameras, filmed(cameras, points)))
    assert np.median(error_mm(mended, points)) < 1.05 * np.median(error_mm(honest, points))


@pytest.mark.parametrize(
    ("factor", "problem"), [(1000.0, "in millimetres"), (0.001, "in metres, not"), (100.0, "unit")]
)
def test_a_calibration_in_another_unit_is_named(cameras, points, factor, problem):
    wrong = [replace(camera, t=camera.t * factor) for camera in cameras]
    with pytest.raises(InputError, match=problem) as error:
        triangulate_recording(wrong, detections(cameras, filmed(cameras, points)))
    assert "m tall" in str(error.value)


def test_a_camera_without_detections_does_not_harm(cameras, points):
    pixels = filmed(cameras, points)
    pixels[:, 1] = np.nan
    recording = triangulate_recording(cameras, detections(cameras, pixels))
    assert np.isfinite(recording.track.positions).all()
    assert np.median(error_mm(recording, points)) < 15
    assert recording.report()["cameras"]["cam_02"]["reprojection_error_px"]["median"] is None


def test_detections_of_one_camera_alone_are_refused(cameras, points):
    pixels = filmed(cameras, points)
    pixels[:, 1:] = np.nan
    with pytest.raises(InputError, match="seen by 2 views at once"):
        triangulate_recording(cameras, detections(cameras, pixels))
    with pytest.raises(InputError, match="one camera cannot"):
        triangulate_recording(cameras[:1], detections(cameras[:1], pixels[:, :1]))


def test_a_person_who_leaves_stays_away(cameras, points):
    pixels = filmed(cameras, points)
    pixels[40:44] = pixels[70:] = np.nan
    recording = triangulate_recording(cameras, detections(cameras, pixels), RecordingOptions(cutoff_hz=6.0))
    assert np.isfinite(recording.track.positions[:70]).all()
    assert np.isnan(recording.track.positions[70:]).all()
    assert (recording.track.confidence[70:] == 0).all()
    assert recording.track.warnings == ("the person is not seen from 1.400 to 1.980 s (30 frames); left empty",)
    assert sum(gap.filled for gap in recording.gaps) == len(KEYPOINT_NAMES)


def test_a_chance_agreement_of_two_views_is_not_believed(cameras, points):
    """Two views are put where another point would be: they agree with each other, two metres off."""
    pixels = filmed(cameras, points)
    elsewhere = points[50, 9] + [0.0, 0.5, 0.3]
    for view in (0, 1):
        pixels[50, view, 9] = project(cameras[view], elsewhere)[0]
    pixels[50, 2, 9] += 90.0
    recording = triangulate_recording(cameras, detections(cameras, pixels))
    assert recording.leaps == 1
    assert error_mm(recording, points)[50, 9] < 30  # filled from its neighbours


def two_people(cameras, points):
    """Two people who pass each other, written in another order by every view and frame; the second leaves early."""
    path = np.linspace(-0.8, 0.8, len(points))[:, None, None] * np.array([1.0, 0, 0])
    first, second = points + path + [0, 0, 0.4], points[:, :, :] - path - [0, 0, 0.4]
    both = np.stack([filmed(cameras, first), filmed(cameras, second)], axis=2)
    both[80:, :, 1] = np.nan
    random = np.random.default_rng(7)
    for frame in range(len(points)):
        for view in range(len(cameras)):
            both[frame, view] = both[frame, view][random.permutation(2)]
    return both, first, second


def test_two_people_are_told_apart_in_all_views_and_followed(cameras, points):
    both, first, second = two_people(cameras, points)
    found = detections(cameras, both)
    for person, truth, frames in ((0, first, 100), (1, second, 80)):
        recording = triangulate_recording(cameras, found, RecordingOptions(person=person))
        assert recording.people == 2
        assert f"2 people are seen, and person {person} is followed" in recording.track.warnings[0]
        assert np.median(error_mm(recording, truth)[:frames]) < 12
        assert np.nanmax(error_mm(recording, truth)) < 80
        assert np.isnan(recording.track.positions[frames:]).all()


def test_somebody_whom_one_view_alone_shows_is_told_and_left_out(cameras, points):
    pixels = np.full((100, 4, 2, 37, 2), np.nan)
    pixels[:, :, 0] = filmed(cameras, points)
    pixels[:10, 3, 1] = filmed(cameras, points + np.array([0.3, 0.2, 1.0]))[:10, 3]
    matched = match_people(cameras, detections(cameras, pixels))
    assert matched.points.shape[2] == 1
    assert np.allclose(matched.points[:, :, 0], pixels[:, :, 0])
    assert "10 of 410 people" in matched.warnings[0]


def test_a_person_who_is_not_there_is_refused(cameras, points):
    with pytest.raises(InputError, match="no person 3"):
        triangulate_recording(cameras, detections(cameras, filmed(cameras, points)), RecordingOptions(person=3))


def test_the_report_is_plain_json(cameras, points):
    import json

    pixels = filmed(cameras, points)
    pixels[20:22, :, 4] = np.nan
    report = json.loads(
        json.dumps(triangulate_recording(cameras, detections(cameras, pixels)).report(), allow_nan=False)
    )
    assert report["cameras"]["cam_01"]["reprojection_error_px"]["median"] < 2 * NOISE_PX
    assert report["gaps"] == [{"keypoint": "LEar", "first": 20, "last": 21, "filled": True}] or report["gaps"]
