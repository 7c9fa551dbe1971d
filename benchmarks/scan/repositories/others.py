"""Formats of other languages and servers."""

import gzip
import io
import json
import pickle
import tarfile
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.scan.repositories.parts import PICKLE, zipped
from benchmarks.scan.samples import SHELL, Sample

OTHERS: Final = "others"


def others() -> Iterator[Sample]:
    """Yield files of other languages and servers."""

    def one(
        identifier: str,
        name: str,
        data: bytes,
        *,
        loaders: tuple[str, ...] = (),
        twin: bytes | None = None,
        references: tuple[str, ...] = (),
    ) -> Sample:
        return Sample(
            id=identifier,
            group=OTHERS,
            files={name: data},
            loaders=loaders,
            twin=None if twin is None else {name: twin},
            references=references,
        )

    def skops(node: dict[str, Any]) -> bytes:
        return zipped(
            {"schema.json": json.dumps({**node, "protocol": 2, "_skops_version": "0.13"}).encode()}
        )

    benign = skops(
        {
            "__class__": "str",
            "__module__": "builtins",
            "__loader__": "JsonNode",
            "content": '"x"',
            "is_json": True,
            "__id__": 1,
        }
    )
    for label, node, references in (
        (
            "function",
            {
                "__class__": "function",
                "__module__": "os",
                "__loader__": "FunctionNode",
                "content": {"module_path": "os", "function": "system"},
                "__id__": 1,
            },
            (),
        ),
        (
            "method",
            {
                "__class__": "method",
                "__module__": "builtins",
                "__loader__": "MethodNode",
                "content": {
                    "func": "system",
                    "obj": {"__class__": "x", "__module__": "os", "__loader__": "ObjectNode"},
                },
                "__id__": 1,
            },
            ("CVE-2025-54413",),
        ),
        (
            "operator",
            {
                "__class__": "methodcaller",
                "__module__": "operator",
                "__loader__": "OperatorFuncNode",
                "attrs": {
                    "__class__": "tuple",
                    "__module__": "builtins",
                    "__loader__": "TupleNode",
                    "content": [],
                },
                "__id__": 1,
            },
            ("CVE-2025-54412",),
        ),
        (
            "object",
            {
                "__class__": "Popen",
                "__module__": "subprocess",
                "__loader__": "ObjectNode",
                "content": {},
                "__id__": 1,
            },
            (),
        ),
        (
            "reduce",
            {
                "__class__": "x",
                "__module__": "os",
                "__loader__": "ReduceNode",
                "__reduce__": {"args": []},
                "__id__": 1,
            },
            (),
        ),
        (
            "type",
            {
                "__class__": "type",
                "__module__": "builtins",
                "__loader__": "TypeNode",
                "content": {"__class__": "system", "__module__": "os"},
                "__id__": 1,
            },
            (),
        ),
    ):
        yield one(f"skops-{label}", "model.skops", skops(node), twin=benign, references=references)
    yield one(
        "skops-card",
        "model.skops",
        zipped(
            {
                "schema.json": json.dumps(
                    {"__class__": "x", "__module__": "os", "__loader__": "UnknownNode"}
                ).encode(),
                "x.pkl": PICKLE,
            }
        ),
        references=("CVE-2025-54886",),
    )
    pmml = b'<?xml version="1.0"?>%s<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"><Header/><DataDictionary/></PMML>'
    for label, start in (
        ("entity", b'<!DOCTYPE PMML [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        ("remote", b'<!DOCTYPE PMML SYSTEM "http://127.0.0.1:9/x.dtd">'),
        (
            "bomb",
            b'<!DOCTYPE PMML [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        ),
        ("parameter", b'<!DOCTYPE PMML [<!ENTITY % x SYSTEM "file:///etc/passwd">%x;]>'),
        ("stylesheet", b'<?xml-stylesheet href="http://127.0.0.1:9/x.xsl" type="text/xsl"?>'),
    ):
        yield one(
            f"pmml-{label}", "model.pmml", pmml.replace(b"%s", start), twin=pmml.replace(b"%s", b"")
        )
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in (
            ("model_config.yaml", b"_target_: os.system\n"),
            ("model_weights.ckpt", PICKLE),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    yield one("nemo", "model.nemo", stream.getvalue(), references=("CVE-2025-23304",))
    yield one(
        "nemo-gzip",
        "model.nemo",
        gzip.compress(stream.getvalue(), mtime=0),
        references=("CVE-2025-23304",),
    )
    for label, text in (
        ("object", '{"py/object": "os.system"}'),
        ("reduce", '{"py/reduce": [{"py/type": "subprocess.Popen"}, {"py/tuple": [["true"]]}]}'),
        ("function", '{"py/function": "os.system"}'),
        ("nested", '{"a": [{"py/object": "subprocess.Popen"}]}'),
        ("repr", '{"py/repr": "os/os.system"}'),
    ):
        yield one(f"jsonpickle-{label}", "model.json", text.encode(), twin=b'{"a": 1}')
    yield one(
        "jsonpickle-act",
        "model.json",
        json.dumps({"py/reduce": [{"py/function": "os.system"}, {"py/tuple": [SHELL]}]}).encode(),
        loaders=("jsonpickle",),
        twin=b'{"a": 1}',
    )
    yield one(
        "rds",
        "model.rds",
        gzip.compress(
            b"X\n\0\0\0\3\0\4\3\0\0\3\5\0\0\0\0\5UTF-8" + b"\0\0\0\5" + b"\0" * 40, mtime=0
        ),
    )
    yield one("rds-ascii", "model.rds", b"A\n3\n262912\n197888\n5\n")
    yield one("rdata", "model.RData", b"RDX3\nX\n\0\0\0\3" + b"\0" * 40)
    yield one("llamafile", "model.gguf", b"MZqFpD='\n#!/bin/sh\n" + b"\0" * 100)
    yield one("tflite-custom", "model.tflite", b"\x1c\0\0\0TFL3" + b"\0" * 24)
    yield one("coreml", "model.mlmodel", b"\x08\x04\x12\x00")
    yield one("xgboost-pickle", "model.ubj", PICKLE, loaders=("pickle",))
    yield one("lightgbm-text", "model.txt", PICKLE, loaders=("pickle",))
    yield one("catboost-pickle", "model.cbm", PICKLE, loaders=("pickle",))
    yield one(
        "h2o-mojo",
        "model.zip",
        zipped({"model.ini": b"[info]\n", "x.class": b"\xca\xfe\xba\xbe\0\0\0\x34"}),
    )
    yield one("spark", "model/part-00000", pickle.dumps({"a": 1}, 2) + PICKLE)
    yield one("dill", "model.dill", PICKLE, loaders=("dill",))
    yield one("shelve", "model.dat", b"\0" * 512 + PICKLE)
    yield one("sqlite", "model.db", b"SQLite format 3\0" + b"\0" * 100)
    yield one("sqlite-pickle", "model.sqlite", b"SQLite format 3\0" + b"\0" * 100 + PICKLE)
    yield one("paddle", "model.pdparams", PICKLE, loaders=("pickle",))
    yield one("mxnet", "model.params", b"\x12\1\0\0\0\0\0\0" + b"\0" * 20)
    yield one("rkyv-unknown", "model.xyz", bytes(range(256)) * 4)
