"""The order in which the detectors are asked, and what their answers make together."""

from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import ByteSource, BytesSource
from weighbridge.core.values import frozen
from weighbridge.formats.sniff.containers import classify_zip, find_appended_zip, is_tar
from weighbridge.formats.sniff.magic import (
    find_magic,
    has_hdf5_behind_block,
    inflate_start,
    is_bytecode,
    is_deflate,
    is_safetensors,
)
from weighbridge.formats.sniff.messagepack import is_map_and_no_pickle, is_msgpack
from weighbridge.formats.sniff.pickles import LEGACY_TORCH_MAGIC, End, Walk, walk_pickle
from weighbridge.formats.sniff.protobuf import find_protobuf
from weighbridge.formats.sniff.suffixes import (
    find_lie,
    is_textual,
    split_suffix,
    suffix_promise,
)
from weighbridge.formats.sniff.tensors import find_tensors
from weighbridge.formats.sniff.text import classify_text, is_old_prose, is_text
from weighbridge.formats.sniff.window import Window
from weighbridge.formats.text_encoding import decode_start, is_marked

_JOBLIB: Final = b"joblib.numpy_pickle"
_FEW_OPCODES: Final = 2
_RAW: Final = frozenset({FileFormat.RAW_BYTES, FileFormat.RAW_TENSORS})
"""What is told by a name alone."""
_CATBOOST: Final = b"CBM1"
_ZIP: Final = b"PK\x03\x04"
_UNPICKLED: Final = frozenset({FileFormat.JOBLIB, FileFormat.PICKLE, FileFormat.TORCH_ZIP})
"""What names promise whose loaders unpickle whatever the file is."""


@frozen
class Sniffed:
    """
    What a file's bytes say it is.

    Attributes:
        format: How its usual loader would take it; the more dangerous reading comes first.
        suffix_format: What its suffix promises, where that is something else; else None.
        also: What other loaders could take the same bytes for. Not empty: a polyglot.
    """

    format: FileFormat
    suffix_format: FileFormat | None
    also: tuple[FileFormat, ...] = ()


def sniff(source: ByteSource, *, name: str) -> Sniffed:
    """
    Return the format of *source*, told from its bytes.

    Reads `SNIFF_BYTES` at the start and looks for a zip at the end; more only where a detector
    has to see where a pickle, a protobuf message or a zip's directory goes on. *name* decides
    nothing that the bytes decide: it tells Python from other text, and whether it lies.
    """
    suffix = split_suffix(name)
    window = Window(source, suffix=suffix, name=name.rpartition("/")[2])
    if not window.head:
        found: tuple[FileFormat, ...] = (FileFormat.EMPTY,)
    else:
        found = _find(window)
    return Sniffed(format=found[0], suffix_format=find_lie(suffix, found[0]), also=found[1:])


def _find(window: Window) -> tuple[FileFormat, ...]:
    """Return every format that fits, the one to act upon first."""
    found: list[FileFormat] = []
    walk = walk_pickle(window, patient=False)
    text: bool | None = None
    if walk.opcodes or walk.end is End.OUT_OF_READS:
        text = is_text(window)
        if text and is_textual(window.suffix):
            walk = walk_pickle(window, patient=True)
        if _is_pickle(walk, window, text=text) and not _is_other(walk, window):
            found.append(_classify_pickle(walk, window))
    found.extend(_find_binary(window))
    if not found and _is_weak_pickle(walk, window):
        found.append(FileFormat.PICKLE)
    if not found:
        text = is_text(window) if text is None else text
        found.append(_find_last(window, text=text))
    if found[0] not in _ZIPS:
        found.extend(find_appended_zip(window))
    return tuple(dict.fromkeys(found))


_ZIPS: Final = frozenset(
    {
        FileFormat.ZIP,
        FileFormat.NPZ,
        FileFormat.TORCH_ZIP,
        FileFormat.TORCHSCRIPT,
        FileFormat.TORCH_PACKAGE,
        FileFormat.EXPORTED_PROGRAM,
        FileFormat.TORCHSERVE,
        FileFormat.SKOPS,
        FileFormat.KERAS_V3,
    }
)


def _find_binary(window: Window) -> list[FileFormat]:
    """Return the formats with a signature of some kind."""
    found: list[FileFormat] = []
    magic = find_magic(window)
    if magic is FileFormat.ZIP:
        found.extend(classify_zip(window.source))
    elif magic is not None:
        found.append(magic)
    if is_tar(window):
        found.append(FileFormat.TAR)
    if is_safetensors(window):
        found.append(FileFormat.SAFETENSORS)
    if has_hdf5_behind_block(window):
        found.append(FileFormat.HDF5)
    if _is_zlib(window):
        found.append(FileFormat.ZLIB)
    if is_bytecode(window):
        found.append(FileFormat.PYTHON_BYTECODE)
    return found


