"""Motions as GLB (binary glTF 2.0): bones, skinned meshes, several takes and keypoints, in metres with Y up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.kinematics.resample import resample
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import GROUND, Model
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, Placement, keypoint_places
from .glb_animation import add_animations, rest_transforms, sampled_take
from .glb_buffer import GlbBuffer
from .glb_mesh import SurfaceShelf, add_mesh
from .glb_types import Keypoint, SkinnedMesh, turned_mesh
from .joint_tree import JointTree, heading, joint_tree, require_usable, turned_track

Array = NDArray[np.float64]

KEYPOINTS_EXTRA = "simspine_keypoints"
_GENERATOR = "SimSpine"


@dataclass(frozen=True, slots=True)
class GlbReport:
    """What was written: frames of each take, the root joint, how many animation channels, and what could not be."""

    path: Path
    takes: dict[str, int]
    root: str
    channels: int
    warnings: tuple[str, ...]


def write_glb(
    path: str | Path,
    track: PoseTrack,
    *,
    takes: Mapping[str, PoseTrack] | None = None,
    meshes: Sequence[SkinnedMesh] = (),
    keypoints: Sequence[Keypoint] = (),
    keypoint_nodes: bool = False,
    influences: Literal[4, 8] = 4,
    turn_deg: float = 0.0,
    fps: float | None = None,
    take_name: str = "motion",
) -> GlbReport:
    """Write skeleton, meshes and motions as one GLB file; the same input gives the same bytes.

    Joints stand at the track's joint centres, turned as its bodies, in OpenSim's ground, which has glTF's Y up. Where
    not exactly one body hangs on ground, an added joint "root" carries those that do. Animations begin at 0 s.

    Args:
        track: gives the skeleton and its rest pose, and its motion as the one take if `takes` is left out.
        takes: motions of the same skeleton by name; equal times share one accessor.
        meshes: at the rest pose of `track`.
        keypoints: as `extras` of the joints: `simspine_keypoints` maps a name to its place [3] m in the joint's frame.
        keypoint_nodes: also a node for every keypoint.
        influences: how many bones a vertex may hang on; few programs read more than 4.
        turn_deg: turn the whole about the vertical; OpenSim's subjects face X, with -90 they face Z as in glTF.
        fps: resample to this rate.
        take_name: of the track's own motion.

    Raises:
        InputError: tracks, meshes or keypoints do not fit each other, are not finite, or the file cannot be written.
    """
    path = Path(path)
    if influences not in (4, 8):
        raise InputError(f"{influences} bones for a vertex are not possible", hint="choose 4 or 8")
    require_usable(track)
    takes = {take_name: track} if takes is None else takes
    for name, take in takes.items():
        _refuse_other_skeleton(name, track, take)
    turn = heading(turn_deg)
    takes = {name: turned_track(take, turn) for name, take in takes.items()}
    track, meshes = turned_track(track, turn), [turned_mesh(mesh, turn) for mesh in meshes]
    tree = joint_tree(track)
    buffer = GlbBuffer(_GENERATOR)
    scene: dict[str, Any] = {"nodes": [int(np.argmin(tree.parents))]}
    buffer.document |= {"scene": 0, "scenes": [scene]}
    _add_joints(buffer, tree, track, keypoints, keypoint_nodes)
    warnings = _add_meshes(buffer, scene, tree, meshes, influences)
    samples = []
    for name, take in takes.items():
        take = take if fps is None or len(take.time) == 0 else resample(take, fps)
        if len(take.time) == 0:
            warnings.append(f"the take '{name}' has no frames and is left out")
        else:
            samples.append(sampled_take(name, tree, take))
    channels = add_animations(buffer, samples)
    buffer.write(path)
    frames = {take.name: len(take.seconds) for take in samples}
    return GlbReport(path, frames, tree.names[scene["nodes"][0]], channels, tuple(warnings))


def model_keypoints(model: Model, placement: Placement = "surface") -> tuple[Keypoint, ...]:
    """The SIMSPINE keypoints that a model has, for `write_glb`; those that lie on ground are left out."""
    places = keypoint_places(model, placement)
    return tuple(
        Keypoint(name, model.body_names[body], location)
        for name, body, location, source in zip(
            KEYPOINT_NAMES, places.bodies, places.locations, places.source, strict=True
        )
        if source != "missing" and body != GROUND
    )


def _add_joints(
    buffer: GlbBuffer, tree: JointTree, track: PoseTrack, keypoints: Iterable[Keypoint], keypoint_nodes: bool
) -> None:
    """The joints as the first nodes, then those of keypoints."""
    places, quaternions = rest_transforms(tree)
    children = tree.children
    for joint, name in enumerate(tree.names):
        node: dict[str, Any] = {"name": name}
        if children[joint]:
            node["children"] = children[joint]
        node |= {"translation": places[joint].tolist(), "rotation": quaternions[joint].tolist()}
        buffer.add("nodes", node)
    nodes = buffer.document["nodes"]
    for keypoint in keypoints:
        if keypoint.body not in tree.names:
            raise InputError(
                f"the keypoint '{keypoint.name}' lies on '{keypoint.body}', which the motion does not have"
            )
        joint = tree.names.index(keypoint.body)
        place = (np.asarray(keypoint.location, dtype=np.float64) - track.centres[tree.bodies[joint]]).tolist()
        nodes[joint].setdefault("extras", {}).setdefault(KEYPOINTS_EXTRA, {})[keypoint.name] = place
        if keypoint_nodes:
            nodes[joint].setdefault("children", []).append(
                buffer.add("nodes", {"name": keypoint.name, "translation": place, "extras": {"keypoint": True}})
            )


def _add_meshes(
    buffer: GlbBuffer, scene: dict[str, Any], tree: JointTree, meshes: Sequence[SkinnedMesh], influences: int
) -> list[str]:
    """A skin over all joints and the meshes that use it, as nodes beside the root; what could not be kept.

    The skin is there without meshes too: by it programs know bones from mere nodes.
    """
    inverse = np.zeros((len(tree.names), 4, 4))  # column by column, as glTF stores matrices
    inverse[:, :3, :3] = tree.rotations
    inverse[:, 3, :3] = -np.einsum("jba,jb->ja", tree.rotations, tree.centres)
    inverse[:, 3, 3] = 1.0
    skin = {
        "name": "skeleton",
        "joints": list(range(len(tree.names))),
        "inverseBindMatrices": buffer.accessor(inverse.astype("<f4")),
        "skeleton": int(np.argmin(tree.parents)),
    }
    skin_index = buffer.add("skins", skin)
    shelf, warnings = SurfaceShelf(buffer), []
    for mesh in meshes:
        index, told = add_mesh(buffer, shelf, tree, mesh, influences)
        warnings += told
        scene["nodes"].append(buffer.add("nodes", {"name": mesh.name, "mesh": index, "skin": skin_index}))
    return warnings


def _refuse_other_skeleton(name: str, track: PoseTrack, take: PoseTrack) -> None:
    if take is track:
        return
    if take.names != track.names or not np.array_equal(take.parents, track.parents):
        raise InputError(f"the take '{name}' moves another skeleton", hint="write it to a file of its own")
    same = np.allclose(take.centres, track.centres, atol=1e-6)
    same &= np.allclose(take.rest_joint_centres, track.rest_joint_centres, atol=1e-6)
    if not same:
        raise InputError(f"the take '{name}' has bones of other lengths", hint="write it to a file of its own")
