"""
The signed statement: which files the signer saw, with which digests.

Source: OMS specification 1.0, sections 4 and 6; in-toto Statement v1.

What is checked here, in this order:

1. strict JSON with the statement's members and no other;
2. a predicate type that is read (any 1.x; the one before 1.0 only on the caller's wish);
3. exactly one subject;
4. `serialization`: method, hash, shard size, symlink rule, ignore list;
5. at least one resource; each with a canonical name that occurs once, an algorithm that
   agrees with `serialization`, a digest of the right length in lower-case hex;
6. shards that cover each file exactly once;
7. the root digest, over the digests in the order given.
"""

import json
import re
from collections.abc import Iterable
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, HashAlgorithm, HashLayout
from weighbridge.core.errors import MalformedContentError, SignatureRejectedError
from weighbridge.core.limits.inventory import MAX_SHARD_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.formats.json.members import Members
from weighbridge.signing.resources import (
    Resource,
    path_problem,
    root_digest,
    split_name,
    tiling_problem,
)

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://model_signing/signature/v1.0"
LEGACY_PREDICATE_TYPE: Final = "https://model_signing/Digests/v0.1"

_PREDICATE_TYPES: Final = re.compile(r"https://model_signing/signature/v1\.(0|[1-9][0-9]{0,3})")


@frozen
class Statement:
    """
    What a signer stated about a model.

    All of it is a claim until a `Verifier` has accepted the bytes that it was parsed from.

    Attributes:
        subject_name: What the signer called the model; for display only.
        root: The OMS root digest; equal to the one of `resources`, checked.
        layout: How the files were digested.
        allow_symlinks: Whether the signer let links to files stand for the files.
        ignore_paths: What the signer left out; a claim that no verification applies.
        resources: In the signer's order.
        legacy: Whether the statement is in the form of releases before 1.0.
    """

    subject_name: str
    root: Digest
    layout: HashLayout
    allow_symlinks: bool
    ignore_paths: tuple[str, ...]
    resources: tuple[Resource, ...]
    legacy: bool = False

    @property
    def paths(self) -> frozenset[str]:
        """The files that the statement names."""
        return frozenset(resource.path for resource in self.resources)


def parse_statement(payload: bytes, *, where: str, allow_legacy: bool = False) -> Statement:
    """
    Parse the payload of a signature, `Bundle.payload`.

    Args:
        payload: The very bytes that the signature is over.
        where: The signature file, for messages.
        allow_legacy: Whether to read the predicate of releases before 1.0, which records
            neither how files were digested nor a root digest.

    Raises:
        SignatureRejectedError: The statement breaks one of the rules above.
        LimitExceededError: JSON nested beyond any sense.
    """
    try:
        document = parse_json(payload, what=where)
    except MalformedContentError as error:
        raise SignatureRejectedError(
            "the signed statement is not strict JSON",
            code=Code.STATEMENT_MALFORMED,
            where=where,
            expected=error.expected,
            found=error.found,
        ) from error
    statement = Members(
        document,
        at="statement",
        where=where,
        raises=SignatureRejectedError,
        code=Code.STATEMENT_MALFORMED,
    )
    statement.allow({"_type", "subject", "predicateType", "predicate"})
    statement.constant("_type", STATEMENT_TYPE)
    kind = statement.text("predicateType")
    if kind == LEGACY_PREDICATE_TYPE:
        return _legacy(statement, allowed=allow_legacy)
    version = _PREDICATE_TYPES.fullmatch(kind)
    if version is None:
        raise statement.error(
            "the kind of statement is not read here",
            expected=repr(PREDICATE_TYPE),
            found=repr(kind[:120]),
            code=Code.PREDICATE_UNSUPPORTED,
        )
    return _current(statement, minor=int(version[1]))


