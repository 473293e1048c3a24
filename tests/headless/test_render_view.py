"""The page of a data set, as headless Chromium draws it, and the recording for Rerun, as Rerun reads it."""

import importlib.util
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simspine.exporters.keypoint_npz import write_labels
from simspine.exporters.labels import Anatomy, Occlusion, make_labels
from simspine.exporters.masks import encode_mask
from simspine.exporters.recording import recording_of
from simspine.headless.render_command import main
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS

Image = pytest.importorskip("PIL.Image")

FRAMES = 6
SIZE = (64, 48)
EVIL = '</script><img src="x" onerror="throw 1">'  # a name that would end the page's data if it were not escaped


def camera(name, azimuth_deg):
    """Three metres from the vertical through the origin, at a height of 1 m, looking at it."""
    turn = np.radians(azimuth_deg)
    forward = -np.array([np.sin(turn), 0.0, np.cos(turn)])
    down = np.array([0.0, -1.0, 0.0])
    rotation = np.stack([np.cross(down, forward), down, forward])
    center = np.array([0.0, 1.0, 0.0]) - 3.0 * forward
    intrinsics = np.array([[70.0, 0.0, 31.5], [0.0, 70.0, 23.5], [0.0, 0.0, 1.0]])
    return Camera(name, SIZE, intrinsics, rotation, -rotation @ center)


CAMERAS = (camera("left", 20.0), camera("right", 110.0))


def world_points(shift):
    """37 points about a person's height that drift with the frames; one is missing throughout."""
    draw = np.random.default_rng(3)
    points = draw.uniform([-0.4, 0.2, -0.4], [0.4, 1.8, 0.4], (len(KEYPOINT_NAMES), 3))
    moved = points + shift + 0.03 * np.arange(FRAMES)[:, None, None] * np.array([1.0, 0.0, 0.5])
    moved[:, 4] = np.nan
    return moved


def expected_pixels(view, points):
    """The pinhole, written out anew."""
    lens = CAMERAS[view]
    x, y, z = np.moveaxis(points @ lens.R.T + lens.t, -1, 0)
    return np.stack([70.0 * x / z + 31.5, 70.0 * y / z + 23.5], axis=-1)


def mask(view, frame, person):
    pixels = np.zeros((SIZE[1], SIZE[0]), bool)
    pixels[10 : 20 + frame, 5 + 3 * view : 12 + 4 * person] = True
    return pixels


def hidden_by():
    """[V, T, K] by turns seen, hidden by self, object and other person."""
    return np.broadcast_to(np.arange(len(KEYPOINT_NAMES)) % 4, (2, FRAMES, len(KEYPOINT_NAMES))).astype(np.uint8)


def person(number, name):
    time = 0.5 * np.arange(FRAMES)
    points = world_points([0.3 * number, 0.0, 0.0])
    labels = make_labels(CAMERAS, KEYPOINT_NAMES, KEYPOINT_PARENTS, points, 10 * np.arange(FRAMES), time,
                         points_world_model=points + 0.01)  # fmt: skip
    shape = (2, FRAMES, len(KEYPOINT_NAMES))
    anatomy = Anatomy(("lean",), np.zeros((FRAMES, 1)), ("lumbar1",), np.tile(np.eye(3), (FRAMES, 1, 1, 1)),
                      np.zeros((FRAMES, 1, 3)), np.radians(40.0 + time), np.full(FRAMES, np.nan))  # fmt: skip
    masks = tuple(tuple(encode_mask(mask(v, t, number)) for t in range(FRAMES)) for v in range(2))
    occlusion = Occlusion(hidden_by(), np.full(shape, 0.012), np.full(shape, 0.5))
    return replace(labels, person=name, occlusion=occlusion, anatomy=anatomy, masks=masks)


def save(folder, people, with_images=True):
    names = [[f"images/{each.name}/{10 * t:06d}.png" for t in range(FRAMES)] for each in CAMERAS]
    if with_images:
        for v, view in enumerate(names):
            (folder / "images" / CAMERAS[v].name).mkdir(parents=True)
            for t, name in enumerate(view):
                Image.new("RGB", SIZE, (40 * t, 90, 120 * v)).save(folder / name)
    variety = {"seeds": {"body": 7}, "lights": {"strength": 0.5}, "who": [{"avatar": "fitted"}]}
    recording = recording_of(people, "walk", names if with_images else None, rate=2.0, variety=variety)
    write_labels(folder / "labels.npz", recording)
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return save(tmp_path_factory.mktemp("seen"), [person(0, EVIL), person(1, "Ben")])


