"""USD files as Blender reads them, and their bare text: units, axes, rate, joints."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.exporters import export_usd  # noqa: E402
from simspine.exporters.export_track import export_track  # noqa: E402
from simspine.exporters.presets import export_preset  # noqa: E402
from simspine.headless.bench.roundtrip_bench import compared  # noqa: E402
from simspine.headless.bench.roundtrip_readers import readers_of  # noqa: E402
from simspine.sample_rigs import sample_model_path, sample_motion_path  # noqa: E402
from simspine.simspine_addon.kinematics.forward import pose_track  # noqa: E402
from simspine.simspine_addon.kinematics.pose_track import PoseTrack  # noqa: E402
from simspine.simspine_addon.model.document import read_model  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.model.motion import read_motion  # noqa: E402

READERS = readers_of(".usdc")


@pytest.fixture(scope="module")
def lifting() -> PoseTrack:
    model = read_model(sample_model_path())
    return pose_track(model, read_motion(sample_motion_path("lifting_with_twist"), model))


@pytest.fixture(autouse=True)
def _empty_scene() -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)


@pytest.mark.parametrize("reader", sorted(READERS))
@pytest.mark.parametrize(("preset", "suffix"), [("generic", ".usdc"), ("unity", ".usda"), ("unreal", ".usdc")])
def test_other_programs_see_the_same_motion(
    tmp_path: Path, lifting: PoseTrack, preset: str, suffix: str, reader: str
) -> None:
    path = tmp_path / f"a{suffix}"
    export_usd(path, lifting, preset=preset)
    wanted = export_track(lifting, export_preset(preset))
    row = compared("lift", preset, suffix, reader, READERS[reader](path, wanted.fps), wanted)
    assert row.frames == 0
    assert row.duration_s < 1e-6
    assert row.joints_mm < 0.05
    assert row.angles_deg < 0.01
    assert row.rest_mm < 0.05
    assert row.half_frame_joints_mm < 0.1


@pytest.mark.parametrize(("preset", "up"), [("generic", "Y"), ("unreal", "Z")])
def test_the_stage_says_metres_axis_and_rate(tmp_path: Path, lifting: PoseTrack, preset: str, up: str) -> None:
    fps = 60000.0 / 1001.0
    text = export_usd(tmp_path / "a.usda", lifting, preset=preset, fps=fps).path.read_text(encoding="utf-8")
    value = dict(re.findall(r"^    (\w+) = (\S+)$", text, flags=re.MULTILINE))
    assert float(value["metersPerUnit"]) == 1.0
    assert value["upAxis"] == f'"{up}"'
    assert float(value["timeCodesPerSecond"]) == pytest.approx(fps, rel=1e-9)
    frames = int(np.floor(lifting.time[-1] * fps)) + 1
    assert (float(value["startTimeCode"]), float(value["endTimeCode"])) == (0.0, frames - 1.0)
    assert "def SkelRoot" in text


def test_names_and_places_of_any_kind(tmp_path: Path, lifting: PoseTrack) -> None:
    folder = tmp_path / "Übung eins"
    folder.mkdir()
    few = replace(lifting, time=lifting.time[:1], positions=lifting.positions[:1], rotations=lifting.rotations[:1])
    assert export_usd(folder / "läuft.usdc", few, name="Jürgen Groß").frames == 1
    for path in ("/proc/a.usdc", tmp_path / "nowhere" / "a.usdc", tmp_path / "a.usd"):
        with pytest.raises(InputError) as refused:
            export_usd(path, few)
        assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["Übung eins"]


@pytest.mark.parametrize("suffix", [".usdc", ".usda"])
def test_a_file_that_stops_short_is_not_kept(
    tmp_path: Path, lifting: PoseTrack, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Blender leaves it on a full disk, without a word."""
    from simspine.exporters import usd

    exporter, known = usd.needed_operator("wm", "usd_export", "")

    def short(filepath: str, **options: object) -> None:
        exporter(filepath=filepath, **options)
        path = Path(filepath)
        path.write_bytes(path.read_bytes()[:-2000])

    monkeypatch.setattr(usd, "needed_operator", lambda *_: (short, known))
    with pytest.raises(InputError, match="could not finish the file"):
        export_usd(tmp_path / f"a{suffix}", lifting)
    assert list(tmp_path.iterdir()) == []
