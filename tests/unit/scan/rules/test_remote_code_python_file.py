"""Rule `remote-code-python-file`."""

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Confidence, Gap, Severity
from weighbridge.core.limits.documents import MAX_PYTHON_SOURCE_BYTES

RULE = "remote-code-python-file"


def test_vector() -> None:
    """A modelling file is found, a file of comments is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("path", "confidence"),
    [
        ("modeling_x.py", Confidence.HIGH),
        ("sub/tokenization_x.py", Confidence.HIGH),
        ("custom_generate/generate.py", Confidence.HIGH),
        ("handler.py", Confidence.HIGH),
        ("train.py", Confidence.MEDIUM),
    ],
)
def test_confidence(path: str, confidence: Confidence) -> None:
    """Files that frameworks look for by name are found with more confidence."""
    (finding,) = findings_of(RULE, examined(b"x = 1\n", format=FileFormat.PYTHON_SOURCE, path=path))
    assert finding.severity is Severity.MEDIUM
    assert finding.confidence is confidence


@pytest.mark.parametrize(
    "source",
    [
        b"print 'x'\n",
        b"x = \x00\n",
        b"-" * 100_000 + b"1",
        b"f" + b"()" * 100_000,
        b"(" * 1000,
        b"# -*- coding: no-such-codec -*-\n",
        b"x = " + b"9" * 5000,
        b"x = '\xff'\n",
    ],
    ids=["python2", "nul", "minus", "calls", "brackets", "codec", "digits", "not-utf8"],
)
def test_source_that_does_not_parse(source: bytes) -> None:
    """Source that cannot be parsed is a grave finding and a gap."""
    evidence = examined(source, format=FileFormat.PYTHON_SOURCE, path="x.py")
    (finding,) = findings_of(RULE, evidence)
    assert finding.severity is Severity.HIGH
    assert [type(e) for e in evidence[1:]] == [Gap]


def test_too_large() -> None:
    """Source beyond the limit is a gap."""
    data = b"#" * (MAX_PYTHON_SOURCE_BYTES + 1)
    (gap,) = examined(data, format=FileFormat.PYTHON_SOURCE)
    assert isinstance(gap, Gap)
    assert gap.code is Code.SCAN_LIMIT
    assert examined(data[:-1], format=FileFormat.PYTHON_SOURCE) == ()


def test_text_with_the_suffix() -> None:
    """Text that is named like Python is read as Python."""
    assert findings_of(RULE, examined(b"x\n", format=FileFormat.TEXT, path="x.py"))


def test_files_that_python_runs_when_it_starts() -> None:
    """A file that Python runs by itself is graver than one that somebody has to import."""
    for name, severity in (("sitecustomize.py", Severity.HIGH), ("customize.py", Severity.MEDIUM)):
        evidence = examined(b"x = 1\n", format=FileFormat.PYTHON_SOURCE, path=f"lib/{name}")
        assert [f.severity for f in findings_of(RULE, evidence)] == [severity]
