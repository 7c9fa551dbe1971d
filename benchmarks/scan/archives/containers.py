"""Archives and compressed streams around pickles."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Final

from benchmarks.scan.archives.parts import BENIGN, DATE, PAYLOAD, framework, tarred, zipped
from benchmarks.scan.samples import Sample, single

CONTAINERS: Final = "containers"


def containers() -> Iterator[Sample]:
    """Yield a payload in every container, alone and within others."""
    makers: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
        "zip": (
            "model.zip",
            lambda d: zipped([("model.pkl", d)], method=zipfile.ZIP_DEFLATED),
            "zip",
        ),
        "zip-plain-name": ("model.zip", lambda d: zipped([("weights", d)]), "zip"),
        "zip-odd-name": ("model.zip", lambda d: zipped([("notes.txt", d)]), "zip"),
        "tar": ("model.tar", lambda d: tarred([("model.pkl", d)]), "tar"),
        "tgz": ("model.tar.gz", lambda d: tarred([("model.pkl", d)], mode="w:gz"), "tar"),
        "tbz": ("model.tar.bz2", lambda d: tarred([("model.pkl", d)], mode="w:bz2"), "tar"),
        "txz": ("model.tar.xz", lambda d: tarred([("model.pkl", d)], mode="w:xz"), "tar"),
        "gzip": ("model.pkl.gz", lambda d: gzip.compress(d, mtime=0), "gzip"),
        "bzip2": ("model.pkl.bz2", bz2.compress, "bz2"),
        "xz": ("model.pkl.xz", lzma.compress, "lzma"),
        "lzma": ("model.pkl.lzma", lambda d: lzma.compress(d, format=lzma.FORMAT_ALONE), "lzma"),
        "zlib": ("model.pkl.z", zlib.compress, ""),
        "raw-deflate": ("model.pkl.deflate", lambda d: zlib.compress(d)[2:-4], ""),
        "lz4": ("model.pkl.lz4", lambda d: bytes(framework("lz4.frame").compress(d)), "lz4.frame"),
        "zstd": ("model.pkl.zst", lambda d: bytes(framework("zstandard").compress(d)), ""),
        "7z": ("model.7z", _seven, ""),
    }
    for label, (name, make, loader) in makers.items():
        known = loader if loader in {"zip", "tar", "gzip", "bz2", "lzma"} else ""
        yield single(
            f"container-{label}",
            CONTAINERS,
            name,
            make(PAYLOAD),
            loaders=(known,) if known else (),
            twin=make(BENIGN),
            references=("CVE-2025-1889",) if label == "zip-odd-name" else (),
        )
        yield single(f"container-{label}-lying", CONTAINERS, "model.bin", make(PAYLOAD))
        for outer in ("zip", "tgz", "7z", "zstd", "gzip"):
            wrap = makers[outer][1]
            yield single(
                f"container-{label}-in-{outer}",
                CONTAINERS,
                makers[outer][0],
                wrap(make(PAYLOAD)),
                twin=wrap(make(BENIGN)),
            )
    for outer in ("zip", "gzip", "tar", "xz"):
        bad, good = PAYLOAD, BENIGN
        for _ in range(5):
            bad, good = makers[outer][1](bad), makers[outer][1](good)
        yield single(f"container-deep-{outer}", CONTAINERS, makers[outer][0], bad, twin=good)
    yield from _escapes()
    yield single(
        "container-encrypted-zip",
        CONTAINERS,
        "model.zip",
        _flagged(zipped([("model.pkl", PAYLOAD)])),
    )
    yield single(
        "container-two-gzip",
        CONTAINERS,
        "model.pkl.gz",
        gzip.compress(BENIGN[:10], mtime=0) + gzip.compress(PAYLOAD, mtime=0),
    )
    yield single(
        "container-concatenated-bz2",
        CONTAINERS,
        "model.pkl.bz2",
        bz2.compress(PAYLOAD[:10]) + bz2.compress(PAYLOAD[10:]),
        loaders=("bz2",),
    )
    yield single(
        "container-concatenated-gzip",
        CONTAINERS,
        "model.pkl.gz",
        gzip.compress(PAYLOAD[:10], mtime=0) + gzip.compress(PAYLOAD[10:], mtime=0),
        loaders=("gzip",),
    )
    yield single(
        "container-gzip-trailing",
        CONTAINERS,
        "model.pkl.gz",
        gzip.compress(BENIGN, mtime=0) + PAYLOAD,
    )
    yield single(
        "container-zlib-trailing", CONTAINERS, "model.pkl.z", zlib.compress(BENIGN) + PAYLOAD
    )


def _seven(data: bytes) -> bytes:
    stream_ = io.BytesIO()
    with framework("py7zr").SevenZipFile(stream_, "w") as archive:
        archive.writestr(data, "model.pkl")
    return stream_.getvalue()


def _flagged(data: bytes) -> bytes:
    """Return a zip of which every entry says that it is encrypted."""
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature) + offset
        data = data[:at] + b"\1\0" + data[at + 2 :]
    return data


def _escapes() -> Iterator[Sample]:
    """Yield archives whose members leave the directory, or stand for each other."""
    plain = b"weights"
    for label, names in (
        ("parent", ["../../weighbridge-marker"]), ("absolute", ["/tmp/weighbridge-marker"]), ("backslash", ["..\\..\\weighbridge-marker"]),
        ("drive", ["C:\\weighbridge-marker"]), ("duplicate", ["a.txt", "a.txt"]), ("case", ["a.txt", "A.TXT"]), ("unicode", ["caf\u00e9.txt", "cafe\u0301.txt"]),
        ("dot", ["a/../../b"]), ("empty", [""]),
    ):  # fmt: skip
        members = [(name, plain) for name in names]
        if label != "empty":
            yield single(
                f"escape-tar-{label}",
                CONTAINERS,
                "model.tar",
                tarred(members),
                twin=tarred([("a.txt", plain)]),
            )
        yield single(
            f"escape-zip-{label}",
            CONTAINERS,
            "model.zip",
            zipped(members),
            twin=zipped([("a.txt", plain)]),
        )
    for label, kind, target in (
        ("symlink", tarfile.SYMTYPE, "/etc/passwd"),
        ("hardlink", tarfile.LNKTYPE, "../../etc/passwd"),
        ("device", tarfile.CHRTYPE, ""),
        ("fifo", tarfile.FIFOTYPE, ""),
    ):
        stream_ = io.BytesIO()
        with tarfile.open(fileobj=stream_, mode="w") as archive:
            info = tarfile.TarInfo("weights")
            info.type, info.linkname = kind, target
            archive.addfile(info)
        yield single(f"escape-tar-{label}", CONTAINERS, "model.tar", stream_.getvalue())
    entry = zipfile.ZipInfo("weights", DATE)
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    stream_ = io.BytesIO()
    with zipfile.ZipFile(stream_, "w") as archive_:
        archive_.writestr(entry, "/etc/passwd")
    yield single("escape-zip-symlink", CONTAINERS, "model.zip", stream_.getvalue())
