"""The extension registered in an empty scene, and a small person with a spine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

VERTEBRAE = ("sacrum", "lumbar5", "lumbar4", "lumbar3", "lumbar2", "lumbar1", "torso")
TURNS = ("flexion", "bending", "axial")
LINEAR = "<LinearFunction><coefficients>1 0</coefficients></LinearFunction>"


@dataclass(frozen=True)
class SmallPerson:
    """Files of a sacrum that carries five vertebrae and a torso, each turning about z, x and y of its joint."""

    folder: Path
    model: Path
    motion: Path
    angles: np.ndarray  # [frames, levels, 3] in degrees, as the motion file has them


@pytest.fixture
def scene() -> bpy.types.Scene:
    """An empty scene in a fresh session."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


@pytest.fixture
def addon(scene) -> Iterator[None]:
    """The extension, registered as the package `simspine`."""
    import simspine

    simspine.register()
    yield
    simspine.unregister()


@pytest.fixture
def small_person(tmp_path, xml) -> SmallPerson:
    coordinates = [f"{part}_{turn}" for part in VERTEBRAE[1:] for turn in TURNS]
    angles = np.random.default_rng(3).uniform(-20.0, 20.0, (5, len(coordinates)))
    folder = tmp_path / "small"
    folder.mkdir()
    model, motion = folder / "small.osim", folder / "bending.mot"
    model.write_text(_model_text(xml), encoding="utf-8")
    motion.write_text(motion_text(coordinates, angles), encoding="utf-8")
    return SmallPerson(folder, model, motion, angles.reshape(5, 6, 3))


@pytest.fixture
def counts() -> Callable[[], dict[str, object]]:
    """What a failed or undone import must leave as it was."""
    kinds = ("objects", "armatures", "meshes", "materials", "actions", "collections", "cameras")

    def count() -> dict[str, object]:
        scene = bpy.context.scene
        numbers: dict[str, object] = {kind: len(getattr(bpy.data, kind)) for kind in kinds}
        settings = (scene.render.fps, scene.frame_start, scene.frame_end, scene.render.resolution_x)
        return numbers | {"settings": settings, "properties": sorted(scene.keys())}

    return count


def motion_text(names: list[str], degrees: np.ndarray, rate: float = 25.0) -> str:
    head = f"test\nversion=1\nnRows={len(degrees)}\nnColumns={len(names) + 1}\ninDegrees=yes\nendheader\n"
    rows = [
        "\t".join([f"{row / rate:.6f}", *(f"{value:.10f}" for value in values)]) for row, values in enumerate(degrees)
    ]
    return head + "\t".join(["time", *names]) + "\n" + "\n".join(rows) + "\n"


def _model_text(xml) -> str:
    directions = ("0 0 1", "1 0 0", "0 1 0", "1 0 0", "0 1 0", "0 0 1")
    mesh = (
        '<attached_geometry><Mesh name="bone"><socket_frame>..</socket_frame>'
        "<mesh_file>no_such_bone.vtp</mesh_file></Mesh></attached_geometry>"
    )
    joints = [xml.joint("WeldJoint", "base", "/ground", "/bodyset/sacrum", ())]
    for below, part in pairwise(VERTEBRAE):
        names = tuple(f"{part}_{turn}" for turn in TURNS)
        transform = xml.spatial_transform({i: (name, LINEAR) for i, name in enumerate(names)}, directions)
        joints.append(xml.joint("CustomJoint", f"to_{part}", f"/bodyset/{below}", f"/bodyset/{part}", names, transform))
    markers = (
        '<MarkerSet name="markerset"><objects><Marker name="tip"><socket_parent_frame>/bodyset/torso'
        "</socket_parent_frame><location>0 0.3 0</location></Marker></objects></MarkerSet>"
    )
    bodies = "".join(xml.body(part, mesh if part == "torso" else "") for part in VERTEBRAE)
    return xml.document(bodies, "".join(joints), markers)
