"""
Keys that occur twice in JSON: a table of words passes with a finding, everything else is a gap.

Each document that is refused differs from one that passes in what a reader could be shown that a
scanner was not: a name that a loader knows, a key that means something, a value that names code
or a place, or a shape that is no table's.
"""

import bz2
import gzip
import io
import json
import zipfile

import pytest

from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Finding, Gap, Severity
from weighbridge.core.limits.documents import MAX_JSON_TABLE_BYTES
from weighbridge.scan.loader_names import is_place_of_settings, may_be_settings

WORDS = {f"words{chr(97 + n)}": "word" for n in range(26)} | {f"w{n}": "word" for n in range(10)}
"""A table that is long enough to be one."""


def _document(*rows: tuple[str, object], table: dict[str, object] | None = None) -> bytes:
    """Return a table with *rows* behind it, keys repeated as they are."""
    pairs = [*(WORDS if table is None else table).items(), *rows]
    inside = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs)
    return b"{" + inside.encode() + b"}"


def _within(key: str, inner: bytes) -> bytes:
    """Return an object that has *inner* under *key*."""
    return b'{"other": ' + _document() + b", " + json.dumps(key).encode() + b": " + inner + b"}"


def _examined(
    data: bytes, *, path: str = "words.json", kind: FileFormat = FileFormat.JSON
) -> list[Finding | Gap]:
    return list(examined(data, path=path, format=kind))


