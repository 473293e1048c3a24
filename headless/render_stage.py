"""The scene of one recording in Blender: its people, cameras and surroundings, ready to render and to label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..exporters.labels import Labels, make_labels
from ..exporters.outline import points_at
from ..exporters.recording import Recording
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.capture.rolling_shutter import POSES, RollingShutter
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.streams import stream_seed
from ..simspine_addon.scene import render as cycles
from ..simspine_addon.scene.cameras import add_camera, move_camera, remap_of
from ..simspine_addon.scene.image_renderer import ImageRenderer
from ..simspine_addon.scene.sensor_noise import noisy_image
from ..simspine_addon.scene.shutter import roll_shutter
from ..simspine_addon.scene.surroundings import build_surroundings
from ..simspine_addon.scene.surroundings_layout import PlacedFurniture
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS
from .render_cameras import RecordingCameras, cameras_for, located_camera
from .render_config import DatasetConfig, person_name
from .render_labels import Actor, KeepPasses, Labeller, build_labeller
from .render_people import PreparedPerson, meeting_notes, prepare_people
from .render_plan import frames_of
from .render_recording import RecordingInputs
from .render_rolling import check_rolling_lenses, keypoints_as_keyed, labels_as_read, rolling_of
from .render_scene import Keyed, Person, add_moving_avatar, add_person, surface_samples
from .render_seats import seat_spaces_of, with_seats
from .render_shutter import MovementBoxes, exposed_frame, shutter_keys
from .render_variety import looks_of
from .shard_plan import Engine, Hardware

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stage:
    """A recording in Blender. Building it empties the file that was open."""

    config: DatasetConfig
    inputs: RecordingInputs
    actors: tuple[Actor, ...]
    cameras: RecordingCameras
    views: tuple[bpy.types.Object, ...]
    renderer: ImageRenderer
    device: cycles.Device
    labeller: Labeller
    movement: MovementBoxes | None  # where the shutter blurs or rolls
    keyed: tuple[Keyed | None, ...]  # of each person while it is open
    rolling: RollingShutter | None
    warnings: tuple[str, ...]
    seats: tuple[PlacedFurniture, ...]

    def image_names(self, places: Sequence[int]) -> tuple[tuple[str, ...], ...]:
        """[V][T] of these frames, relative to the data set's folder."""
        return self._names("images", places, self.config.render.image_format)

    def pass_names(self, places: Sequence[int]) -> tuple[tuple[str, ...], ...]:
        """[V][T] of their passes; no names where none are wanted."""
        return self._names("passes", places, "npz") if self.labeller.passes else ()

    def labels(self, places: range, keep: KeepPasses) -> Recording:
        """What is known about a block of the recording's frames; `keep` is given each image's passes, if there are."""
        recording = self.inputs.config
        people = [self._labels_of(index, places) for index in range(len(self.actors))]
        return Recording(
            name=recording.name,
            subject=recording.subject,
            action=recording.action,
            people=self.labeller.completed(people, places, keep),
            image_names=self.image_names(places),
            rate=self.inputs.rate,
            model_file=recording.people[0].model.name,
            placement=self.config.placement,
            variety=with_seats(drawn(self.config, self.inputs), self.seats),
        )

    def render(self, block: Recording, view: int, place: int, index: int, path: Path) -> None:
        """Render the image of one view: the recording's frame `place`, which is the block's frame `index`."""
        camera, moves = self.views[view], self.cameras.poses is not None
        if self.cameras.poses is not None:
            move_camera(camera, self.cameras.poses[0][view, place], self.cameras.poses[1][view, place])
        box = None
        if not moves:
            standing = np.stack([labels.boxes[view, index] for labels in block.people])
            box = joined_box(standing if self.movement is None else self.movement.of(view, place))
        noise, noise_seed = self.inputs.variety.camera_noise, self._image_seed("camera_noise", view, place)
        finish = None if noise is None else lambda pixels: noisy_image(pixels, noise, noise_seed)
        frame = exposed_frame(place, self.keyed, self.rolling)
        self.renderer.render(camera, frame, self._image_seed("sampling", view, place), path, box, finish)

    def _image_seed(self, what: str, view: int, place: int) -> int:
        keys = (self.inputs.config.name, self.cameras.cameras[view].name, int(self.inputs.rows[place]))
        return stream_seed(self.config.seed_of(what), what, *keys)

    def _names(self, folder: str, places: Sequence[int], suffix: str) -> tuple[tuple[str, ...], ...]:
        above = folder if self.config.single else f"{folder}/{self.inputs.config.name}"
        rows = [int(self.inputs.rows[place]) for place in places]
        return tuple(tuple(f"{above}/{camera}/{row:06d}.{suffix}" for row in rows) for camera in self.cameras.folders)

    def _labels_of(self, person: int, places: range) -> Labels:
        actor = self.actors[person]
        rows = self.inputs.rows[places.start : places.stop]
        prepared, parts = actor.prepared, list(actor.shown.parts)
        poses = None
        if self.cameras.poses is not None:
            rotations, translations = self.cameras.poses
            poses = rotations[:, places.start : places.stop], translations[:, places.start : places.stop]
        labels = make_labels(
            self.cameras.cameras,
            KEYPOINT_NAMES,
            KEYPOINT_PARENTS,
            prepared.points[rows],
            rows,
            self.inputs.clock_time[rows],
            lambda index: points_at(parts, actor.poses, places[index]),
            None if prepared.avatar is None else prepared.model_points[rows],
            poses,
        )
        labels = replace(labels, person=person_name(self.inputs.config, person))
        keyed = self.keyed[person]
        if self.rolling is None or keyed is None:
            return labels
        points = keypoints_as_keyed(prepared, keyed)[places.start : places.stop]
        return labels_as_read(
            labels,
            self.rolling,
            points,
            lambda index, pose: points_at(parts, keyed[0], POSES * places[index] + pose),
        )


