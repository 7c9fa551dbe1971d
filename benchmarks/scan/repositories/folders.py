"""Folders of libraries that follow what their configuration says."""

import json
import marshal
import struct
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.scan.repositories.parts import PICKLE, SOURCE, zipped
from benchmarks.scan.samples import SHELL, Sample

REPOSITORIES: Final = "repositories"

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


def transformers() -> Iterator[Sample]:
    """Yield folders of transformers."""
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
        {"custom_generate/generate.py": SOURCE, "config.json": _CONFIG},
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
            "modeling_bert.py": SOURCE,
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
        {"adapter_model.bin": PICKLE, "adapter_config.json": {"peft_type": "LORA"}},
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
        {"pipeline.py": SOURCE, "model_index.json": {"_class_name": "DiffusionPipeline"}},
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
            "code/evil.py": SOURCE,
        },
    )
    yield _repository(
        "mlflow-pickle",
        {"MLmodel": b"flavors:\n  sklearn:\n    pickled_model: model.pkl\n", "model.pkl": PICKLE},
        loaders=("pickle",),
        entry="model.pkl",
    )
    yield _repository(
        "mlflow-cloudpickle",
        {
            "MLmodel": b"flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n    python_model: python_model.pkl\n"
        },
    )


def yaml() -> Iterator[Sample]:
    """Yield folders with settings in YAML."""
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


def shards() -> Iterator[Sample]:
    """Yield folders whose index names other files."""
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


def code() -> Iterator[Sample]:
    """Yield folders with code beside the weights."""
    compiled = b"\xa7\r\r\n" + b"\0" * 12 + marshal.dumps(compile("import os", "x", "exec"))
    native = b"\x7fELF\x02\x01\x01" + b"\0" * 57
    files: dict[str, bytes] = {
        "modeling.py": SOURCE, "setup.py": SOURCE, "hook.pyc": compiled, "__pycache__/x.cpython-311.pyc": compiled, "kernel.so": native, "kernel.dylib": b"\xcf\xfa\xed\xfe" + b"\0" * 60,
        "kernel.dll": b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0" + b"\0" * 40, "site.pth": b"import os; os.system('true')\n", "run.sh": b"#!/bin/sh\ntrue\n", "run.bat": b"@echo off\r\nstart x\r\n",
        "install.ps1": b"Invoke-Expression 'x'\n", "sitecustomize.py": SOURCE, "conftest.py": SOURCE, "weights.dat": native, "weights.bin": compiled, "tokenizer.model": native,
        "model.exe": b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0" + b"\0" * 40, "model.llamafile": b"MZqFpD='\n" + b"#" * 100, "model.class": b"\xca\xfe\xba\xbe\0\0\0\x34" + b"\0" * 20, "model.wasm": b"\0asm\1\0\0\0",
        "image.png": native, "README.md": PICKLE, "package.whl": zipped({"x/__init__.py": SOURCE}), "lib.jar": zipped({"META-INF/MANIFEST.MF": b"Main-Class: X\n", "X.class": b"\xca\xfe\xba\xbe\0\0\0\x34"}),
        "lfs.safetensors": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 10\n",
    }  # fmt: skip
    for name, data in files.items():
        yield _repository(f"code-{name.replace('/', '-')}", {name: data})
