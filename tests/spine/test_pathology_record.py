"""The straight model of a deformed document: what comes back, what is refused, what opensim makes of the file."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.document_edit import difference, write_edited
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.spine.pathology_apply import pathology_edits
from simspine.simspine_addon.spine.pathology_record import combined, is_deformed, note_of, straightened
from simspine.simspine_addon.spine.pathology_table import pathology_from_table, table_of

TABLE = {"scoliosis": 35, "apex": "L2", "leg_length": -12.5, "fuse": ["L4-L5"]}
BEAD = (
    '<Marker name="bead"><socket_parent_frame>/bodyset/pelvis</socket_parent_frame><location>0 0 0</location></Marker>'
)
TABLES = [
    TABLE,
    {"lenke": 3, "scoliosis": 60},
    {"scoliosis": 20, "apex": "L1-L2", "side": "right", "lower": "L4", "upper": "T12", "rotation": 3.5},
    {"lordosis": -20, "kyphosis": 25.25, "balance": "none", "thorax": "curved"},
    {"leg_length": 8, "leg": "left", "obliquity": False},
]


def deformed(folder, table, name="out.osim", source=None):
    """Path of the sample with a pathology, whose own file is gone again."""
    original = folder / "original.osim"
    shutil.copy(source or sample_model_path(), original)
    model, pathology = read_model(original), pathology_from_table(table)
    write_edited(model, pathology_edits(model, pathology)[0], folder / name, note_of(pathology, original.read_bytes()))
    original.unlink()
    return folder / name


def rewritten(path, pattern, new):
    """The document with the first match of a pattern replaced."""
    text, count = re.subn(pattern, new, path.read_text(), count=1, flags=re.DOTALL)
    assert count == 1
    path.write_text(text)
    return read_model(path)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return deformed(tmp_path_factory.mktemp("deformed"), TABLE)


@pytest.fixture
def copy(written, tmp_path):
    return shutil.copy(written, tmp_path / "out.osim")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: "-".join(table))
def test_a_table_of_a_pathology_reads_back_to_it(table):
    pathology = pathology_from_table(table)
    assert pathology_from_table(table_of(pathology)) == pathology


@pytest.mark.parametrize("table", TABLES, ids=lambda table: "-".join(table))
def test_the_straight_model_comes_back_to_the_byte_without_its_file(table, tmp_path):
    straight = straightened(read_model(deformed(tmp_path, table)))
    assert straight is not None
    assert straight.document == sample_model_path().read_bytes()
    assert difference(straight.model, read_model(sample_model_path()), tolerance=0.0) is None
    assert straight.pathology == pathology_from_table(table)


def test_a_model_that_is_not_deformed_has_no_straight_one():
    model = read_model(sample_model_path())
    assert straightened(model) is None
    assert not is_deformed(model)


def test_opensim_reads_a_document_with_the_note_as_before(written, against_opensim):
    assert against_opensim(written) < 1e-9
    opensim = pytest.importorskip("opensim")
    assert '"scoliosis": [{"cobb": 35.0' in opensim.Model(str(written)).getCredits()


def test_what_opensim_saves_is_told_to_be_deformed(written, tmp_path):
    opensim = pytest.importorskip("opensim")
    opensim.Model(str(written)).printToXML(str(tmp_path / "saved.osim"))
    model = read_model(tmp_path / "saved.osim")
    assert is_deformed(model)
    with pytest.raises(InputError, match="is deformed, but what simspine deform noted of it was dropped"):
        straightened(model)


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        (r"(\s)<JointSet", "\\1<!-- a word --><JointSet"),
        (r"<range>[^<]*</range>", "<range>-1 1</range>"),
        (r"(<MarkerSet.*?<objects>)", rf"\1{BEAD}"),
    ],
    ids=["a comment", "a limit", "a marker more"],
)  # fmt: skip
def test_edits_that_no_avatar_depends_on_are_no_matter(copy, pattern, new):
    straight = straightened(rewritten(copy, pattern, new))
    assert straight is not None
    assert straight.document == sample_model_path().read_bytes()


def test_other_line_ends_are_no_matter(copy):
    copy.write_bytes(copy.read_bytes().replace(b"\n", b"\r\n"))
    straight = straightened(read_model(copy))
    assert straight is not None
    assert straight.document == sample_model_path().read_bytes()


@pytest.mark.parametrize(
    ("pattern", "new", "odd"),
    [
        (r'(name="L3_L4_IVDjnt".*?<translation>)\S+', r"\g<1>0.05", "the joint 'L3_L4_IVDjnt'"),
        (r'(<Marker name="Nose">.*?<location>)\S+', r"\g<1>0.5", "the marker 'Nose'"),
        (r'(<Body name="femur_l">.*?<mass>)[^<]+', r"\g<1>1.0", "the mass of 'femur_l'"),
        (r'(<!--simspine deform \{"scoliosis": \[\{"cobb": )35.0', r"\g<1>34.0", "the joint '"),
    ],
)
def test_a_model_that_was_changed_by_hand_is_noticed(copy, pattern, new, odd):
    with pytest.raises(InputError) as refused:
        straightened(rewritten(copy, pattern, new))
    assert odd in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        (r"\n[A-Za-z0-9+/]{120}\n", "\n"),
        (r"\}\n[A-Za-z0-9+/]{4}", "}\n"),
        (r'(<!--simspine deform \{"scoliosis": )\[', r"\1"),
        (r'(<!--simspine deform \{)"scoliosis"', r'\1"skoliosis"'),
    ],
)
def test_a_damaged_note_is_noticed(copy, pattern, new):
    with pytest.raises(InputError, match="damaged"):
        straightened(rewritten(copy, pattern, new))


def test_two_pathologies_are_one_of_the_straight_model():
    one, other = (
        pathology_from_table({"scoliosis": 30, "fuse": "L4-L5"}),
        pathology_from_table({"lenke": 1, "kyphosis": 5}),
    )
    both = combined(one, other)
    assert both.curves == (*one.curves, *other.curves)
    assert (both.kyphosis_deg, both.fused) == (5.0, ("L4-L5",))
    assert combined(pathology_from_table({"lordosis": 5}), pathology_from_table({"lordosis": -12})).lordosis_deg == -7.0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"leg_length": 5}, "already has a longer or shorter leg"),
        ({"lordosis": 5, "balance": "none"}, "balance 'trunk'"),
    ],
)
def test_pathologies_that_do_not_go_together_are_refused(more, words):
    with pytest.raises(InputError, match=words):
        combined(pathology_from_table(TABLE), pathology_from_table(more))


def test_an_old_document_without_credits_takes_the_note(tmp_path, against_opensim):
    plain = tmp_path / "plain.osim"
    plain.write_text(re.sub(r"\s*<credits>.*?</credits>", "", sample_model_path().read_text()))
    path = deformed(tmp_path, {"scoliosis": 20}, source=plain)
    straight = straightened(read_model(path))
    assert straight is not None
    assert straight.document == plain.read_bytes()
    assert against_opensim(path) < 1e-9


def test_an_avatars_rest_is_the_straight_models(written):
    model = read_model(written)
    straight = straightened(model)
    assert straight is not None
    track = pose_track(model, read_motion(sample_motion_path("walking"), model))
    rested = straight.rested(track)
    np.testing.assert_array_equal(rested.positions, track.positions)
    lumbar = [track.names.index(name) for name in ("lumbar4", "lumbar1")]
    across = rested.rest_rotations[lumbar, :, 2]
    np.testing.assert_allclose(across, np.broadcast_to([0.0, 0.0, 1.0], (2, 3)), atol=1e-9)
    assert np.abs(track.rest_rotations[lumbar, :, 2] - across).max() > 0.1
