"""Where variety enters a recording: the table of the configuration checked, and everything drawn that it lets vary."""

from __future__ import annotations

from pathlib import Path

from ..sample_rigs.avatars.looks import PARTS, Looks, draw_looks
from ..simspine_addon.model.streams import stream
from ..simspine_addon.scene.variety import SEED_STREAMS, Variety, draw_variety
from ..simspine_addon.scene.variety_options import VarietyOptions, options_from_table
from .render_avatar import DRAWN, FITTED
from .render_config import DatasetConfig, PersonConfig, RecordingConfig, Table
from .render_config_table import StrictTable

_FOLDER = "hdri_folder"


def check_variety_table(table: StrictTable, base: Path) -> Table:
    """The table, when it says what may vary; its folder as a path.

    Raises:
        InputError: it does not, with its line.
    """
    values = dict(table.values)
    if isinstance(values.get(_FOLDER), str):
        values[_FOLDER] = base / str(values[_FOLDER])
    options_from_table(values, table.path, table.line)
    return values


def variety_of(config: DatasetConfig, recording: RecordingConfig) -> Variety:
    """What the data set's seeds give for a recording."""
    options = options_from_table(recording.variety) if recording.variety else VarietyOptions()
    seeds = {name: config.seed_of(name) for name in SEED_STREAMS}
    return draw_variety(options, seeds, recording.scene)


def extra_people(config: DatasetConfig, recording: RecordingConfig, variety: Variety) -> tuple[PersonConfig, ...]:
    """Those whom the stream `people` adds to the ones that the file names: they are first people of other recordings,
    or of this one, drawn with the same stream."""
    missing = variety.people - len(recording.people)
    if missing <= 0:
        return ()
    known: list[PersonConfig] = []
    for each in config.recordings:
        if each.people[0] not in known:
            known.append(each.people[0])
    made = []
    for index in range(missing):
        draw = stream(config.seed_of("people"), "people", recording.scene, index)
        made.append(known[int(draw.integers(len(known)))])
    return tuple(made)


def looks_of(
    config: DatasetConfig, recording: RecordingConfig, variety: Variety, index: int, avatar: str
) -> Looks | None:
    """How the recording's person of this number looks, for the avatars that can look otherwise; None: as they do."""
    if avatar not in (FITTED, DRAWN) or not variety.varied_looks:
        return None
    seeds = {part: config.seed_of(part) for part in PARTS}
    return draw_looks(seeds, recording.scene, index, varied=variety.varied_looks, fitted=avatar == FITTED)
