"""
Writes the files beside it, in an environment with paddlepaddle 3.3.1: `python make.py`, and
`python make.py --old` for programs of the form before 3.0. Those keep the stack of the call that made
each operator: the folders in it were exchanged for made-up ones of the same length.
"""

import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def main() -> None:
    """Save a layer for inference, and a program that writes a file."""
    if "--old" in sys.argv:
        os.environ.update({"FLAGS_enable_pir_api": "0"})
    pd: Any = importlib.import_module("paddle")
    old = "--old" in sys.argv
    suffix = "pdmodel" if old else "json"
    with tempfile.TemporaryDirectory() as folder:
        spec = [pd.static.InputSpec([None, 8], "float32")]
        pd.jit.save(pd.nn.Linear(8, 4), f"{folder}/m", input_spec=spec)
        FOLDER.joinpath(f"layer.{suffix}").write_bytes(Path(folder, f"m.{suffix}").read_bytes())
    if old:
        pd.enable_static()
        program = pd.static.Program()
        with pd.static.program_guard(program):
            value = pd.static.data("x", [1, 8], "float32")
            attributes = {"file_path": "written/by/the/model", "overwrite": True}
            block = program.global_block()
            block.append_op(type="save", inputs={"X": [value]}, outputs={}, attrs=attributes)
        FOLDER.joinpath("writes.pdmodel").write_bytes(program.desc.serialize_to_string())


if __name__ == "__main__":
    main()