def build_stage(
    config: DatasetConfig, inputs: RecordingInputs, engine: Engine, plates: Path | None, hardware: Hardware
) -> Stage:
    """Build the scene of a recording.

    Args:
        config: of the data set.
        inputs: of the recording.
        engine: that the data set was begun with; another device is refused.
        plates: folder where backgrounds may be kept between images and runs.
        hardware: how much of this computer to use.

    Raises:
        InputError: people, cameras or a device that cannot be had.
    """
    people = prepare_people(config, inputs)
    scene = empty_scene()
    device = cycles.choose_device(engine.device.lower(), hardware.board)
    if hardware.threads is not None:
        scene.render.threads_mode, scene.render.threads = "FIXED", hardware.threads
    rolling = rolling_of(inputs)
    keyed = tuple(shutter_keys(prepared, inputs.rows, inputs.variety.shutter, rolling) for prepared in people)
    actors = []
    for prepared, keys in zip(people, keyed, strict=True):
        poses = frames_of(prepared.whole, inputs.rows)
        actors.append(Actor(prepared, poses, _shown(scene, prepared, poses, keys)))
    moving = [(actor.shown, keys) for actor, keys in zip(actors, keyed, strict=True) if keys is not None]
    footprint = _footprint(actors)
    every = cameras_for(config, inputs.config, footprint, inputs.time)
    camera_places = None if every.poses is None else camera_centres(*every.poses)
    spaces, unseated = seat_spaces_of(actors, footprint) if inputs.variety.seats else ((), ())
    surroundings = build_surroundings(scene, inputs.variety, footprint, every.cameras, camera_places, spaces)
    cameras = every.of(inputs.config.clock.views)
    views = tuple(add_camera(scene, camera) for camera in cameras.cameras)
    movers = [mover for actor in actors for mover in actor.shown.objects]
    opened = inputs.variety.shutter if rolling is None else 1.0
    settings = replace(render_settings(config, engine, len(inputs.rows)), shutter=opened if moving else 0.0)
    renderer = ImageRenderer(scene, settings, device, movers, plates)
    if rolling is not None:
        roll_shutter(scene, rolling, movers)
    _check_lenses(config, scene, views, cameras.cameras, rolling)
    labeller = build_labeller(config, inputs, actors, scene, movers)
    warnings = [note for patient in inputs.patients for note in patient.model.warnings]
    warnings += [note for motion in inputs.motions for note in motion.warnings]
    warnings += [note for actor in actors for note in actor.shown.warnings]
    warnings += meeting_notes(people, inputs.rows)
    warnings += [*cameras.warnings, *surroundings.notes, *unseated]
    return Stage(
        config,
        inputs,
        tuple(actors),
        cameras,
        views,
        renderer,
        device,
        labeller,
        MovementBoxes(moving, cameras.cameras, len(inputs.rows)) if moving else None,
        keyed,
        rolling,
        tuple(dict.fromkeys(warnings)),
        surroundings.seats,
    )


