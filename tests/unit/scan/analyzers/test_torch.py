"""Checkpoints in zips: what is no storage is examined, what is one is told by its start."""

import io
import zipfile
from dataclasses import replace

import pytest

from support import pickles as p
from support import torch_files as t
from support.scanning import examined, rules_of, subject_of
from support.tars import tar_of
from support.zips import Part, build_zip, zip_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding, Gap
from weighbridge.formats.sniff import sniff
from weighbridge.scan.analyzers import torch
from weighbridge.scan.examination import examine

PAYLOAD = p.stream(p.system())
DANGEROUS = "pickle-dangerous-global"
IMPORT = p.proto(2) + p.name("mine", "thing") + p.STOP


def _evidence(data: bytes) -> tuple[Finding | Gap, ...]:
    """Return what the scan says of a file whose format is told from its content."""
    return examined(data, format=sniff(BytesSource(data), name="m.pt").format)


def _with_storage(content: bytes) -> bytes:
    """Return a checkpoint whose one storage is *content*."""
    kind = p.name("torch", "ByteStorage")
    size = len(content)
    state = t.state(w=t.tensor(t.storage("0", size, kind=kind), [size], [1]))
    return t.checkpoint(state, {"0": content})


def _pe() -> bytes:
    """Return the start of a Windows program."""
    return b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + bytes(60)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (PAYLOAD, DANGEROUS),
        (IMPORT, "pickle-unknown-global"),
        (zip_of({"x": PAYLOAD}), DANGEROUS),
        (tar_of({"x": PAYLOAD}), DANGEROUS),
        (b"\x7fELF" + bytes(60), "native-code"),
        (_pe(), "native-code"),
    ],
    ids=["pickle", "import", "zip", "tar", "elf", "pe"],
)
def test_storages_that_are_other_files(content: bytes, rule: str) -> None:
    """A storage that is another file for other readers is examined as that."""
    assert rule in rules_of(_evidence(_with_storage(content)))


@pytest.mark.parametrize(
    "content",
    [b"N.", b"MZ" + bytes(200), b"\x80\x02N.", bytes(64), b"", b"\x78\x9c" + bytes(20), b"hello"],
)
def test_storages_that_are_numbers(content: bytes) -> None:
    """Numbers that look a little like something else are numbers."""
    assert not _evidence(_with_storage(content))


def test_storages_are_not_read() -> None:
    """Of a storage the start is read and no more."""

    class Watched(BytesSource):
        """Counts the bytes that are read behind the start of the file."""

        read = 0

        def read_at(self, offset: int, length: int, /) -> bytes:
            """Return the bytes, and count them."""
            data = super().read_at(offset, length)
            self.read += len(data)
            return data

    data = _with_storage(bytes(4 << 20))
    watched = Watched(data)
    subject = replace(subject_of(b"", format=FileFormat.TORCH_ZIP), source=watched)
    assert not examine(subject)
    assert watched.read < 1 << 20


def _script(members: dict[str, bytes]) -> bytes:
    """Return a TorchScript archive."""
    base = {
        "m/data.pkl": p.stream(p.EMPTY_DICT),
        "m/constants.pkl": p.stream(p.EMPTY_LIST),
        "m/code/__torch__.py": b"y = torch.relu(x)\n",
    }
    return zip_of(base | {f"m/{name}": data for name, data in members.items()})


class TestTorchScript:
    """Archives of programs."""

    def test_names_of_the_program_are_its_own(self) -> None:
        """Classes of the program are not Python's; in another checkpoint they are unknown."""
        kind = p.name("__torch__.mine", "Net")
        listed = p.call(p.name("torch.jit._pickle", "build_intlist"), p.list_of(p.integer(1)))
        pickle = p.stream(p.new(kind) + p.dict_of(p.text("a"), listed) + p.BUILD)
        assert not _evidence(_script({"data.pkl": pickle}))
        assert not _evidence(_script({"code/a.py.debug_pkl": pickle}))
        assert _evidence(t.checkpoint(p.EMPTY_DICT, members={"data.pkl": pickle}))

    def test_other_names_are_not(self) -> None:
        """What is outside the program is judged as ever."""
        assert DANGEROUS in rules_of(_evidence(_script({"data.pkl": PAYLOAD})))
        assert DANGEROUS in rules_of(_evidence(_script({"extra/x": PAYLOAD})))
        assert DANGEROUS in rules_of(_evidence(_script({"code/a.py.debug_pkl": PAYLOAD})))

    def test_unreadable_code_is_a_gap(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Code that is too large, encrypted or no text is a gap."""
        assert "scan-malformed" in rules_of(_evidence(_script({"code/b.py": b"\xff"})))
        other = {"method": 97}
        names = (b"m/data.pkl", b"m/constants.pkl", b"m/code/a.py")
        parts = [Part(name=name, data=b"N.", local=other, central=other) for name in names]
        gaps = [e for e in _evidence(build_zip(parts)) if isinstance(e, Gap)]
        assert len(gaps) == 3
        monkeypatch.setattr(torch, "MAX_CODE_BYTES", 3)
        monkeypatch.setattr("weighbridge.formats.torchscript.MAX_CODE_BYTES", 3)
        assert "scan-limit" in rules_of(_evidence(_script({})))


def test_large_pickles_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle beyond the bound is examined up to it, and that is a gap."""
    monkeypatch.setattr(torch, "MAX_PICKLE_BYTES", 1 << 10)
    data = t.checkpoint(p.text("x" * 2000))
    assert "scan-limit" in rules_of(_evidence(data))


def test_broken_members_are_examined_up_to_the_break() -> None:
    """A deflated pickle that breaks behind its payload is found, and a gap (nullifAI)."""
    whole = zip_of({"m/data.pkl": PAYLOAD + bytes(range(256)) * 300}, deflate=True)
    at = whole.index(b"PK\x01\x02") - 40
    found = _evidence(whole[:at] + b"\xff\xff" + whole[at + 2 :])
    assert {DANGEROUS, "scan-malformed"} <= rules_of(found)


@pytest.mark.parametrize("flag", [0x1, 0x20, 0x40, 0x2000])
def test_flags_hide_nothing(flag: int) -> None:
    """Whatever flags a member has, what torch would load of it is examined (CVE-2025-1945)."""
    fields = {"flags": flag}
    part = Part(name=b"m/data.pkl", data=PAYLOAD, local=fields, central=fields)
    assert DANGEROUS in rules_of(_evidence(build_zip([part])))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_inflated(method: int) -> None:
    """Members packed by the other methods of Python's zipfile are examined."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("x.pkl", PAYLOAD)
    assert DANGEROUS in rules_of(examined(buffer.getvalue(), format=FileFormat.ZIP))
