"""
The reference's commands and flags, each handed on to the command of `weighbridge` that it means.

Flags can be written with `-` and with `_`: the reference has the one, its fork the other.
"""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from weighbridge.cli.hiding import hide_secrets
from weighbridge.cli.terminal import log_handler
from weighbridge.compat.model_signing import operation
from weighbridge.compat.model_signing.tokens import read_token_uri
from weighbridge.core.errors import WeighbridgeError

Command = Callable[..., int]
Decorator = Callable[[Command], Command]

_METHODS: Final = ("sigstore", "key", "certificate", "pkcs11-key", "pkcs11-certificate")
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_PATH: Final = click.Path(path_type=Path)


class _Methods(click.Group):
    """A group in which no method means `sigstore`, as in the reference."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the method; anything else is the first argument of `sigstore`."""
        if args[0].replace("_", "-") in _METHODS:
            return super().resolve_command(ctx, args)
        return "sigstore", self.get_command(ctx, "sigstore"), args


def _options(*decorators: Decorator) -> Decorator:
    def decorate(function: Command) -> Command:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


_MODEL: Final = click.argument("model", metavar="MODEL_PATH", type=click.Path())
_SELECTION: Final = _options(
    click.option("--ignore-paths", type=_PATH, multiple=True, help="Files to leave out."),
    click.option(
        "--ignore-git-paths/--no-ignore-git-paths",
        default=True,
        show_default=True,
        help="Leave out files of Git.",
    ),
    click.option("--allow-symlinks", is_flag=True, help="Let links to files count as the files."),
)
_SIGN: Final = _options(
    _MODEL,
    _SELECTION,
    click.option(
        "--signature",
        type=_PATH,
        default=Path("model.sig"),
        show_default=True,
        help="The signature file to write.",
    ),
)
_VERIFY: Final = _options(
    _MODEL,
    click.option("--signature", type=_PATH, required=True, help="The signature file to verify."),
    _SELECTION,
    click.option(
        "--ignore-unsigned-files/--no-ignore-unsigned-files",
        default=False,
        show_default=True,
        help="Accept files that the signature does not name.",
    ),
)
_PRIVATE_KEY: Final = click.option(
    "--private-key", type=_PATH, required=True, help="PEM file of the private key."
)
_CERTIFICATE: Final = click.option(
    "--signing-certificate", type=_PATH, required=True, help="PEM file of the certificate."
)
_CHAIN: Final = click.option(
    "--certificate-chain",
    type=_PATH,
    multiple=True,
    help="PEM file of certificates; may be repeated.",
)
_TOKEN: Final = _options(
    click.option("--pkcs11-uri", required=True, help="The key in the token (RFC 7512)."),
    click.option(
        "--module-paths",
        type=_PATH,
        multiple=True,
        help="Libraries of tokens, or directories with them, that may be used.",
    ),
)
_INSTANCE: Final = _options(
    click.option("--use-staging", is_flag=True, help="Use Sigstore's staging instance."),
    click.option("--trust-config", type=_PATH, help="The client trust configuration to use."),
    click.option("--instance", metavar="URL", help="Not available; use --trust-config."),
)
_IMAGES: Final = _options(
    click.option(
        "--attachment-mode",
        type=click.Choice(("referrers", "tag")),
        default="referrers",
        help="For images only, which are not available.",
    ),
)
_OUTPUT: Final = click.option(
    "--output-mode",
    type=click.Choice(("registry", "file", "both")),
    default="registry",
    help="For images only, which are not available.",
)
_LOCAL: Final = click.option(
    "--local-model", type=_PATH, help="For images only, which are not available."
)


@click.group(
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda name: name.replace("_", "-"),
    },
    epilog="Checked and made by weighbridge; see `weighbridge --help`.",
)
@click.version_option(
    package_name="weighbridge",
    prog_name="model_signing",
    message="%(prog)s, weighbridge %(version)s",
)
@click.option(
    "--log-level",
    type=click.Choice(_LEVELS, case_sensitive=False),
    default="INFO",
    show_default=True,
    envvar="MODEL_SIGNING_LOG_LEVEL",
    help="How much to log.",
)
def command(log_level: str) -> None:
    """Sign and verify models, with the flags of the reference implementation."""
    logging.basicConfig(handlers=[log_handler()], level=log_level.upper())


