"""The controls of links, suffixes and formats, and of code beside the weights."""

import pytest

from support.policies import (
    FILES,
    SIGNED,
    blocking_codes,
    entry_of,
    finding_of,
    inventory_of,
    judge,
    policy_of,
    sha256,
    signature_of,
)
from weighbridge.core.artifact import EntryRole, FileFormat
from weighbridge.core.evidence import (
    Severity,
)
from weighbridge.core.verdict import Decision

ALLOW, DENY, INDETERMINATE = Decision.ALLOW, Decision.DENY, Decision.INDETERMINATE


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
