"""Checkpoints, joblib files, NumPy arrays and compressed pickles, benign and otherwise."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from struct import pack

import numpy as np
import pytest

from support import pickles as p
from support.scanning import examined, rules_of, subject_of
from support.tars import tar_of
from support.zips import zip_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding, Gap
from weighbridge.formats.sniff import sniff
from weighbridge.formats.streams import content as stream_content
from weighbridge.formats.zip import prefix as zip_prefix
from weighbridge.scan.analyzers import compressed, torch_legacy
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Budget

BENIGN = Path(__file__).parents[3] / "vectors" / "benign"
FILES = sorted(path for path in BENIGN.iterdir() if path.suffix != ".py")
PAYLOAD = p.stream(p.system())
DANGEROUS = "pickle-dangerous-global"


def _evidence(data: bytes, name: str = "model.bin") -> tuple[Finding | Gap, ...]:
    """Return what the scan says of a file whose format is told from its content."""
    return examined(data, format=sniff(BytesSource(data), name=name).format, path=name)


def _storage(key: str, elements: int) -> bytes:
    """Return the persistent id of a float storage, loaded."""
    pid = p.tuple_of(
        p.text("storage"),
        p.name("torch", "FloatStorage"),
        p.text(key),
        p.text("cpu"),
        p.integer(elements),
        p.NONE,
    )
    return pid + p.BINPERSID


def _legacy(
    body: bytes, *, keys: tuple[str, ...] = ("0",), count: int = 2, tail: bytes = b""
) -> bytes:
    """Return a legacy checkpoint around the stream *body*, with one storage of *count* floats."""
    return b"".join(
        [
            p.stream(p.integer(0x1950A86A20F9469CFC6C)),
            p.stream(p.integer(1001)),
            p.stream(p.dict_of(p.text("little_endian"), p.TRUE)),
            body,
            p.stream(p.list_of(*map(p.text, keys))),
            pack("<q", count) + bytes(4 * count),
            tail,
        ]
    )


def _joblib(array: bytes, *, kind: str = "f8", shape: int = 2, before: bytes = b"") -> bytes:
    """Return a joblib file with one array whose raw bytes are *array*."""
    wrapper = p.new(p.name("joblib.numpy_pickle", "NumpyArrayWrapper"))
    dtype = p.call(p.name("numpy", "dtype"), p.text(kind), p.FALSE, p.TRUE)
    state = p.dict_of(
        p.text("subclass"), p.name("numpy", "ndarray"),
        p.text("shape"), p.tuple_of(p.integer(shape)),
        p.text("order"), p.text("C"),
        p.text("dtype"), dtype,
        p.text("allow_mmap"), p.TRUE,
    )  # fmt: skip
    return p.proto(2) + before + wrapper + state + p.BUILD + array


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_that_frameworks_wrote_are_clean(path: Path) -> None:
    """A benign checkpoint, model or array has no finding and no gap."""
    assert not _evidence(path.read_bytes(), path.name)


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.suffix == ".pt"], ids=lambda path: path.name
)
def test_a_byte_behind_a_checkpoint_is_noticed(path: Path) -> None:
    """A checkpoint with one more byte is not clean."""
    assert _evidence(path.read_bytes() + b"\0", path.name)


class TestLegacyTorch:
    """Five pickles, then storages."""

    def test_well_formed(self) -> None:
        """A checkpoint of one storage is clean."""
        assert not _evidence(_legacy(p.stream(_storage("0", 2))))

    @pytest.mark.parametrize("index", range(5))
    def test_a_payload_in_any_pickle(self, index: int) -> None:
        """Whichever of the five pickles has the payload, it is found."""
        streams = [
            p.integer(0x1950A86A20F9469CFC6C),
            p.integer(1001),
            p.EMPTY_DICT,
            p.NONE,
            p.EMPTY_LIST,
        ]
        streams[index] = p.system() + p.POP + streams[index]
        data = b"".join(map(p.stream, streams))
        found = examined(data, format=FileFormat.TORCH_LEGACY)
        assert DANGEROUS in rules_of(found)

    def test_a_payload_behind_the_storages(self) -> None:
        """Bytes behind the last storage are reported."""
        data = _legacy(p.stream(_storage("0", 2)), tail=PAYLOAD)
        assert "pickle-trailing-data" in rules_of(_evidence(data))

    @pytest.mark.parametrize(
        "data",
        [
            _legacy(p.stream(_storage("0", 2)), count=3),
            _legacy(p.stream(_storage("0", 2)), keys=("1",)),
            _legacy(p.stream(_storage("0", 2)))[:-1],
            _legacy(p.stream(_storage("0", 2)), keys=("0", "0")),
        ],
        ids=["count", "key", "cut", "twice"],
    )
    def test_storages_that_do_not_fit(self, data: bytes) -> None:
        """A storage that the pickles do not describe is a gap."""
        assert "scan-malformed" in rules_of(_evidence(data))

    def test_a_list_of_storages_that_is_none(self) -> None:
        """A checkpoint whose fifth pickle is no list, or whose first no magic number, is a gap."""
        good = [p.integer(0x1950A86A20F9469CFC6C), p.integer(1001), p.EMPTY_DICT, p.NONE]
        data = b"".join(map(p.stream, [*good, p.EMPTY_DICT]))
        assert "scan-malformed" in rules_of(examined(data, format=FileFormat.TORCH_LEGACY))
        other = b"".join(map(p.stream, [p.integer(1), *good[1:], p.EMPTY_LIST]))
        assert "scan-malformed" in rules_of(examined(other, format=FileFormat.TORCH_LEGACY))

    def test_pickles_beyond_the_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Pickles that do not end within the bound are a gap; what lies within it is found."""
        monkeypatch.setattr(torch_legacy, "_FIRST_READ", 64)
        monkeypatch.setattr(torch_legacy, "MAX_PICKLE_BYTES", 256)
        data = _legacy(p.stream(p.system() + p.POP + p.text("x" * 300)))
        assert {DANGEROUS, "scan-limit"} <= rules_of(_evidence(data))

    def test_a_broken_pickle(self) -> None:
        """A checkpoint whose fourth pickle breaks is reported."""
        data = _legacy(p.proto(2) + p.system() + b"\xff")
        assert {DANGEROUS, "pickle-broken-stream"} <= rules_of(_evidence(data))


