"""The sources of virtual datasets (specification VIII.E: virtual dataset layout)."""

from typing import Final

from weighbridge.core.limits.documents import MAX_TEXT_BYTES
from weighbridge.core.limits.weights import MAX_HDF5_VALUES
from weighbridge.formats.hdf5.heaps import GlobalHeap
from weighbridge.formats.hdf5.image import Fields, Image, malformed, too_large
from weighbridge.formats.hdf5.values import Layout, VirtualSource

_WHAT: Final = "virtual dataset"
_NONE: Final = 0
_POINTS: Final = 1
_HYPERSLAB: Final = 2
_ALL: Final = 3
_WIDTHS: Final = (2, 4, 8)
_REGULAR: Final = 0x01
_NAME_FLAGS_VERSION: Final = 1
_SAME_FILE: Final = 0x01
_FILE_AT: Final = 0x02
_DATASET_AT: Final = 0x04


def read_sources(image: Image, heap: GlobalHeap, layout: Layout) -> tuple[VirtualSource, ...]:
    """
    Return the sources of a dataset with the virtual layout *layout*.

    Raises:
        MalformedContentError: They do not follow the format.
        LimitExceededError: There are more than `MAX_HDF5_VALUES`.
    """
    if layout.address is None:
        return ()
    body = heap.value(layout.address, layout.heap_index, limit=MAX_TEXT_BYTES)
    fields = Fields(body, image=image, what=_WHAT)
    version = fields.version(0, _NAME_FLAGS_VERSION)
    count = fields.length()
    if count > MAX_HDF5_VALUES:
        raise too_large("sources of a virtual dataset", limit=MAX_HDF5_VALUES)
    sources: list[VirtualSource] = []
    for _ in range(count):
        sources.append(_take_source(fields, version, sources))
        _skip_selection(fields)
        _skip_selection(fields)
    return tuple(sources)


def _take_source(fields: Fields, version: int, earlier: list[VirtualSource]) -> VirtualSource:
    """Take the names of one source; version 1 may refer to those of an earlier one."""
    flags = fields.uint(1) if version == _NAME_FLAGS_VERSION else 0
    if flags & _SAME_FILE:
        file = "."
    elif flags & _FILE_AT:
        file = _earlier(earlier, fields.length()).file
    else:
        file = fields.text()
    shared = flags & _DATASET_AT
    dataset = _earlier(earlier, fields.length()).dataset if shared else fields.text()
    return VirtualSource(file=file, dataset=dataset)


def _earlier(earlier: list[VirtualSource], index: int) -> VirtualSource:
    """Return the source that a name is shared with."""
    if index >= len(earlier):
        raise malformed(_WHAT, expected="an earlier source", found=str(index))
    return earlier[index]


def _skip_selection(fields: Fields) -> None:
    """Pass over a selection of elements (H5S_*_serialize)."""
    kind, version = fields.uint(4), fields.uint(4)
    if kind in (_NONE, _ALL):
        fields.take(8)
    elif kind in (_POINTS, _HYPERSLAB) and version == 1:
        fields.take(4)
        fields.take(fields.uint(4))
    elif kind == _HYPERSLAB and version == 2:  # noqa: PLR2004
        fields.take(1)
        fields.take(fields.uint(4))
    elif kind == _HYPERSLAB and version == 3:  # noqa: PLR2004
        _skip_hyperslab(fields)
    elif kind == _POINTS and version == 2:  # noqa: PLR2004
        width = _width(fields)
        rank, count = fields.uint(4), fields.uint(width)
        fields.take(count * rank * width)
    else:
        found = f"kind {kind}, version {version}"
        raise malformed(_WHAT, expected="a known selection", found=found)


def _skip_hyperslab(fields: Fields) -> None:
    """Pass over a selection of blocks, version 3."""
    flags, width = fields.uint(1), _width(fields)
    rank = fields.uint(4)
    if flags & _REGULAR:
        fields.take(4 * rank * width)
    else:
        fields.take(2 * fields.uint(width) * rank * width)


def _width(fields: Fields) -> int:
    """Take the width of the numbers that follow."""
    width = fields.uint(1)
    if width not in _WIDTHS:
        raise malformed(_WHAT, expected="numbers of 2, 4 or 8 bytes", found=str(width))
    return width
