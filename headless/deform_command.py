"""`simspine deform`: a model with a pathology of the spine or the legs, as clinicians name it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.document_edit import write_edited
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.mesh_search import find_mesh
from ..simspine_addon.model.types import Model
from ..simspine_addon.spine.pathology import BALANCES, SIDES, Pathology, pathology_from_table
from ..simspine_addon.spine.pathology_apply import pathology_edits
from ..simspine_addon.spine.pathology_curve import plan_curve
from ..simspine_addon.spine.pathology_measure import PathologyReport, endplate_angles
from ..simspine_addon.spine.vertebral_chain import vertebral_chain
from .argument_types import check_places

_TABLE_KEYS = (
    "scoliosis", "apex", "side", "lower", "upper", "rotation", "lordosis", "kyphosis", "leg_length", "leg", "balance",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine deform`."""
    parser.add_argument("model", metavar="MODEL", type=Path, help="OpenSim model with lumbar vertebrae (.osim)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.osim")
    curve = parser.add_argument_group("scoliosis")
    curve.add_argument("--scoliosis", type=float, metavar="DEG", help="Cobb angle of the curve")
    curve.add_argument("--apex", metavar="LEVEL", help="vertebra or disc farthest to the side: L2, L2-L3 (default: L2)")
    curve.add_argument("--side", choices=SIDES, help="the convex side (default: left)")
    curve.add_argument("--lower", metavar="VERTEBRA", help="lower end vertebra (default: as is usual for the apex)")
    curve.add_argument("--upper", metavar="VERTEBRA", help="upper end vertebra")
    curve.add_argument(
        "--rotation", type=float, metavar="DEG", help="of the apex to the convex side (default: .26 Cobb)"
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
    edits, report = pathology_edits(model, pathology)
    written = write_edited(model, edits, output)
    for text in (*report.notes, *_meshes_elsewhere(model, output)):
        warn(text)
    summary: dict[str, Any] = {"output": str(output), **report.as_dict()}
    summary["by_endplates"] = _by_endplates(model, written, pathology, arguments.geometry)
    if arguments.report is not None:
        with atomic_path(arguments.report) as temporary:
            temporary.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(summary) if arguments.json else _text(output, report, summary["by_endplates"]))
    return 0


def _pathology(arguments: argparse.Namespace) -> Pathology:
    table = {key: getattr(arguments, key) for key in _TABLE_KEYS if getattr(arguments, key) is not None}
    if arguments.fuse:
        table["fuse"] = [level for levels in arguments.fuse for level in levels]
    if arguments.no_obliquity:
        table["obliquity"] = False
    pathology = pathology_from_table(table, "deform")
    if pathology.is_none:
        raise InputError(
            "no pathology was asked for", hint="give --scoliosis, --lordosis, --kyphosis, --leg-length or --fuse"
        )
    return pathology


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
    if not (pathology.scoliosis or pathology.lordosis_deg or pathology.kyphosis_deg):
        return {}
    chain = vertebral_chain(model)
    plan = plan_curve(chain, pathology.scoliosis) if pathology.scoliosis else None
    near = [*folders, *([model.path.parent] if model.path else [])]
    before, after = (endplate_angles(each, chain, plan, near)[0] for each in (model, written))
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
