"""
Writes the 7z archives of this folder: `python make.py`, with py7zr 1.1 installed.

Each has the same members, packed in another way. Nothing in them does anything.
"""

import pickle
from pathlib import Path

import py7zr

FOLDER = Path(__file__).parent
LZMA2 = {"id": py7zr.FILTER_LZMA2, "preset": 1}
WAYS = {
    "lzma2": [LZMA2],
    "lzma": [{"id": py7zr.FILTER_LZMA}],
    "x86-lzma2": [{"id": py7zr.FILTER_X86}, LZMA2],
    "x86-lzma": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA}],
    "arm-lzma2": [{"id": py7zr.FILTER_ARM}, LZMA2],
    "delta-lzma2": [{"id": py7zr.FILTER_DELTA}, LZMA2],
    "bzip2": [{"id": py7zr.FILTER_BZIP2}],
    "deflate": [{"id": py7zr.FILTER_DEFLATE}],
    "zstd": [{"id": py7zr.FILTER_ZSTD, "level": 3}],
    "copy": [{"id": py7zr.FILTER_COPY}],
    "ppmd": [{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 16}],
    "encrypted": [LZMA2, {"id": py7zr.FILTER_CRYPTO_AES256_SHA256}],
}


def main() -> None:
    """Write every archive, and one whose header is encrypted, too."""
    for name, filters in WAYS.items():
        password = "secret" if name == "encrypted" else None
        path = FOLDER / f"{name}.7z"
        with py7zr.SevenZipFile(path, "w", filters=filters, password=password) as archive:
            fill(archive)
    path = FOLDER / "encrypted-header.7z"
    with py7zr.SevenZipFile(path, "w", password="secret", header_encryption=True) as archive:
        fill(archive)


def fill(archive: py7zr.SevenZipFile) -> None:
    """Write the members."""
    archive.writestr("some text\n" * 40, "folder/a.txt")
    archive.writestr(pickle.dumps([1, None, "text"], 2), "folder/b.pkl")
    archive.writestr(bytes([0xE8, 1, 2, 3, 0]) * 99 + b"\xeb\xff\xff\xeb", "code.bin")
    archive.writestr(b"", "empty")


if __name__ == "__main__":
    main()
