"""Every format, read back by the library that its users read it with, holds points that triangulate to the truth."""

import contextlib
import copy
import io
import json
import runpy
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from simspine.exporters.coco import coco_document, mask_area, merge_coco, write_coco
from simspine.exporters.dataset_formats import FORMATS, StoredRecordings, check_formats, format_notes, write_formats
from simspine.exporters.keypoint_npz import write_labels
from simspine.exporters.mmpose import KEYPOINT_SIGMAS
from simspine.exporters.simspine_hdf5 import ActionWriter, simspine_file
from simspine.exporters.simspine_layout import KINEMATIC_AXES, MARKERS
from simspine.sample_rigs import sample_model_path
from simspine.simspine_addon.capture.calibration import read_calibration
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.capture.detection_files import read_detections
from simspine.simspine_addon.capture.triangulate import triangulate
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES

LARGEST_ERROR_M = 1e-6  # a thousandth of a millimetre
Z_UP = np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])  # (z, x, y) of OpenSim's ground


def triangulated(cameras, pixels, visible):
    """[T, K, 3] from [V, T, K, 2] of which `visible` [V, T, K] count."""
    points = np.where(visible[..., None], pixels, np.nan)
    return triangulate(cameras, np.moveaxis(points, 0, 2), np.moveaxis(visible.astype(float), 0, 2)).positions


def assert_triangulates(cameras, pixels, visible, truth):
    found = triangulated(cameras, pixels, visible)
    assert (visible.sum(axis=0) >= 2).mean() > 0.9
    known = np.isfinite(found).all(axis=-1)
    assert known.mean() > 0.9
    assert np.abs(found - truth)[known].max() < LARGEST_ERROR_M


def quietly(call, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        return call(*arguments)


def camera_of(fields):
    return Camera(
        fields["name"], tuple(fields["size"]), np.array(fields["K"]), np.array(fields["R"]), np.array(fields["t"]),
        fields["distortion_model"], np.array(fields["distortion"]),
    )  # fmt: skip


def write_images(folder, recording):
    rng = np.random.default_rng(0)
    for names in recording.image_names:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / name), rng.integers(0, 255, (60, 80, 3), np.uint8))


@pytest.fixture
def two_people(sample_recording):
    return sample_recording(people=2, images=True)


@pytest.fixture
def dataset(two_people, tmp_path):
    write_images(tmp_path, two_people)
    return tmp_path


def test_coco_triangulates(two_people, dataset):
    write_formats(dataset, [two_people], ["coco"])
    coco = quietly(COCO, dataset / "annotations.json")
    cameras = [camera_of(fields) for fields in coco.dataset["cameras"]]
    for number, person in enumerate(two_people.people):
        pixels, visible = np.zeros(person.points_2d.shape), np.zeros(person.inside.shape, bool)
        for annotation in coco.loadAnns(coco.getAnnIds()):
            if annotation["person"] != person.person:
                continue
            image = coco.loadImgs(annotation["image_id"])[0]
            index = person.frames.tolist().index(image["frame"])
            triples = np.reshape(annotation["keypoints"], (-1, 3))
            pixels[image["camera_id"], index], visible[image["camera_id"], index] = triples[:, :2], triples[:, 2] > 0
            assert annotation["person_index"] == number
        assert_triangulates(cameras, pixels, visible, person.points_world)


def test_coco_evaluated_against_itself_has_an_average_precision_of_one(two_people, dataset):
    write_formats(dataset, [two_people], ["coco"])
    truth = quietly(COCO, dataset / "annotations.json")
    rows = [
        {**{key: copy.deepcopy(each[key]) for key in ("image_id", "category_id", "keypoints")}, "score": 1.0}
        for each in truth.dataset["annotations"]
    ]
    evaluation = COCOeval(truth, quietly(truth.loadRes, rows), "keypoints")
    evaluation.params.kpt_oks_sigmas = np.array(KEYPOINT_SIGMAS)
    quietly(evaluation.evaluate)
    quietly(evaluation.accumulate)
    quietly(evaluation.summarize)
    assert evaluation.stats[0] == pytest.approx(1.0)
    assert evaluation.stats[5] == pytest.approx(1.0)


