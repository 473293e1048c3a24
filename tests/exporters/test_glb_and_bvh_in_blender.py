"""What Blender's own importers make of our GLB and BVH files, and what is taken from Blender for the former."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.exporters.bvh_reader import read_bvh  # noqa: E402
from simspine.exporters.bvh_writer import write_bvh  # noqa: E402
from simspine.exporters.glb_writer import write_glb  # noqa: E402
from simspine.exporters.skinned_meshes import collect_skinned_meshes  # noqa: E402
from simspine.sample_rigs import sample_geometry_folder, sample_model_path, sample_motion_path  # noqa: E402
from simspine.simspine_addon.kinematics.forward import pose_track  # noqa: E402
from simspine.simspine_addon.kinematics.pose_track import PoseTrack  # noqa: E402
from simspine.simspine_addon.kinematics.resample import resample_at  # noqa: E402
from simspine.simspine_addon.model.document import read_model  # noqa: E402
from simspine.simspine_addon.model.motion import read_motion  # noqa: E402
from simspine.simspine_addon.scene.body import build_body  # noqa: E402
from simspine.simspine_addon.scene.compat import curves_of  # noqa: E402
from simspine.simspine_addon.scene.import_motion import import_person  # noqa: E402

TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def load(model: Path, motion: Path) -> PoseTrack:
    read = read_model(model)
    return pose_track(read, read_motion(motion, read))


@pytest.fixture(scope="module")
def walking() -> PoseTrack:
    return load(sample_model_path(), sample_motion_path("walking"))


def empty_scene(track: PoseTrack) -> Any:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = round(track.rate), 1.0
    return bpy.context.scene


def import_glb(path: Path, track: PoseTrack) -> Any:
    empty_scene(track)
    bpy.ops.import_scene.gltf(filepath=str(path))
    return next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")


def import_bvh(path: Path, track: PoseTrack, **options: Any) -> Any:
    empty_scene(track)
    settings = {"global_scale": 0.01, "update_scene_fps": True, "axis_forward": "-Z", "axis_up": "Y", **options}
    bpy.ops.import_anim.bvh(filepath=str(path), **settings)
    return next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")


def key_range(armature: Any) -> tuple[float, float]:
    frames = [
        key.co[0] for curve in curves_of(armature) for key in (curve.keyframe_points[0], curve.keyframe_points[-1])
    ]
    return min(frames), max(frames)


def errors(armature: Any, track: PoseTrack, first: float, wanted: PoseTrack, every: int = 1) -> tuple[float, float]:
    """Largest distance in mm and angle in degrees of the bones from `wanted`, whose times are those of `track`'s clock.

    A bone's rotation is taken from its rest pose on, since importers choose the bones' axes by themselves.
    """
    scene, bones = bpy.context.scene, [armature.pose.bones[name] for name in track.names]
    world = np.array(armature.matrix_world)
    rest = (world @ np.array([bone.bone.matrix_local for bone in bones]))[:, :3, :3]
    distance = angle = 0.0
    for index in range(0, len(wanted.time), every):
        frame = first + (wanted.time[index] - track.time[0]) * track.rate
        scene.frame_set(int(np.floor(frame)), subframe=float(frame - np.floor(frame)))
        poses = world @ np.array([bone.matrix for bone in bones])
        places = wanted.joint_centres[index] @ TO_BLENDER.T
        distance = max(distance, 1e3 * np.linalg.norm(poses[:, :3, 3] - places, axis=1).max())
        turned = poses[:, :3, :3] @ np.linalg.inv(rest)
        truth = TO_BLENDER @ wanted.rotations[index] @ np.swapaxes(track.rest_rotations, 1, 2) @ TO_BLENDER.T
        chord = np.linalg.norm(turned - truth, axis=(1, 2)) / np.sqrt(8.0)
        angle = max(angle, np.degrees(2.0 * np.arcsin(np.minimum(chord, 1.0))).max())
    return distance, angle


def halves(track: PoseTrack) -> PoseTrack:
    return resample_at(track, 0.5 * (track.time[1:] + track.time[:-1]))


def test_walking_as_glb_on_every_frame_and_half_frame(tmp_path: Path, walking: PoseTrack) -> None:
    armature = import_glb(write_glb(tmp_path / "a.glb", walking).path, walking)
    first, last = key_range(armature)
    assert (last - first) / walking.rate == pytest.approx(walking.time[-1] - walking.time[0], abs=1e-6)
    distance, angle = errors(armature, walking, first, walking)
    assert distance < 0.05
    assert angle < 0.01
    distance, angle = errors(armature, walking, first, halves(walking), every=3)
    assert distance < 0.05
    assert angle < 0.01


def test_walking_as_bvh_on_every_frame(tmp_path: Path, walking: PoseTrack) -> None:
    armature = import_bvh(write_bvh(tmp_path / "a.bvh", walking).path, walking)
    assert key_range(armature) == (1.0, len(walking.time))
    assert bpy.context.scene.render.fps / bpy.context.scene.render.fps_base == pytest.approx(50.0)
    distance, angle = errors(armature, walking, 1, walking)
    assert distance < 0.05
    assert angle < 0.01


def test_walking_as_bvh_does_not_flip_between_frames(tmp_path: Path, walking: PoseTrack) -> None:
    """Between frames Euler angles are not quaternions, but near: a flip would be many degrees."""
    armature = import_bvh(write_bvh(tmp_path / "a.bvh", walking).path, walking, rotate_mode="NATIVE")
    distance, angle = errors(armature, walking, 1, halves(walking), every=2)
    assert distance < 0.5
    assert angle < 0.05


@pytest.mark.parametrize("order", ["XYZ", "YZX"])
def test_other_orders_and_a_rest_root_offset_as_bvh(tmp_path: Path, walking: PoseTrack, order: str) -> None:
    path = write_bvh(tmp_path / "a.bvh", walking, order=order, root_offset="rest", positions="all").path
    distance, angle = errors(import_bvh(path, walking), walking, 1, walking, every=7)
    assert distance < 0.05
    assert angle < 0.01


def test_z_up_in_metres_as_bvh(tmp_path: Path, walking: PoseTrack) -> None:
    path = write_bvh(tmp_path / "a.bvh", walking, up="Z", unit="m").path
    armature = import_bvh(path, walking, global_scale=1.0, axis_forward="Y", axis_up="Z")
    distance, angle = errors(armature, walking, 1, walking, every=7)
    assert distance < 0.05
    assert angle < 0.01


def test_real_capture_as_both(tmp_path: Path, capture: Path) -> None:
    track = load(capture / "model.osim", capture / "motion.mot")
    armature = import_bvh(write_bvh(tmp_path / "a.bvh", track).path, track)
    assert max(errors(armature, track, 1, track)) < 0.01
    armature = import_glb(write_glb(tmp_path / "a.glb", track).path, track)
    distance, angle = errors(armature, track, key_range(armature)[0], track)
    assert distance < 0.05
    assert angle < 0.01


@pytest.mark.parametrize("frames", [0, 1])
def test_no_frames_and_one_can_be_imported(tmp_path: Path, walking: PoseTrack, frames: int) -> None:
    still = PoseTrack(
        walking.time[:frames], walking.names, walking.parents, walking.positions[:frames], walking.rotations[:frames],
        walking.centres, walking.rest_positions, walking.rest_rotations,
    )  # fmt: skip
    armature = import_glb(write_glb(tmp_path / "a.glb", still).path, walking)
    assert {bone.name for bone in armature.data.bones} == set(walking.names)
    armature = import_bvh(write_bvh(tmp_path / "a.bvh", still).path, walking)
    assert {bone.name for bone in armature.data.bones} == set(walking.names)


def test_takes_become_actions(tmp_path: Path, walking: PoseTrack) -> None:
    bending = load(sample_model_path(), sample_motion_path("lateral_bending"))
    path = write_glb(tmp_path / "a.glb", walking, takes={"walk": walking, "bend": bending}).path
    armature = import_glb(path, walking)
    actions = {action.name.split("_")[0]: action for action in bpy.data.actions}
    assert set(actions) == {"walk", "bend"}
    for track in armature.animation_data.nla_tracks:
        track.mute = True
    armature.animation_data.action = actions["bend"]
    if hasattr(actions["bend"], "slots"):  # from Blender 4.4 on
        armature.animation_data.action_slot = actions["bend"].slots[0]
    distance, angle = errors(armature, bending, key_range(armature)[0], bending, every=20)
    assert distance < 0.05
    assert angle < 0.01


def test_what_blender_writes_as_bvh_is_read_as_it_meant(tmp_path: Path, walking: PoseTrack) -> None:
    """Its exporter writes Z-up metres, a root with six channels, and six decimals."""
    scene = empty_scene(walking)
    armature = import_person(scene, read_model(sample_model_path()), None, walking, with_meshes=False).armature
    scene.frame_set(scene.frame_start)
    path = tmp_path / "theirs.bvh"
    bpy.ops.export_anim.bvh(filepath=str(path), frame_start=scene.frame_start, frame_end=scene.frame_start + 40)
    places, _ = read_bvh(path).global_poses()
    names = read_bvh(path).names
    for frame in (0, 17, 40):
        scene.frame_set(scene.frame_start + frame)
        heads = np.array([armature.pose.bones[name].head for name in names])
        # Blender's exporter has no positions for the knees that slide: only what comes before them is comparable.
        fixed = [i for i, name in enumerate(names) if name.startswith(("pelvis", "lumbar", "torso", "head", "femur"))]
        assert len(fixed) > 8
        assert np.abs(places[frame, fixed] - heads[fixed]).max() < 2e-5


@pytest.fixture
def person(walking: PoseTrack) -> Any:
    """The imported sample with its bones' meshes and a skin that has pictures for colour, roughness and relief."""
    model = read_model(sample_model_path())
    scene = empty_scene(walking)
    person = import_person(scene, model, None, walking, geometry_dirs=[sample_geometry_folder()])
    body = build_body(person.armature, walking).object
    layer = body.data.uv_layers.new(name="UVMap")
    places = np.array([body.data.vertices[loop.vertex_index].co for loop in body.data.loops])
    layer.uv.foreach_set("vector", np.ascontiguousarray(places[:, 1:], np.float32).ravel())
    tree = body.data.materials[0].node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    colors = {"Base Color": (0.8, 0.4, 0.2, 1.0), "Roughness": (0.25, 0.25, 0.25, 1.0), "Normal": (0.5, 0.5, 1.0, 1.0)}
    for name, color in colors.items():
        image = bpy.data.images.new(name, 4, 4)
        image.generated_color = color
        texture = tree.nodes.new("ShaderNodeTexImage")
        texture.image = image
        target = shader.inputs[name]
        if name == "Normal":
            relief = tree.nodes.new("ShaderNodeNormalMap")
            tree.links.new(relief.outputs[0], target)
            target = relief.inputs["Color"]
        tree.links.new(texture.outputs[0], target)
    bpy.context.scene.frame_set(40)
    return person


