"""
Models in formats without a way to express code: boosters, words, arrays, MNN.

Their readers, in C or C++, trust what they read, so the frame of each file is checked; a file
that does not hold together is a gap. There is nothing in them for a rule to judge.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Final, Protocol

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource, RegionSource
from weighbridge.core.errors import MalformedContentError, one_line
from weighbridge.core.evidence import Gap
from weighbridge.formats.charsmap import check_charsmap
from weighbridge.formats.crfsuite import check_crfsuite
from weighbridge.formats.flatbuffers import Flatbuffer
from weighbridge.formats.front_coding import check_front_coding
from weighbridge.formats.mnn import external_paths
from weighbridge.formats.mxnet import check_mxnet
from weighbridge.formats.paddle_parameters import check_parameters
from weighbridge.formats.sphinx_lm import check_sphinx_lm
from weighbridge.formats.thulac import check_thulac
from weighbridge.formats.ubjson import check_ubjson
from weighbridge.formats.word2vec import check_word2vec
from weighbridge.scan.interface import Analysis, Subject, shorten

_NAMED: Final = 4
_CATBOOST: Final = struct.Struct("<4sI")
_FASTTEXT: Final = struct.Struct("<ii12idiiiqq")
_FASTTEXT_VERSION: Final = 12
_SMALLEST_ENTRY: Final = 10
"""Bytes of a fastText word: a terminator, a count and a kind (`Dictionary::save`)."""


class _Walk(Protocol):
    """Holds a file against itself, and asks *between* as it goes."""

    def __call__(self, source: ByteSource, /, *, between: Callable[[], None]) -> None:
        """Return where the file holds together."""


_WALKED: Final[Mapping[FileFormat, _Walk]] = MappingProxyType(
    {
        FileFormat.CHARSMAP: check_charsmap,
        FileFormat.CRFSUITE: check_crfsuite,
        FileFormat.FRONT_CODED: check_front_coding,
        FileFormat.MXNET: check_mxnet,
        FileFormat.PADDLE_PARAMETERS: check_parameters,
        FileFormat.THULAC: check_thulac,
        FileFormat.XGBOOST: check_ubjson,
    }
)


def analyze(subject: Subject) -> Analysis:
    """
    Yield nothing where the file holds together, and a gap where a part of it lies elsewhere.

    Raises:
        MalformedContentError: It does not.
        LimitExceededError: More values than the limit.
    """
    walk = _WALKED.get(subject.format)
    if walk is not None:
        walk(subject.source, between=subject.check_time)
        return
    match subject.format:
        case FileFormat.SPHINX_LM:
            check_sphinx_lm(subject.source)
        case FileFormat.WORD2VEC:
            check_word2vec(subject.source)
        case FileFormat.MNN:
            yield from _outside(subject)
        case FileFormat.CATBOOST:
            _check_catboost(subject)
        case _:
            _check_fasttext(subject)


def _outside(subject: Subject) -> Iterator[Gap]:
    """Yield a gap where operators of MNN have their weights in other files."""
    paths = dict.fromkeys(path for _, path in external_paths(Flatbuffer(subject.source)))
    if paths:
        named = ", ".join(repr(path) for path in islice(paths, _NAMED))
        reason = f"the weights of some operators lie in other files: {one_line(named)}"
        yield subject.gap(shorten(reason), code=Code.SCAN_UNSUPPORTED)


def _check_catboost(subject: Subject) -> None:
    """Hold the size of the flatbuffer in front, and its root, against the file."""
    head = subject.source.read_at(0, _CATBOOST.size + 4)
    if len(head) < _CATBOOST.size + 4:
        raise _malformed("a CatBoost model", f"{len(head)} bytes")
    _, size = _CATBOOST.unpack_from(head)
    root = int.from_bytes(head[_CATBOOST.size :], "little")
    if _CATBOOST.size + size > subject.source.size or not 0 < root < size:
        raise _malformed("a core that lies in the file", f"{size} bytes, root at {root}")
    # A root that is no table of a flatbuffer ends this; what the table says is CatBoost's matter.
    Flatbuffer(RegionSource(subject.source, offset=_CATBOOST.size, length=size)).root()


def _check_fasttext(subject: Subject) -> None:
    """Hold the counts of the header against the file (`FastText::loadModel`)."""
    head = subject.source.read_at(0, _FASTTEXT.size)
    if len(head) < _FASTTEXT.size:
        raise _malformed("a fastText model", f"{len(head)} bytes")
    _, version, dimension, *rest = _FASTTEXT.unpack(head)
    entries, words, labels, _, pruned = rest[-5:]
    fits = 0 <= entries * _SMALLEST_ENTRY <= subject.source.size
    if version > _FASTTEXT_VERSION or dimension <= 0 or not fits or pruned < -1:
        raise _malformed("counts that the file can hold", f"{entries} entries of {dimension}")
    if words + labels != entries or min(words, labels) < 0:
        raise _malformed(f"{entries} words and labels", f"{words} and {labels}")


def _malformed(expected: str, found: str) -> MalformedContentError:
    return MalformedContentError("the model cannot be read", expected=expected, found=found)
