"""Open an ONNX file with onnxruntime on the first device that really runs it, and say which and why not another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError

PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
DEVICE_CHOICES = ("auto", *PROVIDERS)
_AUTOMATIC = ("cuda", "migraphx", "directml", "coreml", "cpu")  # TensorRT compiles for minutes: only when asked for
_NUMBER_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
_TRIAL_SIDE = 64


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of the graph: None where the graph leaves a dimension open."""

    name: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A session that has run once. `refused` tells of each device tried before `device`, a clause each."""

    path: Path
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    number_type: type[Any]
    device: str
    refused: tuple[str, ...]
    session: Any

    def run(self, batch: NDArray[Any]) -> list[NDArray[Any]]:
        """Every output of the graph for one input array.

        Raises:
            InputError: the graph cannot compute what its own input shape promises.
        """
        try:
            found = self.session.run(None, {self.inputs[0].name: batch.astype(self.number_type, copy=False)})
        except Exception as error:
            raise InputError(f"fails on an input {batch.shape} ({_first_line(error)})", path=self.path) from error
        return [np.asarray(each) for each in found]

    def described(self) -> str:
        """Names and shapes of what the graph gives, for messages: `dets [?, 100, 5], labels [?, 100]`."""
        return ", ".join(f"{port.name} [{', '.join('?' if n is None else str(n) for n in port.shape)}]"
                         for port in self.outputs)  # fmt: skip


def open_model(path: str | Path, device: str = "auto", open_size: tuple[int, int] | None = None) -> OnnxModel:
    """Open and try out an ONNX file with one image input.

    Args:
        path: of the file.
        device: one of DEVICE_CHOICES; "auto" takes CUDA, MIGraphX, DirectML, CoreML or the CPU, whichever first runs
            a blank image. A device asked for by name has to work.
        open_size: width and height of the trial's image where the graph leaves them open.

    Raises:
        InputError: no such file, no ONNX, more inputs than an image, a number type that is no image's, or a device
            that is not there.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("does not exist", path=path, hint="give the detector's .onnx file")
    if device not in DEVICE_CHOICES:
        raise InputError(f"the device {device!r} is not known", hint=f"choose one of {', '.join(DEVICE_CHOICES)}")
    runtime = _onnxruntime()
    there = runtime.get_available_providers()
    refused: list[str] = []
    for kind in _AUTOMATIC if device == "auto" else (device,):
        if PROVIDERS[kind] not in there:
            refused.append(f"{kind}: not in this onnxruntime ({runtime.__version__})")
            continue
        found = _tried(runtime, path, kind, open_size, refused)
        if found is not None:
            return found
    reason = "; ".join(refused)
    raise InputError(f"does not run ({reason})", path=path, hint="use --device auto, or install onnxruntime for it")


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError("the onnxruntime library is not installed", hint="install onnxruntime") from error
    onnxruntime.set_default_logger_severity(4)  # what it would print is in the exceptions
    return onnxruntime


def _tried(
    runtime: Any, path: Path, kind: str, open_size: tuple[int, int] | None, refused: list[str]
) -> OnnxModel | None:
    """The model on that device, or None with the reason added to `refused`."""
    providers = [PROVIDERS[kind]] if kind == "cpu" else [PROVIDERS[kind], PROVIDERS["cpu"]]
    try:
        session = runtime.InferenceSession(str(path), providers=providers)
    except Exception as error:
        if kind == "cpu":
            raise InputError(f"is no ONNX model that onnxruntime can open ({_first_line(error)})", path=path) from error
        refused.append(f"{kind}: {_first_line(error)}")
        return None
    if session.get_providers()[0] != PROVIDERS[kind]:
        refused.append(f"{kind}: its libraries could not be loaded")
        return None
    inputs = session.get_inputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in _NUMBER_TYPES:
        shown = ", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs)
        hint = "a detector takes [N, 3, H, W] or [N, H, W, 3]"
        raise InputError(f"has the inputs {shown}, not one image", path=path, hint=hint)
    number_type, outputs = _NUMBER_TYPES[inputs[0].type], _ports(session.get_outputs())
    model = OnnxModel(path, _ports(inputs), outputs, number_type, kind, tuple(refused), session)
    try:
        model.run(np.zeros(_trial_shape(model.inputs[0].shape, open_size or (_TRIAL_SIDE, _TRIAL_SIDE))))
    except InputError as error:
        if kind == "cpu":
            raise
        refused.append(f"{kind}: {error.problem}")
        return None
    return model


def _trial_shape(shape: tuple[int | None, ...], size: tuple[int, int]) -> tuple[int, ...]:
    last = shape[3] == 3
    usual = (1, size[1], size[0], 3) if last else (1, 3, size[1], size[0])
    return tuple(usual[axis] if each is None else each for axis, each in enumerate(shape))


def _ports(given: Any) -> tuple[Port, ...]:
    return tuple(
        Port(each.name, tuple(n if isinstance(n, int) and n > 0 else None for n in each.shape)) for each in given
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
