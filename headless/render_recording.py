"""A recording worked out as arrays: every person's poses and keypoints at the frames to render, without Blender."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..sample_rigs.avatars.looks import Looks
from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.kinematics.resample import resample_at, resample_motion
from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.mesh_search import find_mesh
from ..simspine_addon.model.motion import read_motion
from ..simspine_addon.model.types import Model, Motion
from ..simspine_addon.retarget.avatar_landmarks import KeypointResidual, keypoint_residual
from ..simspine_addon.scene.variety import Variety
from ..simspine_addon.scene.variety_people import moved_track
from ..simspine_addon.spine.keypoints import Placement, keypoint_places, keypoint_positions
from .render_avatar import MovingAvatar, moving_avatar
from .render_clocks import clock_times
from .render_config import DatasetConfig, PersonConfig, RecordingConfig
from .render_config_recordings import MODEL_AVATARS
from .render_pathology import Patient, motion_of, patient_of
from .render_plan import chosen_rows
from .render_variety import extra_people, looks_of, variety_of

Array = NDArray[np.float64]


Move = Callable[[PoseTrack], PoseTrack]

_TIME_SLACK = 1e-6  # s


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


@dataclass(frozen=True)
class PreparedPerson:
    """A person's motion as arrays. `whole` is of the model or, where one is seen, of the avatar's bones."""

    config: PersonConfig
    patient: Patient
    motion: Motion  # of the model, at the recording's times
    model_track: PoseTrack  # of the model, all rows
    avatar: MovingAvatar | None
    placement: Placement
    looks: Looks | None
    scene: PoseTrack  # of who is seen at the motion's own times, whatever the cameras' clock: all is built around it

    @property
    def model(self) -> Model:
        return self.patient.model

    @property
    def whole(self) -> PoseTrack:
        """All rows of who is seen."""
        return self.model_track if self.avatar is None else self.avatar.track

    @cached_property
    def model_points(self) -> Array:
        """The model's keypoints over all rows, [N, 37, 3] m in ground."""
        return keypoint_positions(self.model, self.model_track, self.placement)

    @cached_property
    def points(self) -> Array:
        """The keypoints of who is seen over all rows, [N, 37, 3] m in ground."""
        return self.model_points if self.avatar is None else self.avatar.points()

    def residual(self, rows: NDArray[np.int64]) -> KeypointResidual | None:
        """How far the avatar's keypoints lie from the model's in these rows; None where the model is what is seen."""
        if self.avatar is None:
            return None
        carriers = self.model_track.rotations[rows][:, keypoint_places(self.model, self.placement).bodies]
        return keypoint_residual(self.points[rows], self.model_points[rows], carriers, self.avatar.model_joints[rows])


def read_inputs(config: DatasetConfig, recording: RecordingConfig, shelf: dict[Path, Model]) -> RecordingInputs:
    """Read the files of a recording and draw its variety; `shelf` keeps models between recordings.

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
    needed = int(np.searchsorted(first.time, clock_time[rows[-1]] - _TIME_SLACK)) + 1
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


def _read_person(config: DatasetConfig, person: PersonConfig, shelf: dict[Path, Model]) -> tuple[Patient, Motion]:
    if person.model not in shelf:
        shelf[person.model] = read_model(person.model)
    model = shelf[person.model]
    motion = read_motion(person.motion, model)
    if len(motion.time) == 0:
        raise InputError("holds no frames", path=person.motion, hint="give a motion with rows")
    try:
        patient = patient_of(model, person.pathology)
        return patient, motion_of(model, patient, motion)
    except InputError as error:
        raise config.located(error, f"{person.source}.pathology", person.source) from error


def _lasting(time: Array, fewest: int, motion: Motion) -> Motion | None:
    """The motion, begun together with the first person's, at as many of that one's times as it lasts; None if these
    are too few."""
    own = motion.time[0] + time - time[0]
    own = own[own <= motion.time[-1] + _TIME_SLACK]
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


def prepare_people(config: DatasetConfig, inputs: RecordingInputs) -> tuple[PreparedPerson, ...]:
    """Forward kinematics and avatars of everyone, with the same rows for all.

    Raises:
        InputError: no avatar can be made for a model.
    """
    models = [patient.model for patient in inputs.patients]
    tracks = [pose_track(model, motion) for model, motion in zip(models, inputs.motions, strict=True)]
    moves = _moves(inputs, tracks)
    people = [prepare_person(config, inputs, i, moves[i](track)) for i, track in enumerate(tracks)]
    if inputs.config.clock.is_own:
        return tuple(people)
    times = inputs.clock_time[: int(inputs.rows[-1]) + 2]
    return tuple(_on_clock(person, times, move) for person, move in zip(people, moves, strict=True))


def _moves(inputs: RecordingInputs, tracks: Sequence[PoseTrack]) -> list[Move]:
    """What brings each person's motion to where they are in the recording."""
    people = inputs.config.people
    moves: list[Move] = [partial(placed, at=person.at, turn_deg=person.turn) for person in people[: inputs.named]]
    if len(tracks) == inputs.named:
        return moves
    shown = int(inputs.rows[-1]) + 1 if inputs.config.clock.is_own else len(inputs.motions[0].time)
    standing = [moves[0](tracks[0]), *tracks[1:]]
    places = inputs.variety.places([track.joint_centres[:shown] for track in standing])
    return [*moves, *(partial(moved_track, place=place) for place in places[1:])]


