"""Surroundings in Blender: closed rooms that hold every camera, furniture in nobody's way, light in every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.simspine_addon.capture.camera import Camera  # noqa: E402
from simspine.simspine_addon.capture.camera_presets import preset_cameras  # noqa: E402
from simspine.simspine_addon.kinematics.resample import resample_at  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.scene.axes import points_to_opensim  # noqa: E402
from simspine.simspine_addon.scene.cameras import add_camera  # noqa: E402
from simspine.simspine_addon.scene.compat import shader_nodes  # noqa: E402
from simspine.simspine_addon.scene.render import Device, RenderSettings, configure, render_image  # noqa: E402
from simspine.simspine_addon.scene.shutter import open_shutter, shutter_poses  # noqa: E402
from simspine.simspine_addon.scene.surroundings import Surroundings, build_surroundings  # noqa: E402
from simspine.simspine_addon.scene.variety import Variety, VarietyOptions, draw_variety  # noqa: E402

SEEDS = range(3)


def footprint() -> np.ndarray:
    """Someone 1.75 m tall who walks 2.4 m, [6, 60, 3]."""
    cloud = np.random.default_rng(1).uniform((-0.3, 0.02, -0.35), (0.3, 1.77, 0.35), (60, 3))
    return cloud + np.linspace(0.0, 2.4, 6)[:, None, None] * (0.8, 0.0, 0.6)


def drawn(kind: str, seed: int, folder: Path | None = None, furniture: int = 8) -> Variety:
    options = VarietyOptions(surroundings=(kind,), furniture=(furniture, furniture), hdri_folder=folder)
    return draw_variety(options, seed, "test", footprint())


def built(scene: bpy.types.Scene, variety: Variety, size: int = 48) -> tuple[Surroundings, tuple[Camera, ...]]:
    cameras = preset_cameras("h36m", footprint(), size=(size, size))
    return build_surroundings(scene, variety, footprint(), cameras), cameras


def crossed(start: np.ndarray, end: np.ndarray, triangles: np.ndarray) -> bool:
    """Whether a segment meets a triangle (signed volumes)."""

    def volume(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
        return np.einsum("ni,ni->n", np.cross(b - a, c - a), d - a)

    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    s, e = np.broadcast_to(start, a.shape), np.broadcast_to(end, a.shape)
    sides = [volume(s, e, one, other) for one, other in ((a, b), (b, c), (c, a))]
    same = np.all([side > 0 for side in sides], axis=0) | np.all([side < 0 for side in sides], axis=0)
    return bool((same & (volume(a, b, c, s) * volume(a, b, c, e) < 0)).any())


@pytest.mark.parametrize("seed", SEEDS)
def test_room_is_closed_and_lets_every_camera_see_the_upper_body(scene: bpy.types.Scene, seed: int) -> None:
    surroundings, cameras = built(scene, drawn("room", seed))
    points = footprint()
    middle = points.mean(axis=(0, 1))
    for direction in np.random.default_rng(seed).normal(size=(60, 3)):
        assert crossed(middle, middle + 60.0 * direction / np.linalg.norm(direction), surroundings.occluders)
    for camera in cameras:
        for target in points[:, points[0, :, 1] > 0.8].reshape(-1, 3)[::7]:
            assert not crossed(camera.center, target, surroundings.occluders)


@pytest.mark.parametrize("kind", ["room", "outdoor"])
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_stands_where_the_person_goes_or_in_a_camera(scene: bpy.types.Scene, kind: str, seed: int) -> None:
    surroundings, cameras = built(scene, drawn(kind, seed))
    solid = surroundings.occluders
    above = solid[solid[:, :, 1].max(axis=1) > 0.05]  # without the floor
    for place in [*footprint().reshape(-1, 3)[::25], *(camera.center for camera in cameras)]:
        low, high = place - np.array([0.2, 0.0, 0.2]), place + np.array([0.2, 0.3, 0.2])
        inside = ((above > low) & (above < high)).all(axis=2)
        assert not inside.any()
        assert not crossed(place, place * (1.0, 0.0, 1.0) + np.array([0.0, 0.06, 0.0]), above)


@pytest.mark.parametrize("kind", ["room", "outdoor"])
def test_occluders_are_the_triangles_that_blender_has(scene: bpy.types.Scene, kind: str) -> None:
    surroundings, _ = built(scene, drawn(kind, 1))
    bpy.context.view_layer.update()
    theirs = []
    for obj in surroundings.objects:
        if obj.type == "MESH":
            world = np.array(obj.matrix_world)
            corners = np.array([vertex.co for vertex in obj.data.vertices]) @ world[:3, :3].T + world[:3, 3]
            theirs.append(points_to_opensim(corners))
    theirs = np.concatenate(theirs)
    ours = surroundings.occluders.reshape(-1, 3)
    assert np.abs(np.sort(ours.min(axis=0)) - np.sort(theirs.min(axis=0))).max() < 1e-4
    for corner in ours[:: max(len(ours) // 200, 1)]:
        assert np.abs(theirs - corner).max(axis=1).min() < 1e-4


def test_furniture_stands_on_the_floor(scene: bpy.types.Scene) -> None:
    raised = footprint() + np.array([0.0, 0.37, 0.0])
    cameras = preset_cameras("h36m", raised, size=(48, 48))
    surroundings = build_surroundings(scene, drawn("room", 2), raised, cameras)
    floor = float(raised[..., 1].min())
    bpy.context.view_layer.update()
    for obj in surroundings.objects:
        if obj.type == "MESH" and obj.name != "SimSpine room":
            lowest = min((obj.matrix_world @ vertex.co).z for vertex in obj.data.vertices)
            assert lowest == pytest.approx(floor, abs=1e-4)


@pytest.mark.parametrize("kind", ["room", "outdoor", "hdri"])
def test_image_is_neither_black_nor_burnt_out(scene: bpy.types.Scene, kind: str, tmp_path: Path) -> None:
    if kind == "hdri":
        write_panorama(tmp_path / "sky.hdr")
    surroundings, cameras = built(scene, drawn(kind, 1, tmp_path), size=64)
    assert surroundings.objects
    configure(scene, RenderSettings(samples=4), Device("CPU", ()))
    render_image(scene, add_camera(scene, cameras[0]), 1, 1, tmp_path / "image.png")
    image = bpy.data.images.load(str(tmp_path / "image.png"))
    values = np.array(image.pixels[:]).reshape(-1, 4)[:, :3].mean(axis=1)
    assert 0.15 < np.median(values) < 0.9
    assert (values < 0.01).mean() < 0.02
    assert (values > 0.99).mean() < 0.2


def write_panorama(path: Path, radiance: float = 40.0) -> None:
    """A bright sky over brown ground, in units of its own."""
    image = bpy.data.images.new("panorama", 64, 32, float_buffer=True)
    pixels = np.ones((32, 64, 4), np.float32)
    pixels[:16, :, :3], pixels[16:, :, :3] = 0.3 * radiance * np.array([0.5, 0.4, 0.3]), radiance
    image.pixels.foreach_set(pixels.ravel())
    image.filepath_raw, image.file_format = str(path), "HDR"
    image.save()
    bpy.data.images.remove(image)


def test_panorama_that_is_none_is_refused(scene: bpy.types.Scene, tmp_path: Path) -> None:
    (tmp_path / "broken.hdr").write_bytes(b"#?RADIANCE\nnothing")
    with pytest.raises(InputError, match=r"broken\.hdr"):
        built(scene, drawn("hdri", 0, tmp_path))


def test_studio_is_that_of_a_plain_render(scene: bpy.types.Scene) -> None:
    surroundings, _ = built(scene, drawn("studio", 0))
    assert [obj.name for obj in surroundings.objects] == [f"SimSpine {x}" for x in ("floor", "key", "fill", "rim")]
    assert scene.view_settings.view_transform == "Standard"
    assert len(surroundings.occluders) == 0


def test_furniture_is_left_out_aloud_where_nothing_fits(scene: bpy.types.Scene) -> None:
    surroundings, _ = built(scene, drawn("room", 0, furniture=30))
    assert surroundings.notes
    assert "left out" in surroundings.notes[0]


def test_shutter_keys_hold_the_poses_before_and_after_the_row(people) -> None:
    track = people.track(5, 12, rate=50.0)
    rows = np.array([4, 9])
    poses, frames = shutter_poses(track, rows, 0.6)
    np.testing.assert_allclose(frames, [0.74, 1.0, 1.26, 1.74, 2.0, 2.26], atol=1e-12)
    assert np.abs(poses.positions[[1, 4]] - track.positions[rows]).max() == 0.0
    keyed = 0.3 / 50.0 * 0.52 / 0.5  # the keys are further apart than the shutter is open
    for offset, index in ((-keyed, [0, 3]), (keyed, [2, 5])):
        there = resample_at(track, track.time[rows] + offset)
        assert np.abs(poses.rotations[index] - there.rotations).max() < 1e-12


def test_a_slow_cameras_shutter_sees_the_motions_own_frames(people) -> None:
    """Between two images of a camera at a quarter of the motion's rate people do not go straight on."""
    course = people.track(5, 13, rate=100.0)
    slow = resample_at(course, course.time[::4])
    poses, _ = shutter_poses(slow, np.array([1]), 1.0 / 1.04, course)
    there = resample_at(course, slow.time[1] + np.array([-0.02, 0.0, 0.02]))
    assert np.abs(poses.positions - there.positions).max() < 1e-12


