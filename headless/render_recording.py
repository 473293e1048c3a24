"""What a recording is made from: its files read, its variety drawn, the rows to render chosen, without Blender."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.resample import resample_motion
from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.mesh_search import find_mesh
from ..simspine_addon.model.motion import bind_motion
from ..simspine_addon.model.storage import Table, read_table
from ..simspine_addon.model.types import Model, Motion
from ..simspine_addon.scene.variety import Variety
from .render_clocks import clock_times
from .render_config import DatasetConfig, PersonConfig, RecordingConfig
from .render_pathology import Patient, motion_of, patient_of
from .render_plan import chosen_rows
from .render_variety import extra_people, variety_of

Array = NDArray[np.float64]


TIME_SLACK = 1e-6  # s
FARTHEST_M = 500.0  # from the origin: single precision steps by 0.03 mm there; who stands 0.5 m high in mm is beyond


@dataclass(frozen=True, slots=True)
class RecordingInputs:
    """What a recording is made from, read and checked: its people's models and motions, and the rows to render.

    `rows` are of `clock_time`: of the first person's motion or, where cameras have a clock of another rate, of that.

    `config` has everyone in it, those too whom the stream `people` has added (from `named` on).
    """

    config: RecordingConfig
    named: int  # how many people the configuration names
    patients: tuple[Patient, ...]
    motions: tuple[Motion, ...]  # of the patients' models, with the times of the first person's
    clock_time: Array  # [N] s
    rows: NDArray[np.int64]  # [T]
    variety: Variety

    @property
    def time(self) -> Array:
        """[T] s"""
        return self.clock_time[self.rows]

    @property
    def rate(self) -> float:
        """Frames a second of what is rendered, from the median step; 0 for a single frame."""
        return float(1.0 / np.median(np.diff(self.time))) if len(self.rows) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Shelf:
    """What recordings share is kept here between them, so that no file is read twice: models and tables of motion by
    file, motions by file and model, patients by model and pathology."""

    models: dict[Path, Model] = field(default_factory=dict)
    tables: dict[Path, Table] = field(default_factory=dict)
    motions: dict[tuple[Path, Path], Motion] = field(default_factory=dict)
    patients: dict[tuple[Path, str], Patient] = field(default_factory=dict)


def read_inputs(config: DatasetConfig, recording: RecordingConfig, shelf: Shelf) -> RecordingInputs:
    """Read the files of a recording and draw its variety; `shelf` is the same for all of a data set.

    Raises:
        InputError: a file that cannot be used, or frames that the motion does not have.
    """
    try:
        variety = variety_of(config, recording)
    except InputError as error:
        raise config.located(error, f"{recording.source}.variety", "variety", recording.source) from error
    named, extra = len(recording.people), extra_people(config, recording, variety)
    if extra and named > 1:
        error = InputError(
            f"'{recording.name}' names {named} people, and its variety adds {len(extra)}",
            hint="name one person, or leave 'people' out of the variety",
        )
        raise config.located(error, "variety.people", recording.source)
    recording = replace(recording, people=(*recording.people, *extra))
    read = [_read_person(config, person, shelf) for person in recording.people]
    first = read[0][1]
    clock = recording.clock
    try:
        clock_time = clock_times(clock, first.time)
        rows = chosen_rows(recording.frames, len(clock_time))
    except InputError as error:
        places = ("cameras.offset_ms",) if "offset_ms" in error.problem else ()
        raise config.located(error, *places, f"{recording.source}.frames", recording.source) from error
    needed = int(np.searchsorted(first.time, clock_time[rows[-1]] - TIME_SLACK)) + 1
    people, patients, motions = [recording.people[0]], [read[0][0]], [first]
    for index, (person, (patient, motion)) in enumerate(zip(recording.people[1:], read[1:], strict=True), 1):
        # Who is there and where may not hang on which cameras look, so with a clock the whole motion counts.
        fewest = needed if clock.is_own or index < named else len(first.time)
        lasting = _lasting(first.time if not clock.is_own else first.time[: needed + 1], fewest, motion)
        if lasting is None and index < named:
            raise _too_short(config, recording, person, motion)
        # Who was drawn but does not last does as the first person does, whose motion always lasts.
        people.append(person if lasting is not None else people[0])
        patients.append(patient if lasting is not None else patients[0])
        motions.append(lasting if lasting is not None else first)
    recording = replace(recording, people=tuple(people))
    return RecordingInputs(recording, named, tuple(patients), tuple(motions), clock_time, rows, variety)


def _read_person(config: DatasetConfig, person: PersonConfig, shelf: Shelf) -> tuple[Patient, Motion]:
    if person.model not in shelf.models:
        shelf.models[person.model] = read_model(person.model)
    model = shelf.models[person.model]
    motion = _motion_for(person, model, shelf)
    if len(motion.time) == 0:
        raise InputError("holds no frames", path=person.motion, hint="give a motion with rows")
    _check_near(person.motion, model, motion)
    which = person.model, repr(person.pathology)
    try:
        if which not in shelf.patients:
            shelf.patients[which] = patient_of(model, person.pathology)
        return shelf.patients[which], motion_of(model, shelf.patients[which], motion)
    except InputError as error:
        raise config.located(error, f"{person.source}.pathology", person.source) from error


def _check_near(path: Path, model: Model, motion: Motion) -> None:
    """Refuse someone so far from the origin that Blender, which counts in single precision, could not show what the
    labels say; lengths in millimetres come out so.

    Raises:
        InputError: with the column and the row.
    """
    slides = [each.motion_type == "translational" for each in model.coordinates]
    far = np.argwhere((np.abs(motion.values) > FARTHEST_M) & np.array(slides, bool))
    if len(far):
        row, column = far[0].tolist()
        name, value = motion.coordinate_names[column], motion.values[row, column]
        problem = f"column '{name}' is {value:g} m in row {row + 1}, farther than {FARTHEST_M:g} m from the origin"
        raise InputError(problem, path=path, hint="lengths are in metres: are these millimetres?")


def _motion_for(person: PersonConfig, model: Model, shelf: Shelf) -> Motion:
    if person.motion not in shelf.tables:
        shelf.tables[person.motion] = read_table(person.motion)
    which = person.motion, person.model
    if which not in shelf.motions:
        shelf.motions[which] = bind_motion(shelf.tables[person.motion], model)
    return shelf.motions[which]


def _lasting(time: Array, fewest: int, motion: Motion) -> Motion | None:
    """The motion, begun together with the first person's, at as many of that one's times as it lasts; None if these
    are too few."""
    own = motion.time[0] + time - time[0]
    own = own[own <= motion.time[-1] + TIME_SLACK]
    if len(own) < fewest:
        return None
    return replace(resample_motion(motion, np.minimum(own, motion.time[-1])), time=time[: len(own)])


def _too_short(config: DatasetConfig, recording: RecordingConfig, person: PersonConfig, motion: Motion) -> InputError:
    lasts = motion.time[-1] - motion.time[0]
    error = InputError(
        f"the motion {person.motion.name} lasts {lasts:.3g} s, less than the frames of '{recording.name}'",
        hint="give a longer motion, or fewer frames",
    )
    return config.located(error, f"{person.source}.motion", person.source)


def input_files(inputs: RecordingInputs) -> dict[str, Path]:
    """Every file that decides about the recording, by what it is: models, motions, and the meshes that are found.

    Meshes are so whatever is seen: the vertebrae's endplates, from which lordosis is measured, are found in them.
    """
    files: dict[str, Path] = {}
    for index, (person, patient) in enumerate(zip(inputs.config.people, inputs.patients, strict=True)):
        files[f"{index}/model"] = person.model
        files[f"{index}/motion"] = person.motion
        for name in sorted({geometry.file for geometry in patient.model.geometry if geometry.file}):
            found = find_mesh(name, patient.model.path, person.geometry)
            if found is not None:
                files[f"{index}/mesh/{name}"] = found
    return files


class FileHashes:
    """SHA-256 of files, each read once."""

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}

    def of(self, path: Path) -> str:
        """In hexadecimal.

        Raises:
            InputError: the file cannot be read.
        """
        if path not in self._known:
            self._known[path] = file_hash(path)
        return self._known[path]


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path, hint="check that it is there") from error