def test_coco_tells_hidden_from_seen_and_outside(two_people):
    document = coco_document(two_people)
    person = two_people.people[1]
    annotation = next(each for each in document["annotations"] if each["person"] == "second")
    hidden = person.occlusion.hidden_by[0, 0]
    expected = np.where(person.inside[0, 0], np.where(hidden == 0, 2, 1), 0)
    assert annotation["keypoints"][2::3] == expected.tolist()
    assert 1 in expected
    assert annotation["hidden_by"] == hidden.tolist()
    assert document["info"]["hidden_by_names"] == ["", "self", "object", "other person"]
    ids = [each["id"] for each in document["annotations"]]
    assert len(set(ids)) == len(ids) > len(document["images"])


def test_coco_masks_are_read_by_cocos_own_library(sample_recording, tmp_path):
    recording = sample_recording(frames=1)
    rng = np.random.default_rng(1)
    pixels = [(rng.random((camera.size[1], camera.size[0])) < 0.4) for camera in recording.people[0].cameras]
    codes = [coco_mask.encode(np.asfortranarray(each.astype(np.uint8)))["counts"].decode() for each in pixels]
    person = replace(recording.people[0], masks=tuple((code,) for code in codes))
    write_coco(tmp_path / "a.json", replace(recording, people=(person,)))
    coco = quietly(COCO, tmp_path / "a.json")
    for annotation in coco.dataset["annotations"]:
        view = coco.imgs[annotation["image_id"]]["camera_id"]
        drawn = coco_mask.encode(np.asfortranarray(pixels[view].astype(np.uint8)))
        assert coco_mask.iou([coco.annToRLE(annotation)], [drawn], [0]) == 1.0
        assert annotation["area"] == coco_mask.area(drawn) == pixels[view].sum()


def test_the_area_of_a_mask_is_cocos(tmp_path):
    for fill in (0, 1):
        code = coco_mask.encode(np.full((70, 90), fill, np.uint8, order="F"))
        assert mask_area(code["counts"].decode()) == coco_mask.area(code)


def test_merged_coco_files_hold_every_image_once_with_ids_of_their_own(sample_recording, tmp_path):
    recordings = [sample_recording(name, images=True) for name in ("one", "two")]
    for recording in recordings:
        write_coco(tmp_path / f"{recording.name}.json", recording)
    merge_coco(tmp_path / "both.json", [tmp_path / "one.json", tmp_path / "two.json"])
    whole = json.loads((tmp_path / "both.json").read_text())
    assert whole == coco_document(recordings)
    with pytest.raises(InputError, match="two of the merged files"):
        merge_coco(tmp_path / "twice.json", [tmp_path / "one.json", tmp_path / "one.json"])


def test_shards_of_one_recording_share_their_cameras_when_merged(sample_recording, tmp_path):
    recording = sample_recording(frames=4, images=True)
    person = recording.people[0]

    def block(rows):
        cut = {name: getattr(person, name)[rows] for name in ("frames", "time", "points_world")}
        names = ("points_camera", "points_2d", "inside", "boxes", "camera_rotations", "camera_translations")
        cut |= {name: getattr(person, name)[:, rows] for name in names}
        part = replace(person, **cut, anatomy=None, occlusion=None)
        return replace(recording, people=(part,), image_names=tuple(each[rows] for each in recording.image_names))

    for name, rows in (("a", slice(0, 3)), ("b", slice(3, 4))):
        write_coco(tmp_path / f"{name}.json", block(rows))
    merge_coco(tmp_path / "both.json", [tmp_path / "a.json", tmp_path / "b.json"])
    whole = json.loads((tmp_path / "both.json").read_text())
    assert [camera["id"] for camera in whole["cameras"]] == [0, 1, 2, 3]
    assert sorted(image["frame"] for image in whole["images"]) == sorted(4 * [0, 2, 4, 6])


def test_hdf5_triangulates(two_people, dataset):
    h5py = pytest.importorskip("h5py")
    write_formats(dataset, [two_people], ["simspine-hdf5"])
    with h5py.File(dataset / "simspine.h5") as file:
        names = [name.decode() for name in file["metadata/markers_names"][:]]
        calibration = {name: each[()] for name, each in file["S1/calibration"].items()}
        cameras = z_up_cameras(calibration, calibration["names"])
        action = file["S1/walk"]
        for group, person in zip((action, action["person_2"]), two_people.people, strict=True):
            truth = person.points_world[:, [KEYPOINT_NAMES.index(name) for name in names]]
            np.testing.assert_array_equal(group["markers"][:], truth)
            assert_triangulates(cameras, group["points_2d"][:], group["visibility"][:] > 0, truth @ Z_UP.T)


