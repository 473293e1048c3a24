"""What renders here: this Python, another Blender, or neither; what is said where a device does not render."""

from __future__ import annotations

import importlib.util
import json
import os

import pytest
from simspine.headless import render_engine
from simspine.headless.render_command import main
from simspine.headless.render_engine import Renderer, find_renderer, renderer_of_answer
from simspine.simspine_addon.model.errors import InputError

on_posix = pytest.mark.skipif(os.name == "nt", reason="stands in for Blender by a shell script")


def test_this_python_says_what_it_renders_on(capsys):
    bpy = pytest.importorskip("bpy")
    assert main(["engine", "--device", "cpu", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["blender"], told["device"], told["boards"]) == (bpy.app.version_string, "CPU", [])


@on_posix
def test_another_blender_is_asked_by_starting_it(blender, capsys):
    assert main(["engine", "--blender", str(blender(("first", "second")))]) == 0
    assert "renders on CPU (first, second) (not CUDA: no driver)" in capsys.readouterr().out


@on_posix
def test_without_bpy_the_blender_on_the_path_is_asked(blender, monkeypatch):
    program = blender(("one",))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    assert find_renderer("auto").boards == ("one",)
    assert find_renderer("auto").program == program


def test_without_any_blender_one_line_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(render_engine, "chosen_program", lambda blender: tmp_path / "blender")
    assert main(["engine"]) == 2
    error = capsys.readouterr().err
    assert "pip install bpy" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((2, "", "Blender 5\nsimspine: no OPTIX device renders here\n"), "no OPTIX device renders here"),
        ((0, "Blender 2.7\n", ""), "does not say what it renders on"),
        ((1, "", "Traceback\nModuleNotFoundError: numpy"), "ModuleNotFoundError: numpy"),
    ],
)
def test_a_blender_that_does_not_answer_is_one_line(answer, says, tmp_path):
    with pytest.raises(InputError, match=says):
        renderer_of_answer(answer, tmp_path)


def test_devices_that_were_refused_for_one_reason_are_named_together():
    renderer = Renderer("5.2", "CPU", True, refused=("OPTIX: no driver", "CUDA: no driver", "METAL: not built in"))
    assert str(renderer) == "CPU (not OPTIX, CUDA: no driver; not METAL: not built in)"
