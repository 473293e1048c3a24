"""`simspine bench NAME`: benchmarks that run the rival in the same process and print JSON with the ratio."""

from __future__ import annotations

import argparse
import importlib
import json

BENCHMARKS = {
    "fk": ("fk_bench", "forward kinematics against the opensim loop"),
    "ik": ("ik_bench", "inverse kinematics of the real capture against opensim's tool at accuracy 1e-5"),
    "pipeline": ("pipeline_bench", "rendered beads detected, triangulated and fitted, against the truth, with noise"),
    "labels": ("labels_bench", "labels of 535 000 frames x 4 views into SIMSPINE's HDF5 against a loop over frames"),
    "export": ("export_bench", "BVH and GLB of 60 bones x 3000 frames against Blender's exporters"),
    "import": ("import_bench", "importing 3000 frames x 30 bodies into Blender against keyframe_insert"),
    "roundtrip": ("roundtrip_bench", "every export format read back by other programs, errors in mm, degrees, seconds"),
    "render": ("render_bench", "images of an avatar in a room against naive Cycles, with PSNR by quality preset"),
    "retarget": ("retarget_bench", "retargeting 60 bones x 3000 frames with keys against constraints and nla.bake"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine bench`."""
    listed = "; ".join(f"{name}: {text}" for name, (_, text) in BENCHMARKS.items())
    parser.add_argument("name", choices=BENCHMARKS, help=listed)


def run(arguments: argparse.Namespace) -> int:
    """Run a benchmark and print its result as JSON."""
    module, _ = BENCHMARKS[arguments.name]
    print(json.dumps(importlib.import_module(f".{module}", __package__).run(), indent=1))
    return 0
