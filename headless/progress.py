"""Progress on stderr: tqdm where it is installed, plain lines in a Blender that does not have it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` while showing how far they are; `what` is one or two words for the bar."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    try:
        from tqdm import tqdm
    except ImportError:
        return _lines(items, what, total)
    return iter(tqdm(items, desc=what, total=total, file=sys.stderr, leave=False, dynamic_ncols=True))


def _lines(items: Iterable[T], what: str, total: int | None) -> Iterator[T]:
    step = max(1, (total or 100) // 10)
    for index, item in enumerate(items):
        if index % step == 0:
            print(f"{what}: {index}/{total if total is not None else '?'}", file=sys.stderr, flush=True)
        yield item
