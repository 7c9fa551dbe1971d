"""Options about digests that exist already: an earlier signature, a manifest."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from weighbridge.cli.options import FILE
from weighbridge.core.limits.signing import MAX_KEY_FILE_BYTES
from weighbridge.sources.reading import read_named

if TYPE_CHECKING:
    from weighbridge.pipeline.prior import PriorDigests
    from weighbridge.signing.interface import Verifier

FULL: Final = "full"
SAMPLE: Final = "sample"

_OPTIONS: Final[tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...]] = (
    click.option(
        "--reuse", type=FILE, metavar="OLD.sig", help="Verify this earlier signature first."
    ),
    click.option(
        "--reuse-public-key",
        type=FILE,
        multiple=True,
        help="PEM, the key that made the earlier signature. May be repeated.",
    ),
    click.option(
        "--reuse-trust",
        metavar="NAME",
        multiple=True,
        help="The policy's trust entry for who made the earlier signature. May be repeated.",
    ),
    click.option(
        "--reuse-policy",
        type=FILE,
        default=Path("weighbridge.toml"),
        show_default=True,
        help="The policy with those entries.",
    ),
    click.option(
        "--trust-stamps",
        is_flag=True,
        help="Do not read files that, by the file system's times, did not change since; their "
        "digests are the earlier signature's. Needs --remember then.",
    ),
    click.option(
        "--remember",
        is_flag=True,
        help="Note how the file system describes the files, for a later --trust-stamps.",
    ),
    click.option(
        "--manifest",
        type=FILE,
        help="Sign only if the files are those of this OCI manifest, hub listing or download.",
    ),
    click.option(
        "--manifest-check",
        type=click.Choice((FULL, SAMPLE)),
        default=FULL,
        show_default=True,
        help="Read every file, or a random sample and believe the manifest for the others.",
    ),
)


def prior_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, and hand their values on as one argument, *prior*."""

    @functools.wraps(function)
    def collected(*arguments: Any, **given: Any) -> Any:  # noqa: ANN401  any command's
        return function(*arguments, prior=_prior(given), **given)

    decorated: Callable[..., Any] = collected
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _prior(given: dict[str, Any]) -> "PriorDigests | None":
    """Take the values of the options out of *given*, and return what they mean together."""
    reuse = given.pop("reuse")
    keys: tuple[Path, ...] = given.pop("reuse_public_key")
    names: tuple[str, ...] = given.pop("reuse_trust")
    policy: Path = given.pop("reuse_policy")
    trust_stamps: bool = given.pop("trust_stamps")
    remember: bool = given.pop("remember")
    manifest: Path | None = given.pop("manifest")
    sample = given.pop("manifest_check") == SAMPLE
    if not (reuse or keys or names or trust_stamps or remember or manifest or sample):
        return None
    from weighbridge.pipeline.prior import PriorDigests  # noqa: PLC0415  seldom needed

    return PriorDigests(
        reuse=reuse,
        signers=(*_by_key(keys), *_by_trust(names, policy)),
        trust_stamps=trust_stamps,
        remember=remember,
        manifest=manifest,
        sample=sample,
    )


def _by_key(paths: tuple[Path, ...]) -> "Iterator[Verifier]":
    if paths:
        from weighbridge.signing.key import KeyVerifier  # noqa: PLC0415  seldom needed

        for path in paths:
            data = read_named(path, limit=MAX_KEY_FILE_BYTES, what="public key")
            yield KeyVerifier.from_pem(data, where=str(path))


def _by_trust(names: tuple[str, ...], policy: Path) -> "Iterator[Verifier]":
    if names:
        from weighbridge.pipeline.earlier import trusted_signers  # noqa: PLC0415  seldom needed
        from weighbridge.policy.schema import Policy  # noqa: PLC0415

        yield from trusted_signers(Policy.from_file(policy), names)
