"""`simspine deform`: a model with a pathology of the spine or the legs, as clinicians name it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.mesh_search import find_mesh
from ..simspine_addon.model.types import Model
from ..simspine_addon.spine.pathology import BALANCES, SIDES, THORAXES, Pathology
from ..simspine_addon.spine.pathology_apply import deformity, spine_plans
from ..simspine_addon.spine.pathology_lenke import TYPES
from ..simspine_addon.spine.pathology_measure import PathologyReport, endplate_angles
from ..simspine_addon.spine.pathology_record import combined, note_of, straightened
from ..simspine_addon.spine.pathology_table import pathology_from_table
from .argument_types import check_places
from .deform_meshes import write_with_meshes

_TABLE_KEYS = (
    "scoliosis", "apex", "side", "lower", "upper", "rotation", "lordosis", "kyphosis", "leg_length", "leg", "balance",
    "lenke", "thorax",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine deform`."""
    parser.add_argument("model", metavar="MODEL", type=Path, help="OpenSim model with lumbar vertebrae (.osim)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.osim")
    curve = parser.add_argument_group("scoliosis")
    curve.add_argument("--scoliosis", type=float, metavar="DEG", help="Cobb angle of the curve")
    curve.add_argument("--apex", metavar="LEVEL", help="vertebra or disc farthest to the side: L2, L2-L3 (default: L2)")
    curve.add_argument("--side", choices=SIDES, help="the convex side (default: left, or right for a thoracic apex)")
    curve.add_argument("--lower", metavar="VERTEBRA", help="lower end vertebra (default: as is usual for the apex)")
    curve.add_argument("--upper", metavar="VERTEBRA", help="upper end vertebra")
    curve.add_argument(
        "--rotation", type=float, metavar="DEG", help="of the apex to the convex side (default: .26 Cobb)"
    )
    curve.add_argument(
        "--curve",
        action="append",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="one of several curves, repeatable: cobb=50 apex=T8 side=right (also lower, upper, rotation)",
    )
    curve.add_argument(
        "--lenke",
        metavar="TYPE",
        help=f"typical curves of a Lenke type, {TYPES[0]} to {TYPES[-1]}; --scoliosis and --side are the major one's",
    )
    profile = parser.add_argument_group("sagittal profile")
    profile.add_argument("--lordosis", type=float, metavar="DEG", help="change of L1-S1, + for hyperlordosis")
    profile.add_argument("--kyphosis", type=float, metavar="DEG", help="change of T3-T12, + for hyperkyphosis")
    legs = parser.add_argument_group("legs")
    legs.add_argument("--leg-length", type=float, metavar="MM", help="change of one leg, negative for shorter")
    legs.add_argument("--leg", choices=SIDES, help="which one (default: right)")
    legs.add_argument("--no-obliquity", action="store_true", help="leave the pelvis level: the short leg hangs")
    parser.add_argument(
        "--fuse", action="append", nargs="+", default=[], metavar="LEVEL", help="L4-L5, or L3-S1 for all between"
    )
    parser.add_argument(
        "--balance",
        choices=BALANCES,
        help="whether the head stays over the pelvis, and limbs hang straight (default: trunk)",
    )
    parser.add_argument(
        "--thorax",
        choices=THORAXES,
        help="curved: a thorax of one body takes part in any curve, not only in thoracic ones (default: auto)",
    )
    parser.add_argument("--geometry", type=Path, action="append", default=[], metavar="DIR", help="bone meshes")
    parser.add_argument("--report", type=Path, metavar="R.json", help="write asked and measured figures there too")
    parser.add_argument("--json", action="store_true", help="print the report for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine deform`."""
    from .cli import warn

    output: Path = arguments.output
    if output.suffix != ".osim":
        raise InputError("does not end in .osim", path=output, hint="choose that suffix")
    if output.exists() and output.samefile(arguments.model):
        raise InputError("is the model itself", path=output, hint="write beside it")
    check_places(output, arguments.report)
    pathology = _pathology(arguments)
    model = read_model(arguments.model)
    for text in model.warnings:
        warn(text)
    document, straight = arguments.model.read_bytes(), straightened(model)
    if straight is not None:
        model, document, pathology = straight.model, straight.document, combined(straight.pathology, pathology)
        warn(f"{arguments.model}: was deformed before; both pathologies are put into its straight model together")
    made = deformity(model, pathology)
    report = made.report
    note = note_of(pathology, document)
    written, meshes, notes = write_with_meshes(model, made.edits, output, arguments.geometry, note)
    for text in (*report.notes, *notes, *_meshes_elsewhere(model, output)):
        warn(text)
    summary: dict[str, Any] = {"output": str(output), **report.as_dict()}
    if meshes:
        summary["bent_meshes"] = [str(path) for path in meshes]
    summary["by_endplates"] = _by_endplates(model, written, pathology, arguments.geometry)
    if arguments.report is not None:
        with atomic_path(arguments.report) as temporary:
            temporary.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(summary) if arguments.json else _text(output, report, summary["by_endplates"]))
    return 0


