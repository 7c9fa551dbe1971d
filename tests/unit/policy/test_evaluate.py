"""The decision of a policy about an artifact, control by control."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from support.policies import (
    DIGESTS,
    FILES,
    NOW,
    SIGNED,
    UNSIGNED,
    blocking_codes,
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
    sigstore_identity,
)
from weighbridge.core.artifact import EntryRole, FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.core.evidence import (
    Clean,
    Consulted,
    Evidence,
    Finding,
    ProvenanceEvidence,
    Severity,
    SignatureEvidence,
    Stage,
    Uncovered,
)
from weighbridge.core.identity import VerifiedIdentity
from weighbridge.core.limits.policy import MAX_REASONS_PER_CODE
from weighbridge.core.signers import count_signers
from weighbridge.core.verdict import Decision, Reason
from weighbridge.policy.controls.signature import (
    GIT_METADATA,
    NO_SIGNATURE_REQUIRED,
    NOT_SIGNED,
)
from weighbridge.policy.evaluate import NO_RULE, evaluate
from weighbridge.policy.reasons import allowed, arrange, decide, denied, noted, undecided
from weighbridge.policy.schema import Policy
from weighbridge.policy.selection import select_rule

GIT = 'signature = { any-of = ["hsm"], uncovered = "allow-git-metadata" }'
ALLOW, DENY, INDETERMINATE = Decision.ALLOW, Decision.DENY, Decision.INDETERMINATE


class TestOutcome:
    """What every verdict has."""

    def test_allow(self) -> None:
        """A signed, clean artifact is allowed, and the verdict says by which rule and signer."""
        verdict = judge(policy_of(SIGNED, 'name = "all"'), signature_of())
        assert verdict.decision is ALLOW
        label = f"key sha256:{sha256(1).hex}"
        assert verdict.reasons == (
            Reason(
                code="allowed",
                severity=None,
                path=None,
                message=f"rule 1 (all) allows it: signed by hsm ({label})",
                decision=ALLOW,
            ),
        )
        assert verdict.artifact == DIGESTS
        assert verdict.policy.path == "weighbridge.toml"
        assert verdict.policy.rule == "rule 1 all: **"
        assert verdict.boundary == "load"
        assert verdict.signers == (signature_of(),)
        assert (verdict.covered, verdict.uncovered) == (tuple(FILES), ())

    def test_allow_without_a_signature(self) -> None:
        """Where none is required every file is listed as uncovered."""
        verdict = judge(policy_of(UNSIGNED))
        assert verdict.decision is ALLOW
        assert verdict.reasons[0].message == "rule 1 (**) allows it: no signature required"
        assert verdict.policy.rule == "rule 1: **"
        assert verdict.signers == ()
        assert verdict.uncovered == tuple(
            Uncovered(path=path, reason=NO_SIGNATURE_REQUIRED) for path in FILES
        )

    def test_no_rule(self) -> None:
        """Without a matching rule the artifact is denied, whoever signed it."""
        policy = policy_of(SIGNED)
        inventory = inventory_of(files=FILES)
        for selected in (
            select_rule(policy, names=(), boundary="load"),
            select_rule(policy_of(UNSIGNED), names=("a",), boundary="load"),
        ):
            verdict = evaluate(
                policy,
                selection=selected,
                inventory=inventory,
                evidence=(*clean(*FILES), signature_of()),
                digests=DIGESTS,
                now=NOW,
            )
            assert verdict.decision is DENY
            assert blocking_codes(verdict) == ["policy-no-match"]
            assert verdict.policy.rule is None
            assert verdict.uncovered == tuple(Uncovered(path=p, reason=NO_RULE) for p in FILES)

    def test_no_rule_names_what_was_looked_for(self) -> None:
        """The reason why no rule decides has the names and the boundary."""
        text = 'version = 1\n[[rule]]\nmatch = ["x"]\nboundary = ["load"]\n' + UNSIGNED
        verdict = judge(Policy.from_toml(text.encode(), path=None))
        assert verdict.reasons[0].message == ("no rule matches models/bert at the boundary load")

    def test_no_rule_without_an_inventory(self) -> None:
        """The message names what was looked for, or says that there was no name."""
        policy = policy_of(SIGNED)
        verdict = evaluate(
            policy,
            selection=select_rule(policy, names=(), boundary="load"),
            inventory=None,
            evidence=(),
            digests=None,
            now=NOW,
        )
        assert (verdict.decision, verdict.uncovered) == (DENY, ())
        assert "which has no usable name at the boundary load" in verdict.reasons[0].message

    def test_naive_clock(self) -> None:
        """A time without a zone is the caller's mistake."""
        with pytest.raises(UsageError, match="time zone"):
            judge(policy_of(SIGNED), now=datetime(2031, 5, 17))  # noqa: DTZ001  the mistake

    def test_deny_beats_indeterminate(self) -> None:
        """One reason to deny decides, whatever else nobody can tell."""
        policy = policy_of(SIGNED, 'scan = { on-gap = "indeterminate" }')
        assert judge(policy, signature_of(), gap_of()).decision is INDETERMINATE
        assert judge(policy, signature_of(), gap_of(), finding_of()).decision is DENY

    def test_provenance_is_listed(self) -> None:
        """Provenance evidence is in the verdict once, in an order of its own."""
        made = [
            ProvenanceEvidence(
                signer=key_identity(), builder_id=name, predicate_type="p", subjects=(sha256(1),)
            )
            for name in ("b", "a", "b")
        ]
        verdict = judge(policy_of(SIGNED), signature_of(), *made)
        assert [item.builder_id for item in verdict.provenance] == ["a", "b"]


