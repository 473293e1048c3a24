"""Project points through a camera's lens onto its image, and take lens distortion out of image points again.

Brown-Conrady, with s = x^2 + y^2 of the undistorted direction (x, y, 1) = (X, Y, Z)_cam / Z:

    f = (1 + k1 s + k2 s^2 + k3 s^3) / (1 + k4 s + k5 s^2 + k6 s^3)
    x' = x f + 2 p1 x y + p2 (s + 2 x^2)
    y' = y f + p1 (s + 2 y^2) + 2 p2 x y

Fisheye (Kannala-Brandt), with r = |(x, y)| and theta = atan r:

    theta' = theta (1 + k1 theta^2 + k2 theta^4 + k3 theta^6 + k4 theta^8),   (x', y') = (x, y) theta' / r

and then the pixel is K (x', y', 1). Both as OpenCV's documentation of its calib3d module states them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .camera import Camera

Array = NDArray[np.float64]

_NEWTON_STEPS = 50
_CONVERGED = 1e-13  # in units of the focal length: 1e-10 px


def project(camera: Camera, points: ArrayLike) -> tuple[Array, Array]:
    """Image points of world points.

    Args:
        points: [..., 3] in the camera's world, m.

    Returns:
        pixels [..., 2], the centre of the top-left pixel being (0, 0), and depth [...] along the optical axis, m.
        Pixels are NaN behind the camera, and so far outside the view that the lens polynomial folds back (there it
        would draw points into the image that the camera cannot see); depth stays.
    """
    in_camera = np.asarray(points, dtype=np.float64) @ camera.R.T + camera.t
    depth = in_camera[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        direction = in_camera[..., :2] / np.where(depth > 0, depth, np.nan)[..., None]
        direction = np.where(_radius(direction) < fold_radius(camera), direction, np.nan)
        return _to_pixels(camera, distort(camera, direction)), depth


def undistort(camera: Camera, pixels: ArrayLike) -> Array:
    """Where image points would lie if the camera had no distortion: `[u v 1] ~ K (R X + t)`.

    Args:
        pixels: [..., 2] as the camera shows them.

    Returns:
        [..., 2] pixels, exact to about 1e-10 px; NaN where no direction of view leads to the pixel.
    """
    pixels = np.asarray(pixels, dtype=np.float64)
    return pixels.copy() if _is_pinhole(camera) else _to_pixels(camera, viewing_directions(camera, pixels))


def viewing_directions(camera: Camera, pixels: ArrayLike) -> Array:
    """The undistorted directions (x, y, 1) in the camera's frame that image points come from, [..., 2]; NaN if none."""
    shown = _from_pixels(camera, np.asarray(pixels, dtype=np.float64))
    if _is_pinhole(camera):
        return shown
    with np.errstate(all="ignore"):  # points without a solution run away; they become NaN below
        found = _undistort_fisheye(camera, shown) if camera.distortion_model == "fisheye" else _newton(camera, shown)
        right = np.abs(distort(camera, found) - shown).max(axis=-1) <= 100 * _CONVERGED * (1 + _radius(shown)[..., 0])
        inside = _radius(found)[..., 0] < fold_radius(camera)
    return np.where((right & inside)[..., None], found, np.nan)


def distort(camera: Camera, directions: Array) -> Array:
    """Apply the lens to undistorted directions (x, y, 1), [..., 2] -> [..., 2]."""
    if _is_pinhole(camera):
        return directions
    x, y = directions[..., 0], directions[..., 1]
    if camera.distortion_model == "fisheye":
        radius = np.hypot(x, y)
        theta = np.arctan(radius)
        shown = _odd_polynomial(camera, theta)
        # sin(theta)/theta has its limit 1 on the axis, where 0/0 would stand
        return directions * np.where(radius > 0, shown / np.where(radius > 0, radius, 1.0), 1.0)[..., None]
    numerator, denominator, (p1, p2) = _brown_conrady(camera)
    s = x * x + y * y
    f = np.polynomial.polynomial.polyval(s, numerator) / np.polynomial.polynomial.polyval(s, denominator)
    return np.stack((x * f + 2 * p1 * x * y + p2 * (s + 2 * x * x), y * f + p1 * (s + 2 * y * y) + 2 * p2 * x * y), -1)


