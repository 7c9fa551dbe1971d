"""The two lists of operators, and the question to them."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from weighbridge.core.values import frozen

_FILES: Final = "reads or writes files"
_NETWORK: Final = "communicates with other processes or machines"
_NATIVE: Final = "runs machine code that the file brings along"
_PYTHON: Final = "calls Python"

HARMFUL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aten::from_file": "maps a file into memory, and writes to it when told to share it",
        "aten::save": "writes a file",
        "debugprims::load_tensor": _FILES,
        "higher_order::aoti_call_delegate": _NATIVE,
        "higher_order::executorch_call_delegate": _NATIVE,
        "higher_order::inductor_compiled_code": _NATIVE,
        "higher_order::inline_asm_elementwise": _NATIVE,
        "higher_order::triton_kernel_wrapper_functional": _NATIVE,
        "higher_order::triton_kernel_wrapper_mutation": _NATIVE,
        "image::read_file": _FILES,
        "image::write_file": _FILES,
        "prim::PythonOp": _PYTHON,
        "prim::rpc_async": _NETWORK,
        "prim::rpc_remote": _NETWORK,
        "prim::rpc_sync": _NETWORK,
    }
)
"""Operators by what they do beyond computing."""

_HARMFUL_NAMESPACES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "_c10d_functional": _NETWORK,
        "_c10d_functional_autograd": _NETWORK,
        "c10d": _NETWORK,
        "classes::dist_c10d": _NETWORK,
        "classes::dist_rpc": _NETWORK,
        "sox_io": _FILES,
        "symm_mem": _NETWORK,
        "torchaudio_sox": _FILES,
        "video_reader": _FILES,
    }
)

_KNOWN_ELSEWHERE: Final = frozenset(
    {
        # Classes of torch's that packed parameters are kept in.
        "classes::cuda.Event", "classes::cuda.Stream", "classes::mkldnn.ConvOpContext",
        "classes::mkldnn.ConvTransposeOpContext", "classes::mkldnn.LinearOpContext",
        "classes::profiler._RecordFunction", "classes::quantized.Conv2dPackedParamsBase",
        "classes::quantized.Conv3dPackedParamsBase",
        "classes::quantized.EmbeddingPackedParamsBase",
        "classes::quantized.LinearPackedParamsBase", "classes::rnn.CellParamsBase",
        "classes::sparse.LinearPackedParamsBase", "classes::xnnpack.Conv2dOpContext",
        "classes::xnnpack.LinearOpContext", "classes::xnnpack.TransposeConv2dOpContext",
        # torchvision's, which compute (torchvision/csrc/ops).
        "torchvision::deform_conv2d", "torchvision::nms", "torchvision::ps_roi_align",
        "torchvision::ps_roi_pool", "torchvision::roi_align", "torchvision::roi_pool",
    }
)  # fmt: skip


@frozen
class Standing:
    """
    What is known of an operator.

    Attributes:
        harm: What it does beyond computing, as the end of "this operator ..."; None for nothing.
    """

    harm: str | None


def find_standing(name: str, /) -> Standing | None:
    """Return what is known of the operator *name*, `namespace::name`; None for nothing."""
    harm = HARMFUL.get(name) or _HARMFUL_NAMESPACES.get(name.rpartition("::")[0])
    if harm is None and name.startswith("classes::"):
        harm = _HARMFUL_NAMESPACES.get(name.partition(".")[0])
    if harm is not None:
        return Standing(harm=harm)
    return Standing(harm=None) if name in known_operators() else None


@cache
def known_operators() -> frozenset[str]:
    """Return the operators that only compute."""
    text = files("weighbridge.scan.operators").joinpath("torch.txt").read_text("utf-8")
    found: set[str] = set(_KNOWN_ELSEWHERE)
    namespace = ""
    for line in text.splitlines():
        if line.startswith("["):
            namespace = line.strip("[]")
        elif not line.startswith("#"):
            found.update(f"{namespace}::{name}" for name in line.split())
    return frozenset(found)
