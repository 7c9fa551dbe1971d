"""Rule `compressed-trailing-data`."""

import gzip
import io
import zipfile

from support import pickles as p
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Severity

RULE = "compressed-trailing-data"
CONTENT = p.stream(p.list_of(p.NONE, p.TRUE))


def test_vector() -> None:
    """Bytes behind a stream are found, a stream alone is not."""
    assert_vector_holds(RULE)


def test_zeros_are_low() -> None:
    """Padding behind the last stream is a low finding."""
    evidence = examined(gzip.compress(CONTENT) + bytes(9), format=FileFormat.GZIP)
    (finding,) = findings_of(RULE, evidence)
    assert finding.severity is Severity.LOW
    assert finding.offset == len(gzip.compress(CONTENT))


def test_a_file_behind_the_stream_is_examined() -> None:
    """What follows the stream is examined as the file that it is."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x", p.stream(p.system()))
    evidence = examined(gzip.compress(CONTENT) + buffer.getvalue(), format=FileFormat.GZIP)
    assert {RULE, "pickle-dangerous-global"} <= rules_of(evidence)


def test_skipped_frames() -> None:
    """A frame that readers skip is found, and what it holds is examined."""
    payload = p.stream(p.system())
    frame = b"\x50\x2a\x4d\x18" + len(payload).to_bytes(4, "little") + payload
    evidence = examined(frame, format=FileFormat.ZSTD)
    assert RULE in rules_of(evidence)
