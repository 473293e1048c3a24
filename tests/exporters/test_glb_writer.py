"""GLB files, decoded by the test itself from bytes: skeleton, takes, skins, meshes, pictures, keypoints."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp
from simspine.exporters.glb_types import Keypoint, SkinnedMesh, SurfaceMaterial, Texture
from simspine.exporters.glb_writer import model_keypoints, write_glb
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.kinematics.pose_track import PoseTrack
from simspine.simspine_addon.kinematics.resample import resample_at
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, keypoint_positions

TYPES = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": (), "VEC2": (2,), "VEC3": (3,), "VEC4": (4,), "MAT4": (4, 4)}


class Glb:
    """A GLB file as its description says: header, JSON chunk, binary chunk, accessors."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        magic, version, length = struct.unpack_from("<4sII", data)
        assert (magic, version, length) == (b"glTF", 2, len(data))
        size, kind = struct.unpack_from("<I4s", data, 12)
        assert kind == b"JSON"
        assert size % 4 == 0
        self.json: dict[str, Any] = json.loads(data[20 : 20 + size])
        binary, kind = struct.unpack_from("<I4s", data, 20 + size)
        assert kind == b"BIN\0"
        self.binary = data[28 + size :]
        assert len(self.binary) == binary == -(-self.json["buffers"][0]["byteLength"] // 4) * 4
        self.nodes = self.json["nodes"]
        self.places = {node["name"]: index for index, node in enumerate(self.nodes)}

    def accessor(self, index: int) -> np.ndarray:
        item = self.json["accessors"][index]
        view = self.json["bufferViews"][item["bufferView"]]
        start, dtype = view["byteOffset"] + item["byteOffset"], np.dtype(TYPES[item["componentType"]])
        assert start % dtype.itemsize == 0
        shape = (item["count"], *WIDTHS[item["type"]])
        size = int(np.prod(shape)) * dtype.itemsize
        assert item["byteOffset"] + size <= view["byteLength"]
        values = np.frombuffer(self.binary, dtype, int(np.prod(shape)), start).reshape(shape)
        if "min" in item:
            assert np.array_equal(np.atleast_1d(values.min(axis=0)), np.array(item["min"], np.float32))
            assert np.array_equal(np.atleast_1d(values.max(axis=0)), np.array(item["max"], np.float32))
        return values

    def globals(self, animation: int | None, times: np.ndarray) -> tuple[np.ndarray, list[Rotation]]:
        """Places [N, T, 3] and rotations of all nodes: rotations by slerp, translations along lines."""
        locals_: list[dict[str, Any]] = [
            {
                "rotation": Rotation.from_quat(np.tile(node.get("rotation", [0, 0, 0, 1]), (len(times), 1))),
                "translation": np.tile(node.get("translation", [0.0, 0, 0]), (len(times), 1)),
            }
            for node in self.nodes
        ]
        take = {"channels": []} if animation is None else self.json["animations"][animation]
        for channel in take["channels"]:
            sampler = take["samplers"][channel["sampler"]]
            assert sampler["interpolation"] == "LINEAR"
            at, keys = self.accessor(sampler["input"]).astype(float), self.accessor(sampler["output"]).astype(float)
            moments = np.clip(times, at[0], at[-1])
            if channel["target"]["path"] == "rotation":
                assert np.abs(np.linalg.norm(keys, axis=1) - 1.0).max() < 1e-6
                assert len(keys) == 1 or np.sum(keys[1:] * keys[:-1], axis=1).min() > 0.0
                turned = Slerp(at, Rotation.from_quat(keys))(moments) if len(at) > 1 else Rotation.from_quat(keys)
                locals_[channel["target"]["node"]]["rotation"] = turned
            else:
                lines = np.column_stack([np.interp(moments, at, keys[:, axis]) for axis in range(3)])
                locals_[channel["target"]["node"]]["translation"] = lines
        places, turns = np.zeros((len(self.nodes), len(times), 3)), [Rotation.identity()] * len(self.nodes)
        waiting = [(index, None) for index in self.json["scenes"][0]["nodes"]]
        while waiting:
            index, parent = waiting.pop()
            place, turn = locals_[index]["translation"], locals_[index]["rotation"]
            places[index] = place if parent is None else places[parent] + turns[parent].apply(place)
            turns[index] = turn if parent is None else turns[parent] * turn
            waiting += [(child, index) for child in self.nodes[index].get("children", [])]
        return places, turns


def errors(glb: Glb, track: PoseTrack, animation: int = 0, between: bool = False) -> tuple[float, float]:
    """Largest distance in mm and angle in degrees, on the frames or half-way between them."""
    times = track.time if not between else 0.5 * (track.time[1:] + track.time[:-1])
    wanted = resample_at(track, times)
    places, turns = glb.globals(animation, times - track.time[0])
    distance = angle = 0.0
    for body, name in enumerate(track.names):
        node = glb.places[name]
        away = places[node] - wanted.joint_centres[:, body]
        turn = Rotation.from_matrix(wanted.rotations[:, body]).inv() * turns[node]
        distance = max(distance, 1e3 * np.linalg.norm(away, axis=1).max())
        angle = max(angle, np.degrees(turn.magnitude()).max())
    return distance, angle


@pytest.fixture(scope="module")
def model() -> Any:
    return read_model(sample_model_path())


@pytest.fixture(scope="module")
def walking(model: Any) -> PoseTrack:
    return pose_track(model, read_motion(sample_motion_path("walking"), model))


def part(track: PoseTrack, frames: int) -> PoseTrack:
    some = {name: getattr(track, name)[:frames] for name in ("time", "positions", "rotations")}
    return replace(track, **some)


def tiles(track: PoseTrack, columns: int = 3, count: int = 40) -> SkinnedMesh:
    """Loose triangles about the joints, hung on random bones; not all weights sum to one, some are zero."""
    random = np.random.default_rng(0)
    weights = random.uniform(0.0, 1.0, (3 * count, columns)) * (random.uniform(size=(3 * count, columns)) > 0.3)
    weights[:, 0] += 0.1
    normals = random.normal(size=(3 * count, 3))
    return SkinnedMesh(
        name="tiles",
        positions=track.rest_joint_centres.mean(axis=0) + random.uniform(-0.5, 0.5, (3 * count, 3)),
        normals=normals,
        triangles=np.arange(3 * count).reshape(-1, 3),
        bone_names=track.names,
        bones=np.array([random.permutation(len(track.names))[:columns] for _ in range(3 * count)]),
        weights=weights,
        uvs=random.uniform(size=(3 * count, 2)),
        materials=(SurfaceMaterial("skin"), SurfaceMaterial("cloth", specular=0.4, emission=(2.0, 0.0, 1.0))),
        triangle_materials=np.arange(count) % 2,
    )


@pytest.mark.parametrize("between", [False, True])
def test_walking_arrives_whole(tmp_path: Path, walking: PoseTrack, between: bool) -> None:
    glb = Glb(write_glb(tmp_path / "a.glb", walking).path)
    distance, angle = errors(glb, walking, between=between)
    assert distance < 0.005
    assert angle < 0.001


@pytest.mark.parametrize("between", [False, True])
def test_real_capture_arrives_whole(tmp_path: Path, capture: Path, between: bool) -> None:
    model = read_model(capture / "model.osim")
    track = pose_track(model, read_motion(capture / "motion.mot", model))
    distance, angle = errors(Glb(write_glb(tmp_path / "a.glb", track).path), track, between=between)
    assert distance < 0.005
    assert angle < 0.001


def test_time_begins_at_zero_and_lasts_as_long(tmp_path: Path, walking: PoseTrack) -> None:
    late = replace(walking, time=walking.time + 100.0)
    glb = Glb(write_glb(tmp_path / "a.glb", late).path)
    take = glb.json["animations"][0]
    seconds = glb.accessor(take["samplers"][0]["input"])
    assert seconds[0] == 0.0
    assert len(seconds) == len(walking.time)
    assert np.abs(seconds - (walking.time - walking.time[0])).max() < 1e-6
    assert take["extras"]["duration_s"] == pytest.approx(walking.time[-1] - walking.time[0], abs=1e-12)
    assert take["extras"]["start_time_s"] == late.time[0]


def test_only_what_moves_has_channels(tmp_path: Path, walking: PoseTrack) -> None:
    glb = Glb(write_glb(tmp_path / "a.glb", walking).path)
    paths = {
        (glb.nodes[c["target"]["node"]]["name"], c["target"]["path"]) for c in glb.json["animations"][0]["channels"]
    }
    sliding = {name for name, path in paths if path == "translation"}
    assert sliding == {"pelvis", "tibia_l", "tibia_r", "patella_l", "patella_r"}
    assert ("sacrum", "rotation") not in paths  # welded to the pelvis
    assert ("lumbar3", "rotation") in paths


def test_several_takes_share_skeleton_and_times(tmp_path: Path, model: Any, walking: PoseTrack) -> None:
    names = ("walking", "trunk_flexion", "axial_rotation")
    takes = {name: pose_track(model, read_motion(sample_motion_path(name), model)) for name in names}
    report = write_glb(tmp_path / "a.glb", walking, takes=takes)
    glb = Glb(report.path)
    assert [take["name"] for take in glb.json["animations"]] == list(names)
    assert report.takes == {name: len(take.time) for name, take in takes.items()}
    inputs = [{sampler["input"] for sampler in take["samplers"]} for take in glb.json["animations"]]
    assert len(inputs[0]) == 1
    assert inputs[1] == inputs[2] != inputs[0]
    for number, name in enumerate(names):
        distance, angle = errors(glb, takes[name], number)
        assert distance < 0.005
        assert angle < 0.001


def test_rest_pose_stands_in_the_nodes(tmp_path: Path, walking: PoseTrack) -> None:
    glb = Glb(write_glb(tmp_path / "a.glb", walking).path)
    places, _ = glb.globals(None, np.zeros(1))
    found = np.array([places[glb.places[name], 0] for name in walking.names])
    assert np.abs(found - walking.rest_joint_centres).max() < 1e-6


def test_inverse_bind_matrices_undo_the_rest_pose(tmp_path: Path, walking: PoseTrack) -> None:
    glb = Glb(write_glb(tmp_path / "a.glb", walking).path)
    skin = glb.json["skins"][0]
    places, turns = glb.globals(None, np.zeros(1))
    for joint, inverse in zip(skin["joints"], glb.accessor(skin["inverseBindMatrices"]), strict=True):
        bind = np.eye(4)
        bind[:3, :3], bind[:3, 3] = turns[joint].as_matrix()[0], places[joint, 0]
        assert np.abs(bind @ inverse.T - np.eye(4)).max() < 2e-6
        assert inverse[:, 3].tolist() == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("columns", [2, 4])
def test_skin_follows_the_bones(tmp_path: Path, walking: PoseTrack, columns: int) -> None:
    """Linear blending as glTF's skins do it, against the bodies' own motions of each vertex."""
    mesh = tiles(walking, columns)
    glb = Glb(write_glb(tmp_path / "a.glb", walking, meshes=[mesh]).path)
    node = glb.nodes[glb.places["tiles"]]
    attributes = glb.json["meshes"][node["mesh"]]["primitives"][0]["attributes"]
    positions = glb.accessor(attributes["POSITION"]).astype(float)
    joints, weights = glb.accessor(attributes["JOINTS_0"]), glb.accessor(attributes["WEIGHTS_0"])
    skin = glb.json["skins"][node["skin"]]
    inverse = np.swapaxes(glb.accessor(skin["inverseBindMatrices"]), 1, 2)
    frame = 77
    places, turns = glb.globals(0, walking.time[[frame]] - walking.time[0])
    matrices = np.array([np.eye(4)] * len(skin["joints"]))
    for place, joint in enumerate(skin["joints"]):
        matrices[place, :3, :3], matrices[place, :3, 3] = turns[joint].as_matrix()[0], places[joint, 0]
    matrices = matrices @ inverse
    moved = np.einsum("vk,vkij,vj->vi", weights, matrices[joints][..., :3, :3], positions)
    moved += np.einsum("vk,vki->vi", weights, matrices[joints][..., :3, 3])
    turn = np.einsum("bij,bkj->bik", walking.rotations[frame], walking.rest_rotations)
    shift = walking.positions[frame] - np.einsum("bij,bj->bi", turn, walking.rest_positions)
    share = mesh.weights / mesh.weights.sum(axis=1, keepdims=True)
    each = np.einsum("vkij,vj->vki", turn[mesh.bones], mesh.positions) + shift[mesh.bones]
    assert np.abs(moved - np.einsum("vk,vki->vi", share, each)).max() < 2e-5
    assert np.abs(weights.sum(axis=1) - 1.0).max() < 2e-7
    assert not np.any(joints[weights == 0.0])


def test_more_bones_than_fit_are_cut_and_told(tmp_path: Path, walking: PoseTrack) -> None:
    mesh = replace(tiles(walking, 7), weights=np.tile([0.4, 0.3, 0.1, 0.08, 0.06, 0.04, 0.02], (120, 1)))
    report = write_glb(tmp_path / "a.glb", walking, meshes=[mesh])
    assert "120 vertices" in report.warnings[0]
    assert "12.0%" in report.warnings[0]
    wide = write_glb(tmp_path / "b.glb", walking, meshes=[mesh], influences=8)
    attributes = Glb(wide.path).json["meshes"][0]["primitives"][0]["attributes"]
    assert wide.warnings == ()
    assert {"JOINTS_0", "JOINTS_1", "WEIGHTS_0", "WEIGHTS_1"} <= set(attributes)


def test_loose_vertices_follow_the_root_and_are_told(tmp_path: Path, walking: PoseTrack) -> None:
    mesh = tiles(walking)
    mesh.weights[5] = 0.0
    report = write_glb(tmp_path / "a.glb", walking, meshes=[mesh])
    glb = Glb(report.path)
    attributes = glb.json["meshes"][0]["primitives"][0]["attributes"]
    assert glb.accessor(attributes["WEIGHTS_0"])[5].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert "1 vertices" in report.warnings[0]


def test_surfaces_and_pictures(tmp_path: Path, walking: PoseTrack) -> None:
    png = Texture("skin", b"\x89PNG\r\n\x1a\n" + bytes(33))
    jpeg = Texture("relief", b"\xff\xd8\xff\xe0" + bytes(21))
    surface = SurfaceMaterial(
        "skin",
        base_color=(1.0, 0.5, 0.25, 0.5),
        alpha_mode="BLEND",
        double_sided=False,
        base_color_texture=png,
        normal_texture=jpeg,
        normal_strength=0.5,
        emission_texture=png,
    )
    mesh = replace(tiles(walking), materials=(surface, SurfaceMaterial("plain", specular=0.7)))
    glb = Glb(write_glb(tmp_path / "a.glb", walking, meshes=[mesh]).path)
    skin, plain = glb.json["materials"]
    assert skin["pbrMetallicRoughness"]["baseColorFactor"] == [1.0, 0.5, 0.25, 0.5]
    assert skin["alphaMode"] == "BLEND"
    assert "doubleSided" not in skin
    assert skin["normalTexture"]["scale"] == 0.5
    assert plain["extensions"]["KHR_materials_specular"]["specularFactor"] == 0.7
    assert glb.json["extensionsUsed"] == ["KHR_materials_specular"]
    assert [image["mimeType"] for image in glb.json["images"]] == ["image/png", "image/jpeg"]
    assert skin["emissiveTexture"]["index"] == skin["pbrMetallicRoughness"]["baseColorTexture"]["index"]
    view = glb.json["bufferViews"][glb.json["images"][1]["bufferView"]]
    assert glb.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]] == jpeg.data


