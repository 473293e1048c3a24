"""Every input of a data set, read and tried before the first image is rendered."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..exporters.dataset_formats import check_formats
from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.scene.body_shape import body_tubes
from .render_cameras import check_cameras
from .render_config import DatasetConfig, PersonConfig, RecordingConfig
from .render_people import prepare_person
from .render_recording import RecordingInputs, Shelf, read_inputs

_PANORAMA_STARTS = (b"#?", b"\x76\x2f\x31\x01")  # of a Radiance picture and of OpenEXR, as their formats say


def checked_inputs(config: DatasetConfig) -> tuple[RecordingInputs, ...]:
    """Read every input of a data set and check that it can be rendered.

    Raises:
        InputError: a file, row, camera or format that cannot be.
    """
    check_formats(config.formats)
    inputs = all_inputs(config)
    try:
        check_cameras(config)
    except InputError as error:
        raise _named_at(config, error, "cameras.file", "cameras") from error
    _check_panoramas(config, inputs)
    _rehearse(config, inputs)
    return inputs


def all_inputs(config: DatasetConfig) -> tuple[RecordingInputs, ...]:
    """Read every input of a data set, each file once.

    Raises:
        InputError: a file or row that cannot be used.
    """
    shelf = Shelf()
    return tuple(_read(config, recording, shelf) for recording in config.recordings)


def _read(config: DatasetConfig, recording: RecordingConfig, shelf: Shelf) -> RecordingInputs:
    try:
        return read_inputs(config, recording, shelf)
    except InputError as error:
        people = [person for each in (recording, *config.recordings) for person in each.people]
        files = [(path, f"{each.source}.{key}") for each in people for key, path in _files_of(each)]
        raise _named_at(config, error, *(place for path, place in files if path == error.path)) from error


def _files_of(person: PersonConfig) -> tuple[tuple[str, Path], ...]:
    return ("model", person.model), ("motion", person.motion)


def _named_at(config: DatasetConfig, error: InputError, *places: str) -> InputError:
    """An error in a file, in the line of the configuration that names the file, where there is one."""
    line = config.line_of(*places)
    if config.path is None or line is None or error.path in (None, config.path):
        return error
    where = f"{error.path}:{error.line}" if error.line is not None else str(error.path)
    return InputError(f"{where}: {error.problem}", path=config.path, line=line, hint=error.hint)


def _check_panoramas(config: DatasetConfig, inputs: Sequence[RecordingInputs]) -> None:
    """Try every panorama that was drawn for a recording, once.

    Raises:
        InputError: one that cannot be read, in the line that names its folder.
    """
    drawn = {each.variety.hdri.file: each.config.source for each in inputs if each.variety.hdri is not None}
    for file, source in drawn.items():
        try:
            _check_panorama(Path(file))
        except InputError as error:
            folders = [place for place in config.lines if place.endswith(".hdri_folder")]
            own = [f"{source}.variety.hdri_folder", *(folders if len(folders) == 1 else ())]
            raise _named_at(config, error, *own, f"{source}.variety", "variety.hdri_folder", source) from error


def _check_panorama(file: Path) -> None:
    try:
        with file.open("rb") as content:
            start = content.read(4)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=file, hint="check hdri_folder") from error
    if not start.startswith(_PANORAMA_STARTS):
        raise InputError("is neither a Radiance picture nor OpenEXR", path=file, hint="take it out of hdri_folder")
    if importlib.util.find_spec("bpy") is not None:  # else a worker's Blender will read it
        from ..simspine_addon.scene.surroundings_outdoor import check_panorama

        check_panorama(file)


def _rehearse(config: DatasetConfig, inputs: Sequence[RecordingInputs]) -> None:
    """Make everyone once, in their first frame: what cannot be made is refused before the first image.

    Raises:
        InputError: no body or avatar can be made for a model.
    """
    done: list[object] = []
    for each in inputs:
        for index, person in enumerate(each.config.people):
            key = (person.model, person.pathology, person.avatar, person.rig)
            if person.avatar == "skeleton" or key in done:
                continue
            done.append(key)
            motion = each.motions[index]
            short = replace(motion, time=motion.time[:1], values=motion.values[:1])
            rehearsed = prepare_person(config, each, index, pose_track(each.patients[index].model, short))
            if rehearsed.avatar is None:
                body_tubes(rehearsed.whole, None)