class TestCompleteness:
    """Everything has to be accounted for."""

    def test_no_inventory(self) -> None:
        """Without an inventory nobody can tell."""
        policy = policy_of(UNSIGNED)
        verdict = evaluate(
            policy,
            selection=select_rule(policy, names=("a",), boundary="load"),
            inventory=None,
            evidence=(gap_of(Code.LIMIT_EXCEEDED, stage=Stage.INVENTORY, path=None),),
            digests=DIGESTS,
            now=NOW,
        )
        assert verdict.decision is DENY
        assert blocking_codes(verdict) == ["limit-exceeded", "evidence-incomplete"]
        lenient = policy_of(UNSIGNED, 'scan = { on-gap = "indeterminate" }')
        assert (
            evaluate(
                lenient,
                selection=select_rule(lenient, names=("a",), boundary="load"),
                inventory=None,
                evidence=(),
                digests=DIGESTS,
                now=NOW,
            ).decision
            is INDETERMINATE
        )

    def test_no_model_file(self) -> None:
        """An artifact with nothing but a signature is denied."""
        empty = inventory_of(entry_of("model.sig", FileFormat.JSON, role=EntryRole.SIGNATURE))
        verdict = judge(policy_of(UNSIGNED), inventory=empty)
        assert verdict.decision is DENY
        assert blocking_codes(verdict) == ["nothing-to-check"]

    @pytest.mark.parametrize(
        ("on_gap", "decision"), [("deny", DENY), ("indeterminate", INDETERMINATE)]
    )
    @pytest.mark.parametrize("place", ["inventory", "evidence"])
    def test_inventory_gap(self, on_gap: str, decision: Decision, place: str) -> None:
        """A file that could not be read stands in the way, wherever the gap is told."""
        gap = gap_of(Code.SYMLINK_REFUSED, stage=Stage.INVENTORY, path="link", member="m")
        inventory = inventory_of(files=FILES, gaps=(gap,) if place == "inventory" else ())
        policy = policy_of(SIGNED, f'scan = {{ on-gap = "{on_gap}" }}')
        verdict = judge(
            policy,
            signature_of(),
            *[gap for _ in range(place == "evidence")],
            inventory=inventory,
        )
        assert verdict.decision is decision
        (reason,) = [r for r in verdict.reasons if r.blocking]
        assert (reason.code, reason.path) == ("symlink-refused", "link")
        assert reason.message == "could not be accounted for (in m): it could not be examined"

    @pytest.mark.parametrize(
        "words",
        [
            (),
            clean("config.json"),
            (*clean("config.json"), Clean(stage=Stage.SIGNATURE, path="model.safetensors")),
            (*clean("config.json", "model"), gap_of(path=None)),
        ],
    )
    def test_file_without_scan_evidence(self, words: tuple[Clean, ...]) -> None:
        """A model file of which the scanner says nothing is not a clean one."""
        verdict = judge(policy_of(SIGNED), signature_of(), *words, scanned=False)
        assert verdict.decision is not ALLOW
        missing = [r.path for r in verdict.reasons if r.code == "evidence-incomplete"]
        assert "model.safetensors" in missing

    def test_low_finding_is_scan_evidence(self) -> None:
        """A file with a finding below the bar has been scanned."""
        low = finding_of("model.safetensors", severity=Severity.LOW)
        words: tuple[Evidence, ...] = (*clean("config.json"), low)
        assert judge(policy_of(SIGNED), signature_of(), *words, scanned=False).decision is ALLOW

    def test_gap_is_scan_evidence(self) -> None:
        """A file with a gap is not also said to have no evidence; the gap is what stands there."""
        words: tuple[Evidence, ...] = (*clean("config.json"), gap_of(path="model.safetensors"))
        verdict = judge(policy_of(SIGNED), signature_of(), *words, scanned=False)
        assert blocking_codes(verdict) == ["scan-timeout"]

    def test_claims_need_no_scan(self) -> None:
        """Signature and claims files are not scanned, and need no scan evidence."""
        companions = (
            entry_of("model.sig", FileFormat.JSON, role=EntryRole.SIGNATURE),
            entry_of("model.claims.jsonl", FileFormat.TEXT, role=EntryRole.CLAIMS),
        )
        inventory = inventory_of(*companions, files=FILES)
        assert judge(policy_of(SIGNED), signature_of(), inventory=inventory).decision is ALLOW

    @pytest.mark.parametrize(
        ("line", "path", "decision"),
        [
            (SIGNED, "void", DENY),
            (SIGNED, ".git/refs", DENY),
            (UNSIGNED, "void", ALLOW),
            (GIT, "void", DENY),
            (GIT, ".git/refs", ALLOW),
            (GIT, "sub/.git", DENY),
        ],
    )
    def test_empty_directory(self, line: str, path: str, decision: Decision) -> None:
        """An empty directory is reported, and denied where a signature has to cover all."""
        inventory = inventory_of(files=FILES, empty_directories=(path,))
        verdict = judge(policy_of(line), signature_of(), inventory=inventory)
        assert verdict.decision is decision
        assert ("empty-directory", path) in [(r.code, r.path) for r in verdict.reasons]

    def test_empty_directory_is_a_defect(self) -> None:
        """A signature beside which there is an empty directory does not count."""
        inventory = inventory_of(files=FILES, empty_directories=("void",))
        verdict = judge(policy_of(SIGNED), signature_of(), inventory=inventory)
        assert blocking_codes(verdict) == ["empty-directory", "signer-threshold"]
        assert verdict.signers == ()

    def test_signature_without_an_inventory(self) -> None:
        """A signature of files that nobody could list covers none of them."""
        policy = policy_of(SIGNED)
        verdict = evaluate(
            policy,
            selection=select_rule(policy, names=("a",), boundary="load"),
            inventory=None,
            evidence=(signature_of(()),),
            digests=DIGESTS,
            now=NOW,
        )
        assert verdict.decision is INDETERMINATE
        assert (verdict.covered, verdict.uncovered) == ((), ())

    def test_artifact_without_digests(self) -> None:
        """An artifact that the verdict could not name is not allowed."""
        verdict = judge(policy_of(SIGNED), signature_of(), digests=None)
        assert verdict.decision is INDETERMINATE
        assert blocking_codes(verdict) == ["evidence-incomplete"]


