"""The surroundings of a recording in Blender: studio, room, outdoors or panorama, as `variety` drew them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..capture.camera import Camera
from ..model.errors import InputError
from .axes import points_to_blender
from .studio import build_studio
from .surroundings_layout import PlacedFurniture, Stage, layout_furniture, layout_room, stage_of
from .surroundings_lights import add_sun, glow_colors, light_room, use_camera_response
from .surroundings_materials import finish_material, glowing_material
from .surroundings_outdoor import ground_piece, panorama_world, planting_pieces, sky_world
from .surroundings_room import build_shell
from .surroundings_seat_space import SeatSpace
from .surroundings_seats import place_seat
from .surroundings_shapes import Finish, Piece, placed, triangles
from .variety import Variety

Array = NDArray[np.float64]

_CHEST_M = 1.2  # above the floor
_EXPOSURE_STOPS = {"room": 1.0, "outdoor": 0.0, "hdri": 0.0}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was built. `occluders` are the corners of everything solid, [N, 3, 3] m in OpenSim's ground."""

    objects: tuple[bpy.types.Object, ...]
    occluders: Array
    notes: tuple[str, ...] = ()
    seats: tuple[PlacedFurniture, ...] = ()  # which are among `objects` and `occluders` too


def build_surroundings(
    scene: bpy.types.Scene,
    variety: Variety,
    footprint: ArrayLike,
    cameras: Sequence[Camera],
    camera_places: ArrayLike | None = None,
    seats: Sequence[SeatSpace] = (),
) -> Surroundings:
    """Build what was drawn around a motion and its cameras; a scene takes this once.

    Args:
        scene: to build in; its world and view transform are set.
        variety: what was drawn.
        footprint: outermost points of everyone at every pose that may be rendered, [T, N, 3] m in ground.
        cameras: that look on, none of which ends up in a wall or a piece of furniture.
        camera_places: where they are over time, [..., 3] m, if they move; else their own places.
        seats: where someone sits, of `surroundings_seat_space.seat_spaces`; a seat is put there.

    Raises:
        InputError: no finite point, or a panorama that cannot be used.
    """
    places = np.array([camera.center for camera in cameras]) if camera_places is None else np.asarray(camera_places)
    stage = stage_of(footprint, places.reshape(-1, 3))
    taken = tuple(place_seat(space, variety.seat(index), stage) for index, space in enumerate(seats))
    built = _around(scene, variety, footprint, stage, taken)
    if not taken:
        return built
    objects = (*built.objects, *_add_furniture(scene, taken, stage.floor))
    solid = np.concatenate([built.occluders, triangles(_in_ground(taken, stage.floor))])
    return Surroundings(objects, solid, built.notes, taken)


def _around(
    scene: bpy.types.Scene, variety: Variety, footprint: ArrayLike, stage: Stage, taken: Sequence[PlacedFurniture]
) -> Surroundings:
    """All but the seats, which have taken their places."""
    if variety.surroundings == "studio":
        return _studio(scene, footprint)
    use_camera_response(scene, _EXPOSURE_STOPS.get(variety.surroundings, 0.0))
    if variety.surroundings == "room":
        return _room(scene, variety, stage, taken)
    if variety.surroundings == "outdoor":
        return _outdoor(scene, variety, stage, taken)
    if variety.surroundings == "hdri" and variety.hdri is not None:
        objects = panorama_world(scene, variety.hdri, stage, variety.lights.strength)
        return Surroundings(tuple(objects), np.zeros((0, 3, 3)))
    raise InputError(f"there are no surroundings '{variety.surroundings}'", hint="choose studio, room, outdoor or hdri")


def _studio(scene: bpy.types.Scene, footprint: ArrayLike) -> Surroundings:
    """As `simspine render` has it: around the box of the motion, whatever the cameras."""
    points = np.asarray(footprint, float)
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    centre = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    radius = float(np.hypot(high[0] - low[0], high[2] - low[2]) / 2)
    objects = build_studio(scene, points_to_blender(centre), max(radius, 0.8))
    return Surroundings(tuple(objects), np.zeros((0, 3, 3)))


