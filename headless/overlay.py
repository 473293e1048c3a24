"""Labels drawn over the images, to check a data set by eye."""

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
_OVERSAMPLING = 3  # lines are drawn larger and shrunk, which smooths them


def can_draw() -> bool:
    """Whether Pillow is installed; a stock Blender does not bring it."""
    return importlib.util.find_spec("PIL") is not None


def write_overlays(folder: Path, people: Sequence[Labels], paths: Sequence[Sequence[Path]]) -> None:
    """Draw everyone's labels over every image; `paths[view][i]` is the image of the i-th frame."""
    for view, images in enumerate(paths):
        for index, path in enumerate(images):
            target = folder / path.parent.name / f"{path.stem}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            drawn = labelled(open_image(path), points_of(people, view, index), people[0].keypoint_parents)
            with atomic_path(target) as temporary:
                drawn.save(temporary, quality=92)


def points_of(people: Sequence[Labels], view: int, index: int) -> Array:
    """Everyone's keypoints in an image, [P, K, 2] px."""
    return np.stack([labels.points_2d[view, index] for labels in people])


def labelled(image: Image, points: Array, parents: Sequence[int]) -> Image:
    """A copy of the image with keypoints [K, 2] or [P, K, 2] (px, NaN: left out) and edges to their parents on it."""
    from PIL import Image as Images
    from PIL import ImageDraw

    scale = _OVERSAMPLING
    layer = Images.new("RGBA", (image.width * scale, image.height * scale), (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    for person in points.reshape(-1, *points.shape[-2:]):
        _draw_person(
            pen, (person + 0.5) * scale, parents
        )  # Pillow counts from a pixel's corner, labels from its centre
    shrunk = layer.resize(image.size, Images.Resampling.BOX)
    return Images.alpha_composite(image.convert("RGBA"), shrunk).convert("RGB")


def _draw_person(pen: ImageDraw, places: Array, parents: Sequence[int]) -> None:
    """Edges and dots of keypoints [K, 2] in px of the enlarged picture."""
    seen = np.isfinite(places).all(axis=1)
    unit = _OVERSAMPLING * _pen_size(places[seen] / _OVERSAMPLING)
    for spine in (False, True):  # the spine lies on top
        for child, parent in enumerate(parents):
            if _is_spine_edge(child, parent) == spine and parent >= 0 and seen[child] and seen[parent]:
                width = (2.6 if spine else 1.4) * unit
                _line(pen, places[parent], places[child], _edge_color(child, spine), width, unit)
    for spine in (False, True):
        for index in np.flatnonzero(seen).tolist():
            if (index in _SPINE) == spine:
                _dot(pen, places[index], _color(index), (3.9 if spine else 2.5) * unit, 0.9 * unit)


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


def font(size: int):  # -> ImageFont.FreeTypeFont, Pillow's own typeface: the same wherever it is drawn
    from PIL import ImageFont

    return ImageFont.load_default(size)


def open_image(path: Path) -> Image:
    """An image file in RGB."""
    from PIL import Image as Images

    with Images.open(path) as image:
        return image.convert("RGB")
