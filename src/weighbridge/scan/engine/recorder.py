"""
CPython's C unpickler, with everything that it would import replaced by inert stubs.

It executes a stream as a victim would, ten times as fast as a machine in Python. Nothing is
imported and nothing is called: a reference makes a class of ours, a call makes an instance of
that, and both write down what happened. Only what ordinary streams do to them works; anything
else raises, which makes the stream one for the exact machine.
"""

import _compat_pickle
import gc
import re
from _pickle import Unpickler
from collections.abc import Callable
from typing import Final, NoReturn, Self

from weighbridge.core.values import frozen
from weighbridge.formats.pickle.trace import Change, ChangeKind, Event
from weighbridge.formats.pickle.values import (
    CallKind,
    CallNode,
    DictNode,
    GlobalNode,
    PersistentNode,
    TupleNode,
    Value,
)
from weighbridge.scan.engine.reading import (
    FramedStream,
    UnusualStreamError,
    WholeStream,
    may_have_frames,
)
from weighbridge.scan.engine.snapshot import Snapshots

_PROTO: Final = 0x80
_FIRST_PYTHON3_PROTOCOL: Final = 3
_LATER_PROTO: Final = re.compile(rb"\x80[\x03-\x05]")


@frozen
class Recording:
    """
    What the C unpickler did with a stream that it read to its STOP.

    Attributes:
        events: In order, without offsets.
        result: What the stream leaves, where that is what a call has made; None otherwise.
        end: Offset after STOP.
        protocol: The one that the stream begins with.
    """

    events: tuple[Event, ...]
    result: CallNode | None
    end: int
    protocol: int


def record(
    data: bytes, *, start: int, admits: Callable[[GlobalNode], bool], most_events: int
) -> Recording | None:
    """
    Return what the C unpickler does with the stream in *data* at *start*, or None.

    None means that it raises, or that the stream does anything that ordinary ones do not.

    Args:
        data: The stream is its last one, up to the end.
        start: Of the stream, which begins with PROTO.
        admits: Whether a reference is an ordinary one.
        most_events: Beyond which there is no recording.
    """
    if data[start : start + 1] != bytes([_PROTO]) or start + 1 >= len(data):
        return None
    framed = may_have_frames(data, start)
    stream = FramedStream(data, start) if framed else WholeStream(data, start)
    recorder = _Recorder(stream, data, start, admits, most_events)
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return _run(recorder, stream)
    finally:
        if was_enabled:
            gc.enable()


def _run(recorder: "_Recorder", stream: FramedStream | WholeStream) -> Recording | None:
    try:
        loaded = recorder.load()
        if isinstance(stream, FramedStream) and not _is_used_up(recorder, stream):
            return None
        if recorder.unusual or not recorder.snapshots.hold():
            return None
    # The unpickler runs on hostile bytes and raises whatever their values raise; that no
    # exception means anything but "not ordinary" is the point, and the machine goes on.
    except Exception:  # noqa: BLE001  see above
        return None
    return Recording(
        events=tuple(recorder.events),
        result=loaded.made if isinstance(loaded, _Instance) else None,
        end=stream.position,
        protocol=recorder.protocol,
    )


def _is_used_up(recorder: "_Recorder", stream: FramedStream) -> bool:
    """
    Tell whether nothing is left in the unpickler's buffer behind STOP.

    A further stream could hide in the rest of the frame, for an unpickler that loads twice. One
    that has nothing left asks the file first.
    """
    stream.ended = True
    try:
        recorder.load()
    except UnusualStreamError:
        return True
    except Exception:  # noqa: BLE001  there was something, and it was no stream
        return False
    return False