def render_statement(statement: Statement, /) -> bytes:
    """
    Return the bytes to sign: JSON with sorted keys, plain algorithm names, integer sizes.

    The resources keep their order; `manifest.resources_of` gives the specification's.
    """
    layout = statement.layout
    serialization: dict[str, JsonValue] = {
        "method": "files",
        "hash_type": str(layout.algorithm),
        "allow_symlinks": statement.allow_symlinks,
        "ignore_paths": list(statement.ignore_paths),
    }
    if layout.shard_size is not None:
        serialization |= {"method": "shards", "shard_size": layout.shard_size}
    algorithm = str(layout.algorithm)
    resources: list[JsonValue] = [
        {"algorithm": algorithm, "digest": resource.value.hex(), "name": resource.name}
        for resource in statement.resources
    ]
    document: JsonValue = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": statement.subject_name, "digest": {"sha256": statement.root.hex}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"serialization": serialization, "resources": resources},
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def _current(statement: Members[SignatureRejectedError], *, minor: int) -> Statement:
    subjects = statement.items("subject")
    if len(subjects) != 1:
        raise statement.error(
            "the number of subjects is wrong", expected="exactly one", found=str(len(subjects))
        )
    (subject,) = statement.objects("subject", limit=1)
    subject_name = subject.text("name")
    if not subject_name:
        raise subject.error("the name is empty", expected="some name", found="none")
    predicate = statement.object("predicate")
    if minor == 0:
        # A later minor version may add members here; it may not change how files are digested.
        predicate.allow({"serialization", "resources"})
    serialization = predicate.object("serialization")
    layout = _layout(serialization)
    resources = _resources(predicate, layout)
    root = root_digest(resources)
    stated = subject.object("digest").text("sha256")
    if stated != root.hex:
        raise statement.error(
            "the root digest does not follow from the resources",
            expected=root.hex,
            found=repr(stated[:80]),
            code=Code.ROOT_DIGEST_MISMATCH,
        )
    ignored = serialization.texts("ignore_paths") if "ignore_paths" in serialization else ()
    return Statement(
        subject_name=subject_name,
        root=root,
        layout=layout,
        allow_symlinks=serialization.flag("allow_symlinks"),
        ignore_paths=ignored,
        resources=resources,
    )


def _layout(serialization: Members[SignatureRejectedError]) -> HashLayout:
    """Read how the files were digested."""
    serialization.allow({"method", "hash_type", "shard_size", "allow_symlinks", "ignore_paths"})
    hash_type = serialization.text("hash_type")
    try:
        algorithm = HashAlgorithm(hash_type)
    except ValueError as error:
        raise serialization.error(
            "unknown hash_type",
            expected=", ".join(HashAlgorithm),
            found=repr(hash_type[:40]),
        ) from error
    method = serialization.text("method")
    if method == "files":
        if "shard_size" in serialization:
            raise serialization.error("files have no shards", expected="no shard_size", found="one")
        return HashLayout(algorithm)
    if method != "shards":
        raise serialization.error(
            "unknown method", expected="files or shards", found=repr(method[:40])
        )
    return HashLayout(algorithm, _shard_size(serialization))


def _shard_size(serialization: Members[SignatureRejectedError]) -> int:
    """Read the shard size; a fraction such as `64.0` is how some producers write integers."""
    value = serialization.value("shard_size")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_SHARD_BYTES:
        raise serialization.error(
            "shard_size is no size",
            expected=f"an integer from 1 to {MAX_SHARD_BYTES}",
            found=repr(value)[:40],
        )
    return value


def _resources(
    predicate: Members[SignatureRejectedError], layout: HashLayout
) -> tuple[Resource, ...]:
    """Read the manifest; every entry is checked, the first wrong one is named."""
    algorithms = {str(layout.algorithm)}
    if layout.shard_size is not None:
        algorithms.add(f"{layout.algorithm}-sharded-{layout.shard_size}")
    resources = []
    for index, item in enumerate(predicate.items("resources")):
        entry = Members(
            item,
            at=f"resources[{index}]",
            where=predicate.where,
            raises=SignatureRejectedError,
            code=Code.STATEMENT_MALFORMED,
        )
        algorithm = entry.text("algorithm")
        if algorithm not in algorithms:
            raise entry.error(
                "the algorithm is not the one of the serialization",
                expected=" or ".join(sorted(algorithms)),
                found=repr(algorithm[:60]),
            )
        resources.append(_resource(entry, entry.text("digest"), layout))
    return _whole(resources, predicate, layout)


