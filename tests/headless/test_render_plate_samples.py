"""`[render] plate_samples`: how fine the backgrounds are, and that it is kept with the data set."""

from __future__ import annotations

import tomllib
from dataclasses import replace

from simspine.headless.render_config import RenderConfig
from simspine.headless.render_config_file import config_document, config_from_document, read_config
from simspine.headless.render_stage import render_settings
from simspine.headless.shard_plan import Engine
from simspine.sample_rigs import sample_model_path, sample_motion_path


def config_with(tmp_path, line):
    path = tmp_path / "set.toml"
    inputs = f"model = '{sample_model_path()}'\nmotion = '{sample_motion_path('walking')}'"
    path.write_text(f"[render]\n{line}\n[[recordings]]\n{inputs}\n")
    return read_config(path)


def test_backgrounds_take_the_samples_that_the_file_gives_and_images_keep_theirs(tmp_path):
    config = config_with(tmp_path, "plate_samples = 64")
    plain = replace(config, render=replace(config.render, plate_samples=None))
    engine = Engine(code="", blender="5.2.0", device="CPU", denoises=True)
    assert render_settings(config, engine, 10).plate_samples == 64
    assert render_settings(config, engine, 10).samples == render_settings(plain, engine, 10).samples
    assert render_settings(plain, engine, 10).plate_samples < 64


def test_backgrounds_that_many_images_share_are_finer():
    counts = (1, 999, 1023, 1024, 2047, 2048, 500_000)
    assert [RenderConfig().background_samples(frames) for frames in counts] == [16, 16, 16, 32, 32, 64, 64]
    draft = RenderConfig(quality="draft")
    assert [draft.background_samples(frames) for frames in counts] == [8, 16, 16, 32, 32, 32, 32]
    assert RenderConfig(plate_samples=5).background_samples(100_000) == 5
    assert RenderConfig(samples=200).background_samples(10) == 200


def test_the_data_sets_folder_keeps_it(tmp_path):
    config = config_with(tmp_path, "plate_samples = 64")
    again = config_from_document(config_document(config, tmp_path), tmp_path)
    assert again.render == config.render
    assert tomllib.loads((tmp_path / "set.toml").read_text())["render"] == {"plate_samples": 64}
