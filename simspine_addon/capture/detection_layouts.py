"""Names of the keypoints that common detectors give, by how many there are, in SIMSPINE's spelling.

Orders as their own documentation states them: COCO (17), OpenPose's COCO and BODY_25 models (18, 25), Halpe (26, the
first 26 of SIMSPINE's 37), COCO-WholeBody (133: body, feet, face, hands).
"""

from __future__ import annotations

from ..spine.keypoints import KEYPOINT_NAMES

COCO = KEYPOINT_NAMES[:17]
HALPE_26 = KEYPOINT_NAMES[:26]
_ARMS_AND_LEGS = "RShoulder RElbow RWrist LShoulder LElbow LWrist", "RHip RKnee RAnkle LHip LKnee LAnkle"
_FACE = "REye LEye REar LEar"
_FEET = tuple(side + point for side in "LR" for point in ("BigToe", "SmallToe", "Heel"))

LAYOUTS: dict[int, tuple[str, ...]] = {
    17: COCO,
    18: tuple(f"Nose Neck {_ARMS_AND_LEGS[0]} {_ARMS_AND_LEGS[1]} {_FACE}".split()),
    25: (*f"Nose Neck {_ARMS_AND_LEGS[0]} Hip {_ARMS_AND_LEGS[1]} {_FACE}".split(), *_FEET),
    26: HALPE_26,
    37: KEYPOINT_NAMES,
    133: (
        *COCO,
        *_FEET,
        *(f"Face_{number:02d}" for number in range(68)),
        *(f"{side}Hand_{number:02d}" for side in "LR" for number in range(21)),
    ),
}


def layout_names(count: int) -> tuple[str, ...]:
    """Names for `count` keypoints; `Point_00`, `Point_01`, ... where no common detector gives that many."""
    return LAYOUTS.get(count, tuple(f"Point_{number:02d}" for number in range(count)))


def partners(names: tuple[str, ...]) -> list[int]:
    """For each keypoint the index of the one on the other side of the body; its own where there is none."""
    swapped = [{"L": "R", "R": "L"}.get(name[:1], name[:1]) + name[1:] for name in names]
    return [names.index(other) if other in names else index for index, other in enumerate(swapped)]
