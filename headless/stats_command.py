"""`simspine stats`: curvature, range of motion, rhythm and quality of motions, beside published figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.motion import read_motion
from ..simspine_addon.model.types import Model
from ..simspine_addon.spine import published
from ..simspine_addon.spine.endplates import Endplates
from . import stats_plots, stats_report, stats_tables
from .progress import progress
from .stats_analysis import Trial, TrialResult, analyse, model_endplates
from .stats_inputs import find_trials
from .stats_tables import Row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine stats`."""
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="MODEL:MOTION, a folder of models and motions, or a motion (--model)"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for tables and report")
    parser.add_argument("--model", type=Path, metavar="MODEL", help="the model of all motions that name none")
    parser.add_argument("--geometry", type=Path, action="append", default=[], metavar="DIR", help="more bone meshes")
    parser.add_argument("--vertebrae", type=Path, metavar="TABLE.json", help="endplates from a table, not from meshes")
    parser.add_argument("--no-plots", action="store_true", help="tables and report without pictures")
    parser.add_argument("--json", action="store_true", help="print the summary for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine stats`."""
    trials = find_trials(arguments.inputs, arguments.model)
    if not arguments.no_plots:
        stats_plots.require_matplotlib()
    results = _analyse_all(trials, arguments.vertebrae, arguments.geometry)
    output: Path = arguments.output
    try:
        (output / "frames").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made ({error.strerror})", path=output, hint="choose another folder") from error
    tables = all_tables(results)
    for name, rows in tables.items():
        stats_tables.write_csv(output / f"{name}.csv", rows)
    for result in results:
        name = f"{result.trial.subject}_{result.trial.action}.csv"
        stats_tables.write_csv(output / "frames" / name, stats_tables.frame_rows(result))
    figures = {} if arguments.no_plots else stats_plots.figures(results)
    for name, svg in figures.items():
        _write(output / f"{name}.svg", svg)
    document = {"notes": notes(results), "sources": _sources(), **tables}
    _write(output / "stats.json", json.dumps(document, indent=1))
    _write(output / "report.html", stats_report.page(results, tables, figures, notes(results)))
    if arguments.json:
        print(json.dumps(document))
    else:
        _print(tables, notes(results), output)
    return 0


def _analyse_all(trials: Sequence[Trial], table: Path | None, folders: Sequence[Path]) -> list[TrialResult]:
    from .cli import warn

    models: dict[Path, tuple[Model, Endplates]] = {}
    results = []
    for trial in progress(trials, "stats"):
        if trial.model not in models:
            model = read_model(trial.model)
            models[trial.model] = model, model_endplates(model, table, folders)
            for text in model.warnings:
                warn(text)
        model, plates = models[trial.model]
        motion = read_motion(trial.motion, model)
        for text in motion.warnings:
            warn(f"{trial.motion.name}: {text}")
        results.append(analyse(trial, model, motion, plates))
    return results


def all_tables(results: Sequence[TrialResult]) -> dict[str, list[Row]]:
    """Every table of the report, by the name of its CSV file."""
    return {
        "checks": stats_tables.checks(results),
        "curvature": stats_tables.curvature_rows(results),
        "curvature_by_action": stats_tables.grouped_rows(results, lambda result: result.trial.action, "action"),
        "curvature_by_subject": stats_tables.grouped_rows(results, lambda result: result.trial.subject, "subject"),
        "keypoint_curvature": stats_tables.keypoint_rows(results),
        "rom": stats_tables.all_rom_rows(results),
        "rom_by_subject": stats_tables.subject_rom_rows(results),
        "rhythm": stats_tables.rhythm_rows(results),
        "quality": stats_tables.quality_rows(results),
    }


def notes(results: Sequence[TrialResult]) -> list[str]:
    """What a reader must know to take the figures right, by subject, each once."""
    texts = dict.fromkeys(f"{result.trial.subject}: {note}" for result in results for note in result.curvature.notes)
    origin = dict.fromkeys(f"{result.trial.subject}: endplates from {result.curvature.source}" for result in results)
    return [*origin, *texts]


def _sources() -> list[Row]:
    figures = [*published.LORDOSIS, *published.LOWER_LORDOSIS, *published.KYPHOSIS]
    return [{"figure": figure.text, "source": figure.source} for figure in figures]


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _print(tables: dict[str, list[Row]], texts: Sequence[str], output: Path) -> None:
    standing, paper, kyphosis = *published.LORDOSIS, published.KYPHOSIS[0]
    print(f"Curvature over the usable frames, deg. Published: LLA {standing.text} ({standing.source}),")
    print(f"{paper.text} ({paper.source}); TKA {kyphosis.text} (the same):")
    print(f"  {'subject':18} {'action':20} {'measure':12} {'mean':>6} {'SD':>5} {'low':>6} {'high':>6}  upright")
    for row in tables["curvature"]:
        if row["measure"] in (stats_tables.MEASURES["lordosis"], stats_tables.MEASURES["kyphosis"]):
            upright = "" if row["upright"] is None else f"{row['upright']:6.1f}"
            numbers = f"{row['mean']:6.1f} {row['deviation']:5.1f} {row['low']:6.1f} {row['high']:6.1f}"
            print(f"  {row['subject']:18} {row['action']:20} {row['measure']:12} {numbers}  {upright}")
    print("Lumbar levels by subject, deg: flexion-extension is the whole range, the others the larger side;")
    print("beside it White & Panjabi 1978 / 1990 [?] with their limits ([?]: not checked against the original):")
    for row in tables["rom_by_subject"]:
        limits = "" if row["published_low"] is None else f"({row['published_low']:g} to {row['published_high']:g})"
        figures = "" if not limits else f"{row['white_panjabi_1978']:g} / {row['white_panjabi_1990']:g} {limits}"
        mark = "  above" if row["exceeds"] else ""
        print(f"  {row['subject']:18} {row['level']:7} {row['movement']:18} {row['measure']:5.1f}   {figures}{mark}")
    outside = [row for row in tables["checks"] if not row["inside"]]
    print(f"Against the published ranges: {len(tables['checks']) - len(outside)} of {len(tables['checks'])} inside")
    for row in outside:
        print(f"  outside: {row['action']}, {row['what']}: {row.get('over') or row['measured']}; {row['published']}")
    for text in texts:
        print(f"note: {text}")
    print(f"report: {output / 'report.html'}")
