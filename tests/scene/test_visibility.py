"""Rays through balls and plates: what is seen, what hides it, how deep it lies."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.simspine_addon.scene.visibility import VisibilityTester  # noqa: E402
from simspine.simspine_addon.scene.visibility_layers import Faces  # noqa: E402
from simspine.simspine_addon.scene.visibility_objects import scene_triangles  # noqa: E402

SEEN, SELF, OBJECT, PERSON = 0, 1, 2, 3
CENTER = np.zeros((1, 3))


def box(middle, half):
    """A closed box, faces counter-clockwise from outside."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [part for a, b, c, d in quads for part in ((a, b, c), (a, c, d))]
    return np.asarray(middle) + signs * half, np.array(triangles)


def together(*solids):
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in solids)])
    triangles = np.concatenate([faces + start for (_, faces), start in zip(solids, starts[:-1], strict=True)])
    zeros = np.zeros(len(triangles), np.int64)
    return np.concatenate([vertices for vertices, _ in solids]), Faces(triangles, zeros, zeros, zeros)


TRUNK = box([0.0, 0.0, 3.0], 0.2)
ARM = box([0.0, 0.0, 2.0], 0.1)
OTHER = box([0.0, 0.0, 1.0], 0.1)
PLATE = box([0.0, 0.0, 1.5], [0.1, 0.1, 0.01])
SEAT = box([0.0, 0.0, 2.95], [0.5, 0.5, 0.01])


@pytest.mark.parametrize(
    ("own", "other", "objects", "expected"),
    [
        ([TRUNK], None, None, SEEN),
        ([TRUNK, ARM], None, None, SELF),
        ([TRUNK], OTHER, None, PERSON),
        ([TRUNK], None, PLATE, OBJECT),
        ([TRUNK], OTHER, PLATE, PERSON),
        ([TRUNK, ARM], None, PLATE, OBJECT),
        ([TRUNK], None, SEAT, SEEN),
    ],
    ids=["alone", "behind the arm", "behind another", "behind a plate", "the first counts", "a plate first", "sunk in"],
)
def test_the_first_thing_on_the_way_hides_a_point_within_the_trunk(own, other, objects, expected):
    vertices, faces = together(*own)
    people, places = [faces], [vertices]
    if other is not None:
        places.append(other[0])
        people.append(together(other)[1])
    points = np.full((len(people), 1, 3), np.nan)
    points[0, 0] = [0.01, 0.02, 3.0]
    seen = VisibilityTester(people, objects).frame(places, points, CENTER)
    assert seen.hidden_by[0, 0, 0] == expected
    slant = np.linalg.norm(points[0, 0]) / 3.0
    np.testing.assert_allclose(seen.depth_under_skin[0, 0, 0], 0.2 * slant, atol=1e-5)
    np.testing.assert_allclose(seen.facing[0, 0, 0], 1 / slant, atol=1e-6)
    assert np.isnan(seen.depth_under_skin[:, 1:]).all()


@pytest.mark.parametrize(
    ("depth", "expected"), [(2.795, SEEN), (2.8, SEEN), (3.21, SEEN), (3.3, SELF)],
    ids=["before the skin", "on it", "just behind the back", "far behind the back"],
)  # fmt: skip
def test_a_point_near_the_skin_counts_as_in_it(depth, expected):
    vertices, faces = together(TRUNK)
    seen = VisibilityTester([faces]).frame([vertices], np.array([[[0.0, 0.013, depth]]]), CENTER)
    assert seen.hidden_by[0, 0, 0] == expected


def test_triangles_of_a_scene_are_those_that_stand_still_and_are_rendered(scene):
    bpy.ops.mesh.primitive_cube_add(size=2.0, location=(1.0, 2.0, 3.0))
    stays = bpy.context.object
    bpy.ops.mesh.primitive_cube_add(size=2.0)
    moves = bpy.context.object
    bpy.ops.mesh.primitive_cube_add(size=2.0)
    bpy.context.object.parent = moves
    bpy.ops.mesh.primitive_cube_add(size=2.0)
    bpy.context.object.hide_render = True
    bpy.ops.mesh.primitive_cube_add(size=2.0)
    bpy.context.object.visible_camera = False
    copies = bpy.data.collections.new("copies")
    copies.objects.link(stays)
    copy = bpy.data.objects.new("copy", None)
    copy.instance_type, copy.instance_collection, copy.location = "COLLECTION", copies, (0.0, 0.0, 10.0)
    scene.collection.objects.link(copy)
    vertices, triangles = scene_triangles(scene, [moves])
    assert triangles.shape == (24, 3)
    middles = vertices[triangles].reshape(2, -1, 3).mean(axis=1)
    expected = [[1.0, 3.0, -2.0], [1.0, 13.0, -2.0]]  # Blender's (x, y, z) is (x, z, -y) of the ground
    np.testing.assert_allclose(sorted(middles.tolist()), expected, atol=1e-5)
