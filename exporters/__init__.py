"""Motions, labels and data sets as files for other programs.

`export_bvh`, `export_glb`, `export_fbx` and `export_usd` write a PoseTrack as another program wants it; the last two
need Blender, from the moment that they are called.
"""

from .export import ExportResult, export_bvh, export_fbx, export_glb, export_usd

__all__ = ["ExportResult", "export_bvh", "export_fbx", "export_glb", "export_usd"]
