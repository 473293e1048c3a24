"""Joint angles as animated properties."""

import math

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.simspine_addon.model.types import Coordinate  # noqa: E402
from simspine.simspine_addon.scene.compat import curves_of  # noqa: E402
from simspine.simspine_addon.scene.import_motion import import_person  # noqa: E402

COORDINATES = (
    Coordinate("knee_angle_r", 0, "rotational", 0.0, (-0.1, 2.0)),
    Coordinate("pelvis_ty", 0, "translational", 0.0, (-5.0, 5.0)),
    Coordinate('odd "name" \\ here', 0, "coupled", 0.0, (-math.inf, math.inf)),
    Coordinate("x" * 70 + "_a", 0, "rotational", 0.0, (0.0, 1.0)),
    Coordinate("x" * 70 + "_b", 0, "rotational", 0.0, (0.0, 1.0)),
)


@pytest.fixture
def person(scene, people):
    track = people.track(3, 11)
    model = people.model(track, coordinates=COORDINATES)
    return import_person(scene, model, people.motion(track, COORDINATES), track)


def test_angles_are_shown_in_degrees_and_translations_in_metres(scene, person):
    scene.frame_set(6)
    assert person.armature["knee_angle_r"] == pytest.approx(math.degrees(0.5), abs=1e-4)
    assert person.armature["pelvis_ty"] == pytest.approx(1.5, abs=1e-6)


def test_a_name_with_quotes_is_animated_too(scene, person):
    scene.frame_set(11)
    assert person.armature['odd "name" \\ here'] == pytest.approx(3.0, abs=1e-6)


def test_long_names_stay_apart_and_are_reported(scene, person):
    scene.frame_set(11)
    short = [key for key in person.armature.keys() if key.startswith("xxx")]  # noqa: SIM118  # no dict
    assert len(short) == 2
    assert max(len(name) for name in short) <= 63
    assert {round(math.radians(person.armature[name])) for name in short} == {4, 5}
    assert sum("too long" in warning for warning in person.warnings) == 2


def test_the_unit_and_the_range_stand_in_the_tool_tip(person):
    shown = person.armature.id_properties_ui("knee_angle_r").as_dict()
    assert "degrees" in shown["description"]
    assert (shown["soft_min"], shown["soft_max"]) == pytest.approx((math.degrees(-0.1), math.degrees(2.0)))


def test_angles_and_bones_share_one_action_and_slot(person):
    paths = {curve.data_path for curve in curves_of(person.armature)}
    assert '["knee_angle_r"]' in paths
    assert any(path.startswith("pose.bones") for path in paths)
    assert len(bpy.data.actions) == 1


def test_half_way_between_frames_an_angle_is_half_way(scene, person):
    scene.frame_set(2, subframe=0.5)
    assert np.radians(person.armature["knee_angle_r"]) == pytest.approx(0.15, abs=1e-6)
