"""Fewer triangles where a closed surface is flat, more where it bends: edge collapse by quadric error, in rounds.

After Garland & Heckbert, "Surface simplification using quadric error metrics", SIGGRAPH 1997, with the quadrics taken
anew from the current faces in every round (Lindstrom & Turk 1998). In one round all edges that are cheapest within
their own neighbourhood collapse together, so that each round is a handful of array operations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


def simplify(vertices: Array, triangles: Indices, target: int) -> tuple[Array, Indices]:
    """Collapse edges until at most about `target` vertices are left; the surface stays closed, of the same genus.

    Args:
        vertices: [V, 3].
        triangles: [T, 3], a closed manifold, outward.
    """
    for _ in range(200):
        if len(vertices) <= target:
            break
        collapsed = _round(vertices, triangles, len(vertices) - target)
        if collapsed is None:
            break
        vertices, triangles = collapsed
    return vertices, triangles


def _round(vertices: Array, triangles: Indices, most: int) -> tuple[Array, Indices] | None:
    edges, directed = _edges(triangles, len(vertices))
    places, costs = _collapse_costs(vertices, triangles, edges)
    for _ in range(8):
        wanted = _independent(edges, costs, len(vertices))
        wanted = wanted[np.argsort(costs[wanted], kind="stable")]
        chosen = wanted[_two_common_neighbours(edges[wanted], directed, len(vertices))]
        chosen = chosen[~_would_fold(vertices, triangles, edges[chosen], places[chosen])][:most]
        if len(chosen) > 0.3 * len(wanted):
            break
        costs[np.setdiff1d(wanted, chosen)] = np.inf  # these must not stand in their neighbours' way again
    if not len(chosen):
        return None
    vertices, target = vertices.copy(), np.arange(len(vertices))
    vertices[edges[chosen, 0]] = places[chosen]
    target[edges[chosen, 1]] = edges[chosen, 0]
    moved = target[triangles]
    kept = (moved[:, 0] != moved[:, 1]) & (moved[:, 1] != moved[:, 2]) & (moved[:, 2] != moved[:, 0])
    used = np.zeros(len(vertices), dtype=bool)
    used[moved[kept]] = True
    number = np.cumsum(used) - 1
    return vertices[used], number[moved[kept]]


def _edges(triangles: Indices, count: int) -> tuple[Indices, Indices]:
    """Edges [E, 2] with the lower vertex first, and the sorted keys `start * count + end` of both directions."""
    start, end = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
    directed = np.sort(start * count + end)  # closed and manifold: every direction occurs once
    forward = directed[directed // count < directed % count]
    return np.stack([forward // count, forward % count], axis=1), directed


def _collapse_costs(vertices: Array, triangles: Indices, edges: Indices) -> tuple[Array, Array]:
    """Where each edge's merged vertex would best lie, [E, 3], and the squared distance it costs, [E]."""
    a, b, c = np.moveaxis(vertices[triangles], 1, 0)
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1)
    normal = normal / np.maximum(area, 1e-12)[:, None]
    matrices = (normal[:, :, None] * normal[:, None, :] * area[:, None, None]).reshape(-1, 9)
    rows = np.concatenate(
        [matrices, normal * (area * np.einsum("ij,ij->i", normal, a))[:, None], area[:, None]], axis=1
    )
    flat = triangles.ravel()
    repeated = np.repeat(rows, 3, axis=0)
    sums = np.stack([np.bincount(flat, repeated[:, k], len(vertices)) for k in range(13)], axis=1)
    both = sums[edges[:, 0]] + sums[edges[:, 1]]
    quadric, linear, weight = both[:, :9].reshape(-1, 3, 3), both[:, 9:12], both[:, 12]
    middle = (vertices[edges[:, 0]] + vertices[edges[:, 1]]) / 2
    steady = (weight * 2e-2)[:, None]  # keeps the solution near the middle along directions that do not matter
    system = quadric + steady[..., None] * np.eye(3)
    places = np.linalg.solve(system, (linear + steady * middle)[..., None])[..., 0]
    return places, _plane_errors(vertices, triangles, edges, places, quadric, linear, weight)


def _plane_errors(
    vertices: Array, triangles: Indices, edges: Indices, places: Array, quadric: Array, linear: Array, weight: Array
) -> Array:
    a, b, c = np.moveaxis(vertices[triangles], 1, 0)
    normal = np.cross(b - a, c - a)
    area = np.maximum(np.linalg.norm(normal, axis=1), 1e-12)
    constant = np.einsum("ij,ij->i", normal, a) ** 2 / area
    per_vertex = np.bincount(triangles.ravel(), np.repeat(constant, 3), len(vertices))
    offset = per_vertex[edges[:, 0]] + per_vertex[edges[:, 1]]
    error = np.einsum("ij,ijk,ik->i", places, quadric, places) - 2 * np.einsum("ij,ij->i", linear, places) + offset
    length = np.sum((vertices[edges[:, 0]] - vertices[edges[:, 1]]) ** 2, axis=1)
    return np.maximum(error, 0.0) + 2e-4 * weight * length  # long edges last, which keeps the triangles shapely


def _independent(edges: Indices, costs: Array, count: int) -> Indices:
    """Edges that are cheapest among all edges within one edge of either end."""
    rank = np.empty(len(edges))
    rank[np.argsort(costs, kind="stable")] = np.arange(len(edges))
    best = np.full(count, np.inf)
    for side in (0, 1):
        np.minimum.at(best, edges[:, side], rank)
    wide = best.copy()
    np.minimum.at(wide, edges[:, 0], best[edges[:, 1]])
    np.minimum.at(wide, edges[:, 1], best[edges[:, 0]])
    cheap = rank < 0.6 * len(edges)
    return np.flatnonzero((rank == np.minimum(wide[edges[:, 0]], wide[edges[:, 1]])) & cheap)


def _two_common_neighbours(edges: Indices, directed: Indices, count: int) -> NDArray[np.bool_]:
    """The link condition: the ends share exactly two neighbours, so that the collapse closes no hole or tunnel."""
    first, last = np.searchsorted(directed, edges[:, 0] * count), np.searchsorted(directed, (edges[:, 0] + 1) * count)
    sizes = last - first
    owner = np.repeat(np.arange(len(edges)), sizes)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + first[owner]
    key = edges[owner, 1] * count + directed[place] % count
    found = directed[np.minimum(np.searchsorted(directed, key), len(directed) - 1)] == key
    return np.bincount(owner[found], minlength=len(edges)) == 2


def _would_fold(vertices: Array, triangles: Indices, edges: Indices, places: Array) -> NDArray[np.bool_]:
    """Edges whose collapse would turn a remaining face by more than about 75 degrees."""
    moved = vertices.copy()
    owner = np.full(len(vertices), -1)
    for side in (0, 1):
        moved[edges[:, side]] = places
        owner[edges[:, side]] = np.arange(len(edges))
    owners = owner[triangles]
    touched = np.sum(owners >= 0, axis=1) == 1
    faces = triangles[touched]
    edge = owners[touched].max(axis=1)
    before, after = (
        np.cross(p[faces[:, 1]] - p[faces[:, 0]], p[faces[:, 2]] - p[faces[:, 0]]) for p in (vertices, moved)
    )
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    folded = np.einsum("ij,ij->i", before, after) < 0.25 * lengths + 1e-12
    return np.bincount(edge[folded], minlength=len(edges)) > 0