@command.group("sign", cls=_Methods, subcommand_metavar="PKI_METHOD")
def sign_group() -> None:
    """Sign models; without a method, with Sigstore."""


@command.group("verify", cls=_Methods, subcommand_metavar="PKI_METHOD")
def verify_group() -> None:
    """Verify models; without a method, with Sigstore."""


@sign_group.command("sigstore")
@_SIGN
@_IMAGES
@_OUTPUT
@_INSTANCE
@click.option("--use-ambient-credentials", is_flag=True, help="Use the environment's identity.")
@click.option("--identity-token", metavar="TOKEN", help="The identity token to use.")
@click.option("--oauth-force-oob", is_flag=True, help="Do not start a browser.")
@click.option("--client-id", metavar="ID", help="OpenID Connect client id.")
@click.option("--client-secret", metavar="SECRET", help="OpenID Connect client secret.")
def sign_sigstore(**given: Any) -> int:  # noqa: ANN401  flags, handed on by name
    """Sign using Sigstore, the default."""
    if given["instance"] is not None:
        return _no_instance("sign")
    flags = ("use_staging", "use_ambient_credentials", "oauth_force_oob")
    values = ("trust_config", "identity_token", "client_id", "client_secret")
    return operation.sign(
        ["sigstore", *_common(given), *_switched(given, *flags), *_valued(given, *values)]
    )


@sign_group.command("key")
@_SIGN
@_IMAGES
@_OUTPUT
@_PRIVATE_KEY
@click.option("--password", help="The key's password, if it has one.")
def sign_key(**given: Any) -> int:  # noqa: ANN401  flags, handed on by name
    """Sign using a private key."""
    return operation.sign(["key", *_common(given), *_valued(given, "private_key", "password")])


@sign_group.command("certificate")
@_SIGN
@_PRIVATE_KEY
@_CERTIFICATE
@_CHAIN
def sign_certificate(**given: Any) -> int:  # noqa: ANN401  flags, handed on by name
    """Sign using a private key and its certificate."""
    values = _valued(given, "private_key", "signing_certificate", "certificate_chain")
    return operation.sign(["certificate", *_common(given), *values])


@sign_group.command("pkcs11-key")
@_SIGN
@_TOKEN
def sign_token_key(**given: Any) -> int:  # noqa: ANN401  flags, handed on by name
    """Sign using a key in a token."""
    return _sign_with_token("pkcs11-key", given, [])


@sign_group.command("pkcs11-certificate")
@_SIGN
@_TOKEN
@_CERTIFICATE
@_CHAIN
def sign_token_certificate(**given: Any) -> int:  # noqa: ANN401  flags, handed on by name
    """Sign using a key in a token and its certificate."""
    values = _valued(given, "signing_certificate", "certificate_chain")
    return _sign_with_token("pkcs11-certificate", given, values)


@verify_group.command("sigstore")
@_VERIFY
@_IMAGES
@_LOCAL
@_INSTANCE
@click.option("--identity", required=True, help="The expected identity of the signer.")
@click.option("--identity-provider", required=True, help="The expected identity provider.")
def verify_sigstore(**given: Any) -> int:  # noqa: ANN401  flags, handed on by name
    """Verify using Sigstore, the default."""
    if given["instance"] is not None:
        return _no_instance("verify")
    return operation.verify(
        [
            "sigstore",
            *_common(given),
            *_switched(given, "use_staging", "ignore_unsigned_files"),
            *_valued(given, "trust_config", "identity", "identity_provider"),
        ]
    )


@verify_group.command("key")
@_VERIFY
@_IMAGES
@_LOCAL
@click.option("--public-key", type=_PATH, required=True, help="PEM file of the public key.")
def verify_key(**given: Any) -> int:  # noqa: ANN401  flags, handed on by name
    """Verify using a public key."""
    flags = _switched(given, "ignore_unsigned_files")
    return operation.verify(["key", *_common(given), *flags, *_valued(given, "public_key")])


