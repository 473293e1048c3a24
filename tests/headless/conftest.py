"""What tests of the renderer share: a model of two bodies that renders in no time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def sphere(radius: float) -> str:
    return (
        f'<attached_geometry><Sphere name="s{radius}"><socket_frame>..</socket_frame>'
        f"<radius>{radius}</radius></Sphere></attached_geometry>"
    )


@pytest.fixture(scope="session")
def inputs(tmp_path_factory, xml):
    """A pelvis that slides along X with a torso that bends on it, and markers of two keypoints' names."""
    folder = tmp_path_factory.mktemp("inputs")
    bodies = xml.body("pelvis", sphere(0.1)) + xml.body("torso", sphere(0.15))
    axes = {2: ("lean", '<LinearFunction name="function"><coefficients>1 0</coefficients></LinearFunction>')}
    joints = xml.joint("SliderJoint", "base", "/ground", "/bodyset/pelvis", ("along",)) + xml.joint(
        "CustomJoint", "back", "/bodyset/pelvis", "/bodyset/torso", ("lean",), xml.spatial_transform(axes)
    )
    markers = "".join(
        f'<Marker name="{name}"><socket_parent_frame>/bodyset/{body}</socket_parent_frame>'
        f"<location>{at}</location></Marker>"
        for name, body, at in (("Hip", "pelvis", "0 0 0"), ("Neck", "torso", "0 0.1 0"))
    )
    more = f'<MarkerSet name="markerset"><objects>{markers}</objects></MarkerSet>'
    model, motion = folder / "two.osim", folder / "lean.mot"
    model.write_text(xml.document(bodies, joints, more))
    rows = "\n".join(f"{i / 50}\t{0.02 * i}\t{2.0 * i}" for i in range(6))
    header = "lean\nversion=1\nnRows=6\nnColumns=3\ninDegrees=yes\nendheader\ntime\talong\tlean\n"
    motion.write_text(header + rows + "\n")
    return model, motion


@pytest.fixture(scope="session")
def blender(tmp_path_factory):
    """Makes a program that takes Blender's arguments, says that it renders on the CPU and has these boards, and
    renders with this Python."""
    bpy = pytest.importorskip("bpy")
    from simspine.simspine_addon.scene.render import can_denoise

    def make(boards: tuple[str, ...] = (), then: str | None = None) -> Path:
        answer = {"blender": bpy.app.version_string, "device": "CPU", "denoises": can_denoise()}
        answer |= {"boards": boards, "refused": ["CUDA: no driver"]}
        program = tmp_path_factory.mktemp("blender") / "blender"
        (program.parent / "answer.json").write_text(json.dumps(answer))
        render = then or f'exec "{sys.executable}" "{ROOT / "headless" / "render.py"}" "$@"'
        program.write_text(
            "#!/bin/sh\nshift 3\necho 'Blender says hello'\n"
            f'if [ "$2" = engine ]; then cat "{program.parent / "answer.json"}"; exit 0; fi\n{render}\n'
        )
        program.chmod(0o755)
        return program

    return make
