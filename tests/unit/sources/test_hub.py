"""A hub's files are read in ranges, by commit, and every lie that can be seen is an error."""

import importlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import pytest
from huggingface_hub import constants

import weighbridge as wb
from support.hub import COMMIT, Hub, Lies, served
from support.pickles import stream, system
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactChangedError,
    LimitExceededError,
    MissingExtraError,
    NothingToCheckError,
    OperationError,
    UsageError,
)
from weighbridge.core.limits.units import MIB
from weighbridge.scan.report import ScanVerdict
from weighbridge.sources import hub as hub_module
from weighbridge.sources.hub import HubHandle, locate_on_hub

REFERENCE = "hf://acme/tiny"


def _safetensors(size: int) -> bytes:
    header = {"weight": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
    data = json.dumps(header).encode()
    return len(data).to_bytes(8, "little") + data + bytes(size)


_EVIL = stream(system())
_FILES = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": _safetensors(3 * MIB),
    "sub dir/vocab #1.txt": b"a\nb\n",
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a small repository and have the library ask there."""
    hub = Hub(files=dict(_FILES))
    with served(hub) as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        yield hub


def _read(handle: HubHandle, path: str, offset: int, length: int) -> bytes:
    file = next(file for file in handle.files if file.path == path)
    return handle.open(file).read_at(offset, length)


def test_a_reference_is_resolved_to_its_commit(hub: Hub) -> None:
    """The handle names the commit, the name and the files of the repository."""
    handle = locate_on_hub(f"{REFERENCE}@v1.0/rc")
    assert (handle.revision, handle.name) == (COMMIT, "tiny")
    assert {file.path: file.size for file in handle.files} == {
        path: len(data) for path, data in _FILES.items()
    }
    assert hub.requests == ["/api/models/acme/tiny/revision/v1.0%2Frc"]


@pytest.mark.parametrize("redirects", [True, False])
@pytest.mark.parametrize(
    ("offset", "length"), [(0, 10), (131_000, 200_000), (3 * MIB, 10_000), (5 * MIB, 1), (7, 0)]
)
def test_ranges_are_the_bytes_of_the_file(
    hub: Hub, offset: int, length: int, *, redirects: bool
) -> None:
    """Any range is what the file has there, wherever the server keeps it."""
    hub.redirects = redirects
    expected = _FILES["model.safetensors"][offset : offset + length]
    assert _read(locate_on_hub(REFERENCE), "model.safetensors", offset, length) == expected


def test_a_path_with_special_characters_is_asked_for_as_it_is(hub: Hub) -> None:
    """Blanks and number signs in a path are quoted for the server."""
    del hub
    assert _read(locate_on_hub(REFERENCE), "sub dir/vocab #1.txt", 0, 4) == b"a\nb\n"


def test_a_byte_that_was_read_is_not_fetched_again(hub: Hub) -> None:
    """Reading a place again, by another reader too, sends no request."""
    handle = locate_on_hub(REFERENCE)
    first = _read(handle, "model.safetensors", 0, 1000)
    requests = len(hub.requests)
    assert _read(handle, "model.safetensors", 10, 500) == first[10:510]
    assert len(hub.requests) == requests


def test_what_is_fetched_is_forgotten_in_time(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more bytes are kept than the limit says; the rest is fetched again."""
    monkeypatch.setattr(hub_module, "MAX_HUB_CACHE_BYTES", MIB)
    handle = locate_on_hub(REFERENCE)
    for offset in range(0, 3 * MIB, 32 * 1024):
        _read(handle, "model.safetensors", offset, 100)
    requests = len(hub.requests)
    _read(handle, "model.safetensors", 3 * MIB - 1000, 100)
    assert len(hub.requests) == requests
    _read(handle, "model.safetensors", 0, 100)
    assert len(hub.requests) > requests


def test_a_long_read_is_one_request(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that would push everything out is fetched at once and not kept."""
    monkeypatch.setattr(hub_module, "MAX_HUB_CACHE_BYTES", MIB)
    handle = locate_on_hub(REFERENCE)
    hub.redirects = False
    before = len(hub.requests)
    assert _read(handle, "model.safetensors", 0, 3 * MIB) == _FILES["model.safetensors"][: 3 * MIB]
    assert len(hub.requests) == before + 1


def test_negative_positions_are_a_mistake(hub: Hub) -> None:
    """A negative offset is refused before anything is sent."""
    del hub
    with pytest.raises(ValueError, match="not negative"):
        _read(locate_on_hub(REFERENCE), "config.json", -1, 1)


def test_the_users_token_goes_to_the_hub_and_no_further(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is sent to the hub, and not to another server that keeps the files."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    elsewhere = Hub(files=hub.files)
    with served(elsewhere) as hub.storage:
        assert _read(locate_on_hub(REFERENCE), "config.json", 0, 5) == b'{"mod'
    assert set(hub.tokens) == {"Bearer hf_secret"}
    assert elsewhere.tokens == [""]


@pytest.mark.parametrize(
    "reference",
    ["hf://", "hf://a/b/c", "hf://acme/tiny@", "hf://acme/../x", "hf://acme/tiny@..", "hf://-/x\n"],
)
def test_what_is_no_reference_is_refused(reference: str) -> None:
    """A reference of another form is refused with the form that is expected."""
    with pytest.raises(UsageError, match="hf://OWNER/NAME") as caught:
        locate_on_hub(reference)
    assert caught.value.code is Code.REFERENCE_UNSUPPORTED


def test_a_repository_that_is_not_there_is_said_to_be_missing(hub: Hub) -> None:
    """The hub's 404 becomes an error about the reference."""
    del hub
    with pytest.raises(UsageError, match="no such thing") as caught:
        locate_on_hub("hf://acme/other")
    assert caught.value.code is Code.REFERENCE_NOT_FOUND


@pytest.mark.parametrize(
    "listing",
    [
        b"no json",
        b"[]",
        b'{"sha": "main", "siblings": []}',
        json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "a"}]}).encode(),
        json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "a", "size": -1}]}).encode(),
        json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "", "size": 1}]}).encode(),
        json.dumps({"sha": COMMIT, "siblings": 2 * [{"rfilename": "a", "size": 1}]}).encode(),
        json.dumps({"sha": COMMIT, "siblings": None}).encode(),
    ],
)
def test_nonsense_instead_of_a_list_of_files_is_an_error(hub: Hub, listing: bytes) -> None:
    """An answer of the hub that is not a commit with distinct files is refused."""
    hub.lies.listing = listing
    with pytest.raises(OperationError, match="not understood"):
        locate_on_hub(REFERENCE)


