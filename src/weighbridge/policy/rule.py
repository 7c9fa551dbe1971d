"""One rule of a policy as values; every default is the strict one."""

from datetime import date
from enum import StrEnum
from typing import TypeAlias

from weighbridge.core.artifact import FileFormat
from weighbridge.core.digest import Digest
from weighbridge.core.endpoints import Destination, Listening
from weighbridge.core.evidence import Severity
from weighbridge.core.values import frozen
from weighbridge.policy.glob import Glob

ANY_BOUNDARY = "*"
"""What `boundary` lists when a rule is meant for every boundary; it has to be said."""


class RemoteCode(StrEnum):
    """What happens to code that a model brings along for its loader to run."""

    DENY = "deny"
    PINNED = "pinned"
    ALLOW = "allow"


class OnGap(StrEnum):
    """What a gap in the evidence leads to; there is no way to let gaps pass."""

    DENY = "deny"
    INDETERMINATE = "indeterminate"


class UncoveredFiles(StrEnum):
    """What happens to files that the signature does not cover."""

    DENY = "deny"
    ALLOW_GIT_METADATA = "allow-git-metadata"


class Symlinks(StrEnum):
    """Whether a file may be reached through a symbolic link."""

    DENY = "deny"
    FILES = "files"


class SuffixLies(StrEnum):
    """What happens when a file's name promises another format than its bytes have."""

    DENY = "deny"
    REPORT = "report"


class Stamps(StrEnum):
    """Whether a file that the file system says is untouched has to be read again for a check."""

    IGNORE = "ignore"
    TRUST = "trust"


class Network(StrEnum):
    """What the process that gets the model may reach."""

    NONE = "none"
    ALLOW = "allow"


class Unpickle(StrEnum):
    """What an isolated load lets a pickle ask for; see `load(isolated=True)`."""

    JUDGED = "judged"
    ANYTHING = "anything"


class LineageInputs(StrEnum):
    """What is asked of the artifacts that this one was made from."""

    MUST_MATCH_A_RULE = "must-match-a-rule"


@frozen
class FormatControl:
    """
    Which formats may occur.

    Attributes:
        allow: The formats that may, groups expanded; None when the rule does not restrict them.
        verbatim: Those of `allow` that are listed under their own name.
        allow_names: What the rule lists as allowed, groups included.
        deny_names: What the rule lists as denied, groups included.
        deny: The formats that may not, groups expanded; it outweighs `allow`.
        deny_executable: Whether formats that can execute, hold other files or are unknown need
            to be in `verbatim`.
    """

    allow: frozenset[FileFormat] | None = None
    verbatim: frozenset[FileFormat] = frozenset()
    deny: frozenset[FileFormat] = frozenset()
    deny_executable: bool = True
    allow_names: tuple[str, ...] = ()
    deny_names: tuple[str, ...] = ()


@frozen
class Suppression:
    """
    A finding, or an unsupported format, that somebody looked at and accepts for a while.

    Attributes:
        rule: The finding's rule id, or `scan-unsupported`.
        path: Which files.
        member: Which members of them; None for the file and everything in it.
        sha256: The file's digest, when the acceptance is for these very bytes.
        reason: Why; for the record.
        expires: The last day, UTC, on which it holds.
    """

    rule: str
    path: Glob
    member: Glob | None = None
    sha256: Digest | None
    reason: str
    expires: date


@frozen
class Approval:
    """
    Names that nobody has listed, accepted for one file's bytes and for a while.

    Attributes:
        sha256: The file's digest.
        globals: Every unknown name that the file may need, `module.qualname` each.
        reason: Why; for the record.
        expires: The last day, UTC, on which it holds.
    """

    sha256: Digest
    globals: frozenset[str]
    reason: str
    expires: date


@frozen
class ScanControl:
    """
    What the scanner may find and fail to see.

    Attributes:
        fail_on: The least severity that denies.
        on_gap: What a gap leads to.
        also: Names of other scanners that have to be asked.
        cache: Whether results kept from earlier runs may be used.
        suppress: What somebody looked at and accepts for a while.
        approve: Files whose unknown names somebody looked at and accepts for a while.
    """

    fail_on: Severity = Severity.MEDIUM
    on_gap: OnGap = OnGap.DENY
    also: tuple[str, ...] = ()
    cache: bool = False
    suppress: tuple[Suppression, ...] = ()
    approve: tuple[Approval, ...] = ()


@frozen
class SignatureControl:
    """
    Who has to have signed.

    Attributes:
        required: False only where the policy says so.
        any_of: Names of trust entries; empty only when no signature is required.
        threshold: How many different ones of them have to have signed.
        uncovered: What happens to files outside a signature.
    """

    required: bool
    any_of: tuple[str, ...] = ()
    threshold: int = 1
    uncovered: UncoveredFiles = UncoveredFiles.DENY


ExpectedValue: TypeAlias = Glob | tuple[Glob, ...]
"""What a parameter has to be: one value, or a list. A last element `**` is any further ones."""


@frozen
class ProvenanceControl:
    """
    How the artifact has to have been built.

    Attributes:
        required: Whether provenance is asked for at all.
        builder: Names of the policy's builders, one of which has to have built it.
        min_level: The least SLSA build level that has to be reached.
        source: What the source, `URI@REF`, has to match; None where the rule does not say.
        build_type: URIs of the build types that may occur; empty for the known ones.
        parameters: Pairs of an external parameter's dotted name and what its value has to match,
            sorted: a list by a pattern for each element. A parameter that is not here fails.
    """

    required: bool = False
    builder: tuple[str, ...] = ()
    min_level: int = 1
    source: Glob | None = None
    build_type: tuple[str, ...] = ()
    parameters: tuple[tuple[str, ExpectedValue], ...] = ()


