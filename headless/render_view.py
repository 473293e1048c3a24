"""`simspine render view`: a rendered or annotated data set as one page that needs nothing else, and for Rerun."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from .dataset_files import LABEL_FOLDER, read_job
from .render_view_choice import Choice, choose
from .render_view_data import view_data
from .render_view_page import page

PAGE_NAME = "view.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `render view`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that render or annotate has written")
    parser.add_argument("-o", "--output", type=Path, metavar="PAGE.html", help=f"(default: DIR/{PAGE_NAME})")
    parser.add_argument("--frames", metavar="A:B:S", help="of each recording's frames, as in a Python slice")
    parser.add_argument(
        "--max-images",
        type=_count,
        metavar="N",
        help="images on the page, chosen evenly (default: as many as keep it below 20 MB)",
    )
    parser.add_argument("--rerun", type=Path, metavar="FILE.rrd", help="write a recording for the Rerun viewer as well")


def run(arguments: argparse.Namespace) -> int:
    """Write the page, and the Rerun recording if one is wanted; print where they are.

    Raises:
        InputError: the folder holds no labels, something in it cannot be read, or a library is missing.
    """
    folder: Path = arguments.folder
    if arguments.rerun is not None:
        from .render_rerun import require_rerun

        require_rerun()
    choice = choose(folder, label_files(folder), arguments.frames, arguments.max_images)
    output: Path = arguments.output or folder / PAGE_NAME
    notes = write_page(output, folder, choice)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    megabytes = output.stat().st_size / 1e6
    print(f"page  {output} ({choice.shown}, {megabytes:.1f} MB)")
    if arguments.rerun is not None:
        from .render_rerun import write_rerun

        write_rerun(arguments.rerun, folder, choice)
        print(f"rerun {arguments.rerun}")
    return 0


def write_page(output: Path, folder: Path, choice: Choice) -> tuple[str, ...]:
    """Write the page of what was chosen of a data set; gives what a reader should know, such as missing images.

    Raises:
        InputError: an image cannot be read, or there is no place to write.
    """
    data = view_data(folder, choice, title_of(folder))
    with atomic_path(output) as temporary:
        temporary.write_text(page(data), encoding="utf-8", newline="\n")
    return data.notes


def label_files(folder: Path) -> list[Path]:
    """The label files of a data set, in order: `labels.npz` alone, or those in `labels/`.

    Raises:
        InputError: there are none.
    """
    if not folder.is_dir():
        raise InputError("there is no such folder", path=folder, hint="give one that render or annotate has written")
    single = folder / "labels.npz"
    paths = [single] if single.is_file() else sorted((folder / LABEL_FOLDER).glob("*.npz"))
    if paths:
        return paths
    begun = read_job(folder) is not None
    hint = "finish it with simspine render resume DIR" if begun else "give one that render or annotate has written"
    raise InputError("holds no labels", path=folder, hint=hint)


def title_of(folder: Path) -> str:
    """The name that the data set gave itself, else its folder's."""
    job = read_job(folder) or {}
    settings = job.get("settings")
    dataset = settings.get("dataset") if isinstance(settings, dict) else None
    name = dataset.get("name") if isinstance(dataset, dict) else None
    return str(name) if name else folder.resolve().name


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)
