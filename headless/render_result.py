"""What a run of a data set has made, for whoever called it, for a person and for JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..exporters.labels import Labels


@dataclass(frozen=True, slots=True)
class RenderResult:
    """What was made: `rendered` images are new, `kept` ones were there already; `seconds` is the rendering alone.

    `finished` says whether the whole data set is there; `labels` and `images` [V][T] are the first recording's, None
    and empty until then.
    """

    output: Path
    image_count: int
    rendered: int
    kept: int
    seconds: float
    cpu_seconds: float
    device: str
    places: dict[str, Path]
    warnings: tuple[str, ...]
    finished: bool
    shards_left: int
    labels: Labels | None
    images: tuple[tuple[Path, ...], ...]

    def summary(self) -> dict[str, object]:
        """For JSON."""
        return {
            "output": str(self.output),
            "images": self.image_count,
            "rendered": self.rendered,
            "kept": self.kept,
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "device": self.device,
            "finished": self.finished,
            "shards_left": self.shards_left,
            "files": {what: str(path) for what, path in self.places.items()},
            "warnings": list(self.warnings),
        }


def main_places(folder: Path) -> dict[str, Path]:
    """Where the main things are, of those that exist."""
    places = {
        "images": "images",
        "annotations": "annotations.json",
        "labels": "labels.npz",
        "calibration": "calibration.toml",
        "contact sheet": "contact_sheet.png",
        "manifest": "manifest.json",
    }
    several = {"labels": "labels", "calibration": "calibration", "annotations": "annotations"}
    found = {what: folder / name for what, name in places.items()}
    for what, name in several.items():
        if not found[what].exists():
            found[what] = folder / name
    return {what: path for what, path in found.items() if path.exists()}
