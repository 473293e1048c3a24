"""Triangulation against known points: exact labels, noise, lost views, gross outliers, and its own error bars."""

import cv2
import numpy as np
import pytest
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.capture.triangulate import TriangulationOptions, triangulate
from simspine.simspine_addon.model.errors import InputError

LENSES = {
    "pinhole": ("none", []),
    "h36m": ("brown_conrady", [-0.2071, 0.2478, -0.0010, -0.0031, -0.0031]),
    "fisheye": ("fisheye", [0.021, -0.0043, 0.0021, -0.0007]),
}


def ring_of_cameras(count: int = 4, lens: str = "pinhole", radius_m: float = 4.0) -> tuple[Camera, ...]:
    """Cameras around the origin that look at (0, 1, 0), none of them opposite another."""
    model, coefficients = LENSES[lens]
    K = np.array([[1145.0, 0.0, 512.5], [0.0, 1143.7, 515.25], [0.0, 0.0, 1.0]])
    cameras = []
    for index in range(count):
        angle = 2 * np.pi * (index + 0.13 * index**2) / count + 0.3
        place = np.array([radius_m * np.cos(angle), 1.5 + 0.1 * index, radius_m * np.sin(angle)])
        forward = np.array([0, 1.0, 0]) - place
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0, 1.0, 0])
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        cameras.append(Camera(f"cam_{index + 1:02d}", (1000, 1000), K, R, -R @ place, model, np.array(coefficients)))
    return tuple(cameras)


def opencv_pixels(cameras, points) -> np.ndarray:
    """[..., V, 2], by OpenCV."""
    views = []
    for camera in cameras:
        vector, _ = cv2.Rodrigues(camera.R)
        flat = np.ascontiguousarray(points.reshape(-1, 1, 3))
        if camera.distortion_model == "fisheye":
            pixels, _ = cv2.fisheye.projectPoints(flat, vector, camera.t, camera.K, camera.distortion)
        else:
            pixels, _ = cv2.projectPoints(flat, vector, camera.t, camera.K, camera.distortion)
        views.append(pixels.reshape(*points.shape[:-1], 2))
    return np.stack(views, axis=-2)


def body_points(frames: int = 60, keypoints: int = 12) -> np.ndarray:
    random = np.random.default_rng(2)
    rest = random.uniform([-0.4, 0.2, -0.4], [0.4, 1.8, 0.4], (keypoints, 3))
    phase = random.uniform(0, 6, (keypoints, 3))
    return rest + 0.15 * np.sin(0.15 * np.arange(frames)[:, None, None] + phase)


def error_mm(found, points) -> np.ndarray:
    return 1000 * np.linalg.norm(found.positions - points, axis=-1)


@pytest.mark.parametrize("lens", LENSES)
def test_exact_pixels_of_any_lens_give_the_points_to_a_micrometre(lens):
    cameras, points = ring_of_cameras(lens=lens), body_points()
    found = triangulate(cameras, opencv_pixels(cameras, points))
    assert error_mm(found, points).max() < 1e-3
    assert found.used.all()
    assert np.nanmax(found.errors_px) < 1e-6
    assert found.confidence.min() == 1.0


def test_two_views_are_enough_and_one_is_not():
    cameras, points = ring_of_cameras(), body_points()
    pixels = opencv_pixels(cameras, points)
    pixels[:, :, 2:] = np.nan
    assert error_mm(triangulate(cameras, pixels), points).max() < 1e-3
    pixels[:, :, 1] = np.nan
    alone = triangulate(cameras, pixels)
    assert np.isnan(alone.positions).all()
    assert not alone.used.any()
    assert (alone.confidence == 0).all()


@pytest.mark.parametrize("noise_px", [2.0, 10.0])
@pytest.mark.parametrize("lost", [False, True])
def test_covariance_is_that_of_the_errors_and_noise_is_found(noise_px, lost):
    """The mean of d^T C^-1 d over many points is 3, and C over the scatter of one geometry is 1, within 10 %."""
    cameras, random = ring_of_cameras(lens="h36m"), np.random.default_rng(4)
    points = np.tile(body_points(1, 4), (3000, 1, 1))
    pixels = opencv_pixels(cameras, points) + random.normal(0, noise_px, (3000, 4, 4, 2))
    if lost:
        pixels[:, :, 1] = np.nan
    found = triangulate(cameras, pixels)
    assert abs(found.noise_px / noise_px - 1) < 0.03
    off = found.positions - points
    distance = np.einsum("tki,tkij,tkj->tk", off, np.linalg.inv(found.covariance), off)
    assert abs(distance.mean() / 3 - 1) < 0.1
    for keypoint in range(4):
        scatter = np.cov(off[:, keypoint].T)
        claimed = found.covariance[:, keypoint].mean(axis=0)
        assert np.abs(np.linalg.eigvalsh(claimed) / np.linalg.eigvalsh(scatter) - 1).max() < 0.1