def test_a_list_of_files_without_end_is_cut_short(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer longer than the limit is refused, whatever it says."""
    del hub
    monkeypatch.setattr(hub_module, "MAX_HUB_LISTING_BYTES", 100)
    with pytest.raises(LimitExceededError, match="more than was asked for"):
        locate_on_hub(REFERENCE)


def test_too_many_files_are_refused(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with more files than the limit is refused."""
    del hub
    monkeypatch.setattr(hub_module, "MAX_FILES", 2)
    with pytest.raises(LimitExceededError, match="too many files"):
        locate_on_hub(REFERENCE)


def test_another_commit_than_the_one_asked_for_is_refused(hub: Hub) -> None:
    """Who names a commit gets that commit or an error."""
    hub.lies.commit = COMMIT[::-1]
    locate_on_hub(REFERENCE)
    with pytest.raises(OperationError, match="another commit"):
        locate_on_hub(f"{REFERENCE}@{COMMIT}")


@pytest.mark.parametrize(
    ("lies", "error", "match"),
    [
        (Lies(shift=1), ArtifactChangedError, "another file"),
        (Lies(total=17), ArtifactChangedError, "another file"),
        (Lies(sizes={"model.safetensors": 100}), ArtifactChangedError, "another file"),
        (Lies(extra=1000), LimitExceededError, "more than was asked for"),
        (Lies(missing=10), OperationError, "does not answer"),
        (Lies(ignores_ranges=True), OperationError, "does not give ranges"),
        (Lies(status=404), UsageError, "no such thing"),
        (Lies(status=403), UsageError, "no such thing"),
        (Lies(status=503), OperationError, "refuses"),
    ],
)
def test_a_lie_that_can_be_seen_is_an_error(
    hub: Hub, lies: Lies, error: type[Exception], match: str
) -> None:
    """Bytes from elsewhere, too many, too few, or of a file of another size are refused."""
    hub.lies = replace(lies, sizes=dict(lies.sizes))
    handle = locate_on_hub(REFERENCE)
    with pytest.raises(error, match=match):
        _read(handle, "model.safetensors", 10, 20)


def test_a_file_that_changes_between_two_reads_is_refused(hub: Hub) -> None:
    """Two answers about one file have the same tag, or the second one is refused."""
    hub.lies.tags = True
    handle = locate_on_hub(REFERENCE)
    file = next(file for file in handle.files if file.path == "model.safetensors")
    source = handle.open(file)
    source.read_at(0, 10)
    with pytest.raises(ArtifactChangedError, match="the tag"):
        source.read_at(2 * MIB, 10)


def test_a_whole_file_is_taken_where_all_of_it_was_asked_for(hub: Hub) -> None:
    """A server that ignores ranges serves small files all the same."""
    hub.lies.ignores_ranges = True
    assert _read(locate_on_hub(REFERENCE), "config.json", 0, 99) == _FILES["config.json"]


def test_an_answer_that_trickles_is_given_up(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is too slow on the whole is given up."""
    del hub
    handle = locate_on_hub(REFERENCE)
    clock = iter(range(0, 100_000, 1000))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with pytest.raises(LimitExceededError, match="too slow"):
        _read(handle, "model.safetensors", 0, 10)


def test_no_server_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anybody who answers, the error names the variable and the way round."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(OperationError, match="HF_ENDPOINT"):
        locate_on_hub(REFERENCE)


def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only http and https are spoken."""
    monkeypatch.setattr(constants, "ENDPOINT", "file:///etc")
    with pytest.raises(UsageError, match="an http or https URL"):
        locate_on_hub(REFERENCE)


def test_without_the_library_the_error_is_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the extra is missing, the exact install command is named."""

    def refuse(name: str) -> ModuleType:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingExtraError, match=r"pip install 'weighbridge\[hub\]'"):
        locate_on_hub(REFERENCE)


# -- scanning ------------------------------------------------------------------------------------


def test_a_scan_fetches_what_it_looks_at(hub: Hub) -> None:
    """A large safetensors file is clean after its header; its tensors stay where they are."""
    hub.files["model.safetensors"] = _safetensors(40 * MIB)
    report = wb.scan(REFERENCE)
    assert report.verdict is ScanVerdict.CLEAN
    assert [entry.path for entry in report.inventory.entries] == sorted(_FILES)
    assert hub.sent < MIB


def test_a_scan_finds_what_is_on_the_hub(hub: Hub) -> None:
    """A pickle that would run a command is found without a download."""
    hub.files["pytorch_model.bin"] = _EVIL
    report = wb.scan(REFERENCE)
    assert report.verdict is ScanVerdict.FINDINGS
    assert {finding.rule for finding in report.findings} >= {"pickle-dangerous-global"}


def test_a_file_that_the_hub_does_not_give_is_a_gap(hub: Hub) -> None:
    """Where a file cannot be read, the scan is indeterminate and names it."""
    hub.lies.sizes = {"config.json": 5}
    report = wb.scan(REFERENCE)
    assert report.verdict is ScanVerdict.INDETERMINATE
    assert [gap.path for gap in report.gaps] == ["config.json"]


@pytest.mark.parametrize(
    "path", ["../up", "/abs", "a//b", "a/./b", "back\\slash", "bidi\u202etxt", "a" * 5000]
)
def test_a_name_that_has_no_place_in_a_model_is_a_gap(hub: Hub, path: str) -> None:
    """A name that means something else elsewhere is not asked for, and is a gap."""
    hub.files = {"config.json": b"{}", path: b"{}"}
    report = wb.scan(REFERENCE)
    assert report.verdict is ScanVerdict.INDETERMINATE
    assert len(report.gaps) == 1
    assert not any("resolve" in request and "config" not in request for request in hub.requests)


def test_an_empty_repository_is_nothing_to_check(hub: Hub) -> None:
    """A repository without a file never passes."""
    hub.files = {}
    with pytest.raises(NothingToCheckError, match="holds no file"):
        wb.scan(REFERENCE)


def test_other_scanners_need_a_path(hub: Hub) -> None:
    """Other scanners cannot be asked about what is not on this machine."""
    with pytest.raises(UsageError, match="need a path"):
        wb.scan(REFERENCE, also=["picklescan"])
    assert not hub.requests
