"""Make the sample motions and write them as OpenSim motion files (.mot, degrees and metres, 50 Hz)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..simspine_addon.model.atomic import atomic_path
from .anthropometry import Subject
from .coordinates import COORDINATE_NAMES
from .motions.lifting import lifting_with_twist
from .motions.sitting import sit_to_stand
from .motions.trunk import axial_rotation, lateral_bending, trunk_flexion
from .motions.walking import walking
from .motions.whole_body import SampleMotion

BUILDERS: dict[str, Callable[[Subject], SampleMotion]] = {
    "walking": walking,
    "trunk_flexion": trunk_flexion,
    "lateral_bending": lateral_bending,
    "axial_rotation": axial_rotation,
    "sit_to_stand": sit_to_stand,
    "lifting_with_twist": lifting_with_twist,
}


def build_motion(name: str, subject: Subject | None = None) -> SampleMotion:
    """One of `BUILDERS`, computed anew: 62 columns in degrees and metres, rounded to 1e-5 deg and 1e-6 m."""
    return BUILDERS[name](subject or Subject())


def motion_text(name: str, motion: SampleMotion) -> str:
    """The motion as the text of a `.mot` file."""
    rows, columns = motion.values.shape
    header = [name, "version=1", f"nRows={rows}", f"nColumns={columns + 1}", "inDegrees=yes", "endheader"]
    lines = ["\t".join(("time", *COORDINATE_NAMES))]
    for moment, values in zip(motion.time, motion.values, strict=True):
        lines.append("\t".join((f"{moment:.2f}", *(_number(value) for value in values))))
    return "\n".join((*header, *lines)) + "\n"


def _number(value: float) -> str:
    """Six decimals at most, without trailing zeros: half of the columns hold still."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def write_motion(path: str | Path, name: str, motion: SampleMotion) -> Path:
    """Write one motion; returns its path."""
    path = Path(path)
    with atomic_path(path) as temporary:
        temporary.write_text(motion_text(name, motion), encoding="ascii", newline="\n")
    return path