def z_up_cameras(arrays, names):
    return [
        Camera(str(name), tuple(arrays["size"][i]), arrays["K"][i], arrays["R"][i], arrays["t"][i], "brown_conrady",
               arrays["dist"][i])
        for i, name in enumerate(names)
    ]  # fmt: skip


def test_hdf5_has_the_published_layout(sample_recording, dataset):
    h5py = pytest.importorskip("h5py")
    recordings = [sample_recording(), sample_recording("sit_1", action="sit"), sample_recording("b", subject="S5")]
    write_formats(dataset, recordings, ["simspine-hdf5"])
    with h5py.File(dataset / "simspine.h5") as file:
        assert sorted(file) == ["S1", "S5", "metadata"]
        assert sorted(file["S1"]) == ["calibration", "sit", "walk"]
        assert sorted(file["S1/calibration"]) == ["K", "R", "dist", "names", "size", "t"]
        assert file["S1"].attrs["model_file"] == "S1.osim"
        assert [name.decode() for name in file["metadata/kinematic_axes"]] == list(KINEMATIC_AXES)
        action = file["S1/walk"]
        assert (action["markers"].shape, action["kinematics"].shape) == ((5, 37, 3), (5, 62))
        labels = recordings[0].people[0]
        np.testing.assert_array_equal(action["timestamps"][:], labels.time)
        # What a published reader does: markers as (z, x, y), then OpenCV with the file's own R, t, K and dist.
        world = action["markers"][:][..., [2, 0, 1]]
        calibration = {name: each[()] for name, each in file["S1/calibration"].items()}
        pixels, _ = cv2.projectPoints(
            world.reshape(-1, 3), cv2.Rodrigues(calibration["R"][0])[0], calibration["t"][0], calibration["K"][0],
            calibration["dist"][0],
        )  # fmt: skip
        order = [KEYPOINT_NAMES.index(name) for name in MARKERS]
        np.testing.assert_allclose(pixels.reshape(5, 37, 2), labels.points_2d[0][:, order], atol=1e-6)
        knee = labels.anatomy.axes[:, labels.anatomy.axis_names.index("knee_angle_r")]
        np.testing.assert_allclose(action["kinematics"][:, 9], np.degrees(knee), rtol=1e-12)
        height = labels.anatomy.axes[:, labels.anatomy.axis_names.index("pelvis_ty")]
        np.testing.assert_array_equal(action["kinematics"][:, 4], height)


def test_hdf5_says_who_has_a_pathology(two_people, dataset):
    h5py = pytest.importorskip("h5py")
    report = {"asked": {"apex": "L2"}, "measured": {"cobb_deg": 35.0}, "levels": {}, "notes": []}
    drawn = {"who": [{"pathology": None}, {"pathology": report}]}
    write_formats(dataset, [replace(two_people, variety=drawn)], ["simspine-hdf5"])
    with h5py.File(dataset / "simspine.h5") as file:
        assert file["S1/walk"].attrs["pathology"] == "none"
        told = json.loads(file["S1/walk/person_2"].attrs["pathology"])
        assert told == {"asked": {"apex": "L2"}, "measured": {"cobb_deg": 35.0}}


def test_the_axes_are_those_of_the_sample_model_in_their_order(sample_labels):
    assert sample_labels(2).anatomy.axis_names == KINEMATIC_AXES
    assert len(set(MARKERS)) == 37
    assert set(MARKERS) == set(KEYPOINT_NAMES)
    assert (MARKERS[0], MARKERS[11], MARKERS[17], MARKERS[36]) == ("Hip", "REye", "RClavicle", "LHeel")


