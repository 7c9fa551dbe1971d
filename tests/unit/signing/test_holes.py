"""
Classes of holes that verifiers of model signatures have had, each closed by a test of its name.

The numbers are those of the project's list. What belongs to other stages (links and enumeration
to the inventory, the gap between check and use to loading, the command line's flags) is tested
there; here is what concerns keys, certificates, statements and coverage.
"""

import dataclasses
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from support.inventories import entry, inventory_of
from support.pki import NOW, Plan, curve_key, intermediate_plan, public_pem, root
from support.signatures import (
    FILES,
    SHARDS,
    bundle_document,
    key_signer,
    key_verifier,
    parse,
    parse_payload,
    refused,
    state,
    statement_document,
    verified,
)
from support.timestamps import make_clock, now
from weighbridge.cli.hiding import without_secrets
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.errors import UsageError
from weighbridge.core.evidence import Gap, Stage
from weighbridge.core.identity import KeyIdentity
from weighbridge.signing.bundle import CertificateMaterial, parse_bundle
from weighbridge.signing.certificate import (
    CertificateSigner,
    CertificateVerifier,
    ExpectedIdentity,
)
from weighbridge.signing.coverage import Coverage, IgnoreRules, compare
from weighbridge.signing.key import KeyVerifier
from weighbridge.signing.key_set import KeySetVerifier
from weighbridge.signing.manifest import names_digest
from weighbridge.signing.statement import LEGACY_PREDICATE_TYPE, Statement, render_statement
from weighbridge.signing.timestamps.trust import TimestampTrust

ANYBODY = ExpectedIdentity(any_identity=True)


def signed(statement: Statement) -> Statement:
    """Sign *statement*, verify it, and return what a verifier reads."""
    return verified(key_signer().sign(render_statement(statement)))[1]


def test_w01_the_root_digest_alone_does_not_bind_names() -> None:
    """The same contents under other names share the root digest, and not the names digest."""
    one = {"a.bin": b"A", "b.bin": b"B"}
    other = {"x/evil.py": b"A", "zz": b"B"}
    assert state(one).root == state(other).root
    assert names_digest(inventory_of(one).entries, name="m") != names_digest(
        inventory_of(other).entries, name="m"
    )


def test_w01_a_renamed_layout_is_not_covered() -> None:
    """A signature over files does not cover the same contents under other names."""
    with refused(Code.FILE_MISSING, text="x/evil.py: not in the signature"):
        compare(
            signed(state({"a.bin": b"A", "b.bin": b"B"})),
            inventory_of({"x/evil.py": b"A", "zz": b"B"}),
            accepted=IgnoreRules(),
        )


def test_w02_an_unread_directory_link_is_never_covered() -> None:
    """A symbolic link to a directory, which nobody hashed below, refuses the artifact."""
    gap = Gap(
        stage=Stage.INVENTORY, code=Code.SYMLINK_DIRECTORY, path="sub", reason="a linked directory"
    )
    with refused(Code.SYMLINK_DIRECTORY, text="sub: a linked directory"):
        compare(signed(state()), inventory_of(FILES, gaps=(gap,)), accepted=IgnoreRules())


@pytest.mark.parametrize(
    "file_format",
    [
        None,
        *(f for f in FileFormat if f.value in {"pickle", "python-source", "script", "torch-zip"}),
        *(f for f in FileFormat if f.value in {"safetensors", "gguf", "onnx", "zip", "tar"}),
        *(f for f in FileFormat if f.value in {"shared-object", "python-bytecode", "tokenizer"}),
    ],
)
@pytest.mark.parametrize("path", [".git/evil.py", ".github/evil", ".gitattributes", ".gitignore"])
def test_w03_code_and_weights_hide_in_no_git_folder(
    path: str, file_format: FileFormat | None
) -> None:
    """Among git's files, what git does not keep there is refused unless the caller names it."""
    formats = {} if file_format is None else {path: file_format}
    inventory = inventory_of({**FILES, path: b"x"}, formats=formats)
    with refused(Code.FILE_NOT_COVERED, text=f"--ignore-paths {path} accepts it"):
        compare(signed(state()), inventory, accepted=IgnoreRules())
    coverage = compare(signed(state()), inventory, accepted=IgnoreRules(paths=(path,)))
    assert [u.path for u in coverage.uncovered] == [path]


