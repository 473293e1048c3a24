"""Characters from files: the right armature comes in, with its own bone map where it has one; bad files are refused."""

import json
import struct

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.sample_rigs.avatars.mannequin import build_mannequin  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.retarget.presets import choose_preset  # noqa: E402
from simspine.simspine_addon.scene.avatar import add_avatar  # noqa: E402
from simspine.simspine_addon.scene.avatar_files import load_avatar  # noqa: E402
from simspine.simspine_addon.scene.rig import skeleton_of_armature  # noqa: E402
from simspine.simspine_addon.scene.vrm_bones import vrm_role_map  # noqa: E402


@pytest.fixture(scope="module")
def figure():
    return build_mannequin()


@pytest.fixture
def mannequin(scene, figure):
    """The mannequin in the scene, with a camera that is none of its business."""
    added = add_avatar(scene, figure, "mannequin")
    scene.collection.objects.link(bpy.data.objects.new("camera", bpy.data.cameras.new("camera")))
    bpy.context.view_layer.objects.active = added.armature
    return added


def fresh_scene():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def written(path, armature) -> None:
    suffix = path.suffix
    if suffix == ".blend":
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    elif suffix == ".fbx":
        bpy.ops.export_scene.fbx(filepath=str(path), object_types={"ARMATURE", "MESH"}, add_leaf_bones=False)
    else:
        bpy.ops.export_scene.gltf(filepath=str(path.with_suffix(".glb")), export_format="GLB")
        path.with_suffix(".glb").rename(path)


@pytest.mark.parametrize("suffix", [".blend", ".fbx", ".glb", ".vrm"])
def test_the_character_comes_in_where_it_stood_in_its_own_file(mannequin, tmp_path, suffix):
    wanted = skeleton_of_armature(mannequin.armature)
    path = tmp_path / f"character{suffix}"
    written(path, mannequin.armature)
    loaded = load_avatar(fresh_scene(), path)
    skeleton = skeleton_of_armature(loaded.armature)
    index = [skeleton.index(name) for name in wanted.names]
    assert np.allclose(skeleton.rest_positions[index], wanted.rest_positions, atol=1e-4)
    assert any(thing.type == "MESH" for thing in loaded.objects)
    assert not any(thing.type == "CAMERA" for thing in loaded.objects)


def test_of_a_blend_file_cameras_stay_outside(mannequin, tmp_path):
    written(tmp_path / "a.blend", mannequin.armature)
    scene = fresh_scene()
    load_avatar(scene, tmp_path / "a.blend")
    assert {thing.type for thing in scene.objects} == {"ARMATURE", "MESH"}


def test_of_two_armatures_the_one_that_deforms_a_mesh_counts(mannequin, scene, tmp_path):
    other = bpy.data.objects.new("helper", mannequin.armature.data.copy())
    scene.collection.objects.link(other)
    written(tmp_path / "a.blend", mannequin.armature)
    assert load_avatar(fresh_scene(), tmp_path / "a.blend").armature.name == "mannequin"


def test_two_armatures_that_might_both_be_meant_are_refused_unless_one_is_named(mannequin, figure, scene, tmp_path):
    added = add_avatar(scene, figure, "second")
    assert added.armature.name == "second"
    path = tmp_path / "a.blend"
    written(path, mannequin.armature)
    scene = fresh_scene()
    with pytest.raises(InputError, match=r"a\.blend: there are 2 armatures.*--armature"):
        load_avatar(scene, path)
    assert len(scene.objects) == len(bpy.data.objects) == 0
    assert load_avatar(scene, path, "second").armature.name.startswith("second")
    with pytest.raises(InputError, match="no armature 'third'"):
        load_avatar(fresh_scene(), path, "third")


def test_a_file_without_an_armature_is_refused(scene, tmp_path):
    scene.collection.objects.link(bpy.data.objects.new("cube", bpy.data.meshes.new("cube")))
    path = tmp_path / "a.blend"
    written(path, None)
    with pytest.raises(InputError, match="no armature in the file"):
        load_avatar(fresh_scene(), path)