def _zipped(data: bytes) -> bytes:
    """Return an archive with a table in it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("words.json", data)
    return target.getvalue()


LEMMAS = _document(("ona", "on"), ("ona", "onen"))
LISTS = _document(("a", ["on"]), ("a", ["on", "ona"]), table={k: ["word"] for k in WORDS})
COUNTS = _document(("a", 1), ("a", 2.5), table=dict.fromkeys(WORDS, 3))
GOOD = {
    "two-lemmas": LEMMAS,
    "the-same-twice": _document(("ona", "on"), ("ona", "on")),
    "lists": LISTS,
    "counts": COUNTS,
    "three-times": _document(("a", "b"), ("a", "c"), ("a", "b")),
    "two-words": _document(("New-York", "New York"), ("New-York", "N. Y.")),
    "another-alphabet": _document(("слово", "слова"), ("слово", "слов")),
    "tables-by-name": _within("noun", LEMMAS),
    "escaped-key": _document(("ona", "on")).replace(b"}", b', "\\u006fna": "onen"}'),
}
BAD = {
    "key-that-names-code": _document(("auto_map", "a"), ("auto_map", "b")),
    "key-of-a-class": _document(("class_name", "a"), ("class_name", "b")),
    "key-in-capitals": _document(("Module", "a"), ("Module", "b")),
    "target": _document(("target", "a"), ("target", "b")),
    "template": _document(("chat_template", "a"), ("chat_template", "b")),
    "jinja": _document(("template", "a"), ("template", "b")),
    "below-a-key-that-means-something": _within("weight_map", LEMMAS),
    "below-parameters": _within("params", LEMMAS),
    "path": _document(("a", "model.safetensors"), ("a", "../../model.bin")),
    "file": _document(("a", "weights.bin"), ("a", "other.bin")),
    "module": _document(("a", "os.path"), ("a", "os.system")),
    "address": _document(("a", "b"), ("a", "http://example.org")),
    "expression": _document(("a", "b"), ("a", "{{ x }}")),
    "call": _document(("a", "b"), ("a", "f()")),
    "long-text": _document(("a", "b"), ("a", "b" * 65)),
    "file-as-key": _document(("a.bin", "b"), ("a.bin", "c")),
    "path-in-a-list": _document(("a", ["b"]), ("a", ["../b"]), table={k: ["w"] for k in WORDS}),
    "object": _document(("a", "b"), ("a", {"c": "d"})),
    "object-first": _document(("a", {"c": "d"}), ("a", "b")),
    "list-of-lists": _document(("a", ["b"]), ("a", [["b"]]), table={k: ["w"] for k in WORDS}),
    "mixed-list": _document(("a", ["b"]), ("a", ["b", 1]), table={k: ["w"] for k in WORDS}),
    "switch": _document(("a", 1), ("a", True), table=dict.fromkeys(WORDS, 3)),
    "nothing": _document(("a", "b"), ("a", None)),
    "word-and-number": _document(("a", "b"), ("a", 1)),
    "rows-of-two-kinds": _document(("a", "b"), ("a", "c"), ("d", 1)),
    "row-that-is-an-object": _document(("a", "b"), ("a", "c"), ("d", {"e": "f"})),
    "few-rows": _document(("a", "b"), ("a", "c"), table={"d": "e"}),
    "tables-of-which-two-have-one-name": _within("other", LEMMAS),
    "tables-and-a-row": b'{"format": "x", "other": ' + LEMMAS + b"}",
    "tables-in-tables": _within("noun", _within("noun", LEMMAS)),
    "array": b"[" + LEMMAS + b"]",
    "setting-beside": _document(("a", "b"), ("a", "c"), ("_target_", "os.system")),
    "also-something-else": LEMMAS + b"[]",
    "too-large": _document(("a", "b"), ("a", "c"), ("d", "e" * MAX_JSON_TABLE_BYTES)),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_table_passes(name: str) -> None:
    """A table of words with a repeated key has one low finding that says so."""
    (found,) = _examined(GOOD[name])
    assert isinstance(found, Finding)
    assert (found.rule, found.severity) == ("json-repeated-key", Severity.LOW)


@pytest.mark.parametrize("name", BAD)
def test_what_may_be_more_is_a_gap(name: str) -> None:
    """A repeated key in anything else leaves the document unexamined."""
    found = _examined(BAD[name])
    assert [e.code for e in found if isinstance(e, Gap)] == [Code.SCAN_MALFORMED]


@pytest.mark.parametrize(
    "path",
    [
        "config.json", "adapter_config.json", "tokenizer.json", "tokenizer_config.json",
        "special_tokens_map.json", "vocab.json", "model_index.json", "modules.json", "MODEL.JSON",
        "model.safetensors.index.json", "diffusion_pytorch_model.safetensors.index.fp16.json",
        "preprocessor_config.json", "chat_template.json", "tekken.json", "metadata.json",
        "schema.json", "package.json", ".devcontainer.json", "conf/words.json", ".vscode/words.json",
        "words.jsonl", "words", "words.json.txt", "xgb.json", "hparams.json", "1.json",
        "zarr.json", "wörter.json", "",
    ],
)  # fmt: skip
def test_a_name_that_a_loader_knows(path: str) -> None:
    """A document of a name or in a place that a loader reads is a gap; so is one of no name."""
    found = _examined(LEMMAS, path=path)
    assert Code.SCAN_MALFORMED in [e.code for e in found if isinstance(e, Gap)]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_compression_is_looked_through(compress: object) -> None:
    """A compressed table is a table, and compressed settings are settings."""
    assert callable(compress)
    kind = FileFormat.GZIP if compress is gzip.compress else FileFormat.BZIP2
    suffix = "gz" if kind is FileFormat.GZIP else "bz2"
    (found,) = _examined(compress(LEMMAS), path=f"words.json.{suffix}", kind=kind)
    assert isinstance(found, Finding)
    (gap,) = _examined(compress(LEMMAS), path=f"config.json.{suffix}", kind=kind)
    assert isinstance(gap, Gap)


def test_a_member_of_an_archive_is_no_table() -> None:
    """A table in an archive is a gap, whatever its name: it belongs to what the archive is for."""
    found = _examined(_zipped(LEMMAS), path="words.zip", kind=FileFormat.ZIP)
    assert [e.code for e in found if isinstance(e, Gap)] == [Code.SCAN_MALFORMED]


def test_what_is_repeated_is_shown() -> None:
    """The finding counts the keys and shows those of which the values differ."""
    rows = [("a", "b"), ("a", "b"), *((f"k{n}", word) for n in range(9) for word in ("x", "y"))]
    (found,) = _examined(_document(*rows))
    assert isinstance(found, Finding)
    assert found.message.startswith("10 keys occur more than once in a table of words, 9 with")
    assert found.evidence[0] == "k0: x, y"
    assert len(found.evidence) == 5


def test_strict_json_has_no_finding() -> None:
    """The same table without a repeated key is clean."""
    assert _examined(_document(("ona", "on"))) == []


def test_names_are_taken_apart() -> None:
    """A name is one of settings by any of its words, and a folder by how it begins."""
    assert may_be_settings("my-model.json")
    assert not may_be_settings("cs_lemma_lookup.json")
    assert not may_be_settings("Stopwords.JSON")
    assert is_place_of_settings("a/Configs/b/words.json")
    assert is_place_of_settings(".a/words.json")
    assert not is_place_of_settings("a/words.json")
    assert not is_place_of_settings("config.json")
