"""Names that are spelled in other ways than picklers do."""

from collections.abc import Iterator
from struct import pack

from benchmarks.scan.samples import PYTHON
from benchmarks.scan.streams.parts import PAYLOAD, SHELL_TEXT, text_of


def names() -> Iterator[tuple[str, bytes, bytes | None, tuple[str, ...]]]:
    """Yield STACK_GLOBAL operands that are hard to follow: trick, attack, twin."""

    def around(module: bytes, name: bytes, *, tail: bytes = b"") -> bytes:
        return b"\x80\x04" + module + name + b"\x93" + SHELL_TEXT + b"\x85R" + tail + b"."

    def benign(module: bytes, name: bytes) -> bytes:
        return b"\x80\x04" + module + name + b"\x93)R."

    o, s = text_of("os"), text_of("system")
    c, d = text_of("collections"), text_of("OrderedDict")
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
        b"\x80\x04" + text_of("getcwd") + b"q\x050" + s + b"q\x050" + around(o, b"h\x05")[2:],
        None,
        (),
    )
    yield (
        "name-decoy-memoize",
        b"\x80\x04" + s + b"q\x01" + b"\x940" + text_of("x") + b"q\x000" + around(o, b"h\x01")[2:],
        None,
        ("picklescan 22",),
    )
    yield (
        "name-memoize-index",
        b"\x80\x04"
        + text_of("a")
        + b"q\x000"
        + text_of("b")
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
        around(
            o,
            b"cbuiltins\nstr.join\n"
            + text_of("")
            + b"("
            + text_of("sys")
            + text_of("tem")
            + b"l\x86R",
        ),
        None,
        (),
    )
    yield (
        "name-computed-str",
        around(o, b"cbuiltins\nstr\nC\x06system" + text_of("latin1") + b"\x86R"),
        None,
        (),
    )
    yield (
        "name-computed-module",
        around(b"cbuiltins\nstr\nC\x02os" + text_of("latin1") + b"\x86R", s),
        None,
        (),
    )
    yield (
        "name-computed-encode-latin",
        around(
            o,
            b"cbuiltins\nstr\n"
            b"c_codecs\nencode\n" + s + text_of("latin1") + b"\x86R" + text_of("latin1") + b"\x86R",
        ),
        None,
        (),
    )
    yield (
        "name-replaced",
        around(
            o,
            b"cbuiltins\nstr.replace\n"
            + text_of("syxtem")
            + text_of("x")
            + text_of("s")
            + b"\x87R",
        ),
        None,
        (),
    )
    yield (
        "name-format",
        around(o, b"cbuiltins\nstr.format\n" + text_of("{}tem") + text_of("sys") + b"\x86R"),
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
    yield "name-dotted", around(text_of("random"), text_of("_os.system")), None, ()
    yield (
        "name-dotted-torch",
        around(text_of("torch.serialization"), text_of("os.system")),
        None,
        (),
    )
    yield "name-dotted-sys", around(text_of("collections"), text_of("_sys.modules.get")), None, ()
    yield "name-double-dot", around(text_of("logging"), text_of("os.path.os.system")), None, ()
    yield (
        "name-python2",
        b"c__builtin__\neval\n" + text_of(PYTHON) + b"\x85R.",
        b"c__builtin__\nset\n]\x85R.",
        (),
    )
    yield (
        "name-python2-module",
        b"\x80\x02ccommands\ngetoutput\n" + SHELL_TEXT + b"\x85R.",
        None,
        (),
    )
    yield "name-python2-exceptions", b"\x80\x02cUserDict\nUserDict\n)R0" + PAYLOAD + b".", None, ()
    yield (
        "name-copy_reg",
        b"\x80\x02ccopy_reg\n_reconstructor\ncio\nFileIO\nc__builtin__\nobject\nN\x87R0"
        + PAYLOAD
        + b".",
        None,
        (),
    )
    yield "name-carriage-return", b"\x80\x02cos\nsystem\n" + SHELL_TEXT + b"\x85R.", None, ()
    yield "name-utf8-module", b"\x80\x02cos\nsystem\n0c\xc3\xa9\nx\n.", None, ()
    yield "name-spaces", b"\x80\x02cos \nsystem\n0" + PAYLOAD + b".", None, ()
