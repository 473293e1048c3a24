"""Visibility, depth, normals and masks against Cycles, which peels the same scene layer by layer at its own rays."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.exporters.labels import Labels, make_labels  # noqa: E402
from simspine.exporters.masks import decode_mask  # noqa: E402
from simspine.exporters.outline import Surface  # noqa: E402
from simspine.exporters.people_seen import with_visibility  # noqa: E402
from simspine.headless.render_avatar import moving_avatar  # noqa: E402
from simspine.headless.render_plan import frames_of  # noqa: E402
from simspine.headless.render_scene import add_moving_avatar  # noqa: E402
from simspine.sample_rigs import sample_model_path, sample_motion_path  # noqa: E402
from simspine.sample_rigs.avatars.mpfb_data import has_data  # noqa: E402
from simspine.simspine_addon.capture.camera import Camera  # noqa: E402
from simspine.simspine_addon.kinematics.forward import pose_track  # noqa: E402
from simspine.simspine_addon.kinematics.pose_track import PoseTrack  # noqa: E402
from simspine.simspine_addon.model.document import read_model  # noqa: E402
from simspine.simspine_addon.model.motion import read_motion  # noqa: E402
from simspine.simspine_addon.scene.axes import BLENDER_FROM_OPENSIM  # noqa: E402
from simspine.simspine_addon.scene.cameras import activate, add_camera  # noqa: E402
from simspine.simspine_addon.scene.passes import PassMaker  # noqa: E402
from simspine.simspine_addon.scene.visibility import VisibilityTester  # noqa: E402
from simspine.simspine_addon.scene.visibility_layers import Hit, passage  # noqa: E402
from simspine.simspine_addon.scene.visibility_objects import scene_triangles  # noqa: E402
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS  # noqa: E402

# Large ones once by hand: SIMSPINE_PEEL_SIZE=600 SIMSPINE_PEEL_FRAMES=20 pytest -s tests/scene/test_seen_by_cycles.py
SIZE = int(os.environ.get("SIMSPINE_PEEL_SIZE", "240"))
FRAMES = int(os.environ.get("SIMSPINE_PEEL_FRAMES", "1"))
LAYERS = 14
OBJECTS, FIRST, SECOND = 7, 1, 2  # object indices


@dataclass(frozen=True, slots=True)
class Shown:
    """Two people and a box before and between cameras."""

    scene: bpy.types.Scene
    cameras: list[Camera]
    views: list[bpy.types.Object]
    surfaces: list[Surface]
    tracks: list[PoseTrack]
    labels: list[Labels]
    objects: tuple[np.ndarray, np.ndarray]


def camera_towards(name: str, place: np.ndarray, target: np.ndarray) -> Camera:
    forward = (target - place) / np.linalg.norm(target - place)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    K = np.array([[1.15 * SIZE, 0, SIZE / 2 - 3.3], [0, 1.12 * SIZE, SIZE / 2 + 2.1], [0, 0, 1.0]])
    return Camera(name, (SIZE, SIZE), K, R, -R @ place)


def peeling_material() -> bpy.types.Material:
    """Glows with depth, object index (negative from behind) and piece where as many surfaces lie before as wanted."""
    material = bpy.data.materials.new("peel")
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    new, link = tree.nodes.new, tree.links.new
    path, place, info, camera = (
        new(f"ShaderNode{kind}") for kind in ("LightPath", "NewGeometry", "ObjectInfo", "CameraData")
    )
    piece = new("ShaderNodeAttribute")
    piece.attribute_name = "piece"
    sign = new("ShaderNodeMath")
    sign.operation, sign.inputs[1].default_value, sign.inputs[2].default_value = "MULTIPLY_ADD", -2.0, 1.0
    link(place.outputs["Backfacing"], sign.inputs[0])
    signed = new("ShaderNodeMath")
    signed.operation = "MULTIPLY"
    link(info.outputs["Object Index"], signed.inputs[0])
    link(sign.outputs[0], signed.inputs[1])
    values = new("ShaderNodeCombineXYZ")
    for output, name in ((camera.outputs["View Z Depth"], "X"), (signed.outputs[0], "Y"), (piece.outputs["Fac"], "Z")):
        link(output, values.inputs[name])
    wanted = new("ShaderNodeMath")
    wanted.operation, wanted.inputs[2].default_value = "COMPARE", 0.1
    split = new("ShaderNodeSeparateColor")  # an object's colour is cheaper to change than a material
    link(info.outputs["Color"], split.inputs["Color"])
    link(split.outputs["Red"], wanted.inputs[1])
    link(path.outputs["Transparent Depth"], wanted.inputs[0])
    glow, clear, mix, output = (
        new(f"ShaderNode{kind}") for kind in ("Emission", "BsdfTransparent", "MixShader", "OutputMaterial")
    )
    link(values.outputs[0], glow.inputs["Color"])
    for source, target in ((wanted.outputs[0], 0), (clear.outputs[0], 1), (glow.outputs[0], 2)):
        link(source, mix.inputs[target])
    link(mix.outputs[0], output.inputs["Surface"])
    return material


def prepare(scene: bpy.types.Scene) -> None:
    """One ray through each pixel's centre, through up to 64 clear surfaces, into a file of floats."""
    scene.render.engine = "CYCLES"
    cycles, render = scene.cycles, scene.render
    cycles.device, cycles.samples, cycles.use_adaptive_sampling, cycles.use_denoising = "CPU", 1, False, False
    cycles.pixel_filter_type, cycles.filter_width = "BOX", 0.01
    cycles.max_bounces, cycles.transparent_max_bounces = 0, 64
    cycles.sample_clamp_direct = 0.0
    render.use_persistent_data, render.use_file_extension = True, False
    render.image_settings.file_format = "OPEN_EXR"
    render.image_settings.color_depth, render.image_settings.color_mode = "32", "RGB"


