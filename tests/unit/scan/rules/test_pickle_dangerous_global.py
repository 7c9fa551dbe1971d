"""Names whose harm is known are found however a stream spells them."""

import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-dangerous-global"]


BAD = {
    "global": p.stream(p.system()),
    "imported-only": p.stream(p.name("os", "system")),
    "inst": p.stream(p.inst("os", "system", p.text(p.MARKER)), protocol=0),
    "obj": p.stream(p.MARK, p.name("os", "system"), p.text(p.MARKER), p.OBJ),
    "newobj": p.stream(p.new(p.name("subprocess", "Popen"), p.text(p.MARKER))),
    "newobj-ex": p.stream(
        p.name("subprocess", "Popen"),
        p.tuple_of(p.text("x")),
        p.EMPTY_DICT,
        p.NEWOBJ_EX,
        protocol=4,
    ),
    "stack-global": p.stream(p.call(p.stacked("os", "system"), p.text(p.MARKER)), protocol=4),
    "python-2-name": p.stream(p.call(p.name("__builtin__", "eval"), p.text("1"))),
    "python-2-name-new-protocol": p.stream(
        p.call(p.name("__builtin__", "eval"), p.text("1")), protocol=4
    ),
    "translated-commands": p.stream(p.call(p.name("commands", "getoutput"), p.text("x"))),
    "dotted-through-module": p.stream(
        p.call(p.stacked("torch", "serialization.os.system"), p.text("x")), protocol=4
    ),
    "dotted-private": p.stream(p.call(p.stacked("random", "_os.system"), p.text("x")), protocol=4),
    "resolve-name": p.stream(p.call(p.name("pkgutil", "resolve_name"), p.text("os:system"))),
    "names-by-dup-and-memo": p.stream(
        p.text("system"),
        p.put(3),
        p.POP,
        p.text("os"),
        p.DUP,
        p.POP,
        p.get(3),
        p.STACK_GLOBAL,
        protocol=4,
    ),
    "decoy-memo": p.stream(
        p.text("benign"),
        p.put(0),
        p.POP,
        p.text("os"),
        p.put(0),
        p.POP,
        p.get(0),
        p.text("system"),
        p.STACK_GLOBAL,
        protocol=4,
    ),
    "pop-mark": p.stream(p.MARK, p.system(), p.POP_MARK, p.NONE),
    "escaped-string": b"S'\\x6fs'\nS'system'\n\x93.",
    "unicode-escape": b"V\\u006fs\nVsystem\n\x93.",
    "hexadecimal-literal-first": b"I0x10\n0" + p.stream(p.system(), protocol=None),
    "binary-literal-first": b"L0b11L\n0" + p.stream(p.system(), protocol=None),
    "nul-in-number-first": b"I1\0junk\n0" + p.stream(p.system(), protocol=None),
    "broken-behind": p.proto(2) + p.system() + b"\xff",
    "no-stop": p.proto(2) + p.system(),
    "second-stream": p.stream(p.NONE) + p.stream(p.system()),
    "behind-zeros": p.stream(p.NONE) + bytes(64) + p.stream(p.system()),
    "behind-junk": p.stream(p.NONE) + b"\xffjunk" + p.stream(p.system()),
    "behind-padding": p.stream(p.raw(bytes(1 << 20)), p.POP, (p.NONE + p.POP) * 50_000, p.system()),
    "behind-nesting": p.stream(p.EMPTY_LIST * 1, p.TUPLE1 * 50_000, p.POP, p.system()),
    "behind-billion-laughs": p.stream(p.NONE, (p.DUP + p.TUPLE2) * 200, p.POP, p.system()),
    "persistent-argument": p.stream(p.system(), p.BINPERSID),
    "overlong-frame": p.proto(4) + p.frame(1 << 40) + p.stream(p.system(), protocol=None),
    "no-newline-at-the-end": b"cos\nsystemX",
    "joblib-path-wrapper": p.stream(p.new(p.name("joblib.numpy_pickle", "ZNDArrayWrapper"))),
}
GOOD = {
    "listed-class": p.stream(p.call(p.name("collections", "OrderedDict"))),
    "names-as-data": p.stream(p.list_of(p.text("os"), p.text("system"))),
    "unknown-class": p.stream(p.name("acme.models", "Model")),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_it_is_reported(data: bytes) -> None:
    """The stream has a finding of the rule, with a place and a message."""
    found = _found(data)
    assert found
    assert found[0].offset is not None
    assert found[0].message
    assert found[0].severity is Severity.CRITICAL


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_its_twin_is_not(data: bytes) -> None:
    """The same stream without the offence has no finding of the rule."""
    assert not _found(data)


def test_the_call_is_shown() -> None:
    """The finding has the call with its argument, its place and what it does."""
    (found,) = _found(p.stream(p.system()))
    assert found.message == "Unpickling calls os.system, which runs commands."
    assert found.evidence == ("os.system('touch marker')", "os.system")
    assert found.offset == len(p.stream(p.system())) - 2
