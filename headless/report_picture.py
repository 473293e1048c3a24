"""The retargeting report as a picture: the spine where it bends most, the numbers, and how far planted feet slide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.retarget.curve_error import spine_joints, wanted_curves
from ..simspine_addon.retarget.naive import naive_copy
from ..simspine_addon.retarget.roles import RoleMap
from ..simspine_addon.retarget.rotations import angles_between
from ..simspine_addon.retarget.skeleton import Skeleton, skeleton_of_track
from ..simspine_addon.retarget.solve import RetargetResult

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

    from ..simspine_addon.scene.retarget_motion import TargetRig

Array = NDArray[np.float64]
Box = tuple[float, float, float, float]  # left, top, right, bottom
Rgb = tuple[int, int, int]

SIZE = (1600, 1000)
_OVERSAMPLING = 2  # drawn larger and shrunk, which smooths lines
_PAPER: Rgb = (250, 249, 246)
_CARD: Rgb = (255, 255, 255)
_EDGE: Rgb = (226, 224, 218)
_INK: Rgb = (34, 38, 46)
_FAINT: Rgb = (120, 126, 136)
_WANTED: Rgb = (190, 203, 222)
_HERE: Rgb = (13, 110, 139)
_NAIVE: Rgb = (214, 96, 62)
_MOST_BARS = 24


@dataclass(frozen=True, slots=True)
class SpineShapes:
    """Spines at one moment in the pelvis's own axes, [N, 3] m (forward, up, right), each from its lowest joint.

    `wanted` is the target's resting spine, every piece turned as the source's vertebra there; `here` and `naive` are
    the target's joints. `bend_deg` is the turn from pelvis to thorax, `time` that of the moment, s.
    """

    time: float
    bend_deg: float
    wanted: Array
    here: Array
    naive: Array


def write_report_picture(
    path: str | Path,
    title: str,
    source: PoseTrack,
    source_map: RoleMap,
    target: TargetRig,
    result: RetargetResult,
    report: Mapping[str, Any],
) -> None:
    """Draw the report as a PNG of 1600 x 1000.

    Args:
        path: of the picture.
        title: what was carried over to whom.
        source: the motion.
        source_map: of its bodies.
        target: the rig.
        result: of the solve.
        report: with the naive copy's numbers.

    Raises:
        InputError: Pillow is missing, or the picture cannot be written.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise InputError(
            "a picture needs Pillow, which is not installed", hint="install the package 'pillow'"
        ) from error
    shapes = strongest_bend(source, source_map, target.skeleton, target.role_map, result)
    scale = _OVERSAMPLING
    image = Image.new("RGB", (SIZE[0] * scale, SIZE[1] * scale), _PAPER)
    pen = _Pen(ImageDraw.Draw(image), scale)
    pen.text((48, 34), title, 30, _INK)
    facts = (
        f"{report['frames']} frames, {report['bones']} bones, bone map: {report['target_map']}, "
        f"size of the motion {report['scale']:.3f}, person of {report['height_m']:.2f} m"
    )
    pen.text((48, 76), facts, 17, _FAINT)
    _draw_spines(pen, (48, 116, 800, 640), shapes)
    _draw_table(pen, (824, 116, 1552, 640), report)
    _draw_slides(pen, (48, 664, 1552, 964), report)
    image = image.resize(SIZE, Image.Resampling.LANCZOS)
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG")


def strongest_bend(
    source: PoseTrack, source_map: RoleMap, target: Skeleton, target_map: RoleMap, result: RetargetResult
) -> SpineShapes:
    """The spines at the moment when the source's thorax is turned most against its pelvis."""
    rest = skeleton_of_track(source)
    names = (source_map.of("pelvis")[-1], *source_map.of("spine"))
    bones = [rest.index(name) for name in names]
    turns = np.einsum("tbij,bkj->tbik", source.rotations[:, bones], rest.rest_rotations[bones])
    bends = np.degrees(angles_between(turns[:, 0], turns[:, -1]))
    frame = int(np.argmax(bends))
    turned, at = result.alignment.target, np.array([frame])
    _, wanted = wanted_curves(source, source_map, turned, target_map, at)
    forward = result.alignment.forward
    body_axes = np.stack([forward, [0.0, 1.0, 0.0], np.cross(forward, [0.0, 1.0, 0.0])])
    into_pelvis = body_axes @ turns[frame, 0].T
    naive = naive_copy(source, source_map, target, target_map)
    joints = [spine_joints(track, turned, target_map, at)[0] for track in (result.track, naive)]
    here, copied = ((each - each[0]) @ into_pelvis.T for each in joints)
    return SpineShapes(float(source.time[frame]), float(bends[frame]), wanted[0] @ into_pelvis.T, here, copied)


