"""OpenSim itself as the reference engine: the same questions as `forward`, answered by the opensim library.

The only module of the add-on that imports opensim; nothing inside Blender needs it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import opensim
from numpy.typing import NDArray

from ..model.atomic import atomic_path
from ..model.errors import InputError
from ..model.motion import read_motion
from ..model.motion_writers import write_trc
from ..model.types import MarkerTrack, Model, Motion
from .ik_report import IkReport
from .inverse_kinematics import IkOptions, IkResult, make_problem

Array = NDArray[np.float64]

opensim.Logger.setLevelString("error")
opensim.Logger.removeFileSink()  # else an opensim.log appears wherever a command is run


class OpensimEngine:
    """Forward kinematics by opensim, frame by frame.

    Coordinate values are set as state variables: nothing is clamped, locked or assembled, so that both engines
    answer the same question.
    """

    def __init__(self, path: str | Path) -> None:
        self.model = opensim.Model(str(path))
        self.state = self.model.initSystem()
        coordinates = self.model.getCoordinateSet()
        self._coordinates = [coordinates.get(i) for i in range(coordinates.getSize())]
        for coordinate in self._coordinates:
            coordinate.setLocked(self.state, False)  # opensim ignores values given to a locked coordinate
        bodies = self.model.getBodySet()
        self._bodies = [bodies.get(i) for i in range(bodies.getSize())]
        markers = self.model.getMarkerSet()
        self._markers = [markers.get(i) for i in range(markers.getSize())]
        self.coordinate_names = tuple(c.getName() for c in self._coordinates)
        self.body_names = tuple(body.getName() for body in self._bodies)
        self.marker_names = tuple(marker.getName() for marker in self._markers)
        state_names = self.model.getStateVariableNames()
        order = [state_names.get(i) for i in range(state_names.getSize())]
        self._state_index = [order.index(c.getStateVariableNames().get(0)) for c in self._coordinates]

    def run(self, values: Array, names: tuple[str, ...]) -> tuple[Array, Array, Array]:
        """Body origins [T, B, 3], rotations [T, B, 3, 3] and markers [T, M, 3] in ground, in opensim's own order.

        Args:
            values: [T, C] in rad and m.
            names: the coordinate of each column; all of the model's must be there.
        """
        columns = [names.index(name) for name in self.coordinate_names]
        positions = np.empty((len(values), len(self._bodies), 3))
        rotations = np.empty((len(values), len(self._bodies), 3, 3))
        markers = np.empty((len(values), len(self._markers), 3))
        variables = self.model.getStateVariableValues(self.state)
        for frame, row in enumerate(np.asarray(values, dtype=float)[:, columns]):
            for index, value in zip(self._state_index, row, strict=True):
                variables.set(index, float(value))
            self.model.setStateVariableValues(self.state, variables)
            self.model.realizePosition(self.state)
            for index, body in enumerate(self._bodies):
                transform = body.getTransformInGround(self.state)
                positions[frame, index] = transform.p().to_numpy()
                rotations[frame, index] = _matrix(transform.R())
            for index, marker in enumerate(self._markers):
                markers[frame, index] = marker.getLocationInGround(self.state).to_numpy()
        return positions, rotations, markers


def _matrix(rotation: opensim.Rotation) -> Array:
    matrix = rotation.asMat33()
    return np.array([[matrix.get(i, j) for j in range(3)] for i in range(3)])


def opensim_inverse_kinematics(
    model: Model, track: MarkerTrack, options: IkOptions | None = None, *, accuracy: float = 1e-5
) -> IkResult:
    """`inverse_kinematics` by OpenSim's own InverseKinematicsTool, frame by frame, with the couplers as they are.

    Its cost and marker errors are evaluated as for ours, so that the two compare. It gives no standard deviations, and
    does not know soft couplers or smoothness: those of `options` are not used.

    Raises:
        InputError: as `inverse_kinematics`; the model was not read from a file; opensim refuses or does not finish.
    """
    options = replace(options or IkOptions(), lumbar="coupled", smooth=0.0)
    if model.path is None:
        raise InputError("the model was not read from a file", hint="give opensim the .osim file")
    problem, notes = make_problem(model, track, options)
    names = tuple(model.markers[index].name for index in problem.markers)
    weights = {name: options.weights.of(name) for name in names}
    wanted = {model.coordinates[prior.coordinate].name: prior.weight for prior in problem.coordinate_priors}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        markers, output = Path(folder) / "markers.trc", Path(folder) / "motion.mot"
        write_trc(markers, track)
        _run_ik_tool(model.path, markers, output, weights, wanted, accuracy)
        motion = read_motion(output, model)
    seconds = time.perf_counter() - started
    if len(motion.time) != len(track.time):
        problem_text = f"opensim fitted {len(motion.time)} of {len(track.time)} frames"
        raise InputError(problem_text, path=track.path, hint="use the batch engine, which names the frames")
    free = motion.values[:, problem.coordinates.indices]
    report = IkReport(
        engine="opensim",
        lumbar="coupled",
        smooth=0.0,
        marker_names=names,
        unused=tuple(name for name in track.names if name not in names),
        absent=tuple(name for name in model.marker_names if name not in track.names),
        marker_error=problem.marker_errors(free),
        cost=problem.evaluate(free, np.arange(len(free))).cost,
        iterations=np.zeros(len(free), dtype=np.int64),
        flags=((),) * len(free),
        at_limit={},
        undetermined=(),
        seconds=seconds,
        warnings=tuple(notes),
    )
    motion = Motion(track.time, model.coordinate_names, motion.values, warnings=report.warnings)
    return IkResult(motion, np.full(motion.values.shape, np.nan), report)


def _run_ik_tool(
    model: Path,
    markers: Path,
    output: Path,
    weights: Mapping[str, float],
    coordinates: Mapping[str, float],
    accuracy: float,
) -> None:
    tool = opensim.InverseKinematicsTool()
    loaded = opensim.Model(str(model))
    tool.setModel(loaded)
    tool.setMarkerDataFileName(str(markers))
    tool.setOutputMotionFileName(str(output))
    tool.setResultsDir(str(output.parent))
    tool.set_accuracy(accuracy)
    tool.set_report_errors(False)
    tool.setStartTime(-np.inf)
    tool.setEndTime(np.inf)
    tasks = tool.getIKTaskSet()
    for name, weight in weights.items():
        marker = opensim.IKMarkerTask()
        marker.setName(name)
        marker.setApply(True)
        marker.setWeight(weight)
        tasks.cloneAndAppend(marker)
    for name, weight in coordinates.items():
        coordinate = opensim.IKCoordinateTask()
        coordinate.setName(name)
        coordinate.setApply(True)
        coordinate.setWeight(weight)
        coordinate.setValueType(opensim.IKCoordinateTask.DefaultValue)
        tasks.cloneAndAppend(coordinate)
    try:
        succeeded = tool.run()
    except RuntimeError as error:
        raise InputError(f"opensim's inverse kinematics failed: {_first_line(error)}", path=model) from error
    if not succeeded or not output.exists():
        raise InputError("opensim's inverse kinematics did not finish", path=model, hint="use the batch engine")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def opensim_scale(
    path: str | Path, output: str | Path, factors: Mapping[str, tuple[float, float, float]], mass: float | None = None
) -> float:
    """Scale a model by factors per body, as OpenSim's ScaleTool does, and write it; gives the mass in kg.

    Joints, markers, meshes, mass centres and inertia scale along. Masses keep their proportions to each other: they
    sum to `mass`, or, by default, grow with the mean volume of the bodies.

    Args:
        path: of the generic model.
        output: `.osim` to write.
        factors: of bodies by name, along their axes; others stay as they are.
        mass: of the person, kg.

    Raises:
        InputError: opensim cannot read, scale or write the model.
    """
    try:
        model = opensim.Model(str(path))
        state = model.initSystem()
        before = model.getTotalMass(state)
        scales = opensim.ScaleSet()
        for body, factor in factors.items():
            scale = opensim.Scale()
            scale.setSegmentName(body)
            scale.setScaleFactors(opensim.Vec3(*(float(each) for each in factor)))
            scale.setApply(True)
            scales.cloneAndAppend(scale)
        volume = _mean_volume(model, factors)
        final = mass if mass is not None else before * volume
        if not model.scale(state, scales, True, final):
            raise InputError("opensim could not scale the model", path=path, hint="open it in OpenSim to see why")
        state = model.initSystem()
        with atomic_path(output) as temporary:
            model.printToXML(str(temporary))
        return float(model.getTotalMass(state))
    except RuntimeError as error:
        raise InputError(f"opensim could not scale the model: {_first_line(error)}", path=path) from error


def _mean_volume(model: opensim.Model, factors: Mapping[str, tuple[float, float, float]]) -> float:
    """Mean of the product of the factors, weighted by the bodies' masses."""
    bodies = model.getBodySet()
    mass, scaled = 0.0, 0.0
    for index in range(bodies.getSize()):
        body = bodies.get(index)
        mass += body.getMass()
        scaled += body.getMass() * float(np.prod(factors.get(body.getName(), (1.0, 1.0, 1.0))))
    return scaled / mass if mass > 0 else 1.0