def _pathology(arguments: argparse.Namespace) -> Pathology:
    table = {key: getattr(arguments, key) for key in _TABLE_KEYS if getattr(arguments, key) is not None}
    if arguments.curve:
        if "scoliosis" in table:
            raise InputError("deform: --curve stands beside --scoliosis", hint="give every curve its own --curve")
        table["scoliosis"] = [_curve(words) for words in arguments.curve]
    if arguments.fuse:
        table["fuse"] = [level for levels in arguments.fuse for level in levels]
    if arguments.no_obliquity:
        table["obliquity"] = False
    pathology = pathology_from_table(table, "deform")
    if pathology.is_none:
        raise InputError(
            "no pathology was asked for",
            hint="give --scoliosis, --curve, --lenke, --lordosis, --kyphosis, --leg-length or --fuse",
        )
    return pathology


def _curve(words: list[str]) -> dict[str, Any]:
    """A curve's table from "cobb=50 apex=T8 side=right"."""
    table: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key in table:
            problem = f"--curve {' '.join(words)}: '{word}' " + ("comes twice" if equals else "is no KEY=VALUE")
            raise InputError(problem, hint="write --curve cobb=50 apex=T8 side=right")
        table[key] = value
        if key in ("cobb", "rotation"):
            try:
                table[key] = float(value)
            except ValueError:
                problem = f"--curve {' '.join(words)}: {key}={value} is no number"
                raise InputError(problem, hint="give degrees") from None
    return table


def _meshes_elsewhere(model: Model, output: Path) -> list[str]:
    """Where the bones' meshes are, if they are found from the model and not from the new file."""
    for geometry in model.geometry:
        found = find_mesh(str(geometry.file), model.path) if geometry.file else None
        if found is not None:
            lost = find_mesh(str(geometry.file), output) is None
            return [f"the bones' meshes stay where they are: give --geometry {found.parent} with the new model"] * lost
    return []


def _by_endplates(model: Model, written: Model, pathology: Pathology, folders: list[Path]) -> dict[str, Any]:
    """Angles between endplates before and after, where the bones' meshes are at hand; {} where none is."""
    if not (pathology.curves or pathology.lordosis_deg or pathology.kyphosis_deg):
        return {}
    chain, plans = spine_plans(model, pathology)
    near = [*folders, *([model.path.parent] if model.path else [])]
    before, after = (endplate_angles(each, chain, plans, near)[0] for each in (model, written))
    return {name: {"before": before[name], "after": after[name]} for name in after if name in before}


def _text(output: Path, report: PathologyReport, by_endplates: dict[str, Any]) -> str:
    lines = [str(output), *(f"  asked     {name:38s} {_value(value)}" for name, value in report.asked.items())]
    lines += [f"  measured  {name:38s} {value:.3f}" for name, value in report.measured.items()]
    for name, pair in by_endplates.items():
        lines.append(f"  endplates {name:38s} {pair['before']:.3f} -> {pair['after']:.3f}")
    bent = {name: each for name, each in report.levels.items() if any(abs(angle) > 0.005 for angle in each.values())}
    for name, each in bent.items():
        angles = ", ".join(f"{angle:+.2f} {what.removesuffix('_deg')}" for what, angle in each.items())
        lines.append(f"  level     {name:8s} {angles}")
    return "\n".join(lines)


def _value(value: Any) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)
