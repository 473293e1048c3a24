"""Overlays paint keypoints where the labels say, and the contact sheet shows what it is given."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("PIL")
from PIL import Image
from simspine.exporters.labels import make_labels
from simspine.headless.overlay import REGION_COLORS, labelled, write_contact_sheet, write_overlays
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS

HIP = KEYPOINT_NAMES.index("Hip")


def labels(views=4, frames=3, size=(320, 240)):
    K = np.array([[300, 0, (size[0] - 1) / 2], [0, 300, (size[1] - 1) / 2], [0, 0, 1.0]])
    cameras = [Camera(f"cam {v}", size, K, np.eye(3), np.array([0, 0, 4.0])) for v in range(views)]
    points = np.random.default_rng(0).normal(size=(frames, 37, 3)) * 0.4
    points[:, KEYPOINT_NAMES.index("LEye")] = np.nan
    return make_labels(cameras, KEYPOINT_NAMES, KEYPOINT_PARENTS, points, np.arange(frames), np.arange(frames) / 10)


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
    write_contact_sheet(tmp_path / "sheet.png", made, images(made), "model · motion")
    with Image.open(tmp_path / "sheet.png") as sheet:
        picture = np.asarray(sheet.convert("RGB")).astype(int)
    grey = np.abs(picture - 60).max(axis=2) == 0  # the pictures' own background
    columns = np.count_nonzero(np.diff(grey[-60].astype(int)) == 1)  # the last row of cells: labelled
    assert columns >= cells[0]
    assert (np.abs(picture - np.array(REGION_COLORS["lumbar"])).max(axis=2) == 0).any()


def test_a_view_that_shows_nobody_is_still_drawn(images, tmp_path):
    made = labels(2, 1)
    made = replace(made, boxes=np.full_like(made.boxes, np.nan), points_2d=np.full_like(made.points_2d, np.nan))
    write_contact_sheet(tmp_path / "sheet.png", made, images(made), "nobody")
    assert (tmp_path / "sheet.png").stat().st_size > 0


def test_every_image_gets_its_overlay(images, tmp_path):
    made = labels(2, 2)
    write_overlays(tmp_path / "overlays", made, images(made))
    found = sorted(str(path.relative_to(tmp_path / "overlays")) for path in (tmp_path / "overlays").rglob("*.jpg"))
    assert found == ["0/000000.jpg", "0/000001.jpg", "1/000000.jpg", "1/000001.jpg"]