def _find_last(window: Window, *, text: bool) -> FileFormat:
    """Return the format of a file without any signature."""
    if text:
        return classify_text(window)
    wide = _classify_wide_text(window)
    if wide is not None:
        return wide
    if is_msgpack(window):
        return FileFormat.MSGPACK
    found = find_protobuf(window) or find_tensors(window)
    if (found is None or found in _RAW) and is_deflate(window):
        return FileFormat.DEFLATE
    if found is None and is_old_prose(window):
        return FileFormat.TEXT
    return found or FileFormat.UNKNOWN


def _classify_wide_text(window: Window) -> FileFormat | None:
    """Return what a text in UTF-16 or UTF-32 is, as far as analyzers read such text."""
    text = decode_start(window.head, whole=window.whole)
    if not text:
        return None
    source = BytesSource(text.encode())
    found = classify_text(Window(source, suffix=window.suffix, name=window.name))
    if found in (FileFormat.TEXT, FileFormat.YAML) and not is_marked(window.head):
        return None
    return found if found in (FileFormat.JSON, FileFormat.TEXT, FileFormat.YAML) else None


def _is_pickle(walk: Walk, window: Window, *, text: bool) -> bool:
    """
    Tell whether an unpickler would get far enough with the file for it to be a pickle.

    Text is where the two meet. A call of something imported settles it. Where the name promises
    text, a mere line that reads like an import or a lone value does not: "conda", "numpy" on
    two lines of a list are GLOBAL's form. Where the walk was still under way when its bounds
    were met, a call may follow, whatever the name promises: no other text gets so far.
    """
    if walk.end is End.OUT_OF_READS and not walk.opcodes and window.head.startswith(_ZIP):
        # To an unpickler, a persistent id up to a line break far away, which all refuse that bring
        # no look-up of their own; a zip of many members is what it is.
        return False
    if walk.calls or walk.end in (End.DECIDED, End.OUT_OF_READS):
        return True
    whole = walk.end is End.STOPPED and not window.head[walk.at :].strip()
    if text and is_textual(window.suffix):
        return walk.end is End.STOPPED and (walk.imports or (whole and window.whole))
    return walk.imports or walk.end is not End.BROKEN


def _is_other(walk: Walk, window: Window) -> bool:
    """Tell whether what an unpickler would begin to read, without a call, is something else."""
    if walk.calls:
        return False
    return _is_map(window) or _is_catboost(walk, window)


def _is_catboost(walk: Walk, window: Window) -> bool:
    """
    Tell whether an unpickler gives up on a model of CatBoost before it imports anything by name.

    To it such a model begins with 66 bytes as a value, and one in 64 goes on with the number of
    a registered name, which nobody registers, and then with nothing that it knows.
    """
    broken = walk.end is End.BROKEN and not walk.named
    return broken and window.head.startswith(_CATBOOST)


def _is_map(window: Window) -> bool:
    """Tell whether a file that an unpickler would begin to read is MessagePack by all else."""
    return suffix_promise(window.suffix) not in _UNPICKLED and is_map_and_no_pickle(window)


def _is_weak_pickle(walk: Walk, window: Window) -> bool:
    """Tell whether the file starts as a pickle, though an unpickler would soon give up on it."""
    return walk.header and (walk.opcodes >= _FEW_OPCODES or walk.at >= window.size)


def _classify_pickle(walk: Walk, window: Window) -> FileFormat:
    """Return whose pickle it is."""
    if walk.end is End.STOPPED and walk.integer == LEGACY_TORCH_MAGIC:
        return FileFormat.TORCH_LEGACY
    return FileFormat.JOBLIB if _JOBLIB in window.head else FileFormat.PICKLE


def _is_zlib(window: Window) -> bool:
    """
    Tell whether the file is a zlib stream.

    A few letters of text may inflate to something before they fail; then what comes out has to
    be a pickle, since readers inflate and unpickle block by block.
    """
    inflated = inflate_start(window)
    if inflated is None:
        return False
    start, held_up = inflated
    if held_up or (start and not is_text(window)):
        return True
    if not start:
        return False
    inner = Window(BytesSource(start), suffix="")
    return _is_pickle(walk_pickle(inner, patient=False), inner, text=False)
