"""From pelvis, feet and trunk to all 62 columns: couplers, balance over the feet, defaults for what is not given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..anthropometry import Subject
from ..bodies import body_specs
from ..coordinates import COORDINATE_NAMES, abdomen_factor, coordinate_specs, lumbar_couplings
from ..forward import Chain
from ..skeleton import ABDOMEN_COUPLING, skeleton
from .legs import FootTrack, pelvis_height, solve_leg

Array = NDArray[np.float64]
ROOT = ("pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "pelvis_ty", "pelvis_tz")
BALANCE_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class SampleMotion:
    """Times [T] s and all 62 coordinates [T, 62]: degrees for angles, metres for translations."""

    time: Array
    values: Array

    def column(self, name: str) -> Array:
        """One coordinate over time, [T]."""
        return self.values[:, COORDINATE_NAMES.index(name)]


def trunk_angles(flexion: Array, bending: Array, rotation: Array) -> dict[str, Array]:
    """The eighteen lumbar angles and the abdomen's, from the whole lumbar angle in each direction, [T] rad.

    Signs are the coordinates': extension, bending to the right and turning to the left are positive.
    """
    total = {"Flex_Ext": flexion, "Lat_Bending": bending, "axial_rotation": rotation}
    first = {suffix: total[suffix] / abdomen_factor(name) for name, suffix in ABDOMEN_COUPLING.items()}
    angles = {f"L5_S1_{suffix}": value for suffix, value in first.items()}
    for dependent, independent, factor in lumbar_couplings():
        angles[dependent] = factor * angles[independent]
    return angles


def mass_centre(subject: Subject, values: Mapping[str, Array]) -> Array:
    """The whole body's mass centre in ground, [T, 3] m; coordinates not given count as zero."""
    known = Chain(skeleton(subject)).poses(values)
    moments = [
        spec.mass * (known[spec.name][1] + known[spec.name][0] @ np.array(spec.mass_centre))
        for spec in body_specs(subject)
    ]
    return np.sum(moments, axis=0) / subject.mass_kg


def stand(
    subject: Subject,
    values: Mapping[str, Array],
    feet: Mapping[str, FootTrack],
    knee: Array,
    over: tuple[Array, Array],
) -> dict[str, Array]:
    """Both feet planted, knees bent by `knee`: the mass centre stays over `over` (x and z, [T] m each).

    `values` (rad, [T]) gives the pelvis' angles, the trunk and the arms; returned with root translations and legs.
    """
    count = len(knee)
    body = dict(values) | {"pelvis_tx": np.zeros(count), "pelvis_tz": np.zeros(count), "pelvis_ty": np.zeros(count)}
    for _ in range(BALANCE_ROUNDS):
        body["pelvis_ty"] = pelvis_height(subject, body, feet, knee)
        for side, foot in feet.items():
            body |= solve_leg(subject, side, body, foot)
        centre = mass_centre(subject, body)
        body["pelvis_tx"] = body["pelvis_tx"] + over[0] - centre[:, 0]
        body["pelvis_tz"] = body["pelvis_tz"] + over[1] - centre[:, 2]
    return place_legs(subject, body | {"pelvis_ty": pelvis_height(subject, body, feet, knee)}, feet)


def place_legs(subject: Subject, body: Mapping[str, Array], feet: Mapping[str, FootTrack]) -> dict[str, Array]:
    """The same body with both legs solved for the feet."""
    placed = dict(body)
    for side, foot in feet.items():
        placed |= solve_leg(subject, side, body, foot)
    return placed


def assemble(time: Array, body: Mapping[str, Array]) -> SampleMotion:
    """All 62 columns in order from rad and m; what is not given stands at its default. Rounded as the files are."""
    columns = []
    for spec in coordinate_specs(0.0):
        if spec.name not in body:
            columns.append(np.full(len(time), spec.default))
        else:
            columns.append(np.degrees(body[spec.name]) if spec.is_angle else np.asarray(body[spec.name]))
    decimals = [5 if spec.is_angle else 6 for spec in coordinate_specs(0.0)]
    rounded = np.stack(
        [np.round(column, digits) + 0.0 for column, digits in zip(columns, decimals, strict=True)], axis=1
    )
    return SampleMotion(time, rounded)