def prepare_person(config: DatasetConfig, inputs: RecordingInputs, index: int, track: PoseTrack) -> PreparedPerson:
    """One of a recording's people, whose model moves as `track` says.

    Raises:
        InputError: no avatar can be made for the model.
    """
    person, patient = inputs.config.people[index], inputs.patients[index]
    avatar, looks = None, looks_of(config, inputs.config, inputs.variety, index, person.avatar)
    if person.avatar not in MODEL_AVATARS:
        try:
            rested = patient.rested(track)
            avatar = moving_avatar(patient.built, rested, person.avatar, person.rig, config.placement, looks)
        except InputError as error:
            raise config.located(error, f"{person.source}.avatar", person.source) from error
    scene = track if avatar is None else avatar.track
    return PreparedPerson(person, patient, inputs.motions[index], track, avatar, config.placement, looks, scene)


def _on_clock(person: PreparedPerson, times: Array, move: Move) -> PreparedPerson:
    """The person at the times of the cameras' clock, as far as their motion lasts.

    An avatar goes between its own poses, so that it stands alike at moments that two clocks share.
    """
    times = np.minimum(times[times <= person.motion.time[-1] + _TIME_SLACK], person.motion.time[-1])
    motion = resample_motion(person.motion, times)
    avatar = person.avatar
    if avatar is not None:
        joints = np.stack([_between(person.motion.time, each, times) for each in avatar.model_joints.swapaxes(0, 1)], 1)
        avatar = replace(avatar, track=resample_at(avatar.track, times), model_joints=joints)
    return replace(person, motion=motion, model_track=move(pose_track(person.model, motion)), avatar=avatar)


def _between(time: Array, values: Array, times: Array) -> Array:
    """Values [T, 3] at other times, [N, 3]."""
    return np.stack([np.interp(times, time, column) for column in values.T], axis=1)


def placed(track: PoseTrack, at: tuple[float, float], turn_deg: float) -> PoseTrack:
    """The track turned to the left about ground's upright axis and then moved along X and Z (m)."""
    if at == (0.0, 0.0) and turn_deg == 0.0:
        return track
    angle = np.radians(turn_deg)
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
    positions = track.positions @ turn.T + np.array([at[0], 0.0, at[1]])
    return replace(track, positions=positions, rotations=turn @ track.rotations)


def input_files(inputs: RecordingInputs) -> dict[str, Path]:
    """Every file that decides about the recording, by what it is: models, motions, and the meshes that are found."""
    files: dict[str, Path] = {}
    for index, (person, patient) in enumerate(zip(inputs.config.people, inputs.patients, strict=True)):
        files[f"{index}/model"] = person.model
        files[f"{index}/motion"] = person.motion
        if person.avatar not in ("skeleton", "both"):
            continue
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
