"""Blocks of frames joined into the recording that they make up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from ..exporters.labels import Labels, Occlusion
from ..exporters.recording import Recording

_FRAMES_FIRST = ("frames", "time", "points_world", "points_world_model")
_VIEWS_FIRST = ("points_camera", "points_2d", "inside", "boxes", "camera_rotations", "camera_translations")
_PER_FRAME_ANATOMY = ("axes", "vertebra_rotations", "vertebra_positions", "lumbar_lordosis", "thoracic_kyphosis")


def joined(blocks: Sequence[Recording]) -> Recording:
    """One recording from its blocks in order."""
    first = blocks[0]
    if len(blocks) == 1:
        return first
    people = tuple(_joined_labels([block.people[index] for block in blocks]) for index in range(len(first.people)))
    views = range(len(first.image_names))
    names = tuple(tuple(name for block in blocks for name in block.image_names[view]) for view in views)
    return replace(first, people=people, image_names=names)


def _joined_labels(blocks: Sequence[Labels]) -> Labels:
    first = blocks[0]
    changed: dict[str, object] = {
        **{name: _joined_arrays([getattr(block, name) for block in blocks], 0) for name in _FRAMES_FIRST},
        **{name: _joined_arrays([getattr(block, name) for block in blocks], 1) for name in _VIEWS_FIRST},
    }
    occlusions = [block.occlusion for block in blocks if block.occlusion is not None]
    if len(occlusions) == len(blocks):
        parts = {
            field.name: np.concatenate([getattr(each, field.name) for each in occlusions], axis=1)
            for field in fields(Occlusion)
        }
        changed["occlusion"] = Occlusion(**parts)
    anatomies = [block.anatomy for block in blocks if block.anatomy is not None]
    if len(anatomies) == len(blocks):
        series = {
            name: np.concatenate([getattr(each, name) for each in anatomies], axis=0) for name in _PER_FRAME_ANATOMY
        }
        changed["anatomy"] = replace(anatomies[0], **series)
    masks = [block.masks for block in blocks if block.masks is not None]
    if len(masks) == len(blocks):
        changed["masks"] = tuple(tuple(rle for each in masks for rle in each[view]) for view in range(len(masks[0])))
    return replace(first, **changed)


def _joined_arrays(arrays: Sequence[NDArray | None], axis: int) -> NDArray | None:
    present = [array for array in arrays if array is not None]
    return np.concatenate(present, axis=axis) if len(present) == len(arrays) else None
