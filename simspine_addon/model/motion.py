"""Motions: the columns of a motion file bound to the coordinates of a model, in rad and m, complete."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .couplers import apply_couplers
from .errors import InputError
from .storage import Table, read_table
from .text_table import listed, uneven_steps
from .types import Model, Motion

Array = NDArray[np.float64]
# Other states that OpenSim writes beside coordinate values: nothing odd about them.
_OTHER_STATE = re.compile(
    r".*/speed|/?forceset/.*|/?(controllerset|componentset)/.*|.*[./](activation|fiber_length)|.*_u"
)
_FULL_TURN = 2.0 * np.pi
_OUT_OF_RANGE = 1e-6  # rad or m: below what any display shows, above what degrees in text round away


def read_motion(path: str | Path, model: Model) -> Motion:
    """Read a `.mot` or `.sto` file and bind it to `model`; see `read_table` and `bind_motion`."""
    return bind_motion(read_table(path), model)


def bind_motion(table: Table, model: Model) -> Motion:
    """Give every coordinate of `model` its values over time, in the model's order.

    A column belongs to a coordinate by its plain name or its state path (`/jointset/<joint>/<coordinate>/value`,
    in older files `<joint>/<coordinate>/value`). Degrees become radians in columns of rotational coordinates
    alone, as OpenSim does it: a coupled coordinate is left as written. A file that does not say is taken in
    radians. Given columns are kept; missing ones follow the enforced couplers, else stay at the default value.

    Returns:
        Motion with `values [T, C]` in rad and m.

    Raises:
        InputError: no column is a coordinate of the model; two columns are the same one; a value is not finite;
            couplers that would have to fill columns depend on each other in a ring.
    """
    columns, extra = _match(table, model)
    if not columns:
        raise _other_model(table, model)
    _refuse_gaps(table, model, columns)
    values = np.empty((len(table.time), len(model.coordinates)))
    for coordinate, column in columns.items():
        values[:, coordinate] = table.values[:, column]
    rotational = [index for index in sorted(columns) if model.coordinates[index].motion_type == "rotational"]
    warnings = [*table.warnings, *_unit_warnings(table.in_degrees, values, rotational, model)]
    if table.in_degrees:
        values[:, rotational] *= np.pi / 180.0
    values, by_coupler, by_default = _fill(values, set(columns), model)
    names = model.coordinate_names
    warnings += _missing_warnings([names[i] for i in by_coupler], [names[i] for i in by_default])
    odd = [label for label in extra if not _OTHER_STATE.fullmatch(label)]
    if odd:
        warnings.append(f"{_columns(odd)} not coordinates of the model and unused: {listed(odd)}")
    warnings += _range_warnings(values, sorted(columns), model)
    uneven = uneven_steps(table.time)
    return Motion(
        time=table.time,
        coordinate_names=names,
        values=values,
        filled_by_coupler=tuple(names[index] for index in by_coupler),
        filled_by_default=tuple(names[index] for index in by_default),
        extra=extra,
        warnings=(*warnings, uneven) if uneven else tuple(warnings),
        path=table.path,
    )


def _match(table: Table, model: Model) -> tuple[dict[int, int], tuple[str, ...]]:
    """Column of each coordinate that has one, and the labels that are no coordinate."""
    by_name: dict[str, list[int]] = {}
    by_path: dict[tuple[str, str], int] = {}
    for index, coordinate in enumerate(model.coordinates):
        by_name.setdefault(coordinate.name, []).append(index)
        by_path[model.joints[coordinate.joint].name, coordinate.name] = index
    columns: dict[int, int] = {}
    extra: list[str] = []
    for column, label in enumerate(table.labels):
        joint, name = _joint_and_coordinate(label)
        candidates = [by_path[joint, name]] if (joint, name) in by_path else by_name.get(name, [])
        if not candidates:
            extra.append(label)
            continue
        if len(candidates) > 1:
            problem = f"column '{label}' could be a coordinate of {len(candidates)} joints of the model"
            raise InputError(problem, path=table.path, hint="label it /jointset/<joint>/<coordinate>/value")
        if candidates[0] in columns:
            problem = f"columns '{table.labels[columns[candidates[0]]]}' and '{label}' are the same coordinate"
            raise InputError(problem, path=table.path, hint="remove one of them")
        columns[candidates[0]] = column
    return columns, tuple(extra)


def _joint_and_coordinate(label: str) -> tuple[str, str]:
    """("knee_r", "knee_angle_r") of "/jointset/knee_r/knee_angle_r/value"; ("", label) of anything else."""
    parts = label.strip("/").split("/")
    if len(parts) >= 2 and parts[-1] == "value":
        return parts[-3] if len(parts) >= 3 else "", parts[-2]
    if len(parts) == 3 and parts[0] == "jointset":
        return parts[1], parts[2]
    return "", label


def _other_model(table: Table, model: Model) -> InputError:
    problem = (
        f"belongs to another model: none of its columns ({listed(table.labels, 4)}) "
        f"is a coordinate of {model.name or 'the model'} ({listed(model.coordinate_names, 4)})"
    )
    is_forces = any("force" in label.lower() for label in table.labels)
    hint = "these look like forces: give joint angles" if is_forces else "give the model that the motion was made with"
    return InputError(problem, path=table.path, hint=hint)


def _refuse_gaps(table: Table, model: Model, columns: dict[int, int]) -> None:
    used = sorted(columns.values())
    bad = np.argwhere(~np.isfinite(table.values[:, used]))
    if bad.size:
        row, column = int(bad[0, 0]), used[int(bad[0, 1])]
        problem = f"column '{table.labels[column]}' is {table.values[row, column]:g} in row {row + 1}"
        line = int(table.lines[row]) if row < len(table.lines) else None
        raise InputError(problem, path=table.path, line=line, hint="a coordinate needs a number in every row")


def _fill(values: Array, given: set[int], model: Model) -> tuple[Array, list[int], list[int]]:
    """`values` [T, C] with the columns that are not `given` filled; which by coupler, which by default value."""
    missing = [index for index in range(len(model.coordinates)) if index not in given]
    values[:, missing] = [model.coordinates[index].default for index in missing]
    values, by_coupler = apply_couplers(model, values, missing)
    return values, sorted(by_coupler), [index for index in missing if index not in by_coupler]


def _unit_warnings(in_degrees: bool | None, values: Array, rotational: list[int], model: Model) -> Iterable[str]:
    """What makes the file's statement about degrees doubtful; `values` [T, C] are as written."""
    if not rotational:
        return
    largest = np.abs(values[:, rotational]).max(axis=0)
    worst = int(largest.argmax())
    name = model.coordinates[rotational[worst]].name
    if in_degrees is None:
        yield "the file does not say whether angles are in degrees (inDegrees): taken in radians, as OpenSim does"
    if not in_degrees and largest[worst] > _FULL_TURN:
        stated = "the file says radians" if in_degrees is False else "the file is taken in radians"
        others = np.count_nonzero(largest > _FULL_TURN) - 1
        also = f" (and {others} more do)" if others else ""
        yield f"{stated}, but {name} reaches {largest[worst]:g}, past a full turn{also}: is it in degrees?"
    moving = largest[largest > 0.0]
    # A whole body of which no joint ever passes 3.2 degrees stands still; in radians that is any motion.
    if in_degrees and len(moving) >= 10 and 0.2 < largest[worst] <= np.pi:
        yield f"the file says degrees, but no angle passes {largest[worst]:g} ({name}): is it in radians?"