class TestFiles:
    """Links, suffixes and formats."""

    @pytest.mark.parametrize(("value", "decision"), [("deny", DENY), ("files", ALLOW)])
    def test_symlink(self, value: str, decision: Decision) -> None:
        """A linked file is admitted only where the rule says so."""
        inventory = inventory_of(entry_of("a", through_symlink=True))
        policy = policy_of(SIGNED, f'symlinks = "{value}"')
        verdict = judge(policy, signature_of(["a"]), inventory=inventory)
        assert verdict.decision is decision
        assert blocking_codes(verdict) == (["symlink-refused"] if decision is DENY else [])

    @pytest.mark.parametrize(("value", "decision"), [("deny", DENY), ("report", ALLOW)])
    def test_suffix_lie(self, value: str, decision: Decision) -> None:
        """A name that promises another format is reported, and blocks unless the rule says so."""
        inventory = inventory_of(
            entry_of("a.bin", FileFormat.JSON, suffix_format=FileFormat.TORCH_ZIP)
        )
        policy = policy_of(SIGNED, f'suffix-lies = "{value}"')
        verdict = judge(policy, signature_of(["a.bin"]), inventory=inventory)
        assert verdict.decision is decision
        (reason,) = [r for r in verdict.reasons if r.code == "suffix-lies"]
        assert reason.message.startswith("the name promises torch-zip and the content is json;")

    def test_true_suffix(self) -> None:
        """A suffix that names the content's format is no lie."""
        inventory = inventory_of(entry_of("a", FileFormat.JSON, suffix_format=FileFormat.JSON))
        assert judge(policy_of(SIGNED), signature_of(["a"]), inventory=inventory).decision is ALLOW

    @pytest.mark.parametrize(
        ("formats", "kind", "code"),
        [
            ("{}", FileFormat.SAFETENSORS, None),
            ("{}", FileFormat.JSON, None),
            ("{}", FileFormat.PICKLE, "format-executable"),
            ("{}", FileFormat.NPY, "format-executable"),
            ("{}", FileFormat.ZIP, "format-executable"),
            ("{}", FileFormat.UNKNOWN, "format-executable"),
            ('{ allow = ["json"] }', FileFormat.JSON, None),
            ('{ allow = ["json"] }', FileFormat.SAFETENSORS, "format-refused"),
            ('{ allow = ["json"] }', FileFormat.EMPTY, "format-refused"),
            ('{ allow = ["pickle"] }', FileFormat.PICKLE, None),
            ('{ allow = ["torch-zip"] }', FileFormat.TORCH_ZIP, None),
            ('{ allow = ["torch"] }', FileFormat.TORCH_ZIP, "format-executable"),
            ('{ allow = ["torch"], deny-executable = false }', FileFormat.TORCH_ZIP, None),
            ("{ deny-executable = false }", FileFormat.PICKLE, None),
            ("{ deny-executable = false }", FileFormat.UNKNOWN, None),
            ('{ deny = ["json"] }', FileFormat.JSON, "format-refused"),
            ('{ deny = ["json"] }', FileFormat.SAFETENSORS, None),
            (
                '{ allow = ["torch", "torch-zip"], deny = ["torch-legacy"] }',
                FileFormat.TORCH_ZIP,
                None,
            ),
            (
                '{ allow = ["torch-legacy"], deny = ["torch"] }',
                FileFormat.TORCH_LEGACY,
                "format-refused",
            ),
        ],
    )
    def test_format(self, formats: str, kind: FileFormat, code: str | None) -> None:
        """Deny outweighs allow, and only a format's own name admits what can execute."""
        inventory = inventory_of(entry_of("file", kind))
        policy = policy_of(SIGNED, f"formats = {formats}")
        verdict = judge(policy, signature_of(["file"]), inventory=inventory)
        assert blocking_codes(verdict) == ([code] if code else [])
        assert verdict.decision is (DENY if code else ALLOW)

    @pytest.mark.parametrize(
        ("kind", "phrase"),
        [
            (FileFormat.PICKLE, "can make its loader execute code"),
            (FileFormat.TAR, "holds other files"),
            (FileFormat.UNKNOWN, "is not recognised"),
        ],
    )
    def test_executable_format_says_why(self, kind: FileFormat, phrase: str) -> None:
        """The reason says what is wrong with the format and how to admit it."""
        verdict = judge(
            policy_of(SIGNED), signature_of(["f"]), inventory=inventory_of(entry_of("f", kind))
        )
        assert phrase in verdict.reasons[0].message
        assert f'"{kind}" in formats.allow would admit it' in verdict.reasons[0].message

    @pytest.mark.parametrize("role", list(EntryRole))
    def test_format_that_nobody_told(self, role: EntryRole) -> None:
        """A file whose format is not known is not admitted, whatever its role."""
        inventory = inventory_of(entry_of("x", None, role=role), files=FILES)
        verdict = judge(policy_of(SIGNED), signature_of([*FILES, "x"]), inventory=inventory)
        assert verdict.decision is INDETERMINATE
        assert blocking_codes(verdict) == ["evidence-incomplete"]

    @pytest.mark.parametrize(
        ("kind", "decision"),
        [
            (FileFormat.JSON, ALLOW),
            (FileFormat.TEXT, ALLOW),
            (FileFormat.PICKLE, DENY),
            (FileFormat.ZIP, DENY),
            (FileFormat.UNKNOWN, DENY),
        ],
    )
    def test_companion(self, kind: FileFormat, decision: Decision) -> None:
        """A claims file that is something else is denied even where its format is allowed."""
        inventory = inventory_of(
            entry_of("model.claims.jsonl", kind, role=EntryRole.CLAIMS), files=FILES
        )
        policy = policy_of(SIGNED, "formats = { deny-executable = false }")
        assert judge(policy, signature_of(), inventory=inventory).decision is decision


CODE_KINDS = (
    FileFormat.PYTHON_SOURCE,
    FileFormat.PYTHON_BYTECODE,
    FileFormat.SCRIPT,
    FileFormat.SHARED_OBJECT,
)


