"""The sample subject that comes with SimSpine: one OpenSim model, six motions, and where to find them.

Nothing here needs opensim or bpy; `build.py` makes the files, with opensim.
"""

from __future__ import annotations

from pathlib import Path

from ..simspine_addon.model.errors import InputError

__all__ = [
    "DATA_FOLDER",
    "MOTIONS",
    "sample_geometry_folder",
    "sample_model_path",
    "sample_motion_path",
    "sample_vertebrae_path",
]

DATA_FOLDER = Path(__file__).resolve().parent / "data"
MOTIONS = {
    "walking": "four strides straight ahead at 1.2 m/s, arms swinging (4.4 s)",
    "trunk_flexion": "bend forward to the toes, come up, lean back (6 s)",
    "lateral_bending": "bend the trunk to the right, then to the left (6 s)",
    "axial_rotation": "turn the trunk to the left, then to the right (6 s)",
    "sit_to_stand": "stand up from a seat without hands and sit down again (6 s)",
    "lifting_with_twist": "lift from the floor in front, turn right and set down, come back (6 s)",
}


def sample_model_path() -> Path:
    """The sample subject's OpenSim model, 1.75 m and 75 kg."""
    return DATA_FOLDER / "simspine_sample.osim"


def sample_geometry_folder() -> Path:
    """The folder of the bone meshes that the sample model names."""
    return DATA_FOLDER / "Geometry"


def sample_vertebrae_path() -> Path:
    """A table (JSON) of L5 to C1: the body that carries each, centre (m) and forward lean (deg) on it, size (m)."""
    return DATA_FOLDER / "vertebrae.json"


def sample_motion_path(name: str) -> Path:
    """The file of one of `MOTIONS`.

    Raises:
        InputError: no sample motion has this name.
    """
    if name not in MOTIONS:
        raise InputError(f"there is no sample motion '{name}'", hint=f"choose one of {', '.join(MOTIONS)}")
    return DATA_FOLDER / f"{name}.mot"
