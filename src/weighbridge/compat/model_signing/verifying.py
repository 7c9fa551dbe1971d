"""Verifying from Python as with the reference: `verifying.Config().use_..._verifier().verify()`."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from weighbridge.compat.model_signing import hashing, operation
from weighbridge.compat.model_signing.hashing import PathLike
from weighbridge.core.errors import WeighbridgeError


class Config:
    """Whom to trust, and for what; every method but `verify` returns the configuration."""

    def __init__(self) -> None:
        """Begin without a verifier."""
        self._verifier: list[str] | None = None
        self._hashing = hashing.Config()
        self._unsigned = False
        self._uris: tuple[str, ...] = ()

    def verify(self, model_path: PathLike, signature_path: PathLike) -> None:
        """
        Verify that the model is what was signed.

        Raises:
            ValueError: It is not.
        """
        if self._verifier is None:
            raise ValueError("no verifier has been configured")
        arguments = [
            *self._verifier,
            f"--signature={Path(signature_path)}",
            *self._hashing.selection(model_path),
            *(["--ignore-unsigned-files"] if self._unsigned else []),
            os.fspath(Path(model_path).absolute()),
        ]
        try:
            operation.run_verify(arguments, san_uris=self._uris, quiet=True)
        except WeighbridgeError as error:
            raise ValueError(str(error)) from error

    def set_hashing_config(self, hashing_config: hashing.Config) -> Self:
        """Say which files need not be signed; how they were hashed, the signature says."""
        self._hashing = hashing_config
        return self

    def set_ignore_unsigned_files(
        self,
        ignore_unsigned_files: bool,  # noqa: FBT001  the reference's
    ) -> Self:
        """Accept files that the signature does not name, or not."""
        self._unsigned = ignore_unsigned_files
        return self

    def use_sigstore_verifier(
        self,
        *,
        identity: str,
        oidc_issuer: str,
        use_staging: bool = False,
        trust_config: PathLike | None = None,
    ) -> Self:
        """Expect an identity."""
        self._verifier = [
            *("sigstore", f"--identity={identity}", f"--identity-provider={oidc_issuer}"),
            *(["--use-staging"] if use_staging else []),
            *([] if trust_config is None else [f"--trust-config={Path(trust_config)}"]),
        ]
        return self

    def use_elliptic_key_verifier(self, *, public_key: PathLike) -> Self:
        """Expect the holder of a key."""
        self._verifier = ["key", f"--public-key={Path(public_key)}"]
        return self

    def use_certificate_verifier(
        self,
        *,
        certificate_chain: Iterable[PathLike] = frozenset(),
        log_fingerprints: bool = False,
        expected_san_uris: Iterable[str] = frozenset(),
    ) -> Self:
        """
        Expect a certificate below the given roots, with all of the given URIs.

        Raises:
            ValueError: There is no root.
        """
        chain = [f"--certificate-chain={Path(path)}" for path in certificate_chain]
        if not chain:
            raise ValueError("no trusted root is given, and those of web sites are none for models")
        self._uris = tuple(expected_san_uris)
        expected = [f"--san-uri={self._uris[0]}"] if self._uris else ["--any-identity"]
        shown = ["--log-fingerprints"] if log_fingerprints else []
        self._verifier = ["certificate", *chain, *expected, *shown]
        return self
