"""The picture behind the movers: each pixel of it where it belongs, through any lens, and materials left as found."""

from dataclasses import replace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.simspine_addon.capture.camera import Camera  # noqa: E402
from simspine.simspine_addon.capture.projection import project, viewing_directions  # noqa: E402
from simspine.simspine_addon.scene.backdrop import Backdrop, remove_backdrop  # noqa: E402
from simspine.simspine_addon.scene.cameras import activate, add_camera, remap_of  # noqa: E402
from simspine.simspine_addon.scene.image_renderer import ImageRenderer  # noqa: E402
from simspine.simspine_addon.scene.layers import render_light  # noqa: E402
from simspine.simspine_addon.scene.lens_osl import osl_is_there  # noqa: E402
from simspine.simspine_addon.scene.render import Device, RenderSettings, configure  # noqa: E402

CPU = Device("CPU", ())
SIZE = (320, 180)
LENSES = {  # size, focal lengths, centre, model, coefficients
    "straight": (SIZE, (240.0, 240.0), (170.3, 80.6), "none", []),
    "oblong pixels": (SIZE, (240.0, 310.0), (120.3, 101.6), "none", []),
    "four": (SIZE, (240.0, 251.0), (170.3, 80.6), "brown_conrady", [-0.2, 0.08, 0.004, -0.003]),
    "five": (SIZE, (240.0, 231.0), (130.1, 95.2), "brown_conrady", [-0.25, 0.1, 0.0, 0.0, -0.01]),
    "eight": (SIZE, (230.0, 250.0), (170.3, 80.6), "brown_conrady", [0.3, -0.1, 0.002, -0.003, 0.05, 0.4, -0.05, 0.02]),
    "fisheye": (SIZE, (130.0, 133.0), (150.3, 99.6), "fisheye", [0.05, -0.02, 0.01, -0.003]),
    "fisheye beyond 90 degrees": (SIZE, (80.0, 80.0), (159.5, 89.5), "fisheye", [0.0, 0.0, 0.0, 0.0]),
    "centre of a pixel": (SIZE, (200.0, 200.0), (160.0, 90.0), "fisheye", [0.01, 0.0, 0.0, 0.0]),
    "folding": (SIZE, (120.0, 120.0), (159.5, 89.5), "brown_conrady", [-0.3, 0.0, 0.0, 0.0]),
    "large": ((3840, 2160), (2600.0, 2610.0), (2005.3, 1011.6), "brown_conrady", [-0.2, 0.08, 0.001, -0.001, -0.01]),
}
BENT = [name for name, lens in LENSES.items() if lens[3] != "none"]


def camera_of(name):
    """In the middle of a room, looking askew."""
    size, (fx, fy), (cx, cy), model, coefficients = LENSES[name]
    q, r = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    R = q * np.sign(np.linalg.det(q))
    K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    return Camera(name, size, K, R, -R @ [0.5, 0.4, -0.3], model, np.array(coefficients))


def facing(camera, distance, scale=1.0):
    """The same lens so far (m) from the origin and looking at it, its picture so much smaller."""
    R = np.diag([1.0, -1.0, -1.0])
    small = camera.letterboxed((round(SIZE[0] * scale), round(SIZE[1] * scale)))
    return replace(small, R=R, t=np.array([0.0, 0.0, distance]))


def material(name, color=(0.5, 0.4, 0.3, 1.0)):
    made = bpy.data.materials.new(name)
    if made.node_tree is None:  # before Blender 5 nodes had to be asked for
        made.use_nodes = True
    made.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = color
    return made


def cube(scene, name, side, place=(0.0, 0.0, 0.0), paint=None):
    corners = (np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) - 0.5) * side
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(
        corners.tolist(),
        [],
        [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)],
    )
    obj = bpy.data.objects.new(name, mesh)
    obj.location = place
    if paint is not None:
        mesh.materials.append(paint)
    scene.collection.objects.link(obj)
    return obj


def noise(size):
    """A picture of which no pixel is like its neighbour, and all of it to be shown."""
    light = np.random.default_rng(1).random((size[1], size[0], 3)).astype(np.float32)
    return light, np.ones(light.shape[:2], np.float32)


