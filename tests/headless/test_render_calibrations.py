"""One set of cameras as every program keeps it: the same labels and pixels through `simspine render`, and labels that
lie where a glowing ball is rendered.

Each file is written here as its own program writes it, from one set of cameras in ground; the readers take no part.
"""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
cv2 = pytest.importorskip("cv2")  # not there in the environments of older Blenders

from simspine.headless.render_command import main  # noqa: E402
from simspine.headless.render_config_file import read_config  # noqa: E402
from simspine.headless.render_recording import Shelf, read_inputs  # noqa: E402
from simspine.headless.render_stage import build_stage  # noqa: E402
from simspine.headless.shard_plan import Engine, Hardware  # noqa: E402
from simspine.simspine_addon.scene.axes import points_to_blender  # noqa: E402
from simspine.simspine_addon.scene.pixels import read_pixels  # noqa: E402
from simspine.simspine_addon.scene.render import render_image  # noqa: E402

NAMES = ("54138969", "55011271", "58860488", "60457274")
SIZES = ((1000, 1002), (1000, 1000), (1000, 1000), (1000, 1002))  # as Human3.6M's
FILE_FROM_GROUND = np.eye(3)[[2, 0, 1]]  # Z-up worlds are (z, x, y) of ground
BOARD_FROM_GROUND = -np.eye(3)[[2, 1, 0]]  # ground is (-z, -y, -x) of OpenCap's board
LENS = np.array([-0.21, 0.18, 0.0011, -0.0014, 0.004])  # k1 k2 p1 p2 k3
SHAPES = {"easymocap": "", "opencap": "", "anipose": "calibration.toml", "simspine": "#S1", "arrays": "cameras.npz"}
SHAPES |= {"human36m": "metadata.xml#S6", "pose2sim": "Calib.toml"}


def euler(angles):
    """Rx(a) Ry(b) Rz(c)."""
    about = [cv2.Rodrigues(angle * np.eye(3)[axis])[0] for axis, angle in enumerate(angles)]
    return about[0] @ about[1] @ about[2]


def made_cameras():
    """Four around the middle, each with K, Human3.6M's angles and centre (mm) in the Z-up world, and R, t (m) there.

    Their values have no more decimals than EasyMocap writes.
    """
    cameras = []
    for view, azimuth in enumerate(np.radians([20.0, 110.0, 205.0, 290.0])):
        centre = np.round([4100 * np.cos(azimuth), 3800 * np.sin(azimuth), 1300.0 + 60 * view], 1)
        forward = np.array([600.0, -500.0, 750.0]) - centre  # past the person, who is then where the lens bends
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        vector = np.round(cv2.Rodrigues(np.stack([right, np.cross(forward, right), forward]))[0].ravel(), 6)
        R = cv2.Rodrigues(vector)[0]
        K = np.array([[1145.25 + view, 0, 512.5], [0, 1143.75, 495.0 + 5 * view], [0, 0, 1]])
        b = np.arcsin(R[0, 2])
        angles = np.array([np.arctan2(-R[1, 2], R[2, 2]), b, np.arctan2(-R[0, 1], R[0, 0])])
        np.testing.assert_allclose(euler(angles), R, atol=1e-14)
        t = np.round(-R @ centre / 1000, 6)
        cameras.append({"K": K, "angles": angles, "centre": -1000 * R.T @ t, "vector": vector, "R": R, "t": t})
    return cameras


def easymocap(folder, cameras):
    """Lines, line ends and decimals as EasyMocap's own writer has them."""

    def matrix(name, values):
        values = np.atleast_2d(values)
        numbers = ", ".join(f"{each:.6f}" for each in values.ravel())
        shape = f"  rows: {values.shape[0]}\r\n  cols: {values.shape[1]}\r\n  dt: d\r\n"
        return f"{name}: !!opencv-matrix\r\n{shape}  data: [{numbers}]\r\n"

    head = "%YAML:1.0\r\n---\r\nnames:\r\n" + "".join(f'  - "{name}"\r\n' for name in NAMES)
    intrinsics, extrinsics = head, head
    for name, (width, height), camera in zip(NAMES, SIZES, cameras, strict=True):
        intrinsics += matrix(f"K_{name}", camera["K"]) + matrix(f"dist_{name}", LENS)
        intrinsics += f"H_{name}: {height}\r\nW_{name}: {width}\r\n"
        extrinsics += matrix(f"R_{name}", camera["vector"][:, None]) + matrix(f"Rot_{name}", camera["R"])
        extrinsics += matrix(f"T_{name}", camera["t"][:, None])
    (folder / "intri.yml").write_bytes(intrinsics.encode())
    (folder / "extri.yml").write_bytes(extrinsics.encode())


