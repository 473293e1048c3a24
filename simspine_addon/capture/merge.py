"""Merge marker tracks of several sources into one set, by a table of which marker comes from where."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from ..model.types import MarkerTrack

Array = NDArray[np.float64]
Use = Literal["first", "mean"]

TABLE_FOLDER = Path(__file__).parent / "correspondences"
_LEAST_COMMON_FRAMES = 10


@dataclass(frozen=True, slots=True)
class Source:
    """A marker of one of the tracks, by the first of these names that the track has."""

    track: str
    markers: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Correspondence:
    """A merged marker and where it comes from.

    "first" takes the first source that sees it, the next ones filling its gaps, moved so that nothing jumps;
    "mean" takes the weighted mean of all that see it.
    """

    name: str
    sources: tuple[Source, ...]
    use: Use = "first"


def read_correspondences(path: str | Path) -> tuple[Correspondence, ...]:
    """Read a table: `{"markers": {"LAnkle": [{"track": "limbs", "marker": ["LAnkle", "LFoot"], "weight": 1}]}}`.

    `"use"`, at the top or as `{"use": ..., "sources": [...]}` of one marker, is "first" or "mean". `path` may be the
    name of a table that comes with the program.

    Raises:
        InputError: no such file, or what in it cannot be used.
    """
    path = Path(path)
    if not path.exists() and (TABLE_FOLDER / f"{path.name}.json").exists():
        path = TABLE_FOLDER / f"{path.name}.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        known = ", ".join(sorted(each.stem for each in TABLE_FOLDER.glob("*.json")))
        hint = f"the program's own tables are {known}"
        raise InputError(f"cannot be read ({error.strerror or error})", path=path, hint=hint) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise InputError("is not valid JSON", path=path, line=line) from error
    markers = document.get("markers") if isinstance(document, dict) else None
    if not isinstance(markers, dict) or not markers:
        raise InputError("has no 'markers'", path=path, hint='write {"markers": {"LHip": [{"track": ..., ...}]}}')
    default = document.get("use", "first")
    return tuple(_correspondence(name, entry, default, path) for name, entry in markers.items())


def _correspondence(name: str, entry: Any, default: Any, path: Path) -> Correspondence:
    use = entry.get("use", default) if isinstance(entry, dict) else default
    sources = entry.get("sources") if isinstance(entry, dict) else entry
    if use not in ("first", "mean"):
        raise InputError(f"marker {name!r}: use = {use!r} is unknown", path=path, hint="use first or mean")
    if not isinstance(sources, list) or not sources:
        raise InputError(f"marker {name!r} has no sources", path=path)
    return Correspondence(name, tuple(_source(name, source, path) for source in sources), use)


def _source(name: str, source: Any, path: Path) -> Source:
    if not isinstance(source, dict) or not isinstance(source.get("track"), str):
        raise InputError(f"marker {name!r}: a source names no 'track'", path=path)
    given, weight = source.get("marker", name), source.get("weight", 1.0)
    names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list) else ()
    if not names or not all(isinstance(each, str) for each in names):
        raise InputError(f"marker {name!r}: 'marker' is neither a name nor a list of names", path=path)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < np.inf:
        raise InputError(f"marker {name!r}: the weight {weight!r} is not positive", path=path)
    return Source(source["track"], names, float(weight))


def merge_tracks(
    tracks: Mapping[str, MarkerTrack],
    table: Sequence[Correspondence],
    delays_s: Mapping[str, float] | None = None,
) -> MarkerTrack:
    """One track with the table's markers, at the times of the first track.

    Args:
        tracks: by the names that the table uses; all in one world (OpenSim's ground, m).
        delays_s: what happens at t in the first track happens at t + delay in these (see `estimate_delay`).

    The others are read between their frames by cubics, never beyond their ends or across their gaps. The confidence
    is that of the sources used. Markers that no track has are left out, with a warning.

    Raises:
        InputError: no track, a table that names none of the tracks, or tracks that have no time in common.
    """
    if not tracks:
        raise InputError("there are no tracks to merge")
    base = next(iter(tracks.values()))
    delays = delays_s or {}
    moved = {name: _resampled(track, base.time + delays.get(name, 0.0)) for name, track in tracks.items()}
    for name, (positions, _) in moved.items():
        if not np.isfinite(positions).any():
            problem = f"the track '{name}' has nothing between {base.time[0]:g} and {base.time[-1]:g} s"
            raise InputError(problem, path=tracks[name].path, hint="do the recordings overlap in time?")
    names, columns, trust, absent = [], [], [], []
    for entry in table:
        found = [(source, _column(tracks, moved, source)) for source in entry.sources]
        there = [(source, column) for source, column in found if column is not None]
        if not there:
            absent.append(entry.name)
            continue
        mixed = _first(there) if entry.use == "first" else _mean(there)
        names.append(entry.name)
        columns.append(mixed[0])
        trust.append(mixed[1])
    if not names:
        known = sorted({source.track for entry in table for source in entry.sources})
        problem = f"the table takes markers from {', '.join(known)}; none is in {', '.join(tracks)}"
        raise InputError(problem, hint="name the tracks as the table does")
    warnings = (f"no track has {', '.join(absent)}",) if absent else ()
    return MarkerTrack(
        base.time, tuple(names), np.stack(columns, axis=1), np.stack(trust, axis=1), base.rate, warnings, base.path
    )


def _column(
    tracks: Mapping[str, MarkerTrack], moved: dict[str, tuple[Array, Array]], source: Source
) -> tuple[Array, Array] | None:
    if source.track not in tracks:
        return None
    names = tracks[source.track].names
    index = next((names.index(name) for name in source.markers if name in names), None)
    return None if index is None else (moved[source.track][0][:, index], moved[source.track][1][:, index])


def _first(there: list[tuple[Source, tuple[Array, Array]]]) -> tuple[Array, Array]:
    """The first source; in its gaps the next, moved by the difference of the two around the gap."""
    positions, trust = (each.copy() for each in there[0][1])
    for _, (other, other_trust) in there[1:]:
        gap = ~np.isfinite(positions[:, 0]) & np.isfinite(other[:, 0])
        both = np.flatnonzero(np.isfinite(positions[:, 0]) & np.isfinite(other[:, 0]))
        if not gap.any():
            continue
        where = np.flatnonzero(gap)
        shift = np.zeros((len(where), 3))
        if len(both):
            difference = positions[both] - other[both]
            shift = np.stack([np.interp(where, both, difference[:, axis]) for axis in range(3)], axis=1)
        positions[where], trust[where] = other[where] + shift, other_trust[where]
    return positions, trust


def _mean(there: list[tuple[Source, tuple[Array, Array]]]) -> tuple[Array, Array]:
    weights = np.stack([source.weight * np.isfinite(positions[:, 0]) for source, (positions, _) in there])
    total = weights.sum(axis=0)
    shares = weights / np.where(total > 0, total, 1.0)
    positions = sum(share[:, None] * np.nan_to_num(each) for share, (_, (each, _)) in zip(shares, there, strict=True))
    trust = sum(share * each for share, (_, (_, each)) in zip(shares, there, strict=True))
    return np.where(total[:, None] > 0, positions, np.nan), np.asarray(trust)


def estimate_delay(
    reference: MarkerTrack, other: MarkerTrack, pairs: Sequence[tuple[str, str]], longest_s: float = 1.0
) -> float:
    """How much later, in s, `other` shows what `reference` shows, from markers that both have.

    The delay of the least mean squared distance of the pairs (reference's name, other's name), each pair's constant
    offset taken out, since two programs do not put a joint into quite the same place: on a grid of frames, then by
    golden section.

    Raises:
        InputError: no pair is in both, or nothing of them moves in common time.
    """
    known = [(reference.names.index(a), other.names.index(b)) for a, b in pairs
             if a in reference.names and b in other.names]  # fmt: skip
    if not known:
        raise InputError("the tracks have no marker in common to align them by", path=other.path)
    ours, theirs = (list(each) for each in zip(*known, strict=True))
    part = MarkerTrack(other.time, tuple(map(str, theirs)), other.positions[:, theirs], other.confidence[:, theirs],
                       other.rate)  # fmt: skip

    def cost(delay: float) -> float:
        off = reference.positions[:, ours] - _resampled(part, reference.time + delay)[0]
        seen = np.isfinite(off[..., 0])
        if seen.sum() < _LEAST_COMMON_FRAMES * 1.0 or seen.any(axis=1).sum() < _LEAST_COMMON_FRAMES:
            return np.inf
        middle = np.nansum(off, axis=0) / np.maximum(seen.sum(axis=0), 1)[:, None]
        return float(np.nansum((off - middle) ** 2) / seen.sum())

    step = 1.0 / max(reference.rate, other.rate, 1.0)
    grid = np.arange(-np.floor(longest_s / step), np.floor(longest_s / step) + 1) * step
    costs = np.array([cost(delay) for delay in grid])
    if not np.isfinite(costs).any() or not np.nanmax(costs[np.isfinite(costs)]) > 1e-12:
        raise InputError("nothing moves in the time that the tracks share", path=other.path, hint="give the delay")
    best = float(grid[int(np.argmin(costs))])
    return _golden(cost, best - step, best + step)


def _golden(cost: Any, low: float, high: float) -> float:
    ratio = (np.sqrt(5.0) - 1) / 2
    inner = [high - ratio * (high - low), low + ratio * (high - low)]
    values = [cost(each) for each in inner]
    while high - low > 1e-5:
        if values[0] <= values[1]:
            high, inner = inner[1], [inner[1] - ratio * (inner[1] - low), inner[0]]
            values = [cost(inner[0]), values[0]]
        else:
            low, inner = inner[0], [inner[1], inner[0] + ratio * (high - inner[0])]
            values = [values[1], cost(inner[1])]
    return (low + high) / 2


def _resampled(track: MarkerTrack, time: Array) -> tuple[Array, Array]:
    """Positions [T, M, 3] and confidence [T, M] at other times: cubics through four frames, lines beside gaps."""
    if len(time) == len(track.time) and np.allclose(time, track.time, rtol=0, atol=1e-9):
        return track.positions.copy(), track.confidence.copy()
    last = len(track.time) - 1
    if last < 1:
        return np.full((len(time), *track.positions.shape[1:]), np.nan), np.zeros((len(time), len(track.names)))
    below = np.clip(np.searchsorted(track.time, time + 1e-9, side="right") - 1, 0, last - 1)
    outside = (time < track.time[0] - 1e-9) | (time > track.time[-1] + 1e-9)
    share = ((time - track.time[below]) / (track.time[below + 1] - track.time[below]))[:, None]
    low, high = track.positions[below], track.positions[below + 1]
    on_low, on_high = share < 1e-6, share > 1 - 1e-6  # a frame itself needs no neighbour
    line = np.where(on_low[..., None], low, np.where(on_high[..., None], high, low + share[..., None] * (high - low)))
    curve = _cubic(track, time, below)
    positions = np.where(np.isfinite(curve) & np.isfinite(line), curve, line)
    positions[outside] = np.nan
    trust = (1 - share) * track.confidence[below] + share * track.confidence[below + 1]
    return positions, np.where(np.isfinite(positions[..., 0]), trust, 0.0)


def _cubic(track: MarkerTrack, time: Array, below: NDArray[np.int64]) -> Array:
    """Lagrange's cubic through the four frames around each time; NaN where one is missing."""
    nodes = below[:, None] + np.arange(-1, 3)
    valid = (nodes[:, 0] >= 0) & (nodes[:, 3] < len(track.time))
    nodes = np.clip(nodes, 0, len(track.time) - 1)
    at = track.time[nodes]
    result = np.zeros((len(time), *track.positions.shape[1:]))
    for index in range(4):
        others = [other for other in range(4) if other != index]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.prod((time[:, None] - at[:, others]) / (at[:, [index]] - at[:, others]), axis=1)
            result += share[:, None, None] * track.positions[nodes[:, index]]  # infinite at the ends, which go below
    result[~valid] = np.nan
    return result