def test_materials_split_the_triangles(tmp_path: Path, walking: PoseTrack) -> None:
    mesh = tiles(walking)
    glb = Glb(write_glb(tmp_path / "a.glb", walking, meshes=[mesh]).path)
    primitives = glb.json["meshes"][0]["primitives"]
    assert [glb.json["materials"][each["material"]]["name"] for each in primitives] == ["skin", "cloth"]
    odd = glb.accessor(primitives[1]["indices"]).reshape(-1, 3)
    assert np.array_equal(odd, mesh.triangles[1::2])
    uv = glb.accessor(primitives[0]["attributes"]["TEXCOORD_0"])
    assert np.allclose(uv, np.column_stack([mesh.uvs[:, 0], 1.0 - mesh.uvs[:, 1]]))
    assert np.allclose(np.linalg.norm(glb.accessor(primitives[0]["attributes"]["NORMAL"]), axis=1), 1.0, atol=1e-6)


def test_keypoints_move_as_forward_kinematics_says(tmp_path: Path, model: Any, walking: PoseTrack) -> None:
    keypoints = model_keypoints(model)
    path = write_glb(tmp_path / "a.glb", walking, keypoints=keypoints, keypoint_nodes=True).path
    glb = Glb(path)
    places, turns = glb.globals(0, walking.time - walking.time[0])
    wanted = keypoint_positions(model, walking)
    assert len(keypoints) >= 30
    for keypoint in keypoints:
        truth = wanted[:, KEYPOINT_NAMES.index(keypoint.name)]
        assert np.abs(places[glb.places[keypoint.name]] - truth).max() < 1e-5
        bone = glb.places[keypoint.body]
        place = glb.nodes[bone]["extras"]["simspine_keypoints"][keypoint.name]
        assert np.abs(places[bone] + turns[bone].apply(place) - truth).max() < 1e-5


