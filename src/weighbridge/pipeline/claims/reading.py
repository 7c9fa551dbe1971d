"""
The claims file of an artifact: one signed statement a line, a Sigstore bundle each.

A directory has `model.claims.jsonl` at its root, a single file `FILE` has `FILE.claims.jsonl`
beside it. Nothing is verified here. A line that is no bundle is a gap and changes nothing about
the others: whoever can write the file could as well have removed what is in it.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from weighbridge.core.artifact import CLAIMS_NAME, ArtifactKind
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ClaimError,
    IndeterminateError,
    LimitExceededError,
    OperationError,
    SignatureRejectedError,
    WeighbridgeError,
)
from weighbridge.core.evidence import Gap, Stage
from weighbridge.core.limits.claims import MAX_CLAIM_BYTES, MAX_CLAIMS, MAX_CLAIMS_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.json import parse_json
from weighbridge.pipeline.signatures import reason_of
from weighbridge.signing.bundle import Bundle, parse_bundle
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.reading import read_if_present

_BLANK: Final = b" \t\r"


@frozen
class ClaimLine:
    """
    One line of a claims file.

    Attributes:
        place: File name and line, for messages.
        data: The bundle, without the line break and without blanks around it.
        sha256: Lower-case hex digest of `data`.
        bundle: What it parses to, nothing of which is verified; None where it does not.
        gap: Why it does not; None where it does.
    """

    place: str
    data: bytes
    sha256: str
    bundle: Bundle | None
    gap: Gap | None


@frozen
class ClaimsFile:
    """
    What there is of claims.

    Attributes:
        place: The file; it need not be there.
        lines: Each claim once, in the order of the file; blank lines are none.
        gaps: Why the file as a whole could not be read; there are no lines then.
    """

    place: Path
    lines: tuple[ClaimLine, ...] = ()
    gaps: tuple[Gap, ...] = ()


def claims_place(handle: LocalHandle, /) -> Path:
    """Return where the claims about the artifact lie, whether there are any or not."""
    if handle.kind is ArtifactKind.DIRECTORY:
        return handle.root / CLAIMS_NAME
    return handle.root.with_name(handle.root.name + CLAIMS_NAME.removeprefix("model"))


def read_claims(handle: LocalHandle, /) -> ClaimsFile:
    """
    Read the claims about the artifact, once; a file that is not there has none.

    What cannot be read is a gap and no error: what it means is the policy's to say.
    """
    place = claims_place(handle)
    try:
        data = read_if_present(place, limit=MAX_CLAIMS_BYTES)
        lines = () if data is None else parse_lines(data, name=place.name)
    except (LimitExceededError, OperationError) as error:
        return ClaimsFile(place=place, gaps=(claim_gap(error, place.name, name=place.name),))
    return ClaimsFile(place=place, lines=lines)


def parse_lines(data: bytes, *, name: str) -> tuple[ClaimLine, ...]:
    """
    Return the claims in *data*, the content of the claims file called *name*; each once.

    Raises:
        LimitExceededError: There are more than `MAX_CLAIMS` lines.
    """
    return tuple(_parsed(line, place=place) for place, line in split_lines(data, name=name))


def split_lines(data: bytes, *, name: str) -> Iterator[tuple[str, bytes]]:
    """
    Yield place and bytes of every claim in *data*, each once; nothing is parsed.

    Raises:
        LimitExceededError: There are more than `MAX_CLAIMS` lines.
    """
    if data.count(b"\n") > MAX_CLAIMS:
        raise too_many(name)
    seen: set[bytes] = set()
    for number, raw in enumerate(data.split(b"\n"), start=1):
        line = raw.strip(_BLANK)
        if not line or line in seen:
            continue
        seen.add(line)
        if len(seen) > MAX_CLAIMS:
            raise too_many(name)
        yield f"{name}:{number}", line


def too_many(name: str) -> LimitExceededError:
    """Return the error for a claims file with too many lines."""
    return LimitExceededError(
        "the file has too many claims",
        where=name,
        expected=f"at most {MAX_CLAIMS} lines",
        hint="Take out those that nobody needs: no line depends on another one",
    )


def one_line(data: bytes, *, where: str) -> bytes:
    """
    Return the bundle *data* as one line, and its very bytes where they are one.

    Raises:
        SignatureRejectedError: It is no bundle.
        ClaimError: It is longer than a claim may be.
        LimitExceededError: JSON nested beyond any sense.
    """
    line = data.strip(b" \t\r\n")
    if len(line) > MAX_CLAIM_BYTES:
        raise _too_long(where, len(line))
    parse_bundle(line, where=where)
    if b"\n" not in line and b"\r" not in line:
        return line
    # Strict JSON has no line break within a string, so that this changes nothing but blanks.
    return json.dumps(parse_json(line, what=where), separators=(",", ":")).encode("ascii")


def claim_gap(error: WeighbridgeError, place: str, *, name: str, signer: str | None = None) -> Gap:
    """Return the gap that *error* makes of the claim at *place* in the file called *name*."""
    who = f"{signer}: " if signer else ""
    return Gap(
        stage=Stage.PROVENANCE,
        code=error.code,
        path=name,
        reason=f"{place}: {who}{reason_of(error)}",
    )


def digest_of(line: bytes, /) -> str:
    """Return the digest by which a claim is named."""
    return hashlib.sha256(line).hexdigest()


def _parsed(line: bytes, *, place: str) -> ClaimLine:
    name = place.rpartition(":")[0]
    bundle: Bundle | None = None
    gap: Gap | None = None
    try:
        if len(line) > MAX_CLAIM_BYTES:
            raise _too_long(place, len(line))
        bundle = parse_bundle(line, where=place)
    except SignatureRejectedError as error:
        # To those who look for claims, what is broken is a claim.
        broken = ClaimError(
            error.message, code=Code.CLAIM_MALFORMED, expected=error.expected, found=error.found
        )
        gap = claim_gap(broken, place, name=name)
    except (ClaimError, IndeterminateError) as error:
        gap = claim_gap(error, place, name=name)
    return ClaimLine(place=place, data=line, sha256=digest_of(line), bundle=bundle, gap=gap)


def _too_long(where: str, size: int) -> ClaimError:
    return ClaimError(
        "the claim is too long",
        where=where,
        expected=f"at most {MAX_CLAIM_BYTES} bytes",
        found=str(size),
    )
