"""Which recordings, frames and images of a data set a page shows, so that it stays small and shows all evenly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..exporters.keypoint_npz import read_labels
from ..exporters.recording import Recording
from ..simspine_addon.model.errors import InputError
from .progress import progress
from .render_plan import chosen_rows
from .render_view_images import image_file, jpeg_uri

PAGE_BYTES = 16e6  # of images and labels; with curves, tables and scripts the page stays below 20 MB
MOST_RECORDINGS = 100  # on a page that is to stay small: each has about 25 kB of curves and tables
_SAMPLED = 6  # recordings from which the size of an image on the page is learned
_BYTES_IN_SPACE, _BYTES_IN_VIEW = 33, 19  # of a keypoint in a frame: measured on pages of the sample

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a recording holds, without what it holds."""

    path: Path  # its label file
    rows: Rows  # of its frames, those that are wanted at all
    frames: int  # how many frames it has in all
    views: int  # with images; 0 where there are labels alone
    label_bytes: int  # about how many a frame's labels take on the page


@dataclass(frozen=True, slots=True)
class Choice:
    """What the page shows of each recording, in order; recordings without rows are left out."""

    extents: tuple[Extent, ...]
    rows: tuple[Rows, ...]
    left_out: tuple[str, ...]  # in words

    @property
    def shown(self) -> str:
        """In words, how much is shown."""
        frames = sum(len(rows) for rows in self.rows)
        images = sum(len(rows) * extent.views for rows, extent in zip(self.rows, self.extents, strict=True))
        recordings = sum(1 for rows in self.rows if len(rows))
        return ", ".join(
            counted(*each) for each in ((recordings, "recording"), (frames, "frame"), (images, "image")) if each[0]
        )

    def recordings(self) -> Iterator[tuple[Recording, Rows]]:
        """The recordings that are shown, each read when it is its turn, and the rows of its frames."""
        kept = [(extent, rows) for extent, rows in zip(self.extents, self.rows, strict=True) if len(rows)]
        for extent, rows in kept:
            yield read_labels(extent.path), rows


def choose(folder: Path, paths: Sequence[Path], frames: str | None, most_images: int | None) -> Choice:
    """Choose what fits.

    Args:
        folder: of the data set.
        paths: its label files.
        frames: `A:B:S`, a slice of each recording's frames; None for all.
        most_images: on the page; None for as many as keep it below 20 MB.

    Raises:
        InputError: a file of labels or a sampled image cannot be read, or the slice holds no frame.
    """
    extents, sampled = [], []
    sampling = set(_even(len(paths), _SAMPLED).tolist())
    for index, path in enumerate(progress(paths, "reading labels")):
        recording = read_labels(path)
        count = len(recording.people[0].time)
        rows = np.arange(count) if frames is None else _wanted(path, frames, count)
        views = sum(1 for names in recording.image_names if len(names))
        row = int(rows[len(rows) // 2])
        extents.append(Extent(path, rows, count, views, _label_bytes(recording, row)))
        if most_images is None and views and index in sampling:
            sampled.append(_bytes_an_image(folder, recording, row) + extents[-1].label_bytes / views)
    chosen = _rows(extents, most_images, float(np.mean(sampled)) if sampled else 0.0)
    return Choice(tuple(extents), tuple(chosen), tuple(_left_out(extents, chosen)))


def counted(number: int, noun: str) -> str:
    """`1 frame`, `2 frames`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _wanted(path: Path, frames: str, count: int) -> Rows:
    try:
        return chosen_rows(frames, count)
    except InputError as error:
        raise InputError(error.problem, path=path, hint=error.hint) from error


def _label_bytes(recording: Recording, row: int) -> int:
    people = recording.people
    views, points = len(people[0].cameras), len(people[0].keypoint_names)
    masks = sum(len(view[row]) for person in people for view in person.masks or ())
    return len(people) * points * (_BYTES_IN_SPACE + _BYTES_IN_VIEW * views) + masks


def _bytes_an_image(folder: Path, recording: Recording, row: int) -> float:
    files = [image_file(folder, names[row]) for names in recording.image_names if len(names)]
    sizes = [len(jpeg_uri(path)) for path in files if path.is_file()]
    return float(np.mean(sizes)) if sizes else 0.0


def _rows(extents: Sequence[Extent], most_images: int | None, bytes_an_image: float) -> list[Rows]:
    """Frames of each recording: those with images share the images, the others the frames of labels alone."""
    chosen: list[Rows] = [np.zeros(0, np.int64) for _ in extents]
    kinds = [[number for number, extent in enumerate(extents) if (extent.views > 0) == kind] for kind in (True, False)]
    room = PAGE_BYTES / sum(1 for numbers in kinds if numbers)
    for with_images, numbers in zip((True, False), kinds, strict=True):
        if not numbers:
            continue
        weights = [extents[number].views if with_images else 1 for number in numbers]
        each = bytes_an_image if with_images else max(extents[number].label_bytes for number in numbers)
        limit = most_images if with_images and most_images is not None else int(room / max(each, 1.0))
        most = len(numbers) if most_images is not None else MOST_RECORDINGS
        lengths = [len(extents[number].rows) for number in numbers]
        for number, count in zip(numbers, _shares(lengths, weights, limit, most), strict=True):
            rows = extents[number].rows
            chosen[number] = rows[_even(len(rows), count)]
    return chosen


def _shares(lengths: Sequence[int], weights: Sequence[int], limit: int, most: int) -> list[int]:
    """How many frames each recording gets, of which one weighs as much as it has images; of `most` recordings."""
    places = max(1, min(limit // max(weights), most))  # recordings that can show a frame at all
    kept = set(_even(len(lengths), places).tolist())
    total = sum(length * weight for place, (length, weight) in enumerate(zip(lengths, weights, strict=True))
                if place in kept)  # fmt: skip
    share = min(1.0, limit / total)
    return [max(1, int(length * share + 1e-9)) if place in kept else 0 for place, length in enumerate(lengths)]


def _even(count: int, wanted: int) -> Rows:
    """`wanted` of `count` places, evenly, the first and the last among them."""
    if wanted >= count:
        return np.arange(count)
    return np.round(np.linspace(0, count - 1, wanted)).astype(np.int64)


def _left_out(extents: Sequence[Extent], chosen: Sequence[Rows]) -> Iterator[str]:
    """What a reader has to know of what is not on the page."""
    recordings = sum(1 for rows in chosen if len(rows))
    if recordings < len(extents):
        yield f"{recordings} of {len(extents)} recordings"
    every, shown = sum(extent.frames for extent in extents), sum(len(rows) for rows in chosen)
    if shown < every:
        yield f"{shown} of {every} frames"
    all_images = sum(extent.frames * extent.views for extent in extents)
    images = sum(len(rows) * extent.views for rows, extent in zip(chosen, extents, strict=True))
    if images < all_images:
        yield f"{images} of {all_images} images"
