"""Who may write a data set's whole, and what a merge that was killed leaves behind."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest
from simspine.exporters.labels import make_labels
from simspine.exporters.recording import recording_of
from simspine.headless import dataset_merge
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.model.atomic import atomic_path


def test_unfinished_files_go_and_a_users_own_hidden_files_stay(tmp_path):
    users = {".gitignore", ".DS_Store", ".dvcignore", ".htaccess", ".gitattributes", ".directory"}
    for each in users:
        (tmp_path / each).write_text("mine")
    with atomic_path(tmp_path / "labels.npz") as unfinished:
        name = unfinished.name
    (tmp_path / "labels.npz").unlink()
    (tmp_path / "shards").mkdir()
    for folder in (tmp_path, tmp_path / "shards"):
        (folder / name).write_text("cut short")
    dataset_merge._remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == users


def mark_of_another_computer(folder, age: float):
    mark = folder / ".work" / "merging"
    mark.parent.mkdir()
    mark.write_text("elsewhere 12\n")
    os.utime(mark, (time.time() - age, time.time() - age))
    return mark


def test_whoever_is_merging_on_another_computer_is_named(tmp_path):
    mark_of_another_computer(tmp_path, 60.0)
    with dataset_merge._alone(tmp_path) as other:
        assert other == "elsewhere 12"
    assert (tmp_path / ".work" / "merging").exists()


def test_a_merge_that_no_longer_shows_that_it_is_alive_is_taken_over(tmp_path):
    mark = mark_of_another_computer(tmp_path, 2 * dataset_merge._STALE_SECONDS)
    with dataset_merge._alone(tmp_path) as other:
        assert other == ""
        assert mark.read_text().endswith(f" {os.getpid()}")
    assert not mark.exists()


def test_the_mark_of_a_dead_process_of_this_computer_is_taken_over_at_once(tmp_path):
    process = os.posix_spawn("/bin/true", ["true"], {}) if os.name == "posix" else pytest.skip("spawns /bin/true")
    os.waitpid(process, 0)
    mark = mark_of_another_computer(tmp_path, 0.0)
    mark.write_text(f"{dataset_merge.socket.gethostname()} {process}\n")
    with dataset_merge._alone(tmp_path) as other:
        assert other == ""


def test_a_merge_that_takes_long_shows_that_it_is_alive(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_merge, "_BEAT_SECONDS", 0.01)
    with dataset_merge._alone(tmp_path):
        mark = tmp_path / ".work" / "merging"
        os.utime(mark, (1.0, 1.0))
        for _ in range(500):
            if mark.stat().st_mtime > 1.0:
                break
            time.sleep(0.01)
        assert mark.stat().st_mtime > 1.0


def test_images_from_which_nobody_can_learn_are_counted():
    K = np.array([[100.0, 0.0, 49.5], [0.0, 100.0, 49.5], [0.0, 0.0, 1.0]])
    cameras = [Camera(name, (100, 100), K, np.eye(3), np.array([x, 0.0, 2.0])) for name, x in (("a", 0.0), ("b", 50.0))]
    points = np.zeros((2, 1, 3))
    points[1] = 0.0, 3.0, 0.0  # above the image, while the outline below still reaches into it
    outline = np.array([[-0.1, 0.0, 0.0], [0.1, 4.0, 0.0]])
    labels = make_labels(cameras, ["k"], [-1], points, np.arange(2), np.arange(2.0), lambda frame: outline)
    notes = dataset_merge._poor_images([recording_of(labels)])
    assert [note.partition(" images ")[0] for note in notes] == ["2 of 4", "1 of 4"]
    assert "no keypoint" in notes[1]
