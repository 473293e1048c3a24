"""Files that a data set names: read once, and what cannot be read is refused before the first image, with the line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from simspine.headless import render_recording
from simspine.headless.render_config_file import read_config
from simspine.headless.render_inputs import all_inputs, checked_inputs
from simspine.simspine_addon.model.errors import InputError

PANORAMA = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 16 +X 32\n" + bytes([90, 100, 120, 128]) * 512
OPEN_EXR = b"\x76\x2f\x31\x01\x02\x00\x00\x00"


def config_at(folder: Path, inputs: tuple[Path, Path], more: str = "", **changed: str) -> Path:
    names = {"model": str(inputs[0]), "motion": str(inputs[1]), "cameras": 'preset = "stereo"', **changed}
    path = folder / "set.toml"
    path.write_text(f"""[render]
size = [64, 48]
[cameras]
{names["cameras"]}
[[recordings]]
model = '{names["model"]}'
motion = '{names["motion"]}'
frames = "0:2"
{more}
""")
    return path


def refused(path: Path) -> InputError:
    with pytest.raises(InputError) as error:
        checked_inputs(read_config(path))
    return error.value


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("text.hdr", b"hello\n", "neither a Radiance picture nor OpenEXR"),
        ("empty.exr", b"", "neither a Radiance picture nor OpenEXR"),
        ("short.hdr", PANORAMA[:-600], "no image that Blender can read"),
        ("short.exr", OPEN_EXR, "no image that Blender can read"),
        ("square.hdr", PANORAMA.replace(b"+X 32", b"+X 16"), "no panorama"),
        ("dark.hdr", PANORAMA[:-2048] + bytes(2048), "is dark"),
    ],
)
@pytest.mark.parametrize("inline", [True, False])
def test_a_panorama_that_cannot_be_used_is_refused_in_the_line_of_its_folder(
    tmp_path, inputs, name, content, says, inline
):
    pytest.importorskip("bpy")
    (tmp_path / "skies").mkdir()
    (tmp_path / "skies" / name).write_bytes(content)
    table = 'variety = { surroundings = "hdri", hdri_folder = "skies" }'
    named = 'variety = "sky"\n[varieties.sky]\nsurroundings = "hdri"\nhdri_folder = "skies"'
    path = config_at(tmp_path, inputs, table if inline else named)
    error = refused(path)
    assert says in str(error)
    assert name in str(error)
    assert (error.path, error.line) == (path, 9 if inline else 12)


def test_a_whole_panorama_is_let_through(tmp_path, inputs):
    pytest.importorskip("bpy")
    (tmp_path / "skies").mkdir()
    (tmp_path / "skies" / "good.hdr").write_bytes(PANORAMA)
    more = 'variety = { surroundings = "hdri", hdri_folder = "skies" }'
    assert len(checked_inputs(read_config(config_at(tmp_path, inputs, more)))) == 1


@pytest.mark.parametrize(("key", "line"), [("model", 6), ("motion", 7)])
def test_a_model_or_motion_that_cannot_be_read_is_refused_in_the_line_that_names_it(tmp_path, inputs, key, line):
    broken = tmp_path / ("broken.osim" if key == "model" else "broken.mot")
    broken.write_text("nothing of the kind\n")
    path = config_at(tmp_path, inputs, **{key: str(broken)})
    error = refused(path)
    assert (error.path, error.line) == (path, line)
    assert str(broken) in error.problem


def test_a_calibration_that_cannot_be_read_is_refused_in_the_line_that_names_it(tmp_path, inputs):
    (tmp_path / "broken.toml").write_text("[cam_1]\nsize = 3\n")
    path = config_at(tmp_path, inputs, cameras='file = "broken.toml"')
    error = refused(path)
    assert (error.path, error.line) == (path, 4)
    assert "broken.toml" in error.problem


def test_recordings_that_share_files_read_each_once(tmp_path, inputs, monkeypatch):
    read = Counter()

    def counting(reader):
        def counted(path):
            read[Path(path)] += 1
            return reader(path)

        return counted

    for name in ("read_model", "read_table"):
        monkeypatch.setattr(render_recording, name, counting(getattr(render_recording, name)))
    other = tmp_path / "other.osim"
    other.write_text(inputs[0].read_text())
    path = config_at(tmp_path, inputs, "repeat = 3")
    path.write_text(path.read_text().replace(f"model = '{inputs[0]}'", f"model = ['{inputs[0]}', '{other}']"))
    assert len(all_inputs(read_config(path))) == 6
    assert read == {inputs[0]: 1, inputs[1]: 1, other: 1}
