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


def text(data: bytes, *, more: int = 0) -> bytes:
    """Return a text of Thrift's compact form, its length with *more* bytes than it needs."""
    length = len(data)
    head = []
    while length >= 128 or more:
        head.append(length & 0x7F | 0x80)
        more -= length < 128
        length >>= 7
    return bytes([*head, length]) + data


def pair(key: bytes, value: bytes, *, more: int = 0) -> bytes:
    """Return a key and its value as a footer has them."""
    return b"\x18" + text(key, more=more) + b"\x18" + text(value) + b"\0"


def parquet(*pairs: bytes, groups: bytes = b"\x0c", rest: bytes = b"\0") -> bytes:
    """Return a Parquet file without columns: version, schema, rows, groups and pairs."""
    footer = b"\x15\x02\x19\x1c\x48\x01a\0\x16\0\x19" + groups
    if pairs:
        footer += b"\x19" + bytes([len(pairs) << 4 | 12]) + b"".join(pairs)
    footer += rest
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def rules_in(data: bytes) -> set[str]:
    """Return what the scan says of a Parquet file."""
    return rules_of(examined(data, format=F.PARQUET))


def encoded(name: str) -> bytes:
    """Return a schema as Parquet has it."""
    return base64.b64encode(read(f"{name}.arrows"))


KEY = b"ARROW:schema"
MALFORMED = {str(Code.SCAN_MALFORMED)}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (parquet(), set()),
        (parquet(pair(b"key", b"value")), set()),
        (parquet(pair(KEY, b"AAAA")), MALFORMED),
        (parquet(pair(KEY, b"A")), MALFORMED),
        (parquet(pair(KEY, encoded("good"))), set()),
        (parquet(pair(KEY, encoded("good") + b"!AAAA")), MALFORMED),
        (parquet(b"\x18\x01a\x18\xff\xff\xff\xff\x0f\0"), MALFORMED),
        (parquet(b"\x18\x01a\x18\x01b\x08\x04\x01c\0"), MALFORMED),
        (parquet(rest=b""), MALFORMED),
        (parquet(rest=b"\0\0"), MALFORMED),
        (parquet(rest=b"\x1e\0"), MALFORMED),
        (b"PAR1" + bytes(64) + b"PAR1", MALFORMED),
        (b"PAR1" + bytes(4) + b"PAR1", MALFORMED),
        # A group with a column that lies in the file `a`, and one that lies in this one.
        (parquet(groups=b"\x1c\x19\x1c\x18\x01a\x26\0\0\0"), MALFORMED),
        (parquet(groups=b"\x1c\x19\x1c\x26\0\0\0"), set()),
    ],
)
def test_footers(data: bytes, expected: set[str]) -> None:
    """A footer is read to its end; one that is cut, goes on, or says too little is a gap."""
    assert rules_in(data) == expected


def test_lengths_with_more_bytes_than_needed() -> None:
    """A key counts also where its length is written as no writer does."""
    assert rules_in(parquet(pair(KEY, encoded("bad"), more=1))) >= {RULE}


def test_objects_of_r_without_a_schema() -> None:
    """R's package rebuilds an object that stands beside Arrow's schema, or without one."""
    call = b"A\n2\n262144\n131840\n6\n1\n262153\n6\nsystem\n254\n"
    assert rules_in(parquet(pair(b"r", call))) == {"r-code-object"}
    assert rules_in(parquet(pair(b"s", call))) == set()


@pytest.mark.parametrize(
    "end", [b"\x00\x00\x00\x00PARE", b"\xff\xff\xff\x00PAR1", b"\x00\x00\x00\x00PAR2"]
)
def test_ends(end: bytes) -> None:
    """A footer that is encrypted, larger than the file or none is a gap."""
    assert rules_of(examined(b"PAR1" + end, format=F.PARQUET)) == {str(Code.SCAN_MALFORMED)}


def test_every_copy_in_a_footer_counts() -> None:
    """A second schema in the footer is read as well."""
    assert RULE in rules_in(parquet(pair(KEY, encoded("good")), pair(KEY, encoded("bad"))))


@pytest.mark.parametrize("nested", [b"\x19", b"\x1c"])
def test_deep_footers(nested: bytes) -> None:
    """Lists within lists are bounded as structs within structs are."""
    footer = b"\x15\x02\x69" + nested * 100_000
    data = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    assert rules_in(data) == {str(Code.SCAN_LIMIT)}


@pytest.mark.parametrize("kind", ["feather", "arrows"])
def test_what_follows_the_schema(kind: str) -> None:
    """Messages are held to the file: a body beyond its end, or bytes behind the last, are a gap."""
    good = read(f"good.{kind}")
    assert rules_of(examined(good + b"\0", format=F.ARROW)) == MALFORMED
    assert rules_of(examined(good[:-9] + good[-8:], format=F.ARROW)) == MALFORMED


@pytest.mark.parametrize("rest", [b"\0", bytes(64), bytes(60) + b"\xff\0\0\0FEA1"])
def test_rubbish_as_the_first_feather(rest: bytes) -> None:
    """A file that merely begins as Feather is a gap."""
    assert rules_of(examined(b"FEA1" + rest, format=F.ARROW)) == MALFORMED


def test_types_of_other_names() -> None:
    """A column of pickles of another library is found, and a pickle under any name examined."""
    bad, mark = read("bad.arrows"), b"arrow.py_extension_type"
    ray = b"ray.data.arrow_pickled_object"[: len(mark)]
    other = rules_of(examined(bad.replace(mark, ray), format=F.ARROW))
    assert "pickle-dangerous-global" in other
    assert RULE not in other
