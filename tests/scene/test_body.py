"""The body's skin: Blender bends it as the arrays say, its torso over the lumbar bones, the same each time."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.exporters.outline import blended_points  # noqa: E402
from simspine.simspine_addon.kinematics.pose_track import PoseTrack  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.scene.body import build_body  # noqa: E402
from simspine.simspine_addon.scene.import_motion import import_person  # noqa: E402

JOINTS = {  # body: (parent, joint centre at rest in ground, m); a person of 1.70 m in T-pose
    "pelvis": (None, (-0.07, 0.94, 0.0)),
    "lumbar5": ("pelvis", (-0.088, 0.994, 0.0)),
    "lumbar4": ("lumbar5", (-0.078, 1.023, 0.0)),
    "lumbar3": ("lumbar4", (-0.079, 1.058, 0.0)),
    "lumbar2": ("lumbar3", (-0.087, 1.090, 0.0)),
    "lumbar1": ("lumbar2", (-0.095, 1.118, 0.0)),
    "torso": ("lumbar1", (-0.107, 1.149, 0.0)),
    "head": ("torso", (-0.094, 1.571, 0.0)),
}
for side, sign in (("r", 1), ("l", -1)):
    JOINTS |= {
        f"humerus_{side}": ("torso", (-0.09, 1.40, sign * 0.17)),
        f"ulna_{side}": (f"humerus_{side}", (-0.08, 1.40, sign * 0.46)),
        f"hand_{side}": (f"ulna_{side}", (-0.08, 1.40, sign * 0.71)),
        f"femur_{side}": ("pelvis", (-0.07, 0.874, sign * 0.084)),
        f"tibia_{side}": (f"femur_{side}", (-0.08, 0.47, sign * 0.082)),
        f"calcn_{side}": (f"tibia_{side}", (-0.07, 0.06, sign * 0.085)),
        f"toes_{side}": (f"calcn_{side}", (0.06, 0.012, sign * 0.09)),
    }


def bowing_track(bodies=JOINTS):
    """Frame 0 is the rest pose; in frame 1 every joint has turned a little about an axis of its own."""
    names = list(bodies)
    parents = np.array([-1 if bodies[n][0] is None else names.index(bodies[n][0]) for n in names])
    places = np.array([bodies[n][1] for n in names])
    rng = np.random.default_rng(3)
    positions, rotations = np.stack([places, places]), np.tile(np.eye(3), (2, len(names), 1, 1))
    for body, parent in enumerate(parents):
        axis = rng.normal(size=3)
        turn = rotation(axis, 0.25)
        if parent < 0:
            rotations[1, body] = turn
        else:
            rotations[1, body] = rotations[1, parent] @ turn
            positions[1, body] = positions[1, parent] + rotations[1, parent] @ (places[body] - places[parent])
    return PoseTrack(
        np.arange(2.0), tuple(names), parents, positions, rotations, np.zeros((len(names), 3)), places, rotations[0]
    )


def rotation(axis, angle):
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


@pytest.fixture(scope="module")
def person(people):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene, track = bpy.context.scene, bowing_track()
    imported = import_person(scene, people.model(track), None, track)
    return scene, track, imported, build_body(imported.armature, track)


def evaluated_vertices(scene, obj):
    graph = bpy.context.evaluated_depsgraph_get()
    mesh = obj.evaluated_get(graph).to_mesh()
    values = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", values)
    world = np.array(obj.matrix_world)
    points = values.reshape(-1, 3).astype(float) @ world[:3, :3].T + world[:3, 3]
    obj.evaluated_get(graph).to_mesh_clear()
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=1)  # Blender's axes to OpenSim's


@pytest.mark.parametrize("frame", [0, 1])
def test_blender_bends_the_skin_as_the_arrays_do(person, frame):
    scene, track, imported, body = person
    scene.frame_set(round(imported.frame_start if frame == 0 else imported.frame_end))
    seen = evaluated_vertices(scene, body.object)
    expected = blended_points(body.rest_vertices, body.bodies, body.weights, track).at(track, frame)
    np.testing.assert_allclose(seen, expected, atol=2e-6)


def test_every_vertex_is_carried_and_the_torso_by_the_lumbar_bodies(person):
    _, track, _, body = person
    np.testing.assert_allclose(body.weights.sum(axis=1), 1.0, atol=1e-12)
    lumbar = [i for i, name in enumerate(track.names) if name.startswith("lumbar")]
    heights = body.rest_vertices[:, 1]
    waist = (np.abs(heights - 1.06) < 0.02) & (np.abs(body.rest_vertices[:, 2]) < 0.2)
    share = np.where(np.isin(body.bodies, lumbar), body.weights, 0.0).sum(axis=1)
    assert share[waist].min() > 0.75
    assert set(np.unique(body.bodies[waist][body.weights[waist] > 0.2])) >= set(lumbar[1:4])


def test_the_body_is_one_closed_person_of_human_measures(person):
    _, _, _, body = person
    low, high = body.rest_vertices.min(axis=0), body.rest_vertices.max(axis=0)
    assert 1.65 < high[1] - low[1] < 1.78
    assert 1.6 < high[2] - low[2] < 1.85  # arm span
    mesh = body.object.data
    edges = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("edge_index", edges)
    assert (np.bincount(edges) == 2).all()  # every edge between two faces: no hole
    neighbours = list(range(len(mesh.vertices)))

    def root(vertex):
        while neighbours[vertex] != vertex:
            neighbours[vertex] = neighbours[neighbours[vertex]]
            vertex = neighbours[vertex]
        return vertex

    for edge in mesh.edges:
        neighbours[root(edge.vertices[0])] = root(edge.vertices[1])
    assert len({root(vertex) for vertex in range(len(mesh.vertices))}) == 1


def test_the_same_skeleton_gives_the_same_body(person):
    _, track, imported, body = person
    again = build_body(imported.armature, track)
    np.testing.assert_array_equal(again.rest_vertices, body.rest_vertices)
    np.testing.assert_array_equal(again.weights, body.weights)
    bpy.data.objects.remove(again.object)


def test_a_model_without_legs_is_refused_with_the_way_out(person):
    legless = {
        name: joint for name, joint in JOINTS.items() if not name.startswith(("femur", "tibia", "calcn", "toes"))
    }
    _, _, imported, _ = person
    with pytest.raises(InputError, match=r"femur_r.*--avatar skeleton"):
        build_body(imported.armature, bowing_track(legless))
