"""Write everything the sample subject consists of: model, motions, vertebra table and bones.

Run from a checkout with opensim installed: `python -m simspine.sample_rigs.build`.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

from ..simspine_addon.model.atomic import atomic_path
from . import DATA_FOLDER, MOTIONS
from .anthropometry import Subject
from .build_bones import write_bones
from .build_model import write_model
from .build_motions import build_motion, write_motion
from .keypoints import vertebra_placements

_log = logging.getLogger(__name__)


def write_vertebra_table(path: Path, subject: Subject) -> Path:
    """Level -> body, centre (m, in that body), forward lean (deg, in that body) and size (depth, height, width; m)."""
    table = {level: asdict(placement) for level, placement in vertebra_placements(subject).items()}
    rows = [f'  "{level}": {json.dumps(entry)}' for level, entry in table.items()]
    with atomic_path(path) as temporary:
        temporary.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="ascii", newline="\n")
    return path


def build_all(folder: Path = DATA_FOLDER, subject: Subject | None = None) -> list[Path]:
    """Write all sample files into `folder`; returns their paths."""
    subject = subject or Subject()
    folder.mkdir(parents=True, exist_ok=True)
    written = [write_vertebra_table(folder / "vertebrae.json", subject)]
    written += [write_motion(folder / f"{name}.mot", name, build_motion(name, subject)) for name in MOTIONS]
    written += write_bones(folder / "Geometry", subject)  # before the model, which looks for them
    written.append(write_model(folder / "simspine_sample.osim", subject))
    return written


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for path in build_all():
        _log.info("%s %d kB", path.name, path.stat().st_size // 1000)