def test_robust_result_is_as_good_as_least_squares_on_clean_noise():
    """Against scipy's least squares on all residuals, point by point."""
    from scipy.optimize import least_squares

    cameras, random = ring_of_cameras(), np.random.default_rng(5)
    points = body_points(3, 5)
    pixels = opencv_pixels(cameras, points) + random.normal(0, 1.0, (3, 5, 4, 2))
    found = triangulate(cameras, pixels)
    for frame in range(3):
        for keypoint in range(5):

            def off(place, frame=frame, keypoint=keypoint):
                return (opencv_pixels(cameras, place[None])[0] - pixels[frame, keypoint]).ravel()

            best = least_squares(off, points[frame, keypoint], loss="linear", xtol=1e-12, gtol=1e-12).x
            assert np.linalg.norm(found.positions[frame, keypoint] - best) < 5e-4


def test_a_tenth_of_gross_outliers_hardly_moves_the_points():
    cameras, random = ring_of_cameras(5), np.random.default_rng(6)
    points = body_points(100)
    pixels = opencv_pixels(cameras, points) + random.normal(0, 2.0, (100, 12, 5, 2))
    clean = np.median(error_mm(triangulate(cameras, pixels), points))
    wrong = random.random(pixels.shape[:3]) < 0.1
    pixels[wrong] = random.uniform(0, 1000, (wrong.sum(), 2))
    found = triangulate(cameras, pixels, options=TriangulationOptions(min_views=3))
    error = error_mm(found, points)
    assert np.nanmedian(error) < 1.2 * clean
    assert (error > 60).sum() <= 1  # two wrong of five may agree with a right one by chance
    assert np.isfinite(error).mean() > 0.98
    far = np.linalg.norm(pixels - opencv_pixels(cameras, points), axis=-1) > 30
    assert (found.used & far).sum() <= 1


def test_a_view_that_is_wrong_for_one_point_is_named_and_left_out():
    cameras, points = ring_of_cameras(), body_points(1, 6)
    pixels = opencv_pixels(cameras, points)
    pixels[0, 3, 2] += [80.0, -35.0]
    found = triangulate(cameras, pixels)
    assert error_mm(found, points).max() < 1e-3
    assert np.argwhere(~found.used).tolist() == [[0, 3, 2]]
    assert abs(found.errors_px[0, 3, 2] - np.hypot(80, 35)) < 2
    assert found.confidence[0, 3] == 0.75


def test_a_score_weighs_a_view_and_a_low_one_leaves_it_out():
    cameras, points = ring_of_cameras(), body_points(1, 6)
    pixels = opencv_pixels(cameras, points)
    pixels[:, :, 2] += 3.0
    scores = np.ones(pixels.shape[:-1])
    full = error_mm(triangulate(cameras, pixels, scores), points).mean()
    scores[:, :, 2] = 0.4
    weighed = error_mm(triangulate(cameras, pixels, scores), points).mean()
    scores[:, :, 2] = 0.2
    left_out = triangulate(cameras, pixels, scores)
    assert weighed < 0.7 * full
    assert error_mm(left_out, points).max() < 1e-3
    assert not left_out.seen[..., 2].any()


def test_rays_that_nearly_coincide_give_no_point():
    first, *_ = ring_of_cameras()
    shift = np.array([0.02, 0.0, 0.0])
    second = Camera("b", first.size, first.K, first.R, first.t - shift)
    points = body_points(20, 5)
    pixels = opencv_pixels((first, second), points) + np.random.default_rng(1).normal(0, 2, (20, 5, 2, 2))
    assert np.isnan(triangulate((first, second), pixels).positions).all()


def test_a_person_no_view_shows_gives_nan_and_no_error():
    found = triangulate(ring_of_cameras(), np.full((5, 7, 4, 2), np.nan))
    assert np.isnan(found.positions).all()
    assert found.positions.shape == (5, 7, 3)


