"""The 37 SIMSPINE keypoints: names, tree, regions, and where each lies on a model.

Order, parents, regions and partners are table B3 of the SIMSPINE paper (arXiv 2602.20792); the placements are those
of its released generic model, on the bodies of Pose2Sim's full-body model (Pagnon et al. 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..kinematics.forward import points_on_bodies
from ..kinematics.pose_track import PoseTrack
from ..model.types import GROUND, Model
from .levels import lumbar_levels

Array = NDArray[np.float64]
Placement = Literal["surface", "centroid"]
Region = Literal["body", "cervical", "thoracic", "lumbar"]

_REGIONS: dict[str, Region] = {"B": "body", "C": "cervical", "T": "thoracic", "L": "lumbar"}

# name, parent, region, body that carries it, place in that body (m) on the generic model
_TABLE: tuple[tuple[str, int, str, str, tuple[float, float, float]], ...] = (
    ("Nose", 17, "C", "head", (0.1163, 0.0126, 0.0002)),
    ("LEye", 0, "B", "", (0.0, 0.0, 0.0)),
    ("REye", 0, "B", "", (0.0, 0.0, 0.0)),
    ("LEar", 1, "B", "", (0.0, 0.0, 0.0)),
    ("REar", 2, "B", "", (0.0, 0.0, 0.0)),
    ("LShoulder", 33, "B", "torso", (-0.0128, 0.3663, -0.2016)),
    ("RShoulder", 34, "B", "torso", (-0.0128, 0.3663, 0.2016)),
    ("LElbow", 5, "B", "humerus_l", (0.0250, -0.2980, 0.0087)),
    ("RElbow", 6, "B", "humerus_r", (0.0250, -0.2980, -0.0087)),
    ("LWrist", 7, "B", "radius_l", (-0.0002, -0.2351, -0.0097)),
    ("RWrist", 8, "B", "radius_r", (-0.0002, -0.2351, 0.0097)),
    ("LHip", 19, "B", "pelvis", (-0.0639, -0.0813, -0.1054)),
    ("RHip", 19, "B", "pelvis", (-0.0639, -0.0813, 0.1054)),
    ("LKnee", 11, "B", "femur_l", (-0.0054, -0.3861, -0.0051)),
    ("RKnee", 12, "B", "femur_r", (-0.0054, -0.3861, 0.0051)),
    ("LAnkle", 13, "B", "tibia_l", (-0.0003, -0.3768, -0.0150)),
    ("RAnkle", 14, "B", "tibia_r", (-0.0003, -0.3768, 0.0150)),
    ("Head", 36, "C", "head", (0.0159, 0.1641, 0.0)),
    ("Neck", 30, "C", "torso", (-0.0430, 0.4131, -0.0015)),
    ("Hip", -1, "L", "pelvis", (-0.1563, 0.0041, 0.0)),
    ("LBigToe", 15, "B", "toes_l", (0.0647, 0.0099, 0.0146)),
    ("RBigToe", 16, "B", "toes_r", (0.0647, 0.0099, -0.0146)),
    ("LSmallToe", 20, "B", "toes_l", (0.0271, 0.0096, -0.0288)),
    ("RSmallToe", 21, "B", "toes_r", (0.0271, 0.0096, 0.0288)),
    ("LHeel", 15, "B", "calcn_l", (0.0136, 0.0233, 0.0019)),
    ("RHeel", 16, "B", "calcn_r", (0.0136, 0.0233, -0.0019)),
    ("Spine_01", 19, "L", "lumbar5", (-0.0369, 0.0144, 0.0)),
    ("Spine_02", 26, "L", "lumbar3", (-0.0477, -0.0042, 0.0)),
    ("Spine_03", 27, "L", "lumbar1", (-0.0442, -0.0091, 0.0)),
    ("Spine_04", 28, "T", "torso", (-0.0806, 0.2156, 0.0003)),
    ("Spine_05", 29, "T", "torso", (-0.0750, 0.3385, -0.0006)),
    ("LLatissimus", 29, "T", "torso", (-0.0751, 0.2765, -0.0947)),
    ("RLatissimus", 29, "T", "torso", (-0.0751, 0.2765, 0.0947)),
    ("LClavicle", 30, "T", "torso", (0.0290, 0.3707, -0.0251)),
    ("RClavicle", 30, "T", "torso", (0.0290, 0.3707, 0.0251)),
    ("Neck_02", 18, "C", "torso", (-0.0151, 0.4600, -0.0015)),
    ("Neck_03", 35, "C", "torso", (-0.0049, 0.5000, -0.0015)),
)

KEYPOINT_NAMES: tuple[str, ...] = tuple(row[0] for row in _TABLE)
KEYPOINT_PARENTS: tuple[int, ...] = tuple(row[1] for row in _TABLE)
KEYPOINT_REGIONS: tuple[Region, ...] = tuple(_REGIONS[row[2]] for row in _TABLE)

SPINE_KEYPOINTS: dict[str, tuple[int, ...]] = {
    "lumbar": (19, 26, 27, 28),
    "thoracic": (29, 30, 31, 32, 33, 34),
    "cervical": (0, 17, 18, 35, 36),
}

# The vertebral keypoints, and the vertebra that each stands for.
VERTEBRA_OF_KEYPOINT: dict[str, str] = {
    "Spine_01": "L5",
    "Spine_02": "L3",
    "Spine_03": "T12-L1",
    "Spine_04": "T8",
    "Spine_05": "T3",
    "Neck": "C7",
    "Neck_02": "C3-C4",
    "Neck_03": "C1",
}


def keypoint_partner(index: int) -> int:
    """The keypoint that takes this one's place in a mirrored image; itself for those on the midline."""
    name = KEYPOINT_NAMES[index]
    swapped = {"L": "R", "R": "L"}.get(name[0], name[0]) + name[1:]
    return KEYPOINT_NAMES.index(swapped) if swapped in KEYPOINT_NAMES else index


