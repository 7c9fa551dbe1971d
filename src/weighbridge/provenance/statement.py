"""
in-toto statements: what they are about, and of which kind they are.

Source: in-toto Attestation Framework 1.2, Statement v1; v0.1 has the same members, and the SLSA
GitHub generator still writes it.
"""

import json
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from weighbridge.core.attestation import Artifact, Content, Resource
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ClaimError,
    LimitExceededError,
    MalformedContentError,
    UsageError,
)
from weighbridge.core.limits.claims import MAX_STATEMENT_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.provenance.fields import Fields, JsonObject, fields, required_text
from weighbridge.provenance.resources import (
    read_resources,
    render_artifact,
    render_resource,
    subjects_of,
)

__all__ = [
    "PAYLOAD_TYPE",
    "STATEMENT_TYPE",
    "JsonObject",
    "Statement",
    "parse_statement",
    "render_statement",
    "subjects_of",
]

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
"""What a DSSE envelope says that a statement in it is."""

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
_STATEMENT_TYPES: Final = frozenset({STATEMENT_TYPE, "https://in-toto.io/Statement/v0.1"})


_C = TypeVar("_C", bound=Content)


@frozen
class Statement:
    """
    A statement as it stands: a claim until its signer was verified.

    Attributes:
        subjects: What it is about, in its order; each has a digest.
        predicate_type: URI of what kind it is.
        predicate: What it says; null where it says nothing.
    """

    subjects: tuple[Resource, ...]
    predicate_type: str
    predicate: JsonValue


def parse_statement(payload: bytes, /, *, where: str) -> Statement:
    """
    Parse a statement, the payload of a DSSE envelope.

    Args:
        payload: The very bytes that the signature is over.
        where: File and line, for messages.

    Raises:
        ClaimError: It is no strict JSON, or no statement; or, with the code `limit-exceeded`, it
            is beyond a bound.
    """
    try:
        return _parse(payload, where=where)
    except MalformedContentError as error:
        raise ClaimError(
            "the statement is not strict JSON",
            where=where,
            expected=error.expected,
            found=error.found,
        ) from error
    except LimitExceededError as error:
        raise beyond_a_bound(error, where=where) from error


def beyond_a_bound(error: LimitExceededError, /, *, where: str) -> ClaimError:
    """Return the error of a claim for a bound that was met while it was read."""
    return ClaimError(
        error.message,
        code=Code.LIMIT_EXCEEDED,
        where=where,
        expected=error.expected,
        found=error.found,
    )


def render_statement(
    *,
    artifacts: Sequence[Artifact],
    predicate_type: str,
    predicate: JsonObject,
    files: Sequence[Resource] = (),
) -> bytes:
    """
    Return the bytes to sign: JSON with sorted keys and without space.

    Each artifact is named by two subjects: `NAME` with its root digest and `NAME#manifest` with
    its names digest.

    Args:
        artifacts: What the statement is about.
        predicate_type: URI of the kind of statement.
        predicate: What it says of all of them.
        files: Single files that it is about besides, each with a digest.

    Raises:
        UsageError: It would be about nothing, or would not say about what.
    """
    subjects: list[JsonValue] = []
    for artifact in artifacts:
        subjects.extend(render_artifact(artifact))
    subjects.extend(render_resource(file) for file in files)
    document: JsonObject = {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    data = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    _check_subjects(data.encode("ascii"), (tuple(artifacts), tuple(files)))
    return data.encode("ascii")


def check_written(predicate: JsonObject, content: _C, read: Callable[[Fields], _C], /) -> None:
    """
    Refuse a *predicate* that *read* does not read as the *content* that it was made of.

    Raises:
        UsageError: A reader would think something else of it than who signs it.
    """
    try:
        found: _C | None = read(fields(predicate, at="predicate", where="what is to be written"))
        problem = "others"
    except ClaimError as error:
        found, problem = None, str(error)
    if found != content:
        raise UsageError(
            "the statement would not be read as it is meant",
            expected="values that are not empty, sorted parameters, a source at git+URI with its "
            "commit, and other dependencies that are neither artifacts nor sources",
            found=problem,
        )


def _check_subjects(data: bytes, about: tuple[tuple[Artifact, ...], tuple[Resource, ...]]) -> None:
    """Refuse a statement that nobody could read, or would read as being about something else."""
    try:
        statement = parse_statement(data, where="what is to be written")
        found = subjects_of(statement.subjects, where="what is to be written")
    except ClaimError as error:
        raise UsageError(
            "nobody could read the statement", expected=error.expected, found=str(error)
        ) from error
    if found != about:
        raise UsageError(
            "the statement would not say what it is about",
            expected="subjects, each with a name of its own, and none twice",
            found="others",
        )


def _parse(payload: bytes, *, where: str) -> Statement:
    if len(payload) > MAX_STATEMENT_BYTES:
        raise LimitExceededError(
            "the statement is too large",
            where=where,
            expected=f"at most {MAX_STATEMENT_BYTES} bytes",
            found=str(len(payload)),
        )
    statement = fields(parse_json(payload, what=where), at="statement", where=where)
    kind = statement.text("_type")
    if kind not in _STATEMENT_TYPES:
        raise statement.error(
            "_type is another one", expected=repr(STATEMENT_TYPE), found=repr(kind[:120])
        )
    subjects = read_resources(statement, "subject")
    if not subjects or not all(subject.digests for subject in subjects):
        raise statement.error(
            "the statement does not say what it is about",
            expected="at least one subject, and a digest for each",
            found=f"{sum(1 for s in subjects if s.digests)} with one of {len(subjects)}",
        )
    return Statement(
        subjects=subjects,
        predicate_type=required_text(statement, "predicateType"),
        predicate=statement.value("predicate") if "predicate" in statement else None,
    )
