"""The immutable documents that every other layer takes: Model, Motion, MarkerTrack and their parts.

Lengths are metres, angles radians, masses kilograms; transforms are 4x4 matrices that take points of the
named frame into its parent (column vectors). Index -1 stands for ground.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .displacement import Displacement
from .functions import Function

Array = NDArray[np.float64]
MotionType = Literal["rotational", "translational", "coupled"]
GROUND = -1


@dataclass(frozen=True, slots=True)
class Geometry:
    """Something drawn on a body: a mesh file, or an analytic shape.

    `kind` is "mesh", "sphere", "ellipsoid", "cylinder", "cone", "torus", "brick", "line", "arrow" or "frame";
    `parameters` holds the shape's own lengths by OpenSim property name ("radius", "half_height", ...).
    `transform` takes geometry coordinates (after `scale`) into the body's frame. `bend` then displaces the vertices of
    a mesh, where they are not as in its file.
    """

    name: str
    kind: str
    body: int
    transform: Array  # [4, 4]
    scale: Array  # [3]
    file: str | None = None
    parameters: dict[str, tuple[float, ...]] = field(default_factory=dict)
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    opacity: float = 1.0
    visible: bool = True
    bend: Displacement | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A rigid body; `inertia` is [xx yy zz xy xz yz] about the mass centre, in the body frame."""

    name: str
    mass: float
    mass_center: Array  # [3]
    inertia: Array  # [6]


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A generalized coordinate; `joint` indexes `Model.joints`, `range` is (low, high) in rad or m."""

    name: str
    joint: int
    motion_type: MotionType
    default: float
    range: tuple[float, float]
    clamped: bool = False
    locked: bool = False
    prescribed: bool = False


@dataclass(frozen=True, slots=True)
class TransformAxis:
    """One of the six axes of a spatial transform: rotation about, or translation along, `axis` by `function`.

    `coordinates` index `Model.coordinates`; they are the function's arguments, in order. An axis without a
    function contributes nothing.
    """

    axis: Array  # [3], unit length
    coordinates: tuple[int, ...] = ()
    function: Function | None = None


@dataclass(frozen=True, slots=True)
class Joint:
    """A joint from a frame on `parent` to a frame on `child` (body indices; -1 is ground).

    Every kind but ellipsoids is given by six `axes`: three successive body-fixed rotations, then three
    translations in the parent frame. `radii` (ellipsoid half axes) and `winging` (scapulothoracic: origin x, y
    and direction) are set only for the kinds that have them. `reversed` says that the tree runs from the
    document's child to its parent; `parent` and `child` are then the tree's, and `transform` is inverted.
    """

    name: str
    kind: str
    parent: int
    child: int
    parent_offset: Array  # [4, 4] joint's parent frame in the parent body
    child_offset: Array  # [4, 4] joint's child frame in the child body
    axes: tuple[TransformAxis, ...]  # 6
    coordinates: tuple[int, ...]
    reversed: bool = False
    radii: Array | None = None  # [3]
    winging: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Coupler:
    """`dependent = scale * function(independents)`, indices into `Model.coordinates`."""

    name: str
    dependent: int
    independents: tuple[int, ...]
    function: Function
    scale: float = 1.0
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class Marker:
    """A point fixed to a body (index; -1 is ground), `location` in the body's frame."""

    name: str
    body: int
    location: Array  # [3]
    fixed: bool = True


@dataclass(frozen=True, slots=True)
class Model:
    """An OpenSim model as arrays: bodies in topological order, joint `i` carrying body `i`."""

    name: str
    version: int
    bodies: tuple[Body, ...]
    joints: tuple[Joint, ...]
    coordinates: tuple[Coordinate, ...]
    couplers: tuple[Coupler, ...]
    markers: tuple[Marker, ...]
    geometry: tuple[Geometry, ...]
    path: Path | None = None
    other_constraints: tuple[str, ...] = ()  # "WeldConstraint 'foot'": kept in the document, not enforced here
    warnings: tuple[str, ...] = ()

    @property
    def body_names(self) -> tuple[str, ...]:
        return tuple(body.name for body in self.bodies)

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        return tuple(coordinate.name for coordinate in self.coordinates)

    @property
    def marker_names(self) -> tuple[str, ...]:
        return tuple(marker.name for marker in self.markers)

    @property
    def parents(self) -> NDArray[np.int64]:
        """Parent body of each body, [B]; -1 where it is ground."""
        return np.array([joint.parent for joint in self.joints], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Motion:
    """Coordinate values over time, bound to a model: `values[:, i]` belongs to `coordinate_names[i]`.

    `values` is [T, C] in rad and m, in the model's own order and complete: `filled_by_coupler` and
    `filled_by_default` name the columns that the file did not have, `extra` the file's columns that the model
    does not know, `warnings` whatever else was odd, a sentence each.
    """

    time: Array  # [T] s
    coordinate_names: tuple[str, ...]
    values: Array  # [T, C]
    filled_by_coupler: tuple[str, ...] = ()
    filled_by_default: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    path: Path | None = None

    @property
    def rate(self) -> float:
        """Frames per second, from the median time step; 0 for fewer than two frames."""
        return float(1.0 / np.median(np.diff(self.time))) if len(self.time) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class MarkerTrack:
    """Marker positions over time: [T, M, 3] in m, NaN where unseen; `confidence` is [T, M], 1 where seen."""

    time: Array  # [T] s
    names: tuple[str, ...]
    positions: Array  # [T, M, 3]
    confidence: Array  # [T, M]
    rate: float
    warnings: tuple[str, ...] = ()
    path: Path | None = None