@pytest.fixture
def room(scene):
    """A dark room of plain walls around the camera."""
    cube(scene, "walls", 8.0, paint=material("plaster"))
    configure(scene, RenderSettings(samples=6, denoise=False, max_bounces=0), CPU)
    return scene


@pytest.mark.parametrize("name", LENSES)
def test_every_sample_of_a_pixel_takes_the_light_of_that_pixel_of_the_picture(room, name):
    camera = camera_of(name)
    if name in BENT and not osl_is_there():
        pytest.skip("this Blender has no cameras of Open Shading Language")
    view = add_camera(room, camera)
    activate(room, view)
    light, share = noise(camera.size)
    Backdrop(room, []).show(view, light, share)
    window = (113, 31, 150, 90) if name != "large" else (3300, 1700, 440, 400)
    shown = [(window, render_light(room, view, 5, window))]
    if name != "large":
        shown.append(((0, 0, *SIZE), render_light(room, view, 6)))
    for (x, y, across, down), rendered in shown:
        apart = np.abs(rendered - light[y : y + down, x : x + across]).max(axis=-1)
        if name == "folding":  # beyond the fold there is no light at all
            rows, columns = np.mgrid[y : y + down, x : x + across]
            corners = [np.stack((columns + i, rows + j), axis=-1) for i in (-0.5, 0.5) for j in (-0.5, 0.5)]
            seen = np.isfinite(viewing_directions(camera, np.array(corners))).all(axis=(0, -1))
            assert 0.2 < seen.mean() < 1
            apart = apart[seen]
        print(f"\n{name}: {(apart > 1e-5).mean():.5%} of the pixels have a sample of a neighbour, {apart.max():.3f}")
        # Samples are told apart to a few ulp of their place in px: some fall so near to a border that they cross it.
        assert (apart > 1e-5).mean() < (0.001 if camera.size == SIZE else 0.003)
        assert apart.max() < 0.5


def scene_with_mover(scene):
    """A box that slides through a lit room, its box in px, and two bent views and a straight one."""
    cube(scene, "walls", 8.0, paint=material("plaster"))
    mover = cube(scene, "mover", 0.4, paint=material("cloth", (0.1, 0.3, 0.6, 1.0)))
    for frame, place in ((1, -0.4), (5, 0.4)):
        mover.location = (place, 0, 0)
        mover.keyframe_insert("location", frame=frame)
    lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "AREA"))
    lamp.data.energy, lamp.location = 150.0, (0.5, 0.5, 3.0)
    scene.collection.objects.link(lamp)
    cameras = [facing(camera_of(name), 2.5, 0.4) for name in ("four", "straight", "fisheye")]
    return mover, cameras, [add_camera(scene, camera) for camera in cameras]


def box_at(scene, mover, camera, frame):
    scene.frame_set(frame)
    corners = np.array([mover.matrix_world @ vertex.co for vertex in mover.data.vertices])
    points = project(camera, np.c_[corners[:, 0], corners[:, 2], -corners[:, 1]])[0]
    return np.array([*points.min(axis=0), *np.ptp(points, axis=0)])


def test_bytes_do_not_depend_on_the_order_in_which_lenses_take_turns(tmp_path):
    jobs = [(view, frame) for frame in (1, 4) for view in range(3)]
    made = []
    for order in (jobs, [jobs[i] for i in (3, 5, 1, 4, 0, 2)]):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        scene = bpy.context.scene
        mover, cameras, views = scene_with_mover(scene)
        boxes = {job: box_at(scene, mover, cameras[job[0]], job[1]) for job in jobs}
        renderer = ImageRenderer(scene, RenderSettings(plate_samples=4), CPU, [mover], tmp_path / "plates")
        for view, frame in order:
            path = tmp_path / f"{len(made)}_{view}_{frame}.png"
            renderer.render(views[view], frame, 10 * frame + view, path, boxes[view, frame])
            if remap_of(scene, views[view]) is None and view != 1:
                assert views[view].data.type == "CUSTOM"
        made.append([(tmp_path / f"{len(made)}_{view}_{frame}.png").read_bytes() for view, frame in jobs])
    assert made[0] == made[1]
    assert len(set(made[0])) == len(jobs)