class _Recorder(Unpickler):
    """The unpickler; its stubs find it through a class attribute of their own."""

    def __init__(
        self,
        stream: FramedStream | WholeStream,
        data: bytes,
        start: int,
        admits: Callable[[GlobalNode], bool],
        most_events: int,
    ) -> None:
        super().__init__(stream)
        self.events: list[Event] = []
        self.protocol = data[start + 1]
        self.unusual = False
        self.snapshots = Snapshots(_node_of)
        self._most = most_events
        self._admits = admits
        self._classes: dict[tuple[str, str], _Stub] = {}
        self._changes_names = _changes_names(data, start)

    def note(self, event: Event) -> None:
        """Keep *event*."""
        self.events.append(event)
        if len(self.events) > self._most:
            self.refuse()

    def refuse(self) -> NoReturn:
        """Give up, also where the unpickler swallows the exception."""
        self.unusual = True
        raise UnusualStreamError

    def find_class(self, module: str, name: str, /) -> object:
        """Return the stub of `module.name`."""
        made = self._classes.get((module, name))
        if made is None:
            made = self._refer(module, name)
            self._classes[module, name] = made
        self.note(made.node)
        return made

    def _refer(self, module: str, name: str) -> "_Stub":
        real = _translated(module, name)
        if real != (module, name) and not self._changes_names:
            # Which of the two is meant depends on a PROTO that may stand anywhere.
            self.refuse()
        node = GlobalNode(*real, offset=0, spelled=None)
        if not self._admits(node):
            self.refuse()
        return _Stub("stub", (_Instance,), {"__slots__": (), "node": node, "recorder": self})

    def persistent_load(self, pid: object, /) -> object:
        """Return a stub for what the program would return."""
        node = PersistentNode(self.snapshots.take(pid), 0)
        self.note(node)
        return _Loaded(node, self)

    def call(self, kind: CallKind, called: GlobalNode, args: object, kwargs: object) -> CallNode:
        """Record a call; arguments are looked at before anything can change them."""
        given = self.snapshots.take(args)
        if not isinstance(given, TupleNode):
            self.refuse()
        node = CallNode(kind, called, given, 0)
        if kwargs:
            named = self.snapshots.take(kwargs)
            node.kwargs = named if isinstance(named, DictNode) else None
        self.note(node)
        return node

    def change(self, kind: ChangeKind, target: CallNode, items: tuple[object, ...]) -> None:
        """Record a change to the result of a call."""
        values = tuple(map(self.snapshots.take, items))
        match kind:
            case ChangeKind.BUILD:
                target.states.extend(values)
            case ChangeKind.ASSIGN:
                target.assigned.extend(values)
            case ChangeKind.APPEND | ChangeKind.ADD:
                target.appended.extend(values)
        self.note(Change(kind, target, values, 0))


class _Stub(type):
    """The class of stubs of references: calling one is REDUCE."""

    node: GlobalNode
    recorder: _Recorder

    def __call__(cls, *args: object) -> object:
        assert issubclass(cls, _Instance)
        return cls._make(CallKind.REDUCE, args, {})


class _Instance(metaclass=_Stub):
    """What a call of a stub returns, with what BUILD and the container opcodes look for."""

    __slots__ = ("made",)
    made: CallNode

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        return cls._make(CallKind.NEWOBJ_EX if kwargs else CallKind.NEWOBJ, args, kwargs)

    @classmethod
    def _make(cls, kind: CallKind, args: tuple[object, ...], kwargs: dict[str, object]) -> Self:
        """Record a call and return its result."""
        instance = object.__new__(cls)
        instance.made = cls.recorder.call(kind, cls.node, args, kwargs)
        return instance

    def __setstate__(self, state: object) -> None:
        type(self).recorder.change(ChangeKind.BUILD, self.made, (state,))

    def __setitem__(self, key: object, value: object) -> None:
        type(self).recorder.change(ChangeKind.ASSIGN, self.made, (key, value))

    def extend(self, items: list[object]) -> None:
        """Take the items of APPEND and APPENDS."""
        type(self).recorder.change(ChangeKind.APPEND, self.made, tuple(items))

    def add(self, item: object) -> None:
        """Take an item of ADDITEMS."""
        type(self).recorder.change(ChangeKind.ADD, self.made, (item,))


class _Loaded:
    """What `persistent_load` returns: nothing may be done to it."""

    __slots__ = ("node", "recorder")

    def __init__(self, node: PersistentNode, recorder: _Recorder) -> None:
        self.node = node
        self.recorder = recorder

    def __setstate__(self, state: object) -> None:
        del state
        self.recorder.refuse()


def _node_of(value: object) -> Value:
    """
    Return the node that a stub stands for.

    Raises:
        UnusualStreamError: It is no stub.
    """
    if isinstance(value, _Instance):
        return value.made
    if isinstance(value, _Stub):
        return value.node
    if isinstance(value, _Loaded):
        return value.node
    raise UnusualStreamError


def _translated(module: str, name: str) -> tuple[str, str]:
    """Return the name that unpicklers make of one of Python 2."""
    renamed = _compat_pickle.NAME_MAPPING.get((module, name))
    return renamed or (_compat_pickle.IMPORT_MAPPING.get(module, module), name)


def _changes_names(data: bytes, start: int) -> bool:
    """Tell whether the whole stream has a protocol in which names of Python 2 are translated."""
    old = data[start + 1] < _FIRST_PYTHON3_PROTOCOL
    return old and _LATER_PROTO.search(data, start + 2) is None
