"""The dressed avatar of a render job as arrays: sample or fitted, moved by the model's motion, with its keypoints."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..sample_rigs.avatars.avatar import Avatar, dressed_avatar
from ..sample_rigs.avatars.keypoint_places import (
    articulated_avatar,
    avatar_skeleton,
    keypoints_on_avatar,
)
from ..sample_rigs.avatars.looks import Looks, draw_looks
from ..sample_rigs.avatars.people import MANNEQUIN, PEOPLE, sample_avatar
from ..sample_rigs.avatars.phenotype import shaped_vertices
from ..sample_rigs.avatars.rigs import RIG_NAMES
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import Model
from ..simspine_addon.retarget.articulate_levels import LUMBAR, THORACIC, with_thoracic_levels
from ..simspine_addon.retarget.avatar_landmarks import AvatarKeypoints, avatar_keypoints
from ..simspine_addon.retarget.keypoint_definitions import JOINT_KEYPOINTS
from ..simspine_addon.retarget.landmarks import sole_level
from ..simspine_addon.retarget.presets import choose_preset
from ..simspine_addon.retarget.roles import SIDES, RoleMap
from ..simspine_addon.retarget.skeleton import Skeleton, skeleton_of_track
from ..simspine_addon.retarget.solve import RetargetOptions, RetargetResult, retarget
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, Placement

Array = NDArray[np.float64]

FITTED = "fitted"
DRAWN = "person"  # a free person, whose body is drawn as well
AVATAR_NAMES = (FITTED, DRAWN, MANNEQUIN, *PEOPLE)
RIGS = RIG_NAMES
_OUTFIT_SEED = 4  # of the fitted avatar, the same in every data set


@dataclass(frozen=True, slots=True)
class MovingAvatar:
    """An avatar with its motion: `track` holds its bones (heads as positions) at the times of the model's motion."""

    avatar: Avatar
    role_map: RoleMap
    keypoints: AvatarKeypoints
    track: PoseTrack
    model_joints: Array  # [T, 37, 3] m the model's joint centres, NaN for keypoints that are no joints

    @property
    def mapped_bones(self) -> tuple[str, ...]:
        """The bones that play a role."""
        return tuple(bone for bones in self.role_map.bones.values() for bone in bones)

    def points(self) -> Array:
        """Its keypoints over time, [T, 37, 3] m in ground."""
        return avatar_keypoints(self.keypoints, self.track.positions, self.track.rotations)


def check_avatar(name: str, rig: str | None) -> None:
    """Refuse a rig that cannot be.

    Raises:
        InputError: no such rig, or an avatar that has none to choose.
    """
    if rig is None:
        return
    if name not in AVATAR_NAMES or name == MANNEQUIN:
        raise InputError(
            f"--rig does not go with --avatar {name}", hint=f"it goes with {FITTED} and {', '.join(PEOPLE)}"
        )
    if rig not in RIGS:
        raise InputError(f"there is no rig '{rig}'", hint=f"choose {', '.join(RIGS)}")


