"""GGUF files with templates that do more than format, and broken geometry."""

import json
import struct
from collections.abc import Iterator
from typing import Final

from benchmarks.scan.samples import Sample, single

GGUF: Final = "gguf"


def gguf_files() -> Iterator[Sample]:
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
