"""
Claims: what a signed statement says of which artifacts, before anybody knows who signed it.

Statements of other kinds than these are none of our business: they are unknown, and a gap. A
model's own signature is a statement as well; whoever has the signature reads it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from weighbridge.core.attestation import Artifact, Content, Resource
from weighbridge.core.codes import Code
from weighbridge.core.errors import ClaimError, LimitExceededError
from weighbridge.core.values import frozen
from weighbridge.provenance import slsa, slsa_v02
from weighbridge.provenance.fields import Fields, fields
from weighbridge.provenance.link import LINK_V03, read_link
from weighbridge.provenance.part_digests import PARTS_V1, read_parts
from weighbridge.provenance.slsa import PROVENANCE_V1
from weighbridge.provenance.slsa_v02 import PROVENANCE_V02
from weighbridge.provenance.statement import Statement, beyond_a_bound, parse_statement, subjects_of
from weighbridge.provenance.summary import SUMMARY_V1, read_summary
from weighbridge.provenance.test_result import TEST_RESULT_V01, read_test_result
from weighbridge.provenance.witness import COLLECTION, product_files, read_collection


@frozen
class Claim:
    """
    A statement as it was read: nobody is known to have signed it yet.

    Attributes:
        artifacts: What it is about: those subjects that come with both digests.
        files: Its other subjects.
        content: What it says of all of them.
        predicate_type: URI of what kind it is.
    """

    artifacts: tuple[Artifact, ...]
    files: tuple[Resource, ...]
    content: Content
    predicate_type: str


_Reader: TypeAlias = Callable[[Fields], Content]

_READERS: Final[Mapping[str, _Reader]] = MappingProxyType(
    {
        PROVENANCE_V1: slsa.read_build,
        PROVENANCE_V02: slsa_v02.read_build,
        SUMMARY_V1: read_summary,
        TEST_RESULT_V01: read_test_result,
        LINK_V03: read_link,
        COLLECTION: read_collection,
        PARTS_V1: read_parts,
    }
)

PREDICATE_TYPES: Final = frozenset(_READERS)
"""URIs of the kinds of statements that are read here."""


def read_claim(payload: bytes, /, *, where: str) -> Claim:
    """
    Read the statement *payload*, whose signature nobody has verified yet.

    Args:
        payload: The very bytes that the signature is over.
        where: File and line, for messages.

    Raises:
        ClaimError: With the code `claim-unknown`, it is of a kind that is not read here; with
            `limit-exceeded`, it is beyond a bound; with `claim-malformed`, it is broken.
    """
    statement = parse_statement(payload, where=where)
    read = _READERS.get(statement.predicate_type)
    if read is None:
        raise ClaimError(
            "this kind of statement is not read here",
            code=Code.CLAIM_UNKNOWN,
            where=where,
            expected="SLSA provenance, a verification summary, a test result, a link or parts",
            found=repr(statement.predicate_type[:200]),
        )
    artifacts, files = _about(statement, where=where)
    predicate = {} if statement.predicate is None else statement.predicate
    try:
        content = read(fields(predicate, at="predicate", where=where))
    except LimitExceededError as error:
        raise beyond_a_bound(error, where=where) from error
    return Claim(
        artifacts=artifacts,
        files=files,
        content=content,
        predicate_type=statement.predicate_type,
    )


def _about(
    statement: Statement, *, where: str
) -> tuple[tuple[Artifact, ...], tuple[Resource, ...]]:
    """
    Return the artifacts and the files that *statement* is about.

    Of links and collections each subject is a file that a step left behind and a tool digested.
    There is a file whose digest is the root digest of any model, and one for its names: two
    files called `NAME` and `NAME#manifest` are no artifact.
    """
    if statement.predicate_type == COLLECTION:
        return (), product_files(statement.subjects)
    if statement.predicate_type == LINK_V03:
        return (), statement.subjects
    return subjects_of(statement.subjects, where=where)
