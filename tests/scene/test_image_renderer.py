"""Images put together from a plate and a window: repeatable bytes, nothing shifted, no seam, the files as asked for."""

from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from PIL import Image  # noqa: E402
from simspine.simspine_addon.capture.camera import Camera  # noqa: E402
from simspine.simspine_addon.capture.projection import project  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.scene.cameras import add_camera  # noqa: E402
from simspine.simspine_addon.scene.fingerprint import surroundings_fingerprint  # noqa: E402
from simspine.simspine_addon.scene.image_renderer import ImageRenderer  # noqa: E402
from simspine.simspine_addon.scene.layers import render_layer  # noqa: E402
from simspine.simspine_addon.scene.render import (  # noqa: E402
    QUALITIES,
    Device,
    RenderSettings,
    choose_device,
    configure,
    device_boards,
    settings_of,
)

CPU = Device("CPU", ())
SETTINGS = RenderSettings(samples=4, plate_samples=8)
SIZE = (173, 131)


def box_mesh(name, low, high):
    low, high = np.array(low, float), np.array(high, float)
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (high - low) + low
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners.tolist(), [], faces)
    return mesh


def paint(name, color):
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # before Blender 5 nodes had to be asked for
        material.use_nodes = True
    material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = color
    return material


def build():
    """A box that slides along a floor under a lamp (Blender's world), a ball of a world, two cameras."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    floor = bpy.data.objects.new("floor", box_mesh("floor", (-4, -4, -0.2), (4, 4, 0)))
    mover = bpy.data.objects.new("mover", box_mesh("mover", (-0.2, -0.2, 0), (0.2, 0.2, 0.8)))
    floor.data.materials.append(paint("boards", (0.5, 0.35, 0.2, 1.0)))
    mover.data.materials.append(paint("cloth", (0.1, 0.3, 0.6, 1.0)))
    light = bpy.data.lights.new("lamp", "AREA")
    light.size, light.energy = 0.7, 250.0
    lamp = bpy.data.objects.new("lamp", light)
    lamp.location = (0.8, 0.5, 3.0)
    for obj in (floor, mover, lamp):
        scene.collection.objects.link(obj)
    for frame, place in ((1, -0.8), (5, 0.8)):
        mover.location = (place, 0, 0)
        mover.keyframe_insert("location", frame=frame)
    scene.world = bpy.data.worlds.new("world")
    scene.view_settings.view_transform = "Standard"
    K = np.array([[150.0, 0, 84.3], [0, 150.0, 66.1], [0, 0, 1.0]])
    cameras = []
    for name, side in (("left", 1.0), ("right", -1.0)):
        # 5 m away from the origin of ground (Y up), 1.2 m up, looking level
        R = np.array([[0.0, 0, side], [0, -1, 0], [side, 0, 0]])
        cameras.append(Camera(name, SIZE, K, R, -R @ [-5.0 * side, 0.8, 0.0]))
    views = [add_camera(scene, camera) for camera in cameras]
    return scene, mover, cameras, views


def box_at(mover, camera, scene, frame):
    scene.frame_set(frame)
    corners = np.array([mover.matrix_world @ vertex.co for vertex in mover.data.vertices])
    ground = np.c_[corners[:, 0], corners[:, 2], -corners[:, 1]]
    points = project(camera, ground)[0]
    low, high = points.min(axis=0), points.max(axis=0)
    return np.array([*low, *(high - low)])


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


def test_bytes_depend_neither_on_the_order_of_images_nor_on_plates_that_were_there(tmp_path):
    jobs = [(view, frame) for frame in (1, 3, 5) for view in (0, 1)]
    made = []
    for order, folder in ((jobs, tmp_path / "kept"), (jobs[::-1], tmp_path / "kept"), (jobs[3:] + jobs[:3], None)):
        scene, mover, cameras, views = build()
        boxes = {job: box_at(mover, cameras[job[0]], scene, job[1]) for job in jobs}
        renderer = ImageRenderer(scene, SETTINGS, CPU, [mover], folder)
        out = tmp_path / f"out{len(made)}"
        for view, frame in order:
            renderer.render(views[view], frame, 10 * frame + view, out / f"{view}_{frame}.png", boxes[view, frame])
        made.append({job: (out / f"{job[0]}_{job[1]}.png").read_bytes() for job in jobs})
    assert made[0] == made[1] == made[2]
    assert len(set(made[0].values())) == len(jobs)
    assert len(list((tmp_path / "kept").iterdir())) == 2  # a plate a camera, and nothing half written


def test_a_window_is_the_same_pixels_as_the_whole_image_there(tmp_path):
    scene, _, _, views = build()
    configure(scene, RenderSettings(samples=2, denoise=False), CPU)
    scene.frame_set(2)
    render_layer(scene, views[0], 3, tmp_path / "whole.png")
    whole = pixels(tmp_path / "whole.png")
    assert whole.shape == (SIZE[1], SIZE[0], 3)
    for window in ((0, 0, 5, 7), (31, 17, 64, 90), (100, 60, 73, 71)):
        render_layer(scene, views[0], 3, tmp_path / "window.png", window)
        x, y, width, height = window
        np.testing.assert_array_equal(pixels(tmp_path / "window.png"), whole[y : y + height, x : x + width])


def test_image_put_together_is_the_image_rendered_whole_to_45_db_and_has_no_seam(tmp_path):
    scene, mover, cameras, views = build()
    box = box_at(mover, cameras[0], scene, 3)
    renderer = ImageRenderer(scene, RenderSettings(samples=16, plate_samples=64), CPU, [mover])
    renderer.render(views[0], 3, 1, tmp_path / "parts.png", box)
    configure(scene, RenderSettings(samples=256, denoise=False), CPU)
    scene.frame_set(3)
    render_layer(scene, views[0], 5, tmp_path / "whole.png")
    parts, whole = pixels(tmp_path / "parts.png"), pixels(tmp_path / "whole.png")
    apart = parts - whole
    psnr = 10 * np.log10(255**2 / np.mean(apart**2))
    outside = np.ones(whole.shape[:2], bool)
    x, y, width, height = box.round().astype(int)
    outside[max(y - 24, 0) : y + height + 24, max(x - 24, 0) : x + width + 24] = False
    print(f"\n{psnr:.1f} dB, outside the window by {np.abs(apart[outside]).mean():.2f} steps on average")
    assert psnr >= 45
    assert np.abs(apart[outside].mean()) < 0.5


def test_shadow_outside_the_window_is_in_the_image(tmp_path):
    scene, mover, cameras, views = build()
    bpy.data.lights["lamp"].type = "POINT"
    bpy.data.objects["lamp"].location = (0.0, 2.0, 1.3)  # low and to the side: the shadow is long
    box = box_at(mover, cameras[0], scene, 3)
    renderer = ImageRenderer(scene, RenderSettings(window_samples=16, plate_samples=128), CPU, [mover])
    renderer.render(views[0], 3, 1, tmp_path / "with.png", box)
    mover.hide_render = True
    renderer.render(views[0], 3, 1, tmp_path / "without.png", np.full(4, np.nan))
    configure(scene, RenderSettings(samples=64), CPU)
    render_layer(scene, views[0], 5, tmp_path / "whole without.png")
    mover.hide_render = False
    render_layer(scene, views[0], 5, tmp_path / "whole with.png")
    x, _, width, _ = box
    beyond = np.r_[0 : max(int(x) - 26, 0), min(int(x + width) + 26, SIZE[0]) : SIZE[0]]
    darker = (pixels(tmp_path / "without.png") - pixels(tmp_path / "with.png")).mean(axis=-1)[:, beyond]
    truth = (pixels(tmp_path / "whole without.png") - pixels(tmp_path / "whole with.png")).mean(axis=-1)[:, beyond]
    print(f"\ndarker by {truth.max():.0f} steps, {truth.mean():.2f} on average; ours {darker.mean():.2f}")
    assert truth.max() > 20
    assert darker.mean() == pytest.approx(truth.mean(), rel=0.15)


@pytest.mark.parametrize("file_format", ["png", "jpg"])
def test_files_are_8_bit_rgb_of_the_camera_size(file_format, tmp_path):
    scene, mover, cameras, views = build()
    settings = settings_of("draft", file_format=file_format)
    renderer = ImageRenderer(scene, settings, CPU, [mover])
    cases = {"window": box_at(mover, cameras[0], scene, 1), "whole": None, "empty": np.full(4, np.nan)}
    for name, box in cases.items():
        path = tmp_path / f"{name}.{file_format}"
        renderer.render(views[0], 1, 0, path, box)
        with Image.open(path) as image:
            assert (image.mode, image.size) == ("RGB", SIZE)
            assert image.format == {"png": "PNG", "jpg": "JPEG"}[file_format]


def test_finish_has_the_last_word_on_the_pixels(tmp_path):
    scene, mover, cameras, views = build()
    renderer = ImageRenderer(scene, settings_of("draft"), CPU, [mover])
    for name, box in (("parts", box_at(mover, cameras[0], scene, 1)), ("whole", None)):
        renderer.render(views[0], 1, 0, tmp_path / f"{name}.png", box)
        renderer.render(views[0], 1, 0, tmp_path / f"{name} negative.png", box, finish=lambda image: 255 - image)
        both = pixels(tmp_path / f"{name}.png") + pixels(tmp_path / f"{name} negative.png")
        assert (both == 255).all()


def test_fingerprint_changes_with_the_surroundings_and_not_with_the_movers():
    scene, mover, _, _ = build()
    first = surroundings_fingerprint(scene, [mover])
    scene.frame_set(4)
    assert surroundings_fingerprint(scene, [mover]) == first
    assert build()[0] is not None
    scene, mover = bpy.context.scene, bpy.data.objects["mover"]
    assert surroundings_fingerprint(scene, [mover]) == first
    seen = {first}
    bpy.data.lights["lamp"].energy += 0.5
    seen.add(surroundings_fingerprint(scene, [mover]))
    bpy.data.objects["floor"].location.z -= 0.01
    bpy.context.view_layer.update()
    seen.add(surroundings_fingerprint(scene, [mover]))
    bpy.data.meshes["floor"].vertices[0].co.x -= 0.01
    bpy.data.meshes["floor"].update()
    bpy.context.view_layer.update()
    seen.add(surroundings_fingerprint(scene, [mover]))
    scene.view_settings.exposure = 0.1
    seen.add(surroundings_fingerprint(scene, [mover]))
    assert len(seen) == 5


def test_a_plate_that_is_cut_off_is_made_again(tmp_path):
    scene, mover, cameras, views = build()
    box = box_at(mover, cameras[0], scene, 1)
    ImageRenderer(scene, SETTINGS, CPU, [mover], tmp_path / "plates").render(views[0], 1, 0, tmp_path / "a.png", box)
    for kept in Path(tmp_path / "plates").iterdir():
        kept.write_bytes(kept.read_bytes()[:-20])
    ImageRenderer(scene, SETTINGS, CPU, [mover], tmp_path / "plates").render(views[0], 1, 0, tmp_path / "b.png", box)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_settings_of_a_quality_take_overrides_and_refuse_what_is_not_known():
    assert set(QUALITIES) == {"draft", "standard", "reference"}
    assert settings_of("standard", samples=64).samples == 64
    assert not settings_of("draft", denoise=False).denoise
    with pytest.raises(InputError, match="no quality 'best'"):
        settings_of("best")


def test_a_device_that_is_not_there_is_refused_with_the_reason():
    assert device_boards("NO SUCH KIND") == ()
    if not device_boards("ONEAPI"):
        with pytest.raises(InputError, match=r"ONEAPI: .*(board|know)"):
            choose_device("oneapi")
    chosen = choose_device("auto")
    if chosen.kind == "CPU":
        assert [text.split(":")[0] for text in chosen.refused] == ["OPTIX", "CUDA", "HIP", "ONEAPI", "METAL"]
