"""What a build says of its inputs, held against what a rule asks of them."""

from collections.abc import Iterable, Iterator
from typing import Final

from weighbridge.core.attestation import Artifact, Binding, Build, Resource
from weighbridge.core.codes import Code
from weighbridge.core.references import is_called
from weighbridge.core.verdict import Reason
from weighbridge.policy.reasons import denied
from weighbridge.policy.rule import LineageControl
from weighbridge.policy.selection import reference_names

_PACKAGES: Final = (
    *("alpm", "apk", "cargo", "composer", "conda", "cpan", "cran", "deb", "gem", "golang"),
    *("maven", "npm", "nuget", "pypi", "rpm"),
)
"""Types of packages that are programs (Package URL); others, such as huggingface, are not."""

_SURROUNDINGS: Final = ("docker://", *(f"pkg:{kind}/" for kind in _PACKAGES))
"""How URIs begin of what a build runs in: packages, and the image of a container."""


_NAME_CHARS: Final = 120
_SHOWN_NAMES: Final = 5


def build_problems(
    build: Build, *, of: frozenset[Binding], lineage: LineageControl, bases: tuple[str, ...]
) -> Iterator[Reason]:
    """
    Yield what is wrong with the inputs that *build* names, whatever is behind them.

    Args:
        build: The build.
        of: The artifact that it gave, by each pair of digests that may name it.
        lineage: What the rule asks of the inputs.
        bases: What the artifact's own files call the models that it is put on.
    """
    if not build.inputs:
        message = "its build names no artifact that it was made from"
        yield denied(Code.LINEAGE_NO_INPUTS, message)
        return
    if any(artifact.binding in of for artifact in build.inputs):
        yield denied(Code.LINEAGE_CYCLE, "its build names the artifact itself among the inputs")
    for glob in lineage.parents:
        names = [name for each in build.inputs for name in reference_names(each.name)]
        if not any(glob.matches(name) for name in names):
            found = listed(each.name for each in build.inputs)
            message = f"none of the inputs of its build is {glob.pattern}; there are {found}"
            yield denied(Code.LINEAGE_PARENT, message)
    for base in bases:
        if not any(is_base(artifact, base) for artifact in build.inputs):
            message = (
                f"the adapter calls its base {cut(base)}, which is none of the inputs of its "
                f"build: {listed(each.name for each in build.inputs)}"
            )
            yield denied(Code.LINEAGE_BASE, message)
    for resource in build.others:
        if may_be_artifact(resource):
            what = cut(resource.name or resource.uri or "something without a name")
            message = f"its build used {what}, which is not named by both digests of an artifact"
            yield denied(Code.LINEAGE_UNBOUND, message)


def is_base(artifact: Artifact, claim: str) -> bool:
    """Tell whether an adapter that calls its base *claim* can mean *artifact*, by its name."""
    return is_called(artifact.name, claim) or (
        artifact.uri is not None and is_called(artifact.uri, claim)
    )


def may_be_artifact(resource: Resource) -> bool:
    """
    Tell whether a dependency that is not bound by two digests could be a model or data.

    What a build runs in is known by its URI: packages of programs, and images. Anything else might
    be what the artifact was made from: a repository besides the source can hold a model as well,
    and so can what has neither a digest nor a URI, because it stands in the statement itself.
    """
    return not (resource.uri or "").startswith(_SURROUNDINGS)


def listed(names: Iterable[str]) -> str:
    """Return *names* for a message, each once, and of many the first ones only."""
    different = sorted(set(names))
    shown = ", ".join(cut(name) for name in different[:_SHOWN_NAMES])
    more = len(different) - _SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def cut(name: str) -> str:
    """Return *name* for a message, cut where it is long."""
    return name if len(name) <= _NAME_CHARS else f"{name[: _NAME_CHARS - 1]}…"
