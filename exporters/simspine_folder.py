"""SIMSPINE's folder layout: calibrations, models, marker positions and joint angles, as files that OpenSim reads.

`cameras/Calib_<S>.toml` (Z-up world), `models/<S>.osim`, `positions/<S>/<S>_<action>.trc` (the 37 markers in OpenSim's
ground, m) and `kinematics/<S>/<S>_<action>/<S>_<action>.mot` (degrees). A recording whose cameras or model are not
its subject's has `Calib_<S>_<action>.toml` or `<S>_<action>.osim` of its own; further people are
`<S>_<action>_person_2` and so on, without a model.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..simspine_addon.capture.calibration import write_calibration
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.motion_writers import write_sto, write_trc
from ..simspine_addon.model.types import MarkerTrack
from .keypoint_npz import check_shared
from .labels import Labels
from .recording import Recording
from .simspine_layout import KINEMATIC_AXES, MARKERS, action_names, in_file_units, marker_order, moves


def write_simspine_folder(
    folder: str | Path, recordings: Sequence[Recording], models: Mapping[str, Path] | None = None
) -> list[Path]:
    """Write recordings into `folder`, which is made; gives the files.

    Args:
        models: OpenSim documents by `Recording.name`, or by `Recording.model_file` where all of that name are the same;
            the `model_file` of those that are not in it must be a file itself.

    Raises:
        InputError: a model that cannot be found, cameras that move, keypoints that are not the 37 of SIMSPINE, or no
            place to write.
    """
    folder, models = Path(folder), models or {}
    written: dict[Path, bytes] = {}
    for recording, action in zip(recordings, action_names(recordings), strict=True):
        check_shared(recording)
        if moves(recording.people[0]).any():
            problem = f"recording '{recording.name}' has a camera that moves, which a calibration file cannot tell"
            raise InputError(problem, hint="choose another format")
        subject, stem = recording.subject, f"{recording.subject}_{action}"
        calibrations = (folder / "cameras" / f"Calib_{name}.toml" for name in (subject, stem))
        _first_that_fits(written, list(calibrations), _calibration_bytes(recording))
        named = models.get(recording.model_file, Path(recording.model_file))
        source = models.get(recording.name, named)
        _first_that_fits(written, [folder / "models" / f"{name}.osim" for name in (subject, stem)], _bytes(source))
        for number, person in enumerate(recording.people, 1):
            name = stem if number == 1 else f"{stem}_person_{number}"
            written |= dict.fromkeys(_write_person(folder, subject, name, person, recording.rate), b"")
    return list(written)


def _first_that_fits(written: dict[Path, bytes], places: Sequence[Path], content: bytes) -> None:
    """Write `content` to the first of the places that is free, unless one holds it already."""
    for place in places:
        if written.get(place) == content:
            return
        if place not in written:
            place.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(place) as temporary:
                temporary.write_bytes(content)
            written[place] = content
            return
    raise InputError("two recordings of one name differ in what they are made of", path=places[-1])


def _calibration_bytes(recording: Recording) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calibration.toml"
        write_calibration(path, recording.people[0].cameras, world="pose2sim")
        return path.read_bytes()


def _bytes(model: Path) -> bytes:
    try:
        return model.read_bytes()
    except OSError as error:
        raise InputError(f"the model cannot be read ({error.strerror})", path=model or None, hint="give it") from error


def _write_person(folder: Path, subject: str, name: str, person: Labels, rate: float) -> list[Path]:
    positions = folder / "positions" / subject / f"{name}.trc"
    motion = folder / "kinematics" / subject / name / f"{name}.mot"
    for path in (positions, motion):
        path.parent.mkdir(parents=True, exist_ok=True)
    points = person.points_world[:, marker_order(person.keypoint_names)]
    seen = np.isfinite(points).all(axis=2).astype(float)
    write_trc(positions, MarkerTrack(person.time, MARKERS, points, seen, rate or 1.0))
    if person.anatomy is None:
        return [positions]
    own = person.anatomy.axis_names
    order = sorted(range(len(own)), key=lambda i: KINEMATIC_AXES.index(own[i]) if own[i] in KINEMATIC_AXES else 99)
    names = [own[index] for index in order]
    values = person.anatomy.axes[:, order] * in_file_units(names)
    write_sto(motion, person.time, names, values, in_degrees=True, name="Coordinates")
    return [positions, motion]
