"""Dimensions of the 24 presacral vertebrae, the figures that `vertebra` is drawn from.

Sources. Body, canal and pedicle sizes are means after
  Panjabi MM, Duranceau J, Goel V, Oxland T, Takata K: Cervical human vertebrae, Spine 1991;16(8):861-869 (C2-C7),
  Panjabi MM et al.: Thoracic human vertebrae, Spine 1991;16(8):888-901 (T1-T12),
  Panjabi MM et al.: Human lumbar vertebrae, Spine 1992;17(3):299-306 (L1-L5),
as they are commonly reproduced; not checked against the originals. Transverse spans are rounded from the same tables.
Spinous reach and drop, wedges, pedicles of C3-C7, and all of C1 and C2 but the lower endplate of C2 are this
project's own drawing figures, chosen by eye to fit the ranges in anatomy textbooks.
"""

from __future__ import annotations

from dataclasses import dataclass

CERVICAL = tuple(f"C{number}" for number in range(1, 8))
THORACIC = tuple(f"T{number}" for number in range(1, 13))
LUMBAR = tuple(f"L{number}" for number in range(1, 6))
LEVELS = CERVICAL + THORACIC + LUMBAR


@dataclass(frozen=True, slots=True)
class VertebraShape:
    """Sizes of one vertebra in mm and degrees; widths run along Z, depths along X, heights along Y."""

    upper_width: float
    upper_depth: float
    lower_width: float
    lower_depth: float
    posterior_height: float
    canal_width: float
    canal_depth: float
    pedicle_width: float
    pedicle_height: float
    transverse_span: float  # tip to tip
    spinous_reach: float  # tip behind the posterior wall of the body
    spinous_drop: float  # tip below the body's centre
    wedge_deg: float  # upper endplate against lower, positive when the body is taller in front (lordotic)

    @property
    def depth(self) -> float:
        return (self.upper_depth + self.lower_depth) / 2

    @property
    def wall(self) -> float:
        """X of the posterior wall of the body at mid height."""
        return -self.depth / 2


_TABLE: dict[str, tuple[float, ...]] = {
    #      upper w  d     lower w  d     h     canal w  d    pedicle w h   span  reach drop wedge
    "C1": (16.0, 14.0, 16.0, 14.0, 11.0, 27.0, 30.0, 8.0, 9.0, 78.0, 36.0, 2.0, 0.0),
    "C2": (16.5, 15.0, 17.5, 15.6, 19.0, 24.5, 21.0, 8.5, 9.5, 54.0, 36.0, 8.0, 0.0),
    "C3": (15.8, 15.0, 17.2, 15.6, 11.6, 22.9, 16.2, 5.6, 7.4, 52.0, 31.0, 9.0, 0.0),
    "C4": (17.2, 15.3, 17.0, 15.9, 11.4, 24.7, 17.7, 5.4, 7.4, 53.0, 32.0, 9.0, 0.0),
    "C5": (17.5, 15.2, 19.4, 17.9, 11.4, 24.9, 17.4, 5.6, 7.0, 54.0, 33.0, 10.0, 0.0),
    "C6": (18.5, 16.4, 22.0, 18.5, 10.9, 25.8, 18.1, 6.0, 7.3, 56.0, 38.0, 11.0, 0.0),
    "C7": (21.8, 18.1, 23.4, 16.8, 12.8, 24.5, 15.2, 6.6, 7.5, 67.0, 51.0, 14.0, 0.0),
    "T1": (24.5, 18.5, 27.8, 19.7, 14.1, 21.9, 16.4, 8.5, 9.6, 75.0, 52.0, 18.0, -2.0),
    "T2": (24.9, 19.6, 27.4, 21.6, 15.6, 19.5, 15.5, 8.2, 11.4, 69.0, 51.0, 25.0, -2.5),
    "T3": (24.6, 22.7, 25.9, 23.3, 15.7, 18.3, 16.1, 6.8, 11.9, 63.0, 49.0, 31.0, -3.0),
    "T4": (24.5, 23.3, 26.0, 24.5, 16.2, 17.1, 16.2, 6.3, 12.1, 61.0, 47.0, 36.0, -3.5),
    "T5": (24.9, 24.3, 27.0, 25.8, 16.2, 17.0, 16.5, 6.0, 11.9, 61.0, 45.0, 40.0, -4.0),
    "T6": (26.2, 26.0, 28.2, 26.9, 17.4, 17.3, 16.4, 6.0, 12.2, 61.0, 44.0, 43.0, -4.5),
    "T7": (27.8, 27.4, 29.1, 28.5, 18.2, 17.2, 15.9, 5.9, 12.1, 61.0, 44.0, 44.0, -4.5),
    "T8": (29.5, 27.9, 30.5, 29.4, 18.7, 17.7, 15.8, 6.7, 12.5, 60.0, 44.0, 41.0, -4.0),
    "T9": (30.6, 29.3, 33.0, 31.0, 19.3, 17.9, 15.9, 7.7, 13.9, 60.0, 44.0, 36.0, -3.5),
    "T10": (31.9, 30.5, 35.4, 31.6, 20.2, 18.2, 15.5, 9.0, 14.9, 57.0, 45.0, 30.0, -2.5),
    "T11": (34.9, 31.9, 39.1, 31.8, 21.3, 19.4, 16.1, 9.8, 17.4, 52.0, 46.0, 23.0, -2.0),
    "T12": (39.0, 32.8, 42.1, 33.4, 22.7, 22.2, 18.1, 8.7, 16.7, 47.0, 48.0, 16.0, -1.0),
    "L1": (41.2, 34.1, 43.3, 35.3, 23.8, 23.7, 19.0, 8.6, 15.9, 71.0, 52.0, 11.0, 0.0),
    "L2": (42.6, 34.6, 45.5, 34.9, 24.3, 23.8, 18.2, 8.3, 15.0, 76.0, 54.0, 10.5, 2.0),
    "L3": (44.1, 35.2, 48.0, 34.8, 23.8, 24.3, 17.5, 10.2, 14.4, 86.0, 55.0, 10.0, 4.0),
    "L4": (46.6, 35.5, 49.5, 33.9, 24.1, 25.4, 18.6, 14.1, 15.5, 82.0, 52.0, 9.5, 6.0),
    "L5": (47.3, 34.7, 49.4, 33.2, 22.9, 27.1, 19.7, 17.0, 16.5, 92.0, 45.0, 9.0, 9.0),
}

SHAPES: dict[str, VertebraShape] = {level: VertebraShape(*figures) for level, figures in _TABLE.items()}