def read_floats(path) -> np.ndarray:
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    width, height = image.size
    bpy.data.images.remove(image)
    return values.reshape(height, width, 4)[::-1, :, :3].astype(float)


def peeled(shown: Shown, view: int, frame: int, folder) -> np.ndarray:
    """[LAYERS, H, W, 3] depth, signed object index and piece of the n-th surface behind each pixel's centre."""
    layers = []
    shown.scene.frame_set(frame + 1)
    activate(shown.scene, shown.views[view])
    path = folder / "layer.exr"
    shown.scene.render.filepath = str(path)
    for layer in range(LAYERS):
        for obj in shown.scene.objects:
            obj.color = (layer, 0.0, 0.0, 1.0)
        bpy.ops.render.render(write_still=True)
        layers.append(read_floats(path))
        if not layers[-1][..., 1].any():
            break
    return np.stack(layers)


def stand(scene, model, track, rows, name, number):
    moving = moving_avatar(model, track, name, None, "surface")
    poses = frames_of(moving.track, rows)
    person = add_moving_avatar(scene, moving, poses)
    mesh = person.objects[1]
    mesh.pass_index = number
    layer = mesh.data.attributes.new("piece", "FLOAT", "FACE")
    layer.data.foreach_set("value", moving.avatar.face_material.astype(np.float32))
    return moving, poses, person


