"""An input on a model hub: fetched at one commit into the hub's cache, where the step finds it."""

import importlib
import os
from collections.abc import Iterable

from weighbridge.core.errors import ArtifactChangedError, MissingExtraError, OperationError
from weighbridge.core.values import frozen
from weighbridge.sources.hub import SCHEME, HubHandle, locate_on_hub
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate


@frozen
class HubCopy:
    """
    A model of the hub on this machine.

    Attributes:
        handle: Where it is.
        uri: Which one it is, by its commit.
        listed: The files that the hub has of it.
    """

    handle: LocalHandle
    uri: str
    listed: frozenset[str]

    def require_all(self, paths: Iterable[str], /) -> None:
        """
        Refuse a copy that has other files than the hub.

        Raises:
            ArtifactChangedError: A file is missing, or one is there that the hub does not have.
        """
        # A repository's own files may have been left out, and signatures are no model files.
        strange = sorted(set(paths) - self.listed)
        if strange:
            raise ArtifactChangedError(
                "the hub's cache has a file that the hub does not have",
                where=self.uri,
                found=strange[0],
                hint="Remove the model from the cache, and run again",
            )


def copy_from_hub(reference: str, /) -> HubCopy:
    """
    Fetch what *reference* names, unless it is in the cache already.

    Raises:
        UsageError: It is no such reference, or there is no such model.
        MissingExtraError: The hub's library is not installed.
        OperationError: The hub cannot be reached, refuses, or the cache is not complete.
    """
    found = locate_on_hub(reference)
    repository = _repository(reference)
    folder = _fetch(repository, found)
    handle = locate(folder)
    missing = [f.path for f in found.files if not os.path.lexists(f"{folder}/{f.path}")]
    if missing:
        raise OperationError(
            "the hub's cache does not have every file of the model",
            where=reference,
            expected=missing[0],
            hint="Download the whole model with the hub's own command, and run again",
        )
    return HubCopy(
        handle=LocalHandle(
            reference=reference, root=handle.root, kind=handle.kind, name=found.name
        ),
        uri=f"{SCHEME}{repository}@{found.revision}",
        listed=frozenset(file.path for file in found.files),
    )


def _repository(reference: str) -> str:
    return reference.removeprefix(SCHEME).partition("@")[0]


def _fetch(repository: str, found: HubHandle) -> str:
    """Return the folder of the hub's cache that has the commit."""
    try:
        library = importlib.import_module("huggingface_hub")
        errors = importlib.import_module("huggingface_hub.errors")
    except ImportError as error:
        raise MissingExtraError.for_extra("hub", purpose="reading from a model hub") from error
    # The library's own errors derive from those of the HTTP library that it uses.
    failures = (errors.HfHubHTTPError.__bases__[0], OSError, ValueError)
    try:
        return str(library.snapshot_download(repository, revision=found.revision))
    except failures as error:
        raise OperationError(
            f"the model cannot be fetched: {type(error).__name__}: {str(error)[:200]}",
            where=found.reference,
            hint="Check the network, or download the model and give its path as NAME=PATH",
        ) from error
