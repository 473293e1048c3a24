"""The report page of `simspine stats`: one HTML file with tables and inline pictures that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from ..simspine_addon.spine import published
from .stats_analysis import TrialResult
from .stats_tables import Row

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #2b2b2b; background: #fff;
  max-width: 62rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; font-weight: 600; }
h2 { font-size: 1.1rem; margin: 2.4rem 0 .4rem; font-weight: 600; border-bottom: 1px solid #ddd;
  padding-bottom: .25rem; }
p, ul { margin: .4rem 0; max-width: 46rem; } ul { padding-left: 1.2rem; }
.lead { color: #666; } .small { color: #666; font-size: .85rem; }
figure { margin: 1rem 0; } figure svg { width: 100%; height: auto; } figcaption { color: #666; font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .86rem; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: #555; border-bottom: 1.5px solid #bbb; vertical-align: bottom; }
th, td { padding: .22rem .8rem .22rem 0; } td { border-bottom: 1px solid #eee; }
td.n, th.n { text-align: right; } tr.start td { border-top: 1.5px solid #999; }
.yes { color: #2d7d46; } .no { color: #b23b2a; font-weight: 600; }
details { margin: .6rem 0; } summary { cursor: pointer; color: #1f5fa8; }
"""

_COLUMNS = {
    "subject": "subject", "action": "action", "what": "what", "measured": "measured", "published": "published",
    "inside": "inside", "over": "above the highest published", "measure": "measure", "mean": "mean", "deviation": "SD",
    "low": "lowest", "high": "highest", "upright": "upright", "trials": "trials", "LLA": "LLA", "LLA_deviation": "SD",
    "TKA": "TKA", "TKA_deviation": "SD", "paper_LLA": "LLA, paper", "paper_TKA": "TKA, paper", "level": "level",
    "movement": "movement", "range": "range", "white_panjabi_1978": "W&P 1978 [?]",
    "white_panjabi_1990": "W&P 1990 [?]", "limits": "limits [?]", "verdict": "", "trunk": "trunk, deg",
    "lumbar_share": "lumbar share", "ratio_0-30": "0-30", "ratio_30-60": "30-60", "ratio_60-90": "60-90",
    "frames": "frames", "usable": "usable", "found": "found or done", "count": "frames concerned", "where": "where",
    "lordosis_mean": "lordosis", "lordosis_deviation": "SD", "lordosis_low": "lowest", "lordosis_high": "highest",
    "kyphosis_mean": "kyphosis", "kyphosis_deviation": "SD", "kyphosis_low": "lowest", "kyphosis_high": "highest",
}  # fmt: skip


def page(
    results: Sequence[TrialResult], tables: Mapping[str, list[Row]], figures: Mapping[str, str], notes: Sequence[str]
) -> str:
    """The whole page as text."""
    subjects = len({result.trial.subject for result in results})
    frames = sum(len(result.time) for result in results)
    parts = [
        "<h1>Curvature and range of motion of the spine</h1>",
        f'<p class="lead">{_count(len(results), "motion")} of {_count(subjects, "subject")}, '
        f"{_count(frames, 'frame')}. Angles are degrees.</p>",
        _checks(tables["checks"]),
        _section("How to read this", _notes(notes)),
        _section("Curvature", _curvature(tables, figures)),
        _section("Range of motion of the lumbar levels", _ranges(tables, figures)),
        _section("Lumbopelvic rhythm", _rhythm(tables["rhythm"])) if tables["rhythm"] else "",
        _section("Over time", _figure(figures, "time_courses", "")) if "time_courses" in figures else "",
        _section("Quality control", _quality(tables["quality"])),
        _section("Sources", _sources()),
    ]
    title = "Spine statistics"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>\n'
        f"<body>\n{''.join(parts)}\n</body></html>\n"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{body}"


def _figure(figures: Mapping[str, str], name: str, caption: str) -> str:
    if name not in figures:
        return ""
    text = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    # Ids inside one SVG would meet those of the next on the same page.
    drawing = figures[name].replace('id="', f'id="{name}-').replace("url(#", f"url(#{name}-")
    drawing = drawing.replace('href="#', f'href="#{name}-')
    return f"<figure>{drawing}{text}</figure>"


def table(rows: Sequence[Row], columns: Sequence[str], group: str | None = None) -> str:
    """Rows as an HTML table; numbers to the right; a line above each new value of the column `group`."""
    numeric = {name for name in columns if any(_is_number(row.get(name)) for row in rows)}
    head = "".join(
        f"<th{' class=n' if name in numeric else ''}>{escape(_COLUMNS.get(name, name))}</th>" for name in columns
    )
    lines, before = [], None
    for row in rows:
        start = group is not None and before is not None and row.get(group) != before
        before = row.get(group) if group else None
        cells = "".join(
            f"<td{' class=n' if name in numeric else ''}>{_cell(name, row.get(name))}</td>" for name in columns
        )
        lines.append(f"<tr{' class=start' if start else ''}>{cells}</tr>")
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return '<span class="yes">yes</span>' if value else '<span class="no">no</span>'
    if isinstance(value, float):
        return f"{value:.2f}" if name.startswith(("ratio", "lumbar_share")) else f"{round(value, 1) + 0.0:.1f}"
    return escape(str(value).replace("_", " ") if name == "action" else str(value))


