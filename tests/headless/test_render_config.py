"""A data set's file: what it means, and that whatever is wrong in it is refused by its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from simspine.headless.render_config_file import config_document, config_from_document, read_config
from simspine.headless.render_config_lines import line_index
from simspine.simspine_addon.model.errors import InputError

FILES = ("s1.osim", "s2.osim", "walk.mot", "lift.mot", "reach.mot")


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        (tmp_path / name).write_text("content is looked at later")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "set.toml"
    path.write_text(text)
    return path


ONE = """[[recordings]]
model = "s1.osim"
motion = "walk.mot"
"""


def test_lists_of_alternatives_make_a_recording_of_every_combination(folder):
    config = read_config(
        write(
            folder,
            """
[varieties.office]
surroundings = "room"
[varieties.park]
surroundings = "outdoor"
[[recordings]]
model = ["s1.osim", "s2.osim"]
subject = ["anna", "ben"]
motion = ["walk.mot", "lift.mot", "reach.mot"]
variety = ["office", "park"]
""",
        )
    )
    assert len(config.recordings) == 2 * 3 * 2
    assert [each.name for each in config.recordings][:3] == ["anna_walk_office", "anna_walk_park", "anna_lift_office"]
    assert config.recordings[-1].people[0].model == folder / "s2.osim"
    assert {each.variety["surroundings"] for each in config.recordings} == {"room", "outdoor"}


def test_what_hides_keypoints_is_found_out_unless_the_file_says_otherwise(folder):
    assert read_config(write(folder, ONE)).labels == ("occlusion",)
    assert read_config(write(folder, "[dataset]\nlabels = []\n" + ONE)).labels == ()


def test_a_pattern_means_all_files_that_fit_in_order_of_name(folder):
    text = '[[recordings]]\nmodel = "s1.osim"\nmotion = "*.mot"\n'
    assert [each.action for each in read_config(write(folder, text)).recordings] == ["lift", "reach", "walk"]


def test_what_the_folder_of_a_data_set_keeps_means_the_same_configuration(folder):
    text = (
        """
[dataset]
name = "roundtrip"
seed = 4
labels = ["occlusion"]
[seeds]
lights = 9
[render]
size = [640, 480]
quality = "draft"
[cameras]
preset = "ring"
count = 5
[pathologies.curve]
scoliosis = 30
apex = "L2"
"""
        + ONE
        + 'pathology = ["none", "curve"]\n[[recordings.people]]\nmodel = "s2.osim"\nmotion = "lift.mot"\nat = [1, 2]\n'
    )
    config = read_config(write(folder, text))
    (folder / "out").mkdir()
    again = config_from_document(config_document(config, folder / "out"), folder / "out")
    assert config_document(again, folder / "out") == config_document(config, folder / "out")
    assert again.recordings[1].people[0].pathology == {"scoliosis": 30, "apex": "L2"}
    assert again.recordings[0].people[1].at == (1.0, 2.0)
    assert again.seed_of("lights") == 9
    assert again.seed_of("room") == 4


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (ONE + "colour = 3\n", 4, "colour"),
        ("[dataset]\nsede = 1\n" + ONE, 2, "did you mean 'seed'"),
        ("[datasets]\n" + ONE, 1, "dataset"),
        ('[dataset]\n\nseed = "one"\n' + ONE, 3, "whole number"),
        ("[dataset]\nseed = true\n" + ONE, 2, "whole number"),
        ('[render]\nsize = [640]\n' + ONE, 2, "2 numbers"),
        ('[render]\nsize = [640, 0]\n' + ONE, 2, "width and height"),
        ('[render]\nquality = "standart"\n' + ONE, 2, "did you mean 'standard'"),
        ('[render]\ndevice = "gpu"\n' + ONE, 2, "optix"),
        ('[cameras]\npreset = "rink"\n' + ONE, 2, "ring"),
        ('[cameras]\npreset = "ring"\ncount = 0\n' + ONE, 3, "count"),
        ('[cameras]\npreset = "ring"\nfile = "s1.osim"\n' + ONE, 1, "preset or a file"),
        ('[cameras]\nfile = "nowhere.toml"\n' + ONE, 2, "nowhere.toml"),
        ('[dataset]\nformats = ["coco", "yolo"]\n' + ONE, 2, "yolo"),
        ('[dataset]\nlabels = ["depths"]\n' + ONE, 2, "depth"),
        ("[seeds]\nlight = 4\n" + ONE, 2, "lights"),
        ("[seeds]\nlights = -4\n" + ONE, 2, "from 0"),
        ('[variety]\nsurroundings = "moon"\n' + ONE, 2, "moon"),
        (ONE.replace("walk", "run"), 3, "run.mot"),
        (ONE.replace("walk.mot", "*.sto"), 3, "*.sto"),
        (ONE.replace('"walk.mot"', "7"), 3, "motion"),
        (ONE.replace('"walk.mot"', "[]"), 3, "empty"),
        (ONE + 'avatar = "robot"\n', 4, "robot"),
        (ONE + 'avatar = "fitted"\nrig = "spider"\n', 5, "spider"),
        (ONE + 'name = "a/b"\n', 4, "a/b"),
        (ONE + 'pathology = "limp"\n', 4, "limp"),
        (ONE + "\n[recordings.pathology]\nscoliosis = 30\nside = 3\n", 7, "side"),
        (ONE + "\n" + ONE, 5, "two recordings"),
        (ONE + '[[recordings.people]]\nmodel = "s2.osim"\n', 4, "motion"),
        ("[dataset]\nseed = 1\n", 1, "no recordings"),
        ("recordings = []\n", 1, "no recordings"),
        ('[dataset]\nformats = ["simspine"]\n[cameras]\npreset = "handheld"\n' + ONE, 2, "cameras that move"),
        ('[dataset]\nformats = ["simspine-npz"]\n' + ONE + 'action = "a.b"\n' + ONE + 'action = "a_b"\n', 2, "_a_b'"),
        ('[dataset]\nformats = ["simspine-hdf5"]\n' + ONE + 'subject = "metadata"\n', 2, "metadata"),
        (ONE + "repeat = 99999999999999999999999\n", 4, "from 1 to"),
        ("[render]\nsamples = 99999999999999999999999\n" + ONE, 2, "from 1 to 16777216"),
        (ONE + "at = [0, 1e30]\n", 4, "at most 500"),
        (ONE + "turn = nan\n", 4, "give a number"),
        (ONE + f'name = "{"a" * 300}"\n', 1, "300 letters"),
        (ONE + "people = 3\n", 4, "[[recordings.people]]"),
        ("[dataset]\nseed = \n" + ONE, 2, "TOML"),
        ("[dataset]\nseed = 1\nseed = 2\n" + ONE, 3, "TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_in_one_line_that_names_the_line(folder, text, line, says):
    path = write(folder, text)
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lines_are_found_past_strings_and_lists_that_look_like_tables():
    text = '''first = """
[not.a.table]
key = 1
"""
list = [
  "a = 1",  # [no]
  [2, 3],
]
[a.b]  # yes
"c d" = { e = 1, f = "]" }
g.h = 2
[[x]]
y = 1
[x.z]
w = 0
[[x]]
y = 2
'''
    lines = line_index(text)
    assert lines == {
        "first": 1, "list": 5, "a.b": 9, "a.b.c d": 10, "a.b.g": 11, "a.b.g.h": 11,
        "x.0": 12, "x.0.y": 13, "x.0.z": 14, "x.0.z.w": 15, "x.1": 16, "x.1.y": 17,
    }  # fmt: skip
