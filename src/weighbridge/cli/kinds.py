"""Kinds of keys that the signature format does not have: asked for in so many words."""

from collections.abc import Callable
from typing import Any, Final

import click

from weighbridge.cli.terminal import Session
from weighbridge.core.identity import KeyIdentity, VerifiedIdentity

ALGORITHMS: Final = ("ed25519", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87")
"""What `signing.algorithms` has beyond the format; named here so that help imports none of it."""

WARNING: Final = (
    "warning: today's other clients of the signature format cannot read signatures by this kind "
    "of key"
)


def nonstandard_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--allow-nonstandard-keys`."""
    return click.option(
        "--allow-nonstandard-keys",
        is_flag=True,
        help="Take Ed25519 and ML-DSA keys as well. Today's other clients of the format cannot "
        "read their signatures.",
    )(function)


def warn_of_kind(session: Session, identity: VerifiedIdentity) -> None:
    """Say so on standard error where *identity* is of a key that the format does not have."""
    if isinstance(identity, KeyIdentity) and identity.curve in ALGORITHMS:
        session.talk(WARNING)