def opencap(folder, cameras):
    for name, (width, height), camera in zip(NAMES, SIZES, cameras, strict=True):
        R = camera["R"] @ FILE_FROM_GROUND @ BOARD_FROM_GROUND.T
        values = {
            "distortion": LENS[None],
            "intrinsicMat": camera["K"],
            "imageSize": np.array([[float(height)], [float(width)]]),
            "rotation": R,
            "translation": 1000 * camera["t"][:, None],
            "rotation_EulerAngles": cv2.Rodrigues(R)[0],
        }
        place = folder / "Videos" / name
        place.mkdir(parents=True)
        (place / "cameraIntrinsicsExtrinsics.pickle").write_bytes(pickle.dumps(values))


def toml(path, cameras, numbering, metadata, scale=1.0):
    text = ""
    for number, (name, size, camera) in enumerate(zip(NAMES, SIZES, cameras, strict=True)):
        values = {"matrix": camera["K"].tolist(), "distortions": LENS.tolist(), "rotation": camera["vector"].tolist()}
        values |= {"size": list(size), "translation": (scale * camera["t"]).tolist()}
        text += f'[{numbering.format(number)}]\nname = "{name}"\n'
        text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()) + "\n"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + f"[metadata]\nadjusted = false\nerror = 0.0\n{metadata}")


def anipose(folder, cameras):
    """In the board's millimetres, which the file has to say."""
    toml(folder / "calibration.toml", cameras, "cam_{}", 'units = "mm"\n', 1000.0)


def pose2sim(folder, cameras):
    toml(folder / "Calib.toml", cameras, "{:02d}", "")


def simspine(folder, cameras):
    toml(folder / "cameras" / "Calib_S1.toml", cameras, "cam_{:02d}", "")
    toml(folder / "cameras" / "Calib_S5.toml", cameras[::-1], "cam_{:02d}", "")


def arrays(folder, cameras):
    K, R, t = (np.stack([camera[key] for camera in cameras]) for key in ("K", "R", "t"))
    np.savez(folder / "cameras.npz", K=K, R=R, t=1000 * t, names=NAMES, size=SIZES, dist=[LENS] * 4, units="mm")


def human36m(folder, cameras):
    numbers = np.full(300, 7.0)
    for view, camera in enumerate(cameras):
        numbers[6 * (11 * view + 5) :][:6] = [*camera["angles"], *camera["centre"]]  # the sixth subject
        K = camera["K"]
        radial, tangential = LENS[[0, 1, 4]], LENS[[2, 3]]
        numbers[264 + 9 * view :][:9] = [K[0, 0], K[1, 1], K[0, 2], K[1, 2], *radial, *tangential]
    names = "".join(f"<id>{name}</id>" for name in NAMES)
    inside = f"<dbcameras><index2id>{names}</index2id></dbcameras><w0>[{' '.join(map(repr, numbers.tolist()))}]</w0>"
    (folder / "metadata.xml").write_text(f"<?xml version='1.0'?>\n<metadata>{inside}</metadata>")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The cameras, and by each form's name what `--cameras` takes."""
    cameras, folder = made_cameras(), tmp_path_factory.mktemp("calibrations")
    for name in SHAPES:
        (folder / name).mkdir()
        globals()[name](folder / name, cameras)
    return cameras, {name: f"{folder / name}{'' if end[:1] in ('', '#') else '/'}{end}" for name, end in SHAPES.items()}


def rendered(inputs, folder, cameras):
    """Labels and pixels of a data set of one frame."""
    more = ["--frames", "3", "--size", "96x96", "--samples", "1", "--no-denoise", "--device", "cpu", "--labels", ""]
    assert main([*map(str, inputs), "-o", str(folder), "--cameras", cameras, *more]) == 0
    with np.load(folder / "labels.npz") as file:
        labels = {name: file[name] for name in file.files}
    return labels, np.stack([read_pixels(folder / "images" / name / "000003.png") for name in NAMES])


@pytest.fixture(scope="module")
def reference(inputs, kept, tmp_path_factory):
    return rendered(inputs, tmp_path_factory.mktemp("reference") / "set", kept[1]["pose2sim"])


@pytest.mark.parametrize("form", [name for name in SHAPES if name != "pose2sim"])
def test_every_form_of_a_calibration_gives_the_same_labels_and_pixels(inputs, kept, reference, form, tmp_path):
    labels, pixels = rendered(inputs, tmp_path / "set", kept[1][form])
    assert set(labels) == set(reference[0])
    for name, values in reference[0].items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(labels[name], values, atol=1e-9, err_msg=name)
    assert np.array_equal(pixels, reference[1])
    assert pixels.std() > 10


