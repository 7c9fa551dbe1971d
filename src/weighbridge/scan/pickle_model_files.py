"""
Models of CRFsuite in pickles of sklearn-crfsuite, which unpickling writes into temporary files.

`FileResource.__setstate__` makes a file with `tempfile.mkstemp`, of a name that nobody had before,
and writes into it what the state has; `CRF` has CRFsuite read it when it is asked for labels. With
a name of its own choice in the state the object opens, overwrites or deletes that file, and with a
prefix of its own the new file is anywhere. So nothing in the state is free but the model, and that
has to be one which CRFsuite can read without harm. This is the one entry of the allow-list whose
names may write: the rule `pickle-temporary-file` says so each time.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.crfsuite import check_crfsuite
from weighbridge.formats.pickle.trace import Anomaly, AnomalyKind
from weighbridge.formats.pickle.values import CallNode, DictNode, Value
from weighbridge.scan.allowlist import Entry, State
from weighbridge.scan.pickle_facts import literal_bytes
from weighbridge.scan.pickle_plain import Refusal

CONTENT: Final = "__FILE_RESOURCE_DATA__"
"""Under which the state has what the file shall hold."""

_FIXED: Final[Mapping[str, Value]] = MappingProxyType(
    {"auto": True, "name": None, "prefix": "model", "suffix": ".crfsuite"}
)
"""What `CRF.__init__` gives the file when it has no name; anything else is somebody's choice."""

_FREE: Final = frozenset({"fd", "keep_tempfiles"})
"""A number that making the file replaces and nothing reads without a name, and a switch."""

_MODEL: Final = "modelfile"


def refuse_model_file(made: CallNode, state: Value) -> Refusal:
    """
    Say why *state* may not be given to *made*: it says more than what a temporary file holds.

    A key that is written twice, or after another state, would be another one when it is read.
    """
    if not isinstance(state, DictNode):
        return "the state of a file is not a dict of attributes"
    if len(made.states) != 1:
        return "a file gets a second state"
    keys = [key for key, _ in state.pairs()]
    if not all(isinstance(key, str) for key in keys) or len(set(keys)) != len(keys):
        return "an attribute of a file is written twice or is none"
    missing = next((key for key in _FIXED if key not in keys), None)
    if missing is not None:
        return f"the state of a file has no {missing}"
    refusals = (_refuse_attribute(key, value) for key, value in state.pairs())
    return next((refused for refused in refusals if refused is not None), None)


def _refuse_attribute(key: Value, value: Value) -> Refusal:
    """Say why a file may not have *value* as its attribute *key*."""
    if key == CONTENT:
        return _refuse_model(value)
    if isinstance(key, str) and key in _FIXED:
        fixed = _FIXED[key]
        same = type(value) is type(fixed) and value == fixed
        return None if same else f"the state chooses the {key} of a file"
    known = key in _FREE and isinstance(value, int | None)
    return None if known else f"the state of a file has {key!r}"


def _refuse_model(content: Value) -> Refusal:
    """Say why *content* is no model that CRFsuite can read without harm."""
    data = _bytes_of(content)
    if data is None:
        return "the content of a file is computed"
    try:
        check_crfsuite(BytesSource(data), between=lambda: None)
    except (LimitExceededError, MalformedContentError) as error:
        return f"the content of a file is no model of CRFsuite: {error}"
    return None


def content_of(state: Value) -> bytes | None:
    """Return what unpickling writes into the file with *state*; None where it writes none."""
    pairs = state.pairs() if isinstance(state, DictNode) else ()
    return next((_bytes_of(value) for key, value in pairs if key == CONTENT), None)


def is_ambiguous(state: Value, anomalies: Iterable[Anomaly]) -> bool:
    """
    Tell whether the file may be given other bytes than `content_of` *state* has.

    Python 2 pickles bytes as strings of no encoding. The trace has them in Latin-1 where they are
    not UTF-8, and not where they are: then nobody can tell from the text which of them it was.
    """
    pairs = state.pairs() if isinstance(state, DictNode) else ()
    old = any(key == CONTENT and isinstance(value, str) for key, value in pairs)
    return old and any(each.kind is AnomalyKind.STRING_ENCODING for each in anomalies)


def _bytes_of(content: Value) -> bytes | None:
    """Return bytes that a stream writes out, also as a string of Python 2 that is not UTF-8."""
    if not isinstance(content, str):
        return literal_bytes(content)
    try:
        return content.encode("latin-1")
    except UnicodeEncodeError:
        return None


def refuse_tagger(state: Value, *, made_by: Callable[[CallNode], Entry | None]) -> Refusal:
    """Say why *state* may not be given to a tagger: CRFsuite would open another file than its."""
    for key, value in state.pairs() if isinstance(state, DictNode) else ():
        if key != _MODEL:
            continue
        entry = made_by(value) if isinstance(value, CallNode) else None
        if entry is None or entry.state is not State.MODEL_FILE:
            return "its model is not a file that the stream makes"
    return None
