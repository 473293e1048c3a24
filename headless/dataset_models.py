"""The OpenSim document of each recording's first person, with their pathology, for formats that copy it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.document_edit import write_edited
from ..simspine_addon.spine.pathology import Pathology
from ..simspine_addon.spine.pathology_apply import pathology_edits
from ..simspine_addon.spine.pathology_record import combined, note_of, straightened
from ..simspine_addon.spine.pathology_table import pathology_from_table
from .dataset_files import Dataset, scratch
from .render_config import PersonConfig


@contextmanager
def recording_models(dataset: Dataset) -> Iterator[Mapping[str, Path]]:
    """Documents by the recording's name: two subjects' files may be called alike, and one file may be bent in several
    ways. Those of pathologies are there as long as the context is.

    Raises:
        InputError: a model that can no longer be read.
    """
    with scratch(dataset.folder, "models") as work:
        made: dict[tuple[Path, str], Path] = {}
        for recording in dataset.config.recordings:
            person = recording.people[0]
            key = person.model, repr(person.pathology)
            if key not in made:
                made[key] = _document(person, work / f"{len(made)}.osim")
        yield {
            each.name: made[each.people[0].model, repr(each.people[0].pathology)] for each in dataset.config.recordings
        }


def _document(person: PersonConfig, place: Path) -> Path:
    """The person's own file or, where they have a pathology, one with it at `place`."""
    table = person.pathology
    pathology = Pathology() if table is None else pathology_from_table(table, "the pathology")
    if pathology.is_none:
        return person.model
    model, document = read_model(person.model), person.model.read_bytes()
    straight = straightened(model)
    if straight is not None:
        model, document, pathology = straight.model, straight.document, combined(straight.pathology, pathology)
    write_edited(model, pathology_edits(model, pathology)[0], place, note_of(pathology, document))
    return place
