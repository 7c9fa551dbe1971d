"""Verdicts, reports and inspections that the tests of records share."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from support.policies import (
    DIGESTS,
    certificate_identity,
    clean,
    entry_of,
    finding_of,
    gap_of,
    inventory_of,
    judge,
    key_identity,
    policy_of,
    sha256,
    signature_of,
)
from weighbridge.core.artifact import ArtifactDigests, EntryRole, FileFormat, Inventory
from weighbridge.core.codes import Code
from weighbridge.core.digest import DigestPart, FileDigest, HashLayout
from weighbridge.core.evidence import (
    Confidence,
    Consulted,
    Finding,
    Gap,
    OtherSignature,
    ProvenanceEvidence,
    Severity,
    SignatureEvidence,
    Stage,
    Uncovered,
    Verification,
)
from weighbridge.core.identity import ClaimedIdentity, Clock, SigningMethod, SigningTime
from weighbridge.core.verdict import Verdict
from weighbridge.sandbox.interface import Confinement, Measure
from weighbridge.scan.report import ScanReport

VECTORS = Path(__file__).parents[1] / "vectors"
HOSTILE = "we\x1b[2J\nird\u202e"
"""A name that would clear the screen, start a line and turn the writing around."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A signature file's own words."""

    path: str = "model.sig"
    method: SigningMethod | None = SigningMethod.KEY
    subject: ClaimedIdentity | None = ClaimedIdentity("bert")  # noqa: RUF009  it is frozen
    files: int = 2
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An inspection."""

    inventory: Inventory
    digests: ArtifactDigests | None = DIGESTS
    signature: Claim | None = None

    @property
    def signatures(self) -> tuple[Claim, ...]:
        """The one signature, if there is one."""
        return () if self.signature is None else (self.signature,)


def allowed_verdict() -> Verdict:
    """Return an allow with a tolerated file and a finding below the bar."""
    policy = policy_of(
        'name = "release"', 'signature = { any-of = ["hsm"], uncovered = "allow-git-metadata" }'
    )
    inventory = inventory_of(
        entry_of(".gitattributes", FileFormat.TEXT),
        entry_of("config.json", FileFormat.JSON),
        entry_of("model.safetensors", FileFormat.SAFETENSORS),
    )
    provenance = ProvenanceEvidence(
        signer=certificate_identity(),
        builder_id="https://builder.example",
        predicate_type="https://slsa.dev/provenance/v1",
        subjects=(sha256(5),),
        source="git+https://git.example/acme/train@abc",
        trust="corp",
        builder="acme-ci",
        level=2,
        build_type="https://actions.github.io/buildtypes/workflow/v1",
        invocation_id="https://builder.example/runs/7",
        claim=sha256(6).hex,
    )
    stamped = SigningTime(
        at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
        clock=Clock.TIMESTAMP_AUTHORITY,
        authority="CN=TSA",
    )
    return judge(
        policy,
        signature_of(identity=replace(key_identity(), times=(stamped,))),
        provenance,
        finding_of(rule="chat-template", severity=Severity.LOW),
        inventory=inventory,
    )


def denied_verdict() -> Verdict:
    """Return a deny with a finding, a file outside the signature and a gap."""
    inventory = inventory_of(
        entry_of("config.json", FileFormat.JSON),
        entry_of("model.safetensors", FileFormat.SAFETENSORS),
        entry_of(HOSTILE, FileFormat.PICKLE),
    )
    return judge(
        policy_of('signature = { any-of = ["hsm"] }', 'scan = { on-gap = "indeterminate" }'),
        signature_of(),
        finding_of(HOSTILE, severity=Severity.CRITICAL, member="a[b]({0}).pkl"),
        gap_of(path="model.safetensors"),
        inventory=inventory,
    )


def unclear_verdict() -> Verdict:
    """Return an indeterminate verdict about an artifact without digests."""
    isolation = 'isolation = { network = "none" }'
    policy = policy_of("signature = { required = false }", isolation, path=None)
    return judge(policy, digests=None)


def unsigned_verdict() -> Verdict:
    """Return an allow by a rule that requires no signature."""
    return judge(policy_of("signature = { required = false }"))


def empty_verdict() -> Verdict:
    """Return a deny because there is nothing in the artifact."""
    policy = policy_of("signature = { required = false }")
    return judge(policy, inventory=inventory_of(), boundary="load", digests=None)


def many_reasons_verdict() -> Verdict:
    """Return a deny with more reasons than text shows."""
    findings = [finding_of(f"f{i:02}.bin") for i in range(25)]
    return judge(policy_of("signature = { required = false }"), *findings)


def signature() -> Verification:
    """Return a verification of a signature by certificate that leaves files out."""
    made = signature_of(identity=certificate_identity(), trust=None)
    evidence = SignatureEvidence(
        identity=made.identity,
        signature_path=HOSTILE,
        signature_sha256=made.signature_sha256,
        subject=ClaimedIdentity(HOSTILE),
        root=made.root,
        layout=made.layout,
        covered=made.covered,
        uncovered=(
            Uncovered(path="x", reason="left out by the caller"),
            Uncovered(path=".gitignore", reason="Git metadata"),
            Uncovered(path="y", reason="left out by the caller"),
        ),
        claimed_ignores=("z",),
        verified_at=made.verified_at,
        digests=tuple(
            FileDigest(HashLayout(), (DigestPart(0, 1, sha256(1).value),)) for _ in made.covered
        ),
    )
    other = OtherSignature(
        path=f"model.{HOSTILE}.sig",
        sha256=sha256(3),
        code=Code.KEY_MISMATCH,
        reason=f"another {HOSTILE}",
    )
    return Verification(signatures=(evidence,), others=(other,))


def key_signature() -> Verification:
    """Return a verification of a signature by key, with nothing else to say."""
    return Verification(signatures=(signature_of(),))


def two_signatures() -> Verification:
    """Return a verification of two signatures with trusted times, one of which covers less."""
    at = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    stamped = SigningTime(at=at, clock=Clock.TIMESTAMP_AUTHORITY, authority=f"CN={HOSTILE}")
    logged = SigningTime(at=at, clock=Clock.TRANSPARENCY_LOG, authority="log2026.example")
    first = signature_of(identity=replace(key_identity(1), times=(stamped, logged)))
    unused = (f"timestamp 1: {HOSTILE}",)
    second = signature_of(
        identity=replace(certificate_identity(), unused_timestamps=unused),
        covered=("config.json",),
    )
    second = replace(
        second,
        signature_path="model.second.sig",
        uncovered=(Uncovered(path="model.safetensors", reason="ignored by the caller"),),
        digests=(
            FileDigest(
                HashLayout(shard_size=1),
                tuple(DigestPart(n, n + 1, sha256(n).value) for n in range(3)),
            ),
        ),
    )
    unasked = OtherSignature(path="x.sig", sha256=None, code=None, reason="nobody looked")
    return Verification(signatures=(first, second), signers=2, others=(unasked,))


def scan_report() -> ScanReport:
    """Return a report with findings above and below medium, gaps, and a signature file."""
    inventory = inventory_of(
        entry_of("clean.json", FileFormat.JSON),
        entry_of("dir/é[1].bin", FileFormat.TORCH_ZIP),
        entry_of("gap.bin", None),
        entry_of("low.json", FileFormat.JSON),
        entry_of("model.sig", FileFormat.JSON, role=EntryRole.SIGNATURE),
        gaps=(gap_of(Code.SYMLINK_REFUSED, stage=Stage.INVENTORY, path="link"),),
    )
    grave = Finding(
        rule="pickle-dangerous-global",
        severity=Severity.CRITICAL,
        confidence=Confidence.HIGH,
        path="dir/é[1].bin",
        member="archive/data.pkl",
        offset=17,
        message="calls [os.system](http://x) {0}",
        evidence=tuple(f"os.system('echo {i}')" for i in range(5)),
    )
    low = Finding(
        rule="chat-template",
        severity=Severity.LOW,
        confidence=Confidence.MEDIUM,
        path="low.json",
        offset=3,
        message="a template\nthat spans lines",
        evidence=("{{ a }}",),
    )
    return ScanReport(
        inventory=inventory,
        evidence=(
            *clean("clean.json"),
            grave,
            low,
            gap_of(Code.SCAN_UNSUPPORTED, path="gap.bin", member="inner"),
            Gap(stage=Stage.SCAN, code=Code.SCAN_LIMIT, path=None, reason="too much"),
        ),
        members=3,
        confinement=Confinement(
            enforced=frozenset(Measure) - {Measure.FILES, Measure.CALLS},
            refused=((Measure.FILES, "no [Landlock](x)\nhere"),),
        ),
    )


def clean_report() -> ScanReport:
    """Return a report without anything to say."""
    return ScanReport(
        inventory=inventory_of(files={"a.json": FileFormat.JSON}), evidence=clean("a.json")
    )


def consulted_report() -> ScanReport:
    """Return a report with the answers of three other scanners."""
    report = scan_report()
    found = Finding(
        rule="acme:X.1",
        severity=Severity.HIGH,
        confidence=Confidence.MEDIUM,
        path="clean.json",
        message=f"what {HOSTILE} says",
    )
    evidence = tuple(item for item in report.evidence if item.path != "clean.json")
    return replace(
        report,
        evidence=(found, *evidence),
        consulted=(
            Consulted(
                scanner="acme",
                version="1.0",
                finished=True,
                findings=1,
                alone=("clean.json",),
                silent=("low.json", "dir/é[1].bin"),
                offline=False,
            ),
            Consulted(scanner="clamscan", finished=True),
            Consulted(scanner="picklescan", finished=False),
        ),
    )


def folders_report() -> ScanReport:
    """Return a report about many files in folders, one of which has findings deep within."""
    files = {f"unet/{i:03}.json": FileFormat.JSON for i in range(300)}
    files |= {f"single/{i:02}/a.json": FileFormat.JSON for i in range(30)}
    files |= {f"{i:02}.json": FileFormat.JSON for i in range(30)}
    bad = "single/07/sub/b.pkl"
    findings = tuple(
        Finding(
            rule=rule,
            severity=severity,
            confidence=Confidence.HIGH,
            path=bad,
            offset=offset,
            message="would call os.system",
        )
        for rule, severity in (
            ("r-1", Severity.HIGH),
            ("r-2", Severity.MEDIUM),
            ("r-3", Severity.LOW),
        )
        for offset in range(5)
    )
    others = tuple(
        Finding(
            rule=f"r-{i}",
            severity=Severity.MEDIUM,
            confidence=Confidence.HIGH,
            path=bad,
            message="would import foo",
        )
        for i in range(4, 9)
    )
    inventory = inventory_of(entry_of(bad, FileFormat.PICKLE), files=files)
    return ScanReport(inventory=inventory, evidence=(*clean(*files), *findings, *others))


def empty_report() -> ScanReport:
    """Return a report about nothing."""
    return ScanReport(inventory=inventory_of(), evidence=())


def busy_inspection() -> Look:
    """Return an inspection with everything that can be shown."""
    inventory = inventory_of(
        entry_of("a.json", FileFormat.JSON),
        entry_of("b.bin", FileFormat.TORCH_ZIP, suffix_format=FileFormat.SAFETENSORS),
        entry_of("c", None, content=None),
        entry_of(HOSTILE, FileFormat.UNKNOWN, through_symlink=True),
        empty_directories=("void",),
        gaps=(
            gap_of(Code.SYMLINK_REFUSED, stage=Stage.INVENTORY, path="link"),
            gap_of(Code.LIMIT_EXCEEDED, stage=Stage.INVENTORY, path=None),
        ),
    )
    return Look(inventory=inventory, digests=None, signature=Claim(problem="no JSON"))


def plain_inspection() -> Look:
    """Return an inspection of a harmless, signed model."""
    return Look(
        inventory=inventory_of(
            files={"config.json": FileFormat.JSON, "model.safetensors": FileFormat.SAFETENSORS}
        ),
        signature=Claim(),
    )
