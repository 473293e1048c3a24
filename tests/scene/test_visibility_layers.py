"""What counts as one layer of skin: written out hit by hit."""

import pytest
from simspine.simspine_addon.scene.visibility_layers import BONE_GAP_M, NOT_SKIN, Hit, passage

SKIN, TROUSERS, SHIRT = 0, 1, 2  # pieces; their ranks are the same numbers


def way(*steps):
    """Hits from (distance, "+" for entering or "-" for leaving, piece)."""
    rank = {SKIN: 0, TROUSERS: 1, SHIRT: 2}
    return [Hit(d, -0.5 if sign == "+" else 0.5, piece, rank.get(piece, 0)) for d, sign, piece in steps]


@pytest.mark.parametrize(
    ("steps", "begins", "left"),
    [
        ([], [], None),
        ([(1.0, "+", SKIN)], [1.0], None),
        ([(1.0, "+", SKIN), (1.1, "-", SKIN)], [1.0], 1.1),
        ([(1.0, "+", SKIN), (1.1, "-", SKIN), (1.3, "+", SKIN)], [1.0, 1.3], None),
        ([(1.0, "+", SHIRT), (1.02, "+", TROUSERS), (1.03, "+", SKIN)], [1.0], None),
        ([(1.0, "+", SKIN), (1.05, "+", SHIRT)], [1.0, 1.05], None),
        ([(1.0, "+", SHIRT), (1.3, "+", SHIRT)], [1.0, 1.3], None),
        ([(1.0, "+", SHIRT), (1.1, "-", SHIRT), (1.3, "+", SHIRT)], [1.0, 1.3], None),
        ([(1.0, "+", SHIRT), (1.004, "-", SHIRT), (1.02, "+", SKIN)], [1.0], None),
        ([(1.0, "-", SHIRT), (1.2, "+", SKIN)], [1.2], None),
        ([(1.0, "+", NOT_SKIN), (1.01, "+", SKIN), (1.1, "-", NOT_SKIN)], [1.01], None),
    ],
    ids=[
        "nothing met", "skin", "through a hand", "a hand before the trunk", "shirt over trousers over skin",
        "a hand pressed on the shirt", "a sleeve sunk into the shirt", "a sleeve before the shirt", "a hem",
        "out of a sleeve's opening", "hair on skin",
    ],
)  # fmt: skip
def test_layers_of_skin_and_clothes(steps, begins, left):
    through = passage(way(*steps))
    assert [hit.distance for hit in through.layers] == begins
    assert through.left == left


@pytest.mark.parametrize(
    ("steps", "begins", "left"),
    [
        ([(1.0, "+", 5), (1.03, "-", 5), (1.04, "+", 6)], [1.0], None),
        ([(1.0, "+", 5), (1.03, "-", 5), (1.20, "+", 6), (1.25, "-", 6)], [1.0, 1.20], 1.25),
        ([(1.0, "+", 5), (1.02, "+", 6), (1.03, "-", 5), (1.09, "-", 6), (1.1, "+", 7)], [1.0], None),
    ],
    ids=["across a joint", "a rib before a vertebra", "bones that overlap"],
)
def test_layers_of_bare_bones(steps, begins, left):
    through = passage(way(*steps), BONE_GAP_M)
    assert [hit.distance for hit in through.layers] == begins
    assert through.left == left
