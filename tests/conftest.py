"""What several tests share: small OpenSim documents as text, the reference engine, and the real capture where it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

UNIT_AXES = ("1 0 0", "0 1 0", "0 0 1")
AXIS_NAMES = ("rotation1", "rotation2", "rotation3", "translation1", "translation2", "translation3")


def body_xml(name: str, inner: str = "") -> str:
    return (
        f'<Body name="{name}"><mass>2</mass><mass_center>0.1 0 0</mass_center>'
        f"<inertia>0.1 0.2 0.15 0 0 0</inertia>{inner}</Body>"
    )


def coordinates_xml(names: tuple[str, ...]) -> str:
    items = (
        f'<Coordinate name="{name}"><default_value>{0.05 * (i + 1)}</default_value><range>-1 1</range>'
        "<clamped>true</clamped></Coordinate>"
        for i, name in enumerate(names)
    )
    return f"<coordinates>{''.join(items)}</coordinates>"


def joint_xml(kind: str, name: str, parent: str, child: str, coordinates: tuple[str, ...], inner: str = "") -> str:
    """A joint in today's style, between offset frames that are neither at the origin nor aligned."""
    frames = (
        f'<PhysicalOffsetFrame name="{name}_in_parent"><socket_parent>{parent}</socket_parent>'
        "<translation>0.1 -0.25 0.05</translation><orientation>0.3 -0.2 0.5</orientation></PhysicalOffsetFrame>"
        f'<PhysicalOffsetFrame name="{name}_in_child"><socket_parent>{child}</socket_parent>'
        "<translation>-0.02 0.2 0.04</translation><orientation>-0.1 0.4 0.2</orientation></PhysicalOffsetFrame>"
    )
    return (
        f'<{kind} name="{name}"><socket_parent_frame>{name}_in_parent</socket_parent_frame>'
        f"<socket_child_frame>{name}_in_child</socket_child_frame>{coordinates_xml(coordinates)}"
        f"<frames>{frames}</frames>{inner}</{kind}>"
    )


def spatial_transform_xml(axes: dict[int, tuple[str, str]], directions: tuple[str, ...] = UNIT_AXES * 2) -> str:
    """A SpatialTransform; `axes` maps an axis's index to its coordinates and its function's XML."""
    items = []
    for index, name in enumerate(AXIS_NAMES):
        coordinates, function = axes.get(index, ("", '<Constant name="function"><value>0</value></Constant>'))
        items.append(
            f'<TransformAxis name="{name}"><coordinates>{coordinates}</coordinates>'
            f"<axis>{directions[index]}</axis>{function}</TransformAxis>"
        )
    return f"<SpatialTransform>{''.join(items)}</SpatialTransform>"


def document_xml(bodies: str, joints: str, more: str = "", version: int = 40500) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8" ?><OpenSimDocument Version="{version}"><Model name="test">'
        f'<Ground name="ground"/><BodySet name="bodyset"><objects>{bodies}</objects></BodySet>'
        f'<JointSet name="jointset"><objects>{joints}</objects></JointSet>{more}</Model></OpenSimDocument>'
    )


class Xml:
    """The builders above, for tests."""

    body = staticmethod(body_xml)
    coordinates = staticmethod(coordinates_xml)
    joint = staticmethod(joint_xml)
    spatial_transform = staticmethod(spatial_transform_xml)
    document = staticmethod(document_xml)


@pytest.fixture(scope="session")
def xml() -> type[Xml]:
    return Xml


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write text into a file of the test's own folder and give its path."""

    def writer(text: str, name: str = "model.osim") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return writer


@pytest.fixture(scope="session")
def capture() -> Path:
    """The folder of the real Pose2Sim capture; the test is skipped where it is not at hand."""
    default = Path(__file__).resolve().parents[1].parent / "shared/data/pose2sim"
    folder = Path(os.environ.get("SIMSPINE_DATA", default))
    if not (folder / "model.osim").exists():
        pytest.skip("the real capture is not here (SIMSPINE_DATA names its folder)")
    return folder


@pytest.fixture(scope="session")
def against_opensim() -> Callable[..., float]:
    """Compare our forward kinematics with opensim's; the largest error of origins, axes and markers (m, 1)."""
    pytest.importorskip("opensim")
    from simspine.simspine_addon.kinematics.forward import body_frames, marker_positions
    from simspine.simspine_addon.kinematics.opensim_engine import OpensimEngine
    from simspine.simspine_addon.model.document import read_model

    def compare(
        path: Path, values: np.ndarray | None = None, reference: Path | None = None, spread: float = 2.0
    ) -> float:
        model = read_model(path)
        if values is None:
            values = np.random.default_rng(7).uniform(-spread, spread, (200, len(model.coordinates)))
        engine = OpensimEngine(reference or path)
        positions, rotations = body_frames(model, values)
        markers = marker_positions(model, positions, rotations)
        theirs = engine.run(values, model.coordinate_names)
        body_order = [engine.body_names.index(name) for name in model.body_names]
        marker_order = [engine.marker_names.index(name) for name in model.marker_names]
        assert len(engine.body_names) == len(model.body_names)
        assert set(engine.coordinate_names) == set(model.coordinate_names)
        errors = [
            np.abs(positions - theirs[0][:, body_order]).max(),
            np.abs(rotations - theirs[1][:, body_order]).max(),
        ]
        if marker_order:
            errors.append(np.abs(markers - theirs[2][:, marker_order]).max())
        return float(max(errors))

    return compare
