"""Lamps under a ceiling, daylight through windows, sun and sky: strengths from the irradiance wanted at the person."""

from __future__ import annotations

import math
from collections.abc import Sequence

import bpy
import numpy as np
from mathutils import Vector  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray

from .axes import points_to_blender
from .surroundings_room import LampPlace
from .variety_draws import LightsDraw

Array = NDArray[np.float64]
Color = tuple[float, float, float]

LAMPS_IRRADIANCE = 1.5  # at the chest from all lamps together; walls and ceiling give about as much again
WINDOWS_IRRADIANCE = 0.7  # at the chest from all windows at full daylight
SUN_IRRADIANCE = 3.4
DAYLIGHT_K = 6500.0
_ADAPTED = 0.55  # how much of a lamp's colour a camera's white balance takes back


def light_room(
    scene: bpy.types.Scene, lights: LightsDraw, panels: Sequence[LampPlace], windows: Sequence[LampPlace], chest: Array
) -> list[bpy.types.Object]:
    """Area lamps below the ceiling's panels and before the windows; `chest` [3] m in ground is what they light."""
    shares = np.linspace(1.0, lights.key, len(panels)) if len(panels) else np.zeros(0)
    lamps = _lamps(scene, "SimSpine lamp", panels, shares, LAMPS_IRRADIANCE * lights.strength,
                   light_color(lights.temperature_k), chest)  # fmt: skip
    strength = WINDOWS_IRRADIANCE * lights.daylight * lights.strength
    lamps += _lamps(scene, "SimSpine window", windows, np.ones(len(windows)), strength, light_color(DAYLIGHT_K), chest)
    return lamps


def light_color(kelvin: float, adapted: float = _ADAPTED) -> Color:
    """Scene-linear colour (sRGB primaries, luminance 1) of a black body, for a camera that adapts by a share to it.

    Chromaticity by the cubics of Kang et al. (J. Korean Phys. Soc. 41, 2002) for 1667 to 25000 K; sRGB: IEC 61966-2-1.
    """
    t = 1000.0 / float(np.clip(kelvin, 1667.0, 25000.0))
    if t > 0.25:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin < 2222.0:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin < 4000.0:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    white = np.array([x / y, 1.0, (1.0 - x - y) / y])
    matrix = np.array(
        [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
    )
    color = np.maximum(matrix @ white, 0.02) ** (1.0 - adapted)
    red, green, blue = (color / (color @ (0.2126, 0.7152, 0.0722))).tolist()
    return red, green, blue


def add_sun(scene: bpy.types.Scene, lights: LightsDraw) -> bpy.types.Object:
    """The sun as a lamp; it turns warmer and weaker towards the horizon, softer with haze."""
    data = bpy.data.lights.new("SimSpine sun", "SUN")
    height = math.sin(math.radians(lights.sun_elevation_deg))
    data.energy = SUN_IRRADIANCE * lights.strength * (0.45 + 0.55 * height) * (1.0 - 0.45 * lights.haze)
    data.color = light_color(3600.0 + 2400.0 * height, 0.35)
    data.angle = math.radians(0.6 + 5.0 * lights.haze**2)
    obj = bpy.data.objects.new("SimSpine sun", data)
    obj.rotation_mode = "QUATERNION"
    obj.rotation_quaternion = Vector(points_to_blender(-sun_direction(lights)).tolist()).to_track_quat("-Z", "Y")
    scene.collection.objects.link(obj)
    return obj


def sun_direction(lights: LightsDraw) -> Array:
    """Unit vector towards the sun [3], ground: the azimuth runs from +Z towards +X."""
    elevation, azimuth = math.radians(lights.sun_elevation_deg), math.radians(lights.sun_azimuth_deg)
    flat = math.cos(elevation)
    return np.array([flat * math.sin(azimuth), math.sin(elevation), flat * math.cos(azimuth)])


def use_camera_response(scene: bpy.types.Scene, exposure: float) -> None:
    """AgX, which rolls highlights off as a camera does: windows and skies have more light than a screen shows.

    `exposure` is in stops.
    """
    view = scene.view_settings
    scene.display_settings.display_device = "sRGB"
    view.view_transform = "AgX"
    view.look = "AgX - Base Contrast"
    view.exposure, view.gamma = exposure, 1.0


def _lamps(
    scene: bpy.types.Scene, name: str, places: Sequence[LampPlace], shares: Array, irradiance: float, color: Color,
    chest: Array,
) -> list[bpy.types.Object]:  # fmt: skip
    """Area lamps that give `irradiance` at the chest together, on a surface that faces each of them."""
    if not len(places):
        return []
    away = np.array([chest - place.centre for place in places])
    squared = np.maximum((away**2).sum(axis=1), 0.25)
    facing = np.einsum("ni,ni->n", away, [place.direction for place in places]) / np.sqrt(squared)
    # A lamp of power P has the intensity P / pi straight ahead and falls off by the cosine.
    scale = irradiance / float((shares * np.maximum(facing, 0.05) / (math.pi * squared)).sum())
    lamps = []
    for place, share in zip(places, shares.tolist(), strict=True):
        data = bpy.data.lights.new(name, "AREA")
        data.shape, data.size, data.size_y = "RECTANGLE", *place.size
        data.energy, data.color = share * scale, color
        obj = bpy.data.objects.new(name, data)
        obj.location = points_to_blender(place.centre).tolist()
        obj.rotation_mode = "QUATERNION"
        obj.rotation_quaternion = Vector(points_to_blender(place.direction).tolist()).to_track_quat("-Z", "Y")
        obj.visible_camera = obj.visible_glossy = False
        scene.collection.objects.link(obj)
        lamps.append(obj)
    return lamps


def glow_colors(lights: LightsDraw) -> dict[str, tuple[Color, float]]:
    """Colour and strength at which the cameras see ceiling lamps and window panes shine."""
    return {
        "lamp": (light_color(lights.temperature_k), 3.0 + 2.0 * lights.strength),
        "daylight": (light_color(DAYLIGHT_K), 0.6 + 2.2 * lights.daylight),
    }