def test_several_bodies_on_ground_hang_on_one_root(tmp_path: Path, walking: PoseTrack) -> None:
    parents = walking.parents.copy()
    parents[walking.names.index("femur_l")] = -1
    track = replace(walking, parents=parents)
    report = write_glb(tmp_path / "a.glb", track)
    glb = Glb(report.path)
    assert glb.json["scenes"][0]["nodes"] == [glb.places["root"]]
    assert report.root == "root"
    assert errors(glb, track)[0] < 0.005


def test_turned_about_the_vertical(tmp_path: Path, walking: PoseTrack) -> None:
    """With -90 degrees what faced X faces Z, mesh and all."""
    mesh = tiles(walking)
    glb = Glb(write_glb(tmp_path / "a.glb", walking, meshes=[mesh], turn_deg=-90.0).path)
    places, _ = glb.globals(0, walking.time - walking.time[0])
    x, y, z = walking.joint_centres[:, walking.names.index("head")].T
    assert np.abs(places[glb.places["head"]] - np.column_stack([-z, y, x])).max() < 1e-5
    stored = glb.accessor(glb.json["meshes"][0]["primitives"][0]["attributes"]["POSITION"])
    x, y, z = mesh.positions.T
    assert np.abs(stored - np.column_stack([-z, y, x])).max() < 1e-6


