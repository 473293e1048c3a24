"""Marker files: writers' header variants, gaps, malformed files by their one line, and opensim's readers as oracle."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
import opensim
import pytest
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.markers import read_trc
from simspine.simspine_addon.model.motion_writers import write_trc
from simspine.simspine_addon.model.types import MarkerTrack

opensim.Logger.setLevelString("Off")
DATA = Path(os.environ.get("SIMSPINE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "pose2sim"

TITLE = "PathFileType\t4\t(X/Y/Z)\ttrial.trc\n"
KEYS = "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n"
SETTINGS = "50\t50\t2\t2\tmm\t50\t1\t2\n"
LABELS = "Frame#\tTime\tHip\t\t\tKnee\t\t\n"
AXES = "\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n"
ROWS = "1\t0.00\t1.5\t2\t3\t-4\t5e2\t6\n2\t0.02\t7\t8\t9\t10\t11\t12.25\n"
HEADER = TITLE + KEYS + SETTINGS + LABELS + AXES
POSITIONS = np.array([[[1.5, 2, 3], [-4, 500, 6]], [[7, 8, 9], [10, 11, 12.25]]]) / 1000.0


def track_of(folder: Path, text: str | bytes) -> MarkerTrack:
    path = folder / "trial.trc"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_trc(path)


def opensim_positions(path: Path) -> np.ndarray:
    """[T, M, 3] in the unit of the file, as opensim's table reader gives it."""
    table = opensim.TimeSeriesTableVec3(str(path))  # the matrix is a view of it: keep it alive
    matrix = table.getMatrix()
    cells = [[matrix.getElt(row, column) for column in range(matrix.ncol())] for row in range(matrix.nrow())]
    return np.array([[[cell[axis] for axis in range(3)] for cell in row] for row in cells])


def opensim_marker_data(path: Path) -> np.ndarray:
    """[T, M, 3] in the unit of the file, as opensim's marker reader (that of scaling and IK) gives it."""
    data = opensim.MarkerData(str(path))
    frames = [data.getFrame(frame) for frame in range(data.getNumFrames())]
    return np.array(
        [[[f.getMarker(m)[axis] for axis in range(3)] for m in range(data.getNumMarkers())] for f in frames]
    )


POSE2SIM = (  # blank cells after the last name, no blank line
    TITLE + KEYS + SETTINGS + "Frame#\tTime\tHip\t\t\tKnee\t\t\t\n" + AXES + ROWS
)
OPENCAP = TITLE + KEYS + SETTINGS.replace("50", "50.0") + LABELS + AXES + "\n" + ROWS
VICON = (  # Windows path, tabs at every end, frames of a longer capture
    ("PathFileType\t4\t(X/Y/Z) \tC:\\Daten\\Läufer.trc\t\n" + KEYS + SETTINGS + LABELS + AXES + "\n" + ROWS)
    .replace("\n", "\t\n")
    .replace("\n1\t0.00", "\n101\t0.00")
    .replace("\n2\t0.02", "\n102\t0.02")
    .replace("\n", "\r\n")
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HEADER + ROWS, id="plain"),
        pytest.param(POSE2SIM, id="Pose2Sim"),
        pytest.param(OPENCAP, id="OpenCap"),
        pytest.param(VICON, id="Vicon"),
        pytest.param(VICON.encode("cp1252"), id="Vicon in Windows-1252"),
        pytest.param((HEADER + ROWS).encode("utf-8-sig"), id="byte order mark"),
        pytest.param((HEADER + ROWS).replace("mm", "Millimeters"), id="unit in words"),
        pytest.param(HEADER + ROWS.replace("\n", "\n\n"), id="blank lines between rows"),
        pytest.param(HEADER + ROWS.replace("\t", "  "), id="rows by blanks"),
        pytest.param(HEADER.replace("\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames", "") + ROWS, id="few settings"),
        pytest.param(HEADER.replace(AXES, "") + ROWS, id="no line of axes"),
        pytest.param(HEADER.replace("\t\t\t", "\t") + ROWS, id="names close together"),
        pytest.param(HEADER.replace("50\t50\t2\t2", "\t50\t2\t2") + ROWS, id="empty rate"),
    ],
)
def test_header_variants_give_names_and_metres(tmp_path: Path, text: str | bytes) -> None:
    track = track_of(tmp_path, text)
    assert track.names == ("Hip", "Knee")
    assert track.warnings == ()
    assert track.rate == pytest.approx(50.0)
    np.testing.assert_array_equal(track.time, [0.0, 0.02])
    np.testing.assert_array_equal(track.positions, POSITIONS)
    np.testing.assert_array_equal(track.confidence, 1.0)