def test_meshes_follow_the_skeleton_after_the_journey(tmp_path: Path, walking: PoseTrack, person: Any) -> None:
    collected = collect_skinned_meshes(person.armature)
    assert collected.warnings == ()
    assert person.armature.data.pose_position == "POSE"
    bpy.context.scene.frame_set(1 + 60)
    before = {name: world_vertices(name) for name in ("SimSpine body", "skull", "lumbar3")}
    report = write_glb(tmp_path / "a.glb", walking, meshes=collected.meshes)
    assert report.warnings == ()
    armature = import_glb(report.path, walking)
    bpy.context.scene.frame_set(round(key_range(armature)[0]) + 60)
    for name, wanted in before.items():
        nearest = distances(world_vertices(name), wanted)
        assert nearest.max() < 5e-5, name


def test_pictures_and_values_arrive_in_blender(tmp_path: Path, walking: PoseTrack, person: Any) -> None:
    collected = collect_skinned_meshes(person.armature)
    import_glb(write_glb(tmp_path / "a.glb", walking, meshes=collected.meshes).path, walking)
    assert {tuple(image.size) for image in bpy.data.images if image.type == "IMAGE"} == {(4, 4)}
    material = bpy.data.objects["SimSpine body"].data.materials[0]
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    assert shader.inputs["Specular IOR Level"].default_value == pytest.approx(0.35)
    image = shader.inputs["Base Color"].links[0].from_node.image
    assert np.allclose(image.pixels[:3], [0.8, 0.4, 0.2], atol=0.01)
    assert shader.inputs["Normal"].links[0].from_node.type == "NORMAL_MAP"
    assert shader.inputs["Roughness"].is_linked
    rough = next(each for each in bpy.data.images if "roughness" in each.name)
    assert rough.pixels[1] == pytest.approx(0.25, abs=0.01)


def test_hidden_meshes_are_left_out_and_told(person: Any) -> None:
    bpy.data.objects["skull"].hide_render = True
    bpy.data.objects["jaw"].hide_set(True)
    bpy.data.objects["SimSpine body"].modifiers[0].use_deform_preserve_volume = True
    collected = collect_skinned_meshes(person.armature)
    assert not {"skull", "jaw"} & {mesh.name for mesh in collected.meshes}
    for words in ("'skull' is hidden", "'jaw' is hidden", "'SimSpine body' preserves its volume"):
        assert any(words in warning for warning in collected.warnings), words


def world_vertices(name: str) -> np.ndarray:
    thing = bpy.data.objects[name].evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = thing.to_mesh()
    places = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", places)
    world = np.array(thing.matrix_world)
    thing.to_mesh_clear()
    return places.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]


def distances(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """From each of `others` to the nearest of `some`."""
    from scipy.spatial import cKDTree

    return cKDTree(some).query(others)[0]
