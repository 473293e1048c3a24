"""How far each target bone turns away from rest: trunk as curves, limbs by their source bones with alignment."""

from __future__ import annotations

import numpy as np

from ..kinematics.pose_track import PoseTrack
from .align import Alignment
from .articulate_levels import level_partners
from .landmarks import role_head
from .roles import FINGERS, LIMBS, SIDES, RoleMap
from .rotations import Array
from .skeleton import Skeleton
from .spine_chain import Chain, chain_deltas, shared_deltas
from .tree import BodyTree


class TurnMaker:
    """Rotations away from rest, in ground: the source's by bone, the target's by role."""

    def __init__(
        self,
        track: PoseTrack,
        source: Skeleton,
        source_map: RoleMap,
        alignment: Alignment,
        target_map: RoleMap,
        spine_mode: str,
    ) -> None:
        self.source = source
        self.source_map = source_map
        self.alignment = alignment
        self.target = alignment.target
        self.target_map = target_map
        self.heads = track.joint_centres  # [T, B, 3] m
        self._rotations = track.rotations
        self._spine_mode = spine_mode
        self._known: dict[int, Array] = {}

    def source_turn(self, name: str) -> Array:
        """The rotation of a source bone away from its rest, [T, 3, 3]."""
        bone = self.source.index(name)
        if bone not in self._known:
            self._known[bone] = self._rotations[:, bone] @ self.source.rest_rotations[bone].T
        return self._known[bone]

    @property
    def pelvis_turn(self) -> Array:
        return self.source_turn(self.source_map.of("pelvis")[-1])

    @property
    def chest_turn(self) -> Array:
        return self.source_turn(self.source_map.of("spine")[-1])

    @property
    def head_turn(self) -> Array:
        return self.source_turn(self.source_map.of("head")[-1])

    def turns(self, tree: BodyTree) -> list[Array | None]:
        """The rotation away from rest of every mapped target bone [T, 3, 3]; nothing for the others."""
        turns: list[Array | None] = [None] * len(self.target.names)
        for bone in (*tree.with_pelvis, *self._bones("pelvis")):
            turns[bone] = self.pelvis_turn
        for role, deltas in (("spine", self._spine()), ("neck", self._neck())):
            for k, bone in enumerate(self._bones(role)):
                turns[bone] = deltas[:, k]
        for bone in self._bones("head"):
            turns[bone] = self.head_turn
        for role in (f"{side}_{part}" for side in SIDES for part in (*LIMBS, *FINGERS)):
            self._turn_limb(role, turns)
        self._turn_namesakes(turns)
        return turns

    def _bones(self, role: str) -> list[int]:
        return [self.target.index(name) for name in self.target_map.of(role)]

    def _turn_limb(self, role: str, turns: list[Array | None]) -> None:
        bones, names = self._bones(role), self.source_map.of(role)
        if not names:
            return
        for place, bone in enumerate(bones):
            turns[bone] = self.source_turn(names[partner(place, len(bones), len(names))]) @ self.alignment.offsets[role]

    def _turn_namesakes(self, turns: list[Array | None]) -> None:
        """Bones without a role that the source has too, by the very name (a kneecap, an eye), do as it does."""
        with_role = {name for bones in self.source_map.bones.values() for name in bones}
        known = set(self.source.names) - with_role
        for bone, name in enumerate(self.target.names):
            if turns[bone] is None and name in known and self.target.parents[bone] >= 0:
                turns[bone] = self.source_turn(name)

    def _spine(self) -> Array:
        names, count = self.source_map.of("spine"), len(self.target_map.of("spine"))
        if self._spine_mode == "lumped":
            return np.stack([self.pelvis_turn] * (count - 1) + [self.chest_turn], axis=1)
        deltas = np.stack([self.source_turn(name) for name in names], axis=1)
        partners = level_partners(names, self.target_map.of("spine")) if self._spine_mode == "levels" else None
        if partners is not None:
            return deltas[:, list(partners)]
        source_end = self.source_map.of("neck")[:1] or self.source_map.of("head")[:1]
        bones = [self.source.index(name) for name in (*names, *source_end)]
        source = Chain(self.source.rest_positions[bones])
        return chain_deltas(
            source, self.heads[:, bones], deltas, self.pelvis_turn, self.target_chain("spine"), pinned_top=True
        )

    def _neck(self) -> Array:
        names, count = self.source_map.of("neck"), len(self.target_map.of("neck"))
        if count == 0:
            return np.empty((len(self.heads), 0, 3, 3))
        if self._spine_mode == "lumped":
            return np.stack([self.chest_turn] * count, axis=1)
        if not names:
            # The source bends at one joint only: every joint of the neck, the head's among them, takes its share.
            return shared_deltas(self.chest_turn, self.head_turn, np.arange(1, count + 1) / (count + 1.0))
        deltas = np.stack([self.source_turn(name) for name in names], axis=1)
        bones = [self.source.index(name) for name in (*names, *self.source_map.of("head")[:1])]
        source = Chain(self.source.rest_positions[bones])
        if len(names) == 1:
            return np.repeat(deltas, count, axis=1)
        return chain_deltas(
            source, self.heads[:, bones], deltas, self.chest_turn, self.target_chain("neck"), pinned_top=False
        )

    def target_chain(self, role: str) -> Chain:
        """The target's spine (up to the neck) or neck (up to the head) as a chain."""
        heads = list(self.target.rest_positions[self._bones(role)])
        above = ("neck", "head") if role == "spine" else ("head",)
        end = next((p for p in (role_head(self.target, self.target_map, r) for r in above) if p is not None), None)
        return Chain(np.array([*heads, heads[-1] if end is None else end]))


def partner(place: int, count: int, others: int) -> int:
    """Which of `others` bones the bone at `place` of `count` follows, when a segment is split differently."""
    return max(round((place + 1) / count * others) - 1, 0)


def inherited(
    tree: BodyTree, turns: list[Array | None], places: dict[int, Array], target: Skeleton, target_map: RoleMap
) -> None:
    """Let every bone without a rotation of its own turn with its carrier; the rig's root stays as it is."""
    roots = {target.index(name) for name in target_map.of("root")} - set(tree.with_pelvis)
    for bone in tree.order:
        carrier = int(tree.carriers[bone])
        if turns[bone] is None and carrier >= 0 and bone not in roots:
            turns[bone] = turns[carrier]
    for bone in tree.with_pelvis:
        if bone not in places:
            pelvis = target.index(target_map.of("pelvis")[0])
            turn = turns[pelvis]
            assert turn is not None
            places[bone] = places[pelvis] + turn @ (target.rest_positions[bone] - target.rest_positions[pelvis])
