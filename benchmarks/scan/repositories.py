"""Files beside the weights that decide what is executed, and the formats that nobody thinks of."""

import gzip
import io
import json
import marshal
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.scan.samples import SHELL, Sample

REPOSITORIES: Final = "repositories"
OTHERS: Final = "others"

_PICKLE: Final = (
    b"\x80\x02cos\nsystem\nX" + struct.pack("<I", len(SHELL)) + SHELL.encode() + b"\x85R."
)
_SOURCE: Final = b"import os\n\nclass Model:\n    pass\n\nos.system('true')\n"
_CONFIG: Final[dict[str, Any]] = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "hidden_size": 8,
}


def _weights() -> bytes:
    header = b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    return struct.pack("<Q", len(header)) + header + b"\0"


def _repository(
    identifier: str,
    files: dict[str, Any],
    *,
    twin: dict[str, Any] | None = None,
    entry: str = "",
    loaders: tuple[str, ...] = (),
    references: tuple[str, ...] = (),
    group: str = REPOSITORIES,
    low: str = "",
) -> Sample:
    """Return a repository; values that are no bytes are written as JSON."""

    def written(content: dict[str, Any]) -> dict[str, bytes]:
        return {
            name: data if isinstance(data, bytes) else json.dumps(data, indent=2).encode()
            for name, data in content.items()
        }

    return Sample(
        id=identifier,
        group=group,
        files={**written(files), "model.safetensors": _weights()},
        entry=entry or next(iter(files)),
        loaders=loaders,
        twin=None if twin is None else {**written(twin), "model.safetensors": _weights()},
        references=references,
        low=low,
    )


