"""Cameras in Blender from calibrated ones, and back: the same pixels, whatever the intrinsics.

With the sensor fitted HORIZONTALLY, sensor width S and image size (W, H), OpenCV's pinhole

    u = fx X/Z + cx,    v = fy Y/Z + cy        (0, 0) at the centre of the top-left pixel

is Blender's camera with

    pixel aspect y/x = a = fx / fy
    lens    = fx S / W
    shift_x = ((W - 1)/2 - cx) / W
    shift_y = (cy - (H - 1)/2) a / W
    matrix_world = [R^T diag(1, -1, -1) | -R^T t]      (then turned into Blender's Z-up world)

Resolution and pixel aspect belong to the scene, not to the camera, so each camera object keeps its own as
custom properties, and `activate` gives them to the scene when that camera is the one to render.

A lens that bends is shown in one of two ways, whichever the scene's device can do when the camera is activated: by a
camera shader (`lens_osl`; then shift is 0 and the pixel aspect 1, since the shader does all itself), or by a wider
image without distortion that is to be resampled afterwards (`lens_remap`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import Literal

import bpy
import numpy as np
from mathutils import Matrix  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray

from ..capture.camera import Camera
from ..model.errors import InputError
from .axes import BLENDER_FROM_OPENSIM, points_to_blender, points_to_opensim
from .lens_osl import OSL_DEVICES, osl_is_there, set_lens
from .lens_remap import LensRemap, lens_remap

Array = NDArray[np.float64]
LensMethod = Literal["osl", "remap"]

SENSOR_WIDTH_MM = 36.0
CAMERA_FLIP = np.diag([1.0, -1.0, -1.0])  # OpenCV looks along +z with y down, Blender along -z with y up
SIZE_PROPERTY = "simspine_size"
ASPECT_PROPERTY = "simspine_pixel_aspect"
LENS_PROPERTY = "simspine_lens"  # JSON: size, K, model and coefficients of a lens that bends
_BLENDER_LENS_MM = (1.0, 5000.0)  # the hard limits of Blender's focal length


def check_camera(camera: Camera) -> None:
    """Raise InputError unless Blender can hold this camera: positive focal lengths, no skew, R a rotation."""
    K, name = np.asarray(camera.K, float), camera.name
    width, height = camera.size
    if width < 1 or height < 1:
        raise InputError(f"camera '{name}' has the size {width}x{height}", hint="give width and height in pixels")
    if K.shape != (3, 3) or not np.isfinite(K).all():
        raise InputError(f"camera '{name}' has no finite 3x3 matrix K", hint="correct the calibration")
    if K[0, 0] <= 0 or K[1, 1] <= 0:
        raise InputError(f"camera '{name}' has focal lengths {K[0, 0]:g}, {K[1, 1]:g}", hint="they must be positive")
    if abs(K[0, 1]) > 1e-9 * K[0, 0]:
        raise InputError(
            f"camera '{name}' has skew K[0,1] = {K[0, 1]:g}, which a Blender camera cannot show",
            hint="calibrate with square-cornered pixels (skew 0)",
        )
    if not np.allclose(K[[1, 2, 2], [0, 0, 1]], 0) or not np.isclose(K[2, 2], 1):
        raise InputError(f"camera '{name}': the matrix K is not [[fx 0 cx] [0 fy cy] [0 0 1]]", hint="correct it")
    R, t = np.asarray(camera.R, float), np.asarray(camera.t, float)
    if R.shape != (3, 3) or not np.allclose(R @ R.T, np.eye(3), atol=1e-6) or np.linalg.det(R) < 0:
        raise InputError(f"camera '{name}': R is not a rotation matrix", hint="correct the calibration")
    if t.shape != (3,) or not np.isfinite(t).all():
        raise InputError(f"camera '{name}': t is not three finite numbers", hint="correct the calibration")


def pinhole(camera: Camera) -> Camera:
    """The same camera without lens distortion."""
    return Camera(camera.name, camera.size, camera.K, camera.R, camera.t)


def is_distorted(camera: Camera) -> bool:
    """Whether the lens bends rays at all; a fisheye does so even with coefficients of 0."""
    if camera.distortion_model == "fisheye":
        return bool(camera.distortion.size)
    return camera.distortion_model != "none" and bool(np.any(camera.distortion))


def add_camera(scene: bpy.types.Scene, camera: Camera) -> bpy.types.Object:
    """Add an object that sees through `camera` and link it to the scene.

    A distorted lens needs Cycles and `activate`, which sets up what bends the rays; where that is a resampling,
    `remap_of` tells it. For a camera to look through in the viewport, give `pinhole(camera)`.

    Raises:
        InputError: skew, a K or R that is none, or a focal length beyond what Blender can hold.
    """
    check_camera(camera)
    data = bpy.data.cameras.new(camera.name)
    data.clip_start, data.clip_end = 0.01, 1000.0
    data.dof.use_dof = False
    obj = bpy.data.objects.new(camera.name, data)
    try:
        _set_pinhole(obj, camera)
    except InputError:
        bpy.data.cameras.remove(data)  # and the object with it
        raise
    if is_distorted(camera):
        obj[LENS_PROPERTY] = _lens_text(camera)
    _place(obj, np.asarray(camera.R, float), np.asarray(camera.t, float))
    scene.collection.objects.link(obj)
    return obj


def lens_method(scene: bpy.types.Scene) -> LensMethod:
    """How this Blender, on the device that the scene is set to, shows a lens that bends."""
    if not osl_is_there():
        return "remap"
    if scene.render.engine == "CYCLES" and scene.cycles.device == "CPU":
        return "osl"
    addon = bpy.context.preferences.addons.get("cycles")
    kind = "CPU" if addon is None else getattr(addon.preferences, "compute_device_type", "NONE")
    return "osl" if kind in OSL_DEVICES or kind == "NONE" else "remap"


def remap_of(scene: bpy.types.Scene, obj: bpy.types.Object) -> LensRemap | None:
    """The resampling that has to follow on rendering through `obj`; None where the picture comes out as it is to be."""
    text = obj.get(LENS_PROPERTY)
    if text is None or lens_method(scene) == "osl":
        return None
    return _remap_from_text(str(text))


def read_camera(obj: bpy.types.Object, scene: bpy.types.Scene, size: tuple[int, int] | None = None) -> Camera:
    """The camera that `obj` is, its lens included: the inverse of `add_camera` (to float32, which Blender keeps).

    Cameras that a person made in Blender are read as well, with any sensor fit; they carry no size of their
    own and take the scene's resolution and pixel aspect. `size` (width, height in px) overrides either.

    Raises:
        InputError: the object is no perspective camera.
    """
    data = obj.data
    if not isinstance(data, bpy.types.Camera) or (data.type != "PERSP" and LENS_PROPERTY not in obj):
        raise InputError(f"'{obj.name}' is not a perspective camera", hint="choose a perspective camera")
    if LENS_PROPERTY in obj:
        lens = _lens_from_text(str(obj[LENS_PROPERTY]))
        R, t = _pose(obj)
        return replace(lens, name=obj.name, R=R, t=t)
    width, height = size or _own_size(obj, scene)
    aspect = _own_aspect(obj, scene)
    horizontal = data.sensor_fit == "HORIZONTAL" or (data.sensor_fit == "AUTO" and width >= aspect * height)
    fitted_pixels = width if horizontal else aspect * height  # how many (horizontal) pixels span the sensor
    sensor = data.sensor_height if data.sensor_fit == "VERTICAL" else data.sensor_width
    fx = data.lens * fitted_pixels / sensor
    cx = (width - 1) / 2 - data.shift_x * fitted_pixels
    cy = (height - 1) / 2 + data.shift_y * fitted_pixels / aspect
    K = np.array([[fx, 0.0, cx], [0.0, fx / aspect, cy], [0.0, 0.0, 1.0]])
    return Camera(obj.name, (int(width), int(height)), K, *_pose(obj))


def activate(scene: bpy.types.Scene, obj: bpy.types.Object) -> None:
    """Make `obj` the camera to render: the scene takes its resolution and pixel aspect, the camera its lens.

    Raises:
        InputError: a lens that cannot be shown on the scene's device.
    """
    if LENS_PROPERTY in obj:
        _set_bent(scene, obj)
    width, height = _own_size(obj, scene)
    aspect = _own_aspect(obj, scene)
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    # Blender refuses aspects below 1, so the smaller of the two is the one that stays 1.
    render.pixel_aspect_x, render.pixel_aspect_y = (1.0, aspect) if aspect >= 1 else (1.0 / aspect, 1.0)
    scene.camera = obj


def move_camera(obj: bpy.types.Object, R: Array, t: Array) -> None:
    """Put a camera that is carried about where it is for one image: X_cam = R X + t, [3, 3] and [3] m."""
    _place(obj, np.asarray(R, float), np.asarray(t, float))


def _set_pinhole(obj: bpy.types.Object, camera: Camera) -> None:
    (width, height), K = camera.size, np.asarray(camera.K, float)
    data = obj.data
    assert isinstance(data, bpy.types.Camera)
    aspect = K[0, 0] / K[1, 1]
    lens = K[0, 0] * SENSOR_WIDTH_MM / width
    if not _BLENDER_LENS_MM[0] <= lens <= _BLENDER_LENS_MM[1]:
        raise InputError(
            f"camera '{camera.name}': fx = {K[0, 0]:g} px on {width} px is a {lens:.3g} mm lens",
            hint=f"Blender holds {_BLENDER_LENS_MM[0]:g} to {_BLENDER_LENS_MM[1]:g} mm on a 36 mm sensor",
        )
    data.type, data.sensor_fit, data.sensor_width = "PERSP", "HORIZONTAL", SENSOR_WIDTH_MM
    data.lens_unit = "MILLIMETERS"
    data.lens = lens
    data.shift_x = ((width - 1) / 2 - K[0, 2]) / width
    data.shift_y = (K[1, 2] - (height - 1) / 2) * aspect / width
    obj[SIZE_PROPERTY] = [int(width), int(height)]
    obj[ASPECT_PROPERTY] = float(aspect)


def _set_bent(scene: bpy.types.Scene, obj: bpy.types.Object) -> None:
    """Set up the camera for a lens that bends, by the way that the scene's device can go."""
    remap = remap_of(scene, obj)
    if remap is not None:
        _set_pinhole(obj, remap.wider)
        return
    camera, data = _lens_from_text(str(obj[LENS_PROPERTY])), obj.data
    assert isinstance(data, bpy.types.Camera)
    data.sensor_fit, data.sensor_width = "HORIZONTAL", SENSOR_WIDTH_MM
    data.shift_x = data.shift_y = 0.0
    set_lens(data, camera)
    obj[SIZE_PROPERTY] = list(camera.size)
    obj[ASPECT_PROPERTY] = 1.0


