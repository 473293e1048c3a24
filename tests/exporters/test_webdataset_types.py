"""The types that are announced of a WebDataset's samples are those that they have."""

import json
import tarfile
from dataclasses import replace

import numpy as np
from simspine.exporters.webdataset_tar import write_webdataset
from simspine.exporters.webdataset_types import SAMPLE, sample_features

KINDS = {"string": str, "int64": int, "float64": float}


def misfits(value, kind, place):
    """Where `value` is not of its kind; null fits everywhere."""
    if value is None:
        return []
    if isinstance(kind, str):
        return [] if type(value) is KINDS[kind] else [place]
    if isinstance(kind, list):
        return [each for item in value for each in misfits(item, kind[0], f"{place}[]")]
    unknown = [f"{place}.{name} is not announced" for name in value if name not in kind]
    return unknown + [each for name, item in value.items() for each in misfits(item, kind.get(name), f"{place}.{name}")]


def names_in(described):
    """Names of all fields of a description in the YAML of a card."""
    inner = described.get("struct") or described.get("list") or []
    if isinstance(inner, dict):
        return names_in(inner)
    fields = [] if isinstance(inner, str) else inner
    return [name for field in fields for name in (field["name"], *names_in(field))]


def samples(folder):
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar.getmembers():
                if member.name.endswith(".json"):
                    yield json.load(tar.extractfile(member))


def test_samples_with_everything_and_with_least_have_the_types_that_are_announced(sample_recording, tmp_path):
    full = sample_recording("full", people=2)
    person = full.people[0]
    masks = tuple(tuple("0" for _ in range(5)) for _ in range(4))
    person = replace(person, masks=masks, points_world_model=person.points_world + 0.01)
    least = replace(full.people[1], occlusion=None, anatomy=None, points_2d=np.full_like(person.points_2d, np.nan))
    bare = sample_recording("bare")
    write_webdataset(tmp_path, [replace(full, people=(person, least)), bare], tmp_path)
    everything = list(samples(tmp_path))
    assert len(everything) == 40
    assert [each for sample in everything for each in misfits(sample, SAMPLE, "sample")] == []
    announced = set(names_in(sample_features("png")[1]))
    assert announced == {*SAMPLE, *SAMPLE["camera"], *SAMPLE["people"][0], "counts"}
    assert set(everything[0]["people"][0]) == set(SAMPLE["people"][0])


def test_axes_have_their_names_beside_them(sample_recording, tmp_path):
    recording = sample_recording()
    write_webdataset(tmp_path, [recording], tmp_path)
    anatomy = recording.people[0].anatomy
    person = next(samples(tmp_path))["people"][0]
    assert tuple(person["axis_names"]) == anatomy.axis_names
    assert person["axes"] == anatomy.axes[0].tolist()
    assert tuple(person["vertebra_names"]) == anatomy.vertebra_names
    np.testing.assert_array_equal(person["vertebra_rotations"], anatomy.vertebra_rotations[0])
