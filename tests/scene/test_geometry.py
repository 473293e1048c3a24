"""The model's meshes and shapes on the moving bones."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.simspine_addon.model.types import Geometry, Marker  # noqa: E402
from simspine.simspine_addon.scene.geometry import add_markers  # noqa: E402
from simspine.simspine_addon.scene.import_motion import import_person  # noqa: E402
from simspine.simspine_addon.scene.shapes import analytic_shape  # noqa: E402

VERTICES = np.array([[0.0, 0.0, 0.0], [0.3, 0.0, 0.0], [0.0, 0.2, 0.0], [0.0, 0.0, 0.1]])


@pytest.fixture
def folder(tmp_path):
    lines = [f"v {x} {y} {z}" for x, y, z in VERTICES] + ["f 1 3 2", "f 1 2 4", "f 1 4 3", "f 2 3 4"]
    (tmp_path / "piece.obj").write_text("\n".join(lines) + "\n")
    (tmp_path / "broken.obj").write_text("v 0 0 zero\n")
    return tmp_path


def placed(people, axis, angle, place):
    transform = np.eye(4)
    transform[:3, :3], transform[:3, 3] = people.rotation(np.array(axis), angle), place
    return transform


def piece(body, transform, scale=(1.0, 1.0, 1.0), **more):
    return Geometry(
        "piece", more.pop("kind", "mesh"), body, transform, np.array(scale), more.pop("file", "piece.obj"), **more
    )


def world_vertices(thing):
    depsgraph = bpy.context.evaluated_depsgraph_get()
    matrix = np.array(thing.evaluated_get(depsgraph).matrix_world)
    local = np.array([vertex.co for vertex in thing.data.vertices])
    return local @ matrix[:3, :3].T + matrix[:3, 3]


@pytest.mark.parametrize("scale", [(1.0, 1.0, 1.0), (1.2, 0.7, 2.0), (1.0, 1.0, -1.0)])
def test_vertices_move_with_their_body(scene, people, folder, scale):
    track = people.track(8, 10)
    transform = placed(people, [1.0, -2.0, 0.5], 2.2, [0.1, -0.6, 0.2])
    model = people.model(track, [piece(body, transform, scale) for body in range(8)], path=folder / "model.osim")
    person = import_person(scene, model, None, track)
    in_body = (VERTICES * scale) @ transform[:3, :3].T + transform[:3, 3]
    for frame in (0, 4, 9):
        scene.frame_set(frame + 1)
        for body, thing in enumerate(person.objects[1:]):
            ground = track.positions[frame, body] + in_body @ track.rotations[frame, body].T
            assert np.linalg.norm(world_vertices(thing) - ground @ people.to_blender.T, axis=1).max() < 1e-5


def test_what_belongs_to_ground_stays(scene, people, folder):
    track = people.track(3, 10)
    transform = placed(people, [0.0, 0.0, 1.0], 0.3, [1.0, 0.5, -0.5])
    person = import_person(scene, people.model(track, [piece(-1, transform)], path=folder / "m.osim"), None, track)
    scene.frame_set(5)
    ground = VERTICES @ transform[:3, :3].T + transform[:3, 3]
    assert np.abs(world_vertices(person.objects[1]) - ground @ people.to_blender.T).max() < 1e-6


def test_a_file_used_twice_is_one_mesh_with_two_colours(scene, people, folder):
    track = people.track(3, 2)
    pieces = [piece(0, np.eye(4), color=(1.0, 0.0, 0.0)), piece(1, np.eye(4), color=(0.0, 0.0, 1.0), opacity=0.5)]
    _, red, blue = import_person(scene, people.model(track, pieces, path=folder / "m.osim"), None, track).objects
    assert red.data is blue.data or red.data == blue.data
    assert len(bpy.data.meshes) == 1
    assert np.argmax(red.material_slots[0].material.diffuse_color[:3]) == 0
    assert np.argmax(blue.material_slots[0].material.diffuse_color[:3]) == 2
    assert blue.material_slots[0].material.diffuse_color[3] == 0.5


def test_one_material_serves_all_pieces_of_a_colour(scene, people, folder):
    track = people.track(3, 2)
    model = people.model(track, [piece(body, np.eye(4)) for body in range(3)], path=folder / "m.osim")
    import_person(scene, model, None, track)
    assert len(bpy.data.materials) == 1


def test_missing_and_broken_meshes_cost_themselves_and_a_warning(scene, people, folder):
    track = people.track(3, 2)
    pieces = [piece(0, np.eye(4), file=file) for file in ("nowhere.vtp", "broken.obj", None, "piece.obj")]
    person = import_person(scene, people.model(track, pieces, path=folder / "m.osim"), None, track)
    assert [thing.name for thing in person.objects[1:]] == ["piece"]
    assert sum("not shown" in warning for warning in person.warnings) == 3
    assert any("nowhere.vtp" in warning for warning in person.warnings)


def test_repeated_faces_are_drawn_once_and_counted_in_one_warning(scene, people, folder):
    with (folder / "piece.obj").open("a") as file:
        file.write("f 1 3 2\nf 3 2 1\n")
    track = people.track(3, 2)
    model = people.model(track, [piece(0, np.eye(4)), piece(1, np.eye(4))], path=folder / "m.osim")
    person = import_person(scene, model, None, track)
    assert len(person.objects[1].data.polygons) == 4
    assert [warning for warning in person.warnings if "more than once" in warning] == [
        "faces that mesh files hold more than once are drawn once (2 in 1 files)"
    ]


def test_meshes_are_found_in_other_folders(scene, people, folder):
    track = people.track(3, 2)
    model = people.model(track, [piece(0, np.eye(4))])
    assert len(import_person(scene, model, None, track, geometry_dirs=[folder]).objects) == 2


def test_invisible_geometry_is_there_but_hidden(scene, people, folder):
    track = people.track(3, 2)
    model = people.model(track, [piece(0, np.eye(4), visible=False)], path=folder / "m.osim")
    thing = import_person(scene, model, None, track).objects[1]
    assert thing.hide_render
    assert thing.hide_viewport


def test_meshes_are_smooth(scene, people, folder):
    track = people.track(3, 2)
    person = import_person(scene, people.model(track, [piece(0, np.eye(4))], path=folder / "m.osim"), None, track)
    assert all(polygon.use_smooth for polygon in person.objects[1].data.polygons)


def test_markers_stand_on_their_bodies(scene, people):
    track = people.track(4, 6)
    model = people.model(track)
    person = import_person(scene, model, None, track)
    markers = type(model)(**{**_fields(model), "markers": (Marker("tip", 3, np.array([0.1, 0.2, 0.3])),)})
    (empty,) = add_markers(person.armature, markers, track.names, person.collection)
    scene.frame_set(4)
    wanted = track.positions[3, 3] + track.rotations[3, 3] @ [0.1, 0.2, 0.3]
    assert np.abs(np.array(empty.matrix_world.translation) - people.to_blender @ wanted).max() < 1e-5


def _fields(model):
    return {name: getattr(model, name) for name in model.__dataclass_fields__}


def shape(kind, **parameters):
    parameters = {name: tuple(np.atleast_1d(value)) for name, value in parameters.items()}
    return analytic_shape(Geometry("shape", kind, 0, np.eye(4), np.ones(3), parameters=parameters))


SOLIDS = [
    ("sphere", {"radius": 0.3}, 4 / 3 * np.pi * 0.3**3),
    ("ellipsoid", {"radii": (0.1, 0.2, 0.3)}, 4 / 3 * np.pi * 0.006),
    ("cylinder", {"radius": 0.1, "half_height": 0.4}, np.pi * 0.01 * 0.8),
    ("cone", {"origin": (1, 2, 3), "direction": (1, 1, 0), "base_radius": 0.2, "height": 0.6}, np.pi * 0.04 * 0.2),
    ("brick", {"half_lengths": (0.1, 0.2, 0.3)}, 0.048),
    ("torus", {"ring_radius": 0.5, "cross_section": 0.1}, 2 * np.pi**2 * 0.5 * 0.01),
]


@pytest.mark.parametrize(("kind", "parameters", "volume"), SOLIDS)
def test_a_shape_is_closed_faces_outward_and_has_its_volume(kind, parameters, volume):
    vertices, _, polygons = shape(kind, **parameters)
    sides = [(face[i - 1], face[i]) for face in polygons for i in range(len(face))]
    assert len(set(sides)) == len(sides)
    assert {(b, a) for a, b in sides} == set(sides)
    fans = np.array([(face[0], face[i], face[i + 1]) for face in polygons for i in range(1, len(face) - 1)])
    signed = np.linalg.det(vertices[fans]).sum() / 6
    assert 0.95 * volume < signed <= volume * (1 + 1e-12)


def test_shapes_lie_where_opensim_draws_them():
    on_torus = shape("torus", ring_radius=0.5, cross_section=0.1)[0]
    assert np.allclose((np.hypot(on_torus[:, 0], on_torus[:, 1]) - 0.5) ** 2 + on_torus[:, 2] ** 2, 0.01)
    on_cylinder = shape("cylinder", radius=0.1, half_height=0.4)[0]
    assert np.abs(on_cylinder[:, 1]).max() == 0.4
    in_cone = shape("cone", origin=(1, 2, 3), direction=(0, 0, 2), base_radius=0.2, height=0.6)[0] - [1, 2, 3]
    assert np.ptp(in_cone[:, 2]) == pytest.approx(0.6)
    assert in_cone[np.argmax(in_cone[:, 2])] == pytest.approx([0, 0, 0.6])


@pytest.mark.parametrize("kind", ["line", "arrow", "frame"])
def test_lines_arrows_and_frames_are_drawn_as_edges(kind):
    vertices, edges, polygons = shape(kind)
    assert np.isfinite(vertices).all()
    assert edges
    assert not polygons


def test_an_unknown_shape_is_said_so(scene, people):
    track = people.track(3, 2)
    person = import_person(scene, people.model(track, [piece(0, np.eye(4), kind="hyperboloid")]), None, track)
    assert any("hyperboloid" in warning for warning in person.warnings)


@pytest.mark.parametrize(("kind", "parameters"), [(kind, parameters) for kind, parameters, _ in SOLIDS])
def test_shapes_reach_the_scene(scene, people, kind, parameters):
    track = people.track(3, 2)
    given = {name: tuple(np.atleast_1d(value)) for name, value in parameters.items()}
    geometry = Geometry(kind, kind, 1, np.eye(4), np.ones(3), parameters=given, opacity=0.3)
    thing = import_person(scene, people.model(track, [geometry]), None, track).objects[1]
    assert len(thing.data.polygons) == len(shape(kind, **parameters)[2])