def _checks(rows: list[Row]) -> str:
    outside = [row for row in rows if not row["inside"]]
    if not rows:
        return "<p>Nothing here can be set beside published ranges.</p>"
    text = f"{len(rows) - len(outside)} of {len(rows)} comparisons lie inside the published ranges."
    if not outside:
        return f'<p><strong class="yes">{text}</strong></p>'
    columns = ["subject", "action", "what", "measured", "over", "published"]
    if not any(row.get("over") for row in outside):
        columns.remove("over")
    return f"<p><strong>{text}</strong> These do not:</p>{table(outside, columns, 'subject')}"


def _notes(notes: Sequence[str]) -> str:
    fixed = [
        "LLA is the sagittal Cobb angle between the upper endplates of S1 and L1, TKA that between the lower endplate "
        "of T12 and the upper of T3; coronal angles are positive when the upper end leans to the right.",
        "Upright is the median over frames whose trunk leans by less than 10 deg: what standing figures compare with.",
        "[?] marks figures that are commonly reproduced and were not checked against the original publication.",
        "Where the thorax is one body, all turning of the trunk falls to the lumbar joints, so that their axial "
        "rotation is larger than that of people, who turn mostly above T12.",
    ]
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in (*fixed, *notes)) + "</ul>"


def _curvature(tables: Mapping[str, list[Row]], figures: Mapping[str, str]) -> str:
    caption = (
        "Dot: mean over frames; thick line: one standard deviation; thin line: lowest to highest. Shaded: published "
        "mean ± one standard deviation."
    )
    columns = ["subject", "action", "measure", "mean", "deviation", "low", "high", "upright"]
    full = table(tables["curvature"], columns, "action")
    groups = ["trials", "LLA", "LLA_deviation", "TKA", "TKA_deviation"]
    paper = ["paper_LLA", "paper_TKA"] if any(row["paper_LLA"] for row in tables["curvature_by_action"]) else []
    by_action = table(tables["curvature_by_action"], ["action", *groups, *paper])
    by_subject = table(tables["curvature_by_subject"], ["subject", *groups])
    text = _figure(figures, "curvature", caption) + by_action + by_subject
    text += f"<details><summary>Every motion and measure</summary>{full}</details>"
    if tables["keypoint_curvature"]:
        kinds = [f"{n}_{k}" for n in ("lordosis", "kyphosis") for k in ("mean", "deviation", "low", "high")]
        line = table(tables["keypoint_curvature"], ["subject", "action", *kinds])
        words = (
            "Turns of the line through Hip, Spine_01 to Spine_05 and Neck, for data without a model. It follows the "
            "skin and is not a Cobb angle."
        )
        text += f"<details><summary>The same from keypoints</summary><p>{words}</p>{line}</details>"
    return text


def _ranges(tables: Mapping[str, list[Row]], figures: Mapping[str, str]) -> str:
    caption = (
        "Bars: the largest over all motions of the subject. Shaded, with a line at the mean: White & Panjabi 1990 [?]; "
        "crosses: 1978 [?]. A motion that does not use a range stays below it."
    )
    columns = ["subject", "level", "movement", "low", "high", "measure"]
    columns += ["white_panjabi_1978", "white_panjabi_1990", "limits", "verdict"]
    full = ["subject", "action", *columns[1:]]
    return (
        _figure(figures, "range_of_motion", caption)
        + table(_with_limits(tables["rom_by_subject"]), columns, "movement")
        + f"<details><summary>By action</summary>{table(_with_limits(tables['rom']), full, 'movement')}</details>"
    )


def _with_limits(rows: list[Row]) -> list[Row]:
    shown = []
    for row in rows:
        known = row["published_low"] is not None
        limits = f"{row['published_low']:g} to {row['published_high']:g}" if known else ""
        shown.append({**row, "limits": limits, "verdict": "above" if row["exceeds"] else ""})
    return shown


def _rhythm(rows: list[Row]) -> str:
    words = (
        "Lumbar share: how much of the trunk's forward lean at the deepest bend comes from the lumbar spine. The last "
        "columns give lumbar over pelvic change while the trunk passes each third of 90 deg on the way down; on "
        "planted feet the pelvis leans as the hips flex. Forward bending of 41 adults: 0.37 in all "
        "(41.6 of 111 deg), ratios 1.9, 0.9 and 0.4 [?] (Esola et al. 1996)."
    )
    columns = ["subject", "action", "trunk", "lumbar_share", *(f"ratio_{name}" for name in published.RHYTHM)]
    return f"<p>{words}</p>{table(rows, columns)}"


def _quality(rows: list[Row]) -> str:
    words = (
        "Every frame carries a flag word in frames/*.csv. Frames that are not usable are left out of the figures above."
    )
    return (
        f"<p>{words}</p>{table(rows, ['subject', 'action', 'frames', 'usable', 'found', 'count', 'where'], 'subject')}"
    )


def _sources() -> str:
    figures = {
        "Lordosis L1-S1": published.LORDOSIS,
        "Lordosis L4-S1": published.LOWER_LORDOSIS,
        "Kyphosis T3-T12": published.KYPHOSIS,
    }
    lines = [f"{what}: {figure.text}, {figure.source}" for what, many in figures.items() for figure in many]
    segments = ", ".join(f"{level} {angle:g}" for level, angle in published.SEGMENTAL_LORDOSIS_DEG.items())
    lines += [
        f"Segmental lordosis: {segments}; {published.STANDING_324}",
        "Flexion in vivo: about 14 a level (Pearcy 1984); L2-L3 10.7 ± 4.6, L3-L4 10.0 ± 4.8, L4-L5 8.2 ± 5.3, "
        f"L5-S1 6.8 ± 6.3 ({published.BMC})",
        f"Range of motion of the levels: {published.WHITE_PANJABI_1978}; {published.WHITE_PANJABI_1990}",
    ]
    return '<ul class="small">' + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"
