"""What each engine and animation program wants of a file, as data: the JSON tables in `engine_presets/`."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..simspine_addon.model.errors import InputError

PRESET_FOLDER = Path(__file__).resolve().parent / "engine_presets"
CENTIMETRES, METRES = "cm", "m"
_CHOICES: dict[str, tuple[object, ...]] = {
    "format": ("fbx", "glb", "bvh", "usdc", "usda"),
    "up": ("Y", "Z"),
    "root": ("none", "floor", "floor_still"),
    "skeleton": ("all", "humanoid"),
    "rest": ("default", "t_pose"),
    "object_node": (True, False),
    "sticks": (True, False),
    "bvh_positions": ("sliding", "root", "all"),
}


@dataclass(frozen=True, slots=True)
class ExportPreset:
    """One program's wishes.

    `root` "floor" adds a bone on the floor that carries the way walked and the heading, "floor_still" one that stands;
    `skeleton` "humanoid" keeps the bones that Unity's humanoid has; `names` is "own" or a rig family of `retarget`;
    `object_node` keeps the node above the bones that Blender's FBX has; `sticks` shows bones as meshes in an FBX file
    that has no others, without which Unreal takes no skeleton; `beside` names a second preset whose file goes beside.
    FBX and BVH are in centimetres, USD and glTF in metres; `up` does not count for glTF, whose Y is up always.
    """

    name: str
    title: str
    about: str
    format: str
    up: str
    turn_deg: float  # about the vertical: OpenSim's subjects face X
    root: str
    skeleton: str
    rest: str
    names: str
    object_node: bool
    sticks: bool
    beside: str | None
    bvh_order: str
    bvh_positions: str


@lru_cache(maxsize=1)
def export_presets() -> tuple[ExportPreset, ...]:
    """Every preset that comes with SimSpine, by name."""
    return tuple(_read(path) for path in sorted(PRESET_FOLDER.glob("*.json")))


def export_preset(name: str | ExportPreset) -> ExportPreset:
    """The preset of this name; a preset itself is given back.

    Raises:
        InputError: there is none of this name.
    """
    if isinstance(name, ExportPreset):
        return name
    for preset in export_presets():
        if preset.name == name:
            return preset
    known = ", ".join(preset.name for preset in export_presets())
    raise InputError(f"there is no export preset '{name}'", hint=f"choose one of {known}")


def _read(path: Path) -> ExportPreset:
    try:
        table: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({error})", path=path) from error
    wanted = {field.name for field in fields(ExportPreset)} - {"name"}
    if not isinstance(table, dict) or set(table) != wanted:
        raise InputError(f"does not have exactly the keys {', '.join(sorted(wanted))}", path=path)
    for key, choices in _CHOICES.items():
        if table[key] not in choices:
            listed = ", ".join(str(choice) for choice in choices)
            raise InputError(f"'{table[key]}' is no choice for {key}", path=path, hint=f"choose one of {listed}")
    return ExportPreset(name=path.stem, **table)
