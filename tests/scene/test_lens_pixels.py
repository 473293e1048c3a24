"""Lens distortion in pixels: glowing spheres rendered through bent lenses lie where OpenCV puts them.

Both ways of bending are held to the same: the camera shader inside Cycles, and the wider image resampled afterwards.
"""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
cv2 = pytest.importorskip("cv2")  # not there in the environments of older Blenders

from simspine.exporters.labels import image_points  # noqa: E402
from simspine.simspine_addon.capture.camera import Camera  # noqa: E402
from simspine.simspine_addon.capture.projection import viewing_directions  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.scene import cameras as scene_cameras  # noqa: E402
from simspine.simspine_addon.scene.cameras import activate, add_camera, read_camera, remap_of  # noqa: E402
from simspine.simspine_addon.scene.lens_osl import osl_is_there  # noqa: E402
from simspine.simspine_addon.scene.lens_remap import lens_remap  # noqa: E402

SIZE = (160, 120)
LENSES = {  # focal lengths in px, model, coefficients
    "barrel": ((120.0, 118.0), "brown_conrady", [-0.25, 0.08, 0.004, -0.003, -0.01]),
    "eight coefficients": ((120.0, 131.0), "brown_conrady", [0.3, -0.1, 0.002, -0.003, 0.05, 0.4, -0.05, 0.02]),
    "fisheye": ((70.0, 71.0), "fisheye", [0.05, -0.02, 0.01, -0.003]),
}
METHODS = ("osl", "remap")


def lens(name):
    (fx, fy), model, coefficients = LENSES[name]
    K = np.array([[fx, 0, 83.3], [0, fy, 55.1], [0, 0, 1.0]])
    rng = np.random.default_rng(7)
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return Camera(name, SIZE, K, q * np.sign(np.linalg.det(q)), rng.normal(size=3), model, np.array(coefficients))


@pytest.fixture(scope="module")
def lit():
    """A scene as a light meter, and the mesh of a glowing ball."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.data.scenes.new("lens pixels")
    scene.world = None
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.max_bounces = "CPU", 96, 0
    scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "BOX", 1.0
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_depth, scene.render.image_settings.color_mode = "32", "RGB"
    bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=4, radius=1.0)
    made = bpy.context.object
    mesh = made.data
    material = bpy.data.materials.new("glow")
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    glow, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(glow.outputs[0], output.inputs["Surface"])
    mesh.materials.append(material)
    bpy.data.objects.remove(made)
    return scene, mesh


def read_linear(path):
    """The light in an OpenEXR file [H, W, C], rows from top to bottom."""
    image = bpy.data.images.load(str(path))
    width, height = image.size
    values = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return values.reshape(height, width, -1)[::-1]


def opencv_pixels(camera, before):
    if camera.distortion_model == "fisheye":
        found = cv2.fisheye.projectPoints(before[:, None], np.zeros(3), np.zeros(3), camera.K, camera.distortion)[0]
    else:
        found = cv2.projectPoints(before, np.zeros(3), np.zeros(3), camera.K, camera.distortion)[0]
    return found.reshape(-1, 2)


def disc_centre(camera, before, radius):
    """Where the middle of a sphere's disc lies by OpenCV: the centroid of its outline, projected as a polygon."""
    distance = np.linalg.norm(before)
    axis = before / distance
    across = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    across /= np.linalg.norm(across)
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)[:, None]
    ring = np.cos(angle) * across + np.sin(angle) * np.cross(axis, across)
    sine = radius / distance
    outline = opencv_pixels(camera, axis * np.sqrt(1 - sine**2) + sine * ring)
    after = np.roll(outline, -1, axis=0)
    areas = outline[:, 0] * after[:, 1] - after[:, 0] * outline[:, 1]
    return ((outline + after) * areas[:, None]).sum(axis=0) / (3 * areas.sum())


