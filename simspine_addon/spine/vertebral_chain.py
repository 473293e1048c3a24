"""The chain of vertebrae that a model has as bodies of their own, from the sacrum up, and the joints between them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model.errors import InputError
from ..model.types import Model
from .levels import lumbar_levels

_THORACIC_BODY = re.compile(r"^(?:thoracic[_ ]?|thoracic_vertebra[_ ]?|t)(1[0-2]|[1-9])(?:_vertebra)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class VertebralChain:
    """Vertebrae from "S1" up, the body that carries each, and the joints between neighbours.

    The last one is the lowest vertebra of the thorax where that is one body: "T12". `joints[i]` stands between
    `vertebrae[i]` and `vertebrae[i + 1]`.
    """

    vertebrae: tuple[str, ...]
    bodies: tuple[int, ...]
    joints: tuple[int, ...]

    @property
    def thorax_is_one_body(self) -> bool:
        """Whether no joint lies above T12."""
        return self.vertebrae[-1] == "T12"

    def level(self, index: int) -> str:
        """ "L4-L5" of the joint between L5 and L4: the upper vertebra first, as in `lumbar_levels`."""
        return f"{self.vertebrae[index + 1]}-{self.vertebrae[index]}"

    def place(self, name: str) -> float | None:
        """Where a vertebra ("L2": a whole number) or a disc ("L2-L3", either way round: a half) is; None if nowhere."""
        parts = [part.strip().upper() for part in name.replace("/", "-").split("-")]
        if any(part not in self.vertebrae for part in parts) or len(parts) > 2:
            return None
        places = sorted(self.vertebrae.index(part) for part in parts)
        if len(places) == 2 and places[1] - places[0] != 1:
            return None
        return sum(places) / len(places)

    def joint_of(self, level: str) -> int | None:
        """The place in `joints` of a level such as "L4-L5" or "L5-L4"; None if it is none."""
        place = self.place(level) if "-" in level or "/" in level else None
        return None if place is None else int(place)


def vertebral_chain(model: Model) -> VertebralChain:
    """The chain of this model.

    Raises:
        InputError: the model's lumbar vertebrae are not all bodies with joints between them.
    """
    levels = {level.name: level.joint for level in lumbar_levels(model)}
    wanted = ("L5-S1", "L4-L5", "L3-L4", "L2-L3", "L1-L2", "T12-L1")
    missing = [name for name in wanted if name not in levels]
    if missing:
        has = "one lumbar joint" if "lumbar" in levels else f"no joint {', '.join(missing)}"
        raise InputError(
            f"the model has {has}: its spine cannot be given a curve",
            path=model.path,
            hint="take a model whose lumbar vertebrae are bodies, such as Pose2Sim's or the sample",
        )
    joints = [levels[name] for name in wanted]
    bodies = [model.joints[joints[0]].parent, *(model.joints[joint].child for joint in joints)]
    vertebrae = ["S1", "L5", "L4", "L3", "L2", "L1", "T12"]
    number = 12
    while number > 1:
        above = [
            body
            for body, name in enumerate(model.body_names)
            if (match := _THORACIC_BODY.match(name))
            and int(match.group(1)) == number - 1
            and model.joints[body].parent == bodies[-1]
        ]
        if not above:
            break
        number -= 1
        joints.append(above[0])
        bodies.append(above[0])
        vertebrae.append(f"T{number}")
    return VertebralChain(tuple(vertebrae), tuple(bodies), tuple(joints))
