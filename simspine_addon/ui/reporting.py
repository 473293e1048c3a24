"""What operators say: why they are greyed out, and what a person should know after an import."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import bpy

_NAMES = re.compile(r"'[^']*'|\S+\.\w+")  # what warnings of one kind differ by: names in quotes, and files


def scene_can_take(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Poll of what adds to the scene; says why it cannot."""
    if context.scene is None:
        operator.poll_message_set("there is no scene to import into")
        return False
    if context.scene.library is not None:
        operator.poll_message_set("the scene is linked from another file and cannot be changed")
        return False
    return True


def report_warnings(operator: bpy.types.Operator, warnings: Sequence[str], done: str) -> None:
    """Each kind of warning for the log, then one sentence that says what was done."""
    kinds = gathered(warnings)
    for warning in kinds:
        operator.report({"WARNING"}, warning)
    if len(kinds) > 1:
        operator.report({"WARNING"}, f"{done}, with {len(kinds)} warnings")
    elif not kinds:
        operator.report({"INFO"}, done)


def gathered(warnings: Iterable[str]) -> list[str]:
    """The warnings in their order, those that differ only by a name told once: "... (and 12 more like this)"."""
    kinds: dict[str, list[str]] = {}
    for warning in warnings:
        kinds.setdefault(_NAMES.sub("", warning), []).append(warning)
    return [
        f"{alike[0]} (and {len(alike) - 1} more like this)" if len(alike) > 1 else alike[0] for alike in kinds.values()
    ]
