"""Images of a data set made small for a page: JPEG as data addresses."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

from ..simspine_addon.model.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST_SIDE_PX = 720
JPEG_QUALITY = 82


def image_file(folder: Path, name: str) -> Path:
    """The image of that name in the data set.

    Raises:
        InputError: the name leads out of the folder.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"its labels name an image outside it, {name}", path=folder, hint="render the data set again")
    return path


def small_jpeg(path: Path) -> bytes:
    """The image as JPEG of at most `LONGEST_SIDE_PX` px a side; the same bytes from the same image.

    Raises:
        InputError: it is no image, or there is no Pillow.
    """
    try:
        from PIL import Image as Images
    except ImportError as error:
        raise InputError("showing images needs the library Pillow", hint="install it: pip install pillow") from error
    try:
        with Images.open(path) as opened:
            image: Image = opened.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for files that are cut off or no image
        raise InputError(
            f"is no image that can be read ({error})", path=path, hint="simspine render repair DIR makes it anew"
        ) from error
    image.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX), Images.Resampling.LANCZOS, reducing_gap=None)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def jpeg_uri(path: Path) -> str:
    """The same as a `data:` address."""
    return "data:image/jpeg;base64," + base64.b64encode(small_jpeg(path)).decode("ascii")
