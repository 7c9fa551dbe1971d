"""
Writes the files beside it and the vector of the rule: `python make.py`, in an environment with
pyarrow 26.0.1. The types are what `PyExtensionType` of pyarrow before 14.0.1 wrote.
"""

import importlib
import json
from pathlib import Path
from typing import Any

pa = importlib.import_module("pyarrow")
feather = importlib.import_module("pyarrow.feather")
ipc = importlib.import_module("pyarrow.ipc")
parquet = importlib.import_module("pyarrow.parquet")

FOLDER = Path(__file__).parent
RULES = FOLDER.parent / "rules"
CALL = b"cos\nsystem\n(S'true'\ntR."
R_CALL = b"A\n2\n262144\n131840\n6\n1\n262153\n6\nsystem\n254\n"


def table(field: dict[str, bytes], schema: dict[str, bytes] | None = None) -> Any:
    """Return a table with a column within a column that has the metadata *field*."""
    inner = pa.field("inner", pa.int32(), metadata=field)
    columns = [pa.field("plain", pa.int64()), pa.field("outer", pa.struct([inner]))]
    return pa.table(
        [pa.array([1]), pa.array([{"inner": 1}])], schema=pa.schema(columns, metadata=schema)
    )


def main() -> None:
    """Write each kind of file, with a type that is pickled, and with one that is not."""
    bad = table(
        {"ARROW:extension:name": b"arrow.py_extension_type", "ARROW:extension:metadata": CALL}
    )
    good = table({"ARROW:extension:name": b"my.type", "ARROW:extension:metadata": b"{}"})
    for name, each in {"bad": bad, "good": good, "r": table({}, {"r": R_CALL})}.items():
        parquet.write_table(each, FOLDER / f"{name}.parquet")
        feather.write_feather(each, str(FOLDER / f"{name}.feather"))
        with ipc.new_stream(str(FOLDER / f"{name}.arrows"), each.schema) as writer:
            writer.write_table(each)
    feather.write_feather(pa.table({"a": [1]}), str(FOLDER / "old.feather"), version=1)

    def files(name: str) -> dict[str, Any]:
        data = FOLDER.joinpath(f"{name}.parquet").read_bytes()
        return {"files": [{"path": "data.parquet", "format": "parquet", "hex": data.hex()}]}

    vector = {
        "rule": "arrow-python-type",
        "description": "A column with a type that pyarrow unpickles; the twin's type has a name.",
        "references": ["CVE-2023-47248"],
        "finding": {"severity": "high", **files("bad")},
        "twin": files("good"),
    }
    text = json.dumps(vector, indent=2) + "\n"
    RULES.joinpath("arrow-python-type.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
