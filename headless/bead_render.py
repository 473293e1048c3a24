"""Render moving beads, one in each colour: images on which a detector's answer is known, for the whole pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.capture.projection import project
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.scene.axes import points_to_blender
from ..simspine_addon.scene.cameras import add_camera
from ..simspine_addon.scene.render import Device, RenderSettings, configure, is_whole_image, render_image
from .progress import progress

Array = NDArray[np.float64]

SAMPLES = 16
"""A box of 16 samples a pixel leaves about 0.02 px of noise in the centroid of a bead 3 px in radius."""


def render_beads(
    folder: Path,
    positions: Array,
    colors: Array,
    cameras: Sequence[Camera],
    *,
    radius_m: float = 0.012,
    samples: int = SAMPLES,
) -> None:
    """Write `folder/<camera>/<frame>.png` of glowing beads before black; images that are there and whole are kept.

    Args:
        positions: centres in OpenSim's ground, [T, K, 3] m; beads that are NaN are not shown.
        colors: [K, 3], the values 0 to 1 that a wholly covered pixel has in the file (nothing is tone-mapped).
        cameras: pinhole views; a bead that is nearer hides the one behind it.

    Raises:
        InputError: shapes that do not fit, or a camera that Blender cannot hold.
    """
    positions, colors = np.asarray(positions, float), np.asarray(colors, float)
    if positions.ndim != 3 or colors.shape != (positions.shape[1], 3):
        raise InputError(f"positions {positions.shape} and colours {colors.shape} are not [T, K, 3] and [K, 3]")
    scene = bpy.data.scenes.new("SimSpine beads")
    before = bpy.context.window.scene if bpy.context.window else None
    if bpy.context.window:
        bpy.context.window.scene = scene  # what is rendered has to be the context's scene
    made: list[bpy.types.ID] = [scene]
    try:
        beads = _beads(scene, colors, radius_m, made)
        eyes = [add_camera(scene, camera) for camera in cameras]
        made += [*beads, *eyes]
        configure(scene, RenderSettings(samples=samples, denoise=False), Device("CPU", ()))
        _darken(scene, made)
        for frame in progress(range(len(positions)), "beads"):
            _place(beads, positions[frame])
            for camera, eye in zip(cameras, eyes, strict=True):
                path = folder / camera.name / f"{frame:06d}.png"
                if not is_whole_image(path):
                    _look_where_beads_are(scene, camera, positions[frame], radius_m)
                    render_image(scene, eye, 1, frame, path)
    finally:
        if bpy.context.window and before is not None:
            bpy.context.window.scene = before
        bpy.data.batch_remove(made)


def _beads(scene: bpy.types.Scene, colors: Array, radius_m: float, made: list[bpy.types.ID]) -> list[bpy.types.Object]:
    mesh = _sphere(radius_m)
    material = _glow()
    mesh.materials.append(material)
    made += [mesh, material]
    beads = []
    for index, color in enumerate(colors):
        bead = bpy.data.objects.new(f"bead {index:02d}", mesh)
        bead.color = (*color, 1.0)
        scene.collection.objects.link(bead)
        beads.append(bead)
    return beads


def _sphere(radius_m: float) -> bpy.types.Mesh:
    """Rings and segments fine enough that the outline is round to 0.2 % of the radius."""
    rings, segments = 24, 48
    polar = np.pi * np.arange(1, rings) / rings
    around = 2 * np.pi * np.arange(segments) / segments
    ring = np.stack(
        [
            np.outer(np.sin(polar), np.cos(around)),
            np.outer(np.sin(polar), np.sin(around)),
            np.repeat(np.cos(polar)[:, None], segments, axis=1),
        ],
        axis=-1,
    ).reshape(-1, 3)
    vertices = radius_m * np.concatenate([[[0, 0, 1]], ring, [[0, 0, -1]]])
    last = len(vertices) - 1
    faces: list[tuple[int, ...]] = []
    for segment in range(segments):
        beside = (segment + 1) % segments
        faces.append((0, 1 + segment, 1 + beside))
        for row in range(rings - 2):
            above, below = 1 + row * segments, 1 + (row + 1) * segments
            faces.append((above + segment, below + segment, below + beside, above + beside))
        bottom = last - segments
        faces.append((bottom + beside, bottom + segment, last))
    mesh = bpy.data.meshes.new("SimSpine bead")
    mesh.from_pydata(vertices.tolist(), [], faces)
    return mesh


def _glow() -> bpy.types.Material:
    """Light of the object's own colour and no other."""
    material = bpy.data.materials.new("SimSpine bead")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    info, light = tree.nodes.new("ShaderNodeObjectInfo"), tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(info.outputs["Color"], light.inputs["Color"])
    tree.links.new(light.outputs["Emission"], output.inputs["Surface"])
    return material


def _darken(scene: bpy.types.Scene, made: list[bpy.types.ID]) -> None:
    """Nothing but the beads: a black world, no light that bounces, and values written as they are."""
    world = bpy.data.worlds.new("SimSpine beads")
    made.append(world)
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.0
    scene.world = world
    scene.cycles.max_bounces = 0
    scene.render.dither_intensity = 0.0
    scene.view_settings.view_transform = "Raw"
    scene.view_settings.look = "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0


def _look_where_beads_are(scene: bpy.types.Scene, camera: Camera, positions: Array, radius_m: float) -> None:
    """Render the part of the image that holds beads and leave the rest black: most of an image holds none."""
    pixels, depth = project(camera, positions)
    seen = np.isfinite(pixels).all(axis=1)
    scene.render.use_border = bool(seen.any())
    scene.render.use_crop_to_border = False
    if not seen.any():
        return
    reach = 2.0 + radius_m * max(camera.K[0, 0], camera.K[1, 1]) / depth[seen].min()
    width, height = camera.size
    low = np.clip((pixels[seen].min(axis=0) - reach) / (width, height), 0.0, 1.0)
    high = np.clip((pixels[seen].max(axis=0) + reach) / (width, height), 0.0, 1.0)
    scene.render.border_min_x, scene.render.border_max_x = low[0], high[0]
    scene.render.border_min_y, scene.render.border_max_y = 1.0 - high[1], 1.0 - low[1]


def _place(beads: list[bpy.types.Object], positions: Array) -> None:
    shown = np.isfinite(positions).all(axis=1)
    for bead, place, there in zip(beads, points_to_blender(np.nan_to_num(positions)), shown, strict=True):
        bead.location = place
        bead.hide_render = not there
