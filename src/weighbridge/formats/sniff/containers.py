"""Archives: what kind of zip, whether a zip hangs on the end of a file, and tar."""

from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.sniffing import SNIFF_TAIL_BYTES
from weighbridge.formats.sniff.window import Window
from weighbridge.formats.tar.header import has_valid_checksum
from weighbridge.formats.zip import read_names

_END_SIGNATURE: Final = b"PK\x05\x06"
_TAR_BLOCK: Final = 512
_PACKAGE: Final = ".data/extern_modules"
"""The member that torch.package writes into every package."""


def classify_zip(source: ByteSource) -> tuple[FileFormat, ...]:
    """Return what the zip *source* is, best first; plain zip where its directory is broken."""
    try:
        names = read_names(source)
    except (MalformedContentError, LimitExceededError):
        return (FileFormat.ZIP,)
    return _classify_names(names)


def find_appended_zip(window: Window) -> tuple[FileFormat, ...]:
    """Return what the zip at the end of a file that starts otherwise is; empty without one."""
    if window.whole:
        found = _END_SIGNATURE in window.head
    else:
        tail = window.source.read_at(max(0, window.size - SNIFF_TAIL_BYTES), SNIFF_TAIL_BYTES)
        found = _END_SIGNATURE in tail
    if not found:
        return ()
    try:
        names = read_names(window.source)
    except MalformedContentError:
        return ()
    except LimitExceededError:
        return (FileFormat.ZIP,)
    return _classify_names(names) if names else ()


def _classify_names(names: tuple[str, ...]) -> tuple[FileFormat, ...]:
    """
    Return what a zip with members of these *names* is, best first.

    Case is ignored, as torch's reader ignores it. The names decide which loader would take the
    file, so every kind that fits counts.
    """
    folded = [name.casefold() for name in names]
    # torch's reader strips the first directory, whatever it is called (caffe2/serialize).
    bare = {name.partition("/")[2] or name for name in folded} | set(folded)
    found: list[FileFormat] = []
    if _PACKAGE in bare:
        found.append(FileFormat.TORCH_PACKAGE)
    if "data.pkl" in bare:
        code = any(name.startswith("code/") for name in bare)
        is_script = code and "constants.pkl" in bare
        found.append(FileFormat.TORCHSCRIPT if is_script else FileFormat.TORCH_ZIP)
    if "config.json" in folded and ("model.weights.h5" in folded or "metadata.json" in folded):
        found.append(FileFormat.KERAS_V3)
    if _is_exported(bare):
        found.append(FileFormat.EXPORTED_PROGRAM)
    if "mar-inf/manifest.json" in folded:
        found.append(FileFormat.TORCHSERVE)
    if "schema.json" in folded:
        found.append(FileFormat.SKOPS)
    files = [name for name in folded if not name.endswith("/")]
    if files and all(name.endswith(".npy") for name in files):
        found.append(FileFormat.NPZ)
    return tuple(found) or (FileFormat.ZIP,)


def _is_exported(bare: set[str]) -> bool:
    """Tell whether names are those of a program of torch.export, of any of its versions."""
    if "serialized_exported_program.json" in bare:
        return True
    compiled = any(name.startswith("data/aotinductor/") for name in bare)
    graphs = any(name.startswith("models/") and name.endswith(".json") for name in bare)
    return compiled or ("archive_format" in bare and graphs)


def is_tar(window: Window) -> bool:
    """
    Tell whether the file starts with a tar header.

    By its magic (POSIX.1-2017, pax, "ustar Interchange Format") or, for the formats before it,
    by its checksum, which counts its own field as spaces and may be a sum of signed bytes.
    """
    block = window.head[:_TAR_BLOCK]
    if len(block) < _TAR_BLOCK:
        return False
    if block[257:263] in (b"ustar\0", b"ustar "):
        return True
    return has_valid_checksum(block)