def balls_before(camera):
    """Places [12, 3] before the camera that lie spread over its picture, and the balls' radii."""
    rng = np.random.default_rng(2)
    across, down = np.meshgrid(np.linspace(16, SIZE[0] - 17, 4), np.linspace(16, SIZE[1] - 17, 3))
    pixels = np.stack((across, down), axis=-1).reshape(-1, 2) + rng.uniform(-2, 2, (12, 2))
    rays = np.c_[viewing_directions(camera, pixels), np.ones(12)]
    before = rays / np.linalg.norm(rays, axis=1)[:, None] * rng.uniform(2, 4, 12)[:, None]
    return pixels, before, np.linalg.norm(before, axis=1) * 5.5 / camera.K[0, 0]


def picture_of(scene, mesh, camera, places, folder):
    """The picture of balls, by whichever way `cameras` takes."""
    added = []
    for point, radius in places:
        obj = bpy.data.objects.new("ball", mesh)
        obj.location, obj.scale = (point[0], -point[2], point[1]), (radius,) * 3
        scene.collection.objects.link(obj)
        added.append(obj)
    seen_from = add_camera(scene, camera)
    activate(scene, seen_from)
    scene.render.filepath = str(folder / "rendered.exr")
    remap, samples = remap_of(scene, seen_from), scene.cycles.samples
    if remap is not None:  # as many samples for the whole picture
        scene.cycles.samples = max(40, round(samples * np.prod(SIZE) / np.prod(remap.wider.size)))
    bpy.ops.render.render(write_still=True, scene=scene.name)
    scene.cycles.samples = samples
    for obj in added:
        bpy.data.objects.remove(obj)
    rendered = read_linear(folder / "rendered.exr")
    return rendered if remap is None else remap.apply(rendered), seen_from


@pytest.fixture
def method(request, monkeypatch):
    if request.param == "remap":
        monkeypatch.setattr(scene_cameras, "osl_is_there", lambda: False)
    elif not osl_is_there():
        pytest.skip("this Blender has no cameras of Open Shading Language")
    return request.param


@pytest.mark.parametrize("method", METHODS, indirect=True)
@pytest.mark.parametrize("name", LENSES)
def test_a_bent_lens_draws_spheres_where_opencv_and_the_labels_say(lit, name, method, tmp_path):
    scene, mesh = lit
    camera = lens(name)
    pixels, before, radii = balls_before(camera)
    world = (before - camera.t) @ camera.R
    picture, seen_from = picture_of(scene, mesh, camera, zip(world, radii, strict=True), tmp_path)
    assert seen_from.data.type == ("CUSTOM" if method == "osl" else "PERSP")
    light = picture[..., 0].astype(float)
    assert light.shape == SIZE[::-1]
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    errors = []
    for pixel, place, radius in zip(pixels, before, radii, strict=True):
        mine = light * (np.abs(columns - pixel[0]) < 14) * (np.abs(rows - pixel[1]) < 14)
        measured = np.array([(mine * columns).sum(), (mine * rows).sum()]) / mine.sum()
        errors.append(np.linalg.norm(measured - disc_centre(camera, place, radius)))
    print(f"\n{name}, {method}: max {max(errors):.4f} px, mean {np.mean(errors):.4f} px")
    assert max(errors) <= 0.02
    labelled, inside = image_points(camera, before)
    assert inside.all()
    np.testing.assert_allclose(labelled, opencv_pixels(camera, before), atol=1e-6)


def test_the_wider_image_holds_every_ray_that_the_lens_lets_in():
    for name in LENSES:
        camera = lens(name)
        made = lens_remap(camera)
        edge = np.array([[x, y] for x in (-0.5, 80, 159.5) for y in (-0.5, 60, 119.5)])
        places = made.to_wider(edge)
        assert (places >= 0).all()
        assert (places <= np.array(made.wider.size) - 1).all()
        x, y, width, height = made.wider_box(np.array([40.0, 30.0, 50.0, 40.0]))
        inner = made.to_wider(np.array([[40.0, 30.0], [90.0, 70.0], [40.0, 70.0], [90.0, 30.0]]))
        assert (inner > [x, y]).all()
        assert (inner < [x + width, y + height]).all()


