"""Maxima of SimCC axes and heatmaps: closed forms of Gaussians at known places between the bins."""

import numpy as np
import pytest
from simspine.simspine_addon.capture.onnx_decode import decode_heatmaps, decode_simcc

RNG = np.random.default_rng(6)


def gaussian_axis(center: np.ndarray, bins: int, deviation: float) -> np.ndarray:
    return np.exp(-0.5 * ((np.arange(bins) - center[..., None]) / deviation) ** 2)


def simcc(points: np.ndarray, split: float = 2.0, size: tuple[int, int] = (192, 256)) -> tuple[np.ndarray, np.ndarray]:
    return tuple(gaussian_axis(points[..., axis] * split, int(size[axis] * split), 6.0) for axis in (0, 1))


def test_bin_i_stands_for_the_pixel_i_over_split():
    points = RNG.integers(4, 180, (3, 5, 2)) / 2
    found, score = decode_simcc(*simcc(points), (2.0, 2.0))
    np.testing.assert_array_equal(found, points)
    np.testing.assert_allclose(score, 1.0)


def test_an_ideal_network_of_split_2_is_off_by_rounding_alone():
    points = RNG.uniform(5, 180, (4, 37, 2))
    found, _ = decode_simcc(*simcc(points), (2.0, 2.0))
    assert np.abs(found - points).max() <= 0.25


def test_gaussian_refinement_is_exact_on_gaussians():
    points = RNG.uniform(5, 180, (4, 37, 2))
    found, _ = decode_simcc(*simcc(points), (2.0, 2.0), "gaussian")
    np.testing.assert_allclose(found, points, atol=1e-9)


def test_parabola_is_exact_on_logarithms_of_gaussians():
    points = RNG.uniform(5, 180, (4, 37, 2))
    found, _ = decode_simcc(*(np.log(np.maximum(each, 1e-290)) for each in simcc(points)), (2.0, 2.0), "parabola")
    np.testing.assert_allclose(found, points, atol=1e-9)


def test_quarter_moves_towards_the_higher_neighbour():
    found, _ = decode_simcc(*simcc(np.array([[[50.1, 60.2]]])), (2.0, 2.0), "quarter")
    np.testing.assert_allclose(found, [[[50.125, 60.125]]])


def test_the_score_is_the_mean_of_the_two_maxima_and_never_negative():
    columns, rows = np.full((1, 2, 8), -1.0), np.full((1, 2, 8), -1.0)
    columns[0, 0, 3], rows[0, 0, 2] = 0.9, 0.5
    _, score = decode_simcc(columns, rows, (2.0, 2.0))
    np.testing.assert_allclose(score, [[0.7, 0.0]])


@pytest.mark.parametrize("edge", [0, 383])
def test_a_maximum_at_the_edge_stays_there(edge: int):
    columns = np.zeros((1, 1, 384))
    columns[..., edge] = 1.0
    found, _ = decode_simcc(columns, np.ones((1, 1, 512)), (2.0, 2.0), "gaussian")
    assert found[0, 0, 0] == edge / 2


def askew_maps(cells: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    rows, columns = np.indices(shape)
    x, y = columns - cells[..., 0, None, None], rows - cells[..., 1, None, None]
    return np.exp(-0.5 * (x**2 / 3.0 - x * y / 3.0 + y**2 / 1.5))


def test_heatmaps_of_askew_gaussians_are_read_exactly():
    cells = RNG.uniform(6, 40, (3, 17, 2))
    found, score = decode_heatmaps(askew_maps(cells, (64, 48)), (192, 256))
    np.testing.assert_allclose(found, 4 * cells, atol=1e-6)
    assert (score > 0.8).all()


@pytest.mark.parametrize(
    ("grid", "expected"),
    [("stride", [4 * 10.0, 4 * 20.0]), ("area", [41.5, 81.5]), ("udp", [10 * 191 / 47, 20 * 255 / 63])],
)
def test_what_a_heatmap_cell_stands_for(grid: str, expected: list[float]):
    maps = askew_maps(np.array([[[10.0, 20.0]]]), (64, 48))
    found, _ = decode_heatmaps(maps, (192, 256), "none", grid)  # type: ignore[arg-type]
    np.testing.assert_allclose(found[0, 0], expected)
