"""What differs between Blender 4.2 and 5.2 in actions and materials, behind one set of functions.

4.2 and 4.3: an action holds its curves itself. 4.4 and 4.5: slots, layers and channelbags, with `action.fcurves` still
there for the first slot. 5.0 and later: `action.fcurves` is gone. Chosen by what the data has, not by version numbers.
"""

from __future__ import annotations

from typing import Any

import bpy


def new_action(animated: bpy.types.ID, name: str) -> tuple[bpy.types.Action, Any]:
    """A new action bound to `animated`, with one slot where Blender knows slots.

    Returns:
        The action, and its collection of F-curves for `animated` (empty).
    """
    action = bpy.data.actions.new(name)
    data = animated.animation_data_create()
    if data is None:
        raise TypeError(f"{animated.name} cannot be animated")
    if not hasattr(action, "slots"):
        data.action = action
        return action, action.fcurves  # type: ignore[attr-defined]  # 4.2, 4.3
    slot = action.slots.new(id_type=animated.id_type, name=animated.name)
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    bag = strip.channelbag(slot, ensure=True)
    data.action = action
    # Setting the action already binds a slot of that name; binding it a second time crashed Blender 5.0.1.
    if data.action_slot != slot:
        data.action_slot = slot
    return action, bag.fcurves


def curves_of(animated: bpy.types.ID) -> Any:
    """The F-curves that move `animated`, through its action and slot; an empty tuple where there are none."""
    data = animated.animation_data
    if data is None or data.action is None:
        return ()
    action = data.action
    if not hasattr(action, "slots"):
        return action.fcurves  # type: ignore[attr-defined]  # 4.2, 4.3
    slot = data.action_slot
    if slot is None:
        return ()
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot)
            if bag is not None:
                return bag.fcurves
    return ()


def new_curve(curves: Any, data_path: str, index: int, group: str) -> bpy.types.FCurve:
    """A new F-curve in `curves` (from `new_action`), listed under `group` in the dope sheet."""
    parameters = curves.bl_rna.functions["new"].parameters
    if "group_name" in parameters:  # 5.x
        return curves.new(data_path, index=index, group_name=group)
    if "action_group" in parameters:  # 4.2, 4.3
        return curves.new(data_path, index=index, action_group=group)
    return _new_curve_in_group(curves, data_path, index, group)  # 4.4, 4.5


def _new_curve_in_group(curves: Any, data_path: str, index: int, group: str) -> bpy.types.FCurve:
    """A channelbag of 4.4 and 4.5 takes no group with a new curve: make the group and assign it."""
    curve = curves.new(data_path, index=index)
    groups = _channelbag_of(curves).groups
    curve.group = groups.get(group) or groups.new(group)
    return curve


def _channelbag_of(curves: Any) -> Any:
    for layer in curves.id_data.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                if bag.fcurves == curves:
                    return bag
    raise LookupError("these F-curves belong to no channelbag")


def shader_nodes(material: bpy.types.Material) -> bpy.types.Nodes:
    """The nodes of a material; before 5.0 they have to be switched on first, from 6.0 on the switch is gone."""
    if material.node_tree is None:
        material.use_nodes = True
    assert material.node_tree is not None
    return material.node_tree.nodes
