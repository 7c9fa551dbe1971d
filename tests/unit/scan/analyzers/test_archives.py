"""Archives that are not zips: their members are examined, whatever they are called."""

import gzip
import io
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from struct import pack

import pytest

from support import pickles as p
from support.scanning import examined, rules_of, subject_of
from support.seven_zips import build, names, seven_zip_of
from support.tars import END, member, tar_of
from support.zips import Part, build_zip, zip_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding, Gap
from weighbridge.formats.sniff import sniff
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Budget

PAYLOAD = p.stream(p.system())
BENIGN = p.stream(p.list_of(p.NONE, p.TRUE, p.text("abc")))
DANGEROUS = "pickle-dangerous-global"
CONTAINERS = Path(__file__).parents[3] / "vectors" / "containers"
PACKED = sorted(CONTAINERS.glob("*.7z"))
UNREAD = {"ppmd", "encrypted", "encrypted-header"}


def _evidence(data: bytes, name: str = "model.bin") -> tuple[Finding | Gap, ...]:
    """Return what the scan says of a file whose format is told from its content."""
    return examined(data, format=sniff(BytesSource(data), name=name).format, path=name)


class TestTar:
    """Tar archives."""

    @pytest.mark.parametrize("name", ["model.ckpt", "weights", "a/b.txt"])
    def test_members_are_examined(self, name: str) -> None:
        """A payload in a member is found under any name; its benign twin is clean."""
        assert DANGEROUS in rules_of(_evidence(tar_of({name: PAYLOAD})))
        assert not _evidence(tar_of({"a.pkl": BENIGN, "b.txt": b"some text\n", "c": b""}))

    def test_nested_in_gzip(self) -> None:
        """A NeMo model is a tar in a gzip: both are opened, its settings read (CVE-2025-23304)."""
        bad = {"model_config.yaml": b"target: x\nencoder:\n  _target_: os.system\n  command: id\n"}
        good = {"./model_config.yaml": b"name: encoder\nlayers: 2\n"}
        assert "config-target" in rules_of(_evidence(gzip.compress(tar_of(bad)), "m.nemo"))
        assert not _evidence(gzip.compress(tar_of(good), mtime=0), "m.nemo")

    def test_behind_the_end(self) -> None:
        """A second archive behind the end of the first is examined."""
        data = tar_of({"a.txt": b"text\n"}) + tar_of({"b": PAYLOAD})
        assert {DANGEROUS, "archive-anomaly"} <= rules_of(_evidence(data))
        text = tar_of({"a.txt": b"text\n"}) + b"some text"
        assert rules_of(_evidence(text)) == {"archive-anomaly"}

    def test_sparse_members_are_a_gap(self) -> None:
        """A member with holes is examined as it is stored, and that is said."""
        data = member(b"a", PAYLOAD, kind=b"S") + END
        assert {DANGEROUS, "scan-unsupported"} <= rules_of(_evidence(data))


class TestSevenZip:
    """7z archives."""

    @pytest.mark.parametrize("name", ["pytorch_model.bin", "x", "a.txt"])
    def test_members_are_examined(self, name: str) -> None:
        """A payload in a member is found under any name (nullifAI); its benign twin is clean."""
        assert DANGEROUS in rules_of(_evidence(seven_zip_of({"b.txt": b"text\n", name: PAYLOAD})))
        assert not _evidence(seven_zip_of({"b.txt": b"text\n", name + ".pkl": BENIGN, "n": b""}))

    @pytest.mark.parametrize("path", PACKED, ids=lambda path: path.stem)
    def test_what_is_packed_otherwise_is_a_gap(self, path: Path) -> None:
        """What cannot be unpacked is a gap, and what can is clean but for its machine code."""
        expected = {"scan-malformed"} if path.stem in UNREAD else {"scan-unsupported"}
        assert rules_of(_evidence(path.read_bytes())) == expected

    def test_broken_content(self) -> None:
        """What comes out before a stream breaks is examined, and the break is a gap."""
        data = (CONTAINERS / "bzip2.7z").read_bytes()
        at = data.index(b"BZh")
        found = _evidence(data[: at + 20] + b"\0\0\0" + data[at + 23 :])
        assert "scan-malformed" in rules_of(found)

    def test_behind_the_end(self) -> None:
        """A file behind the archive is examined."""
        data = seven_zip_of({"a.txt": b"text\n"})
        assert {DANGEROUS, "archive-anomaly"} <= rules_of(_evidence(data + PAYLOAD))
        assert rules_of(_evidence(data + b"text")) == {"archive-anomaly"}

    def test_the_budget(self) -> None:
        """What a file's archives hold in all is bounded, however it is split up."""
        data = (CONTAINERS / "lzma2.7z").read_bytes()
        subject = replace(subject_of(data, format=FileFormat.SEVEN_ZIP), budget=Budget(inflated=9))
        assert "scan-limit" in rules_of(examine(subject))
        members = seven_zip_of({"a": BENIGN, "b": BENIGN})
        few = replace(subject_of(members, format=FileFormat.SEVEN_ZIP), budget=Budget(members=1))
        assert rules_of(examine(few)) == {"scan-limit"}

    def test_a_dictionary_beyond_the_bound(self) -> None:
        """A stream that takes too much memory is a gap."""
        coder = b"\x21\x21\x01\x28"
        size = b"\xff" + (1 << 40).to_bytes(8, "little")
        streams = b"\x06\x00\x01\x09\x03\x00\x07\x0b\x01\x00\x01" + coder + b"\x0c" + size
        header = b"\x01\x04" + streams + b"\x00\x00\x05\x01" + names("a") + b"\x00\x00"
        assert rules_of(_evidence(build(header, b"abc"))) == {"scan-limit"}


