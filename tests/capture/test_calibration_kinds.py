"""Calibrations of other programs: what OpenCV, numpy and published values say against what is read."""

import json
import pickle

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.simspine_addon.capture.calibration import CalibrationWarning, read_calibration, write_calibration
from simspine.simspine_addon.capture.calibration_easymocap import read_storage
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.capture.projection import project
from simspine.simspine_addon.model.errors import InputError

POINT = np.array([0.3, 1.2, -0.4])  # in ground: X forward, Y up, Z right
Z_UP = POINT[[2, 0, 1]]
K = np.array([[1145.1, 0, 512.5], [0, 1143.7, 515.4], [0, 0, 1]])
DISTORTION = np.array([-0.2, 0.24, -0.001, -0.0014, -0.003])
TURN = Rotation.from_rotvec([1.7, 1.1, -0.4]).as_matrix()
SHIFT = np.array([0.3, 0.9, 4.5])  # m


def sees(camera, in_file, R=TURN, t=SHIFT, distortion=DISTORTION):
    """Whether the camera sees POINT of ground where OpenCV sees the file's point by the file's values."""
    expected = cv2.projectPoints(np.asarray(in_file)[None], cv2.Rodrigues(R)[0], t, K, distortion)[0].ravel()
    pixels, _ = project(camera, POINT)
    return np.allclose(pixels, expected, atol=1e-6)


# EasyMocap


def easymocap(folder, rotation="R", with_size=True):
    intrinsics = cv2.FileStorage(str(folder / "intri.yml"), cv2.FILE_STORAGE_WRITE)
    extrinsics = cv2.FileStorage(str(folder / "extri.yml"), cv2.FILE_STORAGE_WRITE)
    for file in (intrinsics, extrinsics):
        file.startWriteStruct("names", cv2.FileNode_SEQ)
        for name in ("01", "left"):
            file.write("", name)
        file.endWriteStruct()
    for name in ("01", "left"):
        intrinsics.write(f"K_{name}", K)
        intrinsics.write(f"dist_{name}", DISTORTION[None])
        if with_size:
            intrinsics.write(f"H_{name}", 1080.0)
            intrinsics.write(f"W_{name}", 1920)
        if rotation == "R":
            extrinsics.write(f"R_{name}", cv2.Rodrigues(TURN)[0])
        extrinsics.write(f"Rot_{name}", TURN)
        extrinsics.write(f"T_{name}", SHIFT[:, None])
    intrinsics.release()
    extrinsics.release()
    return folder


@pytest.mark.parametrize("rotation", ["R", "Rot"])
@pytest.mark.parametrize("named", ["", "intri.yml", "extri.yml"])
def test_easymocap_as_opencv_writes_it(tmp_path, rotation, named):
    cameras = read_calibration(easymocap(tmp_path, rotation) / named)
    assert [camera.name for camera in cameras] == ["01", "left"]
    assert cameras[0].size == (1920, 1080)
    assert all(sees(camera, Z_UP) for camera in cameras)


def test_easymocap_as_its_own_writer_has_it(tmp_path):
    """EasyMocap writes numbers of three decimals by itself; its rotation matrix is then none to the last digit."""
    easymocap(tmp_path)
    rows = "\n".join(
        f"{key}:  !!opencv-matrix\n  rows: {value.shape[0]}\n  cols: {value.shape[1]}\n  dt: d\n"
        f"  data: [{', '.join(f'{each:.3f}' for each in value.ravel())}]"
        for key, value in (("Rot_01", TURN), ("T_01", SHIFT[:, None]), ("Rot_left", TURN), ("T_left", SHIFT[:, None]))
    )
    (tmp_path / "extri.yml").write_text(f'%YAML:1.0\r\n---\r\nnames:\r\n  - "01"\r\n  - "left"\r\n{rows}\n')
    camera = read_calibration(tmp_path)[0]
    assert np.allclose(camera.R @ camera.R.T, np.eye(3), atol=1e-12)
    assert np.abs(project(camera, POINT)[0] - project(read_reference(tmp_path), POINT)[0]).max() < 2.0


