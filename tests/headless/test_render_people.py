"""People of one recording who are put into one another are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from simspine.headless.render_config_file import config_from_document
from simspine.headless.render_people import meeting_notes, prepare_people
from simspine.headless.render_recording import Shelf, read_inputs
from simspine.sample_rigs import sample_model_path, sample_motion_path


@pytest.mark.parametrize(("at", "met"), [((0.0, 0.0), True), ((0.05, 0.0), True), ((0.0, 1.5), False)])
def test_who_stands_in_someone_else_is_noted(at, met):
    person = {"model": str(sample_model_path()), "motion": str(sample_motion_path("walking"))}
    table = person | {"frames": "0:3", "people": [person | {"at": list(at)}]}
    config = config_from_document({"recordings": [table]}, Path())
    inputs = read_inputs(config, config.recordings[0], Shelf())
    notes = meeting_notes(prepare_people(config, inputs), inputs.rows)
    assert bool(notes) is met
    if met:
        assert "person 1 and person 2" in notes[0]
        assert "3 of 3 frames" in notes[0]
