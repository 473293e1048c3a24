"""The models that go into a data set: each subject's own, and with the pathology that the recording shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from simspine.headless.dataset_files import Dataset
from simspine.headless.dataset_models import recording_models
from simspine.headless.render_config_file import config_from_document
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.spine.pathology_apply import apply_pathology
from simspine.simspine_addon.spine.pathology_table import pathology_from_table


def dataset(folder: Path, recordings: list[dict[str, object]]) -> Dataset:
    return Dataset(folder, config_from_document({"recordings": recordings}, folder), {}, "")


def test_two_subjects_whose_files_are_called_alike_each_have_their_own(tmp_path):
    rows = []
    for subject in ("S1", "S2"):
        (tmp_path / subject).mkdir()
        (tmp_path / subject / "scaled.osim").write_bytes(sample_model_path().read_bytes() + subject.encode())
        motion = str(sample_motion_path("walking"))
        rows.append({"model": f"{subject}/scaled.osim", "subject": subject, "motion": motion})
    with recording_models(dataset(tmp_path, rows)) as models:
        assert {name: path.read_bytes()[-2:] for name, path in models.items()} == {
            "S1_walking": b"S1",
            "S2_walking": b"S2",
        }


def test_the_model_of_a_recording_with_a_pathology_has_it(tmp_path):
    table = {"scoliosis": 30, "side": "left"}
    shared = {"model": str(sample_model_path()), "motion": str(sample_motion_path("walking"))}
    rows = [shared | {"action": "healthy"}, shared | {"action": "bent", "pathology": table}]
    motion_path = sample_motion_path("walking")
    with recording_models(dataset(tmp_path, rows)) as models:
        healthy, bent = models.values()
        assert healthy.read_bytes() == sample_model_path().read_bytes()
        model = read_model(bent)
        seen, _ = apply_pathology(read_model(sample_model_path()), pathology_from_table(table, "test"))
        written = pose_track(model, read_motion(motion_path, model))
        rendered = pose_track(seen, read_motion(motion_path, seen))
        np.testing.assert_allclose(written.positions, rendered.positions, atol=1e-9)
        straight = read_model(healthy)
        assert (
            np.abs(written.positions - pose_track(straight, read_motion(motion_path, straight)).positions).max() > 0.01
        )
    assert not bent.exists()
