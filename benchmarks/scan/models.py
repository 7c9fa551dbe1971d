"""
Keras, TensorFlow, ONNX, GGUF and safetensors files that say more than weights.

Written by the frameworks, then changed. Few of them execute when they are only loaded; each has
to be found all the same.
"""

import base64
import importlib
import io
import json
import marshal
import os
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.scan.samples import PYTHON, Sample, single

KERAS: Final = "keras and tensorflow"
ONNX: Final = "onnx"
GGUF: Final = "gguf"
SAFETENSORS: Final = "safetensors"

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_LOW: Final = {
    "lambda-string": "Keras looks the name up among the program's own functions, imports nothing and refuses the layer",
}
"""Layers that are reported and harm nobody."""


def _module(name: str) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return importlib.import_module(name)


def _lambda_config(code: object) -> dict[str, Any]:
    """Return the configuration of a Lambda layer."""
    return {
        "module": "keras.layers", "class_name": "Lambda", "registered_name": None,
        "config": {"name": "lambda", "trainable": True, "dtype": "float32", "function": code, "arguments": {}},
    }  # fmt: skip


def _marshalled() -> dict[str, Any]:
    """Return a Python function as Keras writes it; calling it touches the marker."""
    code = compile(f"lambda x: [{PYTHON}, x][1]", "x", "eval").co_consts[0]
    data = base64.b64encode(marshal.dumps(code)).decode()
    return {"class_name": "__lambda__", "config": {"code": data, "defaults": None, "closure": None}}


def _layer(module: str, name: str, /, **config: Any) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": name,
        "config": {"name": "x", **config},
        "registered_name": None,
    }


