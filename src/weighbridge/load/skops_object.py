"""
Objects in skops files: skops asks which types are trusted, and the scan is asked before it.

skops builds objects node by node and refuses types that neither it nor the caller trusts. Its
audit has been wrong about nodes that do something else than they name (CVE-2025-54412,
CVE-2025-54413), so these very bytes are scanned right before, and any finding refuses them.
"""

from collections.abc import Sequence

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, MissingExtraError, one_line
from weighbridge.load.foreign import foreign
from weighbridge.load.held import HeldFile


def load_skops(held: HeldFile, *, where: str, trusted: Sequence[str]) -> object:
    """
    Return the object in the skops file *held*.

    Args:
        held: The verified bytes, in which the scan found nothing just now (`load.clean`).
        where: The file, for errors.
        trusted: Types that the caller trusts besides those that skops does.

    Raises:
        ArtifactRefusedError: skops finds a type that nobody trusts; nothing was built.
        MissingExtraError: skops is not installed.
        OperationError: skops does not take the file.
    """
    try:
        import skops.io  # noqa: PLC0415  optional, slow
    except ImportError as error:
        raise MissingExtraError.for_extra("skops", purpose="an object in a skops file") from error
    with foreign("skops", where=where):
        try:
            return skops.io.loads(held.read(), trusted=list(trusted))
        except skops.io.exceptions.UntrustedTypesFoundException as error:
            raise ArtifactRefusedError(
                "the file has types that neither skops nor the program trusts",
                code=Code.LOAD_REFUSED,
                where=where,
                found=one_line(str(error))[:400],
                hint="Name those that you reviewed: as_('skops', trusted=[...])",
            ) from error