@pytest.mark.parametrize(("unit", "per_metre"), [("m", 1), ("dm", 10), ("cm", 100), ("mm", 1000), ("M", 1)])
def test_units_become_metres(tmp_path: Path, unit: str, per_metre: float) -> None:
    track = track_of(tmp_path, HEADER.replace("mm", unit) + ROWS)
    np.testing.assert_array_equal(track.positions, POSITIONS * 1000.0 / per_metre)


def test_marker_names_may_hold_blanks_and_colons(tmp_path: Path) -> None:
    track = track_of(tmp_path, HEADER.replace("Hip", "Anna:L ASIS") + ROWS)
    assert track.names == ("Anna:L ASIS", "Knee")


@pytest.mark.parametrize("gap", ["\t\t", "nan\tnan\tnan", "NaN\tNaN\tNaN", " \t \t ", "missing\tmissing\tmissing"])
@pytest.mark.parametrize(("marker", "cells"), [(0, "1.5\t2\t3"), (1, "-4\t5e2\t6")])
def test_gap_is_nan_with_confidence_zero(tmp_path: Path, gap: str, marker: int, cells: str) -> None:
    track = track_of(tmp_path, HEADER + ROWS.replace(cells, gap))
    expected = POSITIONS.copy()
    expected[0, marker] = np.nan
    np.testing.assert_array_equal(track.positions, expected)
    np.testing.assert_array_equal(track.confidence, np.isfinite(expected[:, :, 0]))
    assert track.warnings == ()


@pytest.mark.parametrize("line_end", ["\n", "\t\n", "\r\n"])
def test_gap_at_the_start_is_where_opensim_sees_it(tmp_path: Path, line_end: str) -> None:
    track = track_of(tmp_path, (HEADER + ROWS.replace("1.5\t2\t3", "\t\t")).replace("\n", line_end))
    np.testing.assert_allclose(track.positions * 1000.0, opensim_marker_data(tmp_path / "trial.trc"), rtol=1e-15)


def test_short_row_ends_in_gaps_with_a_warning(tmp_path: Path) -> None:
    track = track_of(tmp_path, HEADER + ROWS.replace("\t-4\t5e2\t6", ""))
    np.testing.assert_array_equal(track.confidence, [[1, 0], [1, 1]])
    np.testing.assert_array_equal(track.positions[0, 0], POSITIONS[0, 0])
    assert track.warnings == ("1 of 2 rows end before the last marker: those markers are taken as unseen there",)


def test_point_without_all_three_coordinates_is_unseen(tmp_path: Path) -> None:
    track = track_of(tmp_path, HEADER + ROWS.replace("5e2", ""))
    assert np.isnan(track.positions[0, 1]).all()
    assert track.confidence[0, 1] == 0.0
    assert track.warnings == ("some points lack only one or two of x, y, z and are taken as unseen: Knee",)


def test_marker_that_is_never_seen_is_a_warning(tmp_path: Path) -> None:
    track = track_of(tmp_path, HEADER + "1\t0\t1\t2\t3\t\t\t\n2\t0.02\t1\t2\t3\t\t\t\n")
    assert track.warnings == ("never seen: Knee",)


def test_points_at_zero_are_kept_with_a_warning(tmp_path: Path) -> None:
    track = track_of(tmp_path, HEADER + ROWS.replace("7\t8\t9", "0\t0.0\t-0"))
    np.testing.assert_array_equal(track.positions[1, 0], 0.0)
    assert track.confidence[1, 0] == 1.0
    assert track.warnings == (
        "1 points lie exactly at zero, where some programs put unseen markers; kept as given: Hip",
    )


def test_repeated_names_are_kept_apart_with_a_warning(tmp_path: Path) -> None:
    labels = "Frame#\tTime\tA\t\t\tA_2\t\t\tA\t\t\tA\n"
    header = TITLE + KEYS + SETTINGS.replace("2\t2\tmm", "1\t4\tm") + labels
    axes = "\t\t" + "\t".join(f"{axis}{i}" for i in range(1, 5) for axis in "XYZ") + "\n"
    track = track_of(tmp_path, header + axes + "1\t0\t" + "\t".join(map(str, range(12))) + "\n")
    assert track.names == ("A", "A_2", "A_3", "A_4")
    assert track.warnings == ("marker names occur twice; the later ones are now A_3, A_4",)
    np.testing.assert_array_equal(track.positions.ravel(), np.arange(12.0))


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            HEADER.replace("2\t2\tmm", "2\t9\tmm"),
            "the header says 9 markers, the label line names 2: those are used",
        ),
        (HEADER.replace("2\t2\tmm", "7\t2\tmm"), "the header says 7 frames, the file has 2: all 2 are used"),
        (
            HEADER.replace("50\t50\t", "60\t60\t"),
            "the header says 60 frames per second, the times 50: the times are right",
        ),
    ],
)
def test_header_that_disagrees_with_the_rows_is_a_warning(tmp_path: Path, text: str, warning: str) -> None:
    track = track_of(tmp_path, text + ROWS)
    assert track.warnings == (warning,)
    assert track.rate == pytest.approx(50.0)
    np.testing.assert_array_equal(track.positions, POSITIONS)


