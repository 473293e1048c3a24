"""FBX files as both of Blender's importers, assimp and the bare file show them; and the user's scene afterwards."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.exporters import export_fbx  # noqa: E402
from simspine.exporters.armature_track import armature_track  # noqa: E402
from simspine.exporters.export_track import export_track  # noqa: E402
from simspine.exporters.fbx_file import FbxElement, read_fbx  # noqa: E402
from simspine.exporters.presets import export_preset  # noqa: E402
from simspine.headless.bench.roundtrip_bench import compared  # noqa: E402
from simspine.headless.bench.roundtrip_readers import readers_of  # noqa: E402
from simspine.sample_rigs import sample_geometry_folder, sample_model_path, sample_motion_path  # noqa: E402
from simspine.simspine_addon.kinematics.forward import pose_track  # noqa: E402
from simspine.simspine_addon.kinematics.pose_track import PoseTrack  # noqa: E402
from simspine.simspine_addon.kinematics.resample import resample  # noqa: E402
from simspine.simspine_addon.model.document import read_model  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.model.motion import read_motion  # noqa: E402
from simspine.simspine_addon.scene.compat import curves_of  # noqa: E402
from simspine.simspine_addon.scene.import_motion import import_person  # noqa: E402

READERS = readers_of(".fbx")
TICKS_PER_SECOND = 46186158000  # KTime, from the FBX SDK's documentation


@pytest.fixture(scope="module")
def lifting() -> PoseTrack:
    model = read_model(sample_model_path())
    return resample(pose_track(model, read_motion(sample_motion_path("lifting_with_twist"), model)), 25.0)


@pytest.fixture(autouse=True)
def _empty_scene() -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)


@pytest.fixture
def person(lifting: PoseTrack) -> Any:
    """A person with bone meshes in a scene that a user works in."""
    model = read_model(sample_model_path())
    scene = bpy.context.scene
    done = import_person(scene, model, None, lifting, geometry_dirs=[sample_geometry_folder()], name="Walker")
    for thing in [thing for thing in done.objects[1:] if thing.name not in {"skull", "lumbar3", "tibia_l"}]:
        bpy.data.objects.remove(thing)  # a few of them will do
    return done


@pytest.mark.parametrize("reader", sorted(READERS))
@pytest.mark.parametrize("preset", ["generic", "unreal", "unity", "maya", "motionbuilder"])
def test_other_programs_see_the_same_motion(tmp_path: Path, lifting: PoseTrack, preset: str, reader: str) -> None:
    path = tmp_path / f"{preset}.fbx"
    result = export_fbx(path, lifting, preset=preset)
    wanted = export_track(lifting, export_preset(preset))
    row = compared("lift", preset, ".fbx", reader, READERS[reader](path, wanted.fps), wanted)
    assert result.frames == len(lifting.time)
    assert row.frames == 0
    assert row.duration_s < 1e-6
    assert row.joints_mm < 0.05
    assert row.angles_deg < 0.01
    assert row.rest_mm < 0.05
    assert row.half_frame_joints_mm < 0.5
    assert row.half_frame_angles_deg < 0.1


def test_humanoid_joints_stand_where_the_model_has_them(lifting: PoseTrack) -> None:
    track = export_track(lifting, export_preset("unity")).track
    bodies = {"Hips": "pelvis", "Spine": "lumbar5", "UpperChest": "torso", "LeftHand": "hand_l", "RightFoot": "talus_r"}
    for bone, body in bodies.items():
        ours = track.joint_centres[:, track.names.index(bone)]
        assert np.allclose(ours, lifting.joint_centres[:, lifting.names.index(body)], atol=1e-9), bone
    spine, chest = track.names.index("Spine"), track.names.index("Chest")
    up = np.einsum(
        "tji,tj->ti", track.rotations[:, spine], track.positions[:, chest] - track.positions[:, spine]
    )  # a bone that runs along its part of the curve sees the next one in one and the same direction
    directions = up / np.linalg.norm(up, axis=1, keepdims=True)
    assert np.abs(directions - directions[0]).max() < 1e-9


def properties(element: FbxElement | None) -> dict[str, list[Any]]:
    table = element.find(b"Properties70") if element is not None else None
    return {each.values[0].decode(): each.values[4:] for each in table.inner} if table is not None else {}


def models(root: FbxElement) -> dict[str, FbxElement]:
    objects = root.find(b"Objects")
    assert objects is not None
    return {each.values[1].split(b"\0")[0].decode(): each for each in objects.all(b"Model")}


def parents(root: FbxElement) -> dict[str, str]:
    ids = {each.values[0]: name for name, each in models(root).items()}
    links = root.find(b"Connections")
    assert links is not None
    pairs = [each.values for each in links.inner if each.values[0] == b"OO" and each.values[1] in ids]
    return {ids[child]: ids.get(parent, "") for _, child, parent, *_ in pairs if parent == 0 or parent in ids}


@pytest.mark.parametrize("preset", ["generic", "unreal", "unity", "maya", "motionbuilder"])
def test_no_node_is_scaled_and_there_is_one_take_from_zero(tmp_path: Path, lifting: PoseTrack, preset: str) -> None:
    bpy.data.actions.new("somebody else's")
    root, _ = read_fbx(export_fbx(tmp_path / "a.fbx", lifting, preset=preset, name="Walker").path)
    settings = properties(root.find(b"GlobalSettings"))
    assert settings["UnitScaleFactor"] == [1.0]
    for name, model in models(root).items():
        assert properties(model).get("Lcl Scaling", [1.0, 1.0, 1.0]) == [1.0, 1.0, 1.0], name
        if model.values[2] == b"Null":
            assert np.abs(properties(model).get("Lcl Rotation", [0.0])).max() < 1e-4, name
    objects = root.find(b"Objects")
    assert objects is not None
    takes = objects.all(b"AnimationStack")
    assert [take.values[1].split(b"\0")[0] for take in takes] == [b"Walker"]
    end = round((len(lifting.time) - 1) / 25.0 * TICKS_PER_SECOND)
    assert properties(takes[0])["LocalStop"] == [end]
    assert settings["TimeSpanStop"] == [end]
    keys = objects.all(b"AnimationCurve")[0].find(b"KeyTime")
    assert keys is not None
    assert (len(keys.values[0]), keys.values[0][0], keys.values[0][-1]) == (len(lifting.time), 0, end)


def test_unreal_gets_one_root_bone_on_the_floor_that_carries_the_way(tmp_path: Path, lifting: PoseTrack) -> None:
    root, _ = read_fbx(export_fbx(tmp_path / "a.fbx", lifting, preset="unreal", names="unreal_5", name="Walker").path)
    above = parents(root)
    bones = {name: model for name, model in models(root).items() if model.values[2] == b"LimbNode"}
    assert [name for name in bones if above[name] == ""] == ["root"]
    assert above["pelvis"] == "root"
    assert not [name for name, model in models(root).items() if model.values[2] == b"Null"]
    assert {"spine_01", "spine_05", "head", "upperarm_l", "lowerarm_r", "hand_l", "thigh_r", "calf_l", "foot_r"} <= set(
        bones
    )
    settings = properties(root.find(b"GlobalSettings"))
    axes = ("UpAxis", "UpAxisSign", "FrontAxis", "FrontAxisSign", "CoordAxis", "CoordAxisSign")
    assert [settings[axis][0] for axis in axes] == [2, 1, 1, -1, 0, 1]  # Unreal's own: nothing is turned on import
    assert np.abs(properties(bones["root"])["Lcl Rotation"]).max() < 1e-4
    track = export_track(lifting, export_preset("unreal")).track
    assert np.abs(track.positions[:, 0, 1]).max() == 0.0
    pelvis = track.names.index("pelvis")
    assert np.abs((track.positions[:, 0] - track.joint_centres[:, pelvis])[:, [0, 2]]).max() < 0.001


def test_unity_gets_every_slot_and_a_t_pose(tmp_path: Path, lifting: PoseTrack) -> None:
    result = export_fbx(tmp_path / "a.fbx", lifting, preset="unity", name="Walker")
    root, _ = read_fbx(result.path)
    needed = {"Hips", "Spine", "Chest", "UpperChest", "Head"} | {
        f"{side}{part}"
        for side in ("Left", "Right")
        for part in ("UpperLeg", "LowerLeg", "Foot", "UpperArm", "LowerArm", "Hand")
    }
    above = parents(root)
    assert needed <= set(above)
    assert above["Chest"] == "Spine"
    assert above["LeftUpperArm"] == "UpperChest"
    places = rest_places(root)
    for side, aside in (("Left", 1.0), ("Right", -1.0)):  # facing +Z with Y up, the left is +X
        for start, end, wanted in (
            ("UpperArm", "LowerArm", (aside, 0.0, 0.0)),
            ("LowerArm", "Hand", (aside, 0.0, 0.0)),
            ("UpperLeg", "LowerLeg", (0.0, -1.0, 0.0)),
            ("LowerLeg", "Foot", (0.0, -1.0, 0.0)),
        ):
            way = places[side + end] - places[side + start]
            angle = np.degrees(np.arccos(np.clip(way @ wanted / np.linalg.norm(way), -1.0, 1.0)))
            assert angle < 1.0, (side, start)
    generic, _ = read_fbx(result.beside[0])
    assert {"lumbar1", "lumbar2", "lumbar3", "lumbar4", "lumbar5", "torso"} <= set(models(generic))


def rest_places(root: FbxElement) -> dict[str, np.ndarray]:
    """World places of the nodes as the file has them before any animation."""
    from scipy.spatial.transform import Rotation

    above, local = parents(root), {}
    for name, model in models(root).items():
        values = properties(model)
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_euler("xyz", values.get("Lcl Rotation", [0.0] * 3), degrees=True).as_matrix()
        matrix[:3, 3] = values.get("Lcl Translation", [0.0] * 3)
        local[name] = matrix

    def world(name: str) -> np.ndarray:
        return local[name] if not above.get(name) else world(above[name]) @ local[name]

    return {name: world(name)[:3, 3] for name in local}


def scene_as_it_is(person: Any) -> dict[str, Any]:
    """Everything that an export might disturb."""
    context, armature = bpy.context, person.armature
    kinds = [name for name in dir(bpy.data) if isinstance(getattr(bpy.data, name), bpy.types.bpy_prop_collection)]
    return {
        "names": {kind: [(block.name, block.users) for block in getattr(bpy.data, kind)] for kind in kinds},
        "scene": context.window.scene.name,
        "active": context.view_layer.objects.active.name,
        "selected": sorted(thing.name for thing in context.selected_objects),
        "mode": context.mode,
        "frame": (context.scene.frame_current, context.scene.frame_subframe),
        "range": (context.scene.frame_start, context.scene.frame_end, context.scene.render.fps),
        "action": armature.animation_data.action.name,
        "slot": getattr(getattr(armature.animation_data, "action_slot", None), "identifier", ""),
        "position": armature.data.pose_position,
        "curves": [(curve.data_path, curve.array_index, len(curve.keyframe_points)) for curve in curves_of(armature)],
        "poses": [tuple(value for row in bone.matrix for value in row) for bone in armature.pose.bones],
        "moved by hand": tuple(armature.pose.bones["lumbar3"].location),
        "materials": [[slot.name for slot in thing.material_slots] for thing in context.scene.objects],
        "vertices": [tuple(mesh.vertices[0].co) for mesh in bpy.data.meshes],
    }


@pytest.mark.parametrize("mode", ["OBJECT", "POSE", "EDIT"])
def test_the_scene_is_as_it_was(tmp_path: Path, person: Any, lifting: PoseTrack, mode: str) -> None:
    bpy.context.scene.frame_set(9, subframe=0.25)
    bpy.ops.object.mode_set(mode=mode)
    person.armature.pose.bones["lumbar3"].location = (0.01, 0.02, 0.03)  # by hand, without a key
    bpy.context.view_layer.update()
    before = scene_as_it_is(person)
    export_fbx(tmp_path / "a.fbx", lifting, preset="unity", armature=person.armature, name="Walker")
    assert scene_as_it_is(person) == before


def test_the_scene_is_as_it_was_after_a_failure(tmp_path: Path, person: Any, lifting: PoseTrack) -> None:
    before = scene_as_it_is(person)
    (tmp_path / "a.fbx").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        export_fbx(tmp_path / "a.fbx", lifting, armature=person.armature, name="Walker")
    assert scene_as_it_is(person) == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.fbx"]


def test_meshes_stand_on_the_skeleton_in_every_frame(tmp_path: Path, person: Any, lifting: PoseTrack) -> None:
    bpy.context.scene.frame_set(1 + 60)
    wanted = world_vertices("skull")
    path = export_fbx(tmp_path / "a.fbx", lifting, preset="unity_generic", armature=person.armature, name="Walker").path
    read = READERS["Blender (C++)"]
    read(path, 25.0)
    assert {"Walker", "skull", "lumbar3"} <= {thing.name for thing in bpy.data.objects}
    armature = bpy.data.objects["Walker"]
    first = min(curve.range()[0] for curve in curves_of(armature))
    bpy.context.scene.frame_set(round(first) + 60)
    turn = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # facing -y where the scene's person faces x
    assert np.abs(world_vertices("skull") - wanted @ turn.T).max() < 5e-5
    assert [slot.material is not None for slot in bpy.data.objects["skull"].material_slots] == [True]


def world_vertices(name: str) -> np.ndarray:
    thing = bpy.data.objects[name].evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = thing.to_mesh()
    places = np.array([vertex.co for vertex in mesh.vertices])
    world = np.array(thing.matrix_world)
    thing.to_mesh_clear()
    return places @ world[:3, :3].T + world[:3, 3]


def test_an_avatar_keeps_its_bones(tmp_path: Path) -> None:
    from simspine.sample_rigs.avatars.people import sample_avatar
    from simspine.simspine_addon.scene.avatar import add_avatar

    avatar = add_avatar(bpy.context.scene, sample_avatar("mannequin"), "Dummy")
    bone = avatar.armature.pose.bones[3]
    for frame, turn in ((1, 0.0), (11, 0.4)):
        bone.rotation_quaternion = (np.cos(turn), np.sin(turn), 0.0, 0.0)
        bone.keyframe_insert("rotation_quaternion", frame=frame)
    motion = armature_track(avatar.armature, bpy.context.scene)
    assert motion.own_bones
    rest = {
        bone.name: np.array(avatar.armature.matrix_world @ bone.matrix_local) for bone in avatar.armature.data.bones
    }
    options = {"own_bones": True, "armature": avatar.armature, "name": "Dummy"}
    path = export_fbx(tmp_path / "a.fbx", motion.track, **options).path
    read = READERS["Blender (Python)"](path, 24.0)
    assert len(read.seconds) == 11
    turn = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    for name, matrix in rest.items():
        found = read.rest[read.names.index(name)]
        assert np.abs(found[:3, 3] - turn @ matrix[:3, 3]).max() < 5e-5, name
        assert np.abs(found[:3, :3] / 0.01 - turn @ matrix[:3, :3]).max() < 1e-4, name  # the object is in centimetres
    assert any(thing.type == "MESH" for thing in bpy.data.objects)


def test_names_of_any_kind_arrive(tmp_path: Path, lifting: PoseTrack) -> None:
    folder = tmp_path / "Übung mit Abstand"
    folder.mkdir()
    named = replace(lifting, names=("Becken/Hüfte", *lifting.names[1:]))
    bpy.data.objects.new("Jürgen Groß", None)
    path = export_fbx(folder / "läuft schnell.fbx", named, name="Jürgen Groß").path
    root, _ = read_fbx(path)
    assert {"Jürgen Groß", "Becken/Hüfte"} <= set(models(root))
    assert "Jürgen Groß" in bpy.data.objects


@pytest.mark.parametrize("frames", [0, 1])
def test_motions_of_no_and_one_frame(tmp_path: Path, lifting: PoseTrack, frames: int) -> None:
    few = replace(
        lifting, time=lifting.time[:frames], positions=lifting.positions[:frames], rotations=lifting.rotations[:frames]
    )
    result = export_fbx(tmp_path / "a.fbx", few)
    assert (result.frames, len(result.warnings)) == (1, 1 - frames)
    assert READERS["Blender (C++)"](result.path, 30.0).names


def test_what_cannot_be_written_is_one_line(tmp_path: Path, lifting: PoseTrack) -> None:
    for path in ("/proc/a.fbx", tmp_path / "nowhere" / "a.fbx", tmp_path / "a.obj"):
        with pytest.raises(InputError) as refused:
            export_fbx(path, lifting)
        assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_blender_without_the_exporter_says_so() -> None:
    from simspine.exporters.blender_export import needed_operator

    with pytest.raises(InputError, match=r"this Blender has no export_scene\.clay; knead it"):
        needed_operator("export_scene", "clay", "knead it")


def test_an_interrupted_export_leaves_the_old_file(
    tmp_path: Path, lifting: PoseTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_source: Path, target: Path, **_: Any) -> None:
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    path = tmp_path / "a.fbx"
    path.write_bytes(b"old")
    monkeypatch.setattr("simspine.exporters.fbx.mend_fbx", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_fbx(path, lifting)
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.fbx"]
    assert [len(getattr(bpy.data, kind)) for kind in ("scenes", "armatures", "actions")] == [1, 0, 0]


def test_assimp_is_asked_where_it_is() -> None:
    if shutil.which("assimp") is None:
        pytest.skip("assimp is not here (Debian: assimp-utils)")
    assert "assimp" in READERS
