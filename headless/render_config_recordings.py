"""The recordings of a data set's file: where a key lists alternatives, every combination is a recording of its own."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from ..simspine_addon.model.errors import InputError
from .render_avatar import AVATAR_NAMES, check_avatar
from .render_clocks import recording_clock
from .render_config import PersonConfig, RecordingConfig, Table
from .render_config_table import StrictTable
from .render_pathology import check_pathology_table
from .render_variety import check_variety_table

T = TypeVar("T")

MODEL_AVATARS = ("skeleton", "body", "both")  # the model itself is seen
AVATARS = (*MODEL_AVATARS, *AVATAR_NAMES)
NO_PATHOLOGY = "none"
_FARTHEST_M = 500.0  # from the origin, as of motions
_MOST_REPEATS = 100_000
_LONGEST_NAME = 200  # letters; file systems take 255 with what is put behind it
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def read_recordings(top: StrictTable, base: Path, variety: Table) -> tuple[RecordingConfig, ...]:
    """All recordings of the file: `[[recordings]]`, with the tables `[pathologies.NAME]` and `[varieties.NAME]`.

    Raises:
        InputError: none, two of one name, a key or value that cannot be, or a file that is not there.
    """
    pathologies = _named(top, "pathologies", check_pathology_table)
    varieties = _named(top, "varieties", lambda table: check_variety_table(table, base))
    tables = top.tables("recordings")
    if not tables:
        raise InputError(
            "the data set has no recordings: there is nobody to render",
            path=top.path,
            line=top.line("recordings") or (1 if top.path else None),
            hint="add [[recordings]] with a model and a motion",
        )
    recordings = [each for table in tables for each in _combinations(table, base, variety, varieties, pathologies)]
    taken: dict[str, str] = {}
    for recording in recordings:
        if len(recording.name) > _LONGEST_NAME:
            problem = f"the name '{recording.name[:20]}...' has {len(recording.name)} letters"
            hint = f"give a name, subject or action such that it has at most {_LONGEST_NAME}: folders are named so"
            raise InputError(problem, path=top.path, line=top.lines.get(recording.source), hint=hint)
        lowered = recording.name.lower()
        if lowered in taken:
            line = top.lines.get(recording.source)
            raise InputError(
                f"two recordings are called '{recording.name}'",
                path=top.path,
                line=line,
                hint="give them a name, subject or action that differs",
            )
        taken[lowered] = recording.source
    return tuple(recordings)


def _named(top: StrictTable, key: str, check: Callable[[StrictTable], T]) -> dict[str, T]:
    """The tables `[key.NAME]`, each checked."""
    tables = top.table(key)
    if tables is None:
        return {}
    found = {name: tables.table(name) for name in tables.values}
    return {name: check(table) for name, table in found.items() if table is not None}


def _combinations(
    table: StrictTable,
    base: Path,
    variety: Table,
    varieties: Mapping[str, Table],
    pathologies: Mapping[str, Table],
) -> list[RecordingConfig]:
    """The recordings that one `[[recordings]]` means."""
    models, motions = _files(table, "model", base), _files(table, "motion", base)
    subjects = _beside(table, "subject", "model", models)
    actions = _beside(table, "action", "motion", motions)
    avatars = table.several("avatar", _word, "an avatar") or ["skeleton"]
    ills = _alternatives(table, "pathology", pathologies, check_pathology_table, (NO_PATHOLOGY, None))
    rooms = _alternatives(table, "variety", varieties, lambda each: check_variety_table(each, base), ("", variety))
    repeats = range(table.integer("repeat", 1, 1, _MOST_REPEATS) or 1)
    rig, geometry = table.text("rig"), _folders(table, base)
    at, turn = _at(table), table.number("turn", 0.0)
    for avatar in avatars:
        check_seen(table, avatar, rig)
    others = tuple(_person(each, base, pathologies) for each in table.tables("people"))
    name, frames, clock = _name(table), table.text("frames", ":") or ":", recording_clock(table)
    table.finish()
    made = []
    choices = itertools.product(
        zip(models, subjects, strict=True), zip(motions, actions, strict=True), avatars, ills, rooms, repeats
    )
    for (model, subject), (motion, action), avatar, (ill_name, ill), (room_name, room), repeat in choices:
        told = [subject, action]
        told += [avatar] if len(avatars) > 1 else []
        told += [ill_name] if len(ills) > 1 else []
        told += [room_name] if len(rooms) > 1 else []
        told += [f"{repeat + 1:02d}"] if len(repeats) > 1 else []
        first = PersonConfig(model, motion, avatar, rig, geometry, ill, at, turn, table.place)
        own = "_".join(told) if name is None else name
        made.append(RecordingConfig(own, subject, action, (first, *others), frames, room or {}, table.place, clock))
    if name is not None and len(made) > 1:
        raise table.error(f"'name' is one for {len(made)} recordings", "name", "leave it out: they are named by parts")
    return made


def check_seen(table: StrictTable, avatar: str, rig: str | None) -> None:
    """Refuse an avatar or rig that cannot be, in the line where it stands."""
    if avatar not in AVATARS:
        raise table.error(f"there is no avatar '{avatar}'", "avatar", f"choose {', '.join(AVATARS)}")
    try:
        check_avatar(avatar, rig)
    except InputError as error:
        raise table.error(error.problem.replace("--", ""), "rig", error.hint) from error


def _person(table: StrictTable, base: Path, pathologies: Mapping[str, Table]) -> PersonConfig:
    """One of `[[recordings.people]]`: someone beside the first person."""
    models, motions = _files(table, "model", base), _files(table, "motion", base)
    for key, files in (("model", models), ("motion", motions)):
        if len(files) > 1:
            raise table.error(f"'{key}' lists {len(files)} files for one person", key, "give one")
    avatar, rig = table.text("avatar", "skeleton") or "skeleton", table.text("rig")
    check_seen(table, avatar, rig)
    ills = _alternatives(table, "pathology", pathologies, check_pathology_table, (NO_PATHOLOGY, None))
    if len(ills) > 1:
        raise table.error("'pathology' lists alternatives for one person", "pathology", "give one")
    turn = table.number("turn", 0.0)
    person = PersonConfig(
        models[0], motions[0], avatar, rig, _folders(table, base), ills[0][1], _at(table), turn, table.place
    )
    table.finish()
    return person


def _files(table: StrictTable, key: str, base: Path) -> list[Path]:
    """The file or files that `key` names; a pattern with * or ? means all that fit, in order of name."""
    patterns = table.several(key, _word, "a file")
    if not patterns:
        raise table.error(f"there is no '{key}'", None, f"give {key} = FILE")
    files: list[Path] = []
    for pattern in patterns:
        if any(letter in pattern for letter in "*?"):
            anchor, rest = (Path(Path(pattern).anchor), pattern[len(Path(pattern).anchor) :])
            found = sorted((anchor if Path(pattern).is_absolute() else base).glob(rest))
            if not found:
                raise table.error(f"no file fits '{pattern}'", key, f"looked from {base}")
            files += found
            continue
        path = base / pattern
        if not path.is_file():
            raise table.error(f"there is no file '{pattern}'", key, f"looked in {base.resolve()}")
        files.append(path)
    return files


def _folders(table: StrictTable, base: Path) -> tuple[Path, ...]:
    folders = tuple(base / text for text in table.several("geometry", _word, "a folder of meshes", empty=True))
    for folder in folders:
        if not folder.is_dir():
            raise table.error(f"'{folder}' is no folder", "geometry", "give the folder that holds the meshes")
    return folders


def _beside(table: StrictTable, key: str, files_key: str, files: list[Path]) -> list[str]:
    """A name for each of `files`: the key's, one each, else the files' own."""
    names = table.several(key, _usable, f"a name of letters, digits, '.', '_' and '-' for each {files_key}")
    if not names:
        return [re.sub(r"[^A-Za-z0-9.-]+", "-", file.stem).strip("-.") or "unnamed" for file in files]
    if len(names) != len(files) and len(names) != 1:
        raise table.error(f"'{key}' has {len(names)} names for {len(files)} files", key, f"name each {files_key} once")
    return names if len(names) == len(files) else names * len(files)


def _alternatives(
    table: StrictTable,
    key: str,
    named: Mapping[str, Table],
    check: Callable[[StrictTable], Table],
    default: tuple[str, Table | None],
) -> list[tuple[str, Table | None]]:
    """What `key` offers, with names: a table of its own, the name of one, or a list of names."""
    if isinstance(table.values.get(key), Mapping):
        own = table.table(key)
        assert own is not None
        return [("own", check(own) if own.values else {})]
    made: list[tuple[str, Table | None]] = []
    for name in table.several(key, _word, "the name of a table, or a table"):
        if name == NO_PATHOLOGY:
            made.append((name, None if default[1] is None else {}))
        elif name in named:
            made.append((name, named[name]))
        else:
            known = ", ".join((NO_PATHOLOGY, *named))
            raise table.error(f"'{key}' names no table '{name}'", key, f"there are {known}")
    return made or [default]


def _name(table: StrictTable) -> str | None:
    name = table.text("name")
    if name is not None and not _NAME.fullmatch(name):
        raise table.error(f"'name' is '{name}'", "name", "use letters, digits, '.', '_' and '-': a folder is named so")
    return name


def _at(table: StrictTable) -> tuple[float, float]:
    at = table.numbers("at", 2, (0.0, 0.0))
    assert at is not None
    if max(map(abs, at)) > _FARTHEST_M:
        raise table.error(f"'at' is {list(at)}", "at", f"give two numbers of metres, at most {_FARTHEST_M:g}")
    return at[0], at[1]


def _word(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _usable(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError
    return value
