"""Which avatar a command means: a sample person by name, one fitted to the model, or a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..sample_rigs.avatars.avatar import Avatar
from ..sample_rigs.avatars.fitting import fit_avatar
from ..sample_rigs.avatars.people import NAMES, sample_avatar
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import Model
from ..simspine_addon.retarget.roles import RoleMap

if TYPE_CHECKING:
    import bpy

FITTED = "fitted"
_SPINE_LANDMARKS = ("L5_S1", "T12_L1", "neck_base", "atlas")
AVATAR_NAMES = (FITTED, *NAMES)


@dataclass(frozen=True, slots=True)
class SceneAvatar:
    """An avatar in the scene.

    `role_map` is set where the file brings one, `landmarks` [3] m by name where it is a sample; `facts` say how it came
    about.
    """

    armature: bpy.types.Object
    objects: tuple[bpy.types.Object, ...]
    role_map: RoleMap | None
    facts: dict[str, Any]
    landmarks: Mapping[str, NDArray[np.float64]] | None = None


def is_avatar_file(word: str) -> bool:
    """Whether a word of the command line means a file rather than a sample avatar."""
    return word not in AVATAR_NAMES and (Path(word).suffix != "" or Path(word).exists())


def sample_arrays(name: str, model: Model | None, rig: str | None) -> tuple[Avatar, dict[str, Any]]:
    """A sample avatar as arrays, and what is to be said of it.

    Raises:
        InputError: there is no such avatar or rig, or it needs a model to be fitted to and there is none.
    """
    if name == FITTED:
        if model is None:
            raise InputError("a fitted avatar needs a model", hint="name the model that it is to be fitted to")
        avatar, fit = fit_avatar(model, rig or "default")
        return avatar, {
            "fit_worst_mm": fit.worst_mm,
            "fit_residual_mm": fit.residual_mm,
            "height_m": fit.height_m,
            "mass_kg": fit.mass_kg,
        }
    if name not in NAMES:
        names = ", ".join(AVATAR_NAMES)
        raise InputError(f"there is no avatar '{name}'", hint=f"choose one of {names}, or a file")
    return sample_avatar(name, rig), {}


def bring_avatar(
    word: str, model: Model | None = None, rig: str | None = None, armature: str | None = None
) -> SceneAvatar:
    """Bring the avatar that `word` names into the current scene.

    Raises:
        InputError: the name, the rig or the file cannot be used.
    """
    import bpy

    from ..simspine_addon.scene.avatar import add_avatar
    from ..simspine_addon.scene.avatar_files import load_avatar

    scene = bpy.context.scene
    if is_avatar_file(word):
        if rig is not None:
            raise InputError("--rig chooses the rig of a sample avatar; a file has its own", hint="leave --rig out")
        loaded = load_avatar(scene, word, armature)
        return SceneAvatar(loaded.armature, loaded.objects, loaded.role_map, {"file": str(word)})
    arrays, facts = sample_arrays(word, model, rig)
    added = add_avatar(scene, arrays, arrays.name)
    return SceneAvatar(
        added.armature, (added.armature, added.mesh), None, {"rig": arrays.rig, **facts}, arrays.landmarks
    )


def articulated(avatar: SceneAvatar, levels: Sequence[str], role_map: RoleMap | None) -> SceneAvatar:
    """The avatar with vertebrae of its own, and the bone map that they are the spine of.

    Raises:
        InputError: the avatar cannot be articulated.
    """
    from ..simspine_addon.scene.articulate import articulate_armature

    places = {name: place for name, place in (avatar.landmarks or {}).items() if name in _SPINE_LANDMARKS}
    done = articulate_armature(
        avatar.armature, levels=levels, role_map=role_map or avatar.role_map, landmarks=places or None
    )
    return replace(avatar, role_map=done.role_map, facts={**avatar.facts, "vertebrae": list(done.names)})