def test_shutter_blurs_by_the_way_gone_while_it_is_open(scene: bpy.types.Scene, tmp_path: Path) -> None:
    """A glowing square of 0.1 m that goes 0.3 m between its opening and closing keys leaves a streak of 0.4 m."""
    scene.world = None
    mesh = bpy.data.meshes.new("square")
    mesh.from_pydata([(0, -0.05, -0.05), (0, 0.05, -0.05), (0, 0.05, 0.05), (0, -0.05, 0.05)], [], [(0, 1, 2, 3)])
    square = bpy.data.objects.new("square", mesh)
    scene.collection.objects.link(square)
    material = bpy.data.materials.new("glow")
    shader_nodes(material).clear()
    glow, output = (material.node_tree.nodes.new(f"ShaderNode{kind}") for kind in ("Emission", "OutputMaterial"))
    material.node_tree.links.new(glow.outputs[0], output.inputs[0])
    mesh.materials.append(material)
    for frame, place in ((0.75, -0.15), (1.0, 0.0), (1.25, 0.15)):
        square.location = (0.0, place, 0.0)
        square.keyframe_insert("location", frame=frame)
    K = np.array([[400.0, 0.0, 99.5], [0.0, 400.0, 99.5], [0.0, 0.0, 1.0]])
    turned = np.array([[0.0, 0.0, -1.0], [0.0, -1.0, 0.0], [-1.0, 0.0, 0.0]])  # at x = 2 m, looking along -x
    camera = Camera("cam", (200, 200), K, turned, -turned @ np.array([2.0, 0.0, 0.0]))
    configure(scene, RenderSettings(samples=32, denoise=False), Device("CPU", ()))
    open_shutter(scene, 0.5)
    render_image(scene, add_camera(scene, camera), 1, 1, tmp_path / "blur.png")
    values = np.array(bpy.data.images.load(str(tmp_path / "blur.png")).pixels[:]).reshape(200, 200, 4)[..., 0]
    lit = np.flatnonzero(values[95:105].max(axis=0) > 0.02)
    assert np.ptp(lit) + 1 == pytest.approx(0.4 * 200.0, abs=4)
