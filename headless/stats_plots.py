"""The pictures of `simspine stats`, as SVG: curvature by action, range of motion by level, and time courses."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..simspine_addon.model.errors import InputError
from ..simspine_addon.spine import published
from ..simspine_addon.spine.rom import joined
from .stats_analysis import TrialResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURED, PUBLISHED, PAPER, INK = "#1f5fa8", "#e9e2d2", "#b5651d", "#333333"
SUBJECT_COLOURS = ("#1f5fa8", "#3a8f5c", "#8a4f9e", "#c2503f", "#5c6670", "#2b9aa0")
_LEAST_SPAN_DEG = 30.0  # so that a constant angle does not fill its panel with nothing
_STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "simspine",  # the same input gives the same file
    "font.family": "sans-serif",
}
_TITLES = {
    "flexion-extension": "flexion to extension, whole range",
    "bending": "bending, larger side",
    "rotation": "axial rotation, larger side",
}


def require_matplotlib() -> None:
    """Refuse early where there is nothing to draw with.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise InputError(
            "plots need matplotlib, which is not installed", hint="install it, or pass --no-plots"
        ) from error


def figures(results: Sequence[TrialResult]) -> dict[str, str]:
    """Name -> SVG text of every figure that the results have something for.

    Raises:
        InputError: matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        drawn = {"curvature": _curvature(results), "range_of_motion": _range_of_motion(results)}
        drawn["time_courses"] = _time_courses(results)
        return {name: _svg(figure) for name, figure in drawn.items() if figure is not None}


def _figure(width: float, height: float, rows: int, columns: int, **options: Any) -> tuple[Figure, Any]:
    # Not pyplot: nothing global, no window system.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return re.sub(r"^.*?(?=<svg )", "", text, count=1, flags=re.DOTALL)


def _curvature(results: Sequence[TrialResult]) -> Figure | None:
    """LLA and TKA of every trial: mean, one deviation, and the whole range, over the published bands."""
    panels = [
        ("lordosis", "lumbar lordosis L1-S1 (LLA), deg", published.LORDOSIS),
        ("kyphosis", "thoracic kyphosis T3-T12 (TKA), deg", published.KYPHOSIS),
    ]
    panels = [panel for panel in panels if any(len(result.degrees(panel[0])) for result in results)]
    if not panels:
        return None
    figure, axes = _figure(9.0, 1.7 + 0.32 * len(results), 1, len(panels), sharey=True)
    labels, colours = _labels(results), _colours(results)
    for axis, (name, title, bands) in zip(axes[0], panels, strict=True):
        for band, colour in zip(bands, (PUBLISHED if len(bands) > 1 else "#f0dcc6", "#f0dcc6"), strict=False):
            low, high = band.mean - (band.deviation or 0), band.mean + (band.deviation or 0)
            axis.axvspan(low, high, color=colour, lw=0, zorder=0, label=f"{band.text}  {band.source}")
            axis.axvline(band.mean, color=PAPER if band.source.startswith("SIM") else "#9a8f78", lw=0.8, zorder=1)
        for place, result in enumerate(results):
            values = result.degrees(name)
            if not len(values):
                continue
            colour = colours[result.trial.subject]
            axis.plot([values.min(), values.max()], [place, place], color=colour, lw=1.0, zorder=3)
            mean, spread = values.mean(), values.std()
            axis.plot([mean - spread, mean + spread], [place, place], color=colour, lw=4.5, alpha=0.45, zorder=4)
            axis.plot(mean, place, "o", color=colour, ms=5.5, zorder=5)
            paper = published.PAPER_ACTIONS.get(result.trial.action)
            if paper:
                axis.plot(paper[name == "kyphosis"], place, "D", color=PAPER, ms=4, zorder=6)
        low, high = axis.get_xlim()
        wider = max(0.0, _LEAST_SPAN_DEG - (high - low)) / 2
        axis.set_xlim(low - wider, high + wider)
        axis.set_xlabel(title)
        axis.set_yticks(range(len(results)), labels)
        axis.set_ylim(len(results) - 0.4, -0.6)
        axis.tick_params(axis="y", length=0)
        axis.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), frameon=False, fontsize=7.5, handlelength=1.2)
    return figure


def _labels(results: Sequence[TrialResult]) -> list[str]:
    several = len({result.trial.subject for result in results}) > 1
    names = [result.trial.action.replace("_", " ") for result in results]
    return [f"{r.trial.subject}  {name}" if several else name for r, name in zip(results, names, strict=True)]


def _colours(results: Sequence[TrialResult]) -> dict[str, str]:
    subjects = dict.fromkeys(result.trial.subject for result in results)
    return {name: SUBJECT_COLOURS[index % len(SUBJECT_COLOURS)] for index, name in enumerate(subjects)}


def _range_of_motion(results: Sequence[TrialResult]) -> Figure | None:
    """What the levels did over all trials of a subject, beside White & Panjabi."""
    subjects = list(dict.fromkeys(result.trial.subject for result in results))
    tables = {
        subject: joined([result.ranges for result in results if result.trial.subject == subject])
        for subject in subjects
    }
    if not any(cell.level in published.LEVELS for cells in tables.values() for cell in cells):
        return None
    figure, axes = _figure(9.0, 3.3, 1, 3)
    places, colours = np.arange(len(published.LEVELS)), _colours(results)
    for axis, movement in zip(axes[0], published.MOVEMENTS, strict=True):
        newer, older = published.ROM_1990[movement], published.ROM_1978[movement]
        spans = [newer[level].range or (0.0, 0.0) for level in published.LEVELS]
        heights = [high - low for low, high in spans]
        lows = [low for low, _ in spans]
        axis.bar(places, heights, 0.86, lows, color=PUBLISHED, zorder=1, label="White & Panjabi 1990 [?], limits")
        for place, level in zip(places, published.LEVELS, strict=True):
            axis.hlines(newer[level].mean, place - 0.43, place + 0.43, color="#9a8f78", lw=1.4, zorder=2)
        axis.plot(
            places,
            [older[level].mean for level in published.LEVELS],
            "x",
            color=PAPER,
            ms=5,
            zorder=5,
            label="1978 [?]",
        )
        width = 0.5 / len(subjects)
        for index, subject in enumerate(subjects):
            values = {c.level: np.degrees(c.published_measure) for c in tables[subject] if c.movement == movement}
            heights = [values.get(level, 0.0) for level in published.LEVELS]
            shift = (index - (len(subjects) - 1) / 2) * width
            axis.bar(places + shift, heights, width * 0.9, color=colours[subject], zorder=3, label=subject)
        axis.set_title(_TITLES[movement], fontsize=9)
        axis.set_xticks(places, published.LEVELS, rotation=45, ha="right", rotation_mode="anchor")
        axis.set_ylim(bottom=0)
    axes[0][0].set_ylabel("deg")
    handles, names = axes[0][0].get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda i: names[i] not in subjects)
    handles, names = [handles[i] for i in order], [names[i] for i in order]
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False, fontsize=8)
    return figure


def _time_courses(results: Sequence[TrialResult]) -> Figure | None:
    """LLA and trunk lean over time of each trial; refused frames are left out of the lines."""
    shown = [result for result in results if len(result.degrees("lordosis"))][:12]
    if not shown:
        return None
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure, axes = _figure(9.0, 0.5 + 1.9 * rows, rows, columns, sharey=True)
    for axis, result in zip(axes.flat, shown, strict=False):
        broken = ~result.quality.usable
        for name, values, colour in (
            ("LLA", result.curvature.lordosis, MEASURED),
            ("TKA", result.curvature.kyphosis, PAPER),
            ("lumbar coronal", result.curvature.lumbar_coronal, "#3a8f5c"),
        ):
            axis.plot(result.time, np.where(broken, np.nan, np.degrees(values)), color=colour, lw=1.3, label=name)
        if result.rhythm is not None:
            lean = np.where(broken, np.nan, np.degrees(result.rhythm.trunk))
            axis.plot(result.time, lean, color="#888888", lw=1.0, ls=(0, (3, 2)), label="trunk's forward lean")
        axis.axhline(0.0, color="#cccccc", lw=0.6, zorder=0)
        axis.set_title(_labels([result])[0], fontsize=9, loc="left")
    for axis in axes.flat[len(shown) :]:
        axis.set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("time, s")
    for axis in axes[:, 0]:
        axis.set_ylabel("deg")
    handles, names = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False, fontsize=8)
    return figure
