"""Videos and folders of images as views: names, counts, rates, rotation, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from simspine.simspine_addon.capture.video import find_views
from simspine.simspine_addon.model.errors import InputError

cv2 = pytest.importorskip("cv2")


def write_video(path: Path, frames: int = 5, code: str = "MJPG", size: tuple[int, int] = (64, 48)) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 25.0, size)
    if not writer.isOpened():
        pytest.skip(f"OpenCV here cannot write {code}")
    for index in range(frames):
        writer.write(np.full((size[1], size[0], 3), 40 * index, np.uint8))
    writer.release()
    return path


def write_image(path: Path, value: int = 0, size: tuple[int, int] = (64, 48)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((size[1], size[0], 3), value, np.uint8))


def test_a_video_tells_its_size_rate_and_frames(tmp_path: Path):
    (view,) = find_views(write_video(tmp_path / "cam_01.avi"))
    assert (view.name, view.size, view.rate, len(view.numbers), view.rotation_deg) == ("cam_01", (64, 48), 25.0, 5, 0)
    frames = list(view.frames())
    assert [number for number, _ in frames] == [0, 1, 2, 3, 4]
    assert [round(float(picture.mean()) / 40) for _, picture in frames] == [0, 1, 2, 3, 4]


def test_a_turned_video_is_shown_upright(tmp_path: Path):
    path = write_video(tmp_path / "phone.mp4", code="mp4v")
    content = bytearray(path.read_bytes())
    matrix = (
        content.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    )  # version and flags, times and track, reserved, layer to volume
    quarter = np.array([0, 1, 0, -1, 0, 0, 0, 0, 0x4000], ">i4") * 0x10000
    content[matrix : matrix + 36] = quarter.astype(">i4").tobytes()
    path.write_bytes(content)
    (view,) = find_views(path)
    assert view.rotation_deg in (90, 270)
    assert view.size == (48, 64)
    assert next(view.frames())[1].shape == (64, 48, 3)


def test_a_folder_of_videos_is_a_view_each_in_the_order_of_their_names(tmp_path: Path):
    for name in ("cam_02.avi", "cam_01.avi"):
        write_video(tmp_path / name)
    assert [view.name for view in find_views(tmp_path)] == ["cam_01", "cam_02"]


def test_a_rendered_data_set_gives_its_cameras_and_frame_numbers(tmp_path: Path):
    for camera in ("a", "b"):
        for number in (30, 10, 20):
            write_image(tmp_path / "images" / camera / f"{number:06d}.png", number)
    write_image(tmp_path / "contact_sheet.png")
    views = find_views(tmp_path)
    assert [view.name for view in views] == ["a", "b"]
    assert views[0].numbers == (10, 20, 30)
    assert [int(picture[0, 0, 0]) for _, picture in views[1].frames()] == [10, 20, 30]


def test_a_plain_folder_of_images_is_one_view(tmp_path: Path):
    for name in ("first.png", "second.png"):
        write_image(tmp_path / "camera" / name)
    (view,) = find_views(tmp_path / "camera")
    assert (view.name, view.numbers, view.rate) == ("camera", (0, 1), 0.0)


@pytest.mark.parametrize("content", [b"", b"no video at all", None])
def test_a_broken_video_is_one_line(tmp_path: Path, content: bytes | None):
    path = tmp_path / "broken.avi"
    if content is None:
        content = write_video(path).read_bytes()[:400]  # cut off in its header
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        find_views(path)
    assert "broken.avi" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_holds_no_pictures_or_two_kinds_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="neither videos nor images"):
        find_views(tmp_path)
    write_image(tmp_path / "a.png")
    write_video(tmp_path / "b.avi")
    with pytest.raises(InputError, match="holds videos and images"):
        find_views(tmp_path)
    write_image(tmp_path / "set/images/S1_walk/cam_01/0.png")
    with pytest.raises(InputError, match=r"give one recording, such as .*S1_walk"):
        find_views(tmp_path / "set")
    with pytest.raises(InputError, match="does not exist"):
        find_views(tmp_path / "absent")


def test_a_picture_that_is_cut_off_or_of_another_size_is_named(tmp_path: Path):
    write_image(tmp_path / "0.png")
    write_image(tmp_path / "1.png", size=(32, 48))
    with pytest.raises(InputError, match=r"1\.png: is 32 x 48, the first picture was 64 x 48"):
        list(find_views(tmp_path)[0].frames())
    (tmp_path / "1.png").write_bytes(b"\x89PNG")
    with pytest.raises(InputError, match=r"1\.png: cannot be read as an image"):
        list(find_views(tmp_path)[0].frames())
