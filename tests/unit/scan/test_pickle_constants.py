"""Files within the constants of pickles, and what only looks like one."""

import io
import marshal
import pickle
import zipfile
from importlib import import_module

import pytest

from support import pickles as p
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code

MODULE = import_module("weighbridge.scan.pickle_constants")

PAYLOAD = p.proto(4) + p.system() + p.STOP
BENIGN = p.proto(4) + p.list_of(p.NONE, p.text("abc")) + p.STOP
DANGEROUS = "pickle-dangerous-global"


def _rules(constant: bytes, *, protocol: int = 4, inside: type = list) -> set[str]:
    """Return what is found in a pickle whose object has *constant*."""
    return rules_of(examined(pickle.dumps(inside([constant]), protocol), format=FileFormat.PICKLE))


def _zip(content: bytes) -> bytes:
    """Return a zip archive with *content* in it."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a.pkl", content)
    return whole.getvalue()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("inside", [list, tuple, set])
def test_a_pickle_in_a_pickle_is_examined(protocol: int, inside: type) -> None:
    """What it would do is found under its own path; a benign one is clean."""
    found = examined(pickle.dumps(inside([PAYLOAD]), protocol), format=FileFormat.PICKLE)
    assert {finding.member for finding in found} != {None}
    assert DANGEROUS in rules_of(found)
    assert not _rules(BENIGN, protocol=protocol, inside=inside)


@pytest.mark.parametrize("size", [10, 1000, 100_000])
def test_long_constants(size: int) -> None:
    """Every opcode for bytes is followed, whatever its count takes; so are bytearrays."""
    pad = p.text("x" * size) + p.POP
    whole = p.proto(4) + pad + p.system() + p.STOP
    assert DANGEROUS in _rules(whole)
    mutable = pickle.dumps(bytearray(whole), 5)
    assert DANGEROUS in rules_of(examined(mutable, format=FileFormat.PICKLE))
    wide = p.proto(4) + b"\x8e" + len(whole).to_bytes(8, "little") + whole + p.STOP
    assert DANGEROUS in rules_of(examined(wide, format=FileFormat.PICKLE))


def test_pickles_in_pickles_in_pickles() -> None:
    """Each level is opened, up to the bound on nesting, beyond which there is a gap."""
    inner = PAYLOAD
    for _ in range(3):
        inner = pickle.dumps([inner])
    assert DANGEROUS in rules_of(examined(inner, format=FileFormat.PICKLE))
    for _ in range(6):
        inner = pickle.dumps([inner])
    assert rules_of(examined(inner, format=FileFormat.PICKLE)) == {Code.SCAN_LIMIT}


@pytest.mark.parametrize("protocol", [2, 4])
def test_archives(protocol: int) -> None:
    """A zip archive in a constant is opened; a benign one is clean."""
    assert DANGEROUS in _rules(_zip(PAYLOAD), protocol=protocol)
    assert not _rules(_zip(BENIGN), protocol=protocol)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("shared", [True, False])
def test_compiled_code(protocol: int, *, shared: bool) -> None:
    """What marshal writes of a code object is found, whether it marks it as shared or not."""
    code = marshal.dumps(compile("x = 1", "x", "exec"))
    code = (b"\xe3" if shared else b"c") + code[1:]
    assert _rules(code, protocol=protocol) == {"python-bytecode"}
    assert not _rules(b"d" + code[1:], protocol=protocol)


def test_what_breaks_after_a_call() -> None:
    """A stream does what it does before it breaks, so it counts; noise does not."""
    assert DANGEROUS in _rules(PAYLOAD[:-1] + b"\xff")
    assert not _rules(b"\x80\x04\xff\xff noise")
    assert not _rules(b"\x80\x04N. and noise")
    assert _rules(b"PK\x03\x04 no archive") == {Code.SCAN_MALFORMED}


def test_a_second_stream_in_a_constant() -> None:
    """A short harmless stream in front hides nothing."""
    assert DANGEROUS in _rules(b"\x80\x04N." + PAYLOAD)
    assert DANGEROUS in _rules(b"\x80\x04N." * 20 + PAYLOAD)


def test_text_that_stands_for_no_bytes() -> None:
    """A text with letters beyond Latin-1 is no pickle, whatever it begins with."""
    text = PAYLOAD.decode("latin-1")
    for value, expected in ((text, True), (text + "\u4e00", False)):
        found = rules_of(examined(pickle.dumps([value]), format=FileFormat.PICKLE))
        assert (DANGEROUS in found) is expected


def test_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """More files within a pickle than the bound are a gap; as many as the bound are none."""
    monkeypatch.setattr(MODULE, "MAX_PICKLE_STREAMS", 3)
    for count, expected in ((3, set()), (4, {Code.SCAN_LIMIT})):
        stream = p.proto(4) + p.list_of(*[p.raw(BENIGN)] * count) + p.STOP
        assert rules_of(examined(stream, format=FileFormat.PICKLE)) == expected


def test_what_a_loader_of_nested_pickles_gets_is_examined_once() -> None:
    """A constant that a listed function unpickles is reported once."""
    call = p.call(p.name("torch.storage", "_load_from_bytes"), p.raw(PAYLOAD))
    found = examined(p.proto(4) + call + p.STOP, format=FileFormat.PICKLE)
    assert len([each for each in found if getattr(each, "rule", "") == DANGEROUS]) == 1
