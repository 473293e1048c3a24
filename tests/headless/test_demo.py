"""The demo, small: what it names is there and whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from simspine.headless.cli import main


def test_demo_leaves_everything_that_it_names(tmp_path, capfd):
    assert main(["demo", "-o", str(tmp_path / "demo"), "--size", "48", "--json"]) == 0
    report = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert report["bones"] == 30
    for what, place in report["files"].items():
        assert Path(place).exists(), what
    labels = np.load(report["files"]["labels"])
    assert labels["points_2d"].shape == (1, 4, 3, 37, 2)
    images = list(Path(report["files"]["images"]).rglob("*.png"))
    assert len(images) == 12
    assert Path(report["files"]["avatar, FBX"]).read_bytes()[:18] == b"Kaydara FBX Binary"
    assert Path(report["files"]["skeleton, GLB"]).read_bytes()[:4] == b"glTF"
