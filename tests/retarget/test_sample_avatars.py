"""The sample avatars themselves: short, tall, old and young bodies in every rig, mapped blind and moved."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.sample_rigs.avatars.phenotype import Phenotype, shaped_vertices
from simspine.sample_rigs.avatars.rigs import RIG_NAMES, place_rig
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.retarget.presets import choose_preset
from simspine.simspine_addon.retarget.report import retarget_report
from simspine.simspine_addon.retarget.roles import ROLES
from simspine.simspine_addon.retarget.skeleton import Skeleton, make_skeleton, skeleton_of_track
from simspine.simspine_addon.retarget.solve import retarget
from simspine.simspine_addon.retarget.structure import map_by_structure

BODIES = {
    "1.51 m": Phenotype(height=0.35, gender=0.0),
    "average": Phenotype(),
    "tall": Phenotype(height=0.8, gender=1.0),
    "old": Phenotype(age=1.0, weight=0.9, gender=0.0),
    "child": Phenotype(age=0.1875),
}


@pytest.fixture(scope="module")
def avatar_skeleton() -> Callable[[str, str], Skeleton]:
    vertices: dict[str, np.ndarray] = {}

    def get(body: str, rig_name: str) -> Skeleton:
        try:
            if body not in vertices:
                vertices[body] = shaped_vertices(BODIES[body])
            rig = place_rig(rig_name, vertices[body])
        except InputError as error:
            pytest.skip(str(error))
        soles = np.array([0.0, vertices[body][:, 1].min(), 0.0])
        return Skeleton(rig.bone_names, rig.parents, rig.heads - soles, rig.rest[:, :3, :3], rig.tails - soles)

    return get


@pytest.mark.parametrize("rig", RIG_NAMES)
@pytest.mark.parametrize("body", BODIES)
def test_names_and_shape_give_the_same_map(body: str, rig: str, avatar_skeleton: Callable) -> None:
    skeleton = avatar_skeleton(body, rig)
    _, by_name, _ = choose_preset(skeleton)
    count = len(skeleton.names)
    random = np.random.default_rng(1)
    labels = [f"x{number}" for number in random.permutation(count)]
    blind = make_skeleton(
        labels,
        [None if parent < 0 else labels[parent] for parent in skeleton.parents],
        skeleton.rest_positions,
        Rotation.random(count, rng=random).as_matrix(),
        skeleton.tails,
    )
    names = dict(zip(labels, skeleton.names, strict=True))
    by_shape = map_by_structure(blind)
    assert by_name.missing() == ()
    for role in ROLES[1:]:
        assert tuple(names[bone] for bone in by_shape.of(role)) == by_name.of(role), role


@pytest.mark.parametrize("motion", ["walking", "lifting_with_twist"])
@pytest.mark.parametrize("rig", RIG_NAMES)
@pytest.mark.parametrize("body", ["1.51 m", "average", "tall"])
def test_motion_on_avatars_keeps_feet_spine_and_jerk(
    body: str, rig: str, motion: str, avatar_skeleton: Callable, sample: Callable
) -> None:
    track = sample(motion)
    role_map = choose_preset(skeleton_of_track(track))[1]
    skeleton = avatar_skeleton(body, rig)
    target_map = choose_preset(skeleton)[1]
    result = retarget(track, role_map, skeleton, target_map)
    numbers = retarget_report(track, role_map, skeleton, target_map, result, with_naive=False)["retarget"]
    assert max(numbers["rotation_error_deg"].values()) < 0.01
    assert numbers["foot_slide_mm"]["max"] < 2.0
    assert numbers["penetration_mm"] < 2.0
    assert 0.9 < numbers["jerk_ratio"] < 1.1
    assert numbers["spine_curve"]["mean_mm"] < 3.9
