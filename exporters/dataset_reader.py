"""Read a data set in SIMSPINE's layouts, published or our own: its folder, or its HDF5."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.calibration import FILE_FROM_GROUND, read_calibration
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.markers import read_trc
from ..simspine_addon.model.motion import bind_motion
from ..simspine_addon.model.storage import Table, read_table
from ..simspine_addon.model.types import MarkerTrack, Model, Motion

Array = NDArray[np.float64]
HDF5_SUFFIXES = (".h5", ".hdf5")


@dataclass(frozen=True, slots=True)
class SimspineTrial:
    """One action of one subject. What is long is read when it is asked for.

    `model_path` is where the model is or, if it was not found, None, and `model_named` what the data set calls it.
    """

    path: Path  # the data set's
    subject: str
    action: str
    cameras: tuple[Camera, ...]  # in OpenSim's ground
    model_path: Path | None
    model_named: str
    markers_path: Path | None = None  # .trc
    motion_path: Path | None = None  # .mot
    group: str = ""  # of the HDF5
    warnings: tuple[str, ...] = field(default=())

    def markers(self) -> MarkerTrack:
        """Marker positions in OpenSim's ground.

        Raises:
            InputError: there are none, or they cannot be read.
        """
        if self.group:
            return _hdf5_markers(self.path, self.group)
        if self.markers_path is None:
            raise InputError(f"{self.subject} {self.action} has no marker positions (.trc)", path=self.path)
        return read_trc(self.markers_path)

    def kinematics(self) -> Table:
        """The joint angles as the file has them, in degrees and m.

        Raises:
            InputError: there are none, or they cannot be read.
        """
        if self.group:
            return _hdf5_kinematics(self.path, self.group)
        if self.motion_path is None:
            raise InputError(f"{self.subject} {self.action} has no joint angles (.mot)", path=self.path)
        return read_table(self.motion_path)

    def model_and_motion(self) -> tuple[Model, Motion]:
        """The subject's model, and the joint angles bound to it.

        Raises:
            InputError: the model was not found, or either cannot be used.
        """
        if self.model_path is None:
            problem = f"the model of {self.subject} ('{self.model_named}') is not here"
            raise InputError(problem, path=self.path, hint=f"put {self.subject}.osim into a folder models beside it")
        model = read_model(self.model_path)
        return model, bind_motion(self.kinematics(), model)


def is_simspine(path: str | Path) -> bool:
    """Whether it looks like a data set in one of SIMSPINE's layouts: a folder, or an HDF5 by its name."""
    path = Path(path)
    return path.is_dir() or path.suffix.lower() in HDF5_SUFFIXES