@dataclass(frozen=True, slots=True)
class KeypointPlaces:
    """Where the 37 keypoints lie on a model.

    `source` says for each: "marker" (a marker of that name), "placed" (the released placement, scaled to this
    model's body), "centroid" (the vertebra's centre) or "missing".
    """

    placement: Placement
    bodies: NDArray[np.int64]  # [37], -1 is ground; 0 where missing
    locations: Array  # [37, 3] m, NaN where missing
    source: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for name, source in zip(KEYPOINT_NAMES, self.source, strict=True) if source == "missing")


def keypoint_places(model: Model, placement: Placement = "surface") -> KeypointPlaces:
    """Find each keypoint on the model.

    A marker of the keypoint's name wins; else the released placement, times the scale of the body's meshes, where
    the model has the body. `placement="centroid"` moves the vertebral keypoints from the back's surface to the
    vertebrae: to a marker `<name>_centroid`, else, in the lumbar spine, half-way between the body's two discs.
    """
    markers = {marker.name: marker for marker in model.markers}
    bodies = np.zeros(len(_TABLE), dtype=np.int64)
    locations = np.full((len(_TABLE), 3), np.nan)
    source = ["missing"] * len(_TABLE)
    centroids = _lumbar_centroids(model) if placement == "centroid" else {}
    scales = _body_scales(model)
    for index, (name, _, _, body, place) in enumerate(_TABLE):
        inner = markers.get(f"{name}_centroid") if placement == "centroid" else None
        if inner is not None:
            bodies[index], locations[index], source[index] = inner.body, inner.location, "centroid"
        elif name in centroids:
            (bodies[index], locations[index]), source[index] = centroids[name], "centroid"
        elif name in markers:
            bodies[index], locations[index], source[index] = markers[name].body, markers[name].location, "marker"
        elif body in scales:
            bodies[index] = model.body_names.index(body)
            locations[index], source[index] = np.array(place) * scales[body], "placed"
    return KeypointPlaces(placement, bodies, locations, tuple(source))


def _body_scales(model: Model) -> dict[str, Array]:
    """Scale of each body against the generic model, [3]: OpenSim's scaling multiplies it into the meshes' scale."""
    if "torso" not in model.body_names or "lumbar5" not in model.body_names:
        return {}  # not of the family whose placements these are
    scales = {name: np.ones(3) for name in model.body_names}
    for geometry in reversed(model.geometry):
        if geometry.kind == "mesh" and geometry.body != GROUND:
            scales[model.body_names[geometry.body]] = np.abs(geometry.scale)
    return scales


def _lumbar_centroids(model: Model) -> dict[str, tuple[int, Array]]:
    """Vertebral centres from the discs: L5 and L3 half-way between their two joints, T12-L1 at its joint."""
    found: dict[str, tuple[int, Array]] = {}
    levels = {level.name: level for level in lumbar_levels(model)}
    for name, below, above in (("Spine_01", "L5-S1", "L4-L5"), ("Spine_02", "L3-L4", "L2-L3")):
        if below in levels and above in levels:
            lower, upper = model.joints[levels[below].joint], model.joints[levels[above].joint]
            centre = (lower.child_offset[:3, 3] + upper.parent_offset[:3, 3]) / 2
            found[name] = (lower.child, centre)
    if "T12-L1" in levels:
        joint = model.joints[levels["T12-L1"].joint]
        found["Spine_03"] = (joint.parent, joint.parent_offset[:3, 3])
    return found


def keypoint_positions(model: Model, track: PoseTrack, placement: Placement = "surface") -> Array:
    """The 37 keypoints in OpenSim's ground, [T, 37, 3] m; NaN where the model has none.

    `track` is the model's own: the same bodies in the same order.
    """
    places = keypoint_places(model, placement)
    return points_on_bodies(track.positions, track.rotations, places.bodies, places.locations)