def _lens_text(camera: Camera) -> str:
    values = (camera.size, np.asarray(camera.K).tolist(), camera.distortion_model, camera.distortion.tolist())
    return json.dumps([camera.name, *values])


def _lens_from_text(text: str) -> Camera:
    """The camera of a lens's text, standing in the origin."""
    name, size, K, model, coefficients = json.loads(text)
    return Camera(name, (size[0], size[1]), np.array(K), np.eye(3), np.zeros(3), model, np.array(coefficients, float))


@lru_cache(maxsize=16)  # a set of cameras; each holds 32 to 72 bytes a pixel
def _remap_from_text(text: str) -> LensRemap:
    return lens_remap(_lens_from_text(text))


def _pose(obj: bpy.types.Object) -> tuple[Array, Array]:
    """R and t of a camera object."""
    world = np.array(_world_matrix(obj), dtype=float)
    axes = world[:3, :3] / np.linalg.norm(world[:3, :3], axis=0)  # a scaled camera sees the same picture
    R = (BLENDER_FROM_OPENSIM.T @ axes @ CAMERA_FLIP).T
    return R, -R @ points_to_opensim(world[:3, 3])


def _place(obj: bpy.types.Object, R: Array, t: Array) -> None:
    world = np.eye(4)
    world[:3, :3] = BLENDER_FROM_OPENSIM @ R.T @ CAMERA_FLIP
    world[:3, 3] = points_to_blender(-R.T @ t)
    obj.rotation_mode = "QUATERNION"
    obj.matrix_world = Matrix(world.tolist())  # a bare list of rows would be taken for columns


def _world_matrix(obj: bpy.types.Object) -> object:
    """The world matrix as it is now: a parentless object's cached one may wait for the next scene update."""
    return obj.matrix_world if obj.parent or obj.constraints else obj.matrix_basis


def _own_size(obj: bpy.types.Object, scene: bpy.types.Scene) -> tuple[int, int]:
    if SIZE_PROPERTY in obj:
        width, height = obj[SIZE_PROPERTY]
        return int(width), int(height)
    scale = scene.render.resolution_percentage / 100
    return int(scene.render.resolution_x * scale), int(scene.render.resolution_y * scale)


def _own_aspect(obj: bpy.types.Object, scene: bpy.types.Scene) -> float:
    if ASPECT_PROPERTY in obj:
        return float(obj[ASPECT_PROPERTY])
    return scene.render.pixel_aspect_y / scene.render.pixel_aspect_x
