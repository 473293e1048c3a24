"""The formats that a data set's labels can be written in: what each holds, what it needs, and who writes it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..simspine_addon.model.errors import InputError
from .coco import merge_coco, write_coco
from .h36m_folder import write_h36m
from .keypoint_npz import read_labels
from .mmpose import write_mmpose
from .openpose_json import write_openpose
from .parquet import write_parquet
from .recording import Recording
from .simspine_folder import write_simspine_folder
from .simspine_hdf5 import write_simspine_hdf5
from .simspine_layout import safe_name
from .simspine_npz import write_simspine_npz
from .webdataset_tar import write_webdataset


@dataclass(frozen=True, slots=True)
class FormatJob:
    """What a format's writer is given: the data set's folder, in which the images lie, and what to write into it."""

    folder: Path
    recordings: Sequence[Recording]
    description: str = ""
    shard_size: int | None = None  # images in a WebDataset tar
    models: Mapping[str, Path] = field(default_factory=dict)  # OpenSim documents, see `write_formats`


@dataclass(frozen=True, slots=True)
class FormatWriter:
    """A format: what it is in a line, its conventions in a sentence or two, the libraries it takes, its writer."""

    what: str
    notes: str
    write: Callable[[FormatJob], list[Path]]
    libraries: tuple[tuple[str, str], ...] = ()  # (module, what installs it)
    needs_images: bool = False


class StoredRecordings(Sequence[Recording]):
    """Recordings in label files, each read when it is asked for, so that a large data set need not fit in memory."""

    def __init__(self, paths: Sequence[str | Path]) -> None:
        """`paths` are those that `write_labels` wrote."""
        self._paths = tuple(map(Path, paths))

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index):  # type: ignore[override]
        return StoredRecordings(self._paths[index]) if isinstance(index, slice) else read_labels(self._paths[index])

    def __iter__(self) -> Iterator[Recording]:
        return map(read_labels, self._paths)


def known_formats() -> tuple[str, ...]:
    """Names for `--formats`."""
    return tuple(FORMATS)


def check_formats(names: Sequence[str], *, with_images: bool = True) -> None:
    """Refuse what could not be written in the end, before anything is rendered.

    Raises:
        InputError: a format that is not known, one whose library is not installed, or one that needs images where
            only labels are made.
    """
    for name in names:
        if name not in FORMATS:
            raise InputError(f"there is no format '{name}'", hint=f"there are {', '.join(FORMATS)}")
        for module, package in FORMATS[name].libraries:
            if importlib.util.find_spec(module) is None:
                raise InputError(
                    f"the format '{name}' needs the library {module}", hint=f"install it: pip install {package}"
                )
        if FORMATS[name].needs_images and not with_images:
            raise InputError(f"the format '{name}' needs images", hint="render them, or choose another format")


def format_notes(name: str) -> str:
    """The format's conventions in a sentence or two, for a data set's card.

    Raises:
        InputError: there is no such format.
    """
    if name not in FORMATS:
        raise InputError(f"there is no format '{name}'", hint=f"there are {', '.join(FORMATS)}")
    return FORMATS[name].notes


def write_formats(
    folder: str | Path,
    recordings: Sequence[Recording],
    formats: Sequence[str],
    description: str = "",
    *,
    shard_size: int | None = None,
    models: Mapping[str, Path] | None = None,
) -> list[Path]:
    """Write each of `formats` into the data set's folder; gives the files (folders, where there is one an image).

    Args:
        recordings: a list, or `StoredRecordings` where they are many.
        description: a line for formats that have a place for one.
        shard_size: images in a WebDataset tar, if not the usual number.
        models: OpenSim documents by `Recording.name` or `model_file`, which the SIMSPINE folder copies.

    Raises:
        InputError: see `check_formats` and the writers; formats before it are whole, this one may be in part.
    """
    check_formats(formats)
    job = FormatJob(Path(folder), recordings, description, shard_size, models or {})
    return [path for name in formats for path in FORMATS[name].write(job)]


def _write_coco(job: FormatJob) -> list[Path]:
    whole = job.folder / "annotations.json"
    if len(job.recordings) == 1:
        write_coco(whole, job.recordings, job.description)
        return [whole]
    # File names are relative to the data set's folder in the parts too, so that they can be merged as they are.
    parts = []
    (job.folder / "annotations").mkdir(exist_ok=True)
    for recording in job.recordings:
        parts.append(job.folder / "annotations" / f"{safe_name(recording.name)}.json")
        write_coco(parts[-1], recording, job.description)
    merge_coco(whole, parts)
    return [*parts, whole]


def _write_file(name: str, write: Callable[[Path, Sequence[Recording]], None]) -> Callable[[FormatJob], list[Path]]:
    def writer(job: FormatJob) -> list[Path]:
        write(job.folder / name, job.recordings)
        return [job.folder / name]

    return writer


_CAMERA = "`X_camera = R X_world + t`"
_Z_UP = "the Z-up world of SIMSPINE's calibrations, `(z, x, y)` of OpenSim's ground"

FORMATS: dict[str, FormatWriter] = {
    "coco": FormatWriter(
        "COCO keypoints: annotations.json, and one file a recording where there are several",
        "COCO keypoints; `file_name` is relative to the data set's folder. Keypoints outside the image are `0 0 0`; "
        f"`cameras` holds each calibration with its lens, {_CAMERA} in OpenSim's ground (Y up, m).",
        _write_coco,
    ),
    "simspine-hdf5": FormatWriter(
        "SIMSPINE's HDF5: simspine.h5",
        f"SIMSPINE's schema: markers in OpenSim's ground (Y up, m), calibration in {_Z_UP}, angles in degrees. "
        f"{_CAMERA} throughout; the released preparation script has `R (X - t)` for camera-space points.",
        _write_file("simspine.h5", write_simspine_hdf5),
        (("h5py", "h5py"),),
    ),
    "simspine-npz": FormatWriter(
        "SIMSPINE's training archive: simspine.npz",
        f"SIMSPINE's schema, 37 keypoints in the order of its HDF5: `S_world` in {_Z_UP}, and `S = R S_world + t`, "
        "where the released archives have `R (S_world - t)`. The flag in `part`, `S` and `S_world` means inside the "
        "image.",
        _write_file("simspine.npz", write_simspine_npz),
    ),
    "simspine": FormatWriter(
        "SIMSPINE's folders: simspine/cameras, models, positions, kinematics",
        f"SIMSPINE's folders: `.trc` in OpenSim's ground (m), `.mot` in degrees, calibrations in {_Z_UP}, {_CAMERA}.",
        lambda job: write_simspine_folder(job.folder / "simspine", job.recordings, job.models),
    ),
    "mmpose": FormatWriter(
        "MMPose: COCO annotations with metainfo and data set configuration in mmpose/",
        "COCO keypoints with MMPose's `dataset_info` (mirror partners, skeleton, OKS sigmas); `dataset` and "
        "`evaluator` are in `mmpose/simspine_dataset.py`, for `Config.fromfile` or `_base_`; MMPose counts hidden "
        "keypoints (1) as visible.",
        lambda job: write_mmpose(job.folder / "mmpose", job.recordings, job.description),
    ),
    "webdataset": FormatWriter(
        "WebDataset: webdataset/shard-*.tar with an image and a JSON a sample",
        f"Every number in full precision, null where there is none; {_CAMERA} in OpenSim's ground (Y up, m), with the "
        "pose of that very image; angles in radians.",
        lambda job: write_webdataset(job.folder / "webdataset", job.recordings, job.folder, job.shard_size),
    ),
    "parquet": FormatWriter(
        "Parquet: metadata.parquet, a row for each image and person",
        f"Every number in full precision, NaN where there is none; {_CAMERA} in OpenSim's ground (Y up, m), with the "
        "pose of that very image; angles in radians.",
        _write_file("metadata.parquet", write_parquet),
        (("pyarrow", "pyarrow"),),
    ),
    "h36m": FormatWriter(
        "A folder as Human3.6M's: h36m/<S>/Videos and MyPoseFeatures",
        f"Poses in `.npz` in place of CDF, mm, people in the first axis: 3D in {_Z_UP}, 2D in px of the labels' own "
        "keypoints. Videos are MPEG-4, hence not lossless.",
        lambda job: write_h36m(job.folder / "h36m", job.recordings, job.folder),
        (("cv2", "opencv-python-headless"),),
        needs_images=True,
    ),
    "openpose": FormatWriter(
        "OpenPose JSON: openpose/<recording>/pose/<camera>_json/<image>_keypoints.json, a project of Pose2Sim",
        "`pose_keypoints_2d` holds the labels' own keypoints in their order, not BODY_25; score 1 seen, 0.5 hidden, 0 "
        "outside the image; `people[n]` is the same person in all views. Images are counted from 0, `frame` is the "
        f"row of the motion. `calibration/calibration.toml` is in {_Z_UP}; `Pose2Sim.triangulation()` in the folder "
        "of a recording gives the 3D points back.",
        lambda job: write_openpose(job.folder / "openpose", job.recordings),
    ),
}