def test_cameras_that_move_are_kept_for_every_frame_of_the_hdf5(sample_recording, dataset):
    h5py = pytest.importorskip("h5py")
    recording = sample_recording()
    person = recording.people[0]
    translations = person.camera_translations.copy()
    translations[2] += np.arange(5)[:, None] * 0.1
    moved = replace(person, camera_translations=translations)
    write_formats(dataset, [replace(recording, people=(moved,))], ["simspine-hdf5"])
    with h5py.File(dataset / "simspine.h5") as file:
        own = file["S1/walk/calibration"]
        np.testing.assert_array_equal(own["t_frames"][:], translations)
        np.testing.assert_allclose(own["R_frames"][:] @ Z_UP, person.camera_rotations, atol=1e-15)


def test_npz_triangulates(two_people, dataset):
    write_formats(dataset, [two_people], ["simspine-npz"])
    with np.load(dataset / "simspine.npz") as archive:
        arrays = dict(archive)
    cameras = z_up_cameras(arrays, arrays["camera_names"])
    order = [KEYPOINT_NAMES.index(name) for name in arrays["joint_names"]]
    shape = (4, 5, 2, 37)  # views, frames, people
    pixels, flags = arrays["part"][..., :2].reshape(*shape, 2), arrays["part"][..., 2].reshape(shape) > 0
    for number, person in enumerate(two_people.people):
        truth = person.points_world[:, order] @ Z_UP.T
        assert_triangulates(cameras, pixels[:, :, number], flags[:, :, number], truth)
    # S is where the camera sees S_world, unlike R (X - t)
    rows = np.arange(len(arrays["S"]))
    R, t = arrays["R"][arrays["camera"]], arrays["t"][arrays["camera"]]
    np.testing.assert_allclose(
        arrays["S"][rows, :, :3], np.einsum("nij,nkj->nki", R, arrays["S_world"][..., :3]) + t[:, None], atol=1e-12
    )
    known = arrays["part"][0, :, :2]
    box = known.max(axis=0) - known.min(axis=0)
    assert arrays["scale"][0] == pytest.approx(1.2 * box.max() / 200)
    assert arrays["imgname"][0] == two_people.image_names[0][0]


def test_webdataset_triangulates(two_people, dataset):
    webdataset = pytest.importorskip("webdataset")
    written = write_formats(dataset, [two_people], ["webdataset"], shard_size=7)
    assert [path.name for path in written] == [f"shard-{number:06d}.tar" for number in range(3)]
    samples = list(webdataset.WebDataset([str(path) for path in written], shardshuffle=False, empty_check=False))
    assert len(samples) == 20
    labels = [json.loads(sample["json"]) for sample in samples]
    assert samples[0]["png"] == (dataset / two_people.image_names[0][0]).read_bytes()
    cameras = [camera_of(labels[view]["camera"]) for view in range(4)]
    for number, person in enumerate(two_people.people):
        pixels, visible = np.zeros(person.points_2d.shape), np.zeros(person.inside.shape, bool)
        for label in labels:
            place = label["view"], person.frames.tolist().index(label["frame"])
            own = label["people"][number]
            pixels[place], visible[place] = np.array(own["keypoints_2d"], float), np.array(own["visibility"]) > 0
        assert_triangulates(cameras, pixels, visible, person.points_world)


def test_a_small_data_set_has_tars_for_every_worker_of_a_loader(two_people, dataset):
    webdataset = pytest.importorskip("webdataset")
    written = [str(path) for path in write_formats(dataset, [two_people], ["webdataset"])]
    assert len(written) >= 8
    assert sum(1 for _ in webdataset.WebDataset(written, shardshuffle=False)) == 20


def test_parquet_triangulates(two_people, dataset):
    parquet = pytest.importorskip("pyarrow.parquet")
    write_formats(dataset, [two_people], ["parquet"])
    table = parquet.read_table(dataset / "metadata.parquet")
    rows = table.to_pylist()
    assert len(rows) == 40
    assert json.loads(table.schema.metadata[b"keypoint_names"]) == list(KEYPOINT_NAMES)
    first = [next(row for row in rows if row["view"] == view) for view in range(4)]
    cameras = [camera_of({**row, "name": row["camera"], "size": (row["width"], row["height"])}) for row in first]
    for person in two_people.people:
        pixels, visible = np.zeros(person.points_2d.shape), np.zeros(person.inside.shape, bool)
        for row in rows:
            if row["person"] == person.person:
                place = row["view"], person.frames.tolist().index(row["frame"])
                pixels[place], visible[place] = np.array(row["keypoints"]), np.array(row["visibility"]) > 0
        assert_triangulates(cameras, pixels, visible, person.points_world)
        own = [row for row in rows if row["person"] == person.person][:5]
        np.testing.assert_array_equal([row["axes"] for row in own], person.anatomy.axes)
    assert rows[0]["segmentation"] is None
    assert (dataset / rows[0]["file_name"]).is_file()  # which is how an image folder finds its images


