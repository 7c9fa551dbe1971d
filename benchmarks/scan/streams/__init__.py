"""
Pickle streams that scanners read differently from unpicklers.

Each function below writes one trick around a payload; called with a harmless one it writes the
twin, where the trick alone is no anomaly.
"""

from collections.abc import Iterator

from benchmarks.scan.assemble import stream
from benchmarks.scan.samples import Sample, single
from benchmarks.scan.streams.calls import calls
from benchmarks.scan.streams.files import files
from benchmarks.scan.streams.names import names
from benchmarks.scan.streams.parts import GROUP, HARMLESS, PAYLOAD
from benchmarks.scan.streams.shapes import breaks, literals, several, shapes


def samples() -> Iterator[Sample]:
    """Yield every sample of the group."""
    plain = stream(("weights", 1, 2), protocol=2)
    for source in (breaks, shapes, several):
        for label, trick, references in source():
            twin = trick(HARMLESS) if source is shapes and not _odd(label) else plain
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
                trick(PAYLOAD),
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
    for source2 in (names, calls):
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
    for label, data, twin2, references in literals():
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
    yield from files()


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