def _room(scene: bpy.types.Scene, variety: Variety, stage: Stage, taken: Sequence[PlacedFurniture]) -> Surroundings:
    assert variety.room is not None
    room = layout_room(variety.room, stage)
    furniture, notes = layout_furniture(variety.furniture, stage, room, taken)
    shell = build_shell(variety.room, variety.lights, room, furniture)
    glows = glow_colors(variety.lights)
    body = _add_mesh(scene, "SimSpine room", shell.pieces, 0.0, 0.0, room.angle, stage.floor, glows)
    objects = [body, *_add_furniture(scene, furniture, stage.floor)]
    x, z = stage.centre
    chest = np.array([x, stage.floor + _CHEST_M, z])
    objects += light_room(scene, variety.lights, shell.panels, shell.windows, chest)
    scene.world = None  # behind closed walls there is nothing to see, and nothing that Cycles should sample
    solid = [placed(piece, 0.0, 0.0, room.angle, stage.floor) for piece in shell.pieces]
    return Surroundings(tuple(objects), triangles([*solid, *_in_ground(furniture, stage.floor)]), notes)


def _outdoor(scene: bpy.types.Scene, variety: Variety, stage: Stage, taken: Sequence[PlacedFurniture]) -> Surroundings:
    assert variety.outdoor is not None
    furniture, notes = layout_furniture(variety.furniture, stage, None, taken)
    ground, planting = ground_piece(variety.outdoor, stage), planting_pieces(variety.outdoor, stage, variety.lights)
    objects = [
        _add_mesh(scene, "SimSpine ground", [ground]),
        *([_add_mesh(scene, "SimSpine planting", planting)] if planting else []),
        *_add_furniture(scene, furniture, stage.floor),
        add_sun(scene, variety.lights),
    ]
    sky_world(scene, variety.lights)
    return Surroundings(tuple(objects), triangles([ground, *planting, *_in_ground(furniture, stage.floor)]), notes)


def _add_furniture(scene: bpy.types.Scene, items: Sequence[PlacedFurniture], floor: float) -> list[bpy.types.Object]:
    return [
        _add_mesh(scene, f"SimSpine {item.furniture.kind}", item.furniture.pieces, item.x, item.z, item.heading, floor)
        for item in items
    ]


def _in_ground(items: Sequence[PlacedFurniture], floor: float) -> list[Piece]:
    return [placed(piece, item.x, item.z, item.heading, floor) for item in items for piece in item.furniture.pieces]


def _add_mesh(
    scene: bpy.types.Scene, name: str, pieces: Sequence[Piece], x: float = 0.0, z: float = 0.0, heading: float = 0.0,
    floor: float = 0.0, glows: dict[str, tuple[tuple[float, float, float], float]] | None = None,
) -> bpy.types.Object:  # fmt: skip
    """The pieces as one object, standing at (x, floor, z) of ground and turned by `heading` (rad about Y)."""
    finishes = list(dict.fromkeys(piece.finish for piece in pieces))
    starts = np.concatenate([[0], np.cumsum([len(piece.vertices) for piece in pieces])]).tolist()
    vertices = points_to_blender(np.concatenate([piece.vertices for piece in pieces]))
    faces = [
        [start + corner for corner in face]
        for start, piece in zip(starts, pieces, strict=False)
        for face in piece.faces
    ]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], faces)
    mesh.polygons.foreach_set("material_index", [finishes.index(p.finish) for p in pieces for _ in p.faces])
    mesh.polygons.foreach_set("use_smooth", [p.smooth for p in pieces for _ in p.faces])
    for finish in finishes:
        mesh.materials.append(_material(finish, glows or {}))
    mesh.update()
    obj = bpy.data.objects.new(name, mesh)
    obj.location = points_to_blender(np.array([x, floor, z])).tolist()
    obj.rotation_euler = (0.0, 0.0, heading)  # about Blender's Z as about our Y
    scene.collection.objects.link(obj)
    return obj


def _material(finish: Finish, glows: dict[str, tuple[tuple[float, float, float], float]]) -> bpy.types.Material:
    if finish.kind in glows:
        return glowing_material(finish.kind, *glows[finish.kind])
    return finish_material(finish)
