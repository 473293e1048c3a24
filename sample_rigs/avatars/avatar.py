"""A whole avatar as arrays: a dressed body of a phenotype in one of the rigs, ready for any scene.

Body, rigs and weights come from the MPFB data (CC0 1.0, see `mpfb_data`). Nobody stands naked: every avatar wears
shirt, trousers and shoes, and the skin below them is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .body import Body, body_of
from .clothing import bare_skin, dress
from .eyes import eyes
from .face import brows, lips
from .hair import bun, hair
from .materials import Material, Outfit, materials_of, outfit_of
from .phenotype import Phenotype, shaped_vertices
from .shoes import shoe_field, shoes
from .surface import Surface, joined
from .weights import sparse_weights

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Avatar:
    """A skinned person at rest, in metres and OpenSim's axes: X forward, Y up, Z right, soles on Y = 0.

    `rest` are the bones' rest frames with Blender's meaning (y along the bone), in those same axes. The skin at a pose
    is linear blend skinning: v = sum_k share_k G_k rest_k^-1 v_rest. `landmarks` are joint centres of the body
    ("hip_r", "L5_S1", "atlas", ...), whatever the rig has there.
    """

    name: str
    rig: str
    vertices: Array  # [V, 3]
    corners: Indices  # [L] vertex of each polygon corner
    offsets: Indices  # [F + 1] where each polygon's corners start
    uv: Array  # [L, 2]
    face_material: Indices  # [F] into `materials`
    materials: tuple[Material, ...]
    bone_names: tuple[str, ...]  # [B], a parent stands before its children
    parents: Indices  # [B], -1 for none
    heads: Array  # [B, 3]
    tails: Array  # [B, 3]
    rest: Array  # [B, 4, 4]
    weight_bones: Indices  # [V, K]
    weight_shares: Array  # [V, K], rows sum to one
    landmarks: Mapping[str, Array]
    base_vertices: Indices  # [V] vertex of the MPFB base mesh, -1 where there is none

    def material_index(self, name: str) -> int:
        """The index of a material by its name ("skin", "shirt", "trousers", "shoes", "hair", ...)."""
        return [material.name for material in self.materials].index(name)


def build_avatar(
    rig: str = "default",
    *,
    gender: float = 0.5,
    age: float = 0.5,
    muscle: float = 0.5,
    weight: float = 0.5,
    height: float = 0.5,
    proportions: float = 0.5,
    african: float = 1.0,
    asian: float = 1.0,
    caucasian: float = 1.0,
    seed: int = 0,
    outfit: Outfit | None = None,
) -> Avatar:
    """A dressed person of that phenotype (see `Phenotype`; each from 0 to 1), the same for the same arguments.

    Args:
        rig: "default" (163 bones), "mixamo" (52), "game_engine" (53), "cmu_mb" (31) or "rigify" (its metarig, 202).
        gender, age, muscle, weight, height, proportions, african, asian, caucasian: the body.
        seed: of skin tone, eyes, hair and clothes.
        outfit: these instead of the seed's.

    Raises:
        InputError: a parameter is out of range, the rig is not known, or the data are not installed.
    """
    phenotype = Phenotype(
        gender=gender, age=age, muscle=muscle, weight=weight, height=height, proportions=proportions,
        african=african, asian=asian, caucasian=caucasian,
    )  # fmt: skip
    return dressed_avatar(rig, shaped_vertices(phenotype), outfit or outfit_of(seed, phenotype))


def dressed_avatar(rig: str, vertices: Array, outfit: Outfit, name: str = "") -> Avatar:
    """The avatar of a shaped base mesh [19158, 3] m in a rig and an outfit."""
    body = body_of(rig, vertices)
    pieces = _pieces(body, outfit)
    materials = materials_of(outfit)
    whole = joined([piece for _, piece in pieces])
    order = list(materials)
    face_material = np.concatenate([np.full(piece.face_count, order.index(m)) for m, piece in pieces])
    down = np.array([0.0, float(whole.vertices[:, 1].min()), 0.0])
    bones, shares = sparse_weights(whole.carriers)
    rest = body.rig.rest.copy()
    rest[:, :3, 3] -= down
    return Avatar(
        name=name or f"Avatar {rig}",
        rig=rig,
        vertices=whole.vertices - down,
        corners=whole.corners,
        offsets=whole.offsets,
        uv=whole.uv,
        face_material=face_material,
        materials=tuple(materials.values()),
        bone_names=body.rig.bone_names,
        parents=body.rig.parents,
        heads=body.rig.heads - down,
        tails=body.rig.tails - down,
        rest=rest,
        weight_bones=bones,
        weight_shares=shares,
        landmarks={key: place - down for key, place in body.places.items()},
        base_vertices=whole.base,
    )


def skinned_vertices(avatar: Avatar, frames: Array) -> Array:
    """The skin [V, 3] with the bones at these frames [B, 4, 4] (world, avatar's axes): linear blend skinning."""
    moves = frames @ np.linalg.inv(avatar.rest)
    blended = np.einsum("vk,vkij->vij", avatar.weight_shares, moves[avatar.weight_bones])
    return np.einsum("vij,vj->vi", blended[:, :3, :3], avatar.vertices) + blended[:, :3, 3]


def _pieces(body: Body, outfit: Outfit) -> list[tuple[str, Surface]]:
    """Everything that is seen, with the name of its material."""
    plan = outfit.cut
    shirt, trousers = dress(body, plan)
    uppers, soles = shoes(body)
    hidden_by_shoes = shoe_field(body, body.vertices, body.parts)
    pieces = [
        ("skin", bare_skin(body, plan, hidden_by_shoes)),
        ("lips", lips(body)),
        *eyes(body).items(),
        ("hair", hair(body, outfit.hair_style)),
        ("hair", brows(body, outfit.hair_style.brow)),
        ("shirt", shirt),
        ("trousers", trousers),
        ("shoes", uppers),
        ("soles", soles),
    ]
    if outfit.hair_style.bun:
        pieces.append(("hair", bun(body, outfit.hair_style)))
    return pieces