def _transformers() -> Iterator[Sample]:
    plain = {"config.json": _CONFIG}
    for label, value in (
        ("local", {"AutoModel": "modeling.Model"}),
        ("foreign", {"AutoModel": "other/repository--modeling.Model"}),
        ("list", {"AutoModel": ["modeling.A", None]}),
    ):
        yield _repository(
            f"auto-map-{label}", {"config.json": {**_CONFIG, "auto_map": value}}, twin=plain
        )
        yield _repository(
            f"auto-map-tokenizer-{label}",
            {"tokenizer_config.json": {"auto_map": {"AutoTokenizer": value["AutoModel"]}}},
            twin={"tokenizer_config.json": {"model_max_length": 8}},
        )
        yield _repository(
            f"auto-map-processor-{label}",
            {"preprocessor_config.json": {"auto_map": {"AutoProcessor": value["AutoModel"]}}},
            twin={"preprocessor_config.json": {"size": 8}},
        )
        yield _repository(
            f"auto-map-nested-{label}",
            {"config.json": {**_CONFIG, "text_config": {"auto_map": value}}},
            twin=plain,
        )
    for key, name in (
        ("_attn_implementation", "evil/kernel"),
        ("attn_implementation", "evil/kernel@main"),
        ("_attn_implementation_internal", "evil/kernel:fn"),
        ("_attn_implementation_autoset", "evil/kernel"),
    ):
        yield _repository(
            f"attention-{key}",
            {"config.json": {**_CONFIG, key: name}},
            twin={"config.json": {**_CONFIG, key: "sdpa"}},
            references=("CVE-2026-4372",),
        )
    yield _repository(
        "custom-generate",
        {"custom_generate/generate.py": _SOURCE, "config.json": _CONFIG},
        twin=plain,
    )
    yield _repository(
        "generation-config",
        {"generation_config.json": {"custom_generate": "other/repository"}},
        twin={"generation_config.json": {"max_length": 8}},
    )
    yield _repository(
        "trust-remote-code", {"config.json": {**_CONFIG, "trust_remote_code": True}}, twin=plain
    )
    yield _repository(
        "modeling-file",
        {
            "modeling_bert.py": _SOURCE,
            "config.json": {**_CONFIG, "auto_map": {"AutoModel": "modeling_bert.M"}},
        },
        twin=plain,
    )
    yield _repository(
        "adapter",
        {"adapter_config.json": {"base_model_name_or_path": "/tmp/other", "peft_type": "LORA"}},
        twin={"adapter_config.json": {"base_model_name_or_path": None, "peft_type": "LORA"}},
        low="every adapter names its base model, which has to be checked by itself",
    )
    yield _repository(
        "adapter-auto-mapping",
        {
            "adapter_config.json": {
                "auto_mapping": {"base_model_class": "X", "parent_library": "evil"},
                "peft_type": "LORA",
            }
        },
    )
    yield _repository(
        "adapter-pickle",
        {"adapter_model.bin": _PICKLE, "adapter_config.json": {"peft_type": "LORA"}},
        loaders=("pickle",),
        entry="adapter_model.bin",
    )
    for label, kind in (
        ("os", "os.system"),
        ("foreign", "evil_package.Module"),
        ("builtins", "builtins.exec"),
    ):
        yield _repository(
            f"modules-{label}",
            {"modules.json": [{"idx": 0, "name": "0", "path": "", "type": kind}]},
            twin={
                "modules.json": [
                    {
                        "idx": 0,
                        "name": "0",
                        "path": "",
                        "type": "sentence_transformers.models.Transformer",
                    }
                ]
            },
        )
    yield _repository(
        "modules-path",
        {
            "modules.json": [
                {
                    "idx": 0,
                    "name": "0",
                    "path": "../../x",
                    "type": "sentence_transformers.models.Transformer",
                }
            ]
        },
    )
    yield _repository(
        "sentence-dense",
        {
            "1_Dense/config.json": {
                "activation_function": "os.system",
                "in_features": 1,
                "out_features": 1,
            }
        },
        twin={
            "1_Dense/config.json": {
                "activation_function": "torch.nn.modules.activation.Tanh",
                "in_features": 1,
                "out_features": 1,
            }
        },
    )
    yield _repository(
        "diffusers-custom",
        {"model_index.json": {"_class_name": ["pipeline", "Evil"], "unet": ["unet_code", "Model"]}},
        twin={
            "model_index.json": {
                "_class_name": "StableDiffusionPipeline",
                "unet": ["diffusers", "UNet2DConditionModel"],
            }
        },
    )
    yield _repository(
        "diffusers-foreign",
        {
            "model_index.json": {
                "_class_name": "DiffusionPipeline",
                "custom_pipeline": "other/repository",
            }
        },
    )
    yield _repository(
        "diffusers-file",
        {"pipeline.py": _SOURCE, "model_index.json": {"_class_name": "DiffusionPipeline"}},
    )
    for label, target in (
        ("os", "os.system"),
        ("eval", "builtins.eval"),
        ("get", "hydra.utils.get_method"),
    ):
        yield _repository(
            f"hydra-{label}",
            {"config.yaml": f"model:\n  _target_: {target}\n  _args_: ['true']\n".encode()},
            twin={"config.yaml": b"model:\n  hidden: 8\n"},
        )
        yield _repository(
            f"hydra-json-{label}", {"config.json": {"model": {"_target_": target}}}, twin=plain
        )
        yield _repository(
            f"class-path-{label}", {"config.yaml": f"model:\n  class_path: {target}\n".encode()}
        )
    yield _repository(
        "hydra-nested", {"config.yaml": b"a:\n  - b:\n      _target_: subprocess.Popen\n"}
    )
    yield _repository("hydra-flow", {"config.yaml": b"a: {b: {'_target_': os.system}}\n"})
    yield _repository(
        "hydra-merge", {"config.yaml": b"x: &x\n  _target_: os.system\na:\n  <<: *x\n"}
    )
    yield _repository(
        "mlflow-loader",
        {
            "MLmodel": b"flavors:\n  python_function:\n    loader_module: evil\n    code: code\n",
            "code/evil.py": _SOURCE,
        },
    )
    yield _repository(
        "mlflow-pickle",
        {"MLmodel": b"flavors:\n  sklearn:\n    pickled_model: model.pkl\n", "model.pkl": _PICKLE},
        loaders=("pickle",),
        entry="model.pkl",
    )
    yield _repository(
        "mlflow-cloudpickle",
        {
            "MLmodel": b"flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n    python_model: python_model.pkl\n"
        },
    )


def _yaml() -> Iterator[Sample]:
    for label, text in (
        ("apply", f"!!python/object/apply:os.system ['{SHELL}']\n"), ("new", "!!python/object/new:os.system ['true']\n"), ("name", "a: !!python/name:os.system\n"),
        ("module", "a: !!python/module:os\n"), ("object", "a: !!python/object:collections.OrderedDict {}\n"), ("tag", f"%TAG !p! tag:yaml.org,2002:python/\n---\n!p!object/apply:os.system ['{SHELL}']\n"),
        ("verbatim", f"!<tag:yaml.org,2002:python/object/apply:os.system> ['{SHELL}']\n"), ("escaped", f"!<tag:yaml.org,2002:python/object/%61pply:os.system> ['{SHELL}']\n"),
        ("nested", f"a:\n  - b: !!python/object/apply:os.system ['{SHELL}']\n"), ("key", f"? !!python/object/apply:os.system ['{SHELL}']\n: 1\n"), ("second", f"a: 1\n---\n!!python/object/apply:os.system ['{SHELL}']\n"),
        ("ruby", "--- !ruby/object:Gem::Installer\ni: x\n"),
    ):  # fmt: skip
        loads = ("yaml",) if label in {"apply", "tag", "verbatim", "nested", "key"} else ()
        yield _repository(
            f"yaml-{label}",
            {"config.yaml": text.encode()},
            twin={"config.yaml": b"a: !!str b\n"},
            loaders=loads,
        )
        yield _repository(f"yaml-{label}-odd-name", {"hparams": text.encode()}, loaders=loads)


