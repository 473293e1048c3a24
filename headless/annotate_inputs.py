"""Which trials `simspine annotate` is to make a data set of: one by its parts, or a folder of subjects."""

from __future__ import annotations

from pathlib import Path

from ..exporters.simspine_layout import safe_name
from ..simspine_addon.model.errors import InputError
from .annotate_trial import Trial

CALIBRATION, MODEL = "calibration.toml", "model.osim"


def one_trial(calibration: Path, source: Path, model: Path, subject: str | None, action: str | None,
              markers: Path | None) -> Trial:  # fmt: skip
    """The trial of the command line's parts; named after model and source where nothing else is said.

    Raises:
        InputError: a file is missing.
    """
    for path in (model, *(() if markers is None else (markers,))):
        if not path.is_file():
            raise InputError("there is no such file", path=path)
    if not source.exists():
        raise InputError("there is no such file or folder", path=source)
    return Trial(
        safe_name(subject or model.stem), safe_name(action or source.stem), calibration, source, model, markers
    )


def trials_of(folder: Path) -> list[Trial]:
    """The trials of a folder: for each subject a folder with `calibration.toml`, a scaled `model.osim`, and a folder
    (videos, folders of images, JSON) or `.npz` of detections for every action; body markers, if any, as `<action>.trc`.

    Raises:
        InputError: no subject, or a subject that lacks something.
    """
    subjects = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not subjects:
        raise InputError("holds no subject's folder", path=folder, hint=f"give SUBJECT/{CALIBRATION}, {MODEL}, ACTION/")
    trials = [trial for subject in subjects for trial in _of_subject(subject)]
    names = [trial.name for trial in trials]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two trials would be called {twice[0]}", path=folder, hint="rename one of them")
    return trials


def _of_subject(folder: Path) -> list[Trial]:
    calibration, model = folder / CALIBRATION, folder / MODEL
    for path, what in ((calibration, "its cameras"), (model, "the model scaled to the subject")):
        if not path.is_file():
            raise InputError("there is no such file", path=path, hint=f"put {what} there")
    sources = sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and (path.is_dir() or path.suffix.lower() == ".npz")
    )
    if not sources:
        raise InputError("holds no action", path=folder, hint="give a folder of views, or a .npz, for each")
    trials = []
    for source in sources:
        markers = folder / f"{source.stem}.trc"
        trials.append(
            Trial(
                safe_name(folder.name),
                safe_name(source.stem),
                calibration,
                source,
                model,
                markers if markers.is_file() else None,
            )
        )
    return trials
