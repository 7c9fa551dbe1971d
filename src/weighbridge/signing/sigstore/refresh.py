"""
Fetching the current trusted root of an instance: the one thing about verifying that has a network.

The root is published by The Update Framework, whose client (`tuf`, that the `sigstore` package
uses as well) verifies it from a root of keys that the caller has: signatures of a threshold of
keyholders, versions that never go back, and expiry. Its state is kept in a directory of its own,
so that an old root cannot be played again.
"""

import os
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import quote, urljoin

from sigstore._utils import read_embedded
from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.ngclient.updater import Updater

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, OperationError
from weighbridge.core.limits.signing import MAX_TRUST_FILE_BYTES
from weighbridge.core.values import frozen
from weighbridge.signing.sigstore.services import require_confidential
from weighbridge.signing.sigstore.trust import ROOT_NAME, SERVICES_NAME, Instance

_METADATA_ROOT: Final = "root.json"


@frozen
class FetchedRoot:
    """
    What an instance publishes, as it was verified.

    Attributes:
        root: The trusted root.
        services: Where to sign; None where the instance does not publish that.
    """

    root: bytes
    services: bytes | None


def packaged_keys(instance: Instance, /) -> bytes:
    """Return the root of keys from which *instance*'s publications are verified."""
    return read_embedded(_METADATA_ROOT, instance.url)


def fetch_root(url: str, /, *, keys: bytes, directory: Path) -> FetchedRoot:
    """
    Fetch and verify the trusted root that is published at *url*.

    Args:
        url: The repository's address.
        keys: The root of keys to start from, as `root.json` of the repository.
        directory: Where the client's state of this repository is; made if it is not there.

    Raises:
        KeyRejectedError: What was fetched does not verify, or the address is no `https` one.
        OperationError: The repository cannot be reached, or the state cannot be written.
    """
    require_confidential(url, what="repository of the trusted root")
    base = url.rstrip("/") + "/"
    state = directory / quote(base, safe="")
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            updater = Updater(
                metadata_dir=os.fspath(state),
                metadata_base_url=base,
                target_base_url=urljoin(base, "targets/"),
                target_dir=scratch,
                bootstrap=keys,
            )
            updater.refresh()
            root = _fetch(updater, ROOT_NAME)
            services = _fetch(updater, SERVICES_NAME)
    except DownloadError as error:
        raise OperationError(
            "the repository of the trusted root cannot be reached",
            code=Code.SERVICE_FAILED,
            where=url,
            found=(str(error) or str(error.__cause__ or "no reason given"))[:200],
        ) from error
    except (RepositoryError, ValueError) as error:
        raise KeyRejectedError(
            "what the repository publishes does not verify",
            code=Code.TRUSTED_ROOT,
            where=url,
            expected="metadata signed by its keyholders, and current",
            found=f"{type(error).__name__}: {str(error)[:200]}",
        ) from error
    except OSError as error:
        raise OperationError(
            f"the state of the repository cannot be kept: {error.strerror or error}",
            where=os.fspath(state),
        ) from error
    if root is None:
        raise KeyRejectedError(
            "the repository publishes no trusted root", code=Code.TRUSTED_ROOT, where=url
        )
    return FetchedRoot(root=root, services=services)


def _fetch(updater: Updater, name: str) -> bytes | None:
    """Return the verified file *name*; None where the repository has none."""
    info = updater.get_targetinfo(name)
    if info is None:
        return None
    if info.length > MAX_TRUST_FILE_BYTES:
        raise ValueError(f"{name} has {info.length} bytes, more than {MAX_TRUST_FILE_BYTES}")
    data = Path(updater.download_target(info)).read_bytes()
    info.verify_length_and_hashes(data)
    return data
