"""A UsdSkel file as arrays, by usd-core alone: `python read_usd.py FILE.usdc OUT.npz`. Nothing of SimSpine is used."""

import sys

import numpy as np
from pxr import Usd, UsdGeom, UsdSkel  # type: ignore[import-not-found]


def read(path: str) -> dict:
    """Seconds, joint names, world matrices at, between and before the frames (bind), in the stage's units and axes."""
    stage = Usd.Stage.Open(path)
    skeleton = next(UsdSkel.Skeleton(prim) for prim in stage.Traverse() if prim.IsA(UsdSkel.Skeleton))
    cache = UsdSkel.Cache()
    query = cache.GetSkelQuery(skeleton)
    codes = np.arange(stage.GetStartTimeCode(), stage.GetEndTimeCode() + 1.0)
    world = UsdGeom.Xformable(skeleton.GetPrim())

    def posed(code: float) -> np.ndarray:
        joints = np.array(query.ComputeJointSkelTransforms(Usd.TimeCode(code)), dtype=float)
        place = np.array(world.ComputeLocalToWorldTransform(Usd.TimeCode(code)), dtype=float)
        return np.swapaxes(joints @ place, -1, -2)

    # Blender writes the first frame's pose as restTransforms; what meshes are bound by are the bindTransforms.
    rest = np.array(skeleton.GetBindTransformsAttr().Get(), dtype=float)
    return {
        "seconds": (codes - codes[0]) / stage.GetTimeCodesPerSecond(),
        "names": np.array([str(joint).rsplit("/", 1)[-1] for joint in query.GetJointOrder()]),
        "matrices": np.array([posed(code) for code in codes]),
        "between": np.array([posed(code + 0.5) for code in codes[:-1]]).reshape(-1, len(rest), 4, 4),
        "rest": np.swapaxes(rest, -1, -2),
        "up": str(UsdGeom.GetStageUpAxis(stage)),
        "metres": UsdGeom.GetStageMetersPerUnit(stage),
    }


if __name__ == "__main__":
    np.savez(sys.argv[2], **read(sys.argv[1]))
