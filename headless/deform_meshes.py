"""Meshes bent with a thorax: copies beside the deformed model, since a document can only place a mesh, not bend it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..simspine_addon.model.document_edit import DocumentNote, write_edited
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.mesh_files import MeshData, read_mesh, write_vtp
from ..simspine_addon.model.mesh_search import find_mesh
from ..simspine_addon.model.model_edits import ModelEdits
from ..simspine_addon.model.types import GROUND, Geometry, Model
from ..simspine_addon.spine.pathology_thorax_edits import with_straight_meshes


def write_with_meshes(
    model: Model, edits: ModelEdits, output: Path, folders: Iterable[Path], note: DocumentNote
) -> tuple[Model, tuple[Path, ...], list[str]]:
    """Make the edits in the document of `model` and add `note`, with bent copies of the meshes that `edits.bent` names.

    A copy is called after the new document and its mesh, and stands beside the document. A mesh that is not found stays
    as it is, as near as a straight one comes to the bent thorax.

    Returns:
        the model read back, the meshes that were written, and what has to be said.

    Raises:
        InputError: as `write_edited`; or a mesh cannot be read, or a copy not written.
    """
    names: dict[tuple[str, str], str] = {}
    copies: list[tuple[Path, MeshData]] = []
    notes: list[str] = []
    for geometry in model.geometry:
        key = "ground" if geometry.body == GROUND else model.body_names[geometry.body], geometry.name
        if key not in edits.bent:
            continue
        found = find_mesh(str(geometry.file), model.path, folders)
        if found is None:
            notes.append(f"{geometry.file}: was not found to be bent, and stays straight; --geometry says where it is")
            continue
        copy = output.with_name(f"{output.stem}_{found.stem}.vtp")
        names[key] = copy.name
        copies.append((copy, _bent(geometry, edits, key, read_mesh(found))))
    straight = with_straight_meshes(model, replace(edits, bent=edits.bent - set(names)))
    written: list[Path] = []
    try:
        for path, mesh in copies:
            write_vtp(path, mesh, binary=False)  # OpenSim reads no other
            written.append(path)
        document = replace(straight, meshes={**edits.meshes, **names})
        return write_edited(model, document, output, note), tuple(written), notes
    except InputError:
        for path in written:
            with suppress(OSError):
                path.unlink()
        raise


def _bent(geometry: Geometry, edits: ModelEdits, key: tuple[str, str], mesh: MeshData) -> MeshData:
    vertices = edits.displaced[key[0]].vertices(mesh.vertices, geometry.transform, geometry.scale)
    return replace(mesh, vertices=vertices, normals=None)