@verify_group.command("certificate")
@_VERIFY
@_CHAIN
@click.option("--log-fingerprints", is_flag=True, help="Say which certificates were used.")
@click.option("--san-uri", multiple=True, help="A URI that the certificate must have.")
def verify_certificate(**given: Any) -> int:  # noqa: ANN401  flags, handed on by name
    """Verify using a certificate."""
    if not given["certificate_chain"]:
        return operation.refuse(
            "verify",
            "no trusted root is given, and the authorities of web sites say nothing about models",
            hint="Give --certificate_chain",
        )
    uris: Sequence[str] = given["san_uri"]
    expected = [f"--san-uri={uris[0]}"] if uris else ["--any-identity"]
    flags = _switched(given, "ignore_unsigned_files")
    chain = _valued(given, "certificate_chain")
    arguments = ["certificate", *_common(given), *flags, *chain, *expected]
    if given["log_fingerprints"]:
        arguments.append("--log-fingerprints")
    return operation.verify(arguments, san_uris=uris)


@command.command("digest")
@_MODEL
@_SELECTION
def digest(
    model: str, ignore_paths: Sequence[Path], *, ignore_git_paths: bool, allow_symlinks: bool
) -> int:
    """Compute the root digest of a model, as a signature has it."""
    from weighbridge.pipeline.describe import root_of  # noqa: PLC0415  as commands are imported
    from weighbridge.pipeline.selection import FileSelection  # noqa: PLC0415

    selection = FileSelection(
        ignore_paths=tuple(ignore_paths),
        ignore_git_paths=ignore_git_paths,
        allow_symlinks=allow_symlinks,
    )
    try:
        click.echo(str(root_of(model, selection=selection)))
    except WeighbridgeError as error:
        click.echo(f"Computing the digest failed with error: {error}", err=True)
        return operation.EXIT_FAILED
    return 0


@command.command("trust-instance")
@click.argument("root_json", type=_PATH)
@click.option("--instance", metavar="URL", required=True, help="Not available.")
def trust_instance(root_json: Path, instance: str) -> int:
    """Bootstrap trust for a Sigstore instance; not available."""
    del root_json, instance
    return _no_instance("verify")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave the process."""
    if arguments is None:
        hide_secrets()
    try:
        code = command.main(
            args=None if arguments is None else list(arguments),
            prog_name="model_signing",
            standalone_mode=False,
        )
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(operation.EXIT_FAILED)
    sys.exit(code if isinstance(code, int) else 0)


def _sign_with_token(method: str, given: dict[str, Any], more: Sequence[str]) -> int:
    try:
        token = read_token_uri(given["pkcs11_uri"], module_paths=given["module_paths"])
    except WeighbridgeError as error:
        return operation.refuse("sign", str(error))
    if token.pin is not None:
        operation.warn("other users can see a PIN in a URI; pin-source=FILE keeps it to you")
        os.environ["WEIGHBRIDGE_PIN"] = token.pin
    return operation.sign([method, *_common(given), "--pkcs11-uri", token.uri, *more])


def _common(given: dict[str, Any]) -> list[str]:
    """Return model, signature and selection as arguments."""
    git = "--ignore-git-paths" if given["ignore_git_paths"] else "--no-ignore-git-paths"
    return [
        *_valued(given, "signature", "ignore_paths"),
        git,
        *_switched(given, "allow_symlinks"),
        f"./{given['model']}" if str(given["model"]).startswith("-") else str(given["model"]),
    ]


def _switched(given: dict[str, Any], *names: str) -> list[str]:
    """Return the flags among *names* that were given."""
    return [f"--{name.replace('_', '-')}" for name in names if given[name]]


def _valued(given: dict[str, Any], *names: str) -> list[str]:
    """Return the options *names* with each value that was given."""
    given_values = (
        (name, each)
        for name in names
        for each in (given[name] if isinstance(given[name], tuple) else (given[name],))
        if each is not None
    )
    return [f"--{name.replace('_', '-')}={value}" for name, value in given_values]


def _no_instance(operation_name: str) -> int:
    return operation.refuse(
        operation_name,
        "instances are not bootstrapped by URL here, where the first answer would be believed",
        hint="Give the instance's configuration with --trust_config",
    )
