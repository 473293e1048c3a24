"""Lens distortion inside Cycles: a camera shader in Open Shading Language that bends each ray as the lens does.

For every place on the image the shader solves the lens model of `capture.projection` backwards, by Newton's method,
and sends the ray there; nothing is resampled. Blender has such cameras since 4.5, on the CPU and on OptiX.

The numbers of the lens stand in the source itself. Blender's own operator for these shaders reads their parameters by
a module that the bpy wheels lack, so the source is compiled here and its bytecode put where the operator would.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import bpy
import numpy as np

from ..capture.camera import Camera
from ..capture.projection import fold_radius

OSL_DEVICES = ("CPU", "OPTIX")

_BROWN_CONRADY_NAMES = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
_FISHEYE_NAMES = ("k1", "k2", "k3", "k4")

_BROWN_CONRADY = """
void undistort(float seen_x, float seen_y, output float x, output float y, output int found)
{{
  x = seen_x;
  y = seen_y;
  found = 0;
  for (int step = 0; step < 20; step++) {{
    float s = x * x + y * y;
    float top = 1 + s * ({k1} + s * ({k2} + s * {k3}));
    float bottom = 1 + s * ({k4} + s * ({k5} + s * {k6}));
    float f = top / bottom;
    float top_slope = {k1} + s * (2 * {k2} + s * 3 * {k3});
    float bottom_slope = {k4} + s * (2 * {k5} + s * 3 * {k6});
    float slope = 2 * (top_slope - f * bottom_slope) / bottom;
    float off_x = x * f + 2 * {p1} * x * y + {p2} * (s + 2 * x * x) - seen_x;
    float off_y = y * f + {p1} * (s + 2 * y * y) + 2 * {p2} * x * y - seen_y;
    float xx = f + slope * x * x + 2 * {p1} * y + 6 * {p2} * x;
    float xy = slope * x * y + 2 * {p1} * x + 2 * {p2} * y;
    float yy = f + slope * y * y + 6 * {p1} * y + 2 * {p2} * x;
    float determinant = xx * yy - xy * xy;
    float step_x = (yy * off_x - xy * off_y) / determinant;
    float step_y = (xx * off_y - xy * off_x) / determinant;
    x -= step_x;
    y -= step_y;
    if (fabs(step_x) + fabs(step_y) < 1e-6 * (1 + fabs(x) + fabs(y))) {{
      found = atan(sqrt(x * x + y * y)) < {fold};
      break;
    }}
  }}
}}
"""

_FISHEYE = """
void undistort(float seen_x, float seen_y, output float x, output float y, output float z, output int found)
{{
  float shown = sqrt(seen_x * seen_x + seen_y * seen_y);
  float theta = min(shown, {fold});
  found = 0;
  for (int step = 0; step < 20; step++) {{
    float s = theta * theta;
    float off = theta * (1 + s * ({k1} + s * ({k2} + s * ({k3} + s * {k4})))) - shown;
    float slope = 1 + s * (3 * {k1} + s * (5 * {k2} + s * (7 * {k3} + s * 9 * {k4})));
    float change = off / slope;
    theta -= change;
    if (fabs(change) < 1e-6 * (1 + fabs(theta))) {{
      found = theta >= 0 && theta < {fold};
      break;
    }}
  }}
  float across = shown > 0 ? sin(theta) / shown : 1;
  x = seen_x * across;
  y = seen_y * across;
  z = cos(theta);
}}
"""

_CAMERA = """
shader simspine_lens(output point position = 0.0,
                     output vector direction = 0.0,
                     output color throughput = 1.0)
{{
  point place = camera_shader_raster_position();
  float seen_x = (place.x * {width} - 0.5 - {cx}) / {fx};
  float seen_y = ((1 - place.y) * {height} - 0.5 - {cy}) / {fy};
  float x = 0, y = 0, z = 1;
  int found = 0;
  {call}
  if (found)
    direction = normalize(vector(x, -y, z));
  else
    throughput = color(0.0);
}}
"""


def osl_is_there() -> bool:
    """Whether this Blender has cameras of Open Shading Language and the compiler for them."""
    import _cycles  # pyright: ignore[reportMissingImports]  # Cycles' own, there in every Blender that has Cycles

    known = bpy.types.Camera.bl_rna.properties
    return "custom_bytecode" in known and bool(getattr(_cycles, "with_osl", False))


def lens_source(camera: Camera) -> str:
    """The shader that looks through a camera's lens, with no skew; the same camera always gives the same text."""
    numbers = {
        "width": camera.size[0],
        "height": camera.size[1],
        "fx": camera.K[0, 0],
        "fy": camera.K[1, 1],
        "cx": camera.K[0, 2],
        "cy": camera.K[1, 2],
        "fold": _largest_angle(camera),
    }
    if camera.distortion_model == "fisheye":
        names, body, call = _FISHEYE_NAMES, _FISHEYE, "undistort(seen_x, seen_y, x, y, z, found);"
    else:
        names, body, call = _BROWN_CONRADY_NAMES, _BROWN_CONRADY, "undistort(seen_x, seen_y, x, y, found);"
    numbers |= dict.fromkeys(names, 0.0) | dict(zip(names, camera.distortion.tolist(), strict=False))
    texts = {name: f"({float(number)!r})" for name, number in numbers.items()}
    return (body + _CAMERA).format(**texts, call=call)


def set_lens(data: bpy.types.Camera, camera: Camera) -> None:
    """Let `data` see through the lens of `camera`; needs `osl_is_there()`.

    Raises:
        RuntimeError: Blender's compiler refused the shader.
    """
    source = lens_source(camera)
    name = hashlib.md5(source.encode(), usedforsecurity=False).hexdigest()
    if data.type == "CUSTOM" and data.custom_bytecode_hash == name:
        return
    data.type = "CUSTOM"
    data.custom_mode = "INTERNAL"
    data.custom_bytecode = _compiled(source)
    data.custom_bytecode_hash = name
    data.update_tag()


def _largest_angle(camera: Camera) -> float:
    """The angle off the axis (rad) up to which the lens model can be trusted; a fisheye's may lie beyond 90 degrees."""
    if camera.distortion_model != "fisheye":
        return float(np.arctan(fold_radius(camera)))
    slope = np.polynomial.Polynomial([1.0, *(np.arange(3, 11, 2) * camera.distortion)]).trim()  # in theta^2
    roots = slope.roots()
    turning = roots[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)].real
    return float(min(np.sqrt(turning.min()) if turning.size else np.pi, np.pi))


def _compiled(source: str) -> str:
    import _cycles  # pyright: ignore[reportMissingImports]

    with tempfile.TemporaryDirectory() as folder:
        written, compiled = Path(folder) / "lens.osl", Path(folder) / "lens.oso"
        written.write_text(source)
        if not _cycles.osl_compile(str(written), str(compiled)):
            raise RuntimeError("Blender's compiler refused the shader of a lens")
        return compiled.read_text()