class _Pen:
    """Pillow's pen in the picture's own pixels."""

    def __init__(self, draw: ImageDraw, scale: int) -> None:
        self.draw, self.scale = draw, scale

    def text(self, place: tuple[float, float], text: str, size: float, color: Rgb, anchor: str = "lt") -> None:
        from PIL import ImageFont

        font = ImageFont.load_default(size * self.scale)
        self.draw.text((place[0] * self.scale, place[1] * self.scale), text, color, font, anchor)

    def card(self, box: Box, title: str) -> None:
        self.draw.rounded_rectangle([each * self.scale for each in box], 14 * self.scale, _CARD, _EDGE, self.scale)
        self.text((box[0] + 24, box[1] + 20), title, 20, _INK)

    def line(self, points: Array, color: Rgb, width: float) -> None:
        places = [(float(x), float(y)) for x, y in points * self.scale]
        self.draw.line(places, color, round(width * self.scale), joint="curve")
        for place in places:
            self._disc(place, 0.5 * width * self.scale, color)

    def dots(self, points: Array, color: Rgb, radius: float) -> None:
        for x, y in points * self.scale:
            self._disc((float(x), float(y)), (radius + 1.5) * self.scale, _CARD)
            self._disc((float(x), float(y)), radius * self.scale, color)

    def bar(self, box: Box, color: Rgb) -> None:
        self.draw.rectangle([each * self.scale for each in box], color)

    def _disc(self, place: tuple[float, float], radius: float, color: Rgb) -> None:
        x, y = place
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), color)


def _draw_spines(pen: _Pen, box: Box, shapes: SpineShapes) -> None:
    left, top, right, bottom = box
    pen.card(box, f"The spine where it bends most: {shapes.bend_deg:.0f} degrees, at {shapes.time:.2f} s")
    curves = (shapes.wanted, shapes.naive, shapes.here)
    everything = np.concatenate(curves)
    # One size for both views, each in its own half.
    half = 0.5 * (right - left) - 40
    height = bottom - top - 190
    low, high = everything.min(axis=0), everything.max(axis=0)
    size = min(half / max(np.ptp(everything[:, 0]), 0.05), half / max(np.ptp(everything[:, 2]), 0.05))
    size = float(min(size, height / max(high[1] - low[1], 0.05)))
    for view, (axis, name) in enumerate(((0, "from the right"), (2, "from behind"))):
        centre = left + (0.27 + 0.46 * view) * (right - left)
        base = np.array([centre - size * 0.5 * (low[axis] + high[axis]), top + 92 + 0.5 * height])
        for curve, color, width in zip(curves, (_WANTED, _NAIVE, _HERE), (15, 3, 4.5), strict=True):
            across, up = curve[:, axis], curve[:, 1] - 0.5 * (low[1] + high[1])
            places = base + size * np.stack([across, -up], axis=1)
            pen.line(places, color, width)
            if color != _WANTED:
                pen.dots(places, color, 6 if color == _HERE else 4.5)
        pen.text((centre, bottom - 78), name, 16, _FAINT, "mm")
    _legend(pen, (left + 24, bottom - 36))
    length = size * 0.1
    y = bottom - 30
    pen.line(np.array([[right - 30 - length, y], [right - 30, y]]), _INK, 2.5)
    pen.text((right - 30 - 0.5 * length, y - 16), "100 mm", 14, _FAINT, "mm")


def _legend(pen: _Pen, place: tuple[float, float]) -> None:
    x, y = place
    for color, width, text in (
        (_WANTED, 12, "the source's bend"),
        (_HERE, 4.5, "here"),
        (_NAIVE, 3, "naive copy"),
    ):
        pen.line(np.array([[x + 6, y], [x + 40, y]]), color, width)
        pen.text((x + 54, y), text, 16, _INK, "lm")
        x += 74 + 8.6 * len(text)


