"""Bones made from distance fields: closed, outward, mirrored, of the asked size, the same every time."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from simspine.sample_rigs.bones import hand_foot, leg_drawings, long_bones, pelvis, shoulder, skull, thorax
from simspine.sample_rigs.bones.mesh_tools import BoneMesh, merge
from simspine.sample_rigs.bones.vertebra import shape_of, vertebra
from simspine.sample_rigs.bones.vertebra_shapes import LEVELS

THORACIC_CENTRES = np.column_stack([np.zeros(12), np.linspace(0.0, -0.245, 12), np.zeros(12)])
SIDED = {
    "hip_bone": pelvis.hip_bone,
    "scapula": shoulder.scapula,
    "clavicle": lambda side: shoulder.clavicle(side=side),
    "femur": lambda side: long_bones.femur(side=side),
    "tibia": lambda side: long_bones.tibia(side=side),
    "fibula": lambda side: long_bones.fibula(side=side),
    "patella": lambda side: long_bones.patella(side=side),
    "humerus": lambda side: long_bones.humerus(side=side),
    "ulna": lambda side: long_bones.ulna(side=side),
    "radius": lambda side: long_bones.radius(side=side),
    "talus": hand_foot.talus_mesh,
    "calcaneus": hand_foot.calcaneus_mesh,
    "toes": hand_foot.toes_mesh,
    "hand": hand_foot.hand,
}


@cache
def vertebra_of(level: str) -> BoneMesh:
    return vertebra(level)


@cache
def chest() -> dict[str, BoneMesh]:
    return thorax.thorax(THORACIC_CENTRES)


@cache
def single_bones() -> dict[str, BoneMesh]:
    """Every bone of one skeleton, right and left."""
    bones = {level: vertebra_of(level) for level in LEVELS}
    bones |= chest() | {"sacrum": pelvis.sacrum(), "skull": skull.skull(), "jaw": skull.mandible()}
    for name, make in SIDED.items():
        bones |= {f"{name}_{side}": make(side) for side in ("right", "left")}
    return bones


def edge_keys(mesh: BoneMesh) -> tuple[np.ndarray, np.ndarray]:
    """Directed edges of the faces as numbers, and the same edges the other way round."""
    start, end = [], []
    for face in mesh.faces:
        start.append(face)
        end.append(np.roll(face, -1))
    a, b = np.concatenate(start), np.concatenate(end)
    return a * len(mesh.vertices) + b, b * len(mesh.vertices) + a


def genus(mesh: BoneMesh) -> int:
    """Number of holes through a connected closed surface, from V - E + F = 2 - 2 g."""
    edges = len(mesh.indices) // 2
    euler = len(mesh.vertices) - edges + len(mesh.offsets) - 1
    assert euler % 2 == 0, "sheets meet in one vertex"
    return 1 - euler // 2


def crossings(mesh: BoneMesh, origin: np.ndarray, direction: np.ndarray) -> int:
    """How many faces the ray from `origin` along `direction` goes through."""
    a, b, c = np.moveaxis(mesh.vertices[mesh.triangles()], 1, 0)
    matrix = np.stack([b - a, c - a, np.broadcast_to(-direction, a.shape)], axis=-1)
    regular = np.abs(np.linalg.det(matrix)) > 1e-18
    u, v, t = np.linalg.solve(matrix[regular], (origin - a[regular])[..., None])[..., 0].T
    return int(((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)).sum())


def test_every_edge_has_one_face_on_each_side():
    for name, mesh in single_bones().items():
        forward, backward = edge_keys(mesh)
        assert len(np.unique(forward)) == len(forward), name
        np.testing.assert_array_equal(np.sort(forward), np.sort(backward), err_msg=name)


def test_faces_look_outwards_and_vertices_are_finite():
    for name, mesh in single_bones().items():
        assert np.isfinite(mesh.vertices).all(), name
        assert mesh.volume() > 1e-7, name
        assert mesh.offsets[0] == 0
        assert mesh.offsets[-1] == len(mesh.indices), name
        assert set(np.unique(mesh.indices)) == set(range(len(mesh.vertices))), name


def test_whole_skeleton_stays_light():
    assert sum(len(mesh.vertices) for mesh in single_bones().values()) < 40_000


@pytest.mark.parametrize("name", sorted(SIDED))
def test_left_bone_is_the_mirror_image_of_the_right(name: str):
    right, left = single_bones()[f"{name}_right"], single_bones()[f"{name}_left"]
    assert left.volume() == pytest.approx(right.volume(), rel=1e-9)
    np.testing.assert_array_equal(left.vertices, right.vertices * [1, 1, -1])


@pytest.mark.parametrize("level", LEVELS)
def test_vertebra_has_an_open_foramen_ringed_by_bone(level: str):
    mesh, shape = vertebra_of(level), shape_of(level)
    # cervical vertebrae have a hole on either side for the vertebral artery as well
    assert genus(mesh) == (3 if level[0] == "C" else 1)
    centre = np.array([shape.wall - shape.canal_depth / 2, 0.0, 0.0]) * 1e-3
    if level == "C1":
        centre = np.array([-0.008, 0.0, 0.0])
    assert crossings(mesh, centre, np.array([0.0, 1.0, 0.0])) == 0
    assert crossings(mesh, centre, np.array([0.0, -1.0, 0.0])) == 0
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    for angle in np.arange(0, 360, 45) + 3.0:
        around = np.array([np.cos(np.radians(angle)), 0.0, np.sin(np.radians(angle))])
        heights = np.linspace(low[1], high[1], 24)
        assert any(crossings(mesh, np.array([centre[0], y, 0.0]), around) for y in heights), f"gap at {angle} deg"


def body_part(mesh: BoneMesh, depth: float) -> np.ndarray:
    """Vertices of the body in front of the pedicles, mm."""
    points = mesh.vertices * 1e3
    return points[points[:, 0] > -0.1 * depth]


@pytest.mark.parametrize("level", ["T4", "T8", "T12", "L1", "L3", "L5"])
def test_body_has_the_published_size(level: str):
    shape = shape_of(level)
    points = body_part(vertebra_of(level), shape.depth)
    upper, lower = points[points[:, 1] > 3], points[points[:, 1] < -3]
    assert 2 * upper[:, 2].max() == pytest.approx(shape.upper_width, abs=1.2)
    assert 2 * lower[:, 2].max() == pytest.approx(shape.lower_width, abs=1.2)
    assert upper[:, 0].max() == pytest.approx(shape.upper_depth / 2, abs=0.5)
    assert lower[:, 0].max() == pytest.approx(shape.lower_depth / 2, abs=0.5)


def test_body_has_the_asked_height_width_depth_and_wedge():
    mesh = vertebra("L4", body_height=0.031, body_width=0.052, body_depth=0.037, wedge_deg=10.0)
    points = body_part(mesh, 37.0)
    slope = np.tan(np.radians(5.0))
    above = points[:, 1] - points[:, 0] * slope
    below = points[:, 1] + points[:, 0] * slope
    assert above.max() == pytest.approx(15.5, abs=0.3)
    assert below.min() == pytest.approx(-15.5, abs=0.3)
    upper, lower = points[points[:, 1] > 4], points[points[:, 1] < -4]
    assert upper[:, 2].max() + lower[:, 2].max() == pytest.approx(52.0, abs=1.2)
    assert upper[:, 0].max() + lower[:, 0].max() == pytest.approx(37.0, abs=1.0)


def test_scale_scales_the_whole_vertebra():
    half = vertebra("C6", scale=0.5)
    assert half.volume() == pytest.approx(vertebra_of("C6").volume() / 8, rel=1e-6)


def test_spinous_process_is_where_the_table_puts_it():
    for level in ("C7", "T7", "L3"):
        shape, points = shape_of(level), vertebra_of(level).vertices * 1e3
        assert points[:, 0].min() == pytest.approx(shape.wall - shape.spinous_reach, abs=1.5)
        assert np.ptp(points[:, 2]) == pytest.approx(shape.transverse_span, abs=2.0)


def test_same_call_gives_the_same_mesh():
    first, second = vertebra("T5"), vertebra("T5")
    np.testing.assert_array_equal(first.vertices, second.vertices)
    np.testing.assert_array_equal(first.indices, second.indices)
    again = leg_drawings.patella_drawing.__wrapped__()
    np.testing.assert_array_equal(again.vertices, leg_drawings.patella_drawing().vertices)


def test_hip_socket_takes_the_femoral_head():
    for half_distance in (0.078, 0.090):
        centre = np.array([0.0, 0.0, half_distance])
        distance = np.linalg.norm(pelvis.hip_bone("right", half_distance).vertices - centre, axis=1)
        assert 0.0235 < distance.min() < 0.027
    head = long_bones.femur(0.43).vertices
    distance = np.linalg.norm(head[(head[:, 1] > 0) & (head[:, 2] < 0.01)], axis=1)
    assert np.median(distance) == pytest.approx(0.0235 * 430 / 410, abs=2e-4)  # round but for the pit of its ligament
    assert distance.max() < 0.0255


@pytest.mark.parametrize("slope_deg", [30.0, 45.0])
def test_sacral_endplate_is_at_the_origin_with_the_asked_slope(slope_deg: float):
    normal = np.array([np.sin(np.radians(slope_deg)), np.cos(np.radians(slope_deg)), 0.0])
    points = pelvis.sacrum(slope_deg).vertices
    forward = points @ np.array([normal[1], -normal[0], 0.0])
    height = points @ normal
    plate = (np.hypot(forward / 0.0165, points[:, 2] / 0.022) < 1) & (height > -0.006) & (forward > -0.012)
    assert plate.sum() >= 4
    assert np.abs(height[plate]).max() < 0.003


def test_long_bones_reach_from_joint_to_joint():
    femur, tibia, humerus = long_bones.femur(0.45), long_bones.tibia(0.38), long_bones.humerus(0.33)
    assert femur.vertices[:, 1].min() == pytest.approx(-0.45 - 0.024, abs=0.004)
    assert tibia.vertices[:, 1].max() == pytest.approx(-0.019, abs=0.004)
    assert humerus.vertices[:, 1].min() == pytest.approx(-0.33 - 0.012, abs=0.004)


def test_ribs_start_at_their_vertebrae_and_fill_the_asked_chest():
    bones = thorax.thorax(THORACIC_CENTRES, chest_width=0.25, chest_depth=0.19)
    for number in range(1, 13):
        bone = vertebra_of(f"T{number}").vertices + THORACIC_CENTRES[number - 1]
        rib = bones[f"rib_{number}_right"].vertices
        assert np.linalg.norm(bone[:, None] - rib[None], axis=2).min() < 0.006, number
    points = merge(list(bones.values())).vertices
    assert np.ptp(points[:, 2]) == pytest.approx(0.25, abs=0.012)
    assert np.ptp(points[:, 0]) == pytest.approx(0.19, abs=0.02)


def test_skull_and_hand_have_the_asked_length():
    head = np.concatenate([skull.skull(0.20).vertices, skull.mandible(0.20).vertices])
    assert np.ptp(head[:, 1]) == pytest.approx(0.20, abs=0.003)
    assert hand_foot.hand("right", 0.17).vertices[:, 1].min() == pytest.approx(-0.17, abs=0.003)


def test_clavicle_runs_between_its_ends():
    start, end = np.array([0.02, 0.0, -0.02]), np.array([-0.02, 0.03, -0.16])
    points = shoulder.clavicle_between(start, end, "left").vertices
    for place in (start, end):
        assert np.linalg.norm(points - place, axis=1).min() < 0.012
    along = (points - start) @ (end - start) / np.sum((end - start) ** 2)
    assert -0.08 < along.min() < 0.02
    assert 0.98 < along.max() < 1.08


def test_unknown_names_and_sizes_are_refused():
    with pytest.raises(ValueError, match="unknown vertebra 'L6'"):
        vertebra("L6")
    with pytest.raises(ValueError, match="body_height must be positive"):
        vertebra("L3", body_height=-1.0)
    with pytest.raises(ValueError, match="side must be"):
        long_bones.patella(side="up")
    with pytest.raises(ValueError, match=r"\[12, 3\]"):
        thorax.thorax(np.zeros((3, 3)))
