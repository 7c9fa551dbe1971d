"""Formats that say what they are in their first bytes."""

import re
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from weighbridge.core.artifact import FileFormat
from weighbridge.formats import arrow_marks, crfsuite, front_coding, mxnet, sphinx_lm
from weighbridge.formats.sniff.window import OutOfReadsError, Window

_HDF5: Final = b"\x89HDF\r\n\x1a\n"

_PREFIXES: Final = (
    (b"\x93NUMPY", FileFormat.NPY),
    (_HDF5, FileFormat.HDF5),
    (b"PK\x03\x04", FileFormat.ZIP),
    (b"PK\x05\x06", FileFormat.ZIP),
    (b"PK\x07\x08PK\x03\x04", FileFormat.ZIP),  # a spanned archive in one piece
    (b"7z\xbc\xaf\x27\x1c", FileFormat.SEVEN_ZIP),
    (b"\x1f\x8b\x08", FileFormat.GZIP),
    (b"\xfd7zXZ\x00", FileFormat.XZ),
    (b"\x04\x22\x4d\x18", FileFormat.LZ4),
    (b"\x02\x21\x4c\x18", FileFormat.LZ4),  # its legacy frame
    (b"\x28\xb5\x2f\xfd", FileFormat.ZSTD),
    (b"\x7fELF", FileFormat.SHARED_OBJECT),
    (b"\xfe\xed\xfa\xce", FileFormat.SHARED_OBJECT),  # Mach-O, in either byte order
    (b"\xfe\xed\xfa\xcf", FileFormat.SHARED_OBJECT),
    (b"\xce\xfa\xed\xfe", FileFormat.SHARED_OBJECT),
    (b"\xcf\xfa\xed\xfe", FileFormat.SHARED_OBJECT),
    (b"\xca\xfe\xba\xbf", FileFormat.SHARED_OBJECT),
    (b"\x00asm", FileFormat.SHARED_OBJECT),  # WebAssembly
    (b"MZqFpD='", FileFormat.SHARED_OBJECT),  # a program for several systems, as llamafiles are:
    (b"jartsr='", FileFormat.SHARED_OBJECT),  # shells run what may hold no byte that is not text
    (b"APEDBG='", FileFormat.SHARED_OBJECT),
    (b"!<arch>\n", FileFormat.SHARED_OBJECT),  # a library of object files
    (b"\x1bLua", FileFormat.SHARED_OBJECT),
    (b"BC\xc0\xde", FileFormat.SHARED_OBJECT),  # LLVM bitcode
    (b"dex\n0", FileFormat.SHARED_OBJECT),  # Dalvik bytecode
    (b"\x4c\x00\x00\x00\x01\x14\x02\x00", FileFormat.SHARED_OBJECT),  # a Windows shortcut
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileFormat.SHARED_OBJECT),  # MSI, old Office
    (b"CBM1", FileFormat.CATBOOST),
    (b"\xba\x16\x4f\x2f", FileFormat.FASTTEXT),  # fasttext.cc: 793712314
    (mxnet.MAGIC, FileFormat.MXNET),
    (arrow_marks.PARQUET, FileFormat.PARQUET),
    (arrow_marks.FILE + b"\x00\x00", FileFormat.ARROW),
    (arrow_marks.FEATHER + b"\x00", FileFormat.ARROW),
    (b"\x0c\xdb\x3a\x2a", FileFormat.TENSORSTORE),  # OCDBT: a manifest, and a node of its tree
    (b"\x0c\xdb\x20\xde", FileFormat.TENSORSTORE),
    (b"ID3", FileFormat.MEDIA),
    (b"fLaC\x00", FileFormat.MEDIA),
    (b"OggS\x00", FileFormat.MEDIA),
    (b"\x89PNG\r\n\x1a\n", FileFormat.IMAGE),
    (b"\xff\xd8\xff", FileFormat.IMAGE),
    (b"GIF87a", FileFormat.IMAGE),
    (b"GIF89a", FileFormat.IMAGE),
)


