"""Read camera calibrations of every kind that is known, by what the path is; write them in Pose2Sim's.

| path | what it is | world, units |
|---|---|---|
| FILE.toml | Pose2Sim, Anipose, SIMSPINE: see `calibration_toml` | Z up, or as the file says; m, or as it says |
| a folder with intri.yml and extri.yml, or one of them | EasyMocap | Z up; m |
| a folder with Cam0/cameraIntrinsicsExtrinsics.pickle ..., or one | OpenCap | the checkerboard's; mm |
| metadata.xml#S1 | Human3.6M itself | Z up; mm |
| FILE.json, FILE.json#S1 | Human3.6M's cameras as JSON | Z up; mm |
| FILE.npz | arrays K, R, t, names, size, dist | Z up, or as the file says; m, or as it says |
| a folder with cameras/Calib_S1.toml ..., #S1 | a SIMSPINE data set | as FILE.toml |

What stands behind `#` is the subject, where there are several. All cameras come out in OpenSim's ground (Y up, m);
Z-up worlds are (z, x, y) of it.
"""

from __future__ import annotations

from pathlib import Path

from ..model.errors import InputError
from .calibration_arrays import read_arrays
from .calibration_easymocap import FILES as EASYMOCAP_FILES
from .calibration_easymocap import read_easymocap
from .calibration_human36m import chosen_of, read_camera_json, read_metadata
from .calibration_opencap import find_opencap, read_opencap
from .calibration_toml import read_toml, write_calibration
from .calibration_values import FILE_FROM_GROUND, LARGEST_DISTANCE_M, METRES, CalibrationWarning, World
from .camera import Camera

__all__ = [
    "ACCEPTED",
    "FILE_FROM_GROUND",
    "LARGEST_DISTANCE_M",
    "METRES",
    "CalibrationWarning",
    "World",
    "read_calibration",
    "write_calibration",
]

ACCEPTED = (
    "a .toml of Pose2Sim, Anipose or SIMSPINE, a folder of EasyMocap (intri.yml, extri.yml), OpenCap (Cam0/*.pickle) "
    "or SIMSPINE (cameras/Calib_*.toml), Human3.6M's metadata.xml or .json, or an .npz with K, R, t"
)


def read_calibration(
    path: str | Path,
    world: str = "auto",
    *,
    subject: str | None = None,
    size: tuple[int, int] | None = None,
) -> tuple[Camera, ...]:
    """The cameras of a calibration in its order, moved into OpenSim's ground (Y up, m).

    Args:
        path: see this module's table; `PATH#SUBJECT` names the subject as well.
        world: the world of the file's cameras. "auto" takes what the file says, else what its kind always is.
        subject: such as "S1", where a calibration has several.
        size: width and height of the pictures in px, for files that do not hold it (some of EasyMocap's, .npz).

    Nothing is guessed from the size of numbers, but a `CalibrationWarning` tells of a camera more than 50 m from the
    origin. All-zero Brown-Conrady coefficients make a camera without distortion.

    Raises:
        InputError: nothing that is known (it names what is), no camera, two of one name, or a value that is missing or
            impossible; it names the file, the camera and the key.
    """
    path, subject = _with_subject(Path(path), subject)
    if world not in ("auto", *FILE_FROM_GROUND):
        raise InputError(
            f"the world '{world}' is unknown", path=path, hint=f"use auto or {' or '.join(FILE_FROM_GROUND)}"
        )
    if path.is_dir():
        return _read_folder(path, world, subject, size)
    kind = path.suffix.lower()
    if kind == ".toml":
        return read_toml(path, world)
    if not path.exists():
        raise InputError("cannot be read (no such file or folder)", path=path, hint=f"calibrations are {ACCEPTED}")
    if path.name in EASYMOCAP_FILES:
        return read_easymocap(path.parent, size, world)
    if kind in (".pickle", ".pkl"):
        return read_opencap([path], world)
    if kind == ".xml":
        return read_metadata(path, subject, world)
    if kind == ".json":
        return read_camera_json(path, subject, world)
    if kind == ".npz":
        return read_arrays(path, size, world)
    raise InputError("is no calibration of a known kind", path=path, hint=f"calibrations are {ACCEPTED}")


def _with_subject(path: Path, subject: str | None) -> tuple[Path, str | None]:
    """The path without what stands behind `#`, unless it is a path as it stands."""
    if subject is not None or "#" not in path.name or path.exists():
        return path, subject
    name, _, subject = path.name.rpartition("#")
    return (path.with_name(name) if name else path.parent), subject


def _read_folder(folder: Path, world: str, subject: str | None, size: tuple[int, int] | None) -> tuple[Camera, ...]:
    if any((folder / name).exists() for name in EASYMOCAP_FILES):
        return read_easymocap(folder, size, world)
    pickles = find_opencap(folder)
    if pickles:
        return read_opencap(pickles, world)
    metadata = folder / "metadata.xml"
    if metadata.is_file():
        return read_metadata(metadata, subject, world)
    for holder in (folder / "cameras", folder):
        found = {path.stem.removeprefix("Calib_"): path for path in sorted(holder.glob("Calib*.toml"))}
        if found:
            return read_toml(found[chosen_of(holder, subject, tuple(found))], world)
    raise InputError("holds no calibration of a known kind", path=folder, hint=f"calibrations are {ACCEPTED}")
