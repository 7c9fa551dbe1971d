"""Rule `native-code`."""

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat

RULE = "native-code"


def test_vector() -> None:
    """An ELF library is found, text about one is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"MZ", "PE"),
        (b"\xcf\xfa\xed\xfe", "Mach-O"),
        (b"\x00asm", "WebAssembly"),
        (b"?", "unknown"),
    ],
)
def test_kinds(start: bytes, kind: str) -> None:
    """The kind is named; what has none is found all the same."""
    (finding,) = findings_of(RULE, examined(start + bytes(60), format=FileFormat.SHARED_OBJECT))
    assert kind in finding.message
