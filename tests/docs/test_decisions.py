"""The records of decisions are listed, and what they claim of the code is so."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from support.documents import ROOT, document
from weighbridge.core.verdict import Decision, PolicyReference, Verdict

RECORDS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


def run_python(code: str) -> str:
    """Return what a fresh interpreter prints for *code*."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_records_are_numbered_without_holes() -> None:
    """Each record has the next number, so that none was lost or written over."""
    numbers = [int(path.name[:4]) for path in RECORDS]
    assert numbers == list(range(1, len(RECORDS) + 1))


def test_every_record_is_listed() -> None:
    """The list of records links to each of them, with its title."""
    listed = re.findall(r"\| \[(\d{4})\]\((\S+)\) \| (.+) \|", document("docs/adr/README.md"))
    titles = [path.read_text("utf-8").splitlines()[0] for path in RECORDS]
    assert [name for _, name, _ in listed] == [path.name for path in RECORDS]
    assert [f"# {number} {title}" for number, _, title in listed] == titles


@pytest.mark.parametrize("record", RECORDS, ids=lambda p: p.stem)
def test_a_record_has_its_parts(record: Path) -> None:
    """A record says its status, the question, the decision, and what follows from it."""
    text = record.read_text("utf-8")
    assert re.search(r"^Status: accepted", text, re.MULTILINE)
    for part in ("Question", "Decision", "Consequences"):
        assert f"\n## {part}\n" in text


def test_the_layers_are_the_contracts() -> None:
    """The architecture lists the layers as the import contract has them, and each folder once."""
    contracts = tomllib.loads(document("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = [layer for layer in contracts[0]["layers"] if layer != "__main__"]
    text = document("ARCHITECTURE.md")
    (block,) = re.findall(r"```text\n(compat .*?)```", text, re.DOTALL)
    assert [layer.strip() for layer in block.split(">")] == layers
    listed = re.findall(r"^\| `(\w+)/` \|", text, re.MULTILINE)
    assert sorted(listed) == sorted(name for layer in layers for name in layer.split(" | "))


def test_a_verdict_has_no_truth_value() -> None:
    """Asking a verdict whether it is true is an error, whatever the decision (ADR 0002)."""
    for decision in Decision:
        verdict = Verdict(
            decision=decision,
            artifact=None,
            policy=PolicyReference(path=None, sha256="", rule=None),
            boundary="load",
            reasons=(),
            signers=(),
            provenance=(),
            covered=(),
            uncovered=(),
        )
        with pytest.raises(TypeError, match="no truth value"):
            bool(verdict)


def test_keyless_is_a_bounded_dependency_that_is_imported_late() -> None:
    """The package for keyless signing is in the core, below a bound, and not imported (ADR 0024)."""
    project = tomllib.loads(document("pyproject.toml"))["project"]
    (sigstore,) = [name for name in project["dependencies"] if name.startswith("sigstore")]
    assert ",<" in sigstore
    assert run_python("import sys, weighbridge; print('sigstore' in sys.modules)") == "False"


def test_folders_do_not_hide_functions() -> None:
    """The functions `load` and `scan` stay functions when the folders are imported (ADR 0009)."""
    code = (
        "import sys, weighbridge.load.held, weighbridge.scan.registry, weighbridge as wb; "
        "print(callable(wb.load), callable(wb.scan), 'weighbridge.load.held' in sys.modules)"
    )
    assert run_python(code) == "True True True"


@pytest.mark.parametrize("module", ["concurrent.futures", "logging", "cryptography.x509"])
def test_hashing_imports_no_more_than_it_needs(module: str) -> None:
    """Taking an inventory imports neither executors nor X.509, which cost start-up (ADR 0010)."""
    code = f"import sys, weighbridge.inventory.take; print({module!r} in sys.modules)"
    assert run_python(code) == "False"