def test_each_pixel_is_read_where_opencv_sees_it_come_from():
    """A picture whose colours are its own places: what a pixel holds, seen through OpenCV's lens, is that pixel."""
    camera = lens("barrel")
    made = lens_remap(camera)
    across, down = np.meshgrid(*map(np.arange, made.wider.size))
    picture = made.apply(np.stack((across, down, np.ones_like(across)), axis=-1).astype(np.float32))
    rows, columns = np.mgrid[5:115:10, 5:155:10]
    held = picture[rows, columns].reshape(-1, 3).astype(float)
    assert np.allclose(held[:, 2], 1.0)
    rays = np.c_[(held[:, :2] - made.wider.K[:2, 2]) / made.wider.K[[0, 1], [0, 1]], np.ones(len(held))]
    pixels = np.stack((columns, rows), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(opencv_pixels(camera, rays), pixels, atol=0.02)  # a pixel is the mean over its square


def test_a_lens_that_sees_too_far_for_a_flat_picture_is_refused():
    K = np.array([[51.0, 0, 79.5], [0, 51.0, 59.5], [0, 0, 1.0]])
    camera = Camera("eye", SIZE, K, np.eye(3), np.zeros(3), "fisheye", np.zeros(4))
    with pytest.raises(InputError, match="'eye' sees so far off its axis"):
        lens_remap(camera)


@pytest.mark.parametrize("method", METHODS, indirect=True)
def test_a_bent_camera_comes_back_as_it_went_in(lit, method):
    scene, _ = lit
    for name in LENSES:
        camera = lens(name)
        obj = add_camera(scene, camera)
        for _ in range(2):
            back = read_camera(obj, scene)
            assert (back.size, back.distortion_model) == (camera.size, camera.distortion_model)
            assert np.array_equal(back.K, camera.K)
            assert np.array_equal(back.distortion, camera.distortion)
            np.testing.assert_allclose(back.R, camera.R, atol=1e-6)
            np.testing.assert_allclose(back.t, camera.t, atol=3e-6)
            activate(scene, obj)


@pytest.mark.skipif(not osl_is_there(), reason="this Blender has no cameras of Open Shading Language")
def test_views_with_and_without_a_lens_may_take_turns_and_a_border_shows_the_same_pixels(lit, tmp_path):
    """Persistent data must not keep the lens of the view before, and a border must not shift the shader's rays."""
    scene, mesh = lit
    bent, other = lens("barrel"), lens("fisheye")
    straight = Camera("straight", SIZE, bent.K, bent.R, bent.t)
    _, before, radii = balls_before(bent)
    balls = list(zip((before - bent.t) @ bent.R, radii, strict=True))
    samples, scene.cycles.samples = scene.cycles.samples, 4
    try:
        alone = [picture_of(scene, mesh, camera, balls, tmp_path)[0] for camera in (bent, straight, other)]
        scene.render.use_persistent_data = True
        in_turn = [picture_of(scene, mesh, camera, balls, tmp_path)[0] for camera in (other, bent, straight, bent)]
        assert np.array_equal(in_turn[0], alone[2])
        assert np.array_equal(in_turn[1], alone[0])
        assert np.array_equal(in_turn[2], alone[1])
        assert np.array_equal(in_turn[3], alone[0])
        render = scene.render
        render.use_border, render.use_crop_to_border = True, False
        render.border_min_x, render.border_max_x = 0.25, 0.75
        render.border_min_y, render.border_max_y = 0.25, 0.75
        cut, _ = picture_of(scene, mesh, bent, balls, tmp_path)
        assert np.array_equal(cut[31:89, 41:119], alone[0][31:89, 41:119])
        assert not cut[:29, :, :3].any()
    finally:
        scene.render.use_persistent_data = scene.render.use_border = False
        scene.cycles.samples = samples
