"""The mannequin, which needs no data."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from simspine.sample_rigs.avatars.avatar import Avatar, skinned_vertices
from simspine.sample_rigs.avatars.mannequin import build_mannequin
from simspine.sample_rigs.avatars.voxels import zero_surface
from simspine.simspine_addon.model.errors import InputError


@pytest.fixture(scope="module")
def mannequin() -> Avatar:
    return build_mannequin(1.80)


def test_stands_at_its_height_with_22_bones(mannequin: Avatar) -> None:
    assert mannequin.vertices[:, 1].min() == pytest.approx(0.0, abs=1e-9)
    assert mannequin.vertices[:, 1].max() == pytest.approx(1.80, abs=1e-9)
    assert len(mannequin.bone_names) == 22
    assert np.all(mannequin.parents < np.arange(22))
    axes = mannequin.rest[:, :3, :3]
    assert np.abs(axes.transpose(0, 2, 1) @ axes - np.eye(3)).max() < 1e-12


def test_weights_sum_to_one_and_every_bone_carries_skin(mannequin: Avatar) -> None:
    assert np.abs(mannequin.weight_shares.sum(axis=1) - 1.0).max() < 1e-12
    carried = np.bincount(mannequin.weight_bones.ravel(), mannequin.weight_shares.ravel(), 22)
    assert carried.min() > 5.0


def test_is_the_same_left_and_right(mannequin: Avatar) -> None:
    scipy_spatial = pytest.importorskip("scipy.spatial")
    mirrored = mannequin.vertices * (1.0, 1.0, -1.0)
    distance, partner = scipy_spatial.cKDTree(mannequin.vertices).query(mirrored)
    assert distance.max() < 1e-6
    names = mannequin.bone_names
    other = [names.index(n.replace("Left", "#").replace("Right", "Left").replace("#", "Right")) for n in names]
    dense = np.zeros((len(mirrored), 22))
    np.add.at(dense, (np.arange(len(mirrored))[:, None], mannequin.weight_bones), mannequin.weight_shares)
    assert np.abs(dense - dense[partner][:, other]).max() < 1e-6


def test_surface_is_closed_and_looks_outwards(mannequin: Avatar) -> None:
    """Every edge has two polygons once the seams between materials are joined, and the volume is a body's."""
    _, same = np.unique(np.round(mannequin.vertices, 7), axis=0, return_inverse=True)
    same = same.ravel()
    following = np.arange(len(mannequin.corners)) + 1
    ends = mannequin.offsets[1:] - 1
    following[ends] = mannequin.offsets[:-1]
    edges = np.sort(np.stack([same[mannequin.corners], same[mannequin.corners[following]]], axis=1), axis=1)
    _, uses = np.unique(edges[edges[:, 0] != edges[:, 1]], axis=0, return_counts=True)
    assert (uses == 2).mean() > 0.999
    volume = 0.0
    for first, last in zip(mannequin.offsets[:-1], mannequin.offsets[1:], strict=True):
        a, *rest = mannequin.vertices[mannequin.corners[first:last]]
        volume += sum(a @ np.cross(b, c) for b, c in itertools.pairwise(rest)) / 6
    assert 0.03 < volume < 0.12  # m3


def test_skin_at_rest_is_the_mesh_and_same_again(mannequin: Avatar) -> None:
    assert np.abs(skinned_vertices(mannequin, mannequin.rest) - mannequin.vertices).max() < 1e-9
    assert np.array_equal(build_mannequin(1.80).vertices, mannequin.vertices)


def test_zero_surface_of_a_ball_is_the_ball() -> None:
    axis = np.linspace(-1.0, 1.0, 41)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    vertices, quads = zero_surface(np.linalg.norm(grid, axis=-1) - 0.7, np.full(3, -1.0), 0.05)
    assert np.abs(np.linalg.norm(vertices, axis=1) - 0.7).max() < 0.005
    assert len(vertices) - 2 * len(quads) + len(quads) == 2  # Euler, with four edges to a quad, each in two
    corners = vertices[quads]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("qi,qi->q", normals, corners.mean(axis=1)) > 0).all()


@pytest.mark.parametrize("height", [0.0, -1.0, 5.0, float("nan")])
def test_impossible_height_is_refused(height: float) -> None:
    with pytest.raises(InputError, match="height"):
        build_mannequin(height)
