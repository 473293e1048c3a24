"""Labels drawn over the images, and a contact sheet: pictures to check a data set by eye, and to show it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..exporters.labels import Labels
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.spine.keypoints import SPINE_KEYPOINTS

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Array = NDArray[np.float64]
Rgb = tuple[int, int, int]

REGION_COLORS: dict[str, Rgb] = {
    "lumbar": (255, 107, 84),
    "thoracic": (255, 196, 77),
    "cervical": (77, 208, 196),
    "body": (122, 176, 255),
}
_SPINE = {index: region for region, members in SPINE_KEYPOINTS.items() for index in members}
_INK: Rgb = (22, 25, 30)
_PAPER: Rgb = (24, 27, 32)
_TEXT: Rgb = (236, 238, 241)
_FAINT: Rgb = (150, 157, 168)
_OVERSAMPLING = 3  # lines are drawn larger and shrunk, which smooths them

CELL_PX = 340
GAP_PX = 6
EDGE_PX = 36
HEADER_PX = 104
MOST_FRAMES = 2
MOST_VIEWS = 4


def can_draw() -> bool:
    """Whether Pillow is installed; a stock Blender does not bring it."""
    return importlib.util.find_spec("PIL") is not None


def write_overlays(folder: Path, labels: Labels, paths: Sequence[Sequence[Path]]) -> None:
    """Draw the labels over every image; `paths[view][i]` is the image of the i-th frame."""
    for view, images in enumerate(paths):
        for index, path in enumerate(images):
            target = folder / path.parent.name / f"{path.stem}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            drawn = labelled(_open(path), labels.points_2d[view, index], labels.keypoint_parents)
            with atomic_path(target) as temporary:
                drawn.save(temporary, quality=92)


def labelled(image: Image, points: Array, parents: Sequence[int]) -> Image:
    """A copy of the image with keypoints [K, 2] (px, NaN: left out) and the edges to their parents on it."""
    from PIL import Image as Images
    from PIL import ImageDraw

    scale = _OVERSAMPLING
    layer = Images.new("RGBA", (image.width * scale, image.height * scale), (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    places = (points + 0.5) * scale  # Pillow counts from the corner of a pixel, labels from its centre
    seen = np.isfinite(places).all(axis=1)
    unit = scale * _pen_size(points[seen])
    for spine in (False, True):  # the spine lies on top
        for child, parent in enumerate(parents):
            if _is_spine_edge(child, parent) == spine and parent >= 0 and seen[child] and seen[parent]:
                _line(
                    pen, places[parent], places[child], _edge_color(child, spine), (2.6 if spine else 1.4) * unit, unit
                )
    for spine in (False, True):
        for index in np.flatnonzero(seen).tolist():
            if (index in _SPINE) == spine:
                _dot(pen, places[index], _color(index), (3.9 if spine else 2.5) * unit, 0.9 * unit)
    shrunk = layer.resize(image.size, Images.Resampling.BOX)
    return Images.alpha_composite(image.convert("RGBA"), shrunk).convert("RGB")


def write_contact_sheet(path: Path, labels: Labels, paths: Sequence[Sequence[Path]], title: str) -> None:
    """Up to two frames from up to four views, each as rendered and, below it, with its labels."""
    from PIL import Image as Images
    from PIL import ImageDraw

    views = list(range(min(len(labels.cameras), MOST_VIEWS)))
    frames = _spread(len(labels.frames), MOST_FRAMES)
    width = max(2 * EDGE_PX + len(views) * (CELL_PX + GAP_PX) - GAP_PX, 720)
    height = HEADER_PX + len(frames) * 2 * (CELL_PX + GAP_PX) + (len(frames) - 1) * 2 * GAP_PX + EDGE_PX
    sheet = Images.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    _header(pen, width, title, labels)
    for row, index in enumerate(frames):
        top = HEADER_PX + row * (2 * (CELL_PX + GAP_PX) + 2 * GAP_PX)
        for column, view in enumerate(views):
            left = EDGE_PX + column * (CELL_PX + GAP_PX)
            picture = _open(paths[view][index])
            region = _region(labels, view, index)
            plain = picture.resize((CELL_PX, CELL_PX), Images.Resampling.LANCZOS, box=region)
            shift, zoom = np.array(region[:2]), CELL_PX / (region[2] - region[0])
            points = (labels.points_2d[view, index] + 0.5 - shift) * zoom - 0.5
            sheet.paste(plain, (left, top))
            sheet.paste(labelled(plain, points, labels.keypoint_parents), (left, top + CELL_PX + GAP_PX))
            caption = f"{labels.cameras[view].name}   frame {labels.frames[index]}   {labels.time[index]:.2f} s"
            pen.text((left + 12, top + CELL_PX - 28), caption, font=font(14), fill=_TEXT)
    with atomic_path(path) as temporary:
        sheet.save(temporary)


def write_comparison_sheet(
    path: Path, sets: Sequence[tuple[str, Labels, Sequence[Sequence[Path]]]], title: str
) -> None:
    """Up to two frames from up to four views, a row for each of several data sets of the same frames and cameras.

    `sets` are (what is seen, its labels, `paths[view][i]` of its images); every picture has its labels on it, and shows
    the same part of the image as that of the first set.
    """
    from PIL import Image as Images
    from PIL import ImageDraw

    first = sets[0][1]
    views, frames = list(range(min(len(first.cameras), MOST_VIEWS))), _spread(len(first.frames), MOST_FRAMES)
    pitch, block = CELL_PX + GAP_PX, len(sets) * (CELL_PX + GAP_PX) + 2 * GAP_PX
    width = max(2 * EDGE_PX + len(views) * pitch - GAP_PX, 720)
    sheet = Images.new("RGB", (width, HEADER_PX + len(frames) * block - 2 * GAP_PX + EDGE_PX), _PAPER)
    pen = ImageDraw.Draw(sheet)
    _header(pen, width, title, first)
    for row, index in enumerate(frames):
        for line, (what, labels, paths) in enumerate(sets):
            top = HEADER_PX + row * block + line * pitch
            for column, view in enumerate(views):
                left = EDGE_PX + column * pitch
                sheet.paste(_close_up(labels, paths, view, index, _region(first, view, index)), (left, top))
                caption = f"{what}   {labels.cameras[view].name}   {labels.time[index]:.2f} s"
                pen.text((left + 12, top + CELL_PX - 28), caption, font=font(14), fill=_TEXT)
    with atomic_path(path) as temporary:
        sheet.save(temporary)


def _close_up(
    labels: Labels,
    paths: Sequence[Sequence[Path]],
    view: int,
    index: int,
    region: tuple[float, float, float, float],
) -> Image:
    """A square of an image as a cell of a sheet, with its labels."""
    from PIL import Image as Images

    plain = _open(paths[view][index]).resize((CELL_PX, CELL_PX), Images.Resampling.LANCZOS, box=region)
    zoom = CELL_PX / (region[2] - region[0])
    points = (labels.points_2d[view, index] + 0.5 - np.array(region[:2])) * zoom - 0.5
    return labelled(plain, points, labels.keypoint_parents)


def _region(labels: Labels, view: int, index: int) -> tuple[float, float, float, float]:
    """A square of the image around the person, with some air; corners in Pillow's pixels."""
    width, height = labels.cameras[view].size
    box = labels.boxes[view, index]
    seen = bool(np.isfinite(box).all())
    middle = box[:2] + box[2:] / 2 + 0.5 if seen else np.array([width, height]) / 2
    side = max(1.2 * float(box[2:].max()), 32.0) if seen else float(max(width, height))
    side = min(side, width, height)
    left, top = np.clip(middle - side / 2, 0, np.array([width, height]) - side)
    return float(left), float(top), float(left + side), float(top + side)