def view(folder, output, *more):
    return main(["view", str(folder), "-o", str(output), *more])


def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found or pytest.skip("there is no Chromium here")


def opened(page, scratch, address="selftest"):
    """The page's elements after its scripts have run."""
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                "--disable-background-networking", f"--user-data-dir={scratch}", "--window-size=1200,900",
                "--virtual-time-budget=8000", "--dump-dom"]  # fmt: skip
    done = subprocess.run([browser(), *switches, f"{page.as_uri()}#{address}"], capture_output=True, timeout=60)
    return done.stdout.decode("utf-8")


def findings(elements):
    found = re.search(r'<script type="application/json" id="selftest">(.*?)</script>', elements, re.S)
    assert found, "the page's scripts did not run to their end"
    return json.loads(found[1])


@pytest.fixture(scope="module")
def page(dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "view.html"
    assert view(dataset, path) == 0
    return path


@pytest.fixture(scope="module")
def elements(page, tmp_path_factory):
    return opened(page, tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def found(elements):
    return findings(elements)


def test_the_page_runs_without_an_error_and_every_control_has_a_name(found):
    assert found["errors"] == []
    assert found["unlabelled"] == []


def test_names_from_the_labels_stay_text(elements):
    assert '<img src="x"' not in re.sub(r'<script type="application/json".*?</script>', "", elements, flags=re.S)
    assert "1, &lt;/script&gt;&lt;img" in elements


def test_keypoints_are_drawn_where_the_cameras_see_them(found):
    for v in range(2):
        for t in range(FRAMES):
            points = np.concatenate([world_points([0.3 * n, 0.0, 0.0])[t] for n in range(2)])
            pixels = expected_pixels(v, points)
            inside = (pixels >= -0.5).all(axis=1) & (pixels < np.array(SIZE) - 0.5).all(axis=1)
            drawn = np.array(found["recordings"][0]["overlays"][v][t]["keypoints"])
            # Twice the size, and from the corner of the first pixel; the page keeps hundredths of a pixel.
            np.testing.assert_allclose(drawn, 2.0 * (pixels[inside] + 0.5), atol=0.011)


def test_every_control_changes_what_is_drawn(found):
    overlay = found["recordings"][0]["overlays"][0][2]
    pixels = [expected_pixels(0, world_points([0.3 * n, 0.0, 0.0])[2]) for n in range(2)]
    inside = np.array([(p >= -0.5).all(axis=1) & (p < np.array(SIZE) - 0.5).all(axis=1) for p in pixels])
    reason = np.arange(len(KEYPOINT_NAMES)) % 4
    assert overlay["visible"] == inside[:, reason == 0].sum()
    assert overlay["hidden"] == {
        name: inside[:, reason == code].sum() for code, name in enumerate(("self", "object", "other"), 1)
    }
    assert overlay["first"] == inside[0].sum()
    edges = [k for k, p in enumerate(KEYPOINT_PARENTS) if p >= 0]
    assert overlay["edges"] == sum(
        int(inside[n, k] and inside[n, KEYPOINT_PARENTS[k]]) for n in range(2) for k in edges
    )
    assert overlay["names"]
    assert set(overlay["names"]) <= set(KEYPOINT_NAMES)
    assert overlay["nothing"] == 0


def test_boxes_bound_the_drawn_keypoints(found):
    boxes = found["recordings"][0]["overlays"][1][0]["boxes"]
    pixels = expected_pixels(1, world_points([0.0, 0.0, 0.0])[0])
    low = np.clip(np.nanmin(pixels, axis=0), 0, np.array(SIZE) - 1)
    high = np.clip(np.nanmax(pixels, axis=0), 0, np.array(SIZE) - 1)
    np.testing.assert_allclose(boxes[0], 2.0 * np.concatenate([low + 0.5, high - low]), atol=0.03)


def test_masks_have_their_pixels(found):
    for v in range(2):
        for t in range(FRAMES):
            areas = found["recordings"][0]["overlays"][v][t]["masks"]
            assert areas == [int(mask(v, t, n).sum()) for n in range(2)]


def test_what_is_drawn_is_on_the_screen(found):
    assert found["pixel"]["loaded"] == SIZE[0]
    assert found["pixel"]["pixel"][3] == 255


def test_space_is_seen_from_where_the_eye_is(found):
    space = found["recordings"][0]["space"]
    # From 4 m in front, focal length 1.5 x 300 px: (0.5, 0.5) aside and up, 1 m nearer; then from the right.
    np.testing.assert_allclose(space["front"], [200 + 450 * 0.5 / 3, 150 - 450 * 0.5 / 3, 3.0])
    np.testing.assert_allclose(space["side"], [200 - 450 * 1.0 / 3.5, 150 - 450 * 0.5 / 3.5, 3.5])
    assert space["arcs"] == 2 * (len(KEYPOINT_NAMES) - 1)


def test_cameras_stand_where_they_are_and_look_at_their_image(found):
    for lens, drawn in zip(CAMERAS, found["recordings"][0]["space"]["frusta"], strict=True):
        center = -lens.R.T @ lens.t
        corners = np.array([[-0.5, -0.5], [63.5, -0.5], [63.5, 47.5], [-0.5, 47.5]])
        rays = np.concatenate([(corners - [31.5, 23.5]) / 70.0, np.ones((4, 1))], axis=1)
        np.testing.assert_allclose(drawn["center"], center, atol=1e-5)
        np.testing.assert_allclose(drawn["corners"], center + 0.4 * rays @ lens.R, atol=1e-4)


def test_keys_and_lists_move_the_page(found):
    assert found["afterArrow"] == 1
    assert found["playing"] == ["Pause", "Play"]
    assert "hidden by another person" in found["legend"]
    assert found["shown"].startswith("frame 10, 0.50 s (2 of 6)")


def test_the_variety_and_the_curve_are_shown(elements):
    assert all(f">{text}<" in elements for text in ("body", "7", "strength", "0.5", "avatar", "fitted", "LLA"))
    assert ">TKA<" not in elements  # nobody's is known


def test_the_page_needs_nothing_else_and_is_the_same_when_written_again(page, dataset, tmp_path):
    text = page.read_text()
    assert "default-src 'none'" in text
    assert re.findall(r'(?:src|href)="(?!data:|x")[^"]*"', text.split('id="document"')[0]) == []
    assert view(dataset, tmp_path / "again.html") == 0
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def told(path):
    return json.loads(re.search(r'id="document">(.*?)</script>', path.read_text(), re.S)[1])


def test_no_more_images_than_wanted_evenly_chosen_and_it_is_said(dataset, tmp_path, capsys):
    assert view(dataset, tmp_path / "few.html", "--max-images", "6") == 0
    document = told(tmp_path / "few.html")
    assert document["recordings"][0]["frames"] == [0, 20, 50]
    assert document["leftOut"] == ["3 of 6 frames", "6 of 12 images"]
    assert "1 recording, 3 frames, 6 images" in capsys.readouterr().out


def test_of_many_recordings_some_are_shown_evenly(dataset, tmp_path):
    (tmp_path / "labels").mkdir()
    for number in range(5):
        shutil.copy(dataset / "labels.npz", tmp_path / "labels" / f"r{number}.npz")
    shutil.copytree(dataset / "images", tmp_path / "images")
    assert view(tmp_path, tmp_path / "some.html", "--max-images", "6") == 0
    document = told(tmp_path / "some.html")
    assert len(document["recordings"]) == 3
    assert document["leftOut"] == ["3 of 5 recordings", "3 of 30 frames", "6 of 60 images"]


def test_frames_are_those_of_the_slice(dataset, tmp_path):
    assert view(dataset, tmp_path / "slice.html", "--frames", "1:6:2") == 0
    assert told(tmp_path / "slice.html")["recordings"][0]["frames"] == [10, 30, 50]


def test_labels_alone_are_shown_in_space(tmp_path):
    save(tmp_path, [replace(person(0, "Ada"), occlusion=None, masks=None, points_world_model=None)], with_images=False)
    assert view(tmp_path, tmp_path / "view.html") == 0
    elements = opened(tmp_path / "view.html", tmp_path / "browser")
    assert findings(elements)["errors"] == []
    assert findings(elements)["recordings"][0]["space"]["arcs"] == len(KEYPOINT_NAMES) - 1
    assert 'id="main" class="labels-alone"' in elements


def test_a_missing_image_is_said(dataset, tmp_path, capsys):
    shutil.copytree(dataset, tmp_path / "set")
    (tmp_path / "set" / "images" / "left" / "000030.png").unlink()
    assert view(tmp_path / "set", tmp_path / "view.html") == 0
    assert "1 image of the labels is not in the folder" in capsys.readouterr().err
    assert told(tmp_path / "view.html")["recordings"][0]["images"][0][3] is None


def refused(capsys, folder, output, *more):
    assert view(folder, output, *more) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert not Path(output).exists()
    return lines[-1]


def test_a_folder_without_labels_is_refused(tmp_path, capsys):
    assert "holds no labels" in refused(capsys, tmp_path, tmp_path / "view.html")
    assert "no such folder" in refused(capsys, tmp_path / "nowhere", tmp_path / "view.html")


def test_an_image_that_is_cut_off_or_lies_outside_is_refused(dataset, tmp_path, capsys):
    shutil.copytree(dataset, tmp_path / "set")
    image = tmp_path / "set" / "images" / "left" / "000000.png"
    image.write_bytes(image.read_bytes()[:40])
    assert "no image that can be read" in refused(capsys, tmp_path / "set", tmp_path / "view.html")
    names = [[f"../{each.name}.png"] * FRAMES for each in CAMERAS]
    write_labels(tmp_path / "set" / "labels.npz", recording_of([person(0, "Ada")], "walk", names))
    assert "outside" in refused(capsys, tmp_path / "set", tmp_path / "view.html")


def test_a_slice_without_frames_is_refused(dataset, tmp_path, capsys):
    assert "holds no row" in refused(capsys, dataset, tmp_path / "view.html", "--frames", "10:20")


def test_rerun_reads_back_what_was_written(dataset, tmp_path):
    chunk = pytest.importorskip("rerun.chunk", reason="rerun-sdk is not installed")
    assert view(dataset, tmp_path / "view.html", "--rerun", str(tmp_path / "set.rrd")) == 0
    columns: dict[tuple[str, str], list] = {}
    for each in chunk.RrdReader(tmp_path / "set.rrd").stream():
        batch = each.to_record_batch()
        assert "log_time" not in each.timeline_names
        for name in batch.schema.names:
            columns.setdefault((str(each.entity_path), name), []).extend(batch.column(name).to_pylist())
    place = "/walk/world/cameras/left"
    pinhole = columns[place, "Pinhole:image_from_camera"][0][0]
    np.testing.assert_allclose(np.reshape(pinhole, (3, 3)).T, [[70, 0, 32], [0, 70, 24], [0, 0, 1]])
    assert columns[place, "Pinhole:resolution"][0][0] == [64, 48]
    center = -CAMERAS[0].R.T @ CAMERAS[0].t
    np.testing.assert_allclose(columns[place, "Transform3D:translation"][2][0], center, atol=1e-6)
    turn = np.reshape(columns[place, "Transform3D:mat3x3"][2][0], (3, 3)).T
    np.testing.assert_allclose(turn, CAMERAS[0].R.T, atol=1e-6)
    points = expected_pixels(0, world_points([0.3, 0.0, 0.0])[2])
    drawn = columns[f"{place}/image/2_Ben", "Points2D:positions"][2]
    np.testing.assert_allclose(drawn, points[np.isfinite(points).all(axis=1)] + 0.5, atol=1e-4)
    assert (
        bytes(columns[f"{place}/image", "EncodedImage:blob"][2][0]) == (dataset / "images/left/000020.png").read_bytes()
    )
    lordosis = columns["/walk/curvature/2_Ben/LLA", "Scalars:scalars"]
    np.testing.assert_allclose(np.ravel(lordosis), 40.0 * 1.0 + np.degrees(np.radians(0.5 * np.arange(FRAMES))))
    assert columns["/walk/world/people/2_Ben/keypoints", "frame"] == [0, 10, 20, 30, 40, 50]


def test_without_rerun_nothing_is_written_and_one_line_says_what_to_install(dataset, tmp_path, capsys, monkeypatch):
    find = importlib.util.find_spec
    without = lambda name, package=None: None if name == "rerun" else find(name, package)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", without)
    line = refused(capsys, dataset, tmp_path / "view.html", "--rerun", str(tmp_path / "set.rrd"))
    assert "rerun-sdk" in line
    assert "install" in line
