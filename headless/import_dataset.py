"""What `simspine import` brings in: a model and its motion, or one action of a data set in SIMSPINE's layouts."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..exporters.dataset_reader import choose_trial, is_simspine, read_simspine
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import Model, Motion
from .documents import read_model_and_motion


def add_dataset_or_model(parser: argparse.ArgumentParser) -> None:
    """The arguments that say what to import."""
    what = "OpenSim model (.osim), or a data set: a SIMSPINE folder or its HDF5"
    parser.add_argument("model", metavar="MODEL|DATASET", type=Path, help=what)
    parser.add_argument("motion", metavar="MOTION", type=Path, nargs="?", help="joint angles (.mot or .sto) of a model")
    parser.add_argument("--subject", metavar="S", help="of a data set, such as S1; needed where there are several")
    parser.add_argument("--action", metavar="NAME", help="of a data set, such as Walking")


def read_dataset_or_model(arguments: argparse.Namespace) -> tuple[Model, Motion, tuple[Camera, ...]]:
    """Model, motion and, of a data set, its cameras; warnings go to stderr.

    Raises:
        InputError: what is named cannot be used, or does not name one action.
    """
    from .cli import warn

    path: Path = arguments.model
    if is_simspine(path):
        if arguments.motion is not None:
            raise InputError(f"{arguments.motion} is given with a data set", path=path, hint="choose with --action")
        trial = choose_trial(read_simspine(path), arguments.subject, arguments.action)
        model, motion = trial.model_and_motion()
        for text in (*trial.warnings, *model.warnings, *motion.warnings):
            warn(text)
        return model, motion, trial.cameras
    for name in ("subject", "action"):
        if getattr(arguments, name) is not None:
            raise InputError(f"--{name} belongs to a data set, not to a model", path=path, hint="leave it out")
    if arguments.motion is None:
        raise InputError("no motion is given", path=path, hint="name a .mot or .sto file after the model")
    return *read_model_and_motion(path, arguments.motion), ()
