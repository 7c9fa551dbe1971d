"""Held bytes: immutable once sealed, alive as long as somebody looks at them."""

import errno
import gc
import mmap
import os
import sys
import threading
from collections.abc import Callable

import pytest

from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError, OperationError, UsageError
from weighbridge.core.limits.loading import HELD_INLINE_BYTES
from weighbridge.load import held as held_module
from weighbridge.load.held import HeldFile, HeldFiles, HeldWriter, HoldingSink, physical_memory
from weighbridge.load.memfd import SEALS, Descriptor, SealedMemory, create_memory_file
from weighbridge.load.memory import AnonymousMemory, InlineMemory

LARGE = HELD_INLINE_BYTES + 4097
SIZES = [0, 1, HELD_INLINE_BYTES, HELD_INLINE_BYTES + 1, LARGE]
needs_memfd = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs memory files")


def pattern(size: int) -> bytes:
    """Return *size* bytes that no two pages share."""
    return b"".join(i.to_bytes(4, "little") for i in range(size // 4 + 1))[:size]


def fill_at_once(writer: HeldWriter, data: bytes) -> None:
    """Write one block."""
    writer.write_at(0, data)


def fill_in_blocks(writer: HeldWriter, data: bytes) -> None:
    """Write in two blocks, the second first."""
    half = len(data) // 2
    writer.write_at(half, data[half:])
    writer.write_at(0, memoryview(data)[:half])


def hold(data: bytes) -> HeldFile:
    """Return *data*, held."""
    sink = HoldingSink()
    writer = sink.open("f", len(data))
    writer.write_at(0, data)
    writer.seal()
    return sink.finish()["f"]


def descriptor_of(held: HeldFile) -> int:
    """Return the memory file's descriptor."""
    assert isinstance(held.memory, SealedMemory)
    return held.memory.descriptor.number


@pytest.fixture(params=["memory files", "without memory files"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With and without the system's memory files."""
    if request.param != "memory files":
        monkeypatch.setattr(held_module, "create_memory_file", lambda _size: None)
    return str(request.param)


@pytest.mark.usefixtures("kind")
class TestContent:
    """What goes in comes out."""

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("fill", [fill_at_once, fill_in_blocks])
    def test_reads_back_what_was_written(
        self, size: int, fill: Callable[[HeldWriter, bytes], None]
    ) -> None:
        """Whatever the size and the way in, the held bytes are the written ones."""
        data = pattern(size)
        sink = HoldingSink()
        writer = sink.open("a/b", size)
        fill(writer, data)
        writer.seal()
        held = sink.finish()["a/b"]
        assert held.size == size
        assert held.read() == data
        assert held.view() == data
        assert bytes(held.private()) == data
        assert held.read_at(size // 2, 100) == data[size // 2 : size // 2 + 100]
        assert held.read_at(size + 5, 10) == b""

    @pytest.mark.parametrize("size", [10, LARGE])
    def test_views_are_read_only(self, size: int) -> None:
        """Nobody can write through a view."""
        view = hold(pattern(size)).view()
        assert view.readonly
        with pytest.raises(TypeError):
            view[0] = 1

    @pytest.mark.parametrize("size", [10, LARGE])
    def test_private_memory_is_private(self, size: int) -> None:
        """Writing to private memory changes neither the held bytes nor the next private memory."""
        data = pattern(size)
        held = hold(data)
        private = held.private()
        private[0:4] = b"\xff\xff\xff\xff"
        assert held.read() == data
        assert held.view() == data
        assert bytes(held.private()) == data

    @pytest.mark.parametrize("size", [10, LARGE])
    @pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1)])
    def test_refuses_negative_positions(self, size: int, offset: int, length: int) -> None:
        """A negative position is an error and not a position from the end."""
        with pytest.raises(ValueError, match="not negative"):
            hold(pattern(size)).read_at(offset, length)

    @pytest.mark.parametrize("size", [10, LARGE])
    def test_refuses_writes_outside(self, size: int) -> None:
        """A block that does not fit is refused, one that just fits is not."""
        writer = HoldingSink().open("f", size)
        writer.write_at(size - 1, b"x")
        for offset in (-1, size):
            with pytest.raises(ValueError, match="outside"):
                writer.write_at(offset, b"x")

    @pytest.mark.parametrize("size", [10, LARGE])
    def test_keeps_views_after_closing(self, size: int) -> None:
        """A view outlives `close`, its bytes unchanged."""
        data = pattern(size)
        held = hold(data)
        view, private = held.view(), held.private()
        held.close()
        gc.collect()
        assert view == data
        assert bytes(private) == data

    @pytest.mark.parametrize("size", [10, LARGE])
    @pytest.mark.parametrize(
        "use",
        [
            lambda held: held.read(),
            lambda held: held.read_at(0, 1),
            lambda held: held.view(),
            lambda held: held.private(),
            lambda held: held.size,
        ],
    )
    def test_refuses_use_after_closing(self, size: int, use: Callable[[HeldFile], object]) -> None:
        """Every use after `close` is refused with the code for it; the same use before is not."""
        held = hold(pattern(size))
        use(held)
        held.close()
        with pytest.raises(UsageError) as caught:
            use(held)
        assert caught.value.code is Code.ARTIFACT_CLOSED

    @pytest.mark.parametrize("size", [10, LARGE])
    def test_writers_are_used_once(self, size: int) -> None:
        """After `seal` nothing can be written or sealed; `discard` does nothing."""
        data = pattern(size)
        sink = HoldingSink()
        writer = sink.open("f", size)
        writer.write_at(0, data)
        writer.seal()
        for again in (
            writer.seal,
            lambda: writer.write_at(0, b"x"),
        ):
            with pytest.raises(ValueError, match="before"):
                again()
        writer.discard()
        assert sink.finish()["f"].read() == data

    @pytest.mark.parametrize("size", [0, 10, LARGE])
    def test_unwritten_bytes_are_zero(self, size: int) -> None:
        """A file of which nothing was written is all zero, never what the memory had before."""
        sink = HoldingSink()
        sink.open("f", size).seal()
        assert sink.finish()["f"].read() == bytes(size)

    @pytest.mark.parametrize("size", [10, LARGE])
    def test_discarded_files_are_not_held(self, size: int) -> None:
        """A discarded file is not there, and discarding twice is no error."""
        sink = HoldingSink()
        writer = sink.open("f", size)
        writer.write_at(0, b"x")
        writer.discard()
        writer.discard()
        assert sink.finish().paths == ()

    @pytest.mark.parametrize("size", [10, LARGE])
    def test_several_threads_fill_one_file(self, size: int) -> None:
        """Ranges that are written by different threads end up in the same file."""
        data = pattern(size)
        sink = HoldingSink()
        writer = sink.open("f", size)
        step = -(-size // 4)

        def work(start: int) -> None:
            writer.write_at(start, memoryview(data)[start : start + step])

        threads = [threading.Thread(target=work, args=(i * step,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.seal()
        assert sink.finish()["f"].read() == data


@needs_memfd
class TestSeals:
    """Large files lie in memory that even this process cannot change."""

    def test_all_seals_are_set(self) -> None:
        """Writing, shrinking, growing and further sealing are sealed."""
        import fcntl  # noqa: PLC0415  not on every system

        held = hold(pattern(LARGE))
        flags = fcntl.fcntl(descriptor_of(held), 1034)
        assert flags & SEALS == SEALS

    def test_writing_is_refused(self) -> None:
        """The descriptor and a new one for the same memory both refuse to write."""
        data = pattern(LARGE)
        held = hold(data)
        number = descriptor_of(held)
        with pytest.raises(PermissionError):
            os.pwrite(number, b"x", 0)
        again = os.open(f"/proc/self/fd/{number}", os.O_RDWR)
        try:
            with pytest.raises(PermissionError):
                os.write(again, b"x")
            with pytest.raises(PermissionError):
                mmap.mmap(again, LARGE)
        finally:
            os.close(again)
        assert held.read() == data

    @pytest.mark.parametrize("size", [0, LARGE - 1, LARGE + 1])
    def test_resizing_is_refused(self, size: int) -> None:
        """The memory can become neither shorter nor longer."""
        held = hold(pattern(LARGE))
        number = descriptor_of(held)
        with pytest.raises(PermissionError):
            os.ftruncate(number, size)

    def test_executing_is_refused(self) -> None:
        """The held bytes cannot be run as a program, not even by changing their mode."""
        held = hold(pattern(LARGE))
        number = descriptor_of(held)
        if os.fstat(number).st_mode & 0o111:
            pytest.skip("the kernel is older than 6.3")
        with pytest.raises(PermissionError):
            os.fchmod(number, 0o755)

    def test_a_foreign_writable_mapping_prevents_sealing(self) -> None:
        """Memory that somebody else has mapped for writing is not taken as held."""
        sink = HoldingSink()
        writer = sink.open("f", LARGE)
        descriptor = writer._target
        assert isinstance(descriptor, Descriptor)
        with mmap.mmap(descriptor.number, LARGE), pytest.raises(OperationError) as caught:
            writer.seal()
        assert "cannot be sealed" in str(caught.value)
        assert sink.finish().paths == ()

    def test_memory_of_another_size_is_refused(self) -> None:
        """Memory that somebody truncated before it was sealed is not taken as held."""
        sink = HoldingSink()
        writer = sink.open("f", LARGE)
        descriptor = writer._target
        assert isinstance(descriptor, Descriptor)
        os.ftruncate(descriptor.number, LARGE - 1)
        with pytest.raises(OperationError, match="changed from outside"):
            writer.seal()

    def test_the_descriptor_is_freed(self) -> None:
        """Closing the last user of the memory closes its descriptor, and no earlier."""
        held = hold(pattern(LARGE))
        number = descriptor_of(held)
        memory = held.memory
        held.close()
        os.fstat(number)
        del memory
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)

    def test_only_some_files_have_descriptors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Beyond the limit files are held in anonymous memory, with the same content."""
        monkeypatch.setattr(held_module, "MAX_SEALED_FILES", 2)
        sink = HoldingSink()
        for name in "abcd":
            writer = sink.open(name, LARGE)
            writer.write_at(0, pattern(LARGE))
            writer.seal()
        files = sink.finish()
        kinds = [type(files[name].memory) for name in "abcd"]
        assert kinds == [SealedMemory, SealedMemory, AnonymousMemory, AnonymousMemory]
        assert {files[name].read() for name in "abcd"} == {pattern(LARGE)}


@needs_memfd
class TestMemoryFiles:
    """What happens when the system does not give a memory file."""

    @pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOSYS])
    def test_falls_back(self, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without descriptors or the system call, anonymous memory is used."""

        def fail(_name: str, _flags: int) -> int:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "memfd_create", fail)
        held = hold(pattern(LARGE))
        assert isinstance(held.memory, AnonymousMemory)
        assert held.read() == pattern(LARGE)

    def test_other_failures_are_errors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A system that refuses for another reason is reported, not worked around."""

        def fail(_name: str, _flags: int) -> int:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

        monkeypatch.setattr(os, "memfd_create", fail)
        with pytest.raises(OperationError, match="no memory"):
            create_memory_file(10)

    def test_old_kernels(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A kernel that does not know the flag against execution is asked without it."""
        create = os.memfd_create
        flags_seen: list[int] = []

        def old(name: str, flags: int) -> int:
            flags_seen.append(flags)
            if flags & 8:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            return create(name, flags)

        monkeypatch.setattr(os, "memfd_create", old)
        held = hold(pattern(LARGE))
        assert isinstance(held.memory, SealedMemory)
        assert [flags & 8 for flags in flags_seen] == [8, 0]

    def test_other_systems(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the module does not have the call, or the system is not Linux, there is none."""
        with monkeypatch.context() as patch:
            patch.setattr(sys, "platform", "darwin")
            assert create_memory_file(10) is None
        monkeypatch.delattr(os, "memfd_create")
        assert create_memory_file(10) is None

    def test_impossible_sizes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A size that the system refuses is an error of memory, not a crash."""

        def fail(_number: int, _size: int) -> None:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))

        monkeypatch.setattr(os, "ftruncate", fail)
        with pytest.raises(OperationError, match="no memory"):
            create_memory_file(10)

    def test_unmappable_sizes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file larger than the address space cannot be viewed, nor held without a descriptor."""
        sink = HoldingSink(limit=1 << 62)
        held = sink.open("g", 1 << 60).seal()
        with pytest.raises(OperationError, match="no memory"):
            held.view()
        monkeypatch.setattr(held_module, "create_memory_file", lambda _size: None)
        with pytest.raises(OperationError, match="no memory"):
            sink.open("f", 1 << 60)

    def test_a_full_memory_while_writing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A write that the system refuses is an error of memory."""

        def fail(*_arguments: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        writer = HoldingSink().open("f", LARGE)
        monkeypatch.setattr(os, "pwrite", fail)
        with pytest.raises(OperationError, match="no memory"):
            writer.write_at(0, b"x")


class TestSink:
    """The sink takes each file once and no more than fits."""

    def test_a_path_is_held_once(self) -> None:
        """A second file of the same path is refused, one of another path is not."""
        sink = HoldingSink()
        sink.open("a", 1)
        sink.open("b", 1)
        with pytest.raises(ValueError, match="once"):
            sink.open("a", 1)

    def test_nothing_after_finish(self) -> None:
        """After `finish` no file is taken, nor one that was open before."""
        sink = HoldingSink()
        late = sink.open("late", 1)
        files = sink.finish()
        late.seal()
        assert files.paths == ()
        assert sink.finish().paths == ()
        with pytest.raises(ValueError, match="finished"):
            sink.open("later", 1)

    def test_holds_no_more_than_the_limit(self) -> None:
        """Files that together exceed the limit are refused; those that just fit are not."""
        sink = HoldingSink(limit=100)
        sink.open("a", 60)
        sink.open("b", 40)
        with pytest.raises(LimitExceededError) as caught:
            sink.open("c", 1)
        assert caught.value.where == "c"

    def test_the_default_limit_is_the_machine(self) -> None:
        """A sparse file beyond the machine's memory is refused before memory is asked for."""
        memory = physical_memory()
        if memory is None:
            pytest.skip("the system does not tell its memory")
        with pytest.raises(LimitExceededError):
            HoldingSink().open("sparse", memory + 1)

    def test_unknown_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the system does not tell its memory there is no default limit."""

        def fail(_name: str) -> int:
            raise ValueError("unrecognized configuration name")

        monkeypatch.setattr(os, "sysconf", fail)
        assert physical_memory() is None
        HoldingSink().open("a", 10).seal()


class TestFiles:
    """Files by path."""

    @staticmethod
    def files() -> HeldFiles:
        """Return three held files."""
        return HeldFiles({name: HeldFile(InlineMemory(name.encode())) for name in "cab"})

    def test_paths_are_sorted(self) -> None:
        """Paths come in code-point order."""
        assert self.files().paths == ("a", "b", "c")

    def test_opens_as_a_source(self) -> None:
        """`open` gives the bytes and leaves them usable afterwards."""
        files = self.files()
        with files.open("a") as source:
            assert source.read_at(0, source.size) == b"a"
        assert files["a"].read() == b"a"
        assert "a" in files

    def test_unknown_paths(self) -> None:
        """A path that is not held is refused."""
        files = self.files()
        assert "d" not in files
        for use in (files.__getitem__, files.open):
            with pytest.raises(UsageError) as caught:
                use("d")
            assert caught.value.code is Code.FILE_MISSING

    def test_keeps_only(self) -> None:
        """`keep` lets go of all others."""
        files = self.files()
        gone = files["b"]
        files.keep({"a", "c"})
        assert files.paths == ("a", "c")
        with pytest.raises(UsageError):
            gone.read()

    def test_closes_all(self) -> None:
        """After `close` the paths are known and the bytes are gone."""
        files = self.files()
        files.close()
        assert files.paths == ("a", "b", "c")
        with pytest.raises(UsageError):
            files["a"].read()
