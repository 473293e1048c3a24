"""The anatomy label: the file's own angles in the paper's order, and vertebrae where opensim has them."""

import numpy as np
import pytest
from simspine.exporters.anatomy import anatomy
from simspine.headless.stats_analysis import model_endplates
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.spine.curvature import curvature

ROWS = np.array([3, 40, 41])


@pytest.fixture(scope="module")
def sample():
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path("lifting_with_twist"), model)
    return model, motion, pose_track(model, motion), model_endplates(model, None, ())


def test_axes_are_the_62_of_the_paper_in_its_order(sample):
    made = anatomy(*sample, ROWS)
    assert len(made.axis_names) == 62
    assert made.axis_names[:3] == ("pelvis_tilt", "pelvis_list", "pelvis_rotation")
    assert made.axis_names[22:25] == ("L5_S1_Flex_Ext", "L5_S1_Lat_Bending", "L5_S1_axial_rotation")
    assert made.axis_names[-1] == "wrist_dev_l"
    motion = sample[1]
    for name in ("knee_angle_l", "L1_T12_Flex_Ext", "pelvis_ty"):
        column = motion.values[ROWS, motion.coordinate_names.index(name)]
        np.testing.assert_array_equal(made.axes[:, made.axis_names.index(name)], column)


def test_vertebrae_stand_where_opensim_has_their_joints(sample):
    opensim = pytest.importorskip("opensim")
    made = anatomy(*sample, ROWS)
    assert made.vertebra_names == ("S1", "L5", "L4", "L3", "L2", "L1", "T12")
    bodies = ("sacrum", "lumbar5", "lumbar4", "lumbar3", "lumbar2", "lumbar1", "torso")
    theirs = opensim.Model(str(sample_model_path()))
    state = theirs.initSystem()
    motion = sample[1]
    joints = {joint.getChildFrame().findBaseFrame().getName(): joint for joint in theirs.getJointSet()}
    for frame, row in enumerate(ROWS):
        for name, value in zip(motion.coordinate_names, motion.values[row], strict=True):
            theirs.getCoordinateSet().get(name).setValue(state, float(value), False)
        theirs.realizePosition(state)
        for place, body in enumerate(bodies):
            base = theirs.getBodySet().get(body).getTransformInGround(state)
            turned = np.array([[base.R().get(i, j) for j in range(3)] for i in range(3)])
            np.testing.assert_allclose(made.vertebra_rotations[frame, place], turned, atol=1e-9)
            centre = joints[body].getChildFrame().getPositionInGround(state).to_numpy()
            np.testing.assert_allclose(made.vertebra_positions[frame, place], centre, atol=1e-9)


def test_some_rows_have_the_curvature_of_the_whole(sample):
    made = anatomy(*sample, ROWS)
    whole = curvature(sample[2], sample[3])
    np.testing.assert_allclose(made.lumbar_lordosis, whole.lordosis[ROWS], atol=1e-12)
    np.testing.assert_allclose(made.thoracic_kyphosis, whole.kyphosis[ROWS], atol=1e-12)
    assert np.isfinite(made.lumbar_lordosis).all()


def test_a_track_of_another_length_is_refused(sample):
    model, motion, track, plates = sample
    from simspine.headless.render_plan import frames_of

    with pytest.raises(InputError, match="poses"):
        anatomy(model, motion, frames_of(track, ROWS), plates)
