"""What other programs write as BVH: read where it means one thing, refused in one line with its place where not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from simspine.exporters.bvh_reader import read_bvh
from simspine.simspine_addon.model.errors import InputError

PLAIN = """HIERARCHY
ROOT Hips
{
\tOFFSET 0.0 0.0 0.0
\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
\tJOINT Spine
\t{
\t\tOFFSET 0.0 10.0 0.0
\t\tCHANNELS 3 Zrotation Xrotation Yrotation
\t\tEnd Site
\t\t{
\t\t\tOFFSET 0.0 5.0 0.0
\t\t}
\t}
\tJOINT Leg
\t{
\t\tOFFSET 3.0 -1.0 0.0
\t\tCHANNELS 3 Zrotation Xrotation Yrotation
\t\tEnd Site
\t\t{
\t\t\tOFFSET 0.0 -40.0 0.0
\t\t}
\t}
}
MOTION
Frames: 2
Frame Time: 0.0333333
0 90 0 0 0 0 0 0 0 0 0 0
1 90 0 90 0 0 90 0 0 0 0 90
"""


def test_plain_file(write: Callable[..., Path]) -> None:
    motion = read_bvh(write(PLAIN, "a.bvh"))
    assert motion.names == ("Hips", "Spine", "Leg")
    assert motion.parents.tolist() == [-1, 0, 0]
    assert motion.offsets.tolist() == [[0, 0, 0], [0, 10, 0], [3, -1, 0]]
    assert [(joint, end.tolist()) for joint, end in motion.end_sites] == [(1, [0, 5, 0]), (2, [0, -40, 0])]
    assert motion.values.shape == (2, 12)
    assert motion.time.tolist() == [0.0, 0.0333333]


def test_poses_by_hand(write: Callable[..., Path]) -> None:
    """Hips turned by 90 degrees about z: up becomes -x; the spine turned on by as much."""
    places, rotations = read_bvh(write(PLAIN, "a.bvh")).global_poses()
    assert np.allclose(places[0], [[0, 90, 0], [0, 100, 0], [3, 89, 0]])
    assert np.allclose(places[1], [[1, 90, 0], [-9, 90, 0], [2, 93, 0]])
    assert np.allclose(rotations[1, 1], np.diag([-1.0, -1.0, 1.0]))
    assert np.allclose(rotations[1, 2] @ [1, 0, 0], [0, 0, -1])


def test_pose_track_in_metres_with_y_up(write: Callable[..., Path]) -> None:
    motion = read_bvh(write(PLAIN, "a.bvh"))
    assert np.allclose(motion.pose_track().joint_centres[1, 2], [0.02, 0.93, 0.0])
    track = motion.pose_track(units_per_metre=1.0, up="Z")
    assert np.allclose(track.joint_centres[1, 2], [2, 0, -93])
    assert np.allclose(track.rotations[1, 0] @ [1, 0, 0], [0, 0, -1])
    assert np.allclose(track.rest_joint_centres[2], [3, 0, 1])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n", "\r\n"),
        ("\n", "\r"),
        ("\t", "    "),
        ("ROOT Hips\n{", "ROOT Hips {"),
        ("\t\tOFFSET 0.0 10.0 0.0\n", "\t\tOFFSET\t0.0\t1e+01  0 \n"),
        ("End Site", "End site"),
        ("End Site", "End Site Spine_end"),
        ("HIERARCHY", "hierarchy"),
        ("MOTION", "motion  "),
        ("Frames: 2", "Frames:2"),
        ("Frames: 2", "Frames :\t2  "),
        ("Frames: 2", "FRAMES 2"),
        ("Frame Time: 0.0333333", "Frame Time:\t3.33333e-02"),
        ("Frame Time:", "FrameTime :"),
        ("Xposition", "XPosition"),
        ("Zrotation", "ZROTATION"),
        ("0 90 0 0 0 0 0 0", "0\t9.0E1 0 -0.0 0 .0 0e0 +0"),
        ("0 90 0 0 0 0 0 0", "0 90 0 0 0 0\n0 0"),
        ("0 0 0 90\n", "0 0 0 90\n\n  \t\n"),
        ("0 0 0 90\n", "0 0 0 90"),
        ("HIERARCHY", "\ufeffHIERARCHY"),
    ],
)
def test_spellings_that_mean_the_same(write: Callable[..., Path], old: str, new: str) -> None:
    assert old in PLAIN
    path = write("", "a.bvh")
    path.write_bytes(PLAIN.replace(old, new).encode())
    wanted, motion = read_bvh(write(PLAIN, "b.bvh")), read_bvh(path)
    assert motion.names == wanted.names
    assert np.array_equal(motion.offsets, wanted.offsets)
    assert np.array_equal(motion.values, wanted.values)
    assert motion.frame_time == wanted.frame_time
    assert len(motion.end_sites) == 2


def test_positions_and_any_order_of_channels_on_a_joint(write: Callable[..., Path]) -> None:
    text = PLAIN.replace(
        "OFFSET 0.0 10.0 0.0\n\t\tCHANNELS 3 Zrotation Xrotation Yrotation",
        "OFFSET 0.0 10.0 0.0\n\t\tCHANNELS 4 Xrotation Yposition Zrotation Yrotation",
    )
    text = text.split("Frames:")[0] + "Frames: 1\nFrame Time: 0.1\n0 90 0 0 0 0 90 12 90 0 0 0 0\n"
    places, rotations = read_bvh(write(text, "a.bvh")).global_poses()
    assert np.allclose(places[0, 1], [0, 102, 0])
    assert np.allclose(rotations[0, 1] @ [1, 0, 0], [0, 0, 1])  # Rx(90) Rz(90): x to y, and y to z


def test_no_frames(write: Callable[..., Path]) -> None:
    motion = read_bvh(write(PLAIN.split("Frames:")[0] + "Frames: 0\nFrame Time: 0.01\n", "a.bvh"))
    assert motion.values.shape == (0, 12)
    assert motion.global_poses()[0].shape == (0, 3, 3)


def test_names_with_blanks_and_twice(write: Callable[..., Path]) -> None:
    motion = read_bvh(write(PLAIN.replace("Spine", "Left Leg").replace("JOINT Leg", "JOINT Left  Leg"), "a.bvh"))
    assert motion.names == ("Hips", "Left Leg", "Left Leg_2")
    assert len(motion.warnings) == 1


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("HIERARCHY", "Kaydara FBX", 1, "HIERARCHY"),
        ("MOTION\n", "ROOT Other\n{\nOFFSET 0 0 0\nCHANNELS 0\n}\nMOTION\n", 25, "second root 'Other'"),
        ("Zrotation Xrotation Yrotation\n\t\tEnd", "Zrotation Xrotation Wrotation\n\t\tEnd", 9, "Wrotation"),
        ("CHANNELS 6", "CHANNELS 5", 5, "announces 5 and names 6"),
        ("\t\tOFFSET 3.0 -1.0 0.0\n", "", 22, "'Leg' has no OFFSET"),
        ("OFFSET 3.0 -1.0 0.0", "OFFSET 3.0 -1.0", 17, "2 values"),
        ("OFFSET 3.0 -1.0 0.0", "OFFSET 3.0 -1,0 0.0", 17, "'-1,0'"),
        ("\t\t\tOFFSET 0.0 -40.0 0.0\n", "", 21, "End Site of 'Leg' has no OFFSET"),
        ("}\nMOTION", "MOTION", 2, "'Hips' is never closed"),
        ("}\nMOTION", "}\n}\nMOTION", 25, "closes"),
        ("MOTION", "MOTIONS", 25, "not known"),
        ("Frames: 2", "Frames: two", 26, "two"),
        ("Frames: 2\n", "", 27, "Frames:"),
        ("Frame Time: 0.0333333\n", "", 27, "Frame Time:"),
        ("Frame Time: 0.0333333", "Frame Time: 0,0333333", 27, "0,0333333"),
        ("Frame Time: 0.0333333", "Frame Time: 0", 27, "0 s"),
        ("Frames: 2", "Frames: 3", 30, "2 frames, where 3 are announced"),
        ("Frames: 2", "Frames: 1", 29, "2 frames, where 1 are announced"),
        ("1 90 0 90 0 0 90", "1 90 0 90 0 0", 29, "11 values, where 12 channels"),
        ("1 90 0 90 0 0 90", "1 90 0 90 0 nan 90", 29, "'nan'"),
        ("1 90 0 90 0 0 90", "1 90 0 90,5 0 0 90", 29, "'90,5'"),
        ("1 90 0 90 0 0 90", "1 90 0 x 0 0 90", 29, "'x'"),
        ("\tJOINT Leg\n\t{", "\tJOINT Leg\n", 17, "outside"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_line(
    write: Callable[..., Path], old: str, new: str, line: int, words: str
) -> None:
    assert old in PLAIN
    path = write(PLAIN.replace(old, new, 1), "a.bvh")
    with pytest.raises(InputError) as refusal:
        read_bvh(path)
    assert words in str(refusal.value)
    assert refusal.value.line == line
    assert "\n" not in str(refusal.value)


def test_file_cut_off_before_the_motion(write: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="no MOTION"):
        read_bvh(write(PLAIN.split("MOTION")[0], "a.bvh"))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_bvh(tmp_path / "a.bvh")
