"""How many different signers there are, when one of them may go by several names."""

from collections.abc import Iterable

from weighbridge.core.identity import CertificateIdentity, KeyIdentity, VerifiedIdentity


def count_signers(signatures: Iterable[tuple[str, VerifiedIdentity]]) -> int:
    """
    Return how many different signers made *signatures*, pairs of a trust entry and an identity.

    Identities with one label are one signer, and so are those with one key: a key that is
    trusted by itself and in a certificate does not make two. The result is the largest number of
    pairs of a trust entry and a signer in which neither occurs twice (maximum bipartite matching
    by augmenting paths).
    """
    pairs = tuple(signatures)
    names = _Names()
    for _, identity in pairs:
        names.join(_names(identity))
    signers: dict[str, set[str]] = {}
    for trust, identity in pairs:
        signers.setdefault(trust, set()).add(names.find(identity.label))
    owner: dict[str, str] = {}

    def assign(trust: str, tried: set[str]) -> bool:
        for signer in sorted(signers[trust] - tried):
            tried.add(signer)
            if signer not in owner or assign(owner[signer], tried):
                owner[signer] = trust
                return True
        return False

    return sum(assign(trust, set()) for trust in sorted(signers))


def _names(identity: VerifiedIdentity) -> tuple[str, ...]:
    """Return all by which *identity* can be known again."""
    if isinstance(identity, KeyIdentity):
        return (identity.label, f"key {identity.fingerprint}")
    if isinstance(identity, CertificateIdentity) and identity.key_fingerprint is not None:
        return (identity.label, f"key {identity.key_fingerprint}")
    return (identity.label,)


class _Names:
    """Names that belong together (a disjoint-set forest)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def find(self, name: str) -> str:
        """Return the one name that stands for all that *name* was joined with."""
        while (above := self._above.setdefault(name, name)) != name:
            name = above
        return name

    def join(self, names: tuple[str, ...]) -> None:
        """Take *names* for one."""
        first = self.find(names[0])
        for name in names[1:]:
            self._above[self.find(name)] = first
