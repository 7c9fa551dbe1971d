"""One verified call of a library: choose the files, look at what they say, show them, call."""

import os
from collections.abc import Callable, Mapping

from weighbridge.core.errors import OperationError
from weighbridge.core.values import frozen
from weighbridge.load.foreign import foreign
from weighbridge.load.held import HeldFile
from weighbridge.load.pretrained.configs import Document, read_configs, require_contained
from weighbridge.load.pretrained.confinement import Loading, confined
from weighbridge.load.pretrained.interface import Pretrained
from weighbridge.load.pretrained.selection import choose_files
from weighbridge.load.shown import show_files


@frozen
class Prepared:
    """
    What a library will see.

    Attributes:
        pretrained: The artifact.
        shown: The files, by path.
        documents: The parsed JSON files among them.
    """

    pretrained: Pretrained
    shown: Mapping[str, HeldFile]
    documents: Mapping[str, Document]


def prepare(pretrained: Pretrained, *, adapter: bool = False) -> Prepared:
    """
    Return what a library will see of *pretrained*, if nothing in it leads elsewhere.

    Args:
        pretrained: The artifact.
        adapter: Whether it is an adapter that is loaded.

    Raises:
        ArtifactRefusedError: Something does, or a checkpoint is more than tensors.
        MalformedContentError: A file breaks its format.
        LimitExceededError: A configuration is too large.
        UsageError: The artifact is a single file.
    """
    shown = choose_files(pretrained.files)
    documents = read_configs(shown)
    require_contained(documents, shown, adapter=adapter)
    return Prepared(pretrained=pretrained, shown=shown, documents=documents)


def call_confined(
    prepared: Prepared,
    function: Callable[[str], object],
    *,
    library: str,
    trusts_code: bool = False,
) -> object:
    """
    Return what *function* makes of the path of a directory that shows the files of *prepared*.

    Raises:
        OperationError: The library does not take the model.
        ArtifactRefusedError: The library looked for something else.
        ArtifactChangedError: Somebody changed the directory meanwhile.
        StoreError: The directory cannot be made.
    """
    pretrained = prepared.pretrained
    with show_files(prepared.shown, name=pretrained.name, store=pretrained.store) as root:
        loading = Loading(root=root, pretrained=pretrained, trusts_code=trusts_code)
        try:
            with confined(loading), foreign(library, where=pretrained.name):
                return function(os.fspath(root))
        except OperationError as error:
            if loading.refusals:
                raise loading.refusals[0] from error
            raise
