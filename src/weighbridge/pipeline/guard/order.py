"""
The order: a file that tells guarded interpreters what to enforce.

It holds the policy itself, so that what is enforced is what was read when the program was started,
whatever becomes of the policy's file. Its name in the environment has its digest: whoever changes
the file stops the children and decides nothing.
"""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError
from weighbridge.core.limits.loading import MAX_ORDER_BYTES
from weighbridge.core.values import frozen
from weighbridge.pipeline.guard.folders import bases_of
from weighbridge.policy.schema import Policy

SCHEMA: Final = "weighbridge.guard-order/v1"
_REFERENCE: Final = re.compile(r"([0-9a-f]{64}):(/.*)", re.DOTALL)


@frozen
class Order:
    """
    What a guarded interpreter enforces.

    Attributes:
        policy: The text of the policy.
        path: Its absolute path: names and keys are relative to its directory.
        boundary: Where it is applied.
        audit: Whether to record only.
        log: Absolute path of the file to which events are appended; None for none, or, with
            *audit*, for standard error.
        children: Whether children that would be unguarded are refused.

    The file has besides, for the start-up hook, which has no reader of JSON: where rules name
    directories (`folders.bases_of`), in hexadecimal digits.
    """

    policy: str
    path: str
    boundary: str
    audit: bool
    log: str | None
    children: bool = True

    def parse_policy(self) -> Policy:
        """
        Return the policy.

        Raises:
            PolicyError: It is not valid.
        """
        return Policy.from_toml(self.policy.encode(), path=self.path)


def render_order(order: Order) -> bytes:
    """Return *order* as the bytes of a file."""
    document = {
        "schema": SCHEMA,
        "policy": order.policy,
        "path": order.path,
        "boundary": order.boundary,
        "audit": order.audit,
        "log": order.log,
        "children": order.children,
        "bases": os.fsencode("\0".join(bases_of(order.parse_policy()))).hex(),
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def read_order(reference: str) -> Order:
    """
    Return the order that *reference* names: its digest, a colon, and the path of the file.

    Raises:
        OperationError: There is none, it is not the named one, or not an order.
    """
    named = _REFERENCE.fullmatch(reference)
    if named is None:
        raise _unusable(reference[:200], "expected a digest, a colon and an absolute path")
    digest, path = named.groups()
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_ORDER_BYTES + 1)
    except OSError as error:
        raise _unusable(path, str(error.strerror or error)) from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise _unusable(path, "it is not the one that was given out")
    return _parse(data, path)


def _parse(data: bytes, path: str) -> Order:
    try:
        document: Any = json.loads(data)
        schema = document.pop("schema")
        document.pop("bases")
        order = Order(**document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unusable(path, f"not an order: {error}") from error
    if schema != SCHEMA:
        raise _unusable(path, f"the schema {schema!r}"[:200])
    return order


def reference_to(data: bytes, path: str | os.PathLike[str]) -> str:
    """Return what names the order *data* in the file *path*."""
    return f"{hashlib.sha256(data).hexdigest()}:{os.path.abspath(path)}"


def _unusable(where: str, found: str) -> OperationError:
    return OperationError(
        "the guard's order cannot be used", code=Code.GUARD_DENIED, where=where, found=found
    )
