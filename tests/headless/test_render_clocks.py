"""Times of images: cameras in hands that run at rates of their own, shutters that stay open while people move, and
shutters that roll."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.exporters.labels import image_points  # noqa: E402
from simspine.exporters.outline import points_at  # noqa: E402
from simspine.headless.render_config_file import config_document, config_from_document  # noqa: E402
from simspine.headless.render_inputs import checked_inputs  # noqa: E402
from simspine.headless.render_recording import Shelf, read_inputs  # noqa: E402
from simspine.headless.render_shutter import exposed_frame  # noqa: E402
from simspine.headless.render_stage import build_stage  # noqa: E402
from simspine.headless.shard_plan import Engine, Hardware  # noqa: E402
from simspine.sample_rigs import sample_model_path, sample_motion_path  # noqa: E402
from simspine.simspine_addon.capture.rolling_shutter import POSES, points_as_read  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.scene.render import render_image  # noqa: E402

SPEED = 15.0  # m/s


@pytest.fixture
def sliding(inputs, tmp_path):
    """The model of two bodies, which slides at a constant speed, 50 frames a second."""
    path = tmp_path / "slide.mot"
    rows = "\n".join(f"{i / 50}\t{SPEED * i / 50}\t0" for i in range(9))
    path.write_text(f"slide\nversion=1\nnRows=9\nnColumns=3\ninDegrees=yes\nendheader\ntime\talong\tlean\n{rows}\n")
    return inputs[0], path


def staged(files, cameras, number=0, size=(96, 72), recording=None, **variety):
    document = {
        "dataset": {"labels": []},
        "render": {"size": list(size), "quality": "draft", "device": "cpu", "denoise": False},
        "cameras": cameras,
        "variety": variety,
        "recordings": [
            {"model": str(files[0]), "motion": str(files[1]), "avatar": "skeleton", "frames": ":", **(recording or {})}
        ],
    }
    config = config_from_document(document, Path("/"))
    inputs = read_inputs(config, config.recordings[number], Shelf())
    return build_stage(config, inputs, Engine("", "", "CPU", False), None, Hardware())


def labels_of(stage):
    return stage.labels(range(len(stage.inputs.rows)), lambda *_: None).people[0]


def test_a_camera_in_a_hand_is_at_its_own_time_where_it_would_be_at_any_rate(sliding):
    """The second camera runs at 25 Hz from 20 ms on: each of its images is one that it takes at 50 Hz too."""
    cv2 = pytest.importorskip("cv2")
    hands = {"preset": "handheld", "count": 2, "sway_deg": 3.0}
    whole = labels_of(staged(sliding, hands))
    late = labels_of(staged(sliding, {**hands, "rates": [50, 25], "offset_ms": [0, 20]}, number=1))
    assert [camera.name for camera in late.cameras] == ["cam_02"]
    np.testing.assert_allclose(late.time, whole.time[1::2], atol=1e-12)
    np.testing.assert_allclose(late.camera_rotations[0], whole.camera_rotations[1, 1::2], atol=1e-12)
    np.testing.assert_allclose(late.camera_translations[0], whole.camera_translations[1, 1::2], atol=1e-12)
    assert np.ptp(whole.camera_translations[1], axis=0).max() > 0.001
    hip = late.keypoint_names.index("Hip")
    gone = np.linalg.norm(late.points_world[:, hip] - whole.points_world[0, hip], axis=1)
    np.testing.assert_allclose(gone, SPEED * late.time, atol=1e-9)
    for frame, point in enumerate(late.points_world[:, hip]):
        R, t = late.camera_rotations[0, frame], late.camera_translations[0, frame]
        expected = cv2.projectPoints(point[None], cv2.Rodrigues(R)[0], t, late.cameras[0].K, None)[0].ravel()
        np.testing.assert_allclose(late.points_2d[0, frame, hip], expected, atol=1e-6)


def glowing():
    material = bpy.data.materials.new("glow")
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    glow, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(glow.outputs[0], output.inputs["Surface"])
    return material


def ball_of(body):
    (ball,) = (obj for obj in bpy.context.scene.objects if obj.type == "MESH" and obj.parent_bone == body)
    return ball


def light_of(stage, place, path, balls, around=None, patches=()):
    """What glows where `balls` alone are seen by the first camera: (light [H, W], x, y) as Cycles measures it.

    In a window of 56 px around a place of the picture, else coarsely in all of it. Of `patches` (object, dark and
    bright material, face) one face glows.
    """
    scene = bpy.context.scene
    for obj in scene.objects:
        obj.hide_render = obj not in balls and obj.type != "CAMERA" and obj not in [patch[0] for patch in patches]
    for obj, materials, face in patches:
        obj.data.materials.clear()
        for material in materials:
            obj.data.materials.append(material)
        chosen = np.zeros(len(obj.data.polygons), np.int32)
        chosen[face] = 1
        obj.data.polygons.foreach_set("material_index", chosen)
    for ball in balls:
        ball.data.materials.clear()
        ball.data.materials.append(glowing())
    scene.world = None
    scene.cycles.samples, scene.cycles.max_bounces = 32 if around is None else 2048 if patches else 512, 0
    scene.render.image_settings.file_format, scene.render.image_settings.color_depth = "OPEN_EXR", "32"
    scene.render.use_file_extension = False
    if around is not None:
        low, high = ((around + 0.5 + side) / stage.cameras.cameras[0].size for side in (-28, 28))
        scene.render.use_border = True
        scene.render.border_min_x, scene.render.border_max_x = low[0], high[0]
        scene.render.border_min_y, scene.render.border_max_y = 1 - high[1], 1 - low[1]
    render_image(scene, stage.views[0], exposed_frame(place, stage.keyed, stage.rolling), 1, path)
    image = bpy.data.images.load(str(path))
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    light = values.reshape(*image.size[::-1], -1)[::-1, :, 0].astype(float)
    bpy.data.images.remove(image)
    return light, *np.meshgrid(np.arange(light.shape[1]), np.arange(light.shape[0]))


def middle_of(light, x, y):
    return np.array([(light * x).sum(), (light * y).sum()]) / light.sum()


ACROSS = {"preset": "ring", "count": 1, "start_deg": 109.7, "height_m": 0.9, "focal_px": 300.0}


def streak_middle(camera, before, velocity, radius, seconds):
    """The centroid of the streak that a ball leaves, px, of its centre at mid exposure and its velocity before the
    camera: at each moment the rays that graze it make an ellipse, whose middle counts with its area."""
    middles, areas = [], []
    for moment in (np.arange(400) + 0.5) / 400 - 0.5:
        centre = before + moment * seconds * velocity
        conic = np.outer(centre, centre) - (centre @ centre - radius**2) * np.eye(3)
        middle = np.append(np.linalg.solve(conic[:2, :2], -conic[:2, 2]), 1.0)
        middles.append((camera.K @ middle)[:2])
        areas.append((middle @ conic @ middle) / np.sqrt(np.linalg.det(conic[:2, :2])))
    return np.average(middles, axis=0, weights=np.abs(areas))


@pytest.mark.parametrize(("shutter", "rates"), [(0.8, {}), (0.6, {"rates": 25, "offset_ms": 30})])
def test_a_blurred_markers_middle_is_its_label(sliding, shutter, rates, tmp_path):
    """At constant speed: the label is that of the middle of the time that the shutter is open."""
    stage = staged(sliding, {**ACROSS, **rates}, size=(240, 160), motion_blur=shutter)
    labels, place = labels_of(stage), 2 if rates else 4
    hip = labels.keypoint_names.index("Hip")
    label, before = labels.points_2d[0, place, hip], labels.points_camera[0, place, hip]
    light, x, y = light_of(stage, place, tmp_path / "streak.exr", [ball_of("pelvis")], label)
    seen = middle_of(light, x, y)
    step = labels.points_2d[0, place + 1, hip] - label
    across = np.ptp(np.flatnonzero(light.sum(axis=0))) + 1 - 2 * 0.1 * labels.cameras[0].K[0, 0] / before[2]
    assert across == pytest.approx(shutter * abs(step[0]), abs=2.5)
    velocity = np.gradient(labels.points_camera[0, :, hip], labels.time, axis=0)[place]
    seconds = shutter * (labels.time[1] - labels.time[0])
    # At constant speed on the image that is the label itself, but people come nearer and balls are seen as ellipses.
    beside = streak_middle(labels.cameras[0], before, velocity, 0.1, seconds) - label
    assert np.linalg.norm(beside) < 0.05
    error = np.linalg.norm(seen - beside - label)
    print(f"\nshutter {shutter}, {rates}: {error:.4f} px of a way of {shutter * np.linalg.norm(step):.1f} px")
    assert error <= 0.02


# --- rolling shutters ---

HEIGHT = 160


def middle_as_read(stage, place):
    """Where the hip's ball is in a picture that is read row after row, px: the centroid of its light.

    The person slides at a constant speed and nothing turns, so each row sees the ball's outline where it is at
    that row's time; rows are cut out of outlines by hand, without the code that makes labels.
    """
    camera, readout = stage.cameras.cameras[0], stage.inputs.config.clock.rolling_ms / 1000
    labels = labels_of(stage)
    world = labels.points_world[:, labels.keypoint_names.index("Hip")]
    speed = (world[-1] - world[0]) / (labels.time[-1] - labels.time[0])
    weights, across, down = [], [], []
    for row in range(HEIGHT):
        for line in row + (np.arange(8) + 0.5) / 8 - 0.5:
            when = ((row + 1) / HEIGHT - 0.5) * readout
            x, y, z = camera.R @ (world[place] + when * speed) + camera.t
            conic = np.outer([x, y, z], [x, y, z]) - (x * x + y * y + z * z - 0.1**2) * np.eye(3)
            v = (line - camera.K[1, 2]) / camera.K[1, 1]
            a, b = conic[0, 0], 2 * (conic[0, 1] * v + conic[0, 2])
            c = conic[1, 1] * v * v + 2 * conic[1, 2] * v + conic[2, 2]
            if b * b > 4 * a * c:
                weights.append(np.sqrt(b * b - 4 * a * c) / abs(a))
                across.append(camera.K[0, 0] * -b / (2 * a) + camera.K[0, 2])
                down.append(line)
    return np.array([np.average(across, weights=weights), np.average(down, weights=weights)])


@pytest.mark.parametrize("shutter", [0.0, 0.5])
def test_cycles_reads_row_after_row_as_the_labels_say(sliding, shutter, tmp_path):
    stage = staged(sliding, {**ACROSS, "rolling_shutter_ms": 16.0}, size=(240, HEIGHT), motion_blur=shutter)
    if shutter == 0.0:
        light, _, _ = light_of(stage, 6, tmp_path / "rolled.exr", [ball_of("pelvis"), ball_of("torso")])
        rows, columns = np.nonzero(light)
        left, top, width, height = labels_of(stage).boxes[0, 6]
        # A pixel is lit as soon as the surface touches its square, which reaches half a pixel beyond its centre.
        edges = np.array([columns.min() + 0.5, rows.min() + 0.5, columns.max() - 0.5, rows.max() - 0.5])
        np.testing.assert_allclose([left, top, left + width, top + height], edges, atol=1.0)
    expected = middle_as_read(stage, 6)
    seen = middle_of(*light_of(stage, 6, tmp_path / "hip.exr", [ball_of("pelvis")], expected))
    error = np.linalg.norm(seen - expected)
    print(f"\nshutter {shutter}: {error:.4f} px")
    assert error <= 0.02


def test_a_label_of_a_turning_body_behind_a_bent_lens_is_where_its_own_row_sees_it(inputs, tmp_path):
    """A small ball at the neck, which goes 5 m/s and turns at 12 rad/s while the picture is read, in a window of it."""
    shutter, rates = 0.4, {"rates": 30, "offset_ms": 5}
    path = tmp_path / "turn.mot"
    rows = "\n".join(f"{i / 50}\t{5.0 * i / 50}\t{np.degrees(12.0) * i / 50}" for i in range(9))
    path.write_text(f"turn\nversion=1\nnRows=9\nnColumns=3\ninDegrees=yes\nendheader\ntime\talong\tlean\n{rows}\n")
    cameras = {**ACROSS, "distortion": [-0.25, 0.08, 0.004, -0.003, -0.01], "rolling_shutter_ms": 22.0, **rates}
    stage = staged((inputs[0], path), cameras, size=(240, HEIGHT), motion_blur=shutter)
    labels, still = labels_of(stage), labels_of(staged((inputs[0], path), {**cameras, "rolling_shutter_ms": 0}))
    stage = staged((inputs[0], path), cameras, size=(240, HEIGHT), motion_blur=shutter)
    neck, place = labels.keypoint_names.index("Neck"), 2
    bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=4, radius=0.03)
    ball = bpy.context.object
    ball.parent, ball.location = ball_of("torso"), (0.0, 0.1, 0.0)
    ball.cycles.motion_steps = ball_of("torso").cycles.motion_steps
    label = labels.points_2d[0, place, neck]
    seen = middle_of(*light_of(stage, place, tmp_path / "neck.exr", [ball], label))
    assert np.linalg.norm(label / (240, HEIGHT) - still.points_2d[0, place, neck] / (96, 72)) * 200 > 0.5
    np.testing.assert_allclose(labels.points_world[place, neck], still.points_world[place, neck], atol=1e-12)
    print(f"\nturning behind a bent lens: {np.linalg.norm(seen - label):.4f} px")
    assert np.linalg.norm(seen - label) <= 0.02


def outline_centroid(corners):
    """Of a polygon [N, 2]."""
    after = np.roll(corners, -1, axis=0)
    areas = corners[:, 0] * after[:, 1] - after[:, 0] * corners[:, 1]
    return ((corners + after) * areas[:, None]).sum(axis=0) / (3 * areas.sum())


def test_the_skin_of_an_avatar_is_where_its_own_row_sees_it(tmp_path):
    """One patch of the skin glows, of those that face the camera the one that moves most."""
    recording = {"avatar": "mannequin", "frames": "40:60:10"}
    cameras = {"preset": "ring", "count": 1, "start_deg": 70.0, "rolling_shutter_ms": 40.0}
    sample = sample_model_path(), sample_motion_path("walking")
    stage = staged(sample, cameras, size=(2000, 2000), recording=recording, motion_blur=0.5)
    (camera,), person, (track, _) = stage.cameras.cameras, stage.actors[0].shown, stage.keyed[0]
    assert stage.rolling is not None
    skin = np.stack([points_at(person.parts, track, POSES + pose) for pose in range(POSES)]) @ camera.R.T + camera.t
    mesh = person.objects[1]
    faces = np.array([list(face.vertices) for face in mesh.data.polygons if len(face.vertices) == 4])
    numbers = np.array([face.index for face in mesh.data.polygons if len(face.vertices) == 4])
    corners = skin[POSES // 2][faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sizes = np.linalg.norm(normals, axis=1)
    seen_from_here = (normals[:, 2] < -0.7 * sizes) & (sizes > 2e-5)
    seen_from_here &= corners[:, :, 2].mean(axis=1) < np.median(corners[:, :, 2]) - 0.05  # not behind the body
    way = np.linalg.norm(skin[-1][faces].mean(axis=1) - skin[0][faces].mean(axis=1), axis=1)
    chosen = int(np.argmax(np.where(seen_from_here, way, 0.0)))
    black, white = glowing(), glowing()
    black.node_tree.nodes["Emission"].inputs["Strength"].default_value = 0.0
    standing = replace(camera, R=np.eye(3), t=np.zeros(3))
    still, read = (
        outline_centroid(image_points(standing, points)[0])
        for points in (corners[chosen], points_as_read(camera, stage.rolling, skin[:, faces[chosen]]))
    )
    light, x, y = light_of(stage, 1, tmp_path / "skin.exr", [], read, [(mesh, (black, white), numbers[chosen])])
    error = np.linalg.norm(middle_of(light, x, y) - read)
    print(f"\nskin: {error:.4f} px, {np.linalg.norm(still - read):.2f} px from where it is at the picture's time")
    assert np.linalg.norm(still - read) > 1.0
    assert error <= 0.02


@pytest.mark.parametrize(
    ("cameras", "labels", "says"),
    [
        ({"rolling_shutter_ms": -1}, [], "rolling_shutter_ms"),
        ({"rolling_shutter_ms": [10, 0, 5]}, [], "for 3 cameras, but there are 2"),
        ({"rolling_shutter_ms": 10}, ["masks", "depth"], "does not go with the labels masks, depth"),
    ],
)
def test_rolling_shutters_that_cannot_be_are_refused(inputs, cameras, labels, says):
    document = {
        "dataset": {"labels": labels},
        "cameras": {"preset": "ring", "count": 2, **cameras},
        "recordings": [{"model": str(inputs[0]), "motion": str(inputs[1]), "avatar": "skeleton"}],
    }
    with pytest.raises(InputError, match=says):
        checked_inputs(config_from_document(document, Path("/")))


def test_cameras_of_other_shutters_become_recordings_of_their_own(inputs):
    cameras = {"preset": "ring", "count": 3, "rolling_shutter_ms": [12.5, 0, 12.5]}
    recording = {"model": str(inputs[0]), "motion": str(inputs[1]), "avatar": "skeleton", "rate": 25}
    config = config_from_document({"cameras": cameras, "recordings": [recording]}, Path("/"))
    names = [each.name.rpartition("_")[2] for each in config.recordings]
    assert names == ["25Hz-rolling12.5ms", "25Hz"]
    del recording["rate"]
    config = config_from_document({"cameras": cameras, "recordings": [recording]}, Path("/"))
    assert [each.name.rpartition("_")[2] for each in config.recordings] == ["rolling12.5ms", "own"]
    again = config_from_document(config_document(config, Path("/")), Path("/"))
    assert [each.clock for each in again.recordings] == [each.clock for each in config.recordings]
    assert [(each.clock.views, each.clock.rate) for each in again.recordings] == [((0, 2), None), ((1,), None)]