@frozen
class LineageControl:
    """
    What the artifact may have been made from.

    Attributes:
        inputs: What is asked of every input of its build, and of theirs.
        depth: Generations of inputs that may be behind it; more fail.
        boundary: The boundary at which the inputs' rules are looked up; None for the one at which
            the artifact itself is checked.
        parents: Each has to match the name of an input of the build; the inputs may be more.
    """

    inputs: LineageInputs
    depth: int
    boundary: str | None = None
    parents: tuple[Glob, ...] = ()


@frozen
class ReceiptControl:
    """
    Whose earlier verdict stands for another scan of the same bytes, and for their lineage.

    Attributes:
        issuer: Name of the trust entry that has to have signed it.
        verifier: URI of the verifier that the receipt has to name.
        max_age: Seconds that may have passed since the verdict.
        policy: SHA-256 of the policy that has to have been applied.
        required: Whether there has to be a receipt; if not, the scan is done without one.
        boundary: The boundary at which that policy has to have been applied; None for any.
        resource: What the verifier has to have been asked about; empty for anything. A policy
            has rules by name: a verdict under another name may come of another rule.
    """

    issuer: str
    verifier: str
    max_age: int
    policy: Digest
    required: bool = False
    boundary: str | None = None
    resource: tuple[Glob, ...] = ()


@frozen
class PartsControl:
    """
    Whose digests of parts of files a load may go by instead of reading the files whole.

    Attributes:
        issuer: Name of the trust entry that has to have signed them.
    """

    issuer: str


@frozen
class LimitsControl:
    """
    How much the process that gets the model may use; None for as much as who runs it.

    Attributes:
        memory_mib: Memory of all its processes together, in MiB, or of each where the system
            cannot count them together.
        processes: Processes and threads.
        cpu_seconds: Processor time of each of its processes.
        seconds: How long it may take.
        file_mib: Size of each file that it writes, in MiB.
        tmp_mib: Size of its temporary directory, in MiB.
        open_files: Open files of each of its processes.
        together: Whether memory and processes have to be counted for all of its processes.
    """

    memory_mib: int | None = None
    processes: int | None = None
    cpu_seconds: int | None = None
    seconds: int | None = None
    file_mib: int | None = None
    tmp_mib: int | None = None
    open_files: int | None = None
    together: bool = False


@frozen
class IsolationControl:
    """
    What the process that gets the model may do; `weighbridge run` holds it to that.

    Attributes:
        network: What it may reach; an engine holds it to nothing at all, and nothing less.
        read: Files and directories that it may read besides, relative to the policy's directory.
        write: Directories that it may change, likewise.
        env: Variables that it is given.
        listen: Where it can be asked.
        connect: Whom it may ask all the same.
        unpickle: What a pickle may ask for that is opened in a process of its own.
        interfaces: Whether it may ask the kernel for the interfaces of its own network.
        gpus: Whether it may use the machine's graphics processors.
        engines: What may isolate it, the preferred first; empty for any.
        limits: How much it may use.
    """

    network: Network
    read: tuple[str, ...] = ()
    write: tuple[str, ...]
    env: tuple[str, ...]
    listen: tuple[Listening, ...] = ()
    connect: tuple[Destination, ...] = ()
    unpickle: Unpickle = Unpickle.JUDGED
    interfaces: bool = False
    gpus: bool = False
    engines: tuple[str, ...] = ()
    limits: LimitsControl = LimitsControl()


@frozen
class Rule:
    """
    What is asked of the artifacts whose name and boundary match.

    Attributes:
        index: Position among the policy's rules, from 0.
        line: Line of the policy file on which the rule starts.
        name: Optional, for people.
        description: Optional, for people.
        match: Globs; one of them has to match one of the artifact's names.
        boundary: Names of boundaries, or `ANY_BOUNDARY` alone.
        formats: Which formats may occur.
        remote_code: What happens to code that the model brings along.
        remote_code_digests: The code that `pinned` admits.
        scan: What the scanner may find.
        signature: Who has to have signed.
        provenance: How it has to have been built.
        lineage: What it may have been made from.
        receipt: Whose earlier verdict may stand for a scan.
        parts: Whose digests of parts of files a load may go by; None for nobody's.
        isolation: What the process that gets it may do.
        symlinks: Whether links to files may occur.
        suffix_lies: What happens when a name promises another format.
        stamps: Whether a check may use what an earlier one found out about untouched files.
    """

    index: int
    line: int
    name: str | None = None
    description: str | None = None
    match: tuple[Glob, ...]
    boundary: tuple[str, ...]
    formats: FormatControl = FormatControl()
    remote_code: RemoteCode = RemoteCode.DENY
    remote_code_digests: frozenset[Digest] = frozenset()
    scan: ScanControl = ScanControl()
    signature: SignatureControl
    provenance: ProvenanceControl = ProvenanceControl()
    lineage: LineageControl | None = None
    receipt: ReceiptControl | None = None
    parts: PartsControl | None = None
    isolation: IsolationControl | None = None
    symlinks: Symlinks = Symlinks.DENY
    suffix_lies: SuffixLies = SuffixLies.DENY
    stamps: Stamps = Stamps.IGNORE

    @property
    def label(self) -> str:
        """What verdicts and messages call the rule."""
        what = self.name or ", ".join(glob.pattern for glob in self.match)
        return f"rule {self.index + 1} ({what})"

    def applies_at(self, boundary: str) -> bool:
        """Tell whether the rule is meant for *boundary*."""
        return self.boundary == (ANY_BOUNDARY,) or boundary in self.boundary
