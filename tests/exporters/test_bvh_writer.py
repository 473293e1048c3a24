"""BVH files, read by a small reader of the test's own: places, rotations, times, names, shapes of odd motions."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.exporters.bvh_writer import BvhReport, write_bvh
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.kinematics.pose_track import PoseTrack
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion import read_motion

ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


class PlainReader:
    """The least that reads a BVH file as the format's description has it, word by word."""

    def __init__(self, path: Path) -> None:
        self.words = path.read_text("ascii").split()
        self.at = 0
        self.parents: dict[str, str | None] = {}
        self.offsets: dict[str, np.ndarray] = {}
        self.channels: dict[str, list[str]] = {}
        self.ends: dict[str, np.ndarray] = {}
        self.roots: list[str] = []
        assert self.word() == "HIERARCHY"
        while self.words[self.at] == "ROOT":
            self.word()
            self.roots.append(self.words[self.at])
            self.joint(None)
        assert [self.word(), self.word()] == ["MOTION", "Frames:"]
        self.frames = int(self.word())
        assert [self.word(), self.word()] == ["Frame", "Time:"]
        self.frame_time = float(self.word())
        count = sum(len(names) for names in self.channels.values())
        self.values = np.array([float(word) for word in self.words[self.at :]]).reshape(self.frames, count)

    def word(self) -> str:
        self.at += 1
        return self.words[self.at - 1]

    def joint(self, parent: str | None) -> None:
        name = self.word()
        self.parents[name] = parent
        assert [self.word(), self.word()] == ["{", "OFFSET"]
        self.offsets[name] = np.array([float(self.word()) for _ in range(3)])
        assert self.word() == "CHANNELS"
        self.channels[name] = [self.word() for _ in range(int(self.word()))]
        while (word := self.word()) != "}":
            if word == "JOINT":
                self.joint(name)
                continue
            assert [word, self.word(), self.word(), self.word()] == ["End", "Site", "{", "OFFSET"]
            self.ends[name] = np.array([float(self.word()) for _ in range(3)])
            assert self.word() == "}"

    def poses(self, values: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, Rotation]]:
        """Places and rotations of the joints for rows of `values`."""
        places, turns = {}, {}
        column = 0
        for name, channels in self.channels.items():
            own = values[:, column : column + len(channels)]
            column += len(channels)
            place = np.tile(self.offsets[name], (len(values), 1))
            if channels[0].endswith("position"):
                place, channels, own = own[:, :3], channels[3:], own[:, 3:]
            turn = Rotation.from_euler("".join(channel[0] for channel in channels), own, degrees=True)
            parent = self.parents[name]
            places[name] = place if parent is None else places[parent] + turns[parent].apply(place)
            turns[name] = turn if parent is None else turns[parent] * turn
        return places, turns


