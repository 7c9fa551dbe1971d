"""Rule `arrow-python-type`, and what else the schema of a table has readers rebuild."""

import base64
from pathlib import Path

import pytest

from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding
from weighbridge.formats.sniff import sniff

RULE = "arrow-python-type"
FOLDER = Path(__file__).parents[3] / "vectors" / "arrow"
KINDS = {"parquet": F.PARQUET, "feather": F.ARROW, "arrows": F.ARROW}
KEY = b"\x0cARROW:schema"


def read(name: str) -> bytes:
    """Return a file that pyarrow wrote."""
    return FOLDER.joinpath(name).read_bytes()


def test_vector() -> None:
    """A type that is unpickled is found, one with a name is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(("kind", "file_format"), KINDS.items())
class TestEveryKind:
    """What holds for files, streams and Parquet."""

    def test_told_and_clean(self, kind: str, file_format: F) -> None:
        """A table is told by its bytes, and clean."""
        data = read(f"good.{kind}")
        assert sniff(BytesSource(data), name="model").format is file_format
        assert examined(data, format=file_format) == ()

    def test_pickle(self, kind: str, file_format: F) -> None:
        """The pickle of a type is examined, in a column within a column, too."""
        found = examined(read(f"bad.{kind}"), format=file_format)
        assert rules_of(found) >= {RULE, "pickle-dangerous-global"}
        assert any("inner" in str(e.evidence) for e in found if isinstance(e, Finding))

    def test_objects_of_r(self, kind: str, file_format: F) -> None:
        """What the R package rebuilds is examined as R's data."""
        found = examined(read(f"r.{kind}"), format=file_format)
        assert {e.member for e in found if isinstance(e, Finding)} == {"r@0"}
        assert rules_of(found) == {"r-code-object"}

    def test_cut(self, kind: str, file_format: F) -> None:
        """A file that ends within its schema is a gap."""
        data = read(f"bad.{kind}")
        found = rules_of(examined(data[:100], format=file_format))
        assert found == {str(Code.SCAN_MALFORMED)}


def test_the_first_feather() -> None:
    """Feather of the first version has plain types only."""
    data = read("old.feather")
    assert sniff(BytesSource(data), name="model").format is F.ARROW
    assert examined(data, format=F.ARROW) == ()


def test_both_schemas_of_a_file() -> None:
    """A file says its schema twice, and each of them counts."""
    good, bad = read("good.feather"), read("bad.feather")
    mark = b"arrow.py_extension_type"
    assert bad.count(mark) == 2
    once = bad[: bad.rindex(mark)] + b"x" * len(mark) + bad[bad.rindex(mark) + len(mark) :]
    assert RULE in rules_of(examined(once, format=F.ARROW))
    once = bad.replace(mark, b"x" * len(mark), 1)
    assert RULE in rules_of(examined(once, format=F.ARROW))
    assert examined(good, format=F.ARROW) == ()


@pytest.mark.parametrize(
    ("footer", "expected"),
    [
        (b"", set()),
        (KEY + b"\x18\x04AAAA", {str(Code.SCAN_MALFORMED)}),
        (KEY + b"\x19\x04AAAA", {str(Code.SCAN_MALFORMED)}),
        (KEY + b"\x18\xff\xff\xff\xff\x0f", {str(Code.SCAN_MALFORMED)}),
        (KEY + b"\x18\x01A", {str(Code.SCAN_MALFORMED)}),
    ],
)
def test_footers(footer: bytes, expected: set[str]) -> None:
    """A footer without Arrow's schema has nothing to rebuild; one with a broken schema is a gap."""
    data = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    assert rules_of(examined(data, format=F.PARQUET)) == expected


@pytest.mark.parametrize(
    "end", [b"\x00\x00\x00\x00PARE", b"\xff\xff\xff\x00PAR1", b"\x00\x00\x00\x00PAR2"]
)
def test_ends(end: bytes) -> None:
    """A footer that is encrypted, larger than the file or none is a gap."""
    assert rules_of(examined(b"PAR1" + end, format=F.PARQUET)) == {str(Code.SCAN_MALFORMED)}


def test_every_copy_in_a_footer_counts() -> None:
    """A second schema in the footer is read as well."""
    good, bad = (read(f"{name}.arrows") for name in ("good", "bad"))
    texts = [base64.b64encode(each) for each in (good, bad)]
    footer = b"".join(KEY + b"\x18" + _varint(len(text)) + text for text in texts)
    data = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    assert RULE in rules_of(examined(data, format=F.PARQUET))


def _varint(number: int) -> bytes:
    return bytes([number & 0x7F | 0x80, number >> 7])
