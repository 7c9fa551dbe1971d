"""
Collections of Witness: a step, with what each of its attestors saw.

A collection maps to a build if exactly one command was run in it. Its subjects are files and
other things under URLs; only the files are subjects here, by their paths. As of a link, the
builder's id is the kind of statement, and the environment's variables are one parameter.

Source: go-witness, `attestation/collection.go` and the attestors git, material, command-run,
product and environment.
"""

import re
from collections.abc import Sequence
from typing import Final

from weighbridge.core.attestation import Build, Resource, Source
from weighbridge.core.build_types import WITNESS
from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.claims import MAX_STATEMENT_RESOURCES
from weighbridge.formats.json import JsonValue
from weighbridge.provenance.fields import (
    Fields,
    bounded,
    fields,
    optional_mapping,
    optional_objects,
    optional_text,
    optional_texts,
    optional_time,
    required_text,
)
from weighbridge.provenance.link import refuse_failure
from weighbridge.provenance.parameters import collapsed, parameters_of
from weighbridge.provenance.resources import is_commit, read_digests, split_git

COLLECTION: Final = WITNESS
"""The predicate's type."""

_ATTESTOR: Final = "https://witness.dev/attestations/"
_COMMAND: Final = f"{_ATTESTOR}command-run/v0.1"
_MATERIAL: Final = f"{_ATTESTOR}material/v0.1"
_GIT: Final = f"{_ATTESTOR}git/v0.1"
_ENVIRONMENT: Final = f"{_ATTESTOR}environment/v0.1"
_FILE: Final = f"{_ATTESTOR}product/v0.1/file:"
_SCP_REMOTE: Final = re.compile(r"([A-Za-z0-9._-]+@[A-Za-z0-9.-]+):([^/@?#:][^@?#:]*)")


def read_collection(predicate: Fields, /) -> Build:
    """
    Return the build that the collection *predicate* describes.

    Raises:
        ClaimError: It does not follow the format, the command failed, or, with the code
            `claim-unknown`, there is not exactly one command.
        LimitExceededError: It is beyond a bound.
    """
    seen = optional_objects(predicate, "attestations", limit=MAX_STATEMENT_RESOURCES)
    commands = [item for item in seen if item.text("type") == _COMMAND]
    if len(commands) != 1:
        raise predicate.error(
            "the collection does not say how anything was made",
            code=Code.CLAIM_UNKNOWN,
            expected="one command",
            found=str(len(commands)),
        )
    command = commands[0].object("attestation")
    refuse_failure(command, command.value("exitcode"))
    words: list[JsonValue] = list(optional_texts(command, "cmd", limit=MAX_STATEMENT_RESOURCES))
    parameters = parameters_of({"name": required_text(predicate, "name"), "command": words})
    variables = [
        pair
        for environment in _of(seen, _ENVIRONMENT)
        for pair in collapsed("environment", optional_mapping(environment, "variables"))
    ]
    return Build(
        predicate_type=COLLECTION,
        build_type=WITNESS,
        builder_id=WITNESS,
        parameters=tuple(sorted({*parameters, *variables})),
        source=_source(_of(seen, _GIT)),
        others=tuple(
            material
            for item in seen
            if item.text("type") == _MATERIAL
            for material in _materials(item)
        ),
        started=optional_time(commands[0], "starttime"),
        finished=optional_time(commands[0], "endtime"),
    )


def product_files(subjects: Sequence[Resource], /) -> tuple[Resource, ...]:
    """Return those of *subjects* that are files, under their paths."""
    return tuple(
        Resource(name=subject.name.removeprefix(_FILE), digests=subject.digests)
        for subject in subjects
        if subject.name is not None and subject.name.startswith(_FILE)
    )


def _of(seen: Sequence[Fields], kind: str) -> list[Fields]:
    return [item.object("attestation") for item in seen if item.text("type") == kind]


def _materials(item: Fields) -> tuple[Resource, ...]:
    """Read files with their digests, of which the paths are the keys."""
    files = optional_mapping(item, "attestation")
    if len(files) > MAX_STATEMENT_RESOURCES:
        raise LimitExceededError(
            f"{item.at}: there are too many materials",
            where=item.where,
            expected=f"at most {MAX_STATEMENT_RESOURCES}",
            found=str(len(files)),
        )
    return tuple(
        Resource(
            name=bounded(item, "a path", path),
            digests=read_digests(fields({"digest": files[path]}, at=item.at, where=item.where)),
        )
        for path in sorted(files)
    )


def _source(repositories: Sequence[Fields]) -> Source | None:
    """Return the source, where there is one repository with one remote."""
    if len(repositories) != 1:
        return None
    (repository,) = repositories
    remotes = optional_texts(repository, "remotes", limit=MAX_STATEMENT_RESOURCES)
    commit = optional_text(repository, "commithash")
    uri = git_uri(remotes[0]) if len(remotes) == 1 else None
    if uri is None or commit is None or not is_commit(commit):
        return None
    refs = optional_texts(repository, "refs", limit=MAX_STATEMENT_RESOURCES)
    return Source(
        uri=uri,
        ref=refs[0] if len(refs) == 1 else None,
        commit=commit,
        clean=not optional_mapping(repository, "status"),
    )


def git_uri(remote: str, /) -> str | None:
    """Return the URI of the repository that git calls *remote*, or None for a path."""
    match = _SCP_REMOTE.fullmatch(remote)
    uri = f"git+{remote}" if match is None else f"git+ssh://{match[1]}/{match[2]}"
    place = split_git(uri)
    return None if place is None or place[1] is not None else place[0]
