"""What a recording is made from: motions that cannot be shown are refused when they are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from simspine.headless.render_config_file import config_from_document
from simspine.headless.render_recording import RecordingInputs, Shelf, read_inputs
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.model.errors import InputError


def inputs_of(motion: Path) -> RecordingInputs:
    table = {"model": str(sample_model_path()), "motion": str(motion), "frames": "0"}
    config = config_from_document({"recordings": [table]}, Path())
    return read_inputs(config, config.recordings[0], Shelf())


def with_column(name: str, folder: Path, change) -> Path:
    """The sample's walking with the numbers of one column changed."""
    *head, labels = (lines := sample_motion_path("walking").read_text().splitlines())[:7]
    names = labels.split("\t")
    assert name in names
    rows = [line.split("\t") for line in lines[7:]]
    for row in rows:
        row[names.index(name)] = str(change(float(row[names.index(name)])))
    path = folder / "changed.mot"
    path.write_text("\n".join([*head, labels, *("\t".join(row) for row in rows)]) + "\n")
    return path


def test_a_motion_in_millimetres_is_refused_with_its_column_and_row(tmp_path):
    path = with_column("pelvis_ty", tmp_path, lambda value: 1000.0 * value)
    with pytest.raises(InputError, match=r"changed\.mot: column 'pelvis_ty' is \d+.* in row 1, .*millimetres"):
        inputs_of(path)


def test_a_long_way_and_many_turns_are_no_reason_to_refuse(tmp_path):
    inputs_of(with_column("pelvis_tx", tmp_path, lambda value: value + 400.0))
    inputs_of(with_column("pelvis_rotation", tmp_path, lambda value: value + 360.0 * 200))
