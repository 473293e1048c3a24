"""The crop of a person: where points go, and that pixels go there too (a blob's centroid as the witness)."""

import numpy as np
import pytest
from simspine.simspine_addon.capture.detector_crop import crop_transforms, cut_out, to_image
from simspine.simspine_addon.model.errors import InputError

SIZE = (192, 256)


def test_the_middle_of_the_box_comes_to_half_the_input_and_one_scale_fits_it_padded():
    maps = crop_transforms(np.array([[100.0, 50.0, 60.0, 160.0]]), SIZE)
    np.testing.assert_allclose(maps[0] @ [130.0, 130.0, 1.0], [96.0, 128.0])
    np.testing.assert_allclose(maps[0, 0, 0], 256 / (160 * 1.25))  # the height decides: 60 < 160 * 3 / 4
    np.testing.assert_allclose(maps[0, 1, 1], maps[0, 0, 0])


def test_a_wide_box_is_fitted_by_its_width():
    maps = crop_transforms(np.array([[0.0, 0.0, 300.0, 100.0]]), SIZE, 1.0)
    np.testing.assert_allclose(maps[0, 0, 0], 192 / 300)


def test_an_ideal_detector_at_split_2_is_within_rounding_of_the_truth():
    rng = np.random.default_rng(1)
    points = rng.uniform(100, 400, (20, 37, 2))
    low, high = points.min(axis=1), points.max(axis=1)
    maps = crop_transforms(np.concatenate([low, high - low], axis=1), SIZE)
    there = np.einsum("nij,nkj->nki", maps[:, :, :2], points) + maps[:, None, :, 2]
    back = to_image(maps, np.round(there * 2) / 2)
    half_bin = 0.25 / maps[:, 0, 0]
    assert (np.abs(back - points).max(axis=(1, 2)) <= half_bin + 1e-9).all()
    assert np.abs((back - points).mean(axis=(0, 1))).max() < 0.03  # no bias: a half pixel lost would be 0.5
    np.testing.assert_allclose(to_image(maps, there), points, atol=1e-9)


@pytest.mark.parametrize("scale", [0.6, 1.0, 2.3])
def test_pixels_go_where_points_go(scale: float):
    center = np.array([210.3, 148.8])
    rows, columns = np.indices((300, 400))
    picture = np.exp(-0.5 * ((columns - center[0]) ** 2 + (rows - center[1]) ** 2) / 25.0)
    image = np.repeat(np.round(255 * picture)[..., None], 3, axis=2).astype(np.uint8)
    side = 256 / scale
    maps = crop_transforms(np.array([[200 - 0.375 * side, 140 - side / 2, 0.75 * side, side]]), SIZE, 1.0)
    crop = cut_out(image, maps[0], SIZE)[..., 0].astype(float)
    rows, columns = np.indices(crop.shape)
    centroid = np.array([[[(crop * columns).sum(), (crop * rows).sum()]]]) / crop.sum()
    np.testing.assert_allclose(to_image(maps, centroid)[0, 0], center, atol=0.03)


def test_padding_has_to_be_positive():
    with pytest.raises(InputError, match="padding 0 is not positive"):
        crop_transforms(np.ones((1, 4)), SIZE, 0.0)