def test_resampled_to_another_rate(tmp_path: Path, walking: PoseTrack) -> None:
    report = write_glb(tmp_path / "a.glb", walking, fps=30.0)
    glb = Glb(report.path)
    seconds = glb.accessor(glb.json["animations"][0]["samplers"][0]["input"])
    assert np.abs(np.diff(seconds) - 1 / 30).max() < 1e-6
    wanted = resample_at(walking, np.minimum(walking.time[0] + seconds.astype(float), walking.time[-1]))
    places, _ = glb.globals(0, seconds.astype(float))
    head = walking.names.index("head")
    assert np.abs(places[glb.places["head"]] - wanted.joint_centres[:, head]).max() < 1e-5


def test_one_frame(tmp_path: Path, walking: PoseTrack) -> None:
    track = part(walking, 1)
    glb = Glb(write_glb(tmp_path / "a.glb", track).path)
    assert errors(glb, track)[0] < 0.005


def test_no_frames_give_the_rest_pose_and_a_warning(tmp_path: Path, walking: PoseTrack) -> None:
    report = write_glb(tmp_path / "a.glb", part(walking, 0))
    assert "animations" not in Glb(report.path).json
    assert "no frames" in report.warnings[0]


def test_long_motions_keep_signs_over_blocks(tmp_path: Path) -> None:
    """A spin over many blocks: `errors` asks neighbours to lie on one side, and Slerp to end where they should."""
    time = np.arange(5000) / 100.0
    turns = Rotation.from_euler("y", 2.5 * time[:, None]).as_matrix()[:, None]
    one = np.zeros((1, 3))
    track = PoseTrack(time, ("top",), np.array([-1]), np.zeros((5000, 1, 3)), turns, one, one, np.eye(3)[None])
    assert errors(Glb(write_glb(tmp_path / "a.glb", track).path), track, between=True)[1] < 0.001


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, walking: PoseTrack) -> None:
    one, other = (
        write_glb(tmp_path / name, walking, meshes=[tiles(walking)]).path.read_bytes() for name in ("a.glb", "b.glb")
    )
    assert one == other


