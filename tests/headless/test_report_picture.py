"""The picture of the report: what it draws is what happened."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("PIL")
from PIL import Image
from simspine.headless.report_picture import strongest_bend, write_report_picture
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.retarget.presets import choose_preset
from simspine.simspine_addon.retarget.report import retarget_report
from simspine.simspine_addon.retarget.skeleton import skeleton_of_track
from simspine.simspine_addon.retarget.solve import retarget
from simspine.simspine_addon.spine.levels import level_angles


@pytest.fixture(scope="module")
def case():
    """The flexing trunk put onto its own skeleton, where every joint is known."""
    model = read_model(sample_model_path())
    track = pose_track(model, read_motion(sample_motion_path("trunk_flexion"), model))
    skeleton = skeleton_of_track(track)
    role_map = choose_preset(skeleton)[1]
    result = retarget(track, role_map, skeleton, role_map)
    return SimpleNamespace(model=model, track=track, skeleton=skeleton, role_map=role_map, result=result)


def test_the_strongest_bend_is_the_sum_of_the_lumbar_angles(case):
    shapes = strongest_bend(case.track, case.role_map, case.skeleton, case.role_map, case.result)
    _, angles = level_angles(case.model, case.track)
    flexion = np.degrees(np.abs(angles[:, :, 0].sum(axis=1)))
    assert shapes.bend_deg == pytest.approx(flexion.max(), abs=0.1)
    assert flexion[np.searchsorted(case.track.time, shapes.time)] == pytest.approx(flexion.max(), abs=0.1)


def test_on_its_own_skeleton_the_drawn_spine_lies_on_the_sources(case):
    shapes = strongest_bend(case.track, case.role_map, case.skeleton, case.role_map, case.result)
    nearest = np.linalg.norm(shapes.here[:, None] - shapes.wanted[None], axis=2).min(axis=1)
    assert nearest.max() < 1e-4
    frame = int(np.searchsorted(case.track.time, shapes.time))
    bones = [case.skeleton.index(name) for name in case.role_map.of("spine")]
    heads = case.track.joint_centres[frame, bones]
    lengths = np.linalg.norm(heads - heads[0], axis=1)
    assert np.allclose(np.linalg.norm(shapes.here[:-1], axis=1), lengths, atol=1e-4)
    assert shapes.here[-1, 0] > 0.05  # a flexed spine leans forward


@pytest.mark.parametrize("stances", [0, 4, 60])
def test_the_picture_has_its_size_and_every_colour(case, tmp_path, stances):
    report = retarget_report(case.track, case.role_map, case.skeleton, case.role_map, case.result)
    for side, length in (("retarget", 1.0), ("naive", 9.0)):
        report[side]["foot_slide_mm"] = {"max": length, "by_stance": [length] * stances}
    target = SimpleNamespace(skeleton=case.skeleton, role_map=case.role_map)
    path = tmp_path / "p.png"
    write_report_picture(path, "title", case.track, case.role_map, target, case.result, report)
    image = Image.open(path).convert("RGB")
    colors = {color for _, color in image.getcolors(1 << 20)}
    assert image.size == (1600, 1000)
    assert {(13, 110, 139), (214, 96, 62), (190, 203, 222)} <= colors