def _storages(*extra: bytes, count: int = 1) -> bytes:
    """Return the member `storages` with one storage of two floats."""
    one = p.tuple_of(p.integer(7), p.text("cpu"), p.name("torch", "FloatStorage"))
    head = p.stream(p.integer(count)) + p.stream(one)
    return head + pack("<q", 2) + bytes(8) + p.stream(p.EMPTY_LIST) + b"".join(extra)


def _tensors(*extra: bytes) -> bytes:
    """Return the member `tensors` with one vector of two."""
    one = p.tuple_of(p.integer(9), p.integer(7), p.name("torch", "FloatTensor"))
    shape = pack("<iiqqq", 1, 0, 2, 1, 0)
    return p.stream(p.integer(1)) + p.stream(one) + shape + b"".join(extra)


def _old_checkpoint(**changes: bytes) -> bytes:
    """Return a checkpoint as torch wrote it before it had a format of its own."""
    members = {
        "sys_info": p.stream(p.dict_of(p.text("little_endian"), p.TRUE)),
        "pickle": p.stream(p.list_of(p.integer(9) + p.BINPERSID)),
        "storages": _storages(),
        "tensors": _tensors(),
    }
    return tar_of(members | changes, format=tarfile.PAX_FORMAT)


class TestTorchTar:
    """torch's first format."""

    def test_well_formed(self) -> None:
        """A checkpoint of one tensor is clean."""
        assert not _evidence(_old_checkpoint(), "model.pt")

    @pytest.mark.parametrize(
        "changes",
        [
            {"pickle": PAYLOAD},
            {"sys_info": PAYLOAD},
            {"storages": _storages(PAYLOAD)},
            {"storages": p.stream(p.integer(0)) + PAYLOAD},
            {"storages": p.stream(p.integer(3)) + PAYLOAD},
            {"storages": PAYLOAD},
            {"storages": p.stream(p.text("x")) + PAYLOAD},
            {"storages": p.stream(p.integer(1)) + p.stream(p.NONE) + PAYLOAD},
            {"storages": p.stream(p.integer(2)) + p.proto(2) + b"\xff" + PAYLOAD},
            {"tensors": _tensors(PAYLOAD)},
            {"tensors": p.stream(p.integer(1)) + PAYLOAD},
        ],
    )
    def test_a_payload_anywhere(self, changes: dict[str, bytes]) -> None:
        """Whichever pickle of a checkpoint has the payload, it is found."""
        assert DANGEROUS in rules_of(_evidence(_old_checkpoint(**changes), "model.pt"))

    def test_storages_that_do_not_fit(self) -> None:
        """A storage that is cut is not stepped over."""
        kind = p.tuple_of(p.integer(7), p.text("cpu"), p.name("torch", "FloatStorage"))
        for tail in (b"", pack("<q", 1 << 40)):
            data = p.stream(p.integer(1)) + p.stream(kind) + tail
            assert _evidence(_old_checkpoint(storages=data), "model.pt") or not tail

    def test_other_persistent_ids_are_found(self) -> None:
        """An id that is no number is found."""
        data = _old_checkpoint(pickle=p.stream(p.tuple_of(p.NONE) + p.BINPERSID))
        assert "pickle-persistent-id" in rules_of(_evidence(data, "model.pt"))


def test_a_tar_is_read_from_memory_only() -> None:
    """Links are reported and lead nowhere."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("weights")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    assert rules_of(_evidence(buffer.getvalue())) == {"archive-anomaly"}


class TestZip:
    """Zip archives without a loader of their own."""

    def test_directories_hold_nothing(self) -> None:
        """Entries of folders are passed over, unless they have content."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("folder/", b"")
            archive.writestr("folder/a.pkl", BENIGN)
        assert not _evidence(buffer.getvalue())

    def test_the_budget(self) -> None:
        """What a file's members inflate to in all is bounded; what is stored costs nothing."""
        data = zip_of({"a.txt": b"text\n" * 400, "b.pkl": PAYLOAD}, deflate=True)
        few = replace(subject_of(data, format=FileFormat.ZIP), budget=Budget(inflated=99))
        assert rules_of(examine(few)) == {"scan-limit"}
        stored = zip_of({"a.txt": b"text\n" * 400, "b.pkl": PAYLOAD})
        found = replace(subject_of(stored, format=FileFormat.ZIP), budget=Budget(inflated=99))
        assert rules_of(examine(found)) == {DANGEROUS}

    def test_a_missing_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A member that takes a package that is not installed is a gap with the command."""
        for module in ("compression.zstd", "backports.zstd"):
            monkeypatch.setitem(sys.modules, module, None)
        fields = {"method": 93}
        part = Part(name=b"a", data=b"x", local=fields, central=fields)
        gaps = [e for e in _evidence(build_zip([part])) if isinstance(e, Gap)]
        assert [gap.code for gap in gaps] == [Code.EXTRA_MISSING]
        assert "weighbridge[scan]" in gaps[0].reason
