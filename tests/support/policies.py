"""What tests of policies and of their records need: inventories, evidence and rules, in memory."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from weighbridge.core.artifact import (
    ArtifactDigests,
    ArtifactKind,
    EntryRole,
    FileEntry,
    FileFormat,
    FileStamp,
    Inventory,
)
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, DigestPart, FileDigest, HashAlgorithm, HashLayout
from weighbridge.core.evidence import (
    Clean,
    Confidence,
    Evidence,
    Finding,
    Gap,
    Severity,
    SignatureEvidence,
    Stage,
)
from weighbridge.core.identity import (
    CertificateIdentity,
    ClaimedIdentity,
    KeyIdentity,
    SigstoreIdentity,
    VerifiedIdentity,
)
from weighbridge.core.verdict import Verdict
from weighbridge.policy.controls.interface import Naming
from weighbridge.policy.evaluate import evaluate
from weighbridge.policy.schema import Policy
from weighbridge.policy.selection import select_rule

NOW = datetime(2031, 5, 17, 12, 0, tzinfo=UTC)
LAYOUT = HashLayout()
RUNNER = "https://github.com/actions/runner/github-hosted"
LOCAL = "urn:weighbridge:builder:local"


def keyed(*names: str) -> str:
    """Return the head of a policy in which each of *names* signs with a key, `NAME.pub`."""
    return "\nversion = 1\n" + "".join(
        f'[trust.{name}]\nmethod = "key"\npublic-key = "{name}.pub"\n' for name in names
    )


def builder(name: str, uri: str, *, level: int) -> str:
    """Return a policy's table of a builder that the trust entry of the same name speaks for."""
    return f'[builder.{name}]\nid = "{uri}"\nsigned-by = "{name}"\nmax-level = {level}\n'


TRUST = """
[trust.hsm]
method = "key"
public-key = "keys/prod.pub"

[trust.spare]
method = "key"
public-key = "keys/spare.pub"

[trust.corp]
method = "certificate"
certificate-chain = "keys/roots.pem"
identity = "release@acme.example"

[trust.loose]
method = "certificate"
certificate-chain = "keys/roots.pem"
any-identity = true

[trust.keyless-too]
method = "sigstore"
identity = "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/*"
issuer = "https://other.example"

[trust.keyless]
method = "sigstore"
identity = "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/*"
issuer = "https://token.actions.githubusercontent.com"

[builder.runner]
id = "https://github.com/actions/runner/github-hosted"
signed-by = "keyless"
max-level = 2
"""

SIGNED = 'signature = { any-of = ["hsm"] }'
UNSIGNED = "signature = { required = false }"

FILES = {
    "config.json": FileFormat.JSON,
    "model.safetensors": FileFormat.SAFETENSORS,
}


def sha256(number: int) -> Digest:
    """Return a digest that stands for the content *number*."""
    return Digest(HashAlgorithm.SHA256, number.to_bytes(32, "big"))


def rule_text(*lines: str, match: str = "**", boundary: str = "*") -> str:
    """Return the TOML of one rule."""
    return "\n".join(("[[rule]]", f'match = ["{match}"]', f'boundary = ["{boundary}"]', *lines, ""))


def policy_of(*lines: str, path: str | None = "weighbridge.toml") -> Policy:
    """Return the policy with the usual trust entries and one rule for everything."""
    text = f"version = 1\n{TRUST}\n{rule_text(*lines)}"
    return Policy.from_toml(text.encode(), path=path)


def entry_of(
    path: str,
    file_format: FileFormat | None = FileFormat.SAFETENSORS,
    *,
    role: EntryRole = EntryRole.MODEL,
    suffix_format: FileFormat | None = None,
    through_symlink: bool = False,
    content: int | None = 1,
) -> FileEntry:
    """Return one file of an inventory; without *content* its SHA-256 is not known."""
    digests = (
        ()
        if content is None
        else (
            FileDigest(
                layout=LAYOUT, parts=(DigestPart(start=0, end=16, value=sha256(content).value),)
            ),
        )
    )
    return FileEntry(
        path=path,
        size=16,
        role=role,
        format=file_format,
        suffix_format=suffix_format,
        through_symlink=through_symlink,
        stamp=FileStamp(device=1, inode=1, size=16, mtime_ns=1, ctime_ns=1),
        digests=digests,
    )


def inventory_of(
    *entries: FileEntry,
    files: Mapping[str, FileFormat] | None = None,
    gaps: tuple[Gap, ...] = (),
    empty_directories: tuple[str, ...] = (),
    name: str = "bert",
) -> Inventory:
    """Return an inventory of *entries* and *files*, in order."""
    made = [entry_of(path, kind) for path, kind in (files or {}).items()]
    return Inventory(
        name=name,
        kind=ArtifactKind.DIRECTORY,
        entries=tuple(sorted((*entries, *made), key=lambda e: e.path)),
        empty_directories=empty_directories,
        layouts=(LAYOUT,),
        gaps=gaps,
    )