class TestRemoteCode:
    """Code that a model brings along."""

    FORMATS = "formats = { deny-executable = false }"
    PINNED = f'remote-code = "pinned"\nremote-code-digests = ["{sha256(1).hex}"]'

    @pytest.mark.parametrize("kind", CODE_KINDS)
    @pytest.mark.parametrize(
        ("line", "content", "decision"),
        [
            ("", 1, DENY),
            ('remote-code = "allow"', 1, ALLOW),
            (PINNED, 1, ALLOW),
            (PINNED, 2, DENY),
            (PINNED, None, INDETERMINATE),
        ],
    )
    def test_code_file(
        self, kind: FileFormat, line: str, content: int | None, decision: Decision
    ) -> None:
        """A file of code is denied, or admitted by its digest, or admitted altogether."""
        inventory = inventory_of(entry_of("m.py", kind, content=content))
        verdict = judge(
            policy_of(SIGNED, self.FORMATS, line), signature_of(["m.py"]), inventory=inventory
        )
        assert verdict.decision is decision
        (reason,) = [r for r in verdict.reasons if r.code == "remote-code"]
        assert reason.path == "m.py"
        assert str(kind) in reason.message
        assert ("the rule denies it" in reason.message) is (line == "")

    @pytest.mark.parametrize(
        ("line", "path", "decision"),
        [
            ("", "config.json", DENY),
            ('remote-code = "allow"', "config.json", ALLOW),
            (PINNED, "config.json", ALLOW),
            (PINNED, "elsewhere.json", INDETERMINATE),
            (PINNED.replace("0001", "0002"), "config.json", DENY),
        ],
    )
    def test_reference_to_code(self, line: str, path: str, decision: Decision) -> None:
        """A finding about remote code belongs to this control, whatever its severity."""
        finding = finding_of(path, rule="remote-code-auto-map", severity=Severity.LOW, member="m")
        verdict = judge(policy_of(SIGNED, line), signature_of(), finding)
        assert verdict.decision is decision
        (reason,) = [r for r in verdict.reasons if r.code == "remote-code-auto-map"]
        assert (reason.severity, reason.path) == (Severity.LOW, path)
        assert reason.message.startswith("would call os.system (in m); ")

    def test_severity_cannot_lift_it(self) -> None:
        """Under `allow` even a grave finding about remote code is reported only."""
        finding = finding_of(rule="remote-code", severity=Severity.CRITICAL)
        policy = policy_of(SIGNED, 'remote-code = "allow"')
        assert judge(policy, signature_of(), finding).decision is ALLOW
        other = finding_of(rule="remotecode", severity=Severity.CRITICAL)
        assert judge(policy, signature_of(), other).decision is DENY