def _missing_warnings(by_coupler: list[str], by_default: list[str]) -> Iterable[str]:
    if by_coupler:
        yield f"{_columns(by_coupler)} missing, filled by the model's couplers: {listed(by_coupler)}"
    if by_default:
        yield f"{_columns(by_default)} missing, filled by the default value: {listed(by_default)}"


def _range_warnings(values: Array, given: list[int], model: Model) -> Iterable[str]:
    """One sentence for each clamped coordinate whose given values leave its range; they are kept as they are."""
    for index in given:
        coordinate = model.coordinates[index]
        if not coordinate.clamped:
            continue
        low, high = coordinate.range
        column = values[:, index]
        beyond = np.maximum(low - column, column - high)
        worst = int(beyond.argmax())
        if beyond[worst] <= _OUT_OF_RANGE:
            continue
        factor, unit = (180.0 / np.pi, "deg") if coordinate.motion_type == "rotational" else (1.0, "m")
        if coordinate.motion_type == "coupled":
            unit = "(coupled)"
        yield (
            f"{coordinate.name} leaves its clamped range in {np.count_nonzero(beyond > _OUT_OF_RANGE)} of "
            f"{len(column)} frames, at worst {column[worst] * factor:.4g} {unit} "
            f"(range {low * factor:.4g} to {high * factor:.4g}); kept as given"
        )


def _columns(names: list[str]) -> str:
    return "1 column is" if len(names) == 1 else f"{len(names)} columns are"
