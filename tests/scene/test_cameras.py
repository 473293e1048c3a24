"""A camera put into Blender and read back is the same camera; what Blender cannot hold is refused."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.simspine_addon.capture.camera import Camera  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.scene.cameras import activate, add_camera, move_camera, read_camera  # noqa: E402


@pytest.fixture
def scene():
    made = bpy.data.scenes.new("cameras")
    yield made
    bpy.data.scenes.remove(made)


def rotation(rng):
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


def some_camera(rng, size=(1001, 733), fx=900.0, fy=870.0):
    cx, cy = (size[0] - 1) / 2 + rng.normal() * 40, (size[1] - 1) / 2 + rng.normal() * 40
    K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    return Camera("c", size, K, rotation(rng), rng.normal(size=3) * 3)


@pytest.mark.parametrize(
    ("size", "fx", "fy"),
    [((1001, 733), 900, 870), ((480, 1000), 500, 610), ((64, 64), 40, 40), ((1920, 1080), 6e3, 6e3)],
)
def test_a_camera_comes_back_as_it_went_in(scene, size, fx, fy):
    rng = np.random.default_rng(5)
    for _ in range(5):
        camera = some_camera(rng, size, fx, fy)
        back = read_camera(add_camera(scene, camera), scene)
        assert back.size == camera.size
        np.testing.assert_allclose(back.K, camera.K, atol=2e-6 * max(fx, *size))
        np.testing.assert_allclose(back.R, camera.R, atol=1e-6)
        np.testing.assert_allclose(back.t, camera.t, atol=3e-6)


@pytest.mark.parametrize("fit", ["AUTO", "HORIZONTAL", "VERTICAL"])
@pytest.mark.parametrize(
    ("size", "aspect"), [((300, 200), (1.0, 1.0)), ((200, 300), (1.0, 1.5)), ((310, 300), (1.2, 1.0))]
)
def test_a_camera_made_by_hand_is_read_as_blender_sees_through_it(scene, fit, size, aspect):
    data = bpy.data.cameras.new("hand")
    data.sensor_fit, data.lens, data.sensor_width, data.sensor_height = fit, 42.0, 30.0, 20.0
    data.shift_x, data.shift_y = 0.07, -0.11
    obj = bpy.data.objects.new("hand", data)
    scene.collection.objects.link(obj)
    obj.location, obj.rotation_euler = (1.0, -4.0, 1.5), (1.2, 0.1, 0.3)
    render = scene.render
    render.resolution_x, render.resolution_y = size
    render.resolution_percentage = 100
    render.pixel_aspect_x, render.pixel_aspect_y = aspect
    scene.camera = obj
    scene.view_layers[0].update()
    camera = read_camera(obj, scene)
    # Oracle: Blender's own projection matrix, whose clip coordinates run from -1 to 1 over the image.
    graph = scene.view_layers[0].depsgraph
    projection = np.array(
        obj.calc_matrix_camera(
            graph, x=size[0], y=size[1], scale_x=render.pixel_aspect_x, scale_y=render.pixel_aspect_y
        )
    )
    point = np.array([0.3, 0.2, 0.7])  # Blender's world
    clip = projection @ np.linalg.inv(np.array(obj.matrix_world)) @ np.append(point, 1)
    expected = (np.array([clip[0], -clip[1]]) / clip[3] + 1) / 2 * size - 0.5
    opensim_point = np.array([point[0], point[2], -point[1]])
    image = camera.K @ (camera.R @ opensim_point + camera.t)
    np.testing.assert_allclose(image[:2] / image[2], expected, atol=1e-3)


def test_activate_gives_the_scene_the_cameras_size_and_pixel_aspect(scene):
    rng = np.random.default_rng(1)
    wide, tall = some_camera(rng, (640, 480), 500, 400), some_camera(rng, (480, 640), 400, 500)
    first, second = add_camera(scene, wide), add_camera(scene, tall)
    activate(scene, first)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (640, 480)
    assert scene.render.pixel_aspect_y / scene.render.pixel_aspect_x == pytest.approx(1.25)
    activate(scene, second)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (480, 640)
    assert scene.render.pixel_aspect_y / scene.render.pixel_aspect_x == pytest.approx(0.8)
    assert scene.camera == second


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"K": np.array([[500, 3, 320], [0, 500, 240], [0, 0, 1.0]])}, "skew"),
        ({"K": np.array([[-500, 0, 320], [0, 500, 240], [0, 0, 1.0]])}, "focal"),
        ({"K": np.array([[500, 0, 320], [0, 500, 240], [0, 0, np.nan]])}, "finite"),
        ({"R": np.diag([1.0, 1.0, -1.0])}, "rotation"),
        ({"size": (0, 480)}, "size"),
        ({"K": np.array([[5, 0, 320], [0, 5, 240], [0, 0, 1.0]])}, "lens"),
    ],
)
def test_a_camera_that_blender_cannot_hold_is_refused_in_one_line(scene, change, says):
    fields = {"name": "c", "size": (640, 480), "K": np.diag([500, 500, 1.0]), "R": np.eye(3), "t": np.zeros(3)}
    with pytest.raises(InputError, match=says) as caught:
        add_camera(scene, Camera(**(fields | change)))
    assert "\n" not in str(caught.value)
    assert "'c'" in str(caught.value)


def test_a_camera_that_is_carried_stands_where_each_frame_has_it(scene):
    rng = np.random.default_rng(2)
    camera = some_camera(rng)
    obj = add_camera(scene, camera)
    R, t = rotation(rng), rng.normal(size=3)
    move_camera(obj, R, t)
    back = read_camera(obj, scene)
    np.testing.assert_allclose(back.R, R, atol=1e-6)
    np.testing.assert_allclose(back.t, t, atol=3e-6)
    np.testing.assert_allclose(back.K, camera.K, atol=3e-3)