class TestScan:
    """Findings, gaps and suppressions."""

    @pytest.mark.parametrize("bar", list(Severity))
    @pytest.mark.parametrize("severity", list(Severity))
    def test_bar(self, bar: Severity, severity: Severity) -> None:
        """A finding at the bar or above denies with its rule's id; below it is reported."""
        policy = policy_of(SIGNED, f'scan = {{ fail-on = "{bar}" }}')
        verdict = judge(policy, signature_of(), finding_of(severity=severity, member="data.pkl"))
        reaches = list(Severity).index(severity) >= list(Severity).index(bar)
        assert verdict.decision is (DENY if reaches else ALLOW)
        (reason,) = [r for r in verdict.reasons if r.code == "pickle-dangerous-global"]
        assert reason == Reason(
            code="pickle-dangerous-global",
            severity=severity,
            path="config.json",
            message="would call os.system (in data.pkl)",
            decision=DENY if reaches else ALLOW,
        )

    @pytest.mark.parametrize(
        ("on_gap", "decision"), [("deny", DENY), ("indeterminate", INDETERMINATE)]
    )
    @pytest.mark.parametrize(
        "code",
        [
            Code.SCAN_UNSUPPORTED,
            Code.SCAN_MALFORMED,
            Code.SCAN_LIMIT,
            Code.SCAN_TIMEOUT,
            Code.SCAN_CRASHED,
        ],
    )
    @pytest.mark.parametrize("path", ["config.json", None])
    def test_gap(self, on_gap: str, decision: Decision, code: Code, path: str | None) -> None:
        """No gap passes, whatever its kind and whether or not it is about one file."""
        policy = policy_of(SIGNED, f'scan = {{ on-gap = "{on_gap}" }}')
        verdict = judge(policy, signature_of(), gap_of(code, path=path, member="m"))
        assert verdict.decision is decision
        assert blocking_codes(verdict) == [code]
        assert verdict.reasons[0].message == "not wholly scanned (in m): it could not be examined"

    @staticmethod
    def suppressing(
        *, rule: str = "pickle-dangerous-global", path: str = "config.*", extra: str = ""
    ) -> Policy:
        """Return a policy that accepts *rule* in *path* through 17 May 2031."""
        return policy_of(
            SIGNED,
            f'scan = {{ suppress = [{{ rule = "{rule}", path = "{path}", reason = "looked at", '
            f"expires = 2031-05-17{extra} }}] }}",
        )

    @pytest.mark.parametrize(
        ("rule", "path", "extra", "decision"),
        [
            ("pickle-dangerous-global", "config.*", "", ALLOW),
            ("pickle-dangerous-global", "config.json", f', sha256 = "{sha256(1).hex}"', ALLOW),
            ("pickle-dangerous-global", "config.json", f', sha256 = "{sha256(2).hex}"', DENY),
            ("pickle-dangerous-global", "other.*", "", DENY),
            ("pickle-dangerous", "config.*", "", DENY),
        ],
    )
    def test_suppression(self, rule: str, path: str, extra: str, decision: Decision) -> None:
        """A suppression holds for its rule in its files, and for these bytes where it says so."""
        policy = self.suppressing(rule=rule, path=path, extra=extra)
        verdict = judge(policy, signature_of(), finding_of())
        assert verdict.decision is decision
        if decision is ALLOW:
            (reason,) = [r for r in verdict.reasons if r.code == rule]
            assert reason.message == "would call os.system; accepted until 2031-05-17: looked at"

    @staticmethod
    def approving(*names: str, sha: str = sha256(1).hex) -> Policy:
        """Return a policy that approves *names* in a file through 17 May 2031."""
        listed = ", ".join(f'"{name}"' for name in names)
        return policy_of(
            SIGNED,
            f'scan = {{ approve = [{{ sha256 = "{sha}", globals = [{listed}], '
            'reason = "ours", expires = 2031-05-17 }] }',
        )

    @staticmethod
    def unknown(name: str) -> Finding:
        """Return what the scanner says of an unknown name in the file."""
        finding = finding_of(rule="pickle-unknown-global", severity=Severity.HIGH)
        return replace(finding, evidence=(f"{name}()", name))

    @pytest.mark.parametrize(
        ("names", "sha", "decision"),
        [
            (("acme.Net", "acme.Head"), sha256(1).hex, ALLOW),
            (("acme.Net", "acme.Head", "acme.Tail"), sha256(1).hex, ALLOW),
            (("acme.Net",), sha256(1).hex, DENY),
            (("acme.Net", "acme.head"), sha256(1).hex, DENY),
            (("acme.Net", "acme.Head"), sha256(2).hex, DENY),
        ],
        ids=["all", "more", "one-lacks", "another", "other-bytes"],
    )
    def test_approval(self, names: tuple[str, ...], sha: str, decision: Decision) -> None:
        """Unknown names pass in the approved bytes, and only if each of them is approved."""
        found = (self.unknown("acme.Net"), self.unknown("acme.Head"))
        verdict = judge(self.approving(*names, sha=sha), signature_of(), *found)
        assert verdict.decision is decision
        reasons = [r for r in verdict.reasons if r.code == "pickle-unknown-global"]
        assert all("approved until 2031-05-17: ours" in r.message for r in reasons) is (
            decision is ALLOW
        )

    @pytest.mark.parametrize("rule", ["pickle-dangerous-global", "pickle-argument"])
    def test_an_approval_is_for_unknown_names_only(self, rule: str) -> None:
        """A finding of another rule about an approved name denies as before."""
        finding = replace(self.unknown("acme.Net"), rule=rule)
        verdict = judge(self.approving("acme.Net"), signature_of(), finding)
        assert verdict.decision is DENY

    def test_an_approval_needs_evidence(self) -> None:
        """A finding that does not name what is unknown cannot be approved."""
        finding = replace(self.unknown("acme.Net"), evidence=())
        verdict = judge(self.approving("acme.Net"), signature_of(), finding)
        assert verdict.decision is DENY

    def test_an_approval_expires(self) -> None:
        """After its last day an approval is not applied, and the verdict says so."""
        late = datetime(2031, 5, 18, tzinfo=UTC)
        found = self.unknown("acme.Net")
        verdict = judge(self.approving("acme.Net"), signature_of(), found, now=late)
        assert verdict.decision is DENY
        assert "suppression-expired" in [r.code for r in verdict.reasons]

    @pytest.mark.parametrize(
        ("now", "decision"),
        [
            (datetime(2031, 5, 17, 23, 59, 59, tzinfo=UTC), ALLOW),
            (datetime(2031, 5, 18, tzinfo=UTC), DENY),
            (datetime(2031, 5, 18, 1, tzinfo=timezone(timedelta(hours=2))), ALLOW),
            (datetime(2031, 5, 17, 23, tzinfo=timezone(timedelta(hours=-2))), DENY),
        ],
    )
    def test_suppression_expires(self, now: datetime, decision: Decision) -> None:
        """A suppression holds through its last day in UTC; afterwards the verdict says so."""
        verdict = judge(self.suppressing(), signature_of(), finding_of(), now=now)
        assert verdict.decision is decision
        codes = [r.code for r in verdict.reasons]
        assert ("suppression-expired" in codes) is (decision is DENY)

    def test_a_reason_says_what_the_file_would_do(self) -> None:
        """The reason has the place and the call, so that the verdict alone tells the story."""
        finding = replace(
            finding_of(member="data.pkl"),
            message="Unpickling calls os.system.",
            evidence=("os.system('id')", "os.system"),
        )
        (reason, *_) = judge(policy_of(SIGNED), signature_of(), finding).reasons
        assert reason.message == "Unpickling calls os.system (in data.pkl): os.system('id')"

    @pytest.mark.parametrize(
        ("pattern", "member", "decision"),
        [
            ("a/*", "a/data.pkl", ALLOW),
            ("a/*", "b/data.pkl", DENY),
            ("a/*", None, DENY),
            ("*", "a/data.pkl", DENY),
        ],
    )
    def test_suppression_of_members(
        self, pattern: str, member: str | None, decision: Decision
    ) -> None:
        """A suppression with a member holds for such members, and not for the file itself."""
        policy = self.suppressing(extra=f', member = "{pattern}"')
        verdict = judge(policy, signature_of(), finding_of(member=member))
        assert verdict.decision is decision

    def test_expired_suppression_hides_no_other(self) -> None:
        """Of two suppressions the one that still holds is applied."""
        entries = ", ".join(
            f'{{ rule = "x", path = "config.json", reason = "r", expires = {day} }}'
            for day in ("2030-01-01", "2032-01-01")
        )
        policy = policy_of(SIGNED, f"scan = {{ suppress = [{entries}] }}")
        verdict = judge(policy, signature_of(), finding_of(rule="x"))
        assert verdict.decision is ALLOW
        assert "suppression-expired" not in [r.code for r in verdict.reasons]

    @pytest.mark.parametrize(
        ("code", "path", "decision"),
        [
            (Code.SCAN_UNSUPPORTED, "config.json", ALLOW),
            (Code.SCAN_UNSUPPORTED, "model.safetensors", DENY),
            (Code.SCAN_UNSUPPORTED, None, DENY),
            (Code.SCAN_TIMEOUT, "config.json", DENY),
        ],
    )
    def test_suppressed_gap(self, code: Code, path: str | None, decision: Decision) -> None:
        """That a format is unsupported can be accepted for a file; no other gap can."""
        policy = self.suppressing(rule="scan-unsupported")
        verdict = judge(policy, signature_of(), gap_of(code, path=path))
        assert verdict.decision is decision
        (reason,) = [r for r in verdict.reasons if r.code == code]
        assert ("accepted until 2031-05-17: looked at" in reason.message) is (decision is ALLOW)

    def test_no_other_gap_can_be_suppressed(self) -> None:
        """Even a suppression that no policy file can express does not lift a crash."""
        policy = self.suppressing(rule="scan-unsupported")
        (rule,) = policy.rules
        (suppression,) = rule.scan.suppress
        crash = replace(suppression, rule="scan-crashed")
        forged = replace(policy, rules=(replace(rule, scan=replace(rule.scan, suppress=(crash,))),))
        assert judge(policy, signature_of(), gap_of(Code.SCAN_UNSUPPORTED)).decision is ALLOW
        assert judge(forged, signature_of(), gap_of(Code.SCAN_CRASHED)).decision is DENY

    def test_expired_gap_suppression(self) -> None:
        """An expired acceptance of an unsupported format is reported with the gap."""
        verdict = judge(
            self.suppressing(rule="scan-unsupported"),
            signature_of(),
            gap_of(Code.SCAN_UNSUPPORTED),
            now=NOW + timedelta(days=1),
        )
        assert blocking_codes(verdict) == ["scan-unsupported"]
        assert "suppression-expired" in [r.code for r in verdict.reasons]


