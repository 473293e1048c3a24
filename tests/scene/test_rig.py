"""Armatures as skeletons: the right places in the right axes, and one clear line for what cannot be moved."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from mathutils import Euler, Matrix  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.scene.rig import (  # noqa: E402
    chosen_armature,
    refuse_unmovable,
    skeleton_of_armature,
    world_frame,
)


@pytest.fixture
def armature(scene):
    """Two bones in an armature, the second one turned and away from the first."""
    thing = bpy.data.objects.new("rig", bpy.data.armatures.new("rig"))
    scene.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    bpy.ops.object.mode_set(mode="EDIT")
    lower = thing.data.edit_bones.new("lower")
    lower.head, lower.tail, lower.roll = (0.1, 0.2, 0.3), (0.1, 0.3, 0.9), 0.4
    upper = thing.data.edit_bones.new("upper")
    upper.head, upper.tail, upper.roll = (0.2, 0.3, 1.0), (0.6, 0.2, 1.1), -1.1
    upper.parent = lower
    bpy.ops.object.mode_set(mode="OBJECT")
    return thing


def in_ground(point) -> np.ndarray:
    """Blender's (x, y, z) is OpenSim's (x, z, -y)."""
    return np.array([point[0], point[2], -point[1]])


def test_heads_and_tails_stand_where_blender_shows_them_in_opensims_axes(armature):
    armature.matrix_world = (
        Matrix.Translation((3, -1, 0.5)) @ Euler((0.3, -0.5, 1.2)).to_matrix().to_4x4() @ Matrix.Scale(0.01, 4)
    )
    skeleton = skeleton_of_armature(armature)
    assert skeleton.names == ("lower", "upper")
    assert skeleton.parents.tolist() == [-1, 0]
    for index, bone in enumerate(armature.data.bones):
        head, tail = (armature.matrix_world @ end for end in (bone.head_local, bone.tail_local))
        assert np.allclose(skeleton.rest_positions[index], in_ground(head), atol=1e-6)
        assert np.allclose(skeleton.tails[index], in_ground(tail), atol=1e-6)
        along = (armature.matrix_world.to_3x3() @ bone.matrix_local.to_3x3()).normalized().col[1]
        assert np.allclose(skeleton.rest_rotations[index][:, 1], in_ground(along), atol=1e-5)


def test_rest_frames_are_rotations_whatever_the_objects_scale(armature):
    armature.scale = (100.0, 100.0, 100.0)
    turns = skeleton_of_armature(armature).rest_rotations
    assert np.allclose(turns @ np.swapaxes(turns, 1, 2), np.eye(3), atol=1e-9)
    assert np.allclose(np.linalg.det(turns), 1.0)
    assert world_frame(armature).scale == pytest.approx(100.0)


def test_a_parents_transform_counts(scene, armature):
    carrier = bpy.data.objects.new("carrier", None)
    scene.collection.objects.link(carrier)
    carrier.location = (0.0, 0.0, 2.0)
    armature.parent = carrier
    head = armature.data.bones["lower"].head_local
    wanted = in_ground(head) + np.array([0.0, 2.0, 0.0])
    assert np.allclose(skeleton_of_armature(armature).rest_positions[0], wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("scale", "word"),
    [((-1, 1, 1), "mirrored"), ((-1, -1, -1), "mirrored"), ((1, 1, 2), "unevenly"), ((0, 0, 0), "nothing")],
)
def test_an_object_that_is_not_rigid_is_refused_with_what_to_do(armature, scale, word):
    armature.scale = scale
    with pytest.raises(InputError, match=f"'rig'.*{word}.*Apply") as caught:
        skeleton_of_armature(armature)
    assert "\n" not in str(caught.value)


def test_a_sheared_object_is_refused(armature):
    armature.matrix_world = Matrix.Shear("XY", 4, (0.3, 0.2))
    with pytest.raises(InputError, match="unevenly"):
        skeleton_of_armature(armature)


def test_an_armature_without_bones_is_refused(scene):
    empty = bpy.data.objects.new("bare", bpy.data.armatures.new("bare"))
    scene.collection.objects.link(empty)
    with pytest.raises(InputError, match="'bare' has no bones"):
        skeleton_of_armature(empty)


def test_what_is_no_armature_is_refused(scene):
    mesh = bpy.data.objects.new("cube", bpy.data.meshes.new("cube"))
    with pytest.raises(InputError, match="'cube' is not an armature"):
        skeleton_of_armature(mesh)


def test_one_armature_is_chosen_and_none_or_two_are_refused(scene, armature):
    mesh = bpy.data.objects.new("cube", bpy.data.meshes.new("cube"))
    assert chosen_armature([mesh, armature], "the selection") == armature
    with pytest.raises(InputError, match="no armature in the selection"):
        chosen_armature([mesh], "the selection")
    other = armature.copy()
    other.name = "other"
    with pytest.raises(InputError, match="2 armatures in the selection: 'rig', 'other'"):
        chosen_armature([armature, other], "the selection")


def test_a_linked_armature_is_refused_until_it_is_overridden(scene, armature, tmp_path):
    path = tmp_path / "library.blend"
    bpy.data.libraries.write(str(path), {armature})
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(path), link=True) as (source, wanted):
        wanted.objects = list(source.objects)
    linked = wanted.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    with pytest.raises(InputError, match=r"linked from .*library\.blend.*override"):
        refuse_unmovable(linked)
    # As Object > Library Override > Make does it.
    view_layer = bpy.context.view_layer
    refuse_unmovable(linked.override_hierarchy_create(bpy.context.scene, view_layer, do_fully_editable=True))