@pytest.mark.parametrize("listed", ["tokenizer.py", "./tokenizer.py", "tokenizer.py/"])
def test_w04_the_signers_ignore_list_is_never_applied(listed: str) -> None:
    """A file that the signer left out is refused; the message says so and what accepts it."""
    statement = dataclasses.replace(state(), ignore_paths=(listed,))
    inventory = inventory_of({**FILES, "tokenizer.py": b"evil"})
    with refused(Code.FILE_NOT_COVERED, text="the signer left it out"):
        compare(signed(statement), inventory, accepted=IgnoreRules())
    coverage = compare(signed(statement), inventory, accepted=IgnoreRules(paths=("tokenizer.py",)))
    assert [u.path for u in coverage.uncovered] == ["tokenizer.py"]


def test_w04_the_signers_ignore_list_reaches_no_directory() -> None:
    """What lies below a directory that the signer left out is refused like the rest."""
    statement = dataclasses.replace(state(), ignore_paths=("code",))
    with refused(Code.FILE_NOT_COVERED, text="code/x.py"):
        compare(
            signed(statement),
            inventory_of({**FILES, "code/x.py": b""}),
            accepted=IgnoreRules(),
        )


def test_w05_a_signature_over_nothing_is_none() -> None:
    """A statement that names no file is refused, whatever it says to ignore."""
    document = statement_document(dataclasses.replace(state(), ignore_paths=(".",)))
    document["predicate"]["resources"] = []
    document["subject"][0]["digest"]["sha256"] = state({".": b""}).root.hex
    with refused(Code.STATEMENT_MALFORMED, text="nothing is signed"):
        parse_payload(document)


def test_w05_ignoring_the_root_means_nothing() -> None:
    """The root among the signer's paths leaves nothing out; the caller may not name it."""
    statement = dataclasses.replace(state(), ignore_paths=(".", "/", ""))
    with refused(Code.FILE_NOT_COVERED, text="extra.py: not in the signature;"):
        compare(signed(statement), inventory_of({**FILES, "extra.py": b""}), accepted=IgnoreRules())
    with pytest.raises(UsageError, match="whole model"):
        IgnoreRules(paths=(".",))


def test_w06_no_state_leaks_from_one_verification_into_the_next() -> None:
    """One verifier and one set of rules give each model the answer it gets alone."""
    verifier = key_verifier()
    rules = IgnoreRules()
    lax = dataclasses.replace(state(), ignore_paths=("evil.py",))
    first = key_signer().sign(render_statement(lax))
    second = key_signer().sign(render_statement(state()))
    for _ in range(2):
        _, statement = verified(first, verifier)
        assert compare(statement, inventory_of(FILES), accepted=rules).uncovered == ()
        _, statement = verified(second, verifier)
        with refused(Code.FILE_NOT_COVERED, text="evil.py: not in the signature;"):
            compare(statement, inventory_of({**FILES, "evil.py": b""}), accepted=rules)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../outside", ".."])
@pytest.mark.parametrize("legacy", [False, True])
def test_w07_a_signature_names_nothing_outside_the_root(name: str, legacy: bool) -> None:
    """A name that leaves the root is refused when the statement is read."""
    document = statement_document()
    document["predicate"]["resources"][0]["name"] = name
    if legacy:
        resources = document["predicate"]["resources"]
        document["subject"] = [
            {"name": r["name"], "digest": {"sha256": r["digest"]}} for r in resources
        ]
        document["predicateType"] = LEGACY_PREDICATE_TYPE
    with refused(Code.RESOURCE_NAME):
        parse_payload(document, allow_legacy=legacy)


def test_w08_a_name_occurs_once() -> None:
    """Two entries for one name are refused, though the later one is right."""
    document = statement_document()
    resources = document["predicate"]["resources"]
    resources.insert(0, {**resources[0], "digest": "0" * 64})
    with refused(Code.RESOURCE_DUPLICATE, text="config.json"):
        parse_payload(document)


