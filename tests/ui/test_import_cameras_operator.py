"""File > Import > Camera calibration."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

pytestmark = pytest.mark.usefixtures("addon")


def camera_text(key: str, name: str, skew: float = 0.0, bend: float = 0.0) -> str:
    return (
        f'[{key}]\nname = "{name}"\nsize = [640.0, 480.0]\n'
        f"matrix = [[500.0, {skew}, 320.0], [0.0, 500.0, 240.0], [0.0, 0.0, 1.0]]\n"
        f"distortions = [{bend}, 0.0, 0.0, 0.0]\nrotation = [0.0, 0.0, 0.0]\ntranslation = [0.0, 0.0, 4.0]\n"
        "fisheye = false\n"
    )


def test_the_cameras_come_into_a_collection_and_the_first_renders(scene, write):
    path = write(camera_text("cam_01", "left") + camera_text("cam_02", "right"), "calib.toml")
    assert bpy.ops.simspine.import_cameras(filepath=str(path), world="opensim") == {"FINISHED"}
    assert sorted(thing.name for thing in bpy.data.collections["Cameras"].objects) == ["left", "right"]
    assert scene.camera.name == "left"
    assert (scene.render.resolution_x, scene.render.resolution_y) == (640, 480)


def test_the_camera_stands_where_the_file_says(scene, write):
    # X_cam = X_world + (0, 0, 4): four metres behind OpenSim's origin along z, which is Blender's -y.
    bpy.ops.simspine.import_cameras(filepath=str(write(camera_text("c", "one"), "calib.toml")), world="opensim")
    assert np.allclose(scene.camera.matrix_basis.translation, (0.0, 4.0, 0.0), atol=1e-6)


def test_the_scene_keeps_its_resolution_when_asked(scene, write):
    path = write(camera_text("c", "one"), "calib.toml")
    bpy.ops.simspine.import_cameras(filepath=str(path), use_first=False)
    assert scene.camera is None
    assert scene.render.resolution_x == 1920


def test_an_impossible_camera_takes_the_others_back(write, counts):
    before = counts()
    path = write(camera_text("cam_01", "good") + camera_text("cam_02", "skewed", skew=3.0), "calib.toml")
    with pytest.raises(RuntimeError, match="skew"):
        bpy.ops.simspine.import_cameras(filepath=str(path))
    assert counts() == before


def test_a_file_that_is_no_calibration_is_named(write, counts):
    before = counts()
    with pytest.raises(RuntimeError, match=r"calib\.toml"):
        bpy.ops.simspine.import_cameras(filepath=str(write("nonsense", "calib.toml")))
    assert counts() == before


def test_undo_takes_the_cameras_back(write, counts):
    path = write(camera_text("c", "one"), "calib.toml")
    bpy.ops.ed.undo_push(message="before")
    before = counts()
    bpy.ops.simspine.import_cameras("EXEC_DEFAULT", True, filepath=str(path))
    bpy.ops.ed.undo()
    assert counts() == before
