"""How far a render is, on stderr: images, their cost and the time left; a line now and then where it is no terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .shard_run import Tally

_SECONDS_BETWEEN_LINES = 30.0  # in a log, where a bar would be a line an image


class RenderProgress:
    """Counts images towards a total; those that were there already do not count into the speed."""

    def __init__(self, total: int, shown: bool = True) -> None:
        self._shown = shown
        self._total, self._rendered, self._kept = total, 0, 0
        self._cpu_seconds, self._told = 0.0, time.monotonic()
        self._first: float | None = None  # when the first image was finished: staging does not count into the speed
        self._bar = None

    def __enter__(self) -> RenderProgress:
        if not self._shown or not sys.stderr.isatty():
            return self
        try:
            from tqdm import tqdm
        except ImportError:
            return self
        self._bar = tqdm(
            total=self._total,
            desc="render",
            unit="image",
            file=sys.stderr,
            leave=False,
            dynamic_ncols=True,
            bar_format="{desc}: {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt}{postfix}",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def step(self, tally: Tally) -> None:
        """Count what was just done."""
        self._rendered += tally.rendered
        self._kept += tally.kept
        self._cpu_seconds += tally.cpu_seconds
        if self._first is None and self._rendered:
            self._first = time.monotonic()
        if self._bar is not None:
            self._bar.set_postfix_str(self.text(), refresh=False)
            self._bar.update(tally.rendered + tally.kept)
        elif self._shown and time.monotonic() - self._told > _SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            done = f"render: {self._rendered + self._kept}/{self._total} images"
            print(", ".join(filter(None, (done, self.text()))), file=sys.stderr, flush=True)

    def text(self) -> str:
        """Speed, cost and time left, as far as they are known."""
        if self._first is None or self._rendered < 2:
            return ""
        rate = (self._rendered - 1) / max(time.monotonic() - self._first, 1e-9)
        left = (self._total - self._rendered - self._kept) / rate
        return f"{rate:.3g} images/s, {self._cpu_seconds / self._rendered:.3g} CPU-s each, {clock(left)} left"


def clock(seconds: float) -> str:
    """A duration in words: 45 s, 12 min, 3.2 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
