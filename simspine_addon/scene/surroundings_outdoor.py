"""The world outside: sky and sun, ground, trees, bushes and houses; or a panorama with its own ground to stand on."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from .axes import points_to_blender
from .compat import shader_nodes
from .surroundings_layout import Stage
from .surroundings_shapes import Finish, Piece, box, crown, placed, rod
from .variety_draws import HdriDraw, LightsDraw, OutdoorDraw, Planting

Array = NDArray[np.float64]

GROUND_M = 260.0  # radius of the ground outdoors
_SKY_STRENGTH = (
    0.16  # of Blender's physical sky: 1 to 2.5 on level ground (rendered, 4.2 and 5.2), below the sun's 2 to 3
)
_PANORAMA_IRRADIANCE = 3.6  # on level ground, whatever a file's own scale
_PROJECTION_M = 1.6  # height over the floor from which a panorama's ground is taken to have been photographed
_PROJECTED_M = 14.0  # radius of that ground
_ROWS = 128  # of the panorama, averaged down, from which its irradiance is summed


def sky_world(scene: bpy.types.Scene, lights: LightsDraw) -> None:
    """A physical sky without the sun's disc, which is a lamp."""
    world, background = _new_world(scene, "SimSpine sky")
    sky = world.node_tree.nodes.new("ShaderNodeTexSky")
    known = {item.identifier for item in sky.bl_rna.properties["sky_type"].enum_items}
    # Nishita's model until 4.5; from 5.0 on it is called single scattering, beside a costlier one.
    sky.sky_type = next(name for name in ("NISHITA", "SINGLE_SCATTERING", "HOSEK_WILKIE") if name in known)
    settings = {
        "sun_disc": False,
        "sun_elevation": math.radians(lights.sun_elevation_deg),
        # Blender turns the sun from +Y towards +X seen from above; ours from +Z, which is Blender's -Y, towards +X.
        "sun_rotation": math.pi - math.radians(lights.sun_azimuth_deg),
        "air_density": 1.0,
        "dust_density": 0.6 + 2.4 * lights.haze,  # until 4.5
        "aerosol_density": 0.6 + 2.4 * lights.haze,  # from 5.0
        "ozone_density": 1.5,
    }
    for name, value in settings.items():
        if hasattr(sky, name):
            setattr(sky, name, value)
    background.inputs["Strength"].default_value = _SKY_STRENGTH * lights.strength
    world.node_tree.links.new(sky.outputs["Color"], background.inputs["Color"])


def ground_piece(draw: OutdoorDraw, stage: Stage) -> Piece:
    """A wide disc at the floor's height, in ground coordinates."""
    around = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)
    x, z = stage.centre
    ring = np.stack([x + GROUND_M * np.cos(around), np.full(64, stage.floor), z - GROUND_M * np.sin(around)], axis=1)
    return Piece(ring, (tuple(range(64)),), Finish(draw.ground, draw.ground_color))


def planting_pieces(draw: OutdoorDraw, stage: Stage, lights: LightsDraw) -> list[Piece]:
    """Trees, bushes and houses beyond the cameras, in ground coordinates.

    Where two would meet, the later is left out, and so is what would throw its shadow on the person.
    """
    pieces: list[Piece] = []
    taken: list[tuple[Array, float]] = []
    for each in draw.planting:
        radius = {"tree": 0.32, "bush": 0.75, "house": 1.1}[each.kind] * each.size_m
        direction = math.radians(each.direction_deg)
        distance = stage.reach + each.beyond_m + radius
        place = stage.centre + distance * np.array([math.sin(direction), math.cos(direction)])
        meets = any(float(np.linalg.norm(place - other)) < radius + reach for other, reach in taken)
        if meets or _shades(place - stage.centre, radius, each.size_m, stage, lights):
            continue
        taken.append((place, radius))
        local = {"tree": _tree, "bush": _bush, "house": _house}[each.kind](each)
        heading = direction + math.pi if each.kind == "house" else 0.0
        pieces += [placed(piece, float(place[0]), float(place[1]), heading, stage.floor) for piece in local]
    return pieces


def _shades(place: Array, radius: float, height: float, stage: Stage, lights: LightsDraw) -> bool:
    """Whether the shadow of something at `place` [2] (from the stage's middle) reaches where the person goes."""
    azimuth = math.radians(lights.sun_azimuth_deg)
    ahead, aside = np.array([math.sin(azimuth), math.cos(azimuth)]), np.array([math.cos(azimuth), -math.sin(azimuth)])
    room = float(np.linalg.norm(stage.hull - stage.centre, axis=1).max()) + 0.8 + 1.3 * radius
    length = 1.3 * height / math.tan(math.radians(lights.sun_elevation_deg))
    return abs(float(place @ aside)) < room and 0.0 < float(place @ ahead) < length + room


