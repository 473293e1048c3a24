"""The anatomy label of a recording: joint angles, and how the spine's vertebrae stand and curve in every frame."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import GROUND, Model, Motion
from ..simspine_addon.spine.curvature import curvature
from ..simspine_addon.spine.endplates import Endplates
from ..simspine_addon.spine.levels import lumbar_levels
from .labels import Anatomy
from .simspine_layout import KINEMATIC_AXES

_OTHER_VERTEBRA = re.compile(
    r"^(?:(?P<T>thoracic_?|t)(?P<t>1[0-2]|[1-9])|(?P<C>cervical_?|c)(?P<c>[1-7]))$", re.IGNORECASE
)


def anatomy(
    model: Model, motion: Motion, track: PoseTrack, endplates: Endplates, rows: NDArray[np.int64] | None = None
) -> Anatomy:
    """The anatomy of some rows of a motion (all where left out).

    Args:
        model: whose motion it is.
        motion: coordinates in the model's order.
        track: of that model and motion, row for row.
        endplates: of that model, between which lordosis and kyphosis are measured.
        rows: 0-based.

    Raises:
        InputError: track and motion differ in length.
    """
    if len(track.time) != len(motion.time):
        raise InputError(f"{len(track.time)} poses do not belong to a motion of {len(motion.time)} rows")
    rows = np.arange(len(motion.time)) if rows is None else np.asarray(rows, np.int64)
    column = {name: index for index, name in enumerate(motion.coordinate_names)}
    names = tuple(name for name in KINEMATIC_AXES if name in column)
    vertebrae = vertebra_bodies(model)
    bodies = np.array(list(vertebrae.values()), np.int64)
    chosen = replace(track, time=track.time[rows], positions=track.positions[rows], rotations=track.rotations[rows])
    curves = curvature(chosen, endplates)
    rotations = chosen.rotations[:, bodies]
    return Anatomy(
        axis_names=names,
        axes=motion.values[rows][:, [column[name] for name in names]],
        vertebra_names=tuple(vertebrae),
        vertebra_rotations=rotations,
        vertebra_positions=chosen.positions[:, bodies] + np.einsum("tbij,bj->tbi", rotations, track.centres[bodies]),
        lumbar_lordosis=curves.lordosis,
        thoracic_kyphosis=curves.kyphosis,
    )


def vertebra_bodies(model: Model) -> dict[str, int]:
    """Vertebra -> body, from the sacrum up: S1, L5 to L1, T12, and whatever thoracic and cervical ones there are.

    Where the thorax is one body, it stands for T12; where the whole trunk hangs on one joint, it is "trunk".
    """
    found: dict[str, int] = {}
    for level in lumbar_levels(model):
        joint = model.joints[level.joint]
        if not found and joint.parent != GROUND:
            found["S1"] = joint.parent
        found["trunk" if level.name == "lumbar" else level.name.split("-")[0]] = joint.child
    others = []
    for body, name in enumerate(model.body_names):
        match = _OTHER_VERTEBRA.match(name)
        if match:
            letter, number = ("T", match["t"]) if match["t"] else ("C", match["c"])
            others.append((letter == "C", -int(number), f"{letter}{number}", body))
    for _, _, name, body in sorted(others):
        found[name] = body
    return found
