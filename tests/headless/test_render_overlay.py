"""Overlays paint keypoints where the labels say, and the contact sheet shows what it is given."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("PIL")
from PIL import Image
from simspine.exporters.labels import make_labels
from simspine.exporters.recording import recording_of
from simspine.headless.contact_sheet import write_contact_sheet
from simspine.headless.overlay import REGION_COLORS, labelled, write_overlays
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS

HIP = KEYPOINT_NAMES.index("Hip")


def labels(views=4, frames=3, size=(320, 240)):
    K = np.array([[300, 0, (size[0] - 1) / 2], [0, 300, (size[1] - 1) / 2], [0, 0, 1.0]])
    cameras = [Camera(f"cam {v}", size, K, np.eye(3), np.array([0, 0, 4.0])) for v in range(views)]
    points = np.random.default_rng(0).normal(size=(frames, 37, 3)) * 0.4
    points[:, KEYPOINT_NAMES.index("LEye")] = np.nan
    return make_labels(cameras, KEYPOINT_NAMES, KEYPOINT_PARENTS, points, np.arange(frames), np.arange(frames) / 10)


def recording(made, paths, folder, name="walk", others=()):
    names = [[path.relative_to(folder).as_posix() for path in view] for view in paths]
    return recording_of([made, *others], name, names)


@pytest.fixture
def images(tmp_path):
    def write(made):
        paths = [[tmp_path / f"{v}/{i:06d}.png" for i in range(len(made.frames))] for v in range(len(made.cameras))]
        for view, row in zip(made.cameras, paths, strict=True):
            for path in row:
                path.parent.mkdir(exist_ok=True)
                Image.new("RGB", view.size, (60, 60, 60)).save(path)
        return paths

    return write


def test_a_dot_in_its_regions_color_is_centred_on_the_keypoint():
    points = np.full((37, 2), np.nan)
    points[HIP] = [200.3, 120.6]
    drawn = np.asarray(labelled(Image.new("RGB", (400, 300)), points, KEYPOINT_PARENTS)).astype(int)
    alike = np.abs(drawn - np.array(REGION_COLORS["lumbar"])).max(axis=2) < 40
    rows, columns = np.nonzero(alike)
    np.testing.assert_allclose([columns.mean(), rows.mean()], points[HIP], atol=0.3)


def test_missing_keypoints_leave_the_picture_alone():
    picture = Image.new("RGB", (64, 64), (10, 20, 30))
    drawn = labelled(picture, np.full((37, 2), np.nan), KEYPOINT_PARENTS)
    assert drawn.tobytes() == picture.tobytes()


@pytest.mark.parametrize(("views", "frames", "cells"), [(4, 3, (4, 4)), (1, 1, (1, 2)), (6, 2, (4, 4))])
def test_the_sheet_has_a_plain_and_a_labelled_picture_of_each_view(images, tmp_path, views, frames, cells):
    made = labels(views, frames)
    write_contact_sheet(tmp_path / "sheet.png", [recording(made, images(made), tmp_path)], tmp_path, "model · motion")
    with Image.open(tmp_path / "sheet.png") as sheet:
        picture = np.asarray(sheet.convert("RGB")).astype(int)
    grey = np.abs(picture - 60).max(axis=2) == 0  # the pictures' own background
    columns = np.count_nonzero(np.diff(grey[-60].astype(int)) == 1)  # the last row of cells: labelled
    assert columns >= cells[0]
    assert (np.abs(picture - np.array(REGION_COLORS["lumbar"])).max(axis=2) == 0).any()


def test_a_view_that_shows_nobody_is_still_drawn(images, tmp_path):
    made = labels(2, 1)
    made = replace(made, boxes=np.full_like(made.boxes, np.nan), points_2d=np.full_like(made.points_2d, np.nan))
    write_contact_sheet(tmp_path / "sheet.png", [recording(made, images(made), tmp_path)], tmp_path, "nobody")
    assert (tmp_path / "sheet.png").stat().st_size > 0


def test_every_image_gets_its_overlay(images, tmp_path):
    made = labels(2, 2)
    write_overlays(tmp_path / "overlays", [made], images(made))
    found = sorted(str(path.relative_to(tmp_path / "overlays")) for path in (tmp_path / "overlays").rglob("*.jpg"))
    assert found == ["0/000000.jpg", "0/000001.jpg", "1/000000.jpg", "1/000001.jpg"]


def test_everyone_is_drawn_on_an_overlay(images, tmp_path):
    first, second = labels(1, 1), labels(1, 1)
    far = np.full_like(first.points_2d, np.nan)
    far[0, 0, HIP] = [300.0, 20.0]
    write_overlays(tmp_path / "overlays", [first, replace(second, points_2d=far)], images(first))
    with Image.open(tmp_path / "overlays" / "0" / "000000.jpg") as drawn:
        pixel = np.asarray(drawn.convert("RGB")).astype(int)[20, 300]
    assert np.abs(pixel - np.array(REGION_COLORS["lumbar"])).max() < 60


def test_the_sheet_of_several_recordings_shows_each_of_them(images, tmp_path):
    made = labels(2, 3)
    paths = images(made)
    few = [recording(made, paths, tmp_path, name) for name in ("walk", "lift", "bend")]
    heights = []
    for count in (1, 2, 3):
        write_contact_sheet(tmp_path / "sheet.png", few[:count], tmp_path, "several")
        with Image.open(tmp_path / "sheet.png") as sheet:
            heights.append(sheet.height)
    assert heights[0] == heights[1]  # two frames of the one, or one frame of each of two
    assert heights[2] > heights[1]
