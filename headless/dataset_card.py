"""The card of a rendered data set: what its numbers mean, for whoever finds the folder later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..exporters.labels import Labels
from ..simspine_addon.retarget.avatar_landmarks import KeypointResidual

if TYPE_CHECKING:
    from .render_job import RenderRequest

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


def dataset_card(
    request: RenderRequest, labels: Labels, warnings: tuple[str, ...], residual: KeypointResidual | None = None
) -> str:
    """README.md of the data set, in Markdown."""
    views, count, keypoints = labels.points_2d.shape[:3]
    sizes = sorted({f"{camera.size[0]} x {camera.size[1]}" for camera in labels.cameras})
    missing = [
        name for name, world in zip(labels.keypoint_names, labels.points_world[0], strict=True) if world[0] != world[0]
    ]
    placement = (_PLACEMENTS if residual is None else _AVATAR_PLACEMENTS)[request.placement]
    whose = "model" if residual is None else "avatar"
    lines = [
        f"# {request.model.stem}, {request.motion.stem}: {views * count} labelled images",
        "",
        "Rendered by SimSpine from an OpenSim model and its joint angles. The labels are computed from the same poses",
        "and cameras as the images, not measured in them.",
        "",
        f"- {views} views ({', '.join(camera.name for camera in labels.cameras)}), {count} frames each,"
        f" {', '.join(sizes)} px; what is seen: {request.avatar}",
        f"- {keypoints} keypoints in the order of SIMSPINE (arXiv 2602.20792, table B3); {placement}",
        f"- not on this {whose}, hence not labelled: {', '.join(missing) if missing else 'none'}",
        "",
        "## Files",
        "",
        "| file | holds |",
        "|---|---|",
        f"| `images/<camera>/<frame>.{request.image_format}` | images; `<frame>` is the row of the motion, from 0 |",
        "| `annotations.json` | COCO keypoints, with `keypoints_3d_world` and `keypoints_3d_camera` per annotation |",
        "| `labels.npz` | everything as arrays: `points_2d [V,T,K,2]`, `points_world [T,K,3]`, "
        f"{'' if residual is None else '`points_world_model [T,K,3]`, '}"
        "`points_camera [V,T,K,3]`, `visibility`, `inside`, `boxes`, `K`, `R`, `t`, `size`, `frames`, `time`, names |",
        "| `calibration.toml` | the cameras, in the world of the labels |",
        "| `calibration_pose2sim.toml` | the same cameras in Pose2Sim's Z-up world, `(z, x, y)` of ours |",
        "| `manifest.json` | settings, versions, device, warnings, SHA-256 of every file; it is written last |",
        "",
        "## Conventions",
        "",
        "- World: OpenSim's ground, metres, Y up, X forward, Z right. Camera: x right, y down, z forward, and",
        "  `X_camera = R X_world + t`. Time in seconds, as in the motion file.",
        "- Image points in pixels; the centre of the top-left pixel is (0, 0), as in OpenCV: an image spans -0.5 to",
        "  W - 0.5. The images have no lens distortion, and neither have the labels:",
        "  `u = fx X/Z + cx`, `v = fy Y/Z + cy`.",
        "- Visibility: 2 in front of the camera and inside the image, else 0. Occlusion is not evaluated in this",
        "  version: a keypoint behind a limb is still 2. In `annotations.json` keypoints with 0 have the coordinates",
        "  0, 0; `labels.npz` keeps the coordinates of points outside the image, and NaN for what the model lacks or",
        "  what lies behind the camera. A keypoint that the model lacks is `null` among the 3D points.",
        "- Boxes `x, y, width, height` bound the projection of the rendered surface, cut to the centres of the",
        "  outermost pixels, in the same pixel coordinates as the keypoints; `area` is that of the box.",
    ]
    if residual is not None:
        lines += _residual_lines(residual)
    if warnings:
        lines += ["", "## Noted while rendering", "", *(f"- {warning}" for warning in warnings)]
    return "\n".join(lines) + "\n"


def _residual_lines(residual: KeypointResidual) -> list[str]:
    rows = [("all (median)", residual.overall()), *residual.table().items()]
    return [
        "",
        "## Whose keypoints these are",
        "",
        "The labels are the seen avatar's own: joints at its joint centres, the other points on its visible surface,",
        "clothes included, carried by its bones as its skin is. `points_world_model` (`keypoints_3d_world_model` in",
        "`annotations.json`) are those of the model's own kinematics. Distance between the two over the labelled",
        "frames, mm. Of it, `constant` keeps its place in the model's body: the model's point is defined elsewhere",
        "(above a joint, or under the skin); `varying` is the median of what is left, which is what carrying the",
        "motion over adds. `joint` is the median distance from the model's own joint centre; with joints measured so,",
        f"the median over all keypoints is {residual.like_for_like:.1f} mm.",
        "",
        "| keypoint | mean | median | largest | constant | varying | joint |",
        "|---|---|---|---|---|---|---|",
        *(f"| {name} | {' | '.join(map(_cell, numbers.values()))} |" for name, numbers in rows),
    ]


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
