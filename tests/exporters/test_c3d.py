"""C3D files, read back by ezc3d and from the bytes themselves."""

from __future__ import annotations

import struct
import sys
from dataclasses import replace

import numpy as np
import pytest
from simspine.exporters.c3d import write_c3d
from simspine.simspine_addon.kinematics.pose_track import PoseTrack
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.types import MarkerTrack

ezc3d = pytest.importorskip("ezc3d")


def markers(frames=20, count=5, rate=50.0, start=0.0):
    positions = np.random.default_rng(1).uniform(-1.0, 2.0, (frames, count, 3))
    time = start + np.arange(frames) / rate
    names = tuple(f"Spine_{index:02d}" for index in range(count))
    return MarkerTrack(time, names, positions, np.ones((frames, count)), rate)


def bodies(track, count=3):
    frames = len(track.time)
    random = np.random.default_rng(2)
    rotations = np.linalg.qr(random.normal(size=(frames, count, 3, 3)))[0]
    rotations *= np.linalg.det(rotations)[..., None, None]
    rest = np.zeros((count, 3)), np.repeat(np.eye(3)[None], count, axis=0)
    names = tuple(f"lumbar{index}" for index in range(count))
    parents = np.arange(count) - 1
    return PoseTrack(track.time, names, parents, random.normal(size=(frames, count, 3)), rotations, rest[0], *rest)


def raw_points(path):
    """Points [T, M, 4] of a little-endian C3D of floats, by the C3D.org user guide's layout of the header."""
    content = path.read_bytes()
    assert content[1] == 0x50
    count, _, first, last = struct.unpack("<4H", content[2:10])
    scale, data_block = struct.unpack("<fH", content[12:18])
    (rate,) = struct.unpack("<f", content[20:24])
    assert scale < 0.0  # floats
    frames = last - first + 1
    values = np.frombuffer(content, "<f4", frames * count * 4, (data_block - 1) * 512)
    return values.reshape(frames, count, 4), first, rate


def test_bytes_hold_millimetres_by_frame(tmp_path):
    track = markers()
    write_c3d(tmp_path / "a.c3d", track)
    points, first, rate = raw_points(tmp_path / "a.c3d")
    assert np.abs(points[..., :3] - 1e3 * track.positions).max() < 2e-4
    assert (first, rate) == (1, 50.0)


def test_ezc3d_reads_labels_rate_and_unit(tmp_path):
    track = markers(rate=59.94)
    write_c3d(tmp_path / "a.c3d", track)
    point = ezc3d.c3d(str(tmp_path / "a.c3d"))["parameters"]["POINT"]
    assert tuple(point["LABELS"]["value"]) == track.names
    assert point["RATE"]["value"][0] == pytest.approx(59.94, abs=1e-5)
    assert point["UNITS"]["value"] == ["mm"]
    assert (point["X_SCREEN"]["value"], point["Y_SCREEN"]["value"]) == (["+X"], ["+Y"])


def test_unseen_markers_are_unseen(tmp_path):
    track = markers()
    track.positions[3, 2] = np.nan
    write_c3d(tmp_path / "a.c3d", track)
    data = ezc3d.c3d(str(tmp_path / "a.c3d"))["data"]
    unseen = data["meta_points"]["residuals"][0] < 0.0
    assert np.argwhere(unseen).tolist() == [[2, 3]]
    assert np.isnan(data["points"][:3, 2, 3]).all()


def test_body_frames_are_rotation_data(tmp_path):
    track = markers()
    poses = bodies(track)
    write_c3d(tmp_path / "a.c3d", track, poses)
    read = ezc3d.c3d(str(tmp_path / "a.c3d"))
    rotations = read["data"]["rotations"].transpose(3, 2, 0, 1)
    assert tuple(read["parameters"]["ROTATION"]["LABELS"]["value"]) == poses.names
    assert read["parameters"]["ROTATION"]["RATE"]["value"][0] == 50.0
    assert np.abs(rotations[..., :3, :3] - poses.rotations).max() < 1e-6
    assert np.abs(rotations[..., :3, 3] - 1e3 * poses.positions).max() < 1e-3
    assert np.array_equal(rotations[..., 3, :], np.broadcast_to([0.0, 0.0, 0.0, 1.0], (20, 3, 4)))
    assert np.abs(read["data"]["points"][:3] - 1e3 * track.positions.transpose(2, 1, 0)).max() < 2e-4


