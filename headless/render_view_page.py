"""One HTML file from what it shows and the parts of the page in `view_assets`."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from .render_view_data import ViewerData

ASSET_FOLDER = Path(__file__).resolve().parent / "view_assets"
SCRIPTS = ("data.js", "overlay.js", "space.js", "plot.js", "tables.js", "page.js", "selftest.js")


def page(data: ViewerData) -> str:
    """The whole page as text; it loads nothing, and its own rules forbid it to."""
    scripts = "\n".join(_asset(name) for name in SCRIPTS)
    parts = {
        "title": escape(str(data.document["title"])),
        "style": _asset("page.css"),
        "document": _json(data.document),
        "images": _json(list(data.images)),
        "script": f'"use strict";\n(() => {{\n{scripts}\n}})();',
    }
    text = _asset("page.html")
    before, *rest = text.split("{{")
    filled = [before]
    for piece in rest:
        name, _, after = piece.partition("}}")
        filled += [parts[name], after]
    return "".join(filled)


def _asset(name: str) -> str:
    return (ASSET_FOLDER / name).read_text(encoding="utf-8").rstrip("\n")


def _json(value: object) -> str:
    """JSON that cannot end the element that it stands in."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")
