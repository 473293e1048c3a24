"""The labels of a recording that need everyone's surface: what hides what, masks, passes, and the spine's anatomy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import bpy
import numpy as np

from ..exporters.anatomy import anatomy
from ..exporters.labels import Labels
from ..exporters.people_seen import with_visibility
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.scene.passes import Passes, PassMaker
from ..simspine_addon.scene.visibility import VisibilityTester
from ..simspine_addon.scene.visibility_objects import scene_triangles
from ..simspine_addon.spine.endplates import Endplates
from .render_config import DatasetConfig
from .render_people import PreparedPerson
from .render_plan import frames_of
from .render_recording import RecordingInputs
from .render_scene import Person
from .stats_analysis import model_endplates

KeepPasses = Callable[[int, int, Passes], None]  # view, frame of the block, passes
_PASS_OF = {"depth": "depth", "normals": "normal", "bodies": "body"}


@dataclass(frozen=True, slots=True)
class Actor:
    """A person as arrays and in the scene; row i of `poses` falls on frame i + 1."""

    prepared: PreparedPerson
    poses: PoseTrack
    shown: Person


@dataclass(frozen=True, slots=True)
class Labeller:
    """Completes the labels of a recording's people; `passes` are the names of those that are wanted as files."""

    actors: tuple[Actor, ...]
    endplates: tuple[Endplates, ...]
    inputs: RecordingInputs
    tester: VisibilityTester | None
    maker: PassMaker | None
    passes: tuple[str, ...]
    masks: bool

    @property
    def body_names(self) -> tuple[tuple[str, ...], ...]:
        """What the numbers of the pass of bodies mean, for each person."""
        return tuple(tuple(actor.poses.names) for actor in self.actors)

    def completed(self, people: Sequence[Labels], places: range, keep: KeepPasses) -> tuple[Labels, ...]:
        """The labels of a block of frames with anatomy, and with what else was asked for."""
        rows = self.inputs.rows[places.start : places.stop]
        done = []
        for labels, actor, plates in zip(people, self.actors, self.endplates, strict=True):
            prepared = actor.prepared
            known = anatomy(prepared.model, prepared.motion, prepared.model_track, plates, rows)
            done.append(replace(labels, anatomy=known))
        if self.tester is None and self.maker is None:
            return tuple(done)
        tracks = [frames_of(actor.poses, np.arange(places.start, places.stop)) for actor in self.actors]
        seen = with_visibility(
            done,
            [actor.shown.surface for actor in self.actors],
            tracks,
            self.tester,
            self.maker,
            keep if self.passes else None,
            normals="normal" in self.passes,
            bodies="body" in self.passes,
        )
        return seen if self.masks else tuple(replace(labels, masks=None) for labels in seen)


def build_labeller(
    config: DatasetConfig,
    inputs: RecordingInputs,
    actors: Sequence[Actor],
    scene: bpy.types.Scene,
    movers: Sequence[bpy.types.Object],
) -> Labeller:
    """What labels a recording whose scene is complete; `movers` are the objects of its people."""
    wanted = set(config.labels)
    passes = tuple(_PASS_OF[kind] for kind in ("depth", "normals", "bodies") if kind in wanted)
    masks = "masks" in wanted
    faces = [actor.shown.surface.faces for actor in actors]
    still = scene_triangles(scene, movers) if wanted else None
    return Labeller(
        tuple(actors),
        tuple(model_endplates(each.prepared.model, None, each.prepared.config.geometry) for each in actors),
        inputs,
        VisibilityTester(faces, still) if "occlusion" in wanted else None,
        PassMaker(faces, still) if masks or passes else None,
        (*passes, "person") if passes else (),
        masks,
    )