def test_more_labels_than_one_parameter_holds(tmp_path):
    track = markers(frames=2, count=300)
    write_c3d(tmp_path / "a.c3d", track)
    point = ezc3d.c3d(str(tmp_path / "a.c3d"))["parameters"]["POINT"]
    assert tuple(point["LABELS"]["value"] + point["LABELS2"]["value"]) == track.names


def test_a_capture_that_starts_later_keeps_its_first_frame(tmp_path):
    write_c3d(tmp_path / "a.c3d", markers(start=2.0))
    assert raw_points(tmp_path / "a.c3d")[1] == 101


def test_times_rounded_to_milliseconds_are_even(tmp_path):
    track = markers(frames=100, rate=60.0)
    write_c3d(tmp_path / "a.c3d", replace(track, time=np.round(track.time, 3)))
    assert raw_points(tmp_path / "a.c3d")[2] == 60.0


def test_names_with_spaces_slashes_in_folders_and_umlauts(tmp_path):
    folder = tmp_path / "Rücken & Hüfte"
    folder.mkdir()
    write_c3d(folder / "erster Versuch.c3d", markers())
    assert len(raw_points(folder / "erster Versuch.c3d")[0]) == 20
    write_c3d(folder / "capital.C3D", markers())
    assert sorted(path.name for path in folder.iterdir()) == ["capital.C3D", "erster Versuch.c3d"]


def uneven(track):
    return replace(track, time=track.time**1.1)


def infinite(track):
    track.positions[4, 1, 0] = np.inf
    return track


def unnamed(track):
    return replace(track, names=("", *track.names[1:]))


def twice(track):
    return replace(track, names=(track.names[1], *track.names[1:]))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (uneven, "not even"),
        (infinite, "'Spine_01' is infinite in frame 5"),
        (unnamed, "empty or too long"),
        (twice, "same label"),
    ],
)
def test_what_c3d_cannot_hold_is_refused_and_leaves_nothing(change, problem, tmp_path):
    with pytest.raises(InputError, match=problem):
        write_c3d(tmp_path / "a.c3d", change(markers()))
    assert list(tmp_path.iterdir()) == []


def test_too_many_and_no_frames_are_refused(tmp_path):
    with pytest.raises(InputError, match="65535"):
        write_c3d(tmp_path / "a.c3d", markers(frames=65536, count=1))
    with pytest.raises(InputError, match="no frames"):
        write_c3d(tmp_path / "a.c3d", markers(frames=0))


def test_the_largest_number_of_frames_is_whole(tmp_path):
    track = markers(frames=65535, count=1)
    write_c3d(tmp_path / "a.c3d", track)
    assert np.abs(raw_points(tmp_path / "a.c3d")[0][-1, 0, :3] - 1e3 * track.positions[-1, 0]).max() < 2e-4


def test_a_single_frame(tmp_path):
    write_c3d(tmp_path / "a.c3d", markers(frames=1))
    assert raw_points(tmp_path / "a.c3d")[0].shape == (1, 5, 4)


def test_bodies_over_other_times_are_refused(tmp_path):
    with pytest.raises(InputError, match="other times"):
        write_c3d(tmp_path / "a.c3d", markers(), bodies(markers(frames=19)))


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(InputError, match="folder does not exist"):
        write_c3d(tmp_path / "none" / "a.c3d", markers())


def test_a_missing_library_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    with pytest.raises(InputError, match="ezc3d, which is not installed"):
        write_c3d(tmp_path / "a.c3d", markers())
