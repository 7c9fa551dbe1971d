"""What is between, before and behind streams, and other formats around them."""

from collections.abc import Iterator

from benchmarks.scan.samples import Sample, single
from benchmarks.scan.streams.parts import DATA, GROUP, PAYLOAD, SHELL_TEXT, STREAM, SYSTEM, text_of


def files() -> Iterator[Sample]:
    """Yield what is between, before and behind streams, and other formats around them."""
    loaders = ("pickle",)
    for label, data, twin in (
        ("trailing-junk", STREAM + b"junk" * 100, None),
        ("trailing-zeros", STREAM + b"\0" * 4096, DATA + b"\0" * 4096),
        ("trailing-zip", STREAM + _empty_zip(), None),
        ("trailing-elf", STREAM + b"\x7fELF" + b"\0" * 60, None),
        ("trailing-python", STREAM + b"\nimport os\n", None),
    ):
        yield single(f"file-{label}", GROUP, "model.pkl", data, loaders=loaders, twin=twin)
    for label, data in (
        ("junk-between", DATA + b"junk junk" + STREAM),
        ("zeros-between", DATA + b"\0" * 512 + STREAM),
        ("newline-between", DATA + b"\n" + STREAM),
        ("broken-first", b"\x80\x02cmissing\nname\n." + STREAM),
    ):
        yield single(f"file-{label}", GROUP, "model.pkl", data)
    for label, data in (
        ("second", DATA + STREAM),
        ("second-no-proto", DATA + PAYLOAD + b"."),
        ("tenth", DATA * 9 + STREAM),
    ):
        yield single(
            f"file-again-{label}",
            GROUP,
            "model.pkl",
            data,
            loaders=("pickle:again",),
            twin=DATA * 3,
        )
    carried = b"\x80\x02" + SYSTEM + b"q\x000N." + b"\x80\x02h\0" + SHELL_TEXT + b"\x85R."
    yield single("file-memo-carried", GROUP, "model.pkl", carried, loaders=("pickle:reused",))
    words = (
        b"\x80\x02"
        + text_of("os")
        + b"q\0"
        + text_of("system")
        + b"q\x0100N.\x80\x04h\0h\x01\x93"
        + SHELL_TEXT
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
            STREAM,
            loaders=loaders,
            twin=None,
            references=("CVE-2025-10155", "GHSA-jgw4-cr84-mqxg"),
        )


def _empty_zip() -> bytes:
    return b"PK\x05\x06" + b"\0" * 18
