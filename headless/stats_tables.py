"""The tables of `simspine stats`: rows as plain dictionaries, for CSV, JSON, the screen and the report alike."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.spine import published
from ..simspine_addon.spine.quality import Flag
from ..simspine_addon.spine.rom import LevelRange, joined
from .stats_analysis import TrialResult

Row = dict[str, object]
MEASURES = {
    "lordosis": "LLA, L1-S1",
    "lower_lordosis": "lordosis L4-S1",
    "kyphosis": "TKA, T3-T12",
    "lumbar_coronal": "coronal, L1-S1",
    "thoracic_coronal": "coronal, T3-T12",
}


def _rounded(value: float, digits: int = 2) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None


def curvature_rows(results: Sequence[TrialResult]) -> list[Row]:
    """One row per trial and measure: mean, standard deviation, lowest and highest over usable frames, deg."""
    rows: list[Row] = []
    for result in results:
        for name, label in MEASURES.items():
            values = result.degrees(name)
            if not len(values):
                continue
            row: Row = {"subject": result.trial.subject, "action": result.trial.action, "measure": label}
            row |= _spread(values)
            row["upright"] = _rounded(result.upright_lordosis) if name == "lordosis" else None
            rows.append(row)
    return rows


def _spread(values: np.ndarray) -> Row:
    return {
        "mean": _rounded(values.mean()),
        "deviation": _rounded(values.std()),
        "low": _rounded(values.min()),
        "high": _rounded(values.max()),
    }


def keypoint_rows(results: Sequence[TrialResult]) -> list[Row]:
    """Curvature of the keypoints' line, by trial, deg."""
    rows: list[Row] = []
    for result in results:
        if result.keypoints is None:
            continue
        row: Row = {"subject": result.trial.subject, "action": result.trial.action}
        for name in ("lordosis", "kyphosis"):
            values = np.degrees(getattr(result.keypoints, name)[result.quality.usable])
            row |= {f"{name}_{key}": value for key, value in _spread(values).items()}
        rows.append(row)
    return rows


def grouped_rows(results: Sequence[TrialResult], group: Callable[[TrialResult], str], title: str) -> list[Row]:
    """LLA and TKA by action or subject: mean and deviation of the trials' means, with the paper's where it has one."""
    rows: list[Row] = []
    for name in sorted({group(result) for result in results}):
        chosen = [result for result in results if group(result) == name]
        row: Row = {title: name, "trials": len(chosen)}
        for measure, short in (("lordosis", "LLA"), ("kyphosis", "TKA")):
            means = np.array([values.mean() for values in (r.degrees(measure) for r in chosen) if len(values)])
            row[short] = _rounded(means.mean()) if len(means) else None
            row[f"{short}_deviation"] = _rounded(means.std(ddof=1)) if len(means) > 1 else None
        paper = published.PAPER_ACTIONS.get(name)
        row |= {"paper_LLA": paper[0] if paper else None, "paper_TKA": paper[1] if paper else None}
        rows.append(row)
    return rows


def rom_rows(ranges: Sequence[LevelRange], labels: Mapping[str, str]) -> list[Row]:
    """Range of motion of each level and axis, deg, beside the published figures; `labels` come first in each row."""
    rows: list[Row] = []
    for cell in ranges:
        old, new = published.ROM_1978[cell.movement].get(cell.level), cell.published
        row: Row = {**labels, "level": cell.level, "movement": cell.movement}
        row |= {"low": _rounded(np.degrees(cell.low)), "high": _rounded(np.degrees(cell.high))}
        row |= {"range": _rounded(np.degrees(cell.range)), "measure": _rounded(np.degrees(cell.published_measure))}
        row["white_panjabi_1978"] = old.mean if old else None
        row["white_panjabi_1990"] = new.mean if new else None
        span = new.range if new else None
        row |= {"published_low": span[0] if span else None, "published_high": span[1] if span else None}
        row["exceeds"] = cell.exceeds
        rows.append(row)
    return rows


def all_rom_rows(results: Sequence[TrialResult]) -> list[Row]:
    """`rom_rows` of every trial."""
    return [
        row
        for result in results
        for row in rom_rows(result.ranges, {"subject": result.trial.subject, "action": result.trial.action})
    ]