def panorama_world(scene: bpy.types.Scene, draw: HdriDraw, stage: Stage, strength: float) -> list[bpy.types.Object]:
    """The panorama all around, at one exposure whatever its scale, and its own ground under the person.

    The ground shows the panorama as projected from 1.6 m above the person's floor, lit by the panorama: its colour is
    radiance * pi / irradiance, so that it looks as photographed, but takes shadows and stays in place between views.

    Raises:
        InputError: the file cannot be read as an image, or is dark.
    """
    image = _panorama(draw.file)
    turn = math.radians(draw.turn_deg)
    irradiance = _irradiance(image, draw.file)
    scale = _PANORAMA_IRRADIANCE * strength / irradiance
    world, background = _new_world(scene, "SimSpine panorama")
    tree = world.node_tree
    place = tree.nodes.new("ShaderNodeTexCoord").outputs["Generated"]
    texture = _environment(tree, image, place, turn)
    tree.links.new(texture.outputs["Color"], background.inputs["Color"])
    background.inputs["Strength"].default_value = scale
    return [_projected_ground(scene, image, turn, irradiance, stage)]


def check_panorama(file: str | Path) -> None:
    """Refuse a file that `panorama_world` could not use; nothing of it stays in the Blender file that is open.

    Raises:
        InputError: it cannot be read as an image, is cut short, no panorama or dark.
    """
    image = _panorama(str(file))
    try:
        _irradiance(image, str(file))
    finally:
        bpy.data.images.remove(image)


def _projected_ground(
    scene: bpy.types.Scene, image: bpy.types.Image, turn: float, irradiance: float, stage: Stage
) -> bpy.types.Object:
    around = np.linspace(0.0, 2.0 * np.pi, 96, endpoint=False)
    x, z = stage.centre
    foot = points_to_blender(np.array([x, stage.floor, z]))
    radius = stage.reach + _PROJECTED_M
    mesh = bpy.data.meshes.new("SimSpine ground")
    corners = [(radius * math.cos(a), radius * math.sin(a), 0.0) for a in around.tolist()]
    mesh.from_pydata(corners, [], [list(range(96))])
    material = bpy.data.materials.new("SimSpine panorama's ground")
    shader_nodes(material).clear()
    _paint_projected(material.node_tree, image, turn, irradiance, radius)
    mesh.materials.append(material)
    obj = bpy.data.objects.new("SimSpine ground", mesh)
    obj.location = foot.tolist()
    scene.collection.objects.link(obj)
    return obj


def _paint_projected(tree: Any, image: bpy.types.Image, turn: float, irradiance: float, radius: float) -> None:
    """Diffuse of the panorama's colour as seen from above the disc's middle, clear towards its rim."""
    place = tree.nodes.new("ShaderNodeTexCoord").outputs["Object"]
    ray, length, fade = (tree.nodes.new(f"ShaderNode{kind}") for kind in ("VectorMath", "VectorMath", "MapRange"))
    ray.operation, length.operation = "SUBTRACT", "LENGTH"
    ray.inputs[1].default_value = (0.0, 0.0, _PROJECTION_M)
    tree.links.new(place, ray.inputs[0])
    tree.links.new(place, length.inputs[0])
    texture = _environment(tree, image, ray.outputs[0], turn)
    shade = tree.nodes.new("ShaderNodeVectorMath")
    shade.operation = "SCALE"
    shade.inputs["Scale"].default_value = math.pi / irradiance
    tree.links.new(texture.outputs["Color"], shade.inputs[0])
    most = tree.nodes.new("ShaderNodeVectorMath")  # a surface gives back less than it gets
    most.operation = "MINIMUM"
    most.inputs[1].default_value = (0.9, 0.9, 0.9)
    tree.links.new(shade.outputs[0], most.inputs[0])
    fade.inputs["From Min"].default_value, fade.inputs["From Max"].default_value = 0.6 * radius, 0.98 * radius
    tree.links.new(length.outputs["Value"], fade.inputs["Value"])
    kinds = ("BsdfDiffuse", "BsdfTransparent", "MixShader", "OutputMaterial")
    solid, clear, mix, output = (tree.nodes.new(f"ShaderNode{kind}") for kind in kinds)
    tree.links.new(most.outputs[0], solid.inputs["Color"])
    tree.links.new(fade.outputs["Result"], mix.inputs["Fac"])
    tree.links.new(solid.outputs[0], mix.inputs[1])
    tree.links.new(clear.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], output.inputs["Surface"])


