"""Models of XGBoost, CatBoost, fastText, CRFsuite and others hold together, or are gaps."""

import struct
from pathlib import Path

import pytest

from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.codes import Code

UBJSON = b"{L" + struct.pack(">q", 7) + b"learner{}}"
CORE = struct.pack("<IHHi", 8, 4, 4, 4)
CATBOOST = b"CBM1" + struct.pack("<I", len(CORE)) + CORE
CRFSUITE = Path(__file__).parents[3].joinpath("vectors", "crfsuite", "model.crfsuite").read_bytes()

WORDS = b"SMFC1\0\x02\0\x03abc\x00\x00\x02\x01d\xfe"
CHARSMAP = struct.pack("<I", 1024) + bytes(1024) + b"text\0"
TRIE = bytes(8) + struct.pack("<ii", 1, 0)


def fasttext(
    *, version: int = 12, dimension: int = 8, entries: int = 3, words: int = 3, labels: int = 0
) -> bytes:
    """Return the header of a fastText model, and room for its words."""
    arguments = (dimension, 5, 1, 1, 5, 1, 1, 1, 10, 3, 6, 100)
    head = struct.pack("<ii12id", 793712314, version, *arguments, 0.1)
    return head + struct.pack("<iiiqq", entries, words, labels, 9, -1) + bytes(100)


@pytest.mark.parametrize(
    ("data", "file_format", "twin"),
    [
        (UBJSON, F.XGBOOST, UBJSON + b"Z"),
        (UBJSON, F.XGBOOST, UBJSON[:-1]),
        (CATBOOST, F.CATBOOST, CATBOOST[:-1]),
        (CATBOOST, F.CATBOOST, CATBOOST[:8] + bytes(8) + CATBOOST[16:]),
        (CATBOOST, F.CATBOOST, CATBOOST[:8]),
        (CATBOOST, F.CATBOOST, CATBOOST[:12] + bytes(8)),
        (CRFSUITE, F.CRFSUITE, CRFSUITE[:-1]),
        (CRFSUITE, F.CRFSUITE, CRFSUITE + b"cos\nsystem\n"),
        (CHARSMAP, F.CHARSMAP, CHARSMAP[:-1]),
        (CHARSMAP, F.CHARSMAP, CHARSMAP[:6] + b"\x10" + CHARSMAP[7:]),
        (WORDS, F.FRONT_CODED, WORDS + b"cos\nsystem\n"),
        (TRIE, F.THULAC, TRIE + b"cos\nsystem\n"),
        (fasttext(), F.FASTTEXT, fasttext(version=13)),
        (fasttext(), F.FASTTEXT, fasttext(dimension=0)),
        (fasttext(), F.FASTTEXT, fasttext(entries=2**31 - 1)),
        (fasttext(), F.FASTTEXT, fasttext(words=2)),
        (fasttext(), F.FASTTEXT, fasttext(words=4, labels=-1)),
        (fasttext(), F.FASTTEXT, fasttext()[:60]),
    ],
)
def test_frames(data: bytes, file_format: F, twin: bytes) -> None:
    """A file whose counts and sizes fit is clean, one with others is not passed."""
    assert examined(data, format=file_format) == ()
    assert rules_of(examined(twin, format=file_format)) == {str(Code.SCAN_MALFORMED)}
