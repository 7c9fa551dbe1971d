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
        (b"MZqFpD='", "llamafiles"),
        (b"\xcf\xfa\xed\xfe", "Mach-O"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02", "Mach-O"),
        (b"\xca\xfe\xba\xbe\0\0\0\x41", "Java"),
        (b"!<arch>\n", "object files"),
        (b"\x4c\x00\x00\x00\x01\x14\x02\x00", "shortcut"),
        (b"\x00asm", "WebAssembly"),
        (b"?", "unknown"),
    ],
)
def test_kinds(start: bytes, kind: str) -> None:
    """The kind is named; what has none is found all the same."""
    (finding,) = findings_of(RULE, examined(start + bytes(60), format=FileFormat.SHARED_OBJECT))
    assert kind in finding.message