def test_w08_a_key_of_the_json_occurs_once() -> None:
    """Two members of one name are refused in the bundle and in the statement."""
    payload = render_statement(state()).replace(b'{"_type"', b'{"_type":"","_type"', 1)
    data = key_signer().sign(payload)
    with refused(Code.STATEMENT_MALFORMED, text="twice"):
        verified(data)
    with refused(Code.SIGNATURE_MALFORMED, text="twice"):
        verified(data.replace(b'{"payload"', b'{"payload":"","payload"', 1))


@pytest.mark.parametrize("position", [0, 1])
def test_w09_an_envelope_has_one_signature(position: int) -> None:
    """A second signature, wherever it stands and even if it is the same, is refused."""
    document = bundle_document()
    signatures = document["dsseEnvelope"]["signatures"]
    signatures.insert(position, dict(signatures[0]))
    with refused(Code.SIGNATURE_COUNT, text="expected exactly one, found 2"):
        parse(document)


def test_w10_the_predicate_before_1_0_needs_the_callers_word() -> None:
    """A statement in the old form, validly signed, is refused unless the caller asks for it."""
    document = statement_document()
    resources = document["predicate"]["resources"]
    document["subject"] = [
        {"name": r["name"], "digest": {"sha256": r["digest"]}} for r in resources
    ]
    document["predicateType"] = LEGACY_PREDICATE_TYPE
    document["predicate"] = {}
    with refused(Code.LEGACY_REFUSED, text="--allow-legacy"):
        parse_payload(document)
    assert parse_payload(document, allow_legacy=True).legacy


def test_w11_an_added_empty_file_is_noticed_in_shards_mode() -> None:
    """An empty file, which has no shard, is refused unless the caller ignores it."""
    inventory = inventory_of({**FILES, "__init__.py": b""}, layout=SHARDS)
    statement = signed(state(layout=SHARDS))
    with refused(Code.ZERO_BYTE_IN_SHARDS, text="__init__.py: an empty file"):
        compare(statement, inventory, accepted=IgnoreRules())
    coverage = compare(statement, inventory, accepted=IgnoreRules(paths=("__init__.py",)))
    assert [u.path for u in coverage.uncovered] == ["__init__.py"]


def test_w11_an_emptied_file_is_noticed_in_shards_mode() -> None:
    """A signed file that became empty is a mismatch."""
    with refused(Code.DIGEST_MISMATCH, text="expected 2 bytes, found 0"):
        compare(
            signed(state(layout=SHARDS)),
            inventory_of({**FILES, "config.json": b""}, layout=SHARDS),
            accepted=IgnoreRules(),
        )


@pytest.mark.parametrize("algorithm", HashAlgorithm)
@pytest.mark.parametrize("shard_size", [None, 4])
def test_w12_what_can_be_signed_can_be_verified(
    algorithm: HashAlgorithm, shard_size: int | None
) -> None:
    """Every hash in both modes verifies by what the signature itself says of the digests."""
    layout = HashLayout(algorithm, shard_size)
    statement = signed(state(layout=layout))
    assert statement.layout == layout
    coverage = compare(
        statement, inventory_of(FILES, layout=statement.layout), accepted=IgnoreRules()
    )
    assert coverage.covered == tuple(sorted(FILES))


def test_w13_an_added_empty_directory_is_noticed() -> None:
    """An empty directory is refused unless the caller ignores it."""
    inventory = inventory_of(FILES, empty_directories=("plugins",))
    with refused(Code.EMPTY_DIRECTORY, text="plugins"):
        compare(signed(state()), inventory, accepted=IgnoreRules())
    coverage = compare(signed(state()), inventory, accepted=IgnoreRules(paths=("plugins",)))
    assert [u.path for u in coverage.uncovered] == ["plugins"]