def test_h36m_poses_triangulate_and_its_videos_have_every_image(two_people, dataset):
    write_formats(dataset, [two_people], ["h36m"])
    folder = dataset / "h36m/S1"
    views = []
    for camera in two_people.people[0].cameras:
        with np.load(folder / f"MyPoseFeatures/D2_Positions/walk.{camera.name}.npz") as archive:
            views.append(dict(archive))
        video = cv2.VideoCapture(str(folder / f"Videos/walk.{camera.name}.mp4"))
        assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 5
        assert video.get(cv2.CAP_PROP_FPS) == 25
        video.release()
    cameras = [
        Camera(f"{i}", tuple(v["size"]), v["K"], v["R"][0], v["t"][0], str(v["distortion_model"]), v["distortion"])
        for i, v in enumerate(views)
    ]
    with np.load(folder / "MyPoseFeatures/D3_Positions/walk.npz") as archive:
        world = archive["Pose"].reshape(2, 5, 37, 3) / 1000.0
    for number, person in enumerate(two_people.people):
        np.testing.assert_allclose(world[number], person.points_world @ Z_UP.T, atol=1e-12)
        pixels = np.stack([view["Pose"][number].reshape(5, 37, 2) for view in views])
        visible = np.stack([view["visibility"][number] > 0 for view in views])
        assert_triangulates(cameras, pixels, visible, world[number])


def test_openpose_files_triangulate_as_a_detectors_do(two_people, tmp_path):
    write_formats(tmp_path, [two_people], ["openpose"])
    folder = tmp_path / "openpose/walk_1"
    cameras = read_calibration(folder / "calibration/calibration.toml")
    detections = read_detections(folder, cameras)
    assert detections.keypoint_names == KEYPOINT_NAMES
    for number, person in enumerate(two_people.people):
        pixels = np.moveaxis(detections.points[:, :, number], 1, 0)
        assert_triangulates(cameras, np.nan_to_num(pixels), np.isfinite(pixels[..., 0]), person.points_world)


def test_mmpose_files_describe_the_keypoints_that_they_hold(two_people, dataset):
    annotations, metainfo, config = write_formats(dataset, [two_people], ["mmpose"])
    info = runpy.run_path(str(metainfo))["dataset_info"]
    document = json.loads(annotations.read_text())
    names = [info["keypoint_info"][index]["name"] for index in range(37)]
    assert names == document["categories"][0]["keypoints"]
    swaps = {each["name"]: each["swap"] for each in info["keypoint_info"].values()}
    assert all(swaps[other] == name for name, other in swaps.items() if other)
    assert swaps["LLatissimus"] == "RLatissimus"
    assert swaps["Spine_03"] == ""
    links = {each["link"] for each in info["skeleton_info"].values()}
    assert links == {(names[a - 1], names[b - 1]) for a, b in document["categories"][0]["skeleton"]}
    assert info["sigmas"][:17] == [
        .026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089,
    ]  # fmt: skip
    # as SIMSPINE's detector was evaluated
    others = {name: info["sigmas"][index] for index, name in enumerate(names) if index >= 17}
    feet = dict.fromkeys([side + part for side in "LR" for part in ("BigToe", "SmallToe", "Heel")], 0.079)
    trunk = {"Head": .026, "Neck": .04, "Hip": .07, "Neck_02": .07, "Neck_03": .06, "Spine_01": .1, "Spine_02": .1,
             "Spine_03": .1, "Spine_04": .08, "Spine_05": .08}  # fmt: skip
    sides = {f"{side}{part}": sigma for side in "LR" for part, sigma in (("Latissimus", 0.12), ("Clavicle", 0.07))}
    assert others == feet | trunk | sides
    lower = {each["name"] for each in info["keypoint_info"].values() if each["type"] == "lower"}
    assert lower == {"Hip", *feet, *(side + part for side in "LR" for part in ("Hip", "Knee", "Ankle"))}
    # a configuration names its own folder so, and MMEngine puts it in
    text = config.read_text().replace("{{ fileDirname }}", config.parent.as_posix())
    values: dict = {}
    exec(text, values)
    assert (Path(values["dataset"]["data_root"]) / values["dataset"]["ann_file"]).samefile(annotations)
    assert Path(values["dataset"]["metainfo"]["from_file"]) == metainfo
    assert Path(values["evaluator"]["ann_file"]) == annotations
    images = Path(values["dataset"]["data_root"]) / values["dataset"]["data_prefix"]["img"]
    assert all((images / image["file_name"]).is_file() for image in document["images"])