def test_labels_are_where_opencv_projects_by_the_values_of_the_file(kept, reference):
    labels = reference[0]
    world = labels["points_world"][0, 0] @ FILE_FROM_GROUND.T
    known = np.isfinite(world).all(axis=1)
    assert known.sum() == 2
    for view, camera in enumerate(kept[0]):
        full = cv2.projectPoints(world[known], camera["vector"], camera["t"], camera["K"], LENS)[0][:, 0]
        expected = (full + 0.5) * (96 / np.array(SIZES[view])) - 0.5  # the picture is scaled about its corner
        np.testing.assert_allclose(labels["points_2d"][0, view, 0, known], expected, atol=1e-8)


def staged(inputs, file, folder):
    """What a data set's file with this calibration puts before the cameras."""
    path = folder / "set.toml"
    path.write_text(
        f'[dataset]\nlabels = []\n[render]\ndevice = "cpu"\nquality = "draft"\n[cameras]\nfile = "{file}"\n'
        f"[[recordings]]\nmodel = '{inputs[0]}'\nmotion = '{inputs[1]}'\nframes = '3'\n"
    )
    config = read_config(path)
    engine = Engine("", bpy.app.version_string, "CPU", False)
    return build_stage(config, read_inputs(config, config.recordings[0], Shelf()), engine, None, Hardware(None, None))


def light_meter(scene):
    """Cycles counts how much of each pixel glows, and nothing of the stage does."""
    for obj in scene.objects:
        obj.hide_render = obj.type != "CAMERA"
    scene.world = None
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.max_bounces = 256, False, 0
    scene.render.image_settings.file_format, scene.render.image_settings.color_depth = "OPEN_EXR", "32"
    bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=4, radius=0.02)
    ball = bpy.context.object
    material = bpy.data.materials.new("glow")
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    glow, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(glow.outputs[0], output.inputs["Surface"])
    ball.data.materials.append(material)
    return ball


def look_around(scene, pixel, size, reach=20):
    low, high = (pixel + 0.5 - reach) / size, (pixel + 0.5 + reach) / size
    scene.render.use_border = True
    scene.render.border_min_x, scene.render.border_max_x = low[0], high[0]
    scene.render.border_min_y, scene.render.border_max_y = 1 - high[1], 1 - low[1]


def disc_centre(camera, middle, radius):
    """Where a ball's disc lies by OpenCV: the centroid of its outline, projected as a polygon, px."""
    axis = middle / np.linalg.norm(middle)
    across = np.cross(axis, [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across)
    turns, sine = np.linspace(0, 2 * np.pi, 720, endpoint=False)[:, None], radius / np.linalg.norm(middle)
    ring = np.cos(turns) * across + np.sin(turns) * np.cross(axis, across)
    rays = axis * np.sqrt(1 - sine**2) + sine * ring
    first = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), camera["K"], LENS)[0][:, 0]
    after = np.roll(first, -1, axis=0)
    areas = first[:, 0] * after[:, 1] - after[:, 0] * first[:, 1]
    return ((first + after) * areas[:, None]).sum(axis=0) / (3 * areas.sum())


def test_labels_of_a_calibration_lie_where_a_ball_at_the_keypoint_is_rendered(inputs, kept, tmp_path):
    stage = staged(inputs, kept[1]["human36m"], tmp_path)
    labels = stage.labels(range(1), lambda *_: None).people[0]
    scene, errors, bends = bpy.context.scene, [], []
    ball = light_meter(scene)
    for point in np.flatnonzero(labels.inside.all(axis=(0, 1))):
        ball.location = points_to_blender(labels.points_world[0, point])
        for view, camera in enumerate(stage.views):
            label = labels.points_2d[view, 0, point]
            straight = kept[0][view]["K"] @ labels.points_camera[view, 0, point]
            bends.append(np.linalg.norm(label - straight[:2] / straight[2]))
            look_around(scene, label, np.array(SIZES[view]))
            path = tmp_path / f"{view}.exr"
            scene.render.use_file_extension = False
            render_image(scene, camera, 1, 1, path)
            image = bpy.data.images.load(str(path))
            values = np.empty(len(image.pixels), np.float32)
            image.pixels.foreach_get(values)
            light = values.reshape(*image.size[::-1], -1)[::-1, :, 0].astype(float)
            bpy.data.images.remove(image)
            y, x = np.nonzero(light)
            weight = light[y, x]
            seen = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
            middle = labels.points_camera[view, 0, point]
            offset = disc_centre(kept[0][view], middle, 0.02) - label  # of a ball's disc from its middle
            assert np.linalg.norm(offset) < 0.05
            errors.append(np.linalg.norm(seen - offset - label))
    print(f"\nmax {max(errors):.4f} px, mean {np.mean(errors):.4f} px where the lens bends by {min(bends):.1f} px")
    assert max(bends) > 1.0
    assert max(errors) <= 0.02
