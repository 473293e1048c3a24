"""The Khronos validator's word on our GLB files, where it is installed (npm's `gltf-validator`)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from simspine.exporters.glb_types import SkinnedMesh, SurfaceMaterial, Texture
from simspine.exporters.glb_writer import model_keypoints, write_glb
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.motion import read_motion

SCRIPT = """
const validator = require('gltf-validator');
const data = new Uint8Array(require('fs').readFileSync(process.argv[1]));
validator.validateBytes(data, {maxIssues: 0}).then(report => console.log(JSON.stringify(report.issues)));
"""
# One white pixel, so that a real decoder is content.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8ffff3f"
    "0005fe02fe0def46b80000000049454e44ae426082"
)


def issues(path: Path) -> dict:
    folder, node = os.environ.get("SIMSPINE_GLTF_VALIDATOR"), shutil.which("node")
    if folder is None or node is None:
        pytest.skip("SIMSPINE_GLTF_VALIDATOR names no folder in which npm installed gltf-validator")
    command = [node, "-e", SCRIPT, str(path)]
    return json.loads(subprocess.run(command, cwd=folder, capture_output=True, check=True, text=True).stdout)


@pytest.mark.parametrize("influences", [4, 8])
def test_no_error_and_no_warning(tmp_path: Path, influences: int) -> None:
    model = read_model(sample_model_path())
    takes = {
        name: pose_track(model, read_motion(sample_motion_path(name), model)) for name in ("walking", "sit_to_stand")
    }
    track = takes["walking"]
    random = np.random.default_rng(0)
    picture = Texture("pixel", PIXEL)
    surface = SurfaceMaterial(
        "all",
        specular=0.3,
        emission=(3.0, 1.0, 0.0),
        alpha_mode="MASK",
        base_color_texture=picture,
        metallic_roughness_texture=picture,
        normal_texture=picture,
        emission_texture=picture,
    )
    mesh = SkinnedMesh(
        name="cloud",
        positions=random.uniform(-1, 1, (300, 3)),
        normals=random.normal(size=(300, 3)),
        triangles=np.arange(300).reshape(-1, 3),
        bone_names=track.names,
        bones=np.array([random.permutation(len(track.names))[:6] for _ in range(300)]),
        weights=random.uniform(0, 1, (300, 6)),
        uvs=random.uniform(size=(300, 2)),
        tangents=np.column_stack([random.normal(size=(300, 3)), np.ones(300)]),
        materials=(surface,),
    )
    path = tmp_path / "a.glb"
    keypoints = model_keypoints(model)
    write_glb(path, track, takes=takes, meshes=[mesh], keypoints=keypoints, keypoint_nodes=True, influences=influences)
    found = issues(path)
    assert (found["numErrors"], found["numWarnings"]) == (0, 0), found["messages"][:5]
