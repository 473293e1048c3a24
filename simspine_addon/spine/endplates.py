"""Vertebral endplates on a model's bodies: from the bones' meshes, from a table of vertebrae, or from the joints.

A Cobb angle is measured between endplates. Where each vertebra's frame leans like the vertebra itself its axes would
do, but in the Pose2Sim and SIMSPINE models all frames are parallel in the neutral pose, so the bones are asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..kinematics.forward import body_frames
from ..model.couplers import default_values
from ..model.errors import InputError
from ..model.mesh_files import read_mesh
from ..model.mesh_search import find_mesh
from ..model.text_table import listed
from ..model.types import GROUND, Geometry, Model
from .endplate_section import Line, body_lines, mesh_triangles, sacrum_lines
from .levels import lumbar_levels

Array = NDArray[np.float64]

VERTEBRAE = ("S1", *(f"L{n}" for n in range(5, 0, -1)), *(f"T{n}" for n in range(12, 0, -1)))
"""From the sacrum up, as far as the curves that are measured here reach."""

_BONE = re.compile(
    r"^(?:lumbar(?P<L>[1-5])|thoracic(?P<T>1[0-2]|[1-9])|(?P<S>sacrum)|(?P<short>L[1-5]|T1[0-2]|T[1-9]))(?![0-9a-z])",
    re.IGNORECASE,
)
# Sections beside the mid-plane, in depths of the vertebral body: within the canal's width, where the body stands alone.
_SECTIONS = (-0.19, -0.09, 0.011, 0.11, 0.21)
_DEPTH_M = (0.008, 0.060)  # of a vertebral body; T1 has about 0.017, L3 0.035 (Panjabi 1991 and 1992)
_LEAN_SPREAD, _DEPTH_SPREAD = np.radians(5.0), 0.15  # of the sections of one plate about their median
_LARGEST_TURN = np.radians(60.0)  # of a bone in its body; beyond it the turn is how the bone is brought upright
_LARGEST_RESIDUAL = 0.05  # of the depth: an endplate that is no plane was not found


@dataclass(frozen=True, slots=True)
class Endplate:
    """An endplate on its body.

    `frame` [3, 3] has the columns forward, up (the plate's normal) and right, in the body's axes; `centre` [3] m is in
    the body's frame; `residual` is the distance in m (rms) of the rims from the plane.
    """

    vertebra: str
    side: str  # "upper" or "lower"
    body: int
    centre: Array
    frame: Array
    depth: float
    residual: float = 0.0


@dataclass(frozen=True, slots=True)
class Endplates:
    """The endplates of a model, where they come from ("meshes", "table" or "joints"), and what was not found."""

    plates: Mapping[tuple[str, str], Endplate]
    source: str
    warnings: tuple[str, ...] = ()

    def get(self, vertebra: str, side: str) -> Endplate | None:
        """The plate, or None; `side` is "upper" or "lower"."""
        return self.plates.get((vertebra, side))


def find_endplates(model: Model, geometry_folders: Iterable[str | Path] = ()) -> Endplates:
    """Both endplates of L5 to T1 and the upper one of S1, from the meshes on the model's bodies.

    Each mesh is cut by five sagittal planes; in each section the upper and the lower edge of the vertebral body are
    fitted by lines, and a plane goes through the ends of these lines. Bones are known by their files' names
    (lumbar1, thoracic3_s, sacrum, L1, T3, ...). Body frames are taken as OpenSim's, X forward and Y up; a
    vertebra may lean by up to 60 deg in its body's frame.

    Returns:
        What was found; a vertebra whose mesh is missing or in which no endplate could be told is named in `warnings`.
    """
    folders = tuple(geometry_folders)
    bones, warnings = _bones(model), []
    missing: list[str] = []
    plates: dict[tuple[str, str], Endplate] = {}
    for vertebra in (*VERTEBRAE[1:], "S1"):  # S1 last: its depth is taken from L5
        geometry = bones.get(vertebra)
        path = None if geometry is None else find_mesh(str(geometry.file), model.path, folders)
        if geometry is None or path is None:
            if geometry is not None:
                missing.append(f"{vertebra}: its mesh {geometry.file}")
            continue
        try:
            below = plates.get(("L5", "lower"))
            found = _plates_of(vertebra, geometry, path, below.depth if below else 0.034)
        except InputError as error:
            warnings.append(f"{vertebra}: {error}")
            continue
        plates |= {(plate.vertebra, plate.side): plate for plate in found}
        if not found:
            warnings.append(f"{vertebra}: no endplates could be told in {path.name}")
    if missing:
        warnings.append(f"{listed(missing, 3)} {'was' if len(missing) == 1 else 'were'} not found")
    return Endplates(plates, "meshes", tuple(warnings))


def _bones(model: Model) -> dict[str, Geometry]:
    found: dict[str, Geometry] = {}
    for geometry in model.geometry:
        match = _BONE.match(Path(geometry.file or "").name)
        if match is None or geometry.body == GROUND:
            continue
        groups = match.groupdict()
        if groups["S"]:
            name = "S1"
        elif groups["short"]:
            name = groups["short"].upper()
        else:
            name = f"L{groups['L']}" if groups["L"] else f"T{groups['T']}"
        found.setdefault(name, geometry)
    return found


def _plates_of(vertebra: str, geometry: Geometry, path: Path, depth_of_l5: float) -> list[Endplate]:
    mesh = read_mesh(path)
    # A bone that stands turned in its body, as in a thorax with a curve, is cut in its own upright axes.
    leaning = 1e-9 < _turn_of(geometry) < _LARGEST_TURN
    vertices = mesh.vertices * geometry.scale
    if not leaning:
        vertices = vertices @ geometry.transform[:3, :3].T + geometry.transform[:3, 3]
    triangles = mesh_triangles(vertices, mesh)
    middle = float((vertices[:, 2].min() + vertices[:, 2].max()) / 2)
    sides = ("upper",) if vertebra == "S1" else ("upper", "lower")
    first = _lines(vertebra, triangles, middle + 3e-4, depth_of_l5)
    if first is None:
        return []
    lines = [_lines(vertebra, triangles, middle + share * first[0].depth, depth_of_l5) for share in _SECTIONS]
    places = [middle + share * first[0].depth for share in _SECTIONS]
    plates = []
    for index, side in enumerate(sides):
        rims = [(pair[index], z) for pair, z in zip(lines, places, strict=True) if pair is not None]
        plate = _fit(vertebra, side, geometry.body, rims)
        if plate is not None:
            plates.append(_in_body(plate, geometry.transform) if leaning else plate)
    return plates


def _turn_of(geometry: Geometry) -> float:
    """How far a mesh is turned in its body, rad."""
    turn = geometry.transform[:3, :3]
    skew = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    return float(np.arctan2(np.linalg.norm(skew), np.trace(turn) - 1.0))


def _in_body(plate: Endplate, place: Array) -> Endplate:
    """A plate that was found in a bone's own axes, in its body."""
    turn = place[:3, :3]
    return replace(plate, centre=turn @ plate.centre + place[:3, 3], frame=turn @ plate.frame)


def _lines(vertebra: str, triangles: Array, z: float, depth_of_l5: float) -> Sequence[Line] | None:
    found = sacrum_lines(triangles, z, depth_of_l5) if vertebra == "S1" else body_lines(triangles, z)
    return found if found and all(_DEPTH_M[0] < line.depth < _DEPTH_M[1] for line in found) else None


def _fit(vertebra: str, side: str, body: int, rims: list[tuple[Line, float]]) -> Endplate | None:
    """The plane through the fronts and backs of the sections' lines."""
    rims = _agreeing(rims)
    if len(rims) < 2:
        return None
    points = np.array([[*end, z] for line, z in rims for end in (line.back, line.front)])
    centre = points.mean(axis=0)
    flat = points - centre
    if vertebra == "S1" or len(rims) < 4:  # the sacrum's wings, or too few sections: they tell no sideways tilt
        flat = np.concatenate([flat, flat * [1.0, 1.0, -1.0]])
        flat[:, 2] *= 10.0
    normal = np.linalg.svd(flat)[2][2]
    normal = normal * (1.0 if normal[1] >= 0 else -1.0)
    depth = float(np.median([line.depth for line, _ in rims]))
    residual = float(np.sqrt(np.mean(((points - centre) @ normal) ** 2)))
    if residual > _LARGEST_RESIDUAL * depth:
        return None
    return Endplate(vertebra, side, body, centre, _frame(normal), depth, residual)


def _agreeing(rims: list[tuple[Line, float]]) -> list[tuple[Line, float]]:
    """The sections whose line leans and is long like most: near a pedicle or a lip the outline is another."""
    if not rims:
        return []
    chords = np.array([line.front - line.back for line, _ in rims])
    leans, depths = np.arctan2(chords[:, 1], chords[:, 0]), np.linalg.norm(chords, axis=1)
    good = np.abs(leans - np.median(leans)) < _LEAN_SPREAD
    good &= np.abs(depths / np.median(depths) - 1) < _DEPTH_SPREAD
    return [rim for rim, keep in zip(rims, good, strict=True) if keep]


def _frame(normal: Array) -> Array:
    """Forward, up and right of a plate in a body whose right is Z."""
    right = np.array([0.0, 0.0, 1.0]) - normal[2] * normal
    right = right / np.linalg.norm(right)
    forward: Array = np.asarray(np.cross(normal, right), dtype=np.float64)
    return np.stack([forward, normal, right], axis=1)


def endplates_from_table(model: Model, path: str | Path) -> Endplates:
    """Endplates of a table of vertebrae (JSON): level -> body, centre (m), inclination_deg (forward), size (m).

    `size` is depth, height and width; both endplates of a vertebra are taken as parallel, so that its wedge is not in
    the angles. The table of the sample subject is `sample_rigs.sample_vertebrae_path()`; a level "S1" gives
    the sacral endplate, by default the sacrum's own axes at the L5-S1 joint.

    Raises:
        InputError: no JSON object of such entries, or a body that the model does not have.
    """
    try:
        table = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read as JSON ({error})", path=path, hint="give a table of vertebrae") from error
    plates: dict[tuple[str, str], Endplate] = {}
    try:
        for vertebra, row in table.items():
            if vertebra not in VERTEBRAE:
                continue
            body = model.body_names.index(row["body"])
            lean = np.radians(float(row["inclination_deg"]))
            depth, height = float(row["size"][0]), float(row["size"][1])
            frame = _frame(np.array([np.sin(lean), np.cos(lean), 0.0]))
            for side, sign in (("upper", 0.5), ("lower", -0.5)):
                centre = np.array(row["centre"], dtype=float) + sign * height * frame[:, 1]
                plates[vertebra, side] = Endplate(vertebra, side, body, centre, frame, depth)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(
            f"is no table of vertebrae of this model ({type(error).__name__}: {error})",
            path=path,
            hint="each level needs body, centre, inclination_deg and size",
        ) from error
    if ("S1", "upper") not in plates:
        plates |= _sacrum_from_joint(model)
    return Endplates(plates, "table")


def _sacrum_from_joint(model: Model) -> dict[tuple[str, str], Endplate]:
    levels = {level.name: level.joint for level in lumbar_levels(model)}
    if "L5-S1" not in levels:
        return {}
    joint = model.joints[levels["L5-S1"]]
    return {("S1", "upper"): Endplate("S1", "upper", joint.parent, joint.parent_offset[:3, 3], np.eye(3), 0.034)}


def endplates_from_joints(model: Model, segmental_lordosis_deg: Mapping[str, float]) -> Endplates:
    """Endplates of S1 and of L5 to L1 for a model without bones: its joints, with a lordosis assumed in neutral.

    Args:
        segmental_lordosis_deg: level ("L5-S1", ...) -> angle in deg from the endplate below to the vertebra above, in
            the model's default pose, positive lordotic; `published.SEGMENTAL_LORDOSIS_DEG` has the means of 324 adults.

    The change of the angles over time is the model's own; their neutral values are the assumption. Empty where the
    model's lumbar levels cannot be told.
    """
    levels = {level.name: level.joint for level in lumbar_levels(model)}
    if "L5-S1" not in levels:
        return Endplates({}, "joints", ("the model's lumbar joints cannot be told",))
    _, rotations = body_frames(model, default_values(model)[None])
    plates = dict(_sacrum_from_joint(model))
    lowest = plates["S1", "upper"].body
    axes = rotations[0, lowest]  # of the endplate below, in ground
    for name, joint_index in levels.items():
        if not name.startswith("L"):
            continue
        joint, angle = model.joints[joint_index], np.radians(segmental_lordosis_deg.get(name, 0.0))
        cosine, sine = np.cos(angle), np.sin(angle)
        axes = axes @ np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        frame = rotations[0, joint.child].T @ axes
        vertebra, centre = name.split("-")[0], joint.child_offset[:3, 3]
        for side in ("upper", "lower"):
            plates[vertebra, side] = Endplate(vertebra, side, joint.child, centre, frame, 0.034)
    return Endplates(plates, "joints", ("the neutral lordosis is assumed, not the model's own",))
