"""A pathology from the words of a configuration file or a command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.errors import InputError
from .pathology import THORACIC, USUAL_SIDE, LegLength, Pathology, Scoliosis, check_pathology
from .pathology_lenke import lenke_curves

_NUMBER = (int, float)
_KEYS: dict[str, type | tuple[type, ...]] = {
    "scoliosis": (int, float, list, tuple), "lenke": (int, str), "apex": str, "side": str, "lower": str, "upper": str,
    "rotation": _NUMBER, "lordosis": _NUMBER, "kyphosis": _NUMBER, "leg_length": _NUMBER, "leg": str,
    "obliquity": bool, "fuse": (str, list, tuple), "balance": str, "thorax": str,
}  # fmt: skip
_CURVE_KEYS: dict[str, type | tuple[type, ...]] = {
    "cobb": _NUMBER, "apex": str, "side": str, "lower": str, "upper": str, "rotation": _NUMBER,
}  # fmt: skip
_OF_ONE_CURVE = ("apex", "lower", "upper", "rotation")
_NEEDS = {"apex": "scoliosis", "lower": "scoliosis", "upper": "scoliosis", "rotation": "scoliosis",
          "leg": "leg_length", "obliquity": "leg_length"}  # fmt: skip


def pathology_from_table(table: Mapping[str, Any], where: str = "[pathology]") -> Pathology:
    """A `Pathology` from a table of a configuration file.

    Keys, all optional: `scoliosis` (Cobb angle, deg), `apex`, `side`, `lower`, `upper`, `rotation` (deg), `lordosis`
    and `kyphosis` (change, deg), `leg_length` (mm, negative for shorter), `leg`, `obliquity` (true), `fuse` (a level or
    a list), `balance` ("trunk" or "none"), `thorax` ("auto" or "curved"). Several curves are a list of tables under
    `scoliosis`, each with `cobb` and the keys `apex` to `rotation`; or `lenke` (1 to 6) with `scoliosis` and `side` of
    its major curve, if wanted.

    Args:
        table: the keys and their values.
        where: what the table is called in errors, such as "line 12: [recordings.pathology]".

    Raises:
        InputError: an unknown key, a value of the wrong type, or a figure that no person has.
    """
    _check_keys(table, _KEYS, where)
    for key, needed in _NEEDS.items():
        if key in table and needed not in table:
            raise InputError(f"{where}: {key} says nothing without {needed}")
    if "side" in table and "scoliosis" not in table and "lenke" not in table:
        raise InputError(f"{where}: side says nothing without scoliosis")
    fuse = table.get("fuse", ())
    levels = (fuse,) if isinstance(fuse, str) else tuple(fuse)
    if not all(isinstance(level, str) for level in levels):
        raise InputError(f"{where}: fuse = {fuse!r} is no list of levels", hint='give ["L4-L5"]')
    legs = None
    if "leg_length" in table:
        legs = LegLength(float(table["leg_length"]) / 1000.0, table.get("leg", "right"), table.get("obliquity", True))
    pathology = Pathology(
        curves=_curves(table, where),
        lordosis_deg=float(table.get("lordosis", 0.0)),
        kyphosis_deg=float(table.get("kyphosis", 0.0)),
        leg_length=legs,
        fused=levels,
        balance=table.get("balance", "trunk"),
        thorax=table.get("thorax", "auto"),
    )
    check_pathology(pathology, where)
    return pathology


def table_of(pathology: Pathology) -> dict[str, Any]:
    """The table that `pathology_from_table` reads back to this pathology, with what is not asked for left out."""
    table: dict[str, Any] = {}
    if pathology.curves:
        table["scoliosis"] = [_table_of_curve(curve) for curve in pathology.curves]
    if pathology.lordosis_deg:
        table["lordosis"] = pathology.lordosis_deg
    if pathology.kyphosis_deg:
        table["kyphosis"] = pathology.kyphosis_deg
    if pathology.leg_length is not None:
        legs = pathology.leg_length
        table |= {"leg_length": legs.difference_m * 1000.0, "leg": legs.leg, "obliquity": legs.obliquity}
    if pathology.fused:
        table["fuse"] = list(pathology.fused)
    return {**table, "balance": pathology.balance, "thorax": pathology.thorax}


def _table_of_curve(curve: Scoliosis) -> dict[str, Any]:
    ends = {"lower": curve.lower, "upper": curve.upper, "rotation": curve.rotation_deg}
    named = {key: value for key, value in ends.items() if value is not None}
    return {"cobb": curve.cobb_deg, "apex": curve.apex, "side": curve.side, **named}


def _curves(table: Mapping[str, Any], where: str) -> tuple[Scoliosis, ...]:
    """All that `scoliosis` and `lenke` say."""
    given = table.get("scoliosis")
    several = isinstance(given, list | tuple)
    alone = [key for key in (*_OF_ONE_CURVE, "side") if key in table]
    if several and not given:
        raise InputError(f"{where}: scoliosis = [] is no curve", hint="give one, or leave it out")
    if several and alone:
        raise InputError(f"{where}: {alone[0]} stands beside a list of curves", hint="write it into one of them")
    if "lenke" not in table:
        if given is None:
            return ()
        return tuple(_listed(each, where) for each in given) if several else (_one({**table, "cobb": given}),)
    if several or alone[:1] not in ([], ["side"]):
        what = "a list of curves" if several else alone[0]
        raise InputError(f"{where}: lenke stands beside {what}", hint="give it the Cobb angle of its major curve alone")
    try:
        return lenke_curves(str(table["lenke"]), None if given is None else float(given), table.get("side"))
    except InputError as error:
        raise InputError(f"{where}: lenke = {table['lenke']!r}: {error.problem}", hint=error.hint) from error


def _listed(curve: object, where: str) -> Scoliosis:
    """A curve of a list."""
    if not isinstance(curve, Mapping):
        raise InputError(
            f"{where}: scoliosis lists {curve!r}, which is no curve",
            hint='give tables such as {cobb = 50, apex = "T8", side = "right"}',
        )
    _check_keys(curve, _CURVE_KEYS, f"{where}: a curve of scoliosis")
    for key in ("cobb", "apex"):
        if key not in curve:
            raise InputError(f"{where}: a curve of scoliosis has no {key}", hint="give every curve its cobb and apex")
    return _one(curve)


def _one(table: Mapping[str, Any]) -> Scoliosis:
    apex = table.get("apex", "L2")
    thoracic = any(part.strip() in THORACIC for part in apex.upper().replace("/", "-").split("-"))
    return Scoliosis(
        cobb_deg=float(table["cobb"]),
        apex=apex,
        side=table.get("side", "right" if thoracic else USUAL_SIDE),
        lower=table.get("lower"),
        upper=table.get("upper"),
        rotation_deg=None if "rotation" not in table else float(table["rotation"]),
    )


def _check_keys(table: Mapping[str, Any], known: Mapping[str, type | tuple[type, ...]], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise InputError(f"{where} has the key '{key}'", hint=f"known are {', '.join(known)}")
        wanted = known[key]
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise InputError(f"{where}: {key} = {value!r} is no {_named(wanted)}")


def _named(types: type | tuple[type, ...]) -> str:
    if isinstance(types, type):
        return {str: "text", bool: "true or false"}[types]
    return "type" if str in types and int in types else "number" if int in types else "list of levels"
