"""Signing from Python as with the reference: `signing.Config().use_..._signer().sign()`."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from weighbridge.compat.model_signing import hashing, operation
from weighbridge.compat.model_signing.hashing import PathLike
from weighbridge.compat.model_signing.tokens import read_token_uri
from weighbridge.core.errors import WeighbridgeError


def sign(model_path: PathLike, signature_path: PathLike) -> None:
    """
    Sign with Sigstore, the default.

    Raises:
        ValueError: Nothing was signed.
    """
    Config().use_sigstore_signer().sign(model_path, signature_path)


class Config:
    """Who signs, and what; every method but `sign` returns the configuration."""

    def __init__(self) -> None:
        """Begin without a signer."""
        self._signer: list[str] | None = None
        self._hashing = hashing.Config()
        self._pin: str | None = None

    def sign(self, model_path: PathLike, signature_path: PathLike) -> None:
        """
        Sign the model and write the signature.

        Raises:
            ValueError: Nothing was signed.
        """
        if self._signer is None:
            raise ValueError("no signer has been configured")
        if self._pin is not None:
            os.environ["WEIGHBRIDGE_PIN"] = self._pin
        arguments = [
            *self._signer,
            f"--signature={Path(signature_path)}",
            *self._hashing.selection(model_path),
            *self._hashing.layout(),
            os.fspath(Path(model_path).absolute()),
        ]
        try:
            operation.run_sign(arguments, quiet=True)
        except WeighbridgeError as error:
            raise ValueError(str(error)) from error

    def set_hashing_config(self, hashing_config: hashing.Config) -> Self:
        """Say which files are signed, and how they are hashed."""
        self._hashing = hashing_config
        return self

    def use_sigstore_signer(
        self,
        *,
        oidc_issuer: str | None = None,
        use_ambient_credentials: bool = False,
        use_staging: bool = False,
        force_oob: bool = False,
        identity_token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        trust_config: PathLike | None = None,
    ) -> Self:
        """
        Sign with an identity.

        Raises:
            ValueError: Another provider than the instance's is asked for.
        """
        if oidc_issuer is not None:
            raise ValueError("the provider is the instance's: give trust_config")
        switched = {
            "--use-ambient-credentials": use_ambient_credentials,
            "--use-staging": use_staging,
            "--oauth-force-oob": force_oob,
        }
        valued = {
            "--identity-token": identity_token,
            "--client-id": client_id,
            "--client-secret": client_secret,
            "--trust-config": trust_config,
        }
        self._signer = [
            "sigstore",
            *(flag for flag, wanted in switched.items() if wanted),
            *(f"{flag}={value}" for flag, value in valued.items() if value is not None),
        ]
        return self

    def use_elliptic_key_signer(
        self, *, private_key: PathLike, password: str | None = None
    ) -> Self:
        """Sign with a private key."""
        secret = [] if password is None else [f"--password={password}"]
        self._signer = ["key", f"--private-key={Path(private_key)}", *secret]
        return self

    def use_certificate_signer(
        self,
        *,
        private_key: PathLike,
        signing_certificate: PathLike,
        certificate_chain: Iterable[PathLike],
    ) -> Self:
        """Sign with a private key and its certificate."""
        self._signer = [
            "certificate",
            f"--private-key={Path(private_key)}",
            *_certificates(signing_certificate, certificate_chain),
        ]
        return self

    def use_pkcs11_signer(
        self, *, pkcs11_uri: str, module_paths: Iterable[PathLike] = frozenset()
    ) -> Self:
        """
        Sign with a key in a token.

        Raises:
            ValueError: The token's library is not where it may be.
        """
        self._signer = ["pkcs11-key", self._token(pkcs11_uri, module_paths)]
        return self

    def use_pkcs11_certificate_signer(
        self,
        *,
        pkcs11_uri: str,
        signing_certificate: PathLike,
        certificate_chain: Iterable[PathLike],
        module_paths: Iterable[PathLike] = frozenset(),
    ) -> Self:
        """
        Sign with a key in a token and its certificate.

        Raises:
            ValueError: The token's library is not where it may be.
        """
        self._signer = [
            "pkcs11-certificate",
            self._token(pkcs11_uri, module_paths),
            *_certificates(signing_certificate, certificate_chain),
        ]
        return self

    def _token(self, uri: str, module_paths: Iterable[PathLike]) -> str:
        try:
            access = read_token_uri(uri, module_paths=tuple(map(Path, module_paths)))
        except WeighbridgeError as error:
            raise ValueError(str(error)) from error
        self._pin = access.pin
        return f"--pkcs11-uri={access.uri}"


def _certificates(leaf: PathLike, chain: Iterable[PathLike]) -> list[str]:
    above = (f"--certificate-chain={Path(path)}" for path in chain)
    return [f"--signing-certificate={Path(leaf)}", *above]
