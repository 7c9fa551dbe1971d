"""Trusted roots: where they are from, what is refused, and what was in use when."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sigstore.models import TrustedRoot

from support.short_lived import short_lived
from support.signatures import refused
from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError
from weighbridge.core.limits.signing import MAX_TRUST_FILE_BYTES
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.signing.sigstore.parties import changes_between, parties_of
from weighbridge.signing.sigstore.trust import Instance, Trust, packaged_trust, parse_trust

Document = dict[str, Any]


def altered(data: bytes, change: Callable[[Document], object]) -> bytes:
    """Return the JSON file *data* after *change*."""
    document: Document = json.loads(data)
    change(document)
    return json.dumps(document).encode()


@pytest.fixture
def root(instance: LoopbackSigstore) -> bytes:
    """A trusted root."""
    return instance.trusted_root.read_bytes()


@pytest.mark.parametrize("instance_name", list(Instance))
def test_the_installed_package_has_a_root_and_services(instance_name: Instance) -> None:
    """Each instance's root is in the installed package, with where to sign, and has a digest."""
    trust = packaged_trust(instance_name)
    assert trust.client().signing_config.get_fulcio().url.startswith("https://")
    assert len(trust.sha256) == 64
    assert {party.role for party in parties_of(trust)} == {
        "certificate authority",
        "certificate log",
        "timestamp authority",
        "transparency log",
    }


def test_no_cache_of_the_package_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: bytes
) -> None:
    """A root that somebody planted in the package's cache in the user's home is not used."""
    before = packaged_trust(Instance.PUBLIC).sha256
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for base in (tmp_path, tmp_path / ".cache", tmp_path / ".local" / "share"):
        planted = base / "sigstore-python" / "tuf" / "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
        planted.mkdir(parents=True)
        (planted / "trusted_root.json").write_bytes(root)
    assert packaged_trust(Instance.PUBLIC).sha256 == before


def test_a_root_is_read_alone_and_in_a_configuration(
    instance: LoopbackSigstore, root: bytes
) -> None:
    """A bare root and a client trust configuration name the same parties."""
    alone = parse_trust(root, where="root.json")
    config = instance.trust_config.read_bytes()
    whole = parse_trust(config, where="config.json")
    assert parties_of(alone) == parties_of(whole)
    assert (alone.sha256, whole.sha256) == (
        hashlib.sha256(root).hexdigest(),
        hashlib.sha256(config).hexdigest(),
    )
    assert whole.client().signing_config.get_fulcio().url == instance.addresses.fulcio
    with refused(Code.TRUSTED_ROOT, text="does not say where to sign"):
        alone.client()


def test_a_pinned_digest_is_compared_first(root: bytes) -> None:
    """A file with another digest than the pinned one is refused before it is read."""
    pinned = hashlib.sha256(root).hexdigest()
    assert parse_trust(root, where="r", sha256=pinned).sha256 == pinned
    for other in (root + b" ", b"no JSON at all"):
        with refused(Code.TRUSTED_ROOT, text="the trusted root is another one"):
            parse_trust(other, where="r", sha256=pinned)


def _without_zone(document: Document) -> None:
    document["tlogs"][0]["publicKey"]["validFor"]["start"] = "2020-01-01T00:00:00"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(mediaType="application/json"),
        lambda d: d.update(mediaType=None),
        lambda d: d.pop("mediaType"),
        lambda d: d.update(tlogs=[]),
        lambda d: d.update(certificateAuthorities=[]),
        lambda d: d.pop("ctlogs"),
        lambda d: d.update(more=1),
        lambda d: d["certificateAuthorities"][0]["certChain"]["certificates"].clear(),
        lambda d: d["timestampAuthorities"][0]["certChain"]["certificates"][0].update(
            rawBytes="AAAA"
        ),
        lambda d: d["timestampAuthorities"][0]["certChain"]["certificates"].pop(),
        lambda d: d["tlogs"][0]["publicKey"]["validFor"].update(start="yesterday"),
        _without_zone,
    ],
)
def test_a_root_that_cannot_be_meant_is_refused(
    root: bytes, change: Callable[[Document], object]
) -> None:
    """A root without logs or authorities, with unknown members or unclear times, is refused."""
    parse_trust(root, where="root.json")
    with pytest.raises(KeyRejectedError):
        parse_trust(altered(root, change), where="root.json")


@pytest.mark.parametrize("kind", ["caUrls", "oidcUrls", "rekorTlogUrls", "tsaUrls"])
def test_services_with_unclear_times_are_refused(instance: LoopbackSigstore, kind: str) -> None:
    """A service whose period has no time zone is refused with the file, and not while signing."""
    data = instance.trust_config.read_bytes()
    parse_trust(data, where="config.json")

    def change(document: Document) -> None:
        for service in document["signingConfig"][kind]:
            service["validFor"] = {"start": "2020-01-01T00:00:00"}

    with refused(Code.TRUSTED_ROOT, text="a time without a time zone"):
        parse_trust(altered(data, change), where="config.json")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda d: d.pop("mediaType"), "found no media type"),
        (lambda d: d.update(mediaType=None), "found no media type"),
        (lambda d: d.update(mediaType="text/plain"), "found the media type 'text/plain'"),
    ],
)
def test_a_file_of_another_kind_is_named(
    root: bytes, change: Callable[[Document], object], found: str
) -> None:
    """The message says which media type was found, or that there is none."""
    with refused(Code.TRUSTED_ROOT, text=found):
        parse_trust(altered(root, change), where="root.json")


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"mediaType":"a","mediaType":"b"}', b" " * (MAX_TRUST_FILE_BYTES + 1)],
)
def test_what_is_no_strict_json_is_refused(data: bytes) -> None:
    """Something else than one strict JSON object of bounded size is refused."""
    with refused(Code.TRUSTED_ROOT):
        parse_trust(data, where="root.json")