def _shards() -> Iterator[Sample]:
    good = {
        "model.safetensors.index.json": {"metadata": {}, "weight_map": {"a": "model.safetensors"}}
    }
    for label, name in (
        ("parent", "../../other.safetensors"),
        ("absolute", "/etc/passwd"),
        ("url", "http://127.0.0.1:9/x"),
        ("backslash", "..\\x"),
        ("pickle", "pytorch_model.bin"),
    ):
        yield _repository(
            f"index-{label}",
            {"model.safetensors.index.json": {"metadata": {}, "weight_map": {"a": name}}},
            twin=good,
        )
    yield _repository(
        "index-torch", {"pytorch_model.bin.index.json": {"weight_map": {"a": "../x.bin"}}}
    )


def _code() -> Iterator[Sample]:
    compiled = b"\xa7\r\r\n" + b"\0" * 12 + marshal.dumps(compile("import os", "x", "exec"))
    native = b"\x7fELF\x02\x01\x01" + b"\0" * 57
    files: dict[str, bytes] = {
        "modeling.py": _SOURCE, "setup.py": _SOURCE, "hook.pyc": compiled, "__pycache__/x.cpython-311.pyc": compiled, "kernel.so": native, "kernel.dylib": b"\xcf\xfa\xed\xfe" + b"\0" * 60,
        "kernel.dll": b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0" + b"\0" * 40, "site.pth": b"import os; os.system('true')\n", "run.sh": b"#!/bin/sh\ntrue\n", "run.bat": b"@echo off\r\nstart x\r\n",
        "install.ps1": b"Invoke-Expression 'x'\n", "sitecustomize.py": _SOURCE, "conftest.py": _SOURCE, "weights.dat": native, "weights.bin": compiled, "tokenizer.model": native,
        "model.exe": b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0" + b"\0" * 40, "model.llamafile": b"MZqFpD='\n" + b"#" * 100, "model.class": b"\xca\xfe\xba\xbe\0\0\0\x34" + b"\0" * 20, "model.wasm": b"\0asm\1\0\0\0",
        "image.png": native, "README.md": _PICKLE, "package.whl": _zipped({"x/__init__.py": _SOURCE}), "lib.jar": _zipped({"META-INF/MANIFEST.MF": b"Main-Class: X\n", "X.class": b"\xca\xfe\xba\xbe\0\0\0\x34"}),
        "lfs.safetensors": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 10\n",
    }  # fmt: skip
    for name, data in files.items():
        yield _repository(f"code-{name.replace('/', '-')}", {name: data})


def _zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return stream.getvalue()


def _others() -> Iterator[Sample]:
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
        return _zipped(
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
        _zipped(
            {
                "schema.json": json.dumps(
                    {"__class__": "x", "__module__": "os", "__loader__": "UnknownNode"}
                ).encode(),
                "x.pkl": _PICKLE,
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
            ("model_weights.ckpt", _PICKLE),
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
    yield one("xgboost-pickle", "model.ubj", _PICKLE, loaders=("pickle",))
    yield one("lightgbm-text", "model.txt", _PICKLE, loaders=("pickle",))
    yield one("catboost-pickle", "model.cbm", _PICKLE, loaders=("pickle",))
    yield one(
        "h2o-mojo",
        "model.zip",
        _zipped({"model.ini": b"[info]\n", "x.class": b"\xca\xfe\xba\xbe\0\0\0\x34"}),
    )
    yield one("spark", "model/part-00000", pickle.dumps({"a": 1}, 2) + _PICKLE)
    yield one("dill", "model.dill", _PICKLE, loaders=("dill",))
    yield one("shelve", "model.dat", b"\0" * 512 + _PICKLE)
    yield one("sqlite", "model.db", b"SQLite format 3\0" + b"\0" * 100)
    yield one("sqlite-pickle", "model.sqlite", b"SQLite format 3\0" + b"\0" * 100 + _PICKLE)
    yield one("paddle", "model.pdparams", _PICKLE, loaders=("pickle",))
    yield one("mxnet", "model.params", b"\x12\1\0\0\0\0\0\0" + b"\0" * 20)
    yield one("rkyv-unknown", "model.xyz", bytes(range(256)) * 4)


def samples() -> Iterator[Sample]:
    """Yield every sample of the two groups."""
    for source in (_transformers, _yaml, _shards, _code, _others):
        yield from source()
