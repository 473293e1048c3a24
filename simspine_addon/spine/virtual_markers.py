"""Virtual markers: keypoints that a detector finds and the model has no marker for, fixed to the model's bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..model.types import Marker, Model
from .keypoints import KEYPOINT_NAMES, Placement, keypoint_places


def with_virtual_markers(
    model: Model, names: Sequence[str], placement: Placement = "surface"
) -> tuple[Model, tuple[str, ...]]:
    """The model with a marker for each of `names` that is a keypoint, has none yet and has a place on the model.

    The places are those of `keypoint_places`, so that what inverse kinematics follows is what forward kinematics
    gives back as keypoints.

    Returns:
        the model, and the names that were added, in the order of the keypoints.
    """
    places = keypoint_places(model, placement)
    present = set(model.marker_names)
    added = tuple(
        Marker(name, int(places.bodies[index]), places.locations[index])
        for index, name in enumerate(KEYPOINT_NAMES)
        if name in names and name not in present and places.source[index] != "missing"
    )
    return replace(model, markers=(*model.markers, *added)), tuple(marker.name for marker in added)