def subject_rom_rows(results: Sequence[TrialResult]) -> list[Row]:
    """`rom_rows` of every subject over all its trials."""
    rows: list[Row] = []
    for subject in sorted({result.trial.subject for result in results}):
        cells = joined([result.ranges for result in results if result.trial.subject == subject])
        rows += rom_rows(cells, {"subject": subject})
    return rows


def rhythm_rows(results: Sequence[TrialResult]) -> list[Row]:
    """The trials with a forward bend: its depth, the lumbar share, and lumbar over pelvis by thirds of 90 deg."""
    rows: list[Row] = []
    for result in results:
        rhythm = result.rhythm
        if rhythm is None or not np.isfinite(rhythm.lumbar_share):
            continue
        row: Row = {"subject": result.trial.subject, "action": result.trial.action}
        row["trunk"] = _rounded(np.degrees(rhythm.trunk[rhythm.deepest]), 1)
        row["lumbar_share"] = _rounded(rhythm.lumbar_share)
        row |= {f"ratio_{name}": _rounded(value) for name, value in zip(published.RHYTHM, rhythm.ratios, strict=True)}
        rows.append(row)
    return rows


def quality_rows(results: Sequence[TrialResult]) -> list[Row]:
    """What quality control did to each trial."""
    rows: list[Row] = []
    for result in results:
        quality = result.quality
        head: Row = {"subject": result.trial.subject, "action": result.trial.action, "frames": len(quality.flags)}
        head["usable"] = int(quality.usable.sum())
        if not quality.reasons:
            rows.append({**head, "found": "nothing", "count": 0, "where": ""})
        for reason in quality.reasons:
            rows.append({**head, "found": reason.meaning, "count": reason.frames, "where": " ".join(reason.names)})
    return rows


def frame_rows(result: TrialResult) -> list[Row]:
    """Every frame of a trial: time, flag word, curvature and the angles of each level, deg."""
    columns: dict[str, np.ndarray] = {name: np.degrees(getattr(result.curvature, name)) for name in MEASURES}
    for index, level in enumerate(result.levels):
        for axis, movement in enumerate(published.MOVEMENTS):
            columns[f"{level} {movement}"] = np.degrees(result.angles[:, index, axis])
    values = np.column_stack(list(columns.values()))
    flags = result.quality.flags
    return [
        {
            "time": round(float(time), 6),
            "flags": int(flag),
            "flag_names": " ".join(str(each.name) for each in Flag if each & int(flag)),
            **{name: _rounded(value, 4) for name, value in zip(columns, row, strict=True)},
        }
        for time, flag, row in zip(result.time, flags, values, strict=True)
    ]


def checks(results: Sequence[TrialResult]) -> list[Row]:
    """Each trial against the published ranges: upright lordosis, kyphosis, and the levels' motion."""
    rows: list[Row] = []
    for result in results:
        head: Row = {"subject": result.trial.subject, "action": result.trial.action}
        kyphosis = result.degrees("kyphosis")
        measured = [("upright LLA", result.upright_lordosis, published.LORDOSIS[0])]
        measured += [("TKA", float(np.median(kyphosis)), published.KYPHOSIS[0])] if len(kyphosis) else []
        for name, value, figure in measured:
            span = figure.range
            if np.isfinite(value) and span is not None:
                inside = bool(span[0] <= value <= span[1])
                text = f"{span[0]:.1f} to {span[1]:.1f} ({figure.source})"
                rows.append({**head, "what": name, "measured": _rounded(value, 1), "published": text, "inside": inside})
        for movement in published.MOVEMENTS:
            cells = [cell for cell in result.ranges if cell.movement == movement and cell.published is not None]
            if not cells:
                continue
            over = [_above(cell) for cell in cells if cell.exceeds]
            largest = max(np.degrees(cell.published_measure) for cell in cells)
            row: Row = {**head, "what": movement, "measured": _rounded(largest, 1)}
            row["published"] = f"highest of each level, {published.WHITE_PANJABI_1990}"
            rows.append({**row, "inside": not over, "over": ", ".join(over)})
    return rows


def _above(cell: LevelRange) -> str:
    span = cell.published.range if cell.published else None
    return f"{cell.level} {np.degrees(cell.published_measure):.1f} > {span[1] if span else 0:g}"


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Rows as CSV with the first row's columns; an empty table has no file."""
    if not rows:
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
