"""What inverse kinematics did with each frame and marker, for people and as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.atomic import atomic_path

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class IkReport:
    """Errors and decisions of T frames and M markers.

    `flags` says for each frame what a user should know: "too few markers" (interpolated), "restarted" (from its
    neighbours, with a better result), "stands out" (its error is still far above those around it), "not converged".
    """

    engine: str
    lumbar: str
    smooth: float
    marker_names: tuple[str, ...]  # [M] the markers followed
    unused: tuple[str, ...]  # markers of the file that the model does not have, or with weight 0
    absent: tuple[str, ...]  # markers of the model that the file does not have
    marker_error: Array  # [T, M] m, NaN where unseen
    cost: Array  # [T], NaN where nothing was fitted
    iterations: NDArray[np.int64]  # [T]
    flags: tuple[tuple[str, ...], ...]  # [T]
    at_limit: dict[str, float]  # share of frames at which a coordinate stands at its limit
    undetermined: tuple[str, ...]  # coordinates on which the markers say nothing
    seconds: float
    warnings: tuple[str, ...] = ()

    @property
    def rms(self) -> Array:
        """Root mean square marker error of each frame, [T] m."""
        return np.sqrt(_mean(self.marker_error**2, 1))

    @property
    def largest(self) -> Array:
        """Largest marker error of each frame, [T] m."""
        return np.where(self._seen, np.max(np.nan_to_num(self.marker_error), axis=1, initial=0.0), np.nan)

    @property
    def worst_marker(self) -> tuple[str, ...]:
        """The marker with the largest error in each frame; empty where none is seen."""
        worst = np.argmax(np.nan_to_num(self.marker_error, nan=-1.0), axis=1)
        return tuple(self.marker_names[i] if seen else "" for i, seen in zip(worst, self._seen, strict=True))

    @property
    def _seen(self) -> NDArray[np.bool_]:
        return np.isfinite(self.marker_error).any(axis=1)

    def flagged(self, flag: str) -> NDArray[np.int64]:
        """The frames (0-based) with a flag."""
        return np.flatnonzero([flag in flags for flags in self.flags])

    def summary(self) -> dict[str, Any]:
        """The figures of the whole, lengths in mm."""
        by_marker = np.sqrt(_mean(self.marker_error**2, 0))
        order = np.argsort(-np.nan_to_num(by_marker))
        kinds = sorted({flag for flags in self.flags for flag in flags})
        return {
            "engine": self.engine,
            "lumbar": self.lumbar,
            "smooth": self.smooth,
            "frames": len(self.flags),
            "markers": len(self.marker_names),
            "rms_mm": _rounded(1e3 * np.sqrt(_mean(self.marker_error.ravel() ** 2, 0))),
            "largest_mm": _rounded(1e3 * np.nanmax(self.largest)) if self._seen.any() else None,
            "mean_cost": float(_mean(self.cost, 0)),
            "mean_iterations": _rounded(self.iterations.mean()),
            "marker_rms_mm": {self.marker_names[i]: _rounded(1e3 * by_marker[i]) for i in order},
            "flags": {kind: len(self.flagged(kind)) for kind in kinds},
            "at_limit": {name: _rounded(share) for name, share in self.at_limit.items()},
            "undetermined": list(self.undetermined),
            "unused_markers": list(self.unused),
            "absent_markers": list(self.absent),
            "seconds": round(self.seconds, 3),
            "warnings": list(self.warnings),
        }

    def write(self, path: str | Path) -> None:
        """The summary and a row per frame, as JSON.

        Raises:
            InputError: the file cannot be written.
        """
        rows = [
            {
                "frame": frame + 1,
                "rms_mm": _rounded(1e3 * rms),
                "largest_mm": _rounded(1e3 * largest),
                "worst_marker": worst or None,
                "iterations": int(count),
                "flags": list(flags),
            }
            for frame, (rms, largest, worst, count, flags) in enumerate(
                zip(self.rms, self.largest, self.worst_marker, self.iterations, self.flags, strict=True)
            )
        ]
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps({**self.summary(), "per_frame": rows}, indent=1) + "\n", encoding="utf-8")


def _mean(values: Array, axis: int) -> Array:
    """The mean of what is finite; NaN where nothing is."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    total = np.where(finite, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _rounded(value: Any) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None
