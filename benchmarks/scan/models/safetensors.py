"""safetensors files whose headers lie."""

import json
import struct
from collections.abc import Iterator
from typing import Final

from benchmarks.scan.samples import Sample, single

SAFETENSORS: Final = "safetensors"


def safetensors_files() -> Iterator[Sample]:
    """Yield safetensors files."""

    def file(
        header: object, data: bytes = b"\0" * 8, *, text: str | None = None, size: int | None = None
    ) -> bytes:
        content = (json.dumps(header) if text is None else text).encode()
        return struct.pack("<Q", len(content) if size is None else size) + content + data

    def tensor(
        start: int, end: int, shape: tuple[int, ...] = (2,), kind: str = "F32"
    ) -> dict[str, object]:
        return {"dtype": kind, "shape": list(shape), "data_offsets": [start, end]}

    good = file({"a": tensor(0, 8)})
    cases: dict[str, bytes] = {
        "overlap": file({"a": tensor(0, 8), "b": tensor(4, 12)}, b"\0" * 12), "hole": file({"a": tensor(0, 8), "b": tensor(16, 24)}, b"\0" * 24),
        "beyond": file({"a": tensor(0, 800, (200,))}), "reversed": file({"a": tensor(8, 0)}), "negative": file({"a": tensor(-8, 0)}),
        "size": file({"a": tensor(0, 8, (3,))}), "overflow": file({"a": tensor(0, 8, (1 << 62, 1 << 62))}), "kind": file({"a": tensor(0, 8, kind="X9")}),
        "duplicate": file(None, text='{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}'),
        "trailing": file({"a": tensor(0, 8)}, b"\0" * 8 + b"\x80\x02cos\nsystem\nX\x01\0\0\0xR."), "header-size": file({"a": tensor(0, 8)}, size=1 << 62),
        "header-short": file({"a": tensor(0, 8)}, size=10), "deep": file(None, text='{"a":' + "[" * 5000 + "]" * 5000 + "}"),
        "deep-metadata": file(None, text='{"__metadata__":' + '{"a":' * 500 + "1" + "}" * 500 + "}"), "not-json": file(None, text="{not json}"),
        "array": file([1, 2]), "metadata-number": file({"__metadata__": {"a": 1}, "a": tensor(0, 8)}), "extra-key": file({"a": {**tensor(0, 8), "x": 1}}),
        "missing-key": file({"a": {"dtype": "F32", "shape": [2]}}), "float-offset": file({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0.0, 8.0]}}),
        "nan": file(None, text='{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}'), "bom": file(None, text='\ufeff{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'),
        "big-number": file(None, text='{"a":{"dtype":"F32","shape":[' + "9" * 5000 + '],"data_offsets":[0,8]}}'),
        "pickle": b"\x80\x02cos\nsystem\nX\x01\0\0\0x\x85R.", "truncated": good[:20], "polyglot-zip": good + b"PK\x05\x06" + b"\0" * 18,
    }  # fmt: skip
    for label, data in cases.items():
        yield single(f"safetensors-{label}", SAFETENSORS, "model.safetensors", data, twin=good)
