"""A whole HDF5 file: every object that a path leads to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import MalformedContentError
from weighbridge.core.limits.weights import MAX_HDF5_ITEMS, MAX_HDF5_OBJECTS
from weighbridge.formats.hdf5.attribute import read_attribute, read_dense_attributes
from weighbridge.formats.hdf5.dataset import read_external_files, read_filters, read_layout
from weighbridge.formats.hdf5.datatype import read_datatype, read_shape
from weighbridge.formats.hdf5.group import (
    CachedGroup,
    read_dense_links,
    read_link,
    read_old_links,
    read_symbol_table,
)
from weighbridge.formats.hdf5.header import Message, MessageType, read_messages, resolve
from weighbridge.formats.hdf5.heaps import GlobalHeap
from weighbridge.formats.hdf5.image import Fields, Image, too_large
from weighbridge.formats.hdf5.superblock import find_base, read_superblock
from weighbridge.formats.hdf5.values import (
    Attribute,
    Dataset,
    Datatype,
    ExternalFile,
    Filter,
    Layout,
    LayoutKind,
    Link,
    Object,
    ObjectKind,
    Problem,
    Superblock,
    VirtualSource,
)
from weighbridge.formats.hdf5.virtual import read_sources

_T = TypeVar("_T")
_MAX_PATH_CHARS: Final = 4096
_ONLY_ONCE: Final = frozenset(MessageType) - {
    MessageType.ATTRIBUTE,
    MessageType.LINK,
    MessageType.TIME,
    MessageType.OLD_TIME,
}
_EXTENSION: Final = "superblock extension"


class Hdf5File:
    """
    An HDF5 file, of which only metadata is read.

    Args:
        source: The whole file, user block included.
        checkpoint: Called whenever something is read; may raise to end the work.

    Raises:
        MalformedContentError: There is no superblock that makes sense.
    """

    def __init__(self, source: ByteSource, *, checkpoint: Callable[[], None]) -> None:
        self.image: Final = Image(source, base=find_base(source), checkpoint=checkpoint)
        self.superblock: Final[Superblock] = read_superblock(self.image)
        self.heap: Final = GlobalHeap(self.image)
        self._items = 0

    def walk(self) -> Iterator[Object | Problem]:
        """
        Yield every object once, at the first path to it, and every problem where it occurred.

        An object that cannot be read is a problem; the others are still read.

        Raises:
            LimitExceededError: More of something than the limits allow, or the checkpoint says so.
        """
        yield from self._flush("/")
        if self.superblock.extension is not None:
            yield from self._read_extension(self.superblock.extension)
        root = _Visit(path="/", address=self.superblock.root, cached=self.superblock.cached)
        stack, seen = [root], {root.address}
        while stack:
            visit = stack.pop()
            self.image.checkpoint()
            parts = _Parts()
            try:
                self._read_into(parts, visit)
            except MalformedContentError as error:
                self.image.report(str(error))
            yield from self._flush(visit.path)
            yield parts.finish(visit.path)
            for link, cached in reversed(parts.links):
                if link.address is None or link.address in seen:
                    continue
                seen.add(link.address)
                path = _join(visit.path, link.name)
                stack.append(_Visit(path=path, address=link.address, cached=cached))
            if len(seen) > MAX_HDF5_OBJECTS:
                raise too_large("objects", limit=MAX_HDF5_OBJECTS)

    def _counted(self, items: Iterator[_T]) -> Iterator[_T]:
        """Yield *items*, up to the bound for all links and attributes of the file together."""
        for item in items:
            self._items += 1
            if self._items > MAX_HDF5_ITEMS:
                raise too_large("links and attributes", limit=MAX_HDF5_ITEMS)
            yield item

    def _flush(self, path: str) -> Iterator[Problem]:
        """Yield the problems that reading *path* met."""
        for reason in self.image.take_problems():
            yield Problem(path=path, reason=reason)

    def _read_extension(self, address: int) -> Iterator[Problem]:
        """Yield what the superblock extension says that makes other bytes count than these."""
        try:
            for message in read_messages(self.image, address):
                if message.kind is MessageType.CACHE_IMAGE:
                    self.image.report("the file has a cache image, which replaces its metadata")
                if message.kind is MessageType.DRIVER:
                    self.image.report("the file is one of several: its extension names a driver")
        except MalformedContentError as error:
            self.image.report(str(error))
        yield from self._flush(_EXTENSION)

    def _read_into(self, parts: "_Parts", visit: "_Visit") -> None:
        """Read the object of *visit* into *parts*; what is read before an error stays."""
        for message in read_messages(self.image, visit.address):
            try:
                self._read_message(parts, visit, message)
            except MalformedContentError as error:
                self.image.report(str(error))
        if parts.layout is not None and parts.layout.kind is LayoutKind.VIRTUAL:
            parts.sources = read_sources(self.image, self.heap, parts.layout)

    def _read_message(self, parts: "_Parts", visit: "_Visit", message: Message) -> None:
        """Read one message of an object."""
        image = self.image
        if message.kind in _ONLY_ONCE and message.kind in parts.seen:
            image.report(f"an object has two messages of the kind {message.kind.name.lower()}")
        parts.seen.add(message.kind)
        match message.kind:
            case MessageType.ATTRIBUTE:
                parts.attributes.append(read_attribute(image, self.heap, message))
            case MessageType.ATTRIBUTE_INFO:
                found = read_dense_attributes(image, self.heap, message.body)
                parts.attributes.extend(self._counted(found))
            case MessageType.SYMBOL_TABLE:
                place = read_symbol_table(image, message.body)
                if visit.cached not in (None, place):
                    image.report("a link to the group names another B-tree than the group does")
                    parts.links.extend(self._counted(read_old_links(image, visit.cached or place)))
                parts.links.extend(self._counted(read_old_links(image, place)))
                parts.is_group = True
            case MessageType.LINK_INFO:
                parts.is_group = True
                links = self._counted(read_dense_links(image, message.body))
                parts.links.extend((link, None) for link in links)
            case MessageType.LINK:
                parts.is_group = True
                parts.links.append((read_link(image, message.body), None))
            case _:
                self._read_dataset_message(parts, message)

    def _read_dataset_message(self, parts: "_Parts", message: Message) -> None:
        """Read one message of a dataset or a datatype."""
        image = self.image
        match message.kind:
            case MessageType.DATATYPE:
                body = resolve(image, message)
                parts.datatype = read_datatype(image, Fields(body, image=image, what="datatype"))
            case MessageType.DATASPACE:
                parts.shape = read_shape(image, resolve(image, message))
            case MessageType.LAYOUT:
                parts.layout = read_layout(image, message.body)
            case MessageType.FILTERS:
                parts.filters = read_filters(image, resolve(image, message))
            case MessageType.EXTERNAL_FILES:
                parts.external = read_external_files(image, message.body)
            case _:
                return


@dataclass(slots=True, kw_only=True)
class _Visit:
    """An object that is to be read."""

    path: str
    address: int
    cached: CachedGroup | None = None


@dataclass(slots=True)
class _Parts:
    """What the messages of an object have said so far."""

    seen: set[MessageType] = field(default_factory=set)
    attributes: list[Attribute] = field(default_factory=list)
    links: list[tuple[Link, CachedGroup | None]] = field(default_factory=list)
    is_group: bool = False
    datatype: Datatype | None = None
    shape: tuple[int, ...] | None = None
    layout: Layout | None = None
    filters: tuple[Filter, ...] = ()
    external: tuple[ExternalFile, ...] = ()
    sources: tuple[VirtualSource, ...] = ()

    def finish(self, path: str) -> Object:
        """Return the object that the messages make up."""
        attributes, links = tuple(self.attributes), tuple(link for link, _ in self.links)
        if self.is_group:
            return Object(path=path, kind=ObjectKind.GROUP, attributes=attributes, links=links)
        if self.datatype is None or self.layout is None:
            return Object(path=path, kind=ObjectKind.DATATYPE, attributes=attributes)
        dataset = Dataset(
            datatype=self.datatype,
            shape=self.shape,
            layout=self.layout,
            filters=self.filters,
            external=self.external,
            sources=self.sources,
        )
        return Object(path=path, kind=ObjectKind.DATASET, attributes=attributes, dataset=dataset)


def _join(parent: str, name: str) -> str:
    """Return the path of *name* in the group at *parent*, cut where it would grow without end."""
    path = f"{parent.rstrip('/')}/{name}"
    return path if len(path) <= _MAX_PATH_CHARS else f"{path[: _MAX_PATH_CHARS - 1]}…"
