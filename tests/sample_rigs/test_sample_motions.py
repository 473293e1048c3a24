"""The sample motions, as OpenSim poses the committed files: limits, couplers, smoothness, and feet on the floor."""

from __future__ import annotations

import re

import numpy as np
import pytest

osim = pytest.importorskip("opensim")

from simspine.sample_rigs import MOTIONS, sample_model_path, sample_motion_path  # noqa: E402
from simspine.sample_rigs.anthropometry import Subject  # noqa: E402
from simspine.sample_rigs.build_motions import BUILDERS, build_motion, motion_text  # noqa: E402
from simspine.sample_rigs.keypoints import sole_points  # noqa: E402
from simspine.sample_rigs.motions.walking import STRIDE_S  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402

TRANSLATIONS = ("pelvis_tx", "pelvis_ty", "pelvis_tz", "Abs_t1", "Abs_t2")
PLANTED = [name for name in MOTIONS if name != "walking"]


@pytest.fixture(scope="module")
def model():
    osim.Logger.setLevelString("Error")
    model = osim.Model(str(sample_model_path()))
    model.initSystem()
    return model


def read(name: str) -> tuple[list[str], np.ndarray]:
    """Column names and all rows of a committed file."""
    lines = sample_motion_path(name).read_text().splitlines()
    start = lines.index("endheader") + 1
    return lines[start].split("\t"), np.array([line.split("\t") for line in lines[start + 1 :]], dtype=float)


@pytest.fixture(scope="module")
def tables():
    return {name: read(name) for name in MOTIONS}


@pytest.fixture(scope="module")
def soles(model, tables):
    """Motion -> (side, point) -> its path in ground, [T, 3] m, as opensim poses it."""
    points = {(side, name): point for side in "rl" for name, point in sole_points(Subject(), side).items()}
    stations = {key: (model.getBodySet().get(body), osim.Vec3(*map(float, at))) for key, (body, at) in points.items()}
    state, paths = model.initSystem(), {}
    for motion, (names, rows) in tables.items():
        wanted = [(model.getCoordinateSet().get(name), name in TRANSLATIONS) for name in names[1:]]
        frames = {key: np.empty((len(rows), 3)) for key in stations}
        for index, row in enumerate(rows[:, 1:]):
            for (coordinate, is_length), value in zip(wanted, row, strict=True):
                if not coordinate.getLocked(state):
                    coordinate.setValue(state, float(value if is_length else np.radians(value)), False)
            model.realizePosition(state)
            for key, (body, at) in stations.items():
                frames[key][index] = body.findStationLocationInGround(state, at).to_numpy()
        paths[motion] = frames
    return paths


def test_the_listed_motions_are_those_that_can_be_built():
    assert set(MOTIONS) == set(BUILDERS)


def test_an_unknown_motion_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="walking"):
        sample_motion_path("moonwalk")


@pytest.mark.parametrize("name", MOTIONS)
def test_committed_motion_is_what_the_code_builds(name):
    rebuilt, committed = motion_text(name, build_motion(name)), sample_motion_path(name).read_text()
    number = re.compile(r"-?\d+\.?\d*")
    values = [np.array(number.findall(text), dtype=float) for text in (rebuilt, committed)]
    assert number.sub("#", rebuilt) == number.sub("#", committed)
    assert np.abs(values[0] - values[1]).max() <= 1e-4


@pytest.mark.parametrize("name", MOTIONS)
def test_file_has_all_columns_at_50_hz_and_is_small(name, tables, model):
    names, rows = tables[name]
    assert names == ["time", *(coordinate.getName() for coordinate in model.getCoordinateSet())]
    assert np.diff(rows[:, 0]) == pytest.approx(0.02, abs=1e-9)
    assert 4.0 <= rows[-1, 0] <= 10.0
    assert sample_motion_path(name).stat().st_size < 200_000


@pytest.mark.parametrize("name", MOTIONS)
def test_opensim_reads_the_file(name, tables):
    storage = osim.Storage(str(sample_motion_path(name)))
    assert storage.isInDegrees()
    assert storage.getSize() == len(tables[name][1])


@pytest.mark.parametrize("name", MOTIONS)
def test_no_coordinate_leaves_its_range(name, tables, model):
    names, rows = tables[name]
    for column, coordinate_name in enumerate(names[1:], start=1):
        coordinate = model.getCoordinateSet().get(coordinate_name)
        unit = 1.0 if coordinate_name in TRANSLATIONS else np.pi / 180.0
        values = rows[:, column] * unit
        assert values.min() >= coordinate.getRangeMin() - 1e-9, coordinate_name
        assert values.max() <= coordinate.getRangeMax() + 1e-9, coordinate_name


