"""Edits of the claims in the worked pipeline: what they say, and the lines that say it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from support.worked_pipeline import Claims, Statement, Workshop

SERVED: Final = "models/served"
SIGNERS: Final = {
    "served": "convert-platform",
    "converted": "convert-platform",
    "tuned": "train-platform",
    "base": "publisher",
    "texts": "data-team",
}
Edit = Callable[[Statement], None]
"""Changes what a statement says."""

Change = Callable[[Workshop, Workshop], None]
"""Changes a copy of the finished workshop; the second one has made another model by its steps."""


def edited(subject: str, edit: Edit, *, key: str | None = None) -> Change:
    """Return a change of the claim about *subject*, signed by *key* or by whom it should be."""

    def change(workshop: Workshop, _: Workshop) -> None:
        claims = Claims(workshop.path(SERVED))
        number = claims.find(subject)
        statement = claims.statement(number)
        edit(statement)
        claims.replace(number, statement, workshop.signer(key or SIGNERS[subject]))
        claims.save()

    return change


def set_member(*path: str, value: object, at: tuple[str, ...] = ("predicate",)) -> Edit:
    """Return an edit that sets the member at *path* below *at*."""

    def edit(statement: Statement) -> None:
        item = statement
        for name in (*at, *path[:-1]):
            item = item[name]
        item[path[-1]] = value

    return edit


def dependencies(statement: Statement) -> list[Statement]:
    """Return the resolved dependencies of a build, to be changed."""
    listed: list[Statement] = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    return listed


def with_source(uri: str | None) -> Edit:
    """Return an edit that gives a build another source, or none."""

    def edit(statement: Statement) -> None:
        listed = dependencies(statement)
        (source,) = [each for each in listed if each.get("uri", "").startswith("git+")]
        if uri is None:
            listed.remove(source)
        else:
            source["uri"] = uri

    return edit


def altered_source(statement: Statement) -> None:
    """Say that the source had been altered where the build ran."""
    for each in dependencies(statement):
        if each.get("uri", "").startswith("git+"):
            each["annotations"] = {"weighbridge_clean": False}


def without(name: str) -> Edit:
    """Return an edit that takes an external parameter away."""

    def edit(statement: Statement) -> None:
        del statement["predicate"]["buildDefinition"]["externalParameters"][name]

    return edit


def without_inputs(statement: Statement) -> None:
    """Take every artifact that the build was made from away."""
    listed = dependencies(statement)
    listed[:] = [each for each in listed if "uri" in each and "name" not in each]


def other_digests(parent: str, *, root: bool, names: bool) -> Edit:
    """Return an edit that gives an input other digests."""

    def edit(statement: Statement) -> None:
        for each in dependencies(statement):
            if (each.get("name") == parent and root) or (
                each.get("name") == f"{parent}#manifest" and names
            ):
                each["digest"] = {"sha256": "5" * 64}

    return edit


def half_an_input(parent: str, *, whole: bool = False) -> Edit:
    """Return an edit that leaves an input one digest, or takes the whole of it away."""
    gone = {f"{parent}#manifest", parent} if whole else {f"{parent}#manifest"}

    def edit(statement: Statement) -> None:
        listed = dependencies(statement)
        listed[:] = [each for each in listed if each.get("name") not in gone]

    return edit


def one_more_input(statement: Statement) -> None:
    """Name one more artifact that the build was made from."""
    dependencies(statement).extend(
        {"name": name, "digest": {"sha256": digest * 64}}
        for name, digest in (("mallory/x", "1"), ("mallory/x#manifest", "2"))
    )


def loose_input(statement: Statement) -> None:
    """Name one more model by a single digest."""
    dependencies(statement).append({"uri": "hf://mallory/x", "digest": {"sha256": "1" * 64}})


def renamed_input(parent: str, name: str) -> Edit:
    """Return an edit that calls an input by the name of another one."""

    def edit(statement: Statement) -> None:
        taken = [f"{name}#manifest", name]
        listed = dependencies(statement)
        listed[:] = [each for each in listed if each.get("name") not in taken]
        for each in listed:
            if each.get("name", "").removesuffix("#manifest") == parent:
                each["name"] = each["name"].replace(parent, name)

    return edit


def itself_as_input(parent: str) -> Edit:
    """Return an edit that makes the output its own input."""

    def edit(statement: Statement) -> None:
        root, names = (each["digest"] for each in statement["subject"])
        for each in dependencies(statement):
            if each.get("name") == parent:
                each["digest"] = root
            if each.get("name") == f"{parent}#manifest":
                each["digest"] = names

    return edit


def skipped_conversion(workshop: Workshop, other: Workshop) -> None:
    """Say that the served model was quantized from the tuned one."""
    claims = Claims(workshop.path(SERVED))
    conversion = claims.statement(claims.find("converted"))
    tuned = [e for e in dependencies(conversion) if "acme/tuned" in e.get("name", "")]

    def edit(statement: Statement) -> None:
        listed = dependencies(statement)
        listed[:] = [e for e in listed if "acme/converted" not in e.get("name", "")] + tuned

    edited("served", edit)(workshop, other)


def other_subject(place: int) -> Edit:
    """Return an edit that gives one of the subjects another digest."""

    def edit(statement: Statement) -> None:
        statement["subject"][place]["digest"] = {"sha256": "7" * 64}

    return edit


def other_file_names(statement: Statement) -> None:
    """Say that the very content was signed under other names: the root digest stays as it is."""
    for number, each in enumerate(statement["predicate"]["resources"]):
        each["name"] = f"{number}-{each['name']}"


def at_line(subject: str, change: Callable[[Claims, int], None]) -> Change:
    """Return a change of the line about *subject*."""

    def changed(workshop: Workshop, _: Workshop) -> None:
        claims = Claims(workshop.path(SERVED))
        change(claims, claims.find(subject))
        claims.save()

    return changed


def removed(subject: str) -> Change:
    """Return a change that removes the line about *subject*."""
    return at_line(subject, lambda claims, number: claims.lines.__delitem__(number))


def cut(subject: str) -> Change:
    """Return a change that leaves half of the line about *subject*."""

    def cut(claims: Claims, number: int) -> None:
        claims.lines[number] = claims.lines[number][: len(claims.lines[number]) // 2]

    return at_line(subject, cut)


def flipped(subject: str) -> Change:
    """Return a change of one character of what the line about *subject* says."""

    def flip(claims: Claims, number: int) -> None:
        line = claims.lines[number]
        start = line.index(b'"payload":"') + len(b'"payload":"') + 40
        old = line[start : start + 1]
        claims.lines[number] = line[:start] + (b"A" if old != b"A" else b"B") + line[start + 1 :]

    return at_line(subject, flip)


def bare(subject: str) -> Change:
    """Return a change to the statement about *subject* without a signature."""

    def bare(claims: Claims, number: int) -> None:
        claims.lines[number] = json.dumps(claims.statement(number)).encode()

    return at_line(subject, bare)


def signature_swapped(subject: str) -> Change:
    """Return a change that gives the line about *subject* another line's signature."""

    def swap(claims: Claims, number: int) -> None:
        mine, other = json.loads(claims.lines[number]), json.loads(claims.lines[number - 1])
        mine["dsseEnvelope"]["signatures"] = other["dsseEnvelope"]["signatures"]
        claims.lines[number] = json.dumps(mine).encode()

    return at_line(subject, swap)


def from_other(subject: str) -> Change:
    """Return a change that takes the line about *subject* from another run."""

    def change(workshop: Workshop, other: Workshop) -> None:
        claims, others = Claims(workshop.path(SERVED)), Claims(other.path(SERVED))
        claims.lines[claims.find(subject)] = others.lines[others.find(subject)]
        claims.save()

    return change


def no_claims(workshop: Workshop, _: Workshop) -> None:
    """Remove the claims file."""
    workshop.path(f"{SERVED}/model.claims.jsonl").unlink()


def no_json(workshop: Workshop, _: Workshop) -> None:
    """Put something else in the place of the claims."""
    workshop.path(f"{SERVED}/model.claims.jsonl").write_bytes(b"\x00\xff\n" * 50)


def other_claims(workshop: Workshop, other: Workshop) -> None:
    """Take the claims of another run."""
    name = f"{SERVED}/model.claims.jsonl"
    shutil.copyfile(other.path(name), workshop.path(name))


def other_key(name: str) -> Change:
    """Return a change that gives the policy a stranger's key for one of its signers."""

    def change(workshop: Workshop, _: Workshop) -> None:
        keys: Path = workshop.path("keys")
        shutil.copyfile(keys / "stranger.pub", keys / f"{name}.pub")

    return change
