"""The imported people of a scene: which there are, which one is meant, what can be shown and hidden of them."""

from __future__ import annotations

import bpy

from ..model.document import read_model
from ..model.errors import InputError
from ..scene.import_motion import DEFORMED_PROPERTY, MODEL_PROPERTY
from ..scene.person_record import is_person
from ..spine.pathology_record import Straightened, straightened


def people(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The armatures of imported people, by name."""
    return sorted((thing for thing in scene.objects if is_person(thing)), key=lambda thing: thing.name)


def current_person(context: bpy.types.Context) -> bpy.types.Object | None:
    """The person that is active, whose bone mesh or marker is active, or who is the only one."""
    active = context.view_layer.objects.active if context.view_layer else None
    for thing in (active, active.parent if active else None):
        if is_person(thing):
            return thing
    everyone = people(context.scene)
    return everyone[0] if len(everyone) == 1 else None


def straightened_person(person: bpy.types.Object) -> tuple[Straightened | None, str]:
    """The straight model of a person whose model `simspine deform` has written, and what has to be said where there
    should be one and is none; None and "" for others."""
    if not person.get(DEFORMED_PROPERTY):
        return None, ""
    try:
        straight = straightened(read_model(bpy.path.abspath(str(person.get(MODEL_PROPERTY, "")))))
    except InputError as error:
        return None, f"{error}; until then an avatar of '{person.name}' stands straight"
    return straight, "" if straight else f"the model of '{person.name}' is no longer the deformed one"


def person_parts(context: bpy.types.Context, person: bpy.types.Object) -> list[tuple[str, bpy.types.LayerCollection]]:
    """What a person consists of (skeleton, bones, markers), with the layer collections that show and hide it."""
    for layer in _all_layers(context.view_layer.layer_collection):
        holds_person = any(person.name in child.collection.objects for child in layer.children)
        if holds_person:
            prefix = f"{layer.collection.name} "
            return [(child.name.removeprefix(prefix), child) for child in layer.children]
    return []


def _all_layers(layer: bpy.types.LayerCollection) -> list[bpy.types.LayerCollection]:
    below = [found for child in layer.children for found in _all_layers(child)]
    return [layer, *below]