def _rows(numbers: Mapping[str, Any]) -> list[tuple[str, str]]:
    turns, curve = numbers["rotation_error_deg"], numbers["spine_curve"]
    ends = numbers["end_effector_error_of_height"]

    def worst(part: str) -> float:
        return 100.0 * max(ends[f"{side}_{part}"] for side in ("left", "right"))

    return [
        ("Spine curve, largest distance", f"{curve['max_mm']:.1f} mm"),
        ("   share of the spine's length", f"{curve['max_percent']:.1f} %"),
        ("Spine curve, mean distance", f"{curve['mean_mm']:.1f} mm"),
        ("Pelvis turned wrongly by", f"{turns['pelvis']:.2f} deg"),
        ("Thorax turned wrongly by", f"{turns['thorax']:.2f} deg"),
        ("Head turned wrongly by", f"{turns['head']:.2f} deg"),
        ("Hands off, share of the height", f"{worst('hand'):.1f} %"),
        ("Feet off, share of the height", f"{worst('foot'):.1f} %"),
        ("Planted feet slide", f"{numbers['foot_slide_mm']['max']:.1f} mm"),
        ("Feet below the floor", f"{numbers['penetration_mm']:.1f} mm"),
        ("Jerk, as against the source's", f"{numbers['jerk_ratio']:.2f}"),
    ]


def _draw_table(pen: _Pen, box: Box, report: Mapping[str, Any]) -> None:
    left, top, right, bottom = box
    pen.card(box, "Measured over the whole motion")
    here, naive = _rows(report["retarget"]), _rows(report["naive"])
    columns = (right - 190, right - 30)
    y = top + 70
    pen.text((columns[0], y), "here", 17, _HERE, "rm")
    pen.text((columns[1], y), "naive copy", 17, _NAIVE, "rm")
    step = min(38.0, (bottom - y - 70) / len(here))
    for (what, ours), (_, theirs) in zip(here, naive, strict=True):
        y += step
        pen.line(np.array([[left + 24, y - 0.5 * step], [right - 24, y - 0.5 * step]]), _EDGE, 1)
        pen.text((left + 24, y), what, 17, _FAINT if what.startswith(" ") else _INK, "lm")
        pen.text((columns[0], y), ours, 18, _INK, "rm")
        pen.text((columns[1], y), theirs, 18, _FAINT, "rm")
    unmapped = report["unmapped_roles"]
    text = "every role is mapped" if not unmapped else f"{len(unmapped)} roles in one of the two only: "
    pen.text((left + 24, bottom - 28), text + _fitting(_grouped(unmapped), 70), 14, _FAINT, "lm")


def _grouped(roles: Sequence[str]) -> str:
    """Roles by their part, since they mostly come in pairs."""
    parts = dict.fromkeys(role.removeprefix("left_").removeprefix("right_") for role in roles)
    return ", ".join(part.replace("_", " ") for part in parts)


def _fitting(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3].rsplit(",", 1)[0] + ", ..."


def _draw_slides(pen: _Pen, box: Box, report: Mapping[str, Any]) -> None:
    left, top, right, bottom = box
    pen.card(box, "How far each planted heel and ball slides, mm")
    here = list(report["retarget"]["foot_slide_mm"]["by_stance"])
    naive = list(report["naive"]["foot_slide_mm"]["by_stance"])
    if not here:
        pen.text((0.5 * (left + right), 0.5 * (top + bottom)), "no foot stands in this motion", 18, _FAINT, "mm")
        return
    shown = np.argsort(naive)[::-1][:_MOST_BARS] if len(here) > _MOST_BARS else np.arange(len(here))
    shown = np.sort(shown)
    pen.text((left + 24, top + 50), f"{len(here)} stances; the dashed line is the limit of 2 mm", 15, _FAINT)
    if len(here) > _MOST_BARS:
        pen.text((right - 24, top + 50), f"the {_MOST_BARS} in which the naive copy slides most", 15, _FAINT, "rt")
    floor, ceiling = bottom - 46, top + 104
    largest = max(*here, *naive, 4.0)
    pitch = (right - left - 80) / len(shown)
    width = min(pitch * 0.34, 34.0)
    limit = floor - (floor - ceiling) * 2.0 / largest
    for x in np.arange(left + 30, right - 40, 14.0):
        pen.line(np.array([[x, limit], [x + 6, limit]]), _FAINT, 1)
    for place, stance in enumerate(shown.tolist()):
        middle = left + 40 + pitch * (place + 0.5)
        for side, value, color in ((-1, here[stance], _HERE), (1, naive[stance], _NAIVE)):
            x = middle + 0.5 * side * (width + 3)
            y = floor - max((floor - ceiling) * value / largest, 2.0)
            pen.bar((x - 0.5 * width, y, x + 0.5 * width, floor), color)
            text = f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
            pen.bar((x - 3.5 * len(text), y - 20, x + 3.5 * len(text), y - 4), _CARD)
            pen.text((x, y - 12), text, 13, color, "mm")
        pen.text((middle, floor + 20), str(stance + 1), 14, _FAINT, "mm")
    pen.line(np.array([[left + 30, floor], [right - 30, floor]]), _INK, 1.5)
