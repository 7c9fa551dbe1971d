"""
Files that unpickling writes: a model of CRFsuite in a new temporary file, and nothing else.

Each refused state is one with which `FileResource` of sklearn-crfsuite would write, delete or
open a file that the stream chooses, or hand CRFsuite a model that makes it do so in memory.
"""

import struct

import pytest

from support import pickles as p
from support.scanning import examined
from support.tagger_files import (
    FILE,
    MODEL,
    TAGGER,
    file_with,
    old_string,
    state_of,
    tagger_with,
)
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Gap, Severity

PATH = p.text("/home/user/.bashrc")
NAMESPACE = p.new(p.name("types", "SimpleNamespace")) + p.dict_of(p.text("name"), PATH) + p.BUILD
PARSER = p.name("pycrfsuite._logparser", "TrainLogParser")
SCORE = p.name("pycrfsuite._logparser", "LabelScore")
SWAPPED = MODEL[:64] + struct.pack("<I", 2**31) + MODEL[68:]
"""A model in which a feature has a label far behind the scores, where CRFsuite would write."""


def _twice(key: str, first: bytes, second: bytes) -> bytes:
    """Return the state of a file in which *key* is written twice."""
    return state_of(without=frozenset({key})) + b"".join(
        p.text(key) + value + p.SETITEM for value in (first, second)
    )


def _reconstructed(kind: bytes, state: bytes) -> bytes:
    """Return an instance as Python 2 pickles it."""
    base = p.name("builtins", "object")
    return p.call(p.name("copyreg", "_reconstructor"), kind, base, p.NONE) + state + p.BUILD


def _as_protocol_2(content: bytes) -> bytes:
    """Return bytes as protocol 2 has them."""
    encode = p.name("_codecs", "encode")
    return p.call(encode, p.text(content.decode("latin-1")), p.text("latin1"))


GOOD = {
    "tagger": tagger_with(p.text("modelfile"), file_with(state_of()), p.text("c1"), p.integer(1)),
    "tagger-not-fitted": tagger_with(p.text("modelfile"), file_with(state_of(None))),
    "file": file_with(state_of()),
    "file-of-release-0.4": file_with(state_of(fd=p.integer(7))),
    "file-that-is-kept": file_with(state_of(keep_tempfiles=p.TRUE)),
    "file-in-protocol-2": file_with(state_of(None, __FILE_RESOURCE_DATA__=_as_protocol_2(MODEL))),
    "file-without-content": file_with(state_of(None)),
    "file-of-python-2": _reconstructed(FILE, state_of()),
    "content-of-python-2": _reconstructed(
        FILE, state_of(None, __FILE_RESOURCE_DATA__=old_string(MODEL))
    ),
    "content-of-python-2-and-names": p.tuple_of(
        file_with(state_of(None, __FILE_RESOURCE_DATA__=old_string(MODEL))), old_string(b"caf\xe9")
    ),
    "log": tagger_with(
        p.text("training_log_"),
        p.new(PARSER) + p.dict_of(p.text("state"), p.text("ITERATION")) + p.BUILD,
        p.text("modelfile"),
        file_with(state_of()),
    ),
    "score": p.new(SCORE, *(p.integer(1) for _ in range(6))),
}