def nodes_of(paint):
    return sorted((node.bl_idname, node.label) for node in paint.node_tree.nodes)


def links_of(paint):
    return sorted((link.from_node.name, link.from_socket.name, link.to_node.name) for link in paint.node_tree.links)


def test_materials_are_as_they_were_once_the_backdrop_is_gone(scene):
    plain, emissive, shared = material("plain"), material("emissive"), material("shared")
    emissive.node_tree.nodes["Principled BSDF"].inputs["Emission Strength"].default_value = 3.0
    empty, grouped = material("no nodes"), material("grouped")
    empty.node_tree.nodes.clear()
    tree = bpy.data.node_groups.new("someone's own", "ShaderNodeTree")
    grouped.node_tree.nodes.new("ShaderNodeGroup").node_tree = tree
    paints = (plain, emissive, shared, empty, grouped)
    for index, paint in enumerate(paints):
        cube(scene, f"box {index}", 1.0, (2.0 * index, 0, 0), paint)
    cube(scene, "bare", 1.0, (0, 3, 0))
    mover = cube(scene, "mover", 1.0, (0, 5, 0), shared)
    before = [(nodes_of(paint), links_of(paint), paint.cycles.emission_sampling) for paint in paints]
    for _ in range(2):  # of a second renderer in the same scene
        remove_backdrop()
        Backdrop(scene, [mover])
    changed = {paint.name for paint, (nodes, *_) in zip(paints, before, strict=True) if nodes_of(paint) != nodes}
    assert changed == {"plain"}
    assert len(nodes_of(plain)) == len(before[0][0]) + 1
    remove_backdrop()
    after = [(nodes_of(paint), links_of(paint), paint.cycles.emission_sampling) for paint in paints]
    assert after == before
    assert [group.name for group in bpy.data.node_groups] == ["someone's own"]
    assert not [image for image in bpy.data.images if image.name.startswith("SimSpine")]


def test_hidden_backdrop_takes_no_light_away_and_leaves_no_trace_of_its_picture(room):
    room.world = bpy.data.worlds.new("world")
    lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "POINT"))
    lamp.data.energy = 200.0
    room.collection.objects.link(lamp)
    camera = facing(camera_of("four" if osl_is_there() else "straight"), 0.5, 0.4)
    view = add_camera(room, camera)
    activate(room, view)
    room.cycles.max_bounces = 2
    plain = render_light(room, view, 1)
    backdrop = Backdrop(room, [])
    hidden = render_light(room, view, 1)
    backdrop.show(view, *noise(camera.size))
    backdrop.hide()
    again = render_light(room, view, 1)
    assert plain.mean() > 0.01
    np.testing.assert_allclose(hidden.mean(axis=(0, 1)), plain.mean(axis=(0, 1)), rtol=0.01)
    np.testing.assert_array_equal(again, hidden)


def test_a_mirror_that_moves_shows_the_surroundings_and_not_the_picture(room):
    """What the picture holds is for the camera alone; other rays meet the walls as they are, here without light."""
    glass = material("glass")
    glass.node_tree.nodes["Principled BSDF"].inputs["Metallic"].default_value = 1.0
    glass.node_tree.nodes["Principled BSDF"].inputs["Roughness"].default_value = 0.0
    mover = cube(room, "mirror", 0.4, paint=glass)
    made = facing(camera_of("four" if osl_is_there() else "straight"), 2.0)
    view = add_camera(room, made)
    activate(room, view)
    room.cycles.max_bounces = room.cycles.glossy_bounces = 2
    light, share = noise(SIZE)
    Backdrop(room, [mover]).show(view, light, share)
    rendered = render_light(room, view, 1)
    dark = (rendered == 0).all(axis=-1)
    across, down = made.K[0, 0] * 0.4 / 1.8, made.K[1, 1] * 0.4 / 1.8  # its front side, in px
    assert dark.sum() == pytest.approx(across * down, rel=0.15)
