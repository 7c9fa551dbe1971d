"""Streams that break off, begin or go on like no pickler writes them."""

from collections.abc import Iterator
from struct import pack

from benchmarks.scan.streams.parts import DATA, PAYLOAD, Trick, text_of


def breaks() -> Iterator[tuple[str, Trick, tuple[str, ...]]]:
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


def shapes() -> Iterator[tuple[str, Trick, tuple[str, ...]]]:
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
    yield "dict-first", lambda p: b"}(" + text_of("a") + p + b"u.", ()
    yield "dict-key", lambda p: b"}(" + p + b"Nu.", ()
    yield "popped", lambda p: b"\x80\x02" + p + b"0" + DATA[2:], ()
    yield "popped-mark", lambda p: b"\x80\x02(" + p + b"1" + DATA[2:], ()
    yield "pop-as-mark", lambda p: b"\x80\x02" + p + b"(00" + DATA[2:], ()
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


def several() -> Iterator[tuple[str, Trick, tuple[str, ...]]]:
    """Yield files in which the payload is not in the first stream."""
    yield "second-stream", lambda p: DATA + b"\x80\x02" + p + b".", ()
    yield "second-no-proto", lambda p: DATA + p + b".", ()
    yield "tenth-stream", lambda p: DATA * 9 + b"\x80\x02" + p + b".", ()
    yield (
        "memo-carried",
        lambda p: b"\x80\x02" + p[:-1].replace(b"cos\nsystem\n", b"cos\nsystem\nq\0") + b"0N.",
        (),
    )


def literals() -> Iterator[tuple[str, bytes, bytes | None, tuple[str, ...]]]:
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
        yield f"literal-{label}", b"\x80\x02" + literal + b"0" + PAYLOAD + b".", None, ()
        yield f"literal-{label}-behind", b"\x80\x02" + PAYLOAD + b"0" + literal + b".", None, ()