def fold_radius(camera: Camera) -> float:
    """How far from the axis, as |(x, y)| of (x, y, 1), the lens model can be trusted; inf if everywhere.

    It is where the distorted radius stops growing (radial part alone): the smallest root of d(r f)/dr, or of f's
    denominator.
    """
    polynomial = np.polynomial.Polynomial
    if _is_pinhole(camera):
        return np.inf
    if camera.distortion_model == "fisheye":
        slope = polynomial([1.0, *(np.arange(3, 11, 2) * camera.distortion)])  # in theta^2
        theta = np.sqrt(_smallest_positive_root(slope))
        return float(np.tan(theta)) if theta < np.pi / 2 else np.inf
    numerator, denominator = map(polynomial, _brown_conrady(camera)[:2])
    s = polynomial([0.0, 1.0])
    slope = numerator * denominator + 2 * s * (numerator.deriv() * denominator - numerator * denominator.deriv())
    return float(np.sqrt(min(_smallest_positive_root(slope), _smallest_positive_root(denominator))))


def inside_image(camera: Camera, pixels: ArrayLike) -> NDArray[np.bool_]:
    """Which pixels [..., 2] lie on the image, whose corner pixels' outer edges are at -0.5 and size - 0.5; [...]."""
    pixels = np.asarray(pixels, dtype=np.float64)
    return ((pixels >= -0.5) & (pixels < np.asarray(camera.size) - 0.5)).all(axis=-1)


def _is_pinhole(camera: Camera) -> bool:
    return camera.distortion_model == "none" or not camera.distortion.size


def _radius(points: Array) -> Array:
    return np.hypot(points[..., :1], points[..., 1:])


def _brown_conrady(camera: Camera) -> tuple[Array, Array, Array]:
    """Numerator and denominator of the radial factor as polynomials of s (lowest first), and (p1, p2)."""
    k1, k2, p1, p2, k3, k4, k5, k6 = np.concatenate((camera.distortion, np.zeros(8 - camera.distortion.size)))
    return np.array([1.0, k1, k2, k3]), np.array([1.0, k4, k5, k6]), np.array([p1, p2])


def _odd_polynomial(camera: Camera, theta: Array) -> Array:
    return theta * np.polynomial.polynomial.polyval(theta * theta, np.array([1.0, *camera.distortion]))


def _smallest_positive_root(polynomial: np.polynomial.Polynomial) -> float:
    roots = polynomial.trim().roots()
    real = roots[(np.abs(roots.imag) < 1e-9 * (1 + np.abs(roots))) & (roots.real > 0)].real
    return float(real.min()) if real.size else np.inf


def _to_pixels(camera: Camera, shown: Array) -> Array:
    return shown @ camera.K[:2, :2].T + camera.K[:2, 2]


def _from_pixels(camera: Camera, pixels: Array) -> Array:
    return (pixels - camera.K[:2, 2]) @ np.linalg.inv(camera.K[:2, :2]).T


def _newton(camera: Camera, shown: Array) -> Array:
    """Solve distort(found) = shown for Brown-Conrady, all points at once, with the exact Jacobian."""
    numerator, denominator, (p1, p2) = _brown_conrady(camera)
    polyval, polyder = np.polynomial.polynomial.polyval, np.polynomial.polynomial.polyder
    found = shown.copy()
    for _ in range(_NEWTON_STEPS):
        x, y = found[..., 0], found[..., 1]
        s = x * x + y * y
        top, bottom = polyval(s, numerator), polyval(s, denominator)
        f = top / bottom
        slope = 2 * (polyval(s, polyder(numerator)) - f * polyval(s, polyder(denominator))) / bottom  # 2 df/ds
        xx = f + slope * x * x + 2 * p1 * y + 6 * p2 * x
        xy = slope * x * y + 2 * p1 * x + 2 * p2 * y
        yy = f + slope * y * y + 6 * p1 * y + 2 * p2 * x
        off_x, off_y = np.moveaxis(distort(camera, found) - shown, -1, 0)
        step = np.stack((yy * off_x - xy * off_y, xx * off_y - xy * off_x), -1) / (xx * yy - xy * xy)[..., None]
        found = found - step
        if not (np.abs(step) > _CONVERGED).any():
            break
    return found


def _undistort_fisheye(camera: Camera, shown: Array) -> Array:
    """Solve the one equation for theta, then go out along the same direction."""
    radius = np.hypot(shown[..., 0], shown[..., 1])
    slope = np.array([1.0, *(np.arange(3, 11, 2) * camera.distortion)])
    theta = np.minimum(radius, np.pi / 2)
    for _ in range(_NEWTON_STEPS):
        step = (_odd_polynomial(camera, theta) - radius) / np.polynomial.polynomial.polyval(theta * theta, slope)
        theta = theta - step
        if not (np.abs(step) > _CONVERGED).any():
            break
    theta = np.where((theta >= 0) & (theta < np.pi / 2), theta, np.nan)
    return shown * np.where(radius > 0, np.tan(theta) / np.where(radius > 0, radius, 1.0), 1.0)[..., None]
