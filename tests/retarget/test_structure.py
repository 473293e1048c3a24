"""Roles by shape alone: names scrambled, bones rolled, shuffled and turned, with twist, end and helper bones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.retarget.presets import apply_preset, choose_preset, preset
from simspine.simspine_addon.retarget.roles import ROLES, RoleMap
from simspine.simspine_addon.retarget.skeleton import Skeleton, make_skeleton, skeleton_of_track
from simspine.simspine_addon.retarget.structure import map_by_structure

RIGS = ["mpfb_default", "mixamo", "mpfb_game_engine", "mpfb_cmu_mb", "rigify_metarig"]


def scrambled(skeleton: Skeleton, seed: int, keep_tails: bool = True) -> tuple[Skeleton, dict[str, str]]:
    """The same bones in another order, with other names and rolls, facing elsewhere; and new name -> old."""
    random = np.random.default_rng(seed)
    count = len(skeleton.names)
    labels = [f"bone.{number:04d}" for number in random.permutation(count)]
    order = random.permutation(count)
    turn = Rotation.from_euler("Y", random.uniform(0.0, 360.0), degrees=True).as_matrix()
    tails = skeleton.tails @ turn.T if keep_tails and skeleton.tails is not None else None
    new = make_skeleton(
        [labels[i] for i in order],
        [None if skeleton.parents[i] < 0 else labels[skeleton.parents[i]] for i in order],
        (skeleton.rest_positions @ turn.T)[order],
        Rotation.random(count, rng=np.random.default_rng(seed)).as_matrix(),
        None if tails is None else tails[order],
    )
    return new, dict(zip(labels, skeleton.names, strict=True))


def differences(found: RoleMap, names: dict[str, str], right: RoleMap) -> dict[str, tuple]:
    own = {role: tuple(names[bone] for bone in found.of(role)) for role in ROLES}
    return {role: (own[role], right.of(role)) for role in ROLES if role != "root" and own[role] != right.of(role)}


@pytest.mark.parametrize("name", RIGS)
@pytest.mark.parametrize("keep_tails", [True, False])
def test_every_role_of_the_sample_rigs_is_found(name: str, keep_tails: bool, mpfb: Callable) -> None:
    skeleton = mpfb(name)
    right = apply_preset(preset(name), skeleton)
    for seed in range(3):
        blind, names = scrambled(skeleton, seed, keep_tails)
        assert differences(map_by_structure(blind), names, right) == {}


@pytest.mark.parametrize("name", RIGS)
def test_scrambled_rig_falls_back_to_its_shape(name: str, mpfb: Callable) -> None:
    family, role_map, score = choose_preset(scrambled(mpfb(name), 4)[0])
    assert (family, score, role_map.missing()) == ("structure", 0.0, ())


@pytest.mark.parametrize("pose", ["T", "A", "hanging"])
@pytest.mark.parametrize("spine", [1, 2, 3, 5])
@pytest.mark.parametrize("neck", [0, 1, 2])
@pytest.mark.parametrize("twists", [False, True])
def test_synthetic_people_are_mapped(pose: str, spine: int, neck: int, twists: bool, person: Callable) -> None:
    target = person(pose=pose, spine=spine, neck=neck, twists=twists)
    if twists:
        target = type(target)(with_tails(target.skeleton), target.role_map)
    blind, names = scrambled(target.skeleton, 7)
    assert differences(map_by_structure(blind), names, target.role_map) == {}


def with_tails(skeleton: Skeleton) -> Skeleton:
    """Tails at the first child, and beside the head for bones that end a chain (end bones are short)."""
    tails = skeleton.rest_positions + np.array([0.0, 0.001, 0.0])
    for bone in range(len(skeleton.names)):
        children = np.flatnonzero(skeleton.parents == bone)
        if len(children):
            tails[bone] = skeleton.rest_positions[children[0]]
    return Skeleton(skeleton.names, skeleton.parents, skeleton.rest_positions, skeleton.rest_rotations, tails)


@pytest.mark.parametrize("options", [{"fingers": False}, {"clavicles": False}, {"height": 0.175}, {"height": 175.0}])
def test_fewer_parts_and_other_units_are_mapped(options: dict, person: Callable) -> None:
    target = person(**options)
    blind, names = scrambled(target.skeleton, 2)
    assert differences(map_by_structure(blind), names, target.role_map) == {}


def test_sample_model_is_mapped_with_its_sacrum_as_a_vertebra(sample: Callable) -> None:
    skeleton = skeleton_of_track(sample("walking"))
    found = map_by_structure(skeleton)
    assert found.of("spine") == ("sacrum", "lumbar5", "lumbar4", "lumbar3", "lumbar2", "lumbar1", "torso")
    assert found.of("left_foot") == ("talus_l", "calcn_l")
    assert found.of("right_toes") == ("toes_r",)
    assert found.of("left_forearm") == ("ulna_l", "radius_l")
    assert found.of("left_thigh") == ("femur_l",)


def test_left_and_right_come_from_geometry_not_from_names(person: Callable) -> None:
    target = person()
    swap = {"left": "right", "right": "left"}
    renamed = [swap[n.split("_")[0]] + n[n.index("_") :] if "_" in n else n for n in target.skeleton.names]
    skeleton = make_skeleton(
        renamed,
        [None if p < 0 else renamed[p] for p in target.skeleton.parents],
        target.skeleton.rest_positions,
    )
    assert map_by_structure(skeleton).of("left_thigh") == ("right_thigh",)


def test_what_is_no_person_is_refused_in_one_line(person: Callable) -> None:
    chain = make_skeleton(["a", "b", "c"], [None, "a", "b"], np.array([[0, 0, 0], [0, 1, 0], [0, 2, 0]], float))
    with pytest.raises(InputError, match="two legs"):
        map_by_structure(chain)
    target = person().skeleton
    arm_words = ("arm", "hand", "thumb", "index", "middle", "ring", "little")
    kept = [i for i, name in enumerate(target.names) if not any(word in name for word in arm_words)]
    names = [target.names[i] for i in kept]
    parents = [None if target.parents[i] < 0 else target.names[target.parents[i]] for i in kept]
    armless = make_skeleton(names, parents, target.rest_positions[kept])
    with pytest.raises(InputError, match="arms") as caught:
        map_by_structure(armless)
    assert "\n" not in str(caught.value)
    flat = Skeleton(target.names, target.parents, target.rest_positions * [1, 0, 1], target.rest_rotations)
    with pytest.raises(InputError, match="one level"):
        map_by_structure(flat)
