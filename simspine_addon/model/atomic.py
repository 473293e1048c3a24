"""Write beside, then rename: an interrupted write leaves the old file or none, never half a one."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError

_ROOM = "free some space, then run the same again"
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the target's folder; on success it becomes `target`, on any error it goes.

    The temporary name keeps the target's suffix, since some writers choose the format by it.

    Raises:
        InputError: the folder does not exist or cannot be written.
    """
    target = Path(target)
    try:
        handle, name = tempfile.mkstemp(prefix=".", suffix=target.suffix, dir=target.parent)
    except OSError as error:
        if not target.parent.exists():
            raise InputError("its folder does not exist", path=target, hint=f"create {target.parent} first") from error
        reason = error.strerror or str(error)
        raise InputError(f"cannot be written ({reason})", path=target, hint="choose another place") from error
    os.close(handle)
    temporary = Path(name)
    try:
        try:
            yield temporary
        except OSError as error:
            if error.errno not in _DISK_ERRORS:
                raise
            raise InputError(f"cannot be written ({error.strerror})", path=target, hint=_ROOM) from error
        _give_usual_mode(temporary)
        try:
            temporary.replace(target)
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(f"cannot be written ({reason})", path=target, hint="choose another name") from error
    finally:
        temporary.unlink(missing_ok=True)


def _give_usual_mode(path: Path) -> None:
    """mkstemp makes files private; give what an ordinary open() would have given."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)
