"""What the movers change of their surroundings' light, and which pixels of a window are traced for it."""

import numpy as np
import pytest
from simspine.simspine_addon.scene.compose import (
    FADE_PX,
    MARGIN_PX,
    fade,
    known,
    shaded,
    shading,
    taken,
    widened,
    window_around,
)

SIZE = (200, 100)


def shades(dark):
    """A shade of 40 x 20 px without movers, and one in which the slice `dark` has a quarter of the light."""
    without = np.random.default_rng(3).uniform(0.2, 2.0, (20, 40, 3)).astype(np.float32)
    with_movers = without.copy()
    with_movers[dark] *= 0.25
    return with_movers, without


def test_a_shadow_is_its_factor_inside_and_one_elsewhere_whatever_the_surroundings_look_like():
    factors = shading(*shades((slice(4, 16), slice(10, 30))))
    assert factors.shape == (20, 40, 3)
    np.testing.assert_allclose(factors[9:11, 16:24], 0.25, rtol=0.02)
    np.testing.assert_allclose(factors[:, :4], 1.0, rtol=1e-5)


def test_a_grain_of_one_pixel_is_no_shadow():
    with_movers, without = shades((slice(0, 0), slice(0, 0)))
    with_movers[10, 20] *= 30.0
    np.testing.assert_allclose(shading(with_movers, without), 1.0, rtol=1e-5)


def test_the_mean_darkness_of_a_narrow_shadow_in_the_image_is_kept():
    factors = shading(*shades((slice(0, 20), slice(20, 22))))
    darkness = 1.0 - factors[10, :, 0] ** (1 / 2.2)  # of light as images store it
    assert darkness.sum() == pytest.approx(2 * (1.0 - 0.25 ** (1 / 2.2)), rel=0.02)


def test_light_is_scaled_between_the_centres_of_the_small_picture():
    factors = np.ones((20, 40, 3), np.float32)
    factors[:, 20:] = 0.5
    light = shaded(np.full((100, 200, 3), 2.0, np.float16), factors)
    assert light.dtype == np.float32
    np.testing.assert_allclose(light[50, [0, 96, 103, 199], 0], [2.0, 2.0, 1.0, 1.0], atol=0.11)
    assert light[50, 99, 0] == pytest.approx(1.6, abs=0.01)  # 97 is the middle of a cell, 102 of the next one


def test_edges_of_shadows_are_traced_and_their_middle_and_the_windows_edges_are_not():
    factors = np.ones((20, 40, 3), np.float32)
    factors[8:12, 16:24] = 0.3
    share = known(factors, (40, 0, 120, 100), SIZE)
    assert share.shape == (100, 120)
    assert share[40, 60] == share[60, 60] == share[50, 40] == 0.0
    assert share[50, 60] == 1.0
    assert (share[:30] == 1.0).all()
    rising = fade((40, 0, 120, 100), SIZE)
    assert rising[0, 60] == 1.0  # where the window's edge is the image's
    assert rising[50, 0] == rising[50, -1] == 0.0
    stripes = np.ones((20, 40, 3), np.float32)
    stripes[:, ::3] = 0.3
    share = known(stripes, (40, 0, 120, 100), SIZE)
    assert (share[:, 0] == 1.0).all()
    assert (share[:, FADE_PX:-FADE_PX] < 0.2).all()


def test_a_window_grows_around_strong_shadows_close_to_it_and_no_farther():
    window = window_around((90, 40, 20, 20), SIZE)
    assert window == (90 - MARGIN_PX, 40 - MARGIN_PX, 21 + 2 * MARGIN_PX, 21 + 2 * MARGIN_PX)
    none = np.ones((20, 40, 3), np.float32)
    assert widened(window, none, SIZE) == window
    close = none.copy()
    close[10, 26] = 0.4  # to the right, px 130 to 135
    x, y, across, down = widened(window, close, SIZE)
    assert (x, y, down) == (window[0], window[1], window[3])
    assert 135 + FADE_PX <= x + across <= 145 + FADE_PX
    far = none.copy()
    far[10, 1] = 0.4
    assert widened((150, 20, 40, 40), far, SIZE) == (150, 20, 40, 40)


def test_the_plate_takes_over_where_it_is_known_but_for_the_movers_and_what_is_next_to_them():
    window, none = (40, 10, 120, 80), np.ones((20, 40, 3), np.float32)
    surroundings = np.ones((80, 120), np.float32)
    surroundings[30:50, 50:70] = 0.0
    share = taken(none, window, SIZE, surroundings)
    assert (share[30:50, 50:70] == 1.0).all()
    assert (share[29:51, 49:71] > 0.7).all()
    away = np.ones_like(share, bool)
    away[20:60, 40:80] = False
    assert share[away].max() < 1e-6
    strong = none.copy()
    strong[::2] = 0.5
    inside = taken(strong, window, SIZE, np.ones_like(surroundings))[FADE_PX:-FADE_PX, FADE_PX:-FADE_PX]
    assert (inside == 1.0).all()
    edge = taken(strong, window, SIZE, np.ones_like(surroundings))
    assert max(edge[0].max(), edge[-1].max(), edge[:, 0].max(), edge[:, -1].max()) == 0.0


def test_where_the_plate_is_shown_in_part_the_image_is_it_more_than_that():
    """The denoiser draws a line where tracing ends; what is taken of its picture has to end before that."""
    ramp = np.ones((20, 40, 3), np.float32)
    ramp[:, 20:] = np.exp(-0.12)
    window = (40, 10, 120, 80)
    shown, traced = known(ramp, window, SIZE), taken(ramp, window, SIZE, np.ones((80, 120), np.float32))
    middle = (slice(FADE_PX, -FADE_PX),) * 2
    part = (shown[middle] > 0.3) & (shown[middle] < 0.9)
    assert part.any()
    assert (1 - traced[middle][part] > shown[middle][part] + 0.1).all()
