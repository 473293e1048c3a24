"""The one error for input that cannot be used: file, place, what is wrong, what would help."""

from __future__ import annotations

from pathlib import Path


class InputError(ValueError):
    """Input that a person can mend; the command line prints it as one line and exits with code 2.

    Args:
        problem: what is wrong, in one clause ("the coordinate 'knee' has no value in row 7").
        path: the file, when there is one.
        line: 1-based line in that file, when known.
        hint: what would help, in one clause.
    """

    def __init__(
        self, problem: str, *, path: str | Path | None = None, line: int | None = None, hint: str | None = None
    ) -> None:
        self.problem = problem
        self.path = None if path is None else Path(path)
        self.line = line
        self.hint = hint
        place = "" if path is None else f"{path}:{line}: " if line is not None else f"{path}: "
        tail = "" if not hint else f"; {hint}"
        super().__init__(" ".join(f"{place}{problem}{tail}".split()))
