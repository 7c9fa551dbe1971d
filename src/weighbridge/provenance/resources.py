"""
What statements name: single resources, artifacts by both digests, sources by their commit.

Sources: in-toto Attestation Framework, ResourceDescriptor and DigestSet; SPDX 2.3, clause 7.7
(package download location), for `git+https://...@REVISION`.
"""

import json
import re
from collections.abc import Iterable
from typing import Final

from weighbridge.core.attestation import MANIFEST_SUFFIX, Artifact, Binding, Resource, Source
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.errors import ClaimError, UsageError
from weighbridge.core.limits.claims import MAX_STATEMENT_DIGESTS, MAX_STATEMENT_RESOURCES
from weighbridge.formats.json import JsonValue
from weighbridge.provenance.fields import (
    Fields,
    JsonObject,
    bounded,
    optional_mapping,
    optional_objects,
    optional_text,
)
from weighbridge.provenance.parameters import canonical

CLEAN_ANNOTATION: Final = "weighbridge_clean"
"""Says of a source whether the working tree was that of the commit; anything but true says no."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_GIT_URI: Final = re.compile(
    r"(git\+[a-z][a-z0-9+.-]*://[^/@?#]*(?:@[^/@?#]*)?/[^@?#]+)(?:@([^?#]+))?"
)


def read_resources(members: Fields, name: str, /) -> tuple[Resource, ...]:
    """Return the resources in the array *name*, which may be unset."""
    items = optional_objects(members, name, limit=MAX_STATEMENT_RESOURCES)
    return tuple(read_resource(item) for item in items)


def read_resource(item: Fields, /) -> Resource:
    """
    Return the resource that *item* describes.

    Digests stand as they are: whether one is of the right length matters where it is compared.
    """
    digests = read_digests(item)
    uri = optional_text(item, "uri")
    if not digests and uri is None and not has_content(item):
        raise item.error(
            "the resource is not told from others",
            expected="a digest, a uri or content",
            found="none",
        )
    annotations = optional_mapping(item, "annotations")
    return Resource(
        name=optional_text(item, "name"),
        uri=uri,
        digests=digests,
        media_type=optional_text(item, "mediaType"),
        annotations=tuple(
            (bounded(item, "a key of annotations", key), canonical(annotations[key]))
            for key in sorted(annotations)
        ),
    )


def has_content(item: Fields, /) -> bool:
    """Tell whether the resource itself stands in *item*; null and empty are as good as unset."""
    content = item.value("content") if "content" in item else None
    return isinstance(content, str) and bool(content)


def read_digests(item: Fields, /) -> tuple[tuple[str, str], ...]:
    """Return the digests of *item*, sorted."""
    digests = optional_mapping(item, "digest")
    if len(digests) > MAX_STATEMENT_DIGESTS:
        raise item.error(
            "digest has too many members",
            expected=f"at most {MAX_STATEMENT_DIGESTS}",
            found=str(len(digests)),
        )
    pairs: list[tuple[str, str]] = []
    for algorithm in sorted(digests):
        value = digests[algorithm]
        if not algorithm or not isinstance(value, str) or not value:
            raise item.error(
                "a digest has the wrong type", expected="a name and a string", found="another one"
            )
        pairs.append((bounded(item, "digest", algorithm), bounded(item, "digest", value)))
    return tuple(pairs)


def render_resource(resource: Resource, /) -> JsonObject:
    """Return *resource* as it is written."""
    document: JsonObject = {}
    if resource.name is not None:
        document["name"] = resource.name
    if resource.uri is not None:
        document["uri"] = resource.uri
    if resource.digests:
        document["digest"] = dict(resource.digests)
    if resource.media_type is not None:
        document["mediaType"] = resource.media_type
    if resource.annotations:
        document["annotations"] = {key: _value(value) for key, value in resource.annotations}
    return document


def _value(text: str) -> JsonValue:
    """Return what the JSON *text* of an annotation stands for."""
    try:
        value: JsonValue = json.loads(text)
    except ValueError as error:
        raise UsageError("an annotation is no JSON", expected="JSON", found=repr(text)) from error
    return value


def render_artifact(artifact: Artifact, /) -> tuple[JsonObject, JsonObject]:
    """Return the two resources by which *artifact* is named."""
    root: JsonObject = {"name": artifact.name, "digest": {"sha256": artifact.binding.root.hex}}
    if artifact.uri is not None:
        root["uri"] = artifact.uri
    names: JsonObject = {
        "name": artifact.name + MANIFEST_SUFFIX,
        "digest": {"sha256": artifact.binding.names.hex},
    }
    return root, names


def subjects_of(
    resources: Iterable[Resource], /, *, at: str = "subject", where: str = "statement"
) -> tuple[tuple[Artifact, ...], tuple[Resource, ...]]:
    """
    Split *resources* into the artifacts that are named by both digests, and the single files.

    What is named by one digest only binds either the content or the names. So `NAME#manifest`
    needs one partner `NAME`, and nothing else may have that name. What is there twice counts once.

    Args:
        resources: Subjects, dependencies or materials.
        at: What the statement calls them, for messages.
        where: File and line, for messages.

    Raises:
        ClaimError: A `#manifest` without its partner, without a digest, or with two of them.
    """
    every = tuple(dict.fromkeys(resources))
    by_name: dict[str, list[Resource]] = {}
    for resource in every:
        if resource.name is not None:
            by_name.setdefault(resource.name, []).append(resource)
    artifacts: dict[str, Artifact] = {}
    for name, found in by_name.items():
        if name.endswith(MANIFEST_SUFFIX):
            base = name.removesuffix(MANIFEST_SUFFIX)
            partners = by_name.get(base, [])
            if not base or len(found) != 1 or len(partners) != 1:
                raise _unpaired(name, len(found), len(partners), at=at, where=where)
            artifacts[base] = _artifact(base, partners[0], found[0], at=at, where=where)
    taken = {name for base in artifacts for name in (base, base + MANIFEST_SUFFIX)}
    return tuple(artifacts.values()), tuple(r for r in every if r.name not in taken)


def source_of(resource: Resource, /) -> Source | None:
    """
    Return the source that *resource* is: something at `git+...` with the digest of a commit.

    Provenance before v1 called that digest `sha1`. Where there is no digest at all nobody says
    which commit it was; where there is another one it is of a file.
    """
    place = None if resource.uri is None else split_git(resource.uri)
    commits = {resource.digest("gitCommit"), resource.digest("sha1")} - {None}
    if place is None or len(commits) > 1 or (not commits and resource.digests):
        return None
    commit = next(iter(commits), None)
    if commit is not None and _COMMIT.fullmatch(commit) is None:
        return None
    uri, ref = place
    clean = dict(resource.annotations).get(CLEAN_ANNOTATION, "null")
    return Source(
        uri=uri,
        ref=None if ref == commit else ref,
        commit=commit,
        # What is no boolean does not say that it was clean.
        clean={"true": True, "null": None}.get(clean, False),
    )


def render_source(source: Source, /) -> JsonObject:
    """Return *source* as it is written among the dependencies."""
    document: JsonObject = {
        "uri": source.uri if source.ref is None else f"{source.uri}@{source.ref}"
    }
    if source.commit is not None:
        document["digest"] = {"gitCommit": source.commit}
    if source.clean is not None:
        document["annotations"] = {CLEAN_ANNOTATION: source.clean}
    return document


def split_git(uri: str, /) -> tuple[str, str | None] | None:
    """
    Return repository and revision of `git+SCHEME://HOST/PATH@REVISION`, or None for another URI.

    The revision starts behind the first `@` of the path, so that the two put together again are
    the URI. One with a query, or with a path within the repository, is none of these.
    """
    match = _GIT_URI.fullmatch(uri)
    return None if match is None else (match[1], match[2])


def is_commit(text: str, /) -> bool:
    """Tell whether *text* is the id of a commit, SHA-1 or SHA-256 in lower-case hex."""
    return _COMMIT.fullmatch(text) is not None


def _artifact(name: str, root: Resource, names: Resource, *, at: str, where: str) -> Artifact:
    if not name.isprintable():
        raise _broken("the name has characters that cannot be shown", name, at=at, where=where)
    if names.uri not in {None, root.uri}:
        raise _broken(
            "the two subjects of an artifact have different URIs", name, at=at, where=where
        )
    root_digest, names_digest = _sha256(root), _sha256(names)
    if root_digest is None or names_digest is None:
        raise ClaimError(
            f"{at}: an artifact is not named by both digests",
            where=where,
            expected="a sha256 of 64 lower-case hexadecimal digits for each",
            found=repr(name[:120]),
        )
    return Artifact(name=name, uri=root.uri, binding=Binding(root=root_digest, names=names_digest))


def _sha256(resource: Resource) -> Digest | None:
    text = resource.digest("sha256")
    if text is None or _SHA256.fullmatch(text) is None:
        return None
    return Digest(HashAlgorithm.SHA256, bytes.fromhex(text))


def _unpaired(name: str, found: int, partners: int, *, at: str, where: str) -> ClaimError:
    return ClaimError(
        f"{at}: a digest of names does not belong to one digest of content",
        where=where,
        expected=f"one {name[:120]!r} and one {name.removesuffix(MANIFEST_SUFFIX)[:120]!r}",
        found=f"{found} and {partners}",
    )


def _broken(message: str, name: str, *, at: str, where: str) -> ClaimError:
    return ClaimError(f"{at}: {message}", where=where, found=repr(name[:120]))
