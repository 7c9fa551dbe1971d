"""Signatures for tests: made by our own signers, or assembled by hand to be wrong."""

import base64
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from support.inventories import inventory_of
from support.pki import NOW, curve_key, public_pem
from weighbridge.core.codes import Code
from weighbridge.core.digest import HashLayout
from weighbridge.core.errors import RefusedError
from weighbridge.core.identity import VerifiedIdentity
from weighbridge.signing.bundle import Bundle, parse_bundle
from weighbridge.signing.interface import Signer, Verifier
from weighbridge.signing.key import KeySigner, KeyVerifier
from weighbridge.signing.manifest import make_statement
from weighbridge.signing.statement import Statement, parse_statement, render_statement

Document = dict[str, Any]
"""A JSON document that a test takes apart and puts together wrongly."""

FILES: Mapping[str, bytes] = {"config.json": b"{}", "weights/model.safetensors": b"0123456789"}
"""A small model."""

SHARDS = HashLayout(shard_size=4)
"""Three shards for the ten bytes of the weights, one for the configuration."""


def state(
    files: Mapping[str, bytes] = FILES,
    *,
    layout: HashLayout | None = None,
    ignored: Collection[str] = (),
) -> Statement:
    """Return the statement that signs *files*."""
    layout = layout or HashLayout()
    inventory = inventory_of(files, layout=layout)
    return make_statement(inventory, layout, ignored=ignored, allow_symlinks=False)


def statement_document(statement: Statement | None = None) -> Document:
    """Return a correct statement as a document."""
    document: Document = json.loads(render_statement(statement or state()))
    return document


def key_signer(curve: str = "secp256r1", *, number: int = 0) -> KeySigner:
    """Return a signer with the test key *number* on *curve*."""
    return KeySigner(curve_key(curve, number=number))


def key_verifier(
    curve: str = "secp256r1", *, number: int = 0, allow_legacy: bool = False
) -> KeyVerifier:
    """Return the verifier for `key_signer` with the same arguments."""
    pem = public_pem(curve_key(curve, number=number))
    return KeyVerifier.from_pem(pem, where="key.pub", allow_legacy=allow_legacy)


def bundle_document(signer: Signer | None = None, payload: bytes | None = None) -> Document:
    """Return a correct signature file as a document."""
    payload = render_statement(state()) if payload is None else payload
    document: Document = json.loads((signer or key_signer()).sign(payload))
    return document


def parse(document: Document) -> Bundle:
    """Parse a signature file given as a document."""
    return parse_bundle(json.dumps(document).encode(), where="model.sig")


def parse_payload(document: Document, *, allow_legacy: bool = False) -> Statement:
    """Parse a statement given as a document."""
    payload = json.dumps(document).encode()
    return parse_statement(payload, where="model.sig", allow_legacy=allow_legacy)


def verified(data: bytes, verifier: Verifier | None = None) -> tuple[VerifiedIdentity, Statement]:
    """Verify the signature file *data* as the pipeline does."""
    bundle = parse_bundle(data, where="model.sig")
    identity = (verifier or key_verifier()).verify(bundle, at=NOW)
    return identity, parse_statement(bundle.payload, where=bundle.where)


def base64_of(data: bytes) -> str:
    """Return standard base64."""
    return base64.b64encode(data).decode()


def altered(document: Document, change: Callable[[Document], object]) -> Document:
    """Return *document* after *change*, which alters it in place."""
    copy: Document = json.loads(json.dumps(document))
    change(copy)
    return copy


@contextmanager
def refused(code: Code, *, text: str = "") -> Iterator[None]:
    """Expect a refusal (exit code 10) with *code* whose message has *text*."""
    with pytest.raises(RefusedError) as raised:
        yield
    assert raised.value.exit_code == 10
    assert raised.value.code is code, str(raised.value)
    assert text in str(raised.value)
