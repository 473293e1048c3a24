"""Labels as one Parquet table, a row for each image and person, for pandas, Polars, DuckDB, Spark or Hugging Face.

Called `metadata.parquet`, with a column `file_name`, beside the folder of images, it is what the image folders of
Hugging Face's `datasets` take: `load_dataset` then gives each row with its image.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from .keypoint_npz import check_shared
from .labels import Labels
from .recording import Recording
from .simspine_layout import image_name

_BLOCK = 4096  # frames of one view and person: a row group


def write_parquet(path: str | Path, recordings: Sequence[Recording]) -> None:
    """Write the table: by recording, person, view and frame; lists for arrays, float64, null where there is nothing.

    Columns: recording, subject, action, file_name, camera, view, frame, time, person, width, height; K [3][3],
    R [3][3], t [3] of this very image (X_cam = R X + t, OpenSim's ground, m), distortion_model, distortion; box [4];
    keypoints [K][2] px (NaN where there is none), visibility [K], keypoints_3d_world and keypoints_3d_camera [K][3]
    m; keypoints_3d_world_model, hidden_by [K] (codes), depth_under_skin [K], facing [K], segmentation (RLE),
    axis_names, axes (rad, m), lumbar_lordosis, thoracic_kyphosis (rad). Keypoint names and parents are in the
    schema's metadata.

    Raises:
        InputError: pyarrow is not installed, recordings with other keypoints than the first, or no place to write.
    """
    arrow, parquet = _library()
    if not recordings:
        raise InputError("there is no recording to write", path=path)
    first = recordings[0].people[0]
    named = {"keypoint_names": first.keypoint_names, "keypoint_parents": first.keypoint_parents}
    schema = _schema(arrow).with_metadata({key: json.dumps(value) for key, value in named.items()})
    with atomic_path(path) as temporary, parquet.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for recording in recordings:
            check_shared(recording)
            if recording.people[0].keypoint_names != first.keypoint_names:
                raise InputError(f"recording '{recording.name}' has other keypoints than the first", path=path)
            for person in recording.people:
                visibility = person.visibility
                for view in range(len(person.cameras)):
                    for start in range(0, len(person.time), _BLOCK):
                        rows = slice(start, min(start + _BLOCK, len(person.time)))
                        columns = _columns(recording, person, visibility, view, rows)
                        arrays = [_array(arrow, columns[field.name], field.type, rows) for field in schema]
                        writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))


def _schema(arrow: Any) -> Any:
    text, whole, real = arrow.string(), arrow.int64(), arrow.float64()
    row, matrix, codes = arrow.list_(real), arrow.list_(arrow.list_(real)), arrow.list_(arrow.uint8())
    kinds = {
        text: "recording subject action file_name camera person distortion_model segmentation",
        whole: "view frame width height",
        real: "time lumbar_lordosis thoracic_kyphosis",
        row: "t distortion box depth_under_skin facing axes",
        matrix: "K R keypoints keypoints_3d_world keypoints_3d_camera keypoints_3d_world_model",
        codes: "visibility hidden_by",
        arrow.list_(text): "axis_names",
    }
    order = (
        "recording subject action file_name camera view frame time person width height K R t distortion_model "
        "distortion box keypoints visibility keypoints_3d_world keypoints_3d_camera keypoints_3d_world_model hidden_by "
        "depth_under_skin facing segmentation axis_names axes lumbar_lordosis thoracic_kyphosis"
    )
    kind_of = {name: kind for kind, names in kinds.items() for name in names.split()}
    return arrow.schema([(name, kind_of[name]) for name in order.split()])


class _Same:
    """One value for every row."""

    def __init__(self, value: object) -> None:
        self.value = value


def _columns(
    recording: Recording, person: Labels, visibility: NDArray[np.uint8], view: int, rows: slice
) -> dict[str, Any]:
    camera, occlusion, anatomy = person.cameras[view], person.occlusion, person.anatomy
    indices = range(len(person.time))[rows]
    model = person.points_world_model
    return {
        "recording": _Same(recording.name),
        "subject": _Same(recording.subject),
        "action": _Same(recording.action),
        "file_name": [image_name(recording, view, index) for index in indices],
        "camera": _Same(camera.name),
        "view": _Same(view),
        "frame": np.asarray(person.frames)[rows],
        "time": person.time[rows],
        "person": _Same(person.person),
        "width": _Same(camera.size[0]),
        "height": _Same(camera.size[1]),
        "K": _Same(np.asarray(camera.K, float).tolist()),
        "R": person.camera_rotations[view, rows],
        "t": person.camera_translations[view, rows],
        "distortion_model": _Same(camera.distortion_model),
        "distortion": _Same(np.asarray(camera.distortion, float).tolist()),
        "box": person.boxes[view, rows],
        "keypoints": person.points_2d[view, rows],
        "visibility": visibility[view, rows],
        "keypoints_3d_world": person.points_world[rows],
        "keypoints_3d_camera": person.points_camera[view, rows],
        "keypoints_3d_world_model": _Same(None) if model is None else model[rows],
        "hidden_by": _Same(None) if occlusion is None else occlusion.hidden_by[view, rows],
        "depth_under_skin": _Same(None) if occlusion is None else occlusion.depth_under_skin[view, rows],
        "facing": _Same(None) if occlusion is None else occlusion.facing[view, rows],
        "segmentation": _Same(None) if person.masks is None else list(person.masks[view][rows]),
        "axis_names": _Same(None if anatomy is None else list(anatomy.axis_names)),
        "axes": _Same(None) if anatomy is None else anatomy.axes[rows],
        "lumbar_lordosis": _Same(None) if anatomy is None else anatomy.lumbar_lordosis[rows],
        "thoracic_kyphosis": _Same(None) if anatomy is None else anatomy.thoracic_kyphosis[rows],
    }


def _array(arrow: Any, values: Any, kind: Any, rows: slice) -> Any:
    if isinstance(values, _Same):
        return arrow.array([values.value] * (rows.stop - rows.start), kind)
    if isinstance(values, list):
        return arrow.array(values, kind)
    return _nested(arrow, np.ascontiguousarray(values), kind)


def _nested(arrow: Any, values: NDArray, kind: Any) -> Any:
    """An array [N, ...] as nested lists, without a Python object for each number."""
    if values.ndim == 1:
        return arrow.array(values, kind)
    inner = _nested(arrow, values.reshape(-1, *values.shape[2:]), kind.value_type)
    ends = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return arrow.ListArray.from_arrays(arrow.array(ends, arrow.int32()), inner)


def _library() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InputError("Parquet needs the library pyarrow", hint="install it: pip install pyarrow") from error
    return pyarrow, pyarrow.parquet
