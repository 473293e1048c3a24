"""Euler angles against scipy, through the pole and at it; number text against Python's own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.exporters.euler import euler_angles, matrices_from_euler
from simspine.exporters.number_text import fixed_rows
from simspine.simspine_addon.model.errors import InputError

ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


@pytest.mark.parametrize("order", ORDERS)
def test_angles_give_back_random_rotations(order: str) -> None:
    rotations = Rotation.random(500, random_state=1).as_matrix().reshape(100, 5, 3, 3)
    angles = euler_angles(rotations, order)
    back = Rotation.from_euler(order, angles.reshape(-1, 3)).as_matrix()
    assert np.abs(back - rotations.reshape(-1, 3, 3)).max() < 1e-12
    assert np.abs(matrices_from_euler(angles, order) - rotations).max() < 1e-12


@pytest.mark.parametrize("order", ORDERS)
def test_a_sweep_through_the_pole_is_followed(order: str) -> None:
    """The middle angle turns twice around; the outer ones stand still."""
    wanted = np.column_stack([np.full(721, 0.4), np.radians(np.arange(721.0)), np.full(721, -1.1)])
    angles = euler_angles(Rotation.from_euler(order, wanted).as_matrix(), order)
    assert np.abs(angles - wanted).max() < 1e-6


@pytest.mark.parametrize("order", ORDERS)
def test_resting_at_the_pole_keeps_the_first_angle(order: str) -> None:
    """Into the pole, there while turning about the one line that is left, and out again."""
    into = np.column_stack([np.full(90, 0.3), np.radians(np.arange(90.0)), np.full(90, 0.2)])
    there = np.column_stack([np.full(50, 0.3), np.full(50, np.pi / 2), 0.2 + 0.02 * np.arange(50)])
    out = np.column_stack([np.full(90, 0.3), np.radians(np.arange(90.0, 0.0, -1.0)), np.full(90, 0.2 + 0.98)])
    wanted = np.concatenate([into, there, out])
    angles = euler_angles(Rotation.from_euler(order, wanted).as_matrix(), order)
    assert np.abs(angles - wanted).max() < 1e-6


def test_whole_turns_are_unwrapped() -> None:
    spin = np.radians(np.arange(0.0, 1500.0, 7.0))
    angles = euler_angles(Rotation.from_euler("Z", spin[:, None]).as_matrix(), "ZXY")
    assert np.abs(angles[:, 0] - spin).max() < 1e-9


def test_no_frames_give_no_angles() -> None:
    assert euler_angles(np.zeros((0, 4, 3, 3)), "ZXY").shape == (0, 4, 3)


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(InputError, match="ZXZ"):
        euler_angles(np.eye(3)[None], "ZXZ")


@pytest.mark.parametrize("largest", [1e-7, 1.0, 999.0, 12345.0, 9e8, 1e15])
def test_numbers_are_written_as_python_writes_them(largest: float) -> None:
    values = np.random.default_rng(0).uniform(-largest, largest, (300, 7))
    values[0] = [0.0, -0.0, -1e-9, 1.0, -1.0, 0.5, largest]
    wanted = "".join(" ".join(f"{value:.6f}" for value in row) + "\n" for row in values.tolist())
    written = b"".join(fixed_rows(values)).decode()
    assert written.replace("-0.000000", "0.000000") == wanted.replace("-0.000000", "0.000000")


def test_blocks_of_rows_fit_together() -> None:
    values = np.arange(400_000.0).reshape(-1, 4)
    blocks = list(fixed_rows(values))
    assert len(blocks) > 1
    assert np.array_equal(np.array(b"".join(blocks).split(), float).reshape(-1, 4), values)