@pytest.mark.parametrize("name", MOTIONS)
def test_couplers_hold_in_every_row(name, tables, model):
    names, rows = tables[name]
    for constraint in model.getConstraintSet():
        coupler = osim.CoordinateCouplerConstraint.safeDownCast(constraint)
        factor = coupler.getFunction().calcValue(osim.Vector(1, 1.0))
        source = rows[:, names.index(coupler.getIndependentCoordinateNames().get(0))]
        dependent = rows[:, names.index(coupler.getDependentCoordinateName())]
        assert np.abs(dependent - factor * source).max() <= 1e-5 * (1.0 + factor)


@pytest.mark.parametrize("name", MOTIONS)
def test_no_angle_jerks(name, tables):
    """Second differences stay under what a foot strike gives in real gait: some 10^4 deg/s^2; slow motions far less."""
    names, rows = tables[name]
    angles = rows[:, [index for index, column in enumerate(names) if column not in ("time", *TRANSLATIONS)]]
    fastest = np.abs(np.diff(angles, 2, axis=0)).max() * 50.0**2
    assert fastest < (12_000.0 if name == "walking" else 1_500.0)


@pytest.mark.parametrize("name", MOTIONS)
def test_no_point_of_the_sole_goes_under_the_floor(name, soles):
    assert min(path[:, 1].min() for path in soles[name].values()) > -0.001


@pytest.mark.parametrize("name", PLANTED)
def test_planted_feet_neither_float_nor_slide(name, soles):
    for path in soles[name].values():
        assert np.abs(path[:, 1]).max() < 0.001
        assert np.ptp(path[:, [0, 2]], axis=0).max() < 0.001


def test_walking_feet_neither_float_nor_slide_while_they_stand(soles, tables):
    """Heel from contact to heel-off, ball while flat, toe tip from flat to shortly before toe-off."""
    time = tables["walking"][1][:, 0]
    for side, ahead in (("r", 0.0), ("l", 0.5)):
        strides = time / STRIDE_S + ahead
        for point, low, high in (("heel", 0.0, 0.37), ("ball", 0.10, 0.37), ("toe_tip", 0.10, 0.60)):
            for key in (key for key in soles["walking"] if key[0] == side and key[1].startswith(point)):
                path = soles["walking"][key]
                for stride in np.unique(np.floor(strides)):
                    standing = (np.floor(strides) == stride) & (strides % 1.0 >= low) & (strides % 1.0 <= high)
                    if np.count_nonzero(standing) < 2:
                        continue
                    assert np.abs(path[standing, 1]).max() < 0.003, key
                    assert np.ptp(path[standing][:, [0, 2]], axis=0).max() < 0.005, key


def test_walking_lifts_its_toes_in_swing(soles, tables):
    strides = tables["walking"][1][:, 0] / STRIDE_S
    swing = (strides % 1.0 > 0.72) & (strides % 1.0 < 0.98)
    assert soles["walking"]["r", "toe_tip"][swing, 1].min() > 0.008


def test_walking_peaks_are_those_of_normal_gait(tables):
    """Ranges around the peaks of Winter 1991 and Perry 1992 at natural speed (from memory)."""
    names, rows = tables["walking"]
    stride = {name: rows[:56, names.index(name)] for name in names}
    assert 55.0 < stride["knee_angle_r"].max() < 70.0
    assert 12.0 < stride["knee_angle_r"][3:15].max() < 25.0
    assert 25.0 < stride["hip_flexion_r"].max() < 42.0
    assert -20.0 < stride["hip_flexion_r"].min() < -8.0
    assert -25.0 < stride["ankle_angle_r"].min() < -10.0
    assert 0.02 < np.ptp(stride["pelvis_ty"]) < 0.05
    speed = (rows[-1, names.index("pelvis_tx")] - rows[0, names.index("pelvis_tx")]) / rows[-1, 0]
    assert 1.1 < speed < 1.4


def test_walking_arm_swings_with_the_other_leg(tables):
    names, rows = tables["walking"]
    arm, other_leg = rows[:, names.index("arm_flex_r")], rows[:, names.index("hip_flexion_l")]
    assert np.corrcoef(arm, other_leg)[0, 1] > 0.5
