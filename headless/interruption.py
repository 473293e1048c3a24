"""Stop between two images, not within one: what is finished stays whole, and a later run goes on from there."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether someone asked to stop (Ctrl-C, or a scheduler's SIGTERM)."""

    def __init__(self) -> None:
        self.asked = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if someone asked to stop; call it between two pieces of work."""
        if self.asked:
            raise KeyboardInterrupt

    def ask(self, number: int, frame: FrameType | None) -> None:
        """The signal handler: the first signal asks, a second one stops at once."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        print("stopping after this image; once more stops at once", file=sys.stderr, flush=True)


@contextmanager
def stop_between_images() -> Iterator[StopRequest]:
    """Hold back SIGINT and SIGTERM until the work asks for them.

    Cycles would take the interrupt for itself in the middle of an image, and save what it has so far as if it were
    finished. Outside the main thread, where signals do not arrive, nothing changes.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    earlier = [signal.signal(kind, request.ask) for kind in kinds]
    try:
        yield request
    finally:
        for kind, handler in zip(kinds, earlier, strict=True):
            # None: it was set by C code, as Blender's own is, and Python cannot put it back.
            signal.signal(kind, signal.SIG_DFL if handler is None else handler)
