"""Whatever another scanner says, an adapter gives an answer or the one error; never less."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.errors import MalformedContentError
from weighbridge.scan.others.catalogue import ADAPTERS
from weighbridge.scan.others.interface import Adapter, Answer, Outcome, Target
from weighbridge.scan.others.sarif import Sarif

SARIF = Sarif(command=("{path}",), exit_codes=frozenset({0, 1}))
KNOWN: list[Adapter] = [*ADAPTERS.values(), SARIF]
TARGET = Target(root=Path("/m"), name="m", paths=frozenset({"a.pkl", "d/b.pt"}))
KEYS = [
    "runs",
    "results",
    "ruleId",
    "level",
    "message",
    "text",
    "kind",
    "locations",
    "physicalLocation",
    "artifactLocation",
    "uri",
    "region",
    "byteOffset",
    "invocations",
    "executionSuccessful",
    "toolExecutionNotifications",
    "tool",
    "driver",
    "rules",
    "id",
    "properties",
    "security-severity",
    "version",
    "issues",
    "errors",
    "summary",
    "modelscan_version",
    "description",
    "source",
    "scanner",
    "severity",
    "operator",
    "module",
]
WORDS = st.sampled_from(
    ["a.pkl", "/m/d/b.pt:x", "error", "open", "fail", "9.5", "nan", "", "HIGH", "\x1b[2J", "\ud800"]
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=30,
)


def read(adapter: Adapter, outcome: Outcome) -> Answer | None:
    """Return the answer, or None for the one error that there may be."""
    try:
        return adapter.read(outcome, TARGET)
    except MalformedContentError:
        return None


def check(answer: Answer | None) -> None:
    """Check that an answer speaks of files of the inventory, or of the whole."""
    if answer is not None:
        spoken = {f.path for f in answer.findings} | {c.path for c in answer.complaints}
        assert spoken <= TARGET.paths | {"."}


@pytest.mark.parametrize("adapter", KNOWN, ids=lambda a: type(a).__name__)
@given(data=st.binary(max_size=400), code=st.integers(-1, 4))
def test_any_bytes(adapter: Adapter, data: bytes, code: int) -> None:
    """Any bytes, with any exit code, in any place."""
    check(read(adapter, Outcome(exit_code=code, output=data, talk=data, report=data)))


@pytest.mark.parametrize("adapter", KNOWN, ids=lambda a: type(a).__name__)
@given(value=values, code=st.integers(0, 3))
def test_any_document(adapter: Adapter, value: object, code: int) -> None:
    """Any JSON, with the members that reports have in places where they do not belong."""
    data = json.dumps({"runs": [{"results": value, "invocations": value, "tool": value}]}).encode()
    check(read(adapter, Outcome(exit_code=code, output=data)))
    data = json.dumps({"issues": value, "errors": value, "summary": value}).encode()
    check(read(adapter, Outcome(exit_code=code, output=data, report=data)))


@pytest.mark.parametrize("name", ["picklescan", "clamscan"])
@given(
    lines=st.lists(
        st.builds(
            lambda *parts: "".join(parts),
            WORDS,
            st.sampled_from([": ", ":", ": dangerous import '", " ERROR", ""]),
            WORDS | st.text(max_size=20),
            st.sampled_from([" FOUND", "' FOUND", " ERROR", ""]),
        )
    )
)
def test_any_lines(name: str, lines: list[str]) -> None:
    """An exit code for findings always leads to a finding or a complaint."""
    text = "\n".join([*lines, "----------- SCAN SUMMARY -----------"])
    outcome = Outcome(exit_code=1, output=text.encode("utf-8", errors="surrogatepass"))
    answer = read(ADAPTERS[name], outcome)
    check(answer)
    assert answer is not None
    assert answer.findings or answer.complaints