def test_w13_colons_in_names_do_not_confuse_shards() -> None:
    """A file whose name looks like a shard is covered, and told from its namesake."""
    files = {"a": b"01234567", "a:0:4": b"x"}
    statement = signed(state(files, layout=SHARDS))
    covered = compare(statement, inventory_of(files, layout=SHARDS), accepted=IgnoreRules())
    assert covered.covered == ("a", "a:0:4")
    with refused(Code.DIGEST_MISMATCH, text="a:0:4: changed"):
        compare(
            statement,
            inventory_of({**files, "a:0:4": b"y"}, layout=SHARDS),
            accepted=IgnoreRules(),
        )


def test_w13_names_beyond_utf_8_are_refused_not_crashed_on() -> None:
    """A name that has no UTF-8 form is refused with its escaped form."""
    document = statement_document()
    document["predicate"]["resources"][0]["name"] = "a\ud800"
    with refused(Code.STATEMENT_MALFORMED):
        parse_payload(document)


def test_w14_coverage_is_of_what_was_digested() -> None:
    """The comparison reads no file: it holds for the digests of the inventory, once taken."""
    opened: list[str] = []

    def audit(event: str, args: tuple[object, ...]) -> None:
        if watching and event == "open":
            opened.append(str(args[0]))

    watching = False
    sys.addaudithook(audit)
    statement, inventory = signed(state()), inventory_of(FILES)
    watching = True
    coverage = compare(statement, inventory, accepted=IgnoreRules())
    watching = False
    assert coverage.covered == tuple(sorted(FILES))
    assert opened == []


def test_w15_a_chain_alone_identifies_nobody() -> None:
    """A verification without an expected signer cannot be set up by omission."""
    with pytest.raises(UsageError) as raised:
        ExpectedIdentity()
    assert raised.value.code is Code.IDENTITY_REQUIRED


def test_w15_another_customer_of_the_same_authority_is_refused() -> None:
    """Under the same root, only the expected signer is accepted."""
    top = root()
    names = (x509.UniformResourceIdentifier("https://example.org/release"),)
    mine = top.issue(Plan(subject="CN=release", names=names))
    other = top.issue(Plan(subject="CN=customer"))
    for expected in (
        ExpectedIdentity(subject="CN=release"),
        ExpectedIdentity(identity="https://example.org/release"),
        ExpectedIdentity(san_uri="https://example.org/release"),
    ):
        verifier = CertificateVerifier.from_pem(top.pem, expected=expected)
        good = CertificateSigner.from_pem(mine.key_pem, mine.pem).sign(b"x")
        bad = CertificateSigner.from_pem(other.key_pem, other.pem).sign(b"x")
        assert verifier.verify(parse_bundle(good, where="s"), at=NOW).subject == "CN=release"
        with refused(Code.IDENTITY_MISMATCH):
            verifier.verify(parse_bundle(bad, where="s"), at=NOW)


def test_w15_there_are_no_roots_but_the_callers() -> None:
    """Without roots there is no verifier; nothing is taken from the web's authorities."""
    with refused(Code.CERTIFICATE_UNTRUSTED):
        CertificateVerifier(roots=(), expected=ANYBODY)
    # In a process of its own: keyless signing, which talks to web servers, does have them.
    code = "import sys, weighbridge.signing.certificate; sys.exit('certifi' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_w15_a_web_servers_certificate_signs_no_model() -> None:
    """A certificate for web servers under the right root is refused."""
    top = root()
    leaf = top.issue(Plan())
    server = top.issue(Plan(extended=(ExtendedKeyUsageOID.SERVER_AUTH,)))
    bundle = parse_bundle(CertificateSigner.from_pem(leaf.key_pem, leaf.pem).sign(b"x"), where="s")
    verifier = CertificateVerifier.from_pem(top.pem, expected=ANYBODY)
    assert verifier.verify(bundle, at=NOW).subject
    material = CertificateMaterial(certificates=(server.der,))
    with refused(Code.CERTIFICATE_USAGE):
        verifier.verify(dataclasses.replace(bundle, material=material), at=NOW)


