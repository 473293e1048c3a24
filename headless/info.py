"""`simspine info`: what a model, and a motion for it, hold."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.mesh_search import find_mesh
from ..simspine_addon.model.motion import bind_motion
from ..simspine_addon.model.storage import read_table
from ..simspine_addon.model.types import GROUND, Coordinate, Model
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, keypoint_places
from ..simspine_addon.spine.levels import lumbar_levels
from ..simspine_addon.spine.pathology_record import straightened
from ..simspine_addon.spine.pathology_table import table_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine info`."""
    parser.add_argument("model", metavar="MODEL", type=Path, help="OpenSim model (.osim)")
    parser.add_argument("motion", metavar="MOTION", type=Path, nargs="?", help="joint angles (.mot or .sto)")
    parser.add_argument("--geometry", type=Path, action="append", default=[], metavar="DIR", help="folder with meshes")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine info`."""
    model = read_model(arguments.model)
    report: dict[str, Any] = {"model": describe_model(model, arguments.geometry)}
    if arguments.motion is not None:
        report["motion"] = describe_motion(model, arguments.motion)
    if arguments.json:
        print(json.dumps(report, indent=1))
    else:
        _print_model(report["model"])
        if "motion" in report:
            _print_motion(report["motion"])
    return 0


def describe_model(model: Model, geometry_dirs: list[Path]) -> dict[str, Any]:
    """The model as plain data; angles in degrees."""
    files = sorted({g.file for g in model.geometry if g.kind == "mesh" and g.file})
    missing = [file for file in files if find_mesh(file, model.path, geometry_dirs) is None]
    places = keypoint_places(model)
    return {
        "path": str(model.path),
        "name": model.name,
        "document_version": model.version,
        "mass_kg": round(sum(body.mass for body in model.bodies), 4),
        "bodies": [
            {
                "name": body.name,
                "parent": "ground" if joint.parent == GROUND else model.bodies[joint.parent].name,
                "joint": joint.name,
                "joint_type": joint.kind + (" (reversed)" if joint.reversed else ""),
                "coordinates": [model.coordinates[i].name for i in joint.coordinates],
                "mass_kg": body.mass,
            }
            for body, joint in zip(model.bodies, model.joints, strict=True)
        ],
        "coordinates": [_describe_coordinate(coordinate) for coordinate in model.coordinates],
        "couplers": [
            {
                "name": coupler.name,
                "dependent": model.coordinates[coupler.dependent].name,
                "independent": [model.coordinates[i].name for i in coupler.independents],
                "enforced": coupler.enforced,
            }
            for coupler in model.couplers
        ],
        "other_constraints": list(model.other_constraints),
        "markers": list(model.marker_names),
        "keypoints": dict(zip(KEYPOINT_NAMES, places.source, strict=True)),
        "lumbar_levels": [
            {"level": level.name, "joint": model.joints[level.joint].name} for level in lumbar_levels(model)
        ],
        "pathology": _describe_pathology(model),
        "meshes": len(files),
        "meshes_missing": missing,
        "warnings": list(model.warnings),
    }


def _describe_pathology(model: Model) -> dict[str, Any] | None:
    """What `simspine deform` has made of the model: table, asked and measured figures, or why this is not known."""
    try:
        straight = straightened(model)
    except InputError as error:
        return {"problem": str(error)}
    if straight is None:
        return None
    return {"table": table_of(straight.pathology), **straight.made.report.as_dict()}


def _describe_coordinate(coordinate: Coordinate) -> dict[str, Any]:
    factor = np.degrees(1.0) if coordinate.motion_type == "rotational" else 1.0
    unit = {"rotational": "deg", "translational": "m", "coupled": "file's own"}[coordinate.motion_type]
    return {
        "name": coordinate.name,
        "motion_type": coordinate.motion_type,
        "unit": unit,
        "default": round(coordinate.default * factor, 6),
        "range": [round(limit * factor, 6) for limit in coordinate.range],
        "clamped": coordinate.clamped,
        "locked": coordinate.locked,
        "prescribed": coordinate.prescribed,
    }


def describe_motion(model: Model, path: Path) -> dict[str, Any]:
    """The motion as plain data."""
    table = read_table(path)
    motion = bind_motion(table, model)
    return {
        "path": str(path),
        "frames": len(motion.time),
        "rate_hz": round(motion.rate, 6),
        "time_s": [float(motion.time[0]), float(motion.time[-1])],
        "unit": "degrees" if table.in_degrees else "radians",
        "columns": len(table.labels),
        "filled_by_coupler": list(motion.filled_by_coupler),
        "filled_by_default": list(motion.filled_by_default),
        "extra_columns": list(motion.extra),
        "warnings": list(motion.warnings),
    }


def _print_model(data: dict[str, Any]) -> None:
    print(f"{data['name']}  ({data['path']}, document version {data['document_version']})")
    counts = ", ".join(f"{len(data[what])} {what}" for what in ("bodies", "coordinates", "couplers", "markers"))
    print(f"{counts}, {data['meshes']} meshes, {data['mass_kg']:g} kg\n")
    width = max(len(body["name"]) for body in data["bodies"])
    joint_width = max(len(body["joint"]) for body in data["bodies"])
    for body in data["bodies"]:
        coordinates = " ".join(body["coordinates"])
        print(
            f"  {body['name']:{width}}  on {body['parent']:{width}}  {body['joint']:{joint_width}}  "
            f"{body['joint_type']:14}  {coordinates}"
        )
    levels = ", ".join(f"{level['level']} ({level['joint']})" for level in data["lumbar_levels"])
    print(f"\nlumbar levels: {levels or 'none that can be told from bodies and joints'}")
    _print_pathology(data["pathology"])
    sources = data["keypoints"]
    for source, text in (("marker", "markers"), ("placed", "placed by the released placement")):
        names = [name for name, where in sources.items() if where == source]
        if names:
            print(f"keypoints, {text}: {len(names)}")
    missing = [name for name, where in sources.items() if where == "missing"]
    if missing:
        print(f"keypoints missing: {', '.join(missing)}")
    if data["other_constraints"]:
        print(f"constraints not enforced here: {', '.join(data['other_constraints'])}")
    if data["meshes_missing"]:
        print(f"meshes not found: {', '.join(data['meshes_missing'])}")
    _print_warnings(data["warnings"])


def _print_pathology(data: dict[str, Any] | None) -> None:
    if data is None:
        print("pathology: none noted")
    elif "problem" in data:
        print(f"pathology: unknown; {data['problem']}")
    else:
        print(f"pathology, by simspine deform: {json.dumps(data['table'])}")
        for name, value in data["measured"].items():
            print(f"  {name:38s} {value:.3f}")


def _print_motion(data: dict[str, Any]) -> None:
    start, end = data["time_s"]
    print(f"\n{data['path']}")
    print(
        f"{data['frames']} frames at {data['rate_hz']:g} Hz, {start:g} to {end:g} s, "
        f"{data['unit']}, {data['columns']} columns"
    )
    for key, text in (
        ("filled_by_coupler", "missing, filled by couplers"),
        ("filled_by_default", "missing, left at the model's default"),
        ("extra_columns", "columns that the model does not know"),
    ):
        if data[key]:
            print(f"{text}: {', '.join(data[key])}")
    _print_warnings(data["warnings"])


def _print_warnings(warnings: list[str]) -> None:
    for text in warnings:
        print(f"warning: {text}")
