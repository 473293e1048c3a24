"""The label file gives back every number of a recording."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from simspine.exporters.keypoint_npz import read_labels, write_labels
from simspine.exporters.recording import recording_of
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.capture.detection_files import read_detections
from simspine.simspine_addon.model.errors import InputError


def assert_same(found, given, where="recording"):
    """Equal to the last bit, of the same types all the way down."""
    assert type(found) is type(given), where
    if is_dataclass(given):
        for field in fields(given):
            assert_same(getattr(found, field.name), getattr(given, field.name), f"{where}.{field.name}")
    elif isinstance(given, np.ndarray):
        assert found.dtype == given.dtype, where
        np.testing.assert_array_equal(found, given, where)
    elif isinstance(given, tuple):
        assert len(found) == len(given), where
        for index, (one, other) in enumerate(zip(found, given, strict=True)):
            assert_same(one, other, f"{where}[{index}]")
    else:
        assert found == given, where


def masks(labels):
    """A box of pixels in every image, as COCO's library writes it."""
    rows = []
    for view, camera in enumerate(labels.cameras):
        width, height = camera.size
        images = []
        for index in range(len(labels.time)):
            pixels = np.zeros((height, width), np.uint8, order="F")
            pixels[10 + index : 200, 5 : 80 + view] = 1
            images.append(coco_mask.encode(pixels)["counts"].decode())
        rows.append(tuple(images))
    return tuple(rows)


def everything(sample_recording):
    """Two people of different models, one with masks, an avatar and a fused level; one camera moves."""
    recording = sample_recording(people=2, images=True)
    first, second = recording.people
    rotations = first.camera_rotations.copy()
    rotations[1, 2:] = rotations[0, 2:]
    cameras = (
        *first.cameras[:2],
        replace(first.cameras[2], distortion_model="fisheye", distortion=np.array([0.1, 0.2, 0.3, 0.4])),
        replace(first.cameras[3], distortion_model="none", distortion=np.zeros(0)),
    )
    own = second.anatomy
    fewer = replace(own, axis_names=("extra", *own.axis_names[5:0:-1]), axes=np.ascontiguousarray(own.axes[:, 5::-1]))
    shared = {"camera_rotations": rotations, "cameras": cameras}
    first = replace(first, masks=masks(first), points_world_model=first.points_world + 0.01, **shared)
    second = replace(second, occlusion=None, anatomy=fewer, **shared)
    variety = {"seed": 7, "sky": {"sun": [0.1, 0.2]}, "hair": None, "name": "Zoë"}
    return replace(recording, people=(first, second), variety=variety)


def test_everything_comes_back_bit_for_bit(sample_recording, tmp_path):
    given = everything(sample_recording)
    write_labels(tmp_path / "a.npz", given)
    assert_same(read_labels(tmp_path / "a.npz"), given)


def test_one_person_with_labels_alone_comes_back(sample_recording, tmp_path):
    recording = sample_recording()
    given = replace(recording, people=(replace(recording.people[0], anatomy=None, occlusion=None),))
    write_labels(tmp_path / "a.npz", given)
    assert_same(read_labels(tmp_path / "a.npz"), given)


def test_two_writes_give_the_same_bytes(sample_recording, tmp_path):
    for name in "ab":
        write_labels(tmp_path / f"{name}.npz", everything(sample_recording))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_arrays_have_the_documented_names_with_people_first(sample_recording, tmp_path):
    given = sample_recording(people=2)
    write_labels(tmp_path / "a.npz", given)
    with np.load(tmp_path / "a.npz") as archive:
        assert archive["points_2d"].shape == (2, 4, 5, 37, 2)
        assert archive["points_world"].shape == (2, 5, 37, 3)
        assert archive["axes"].shape == (2, 5, 62)
        assert archive["camera_names"].tolist() == [camera.name for camera in given.people[0].cameras]
        np.testing.assert_array_equal(archive["visibility"][1], given.people[1].visibility)


def test_people_who_do_not_share_their_frames_are_refused(sample_recording, sample_labels, tmp_path):
    bad = replace(sample_recording(), people=(sample_labels(5), sample_labels(4)))
    with pytest.raises(InputError, match="do not share"):
        write_labels(tmp_path / "a.npz", bad)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "other", "text"])
def test_a_damaged_file_is_refused_in_one_line(sample_recording, tmp_path, damage):
    path = tmp_path / "a.npz"
    write_labels(path, sample_recording())
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-500])
    elif damage == "other":
        np.savez(path, points=np.zeros(3))
    else:
        path.write_text("not an archive")
    with pytest.raises(InputError) as error:
        read_labels(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_recording_of_labels_alone_has_its_rate_from_its_times(sample_labels):
    labels = sample_labels(5)
    assert isinstance(labels.cameras[0], Camera)
    recording = recording_of(labels, "squat")
    assert abs(recording.rate - 1 / (labels.time[1] - labels.time[0])) < 1e-6
    assert recording.action == "squat"
    assert recording.image_names == ((), (), (), ())


def test_triangulation_takes_every_person_of_a_label_file(sample_recording, tmp_path):
    given = sample_recording(people=2)
    write_labels(tmp_path / "a.npz", given)
    found = read_detections(tmp_path / "a.npz", given.people[0].cameras)
    for number, person in enumerate(given.people):
        expected = np.where(person.inside[..., None], person.points_2d, np.nan)
        np.testing.assert_array_equal(found.points[:, :, number], np.moveaxis(expected, 0, 1))
