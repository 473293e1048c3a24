"""What operators say: why they are greyed out, and what a person should know after an import."""

from __future__ import annotations

from collections.abc import Sequence

import bpy


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
    """Each warning for the log, then one sentence that says what was done."""
    for warning in warnings:
        operator.report({"WARNING"}, warning)
    if len(warnings) > 1:
        operator.report({"WARNING"}, f"{done}; {len(warnings)} warnings, listed in the SimSpine tab of the sidebar")
    elif not warnings:
        operator.report({"INFO"}, done)