@pytest.mark.parametrize(
    ("options", "problem"),
    [(TriangulationOptions(min_views=1), "1 views cannot"), (TriangulationOptions(min_views=5), "5 views are wanted")],
)
def test_impossible_numbers_of_views_are_refused(options, problem):
    with pytest.raises(InputError, match=problem):
        triangulate(ring_of_cameras(), np.zeros((1, 4, 2)), options=options)


def test_pixels_of_another_number_of_cameras_are_refused():
    with pytest.raises(InputError, match="4 cameras"):
        triangulate(ring_of_cameras(), np.zeros((1, 3, 2)))


REGIONS = ("body", "cervical", "thoracic", "lumbar")


@pytest.mark.parametrize("motion", ["trunk_flexion", "walking"])
def test_exact_labels_of_the_samples_come_back_in_every_region(motion):
    """MPJPE and P-MPJPE below 0.01 mm by region, from the arrays that a render writes as its labels."""
    from pathlib import Path

    from simspine.exporters.labels import make_labels
    from simspine.simspine_addon.capture.camera_presets import human36m_preset
    from simspine.simspine_addon.kinematics.forward import pose_track
    from simspine.simspine_addon.model.document import read_model
    from simspine.simspine_addon.model.motion import read_motion
    from simspine.simspine_addon.spine.keypoints import (
        KEYPOINT_NAMES,
        KEYPOINT_PARENTS,
        KEYPOINT_REGIONS,
        keypoint_positions,
    )

    folder = Path(__file__).parents[2] / "sample_rigs/data"
    model = read_model(folder / "simspine_sample.osim")
    track = pose_track(model, read_motion(folder / f"{motion}.mot", model))
    points = keypoint_positions(model, track)[::5]
    cameras = human36m_preset(points)
    frames = np.arange(len(points))
    labels = make_labels(cameras, KEYPOINT_NAMES, KEYPOINT_PARENTS, points, frames, frames / 10.0)
    found = triangulate(cameras, labels.points_2d.transpose(1, 2, 0, 3))
    for region in REGIONS:
        chosen = [index for index, each in enumerate(KEYPOINT_REGIONS) if each == region]
        assert error_mm(found, points)[:, chosen].mean() < 1e-3
        assert procrustes_mm(found.positions[:, chosen], points[:, chosen]) < 0.01


def procrustes_mm(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance after the best similarity of each frame, by scipy's orthogonal Procrustes."""
    from scipy.linalg import orthogonal_procrustes

    distances = []
    for ours, theirs in zip(found, truth, strict=True):
        a, b = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
        turn, _ = orthogonal_procrustes(a, b)
        scale = np.trace((a @ turn).T @ b) / np.trace(a.T @ a)
        distances.append(np.linalg.norm(scale * a @ turn - b, axis=1))
    return float(1000 * np.mean(distances))


def test_the_real_capture_comes_back_with_the_error_that_its_cameras_allow(capture):
    """Its markers in the four views with 3 px of noise; the expected error is that of the linearised geometry."""
    from simspine.simspine_addon.capture.calibration import read_calibration
    from simspine.simspine_addon.model.markers import read_trc

    cameras = read_calibration(capture / "cameras.toml")
    points = read_trc(capture / "markers.trc").positions
    exact = opencv_pixels(cameras, points)
    assert error_mm(triangulate(cameras, exact), points).max() < 1e-3
    found = triangulate(cameras, exact + np.random.default_rng(8).normal(0, 3.0, exact.shape))
    expected = expected_rms_mm(cameras, points, 3.0)
    assert abs(np.sqrt((error_mm(found, points) ** 2).mean()) / expected - 1) < 0.05
    assert abs(found.noise_px / 3.0 - 1) < 0.05


def expected_rms_mm(cameras, points, noise_px: float) -> float:
    """Root of the mean trace of noise^2 (J^T J)^-1, J by differences of OpenCV's projection."""
    flat = points.reshape(-1, 3)
    columns = [(opencv_pixels(cameras, flat + d) - opencv_pixels(cameras, flat - d)) / 2e-4 for d in 1e-4 * np.eye(3)]
    slope = np.stack(columns, axis=-1).reshape(len(flat), -1, 3)
    covariance = np.linalg.inv(slope.transpose(0, 2, 1) @ slope) * noise_px**2
    return float(1000 * np.sqrt(np.trace(covariance, axis1=1, axis2=2).mean()))
