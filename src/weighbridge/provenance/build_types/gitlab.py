"""
Jobs of GitLab, as GitLab attests them and as its runner describes them.

The runner calls the commit a `sha256`, which it is not, and the project's URL no git URL. Of the
variables both say the names at least; they are one parameter, `variables`, since no policy could
expect each of hundreds by name.

Source: GitLab documentation, "Provenance metadata format" and "SLSA provenance specification".
"""

from typing import Final

from weighbridge.core.attestation import Resource
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue
from weighbridge.provenance.build_types import plain
from weighbridge.provenance.build_types.interface import Definition, Parts, without
from weighbridge.provenance.parameters import collapsed
from weighbridge.provenance.resources import is_commit

_COMMIT_DIGESTS: Final = ("gitCommit", "sha1", "sha256")
_SINGLE: Final = frozenset({"source", "entryPoint"})


@frozen
class Project:
    """
    The project of a job, as a resource that others understand.

    Attributes:
        resource: At `git+URL`, with the commit as `gitCommit`.
        taken: The resource that says so.
    """

    resource: Resource
    taken: Resource


def read(definition: Definition, /) -> Parts:
    """Read the definition of a job."""
    external = definition.external
    url = external.get("source")
    projects = [p for r in definition.dependencies if (p := project(r, url)) is not None]
    taken = {p.taken for p in projects}
    dependencies = (
        *(p.resource for p in projects),
        *(r for r in definition.dependencies if r not in taken),
    )
    parts = plain.split(
        Definition(
            build_type=definition.build_type,
            external={
                key: definition.external[key] for key in definition.external.keys() & _SINGLE
            },
            internal=definition.internal,
            dependencies=dependencies,
            at=definition.at,
            where=definition.where,
        )
    )
    if parts.source is not None and parts.source.uri == f"git+{url}":
        parts = without(parts, {"source"})
    rest = {k: v for k, v in external.items() if k not in _SINGLE}
    variables = collapsed("variables", rest["variables"] if rest.keys() == {"variables"} else rest)
    return Parts(
        source=parts.source,
        parameters=tuple(sorted((*parts.parameters, *variables))),
        internal=parts.internal,
        inputs=parts.inputs,
        others=parts.others,
    )


def project(resource: Resource, url: JsonValue, /) -> Project | None:
    """Return the project at *url* that *resource* is, or None where it is another thing."""
    if not isinstance(url, str) or resource.uri != url or not url.startswith("https://"):
        return None
    commits = {resource.digest(name) for name in _COMMIT_DIGESTS} - {None}
    if len(commits) != 1:
        return None
    (commit,) = commits
    if commit is None or not is_commit(commit):
        return None
    return Project(
        resource=Resource(uri=f"git+{url}", digests=(("gitCommit", commit),)), taken=resource
    )