def read_simspine(path: str | Path) -> list[SimspineTrial]:
    """Every action of every subject in a SIMSPINE folder or HDF5, in the order of their names.

    In a folder, `kinematics/<S>/<S>_<action>/<S>_<action>.mot` and `positions/<S>/<S>_<action>.trc` make a trial (a
    trial may lack one of them; `annotate` writes `kinematics/<S>/<action>.mot`), with `cameras/Calib_<S>.toml` and
    `models/<S>.osim`, or those of the action itself. A
    data set of ours that holds such a folder as `simspine/` is taken for it.

    Raises:
        InputError: nothing there, no such layout, no trial in it, or a calibration that cannot be used.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("does not exist", path=path, hint="give a SIMSPINE folder or its HDF5")
    if path.is_file():
        return _hdf5_trials(path)
    if not (path / "kinematics").is_dir() and (path / "simspine" / "kinematics").is_dir():
        path = path / "simspine"
    trials = sorted(_folder_trials(path), key=lambda trial: (_natural(trial.subject), _natural(trial.action)))
    if not trials:
        hint = "there should be kinematics/<S>/<S>_<action>/<S>_<action>.mot and models/<S>.osim"
        raise InputError("is no data set in SIMSPINE's layout", path=path, hint=hint)
    return trials


def choose_trial(trials: Sequence[SimspineTrial], subject: str | None, action: str | None) -> SimspineTrial:
    """The one trial of that subject and action; either may be left out where that leaves only one.

    Raises:
        InputError: none, or several.
    """
    path = trials[0].path
    subjects = list(dict.fromkeys(trial.subject for trial in trials))
    if subject is not None and subject not in subjects:
        raise InputError(f"there is no subject '{subject}'", path=path, hint=f"there are {_listed(subjects)}")
    mine = [trial for trial in trials if subject in (None, trial.subject)]
    found = [trial for trial in mine if action in (None, trial.action)]
    if len(found) == 1:
        return found[0]
    names = [f"{trial.subject} {trial.action}" for trial in found or mine]
    if not found:
        raise InputError(f"there is no action '{action}'", path=path, hint=f"there are {_listed(names)}")
    raise InputError(
        f"holds {len(found)} actions ({_listed(names)})", path=path, hint="choose with --subject and --action"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _natural(name: str) -> list[tuple[int, str]]:
    """S9 before S11."""
    return [(int(part) if part.isdigit() else -1, part) for part in re.findall(r"\d+|\D+", name)]


def _folder_trials(path: Path) -> Iterator[SimspineTrial]:
    motions = _by_trial(path, "kinematics/*/*/*.mot") | _by_trial(path, "kinematics/*/*.mot")
    markers = _by_trial(path, "positions/*/*.trc")
    calibrations: dict[Path, tuple[Camera, ...]] = {}
    for subject, stem in dict.fromkeys((*motions, *markers)):
        action = stem.removeprefix(f"{subject}_")
        person = re.sub(r"_person_\d+$", "", stem)
        models = [path / "models" / f"{name}.osim" for name in (person, subject)]
        places = [path / "cameras" / f"Calib_{name}.toml" for name in (person, subject)]
        model = next((each for each in models if each.is_file()), None)
        calibration = next((each for each in places if each.is_file()), None)
        notes = [] if calibration else [f"{path}: there is no cameras/Calib_{subject}.toml: no cameras"]
        if person != stem:
            notes.append(f"{path}: whose model {stem} has is not told; that of the first person is taken")
        if calibration is not None and calibration not in calibrations:
            calibrations[calibration] = read_calibration(calibration)
        yield SimspineTrial(
            path=path,
            subject=subject,
            action=action,
            cameras=() if calibration is None else calibrations[calibration],
            model_path=model,
            model_named=f"models/{subject}.osim",
            markers_path=markers.get((subject, stem)),
            motion_path=motions.get((subject, stem)),
            warnings=tuple(notes),
        )


def _by_trial(path: Path, pattern: str) -> dict[tuple[str, str], Path]:
    """Files by subject and name: two subjects may do the same action, and their files may be called alike."""
    return {(each.relative_to(path).parts[1], each.stem): each for each in sorted(path.glob(pattern))}


def _open(path: Path) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise InputError("reading it needs the library h5py", path=path, hint="install it: pip install h5py") from error
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError("is no HDF5 file", path=path, hint="was it cut off while it was copied?") from error


def _hdf5_trials(path: Path) -> list[SimspineTrial]:
    trials: list[SimspineTrial] = []
    with _open(path) as file:
        for name in ("metadata/markers_names", "metadata/kinematic_axes"):
            if name not in file:
                raise InputError(f"has no /{name}", path=path, hint="is it SIMSPINE's HDF5?")
        for subject in sorted((name for name in file if name != "metadata"), key=_natural):
            group = file[subject]
            if "calibration" not in group:
                raise InputError(f"/{subject} has no calibration", path=path)
            for action in sorted((name for name in group if name != "calibration"), key=_natural):
                missing = [name for name in ("markers", "kinematics", "timestamps") if name not in group[action]]
                if missing:
                    raise InputError(f"/{subject}/{action} has no {', '.join(missing)}", path=path)
                named = group[action].attrs.get("model_file", group.attrs.get("model_file", f"{subject}.osim"))
                trials.append(_hdf5_trial(path, group, subject, action, str(named)))
    if not trials:
        raise InputError("holds no action", path=path)
    return trials


def _hdf5_trial(path: Path, group: Any, subject: str, action: str, named: str) -> SimspineTrial:
    own = group[action].get("calibration")
    warnings = ()
    if own is not None and "R_frames" in own:
        warnings = (f"{path}: /{subject}/{action}: cameras that move stand where they are in the first frame",)
    return SimspineTrial(
        path=path,
        subject=subject,
        action=action,
        cameras=_hdf5_cameras(path, group["calibration"] if own is None else own),
        model_path=_find_model(path, subject, action, named),
        model_named=named,
        group=f"{subject}/{action}",
        warnings=warnings,
    )


def _find_model(path: Path, subject: str, action: str, named: str) -> Path | None:
    """The action's own model in a folder of models near the HDF5, else the one that the file names, there or beside it,
    else the subject's."""
    name = named.replace("\\", "/")
    folders = [path.parent, path.parent / "models", path.parent / "simspine" / "models", path.parent.parent / "models"]
    candidates = [folder / f"{subject}_{action}.osim" for folder in folders[1:]]  # as `simspine/` beside it has them
    candidates += [Path(name), path.parent / name]
    candidates += [folder / each for folder in folders for each in (Path(name).name, f"{subject}.osim")]
    return next((each for each in candidates if each.name and each.is_file()), None)