def read_reference(folder):
    (folder / "exact").mkdir()
    return read_calibration(easymocap(folder / "exact"))[0]


def test_storage_reads_what_opencv_reads(tmp_path):
    random = np.random.default_rng(0)
    wide = random.normal(size=(4, 9)) * 10.0 ** random.integers(-12, 12, (4, 9))
    file = cv2.FileStorage(str(tmp_path / "a.yml"), cv2.FILE_STORAGE_WRITE)
    file.write("wide", wide)
    file.write("whole", np.arange(6, dtype=np.int32).reshape(2, 3))
    file.write("real", -1.25e-7)
    file.write("text", "two words")
    file.release()
    entries = read_storage(tmp_path / "a.yml")
    again = cv2.FileStorage(str(tmp_path / "a.yml"), cv2.FILE_STORAGE_READ)
    assert np.array_equal(entries["wide"], again.getNode("wide").mat())
    assert np.array_equal(entries["whole"], again.getNode("whole").mat())
    assert entries["real"] == again.getNode("real").real()
    assert entries["text"] == again.getNode("text").string()


def test_easymocap_without_sizes_takes_the_one_that_is_given(tmp_path):
    easymocap(tmp_path, with_size=False)
    with pytest.raises(InputError, match=r"W_01, H_01.*give their size"):
        read_calibration(tmp_path)
    assert read_calibration(tmp_path, size=(1280, 720))[1].size == (1280, 720)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("extri.yml", "T_left", "TT_left", r"extri.yml: has no 'T_left'"),
        ("intri.yml", "dt: d", "dt d", r"intri.yml:\d+: is no matrix"),
        ("intri.yml", "rows: 3", "rows: 2", r"matrix of 9 numbers for 2 x 3"),
        ("intri.yml", "names:", "nams:", r"has no list 'names'|two cameras"),
    ],
)
def test_easymocap_that_is_broken_is_refused_with_its_place(tmp_path, file, old, new, message):
    easymocap(tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    if old == "names:":
        (tmp_path / "extri.yml").write_text((tmp_path / "extri.yml").read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        read_calibration(tmp_path)


# OpenCap


def opencap_values():
    """As OpenCap has them: millimetres, height before width, and a vector that it calls Euler angles."""
    return {
        "distortion": DISTORTION[None],
        "intrinsicMat": K,
        "imageSize": np.array([[1280.0], [720.0]]),
        "rotation": TURN,
        "translation": 1000 * SHIFT[:, None],
        "rotation_EulerAngles": cv2.Rodrigues(TURN)[0],
    }


def opencap(folder, values=None, protocol=pickle.DEFAULT_PROTOCOL):
    for number in (0, 1, 10, 2):
        place = folder / "Videos" / f"Cam{number}"
        place.mkdir(parents=True)
        (place / "cameraIntrinsicsExtrinsics.pickle").write_bytes(pickle.dumps(values or opencap_values(), protocol))
    return folder


# How the board may be fixed, with the rotation (deg, about fixed axes, one after the other) by which OpenCap's main.py
# brings its world into OpenSim's ground for that `placement`, and the axes of the board that a level camera before it
# has to the right, down and away.
BOARDS = {
    "upright": ((("y", 90), ("z", 180)), np.eye(3)),
    "upside down": ((("y", -90),), np.diag([-1.0, -1.0, 1.0])),
    "on the floor": ((("x", 90), ("y", 90)), [[1, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "on the floor, the other way up": ((("x", -90), ("y", 90)), [[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
}


def on_the_board(rotations):
    """POINT of ground in the board's world."""
    point = POINT
    for axis, angle in reversed(rotations):
        point = Rotation.from_euler(axis, -angle, degrees=True).apply(point)
    return point


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("below", ["", "Videos"])
def test_opencap_session_of_any_pickle_protocol(tmp_path, protocol, below):
    tilted = Rotation.from_euler("yxz", [25, -12, 3], degrees=True).as_matrix()
    values = opencap_values() | {"rotation": np.asfortranarray(tilted)}
    with pytest.warns(CalibrationWarning, match="hang on the wall upright.*not from the floor"):
        cameras = read_calibration(opencap(tmp_path, values, protocol) / below)
    assert [camera.name for camera in cameras] == ["Cam0", "Cam1", "Cam2", "Cam10"]
    assert cameras[0].size == (720, 1280)
    assert all(sees(camera, on_the_board(BOARDS["upright"][0]), R=tilted) for camera in cameras)


@pytest.mark.parametrize("board", BOARDS)
def test_opencaps_world_is_turned_as_opencap_turns_it(tmp_path, board):
    """A level camera sees people upright, and they face it, however the board was fixed."""
    rotations, seen = BOARDS[board]
    values = opencap_values() | {"rotation": np.array(seen, float), "translation": np.array([0, 0, 4000.0])}
    with pytest.warns(CalibrationWarning, match=board.split(",")[0].removeprefix("on the ")):
        camera = read_calibration(opencap(tmp_path, values))[0]
    assert sees(camera, on_the_board(rotations), R=np.array(seen, float), t=np.array([0, 0, 4.0]))
    assert np.allclose(camera.R @ [0, 1, 0], [0, -1, 0])  # up in the world is up in the picture
    if "other" not in board:
        assert np.allclose(camera.R @ [1, 0, 0], [0, 0, -1])  # forward is towards the camera
        assert np.allclose(camera.center, [4, 0, 0])


@pytest.mark.filterwarnings("ignore:.*checkerboard was taken")
def test_a_picture_that_lies_beside_its_principal_point_is_warned_of(tmp_path):
    """Such as that of a phone that was turned after its lens had been measured."""
    values = opencap_values() | {"imageSize": np.array([[500.0], [1280.0]])}
    with pytest.warns(CalibrationWarning, match=r"Cam0 \(512, 515 of 1280x500\).*are width and height swapped"):
        read_calibration(opencap(tmp_path, values))


class Harmful:
    def __reduce__(self):
        return (print, ("this ran",))


class Address:
    """An array of objects over bytes of a stranger's choice, which numpy takes for their addresses."""

    def __init__(self, kind="O"):
        self.kind = kind

    def __reduce__(self):
        return (np.ndarray, ((1,), np.dtype(self.kind), b"\x41" * 16))


def nested(depth=30):
    """Lists that hold each other twice: a few bytes that stand for 2^30 numbers."""
    value = [1.0, 1.0]
    for _ in range(depth):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rotation": Harmful()}, "wants to run 'builtins.print'.*do not trust"),
        ({"rotation": Address()}, "array of 'O8'|by its address"),
        ({"rotation": Address("f8")}, "by its address"),
        ({"rotation": np.zeros(1, [("a", "O")])}, "not of numbers"),
        ({"rotation": np.zeros(1, "V8")}, "not of numbers"),
        ({"rotation": np.zeros(2_000_000)}, "more than 1000000 numbers"),
        ({"rotation": nested()}, "list where an array should be"),
        ({"a": np.array([Harmful()], dtype=object)}, "wants to run|not of numbers"),
        ([1, 2], "holds a list"),
        ({"intrinsicMat": K}, "has no array 'distortion'"),
        (opencap_values() | {"rotation": -TURN}, "no rotation matrix"),
        (opencap_values() | {"translation": np.array([0, np.nan, 0])}, "not finite"),
    ],
)
def test_a_pickle_of_anything_but_opencaps_arrays_is_refused_unopened(tmp_path, capsys, values, message):
    path = tmp_path / "cam.pickle"
    path.write_bytes(pickle.dumps(values))
    with pytest.raises(InputError, match=message):
        read_calibration(path)
    assert capsys.readouterr().out == ""
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError):
        read_calibration(path)


# Human3.6M: the camera 54138969 of subject 1, as it is published in many places

QUATERNION = np.array([0.1407056450843811, -0.1500701755285263, -0.755240797996521, 0.6223280429840088])
CENTRE_MM = np.array([1841.1070556640625, 4955.28466796875, 1563.4454345703125])
FOCAL, PRINCIPAL = (1145.0494384765625, 1143.7811279296875), (512.54150390625, 515.4514770507812)
RADIAL = (-0.20709891617298126, 0.24777518212795258, -0.0030751503072679043)
TANGENTIAL = (-0.0009756988729350269, -0.00142447161488235)


def human36m_metadata(path):
    """The document with that camera as the first one of all subjects; the others turn about the upright axis."""
    to_world = Rotation.from_quat(QUATERNION[[1, 2, 3, 0]])
    numbers = np.zeros(300)
    for camera in range(4):
        about = Rotation.from_euler("z", 90 * camera, degrees=True)
        angles = (about * to_world).inv().as_euler("XYZ")
        for subject in range(11):
            first = 6 * (11 * camera + subject)
            numbers[first : first + 6] = [*angles, *(about.apply(CENTRE_MM) + np.array([subject, 0, 0]))]
        numbers[264 + 9 * camera :][:9] = [*FOCAL, *PRINCIPAL, *RADIAL, *TANGENTIAL]
    names = "".join(f"<id>{name}</id>" for name in (54138969, 55011271, 58860488, 60457274))
    text = " ".join(repr(float(number)) for number in numbers)
    inside = f"<dbcameras><index2id>{names}</index2id></dbcameras><w0>[{text}]</w0>"
    path.write_text(f"<?xml version='1.0'?>\n<metadata>{inside}</metadata>")
    return path


def human36m_json(path, subjects=("S1",)):
    R = Rotation.from_quat(QUATERNION[[1, 2, 3, 0]]).inv().as_matrix()
    pose = {"R": R.tolist(), "t": (-R @ CENTRE_MM)[:, None].tolist()}
    lens = [[FOCAL[0], 0, PRINCIPAL[0]], [0, FOCAL[1], PRINCIPAL[1]], [0, 0, 1]]
    bent = [*RADIAL[:2], *TANGENTIAL, RADIAL[2]]
    document = {
        "extrinsics": {subject: {"54138969": pose} for subject in subjects},
        "intrinsics": {"54138969": {"calibration_matrix": lens, "distortion": bent}},
    }
    path.write_text(json.dumps(document))
    return path


def human36m_one_subject(path):
    R = Rotation.from_quat(QUATERNION[[1, 2, 3, 0]]).inv().as_matrix()
    pose = {"R": R.tolist(), "t": (-R @ CENTRE_MM).tolist(), "f": FOCAL, "c": PRINCIPAL}
    path.write_text(json.dumps({"1": pose}))
    return path


def check_human36m(camera, bent=True):
    assert (camera.name, camera.size) == ("54138969", (1000, 1002))
    assert np.allclose(camera.center, CENTRE_MM[[1, 2, 0]] / 1000, atol=1e-6)  # X_file = (z, x, y) of ground
    # The middle of the room, at breast height, lies near the picture's middle, upright and some 5 m away.
    pixels, depth = project(camera, np.array([[0.0, 0.9, 0.0], [0.0, 1.8, 0.0]]))
    assert np.abs(pixels[0] - [500, 500]).max() < 150
    assert pixels[1, 1] < pixels[0, 1] - 100
    assert np.allclose(depth, 5.2, atol=0.5)
    assert camera.distortion.tolist() == ([*RADIAL[:2], *TANGENTIAL, RADIAL[2]] if bent else [])


def test_human36m_by_its_own_document(tmp_path):
    cameras = read_calibration(human36m_metadata(tmp_path / "metadata.xml"), subject="S1")
    assert [camera.size[1] for camera in cameras] == [1002, 1000, 1000, 1002]
    check_human36m(cameras[0])
    fifth = read_calibration(f"{tmp_path}/metadata.xml#S5")[0]
    assert np.allclose(fifth.center - cameras[0].center, [0, 0, 0.004], atol=1e-9)
    assert read_calibration(f"{tmp_path}#S5")[0].center.tolist() == fifth.center.tolist()


def test_human36m_as_json(tmp_path):
    check_human36m(read_calibration(human36m_json(tmp_path / "cameras.json"))[0])
    check_human36m(read_calibration(str(human36m_json(tmp_path / "many.json", ("S1", "S9"))) + "#S9")[0])
    check_human36m(read_calibration(human36m_one_subject(tmp_path / "Human36M_subject1_camera.json"))[0], bent=False)


def test_several_subjects_ask_for_one(tmp_path):
    for path in (human36m_metadata(tmp_path / "metadata.xml"), human36m_json(tmp_path / "a.json", ("S1", "S9"))):
        with pytest.raises(InputError, match=r"holds several subjects; name one behind the path, such as #S1"):
            read_calibration(path)
        with pytest.raises(InputError, match=r"has no subject 'S77'"):
            read_calibration(path, subject="S77")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("metadata.xml", "<a/>", "has no <w0>"),
        ("metadata.xml", "<a><w0>[1 2 3]</w0></a>", "<w0> of 3 numbers, not 300"),
        ("metadata.xml", "<a><w0>[1 x]</w0></a>", "no number"),
        ("metadata.xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "document type or entities"),
        ("a.json", "{", "not valid JSON"),
        ("a.json", "[]", "no table of cameras"),
        ("a.json", '{"1": {"R": 3}}', "camera '1' has no 't'"),
        ("a.json", '{"1": {"R": [[1,0],[0,1]], "t": [0,0,0], "f": [1,1], "c": [0,0]}}', "R has the shape"),
        ("a.npz", "zip", "is no .npz"),
        ("a.txt", "x", "is no calibration of a known kind; calibrations are a .toml"),
    ],
)
def test_what_is_no_calibration_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_calibration(tmp_path / name)
    assert "\n" not in str(caught.value)


# SIMSPINE's folder, arrays


def some_cameras():
    return tuple(Camera(name, (1100, 1000), K, TURN, SHIFT, "brown_conrady", DISTORTION) for name in ("a", "b"))


def test_a_simspine_folder_holds_a_calibration_for_each_subject(tmp_path):
    (tmp_path / "cameras").mkdir()
    write_calibration(tmp_path / "cameras" / "Calib_S1.toml", some_cameras(), world="pose2sim")
    assert np.allclose(read_calibration(tmp_path)[1].R, TURN)
    write_calibration(tmp_path / "cameras" / "Calib_S9.toml", some_cameras()[:1], world="pose2sim")
    with pytest.raises(InputError, match=r"several subjects.*S1, S9"):
        read_calibration(tmp_path)
    assert len(read_calibration(f"{tmp_path}#S9")) == 1


def test_arrays_of_an_npz(tmp_path):
    arrays = {"K": [K, K], "R": [TURN, TURN], "t": np.array([SHIFT, SHIFT]) * 1000, "size": [1100, 1000]}
    np.savez(tmp_path / "c.npz", **arrays, dist=[DISTORTION] * 2, units="mm", names=["a", "b"])
    cameras = read_calibration(tmp_path / "c.npz")
    assert [(camera.name, camera.size) for camera in cameras] == [("a", (1100, 1000)), ("b", (1100, 1000))]
    assert all(sees(camera, Z_UP) for camera in cameras)
    np.savez(tmp_path / "d.npz", K=[K], R=[TURN, TURN], t=[SHIFT], size=[1100, 1000])
    with pytest.raises(InputError, match="K has 1 cameras, but R has 2"):
        read_calibration(tmp_path / "d.npz")
    np.savez(tmp_path / "e.npz", K=np.array([Harmful()], dtype=object))
    with pytest.raises(InputError, match="plain arrays"):
        read_calibration(tmp_path / "e.npz")


def test_an_empty_folder_an_unknown_world_and_a_missing_path_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds no calibration of a known kind"):
        read_calibration(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_calibration(tmp_path / "none.json")
    with pytest.raises(InputError, match="world 'mars' is unknown"):
        read_calibration(tmp_path, "mars")
