"""What a label says is where Cycles draws it: glowing spheres rendered, their centroids measured in the pixels."""

from dataclasses import replace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.simspine_addon.capture.camera import Camera  # noqa: E402
from simspine.simspine_addon.scene.cameras import activate, add_camera  # noqa: E402
from simspine.simspine_addon.scene.import_motion import import_person  # noqa: E402
from simspine.simspine_addon.scene.render import render_image  # noqa: E402

GRID = (4, 3)  # one sphere a cell, so that a cell's light is that sphere's alone
CASES = {  # size, fx, fy, principal point off centre by
    "centred": ((192, 144), 180.0, 180.0, (0.0, 0.0)),
    "off centre": ((192, 144), 200.0, 200.0, (23.3, -17.8)),
    "wide pixels": ((180, 135), 210.0, 150.0, (4.1, 6.2)),
    "tall pixels": ((180, 135), 140.0, 200.0, (-8.4, 3.3)),
    "portrait": ((121, 190), 170.0, 170.0, (3.7, -9.1)),
    "landscape": ((240, 90), 190.0, 190.0, (-11.5, 2.4)),
    "wide angle": ((187, 143), 70.0, 70.0, (5.0, 5.0)),
    "telephoto": ((187, 143), 2400.0, 2390.0, (-6.5, 4.5)),
    "odd size": ((173, 127), 160.0, 163.0, (0.6, 0.4)),
}


def prepare(made):
    """Cycles as a light meter: what reaches a pixel is the share of it that the spheres cover."""
    made.render.engine = "CYCLES"
    made.cycles.device, made.cycles.samples = "CPU", 256
    made.cycles.use_adaptive_sampling = made.cycles.use_denoising = False
    made.cycles.pixel_filter_type, made.cycles.filter_width = "BOX", 1.0
    made.cycles.max_bounces = 0
    made.render.use_persistent_data = False
    made.render.image_settings.file_format = "OPEN_EXR"
    made.render.image_settings.color_depth, made.render.image_settings.color_mode = "32", "RGB"


@pytest.fixture(scope="module")
def scene():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    made = bpy.data.scenes.new("label pixels")
    prepare(made)
    return made


def glowing_material():
    material = bpy.data.materials.new("glow")
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    emission, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(emission.outputs[0], output.inputs["Surface"])
    return material


@pytest.fixture(scope="module")
def ball(scene):
    bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=4, radius=1.0)
    obj = bpy.context.object
    mesh = obj.data
    mesh.materials.append(glowing_material())
    bpy.data.objects.remove(obj)
    return mesh


def random_rotation(rng):
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


def sphere_outline_centre(centre, radius, K):
    """Centre of the ellipse that a sphere's outline is, in px: a ray d grazes it if (d.c)^2 = d.d (c.c - r^2)."""
    conic = np.outer(centre, centre) - (centre @ centre - radius**2) * np.eye(3)
    x, y = np.linalg.solve(conic[:2, :2], -conic[:2, 2])
    return (K @ [x, y, 1.0])[:2]


def rendered_light(scene, path):
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True, scene=scene.name)
    return light_in(path)


def light_in(path):
    image = bpy.data.images.load(str(path))
    width, height = image.size
    values = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return values.reshape(height, width, -1)[::-1, :, 0].astype(float)  # Blender's rows run upwards


@pytest.mark.parametrize("case", CASES)
def test_labels_lie_within_a_fiftieth_of_a_pixel_of_what_cycles_draws(scene, ball, case, tmp_path):
    size, fx, fy, offset = CASES[case]
    rng = np.random.default_rng(list(CASES).index(case))
    K = np.array([[fx, 0, (size[0] - 1) / 2 + offset[0]], [0, fy, (size[1] - 1) / 2 + offset[1]], [0, 0, 1.0]])
    camera = Camera(case, size, K, random_rotation(rng), rng.normal(size=3))
    activate(scene, add_camera(scene, camera))
    cell = np.array(size) / GRID
    corners = np.array([(i, j) for j in range(GRID[1]) for i in range(GRID[0])]) * cell - 0.5
    pixels = corners + cell * rng.uniform(0.4, 0.6, size=(len(corners), 2))
    depths = rng.uniform(2.0, 5.0, size=len(corners))
    in_camera = np.c_[(pixels - K[:2, 2]) / [fx, fy], np.ones(len(pixels))] * depths[:, None]
    radii = 0.2 * cell.min() / max(fx, fy) * depths
    objects = []
    for point, radius in zip((in_camera - camera.t) @ camera.R, radii, strict=True):
        obj = bpy.data.objects.new("sphere", ball)
        obj.location, obj.scale = (point[0], -point[2], point[1]), (radius,) * 3
        scene.collection.objects.link(obj)
        objects.append(obj)
    scene.world = None
    light = rendered_light(scene, tmp_path / "image.exr")
    for obj in objects:
        bpy.data.objects.remove(obj)

    assert light.shape == (size[1], size[0])
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    errors = []
    for corner, centre, radius in zip(corners, in_camera, radii, strict=True):
        mine = np.where(
            (np.floor((x - corner[0]) / cell[0]) == 0) & (np.floor((y - corner[1]) / cell[1]) == 0), light, 0
        )
        assert mine.sum() > 20
        measured = np.array([(mine * x).sum(), (mine * y).sum()]) / mine.sum()
        errors.append(np.linalg.norm(measured - sphere_outline_centre(centre, radius, K)))
    print(f"\n{case}: max {max(errors):.4f} px, mean {np.mean(errors):.4f} px")
    assert max(errors) <= 0.02


