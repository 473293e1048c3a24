"""Masks are, letter for letter, what COCO's own code writes and reads."""

import numpy as np
import pytest
from simspine.exporters.masks import decode_mask, encode_mask
from simspine.simspine_addon.model.errors import InputError

coco = pytest.importorskip("pycocotools.mask")


def disc(height, width):
    y, x = np.mgrid[:height, :width]
    return (y - height / 3) ** 2 + (x - width / 2) ** 2 < (height / 4) ** 2


CASES = {
    "one pixel": np.ones((1, 1), bool),
    "nothing": np.zeros((7, 5), bool),
    "everything": np.ones((6, 9), bool),
    "a disc": disc(400, 310),
    "noise": np.random.default_rng(0).random((120, 90)) < 0.5,
    "few": np.random.default_rng(1).random((300, 4000)) < 0.0005,
    "from the first pixel on": ~disc(40, 30),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mask_is_written_as_coco_writes_it_and_comes_back(case):
    mask = CASES[case]
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert encode_mask(mask) == theirs["counts"].decode()
    assert (decode_mask(theirs["counts"].decode(), mask.shape[::-1]) == mask).all()


@pytest.mark.parametrize("text", ["", "52203", "0!", "öä"])
def test_a_broken_mask_is_refused(text):
    with pytest.raises(InputError, match="mask"):
        decode_mask(text, (6, 4))
