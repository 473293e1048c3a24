"""What varies between the recordings of a data set: the options, the streams that draw it, and what was drawn.

Everything that varies has a stream of random numbers of its own (`SEED_STREAMS`), so that another seed for the lights
leaves room, clothes and cameras as they were. What is drawn is plain numbers and words: it goes into the data set's
manifest as it is, and `surroundings.build_surroundings` needs nothing else to build it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..model.errors import InputError
from ..model.streams import stream
from .sensor_noise import SensorNoise
from .variety_draws import (
    FurnitureDraw,
    HdriDraw,
    LightsDraw,
    OutdoorDraw,
    RoomDraw,
    draw_furniture,
    draw_hdri,
    draw_lights,
    draw_noise,
    draw_outdoor,
    draw_room,
)
from .variety_options import VarietyOptions, options_from_table
from .variety_people import Place, place_people
from .variety_seats import SeatDraw, draw_seat

__all__ = ["SEED_STREAMS", "Variety", "VarietyOptions", "check_seeds", "draw_variety", "options_from_table", "seed_of"]

Array = NDArray[np.float64]
Seeds = Mapping[str, int] | int

SEED_STREAMS = (
    "surroundings",  # which kind
    "room",  # its size, walls, windows, doors and floor
    "outdoor",  # ground and planting
    "hdri",  # which file, and how it is turned
    "furniture",  # what stands about, and what is sat on
    "lights",  # number, colour temperature, strength and places; the sun
    "camera_noise",
    "motion_blur",
    "people",  # how many
    "places",  # where the others stand, and which way they face
    "body",
    "skin",
    "hair",
    "clothes",
)
ALL = "all"  # in a mapping of seeds: for every stream that is not named


@dataclass(frozen=True, slots=True)
class Variety:
    """What was drawn for one recording; parts that its surroundings do not have are None."""

    recording: str
    surroundings: str
    seeds: dict[str, int]  # by stream
    lights: LightsDraw
    room: RoomDraw | None = None
    outdoor: OutdoorDraw | None = None
    hdri: HdriDraw | None = None
    furniture: tuple[FurnitureDraw, ...] = ()
    camera_noise: SensorNoise | None = None
    shutter: float = 0.0  # share of the time between two frames that the shutter is open
    people: int = 1
    varied_looks: tuple[str, ...] = ()  # of "body", "skin", "hair", "clothes"
    seats: bool = True  # whether those who sit get something to sit on

    def as_json(self) -> dict[str, object]:
        """For a manifest: words, numbers, lists and tables alone. Seats depend on the motion: see `Surroundings`."""
        known = asdict(self)
        del known["seats"]
        return known

    def seat(self, index: int) -> SeatDraw:
        """What is drawn for the recording's seat of this number, from the furniture's seed."""
        return draw_seat(stream(self.seeds["furniture"], "seats", self.recording, index), self.surroundings)

    def places(self, footprints: list[Array]) -> tuple[Place, ...]:
        """Where each person's motion goes; see `variety_people.place_people`."""
        return place_people(footprints, stream(self.seeds["places"], "places", self.recording))


def check_seeds(seeds: Seeds) -> None:
    """Refuse seeds for streams that do not exist, and what is no whole number from 0.

    Raises:
        InputError: with what is wrong.
    """
    named = {ALL: seeds} if isinstance(seeds, int) else seeds
    for name, seed in named.items():
        if name != ALL and name not in SEED_STREAMS:
            raise InputError(f"no stream is called '{name}'", hint=f"there are {ALL}, {', '.join(SEED_STREAMS)}")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise InputError(f"the seed of '{name}' is {seed!r}", hint="give a whole number from 0")


def seed_of(seeds: Seeds, name: str) -> int:
    """The seed of a stream: its own, else that of all others ("all"), else 0."""
    return seeds if isinstance(seeds, int) else seeds.get(name, seeds.get(ALL, 0))


def draw_variety(options: VarietyOptions, seeds: Seeds, recording: str, footprint: ArrayLike | None = None) -> Variety:
    """What the seeds give for one recording.

    Args:
        options: what may vary.
        seeds: one for every stream, or by stream; see `seed_of`.
        recording: its name, by which recordings of the same seed differ.
        footprint: [T, N, 3] m outermost points of whoever is seen; not drawn from, only checked, since places follow
            from it when the surroundings are built.

    Raises:
        InputError: seeds that are none, a folder of panoramas without any, or points of another shape.
    """
    check_seeds(seeds)
    if footprint is not None and (np.ndim(footprint) != 3 or np.shape(footprint)[-1] != 3):
        raise InputError(f"the motion's points have the shape {np.shape(footprint)}, not [T, N, 3]")

    def of(name: str) -> np.random.Generator:
        return stream(seed_of(seeds, name), name, recording)

    kind = str(of("surroundings").choice(options.surroundings))
    low, high = options.people
    return Variety(
        recording=recording,
        surroundings=kind,
        seeds={name: seed_of(seeds, name) for name in SEED_STREAMS},
        lights=draw_lights(of("lights"), options),
        room=draw_room(of("room")) if kind == "room" else None,
        outdoor=draw_outdoor(of("outdoor")) if kind == "outdoor" else None,
        hdri=draw_hdri(of("hdri"), options) if kind == "hdri" else None,
        furniture=draw_furniture(of("furniture"), options, kind) if kind in ("room", "outdoor") else (),
        camera_noise=draw_noise(of("camera_noise"), options),
        shutter=round(float(of("motion_blur").uniform(*options.motion_blur)), 4),
        people=int(of("people").integers(low, high + 1)),
        varied_looks=options.looks,
        seats=options.seats,
    )
