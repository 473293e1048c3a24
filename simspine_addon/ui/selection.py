"""Which model and which motions a person means by the files chosen in the import dialog."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..model.errors import InputError

MODEL_SUFFIXES = (".osim",)
MOTION_SUFFIXES = (".mot", ".sto")


@dataclass(frozen=True, slots=True)
class Selection:
    """One model and the motions to move it by, none for the model alone; `note` tells of a model taken unasked.

    `calibration` is that of the data set in SIMSPINE's layout which the first motion lies in, if it does.
    """

    model: Path
    motions: tuple[Path, ...]
    note: str = ""
    calibration: Path | None = None


def choose_files(chosen: Iterable[str | Path], model: str | Path = "", last_model: str | Path = "") -> Selection:
    """Sort the chosen files into model and motions, and find the model where none was chosen.

    A model that is named, among the files or as `model`, is taken. Otherwise it is the only one beside the first
    motion, otherwise the one used last.

    Raises:
        InputError: nothing chosen, a file of another kind, two models, a missing file, or no model to be found.
    """
    paths = list(dict.fromkeys(Path(each) for each in chosen if str(each)))
    for path in paths:
        if path.suffix.lower() not in MODEL_SUFFIXES + MOTION_SUFFIXES:
            raise InputError(
                "is neither a model nor a motion", path=path, hint="choose an .osim file and .mot or .sto files"
            )
    models = [path for path in paths if path.suffix.lower() in MODEL_SUFFIXES]
    if str(model) and Path(model) not in models:
        models.append(Path(model))
    motions = tuple(path for path in paths if path.suffix.lower() in MOTION_SUFFIXES)
    if len(models) > 1:
        names = " and ".join(path.name for path in models[:2])
        raise InputError(f"{len(models)} models are chosen ({names})", hint="choose one model and its motions")
    if not models and not motions:
        raise InputError("no file is chosen", hint="choose an .osim file and the .mot or .sto files that move it")
    for path in (*models, *motions):
        if not path.is_file():
            raise InputError("is not there", path=path, hint="choose a file that exists")
    if models:
        return Selection(models[0], motions, calibration=in_dataset(motions[0])[1] if motions else None)
    return _with_found_model(motions, last_model)


def in_dataset(motion: Path) -> tuple[Path | None, Path | None]:
    """Model and calibration of a motion in SIMSPINE's layout, `kinematics/<S>/<S>_<action>/<S>_<action>.mot`.

    The action's own, `models/<S>_<action>.osim` and `cameras/Calib_<S>_<action>.toml`, go before the subject's.
    """
    parents = list(motion.parents)
    place = next((i for i, folder in enumerate(parents[:3]) if folder.name == "kinematics" and i), None)
    if place is None:
        return None, None
    dataset, names = parents[place + 1], (motion.stem, parents[place - 1].name)
    models = (dataset / "models" / f"{name}.osim" for name in names)
    calibrations = (dataset / "cameras" / f"Calib_{name}.toml" for name in names)
    return next(filter(Path.is_file, models), None), next(filter(Path.is_file, calibrations), None)


def model_beside(motion: Path) -> Path | None:
    """The model in the motion's folder, if there is exactly one, or that of the data set it lies in."""
    model, _ = in_dataset(motion)
    if model is not None:
        return model
    try:
        models = [path for path in sorted(motion.parent.iterdir()) if path.suffix.lower() in MODEL_SUFFIXES]
    except OSError:  # a folder that is not there, or closed to us, holds no model for us
        return None
    return models[0] if len(models) == 1 else None


def _with_found_model(motions: tuple[Path, ...], last_model: str | Path) -> Selection:
    beside = model_beside(motions[0])
    if beside is not None:
        return Selection(beside, motions, calibration=in_dataset(motions[0])[1])
    last = Path(last_model)
    if str(last_model) and last.is_file():
        return Selection(last, motions, f"no model was chosen, so the last one was used: {last}")
    raise InputError(
        "no model is chosen, and there is not exactly one beside the motion",
        path=motions[0],
        hint="choose the .osim file too, or name it under Model",
    )
