"""Reading a model and a motion for a command, and telling the user what was odd about them."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.motion import read_motion
from ..simspine_addon.model.types import Model, Motion


def add_model_and_motion(parser: argparse.ArgumentParser) -> None:
    """The two positional arguments that most commands have."""
    parser.add_argument("model", metavar="MODEL", type=Path, help="OpenSim model (.osim)")
    parser.add_argument("motion", metavar="MOTION", type=Path, help="joint angles (.mot or .sto)")


def read_model_and_motion(model_path: Path, motion_path: Path) -> tuple[Model, Motion]:
    """Read both; their warnings go to stderr.

    Raises:
        InputError: either cannot be used.
    """
    from .cli import warn

    model = read_model(model_path)
    motion = read_motion(motion_path, model)
    for text in (*model.warnings, *motion.warnings):
        warn(text)
    if motion.extra:
        warn(f"{motion_path}: columns that the model does not know: {', '.join(motion.extra)}")
    return model, motion
