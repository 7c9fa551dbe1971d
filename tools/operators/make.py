# noqa: INP001  a script, not a package
"""
Writes the list of torch's operators that only compute: `make.py > torch.txt`.

Run with an installed torch. The list is of names without overloads; the namespaces that talk to
other processes and the single operators of `HARMFUL` are left out, and so is what torch's own
tests register.
"""

import sys
import textwrap

import torch
import torch._higher_order_ops  # registers them

from weighbridge.scan.operators.catalogue import HARMFUL

NAMESPACES = frozenset(
    {
        "_quantized", "aten", "export", "inductor", "inductor_prims", "mkl", "mkldnn",
        "mkldnn_prepacked", "onednn", "onnx", "prim", "prims", "profiler", "quantization",
        "quantized", "rngprims", "sparse", "static_runtime",
    }
)  # fmt: skip


def main() -> None:
    """Write the list to standard output."""
    names = {schema.name for schema in torch._C._jit_get_all_schemas()}  # noqa: SLF001  torch has no public list of its operators
    names = {name for name in names if name.partition("::")[0] in NAMESPACES}
    higher_order = torch._ops._higher_order_ops  # noqa: SLF001  as above
    names |= {f"higher_order::{name}" for name in map(str, higher_order)}
    groups: dict[str, list[str]] = {}
    for name in sorted(names - HARMFUL.keys()):
        namespace, _, operator = name.partition("::")
        if not operator.startswith("_test_"):
            groups.setdefault(namespace, []).append(operator)
    sys.stdout.write(f"# Operators of torch {torch.__version__} that only compute, by namespace.\n")
    for namespace, operators in groups.items():
        lines = textwrap.wrap(
            " ".join(operators), 98, break_long_words=False, break_on_hyphens=False
        )
        sys.stdout.write("\n".join(["", f"[{namespace}]", *lines, ""]))


if __name__ == "__main__":
    main()
