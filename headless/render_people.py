"""A recording's people as arrays: kinematics, avatars, where everyone is, and all of it at the cameras' times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..sample_rigs.avatars.looks import Looks
from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.kinematics.resample import resample_at, resample_motion
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import Model, Motion
from ..simspine_addon.retarget.avatar_landmarks import KeypointResidual, keypoint_residual
from ..simspine_addon.scene.variety_people import moved_track
from ..simspine_addon.spine.keypoints import Placement, keypoint_places, keypoint_positions
from .render_avatar import MovingAvatar, moving_avatar
from .render_config import DatasetConfig, PersonConfig
from .render_config_recordings import MODEL_AVATARS
from .render_pathology import Patient
from .render_recording import TIME_SLACK, RecordingInputs
from .render_variety import looks_of

Array = NDArray[np.float64]
Move = Callable[[PoseTrack], PoseTrack]

_TOUCHING_M = 0.08  # between joints: an arm is about as thick


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


def meeting_notes(people: Sequence[PreparedPerson], rows: NDArray[np.int64]) -> list[str]:
    """A note for every two people whose joints come so near each other in these rows that they stand in one another."""
    joints = [person.whole.joint_centres[rows] for person in people]
    notes = []
    for first, second in combinations(range(len(people)), 2):
        each = joints[first].swapaxes(0, 1)
        gaps = [np.linalg.norm(joint[:, None] - joints[second], axis=2).min(axis=1) for joint in each]
        count = int((np.min(gaps, axis=0) < _TOUCHING_M).sum())
        if count:
            who = f"person {first + 1} and person {second + 1} stand in one another in {count} of {len(rows)} frames"
            notes.append(f"{who}: give one of them another place with at = [x, z]")
    return notes


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
    times = np.minimum(times[times <= person.motion.time[-1] + TIME_SLACK], person.motion.time[-1])
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
