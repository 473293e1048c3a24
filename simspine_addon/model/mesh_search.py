"""Find the mesh files that a model names, where OpenSim and its users keep them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PureWindowsPath

from .mesh_files import MESH_SUFFIXES

GEOMETRY_FOLDER = "Geometry"
GEOMETRY_VARIABLE = "OPENSIM_GEOMETRY_PATH"


def find_mesh(file_name: str, model_path: str | Path | None, extra_dirs: Iterable[str | Path] = ()) -> Path | None:
    """The mesh file for a model's `mesh_file`, or None.

    Looked in, in this order: the place itself if it is absolute; the model's folder and its `Geometry`; each of
    `extra_dirs` and its `Geometry`; the folders in the environment variable `OPENSIM_GEOMETRY_PATH` (separated like
    PATH). A name exactly as written wins over the same name with other upper and lower case or another mesh suffix;
    last comes the bare name without the folders before it (a path of another computer). Names may be written with
    backslashes. Nothing but a mesh (`.vtp .stl .obj .ply`) is ever returned.
    """
    name = PureWindowsPath(file_name.strip())  # takes both kinds of slash
    parts = name.parts[1:] if name.anchor else name.parts
    if not parts or "\0" in file_name:
        return None
    folders = list(_folders(model_path, extra_dirs))
    anchor = Path(name.anchor if os.name == "nt" else "/")
    found = _find_in([anchor] if name.anchor else folders, parts)
    if found is None and (name.anchor or len(parts) > 1):
        found = _find_in(folders, parts[-1:])
    return found


def _folders(model_path: str | Path | None, extra_dirs: Iterable[str | Path]) -> Iterator[Path]:
    bases = [] if model_path is None else [Path(model_path).parent]
    for base in (*bases, *map(Path, extra_dirs)):
        yield base
        yield _geometry_folder(base)
    yield from (Path(each) for each in os.environ.get(GEOMETRY_VARIABLE, "").split(os.pathsep) if each)


def _geometry_folder(base: Path) -> Path:
    exact = base / GEOMETRY_FOLDER
    if exact.is_dir() or not base.is_dir():
        return exact
    return next((each for each in sorted(base.iterdir()) if each.name.casefold() == GEOMETRY_FOLDER.casefold()), exact)


def _find_in(folders: list[Path], parts: tuple[str, ...]) -> Path | None:
    *above, name = parts
    suffix = Path(name).suffix
    if suffix.lower() in MESH_SUFFIXES:
        exact = (folder.joinpath(*parts) for folder in folders)
        found = next((path for path in exact if path.is_file()), None)
        if found is not None:
            return found
        names = [name]
    else:  # "lumbar.1" may be a name without a suffix
        names = [name + each for each in MESH_SUFFIXES]
    names += [Path(name).stem + each for each in MESH_SUFFIXES]
    tries = (_any_case(folder, (*above, each)) for each in names for folder in folders)
    return next((path for path in tries if path is not None), None)


def _any_case(folder: Path, parts: tuple[str, ...]) -> Path | None:
    """The file below `folder` whose names equal `parts`, upper and lower case apart; exact names first."""
    place = folder
    for part in parts:
        if (place / part).exists():
            place = place / part
            continue
        try:
            same = sorted(each.name for each in place.iterdir() if each.name.casefold() == part.casefold())
        except OSError:  # no such folder, or none that may be read: the mesh is not there
            return None
        if not same:
            return None
        place = place / same[0]
    return place if place.is_file() else None
