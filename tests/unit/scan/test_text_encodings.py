"""Text in UTF-16, UTF-32 or behind a mark is told and examined as what it says."""

import json

import pytest

from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.limits.sniffing import SNIFF_BYTES
from weighbridge.formats.sniff import sniff

ENCODINGS = ["utf-8-sig", "utf-16", "utf-32"]
BARE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
BAD = json.dumps({"x": {"_target_": "os.system"}})
GOOD = json.dumps({"x": {"target": "os.system"}})
YAML = "x:\n  _target_: os.system\n"


def told(data: bytes, name: str) -> F:
    """Return the format of *data*."""
    return sniff(BytesSource(data), name=name).format


def rules(data: bytes, name: str) -> set[str]:
    """Return what the scan says of *data*, in the format that it is told to have."""
    return rules_of(examined(data, format=told(data, name), path=name))


@pytest.mark.parametrize("encoding", [*ENCODINGS, *BARE])
def test_json(encoding: str) -> None:
    """JSON is found guilty in every encoding, with a mark and without, and innocent in each."""
    assert told(BAD.encode(encoding), "config.json") is F.JSON
    assert rules(BAD.encode(encoding), "config.json") == {"config-target"}
    assert rules(GOOD.encode(encoding), "config.json") == set()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_yaml(encoding: str) -> None:
    """YAML, too, behind a mark."""
    assert told(YAML.encode(encoding), "config.yaml") is F.YAML
    assert rules(YAML.encode(encoding), "config.yaml") == {"config-target"}
    assert rules(YAML.replace("_t", "t").encode(encoding), "config.yaml") == set()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_tag_in_text(encoding: str) -> None:
    """A tag of YAML in text of any name is found in every encoding."""
    text = "x: !!python/object/apply:os.system ['true']\n"
    assert rules(text.encode(encoding), "notes.txt") == {"yaml-python-tag"}
    assert rules(text.replace("!!", "").encode(encoding), "notes.txt") == set()


def test_long_text() -> None:
    """A text that goes on behind what sniffing sees is told by its start, a cut character or not."""
    text = "\U0001f600" * SNIFF_BYTES
    for at in range(2):
        assert told(("x" * at + text).encode("utf-16"), "a.txt") is F.TEXT


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00\xd8\x00",
        b"\xff\xfea\x00\x00\x00",
        b"{\x00\x01\x02\x03\x04",
        b"\xff\xfe",
    ],
)
def test_other_bytes(data: bytes) -> None:
    """Bytes that only start like such a text are unknown."""
    assert told(data, "config.json") is F.UNKNOWN


def test_a_text_that_breaks_later() -> None:
    """What turns out not to be the encoding of its mark is a gap."""
    data = ("x" * SNIFF_BYTES).encode("utf-16") + b"\x00\xd8a\x00"
    assert rules(data, "a.yaml") == {str(Code.SCAN_MALFORMED)}


def test_markup_in_other_encodings() -> None:
    """HTML and Python in such encodings are not read, and stay unknown."""
    assert told("<html><body>x</body></html>".encode("utf-16"), "a.html") is F.UNKNOWN
    assert told("import os\n".encode("utf-16"), "a.py") is F.UNKNOWN
