"""Motion tables: every header, every malformed file by its one line, and opensim's own readers as the oracle."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
import opensim
import pytest
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion_writers import write_sto
from simspine.simspine_addon.model.storage import Table, read_table

opensim.Logger.setLevelString("Off")
DATA = Path(os.environ.get("SIMSPINE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "pose2sim"
LABELS = "time\tknee\thip\n"
ROWS = "0\t1.5\t-2\n0.5\t3e-1\t4.25E+01\n"
TIME = np.array([0.0, 0.5])
VALUES = np.array([[1.5, -2.0], [0.3, 42.5]])
OPENSIM_3 = (
    "Coordinates\nversion=1\nnRows=2\nnColumns=3\ninDegrees=yes\n\n"
    "Units are S.I. units (second, meters, Newtons, ...)\n"
    "If the header above contains a line with 'inDegrees', this indicates whether rotational values are in degrees "
    "(yes) or radians (no).\n\nendheader\n"
)
OPENSIM_4 = "inDegrees=no\nDataType=double\nversion=3\nOpenSimVersion=4.6\nendheader\n"
SIMM = "name run\ndatacolumns 3\ndatarows 2\notherdata 1\nrange 0.0 0.5\nendheader\n"


def table_of(folder: Path, text: str | bytes, name: str = "motion.mot") -> Table:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path)


def refusal(folder: Path, text: str | bytes) -> str:
    """The one line that a file is refused with, less its folder."""
    with pytest.raises(InputError) as caught:
        table_of(folder, text)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{folder}{os.sep}", "")


@pytest.mark.parametrize(
    ("header", "in_degrees"),
    [
        pytest.param(OPENSIM_3, True, id="OpenSim 3"),
        pytest.param(OPENSIM_3.replace("=yes", "=no"), False, id="OpenSim 3 in radians"),
        pytest.param(OPENSIM_3.replace("inDegrees=yes\n", ""), None, id="the comment on inDegrees is no setting"),
        pytest.param(OPENSIM_4, False, id="OpenSim 4"),
        pytest.param(OPENSIM_4.replace("=no", " = Yes "), True, id="blanks round the sign"),
        pytest.param(OPENSIM_4.replace("inDegrees=no", "inDegrees yes"), True, id="no sign"),
        pytest.param("version=2\nendheader\n", None, id="version alone"),
        pytest.param(SIMM, True, id="SIMM"),
        pytest.param(SIMM.replace("name run\n", "run\n"), True, id="SIMM with a bare name"),
        pytest.param("run\ndatacolumns=3\ndatarows=2\nendheader\n", True, id="SIMM with signs"),
        pytest.param(SIMM.replace("endheader", "inDegrees=no\nendheader"), False, id="SIMM in radians"),
        pytest.param("endheader\n", None, id="no header at all"),
        pytest.param("inDegrees=yes\ninDegrees=yes\nendheader\n", True, id="said twice"),
        pytest.param("range of motion\nversion=1\nendheader\n", None, id="a title that begins like a setting"),
    ],
)
def test_header_variants_give_values_and_unit(tmp_path: Path, header: str, in_degrees: bool | None) -> None:
    table = table_of(tmp_path, header + LABELS + ROWS)
    assert table.labels == ("knee", "hip")
    assert table.in_degrees is in_degrees
    assert table.warnings == ()
    np.testing.assert_array_equal(table.time, TIME)
    np.testing.assert_array_equal(table.values, VALUES)


@pytest.mark.parametrize("header", [OPENSIM_3, OPENSIM_4, SIMM, OPENSIM_3.replace("inDegrees=yes\n", "")])
def test_unit_agrees_with_opensim_storage(tmp_path: Path, header: str) -> None:
    table = table_of(tmp_path, header + LABELS + ROWS)
    assert bool(table.in_degrees) == opensim.Storage(str(table.path)).isInDegrees()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param((OPENSIM_3 + LABELS + ROWS).replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param((OPENSIM_3 + LABELS + ROWS).replace("\n", "\r").encode(), id="CR"),
        pytest.param((OPENSIM_3 + LABELS + ROWS).encode("utf-8-sig"), id="byte order mark"),
        pytest.param((OPENSIM_3 + LABELS + ROWS).encode("utf-16"), id="UTF-16"),
        pytest.param(b"B\xe4rbel\n" + (OPENSIM_3 + LABELS + ROWS).encode(), id="Windows-1252"),
        pytest.param((OPENSIM_3 + (LABELS + ROWS).replace("\t", "   ")).encode(), id="blanks"),
        pytest.param((OPENSIM_3 + LABELS.replace("\t", "  ") + ROWS).encode(), id="labels by blanks, rows by tabs"),
        pytest.param((OPENSIM_3 + "time\tknee hip\n" + ROWS).encode(), id="labels by tab and blank"),
        pytest.param((OPENSIM_3 + (LABELS + ROWS).replace("\n", "\t\n")).encode(), id="trailing tabs"),
        pytest.param((OPENSIM_3 + "\n \n" + LABELS + "\n" + ROWS.replace("\n", "\n\n\t\n")).encode(), id="blank lines"),
        pytest.param((OPENSIM_3 + LABELS + ROWS.rstrip("\n")).encode(), id="no final line end"),
        pytest.param((OPENSIM_3 + LABELS.replace("time", "Time") + ROWS).encode(), id="Time"),
        pytest.param(
            (OPENSIM_3 + "knee\ttime\thip\n1.5\t0\t-2\n.3\t.5\t42.5\n").encode(), id="time in the second column"
        ),
    ],
)
def test_spelling_of_the_file_changes_nothing(tmp_path: Path, text: bytes) -> None:
    table = table_of(tmp_path, text)
    assert table.labels == ("knee", "hip")
    assert table.in_degrees is True
    np.testing.assert_array_equal(table.time, TIME)
    np.testing.assert_array_equal(table.values, VALUES)


def test_labels_between_tabs_may_hold_blanks(tmp_path: Path) -> None:
    assert table_of(tmp_path, OPENSIM_4 + "time\tleft knee\thip\n" + ROWS).labels == ("left knee", "hip")


def test_header_holds_settings_and_name(tmp_path: Path) -> None:
    header = table_of(tmp_path, OPENSIM_3 + LABELS + ROWS).header
    assert header == {"name": "Coordinates", "version": "1", "nRows": "2", "nColumns": "3", "inDegrees": "yes"}


def test_lines_are_those_of_the_rows(tmp_path: Path) -> None:
    table = table_of(tmp_path, "endheader\n\n" + LABELS + "\n0 1 2\n\n1 2 3\n")
    assert table.lines.tolist() == [5, 7]


def test_values_that_are_not_numbers_by_name_are_nan(tmp_path: Path) -> None:
    table = table_of(tmp_path, "endheader\ntime a b c d\n0 nan NaN -nan(ind) 1.#QNAN\n1 -1.#IND inf -inf 1.#INF\n")
    assert np.isnan(table.values[0]).all()
    assert np.isnan(table.values[1, [0, 3]]).all()
    np.testing.assert_array_equal(table.values[1, 1:3], [np.inf, -np.inf])


@pytest.mark.parametrize("stated", ["nRows=7", "nRows=1", "nRows=many"])
def test_row_count_that_disagrees_is_a_warning(tmp_path: Path, stated: str) -> None:
    table = table_of(tmp_path, OPENSIM_3.replace("nRows=2", stated) + LABELS + ROWS)
    assert table.warnings == (f"the header says {stated[6:]} rows, the file has 2: all 2 are used",)
    assert len(table.time) == 2


HEAD = "version=1\nendheader\n"  # labels stand in line 3, rows from line 4 on


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "motion.mot: is empty; export it again"),
        (" \n\n", "motion.mot: is empty; export it again"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "motion.mot: is not a text file; choose the motion or marker file itself"),
        ("a\nb\n", "motion.mot: has no 'endheader' line; choose a .mot or .sto file of OpenSim"),
        (
            "PathFileType\t4\n",
            "motion.mot: has no 'endheader' line; it is a marker file (.trc): give it as markers",
        ),
        (HEAD, "motion.mot: has no column labels after 'endheader'; export the motion again"),
        (HEAD + LABELS, "motion.mot: has column labels but no rows; export the motion again"),
        (HEAD + LABELS + " \t\n\n", "motion.mot: has column labels but no rows; export the motion again"),
        (
            HEAD + "knee\thip\n1\t2\n",
            "motion.mot:3: has no 'time' column among its 2 labels (knee, hip); add one with seconds",
        ),
        (HEAD + "time\tTime\n1\t2\n", "motion.mot:3: has two time columns; remove one of them"),
        (
            HEAD + "time\tknee\tknee\n1\t2\t3\n",
            "motion.mot:3: has two columns labelled 'knee'; rename or remove one of the columns",
        ),
        (HEAD + "time\t\tknee\n1\t2\t3\n", "motion.mot:3: column 2 has no label; name every column"),
        (
            HEAD + "0\t1\t2\n1\t2\t3\n",
            "motion.mot:3: has numbers where the column labels should be; put the labels after 'endheader'",
        ),
        (
            HEAD + LABELS + "0\t1\t2\n\n1\t2\n",
            "motion.mot:6: row 2 has 2 of 3 values; every row needs one value for each label",
        ),
        (
            HEAD + LABELS + "0\t1\t2\t3\n1\t2\n",
            "motion.mot:4: row 1 has 4 of 3 values; every row needs one value for each label",
        ),
        (
            HEAD + LABELS + "0\t\t2\n",
            "motion.mot:4: row 1 has 2 of 3 values (nothing in column 'knee'); "
            "every row needs one value for each label",
        ),
        (
            HEAD + LABELS + "0\t1\t2\n1\tabc\t3\n",
            "motion.mot:5: column 'knee' holds 'abc' in row 2, which is not a number; put a number there",
        ),
        (
            HEAD + LABELS + "0\t1\t2x\n",
            "motion.mot:4: column 'hip' holds '2x' in row 1, which is not a number; put a number there",
        ),
        (
            HEAD + LABELS + "0\t1,5\t2\n",
            "motion.mot:4: column 'knee' holds '1,5' in row 1, which is not a number; "
            "write numbers with a decimal point",
        ),
        (
            HEAD + LABELS + "0\t1_000\t2\n",
            "motion.mot:4: column 'knee' holds '1_000' in row 1, which is not a number; put a number there",
        ),
        (
            HEAD + LABELS + "0\t1\t\u0662\n",
            "motion.mot:4: column 'hip' holds '\u0662' in row 1, which is not a number; put a number there",
        ),
        (
            HEAD + LABELS + "0\t1\u00a02\t3\n",
            "motion.mot:4: column 'knee' holds '1 2' in row 1, which is not a number; put a number there",
        ),
        (HEAD + LABELS + "0\t1\t2\nnan\t1\t2\n", "motion.mot:5: row 2 has no time (nan); mend that row"),
        (
            HEAD + LABELS + "0\t1\t2\n0.5\t1\t2\n\n0.5\t1\t2\n",
            "motion.mot:7: time 0.5 in row 3 does not come after 0.5; sort the rows and drop repeated ones",
        ),
        (
            HEAD + LABELS + "0\t1\t2\n-1\t1\t2\n",
            "motion.mot:5: time -1.0 in row 2 does not come after 0.0; sort the rows and drop repeated ones",
        ),
        (
            OPENSIM_3.replace("nColumns=3", "nColumns=4") + LABELS + ROWS,
            "motion.mot:4: the header says nColumns 4, but there are 3 column labels with time; "
            "correct the number, or the labels if one is missing",
        ),
        (
            SIMM.replace("datacolumns 3", "datacolumns 2") + LABELS + ROWS,
            "motion.mot:2: the header says datacolumns 2, but there are 3 column labels with time; "
            "correct the number, or the labels if one is missing",
        ),
        (
            "inDegrees=yes\nversion=1\ninDegrees=no\nendheader\n" + LABELS + ROWS,
            "motion.mot:3: inDegrees=no contradicts inDegrees=yes in line 1; keep the line that is true",
        ),
        (
            "version=1\ninDegrees=maybe\nendheader\n" + LABELS + ROWS,
            "motion.mot:2: inDegrees=maybe is neither yes nor no; write yes or no",
        ),
        (
            "version=3\nDataType=Vec3\nendheader\ntime\tknee\n0\t1,2,3\n",
            "motion.mot:2: holds Vec3 values in each column, not numbers; "
            "export joint angles (.mot), or for markers a .trc file",
        ),
        (
            "version=3\nDataType=Quaternion\nendheader\ntime\tknee\n0\t1,0,0,0\n",
            "motion.mot:2: holds Quaternion values in each column, not numbers; "
            "export joint angles (.mot), or for markers a .trc file",
        ),
    ],
)
def test_malformed_file_is_refused_by_one_line(tmp_path: Path, text: str | bytes, line: str) -> None:
    assert refusal(tmp_path, text) == line


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.mot: there is no such file; check its name and folder$"):
        read_table(tmp_path / "none.mot")
    with pytest.raises(InputError, match=r"is a folder, not a file; name the file inside it$"):
        read_table(tmp_path)


def test_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", deny)
    with pytest.raises(InputError, match=r"a\.mot: cannot be read \(Permission denied\); check its permissions$"):
        read_table(tmp_path / "a.mot")


def test_random_bytes_never_raise_anything_else(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    good = (OPENSIM_3 + LABELS + ROWS).encode()
    for _ in range(300):
        broken = bytearray(good)
        for place in random.integers(0, len(good), size=3):
            broken[place] = random.integers(1, 256)
        with contextlib.suppress(InputError):
            table = table_of(tmp_path, bytes(broken))
            assert table.values.shape == (len(table.time), len(table.labels))


def opensim_table(path: Path) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    table = opensim.TimeSeriesTable(str(path))
    return tuple(table.getColumnLabels()), np.array(table.getIndependentColumn()), table.getMatrix().to_numpy()


def storage_column(storage: opensim.Storage, label: str) -> np.ndarray:
    column = opensim.ArrayDouble()
    storage.getDataColumn(label, column)
    return np.array([column.get(row) for row in range(column.size())])


@pytest.mark.parametrize("seed", range(4))
def test_written_table_reads_back_exactly_here_and_in_opensim(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, columns = random.integers(1, 40, size=2)
    values = random.normal(size=(rows, columns)) * 10.0 ** random.integers(-300, 300, size=(rows, columns))
    values[random.random(size=values.shape) < 0.1] = 0.0
    time = np.cumsum(random.random(rows) + 1e-9)
    labels = [f"/jointset/joint_{i}/q{i}/value" for i in range(columns)]
    path = tmp_path / "states.sto"
    write_sto(path, time, labels, values, in_degrees=False, name="states")

    table = read_table(path)
    assert (table.labels, table.in_degrees, table.header["name"]) == (tuple(labels), False, "states")
    np.testing.assert_array_equal(table.time, time)
    np.testing.assert_array_equal(table.values, values)
    their_labels, their_time, their_values = opensim_table(path)
    assert their_labels == table.labels
    np.testing.assert_array_equal(their_time, time)
    np.testing.assert_array_equal(their_values, values)
    storage = opensim.Storage(str(path))
    assert not storage.isInDegrees()
    for label, column in zip(labels, values.T, strict=True):
        np.testing.assert_array_equal(storage_column(storage, label), column)


def test_table_written_by_opensim_reads_as_opensim_reads_it(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(7, 3))
    table = opensim.TimeSeriesTable()
    table.setColumnLabels(["a", "b", "c"])
    for index, row in enumerate(values):
        table.appendRow(index / 3, opensim.RowVector(row.tolist()))
    table.addTableMetaDataString("inDegrees", "yes")
    path = tmp_path / "theirs.sto"
    opensim.STOFileAdapter.write(table, str(path))
    ours = read_table(path)
    assert (ours.labels, ours.in_degrees) == (("a", "b", "c"), True)
    np.testing.assert_array_equal(ours.time, opensim_table(path)[1])
    np.testing.assert_array_equal(ours.values, opensim_table(path)[2])
    np.testing.assert_allclose(ours.values, values, rtol=1e-15)  # opensim writes 16 digits


def test_written_nan_is_nan_to_opensim_tables(tmp_path: Path) -> None:
    path = tmp_path / "gaps.sto"
    write_sto(path, np.arange(2.0), ["a", "b"], np.array([[1.0, np.nan], [3.0, 2.0]]), in_degrees=False, name="x")
    np.testing.assert_array_equal(opensim_table(path)[2], [[1.0, np.nan], [3.0, 2.0]])
    np.testing.assert_array_equal(read_table(path).values, [[1.0, np.nan], [3.0, 2.0]])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"labels": ["a"]}, r"\(2,\) times, \(2, 2\) values and 1 labels do not fit together"),
        ({"labels": ["a", "b c"]}, "the label 'b c' is empty or has blanks in it"),
        ({"labels": ["a", ""]}, "the label '' is empty or has blanks in it"),
        ({"labels": ["a", "a"]}, "two columns have the same label"),
        ({"labels": ["a", "time"]}, "two columns have the same label"),
        ({"time": np.zeros(2)}, "the times do not increase from row to row"),
        ({"time": np.empty(0), "values": np.empty((0, 2))}, "there are no frames to write"),
        ({"values": VALUES * np.array([1.0, np.inf])}, "column 'b' is infinite in row 1"),
        ({"name": "endheader"}, "the name 'endheader' cannot head a table"),
    ],
)
def test_table_that_no_reader_would_take_is_not_written(tmp_path: Path, arguments: dict, problem: str) -> None:
    given = {"time": TIME, "labels": ["a", "b"], "values": VALUES, "in_degrees": True, "name": "x", **arguments}
    with pytest.raises(InputError, match=problem):
        write_sto(tmp_path / "out.sto", **given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not DATA.exists(), reason=f"the real capture is not at {DATA}")
def test_real_motion_is_what_opensim_reads() -> None:
    table = read_table(DATA / "motion.mot")
    labels, time, values = opensim_table(DATA / "motion.mot")
    assert (table.labels, table.in_degrees, table.warnings) == (labels, True, ())
    np.testing.assert_array_equal(table.time, time)
    np.testing.assert_array_equal(table.values, values)
