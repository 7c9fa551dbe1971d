"""
The timestamp authority of the test instance.

Source: RFC 3161, with RFC 5652 (CMS) and RFC 5816 (the signing certificate's SHA-256). The
structures are `asn1crypto`'s; reading and checking timestamps elsewhere is the business of
`rfc3161-client`.
"""

import hashlib
import threading
from datetime import UTC, datetime
from typing import Final

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from weighbridge.demo.instance.authority import Authority, Holder
from weighbridge.demo.instance.faults import Conduct, StampFault
from weighbridge.demo.instance.server import Request, RequestRefusedError, Response, Routes

PATH: Final = "/api/v1/timestamp"
POLICY: Final = "1.3.6.1.4.1.57264.2"
"""What Sigstore's timestamp authorities name as the policy that they follow."""

_HASHES: Final = {"sha256": 32, "sha384": 48, "sha512": 64}
_REPLY: Final = "application/timestamp-reply"


class _Refusal(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """A response without a timestamp, which `tsp.TimeStampResp` cannot be."""

    _fields: Final = [("status", tsp.PKIStatusInfo)]


class TimestampAuthority:
    """
    A timestamp authority.

    Args:
        now: When it begins to exist.
        conduct: How it misbehaves.
    """

    NAME: Final = "tsa"

    def __init__(self, *, now: datetime, conduct: Conduct) -> None:
        self.authority = Authority.make(self.NAME, now=now)
        stranger = Authority.make(self.NAME, now=now)
        self.holder = _stamping(self.authority, now=now)
        self._stranger = _stamping(stranger, now=now)
        self._unfit = self.authority.stamping(
            self.NAME, now=now, extended=ExtendedKeyUsageOID.CODE_SIGNING
        )
        self._serial = 0
        self._lock = threading.Lock()
        self._conduct = conduct

    @property
    def chain(self) -> tuple[Holder, ...]:
        """The certificate that stamps, the intermediate, the root."""
        return self.holder, *self.authority.chain

    def routes(self) -> Routes:
        """Return what is served."""
        return {("POST", PATH): self._reply}

    def stamp(self, request: bytes) -> bytes:
        """
        Return the response (DER) to a *request* for a timestamp (DER).

        Raises:
            RequestRefusedError: It is no request for a timestamp.
        """
        fault = self._conduct.faults.stamp
        try:
            asked = tsp.TimeStampReq.load(request, strict=True)
            imprint = asked["message_imprint"]
            algorithm = imprint["hash_algorithm"]["algorithm"].native
            digest = imprint["hashed_message"].native
            nonce = asked["nonce"].native
            wants_certificate = asked["cert_req"].native
        except ValueError as error:
            raise RequestRefusedError("this is no request for a timestamp") from error
        if fault is StampFault.REFUSED or _HASHES.get(algorithm) != len(digest):
            return bytes(_Refusal({"status": {"status": "rejection"}}).dump())
        if fault is StampFault.OTHER_MESSAGE:
            digest = bytes([digest[0] ^ 1]) + digest[1:]
        if fault is StampFault.OTHER_NONCE and nonce is not None:
            nonce += 1
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": POLICY,
                "message_imprint": {
                    "hash_algorithm": {"algorithm": algorithm},
                    "hashed_message": digest,
                },
                "serial_number": self._next_serial(),
                "gen_time": self._time(),
                "accuracy": {"seconds": 1},
                "nonce": nonce,
            }
        )
        token = _signed(info.dump(), holder=self._signer(fault), embed=wants_certificate)
        granted = {"status": {"status": "granted"}, "time_stamp_token": token}
        return bytes(tsp.TimeStampResp(granted).dump())

    def _reply(self, request: Request) -> Response:
        return Response(body=self.stamp(request.body), content_type=_REPLY, status=201)

    def _signer(self, fault: StampFault | None) -> Holder:
        match fault:
            case StampFault.OTHER_AUTHORITY:
                return self._stranger
            case StampFault.NOT_FOR_STAMPS:
                return self._unfit
            case _:
                return self.holder

    def _time(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0) + self._conduct.faults.stamp_shift

    def _next_serial(self) -> int:
        with self._lock:
            self._serial += 1
            return self._serial


def _stamping(authority: Authority, *, now: datetime) -> Holder:
    return authority.stamping(
        TimestampAuthority.NAME, now=now, extended=ExtendedKeyUsageOID.TIME_STAMPING
    )


def _signed(content: bytes, *, holder: Holder, embed: bool) -> cms.ContentInfo:
    """Return *content*, a TSTInfo, signed by *holder*; with its certificate if that is wanted."""
    certificate = asn1_x509.Certificate.load(holder.der)
    attributes = cms.CMSAttributes(
        [
            _attribute("content_type", "tst_info"),
            _attribute("message_digest", hashlib.sha256(content).digest()),
            _attribute(
                "signing_certificate_v2",
                tsp.SigningCertificateV2(
                    {"certs": [{"cert_hash": hashlib.sha256(holder.der).digest()}]}
                ),
            ),
        ]
    )
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                "issuer_and_serial_number",
                {"issuer": certificate.issuer, "serial_number": certificate.serial_number},
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            # Signed as a set, sent under a tag of its own: RFC 5652 section 5.4.
            "signature": holder.key.sign(attributes.dump(), ec.ECDSA(SHA256())),
        }
    )
    data = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": {
            "content_type": "tst_info",
            "content": core.ParsableOctetString(content),
        },
        "signer_infos": [signer],
    }
    if embed:
        data["certificates"] = [certificate]
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(data)})


def _attribute(name: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": name, "values": [value]})