def test_names_of_any_language_are_kept(tmp_path: Path, walking: PoseTrack) -> None:
    track = replace(walking, names=("Hüfte links/oben", *walking.names[1:]))
    assert Glb(write_glb(tmp_path / "ä b.glb", track).path).nodes[0]["name"] == "Hüfte links/oben"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bone_names": ("tail",) * 30}, "'tail'"),
        ({"weights": np.full((120, 3), -1.0)}, "negative"),
        ({"positions": np.full((120, 3), np.nan)}, "finite"),
        ({"triangles": np.array([[0, 1, 120]]), "triangle_materials": None}, "vertex"),
        ({"bones": np.full((120, 3), 99)}, "bone"),
        ({"normals": np.zeros((7, 3))}, "fit"),
        ({"triangle_materials": np.full(40, 5)}, "material"),
        (
            {"materials": (SurfaceMaterial("a", base_color_texture=Texture("b", b"GIF89a")),) * 2},
            "neither PNG nor JPEG",
        ),
    ],
)
def test_meshes_that_cannot_be_used_are_refused(
    tmp_path: Path, walking: PoseTrack, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        write_glb(tmp_path / "a.glb", walking, meshes=[replace(tiles(walking), **change)])
    assert "\n" not in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_takes_and_keypoints_of_another_skeleton_are_refused(tmp_path: Path, walking: PoseTrack) -> None:
    other = replace(walking, names=("basin", *walking.names[1:]))
    with pytest.raises(InputError, match="another skeleton"):
        write_glb(tmp_path / "a.glb", walking, takes={"b": other})
    longer = replace(walking, centres=walking.centres + 0.1)
    with pytest.raises(InputError, match="other lengths"):
        write_glb(tmp_path / "a.glb", walking, takes={"b": longer})
    with pytest.raises(InputError, match="'tail'"):
        write_glb(tmp_path / "a.glb", walking, keypoints=[Keypoint("Tip", "tail", np.zeros(3))])
    with pytest.raises(InputError, match="do not increase"):
        write_glb(tmp_path / "a.glb", replace(walking, time=walking.time[::-1]))
    assert not list(tmp_path.iterdir())
