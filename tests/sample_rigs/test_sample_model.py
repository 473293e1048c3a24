"""The sample subject as OpenSim finds it in the committed document, which is what the code builds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

osim = pytest.importorskip("opensim")

from simspine.sample_rigs import DATA_FOLDER, sample_geometry_folder, sample_model_path  # noqa: E402
from simspine.sample_rigs.anthropometry import Subject, spine_scale  # noqa: E402
from simspine.sample_rigs.bones import long_bones  # noqa: E402
from simspine.sample_rigs.build_model import build_model, write_model  # noqa: E402
from simspine.simspine_addon.model.mesh_files import read_mesh  # noqa: E402

LEGS = "hip_flexion hip_adduction hip_rotation knee_angle knee_angle_{}_beta ankle_angle subtalar_angle mtp_angle"
ARMS = "arm_flex arm_add arm_rot elbow_flex pro_sup wrist_flex wrist_dev"
LUMBAR = ("L5_S1", "L4_L5", "L3_L4", "L2_L3", "L1_L2", "L1_T12")
KEYPOINTS = [
    "Nose",
    "LEye",
    "REye",
    "LEar",
    "REar",
    "LShoulder",
    "RShoulder",
    "LElbow",
    "RElbow",
    "LWrist",
    "RWrist",
    "LHip",
    "RHip",
    "LKnee",
    "RKnee",
    "LAnkle",
    "RAnkle",
    "Head",
    "Neck",
    "Hip",
    "LBigToe",
    "RBigToe",
    "LSmallToe",
    "RSmallToe",
    "LHeel",
    "RHeel",
    "Spine_01",
    "Spine_02",
    "Spine_03",
    "Spine_04",
    "Spine_05",
    "LLatissimus",
    "RLatissimus",
    "LClavicle",
    "RClavicle",
    "Neck_02",
    "Neck_03",
]


def sided(names: str, side: str) -> list[str]:
    return [name.format(side) if "{}" in name else f"{name}_{side}" for name in names.split()]


def contract_coordinates() -> list[str]:
    """The 62 axes of the SIMSPINE files, in order."""
    root = [f"pelvis_{part}" for part in ("tilt", "list", "rotation", "tx", "ty", "tz")]
    lumbar = [f"{joint}_{axis}" for joint in LUMBAR for axis in ("Flex_Ext", "Lat_Bending", "axial_rotation")]
    abdomen = ["Abs_r3", "Abs_r2", "Abs_r1", "Abs_t1", "Abs_t2"]
    neck = ["neck_flexion", "neck_bending", "neck_rotation"]
    legs = sided(LEGS, "r") + sided(LEGS, "l")
    return root + legs + lumbar + abdomen + neck + sided(ARMS, "r") + sided(ARMS, "l")


@pytest.fixture(scope="module")
def posed():
    """The committed model and its default state."""
    osim.Logger.setLevelString("Error")
    model = osim.Model(str(sample_model_path()))
    state = model.initSystem()
    model.realizePosition(state)
    return model, state


def forward_lean(model, state, body: str, inclination_deg: float = 0.0) -> float:
    """How far the up axis of a frame on a body leans forward in ground, deg."""
    rotation = model.getBodySet().get(body).getTransformInGround(state).R()
    up = np.array([rotation.get(row, 1) for row in range(3)])
    return float(np.degrees(np.arctan2(up[0], up[1]))) + inclination_deg


def place(model, state, marker: str) -> np.ndarray:
    return model.getMarkerSet().get(marker).getLocationInGround(state).to_numpy()


def test_document_loads_in_opensim_without_a_warning(tmp_path):
    log = tmp_path / "opensim.log"
    osim.Logger.setLevelString("Warn")
    osim.Logger.removeFileSink()  # opensim opens one of its own where it is imported
    osim.Logger.addFileSink(str(log))
    try:
        osim.Model(str(sample_model_path())).initSystem()
    finally:
        osim.Logger.removeFileSink()
        osim.Logger.setLevelString("Error")
    complaints = [line for line in log.read_text().splitlines() if "warning" in line.lower() or "error" in line.lower()]
    assert complaints == []


def test_document_is_of_todays_version_and_small():
    text = sample_model_path().read_text()
    assert [int(number) >= 40500 for number in re.findall(r'OpenSimDocument Version="(\d+)"', text)] == [True]
    assert len(text) < 600_000


def test_coordinates_are_the_62_in_the_order_of_the_simspine_files(posed):
    names = [coordinate.getName() for coordinate in posed[0].getCoordinateSet()]
    assert len(names) == 62
    assert names == contract_coordinates()


def test_every_angle_is_rotational_so_that_degrees_in_a_file_mean_degrees(posed):
    """OpenSim leaves what it calls coupled unconverted: a kneecap in degrees would be read as radians."""
    translational = {"pelvis_tx", "pelvis_ty", "pelvis_tz", "Abs_t1", "Abs_t2"}
    rotational = osim.Coordinate.Rotational
    others = {c.getName() for c in posed[0].getCoordinateSet() if c.getMotionType() != rotational}
    assert others == translational


def test_bodies_are_those_of_the_full_body_model(posed):
    sides = ["femur", "patella", "tibia", "talus", "calcn", "toes", "humerus", "ulna", "radius", "hand"]
    middle = ["pelvis", "sacrum", "lumbar5", "lumbar4", "lumbar3", "lumbar2", "lumbar1", "torso", "head", "Abdomen"]
    wanted = {*middle, *(f"{bone}_{side}" for bone in sides for side in "rl")}
    assert {body.getName() for body in posed[0].getBodySet()} == wanted


def test_all_37_keypoints_are_markers(posed):
    assert {marker.getName() for marker in posed[0].getMarkerSet()} == set(KEYPOINTS)


def test_mass_is_the_subjects_and_every_body_has_some(posed):
    model, state = posed
    assert model.getTotalMass(state) == pytest.approx(75.0, abs=1e-6)
    assert min(body.getMass() for body in model.getBodySet()) > 0.0


def test_neutral_pose_stands_on_the_floor_at_its_stature(posed):
    model, state = posed
    assert place(model, state, "Head")[1] == pytest.approx(1.75, abs=1e-6)
    for side in "rl":
        ankle = model.getBodySet().get(f"talus_{side}").getPositionInGround(state).to_numpy()
        assert ankle[1] == pytest.approx(0.039 * 1.75, abs=1e-6)  # Drillis & Contini: ankle height


def test_mass_centre_is_at_the_usual_share_of_stature(posed):
    model, state = posed
    height = model.calcMassCenterPosition(state).to_numpy()[1]
    assert 0.54 < height / 1.75 < 0.58  # standing men: about 0.56


def test_lumbar_lordosis_and_its_levels_are_the_published_ones(posed):
    model, state = posed
    bodies = ["sacrum", "lumbar5", "lumbar4", "lumbar3", "lumbar2", "lumbar1"]
    leans = np.array([forward_lean(model, state, body) for body in bodies])
    assert -np.diff(leans) == pytest.approx(
        [21.6, 12.7, 9.1, 5.9, 1.2], abs=1e-6
    )  # Sci Rep 2022, 10.1038/s41598-022-21840-x
    assert leans[0] - leans[-1] == pytest.approx(50.5, abs=1e-6)


def test_thoracic_kyphosis_is_in_the_normal_range():
    table = json.loads((DATA_FOLDER / "vertebrae.json").read_text())
    kyphosis = table["T3"]["inclination_deg"] - table["T12"]["inclination_deg"]
    assert kyphosis == pytest.approx(32.9, abs=1e-6)  # SIMSPINE's mean TKA


def test_spine_is_hardly_stretched_to_meet_the_stature():
    assert spine_scale(Subject()) == pytest.approx(1.0, abs=0.03)


def test_vertebra_table_follows_the_model(posed):
    """A lumbar level's centre is its body's origin, and neighbours stand a vertebra apart, across bodies too."""
    model, state = posed
    table = json.loads((DATA_FOLDER / "vertebrae.json").read_text())
    assert list(table) == [
        *(["L5", "L4", "L3", "L2", "L1"]),
        *(f"T{n}" for n in range(12, 0, -1)),
        *(f"C{n}" for n in range(7, 0, -1)),
    ]
    centres = []
    for row in table.values():
        body = model.getBodySet().get(row["body"])
        centres.append(body.findStationLocationInGround(state, osim.Vec3(*row["centre"])).to_numpy())
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    assert steps.min() > 0.014
    assert steps.max() < 0.037
    assert np.all(np.diff(np.array(centres)[:, 1]) > 0.0)


def test_keypoints_of_the_back_lie_behind_their_vertebrae(posed):
    model, state = posed
    table = json.loads((DATA_FOLDER / "vertebrae.json").read_text())
    for marker, level in {"Spine_01": "L5", "Spine_02": "L3", "Spine_03": "L1", "Spine_04": "T8", "Neck": "C7"}.items():
        body = model.getBodySet().get(table[level]["body"])
        centre = body.findStationLocationInGround(state, osim.Vec3(*table[level]["centre"])).to_numpy()
        assert 0.036 <= np.linalg.norm(place(model, state, marker) - centre) <= 0.049
        assert place(model, state, marker)[0] < centre[0]


def test_left_and_right_keypoints_mirror_each_other(posed):
    model, state = posed
    for name in KEYPOINTS:
        if name.startswith("R"):
            mirrored = place(model, state, f"L{name[1:]}") * [1.0, 1.0, -1.0]
            assert place(model, state, name) == pytest.approx(mirrored, abs=1e-6), name


def test_signs_of_the_right_side_are_mirrored_on_the_left(posed):
    """The same value left and right gives mirrored places: every angle means the same on both sides."""
    model, state = posed[0], osim.State(posed[1])
    values = {"hip_flexion": 0.5, "hip_adduction": -0.3, "hip_rotation": 0.2, "knee_angle": 0.9, "ankle_angle": 0.2}
    values |= {"subtalar_angle": 0.2, "mtp_angle": -0.4, "arm_flex": 0.6, "arm_add": -0.5, "arm_rot": 0.3}
    values |= {"elbow_flex": 0.8, "pro_sup": 0.9, "wrist_flex": 0.4, "wrist_dev": 0.2}
    for name, value in values.items():
        for side in "rl":
            model.getCoordinateSet().get(f"{name}_{side}").setValue(state, value, False)
    model.realizePosition(state)
    for bone in ("hand", "toes", "radius", "calcn"):
        right, left = (model.getBodySet().get(f"{bone}_{side}").getPositionInGround(state).to_numpy() for side in "rl")
        assert right == pytest.approx(left * [1.0, 1.0, -1.0], abs=1e-9), bone


def test_couplers_of_the_abdomen_are_the_sums_of_the_lumbar_ones(posed):
    factors = {}
    for constraint in posed[0].getConstraintSet():
        coupler = osim.CoordinateCouplerConstraint.safeDownCast(constraint)
        factors[coupler.getDependentCoordinateName()] = coupler.getFunction().calcValue(osim.Vector(1, 1.0))
    assert len(factors) == 20
    for abdomen, axis in {"Abs_r3": "Flex_Ext", "Abs_r2": "Lat_Bending", "Abs_r1": "axial_rotation"}.items():
        lumbar = 1.0 + sum(factors[f"{joint}_{axis}"] for joint in LUMBAR[1:])
        assert factors[abdomen] == pytest.approx(lumbar, abs=1e-9)


def test_committed_model_is_what_the_code_builds(tmp_path):
    rebuilt = write_model(tmp_path / "rebuilt.osim").read_text()
    committed = sample_model_path().read_text()
    number = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")
    assert number.sub("#", rebuilt) == number.sub("#", committed)
    values = [np.array(number.findall(text), dtype=float) for text in (rebuilt, committed)]
    assert np.abs(values[0] - values[1]).max() <= 1e-9


def test_another_subject_gets_its_own_stature_and_mass():
    model = build_model(Subject(height_m=1.62, mass_kg=58.0, sex="female"))
    state = model.initSystem()
    model.realizePosition(state)
    assert place(model, state, "Head")[1] == pytest.approx(1.62, abs=1e-6)
    assert model.getTotalMass(state) == pytest.approx(58.0, abs=1e-6)


def mesh_files(posed) -> list[Path]:
    names = re.findall(r"<mesh_file>([^<]+)</mesh_file>", sample_model_path().read_text())
    return [sample_geometry_folder() / name for name in names]


def test_every_mesh_that_the_model_names_is_there_and_all_are_small(posed):
    files = mesh_files(posed)
    assert [file.name for file in files if not file.is_file()] == []
    assert {file.name for file in sample_geometry_folder().iterdir()} == {file.name for file in files}
    assert sum(file.stat().st_size for file in files) < 2_500_000


def test_meshes_are_text_since_opensims_own_reader_takes_nothing_else(posed):
    for file in mesh_files(posed):
        text = file.read_text(encoding="ascii")
        assert set(re.findall(r'format="(\w+)"', text)) == {"ascii"}, file.name


def test_vertebra_meshes_stand_at_their_places_on_their_bodies():
    table = json.loads((DATA_FOLDER / "vertebrae.json").read_text())
    regions = {"L": "lumbar", "T": "thoracic", "C": "cervical"}
    for level, row in table.items():
        mesh = read_mesh(sample_geometry_folder() / f"{regions[level[0]]}{level[1:]}.vtp")
        low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
        assert np.all(low < row["centre"]), level
        assert np.all(high > row["centre"]), level
        assert np.all(high - low < 0.13), level


def test_bones_of_the_limbs_span_their_joints(posed):
    for bone, length in {"femur_r": 0.245, "tibia_l": 0.246, "humerus_r": 0.2817 / 1.741}.items():
        mesh = read_mesh(sample_geometry_folder() / f"{bone}.vtp")
        assert mesh.vertices[:, 1].min() == pytest.approx(-length * 1.75, abs=0.035), bone


def test_committed_bone_is_what_the_code_draws():
    """One small bone stands for all: drawing every one takes half a minute."""
    drawn = long_bones.patella(0.044, "right")
    committed = read_mesh(sample_geometry_folder() / "patella_r.vtp")
    assert committed.vertices == pytest.approx(drawn.vertices, abs=0.6e-4)
    assert np.array_equal(committed.indices, drawn.indices)
