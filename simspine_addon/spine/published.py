"""Published figures of spinal curvature and motion, each with its source, to be printed beside what was measured.

Angles are degrees. `checked` is false for figures that are commonly reproduced and were not compared with the original
publication; whoever prints them says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Published:
    """A mean with its standard deviation, or the limits (low, high) of its source; None where the source has none."""

    mean: float
    deviation: float | None
    source: str
    limits: tuple[float, float] | None = None
    checked: bool = True

    @property
    def range(self) -> tuple[float, float] | None:
        """The source's limits, or the mean plus or minus two standard deviations."""
        if self.limits is not None:
            return self.limits
        return None if self.deviation is None else (self.mean - 2 * self.deviation, self.mean + 2 * self.deviation)

    @property
    def text(self) -> str:
        """The figure as it is printed."""
        spread = "" if self.deviation is None else f" ± {self.deviation:g}"
        limits = "" if self.limits is None else f" ({self.limits[0]:g} to {self.limits[1]:g})"
        return f"{self.mean:g}{spread}{limits}{'' if self.checked else ' [?]'}"


PAPER = "SIMSPINE, arXiv 2602.20792"
STANDING_627 = "PMC6680033, standing, n = 627"
STANDING_324 = "Sci Rep 2022, s41598-022-21840-x, standing, n = 324"
WHITE_PANJABI_1990 = "White & Panjabi 1990 [?]"
WHITE_PANJABI_1978 = "White & Panjabi 1978 [?]"
PEARCY = "Pearcy 1984, in vivo"
BMC = "BMC Musculoskelet Disord 7:45, table 5, in vivo"
ESOLA = "Esola et al. 1996 [?]"

LORDOSIS: tuple[Published, ...] = (
    Published(49.8, 11.2, STANDING_627),
    Published(36.20, 2.95, f"{PAPER}, over actions"),
)
LOWER_LORDOSIS: tuple[Published, ...] = (Published(34.2, 8.3, STANDING_627),)
KYPHOSIS: tuple[Published, ...] = (Published(32.89, 4.10, f"{PAPER}, over actions"),)
BY_SUBJECT = {"lordosis": Published(35.88, 2.82, PAPER), "kyphosis": Published(33.58, 4.18, PAPER)}

PAPER_ACTIONS: Mapping[str, tuple[float, float]] = {  # action -> (LLA, TKA)
    "Directions": (36.09, 33.26), "Discussion": (36.40, 34.04), "Eating": (36.86, 32.34), "Greeting": (36.42, 31.00),
    "Phoning": (35.41, 35.46), "Photo": (36.97, 32.10), "Posing": (36.78, 32.27), "Purchases": (37.60, 33.29),
    "Sitting": (34.53, 35.56), "SittingDown": (35.41, 35.34), "Smoking": (34.94, 35.07), "Waiting": (36.48, 32.37),
    "WalkDog": (36.68, 31.82), "WalkTogether": (35.98, 31.03), "Walking": (36.08, 32.05),
}  # fmt: skip

SEGMENTAL_LORDOSIS_DEG: Mapping[str, float] = {  # Sci Rep 2022; L1-2 to L5-S1, their sum is 50.5
    "L1-L2": 1.2, "L2-L3": 5.9, "L3-L4": 9.1, "L4-L5": 12.7, "L5-S1": 21.6,
}  # fmt: skip

# Height of a vertebra's body and of the disc below it, mm: Panjabi et al., Spine 1991;16(8):861-869 and 888-901, Spine
# 1992;17(3):299-306 for the bodies, rounded radiological values for the discs; both as commonly reproduced, not checked
# against the originals. Only their proportions are used. (C2 counts with its dens' base, C1 with its anterior arch.)
VERTEBRAL_HEIGHT_MM: Mapping[str, tuple[float, float]] = {
    "L5": (22.9, 10.0), "L4": (24.1, 11.0), "L3": (23.8, 10.0), "L2": (24.3, 9.0), "L1": (23.8, 8.0),
    "T12": (22.7, 7.0), "T11": (21.3, 6.0), "T10": (20.2, 5.5), "T9": (19.3, 5.0), "T8": (18.7, 5.0),
    "T7": (18.2, 4.5), "T6": (17.4, 4.5), "T5": (16.2, 4.0), "T4": (16.2, 4.0), "T3": (15.7, 4.0),
    "T2": (15.6, 4.0), "T1": (14.1, 4.5), "C7": (12.8, 5.5), "C6": (10.9, 5.5), "C5": (11.4, 5.5),
    "C4": (11.4, 5.5), "C3": (11.6, 5.0), "C2": (20.0, 5.0), "C1": (11.0, 2.0),
}  # fmt: skip

LEVELS = ("T12-L1", "L1-L2", "L2-L3", "L3-L4", "L4-L5", "L5-S1")
MOVEMENTS = ("flexion-extension", "bending", "rotation")


def _rows(means: tuple[float, ...], source: str, limits: tuple[tuple[float, float], ...] | None = None):
    spans = limits or (None,) * len(means)
    return {
        level: Published(mean, None, source, span, checked=False)
        for level, mean, span in zip(LEVELS, means, spans, strict=True)
    }


# Flexion plus extension is the whole range; bending and rotation are to one side.
ROM_1978: Mapping[str, Mapping[str, Published]] = {
    "flexion-extension": _rows((12, 12, 14, 15, 17, 20), WHITE_PANJABI_1978),
    "bending": _rows((8, 6, 6, 8, 6, 3), WHITE_PANJABI_1978),
    "rotation": _rows((2, 2, 2, 2, 2, 5), WHITE_PANJABI_1978),
}
ROM_1990: Mapping[str, Mapping[str, Published]] = {
    "flexion-extension": _rows(
        (12, 12, 14, 15, 16, 17), WHITE_PANJABI_1990, ((6, 20), (5, 16), (8, 18), (6, 17), (9, 21), (10, 24))
    ),
    "bending": _rows((8, 6, 6, 8, 6, 3), WHITE_PANJABI_1990, ((5, 10), (3, 8), (3, 10), (4, 12), (3, 9), (2, 6))),
    "rotation": _rows((2, 2, 2, 2, 2, 1), WHITE_PANJABI_1990, ((2, 2), (1, 3), (1, 3), (1, 3), (1, 3), (0, 2))),
}
FLEXION_IN_VIVO: Mapping[str, tuple[Published, ...]] = {
    level: (Published(14.0, None, PEARCY), *more)
    for level, more in (
        ("L1-L2", ()),
        ("L2-L3", (Published(10.7, 4.6, BMC),)),
        ("L3-L4", (Published(10.0, 4.8, BMC),)),
        ("L4-L5", (Published(8.2, 5.3, BMC),)),
        ("L5-S1", (Published(6.8, 6.3, BMC),)),
    )
}

# Lumbar flexion over hip flexion while the trunk bends forward through these thirds of 90 deg.
RHYTHM: Mapping[str, Published] = {
    "0-30": Published(1.9, None, ESOLA, checked=False),
    "30-60": Published(0.9, None, ESOLA, checked=False),
    "60-90": Published(0.4, None, ESOLA, checked=False),
}
