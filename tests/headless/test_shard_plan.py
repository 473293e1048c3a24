"""What names a shard: everything that decides about its bytes, code and files alike."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from simspine.headless import shard_plan
from simspine.headless.bootstrap import ROOT
from simspine.headless.render_config_file import config_from_document
from simspine.headless.render_recording import Shelf, input_files, read_inputs
from simspine.sample_rigs import sample_model_path, sample_motion_path

# What these write has no say in what a shard holds: places of files, signals, the quiet of stdout.
WITHOUT_A_SAY = {"headless/dataset_files.py", "headless/interruption.py", "headless/bootstrap.py"}


def imported(module: str) -> set[str]:
    """The files of the package that a module imports by name, relative to the root."""
    path = ROOT / module
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            target = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            if target.with_suffix(".py").is_file():
                found.add(target.with_suffix(".py").relative_to(ROOT).as_posix())
    return found


@pytest.mark.parametrize(
    "module",
    ["headless/shard_run.py", "headless/render_stage.py", "headless/render_labels.py", "exporters/keypoint_npz.py"],
)
def test_what_makes_a_shard_is_among_the_code_that_names_it(module):
    deciding = {
        file.relative_to(ROOT).as_posix() for pattern in shard_plan._DECIDING_CODE for file in ROOT.glob(pattern)
    }
    assert imported(module) - deciding <= WITHOUT_A_SAY


def test_meshes_name_a_shard_whatever_is_seen_since_lordosis_is_measured_in_them():
    recording = {"model": str(sample_model_path()), "motion": str(sample_motion_path("walking")), "avatar": "fitted"}
    config = config_from_document({"recordings": [recording | {"frames": "0"}]}, Path())
    files = input_files(read_inputs(config, config.recordings[0], Shelf()))
    assert any(name.startswith("0/mesh/") and path.is_file() for name, path in files.items())
