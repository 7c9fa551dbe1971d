"""
Control `provenance`: who built the artifact, how, and from which source.

A build counts if all of this holds:

1. The statement is about this very artifact: by both digests, or, as other platforms name what
   they built, by every single file of it.
2. Somebody signed it whom the policy has sign for a builder that the rule lists, and the
   statement names that builder (SLSA v1.2, verifying artifacts: the builder's id is believed
   only together with the signer).
3. The level reaches what the rule demands. It is earned: the builder's signature on SLSA
   provenance gives what the policy believes that builder, anything else no more than level 1.
4. The build type is a known one, or one that the rule names.
5. Every parameter is one that the rule expects, and every one that the rule expects is there.
6. The source is the one that the rule asks for, nobody says that it had been altered, and the
   signer's certificate says no other one.

One such build is enough; others neither help nor harm. Nothing is inferred from absence.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

from weighbridge.core.attestation import Attestation, Binding, Build, Source
from weighbridge.core.build_types import is_known_build_type
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.errors import one_line
from weighbridge.core.evidence import Gap, ProvenanceEvidence, Severity, Stage
from weighbridge.core.limits.records import MAX_NAMED_PROBLEMS
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.certified_source import certified_source_problem
from weighbridge.policy.controls.interface import Submission, in_member
from weighbridge.policy.controls.signature import NOBODY_CAN_TELL, is_of_entry
from weighbridge.policy.reasons import denied, noted, undecided
from weighbridge.policy.rule import ExpectedValue, ProvenanceControl, Rule
from weighbridge.policy.schema import Policy
from weighbridge.policy.trust import MAX_SLSA_LEVEL, Builder

REST: Final = "**"
"""As the last element of an expected list: any further elements."""

_NOT_ASKED_FOR: Final = frozenset({Code.CLAIM_UNTRUSTED})
_SLSA: Final = "https://slsa.dev/provenance/"
_WITHOUT_LEVELS: Final = 1
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SHOWN_CHARS: Final = 120


@frozen
class BuildSubject:
    """
    What was built, as statements may name it.

    Attributes:
        bindings: Pairs of digests; a statement about any one of them is about it.
        files: Its files where they are at hand: pairs of a path and the file's SHA-256 as hex.
    """

    bindings: frozenset[Binding]
    files: tuple[tuple[str, str], ...] = ()


@frozen
class ProvenanceAssessment:
    """
    What the builds amount to under a rule.

    Attributes:
        reasons: What is missing; empty where a build counts, or none is demanded.
        builds: The attestations whose build meets everything that the rule demands.
        evidence: The same for the record, with the level that each reaches.
    """

    reasons: tuple[Reason, ...] = ()
    builds: tuple[Attestation, ...] = ()
    evidence: tuple[ProvenanceEvidence, ...] = ()


def asks_for_claims(rule: Rule, /) -> bool:
    """Tell whether *rule* demands something that only claims can say."""
    return rule.provenance.required or rule.lineage is not None or rule.receipt is not None


def assess(
    policy: Policy,
    control: ProvenanceControl,
    subject: BuildSubject,
    attestations: Iterable[Attestation],
) -> ProvenanceAssessment:
    """
    Judge who built *subject*, and how.

    Guarantees: the order of the attestations, repeated ones, and those about anything else have
    no effect on what counts. Without a build that counts there is a reason to deny.

    Args:
        policy: Where builders and trust entries are looked up.
        control: What is demanded; where nothing is, there is neither a reason nor a build.
        subject: What was built.
        attestations: Verified statements about it and about others.
    """
    if not control.required:
        return ProvenanceAssessment()
    judge = _Judge(policy, control, subject)
    counting: dict[tuple[str, str], Attestation] = {}
    evidence: dict[tuple[str, str], ProvenanceEvidence] = {}
    failed: dict[str, list[tuple[Reason, ...]]] = {}
    for attestation in attestations:
        if not isinstance(attestation.content, Build):
            continue
        problems = tuple(judge.problems(attestation, attestation.content))
        key = (attestation.sha256, attestation.trust)
        if not problems:
            counting[key] = min(attestation, counting.get(key, attestation), key=_place)
            evidence[key] = judge.evidence(attestation, attestation.content)
        elif judge.is_near(attestation):
            failed.setdefault(attestation.sha256, []).append(problems)
    if counting:
        return ProvenanceAssessment(
            builds=tuple(counting[key] for key in sorted(counting)),
            evidence=tuple(evidence[key] for key in sorted(evidence)),
        )
    # Of a statement that is by several of the policy's signers, the one who comes closest.
    reasons = [min(each, key=lambda p: (len(p), repr(p))) for _, each in sorted(failed.items())]
    return ProvenanceAssessment(
        reasons=(
            denied(Code.PROVENANCE_MISSING, _missing(control)),
            *(reason for each in reasons for reason in each),
        )
    )


def assess_submission(submission: Submission, *, covered: Collection[str]) -> ProvenanceAssessment:
    """
    Judge who built the artifact of *submission*.

    Args:
        submission: The artifact, the rule and the evidence.
        covered: The files that the signatures cover which count; without any, every model file
            has to be in what was built.
    """
    control = submission.rule.provenance
    if not control.required:
        return ProvenanceAssessment(reasons=tuple(_gaps(submission, met=True)))
    digests = {entry.path: entry.sha256 for entry in submission.model_entries}
    needed = frozenset(covered) or frozenset(digests)
    bindings = frozenset(name.binding for name in submission.bindings if needed <= name.paths)
    if not bindings:
        message = "the digests of the artifact are not known, so no build can be about it"
        return ProvenanceAssessment(reasons=(undecided(Code.EVIDENCE_INCOMPLETE, message),))
    own = "" if submission.inventory is None else submission.inventory.name
    files = tuple(
        (own if path == "." else path, digest.hex)
        for path, digest in sorted(digests.items())
        if path in needed and digest is not None
    )
    subject = BuildSubject(bindings=bindings, files=files if len(files) == len(needed) else ())
    assessment = assess(submission.policy, control, subject, submission.attestations)
    return ProvenanceAssessment(
        reasons=(*assessment.reasons, *_gaps(submission, met=bool(assessment.builds))),
        builds=assessment.builds,
        evidence=assessment.evidence,
    )


def _gaps(submission: Submission, *, met: bool) -> Iterator[Reason]:
    """
    Give a reason for every claim that does not count; they matter where one is missing.

    Where none is, those that nobody asked for are one reason together: a model can carry the
    claims of many generations, of which a rule without lineage needs none.
    """
    gaps = submission.gaps(Stage.PROVENANCE)
    strangers = [gap for gap in gaps if met and gap.code in _NOT_ASKED_FOR]
    if strangers:
        message = f"{len(strangers)} of the claims are by nobody whom the rule asks for"
        yield noted(Code.CLAIM_UNTRUSTED, message)
    for gap in gaps:
        if not met or gap.code not in _NOT_ASKED_FOR:
            yield _gap_reason(gap, met=met)


def _gap_reason(gap: Gap, *, met: bool) -> Reason:
    message = f"a claim that does not count{in_member(gap)}: {gap.reason}"
    # The reason of a claim begins with file and line.
    path = None if gap.path is None or gap.reason.startswith(f"{gap.path}:") else gap.path
    if met:
        return noted(gap.code, message, path=path)
    if gap.code in NOBODY_CAN_TELL:
        return undecided(gap.code, message, path=path)
    return denied(gap.code, message, path=path, severity=Severity.MEDIUM)


class _Judge:
    """Holds one attestation after the other against the rule."""

    def __init__(self, policy: Policy, control: ProvenanceControl, subject: BuildSubject) -> None:
        self._policy = policy
        self._control = control
        self._subject = subject
        self._builders = tuple(b for b in policy.builders if b.name in control.builder)
        self._roots = frozenset(binding.root for binding in subject.bindings)

    def problems(self, attestation: Attestation, build: Build) -> Iterator[Reason]:
        """Yield why *attestation* does not count; nothing where it does."""
        at = attestation.place
        if not self._is_about(attestation):  # 1
            message = (
                f"{at}: the build by {build.builder_id} is about the same content under other "
                "names: a claim does not follow a model into another layout"
            )
            yield denied(Code.PROVENANCE_UNBOUND, _shown(message))
        yield from self._builder_problems(attestation, build)  # 2, 3
        if not self._knows_type(build):  # 4
            wanted = ", ".join(self._control.build_type) or "one that is known"
            message = f"{at}: the build type is {build.build_type}; expected {wanted}"
            yield denied(Code.PROVENANCE_BUILD_TYPE, _shown(message))
        problems = _parameter_problems(build, dict(self._control.parameters))  # 5
        for problem in islice(problems, MAX_NAMED_PROBLEMS):
            yield denied(Code.PROVENANCE_PARAMETER, _shown(f"{at}: {problem}"))
        certified = certified_source_problem(attestation.signer, build)  # 6
        if certified is not None:
            yield denied(Code.PROVENANCE_SOURCE, _shown(f"{at}: {certified}"))
        source = self._source_problem(build)
        if source is not None:
            yield denied(Code.PROVENANCE_SOURCE, _shown(f"{at}: {source}"))

    def is_near(self, attestation: Attestation) -> bool:
        """Tell whether whoever asks why nothing counts wants to know about *attestation*."""
        return self._is_about(attestation) or any(
            artifact.binding.root in self._roots for artifact in attestation.artifacts
        )

    def evidence(self, attestation: Attestation, build: Build) -> ProvenanceEvidence:
        """Return what the record says of a build that counts."""
        builders = self._believed(attestation, build)
        best = max(builders, key=lambda builder: (builder.max_level, builder.name))
        return ProvenanceEvidence(
            signer=attestation.signer,
            trust=attestation.trust,
            builder=best.name,
            builder_id=build.builder_id,
            level=_level(best, build),
            build_type=build.build_type,
            predicate_type=build.predicate_type,
            subjects=self._matched(attestation),
            source=None if build.source is None else build.source.label,
            invocation_id=build.invocation_id,
            claim=attestation.sha256,
        )

    def _is_about(self, attestation: Attestation) -> bool:
        return any(attestation.is_about(binding) for binding in self._subject.bindings) or (
            is_about_files(attestation, self._subject.files)
        )

    def _matched(self, attestation: Attestation) -> tuple[Digest, ...]:
        for binding in sorted(self._subject.bindings, key=repr):
            if attestation.is_about(binding):
                return (binding.root, binding.names)
        digests = sorted({digest for _, digest in self._subject.files})
        return tuple(Digest(HashAlgorithm.SHA256, bytes.fromhex(digest)) for digest in digests)

    def _believed(self, attestation: Attestation, build: Build) -> tuple[Builder, ...]:
        """Return the builders of the rule that *attestation* is by, and names."""
        return tuple(
            builder
            for builder in self._builders
            if builder.is_named(build.builder_id)
            and builder.signed_by == attestation.trust
            and is_of_entry(self._policy.trust_entry(attestation.trust), attestation.signer)
        )

    def _builder_problems(self, attestation: Attestation, build: Build) -> Iterator[Reason]:
        at = attestation.place
        believed = self._believed(attestation, build)
        if not believed:
            yield denied(Code.PROVENANCE_BUILDER, _shown(self._why_not(attestation, build)))
            return
        level = max(_level(builder, build) for builder in believed)
        if level < self._control.min_level:
            message = (
                f"{at}: the build by {build.builder_id} reaches level {level}; expected at least "
                f"{self._control.min_level}"
            )
            yield denied(Code.PROVENANCE_LEVEL, _shown(message))

    def _why_not(self, attestation: Attestation, build: Build) -> str:
        at, trust = attestation.place, attestation.trust
        of_id = [b for b in self._builders if b.is_named(build.builder_id)]
        by_signer = [b for b in self._builders if b.signed_by == trust]
        if of_id:
            wanted = ", ".join(sorted({builder.signed_by for builder in of_id}))
            return (
                f"{at}: the build names the builder {build.builder_id}, for whom {wanted} signs; "
                f"it is signed by {trust}"
            )
        if by_signer:
            wanted = ", ".join(sorted({f"{b.name} ({b.id})" for b in by_signer}))
            return (
                f"{at}: {trust} signs for {wanted}; the build names the builder {build.builder_id}"
            )
        wanted = ", ".join(sorted(f"{b.name} ({b.id})" for b in self._builders))
        return (
            f"{at}: the build names the builder {build.builder_id} and is signed by {trust}; "
            f"expected {wanted or 'nobody'}"
        )

    def _knows_type(self, build: Build) -> bool:
        if self._control.build_type:
            return build.build_type in self._control.build_type
        return is_known_build_type(build.build_type)

    def _source_problem(self, build: Build) -> str | None:
        wanted = self._control.source
        if wanted is None:
            return None
        if build.source is None:
            return f"the build names no source; expected {wanted.pattern}"
        names = _source_names(build.source)
        if not any(wanted.matches(name) for name in names):
            return f"the source is {' or '.join(names)}; expected {wanted.pattern}"
        if build.source.clean is False:
            return f"the source {names[0]} had been altered where the build ran"
        return None


def is_about_files(attestation: Attestation, files: tuple[tuple[str, str], ...], /) -> bool:
    """
    Tell whether *attestation* has every one of *files* among its single files.

    Each is found by its whole path. The files of an artifact without directories are also found
    by their base names, below one directory of the statement.

    Args:
        attestation: Of any platform.
        files: Pairs of a path and a SHA-256 as hex; without any nothing is about them.
    """
    if not files:
        return False
    stated: dict[str, set[str]] = {}
    for resource in attestation.files:
        digest = resource.digest("sha256")
        if resource.name is not None and digest is not None and _SHA256.fullmatch(digest):
            stated.setdefault(resource.name.removeprefix("./"), set()).add(digest)
    if _has(stated, "", files):
        return True
    if any("/" in path for path, _ in files):
        return False
    first = files[0][0]
    tops = {name[: -len(first)] for name in stated if name.endswith(f"/{first}")}
    return any(_has(stated, top, files) for top in tops)


def _has(
    stated: Mapping[str, Collection[str]], top: str, files: tuple[tuple[str, str], ...]
) -> bool:
    """Tell whether below *top* there is each of the files, once and with its digest."""
    return all(stated.get(top + path) == {digest} for path, digest in files)


def _level(builder: Builder, build: Build) -> int:
    """Return the level that *build* earns by the word of *builder*."""
    earned = MAX_SLSA_LEVEL if build.predicate_type.startswith(_SLSA) else _WITHOUT_LEVELS
    return min(builder.max_level, earned)


def _source_names(source: Source) -> tuple[str, ...]:
    """Return the names of *source* that a rule may ask for: by its ref, and by its commit."""
    if source.commit is None or source.ref is None:
        return (source.label,)
    return (source.label, f"{source.uri}@{source.commit}")


def _parameter_problems(build: Build, expected: Mapping[str, ExpectedValue]) -> Iterator[str]:
    """Yield every parameter that nobody expects, that is another one, or that is missing."""
    given: dict[str, list[str]] = {}
    for name, value in build.parameters:
        given.setdefault(name, []).append(value)
    for name, values in sorted(given.items()):
        wanted = expected.get(name)
        if wanted is None:
            yield f"the parameter {name} is not expected by the rule: {values[0]}"
            continue
        for value in values:
            if not _is_expected(value, wanted):
                yield f"the parameter {name} is {value}; expected {_pattern(wanted)}"
    for name, wanted in sorted(expected.items(), key=lambda pair: pair[0]):
        if name not in given and not _may_be_absent(wanted):
            yield f"the build has no parameter {name}; expected {_pattern(wanted)}"


def _is_expected(value: str, wanted: ExpectedValue) -> bool:
    """Tell whether *value*, canonical JSON, is what the rule expects."""
    try:
        meant = json.loads(value)
    except (ValueError, RecursionError):
        return False
    if not isinstance(wanted, tuple):
        # An object is one parameter where its members have no fixed names: a job's variables.
        return not isinstance(meant, list) and wanted.matches(_plain(meant, value))
    if not isinstance(meant, list):
        return False
    rest = wanted[-1].pattern == REST
    globs = wanted[:-1] if rest else wanted
    if len(meant) < len(globs) or (len(meant) > len(globs) and not rest):
        return False
    words = [_plain(each, json.dumps(each)) for each in meant]
    return all(glob.matches(word) for glob, word in zip(globs, words, strict=False))


def _plain(meant: object, value: str) -> str:
    """Return a string as it is, and everything else as JSON."""
    return meant if isinstance(meant, str) else value


def _may_be_absent(wanted: ExpectedValue) -> bool:
    """Tell whether *wanted* says no more than that the parameter does not matter."""
    globs = wanted if isinstance(wanted, tuple) else (wanted,)
    return [glob.pattern for glob in globs] == [REST]


def _pattern(wanted: ExpectedValue) -> str:
    if isinstance(wanted, tuple):
        return json.dumps([glob.pattern for glob in wanted], ensure_ascii=False)
    return wanted.pattern


def _missing(control: ProvenanceControl) -> str:
    return (
        f"no build that meets the rule is about this artifact; accepted are builds by "
        f"{', '.join(control.builder)}"
    )


def _place(attestation: Attestation) -> str:
    return attestation.place


def _shown(message: str) -> str:
    """Return *message* cut to what a person reads; what statements say can be long."""
    text = one_line(message)
    most = 4 * _SHOWN_CHARS
    return text if len(text) <= most else text[: most - 1] + "…"
