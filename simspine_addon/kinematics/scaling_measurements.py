"""Measurement sets: which distances between markers give the size of which bodies, as data in JSON files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..model.errors import InputError
from ..model.types import Model
from .marker_weights import read_json_table

SETS_FOLDER = Path(__file__).resolve().parent / "measurement_sets"
_FIELDS = {"name", "pairs", "bodies", "axes"}


@dataclass(frozen=True, slots=True)
class Measurement:
    """The mean ratio of some marker distances, person by model, scales `bodies` along `axes` (of "XYZ")."""

    name: str
    pairs: tuple[tuple[str, str], ...]
    bodies: tuple[str, ...]
    axes: str = "XYZ"


def read_measurements(path: str | Path) -> tuple[Measurement, ...]:
    """Read `{"measurements": [{"name", "pairs": [[marker, marker]], "bodies": [body], "axes": "XYZ"}]}`.

    Raises:
        InputError: no such file, no JSON, or an entry that lacks or misspells something.
    """
    path = Path(path)
    rows = read_json_table(path).get("measurements")
    if not isinstance(rows, list) or not rows:
        raise InputError("lists no measurements", path=path, hint='begin with {"measurements": [...]}')
    return tuple(_measurement(row, number, path) for number, row in enumerate(rows, start=1))


def choose_measurements(model: Model) -> tuple[Path, tuple[Measurement, ...]]:
    """The set that comes with SimSpine and that uses most of the model's markers.

    Raises:
        InputError: none has a pair of them.
    """
    names = set(model.marker_names)
    best: tuple[int, Path, tuple[Measurement, ...]] | None = None
    for path in sorted(SETS_FOLDER.glob("*.json")):
        measurements = read_measurements(path)
        used = {name for each in measurements for pair in each.pairs if set(pair) <= names for name in pair}
        if used and (best is None or len(used) > best[0]):
            best = len(used), path, measurements
    if best is None:
        hint = "give --measurements with your own marker names"
        raise InputError("no measurement set fits the model's marker names", path=model.path, hint=hint)
    return best[1], best[2]


def _measurement(row: Any, number: int, path: Path) -> Measurement:
    if not isinstance(row, dict) or not {"name", "pairs", "bodies"} <= set(row) or set(row) - _FIELDS:
        hint = "each needs name, pairs, bodies and may have axes"
        raise InputError(f"measurement {number} is not one", path=path, hint=hint)
    pairs, bodies, axes = row["pairs"], row["bodies"], str(row.get("axes", "XYZ")).upper()
    if not isinstance(pairs, list) or not pairs or not all(isinstance(p, list) and len(p) == 2 for p in pairs):
        problem = f"measurement '{row['name']}' has no pairs of markers"
        raise InputError(problem, path=path, hint='write "pairs": [["RHip", "RKnee"]]')
    if not isinstance(bodies, list) or not bodies:
        raise InputError(f"measurement '{row['name']}' names no bodies", path=path, hint='write "bodies": ["femur_r"]')
    if not axes or set(axes) - set("XYZ"):
        raise InputError(f"measurement '{row['name']}' has the axes '{axes}'", path=path, hint="use X, Y and Z")
    return Measurement(str(row["name"]), tuple((str(a), str(b)) for a, b in pairs), tuple(map(str, bodies)), axes)