def key_identity(number: int = 1) -> KeyIdentity:
    """Return the identity of the key *number*."""
    return KeyIdentity(fingerprint=sha256(number).hex, curve="secp256r1")


def certificate_identity(email: str = "release@acme.example") -> CertificateIdentity:
    """Return the identity of a certificate for *email*."""
    return CertificateIdentity(
        subject="CN=Release,O=Acme",
        issuer="CN=Acme CA",
        san_uris=(),
        san_emails=(email,),
        san_dns=(),
        fingerprint=sha256(7).hex,
        root_fingerprint=sha256(8).hex,
        not_before=datetime(2030, 1, 1, tzinfo=UTC),
        not_after=datetime(2032, 1, 1, tzinfo=UTC),
        expected=True,
    )


def sigstore_identity(
    name: str = "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/v1",
    *,
    issuer: str = "https://token.actions.githubusercontent.com",
) -> SigstoreIdentity:
    """Return the identity of somebody for whom *issuer* vouches."""
    return SigstoreIdentity(
        name=name,
        issuer=issuer,
        claims=(("build-trigger", "push"),),
        fingerprint=sha256(9).hex,
        not_before=datetime(2031, 1, 1, tzinfo=UTC),
        not_after=datetime(2031, 1, 1, 0, 10, tzinfo=UTC),
        root_sha256=sha256(10).hex,
        log_id=sha256(11).hex,
        log_index=7,
    )


def signature_of(
    covered: Iterable[str] = tuple(FILES),
    *,
    trust: str | None = "hsm",
    identity: VerifiedIdentity | None = None,
) -> SignatureEvidence:
    """Return a signature that holds."""
    return SignatureEvidence(
        identity=identity or key_identity(),
        trust=trust,
        signature_path="model.sig",
        signature_sha256=sha256(99),
        subject=ClaimedIdentity("bert"),
        root=sha256(98),
        layout=LAYOUT,
        covered=tuple(covered),
        uncovered=(),
        claimed_ignores=(),
        verified_at=NOW,
    )


def clean(*paths: str) -> tuple[Clean, ...]:
    """Return the scanner's word that *paths* are clean."""
    return tuple(Clean(stage=Stage.SCAN, path=path) for path in paths)


def finding_of(
    path: str = "config.json",
    *,
    rule: str = "pickle-dangerous-global",
    severity: Severity = Severity.HIGH,
    member: str | None = None,
) -> Finding:
    """Return something that the scanner found."""
    return Finding(
        rule=rule,
        severity=severity,
        confidence=Confidence.HIGH,
        path=path,
        member=member,
        message="would call os.system",
    )


def gap_of(
    code: Code = Code.SCAN_TIMEOUT,
    *,
    stage: Stage = Stage.SCAN,
    path: str | None = "config.json",
    member: str | None = None,
) -> Gap:
    """Return something that a stage could not examine."""
    return Gap(stage=stage, code=code, path=path, member=member, reason="it could not be examined")


DIGESTS = ArtifactDigests(name="bert", oms=sha256(98), names=sha256(97))


def judge(
    policy: Policy,
    *evidence: Evidence,
    inventory: Inventory | None = None,
    scanned: bool = True,
    boundary: str = "load",
    now: datetime = NOW,
    digests: ArtifactDigests | None = DIGESTS,
    bindings: tuple[Naming, ...] | None = None,
) -> Verdict:
    """
    Evaluate *policy*; every model file is clean by the scan unless *scanned* is false.

    Without *bindings*, claims may name all the model's files by *digests*.
    """
    files = inventory if inventory is not None else inventory_of(files=FILES)
    if bindings is None:
        bindings = naming_of(files, digests)
    words = clean(*(e.path for e in files.model_entries)) if scanned else ()
    return evaluate(
        policy,
        selection=select_rule(policy, names=("models/bert",), boundary=boundary),
        inventory=files,
        evidence=(*words, *evidence),
        digests=digests,
        now=now,
        bindings=bindings,
    )


def naming_of(inventory: Inventory, digests: ArtifactDigests | None) -> tuple[Naming, ...]:
    """Return how claims may name all model files of *inventory*, whose digests are given."""
    if digests is None or digests.binding is None:
        return ()
    paths = frozenset(entry.path for entry in inventory.model_entries)
    return (Naming(binding=digests.binding, paths=paths),)


def blocking_codes(verdict: Verdict) -> list[str]:
    """Return the codes of the reasons that stand in the way, in order."""
    return [reason.code for reason in verdict.reasons if reason.blocking]
