"""Every input of a data set, read and tried before the first image is rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..exporters.dataset_formats import check_formats
from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.scene.body_shape import body_tubes
from .render_cameras import check_cameras
from .render_config import DatasetConfig
from .render_people import prepare_person
from .render_recording import RecordingInputs, Shelf, read_inputs


def checked_inputs(config: DatasetConfig) -> tuple[RecordingInputs, ...]:
    """Read every input of a data set and check that it can be rendered.

    Raises:
        InputError: a file, row, camera or format that cannot be.
    """
    check_formats(config.formats)
    inputs = all_inputs(config)
    check_cameras(config)
    _rehearse(config, inputs)
    return inputs


def all_inputs(config: DatasetConfig) -> tuple[RecordingInputs, ...]:
    """Read every input of a data set.

    Raises:
        InputError: a file or row that cannot be used.
    """
    shelf = Shelf()
    return tuple(read_inputs(config, recording, shelf) for recording in config.recordings)


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