@pytest.mark.parametrize("days", [-700, 700])
def test_w16_a_certificate_counts_at_the_verifiers_clock(days: int) -> None:
    """A certificate that is not valid when it is verified is refused, both dates named."""
    top = root(
        dataclasses.replace(
            intermediate_plan("CN=root"),
            not_before=NOW - timedelta(days=3650),
            not_after=NOW + timedelta(days=3650),
        ),
        key=curve_key(number=1),
    )
    leaf = top.issue(Plan())
    bundle = parse_bundle(
        CertificateSigner.from_pem(leaf.key_pem, leaf.pem).sign(b"x"), where="model.sig"
    )
    verifier = CertificateVerifier.from_pem(top.pem, expected=ANYBODY)
    assert verifier.verify(bundle, at=NOW).subject
    with refused(Code.CERTIFICATE_EXPIRED, text="2026-05-02 12:00:00 to 2026-07-01 12:00:00"):
        verifier.verify(bundle, at=NOW + timedelta(days=days))


def test_w16_a_signature_outlives_its_certificate_by_a_trusted_timestamp(tmp_path: Path) -> None:
    """What was signed in time verifies for ever, where a trusted clock saw it, and only there."""
    clock = make_clock(tmp_path / "tsa")
    signed_at = now()
    top = root(
        dataclasses.replace(
            intermediate_plan("CN=root"),
            not_before=signed_at - timedelta(days=30),
            not_after=signed_at + timedelta(days=30),
        ),
        key=curve_key(number=1),
    )
    leaf = top.issue(
        Plan(not_before=signed_at - timedelta(days=1), not_after=signed_at + timedelta(days=1))
    )
    plain = parse_bundle(
        CertificateSigner.from_pem(leaf.key_pem, leaf.pem).sign(b"x"), where="model.sig"
    )
    stamped = dataclasses.replace(plain, timestamps=(clock.over(plain.signature),))
    verifier = CertificateVerifier.from_pem(
        top.pem, expected=ANYBODY, timestamps=TimestampTrust.from_pem(clock.root.pem)
    )
    years_later = signed_at + timedelta(days=3650)
    assert verifier.verify(stamped, at=years_later).times
    with refused(Code.CERTIFICATE_EXPIRED):
        verifier.verify(plain, at=years_later)


def test_w17_a_key_can_be_taken_out_of_use() -> None:
    """A key has an end where its owner names one, and a signer may have more than one key."""
    bundle = parse_bundle(key_signer().sign(b"x"), where="model.sig")
    ended = KeyVerifier.from_pem(public_pem(curve_key()), valid_until=NOW)
    assert ended.verify(bundle, at=NOW).times == ()
    with refused(Code.KEY_EXPIRED):
        ended.verify(bundle, at=NOW + timedelta(seconds=1))
    new = key_signer("secp384r1", number=1)
    keys = KeySetVerifier([ended, key_verifier("secp384r1", number=1)], where="trust.release")
    fresh = parse_bundle(new.sign(b"x"), where="model.sig")
    assert keys.verify(fresh, at=NOW + timedelta(days=1)) == new.identity


def test_w17_a_password_is_no_argument_that_stays() -> None:
    """A password given as an argument is not among those that the process keeps."""
    kept, secrets = without_secrets(["sign", "key", "m", "--password", "secret"])
    assert kept == ["sign", "key", "m"]
    assert secrets == {"--password": "secret"}


def test_w21_a_verification_returns_who_signed_and_what_is_covered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The results are values; nothing is printed, and there is nothing to interpret."""
    identity, statement = verified(key_signer().sign(render_statement(state())))
    coverage = compare(
        statement, inventory_of({**FILES, "n": b""}), accepted=IgnoreRules(unsigned_files=True)
    )
    assert isinstance(identity, KeyIdentity)
    assert isinstance(coverage, Coverage)
    assert coverage.covered == tuple(sorted(FILES))
    assert [(u.path, bool(u.reason)) for u in coverage.uncovered] == [("n", True)]
    assert capsys.readouterr() == ("", "")


def test_w21_a_refusal_says_what_was_expected_and_found() -> None:
    """A mismatch names the file and both digests in the form of the wire."""
    changed = entry("config.json", b"[]").digests[0].parts[0].value.hex()
    with refused(Code.DIGEST_MISMATCH, text=f"found {changed}"):
        compare(
            signed(state()), inventory_of({**FILES, "config.json": b"[]"}), accepted=IgnoreRules()
        )
