"""What `annotate` takes a source for, and what it says of pictures, rates and sizes."""

from pathlib import Path

import numpy as np
import pytest
from simspine.headless.annotate_views import ViewOptions, read_views, source_kind
from simspine.sample_rigs.bead_detector import bead_colors, write_bead_detector
from simspine.sample_rigs.bead_scene import draw_beads
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.model.errors import InputError

cv2 = pytest.importorskip("cv2")
pytest.importorskip("onnx", reason="builds the network")
CAMERAS = [Camera(name, (300, 300), np.eye(3), np.eye(3), np.zeros(3)) for name in ("cam_a", "cam_b")]


def folder_of(tmp_path: Path, *names: str) -> Path:
    for name in names:
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "source"


@pytest.mark.parametrize(
    ("names", "with_detector", "kind"),
    [
        (("cam_a.mp4",), False, "video"),
        (("cam_a.webm", "notes.json"), False, "video"),
        (("cam_a/1.png", "labels.npz"), False, "detections"),
        (("cam_a/1.png", "labels.npz"), True, "video"),
        (("cam_a/1.json",), True, "detections"),
        (("detections.npz",), False, "detections"),
        (("cam_a/1.png",), False, "video"),
    ],
)
def test_a_detector_decides_where_a_folder_holds_pictures_and_detections(tmp_path, names, with_detector, kind):
    assert source_kind(folder_of(tmp_path, *names), with_detector) == kind


def test_pictures_are_told_about_rate_size_and_boxes_and_a_stranger_is_named(tmp_path):
    write_bead_detector(tmp_path / "beads.onnx", (96, 128))
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(7), indexing="xy"), axis=-1).reshape(-1, 2)[:37]
    picture = draw_beads(30.0 + grid * [40, 35], bead_colors(), (300, 280))
    for name in ("cam_a", "cam_b"):
        (tmp_path / "views" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "views" / name / "0.png"), picture)
    options = ViewOptions(detector=tmp_path / "beads.onnx")
    found = read_views(tmp_path / "views", CAMERAS, options)
    assert found.rate == 60.0
    told = " ".join(found.warnings)
    assert "60 Hz is taken" in told
    assert "cam_a 300x280 for 300x300" in told
    assert "the whole image is taken" in told
    (tmp_path / "views" / "cam_b").rename(tmp_path / "views" / "hall")
    with pytest.raises(InputError, match=r"views: views hall fit no camera"):
        read_views(tmp_path / "views", CAMERAS, options)