def _resource(entry: Members[SignatureRejectedError], digest: str, layout: HashLayout) -> Resource:
    """Read one entry's name and digest."""
    name = entry.text("name")
    try:
        path, start, end = split_name(name, layout)
    except ValueError as error:
        raise _bad_name(entry, str(error), name) from error
    if (problem := path_problem(path)) is not None:
        raise _bad_name(entry, problem, name)
    size = layout.algorithm.digest_size
    value = _unhex(digest)
    if value is None or len(value) != size:
        raise entry.error(
            "the digest is malformed",
            expected=f"{2 * size} lower-case hexadecimal digits",
            found=repr(digest[:160]),
        )
    return Resource(path, start, end, value)


def _unhex(text: str) -> bytes | None:
    """Decode lower-case hexadecimal digits and nothing else."""
    try:
        value = bytes.fromhex(text)
    except ValueError:
        return None
    return value if value.hex() == text else None


def _bad_name(
    entry: Members[SignatureRejectedError], problem: str, name: str
) -> SignatureRejectedError:
    return entry.error(
        "the name is not acceptable",
        expected="a canonical path relative to the model",
        found=f"{name[:200]!a} ({problem})",
        code=Code.RESOURCE_NAME,
    )


def _whole(
    resources: Iterable[Resource], document: Members[SignatureRejectedError], layout: HashLayout
) -> tuple[Resource, ...]:
    """Check what concerns all resources together."""
    every = tuple(resources)
    if not every:
        raise document.error("nothing is signed", expected="at least one file", found="none")
    if layout.shard_size is None:
        _refuse_duplicates([resource.path for resource in every], document)
        return every
    files: dict[str, list[Resource]] = {}
    for resource in every:
        files.setdefault(resource.path, []).append(resource)
    for path, shards in files.items():
        _refuse_duplicates([shard.name for shard in shards], document)
        problem = tiling_problem(shards, layout.shard_size)
        if problem is not None:
            raise document.error(
                "the shards of a file do not cover it exactly once",
                expected="shards without hole or overlap",
                found=f"{path!a}: {problem}",
            )
    return every


def _refuse_duplicates(names: list[str], document: Members[SignatureRejectedError]) -> None:
    """Refuse a name that occurs twice: readers disagree which entry counts."""
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise document.error(
                "a name occurs twice",
                expected="every name once",
                found=ascii(name[:200]),
                code=Code.RESOURCE_DUPLICATE,
            )
        seen.add(name)


def _legacy(statement: Members[SignatureRejectedError], *, allowed: bool) -> Statement:
    """Read a statement of releases before 1.0: files are subjects, SHA-256 is fixed."""
    if not allowed:
        raise statement.error(
            "a statement in the form of releases before 1.0, which binds less",
            expected=repr(PREDICATE_TYPE),
            found=f"{LEGACY_PREDICATE_TYPE!r}; --allow-legacy reads it",
            code=Code.LEGACY_REFUSED,
        )
    layout = HashLayout()
    resources = []
    for index, item in enumerate(statement.items("subject")):
        entry = Members(
            item,
            at=f"subject[{index}]",
            where=statement.where,
            raises=SignatureRejectedError,
            code=Code.STATEMENT_MALFORMED,
        )
        resources.append(_resource(entry, entry.object("digest").text("sha256"), layout))
    every = _whole(resources, statement, layout)
    return Statement(
        subject_name="unnamed",
        root=root_digest(every),
        layout=layout,
        allow_symlinks=False,
        ignore_paths=(),
        resources=every,
        legacy=True,
    )