class TestInUse:
    """Only what was in use at the time of a signature may vouch for it."""

    NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)

    def trust(self, root: bytes, *, role: str, start: timedelta, end: timedelta | None) -> Trust:
        """Return the root with another period for one kind of party."""

        def change(document: Document) -> None:
            party = document[role][0]
            period = {"start": (self.NOW + start).isoformat()}
            if end is not None:
                period["end"] = (self.NOW + end).isoformat()
            party.get("publicKey", party)["validFor"] = period

        return parse_trust(altered(root, change), where="root.json")

    def narrowed(self, trust: Trust) -> TrustedRoot:
        """Return what may vouch for a signature of now."""
        log_id = trust.root.tlogs[0].log_id.key_id
        return trust.in_use(log_id=log_id, at=[self.NOW], certificate=short_lived())

    @pytest.mark.parametrize(
        ("start", "end", "kept"),
        [
            (timedelta(-1), None, 1),
            (timedelta(0), None, 1),
            (timedelta(-1), timedelta(0), 1),
            (timedelta(-1), timedelta(seconds=-1), 0),
            (timedelta(seconds=1), None, 0),
        ],
    )
    @pytest.mark.parametrize(
        ("role", "attribute"),
        [("tlogs", "tlogs"), ("certificateAuthorities", "certificate_authorities")],
    )
    def test_periods(
        self,
        root: bytes,
        role: str,
        attribute: str,
        start: timedelta,
        end: timedelta | None,
        kept: int,
    ) -> None:
        """A log or an authority counts from its first second to its last, both included."""
        trust = self.trust(root, role=role, start=start, end=end)
        narrowed = self.narrowed(trust)
        assert len(getattr(narrowed._inner, attribute)) == kept

    def test_another_log_of_the_root_is_left_out(self, root: bytes) -> None:
        """Only the log that the entry names is believed about the entry."""
        trust = parse_trust(root, where="root.json")
        narrowed = trust.in_use(log_id=b"\x00" * 32, at=[self.NOW], certificate=short_lived())
        assert narrowed._inner.tlogs == []

    def test_an_unlisted_certificate_leaves_no_log_of_certificates(self, root: bytes) -> None:
        """A certificate that no log lists leaves nobody to believe about that."""
        assert self.narrowed(parse_trust(root, where="root.json"))._inner.ctlogs == []

    def test_a_log_outside_its_time_is_named(self, root: bytes) -> None:
        """A log that the root does not name, or not for that time, is refused by its name."""
        trust = parse_trust(root, where="root.json")
        log_id = trust.root.tlogs[0].log_id.key_id
        now = datetime.now(UTC)
        assert trust.log_named(log_id, at=[now], where="").startswith("http://127.0.0.1")
        with refused(Code.LOG_ENTRY, text="00000000"):
            trust.log_named(b"\x00" * 32, at=[self.NOW], where="model.sig")
        with refused(Code.LOG_ENTRY, text="not one that the trusted root names for that time"):
            trust.log_named(log_id, at=[self.NOW - timedelta(3650)], where="model.sig")


def test_a_log_without_a_period_is_in_use_for_ever(root: bytes) -> None:
    """A log whose period the root does not state is believed at any time."""
    data = altered(root, lambda d: d["tlogs"][0]["publicKey"].pop("validFor"))
    trust = parse_trust(data, where="root.json")
    log_id = trust.root.tlogs[0].log_id.key_id
    for year in (1970, 2500):
        assert trust.log_named(log_id, at=[datetime(year, 1, 1, tzinfo=UTC)], where="")
    (log,) = [party for party in parties_of(trust) if party.role == "transparency log"]
    assert (log.since, log.until) == (None, None)
    assert "from" not in log.description


def test_a_change_of_the_root_is_told_party_by_party(
    instance: LoopbackSigstore, root: bytes
) -> None:
    """What was added, removed or retired is named, and nothing where nothing changed."""
    before = parse_trust(root, where="before")
    assert changes_between(before, before) == ()

    def retire(document: Document) -> None:
        document["tlogs"][0]["publicKey"]["validFor"]["end"] = "2031-01-01T00:00:00Z"
        document["timestampAuthorities"].clear()

    after = parse_trust(altered(root, retire), where="after")
    lines = changes_between(before, after)
    assert [line.split()[0] for line in lines] == ["removed", "changed"]
    assert lines[1].endswith("until 2031-01-01")
    assert instance.addresses.rekor in lines[1]
    assert changes_between(after, before)[0].startswith("added   timestamp authority")