BAD = {
    "path-to-write": file_with(state_of(name=PATH)),
    "path-to-delete": file_with(state_of(None, name=PATH)),
    "path-to-open": file_with(state_of(None, name=PATH, auto=p.FALSE)),
    "path-that-is-hidden": file_with(_twice("name", PATH, p.NONE)),
    "path-behind-the-state": file_with(state_of()) + state_of(None, name=PATH) + p.BUILD,
    "descriptor-behind-the-state": file_with(state_of()) + p.dict_of() + p.BUILD,
    "path-of-the-stream": file_with(state_of(name=p.call(p.name("builtins", "str"), PATH))),
    "no-name": file_with(state_of(without=frozenset({"name"}))),
    "folder-in-the-prefix": file_with(state_of(prefix=p.text("/home/user/.config/model"))),
    "folder-above-in-the-prefix": file_with(state_of(prefix=p.text("../model"))),
    "folder-in-the-suffix": file_with(state_of(suffix=p.text("/../../x.crfsuite"))),
    "another-suffix": file_with(state_of(suffix=p.text(".pth"))),
    "bytes-as-prefix": file_with(state_of(prefix=p.raw(b"model"))),
    "not-of-its-own": file_with(state_of(auto=p.FALSE)),
    "number-as-a-switch": file_with(state_of(auto=p.integer(1))),
    "function-to-delete": file_with(state_of(_unlink=p.name("builtins", "len"))),
    "method": file_with(state_of(cleanup=p.NONE)),
    "special": file_with(state_of(__class__=p.NONE)),
    "descriptor-that-is-none": file_with(state_of(fd=p.text("0"))),
    "key-that-is-none": file_with(p.dict_of(p.integer(1), p.NONE)),
    "no-dict": file_with(p.NONE),
    "pair": file_with(p.tuple_of(state_of(), p.NONE)),
    "no-model": file_with(state_of(b"import os")),
    "no-model-in-protocol-2": file_with(
        state_of(None, __FILE_RESOURCE_DATA__=_as_protocol_2(b"import os"))
    ),
    "model-and-more": file_with(state_of(MODEL + b"#")),
    "model-that-writes-memory": file_with(state_of(SWAPPED)),
    "model-as-text": file_with(state_of(None, __FILE_RESOURCE_DATA__=p.text("lCRF"))),
    "model-as-old-text-that-is-another": file_with(
        state_of(None, __FILE_RESOURCE_DATA__=old_string(MODEL.decode("latin-1").encode()))
    ),
    "model-as-old-text-that-may-be-another": p.tuple_of(
        file_with(state_of(None, __FILE_RESOURCE_DATA__=old_string(MODEL))),
        old_string("caf\xe9".encode()),
    ),
    "no-model-in-old-text": file_with(
        state_of(None, __FILE_RESOURCE_DATA__=old_string(b"lCRF\xff"))
    ),
    "model-as-text-of-no-bytes": file_with(
        state_of(None, __FILE_RESOURCE_DATA__=p.text("lCRF\u4e00"))
    ),
    "model-that-is-made": file_with(
        state_of(None, __FILE_RESOURCE_DATA__=p.call(p.name("builtins", "bytes"), p.raw(MODEL)))
    ),
    "call-of-the-class": p.call(FILE, PATH),
    "new-with-arguments": p.new(FILE, PATH),
    "class-that-is-kept-for-later": p.call(p.name("functools", "partial"), FILE, PATH),
    "python-2-with-a-path": _reconstructed(FILE, state_of(name=PATH)),
    "another-file-for-the-model": tagger_with(p.text("modelfile"), NAMESPACE),
    "text-for-the-model": tagger_with(p.text("modelfile"), PATH),
    "trainer": tagger_with(p.text("trainer_cls"), TAGGER),
    "trainer-of-another": tagger_with(p.text("_tagger"), NAMESPACE),
    "file-to-train-into": tagger_with(p.text("model_filename"), PATH),
    "call-of-the-tagger": p.call(TAGGER),
    "score-of-objects": p.new(SCORE, *(p.new(TAGGER) for _ in range(6))),
}


def _blocking(body: bytes) -> list[Finding | Gap]:
    """Return what stands at or above the default bar."""
    found = examined(p.stream(body, protocol=4), format=FileFormat.PICKLE)
    return [e for e in found if isinstance(e, Gap) or e.severity.at_least(Severity.MEDIUM)]


@pytest.mark.parametrize("name", GOOD)
def test_what_sklearn_crfsuite_writes_passes(name: str) -> None:
    """A tagger, fitted or not, is not blocked, whatever protocol and release wrote it."""
    assert _blocking(GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_what_chooses_a_file_is_blocked(name: str) -> None:
    """A state that chooses a file, or a model that does not hold, has a finding of high severity."""
    found = _blocking(BAD[name])
    assert found
    assert all(isinstance(e, Finding) and e.severity.at_least(Severity.HIGH) for e in found)
