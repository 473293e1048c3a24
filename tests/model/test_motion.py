"""Binding motion files to a model: units, missing and foreign columns, couplers; opensim and closed forms as oracle."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import opensim
import pytest
from numpy.typing import ArrayLike
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.functions import Linear, Polynomial
from simspine.simspine_addon.model.motion import bind_motion, read_motion
from simspine.simspine_addon.model.motion_writers import write_mot
from simspine.simspine_addon.model.storage import Table, read_table
from simspine.simspine_addon.model.types import Coordinate, Coupler, Joint, Model, Motion

opensim.Logger.setLevelString("Off")
DATA = Path(os.environ.get("SIMSPINE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "pose2sim"
needs_data = pytest.mark.skipif(not DATA.exists(), reason=f"the real capture is not at {DATA}")
OPENSIM_TYPES = {1: "rotational", 2: "translational", 3: "coupled"}
WIDE = (-1e9, 1e9)


def model_of(coordinates: Sequence[Coordinate], couplers: Sequence[Coupler] = (), joints: Sequence[str] = ()) -> Model:
    """A model of nothing but coordinates, on joints of these names."""
    names = joints or ("joint_0",)
    empty = tuple(Joint(name, "CustomJoint", -1, 0, np.eye(4), np.eye(4), (), ()) for name in names)
    return Model("walker", 40500, (), empty, tuple(coordinates), tuple(couplers), (), ())


def coordinates_of(opensim_model: opensim.Model) -> Model:
    """The coordinates of a model as opensim itself classifies them."""
    theirs = opensim_model.getCoordinateSet()
    joints = [opensim_model.getJointSet().get(i).getName() for i in range(opensim_model.getJointSet().getSize())]
    ours = [
        Coordinate(
            name=c.getName(),
            joint=joints.index(c.getJoint().getName()),
            motion_type=OPENSIM_TYPES[c.getMotionType()],
            default=c.getDefaultValue(),
            range=(c.getRangeMin(), c.getRangeMax()),
            clamped=c.getDefaultClamped(),
        )
        for c in (theirs.get(i) for i in range(theirs.getSize()))
    ]
    return model_of(ours, joints=joints)


def rotational(name: str, joint: int = 0, default: float = 0.0) -> Coordinate:
    return Coordinate(name, joint, "rotational", default, WIDE)


TRIO = model_of(
    [
        rotational("turn"),
        Coordinate("slide", 0, "translational", 0.25, WIDE),
        Coordinate("screw", 1, "coupled", 0.5, WIDE),
    ],
    joints=("shaft", "thread"),
)


def table_of(labels: Sequence[str], values: ArrayLike, *, in_degrees: bool | None = False) -> Table:
    array = np.array(values, dtype=float)
    time = np.arange(len(array)) / 50.0
    return Table(Path("run.mot"), tuple(labels), time, array, in_degrees, {}, (), np.arange(len(array)) + 8)


def bound_values(motion: Motion, name: str) -> np.ndarray:
    return motion.values[:, motion.coordinate_names.index(name)]


def test_degrees_are_converted_in_rotational_columns_alone() -> None:
    motion = bind_motion(table_of(["slide", "screw", "turn"], [[10, 20, 30], [0, 0, -180]], in_degrees=True), TRIO)
    assert motion.coordinate_names == ("turn", "slide", "screw")
    np.testing.assert_allclose(motion.values, [[np.pi / 6, 10, 20], [-np.pi, 0, 0]], rtol=1e-15)
    assert (motion.filled_by_coupler, motion.filled_by_default, motion.extra, motion.warnings) == ((), (), (), ())
    assert motion.path == Path("run.mot")


def test_radians_are_left_as_written() -> None:
    motion = bind_motion(table_of(["turn", "slide", "screw"], [[1, 2, 3]]), TRIO)
    np.testing.assert_array_equal(motion.values, [[1, 2, 3]])
    assert motion.warnings == ()


def test_file_without_unit_is_taken_in_radians_and_says_so() -> None:
    motion = bind_motion(table_of(["turn", "slide", "screw"], [[1, 2, 3]], in_degrees=None), TRIO)
    np.testing.assert_array_equal(motion.values, [[1, 2, 3]])
    assert motion.warnings == (
        "the file does not say whether angles are in degrees (inDegrees): taken in radians, as OpenSim does",
    )


@pytest.mark.parametrize(
    "labels",
    [
        ("/jointset/shaft/turn/value", "/jointset/shaft/slide/value", "/jointset/thread/screw/value"),
        ("shaft/turn/value", "shaft/slide/value", "thread/screw/value"),
        ("/walker/jointset/shaft/turn/value", "turn_not/slide/value", "screw/value"),
        ("/jointset/shaft/turn", "slide", "/jointset/thread/screw"),
    ],
)
def test_state_paths_name_the_coordinate(labels: tuple[str, ...]) -> None:
    motion = bind_motion(table_of(labels, [[1, 2, 3]]), TRIO)
    np.testing.assert_array_equal(motion.values, [[1, 2, 3]])
    assert motion.extra == ()


def test_coordinates_of_one_name_are_told_apart_by_their_joint() -> None:
    twins = model_of([rotational("flexion"), rotational("flexion", joint=1)], joints=("left", "right"))
    labels = ["/jointset/right/flexion/value", "/jointset/left/flexion/value"]
    np.testing.assert_array_equal(bind_motion(table_of(labels, [[1, 2]]), twins).values, [[2, 1]])
    with pytest.raises(InputError, match="column 'flexion' could be a coordinate of 2 joints of the model"):
        bind_motion(table_of(["flexion"], [[1]]), twins)


def test_other_states_are_extra_without_a_warning_and_odd_columns_with_one() -> None:
    labels = ["turn", "/jointset/shaft/turn/speed", "turn_u", "/forceset/soleus_r/activation", "soleus.activation"]
    states = bind_motion(table_of([*labels, "slide", "screw"], [range(7)]), TRIO)
    assert states.extra == tuple(labels[1:])
    assert states.warnings == ()
    odd = bind_motion(table_of(["turn", "slide", "screw", "ground_force_vx", "twist"], [range(5)]), TRIO)
    assert odd.extra == ("ground_force_vx", "twist")
    assert odd.warnings == ("2 columns are not coordinates of the model and unused: ground_force_vx, twist",)


def test_missing_columns_stay_at_the_default_and_are_named() -> None:
    motion = bind_motion(table_of(["turn"], [[1], [2]]), TRIO)
    np.testing.assert_array_equal(motion.values, [[1, 0.25, 0.5], [2, 0.25, 0.5]])
    assert motion.filled_by_default == ("slide", "screw")
    assert motion.warnings == ("2 columns are missing, filled by the default value: slide, screw",)


def test_column_given_twice_is_refused() -> None:
    line = "run.mot: columns 'turn' and '/jointset/shaft/turn/value' are the same coordinate; remove one of them"
    with pytest.raises(InputError) as caught:
        bind_motion(table_of(["turn", "/jointset/shaft/turn/value"], [[1, 2]]), TRIO)
    assert str(caught.value) == line


def test_motion_of_another_model_is_refused_with_names_of_both() -> None:
    with pytest.raises(InputError) as caught:
        bind_motion(table_of(["a", "b", "c", "d", "e", "/jointset/shaft/turn/speed"], [range(6)]), TRIO)
    assert str(caught.value) == (
        "run.mot: belongs to another model: none of its columns (a, b, c, d and 2 more) is a coordinate of walker "
        "(turn, slide, screw); give the model that the motion was made with"
    )


def test_ground_forces_given_as_motion_are_named_as_such() -> None:
    with pytest.raises(InputError, match=r"these look like forces: give joint angles$"):
        bind_motion(table_of(["ground_force_vx", "ground_force_px"], [[1, 2]]), TRIO)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_gap_in_a_coordinate_is_refused_with_its_line_and_allowed_elsewhere(value: float) -> None:
    with pytest.raises(InputError) as caught:
        bind_motion(table_of(["slide", "turn"], [[0, 1], [0, 1], [0, value]]), TRIO)
    assert str(caught.value) == (
        f"run.mot:10: column 'turn' is {value:g} in row 3; a coordinate needs a number in every row"
    )
    assert bind_motion(table_of(["turn", "emg"], [[0, 1], [0, value]]), TRIO).extra == ("emg",)


def chain() -> Model:
    """d = 2 (3 c + 1), c = b^2 - a, listed last link first; `loose` has a coupler that is switched off."""
    coordinates = [rotational(name, default=0.125) for name in "abcd"] + [rotational("loose", default=7.0)]
    couplers = [
        Coupler("last", 3, (2,), Linear((3.0, 1.0)), scale=2.0),
        Coupler("first", 2, (0, 1), _BilinearStandIn()),
        Coupler("off", 4, (0,), Linear((1.0, 0.0)), enforced=False),
    ]
    return model_of(coordinates, couplers)


@dataclasses.dataclass(frozen=True)
class _BilinearStandIn:
    """b^2 - a, and a check of the shape that functions are promised."""

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        assert x.ndim == 2
        return x[1] ** 2 - x[0]

    def derivative(self, x: np.ndarray, argument: int = 0) -> np.ndarray:
        return np.array([-np.ones(x.shape[1]), 2.0 * x[1]])[argument]


def test_couplers_fill_missing_columns_in_order_of_their_chain() -> None:
    a, b = np.array([0.1, 0.2, -0.3]), np.array([1.0, -0.5, 0.25])
    motion = bind_motion(table_of(["b", "a"], np.column_stack([b, a])), chain())
    np.testing.assert_allclose(bound_values(motion, "c"), b**2 - a, rtol=1e-15)
    np.testing.assert_allclose(bound_values(motion, "d"), 6.0 * (b**2 - a) + 2.0, rtol=1e-15)
    np.testing.assert_array_equal(bound_values(motion, "loose"), 7.0)
    assert motion.filled_by_coupler == ("c", "d")
    assert motion.filled_by_default == ("loose",)
    assert motion.warnings == (
        "2 columns are missing, filled by the model's couplers: c, d",
        "1 column is missing, filled by the default value: loose",
    )


def test_coupler_takes_degrees_that_were_converted_before() -> None:
    motion = bind_motion(table_of(["a", "b"], [[18.0, 90.0]], in_degrees=True), chain())
    np.testing.assert_allclose(bound_values(motion, "c"), (np.pi / 2) ** 2 - np.pi / 10, rtol=1e-15)


def test_given_columns_are_never_overwritten_by_couplers() -> None:
    given = np.random.default_rng(2).normal(size=(5, 5))
    motion = bind_motion(table_of(["a", "b", "c", "d", "loose"], given), chain())
    np.testing.assert_array_equal(motion.values, given)
    assert motion.filled_by_coupler == ()


def test_coupler_of_a_missing_coordinate_follows_its_default() -> None:
    motion = bind_motion(table_of(["b"], [[2.0]]), chain())
    np.testing.assert_allclose(motion.values, [[0.125, 2.0, 3.875, 25.25, 7.0]], rtol=1e-15)
    assert motion.filled_by_default == ("a", "loose")


def test_couplers_in_a_ring_are_refused_unless_a_column_breaks_it() -> None:
    ring = [Coupler("x", 1, (2,), Linear((2.0, 0.0))), Coupler("y", 2, (1,), Linear((0.5, 0.0)))]
    model = model_of([rotational("a"), rotational("b", default=0.5), rotational("c", default=0.25)], ring)
    with pytest.raises(InputError, match="the couplers 'x', 'y' depend on each other in a ring"):
        bind_motion(table_of(["a"], [[1.0]]), model)
    np.testing.assert_array_equal(bind_motion(table_of(["a", "c"], [[1.0, 3.0]]), model).values, [[1.0, 6.0, 3.0]])


def test_radians_beyond_a_full_turn_are_obeyed_with_a_warning() -> None:
    motion = bind_motion(table_of(["turn", "slide", "screw"], [[6.28, 900, 900], [-90, 0, 0]]), TRIO)
    np.testing.assert_array_equal(bound_values(motion, "turn"), [6.28, -90])
    assert motion.warnings == ("the file says radians, but turn reaches 90, past a full turn: is it in degrees?",)


def test_degrees_that_look_like_radians_are_obeyed_with_a_warning() -> None:
    model = model_of([rotational(f"q{i}") for i in range(12)])
    small = np.random.default_rng(3).uniform(-1.5, 1.5, size=(9, 12))
    small[4, 2] = 2.5
    motion = bind_motion(table_of(model.coordinate_names, small, in_degrees=True), model)
    np.testing.assert_allclose(motion.values, np.deg2rad(small), rtol=1e-15)
    assert motion.warnings == ("the file says degrees, but no angle passes 2.5 (q2): is it in radians?",)
    for quiet in (small * 30.0, small * 0.0, small * 0.01):
        assert bind_motion(table_of(model.coordinate_names, quiet, in_degrees=True), model).warnings == ()


def test_values_outside_a_clamped_range_are_kept_with_a_warning() -> None:
    knee = Coordinate("knee", 0, "rotational", 0.0, (-np.pi / 2, 0.0), clamped=True)
    model = model_of([knee, dataclasses.replace(knee, name="free", clamped=False)])
    motion = bind_motion(table_of(["knee", "free"], [[-90, 50], [20, 50], [10, 50]], in_degrees=True), model)
    np.testing.assert_allclose(bound_values(motion, "knee"), [-np.pi / 2, np.pi / 9, np.pi / 18])
    assert motion.warnings == (
        "knee leaves its clamped range in 2 of 3 frames, at worst 20 deg (range -90 to 0); kept as given",
    )


def test_uneven_time_steps_are_a_warning() -> None:
    table = dataclasses.replace(table_of(["turn", "slide", "screw"], np.zeros((4, 3))), time=np.array([0, 1, 2, 4.0]))
    assert bind_motion(table, TRIO).warnings == (
        "the time steps are uneven, from 1 to 2 s; the rate of 1 frames per second is that of the middle one",
    )


def opensim_screw_model() -> opensim.Model:
    """A custom joint with a rotational, a translational and a coupled coordinate."""
    axes = {"rotation1": ("turn", 1.0), "rotation2": ("screw", 2.0), "translation1": ("screw", 3.0)}
    axes["translation2"] = ("slide", 1.0)
    transform = opensim.SpatialTransform()
    for axis, (coordinate, slope) in axes.items():
        getattr(transform, f"upd_{axis}")().setCoordinateNames(opensim.ArrayStr(coordinate, 1))
        getattr(transform, f"upd_{axis}")().set_function(opensim.LinearFunction(slope, 0.0))
    model = opensim.Model()
    body = opensim.Body("body", 1.0, opensim.Vec3(0), opensim.Inertia(1))
    model.addBody(body)
    model.addJoint(opensim.CustomJoint("shaft", model.getGround(), body, transform))
    model.finalizeConnections()
    model.initSystem()
    return model


@pytest.mark.parametrize("in_degrees", [True, False])
def test_unit_conversion_is_that_of_opensim(tmp_path: Path, in_degrees: bool) -> None:
    theirs = opensim_screw_model()
    ours = coordinates_of(theirs)
    assert {c.name: c.motion_type for c in ours.coordinates} == {
        "turn": "rotational",
        "screw": "coupled",
        "slide": "translational",
    }
    values = np.random.default_rng(4).normal(size=(6, 3))
    motion = Motion(np.arange(6.0), ours.coordinate_names, values)
    write_mot(tmp_path / "a.mot", motion, ours, degrees=in_degrees)
    table = opensim.TimeSeriesTable(str(tmp_path / "a.mot"))
    if in_degrees:
        theirs.getSimbodyEngine().convertDegreesToRadians(table)
    back = read_motion(tmp_path / "a.mot", ours).values
    np.testing.assert_array_equal(back, table.getMatrix().to_numpy())
    if in_degrees:
        np.testing.assert_allclose(back, values, rtol=4e-16)  # two roundings, of 180/pi and of pi/180
    else:
        np.testing.assert_array_equal(back, values)


def test_written_motion_reads_as_a_storage_of_opensim(tmp_path: Path) -> None:
    motion = Motion(np.array([0.0, 0.5]), TRIO.coordinate_names, np.array([[np.pi, 1 / 3, 0.1], [-np.pi, 2.0, 0.2]]))
    write_mot(tmp_path / "a.mot", motion, TRIO)
    storage = opensim.Storage(str(tmp_path / "a.mot"))
    assert storage.isInDegrees()
    assert storage.getName() == "Coordinates"
    labels = [storage.getColumnLabels().get(i) for i in range(4)]
    assert labels == ["time", "turn", "slide", "screw"]
    columns = []
    for label in labels:
        column = opensim.ArrayDouble()
        if label == "time":
            storage.getTimeColumn(column)
        else:
            storage.getDataColumn(label, column)
        columns.append([column.get(row) for row in range(column.size())])
    assert columns == [[0.0, 0.5], [180.0, -180.0], [1 / 3, 2.0], [0.1, 0.2]]


def test_motion_that_is_not_the_models_or_not_finite_is_not_written(tmp_path: Path) -> None:
    foreign = Motion(np.zeros(1), ("other",), np.zeros((1, 1)))
    with pytest.raises(InputError, match="the motion does not belong to this model; bind it to the model first"):
        write_mot(tmp_path / "a.mot", foreign, TRIO)
    gap = Motion(np.zeros(1), TRIO.coordinate_names, np.array([[0.0, np.nan, 0.0]]))
    with pytest.raises(InputError, match="coordinate 'slide' is nan in row 1; fill the gap before writing"):
        write_mot(tmp_path / "a.mot", gap, TRIO)
    assert list(tmp_path.iterdir()) == []


def test_coupled_values_are_those_that_opensim_assembles(tmp_path: Path) -> None:
    """Two pins hang on a third, one through the other; opensim's assembler solves the same chain."""
    theirs = opensim.Model()
    parent = theirs.getGround()
    for name in "abc":
        body = opensim.Body(f"body_{name}", 1.0, opensim.Vec3(0), opensim.Inertia(1))
        theirs.addBody(body)
        joint = opensim.PinJoint(f"pin_{name}", parent, body)
        joint.updCoordinate().setName(name)
        theirs.addJoint(joint)
        parent = body
    functions = {"b": opensim.PolynomialFunction(opensim.Vector([0.4, -0.7, 0.1])), "c": opensim.LinearFunction(1.5, 0)}
    for dependent, independent in (("c", "b"), ("b", "a")):
        coupler = opensim.CoordinateCouplerConstraint()
        coupler.setIndependentCoordinateNames(opensim.ArrayStr(independent, 1))
        coupler.setDependentCoordinateName(dependent)
        coupler.setFunction(functions[dependent])
        theirs.addConstraint(coupler)
    theirs.finalizeConnections()
    state = theirs.initSystem()
    couplers = [Coupler("c", 2, (1,), Linear((1.5, 0.0))), Coupler("b", 1, (0,), Polynomial((0.4, -0.7, 0.1)))]
    ours = dataclasses.replace(coordinates_of(theirs), couplers=tuple(couplers))
    angles = np.linspace(-1.0, 1.0, 7)
    motion = bind_motion(table_of(["a"], angles[:, None]), ours)
    for angle, row in zip(angles, motion.values, strict=True):
        theirs.getCoordinateSet().get("a").setValue(state, angle, True)
        solved = [theirs.getCoordinateSet().get(name).getValue(state) for name in "abc"]
        np.testing.assert_allclose(row, solved, atol=1e-8)  # opensim's assembly tolerance is 1e-10 of residual


