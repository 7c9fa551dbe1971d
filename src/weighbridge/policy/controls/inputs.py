"""What a build says of its inputs, held against what a rule asks of them."""

from collections.abc import Iterator
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
            found = _listed(build.inputs)
            message = f"none of the inputs of its build is {glob.pattern}; there are {found}"
            yield denied(Code.LINEAGE_PARENT, message)
    for base in bases:
        if not any(is_base(artifact, base) for artifact in build.inputs):
            message = (
                f"the adapter calls its base {base}, which is none of the inputs of its build: "
                f"{_listed(build.inputs)}"
            )
            yield denied(Code.LINEAGE_BASE, message)
    for resource in build.others:
        if may_be_artifact(resource):
            message = (
                f"its build used {resource.name or resource.uri or 'something without a name'}, "
                "which is not named by both digests of an artifact"
            )
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
    be what the artifact was made from: a repository besides the source can hold a model as well.
    """
    if not resource.digests and resource.uri is None:
        return False
    return not (resource.uri or "").startswith(_SURROUNDINGS)


def _listed(artifacts: tuple[Artifact, ...]) -> str:
    return ", ".join(sorted({artifact.name for artifact in artifacts}))
