"""
What a DSSE signature is over: the pre-authentication encoding of type and payload.

Source: DSSE protocol 1.0, https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md.
"""

from typing import Final

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
"""The one payload type of OMS."""


def encode(payload: bytes) -> bytes:
    """Return the bytes that a signature over the in-toto statement *payload* covers."""
    return b"DSSEv1 %d %s %d %s" % (
        len(PAYLOAD_TYPE),
        PAYLOAD_TYPE.encode("ascii"),
        len(payload),
        payload,
    )


def encode_legacy(payload: bytes) -> bytes:
    """
    Return what releases before 1.0 of the reference implementation signed instead.

    They put the payload's Python representation where its bytes belong, and wrote the version
    in capitals. The encoding is still unambiguous, since the representation of bytes is. Only
    for verifying signatures of that time, on the caller's explicit wish.
    """
    return f"DSSEV1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} {payload!r}".encode("ascii")