def _panorama(file: str) -> bpy.types.Image:
    problem = None
    try:
        image = bpy.data.images.load(str(Path(file)), check_existing=True)
        width, height = image.size
        if width < 16 or height < 8:
            problem = "holds no image that Blender can read"
        elif not 1.7 < width / height < 2.3:
            problem = f"is {width} x {height}, no panorama"
    except RuntimeError as error:
        raise InputError("cannot be read as an image", path=file, hint="give .hdr or .exr panoramas") from error
    if problem:
        raise InputError(problem, path=file, hint="give equirectangular .hdr or .exr panoramas, twice as wide as high")
    return image


def _irradiance(image: bpy.types.Image, file: str) -> float:
    """On level ground, summed over the upper half: the mean of the channels' luminance."""
    width, height = image.size
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    rows = pixels.reshape(height, width, image.channels)[..., :3].astype(float).mean(axis=1)  # from the bottom up
    elevation = ((np.arange(height) + 0.5) / height - 0.5) * math.pi
    weight = np.where(elevation > 0.0, np.sin(elevation) * np.cos(elevation), 0.0) * (math.pi / height) * 2.0 * math.pi
    total = float((np.nan_to_num(rows, posinf=0.0) @ (0.2126, 0.7152, 0.0722)) @ weight)
    if not (math.isfinite(total) and total > 1e-6):
        raise InputError("is dark: no light comes from its upper half", path=file, hint="take it out of hdri_folder")
    return total


def _environment(tree: Any, image: bpy.types.Image, direction: Any, turn: float) -> Any:
    mapping, texture = tree.nodes.new("ShaderNodeMapping"), tree.nodes.new("ShaderNodeTexEnvironment")
    mapping.inputs["Rotation"].default_value = (0.0, 0.0, turn)
    texture.image = image
    tree.links.new(direction, mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    return texture


def _new_world(scene: bpy.types.Scene, name: str) -> tuple[Any, Any]:
    world = bpy.data.worlds.new(name)
    if world.node_tree is None:  # before Blender 5.0 nodes have to be switched on
        world.use_nodes = True
    assert world.node_tree is not None
    scene.world = world
    return world, next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")


def _tree(each: Planting) -> list[Piece]:
    random = np.random.default_rng(each.shape)
    bark, leaves, tall = Finish("soil", "#5B4A3A"), Finish("leaf", each.color), each.size_m
    pieces = [rod((0.0, -0.1, 0.0), (0.02 * tall, 0.55 * tall, 0.0), 0.028 * tall, bark, 8)]
    for _ in range(int(random.integers(4, 7))):
        aside = random.uniform(-0.17, 0.17, 2) * tall
        high = random.uniform(0.52, 0.80) * tall
        uneven = random.normal(0.0, 0.10, (13, 16))
        pieces.append(crown((aside[0], high, aside[1]), random.uniform(0.17, 0.25) * tall, leaves, uneven))
    return pieces


def _bush(each: Planting) -> list[Piece]:
    random = np.random.default_rng(each.shape)
    leaves, size = Finish("leaf", each.color), each.size_m
    return [
        crown((x, random.uniform(0.28, 0.42) * size, z), random.uniform(0.34, 0.5) * size, leaves,
              random.normal(0.0, 0.12, (13, 16)))
        for x, z in random.uniform(-0.35, 0.35, (3, 2)) * size
    ]  # fmt: skip


def _house(each: Planting) -> list[Piece]:
    """A house of two floors with a gable roof, its front towards +Z."""
    random = np.random.default_rng(each.shape)
    width, depth, eaves = each.size_m, 0.75 * each.size_m, 5.4
    ridge, over = eaves + 0.32 * depth, 0.4
    wall, glass = Finish("paint", each.color), Finish("ceramic", "#2C3640")
    roof = Finish("tiles", ("#7A4A3C", "#5A5552", "#6B5648")[int(random.integers(3))])
    x, z = width / 2 + over, depth / 2 + over
    corners = np.array(
        [[-x, eaves, -z], [x, eaves, -z], [x, eaves, z], [-x, eaves, z], [-x, ridge, 0], [x, ridge, 0]], float
    )
    pieces = [
        box((-width / 2, 0.0, -depth / 2), (width / 2, eaves, depth / 2), wall, 0.0),
        Piece(corners, ((3, 2, 5, 4), (1, 0, 4, 5), (0, 3, 4), (2, 1, 5), (0, 1, 2, 3)), roof),
        box((-0.5, 0.0, depth / 2 - 0.02), (0.5, 2.1, depth / 2 + 0.04), Finish("wood", "#5A3D2B")),
    ]
    for middle in np.linspace(-width / 2 + 1.2, width / 2 - 1.2, max(int(width / 2.2), 2)):
        for low in (0.9, 3.4):
            if low > 1.0 or abs(middle) > 1.2:
                pieces.append(
                    box((middle - 0.55, low, depth / 2 - 0.02), (middle + 0.55, low + 1.3, depth / 2 + 0.02), glass)
                )
    return pieces
