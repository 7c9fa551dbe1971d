"""The inputs of a step: found, named, and held against what they are when it is over."""

import os
from collections.abc import Sequence
from pathlib import Path

from weighbridge.core.artifact import ArtifactKind
from weighbridge.core.attestation import MANIFEST_SUFFIX, Artifact
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactChangedError, UsageError, one_line
from weighbridge.core.values import frozen
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.recording.hub import HubCopy, copy_from_hub
from weighbridge.pipeline.recording.taking import Taken, differences, take
from weighbridge.sources.hub import SCHEME
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate

_SHOWN = 5


@frozen
class GivenInput:
    """
    What the caller said of an input.

    Attributes:
        reference: A path, or a model on the hub.
        name: What the statement calls it; None for what the reference is called.
    """

    reference: str
    name: str | None = None


@frozen
class Input:
    """
    An input as it was before the step.

    Attributes:
        name: What the statement calls it, and by which a policy finds its rule.
        uri: Where it is from, if not from here.
        handle: Where its bytes are.
        symlinks: What a symbolic link in it means.
        taken: What it was.
    """

    name: str
    uri: str | None
    handle: LocalHandle
    symlinks: SymlinkRule
    taken: Taken

    @property
    def artifact(self) -> Artifact:
        """The input as a statement names it."""
        return self.taken.named(self.name, uri=self.uri)

    @property
    def places(self) -> tuple[str, ...]:
        """Real paths of what may be read as it: the directory, or file by file if need be."""
        root = os.fspath(self.handle.root)
        if self.symlinks is SymlinkRule.REFUSE and not self.taken.partial:
            return (root,)
        files = (os.path.join(root, path) for path, _, _ in self.taken.files)  # noqa: PTH118  `.` stays
        return tuple(dict.fromkeys(map(os.path.realpath, files)))

    @property
    def listable(self) -> tuple[str, ...]:
        """Real paths of the directories whose names belong to it."""
        return (os.fspath(self.handle.root),) if self.handle.kind is ArtifactKind.DIRECTORY else ()


def parse_input(text: str, /) -> GivenInput:
    """
    Read `[NAME=]REF`. What exists as a whole has no name in front.

    Raises:
        UsageError: The name or the reference is empty, or the name cannot be in a statement.
    """
    name, equals, reference = text.partition("=")
    if not equals or Path(text).exists():
        return GivenInput(reference=text)
    if not name or not reference:
        raise UsageError(
            "an input is given as REF or NAME=REF", where=text, expected="both parts of NAME=REF"
        )
    require_name(name)
    return GivenInput(reference=reference, name=name)


def require_name(name: str, /) -> None:
    """
    Refuse a name that a statement cannot have.

    Raises:
        UsageError: It is empty, cannot be shown, or ends like the name of a digest of names.
    """
    if not name or not name.isprintable() or name.endswith(MANIFEST_SUFFIX):
        raise UsageError(
            "an artifact cannot have this name",
            where=repr(name),
            expected=f"characters that can be shown, and no '{MANIFEST_SUFFIX}' at the end",
            hint="Give another one: NAME=REF for an input, else --name",
        )


def take_inputs(
    given: Sequence[GivenInput], /, *, symlinks: SymlinkRule, progress: Progress | None = None
) -> tuple[Input, ...]:
    """
    Find and digest the inputs.

    One on the hub is fetched into the hub's own cache, at the commit that its revision is now.

    Raises:
        UsageError: A reference names nothing, or two inputs have one name.
        RefusedError, IndeterminateError, OperationError, NothingToCheckError: As for `take`.
    """
    inputs = tuple(_take_input(each, symlinks=symlinks, progress=progress) for each in given)
    names = [each.name for each in inputs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            "two inputs have one name",
            where=twice[0],
            expected="a name for each",
            hint="Give them names: --input NAME=REF",
        )
    return inputs


def _take_input(given: GivenInput, *, symlinks: SymlinkRule, progress: Progress | None) -> Input:
    copy: HubCopy | None = None
    if given.reference.startswith(SCHEME):
        copy = copy_from_hub(given.reference)
        # The hub's cache has links to files that are named by their digest.
        handle, symlinks = copy.handle, SymlinkRule.FILES
    else:
        handle = locate(given.reference)
    name = given.name or (given.reference if copy else handle.name)
    require_name(name)
    taken = take(handle, symlinks=symlinks, signed_files=True, progress=progress)
    if copy is not None:
        copy.require_all(path for path, _, _ in taken.files)
    return Input(
        name=name,
        uri=copy.uri if copy else None,
        handle=handle,
        symlinks=symlinks,
        taken=taken,
    )


def require_unchanged(inputs: Sequence[Input], /, *, progress: Progress | None = None) -> None:
    """
    Refuse a step during which an input changed.

    Raises:
        ArtifactChangedError: A file is another one, is new or gone, or was written.
        RefusedError, IndeterminateError, OperationError, NothingToCheckError: As for `take`.
    """
    for each in inputs:
        try:
            after = take(each.handle, symlinks=each.symlinks, signed_files=True, progress=progress)
        except ArtifactChangedError as error:
            raise _changed(each, [str(error)]) from error
        lines = differences(each.taken, after)
        if lines or after.binding != each.taken.binding:
            raise _changed(each, [one_line(line) for line in lines] or ["it has other digests"])


def _changed(each: Input, lines: Sequence[str]) -> ArtifactChangedError:
    more = f", and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return ArtifactChangedError(
        f"the input '{one_line(each.name)}' changed while the step ran",
        code=Code.INPUT_CHANGED,
        where=each.handle.reference,
        found="; ".join(lines[:_SHOWN]) + more,
        hint="No claim was made. Keep inputs apart from what the step writes, and run it again",
    )
