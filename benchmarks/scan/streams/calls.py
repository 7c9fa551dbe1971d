"""Calls that are made in other ways than by REDUCE."""

from collections.abc import Iterator

from benchmarks.scan.assemble import Build, Call, Items, Node, Ref, encode, stream
from benchmarks.scan.samples import MARKER_NAME, SHELL
from benchmarks.scan.streams.parts import PAYLOAD, SHELL_TEXT, SYSTEM, text_of


def calls() -> Iterator[tuple[str, bytes, bytes | None, tuple[str, ...]]]:
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
    yield "call-reduce-list", b"\x80\x02" + SYSTEM + b"]" + SHELL_TEXT + b"aR.", None, ()
    yield (
        "call-reduce-string-args",
        b"\x80\x02cbuiltins\nprint\nX\x01\0\0\0aR0" + PAYLOAD + b".",
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
    yield (
        "append-to-list",
        b"\x80\x02csys\npath\n(" + text_of("weighbridge-missing") + b"e.",
        None,
        (),
    )
    yield "append-sys-meta", b"\x80\x02csys\nmeta_path\nNa.", None, ()
    yield "additems-object", b"\x80\x04csys\nflags\n(Nu\x90.", None, ()
    yield (
        "defaultdict-factory",
        stream(Call(Ref("collections", "defaultdict"), (Ref("os", "getcwd"),))),
        None,
        (),
    )
    yield "ext1", b"\x80\x02\x82\x01" + SHELL_TEXT + b"\x85R.", None, ()
    yield "ext2", b"\x80\x02\x83\x01\x01" + SHELL_TEXT + b"\x85R.", None, ()
    yield "ext4", b"\x80\x02\x84\x01\x01\0\0" + SHELL_TEXT + b"\x85R.", None, ()
    yield (
        "ext-registered",
        stream((Call(Ref("copyreg", "add_extension"), ("os", "system", 240)),))[:-1]
        + b"0\x82\xf0"
        + SHELL_TEXT
        + b"\x85R.",
        None,
        (),
    )
    yield "persid", b"Pmodule.name\n.", None, ()
    yield "binpersid", b"\x80\x02" + SHELL_TEXT + b"Q.", None, ()
    yield "buffer", b"\x80\x05\x97\x98.", None, ()
