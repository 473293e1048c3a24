"""The card of a rendered data set: what its numbers mean, for whoever finds the folder later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..exporters.dataset_formats import FORMATS, format_notes
from ..exporters.labels import Labels
from ..exporters.recording import Recording
from .dataset_card_header import card_header, load_line
from .render_config import DatasetConfig

_PLACEMENTS = {
    "surface": "the vertebral keypoints lie on the back, 37 to 48 mm behind the lumbar vertebrae's origins, as in the "
    "released SIMSPINE markers (`surface`)",
    "centroid": "the vertebral keypoints lie at the vertebrae's centres where the model gives them (`centroid`)",
}
_AVATAR_PLACEMENTS = {
    "surface": "the vertebral keypoints lie on the avatar's back as it is seen, clothes included, behind the vertebrae "
    "(`surface`)",
    "centroid": "the vertebral keypoints lie at the centres of the avatar's vertebrae, `Hip` on its back over the "
    "sacrum (`centroid`)",
}
_PASSES = (
    "`depth [H,W]` m along the optical axis, inf where nothing is; `normal [H,W,3]` in the camera's axes; `person "
    "[H,W]` 0 nobody, 1 the first person; `body [H,W]` 0 nothing, n for the n-th of `body_names_<person>`; of these, "
    "what was asked for"
)
_MOST_ROWS = 200  # of the table of recordings: the manifest has them all

Residuals = Mapping[str, Mapping[str, object]]


def dataset_card(
    config: DatasetConfig, recordings: Sequence[Recording], warnings: Sequence[str], residuals: Residuals
) -> str:
    """README.md of the data set, in Markdown; `residuals` by recording, where avatars are seen."""
    images = sum(len(view) for recording in recordings for view in recording.image_names)
    lines = [
        *card_header(config.name, config.formats, images, config.render.image_format),
        f"# {config.name}: {images} labelled images",
        "",
        "Rendered by SimSpine from OpenSim models and their joint angles. The labels are computed from the same poses",
        "and cameras as the images, not measured in them.",
        "",
        *(_single_lines(config, recordings[0]) if config.single else _recording_lines(config, recordings)),
        *_file_lines(config, recordings[0]),
        *_format_lines(config.formats),
        *_convention_lines(config, recordings[0].people[0]),
    ]
    if residuals:
        lines += _residual_lines(residuals)
    if warnings:
        lines += ["", "## Noted while rendering", "", *(f"- {warning}" for warning in warnings)]
    return "\n".join(lines) + "\n"


def _single_lines(config: DatasetConfig, recording: Recording) -> list[str]:
    labels = recording.people[0]
    count = len(labels.frames)
    sizes = sorted({f"{camera.size[0]} x {camera.size[1]}" for camera in labels.cameras})
    seen = ", ".join(person.avatar for person in config.recordings[0].people)
    return [
        f"- {len(labels.cameras)} views ({', '.join(camera.name for camera in labels.cameras)}), {count} frames each,"
        f" {', '.join(sizes)} px; what is seen: {seen}",
        *_keypoint_lines(config, labels),
    ]


def _recording_lines(config: DatasetConfig, recordings: Sequence[Recording]) -> list[str]:
    rows = [
        f"| {each.name} | {each.subject} | {each.action} | {', '.join(p.avatar for p in own.people)} |"
        f" {len(each.people[0].frames)} | {len(each.people[0].cameras)} |"
        for each, own in zip(recordings, config.recordings[:_MOST_ROWS], strict=False)
    ]
    more = len(config.recordings) - len(rows)
    return [
        f"- {len(config.recordings)} recordings",
        *_keypoint_lines(config, recordings[0].people[0]),
        "| recording | subject | action | seen | frames | views |",
        "|---|---|---|---|---|---|",
        *rows,
        *([f"| and {more} more, see `manifest.json` | | | | | |"] if more else []),
        "",
    ]


def _keypoint_lines(config: DatasetConfig, labels: Labels) -> list[str]:
    of_avatar = labels.points_world_model is not None
    placement = (_AVATAR_PLACEMENTS if of_avatar else _PLACEMENTS)[config.placement]
    lacking = ~np.isfinite(labels.points_world[0]).all(axis=-1)
    missing = [name for name, lacks in zip(labels.keypoint_names, lacking.tolist(), strict=True) if lacks]
    return [
        f"- {len(labels.keypoint_names)} keypoints in the order of SIMSPINE (arXiv 2602.20792, table B3); {placement}",
        f"- not on this {'avatar' if of_avatar else 'model'}, hence not labelled: "
        f"{', '.join(missing) if missing else 'none'}",
        "",
    ]


def _file_lines(config: DatasetConfig, recording: Recording) -> list[str]:
    single, suffix = config.single, config.render.image_format
    own = "" if single else "<recording>/"
    labels = "labels.npz" if single else "labels/<recording>.npz"
    calibration = "calibration" if single else "calibration/<recording>"
    passes = [f"| `passes/{own}<camera>/<frame>.npz` | {_PASSES} |"]
    overlays = [f"| `overlays/{own}<camera>/<frame>.jpg` | the same images with the labels drawn on them |"]
    return [
        "## Files",
        "",
        "| file | holds |",
        "|---|---|",
        f"| `images/{own}<camera>/<frame>.{suffix}` | images; `<frame>` is the row of the motion, from 0 |",
        *(overlays if config.overlays else []),
        *(passes if set(config.labels) & {"depth", "normals", "bodies"} else []),
        f"| `{labels}` | everything as arrays: {_array_text(recording)} |",
        f"| `{calibration}.toml` | the cameras, in the world of the labels |",
        f"| `{calibration}_pose2sim.toml` | the same cameras in Pose2Sim's Z-up world, `(z, x, y)` of ours |",
        "| `shards/` | labels and checksums of the blocks of frames that the data set was rendered in |",
        "| `manifest.json` | settings, versions, device, warnings, SHA-256 of every file; it is written last |",
        "| `job.json`, `log.jsonl` | what to render, for `simspine render repair`; who rendered what, and how fast |",
        "",
        "`simspine render verify DIR` checks every file, `simspine render repair DIR` makes anew what is damaged.",
        "",
    ]


def _array_text(recording: Recording) -> str:
    """The arrays of the label file, with their axes."""
    first = recording.people[0]
    arrays = ["`points_2d [P,V,T,K,2]`", "`points_world [P,T,K,3]`"]
    arrays += ["`points_world_model [P,T,K,3]`"] if first.points_world_model is not None else []
    arrays += ["`points_camera [P,V,T,K,3]`", "`visibility`, `inside [P,V,T,K]`", "`boxes [P,V,T,4]`"]
    arrays += ["`hidden_by`, `depth_under_skin`, `facing [P,V,T,K]`"] if first.occlusion is not None else []
    arrays += ["`masks [P,V,T]` (COCO's compressed RLE)"] if first.masks is not None else []
    if first.anatomy is not None:
        arrays += ["`axes [P,T,A]`, `vertebra_rotations [P,T,B,3,3]`, `vertebra_positions [P,T,B,3]`"]
        arrays += ["`lumbar_lordosis`, `thoracic_kyphosis [P,T]` (rad)"]
    arrays += ["`K`, `R [V,3,3]`, `t [V,3]`", "`camera_rotations [V,T,3,3]`, `camera_translations [V,T,3]`"]
    arrays += ["`distortion [V,D]`", "`size`, `frames [T]`, `time [T]`, names"]
    return ", ".join(arrays) + "; P people, V views, T frames, K keypoints"


def _format_lines(formats: Sequence[str]) -> list[str]:
    """A line for each format that was asked for: its files and its conventions."""
    if not formats:
        return []
    lines = [f"- `{name}`: {FORMATS[name].what}. {format_notes(name)}" for name in formats]
    return ["## Formats", "", *lines, *load_line(formats), ""]


def _convention_lines(config: DatasetConfig, labels: Labels) -> list[str]:
    calibration = "calibration.toml" if config.single else "calibration/<recording>.toml"
    occlusion = (
        "- Visibility: 2 in front of the camera and inside the image, else 0. Occlusion was not evaluated: a keypoint "
        "behind a limb is still 2."
        if labels.occlusion is None
        else "- Visibility: 2 seen, where the ray to the keypoint enters at most one layer of skin, the person's own; "
        "1 hidden (`hidden_by` 1 by themselves, 2 by an object, 3 by someone else); 0 outside the image."
    )
    return [
        "## Conventions",
        "",
        "- World: OpenSim's ground, metres, Y up, X forward, Z right. Time in seconds, as in the motion file.",
        f"- Camera: x right, y down, z forward. {_camera_text(labels)}",
        "- Image points in pixels; the centre of the top-left pixel is (0, 0), as in OpenCV: an image spans -0.5 to",
        f"  W - 0.5. {_lens_text(labels, calibration)}",
        occlusion,
        "- The arrays keep the coordinates of points outside the image, and have NaN for what the model lacks or what",
        "  lies behind the camera.",
        "- Boxes `x, y, width, height` bound the projection of the rendered surface, cut to the centres of the",
        "  outermost pixels, in the same pixel coordinates as the keypoints.",
        *(_coco_lines(config, labels) if {"coco", "mmpose"} & set(config.formats) else []),
    ]


def _coco_lines(config: DatasetConfig, labels: Labels) -> list[str]:
    files = [name for name, chosen in (("", "coco"), ("mmpose/", "mmpose")) if chosen in config.formats]
    area = "of the box" if labels.masks is None else "of the mask, which is the pixels in which the person is seen"
    return [
        f"- In {' and '.join(f'`{folder}annotations.json`' for folder in files)} keypoints with 0 have the coordinates",
        "  0, 0; one that is lacking is `null` among the 3D points (`keypoints_3d_world`, `keypoints_3d_camera`, m);",
        f"  `area` is that {area}.",
    ]


def _camera_text(labels: Labels) -> str:
    """How a point of the world becomes one of the camera."""
    turned = np.any(labels.camera_rotations != labels.camera_rotations[:, :1])
    if turned or np.any(labels.camera_translations != labels.camera_translations[:, :1]):
        return (
            "`X_camera = R X_world + t`, with `R` and `t` of each image in `camera_rotations [V,T,3,3]` and "
            "`camera_translations [V,T,3]`: the cameras move, and the calibration files have the first frame's."
        )
    return "`X_camera = R X_world + t`, the same in all frames."


def _lens_text(labels: Labels, calibration: str) -> str:
    bent = any(camera.distortion_model != "none" and np.any(camera.distortion) for camera in labels.cameras)
    if bent:
        return f"The images are bent by the lenses as `{calibration}` says, and so are the labels."
    return "The images have no lens distortion, and neither have the labels: `u = fx X/Z + cx`, `v = fy Y/Z + cy`."


def _residual_lines(residuals: Residuals) -> list[str]:
    lines = [
        "",
        "## Whose keypoints these are",
        "",
        "The labels are the seen avatar's own: joints at its joint centres, the other points on its visible surface,",
        "clothes included, carried by its bones as its skin is. `points_world_model` (`keypoints_3d_world_model` in",
        "`annotations.json`) are those of the model's own kinematics. Distance between the two over the labelled",
        "frames, mm. Of it, `constant` keeps its place in the model's body: the model's point is defined elsewhere",
        "(above a joint, or under the skin); `varying` is the median of what is left, which is what carrying the",
        "motion over adds. `joint` is the median distance from the model's own joint centre.",
        "",
    ]
    if len(residuals) > 1:
        rows = [(name, each["overall"]) for name, each in list(residuals.items())[:_MOST_ROWS]]
        return lines + _residual_table("recording (medians)", rows)
    (residual,) = residuals.values()
    table = residual["table"]
    assert isinstance(table, Mapping)
    like = f"With joints measured so, the median over all keypoints is {residual['like_for_like']:.1f} mm."
    return [*lines, like, "", *_residual_table("keypoint", [("all (median)", residual["overall"]), *table.items()])]


def _residual_table(what: str, rows: Sequence[tuple[str, object]]) -> list[str]:
    cells = []
    for name, numbers in rows:
        assert isinstance(numbers, Mapping)
        cells.append(f"| {name} | {' | '.join(_cell(value) for value in numbers.values())} |")
    return [
        f"| {what} | mean | median | largest | constant | varying | joint |",
        "|---|---|---|---|---|---|---|",
        *cells,
    ]


def _cell(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, int | float) else "-"