def moving_avatar(
    model: Model, track: PoseTrack, name: str, rig: str | None, placement: Placement, looks: Looks | None = None
) -> MovingAvatar:
    """The avatar `name` in the motion of `track`, its spine divided into the lumbar vertebrae and the thorax.

    Where thoracic vertebrae are bodies of the track (a thorax with a curve in it), they are bones of the avatar too,
    and each takes the rotation of its level.

    The fitted avatar is as large as the model and stands where it does, hips on hips; the others walk at their own
    size, on the model's floor, about the model's place.

    Args:
        model: that the motion is of.
        track: of the model.
        name: "fitted", "person", "mannequin" or a sample person.
        rig: of a fitted or sample person; "default", or the person's own, where left out.
        placement: of the vertebral keypoints.
        looks: of a fitted avatar or a "person", as `sample_rigs.avatars.looks.draw_looks` draws them; the same for
            every data set where left out. A named sample person looks as they do.

    Raises:
        InputError: no avatar can be fitted to the model, or the data that people are made of are not installed.
    """
    check_avatar(name, rig)
    fitted = name == FITTED
    track, source_map = with_thoracic_levels(track, choose_preset(skeleton_of_track(track))[1])
    thoracic = set(THORACIC) <= set(source_map.of("spine"))
    avatar, role_map = articulated_avatar(_avatar(model, name, rig, looks), LUMBAR + THORACIC if thoracic else LUMBAR)
    skeleton = avatar_skeleton(avatar)
    # Fitted to a measured body, it has to be where that is, rather than keep its soles from slipping a little.
    options = RetargetOptions(scale=1.0, feet="free") if fitted else RetargetOptions()
    if thoracic:
        options = replace(options, spine="levels")
    result = retarget(track, source_map, skeleton, role_map, options)
    moved = _standing_in(track, source_map, skeleton, role_map, result, fitted)
    keypoints = keypoints_on_avatar(avatar, placement, role_map)
    return MovingAvatar(avatar, role_map, keypoints, moved, _joint_centres(track, source_map))


def _avatar(model: Model, name: str, rig: str | None, looks: Looks | None) -> Avatar:
    if name == DRAWN:
        drawn = looks or draw_looks(_OUTFIT_SEED, fitted=False)
        return dressed_avatar(rig or "default", shaped_vertices(drawn.phenotype), drawn.outfit, name="Person")
    if name != FITTED:
        return sample_avatar(name, rig)
    from ..sample_rigs.avatars.fitting import fit_avatar

    if looks is None:
        return fit_avatar(model, rig or "default", seed=_OUTFIT_SEED)[0]
    return fit_avatar(model, rig or "default", phenotype=looks.phenotype, outfit=looks.outfit)[0]


def _standing_in(
    track: PoseTrack,
    source_map: RoleMap,
    skeleton: Skeleton,
    role_map: RoleMap,
    result: RetargetResult,
    fitted: bool,
) -> PoseTrack:
    """The result where the model is: the fitted avatar hips on hips, others about the same place on the same floor."""
    source = skeleton_of_track(track)
    hips = _heads(source, source_map, track.joint_centres, "thigh")
    own = _heads(skeleton, role_map, result.track.positions, "thigh")
    own[:, 1] += result.lowered
    shift = np.median(hips - own, axis=0)
    if not fitted:
        # The solve puts the model's floor at 0; where it was follows from how it places the hips.
        lift = float(np.median(own[:, 1] - result.scale * hips[:, 1]))
        shift[1] = (_ankle_height(skeleton, role_map) - lift) / result.scale - _ankle_height(source, source_map)
    return replace(result.track, positions=result.track.positions + shift)


def _joint_centres(track: PoseTrack, source_map: RoleMap) -> Array:
    """The model's joint centres at the keypoints that are joints, [T, 37, 3] m, NaN elsewhere."""
    centres = np.full((len(track.time), len(KEYPOINT_NAMES), 3), np.nan)
    for joint, (_, role) in JOINT_KEYPOINTS.items():
        for side in SIDES:
            body = track.names.index(source_map.of(f"{side}_{role}")[0])
            centres[:, KEYPOINT_NAMES.index(side[0].upper() + joint)] = track.joint_centres[:, body]
    return centres


def _heads(skeleton: Skeleton, role_map: RoleMap, positions: Array, part: str) -> Array:
    """The middle between the left and right joint of a limb, of positions [..., B, 3]."""
    return positions[..., [skeleton.index(role_map.of(f"{side}_{part}")[0]) for side in SIDES], :].mean(axis=-2)


def _ankle_height(skeleton: Skeleton, role_map: RoleMap) -> float:
    """How high the ankles are over the sole at rest, m."""
    return float(_heads(skeleton, role_map, skeleton.rest_positions, "foot")[1]) - sole_level(skeleton, role_map)
