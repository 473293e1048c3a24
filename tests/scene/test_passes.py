"""Depth, normals and owners at pixel centres, against closed forms: planes, a ball, lenses."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from simspine.exporters.pass_files import read_passes, write_passes
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.scene.passes import PassMaker
from simspine.simspine_addon.scene.visibility_layers import Faces

K = np.array([[90.0, 0, 41.2], [0, 95.0, 29.4], [0, 0, 1.0]])
PLAIN = Camera("c", (80, 60), K, np.eye(3), np.zeros(3))
BENT = replace(PLAIN, distortion_model="brown_conrady", distortion=np.array([-0.25, 0.08, 0.004, -0.003, -0.01]))
FISHEYE = replace(PLAIN, distortion_model="fisheye", distortion=np.array([0.05, -0.02, 0.004, -0.001]))


def faces(triangles, body=0):
    count = len(triangles)
    zeros = np.zeros(count, np.int64)
    return Faces(np.asarray(triangles, np.int64), zeros, zeros, zeros + body)


def slanted_floor():
    """A large square through points before and behind the camera: n.x = 1 with n = (0.1, 0.8, 0.2)."""
    n = np.array([0.1, 0.8, 0.2])
    across = np.cross(n, [0.0, 0.0, 1.0])
    across /= np.linalg.norm(across)
    along = np.cross(across, n) / np.linalg.norm(n)
    middle = n / (n @ n)
    corners = np.array([middle + 40 * (i * across + j * along) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    return n, corners, np.array([[0, 1, 2], [0, 2, 3]])


def directions(camera):
    width, height = camera.size
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 1, 2).astype(float)
    if camera.distortion_model == "fisheye":
        seen = cv2.fisheye.undistortPoints(pixels, camera.K, camera.distortion)
    else:
        strict = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-13)
        seen = cv2.undistortPoints(
            pixels, camera.K, camera.distortion if camera.distortion.size else None, criteria=strict
        )
    return np.concatenate([seen.reshape(height, width, 2), np.ones((height, width, 1))], axis=-1)


@pytest.mark.parametrize("camera", [PLAIN, BENT, FISHEYE], ids=["pinhole", "brown_conrady", "fisheye"])
def test_a_floor_that_runs_under_the_camera_has_the_depth_and_normal_of_its_plane(camera):
    n, corners, triangles = slanted_floor()
    passes = PassMaker([], (corners, triangles)).image(camera, [], normals=True)
    height = directions(camera) @ n
    with np.errstate(divide="ignore"):
        expected = 1.0 / height
    sure = (height > 0.05) & (expected < 30)
    assert sure.sum() > 500
    np.testing.assert_allclose(passes.depth[sure], expected[sure], rtol=1e-5)
    assert np.isinf(passes.depth[height < -1e-3]).all()
    np.testing.assert_allclose(passes.normal[sure], np.broadcast_to(-n / np.linalg.norm(n), (sure.sum(), 3)), atol=1e-6)
    assert (passes.normal[height < -1e-3] == 0).all()
    assert (passes.person == 0).all()


def ball(centre, radius, rings=40):
    polar, around = np.meshgrid(np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings), indexing="ij")
    places = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1)
    index = np.arange(polar.size).reshape(polar.shape)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return centre + radius * places.reshape(-1, 3), triangles


def test_of_two_people_the_nearer_one_owns_the_pixel_and_is_smooth():
    near, near_triangles = ball(np.array([0.1, 0.0, 2.0]), 0.3)
    far, far_triangles = ball(np.array([-0.1, 0.0, 3.0]), 0.6)
    maker = PassMaker([faces(far_triangles, body=4), faces(near_triangles, body=9)])
    passes = maker.image(PLAIN, [far, near], normals=True, bodies=True)
    rays = directions(PLAIN)

    def meets(centre, radius):
        along, square = rays @ centre, np.einsum("hwi,hwi->hw", rays, rays)
        inside = along**2 - square * (centre @ centre - radius**2)
        return inside > 0.002, (along - np.sqrt(np.maximum(inside, 0))) / square

    seen, depth = meets(np.array([0.1, 0.0, 2.0]), 0.3)
    behind, _ = meets(np.array([-0.1, 0.0, 3.0]), 0.6)
    assert (passes.person[seen] == 2).all()
    assert (passes.body[seen] == 10).all()
    assert (passes.person[behind & ~seen] > 0).all()
    assert (passes.body[passes.person == 1] == 5).all()
    np.testing.assert_allclose(passes.depth[seen], depth[seen], atol=0.01)
    outward = (rays * depth[..., None] - [0.1, 0.0, 2.0])[seen] / 0.3
    assert np.einsum("ni,ni->n", outward, passes.normal[seen]).min() > np.cos(np.radians(6))


def test_passes_are_written_alike_twice_and_come_back(tmp_path):
    vertices, triangles = ball(np.array([0.0, 0.0, 2.0]), 0.4, rings=12)
    passes = PassMaker([faces(triangles)]).image(PLAIN, [vertices], bodies=True)
    for name in ("a.npz", "b.npz"):
        write_passes(tmp_path / name, passes, ("depth", "person", "body"), [("pelvis",)])
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = read_passes(tmp_path / "a.npz")
    np.testing.assert_array_equal(back["depth"], passes.depth)
    assert back["body_names_1"].tolist() == ["pelvis"]
    with pytest.raises(InputError, match="normal"):
        write_passes(tmp_path / "c.npz", passes, ("normal",))
    with pytest.raises(InputError, match="colour"):
        write_passes(tmp_path / "c.npz", passes, ("colour",))