def _hdf5_cameras(path: Path, group: Any) -> tuple[Camera, ...]:
    needed = ("names", "K", "dist", "R", "t", "size")
    missing = [name for name in needed if name not in group]
    if missing:
        raise InputError(f"{group.name} has no {', '.join(missing)}", path=path)
    arrays = {name: group[name][()] for name in needed}
    count = len(arrays["names"])
    shapes = {"K": (count, 3, 3), "R": (count, 3, 3), "t": (count, 3), "size": (count, 2)}
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise InputError(f"{group.name}/{name} has the shape {arrays[name].shape}, not {shape}", path=path)
    fisheye = bool(group.attrs.get("fisheye", False))
    cameras = []
    for index, name in enumerate(arrays["names"]):
        lens = np.asarray(arrays["dist"][index], float)
        model = "none" if not lens.any() else "fisheye" if fisheye else "brown_conrady"
        cameras.append(
            Camera(
                name=name.decode() if isinstance(name, bytes) else str(name),
                size=(int(arrays["size"][index][0]), int(arrays["size"][index][1])),
                K=np.asarray(arrays["K"][index], float),
                R=np.asarray(arrays["R"][index], float) @ FILE_FROM_GROUND["pose2sim"],
                t=np.asarray(arrays["t"][index], float),
                distortion_model=model,
                distortion=np.zeros(0) if model == "none" else lens,
            )
        )
    return tuple(cameras)


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(each.decode() if isinstance(each, bytes) else str(each) for each in values)


def _hdf5_markers(path: Path, group: str) -> MarkerTrack:
    with _open(path) as file:
        names, time = _texts(file["metadata/markers_names"][()]), np.asarray(file[group]["timestamps"][()], float)
        positions = np.asarray(file[group]["markers"][()], float)
    if positions.shape != (len(time), len(names), 3):
        raise InputError(
            f"/{group}/markers has the shape {positions.shape}, not {(len(time), len(names), 3)}", path=path
        )
    seen = np.isfinite(positions).all(axis=2).astype(float)
    rate = float(1.0 / np.median(np.diff(time))) if len(time) > 1 else 0.0
    return MarkerTrack(time, names, positions, seen, rate, path=path)


def _hdf5_kinematics(path: Path, group: str) -> Table:
    with _open(path) as file:
        labels, time = _texts(file["metadata/kinematic_axes"][()]), np.asarray(file[group]["timestamps"][()], float)
        values = np.asarray(file[group]["kinematics"][()], float)
    if values.shape != (len(time), len(labels)):
        raise InputError(f"/{group}/kinematics has the shape {values.shape}, not {(len(time), len(labels))}", path=path)
    known = ~np.isnan(values).all(axis=0)  # axes that the model does not have are NaN throughout
    if not known.any():
        raise InputError(f"/{group}/kinematics holds no joint angle", path=path, hint="was a model given with it?")
    kept = tuple(label for label, there in zip(labels, known, strict=True) if there)
    return Table(path, kept, time, values[:, known], True, lines=np.arange(1, len(time) + 1))
