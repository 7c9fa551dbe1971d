"""Several keys of one signer: for keys that are exchanged, and for people with more than one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, SignatureRejectedError, UsageError
from weighbridge.core.identity import KeyIdentity, SigningMethod
from weighbridge.signing.bundle import Bundle
from weighbridge.signing.key import KeyVerifier


class KeySetVerifier:
    """
    Accepts signatures of any one of several keys.

    They are one signer: however many of them sign, it is one trust entry that did.
    """

    method: Final = SigningMethod.KEY

    def __init__(self, verifiers: Sequence[KeyVerifier], *, where: str) -> None:
        """
        Hold the verifiers of the keys.

        Raises:
            UsageError: There is none.
            KeyRejectedError: One key is there twice.
        """
        if not verifiers:
            raise UsageError("a set of keys has at least one", where=where)
        seen: set[str] = set()
        for verifier in verifiers:
            fingerprint = verifier.identity.fingerprint
            if fingerprint in seen:
                raise KeyRejectedError(
                    "a key is there twice",
                    code=Code.KEY_MALFORMED,
                    where=where,
                    expected="different keys",
                    found=f"sha256:{fingerprint} again",
                )
            seen.add(fingerprint)
        self._verifiers = tuple(verifiers)
        self._where = where

    def verify(self, bundle: Bundle, /, *, at: datetime) -> KeyIdentity:
        """
        Return the identity of the key that signed the bundle's payload.

        Raises:
            SignatureRejectedError: None of them did, or the one that did must not have; see
                `KeyVerifier.verify`.
        """
        refusals: list[SignatureRejectedError] = []
        for verifier in self._verifiers:
            try:
                return verifier.verify(bundle, at=at)
            except SignatureRejectedError as error:
                refusals.append(error)
        # What says more than that it was another key comes from the key that is named.
        for refusal in refusals:
            if refusal.code is not Code.KEY_MISMATCH:
                raise refusal
        raise SignatureRejectedError(
            f"the signature names none of the {len(self._verifiers)} keys of {self._where}",
            code=Code.KEY_MISMATCH,
            where=bundle.where,
            expected=refusals[0].expected,
            found=refusals[0].found,
            hint="Give the public key of whoever signed",
        )