@pytest.mark.parametrize("suffix", [".blend", ".fbx", ".glb", ".vrm"])
def test_a_file_that_is_something_else_is_refused_in_one_line(scene, tmp_path, suffix):
    path = tmp_path / f"bad{suffix}"
    path.write_text("this is no character\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"bad{suffix}: ") as caught:
        load_avatar(scene, path)
    assert "\n" not in str(caught.value)
    assert len(scene.objects) == 0


def test_missing_and_unknown_files_are_refused(scene, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_avatar(scene, tmp_path / "none.fbx")
    with pytest.raises(InputError, match="is no avatar file"):
        load_avatar(scene, tmp_path / "none.abc")


def test_a_vrm_files_own_bones_are_its_map_whatever_their_names(mannequin, tmp_path):
    known = choose_preset(skeleton_of_armature(mannequin.armature))[1]
    for number, bone in enumerate(list(mannequin.armature.data.bones)):
        bone["old"] = bone.name
        bone.name = f"part{number:02}"
    names = {bone["old"]: bone.name for bone in mannequin.armature.data.bones}
    path = tmp_path / "a.vrm"
    written(path, mannequin.armature)
    with_humanoid(path, {human: names[bone] for human, bone in human_bones(known).items()})
    loaded = load_avatar(fresh_scene(), path)
    assert loaded.role_map is not None
    for role in ("pelvis", "head", "left_thigh", "right_hand", "left_forearm"):
        assert loaded.role_map.of(role) == tuple(names[bone] for bone in known.of(role))
    assert loaded.role_map.of("spine") == tuple(names[bone] for bone in known.of("spine"))


def test_both_versions_of_vrm_are_read(tmp_path):
    nodes = [{"name": f"n{i}"} for i in range(14)]
    bones = ["hips", "spine", "head"] + [
        f"{side}{part}"
        for side in ("left", "right")
        for part in ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
    ]
    nodes += [{"name": "last"}]
    newer = {"VRMC_vrm": {"humanoid": {"humanBones": {bone: {"node": i} for i, bone in enumerate(bones)}}}}
    older = {"VRM": {"humanoid": {"humanBones": [{"bone": bone, "node": i} for i, bone in enumerate(bones)]}}}
    for extensions in (newer, older):
        path = tmp_path / "a.vrm"
        path.write_bytes(glb({"asset": {"version": "2.0"}, "nodes": nodes, "extensions": extensions}))
        role_map = vrm_role_map(path)
        assert role_map.of("pelvis") == ("n0",)
        assert role_map.of("right_foot") == ("last",)


def human_bones(role_map) -> dict[str, str]:
    parts = {"upper_arm": "UpperArm", "forearm": "LowerArm", "hand": "Hand",
             "thigh": "UpperLeg", "shin": "LowerLeg", "foot": "Foot", "toes": "Toes"}  # fmt: skip
    found = {"hips": role_map.of("pelvis")[0], "head": role_map.of("head")[0]}
    found |= dict(zip(("spine", "chest", "upperChest"), role_map.of("spine"), strict=False))
    for side in ("left", "right"):
        for role, name in parts.items():
            if role_map.of(f"{side}_{role}"):
                found[side + name] = role_map.of(f"{side}_{role}")[0]
    return found


def glb(document, rest=b"") -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    head = struct.pack("<III", 0x46546C67, 2, 20 + len(text) + len(rest))
    return head + struct.pack("<II", len(text), 0x4E4F534A) + text + rest


def with_humanoid(path, bones) -> None:
    """Write VRM 1.0's humanoid into a GLB file."""
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    document, rest = json.loads(data[20 : 20 + length]), data[20 + length :]
    place = {node["name"]: index for index, node in enumerate(document["nodes"])}
    humanoid = {"humanBones": {human: {"node": place[bone]} for human, bone in bones.items()}}
    document["extensions"] = {"VRMC_vrm": {"specVersion": "1.0", "humanoid": humanoid}}
    document["extensionsUsed"] = ["VRMC_vrm"]
    path.write_bytes(glb(document, rest))