def test_dropped_frames_are_a_warning(tmp_path: Path) -> None:
    rows = "".join(f"{i + 1}\t{t}\t1\t2\t3\t4\t5\t6\n" for i, t in enumerate([0, 0.02, 0.04, 0.12]))
    track = track_of(tmp_path, HEADER.replace("2\t2\tmm", "4\t2\tmm") + rows)
    assert track.rate == 50.0
    assert track.warnings == (
        "the time steps are uneven, from 0.02 to 0.08 s; the rate of 50 frames per second is that of the middle one",
    )


def test_single_frame_takes_the_rate_of_the_header(tmp_path: Path) -> None:
    track = track_of(tmp_path, HEADER.replace("2\t2\tmm", "1\t2\tmm") + ROWS.partition("\n")[0])
    assert track.rate == 50.0
    assert track.warnings == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "trial.trc: is empty; export it again"),
        (b"\0\1\2", "trial.trc: is not a text file; choose the motion or marker file itself"),
        (
            "Coordinates\nversion=1\nendheader\n",
            "trial.trc:1: does not begin with 'PathFileType'; "
            "choose a marker file; joint angles (.mot, .sto) go in as the motion",
        ),
        (TITLE + KEYS, "trial.trc:2: ends after 2 lines, before its first frame; export the markers again"),
        (HEADER, "trial.trc: has no frames; export the markers again"),
        (
            HEADER.replace(KEYS, "nothing\n") + ROWS,
            "trial.trc:2: has no line of settings after 'PathFileType'; "
            "it should name DataRate, NumFrames, NumMarkers and Units",
        ),
        (
            HEADER.replace("mm", "furlong") + ROWS,
            "trial.trc:3: has the unknown unit 'furlong'; Units must be mm, cm or m",
        ),
        (HEADER.replace("\tmm\t", "\t\t") + ROWS, "trial.trc:3: does not say its unit; Units must be mm, cm or m"),
        (
            HEADER.replace(LABELS, "") + ROWS,
            "trial.trc:4: has no marker names: a line that begins with 'Frame#' and 'Time' should stand here; "
            "export the markers again",
        ),
        (
            HEADER.replace("Time", "When") + ROWS,
            "trial.trc:4: has no 'Time' column after 'Frame#'; export the markers again",
        ),
        (
            HEADER.replace("Hip", "").replace("Knee", "") + ROWS,
            "trial.trc:4: names no markers; export the markers again",
        ),
        (
            HEADER.replace("Knee", "") + ROWS,
            "trial.trc:4: names 1 markers, but the next line has 6 axes instead of 3; "
            "name every marker once, above its X",
        ),
        (
            HEADER + ROWS.replace("12.25", "12.25\t13"),
            "trial.trc:7: has 9 values, but 2 markers need 8 with frame and time; "
            "name the missing marker, or remove the values",
        ),
        (
            HEADER + ROWS.replace("\t", "  ").replace("12.25", ""),
            "trial.trc:7: has 7 of 8 values; separate values by tabs, so that gaps can be seen",
        ),
        (
            HEADER + "\n" + ROWS.replace("12.25", "abc"),
            "trial.trc:8: marker 'Knee' is 'abc' in row 2, which is not a number; "
            "leave the cell empty where it is unseen",
        ),
        (
            HEADER + ROWS.replace("1.5", "1,5"),
            "trial.trc:6: marker 'Hip' is '1,5' in row 1, which is not a number; write numbers with a decimal point",
        ),
        (
            HEADER + ROWS.replace("1.5", "inf"),
            "trial.trc:6: marker 'Hip' is infinite in row 1; leave the cell empty where it is unseen",
        ),
        (HEADER + ROWS.replace("0.02", ""), "trial.trc:7: row 2 has no time (nan); mend that row"),
        (
            HEADER + ROWS.replace("0.02", "0.00"),
            "trial.trc:7: time 0.0 in row 2 does not come after 0.0; sort the rows and drop repeated ones",
        ),
    ],
)
def test_malformed_file_is_refused_by_one_line(tmp_path: Path, text: str | bytes, line: str) -> None:
    with pytest.raises(InputError) as caught:
        track_of(tmp_path, text)
    assert str(caught.value).replace(f"{tmp_path}{os.sep}", "") == line


def test_random_bytes_never_raise_anything_else(tmp_path: Path) -> None:
    random = np.random.default_rng(6)
    good = (HEADER + ROWS).encode()
    for _ in range(300):
        broken = bytearray(good)
        for place in random.integers(0, len(good), size=3):
            broken[place] = random.integers(1, 256)
        with contextlib.suppress(InputError):
            track = track_of(tmp_path, bytes(broken))
            assert track.positions.shape == (len(track.time), len(track.names), 3)