def _is_gguf(window: Window) -> bool:
    """GGUF has a version of either byte order; text that begins with these letters has none."""
    version = window.head[4:8]
    return len(version) == 4 and b"\x00\x00" in (version[:2], version[2:])  # noqa: PLR2004


def _is_old_joblib(window: Window) -> bool:
    """Files of joblib before 0.10: a number as Python reads it, and a zlib stream behind it."""
    try:
        int(window.head[2:_OLD_JOBLIB], 16)
    except ValueError:
        return False
    return True


def _is_bzip2(window: Window) -> bool:
    """A bzip2 stream goes on with a block or with its end, both of which have a magic number."""
    return window.head[3:4] in b"123456789" and window.head[4:10] in (
        b"1AY&SY",
        b"\x17rE8P\x90",
    )


def _is_fat_binary(window: Window) -> bool:
    """A fat Mach-O counts its architectures where a Java class has a version of 45 or more."""
    return 0 < int.from_bytes(window.head[4:8], "big") < 45  # noqa: PLR2004


def _is_executable(window: Window) -> bool:
    """A PE image has a second signature; an old DOS program has control bytes."""
    try:
        at = int.from_bytes(window.head[0x3C:0x40], "little")
        if window.get(at, 4) == b"PE\x00\x00":
            return True
    except OutOfReadsError:
        return True
    return b"\x00" in window.head[:64]


def _is_webp(window: Window) -> bool:
    """A RIFF container of a WebP image."""
    return window.head[8:12] == b"WEBP"


def _is_lzma(window: Window) -> bool:
    """
    The legacy .lzma format has no magic: its usual first byte, a round dictionary, a sane size.

    As in `file` and in xz's own decoder (lzma_alone_decoder.c).
    """
    head = window.head
    if len(head) < 14:  # noqa: PLR2004  13 of header and one of data
        return False
    dictionary = int.from_bytes(head[1:5], "little")
    size = int.from_bytes(head[5:13], "little")
    round_size = dictionary.bit_count() <= 1 or dictionary in (
        0xFFFFFFFF,
        3 << max(0, dictionary.bit_length() - 2),
    )
    return head[13] == 0 and round_size and (size == 2**64 - 1 or size < 2**38)


def _is_skippable(window: Window) -> bool:
    """A frame that LZ4 and Zstandard readers skip, before one of theirs."""
    return window.head[1:4] == b"\x2a\x4d\x18"


def _is_java(window: Window) -> bool:
    """A Java class has a minor version and a major one, which began with 45."""
    return int.from_bytes(window.head[6:8], "big") >= 45 and not _is_fat_binary(window)  # noqa: PLR2004


def _is_sound(window: Window) -> bool:
    """A RIFF container of sound or moving pictures."""
    return window.head[8:12] in (b"WAVE", b"AVI ")


def _is_sphinx_lm(window: Window) -> bool:
    """A language model has a small number behind its mark, which a text of it has not."""
    at = len(sphinx_lm.MAGIC)
    return b"\0" < window.head[at : at + 1] < b"\x08"


def _is_front_coded(window: Window) -> bool:
    """A dictionary has a flag behind its mark, which a text of these letters has not."""
    at = len(front_coding.MAGIC)
    return window.head[at : at + 1] in (b"\0", b"\1")


def _is_crfsuite(window: Window) -> bool:
    """A CRFsuite model names its kind behind its size."""
    return window.head.startswith(crfsuite.KIND, crfsuite.KIND_AT)


def _is_r_data(window: Window) -> bool:
    """
    R's serialization: how it is encoded, and its version (R Internals, 1.8).

    In letters it goes on with the versions of R that wrote it and that can read it, as numbers.
    """
    if window.head[:1] == b"A":
        return _R_LETTERS.match(window.head) is not None
    order: Literal["big", "little"] = "big" if window.head[:1] == b"X" else "little"
    return len(window.head) > 6 and int.from_bytes(window.head[2:6], order) in (2, 3)  # noqa: PLR2004


def _is_r_workspace(window: Window) -> bool:
    """R's `save` writes RDX2, RDX3, RDA2 and so on; each of these is a line."""
    return window.head[2:3] in b"XAB" and window.head[3:4] in b"123" and window.head[4:5] in b"\r\n"


