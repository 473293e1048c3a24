"""What a data set is made of: recordings, people, cameras and render settings, complete and checked for shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..simspine_addon.model.errors import InputError
from ..simspine_addon.scene.variety import SEED_STREAMS as VARIETY_STREAMS
from ..simspine_addon.spine.keypoints import Placement

Table = Mapping[str, object]

LABEL_KINDS = ("occlusion", "masks", "depth", "normals", "bodies")
QUALITIES = ("draft", "standard", "reference")
BACKGROUND_SAMPLES = {"draft": (8, 32), "standard": (16, 64), "reference": (1024, 1024)}  # least and most
FRAMES_A_SAMPLE = 32  # of backgrounds: then these add about a tenth to what an image takes
DEVICES = ("auto", "cpu", "optix", "cuda", "hip", "oneapi", "metal")
IMAGE_FORMATS = ("png", "jpg")
PLACEMENTS: tuple[Placement, ...] = ("surface", "centroid")
SEED_STREAMS = ("sampling", "cameras", *VARIETY_STREAMS)
"""What is random, each by numbers of its own."""
SHARD_FRAMES = 25
DEFAULT_FORMATS = ("coco",)
DEFAULT_LABELS = ("occlusion",)  # so that visibility means what can be seen; it costs little


@dataclass(frozen=True, slots=True)
class PersonConfig:
    """Someone in a recording: who moves how, what is seen of them and where they stand."""

    model: Path
    motion: Path
    avatar: str = "skeleton"
    rig: str | None = None
    geometry: tuple[Path, ...] = ()
    pathology: Table | None = None
    at: tuple[float, float] = (0.0, 0.0)  # m, along X and Z of ground, added to where the motion itself is
    turn: float = 0.0  # deg to the left about the upright axis through the ground's origin, before `at`
    source: str = ""  # dotted place in the configuration file, for what is found wrong later


@dataclass(frozen=True, slots=True)
class RecordingClock:
    """When the cameras of a recording look. Cameras of one set that do not run in step see the same scene, people and
    surroundings, in recordings of their own."""

    rate: float | None = None  # frames a second; None for the motion's own frames
    offset_ms: float = 0.0  # after the motion's start
    views: tuple[int, ...] = ()  # numbers of the cameras in their set; none means all
    set_size: int = 0  # how many cameras the set has, where views are numbered
    scene: str = ""  # what recordings of the same scene share; the recording's name where it has it for itself
    rolling_ms: float = 0.0  # how long an image is read, row after row; 0 takes all rows at once

    @property
    def is_own(self) -> bool:
        """Whether the motion's own frames are what is seen."""
        return self.rate is None and self.offset_ms == 0.0


@dataclass(frozen=True, slots=True)
class RecordingConfig:
    """One recording: its people, of whom the first one's motion gives the frames, its cameras and its variety.

    `frames` are rows of the motion or, with a clock of another rate, of what is seen at it.
    """

    name: str
    subject: str
    action: str
    people: tuple[PersonConfig, ...]
    frames: str = ":"
    variety: Table = field(default_factory=dict)
    source: str = ""
    clock: RecordingClock = RecordingClock()

    @property
    def scene(self) -> str:
        """What tells its surroundings, cameras and people from other recordings'."""
        return self.clock.scene or self.name


@dataclass(frozen=True, slots=True)
class RenderConfig:
    """What decides about pixels beside the scene; None where the quality decides."""

    quality: str = "standard"
    size: tuple[int, int] | None = None
    samples: int | None = None
    denoise: bool | None = None
    image_format: str = "png"
    device: str = "auto"
    plate_samples: int | None = None  # of the background of each camera that stands still

    def background_samples(self, frames: int) -> int:
        """Samples of a camera's background in a recording of so many frames: more where many images share it."""
        if self.plate_samples is not None:
            return self.plate_samples
        least, most = BACKGROUND_SAMPLES[self.quality]
        # A power of two, so that recordings of about one length in the same room share their backgrounds.
        wanted = 1 << max(frames // FRAMES_A_SAMPLE, 1).bit_length() - 1
        return max(min(max(wanted, least), most), self.samples or 0)


@dataclass(frozen=True, slots=True)
class DatasetConfig:
    """A whole data set. `path` is the file that it was read from, if it was one."""

    name: str
    recordings: tuple[RecordingConfig, ...]
    seed: int = 0
    seeds: Mapping[str, int] = field(default_factory=dict)
    render: RenderConfig = RenderConfig()
    cameras: Table = field(default_factory=lambda: {"preset": "h36m"})
    labels: tuple[str, ...] = DEFAULT_LABELS
    formats: tuple[str, ...] = DEFAULT_FORMATS
    overlays: bool = False
    placement: Placement = "surface"
    shard_frames: int = SHARD_FRAMES
    path: Path | None = None
    lines: Mapping[str, int] = field(default_factory=dict)  # table or table.key -> line

    @property
    def single(self) -> bool:
        """Whether one recording is all there is: its files then need no folder of their own."""
        return len(self.recordings) == 1

    def seed_of(self, stream_name: str) -> int:
        """The seed of one stream: its own where given, else the data set's."""
        return int(self.seeds.get(stream_name, self.seed))

    def line_of(self, *places: str) -> int | None:
        """The line of the first of `places` ("cameras.file", "cameras") that the file has."""
        return next((self.lines[place] for place in places if place in self.lines), None)

    def located(self, error: InputError, *places: str) -> InputError:
        """The error as one about the configuration file, where there is one and the error names no file itself."""
        if self.path is None or error.path is not None:
            return error
        problem = error.problem.removeprefix("--")
        return InputError(problem, path=self.path, line=self.line_of(*places), hint=error.hint)


def person_name(recording: RecordingConfig, index: int) -> str:
    """What a person is called in the labels."""
    return recording.subject if index == 0 else f"{recording.subject}_{index + 1}"