@needs_data
def test_real_motion_is_bound_as_opensim_converts_it() -> None:
    theirs = opensim.Model(str(DATA / "model.osim"))
    theirs.initSystem()
    ours = coordinates_of(theirs)
    table = opensim.TimeSeriesTable(str(DATA / "motion.mot"))
    theirs.getSimbodyEngine().convertDegreesToRadians(table)
    motion = read_motion(DATA / "motion.mot", ours)
    columns = [table.getColumnLabels().index(name) for name in motion.coordinate_names]
    assert len(columns) == 62
    np.testing.assert_array_equal(motion.values, table.getMatrix().to_numpy()[:, columns])
    assert (motion.filled_by_coupler, motion.filled_by_default, motion.extra) == ((), (), ())
    assert motion.rate == pytest.approx(60.0, rel=1e-5)


@needs_data
def test_real_motion_written_and_read_again_is_the_same(tmp_path: Path) -> None:
    ours = coordinates_of(opensim.Model(str(DATA / "model.osim")))
    motion = read_motion(DATA / "motion.mot", ours)
    write_mot(tmp_path / "again.mot", motion, ours, degrees=False)
    again = read_motion(tmp_path / "again.mot", ours)
    np.testing.assert_array_equal(again.values, motion.values)
    np.testing.assert_array_equal(again.time, motion.time)
    assert read_table(tmp_path / "again.mot").labels == ours.coordinate_names


@needs_data
def test_real_motion_without_its_coupled_columns_is_completed_to_what_opensim_solved() -> None:
    model = read_model(DATA / "model.osim")
    whole = read_motion(DATA / "motion.mot", model)
    table = read_table(DATA / "motion.mot")
    dependent = {model.coordinate_names[coupler.dependent] for coupler in model.couplers}
    kept = [index for index, label in enumerate(table.labels) if label not in dependent]
    labels = tuple(table.labels[index] for index in kept)
    motion = bind_motion(dataclasses.replace(table, labels=labels, values=table.values[:, kept]), model)
    assert set(motion.filled_by_coupler) == dependent
    assert motion.filled_by_default == ()
    np.testing.assert_allclose(motion.values, whole.values, atol=1e-6)
