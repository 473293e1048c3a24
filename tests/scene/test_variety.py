"""What varies between recordings: each stream draws its own part, tables are read strictly, people keep apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.streams import stream
from simspine.simspine_addon.scene.variety import SEED_STREAMS, VarietyOptions, draw_variety, options_from_table
from simspine.simspine_addon.scene.variety_people import moved_track, place_people

ALL_VARY = VarietyOptions(
    surroundings=("room", "outdoor", "hdri"), camera_noise=(0.1, 0.9), motion_blur=(0.1, 0.9), people=(1, 9)
)
# Which fields of what is drawn belong to a stream; looks are drawn beside it, places when footprints are known.
FIELDS = {
    "room": "room", "outdoor": "outdoor", "hdri": "hdri", "furniture": "furniture", "lights": "lights",
    "camera_noise": "camera_noise", "motion_blur": "shutter", "people": "people", "surroundings": "surroundings",
}  # fmt: skip
NEEDS = {"outdoor": "outdoor", "hdri": "hdri"}


@pytest.fixture
def options(tmp_path: Path) -> VarietyOptions:
    for number in range(20):
        (tmp_path / f"sky_{number}.hdr").touch()
    return replace(ALL_VARY, hdri_folder=tmp_path)


@pytest.mark.parametrize("changed", SEED_STREAMS)
def test_changed_seed_changes_its_own_stream_alone(options: VarietyOptions, changed: str) -> None:
    if changed != "surroundings":
        options = replace(options, surroundings=(NEEDS.get(changed, "room"),))
    moved = False
    for seed in range(1, 6):
        before = draw_variety(options, 0, "walk").as_json()
        after = draw_variety(options, {"all": 0, changed: seed}, "walk").as_json()
        differing = {name for name in before if before[name] != after[name]} - {"seeds"}
        if changed == "surroundings" and differing:
            differing -= {"room", "outdoor", "hdri", "furniture"}  # a room has none of what stands outdoors
        assert differing <= {FIELDS.get(changed, "")}
        moved |= bool(differing)
    assert moved == (changed in FIELDS)


def test_room_is_the_same_however_the_surroundings_were_chosen(options: VarietyOptions) -> None:
    chosen = [draw_variety(options, {"all": 0, "surroundings": seed}, "walk") for seed in range(40)]
    rooms = {json.dumps(each.as_json()["room"]) for each in chosen if each.surroundings == "room"}
    assert len(rooms) == 1
    assert {each.surroundings for each in chosen} == {"room", "outdoor", "hdri"}


def test_recordings_of_one_seed_differ_and_repeat(options: VarietyOptions) -> None:
    first, again, other = (draw_variety(options, 3, name) for name in ("a", "a", "b"))
    assert first == again
    assert first.lights != other.lights
    json.dumps(first.as_json())


def test_default_is_one_sharp_clean_person_in_the_studio() -> None:
    drawn = draw_variety(options_from_table({}), 0, "walk")
    assert (drawn.surroundings, drawn.people, drawn.shutter, drawn.camera_noise, drawn.varied_looks) == (
        "studio", 1, 0.0, None, ())  # fmt: skip


def test_table_is_read_with_its_limits(tmp_path: Path) -> None:
    (tmp_path / "a.exr").touch()
    table = {
        "surroundings": ["room", "hdri"], "hdri_folder": str(tmp_path), "furniture": [0, 4], "camera_noise": True,
        "motion_blur": 0.5, "people": 2, "looks": ["skin"], "lights": {"count": 3, "temperature_k": [3000, 4000]},
    }  # fmt: skip
    options = options_from_table(table)
    assert (options.surroundings, options.furniture, options.people) == (("room", "hdri"), (0, 4), (2, 2))
    assert (options.motion_blur, options.looks, options.light_count) == ((0.5, 0.5), ("skin",), (3, 3))
    assert options.temperature_k == (3000.0, 4000.0)


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"surrounding": "room"}, "did you mean 'surroundings'"),
        ({"surroundings": "desert"}, "desert"),
        ({"surroundings": []}, "surroundings"),
        ({"surroundings": "hdri"}, "hdri_folder"),
        ({"hdri_folder": "/nowhere/at/all"}, "cannot be read"),
        ({"furniture": 2.5}, "whole number"),
        ({"furniture": [5, 2]}, "[5, 2]"),
        ({"people": 0}, "people is 0"),
        ({"people": "two"}, "two"),
        ({"camera_noise": 1.5}, "0 to 1"),
        ({"motion_blur": [0.1]}, "motion_blur"),
        ({"lights": {"number": 3}}, "number"),
        ({"lights": 3}, "lights"),
        ({"looks": ["beard"]}, "beard"),
    ],
)
def test_bad_table_is_refused_with_its_line(table: dict[str, object], named: str) -> None:
    with pytest.raises(InputError) as refused:
        options_from_table(table, "run.toml", lambda key: 7)
    assert str(refused.value).startswith("run.toml:7:")
    assert named in str(refused.value)


def test_empty_folder_of_panoramas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no panorama"):
        options_from_table({"surroundings": "hdri", "hdri_folder": str(tmp_path)})


@pytest.mark.parametrize("seeds", [{"light": 1}, {"lights": -1}, {"lights": 1.5}])
def test_seeds_that_are_none_are_refused(seeds: dict[str, int]) -> None:
    with pytest.raises(InputError):
        draw_variety(VarietyOptions(), seeds, "walk")


def walkers(count: int) -> list[np.ndarray]:
    """People of 0.8 m width who walk 3 m straight ahead from near the origin, [10, 8, 3] each."""
    random = np.random.default_rng(5)
    return [
        random.uniform(-0.4, 0.4, (1, 8, 3)) + np.linspace(0, 3, 10)[:, None, None] * (1.0, 0.0, 0.0)
        for _ in range(count)
    ]


def test_people_never_come_near_each_other() -> None:
    footprints = walkers(6)
    places = place_people(footprints, stream(1, "places"))
    moved = [place.points(points)[..., [0, 2]] for place, points in zip(places, footprints, strict=True)]
    for one in range(6):
        for other in range(one):
            gaps = np.linalg.norm(moved[one][:, :, None] - moved[other][:, None], axis=-1)
            assert gaps.min() > 0.2
    assert np.abs(moved[0] - footprints[0][..., [0, 2]]).max() == 0.0


def test_one_more_person_leaves_the_others_in_place() -> None:
    footprints = walkers(5)
    assert place_people(footprints[:4], stream(1, "places")) == place_people(footprints, stream(1, "places"))[:4]


def test_moved_track_is_the_same_motion_elsewhere(people) -> None:
    track = people.track(4, 5)
    place = place_people(walkers(2), stream(2, "places"))[1]
    moved = moved_track(track, place)
    turn = np.swapaxes(track.rotations, -1, -2) @ moved.rotations
    expected = np.swapaxes(track.rotations, -1, -2) @ moved.rotations[0, 0] @ track.rotations[0, 0].T @ track.rotations
    assert np.abs(turn - expected).max() < 1e-12
    before, after = track.joint_centres, moved.joint_centres
    apart = np.linalg.norm(before[:, :, None] - before[:, None], axis=-1)
    assert np.abs(np.linalg.norm(after[:, :, None] - after[:, None], axis=-1) - apart).max() < 1e-12
    assert np.abs(after[..., 1] - before[..., 1]).max() < 1e-12
    assert moved.rest_positions is track.rest_positions