def drawn(config: DatasetConfig, inputs: RecordingInputs) -> dict[str, object]:
    """Everything that was drawn for a recording, and each person's pathology, for the labels and the manifest."""
    recording, variety = inputs.config, inputs.variety
    everyones = [looks_of(config, recording, variety, i, each.avatar) for i, each in enumerate(recording.people)]
    people = [
        {
            "avatar": person.avatar,
            "model": person.model.name,
            "motion": person.motion.name,
            "pathology": patient.facts(),
            "looks": None if looks is None else looks.as_json(),
        }
        for person, patient, looks in zip(inputs.config.people, inputs.patients, everyones, strict=True)
    ]
    seeds = {name: config.seed_of(name) for name in ("sampling", "cameras")}
    known = variety.as_json()
    if recording.clock.rolling_ms:
        known["rolling_shutter_ms"] = recording.clock.rolling_ms
    if variety.hdri is not None:  # where the folder lies is nobody's concern
        known["hdri"] = {**asdict(variety.hdri), "file": Path(variety.hdri.file).name}
    return {**known, "image_seeds": seeds, "who": people}


def camera_centres(rotations: Array, translations: Array) -> Array:
    """Where cameras are, [..., 3] m, of R [..., 3, 3] and t [..., 3]."""
    return -np.einsum("...ji,...j->...i", rotations, translations)


def render_settings(config: DatasetConfig, engine: Engine, frames: int) -> cycles.RenderSettings:
    """What the configuration asks of Cycles for a recording of so many frames, as far as this build of Blender can."""
    render = config.render
    denoise = render.denoise if engine.denoises else False
    settings = cycles.settings_of(render.quality, render.samples, denoise, render.image_format)
    return replace(settings, plate_samples=render.background_samples(frames))


def joined_box(boxes: Array) -> Array:
    """(x, y, width, height) around boxes [P, 4] px, of which some may be NaN: nothing of that person is seen."""
    seen = boxes[np.isfinite(boxes).all(axis=-1)]
    if not len(seen):
        return np.full(4, np.nan)
    low, high = seen[:, :2].min(axis=0), (seen[:, :2] + seen[:, 2:]).max(axis=0)
    return np.concatenate([low, high - low])


def empty_scene() -> bpy.types.Scene:
    """The scene of an empty file, in place of whatever was open."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def _check_lenses(
    config: DatasetConfig,
    scene: bpy.types.Scene,
    views: Sequence[bpy.types.Object],
    cameras: Sequence[Camera],
    rolling: RollingShutter | None,
) -> None:
    """Refuse lenses that the device, now that it is known, cannot show."""
    try:
        resampled = [remap_of(scene, view) is not None for view in views]
    except InputError as error:
        raise located_camera(config, error) from error
    if rolling is not None:
        check_rolling_lenses(config, cameras, resampled)


def _shown(scene: bpy.types.Scene, prepared: PreparedPerson, poses: PoseTrack, keyed: Keyed | None) -> Person:
    if prepared.avatar is not None:
        return add_moving_avatar(scene, prepared.avatar, poses, keyed)
    return add_person(scene, prepared.model, poses, prepared.config.avatar, prepared.config.geometry, keyed)


def _footprint(actors: Sequence[Actor]) -> Array:
    """Outermost points of everyone, [T, N, 3] m in ground: the first person's whole motion, so that what is around it
    stays the same whichever rows are rendered, and of the others what is shown."""
    samples = []
    for actor in actors:
        samples.append(surface_samples(actor.shown, actor.prepared.scene))
    longest = max(len(each) for each in samples)
    padded = [each[np.linspace(0, len(each) - 1, longest).round().astype(int)] for each in samples]
    return np.concatenate(padded, axis=1)