@pytest.mark.parametrize("name", FORMATS)
def test_writing_twice_gives_the_same_bytes(two_people, sample_recording, tmp_path, name):
    recording = two_people if name != "simspine" else sample_recording()
    contents = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        if recording.image_names[0]:
            write_images(folder, recording)
        write_formats(folder, [recording], [name], models={"S1.osim": sample_model_path()})
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        contents.append({str(path.relative_to(folder)): path.read_bytes() for path in files})
    assert contents[0] == contents[1]


def test_recordings_in_label_files_are_written_as_those_in_memory_are(sample_recording, tmp_path):
    recordings = [sample_recording(name) for name in ("one", "two")]
    for recording in recordings:
        write_labels(tmp_path / f"{recording.name}.npz", recording)
    stored = StoredRecordings([tmp_path / "one.npz", tmp_path / "two.npz"])
    for given, folder in ((recordings, tmp_path / "a"), (stored, tmp_path / "b")):
        folder.mkdir()
        write_formats(folder, given, ["coco", "simspine-npz"])
    for name in ("annotations.json", "annotations/one.json", "simspine.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_unknown_format_or_a_missing_library_is_refused_before_anything_is_made(monkeypatch):
    check_formats(list(FORMATS))
    with pytest.raises(InputError, match=r"no format 'tfrecord'; there are coco"):
        check_formats(["coco", "tfrecord"])
    with pytest.raises(InputError, match="needs images"):
        check_formats(["h36m"], with_images=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install pyarrow"):
        check_formats(["parquet"])


def test_every_format_states_its_conventions_for_the_card():
    for name in FORMATS:
        assert format_notes(name).endswith(".")


def test_a_merged_coco_file_is_refused_as_the_detections_of_one_recording(sample_recording, tmp_path):
    recordings = [sample_recording(name, images=True) for name in ("one", "two")]
    write_formats(tmp_path, recordings, ["coco"])
    cameras = recordings[0].people[0].cameras
    with pytest.raises(InputError, match=r"holds 2 recordings \(one, two"):
        read_detections(tmp_path / "annotations.json", cameras)
    assert read_detections(tmp_path / "annotations/two.json", cameras).points.shape[1] == 4


def test_an_hdf5_written_in_blocks_of_frames_is_the_one_written_whole(sample_recording, tmp_path):
    h5py = pytest.importorskip("h5py")
    recording = sample_recording()
    whole = recording.people[0]
    write_formats(tmp_path, [recording], ["simspine-hdf5"])
    with simspine_file(tmp_path / "blocks.h5") as file:
        writer = ActionWriter(file, "S1", "walk", whole, 5, "S1.osim")
        for rows in (slice(3, 5), slice(0, 3)):
            of_time = ("frames", "time", "points_world")
            of_views = ("points_camera", "points_2d", "inside", "boxes", "camera_rotations", "camera_translations")
            cut = {name: getattr(whole, name)[rows] for name in of_time}
            cut |= {name: getattr(whole, name)[:, rows] for name in of_views}
            hidden, anatomy = whole.occlusion, replace(whole.anatomy, axes=whole.anatomy.axes[rows])
            cut["occlusion"] = replace(hidden, hidden_by=hidden.hidden_by[:, rows])
            writer.write(rows.start, replace(whole, anatomy=anatomy, **cut))
        writer.add_images(recording)
    with h5py.File(tmp_path / "simspine.h5") as one, h5py.File(tmp_path / "blocks.h5") as other:
        for name, values in one["S1/walk"].items():
            np.testing.assert_array_equal(values[()], other[f"S1/walk/{name}"][()], name)