def _header(pen: ImageDraw, width: int, title: str, labels: Labels) -> None:
    labelled_count = int(np.isfinite(labels.points_world).all(axis=(0, 2)).sum())
    views, frames = labels.points_2d.shape[:2]
    pen.text((EDGE_PX, 26), title, font=font(28), fill=_TEXT)
    total = len(labels.keypoint_names)
    whose = "model" if labels.points_world_model is None else "avatar"
    about = f"{views} views, {frames} frames each   ·   {labelled_count} of {total} keypoints on this {whose}"
    pen.text((EDGE_PX, 64), about, font=font(16), fill=_FAINT)
    right = float(width - EDGE_PX)
    for region in reversed(REGION_COLORS):
        right -= pen.textlength(region, font=font(16))
        pen.text((right, 34), region, font=font(16), fill=_TEXT)
        pen.ellipse((right - 20, 38, right - 8, 50), fill=REGION_COLORS[region])
        right -= 42


def _is_spine_edge(child: int, parent: int) -> bool:
    return child in _SPINE and parent in _SPINE


def _color(index: int) -> Rgb:
    return REGION_COLORS[_SPINE.get(index, "body")]


def _edge_color(child: int, spine: bool) -> Rgb:
    return _color(child) if spine else REGION_COLORS["body"]


def _pen_size(points: Array) -> float:
    """In px, 1 for a person of 300 px: dots and lines keep their size against the person, within reason."""
    extent = float(np.ptp(points, axis=0).max()) if len(points) else 300.0
    return float(np.clip(extent / 300.0, 0.5, 6.0))


def _line(pen: ImageDraw, start: Array, end: Array, color: Rgb, thickness: float, unit: float) -> None:
    ends = [tuple(start.tolist()), tuple(end.tolist())]
    pen.line(ends, fill=(*_INK, 110), width=max(1, round(thickness + 1.2 * unit)))
    pen.line(ends, fill=(*color, 255), width=max(1, round(thickness)))


def _dot(pen: ImageDraw, place: Array, color: Rgb, radius: float, rim: float) -> None:
    for reach, fill in ((radius + rim, (*_INK, 230)), (radius, (*color, 255))):
        low, high = place - reach, place + reach
        pen.ellipse((*low.tolist(), *high.tolist()), fill=fill)


def _spread(count: int, most: int) -> list[int]:
    """Up to `most` of `count` frames, evenly spread and away from the ends."""
    if count <= most:
        return list(range(count))
    return [int((2 * i + 1) * count / (2 * most)) for i in range(most)]


def font(size: int):  # -> ImageFont.FreeTypeFont, Pillow's own typeface: the same wherever it is drawn
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _open(path: Path) -> Image:
    from PIL import Image as Images

    with Images.open(path) as image:
        return image.convert("RGB")