def a_person_of_balls(people, scene, camera):
    """Eight bodies, a ball on each joint off its body's origin, in wild motion before the camera; three frames."""
    from simspine.simspine_addon.model.types import Geometry

    track = people.track(bodies=8, frames=3, rate=30.0, seed=4)
    away = (np.array([0.0, 0.0, 9.0]) - camera.t) @ camera.R - track.positions.mean(axis=(0, 1))
    track = replace(track, positions=track.positions + away)
    place = np.eye(4)
    place[:3, 3] = [0.05, -0.08, 0.03]
    balls = [Geometry(f"ball {i}", "sphere", i, place, np.ones(3), None, {"radius": (0.04,)}) for i in range(8)]
    model = people.model(track, balls)
    imported = import_person(scene, model, None, track)
    centres = track.positions + np.einsum("tbij,j->tbi", track.rotations, place[:3, 3])
    return imported, centres, track


def look_only_around(scene, pixel, size, reach=24):
    """Let Cycles render a window about a pixel, and leave the rest of the image black."""
    low, high = (pixel + 0.5 - reach) / size, (pixel + 0.5 + reach) / size
    render = scene.render
    render.use_border, render.use_crop_to_border = True, False
    render.border_min_x, render.border_max_x = low[0], high[0]
    render.border_min_y, render.border_max_y = 1 - high[1], 1 - low[1]


@pytest.mark.parametrize("frame", [0, 2])
def test_what_rides_on_imported_bones_is_rendered_where_its_label_says(people, frame, tmp_path):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    prepare(scene)
    glow = glowing_material()
    K = np.array([[700, 0, 160.0], [0, 720, 120.0], [0, 0, 1.0]])
    camera = Camera("c", (330, 240), K, random_rotation(np.random.default_rng(8)), np.array([0.2, -0.4, 1.0]))
    seen_from = add_camera(scene, camera)
    scene.render.use_persistent_data, scene.render.use_file_extension = True, False
    imported, centres, _ = a_person_of_balls(people, scene, camera)
    balls = imported.objects[1:]
    assert len(balls) == 8
    errors = []
    for index, obj in enumerate(balls):
        for other in balls:
            other.hide_render = other is not obj
        obj.material_slots[0].material = glow
        expected = sphere_outline_centre(camera.R @ centres[frame, index] + camera.t, 0.04, K)
        look_only_around(scene, expected, camera.size)
        path = tmp_path / f"{index}.exr"
        render_image(scene, seen_from, imported.frame_start + frame, seed=index, path=path)
        light = light_in(path)
        y, x = np.mgrid[: light.shape[0], : light.shape[1]]
        measured = np.array([(light * x).sum(), (light * y).sum()]) / light.sum()
        errors.append(np.linalg.norm(measured - expected))
    print(f"\nimported bodies, frame {frame}: max {max(errors):.4f} px")
    assert max(errors) <= 0.02


def test_a_box_bounds_the_pixels_in_which_the_person_is_rendered(people, tmp_path):
    from simspine.exporters.labels import bounding_box
    from simspine.exporters.outline import points_at
    from simspine.headless.render_scene import rendered_surface

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    prepare(scene)
    scene.render.use_file_extension = False
    K = np.array([[260, 0, 160.0], [0, 270, 120.0], [0, 0, 1.0]])
    camera = Camera("c", (330, 240), K, random_rotation(np.random.default_rng(8)), np.array([0.2, -0.4, 1.0]))
    imported, _, track = a_person_of_balls(people, scene, camera)
    parts = rendered_surface(imported.objects[1:], track.names)
    for obj in imported.objects[1:]:
        obj.material_slots[0].material = glowing_material()
    path = tmp_path / "all.exr"
    render_image(scene, add_camera(scene, camera), imported.frame_start + 1, seed=0, path=path)
    rows, columns = np.nonzero(light_in(path))
    x, y, width, height = bounding_box(camera, points_at(parts, track, 1))
    # A pixel is lit as soon as the surface touches its square, which reaches half a pixel beyond its centre.
    seen = np.array([columns.min() + 0.5, rows.min() + 0.5, columns.max() - 0.5, rows.max() - 0.5])
    assert 0 < x < x + width < 329
    np.testing.assert_allclose([x, y, x + width, y + height], seen, atol=1.0)