class TestOtherScanners:
    """Scanners that the rule asks as well."""

    POLICY = policy_of(SIGNED, 'scan = { also = ["picklescan"], on-gap = "indeterminate" }')

    @pytest.mark.parametrize(
        ("evidence", "decision"),
        [
            ((Consulted(scanner="picklescan", finished=True),), ALLOW),
            ((Consulted(scanner="picklescan", finished=False),), INDETERMINATE),
            ((Consulted(scanner="modelscan", finished=True),), INDETERMINATE),
            ((), INDETERMINATE),
        ],
    )
    def test_an_answer_is_demanded(
        self, evidence: tuple[Consulted, ...], decision: Decision
    ) -> None:
        """Without a whole answer of each scanner that the rule asks nobody can tell."""
        assert judge(self.POLICY, signature_of(), *evidence).decision is decision

    def test_nobody_else_is_asked(self) -> None:
        """A rule that asks no other scanner needs no answer."""
        assert judge(policy_of(SIGNED), signature_of()).decision is ALLOW

    def test_its_findings_deny(self) -> None:
        """A finding under another scanner's name denies like one of our own."""
        finding = finding_of(rule="picklescan:dangerous-import")
        answer = Consulted(scanner="picklescan", finished=True, findings=1)
        verdict = judge(self.POLICY, signature_of(), answer, finding)
        assert verdict.decision is DENY
        assert blocking_codes(verdict) == ["picklescan:dangerous-import"]

    def test_its_silence_takes_nothing_away(self) -> None:
        """That another scanner finds nothing is noted, and the finding denies all the same."""
        answer = Consulted(scanner="picklescan", finished=True, silent=("config.json",))
        verdict = judge(self.POLICY, signature_of(), answer, finding_of())
        assert verdict.decision is DENY
        assert "scanner-disagrees" in [reason.code for reason in verdict.reasons]
        assert "scanner-disagrees" not in blocking_codes(verdict)


TWO = 'signature = { any-of = ["hsm", "spare", "corp", "loose"], threshold = 2 }'


