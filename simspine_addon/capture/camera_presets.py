"""Ready-made camera sets that place themselves around a motion, by a short text or a table of parameters.

A text is `NAME`, `NAME:COUNT` or either with parameters behind commas: `h36m`, `ring:8`, `dome:12,lowest_deg=20`,
`stereo,baseline_m=0.065`, `handheld:2,sway_deg=1`. A table has the same under their names, and `preset` for the name.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..model.errors import InputError
from .camera import Camera
from .camera_presets_fixed import (
    HUMAN36M_AZIMUTH_DEG,
    HUMAN36M_HEIGHT_M,
    dome_preset,
    human36m_preset,
    ring_preset,
    stereo_preset,
)
from .camera_presets_handheld import Hand, handheld_preset
from .camera_presets_jitter import Jitter, jittered
from .camera_presets_placing import HUMAN36M_FOCAL_PX, CameraSet, Framing, look_at

__all__ = [
    "HUMAN36M_AZIMUTH_DEG",
    "HUMAN36M_FOCAL_PX",
    "HUMAN36M_HEIGHT_M",
    "PRESETS",
    "CameraSet",
    "Hand",
    "Jitter",
    "Preset",
    "camera_set",
    "dome_preset",
    "handheld_preset",
    "human36m_preset",
    "is_preset",
    "jitter_of",
    "jittered",
    "look_at",
    "preset_cameras",
    "preset_table",
    "ring_preset",
    "stereo_preset",
]

Array = NDArray[np.float64]

MOST_CAMERAS = 1000


@dataclass(frozen=True, slots=True)
class _Placed:
    """What every preset is made from."""

    points: ArrayLike
    framing: Framing
    time: Array
    seed: int


@dataclass(frozen=True, slots=True)
class Preset:
    """A kind of camera set: what makes it, its own parameters, and a line for people."""

    make: Callable[..., CameraSet]
    parameters: tuple[str, ...]
    meaning: str


def _h36m(placed: _Placed, **own: Any) -> CameraSet:
    shared = {each.name: getattr(placed.framing, each.name) for each in fields(Framing)}
    return CameraSet(human36m_preset(placed.points, **shared, **own))


def _ring(placed: _Placed, **own: Any) -> CameraSet:
    return CameraSet(ring_preset(placed.points, placed.framing, **own))


def _dome(placed: _Placed, **own: Any) -> CameraSet:
    return CameraSet(dome_preset(placed.points, placed.framing, **own))


def _stereo(placed: _Placed, **own: Any) -> CameraSet:
    return CameraSet(stereo_preset(placed.points, placed.framing, **own))


_HAND = tuple(each.name for each in fields(Hand))


def _handheld(placed: _Placed, **own: Any) -> CameraSet:
    hand = Hand(**{name: own.pop(name) for name in _HAND if name in own})
    return handheld_preset(placed.points, placed.framing, time=placed.time, seed=placed.seed, hand=hand, **own)


PRESETS: dict[str, Preset] = {
    "h36m": Preset(_h36m, ("height_m", "azimuth_deg"), "four as in Human3.6M"),
    "ring": Preset(_ring, ("count", "height_m", "start_deg"), "N evenly around"),
    "dome": Preset(_dome, ("count", "lowest_deg"), "N over a half sphere"),
    "stereo": Preset(_stereo, ("baseline_m", "height_m", "azimuth_deg"), "two side by side"),
    "handheld": Preset(_handheld, ("count", "height_m", "start_deg", *_HAND), "N in people's hands"),
}

_JITTER = {f"jitter_{each.name}": each.name for each in fields(Jitter)}
_SHARED = tuple(each.name for each in fields(Framing) if each.name != "size")


def preset_table(spec: str | Mapping[str, Any]) -> dict[str, Any]:
    """The checked table of a preset: `preset`, and the parameters that were given, each a finite number.

    Besides its own parameters each preset takes `focal_px`, `margin`, `nearest_m`, `floor_m`, `distortion` (a list),
    `fisheye`, and `jitter_position_m`, `jitter_aim_deg`, `jitter_focal_percent`, `jitter_principal_px`.

    Raises:
        InputError: no such preset, a parameter that it does not have, or a value of the wrong kind.
    """
    table = _table_of_text(spec) if isinstance(spec, str) else dict(spec)
    name = table.get("preset")
    if not isinstance(name, str) or name not in PRESETS:
        raise InputError(f"there is no camera preset {name!r}", hint=f"there is {', '.join(PRESETS)}")
    known = (*PRESETS[name].parameters, *_SHARED, *_JITTER)
    for key, value in table.items():
        if key == "preset":
            continue
        if key not in known:
            raise InputError(f"the camera preset '{name}' has no '{key}'", hint=f"it has {', '.join(known)}")
        _check_value(name, key, value)
    return table


def camera_set(
    spec: str | Mapping[str, Any],
    points: ArrayLike,
    *,
    size: tuple[int, int] = (1000, 1000),
    time: ArrayLike | None = None,
    seed: int = 0,
) -> CameraSet:
    """The cameras of a preset, by its text or table, placed around `points` ([T, N, 3] in ground, m).

    `time` [T] s are the frames that cameras in hands have poses for, by default one frame at 0; the points need not be
    theirs. Cameras that jitter may show a little less than the whole motion: `margin` leaves room.

    Raises:
        InputError: what `preset_table` or the preset itself refuses.
    """
    table = preset_table(spec)
    name = table.pop("preset")
    jitter = jitter_of({key: table.pop(key) for key in list(table) if key in _JITTER})
    shared = {key: table.pop(key) for key in _SHARED if key in table}
    if "distortion" in shared:
        shared["distortion"] = tuple(float(each) for each in shared["distortion"])
    when = np.zeros(1) if time is None else np.asarray(time, dtype=np.float64)
    placed = _Placed(points, Framing(size=(int(size[0]), int(size[1])), **shared), when, seed)
    return jittered(PRESETS[name].make(placed, **table), jitter, seed)


def preset_cameras(
    spec: str | Mapping[str, Any], points: ArrayLike, *, size: tuple[int, int] = (1000, 1000)
) -> tuple[Camera, ...]:
    """The cameras of a preset as they stand in the first frame; see `camera_set`."""
    return camera_set(spec, points, size=size).cameras


def jitter_of(table: Mapping[str, Any]) -> Jitter:
    """The jitter that `jitter_position_m`, `jitter_aim_deg`, `jitter_focal_percent`, `jitter_principal_px` ask for.

    Raises:
        InputError: another key, or a value that is no number or out of its range.
    """
    for key, value in table.items():
        if key not in _JITTER:
            raise InputError(f"the cameras have no '{key}'", hint=f"here there is {', '.join(_JITTER)}")
        if not _is_number(value):
            raise InputError(f"the cameras: {key} = {value!r} is not a number")
    return Jitter(**{_JITTER[key]: float(value) for key, value in table.items()})


def is_preset(text: str) -> bool:
    """Whether a text begins with the name of a preset."""
    return text.split(":")[0].split(",")[0].strip() in PRESETS


def _table_of_text(text: str) -> dict[str, Any]:
    head, *rest = text.split(",")
    name, colon, count = head.partition(":")
    table: dict[str, Any] = {"preset": name.strip()}
    if colon:
        table["count"] = _value_of_text(text, count)
    for part in _joined_lists(rest):
        key, equals, value = part.partition("=")
        if not equals:
            raise InputError(f"the cameras '{text}' hold '{part}'", hint="write parameters as name=value")
        table[key.strip()] = _value_of_text(text, value)
    return table


def _joined_lists(parts: list[str]) -> list[str]:
    """Parts between commas, those within brackets put together again."""
    joined: list[str] = []
    for part in parts:
        if joined and joined[-1].count("[") > joined[-1].count("]"):
            joined[-1] += "," + part
        else:
            joined.append(part)
    return joined


def _value_of_text(text: str, value: str) -> Any:
    words = {"true": True, "false": False}
    if value.strip().lower() in words:
        return words[value.strip().lower()]
    try:
        return ast.literal_eval(value.strip())
    except (ValueError, SyntaxError) as error:
        raise InputError(f"the cameras '{text}' hold '{value}', which is no number", hint="such as ring:8") from error


def _check_value(name: str, key: str, value: Any) -> None:
    where = f"the camera preset '{name}': {key} = {value!r}"
    if key == "fisheye":
        good, wanted = isinstance(value, bool), "true or false"
    elif key == "distortion":
        good = isinstance(value, list | tuple) and all(_is_number(each) for each in value)
        wanted = "a list of numbers"
    elif key == "count":
        good = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_CAMERAS
        wanted = f"a whole number from 1 to {MOST_CAMERAS}"
    else:
        good, wanted = _is_number(value), "a number within 1e9"
    if not good:
        raise InputError(f"{where} is not {wanted}")


def _is_number(value: Any) -> bool:
    # 1e9 of any of them is no camera's, and integers can be too large even to ask whether they are finite.
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e9 < value < 1e9
