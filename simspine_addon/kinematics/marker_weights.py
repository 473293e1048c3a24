"""How much each marker counts in inverse kinematics: the paper's table, and tables of one's own as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..model.errors import InputError

# The SIMSPINE release's inverse kinematics set-up (arXiv 2602.20792): shoulders and hips lead, the face hardly counts.
_SIMSPINE_MARKERS: dict[str, float] = {
    **dict.fromkeys(("LShoulder", "RShoulder", "LHip", "RHip"), 2.0),
    **dict.fromkeys(("LElbow", "RElbow", "LWrist", "RWrist", "Hip", "LKnee", "RKnee", "LAnkle", "RAnkle"), 1.0),
    **dict.fromkeys(("LBigToe", "RBigToe", "LSmallToe", "RSmallToe", "LHeel", "RHeel"), 1.0),
    **dict.fromkeys(("Neck", "Neck_02", "Neck_03"), 0.5),
    **dict.fromkeys(("Spine_01", "Spine_02", "Spine_03", "Spine_04", "Spine_05"), 0.5),
    **dict.fromkeys(("Head", "LClavicle", "RClavicle", "LLatissimus", "RLatissimus"), 0.3),
    **dict.fromkeys(("Nose", "LEye", "REye", "LEar", "REar"), 0.1),
}


@dataclass(frozen=True, slots=True)
class IkWeights:
    """Weights of the least squares: per marker by name (`others` for those not named), and per coordinate.

    A coordinate with a weight is drawn towards its default value. Both enter as in OpenSim: the mean of the squared
    marker errors (m^2), weighted, plus weight x squared deviation (rad^2 or m^2).
    """

    markers: dict[str, float] = field(default_factory=dict)
    coordinates: dict[str, float] = field(default_factory=dict)
    others: float = 1.0

    def of(self, name: str) -> float:
        """The weight of a marker."""
        return self.markers.get(name, self.others)


SIMSPINE_WEIGHTS = IkWeights(_SIMSPINE_MARKERS, {"L5_S1_Flex_Ext": 1.0})
MARKER_WEIGHTS = IkWeights(_SIMSPINE_MARKERS)
"""The release's markers without its pull of L5-S1 to its default. That pull costs 7.4 mm of mean keypoint error and
4.9 deg a level on a deep forward bend with exact markers and coupled levels (the
sample's trunk flexion), where markers on the spine already say how it bends."""


def read_weights(path: str | Path) -> IkWeights:
    """Read `{"markers": {name: weight}, "coordinates": {name: weight}, "others": weight}`; each part may be absent.

    Raises:
        InputError: no such file, no JSON, an unknown part, or a weight that is no number of at least 0.
    """
    path = Path(path)
    table = read_json_table(path)
    unknown = sorted(set(table) - {"markers", "coordinates", "others"})
    if unknown:
        raise InputError(f"has the unknown part '{unknown[0]}'", path=path, hint="use markers, coordinates, others")
    parts = {part: _weights(table.get(part, {}), part, path) for part in ("markers", "coordinates")}
    others = _weights({"others": table.get("others", 1.0)}, "others", path)["others"]
    return IkWeights(parts["markers"], parts["coordinates"], others)


def read_json_table(path: Path) -> dict[str, Any]:
    """A JSON file that holds one object.

    Raises:
        InputError: no such file, or not that.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path, hint="check its name and folder") from error
    except UnicodeDecodeError as error:
        raise InputError("is not a text file", path=path, hint="write it as UTF-8 JSON") from error
    except json.JSONDecodeError as error:
        raise InputError(f"is not JSON ({error.msg})", path=path, line=error.lineno, hint="mend it there") from error
    if not isinstance(table, dict):
        raise InputError("does not hold a JSON object", path=path, hint="it should begin with {")
    return table


def _weights(table: object, part: str, path: Path) -> dict[str, float]:
    if not isinstance(table, dict):
        raise InputError(f"'{part}' is not a table of weights", path=path, hint='write {"name": 1.0}')
    for name, weight in table.items():
        is_number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
        if not is_number or not math.isfinite(weight) or weight < 0:
            problem = f"the weight of '{name}' in '{part}' is {weight!r}"
            raise InputError(problem, path=path, hint="give a number of at least 0")
    return {str(name): float(weight) for name, weight in table.items()}