class TestSignature:
    """Who has to have signed, and what."""

    @pytest.mark.parametrize(
        "signature",
        [
            signature_of(trust=None),
            signature_of(trust="spare"),
            signature_of(trust="nobody"),
            signature_of(identity=certificate_identity()),
        ],
        ids=["no trust", "another trust", "unknown trust", "other kind of identity"],
    )
    def test_untrusted_signer(self, signature: SignatureEvidence) -> None:
        """A signature that is not of a listed entry and its kind does not count."""
        verdict = judge(policy_of(SIGNED), signature)
        assert verdict.decision is DENY
        assert blocking_codes(verdict) == ["signer-threshold"]
        assert verdict.signers == ()
        assert verdict.uncovered == tuple(Uncovered(path=p, reason=NOT_SIGNED) for p in FILES)
        assert verdict.reasons[0].message == (
            "0 of 1 trusted signer signed every file; accepted are hsm"
        )

    def test_certificate_signer(self) -> None:
        """A certificate counts for its entry, and an entry for any identity is shown as such."""
        policy = policy_of('signature = { any-of = ["corp", "loose"] }')
        named = signature_of(trust="corp", identity=certificate_identity())
        verdict = judge(policy, named)
        assert verdict.decision is ALLOW
        assert "signed by corp (certificate release@acme.example)" in verdict.reasons[0].message
        loose = signature_of(trust="loose", identity=certificate_identity())
        message = judge(policy, loose).reasons[0].message
        assert "any identity below its roots" in message
        assert judge(policy, signature_of(trust="corp")).decision is DENY

    @pytest.mark.parametrize(
        ("pairs", "count"),
        [
            ([], 0),
            ([("hsm", 1)], 1),
            ([("hsm", 1), ("hsm", 1)], 1),
            ([("hsm", 1), ("hsm", 2)], 1),
            ([("hsm", 1), ("spare", 1)], 1),
            ([("hsm", 1), ("spare", 2)], 2),
            ([("hsm", 1), ("spare", 1), ("hsm", 2)], 2),
            ([("a", 1), ("b", 1), ("c", 1), ("c", 2), ("c", 3)], 2),
            ([("a", 1), ("a", 2), ("b", 1), ("c", 2), ("c", 3)], 3),
        ],
    )
    def test_different_signers(self, pairs: list[tuple[str, int]], count: int) -> None:
        """Signers are as many as there are pairs with neither entry nor identity repeated."""
        assert count_signers((trust, key_identity(number)) for trust, number in pairs) == count

    def test_threshold(self) -> None:
        """Two signers are two keys of two entries, not one key under two names."""
        one = signature_of()
        same = signature_of(trust="spare")
        other = signature_of(trust="spare", identity=key_identity(2))
        policy = policy_of(TWO)
        assert judge(policy, one).decision is DENY
        assert judge(policy, one, same).decision is DENY
        verdict = judge(policy, one, other)
        assert verdict.decision is ALLOW
        assert " and spare (key" in verdict.reasons[0].message
        assert [s.trust for s in verdict.signers] == ["hsm", "spare"]
        short = judge(policy, one).reasons[0].message
        assert short == (
            "1 of 2 trusted signers signed every file; accepted are hsm, spare, corp, loose"
        )

    def test_uncovered_file(self) -> None:
        """A file outside the signature denies, is named, and is listed as uncovered."""
        verdict = judge(policy_of(SIGNED), signature_of(["config.json"]))
        assert verdict.decision is DENY
        assert blocking_codes(verdict) == ["uncovered-file", "signer-threshold"]
        assert verdict.reasons[0].path == "model.safetensors"
        assert verdict.covered == ("config.json",)
        assert verdict.uncovered == (Uncovered(path="model.safetensors", reason=NOT_SIGNED),)
        assert verdict.signers == ()

    def test_partial_signature_beside_a_complete_one(self) -> None:
        """A second signature that covers less is reported and takes nothing away."""
        policy = policy_of('signature = { any-of = ["hsm", "spare"] }')
        partial = signature_of(["config.json"], trust="spare", identity=key_identity(2))
        verdict = judge(policy, signature_of(), partial)
        assert verdict.decision is ALLOW
        assert verdict.covered == tuple(FILES)
        assert [s.trust for s in verdict.signers] == ["hsm"]
        (reason,) = [r for r in verdict.reasons if r.code == "uncovered-file"]
        assert (reason.path, reason.severity) == ("model.safetensors", Severity.HIGH)
        both = policy_of('signature = { any-of = ["hsm", "spare"], threshold = 2 }')
        verdict = judge(both, signature_of(), partial)
        assert verdict.decision is DENY
        assert "uncovered-file" in blocking_codes(verdict)
        assert verdict.covered == tuple(FILES)

    def test_signature_of_a_file_that_is_not_there(self) -> None:
        """A signature that covers what the artifact does not have is not of this artifact."""
        verdict = judge(policy_of(SIGNED), signature_of([*FILES, "gone.bin"]))
        assert verdict.decision is DENY
        assert blocking_codes(verdict) == ["file-missing", "signer-threshold"]
        assert verdict.reasons[0].path == "gone.bin"

    def test_signed_claims(self) -> None:
        """A signature may cover the claims file as well."""
        inventory = inventory_of(
            entry_of("model.claims.jsonl", FileFormat.JSON, role=EntryRole.CLAIMS), files=FILES
        )
        signed = signature_of([*FILES, "model.claims.jsonl"])
        verdict = judge(policy_of(SIGNED), signed, inventory=inventory)
        assert verdict.decision is ALLOW
        assert verdict.covered == tuple(FILES)

    @pytest.mark.parametrize(
        ("path", "kind", "line", "decision"),
        [
            (".gitattributes", FileFormat.TEXT, GIT, ALLOW),
            (".gitattributes", FileFormat.TEXT, SIGNED, DENY),
            (".github/workflows/x.yml", FileFormat.YAML, GIT, ALLOW),
            (".git/config", FileFormat.TEXT, GIT, ALLOW),
            (".gitmodules", FileFormat.TEXT, GIT, DENY),
            ("sub/.gitattributes", FileFormat.TEXT, GIT, DENY),
            (".gitattributes2", FileFormat.TEXT, GIT, DENY),
            (".git/hooks/x", FileFormat.SCRIPT, GIT, DENY),
            (".git/index", FileFormat.UNKNOWN, GIT, DENY),
            (".git/objects/x", FileFormat.ZLIB, GIT, DENY),
            (".gitignore", None, GIT, DENY),
        ],
    )
    def test_git_metadata(
        self, path: str, kind: FileFormat | None, line: str, decision: Decision
    ) -> None:
        """Top-level Git files without code may lie outside, when the rule says so."""
        inventory = inventory_of(entry_of(path, kind), files=FILES)
        open_formats = 'formats = { deny-executable = false }\nremote-code = "allow"'
        verdict = judge(policy_of(line, open_formats), signature_of(), inventory=inventory)
        assert verdict.decision is decision
        assert [u.path for u in verdict.uncovered] == [path]
        if decision is ALLOW:
            assert verdict.uncovered[0].reason == GIT_METADATA
            assert ("uncovered-file", path) in [(r.code, r.path) for r in verdict.reasons]
        else:
            assert "uncovered-file" in blocking_codes(verdict)

    @pytest.mark.parametrize(
        ("code", "decision"),
        [
            (Code.SIGNATURE_MISSING, DENY),
            (Code.SIGNATURE_INVALID, DENY),
            (Code.DIGEST_MISMATCH, DENY),
            (Code.KEY_MISMATCH, DENY),
            (Code.METHOD_UNAVAILABLE, DENY),
            (Code.FILE_CHANGED, DENY),
        ],
    )
    def test_gap_without_a_signer(self, code: Code, decision: Decision) -> None:
        """Without enough signers every gap of the stage is among the reasons."""
        verdict = judge(policy_of(SIGNED), gap_of(code, stage=Stage.SIGNATURE, path="model.sig"))
        assert verdict.decision is decision
        assert set(blocking_codes(verdict)) == {code, "signer-threshold"}
        grave = {Code.SIGNATURE_INVALID, Code.DIGEST_MISMATCH}
        worst = verdict.reasons[0].severity
        assert (worst is Severity.CRITICAL) is (code in grave)

    def test_gap_beside_a_signer(self) -> None:
        """Where enough have signed, that others have not is reported only; a new gap is no help."""
        gap = gap_of(Code.KEY_MISMATCH, stage=Stage.SIGNATURE)
        verdict = judge(policy_of(SIGNED), signature_of(), gap)
        assert verdict.decision is ALLOW
        (reason,) = [r for r in verdict.reasons if r.code == "key-mismatch"]
        assert reason.message == "another signature: it could not be examined"

    def test_gap_where_no_signature_is_required(self) -> None:
        """A broken signature that nobody asked for is reported."""
        gap = gap_of(Code.SIGNATURE_INVALID, stage=Stage.SIGNATURE)
        verdict = judge(policy_of(UNSIGNED), gap)
        assert verdict.decision is ALLOW
        assert "signature-invalid" in [r.code for r in verdict.reasons]