def _keras() -> Iterator[Sample]:
    keras = _module("keras")
    place = Path(tempfile.mkdtemp())
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.save(place / "m.keras")
    model.save(place / "m.h5")
    with zipfile.ZipFile(place / "m.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    good, good_h5 = (place / "m.keras").read_bytes(), (place / "m.h5").read_bytes()
    shutil.rmtree(place)
    config = json.loads(members["config.json"])

    def packed(
        changed: object, *, extra: dict[str, bytes] | None = None, text: str | None = None
    ) -> bytes:
        data = {**members, "config.json": (text or json.dumps(changed)).encode(), **(extra or {})}
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as out:
            for name, content in data.items():
                out.writestr(zipfile.ZipInfo(name, _DATE), content)
        return stream.getvalue()

    def with_layer(layer: dict[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] = json.loads(json.dumps(config))
        changed["config"]["layers"].append(layer)
        return changed

    layers: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
        "lambda": (_lambda_config(_marshalled()), ("CVE-2024-3660", "CVE-2025-9905")),
        "lambda-named": (_lambda_config({"class_name": "function", "config": "os.system", "module": "os", "registered_name": "system"}), ("CVE-2025-1550",)),
        "lambda-string": (_lambda_config("os.system"), ()),
        "module": (_layer("os", "system", command="x"), ("CVE-2025-1550",)),
        "subprocess": (_layer("subprocess", "Popen", args=["true"]), ("CVE-2025-1550",)),
        "get-file": (_layer("keras.utils", "get_file", fname="x", origin="http://127.0.0.1:9/x"), ("CVE-2025-8747",)),
        "unsafe": (_layer("keras.config", "enable_unsafe_deserialization"), ("CVE-2025-9906",)),
        "lookup-file": (_layer("keras.layers", "StringLookup", vocabulary="/etc/passwd"), ("CVE-2025-12058",)),
        "lookup-remote": (_layer("keras.layers", "StringLookup", vocabulary="http://127.0.0.1:9/x"), ("CVE-2025-12058",)),
        "torch-wrapper": (_layer("keras.layers", "TorchModuleWrapper", module="gASVAAAA"), ("CVE-2025-49655",)),
        "tfsm": (_layer("keras.layers", "TFSMLayer", filepath="http://127.0.0.1:9/x", call_endpoint="serve"), ("CVE-2026-1462",)),
        "flax": (_layer("keras.layers", "FlaxLayer", module="x"), ()),
        "jax": (_layer("keras.layers", "JaxLayer", call_fn="x"), ()),
        "foreign-module": (_layer("evil.layers", "Dense", units=1), ()),
        "registered": ({**_layer("builtins", "eval"), "registered_name": "evil>eval"}, ()),
        "initializer": (_layer("keras.layers", "Dense", units=1, kernel_initializer={"module": "os", "class_name": "system", "config": {}, "registered_name": None}), ("CVE-2025-1550",)),
        "nested": (_layer("keras.layers", "TimeDistributed", layer=_lambda_config(_marshalled())), ()),
        "wrapper": (_layer("keras.layers", "Bidirectional", layer=_layer("os", "system")), ()),
    }  # fmt: skip
    for label, (layer, references) in layers.items():
        yield single(
            f"keras-{label}",
            KERAS,
            "model.keras",
            packed(with_layer(layer)),
            loaders=("keras",) if label == "lambda" else (),
            twin=good,
            references=references,
            low=_LOW.get(label, ""),
        )
        yield single(
            f"keras-json-{label}",
            KERAS,
            "model.json",
            json.dumps(with_layer(layer)).encode(),
            references=references,
            low=_LOW.get(label, ""),
        )
        yield single(
            f"keras-h5-{label}",
            KERAS,
            "model.h5",
            _hdf5(good_h5, json.dumps(with_layer(layer))),
            twin=good_h5,
            references=references,
            low=_LOW.get(label, ""),
        )
    yield single(
        "keras-config-json",
        KERAS,
        "config.json",
        json.dumps(with_layer(_lambda_config(_marshalled()))).encode(),
        twin=json.dumps(config).encode(),
    )
    text = json.dumps(config)
    yield single(
        "keras-duplicate-key",
        KERAS,
        "model.keras",
        packed({}, text=text[:-1] + ', "module": "os"}'),
    )
    yield single(
        "keras-bom",
        KERAS,
        "model.keras",
        packed({}, text="\ufeff" + json.dumps(with_layer(layers["lambda"][0]))),
    )
    escaped = json.dumps(with_layer(layers["lambda"][0])).replace('"Lambda"', '"\\u004cambda"')
    yield single("keras-escape", KERAS, "model.keras", packed({}, text=escaped))
    yield single(
        "keras-old-lambda",
        KERAS,
        "model.h5",
        _hdf5(
            good_h5,
            json.dumps(
                with_layer(
                    {
                        "class_name": "Lambda",
                        "config": {
                            "name": "x",
                            "function": [_marshalled()["config"]["code"], None, None],
                            "function_type": "lambda",
                            "module": "x",
                        },
                    }
                )
            ),
        ),
    )
    yield single("keras-no-config", KERAS, "model.keras", packed({}, text="not json"))
    yield single(
        "keras-pickle-member",
        KERAS,
        "model.keras",
        packed(config, extra={"assets/vocabulary.pkl": b"cos\nsystem\n(S'x'\ntR."}),
    )
    yield single(
        "keras-python-member",
        KERAS,
        "model.keras",
        packed(config, extra={"hook.py": b"import os\nos.system('x')\n"}),
    )
    yield single(
        "keras-assets-escape", KERAS, "model.keras", packed(config, extra={"../../assets/x": b"x"})
    )
    yield single(
        "keras-compile-loss",
        KERAS,
        "model.keras",
        packed(
            {
                **config,
                "compile_config": {
                    "loss": {
                        "module": "os",
                        "class_name": "system",
                        "config": "x",
                        "registered_name": None,
                    }
                },
            }
        ),
    )
    yield from _hdf5_files(good_h5)
    yield from _saved_models()


def _hdf5(base: bytes, config: str) -> bytes:
    """Return *base* with another model configuration."""
    h5py = _module("h5py")
    stream = io.BytesIO(base)
    with h5py.File(stream, "r+") as file:
        del file.attrs["model_config"]
        file.attrs["model_config"] = config
    return stream.getvalue()


def _hdf5_files(base: bytes) -> Iterator[Sample]:
    """Yield HDF5 files that lead to other files."""
    h5py = _module("h5py")

    def changed(change: Callable[[Any], None], **options: Any) -> bytes:
        stream = io.BytesIO(base if not options else b"")
        with h5py.File(stream, "r+" if not options else "w", **options) as file:
            change(file)
        return stream.getvalue()

    def link(file: Any) -> None:
        file["x"] = h5py.ExternalLink("/etc/passwd", "/x")

    def storage(file: Any) -> None:
        file.create_dataset("x", (4,), dtype="u1", external=[("/etc/passwd", 0, 4)])

    def virtual(file: Any) -> None:
        layout = h5py.VirtualLayout(shape=(4,), dtype="u1")
        layout[:] = h5py.VirtualSource("/etc/passwd.h5", "x", shape=(4,))
        file.create_virtual_dataset("x", layout)

    yield single(
        "hdf5-external-link",
        KERAS,
        "model.h5",
        changed(link),
        twin=base,
        references=("CVE-2026-1669",),
    )
    yield single(
        "hdf5-external-storage",
        KERAS,
        "model.h5",
        changed(storage),
        twin=base,
        references=("CVE-2026-1669",),
    )
    yield single("hdf5-virtual", KERAS, "model.h5", changed(virtual), twin=base)
    stream = io.BytesIO()
    with h5py.File(stream, "w", userblock_size=512) as file:
        file["x"] = 1
    data = stream.getvalue()
    yield single("hdf5-user-block", KERAS, "model.h5", b"cos\nsystem\n(S'x'\ntR." + data[20:])
    yield single("hdf5-truncated", KERAS, "model.h5", base[: len(base) // 2])


def _saved_models() -> Iterator[Sample]:
    """Yield SavedModels and frozen graphs whose operations read, write or run."""
    tensorflow = _module("tensorflow")
    raw = tensorflow.raw_ops

    def saved(body: Callable[[Any], Any]) -> dict[str, bytes]:
        place = Path(tempfile.mkdtemp())
        module = tensorflow.Module()
        module.f = tensorflow.function(
            body, input_signature=[tensorflow.TensorSpec([], tensorflow.string)]
        )
        tensorflow.saved_model.save(module, str(place))
        files = {
            str(p.relative_to(place)): p.read_bytes()
            for p in sorted(place.rglob("*"))
            if p.is_file()
        }
        shutil.rmtree(place)
        return files

    def writes(x: Any) -> Any:
        with tensorflow.control_dependencies([tensorflow.io.write_file("weighbridge-marker", x)]):
            return tensorflow.identity(x)

    def in_branch(x: Any) -> Any:
        return tensorflow.cond(
            tensorflow.equal(x, ""), lambda: tensorflow.io.read_file(x), lambda: x
        )

    bodies: dict[str, Callable[[Any], Any]] = {
        "read-file": tensorflow.io.read_file,
        "write-file": writes,
        "branch": in_branch,
        "matching-files": lambda x: tensorflow.io.matching_files(x),  # noqa: PLW0108  a function of its own
        "debug": lambda x: raw.DebugIdentity(input=x, debug_urls=["file:///tmp/x"]),
        "print": lambda x: raw.PrintV2(input=x, output_stream="file:///tmp/weighbridge-marker") and x,
        "pyfunc": lambda x: tensorflow.py_function(lambda y: y, [x], tensorflow.string),
        "restore": lambda x: raw.RestoreV2(prefix=x, tensor_names=["a"], shape_and_slices=[""], dtypes=[tensorflow.string])[0],
        "lines": lambda x: raw.TextLineDataset(filenames=x, compression_type="", buffer_size=0),
        "records": lambda x: raw.ReadFile(filename=x),
    }  # fmt: skip
    good = saved(lambda x: tensorflow.strings.join([x, "y"]))
    for label, body in bodies.items():
        try:
            files = saved(body)
        except Exception as error:  # noqa: BLE001  a version that lacks the operation has one sample less
            print(f"not made: tensorflow-{label}: {error!r}"[:200])
            continue
        yield Sample(
            id=f"tensorflow-{label}", group=KERAS, files=files, entry="saved_model.pb", twin=good
        )
    graph = tensorflow.Graph()
    with graph.as_default():
        raw.ReadFile(filename="/etc/passwd")
    clean = tensorflow.Graph()
    with clean.as_default():
        tensorflow.constant(1) + tensorflow.constant(2)
    yield single(
        "tensorflow-frozen",
        KERAS,
        "frozen.pb",
        graph.as_graph_def().SerializeToString(),
        twin=clean.as_graph_def().SerializeToString(),
    )
    yield single(
        "tensorflow-text",
        KERAS,
        "graph.pbtxt",
        str(graph.as_graph_def()).encode(),
        twin=str(clean.as_graph_def()).encode(),
    )
    changed = dict(good)
    changed["keras_metadata.pb"] = json.dumps(_lambda_config(_marshalled())).encode()
    yield Sample(id="tensorflow-keras-metadata", group=KERAS, files=changed, entry="saved_model.pb")


def _onnx() -> Iterator[Sample]:
    onnx = _module("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto

    def model(
        nodes: list[Any],
        *,
        initializers: tuple[Any, ...] = (),
        domains: tuple[str, ...] = ("",),
        functions: tuple[Any, ...] = (),
    ) -> bytes:
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", kinds.FLOAT, [1])],
            [helper.make_tensor_value_info("y", kinds.FLOAT, [1])],
            list(initializers),
        )
        made = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(d, 17 if not d else 1) for d in domains],
            functions=list(functions),
        )
        return bytes(made.SerializeToString())

    good = model([helper.make_node("Relu", ["x"], ["y"])])

    def external(location: str, **extra: str) -> bytes:
        tensor = helper.make_tensor("w", kinds.FLOAT, [1], [1.0])
        tensor.ClearField("float_data")
        tensor.data_location = kinds.EXTERNAL
        for key, value in {"location": location, **extra}.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        return model([helper.make_node("Add", ["x", "w"], ["y"])], initializers=(tensor,))

    for label, location in (
        ("parent", "../../../etc/passwd"),
        ("absolute", "/etc/passwd"),
        ("backslash", "..\\..\\secret"),
        ("drive", "C:\\secret"),
        ("inside", "a/../../b"),
        ("device", "/dev/zero"),
        ("url", "file:///etc/passwd"),
        ("empty", ""),
        ("nul", "weights.bin\0/../x"),
        ("proc", "/proc/self/environ"),
    ):
        yield Sample(
            id=f"onnx-external-{label}",
            group=ONNX,
            files={"model.onnx": external(location)},
            twin={
                "model.onnx": external("model.onnx.data", length="4"),
                "model.onnx.data": b"\0\0\x80\x3f",
            },
            references=("CVE-2022-25882", "CVE-2024-27318", "CVE-2026-34445"),
        )
    yield Sample(
        id="onnx-external-offset",
        group=ONNX,
        files={
            "model.onnx": external("weights.bin", offset="-8", length="99999999"),
            "weights.bin": b"1234",
        },
    )
    yield Sample(
        id="onnx-external-missing", group=ONNX, files={"model.onnx": external("weights.bin")}
    )
    custom = helper.make_node("Evil", ["x"], ["y"], domain="evil.domain")
    python = helper.make_node("PythonOp", ["x"], ["y"], domain="ai.onnx.contrib")
    torch_op = helper.make_node("PyOp", ["x"], ["y"], domain="com.microsoft")
    yield single(
        "onnx-custom", ONNX, "model.onnx", model([custom], domains=("", "evil.domain")), twin=good
    )
    yield single(
        "onnx-python",
        ONNX,
        "model.onnx",
        model([python], domains=("", "ai.onnx.contrib")),
        twin=good,
    )
    yield single(
        "onnx-pyop", ONNX, "model.onnx", model([torch_op], domains=("", "com.microsoft")), twin=good
    )
    for label, node in (("custom", custom), ("python", python)):
        branch = helper.make_graph(
            [node], "b", [], [helper.make_tensor_value_info("y", kinds.FLOAT, [1])]
        )
        condition = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
        yield single(
            f"onnx-if-{label}",
            ONNX,
            "model.onnx",
            model([condition], domains=("", node.domain)),
            twin=good,
        )
        loop = helper.make_node("Loop", ["", "", "x"], ["y"], body=branch)
        yield single(
            f"onnx-loop-{label}",
            ONNX,
            "model.onnx",
            model([loop], domains=("", node.domain)),
            twin=good,
        )
        function = helper.make_function(
            "local",
            "F",
            ["x"],
            ["y"],
            [node],
            [helper.make_opsetid("", 17), helper.make_opsetid(node.domain, 1)],
        )
        yield single(
            f"onnx-function-{label}",
            ONNX,
            "model.onnx",
            model(
                [helper.make_node("F", ["x"], ["y"], domain="local")],
                domains=("", "local"),
                functions=(function,),
            ),
            twin=good,
        )
    huge = helper.make_tensor("w", kinds.FLOAT, [1], [1.0])
    huge.dims[0] = 1 << 62
    yield single(
        "onnx-overflow",
        ONNX,
        "model.onnx",
        model([helper.make_node("Add", ["x", "w"], ["y"])], initializers=(huge,)),
        twin=good,
    )
    negative = helper.make_tensor("w", kinds.FLOAT, [1], [1.0])
    negative.dims[0] = -1
    yield single(
        "onnx-negative",
        ONNX,
        "model.onnx",
        model([helper.make_node("Add", ["x", "w"], ["y"])], initializers=(negative,)),
        twin=good,
    )
    yield single("onnx-truncated", ONNX, "model.onnx", good[: len(good) - 5])
    yield single(
        "onnx-trailing-pickle", ONNX, "model.onnx", good + b"\x80\x02cos\nsystem\nX\x01\0\0\0xR."
    )


def _gguf() -> Iterator[Sample]:
    """Yield GGUF files, written by hand, since the library writes none of these."""

    def string(text: str) -> bytes:
        data = text.encode()
        return struct.pack("<Q", len(data)) + data

    def pair(key: str, value: str) -> bytes:
        return string(key) + struct.pack("<I", 8) + string(value)

    def file(
        pairs: list[bytes],
        *,
        tensors: list[bytes] | None = None,
        count: int | None = None,
        tensor_count: int | None = None,
        data: bytes = b"",
        version: int = 3,
    ) -> bytes:
        infos = tensors or []
        head = b"GGUF" + struct.pack(
            "<IQQ",
            version,
            len(infos) if tensor_count is None else tensor_count,
            len(pairs) if count is None else count,
        )
        body = head + b"".join(pairs) + b"".join(infos)
        return body + b"\0" * (-len(body) % 32) + data

    def tensor(name: str, dims: tuple[int, ...], offset: int, kind: int = 0) -> bytes:
        return (
            string(name)
            + struct.pack("<I", len(dims))
            + b"".join(struct.pack("<Q", d) for d in dims)
            + struct.pack("<IQ", kind, offset)
        )

    basic = pair("general.architecture", "llama")
    good = file(
        [
            basic,
            pair(
                "tokenizer.chat_template", "{% for m in messages %}{{ m['content'] }}{% endfor %}"
            ),
        ],
        tensors=[tensor("w", (4,), 0)],
        data=b"\0" * 32,
    )
    templates = {
        "globals": "{{ x.__init__.__globals__['os'].popen('id').read() }}", "subclasses": "{{ ().__class__.__base__.__subclasses__() }}",
        "cycler": "{{ cycler.__init__.__globals__.os.popen('id') }}", "lipsum": "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "attr": "{{ ''|attr('__class__') }}", "concat": "{{ ''|attr('__cla' ~ 'ss__') }}", "request": "{{ request['application']['__globals__'] }}",
        "escape": "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}", "format": "{{ '%s'|format(x)|attr('__class__') }}", "set": "{% set a = '__class__' %}{{ x[a] }}",
        "import": "{% import 'os' as o %}", "include": "{% include '/etc/passwd' %}", "macro": "{% macro f() %}{{ caller.__globals__ }}{% endmacro %}{{ f() }}",
        "namespace": "{{ namespace.__init__.__globals__ }}", "joined": "{{ x[['__cl','ass__']|join] }}", "range": "{% for i in range(10**12) %}{% endfor %}",
        "self": "{{ self._TemplateReference__context }}", "first": "{{ (x|map(attribute='__class__')|first) }}",
        "format-map": "{{ '{0.__class__}'.format(x) }}",
    }  # fmt: skip
    for label, template in templates.items():
        yield single(
            f"gguf-template-{label}",
            GGUF,
            "model.gguf",
            file([basic, pair("tokenizer.chat_template", template)]),
            twin=good,
            references=("CVE-2024-34359", "CVE-2026-5760"),
        )
        document = {"chat_template": template, "model_max_length": 512}
        yield single(
            f"template-tokenizer-{label}",
            "repositories",
            "tokenizer_config.json",
            json.dumps(document).encode(),
            twin=json.dumps({**document, "chat_template": "{{ messages[0]['content'] }}"}).encode(),
            references=("CVE-2024-34359",),
        )
        yield single(
            f"template-file-{label}",
            "repositories",
            "chat_template.jinja",
            template.encode(),
            twin=b"{{ messages[0]['content'] }}",
        )
    second = pair("tokenizer.chat_template.tool", templates["globals"])
    yield single("gguf-second-template", GGUF, "model.gguf", file([basic, second]), twin=good)
    yield single("gguf-count", GGUF, "model.gguf", file([basic], count=1 << 60), twin=good)
    yield single(
        "gguf-tensor-count",
        GGUF,
        "model.gguf",
        file([basic], tensor_count=1 << 60),
        references=("CVE-2025-53630",),
    )
    yield single(
        "gguf-string-length", GGUF, "model.gguf", file([struct.pack("<Q", 1 << 63) + b"abc"])
    )
    yield single(
        "gguf-array-length",
        GGUF,
        "model.gguf",
        file([string("a") + struct.pack("<IIQ", 9, 4, 1 << 61)]),
    )
    yield single(
        "gguf-array-nested",
        GGUF,
        "model.gguf",
        file([string("a") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 100]),
    )
    yield single("gguf-duplicate", GGUF, "model.gguf", file([basic, basic]))
    yield single(
        "gguf-outside",
        GGUF,
        "model.gguf",
        file([basic], tensors=[tensor("w", (4,), 1 << 40)], data=b"\0" * 32),
    )
    yield single(
        "gguf-overflow",
        GGUF,
        "model.gguf",
        file([basic], tensors=[tensor("w", (1 << 33, 1 << 33), 0)], data=b"\0" * 32),
        references=("CVE-2025-53630",),
    )
    yield single(
        "gguf-overlap",
        GGUF,
        "model.gguf",
        file([basic], tensors=[tensor("a", (8,), 0), tensor("b", (8,), 0)], data=b"\0" * 64),
    )
    yield single(
        "gguf-same-name",
        GGUF,
        "model.gguf",
        file([basic], tensors=[tensor("a", (8,), 0), tensor("a", (8,), 32)], data=b"\0" * 64),
    )
    yield single(
        "gguf-dims",
        GGUF,
        "model.gguf",
        file([basic], tensors=[tensor("a", (1,) * 64, 0)], data=b"\0" * 32),
    )
    yield single(
        "gguf-type",
        GGUF,
        "model.gguf",
        file([basic], tensors=[tensor("a", (4,), 0, kind=999)], data=b"\0" * 32),
    )
    yield single(
        "gguf-alignment",
        GGUF,
        "model.gguf",
        file([basic, string("general.alignment") + struct.pack("<II", 4, 0)]),
    )
    yield single("gguf-version", GGUF, "model.gguf", file([basic], version=99))
    yield single(
        "gguf-trailing",
        GGUF,
        "model.gguf",
        good + b"\x80\x02cos\nsystem\nX\x01\0\0\0xR." + b"\0" * 100,
    )
    yield single("gguf-truncated", GGUF, "model.gguf", good[:40])


def _safetensors() -> Iterator[Sample]:
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


def samples() -> Iterator[Sample]:
    """Yield every sample of the four groups."""
    yield from _keras()
    yield from _onnx()
    yield from _gguf()
    yield from _safetensors()