def random_track(seed: int) -> MarkerTrack:
    random = np.random.default_rng(seed)
    frames, markers = (int(n) for n in random.integers(1, 30, size=2))
    positions = random.normal(size=(frames, markers, 3)) * 10.0 ** random.integers(-12, 4, size=(frames, markers, 1))
    unseen = random.random((frames, markers)) < 0.2
    positions[unseen] = np.nan
    names = tuple(f"marker {i}" if i % 3 else f"M{i}" for i in range(markers))
    return MarkerTrack(np.arange(frames) / 60.0, names, positions, 1.0 - unseen, 60.0)


@pytest.mark.parametrize("seed", range(6))
def test_written_metres_read_back_exactly_here_and_in_opensim(tmp_path: Path, seed: int) -> None:
    track, path = random_track(seed), tmp_path / "ours.trc"
    write_trc(path, track)
    again = read_trc(path)
    assert (again.names, again.rate) == (track.names, track.rate)
    np.testing.assert_array_equal(again.time, track.time)
    np.testing.assert_array_equal(again.positions, track.positions)
    np.testing.assert_array_equal(again.confidence, track.confidence)
    table = opensim.TimeSeriesTableVec3(str(path))
    assert tuple(table.getColumnLabels()) == track.names
    np.testing.assert_array_equal(np.array(table.getIndependentColumn()), track.time)
    np.testing.assert_array_equal(opensim_positions(path), track.positions)
    np.testing.assert_array_equal(opensim_marker_data(path), track.positions)
    data = opensim.MarkerData(str(path))
    assert data.getUnits().getLabel() == "meters"
    assert data.getDataRate() == 60.0


def test_written_millimetres_read_back_to_the_last_bit_but_one(tmp_path: Path) -> None:
    track, path = random_track(2), tmp_path / "ours.trc"
    write_trc(path, track, unit="mm")
    np.testing.assert_allclose(read_trc(path).positions, track.positions, rtol=3e-16)
    np.testing.assert_array_equal(opensim_positions(path), track.positions * 1000.0)
    assert opensim.MarkerData(str(path)).getUnits().getLabel() == "millimeters"


def test_file_written_by_opensim_is_read(tmp_path: Path) -> None:
    table = opensim.TimeSeriesTableVec3()
    table.setColumnLabels(["A", "B"])
    table.appendRow(0.0, opensim.RowVectorVec3([opensim.Vec3(1.25, 2, 3), opensim.Vec3(float("nan"))]))
    table.appendRow(0.01, opensim.RowVectorVec3([opensim.Vec3(1, 2, 3), opensim.Vec3(4, 5, 6.125)]))
    table.addTableMetaDataString("DataRate", "100")
    table.addTableMetaDataString("Units", "m")
    path = tmp_path / "theirs.trc"
    opensim.TRCFileAdapter.write(table, str(path))
    track = read_trc(path)
    assert (track.names, track.rate, track.warnings) == (("A", "B"), 100.0, ())
    np.testing.assert_array_equal(track.positions, [[[1.25, 2, 3], [np.nan] * 3], [[1, 2, 3], [4, 5, 6.125]]])


@pytest.mark.parametrize(
    ("changes", "unit", "problem"),
    [
        ({}, "inch", "markers cannot be written in 'inch'; choose m or mm"),
        ({"names": ("A",)}, "m", "do not fit together"),
        ({"names": ("A", "B\tC")}, "m", "is empty or has blanks in it"),
        ({"names": ("A", "A")}, "m", "two columns have the same label"),
        ({"time": np.zeros(2)}, "m", "the times do not increase"),
        ({"positions": np.full((2, 2, 3), np.inf)}, "m", "marker 'Hip' is infinite in frame 1"),
    ],
)
def test_track_that_no_reader_would_take_is_not_written(tmp_path: Path, changes: dict, unit: str, problem: str) -> None:
    fields = {"time": np.arange(2.0), "names": ("Hip", "Knee"), "positions": POSITIONS, "confidence": np.ones((2, 2))}
    with pytest.raises(InputError, match=problem):
        write_trc(tmp_path / "out.trc", MarkerTrack(**{**fields, **changes}, rate=1.0), unit=unit)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not DATA.exists(), reason=f"the real capture is not at {DATA}")
def test_real_markers_are_what_opensim_reads() -> None:
    track = read_trc(DATA / "markers.trc")
    assert (track.positions.shape, track.rate, track.warnings) == ((100, 21, 3), 60.0, ())
    np.testing.assert_array_equal(track.positions, opensim_positions(DATA / "markers.trc"))
