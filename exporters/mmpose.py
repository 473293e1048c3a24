"""Labels for MMPose: a COCO file and the configuration that describes the keypoints and the data set to it."""

from __future__ import annotations

import pprint
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS, KEYPOINT_REGIONS, keypoint_partner
from .coco import write_coco
from .recording import Recording

_HERE = "{{ fileDirname }}"  # MMEngine puts the folder of the file here when it reads a configuration
ANNOTATIONS, METAINFO, DATASET = "annotations.json", "simspine_metainfo.py", "simspine_dataset.py"

# COCO's 17, then as the SIMSPINE paper's detector was evaluated (arXiv 2602.20792)
_SIGMAS = {
    "Eye": 0.025, "Ear": 0.035, "Shoulder": 0.079, "Elbow": 0.072, "Wrist": 0.062, "Hip": 0.107,
    "Knee": 0.087, "Ankle": 0.089, "BigToe": 0.079, "SmallToe": 0.079, "Heel": 0.079, "Latissimus": 0.12,
    "Clavicle": 0.07,
}  # fmt: skip
_MIDLINE_SIGMAS = {
    "Nose": 0.026, "Head": 0.026, "Neck": 0.04, "Neck_02": 0.07, "Neck_03": 0.06, "Hip": 0.07, "Spine_01": 0.10,
    "Spine_02": 0.10, "Spine_03": 0.10, "Spine_04": 0.08, "Spine_05": 0.08,
}  # fmt: skip
_COLORS = {"body": [51, 153, 255], "cervical": [255, 153, 51], "thoracic": [51, 204, 102], "lumbar": [255, 51, 102]}

KEYPOINT_SIGMAS: tuple[float, ...] = tuple(
    _MIDLINE_SIGMAS[name] if name in _MIDLINE_SIGMAS else _SIGMAS[name[1:]] for name in KEYPOINT_NAMES
)
"""OKS sigmas of the 37 keypoints."""


def metainfo() -> dict[str, Any]:
    """MMPose's `dataset_info`: keypoints with their partners in a mirrored image, skeleton, weights, sigmas."""
    return {
        "dataset_name": "simspine",
        "paper_info": {
            "title": "SIMSPINE",
            "container": "arXiv 2602.20792",
            "homepage": "https://arxiv.org/abs/2602.20792",
        },
        "keypoint_info": {
            index: {
                "name": name,
                "id": index,
                "color": _COLORS[KEYPOINT_REGIONS[index]],
                "type": "lower" if _is_lower(name) else "upper",
                "swap": "" if keypoint_partner(index) == index else KEYPOINT_NAMES[keypoint_partner(index)],
            }
            for index, name in enumerate(KEYPOINT_NAMES)
        },
        "skeleton_info": {
            number: {"link": (KEYPOINT_NAMES[parent], name), "id": number, "color": _COLORS[region]}
            for number, (parent, name, region) in enumerate(
                (parent, name, region)
                for parent, name, region in zip(KEYPOINT_PARENTS, KEYPOINT_NAMES, KEYPOINT_REGIONS, strict=True)
                if parent >= 0
            )
        },
        "joint_weights": [1.0] * len(KEYPOINT_NAMES),
        "sigmas": list(KEYPOINT_SIGMAS),
    }


def write_mmpose(folder: str | Path, recordings: Sequence[Recording], description: str = "") -> list[Path]:
    """Write annotations, metainfo and a data set's configuration into `folder`, which lies in the data set's own.

    The configuration has `dataset` and `evaluator`, for `Config.fromfile` or as a `_base_`, wherever the folder lies.

    Raises:
        InputError: keypoints that are not the 37 of SIMSPINE in their order, or no place to write.
    """
    folder = Path(folder)
    for recording in recordings:
        if recording.people[0].keypoint_names != KEYPOINT_NAMES:
            raise InputError(f"recording '{recording.name}' has not the 37 keypoints", hint="write it as coco")
    folder.mkdir(parents=True, exist_ok=True)
    write_coco(folder / ANNOTATIONS, recordings, description)
    info = pprint.pformat(metainfo(), width=116, sort_dicts=False, compact=True)
    _write(folder / METAINFO, f"# The 37 SIMSPINE keypoints for MMPose\ndataset_info = {info}\n")
    dataset = {
        "type": "CocoDataset",
        "data_root": f"{_HERE}/..",
        "data_mode": "topdown",
        "ann_file": f"{folder.name}/{ANNOTATIONS}",
        "data_prefix": {"img": "."},
        "metainfo": {"from_file": f"{_HERE}/{METAINFO}"},
    }
    evaluator = {"type": "CocoMetric", "ann_file": f"{_HERE}/{ANNOTATIONS}"}
    text = f"dataset = {pprint.pformat(dataset, width=116, sort_dicts=False)}\nevaluator = {evaluator}\n"
    _write(folder / DATASET, f"# Base of an MMPose configuration; the pipeline is yours\n{text}")
    return [folder / ANNOTATIONS, folder / METAINFO, folder / DATASET]


def _is_lower(name: str) -> bool:
    return any(part in name for part in ("Hip", "Knee", "Ankle", "Toe", "Heel"))


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