def _is_ggml(window: Window) -> bool:
    """A version or the size of a vocabulary follows, which is a small number; text has none."""
    return 0 < int.from_bytes(window.head[4:8], "little") < _MAX_GGML_NUMBER


def _is_orc(window: Window) -> bool:
    """An ORC file has zeros, and ends with its mark and the length of what it says of itself."""
    ends = window.source.read_at(max(0, window.size - 4), 3) == b"ORC"
    return ends and b"\x00" in window.head


def _is_engine(window: Window) -> bool:
    """An engine of TensorRT goes on with numbers."""
    return b"\x00" in window.head[4:24]


def has_wrapped_engine(window: Window) -> bool:
    """Tell whether an engine of TensorRT stands behind a length and JSON, as Ultralytics has it."""
    if window.head[3:5] != b"\x00{":
        return False
    try:
        return window.get(4 + int.from_bytes(window.head[:4], "little"), 4) in _ENGINES
    except OutOfReadsError:
        return False


def _is_ubjson(window: Window) -> bool:
    """A model of XGBoost in UBJSON: an object whose first key is `learner` or `version`."""
    first = window.head[1:40]
    return b"learner" in first or (b"version" in first and b"learner" in window.head)


_FLATBUFFERS: Final = {
    b"ET12": FileFormat.EXECUTORCH,
    b"ORTM": FileFormat.ORT,
    b"TFL3": FileFormat.TFLITE,
}
"""Formats that are a flatbuffer, by its identifier."""
_OLD_JOBLIB: Final = 2 + len(hex(2**64))
_MAX_GGML_NUMBER: Final = 1 << 24
_ENGINES: Final = (b"ftrt", b"ptrt")
_R_LETTERS: Final = re.compile(rb"A\r?\n[23]\r?\n[0-9]{6}\r?\n[0-9]{6}\r?\n")
_CHECKED: Final = (
    (b"\xca\xfe\xba\xbe", FileFormat.SHARED_OBJECT, _is_java),
    (b"RIFF", FileFormat.MEDIA, _is_sound),
    (b"X\n", FileFormat.R_DATA, _is_r_data),
    (b"A\n", FileFormat.R_DATA, _is_r_data),
    (b"A\r\n", FileFormat.R_DATA, _is_r_data),
    (b"B\n", FileFormat.R_DATA, _is_r_data),
    (b"RD", FileFormat.R_DATA, _is_r_workspace),
    *((b"{" + bytes([mark]), FileFormat.XGBOOST, _is_ubjson) for mark in b"iUIlL#"),
    (b"GGUF", FileFormat.GGUF, _is_gguf),
    (b"ZF", FileFormat.JOBLIB, _is_old_joblib),
    (b"ORC", FileFormat.ORC, _is_orc),
    # Models of whisper.cpp, and of llama.cpp before GGUF.
    *((each, FileFormat.GGML, _is_ggml) for each in (b"lmgg", b"fmgg", b"tjgg", b"algg")),
    (b"\xff\xff\xff\xff", FileFormat.ARROW, lambda window: arrow_marks.is_stream(window.head)),
    *((each, FileFormat.TENSORRT, _is_engine) for each in _ENGINES),
    (crfsuite.MAGIC, FileFormat.CRFSUITE, _is_crfsuite),
    (front_coding.MAGIC, FileFormat.FRONT_CODED, _is_front_coded),
    (sphinx_lm.MAGIC, FileFormat.SPHINX_LM, _is_sphinx_lm),
    (b"BZh", FileFormat.BZIP2, _is_bzip2),
    (b"\xca\xfe\xba\xbe", FileFormat.SHARED_OBJECT, _is_fat_binary),
    (b"MZ", FileFormat.SHARED_OBJECT, _is_executable),
    (b"RIFF", FileFormat.IMAGE, _is_webp),
    (b"\x5d\x00", FileFormat.XZ, _is_lzma),
    *((bytes([0x50 + n]), FileFormat.ZSTD, _is_skippable) for n in range(16)),
)

