"""OpenSim itself as the reference engine: the same questions as `forward`, answered by the opensim library.

The only module of the add-on that imports opensim; nothing inside Blender needs it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import opensim
from numpy.typing import NDArray

Array = NDArray[np.float64]

opensim.Logger.setLevelString("error")


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