@pytest.fixture(scope="module")
def shown() -> Shown:
    """A dressed woman, where the data for her are here, and a mannequin, which is one closed skin."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    prepare(scene)
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path("lifting_with_twist"), model)
    track = pose_track(model, motion)
    rows = np.linspace(0, len(motion.time) - 1, FRAMES + 2).round().astype(int)[1:-1]
    moving, poses, person = stand(scene, model, track, rows, "ada" if has_data() else "mannequin", FIRST)
    aside = np.array([0.1, 0.0, 0.8])
    shifted = pose_track(model, motion)
    shifted.positions[...] += aside
    other, other_poses, second = stand(scene, model, shifted, rows, "mannequin", SECOND)
    middle = poses.positions.mean(axis=(0, 1))
    bpy.ops.mesh.primitive_cube_add(size=0.5, location=BLENDER_FROM_OPENSIM @ (middle + np.array([0.9, -0.1, -0.2])))
    bpy.context.object.pass_index = OBJECTS
    scene.view_layers[0].material_override = peeling_material()
    objects = scene_triangles(scene, (*person.objects, *second.objects))
    assert len(objects[1]) == 12
    places = [[2.6, 0.9, 0.3], [-0.4, 0.2, 2.7], [-2.5, 1.2, -0.6]][: 2 if FRAMES == 1 else 3]
    cameras = [camera_towards(f"c{i}", middle + place, middle + 0.3 * aside) for i, place in enumerate(places)]
    labels = [
        make_labels(
            cameras, KEYPOINT_NAMES, KEYPOINT_PARENTS, each.points()[rows], rows, motion.time[rows], None, None, None
        )
        for each in (moving, other)
    ]
    views = [add_camera(scene, camera) for camera in cameras]
    return Shown(scene, cameras, views, [person.surface, second.surface], [poses, other_poses], labels, objects)


@pytest.fixture(scope="module")
def layers(shown: Shown, tmp_path_factory) -> dict[tuple[int, int], np.ndarray]:
    folder = tmp_path_factory.mktemp("peeled")
    return {
        (view, frame): peeled(shown, view, frame, folder)
        for view in range(len(shown.cameras))
        for frame in range(FRAMES)
    }


def test_depth_normals_and_masks_are_those_of_the_first_layer(shown: Shown, layers):
    maker = PassMaker([surface.faces for surface in shown.surfaces], shown.objects)
    disagreeing, edge, errors = 0, 0, []
    for (view, frame), peel in layers.items():
        places = [surface.at(track, frame) for surface, track in zip(shown.surfaces, shown.tracks, strict=True)]
        passes = maker.image(shown.cameras[view], places, normals=True, bodies=True)
        index = np.abs(peel[0, ..., 1]).round().astype(int)
        theirs = np.where(index == OBJECTS, 0, index)
        assert (theirs == 1).sum() > 0.01 * SIZE**2
        disagreeing += int((theirs != passes.person).sum())
        edge += int((np.diff(theirs, axis=0) != 0).sum() + (np.diff(theirs, axis=1) != 0).sum())
        same = (theirs == passes.person) & (index > 0) & np.isfinite(passes.depth)
        errors.append(np.abs(passes.depth[same] - peel[0, ..., 0][same]))
        np.testing.assert_allclose(np.linalg.norm(passes.normal[same], axis=-1), 1.0, atol=1e-5)
        assert ((passes.body > 0) == (passes.person > 0)).all()
    errors = np.concatenate(errors)
    middle, most = np.quantile(errors, (0.5, 0.99))
    print(f"\n{disagreeing} pixels of {edge} on edges differ; depth {middle * 1e3:.4f} mm, 99 %: {most * 1e3:.4f} mm")
    assert disagreeing <= 0.01 * edge
    assert middle < 1e-5
    assert most < 1e-4


def verdict(column: np.ndarray, depth: float, slant: float, own: int, dressed: bool) -> int:
    """0 seen, 1 self, 2 object, 3 other person, from the layers behind one pixel; `slant` is distance per depth."""
    rows = column[(column[:, 1] != 0) & (column[:, 0] * slant < depth * slant - 0.001)]
    distance, index, piece = rows[:, 0] * slant, rows[:, 1].round().astype(int), rows[:, 2].round().astype(int)
    mine = np.abs(index) == own
    entries = np.flatnonzero(mine & (index > 0))
    leaves = np.flatnonzero(mine & (index < 0))
    starts = distance[entries]
    if dressed:  # clothes: the rule itself, on Cycles' hits
        skin = [0 if p in (0,) else -1 if p in (1, 2, 3, 4, 5) else p for p in piece[mine]]
        rank = [{6: 3, 7: 2, 8: 1, 9: 1}.get(p, 0) for p in piece[mine]]
        found = zip(distance[mine], index[mine], skin, rank, strict=True)
        hits = [Hit(d, -1.0 if i > 0 else 1.0, p, r) for d, i, p, r in found]
        through = passage(hits)
        starts = np.array([hit.distance for hit in through.layers])
        left = through.left
    else:
        left = distance[leaves[-1]] if len(leaves) and (not len(entries) or leaves[-1] > entries[-1]) else None
    limit = depth * slant - 0.001
    if len(starts) and (left is None or depth * slant - left <= 0.02):
        limit, starts = starts[-1], starts[:-1]
    hiding = [(starts[0], 1)] if len(starts) else []
    others = zip(distance[~mine], index[~mine], strict=True)
    hiding += [(d, 2 if abs(i) == OBJECTS else 3) for d, i in others if d < limit]
    return min(hiding)[1] if hiding else 0


def test_visibility_and_its_reasons_are_those_of_peeled_depth(shown: Shown, layers):
    tester = VisibilityTester([surface.faces for surface in shown.surfaces], shown.objects)
    people = with_visibility(shown.labels, shown.surfaces, shown.tracks, tester)
    dressed = len(shown.surfaces[0].faces.ranks.nonzero()[0]) > 0
    ours, theirs, which, near = [], [], [], 0
    for person, labels in enumerate(people):
        for (view, frame), peel in layers.items():
            camera = shown.cameras[view]
            for point in np.flatnonzero(labels.inside[view, frame]):
                u, v = labels.points_2d[view, frame, point]
                column, row = round(float(u)), round(float(v))
                if not (1 <= column < SIZE - 1 and 1 <= row < SIZE - 1):
                    continue
                direction = np.linalg.inv(camera.K) @ [u, v, 1.0]
                depth = labels.points_camera[view, frame, point, 2]
                slant = float(np.linalg.norm(direction))
                around = {
                    verdict(peel[:, y, x], depth, slant, person + 1, dressed and person == 0)
                    for y in range(row - 1, row + 2)
                    for x in range(column - 1, column + 2)
                }
                if len(around) > 1:
                    near += 1
                    continue
                theirs.append(around.pop())
                which.append((person, view, frame, KEYPOINT_NAMES[point]))
                ours.append(int(labels.occlusion.hidden_by[view, frame, point]))
    ours, theirs = np.array(ours), np.array(theirs)
    same = (ours == theirs).mean()
    for bad in np.flatnonzero(ours != theirs):
        print("differs:", which[bad], "ours", ours[bad], "theirs", theirs[bad])
    print(f"\n{len(ours)} points, {near} more near silhouettes; agree {100 * same:.2f} %, {np.bincount(theirs)}")
    assert len(ours) > 2 * near
    assert len(set(theirs.tolist())) == 4
    assert same >= 0.995


def test_masks_hold_each_persons_visible_pixels(shown: Shown, layers):
    maker = PassMaker([surface.faces for surface in shown.surfaces], shown.objects)
    kept = {}
    people = with_visibility(
        shown.labels,
        shown.surfaces,
        shown.tracks,
        None,
        maker,
        lambda view, frame, passes: kept.update({(view, frame): passes}),
    )
    for (view, frame), peel in layers.items():
        index = np.abs(peel[0, ..., 1]).round().astype(int)
        for person, labels in enumerate(people):
            mask = decode_mask(labels.masks[view][frame], (SIZE, SIZE))
            both, either = (mask & (index == person + 1)).sum(), (mask | (index == person + 1)).sum()
            assert both >= 0.995 * either
    assert set(kept) == set(layers)
