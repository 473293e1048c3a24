"""Which motions `simspine stats` takes, and which model each belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..simspine_addon.model.errors import InputError
from .stats_analysis import Trial

MOTION_SUFFIXES = (".mot", ".sto")


def find_trials(inputs: Sequence[str], model: Path | None) -> list[Trial]:
    """The trials that the command line names: `MODEL:MOTION` pairs, folders, or motions of the one `model`.

    In a folder every motion below it belongs to the only model in it, or to the model of the subject's name: that of
    one of the folders above the motion, as in SIMSPINE's `models/S1.osim` and `kinematics/S1/Walking.mot`.

    Raises:
        InputError: something is not there, has no model, or a folder holds no motion.
    """
    trials: list[Trial] = []
    for text in inputs:
        trials += list(_of_one(text, model))
    seen: dict[tuple[str, str], Path] = {}
    for trial in trials:
        key = (trial.subject, trial.action)
        if key in seen and seen[key] != trial.motion:
            raise InputError(
                f"has the same subject and action as {seen[key]}", path=trial.motion, hint="rename one of the files"
            )
        seen[key] = trial.motion
    return list({trial.motion: trial for trial in trials}.values())


def _of_one(text: str, model: Path | None) -> Iterable[Trial]:
    path = Path(text)
    if path.is_dir():
        return _of_folder(path, model)
    if path.suffix.lower() in MOTION_SUFFIXES and (path.is_file() or ":" not in text):
        if model is None:
            raise InputError("has no model", path=path, hint="write MODEL:MOTION, or give --model MODEL.osim")
        return [_trial(model, path)]
    head, _, tail = text.rpartition(":")
    if not head or len(head) == 1:
        raise InputError("is neither a motion, a folder nor a pair MODEL:MOTION", path=path)
    return [_trial(Path(head), Path(tail))]


def _trial(model: Path, motion: Path) -> Trial:
    for path in (model, motion):
        if not path.is_file():
            raise InputError("there is no such file", path=path)
    quality = motion.parents[2] / "quality" / motion.parent.name / f"{motion.stem}.csv" if _in_set(motion) else None
    return Trial(model, motion, model.stem, motion.stem, quality if quality and quality.is_file() else None)


def _in_set(motion: Path) -> bool:
    """Whether it lies where `annotate` puts it: DATASET/kinematics/SUBJECT/ACTION.mot."""
    return len(motion.parents) > 2 and motion.parents[1].name == "kinematics"


def _of_folder(folder: Path, model: Path | None) -> list[Trial]:
    motions = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MOTION_SUFFIXES)
    if not motions:
        raise InputError("holds no motion (.mot, .sto)", path=folder)
    models = [model] if model else sorted(folder.rglob("*.osim"))
    if not models:
        raise InputError("holds no model (.osim)", path=folder, hint="give --model MODEL.osim")
    return [_trial(_model_of(motion, models, folder), motion) for motion in motions]


def _model_of(motion: Path, models: list[Path], folder: Path) -> Path:
    if len(models) == 1:
        return models[0]
    above = [parent.name for parent in motion.relative_to(folder).parents]
    fitting = [each for each in models if each.stem in above or each.parent == motion.parent]
    named = [each for each in models if motion.stem == each.stem or motion.stem.startswith(f"{each.stem}_")]
    chosen = fitting if len(fitting) == 1 else named
    if len(chosen) != 1:
        raise InputError(
            f"belongs to none or several of the {len(models)} models of {folder}",
            path=motion,
            hint="write MODEL:MOTION, or put it in a folder of the subject's name",
        )
    return chosen[0]