class TestJoblib:
    """Raw arrays within a pickle."""

    def test_a_payload_behind_the_array(self) -> None:
        """The stream goes on behind the array, and so does the walk."""
        data = _joblib(bytes(16) + p.POP + p.system() + p.STOP)
        assert DANGEROUS in rules_of(_evidence(data))
        assert not _evidence(_joblib(bytes(16) + p.STOP))

    def test_a_payload_in_the_array(self) -> None:
        """What joblib takes for numbers and pickle.load for opcodes is found."""
        payload = p.system() + p.STOP
        payload += bytes(-len(payload) % 8)
        data = _joblib(payload + p.STOP, shape=len(payload) // 8)
        assert DANGEROUS in rules_of(_evidence(data))

    @pytest.mark.parametrize(
        ("noise", "blocked"),
        [
            (p.stacked("sklearn.preprocessing._label", "ndarray"), False),
            (p.stacked("sklearn.preprocessing._label", "anything"), True),
            (p.stacked("sklearn.preprocessing._other", "ndarray"), True),
            (p.stacked("builtins", "ndarray"), True),
            (p.new(p.name("numpy", "ndarray")) + p.text("a") + b"\x93", True),
            (p.call(p.name("torch.storage", "_load_from_bytes"), p.raw(PAYLOAD)), True),
        ],
        ids=["mixed", "name", "module", "python", "computed", "nested"],
    )
    def test_noise_in_an_array(self, noise: bytes, *, blocked: bool) -> None:
        """
        A name that mixes two others is what `pickle.load` makes of joblib's memo, and fails.

        Any other name in an array, a name from an object that may be text, and a nested pickle
        are found, the last also where the file itself has its loader.
        """
        before = p.name("sklearn.preprocessing._label", "LabelEncoder") + p.POP
        before += p.name("builtins", "bytes") + p.POP
        before += p.call(p.name("torch.storage", "_load_from_bytes"), p.raw(p.STOP)) + p.POP
        noise += p.STOP
        noise += bytes(-len(noise) % 8)
        data = _joblib(noise + p.STOP, shape=len(noise) // 8, before=before)
        told = {item.rule for item in _evidence(data) if isinstance(item, Finding)}
        assert bool(told - {"pickle-broken-stream"}) is blocked

    def test_a_payload_in_an_array_of_objects(self) -> None:
        """An array of objects is a pickle of its own, and walked."""
        data = _joblib(PAYLOAD + p.STOP, kind="O8")
        assert DANGEROUS in rules_of(_evidence(data))

    @pytest.mark.parametrize(
        "data",
        [
            _joblib(bytes(15)),
            _joblib(bytes(16) + p.STOP, kind="q"),
            _joblib(bytes(16) + p.STOP, shape=-2),
            _joblib(p.proto(2) + b"\xff", kind="O8"),
        ],
        ids=["cut", "unknown-type", "negative-shape", "broken-objects"],
    )
    def test_arrays_that_cannot_be_stepped_over(self, data: bytes) -> None:
        """An array whose end nobody can tell breaks the stream."""
        assert "pickle-broken-stream" in rules_of(_evidence(data))

    def test_the_format_does_not_hide_it(self) -> None:
        """A file that names the wrapper is read as joblib's, whatever it was taken for."""
        data = _joblib(bytes(16) + p.POP + p.system() + p.STOP)
        assert DANGEROUS in rules_of(examined(data, format=FileFormat.PICKLE))


class TestCompressed:
    """One compressed stream around a pickle."""

    @pytest.mark.parametrize(
        "compress",
        [zlib.compress, gzip.compress, bz2.compress, lzma.compress],
        ids=["zlib", "gzip", "bz2", "xz"],
    )
    def test_the_content_is_examined(self, compress: Callable[[bytes], bytes]) -> None:
        """A payload inside is found, and its benign twin is clean."""
        assert DANGEROUS in rules_of(_evidence(compress(PAYLOAD)))
        assert not _evidence(compress(p.stream(p.list_of(p.NONE, p.TRUE, p.text("a")))))

    def test_a_second_member(self) -> None:
        """gzip readers go on with the next member, and so does the scan."""
        data = gzip.compress(p.stream(p.NONE)) + gzip.compress(PAYLOAD)
        assert DANGEROUS in rules_of(_evidence(data))

    def test_bytes_behind_the_stream(self) -> None:
        """Bytes behind a zlib stream are reported."""
        data = zlib.compress(p.stream(p.list_of(p.NONE, p.TRUE))) + b"junk"
        assert "compressed-trailing-data" in rules_of(examined(data, format=FileFormat.ZLIB))

    def test_a_bomb(self) -> None:
        """Content beyond the bound is a gap."""
        data = zlib.compress(PAYLOAD + bytes(1 << 20))
        subject = subject_of(data, format=FileFormat.ZLIB)
        bounded = replace(subject, budget=Budget(inflated=1 << 16))
        assert "scan-limit" in rules_of(examine(bounded))

    def test_large_content_is_read_in_pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Content that is too large to be held is examined all the same, to its end."""
        for module in (stream_content, zip_prefix, compressed):
            monkeypatch.setattr(module, "MAX_MEMBER_BYTES", 1 << 12)
        benign, payload = p.stream(p.NONE), p.stream(p.system())
        noise = b"text\n" * 4000
        for content, expected in ((benign, set()), (payload, {DANGEROUS})):
            archive = tar_of({"a.txt": noise, "b.pkl": content})
            assert rules_of(_evidence(gzip.compress(archive, mtime=0), "m.tar.gz")) == expected
            packed = zip_of({"m.tar": archive}, deflate=True)
            assert rules_of(_evidence(packed, "m.zip")) == expected

    def test_a_broken_stream(self) -> None:
        """A stream that cannot be inflated is a gap; what came out before is examined."""
        assert "scan-malformed" in rules_of(examined(b"x\x9cjunk", format=FileFormat.ZLIB))
        cut = zlib.compress(PAYLOAD + bytes(range(256)) * 999)[:-6]
        found = rules_of(examined(cut, format=FileFormat.ZLIB))
        assert {DANGEROUS, "scan-malformed"} <= found


class TestNumpy:
    """Arrays of numbers, and of objects."""

    @staticmethod
    def _npy(array: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> bytes:
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        return buffer.getvalue()

    def test_objects(self) -> None:
        """The pickle of an array of objects is walked."""
        data = (BENIGN / "objects.npy").read_bytes()
        header = data[: data.index(b"\n") + 1]
        assert DANGEROUS in rules_of(_evidence(header + PAYLOAD))

    def test_numbers(self) -> None:
        """An array of numbers is clean; with more or fewer bytes it is not."""
        data = self._npy(np.arange(3.0))
        assert not _evidence(data)
        assert rules_of(_evidence(data + PAYLOAD)) == {"pickle-trailing-data"}
        assert rules_of(_evidence(data[:-1])) == {"scan-malformed"}

    def test_members_of_an_archive(self) -> None:
        """Objects in an .npz are found under any name."""
        import zipfile  # noqa: PLC0415  only here

        objects = (BENIGN / "objects.npy").read_bytes()
        hostile = objects[: objects.index(b"\n") + 1] + PAYLOAD
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(zipfile.ZipInfo("x.npy"), self._npy(np.arange(3.0)))
            archive.writestr(zipfile.ZipInfo("y"), hostile)
        assert DANGEROUS in rules_of(examined(buffer.getvalue(), format=FileFormat.NPZ))


def test_a_checkpoint_within_a_pickle() -> None:
    """The literal that _load_from_bytes gets is examined as a file of its own."""
    inner = _legacy(p.stream(p.system()), keys=(), count=0)[:-8]
    loader = p.name("torch.storage", "_load_from_bytes")
    data = p.stream(p.call(loader, p.raw(inner)))
    found = [e for e in _evidence(data) if isinstance(e, Finding)]
    assert [e.rule for e in found if e.member] == [DANGEROUS]
