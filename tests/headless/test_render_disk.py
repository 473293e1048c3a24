"""A disk that is full while images are rendered: nothing half-written is left under an image's name."""

from __future__ import annotations

from collections import namedtuple

import pytest

pytest.importorskip("bpy")

from simspine.headless import dataset_files
from simspine.headless.render_command import main
from simspine.headless.render_stage import Stage

WORDS = ["--size", "64x48", "--samples", "1", "--no-denoise", "--device", "cpu"]
WORDS += ["--cameras", "stereo", "--frames", "0:2"]


@pytest.mark.parametrize("written", [b"", b"\x89PNG\r\n\x1a\n"])
def test_an_image_that_blender_could_not_write_is_not_kept_and_the_run_can_be_gone_on_with(
    tmp_path, inputs, monkeypatch, capsys, written
):
    usage = namedtuple("usage", "total used free")
    folder = tmp_path / "set"
    with monkeypatch.context() as full:
        full.setattr(Stage, "render", lambda self, block, view, place, index, path: path.write_bytes(written))
        full.setattr(dataset_files.shutil, "disk_usage", lambda at: usage(10**9, 0, 1 if at == folder else 10**9))
        assert main([*map(str, inputs), "-o", str(folder), *WORDS]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("simspine: ")]
    assert len(errors) == 1
    assert "the disk is full" in errors[0]
    assert not list(folder.rglob("images/*/*"))
    assert main(["resume", str(folder)]) == 0
    assert len(list(folder.rglob("images/*/*.png"))) == 4
