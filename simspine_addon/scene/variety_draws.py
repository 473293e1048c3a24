"""What each stream draws for the surroundings: room, outdoors, panorama, furniture, lights and the camera's noise.

Shares run from 0 to 1 and are turned into places when footprint and cameras are known (`surroundings_layout`), so a
draw never depends on another stream's. Colours are sRGB hex, drawn by eye from paints, woods and cloths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .sensor_noise import SensorNoise
from .variety_options import VarietyOptions, panoramas

Generator = np.random.Generator

WALL_HEX = ("#E9E5DC", "#DDDAD2", "#D5DAD8", "#E4DCCB", "#C9D2D6", "#D9CFC0", "#CFD6C6", "#E6D9D2", "#B9C2C6")
ACCENT_HEX = ("#7F95A3", "#A9B59B", "#C79B7B", "#8C6F64", "#5F7480", "#B7A98C", "#9FA8B8", "#6E7F6B")
FLOORS = (
    ("planks", "#A57C52"), ("planks", "#8A6340"), ("planks", "#C3A27A"), ("planks", "#6B4A33"),
    ("tiles", "#BFBAB0"), ("tiles", "#8E908F"), ("carpet", "#7C7F86"), ("carpet", "#8D8172"), ("carpet", "#5C6670"),
    ("concrete", "#96948F"),
)  # fmt: skip
WOOD_HEX = ("#A97B4F", "#7D5636", "#C9A77C", "#5A3D2B", "#D8C3A0", "#8F6B4A", "#E6E1D8", "#3C3A38")
CLOTH_HEX = ("#5C6B78", "#7B4B45", "#6E7B5E", "#B49B7A", "#3F4C5C", "#9A8F86", "#A8653F", "#D0C8BA", "#48635F")
GROUNDS = (
    ("grass", "#69754A"), ("grass", "#7C7F55"), ("asphalt", "#55565A"), ("paving", "#A39C90"), ("gravel", "#9C9488"),
)  # fmt: skip
LEAF_HEX = ("#4C6B2F", "#5D7A38", "#3F5C33", "#76843F", "#4A6A4A")
FACADE_HEX = ("#C9BBA4", "#B98F72", "#D6D0C4", "#9FA7AB", "#8B5B4B", "#DCC9A0")
INDOOR = (
    "table",
    "desk",
    "chair",
    "chair",
    "shelf",
    "sideboard",
    "plant",
    "plant",
    "sofa",
    "armchair",
    "crate",
    "lamp",
)
OUTDOOR = ("bench", "planter", "planter", "bollard", "crate", "bin")
AGAINST_WALL = ("desk", "shelf", "sideboard", "sofa", "lamp", "plant")  # what rather stands along a wall
_WISHES = 16  # places that a piece may try, in order


@dataclass(frozen=True, slots=True)
class Opening:
    """A window or door in wall 0 to 3: where its middle is along the wall (a share), and its size in m."""

    wall: int
    along: float
    width: float
    height: float
    sill: float  # of its lower edge above the floor; 0 for a door


@dataclass(frozen=True, slots=True)
class RoomDraw:
    """`margins_m` are kept between the walls and whatever cameras or motion come nearest them."""

    margins_m: tuple[float, float, float, float]
    height_m: float
    turn_deg: float  # of the walls against the narrowest rectangle around motion and cameras
    walls: str
    accent_wall: int
    accent: str
    accent_finish: str  # paint, bricks or panels
    floor: str
    floor_color: str
    woodwork: str
    openings: tuple[Opening, ...]
    pictures: tuple[tuple[int, float, str], ...]  # wall, along (a share), colour


@dataclass(frozen=True, slots=True)
class Planting:
    """A tree, bush or house far outside: direction, how much farther than the cameras, size and colour."""

    kind: str
    direction_deg: float
    beyond_m: float
    size_m: float
    color: str
    shape: int  # seed of its unevenness


@dataclass(frozen=True, slots=True)
class OutdoorDraw:
    """The ground and what stands around it."""

    ground: str
    ground_color: str
    planting: tuple[Planting, ...]
    path_deg: float  # direction of the paving's joints


@dataclass(frozen=True, slots=True)
class HdriDraw:
    """A panorama, and by how much it is turned about the upright axis."""

    file: str
    turn_deg: float


@dataclass(frozen=True, slots=True)
class FurnitureDraw:
    """A piece of furniture: `sizes` are shares of its kind's own limits; `wishes` are places to try, in order.

    A wish is (against a wall?, wall 0 to 3, share along it, share of the free distance, turn in degrees).
    """

    kind: str
    sizes: tuple[float, float, float]
    color: str
    second_color: str
    shape: int  # seed of leaves, books and the like
    wishes: tuple[tuple[bool, int, float, float, float], ...]


@dataclass(frozen=True, slots=True)
class LightsDraw:
    """Under a ceiling: `count` panels with their own offsets. Outdoors: the sun. Strengths are shares of a good one."""

    count: int
    temperature_k: float
    strength: float
    offsets: tuple[tuple[float, float], ...]  # shares of a panel's field, -0.5 to 0.5
    daylight: float  # through windows
    key: float  # how much stronger the strongest panel is than the weakest
    sun_elevation_deg: float
    sun_azimuth_deg: float
    haze: float  # 0 clear to 1


def draw_room(rng: Generator) -> RoomDraw:
    """A room: walls, floor, and what breaks the walls."""
    floor, floor_color = FLOORS[int(rng.integers(len(FLOORS)))]
    margins = tuple(_rounded(rng.uniform(0.45, 1.6, 4)))
    accented = rng.random() < 0.6
    return RoomDraw(
        margins_m=margins,  # type: ignore[arg-type]
        height_m=round(float(rng.uniform(2.65, 3.3)), 3),
        turn_deg=round(float(rng.uniform(-6.0, 6.0)), 3),
        walls=_one(rng, WALL_HEX),
        accent_wall=int(rng.integers(4)) if accented else -1,
        accent=_one(rng, ACCENT_HEX),
        accent_finish=_one(rng, ("paint", "paint", "bricks", "panels")),
        floor=floor,
        floor_color=floor_color,
        woodwork=_one(rng, ("#F1EEE8", "#E7E3DA", "#8A6848", "#5E4632", "#D9D9D6")),
        openings=_openings(rng),
        pictures=tuple(
            (int(rng.integers(4)), round(float(rng.uniform(0.12, 0.88)), 4), _one(rng, ACCENT_HEX + CLOTH_HEX))
            for _ in range(int(rng.integers(2, 7)))
        ),
    )


def draw_outdoor(rng: Generator) -> OutdoorDraw:
    """Ground, trees, bushes and houses around."""
    ground, color = GROUNDS[int(rng.integers(len(GROUNDS)))]
    trees, bushes, houses = int(rng.integers(16, 28)), int(rng.integers(10, 22)), int(rng.integers(3, 9))
    planting = []
    for kind, count, reach, size in (
        ("tree", trees, (6.0, 60.0), (4.5, 9.0)),
        ("bush", bushes, (2.5, 40.0), (0.8, 2.2)),
        ("house", houses, (24.0, 70.0), (6.0, 11.0)),
    ):
        start = rng.uniform(0.0, 360.0)
        colors = FACADE_HEX if kind == "house" else LEAF_HEX
        for index in range(count):
            around = start + 360.0 * (index + rng.uniform(-0.45, 0.45)) / count
            direction, beyond, large = _rounded([around % 360.0, rng.uniform(*reach), rng.uniform(*size)])
            planting.append(Planting(kind, direction, beyond, large, _one(rng, colors), int(rng.integers(2**31))))
    return OutdoorDraw(ground, color, tuple(planting), round(float(rng.uniform(0.0, 90.0)), 2))


def draw_hdri(rng: Generator, options: VarietyOptions) -> HdriDraw:
    """One of the user's panoramas.

    Raises:
        InputError: there is none.
    """
    assert options.hdri_folder is not None  # `options_from_table` sees to it
    files = panoramas(options.hdri_folder)
    return HdriDraw(str(files[int(rng.integers(len(files)))]), round(float(rng.uniform(0.0, 360.0)), 2))


def draw_furniture(rng: Generator, options: VarietyOptions, surroundings: str) -> tuple[FurnitureDraw, ...]:
    """Pieces with the places that they would like; where walls and cameras are decides which they get."""
    kinds = INDOOR if surroundings == "room" else OUTDOOR
    low, high = options.furniture
    return tuple(_piece(rng, kinds) for _ in range(int(rng.integers(low, high + 1))))


def draw_lights(rng: Generator, options: VarietyOptions) -> LightsDraw:
    """Lamps and sun; without `options.lights` the middle of the road."""
    if not options.lights:
        return LightsDraw(4, 4500.0, 1.0, ((0.0, 0.0),) * 4, 0.6, 1.0, 42.0, 130.0, 0.3)
    low, high = options.light_count
    count = int(rng.integers(low, high + 1))
    kelvin = rng.uniform(*(1e6 / np.array(options.temperature_k)[::-1]))  # even in mired, as the eye sees it
    return LightsDraw(
        count=count,
        temperature_k=round(float(1e6 / kelvin), 1),
        strength=round(float(np.exp(rng.uniform(*np.log(options.strength)))), 4),
        offsets=tuple((x, z) for x, z in (_rounded(rng.uniform(-0.35, 0.35, 2)) for _ in range(count))),
        daylight=round(float(rng.uniform(0.2, 1.0)), 4),
        key=round(float(rng.uniform(1.0, 3.5)), 4),
        sun_elevation_deg=round(float(rng.uniform(18.0, 65.0)), 3),
        sun_azimuth_deg=round(float(rng.uniform(0.0, 360.0)), 3),
        haze=round(float(rng.uniform(0.0, 1.0)), 4),
    )


def draw_noise(rng: Generator, options: VarietyOptions) -> SensorNoise | None:
    """A camera between a clean one and a small sensor in poor light; None where it adds nothing.

    At 1: 1100 electrons at white and 9 of read noise, as of a phone's pixel at high gain [order of magnitude].
    """
    grade = float(rng.uniform(*options.camera_noise))
    balance = rng.uniform(-1.0, 1.0, 2)
    if options.camera_noise == (0.0, 0.0):
        return None
    warm, green = 0.06 * grade * balance
    return SensorNoise(
        full_well=round(20000.0 * float((1100.0 / 20000.0) ** grade), 1),
        read_electrons=round(2.0 + 7.0 * grade, 2),
        vignetting=round(float(rng.uniform(0.05, 0.35)) * grade, 4),
        blur_px=round(float(rng.uniform(0.2, 0.65)) * grade, 4),
        white_balance=tuple(_rounded([1.0 + warm, 1.0 + 0.5 * green, 1.0 - warm])),  # type: ignore[arg-type]
    )


def _openings(rng: Generator) -> tuple[Opening, ...]:
    """Two or three walls with windows, one with a door."""
    door_wall = int(rng.integers(4))
    along, width, height = _rounded([rng.uniform(0.15, 0.85), rng.uniform(0.88, 1.05), 2.06])
    openings = [Opening(door_wall, along, width, height, 0.0)]
    window_walls = rng.permutation(4)[: int(rng.integers(1, 4))].tolist()
    for wall in window_walls:
        count = int(rng.integers(1, 4))
        width, height = rng.uniform(0.9, 1.8), rng.uniform(1.15, 1.5)
        sill = rng.uniform(0.75, 0.95)
        for index in range(count):
            along = (index + 0.5) / count
            openings.append(Opening(int(wall), *_rounded([along, width, height, sill])))
    return tuple(openings)


def _piece(rng: Generator, kinds: tuple[str, ...]) -> FurnitureDraw:
    kind = _one(rng, kinds)
    cloth = kind in ("sofa", "armchair", "lamp")
    wishes = []
    for _ in range(_WISHES):
        against = bool(rng.random() < (0.95 if kind in AGAINST_WALL else 0.25))
        values = _rounded([rng.random(), rng.random(), rng.uniform(-180.0, 180.0)])
        wishes.append((against, int(rng.integers(4)), *values))
    return FurnitureDraw(
        kind=kind,
        sizes=tuple(_rounded(rng.random(3))),  # type: ignore[arg-type]
        color=_one(rng, CLOTH_HEX if cloth else WOOD_HEX),
        second_color=_one(rng, WOOD_HEX if cloth else CLOTH_HEX),
        shape=int(rng.integers(2**31)),
        wishes=tuple(wishes),
    )


def _one(rng: Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _rounded(values) -> list[float]:
    return [round(float(value), 4) for value in values]