_INFLATED_BYTES: Final = 1024 * 1024
_LEAST_DEFLATE: Final = 16

_BYTECODE_MAGIC: Final = ((3000, 4000), (62000, 62300))
"""Python 3 so far, and Python 2 (Include/internal/pycore_magic_number.h)."""

_Candidate = tuple[bytes, FileFormat, Callable[[Window], bool] | None]


def _index() -> Mapping[int, tuple[_Candidate, ...]]:
    """Return the candidates by their first byte."""
    table: dict[int, list[_Candidate]] = {}
    for prefix, file_format in _PREFIXES:
        table.setdefault(prefix[0], []).append((prefix, file_format, None))
    for prefix, file_format, check in _CHECKED:
        table.setdefault(prefix[0], []).append((prefix, file_format, check))
    return MappingProxyType({first: tuple(found) for first, found in table.items()})


_BY_FIRST_BYTE: Final = _index()


def find_magic(window: Window) -> FileFormat | None:
    """Return the format whose magic number the file starts with."""
    for prefix, file_format, check in _BY_FIRST_BYTE.get(window.head[0], ()):
        if window.head.startswith(prefix) and (check is None or check(window)):
            return file_format
    if has_wrapped_engine(window):
        return FileFormat.TENSORRT
    return _FLATBUFFERS.get(window.head[4:8])


def is_bytecode(window: Window) -> bool:
    """
    Tell whether the file is Python bytecode: a magic number, and a marshalled code object.

    The header has 8, 12 or 16 bytes, as PEP 3147 and PEP 552 lengthened it.
    """
    head = window.head
    if head[2:4] != b"\r\n":
        return False
    magic = int.from_bytes(head[:2], "little")
    known = any(low <= magic < high for low, high in _BYTECODE_MAGIC)
    return known and any(head[at : at + 1] in (b"\xe3", b"c") for at in (16, 12, 8))


def is_safetensors(window: Window) -> bool:
    """Tell whether the file starts with the length of a JSON object that fits into it."""
    head = window.head
    if head[8:9] != b"{" or int.from_bytes(head[:8], "little") > window.size - 8:
        return False
    return head[9:64].lstrip(b" \t\r\n")[:1] in (b'"', b"}", b"")


def has_hdf5_behind_block(window: Window) -> bool:
    """
    Tell whether HDF5 starts behind a user block.

    The library looks at byte 0, 512, and every doubling (HDF5 specification, II.A).
    """
    at = 512
    while at + len(_HDF5) <= window.size:
        if at < len(window.head):
            signature = window.head[at : at + len(_HDF5)]
        else:
            signature = window.source.read_at(at, len(_HDF5))
        if signature == _HDF5:
            return True
        at *= 2
    return False


def inflate_start(window: Window) -> tuple[bytes, bool] | None:
    """
    Return the first inflated bytes of a zlib stream, and whether what was read held up.

    That is: the stream ended, or went on past the head. None where the file is no such stream.
    """
    head = window.head
    # RFC 1950 2.2: method 8, a window of at most 32 KiB, the check bits, no preset dictionary.
    if len(head) < 6 or head[0] & 0x8F != 8 or head[1] & 0x20:  # noqa: PLR2004
        return None
    if (head[0] << 8 | head[1]) % 31:
        return None
    inflater = zlib.decompressobj()
    try:
        start = inflater.decompress(head, len(head))
    except zlib.error:
        return None
    return start, inflater.eof or not window.whole or bool(inflater.unconsumed_tail)


def is_deflate(window: Window) -> bool:
    """
    Tell whether the file is a deflate stream without any wrapper (RFC 1951).

    Such a stream has no mark: it has to end where the file ends, or to go on past the head. Of
    20,000 files of 64 random bytes, as of longer ones, none did; a few bytes may.
    """
    if window.size < _LEAST_DEFLATE:
        return False
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        start = inflater.decompress(window.head, _INFLATED_BYTES)
    except zlib.error:
        return False
    if inflater.eof:
        return window.whole and bool(start) and not inflater.unused_data
    return not window.whole and bool(start)