def chain(frames: int, seed: int = 0, speed: float = 1.0) -> PoseTrack:
    """Five bodies in a chain with a branch, origins away from the joints, all turning; none slides."""
    random = np.random.default_rng(seed)
    time = np.arange(frames) / 50.0
    parents = np.array([-1, 0, 1, 1, 3])
    places, centres = random.uniform(-0.4, 0.4, (5, 3)), random.uniform(-0.3, 0.3, (5, 3))
    axes = random.normal(size=(5, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)

    def posed(angles: np.ndarray, walk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        positions, rotations = np.zeros((len(angles), 5, 3)), np.zeros((len(angles), 5, 3, 3))
        for body, parent in enumerate(parents):
            turn = Rotation.from_rotvec(angles[:, body, None] * axes[body]).as_matrix()
            above = np.broadcast_to(np.eye(3), turn.shape) if parent < 0 else rotations[:, parent]
            joint = walk if parent < 0 else positions[:, parent] + above @ places[body]
            rotations[:, body] = above @ turn
            positions[:, body] = joint - rotations[:, body] @ centres[body]
        return positions, rotations

    angles = random.uniform(-1, 1, 5) + 1.2 * np.sin(speed * np.outer(time, random.uniform(1, 5, 5)))
    positions, rotations = posed(angles, np.outer(time, [1.0, 0.1, -0.2]))
    rest = posed(np.full((1, 5), 0.3), np.array([[0.0, 0.9, 0.0]]))
    names = ("pelvis", "spine", "head", "arm", "hand")
    return PoseTrack(time, names, parents, positions, rotations, centres, rest[0][0], rest[1][0])


def sample(name: str) -> PoseTrack:
    model = read_model(sample_model_path())
    return pose_track(model, read_motion(sample_motion_path(name), model))


def errors(track: PoseTrack, report: BvhReport, scale: float = 100.0) -> tuple[float, float]:
    """Largest distance in mm and largest angle in degrees between the file and the track, over all frames."""
    plain = PlainReader(report.path)
    places, turns = plain.poses(plain.values)
    distance = angle = 0.0
    for body, name in enumerate(track.names):
        joint = report.names[name]
        away = places[joint] / scale - track.joint_centres[:, body]
        wanted = Rotation.from_matrix(track.rotations[:, body] @ track.rest_rotations[body].T)
        distance = max(distance, 1e3 * np.linalg.norm(away, axis=1).max())
        angle = max(angle, np.degrees((wanted.inv() * turns[joint]).magnitude()).max())
    return distance, angle


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_keeps_places_and_rotations(tmp_path: Path, order: str) -> None:
    track = chain(80)
    distance, angle = errors(track, write_bvh(tmp_path / "a.bvh", track, order=order))
    assert distance < 1e-4
    assert angle < 1e-4


@pytest.mark.parametrize("name", ["walking", "lifting_with_twist"])
def test_sample_motions_arrive_whole(tmp_path: Path, name: str) -> None:
    track = sample(name)
    report = write_bvh(tmp_path / "a.bvh", track)
    distance, angle = errors(track, report)
    plain = PlainReader(report.path)
    assert distance < 1e-4
    assert angle < 1e-4
    assert plain.frames == len(track.time)
    assert abs(plain.frame_time * (plain.frames - 1) - (track.time[-1] - track.time[0])) < 1e-6


def test_real_capture_arrives_whole(tmp_path: Path, capture: Path) -> None:
    model = read_model(capture / "model.osim")
    track = pose_track(model, read_motion(capture / "motion.mot", model))
    distance, angle = errors(track, write_bvh(tmp_path / "a.bvh", track))
    assert distance < 1e-4
    assert angle < 1e-4


def test_angles_between_frames_do_not_flip(tmp_path: Path) -> None:
    """Half-way between two rows of angles the pose is near the middle of the two poses, for whole turns too."""
    track = chain(400, seed=3, speed=2.0)
    plain = PlainReader(write_bvh(tmp_path / "a.bvh", track).path)
    _, exact = plain.poses(plain.values)
    _, halved = plain.poses(0.5 * (plain.values[1:] + plain.values[:-1]))
    for name, turn in exact.items():
        middle = turn[:-1] * Rotation.from_rotvec(0.5 * (turn[:-1].inv() * turn[1:]).as_rotvec())
        step = np.degrees((turn[:-1].inv() * turn[1:]).magnitude()).max()
        assert np.degrees((middle.inv() * halved[name]).magnitude()).max() < 0.5 * step


def test_one_row_by_hand(tmp_path: Path) -> None:
    """A hinge at (0, 1, 0) turned by 90 degrees about z; the child body's origin lies away from its joint."""
    turn = Rotation.from_euler("z", 90, degrees=True).as_matrix()
    track = PoseTrack(
        time=np.array([0.0]),
        names=("base", "lever"),
        parents=np.array([-1, 0]),
        positions=np.array([[[0.5, 0.25, 0.0], [0.5, 1.25, 0.0] - turn @ [0.0, -0.2, 0.0]]]),
        rotations=np.array([[np.eye(3), turn]]),
        centres=np.array([[0.0, 0.0, 0.0], [0.0, -0.2, 0.0]]),
        rest_positions=np.array([[0.0, 0.0, 0.0], [0.0, 1.2, 0.0]]),
        rest_rotations=np.array([np.eye(3), np.eye(3)]),
    )
    path = write_bvh(tmp_path / "a.bvh", track, ends=np.array([[0, 1, 0], [0, 1.5, 0]])).path
    plain = PlainReader(path)
    assert plain.offsets["lever"].tolist() == [0.0, 100.0, 0.0]
    assert plain.ends["lever"].tolist() == [0.0, 50.0, 0.0]
    assert plain.channels["base"] == ["Xposition", "Yposition", "Zposition", "Zrotation", "Xrotation", "Yrotation"]
    assert plain.channels["lever"] == ["Zrotation", "Xrotation", "Yrotation"]
    assert path.read_text().splitlines()[-1] == " ".join(
        ["50.000000", "25.000000", "0.000000", *["0.000000"] * 3, "90.000000", "0.000000", "0.000000"]
    )


def test_only_sliding_joints_have_positions(tmp_path: Path) -> None:
    report = write_bvh(tmp_path / "a.bvh", sample("walking"))
    plain = PlainReader(report.path)
    assert {name for name, channels in plain.channels.items() if len(channels) == 6} == {"pelvis", *report.sliding}
    assert set(report.sliding) == {"tibia_l", "tibia_r", "patella_l", "patella_r"}


def test_loss_without_positions_is_what_the_file_loses(tmp_path: Path) -> None:
    track = sample("walking")
    report = write_bvh(tmp_path / "a.bvh", track, positions="root")
    assert {len(channels) for name, channels in PlainReader(report.path).channels.items() if name != "pelvis"} == {3}
    assert errors(track, report)[0] == pytest.approx(1e3 * report.largest_error_m, rel=1e-6)
    assert report.largest_error_m > 1e-3


def test_positions_on_all_joints(tmp_path: Path) -> None:
    track = chain(20)
    report = write_bvh(tmp_path / "a.bvh", track, positions="all")
    assert {len(channels) for channels in PlainReader(report.path).channels.values()} == {6}
    assert errors(track, report)[0] < 1e-4


@pytest.mark.parametrize(("unit", "scale"), [("m", 1.0), ("mm", 1000.0), (250.0, 250.0)])
def test_units(tmp_path: Path, unit: str | float, scale: float) -> None:
    track = chain(20)
    assert errors(track, write_bvh(tmp_path / "a.bvh", track, unit=unit), scale)[0] < 0.005


def test_z_up_turns_places_and_offsets(tmp_path: Path) -> None:
    track = chain(20)
    plain = PlainReader(write_bvh(tmp_path / "z.bvh", track, up="Z").path)
    places, _ = plain.poses(plain.values)
    x, y, z = (100.0 * track.joint_centres[:, 3]).T
    assert np.allclose(places["arm"], np.column_stack([x, -z, y]), atol=1e-4)
    x, y, z = 100.0 * (track.rest_joint_centres[3] - track.rest_joint_centres[1])
    assert np.allclose(plain.offsets["arm"], [x, -z, y], atol=1e-6)


def test_turned_about_the_vertical(tmp_path: Path) -> None:
    track = chain(20)
    plain = PlainReader(write_bvh(tmp_path / "a.bvh", track, turn_deg=-90.0).path)
    x, y, z = (100.0 * track.joint_centres[:, 4]).T
    assert np.allclose(plain.poses(plain.values)[0]["hand"], np.column_stack([-z, y, x]), atol=1e-4)


def test_first_frame_as_rest(tmp_path: Path) -> None:
    track = chain(20)
    plain = PlainReader(write_bvh(tmp_path / "a.bvh", track, rest="first").path)
    assert np.allclose(plain.values[0, 3:], 0.0, atol=1e-6)
    assert np.allclose(plain.offsets["hand"], 100 * (track.joint_centres[0, 4] - track.joint_centres[0, 3]), atol=1e-6)
    assert np.allclose(plain.poses(plain.values)[0]["hand"], 100 * track.joint_centres[:, 4], atol=1e-4)


def test_several_bodies_on_ground_hang_on_one_root(tmp_path: Path) -> None:
    track = chain(10)
    track = PoseTrack(
        track.time, ("root", *track.names[1:]), np.array([-1, 0, -1, 1, 3]), *(getattr(track, name) for name in
        ("positions", "rotations", "centres", "rest_positions", "rest_rotations"))
    )  # fmt: skip
    report = write_bvh(tmp_path / "a.bvh", track)
    plain = PlainReader(report.path)
    assert plain.roots == ["_root"] == [report.root]
    assert not np.any(plain.values[:, :6])
    assert errors(track, report)[0] < 1e-4


def test_end_sites_are_as_long_as_the_bones(tmp_path: Path) -> None:
    track = chain(3)
    ends = track.rest_joint_centres + np.array([0.0, 0.0, 0.07])
    plain = PlainReader(write_bvh(tmp_path / "a.bvh", track, ends=ends).path)
    assert set(plain.ends) == {"head", "hand"}
    assert plain.ends["hand"].tolist() == pytest.approx([0.0, 0.0, 7.0])


def test_a_motion_of_one_frame(tmp_path: Path) -> None:
    report = write_bvh(tmp_path / "a.bvh", chain(1))
    plain = PlainReader(report.path)
    assert plain.frames == report.frames == 1
    assert plain.frame_time > 0.0
    assert errors(chain(1), report)[0] < 1e-4


def test_a_motion_of_no_frames_becomes_its_rest_pose(tmp_path: Path) -> None:
    track = chain(0)
    report = write_bvh(tmp_path / "a.bvh", track)
    plain = PlainReader(report.path)
    places, _ = plain.poses(plain.values)
    assert np.allclose(places["hand"], 100 * track.rest_joint_centres[4], atol=1e-4)
    assert "no frames" in report.warnings[0]


def test_long_motions_are_written_in_blocks_that_fit(tmp_path: Path) -> None:
    track = chain(20_000)
    report = write_bvh(tmp_path / "a.bvh", track)
    lines = report.path.read_text().split("MOTION\n")[1].splitlines()
    assert lines[0] == "Frames: 20000"
    assert len(lines) == 20_002
    assert errors(track, report)[0] < 1e-4


def test_frame_time_keeps_all_its_digits(tmp_path: Path) -> None:
    track = chain(100)
    report = write_bvh(tmp_path / "a.bvh", track, fps=60.0)
    text = report.path.read_text()
    assert f"Frame Time: {1 / 60:.17g}\n" in text
    assert PlainReader(report.path).frame_time == 1 / 60


def test_rounded_time_stamps_of_60_hertz_give_60_hertz(tmp_path: Path) -> None:
    track = chain(100)
    times = np.round(np.arange(100) / 60.0, 8)
    track = PoseTrack(times, *(getattr(track, name) for name in track.__slots__[1:]))
    assert write_bvh(tmp_path / "a.bvh", track).frame_time == 1 / 60


def test_uneven_times_are_resampled_and_told(tmp_path: Path) -> None:
    track = chain(60)
    times = np.concatenate([np.arange(30), np.arange(30) + 34]) / 50.0
    track = PoseTrack(times, *(getattr(track, name) for name in track.__slots__[1:]))
    report = write_bvh(tmp_path / "a.bvh", track)
    assert report.frames == 64
    assert "uneven" in report.warnings[0]


def test_names_become_safe_and_stay_distinct(tmp_path: Path) -> None:
    track = chain(2)
    names = ("Hüfte links/oben", "Hufte", "été", "Huefte_links_oben", "日本")
    track = PoseTrack(track.time, names, *(getattr(track, name) for name in track.__slots__[2:]))
    report = write_bvh(tmp_path / "a.bvh", track)
    assert list(report.names.values()) == ["Huefte_links_oben_2", "Hufte", "ete", "Huefte_links_oben", "joint"]
    assert set(PlainReader(report.path).parents) == set(report.names.values())


@pytest.mark.parametrize(
    "choices",
    [{"order": "XYX"}, {"unit": "parsec"}, {"unit": -1.0}, {"up": "X"}, {"rest": "T"}, {"positions": "some"},
     {"root_offset": "x"}, {"fps": 0.0}, {"turn_deg": np.nan}, {"ends": np.zeros((2, 3))}],
)  # fmt: skip
def test_impossible_choices_are_refused_in_one_line(tmp_path: Path, choices: dict) -> None:
    with pytest.raises(InputError) as refusal:
        write_bvh(tmp_path / "a.bvh", chain(3), **choices)
    assert "\n" not in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_a_pose_that_is_not_finite_is_refused_with_its_place(tmp_path: Path) -> None:
    track = chain(2000)
    track.rotations[1500, 3, 0, 0] = np.nan
    with pytest.raises(InputError, match=r"'arm' at 30 s"):
        write_bvh(tmp_path / "a.bvh", track)
    assert not list(tmp_path.iterdir())


def test_a_scaled_pose_is_refused(tmp_path: Path) -> None:
    track = chain(5)
    track.rotations[:, 2] *= 1.1
    with pytest.raises(InputError, match="'head' at 0 s is scaled"):
        write_bvh(tmp_path / "a.bvh", track)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder"):
        write_bvh(tmp_path / "none" / "a.bvh", chain(2))


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_interrupted_export_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def broken(values: np.ndarray) -> Iterator[bytes]:
        yield b"0 0 0"
        raise failure

    path = tmp_path / "a.bvh"
    before = write_bvh(path, chain(3)).path.read_bytes()
    monkeypatch.setattr("simspine.exporters.bvh_writer.fixed_rows", broken)
    with pytest.raises((KeyboardInterrupt, InputError)):
        write_bvh(path, chain(9))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_motion_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = (write_bvh(tmp_path / name, chain(30)).path.read_bytes() for name in ("a.bvh", "b.bvh"))
    assert one == other