class TestKeyless:
    """Signers for whom an identity provider vouches."""

    ONLY = 'signature = { any-of = ["keyless"] }'

    def test_counts_for_its_entry(self) -> None:
        """A keyless identity counts for a keyless entry and for no other kind of entry."""
        signed = signature_of(trust="keyless", identity=sigstore_identity())
        assert judge(policy_of(self.ONLY), signed).decision is ALLOW
        for other in ("hsm", "spare"):
            policy = policy_of(f'signature = {{ any-of = ["{other}"] }}')
            verdict = judge(policy, signature_of(trust=other, identity=sigstore_identity()))
            assert verdict.decision is DENY
            assert verdict.signers == ()

    @pytest.mark.parametrize("identity", [certificate_identity(), key_identity()])
    def test_nothing_else_counts_for_it(self, identity: VerifiedIdentity) -> None:
        """A key or another authority's certificate does not count for a keyless entry."""
        verdict = judge(policy_of(self.ONLY), signature_of(trust="keyless", identity=identity))
        assert verdict.decision is DENY
        assert verdict.signers == ()

    def test_a_missing_keyless_signature_is_a_deny(self) -> None:
        """Without a signature by the keyless signer the artifact is denied."""
        gap = gap_of(Code.IDENTITY_MISMATCH, stage=Stage.SIGNATURE)
        assert judge(policy_of(self.ONLY), gap).decision is DENY

    def test_one_name_of_two_providers_is_one_signer(self) -> None:
        """The same name counts once, whoever vouches for it; two names are two signers."""
        line = 'signature = { any-of = ["keyless", "keyless-too"], threshold = 2 }'
        first = signature_of(trust="keyless", identity=sigstore_identity())
        again = signature_of(trust="keyless-too", identity=sigstore_identity())
        vouched = signature_of(
            trust="keyless-too", identity=sigstore_identity(issuer="https://other.example")
        )
        other = signature_of(trust="keyless-too", identity=sigstore_identity("bob@acme.example"))
        assert judge(policy_of(line), first, again).decision is DENY
        assert judge(policy_of(line), first, vouched).decision is DENY
        assert judge(policy_of(line), first, other).decision is ALLOW


class TestUnsupported:
    """What this version cannot evaluate is never let pass."""

    @pytest.mark.parametrize(
        ("line", "boundary", "key"),
        [
            ("isolation = {}", "load", "isolation"),
            ("isolation = {}", "deploy", "isolation"),
            ("isolation = {}", "anything", "isolation"),
            ("isolation = {}", "upload", None),
            ("isolation = {}", "download", None),
            ("provenance = { required = false }", "load", None),
        ],
    )
    def test_demand(self, line: str, boundary: str, key: str | None) -> None:
        """A demand that cannot be evaluated makes the verdict indeterminate and is named."""
        verdict = judge(policy_of(SIGNED, line), signature_of(), boundary=boundary)
        assert verdict.decision is (INDETERMINATE if key else ALLOW)
        assert blocking_codes(verdict) == (["policy-unsupported"] if key else [])
        if key:
            assert f"'{key}'" in verdict.reasons[0].message

    @pytest.mark.parametrize(
        ("line", "decision"),
        [('provenance = { builder = ["runner"] }', DENY), ("", ALLOW)],
    )
    def test_provenance_gap(self, line: str, decision: Decision) -> None:
        """A gap in provenance blocks where provenance is demanded and is reported elsewhere."""
        gap = gap_of(Code.SIGNATURE_MISSING, stage=Stage.PROVENANCE)
        verdict = judge(policy_of(SIGNED, line), signature_of(), gap)
        assert verdict.decision is decision
        (reason,) = [r for r in verdict.reasons if r.code == "signature-missing"]
        assert reason.blocking is (decision is DENY)


class TestReasons:
    """How reasons are ordered and counted."""

    def test_gravest_first(self) -> None:
        """Reasons to deny come first, then what nobody can tell, then the rest."""
        policy = policy_of(UNSIGNED, 'scan = { fail-on = "high", on-gap = "indeterminate" }')
        verdict = judge(
            policy,
            finding_of("config.json", rule="b", severity=Severity.LOW),
            gap_of(path="model.safetensors"),
            finding_of("config.json", rule="a", severity=Severity.HIGH),
            finding_of("config.json", rule="a", severity=Severity.CRITICAL),
        )
        assert [(r.code, r.severity) for r in verdict.reasons] == [
            ("a", Severity.CRITICAL),
            ("a", Severity.HIGH),
            ("scan-timeout", Severity.HIGH),
            ("b", Severity.LOW),
        ]

    def test_very_many(self) -> None:
        """Of very many reasons of one kind the first are named and the others counted."""
        reasons = [denied("x", "m", path=f"{i:05}") for i in range(MAX_REASONS_PER_CODE + 3)]
        arranged = arrange([*reversed(reasons), *reasons])
        assert arranged[:-1] == tuple(reasons[:MAX_REASONS_PER_CODE])
        assert arranged[-1] == denied("x", "and 3 more of this kind")
        assert arrange(reasons[:MAX_REASONS_PER_CODE]) == tuple(reasons[:MAX_REASONS_PER_CODE])

    def test_nothing_said_is_no_allow(self) -> None:
        """Without a reason that allows, nobody can tell."""
        assert decide(()) is INDETERMINATE
        assert decide((noted("anything", "m"),)) is INDETERMINATE
        assert decide((noted(Code.ALLOWED, "m"),)) is INDETERMINATE
        assert decide((allowed("m"),)) is ALLOW
        assert decide((allowed("m"), undecided("x", "m"))) is INDETERMINATE
        assert decide((allowed("m"), denied("x", "m"))) is DENY

    @pytest.mark.parametrize("make", [denied, undecided, noted])
    def test_only_allow_speaks_as_allowed(self, make: Callable[[str, str], Reason]) -> None:
        """Evidence that bears the code `allowed` gets another one."""
        assert make("allowed", "m").code == "evidence-incomplete"
        assert make("other", "m").code == "other"
        assert allowed("m").code == "allowed"

    def test_message_of_one_file_is_kept_apart(self) -> None:
        """Two files with the same reason are two reasons."""
        reason = denied("x", "m", path="a")
        assert len(arrange([reason, replace(reason, path="b"), reason])) == 2
