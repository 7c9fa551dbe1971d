"""A lineage as a tree, as graphs and as JSON."""

import json

import pytest

from support.lineages import artifact_of, build_of
from weighbridge.core.attestation import Artifact, Source
from weighbridge.core.limits.policy import MAX_DRAWN_GENERATIONS
from weighbridge.core.lineage import Lineage, LineageNode, LineageStep, Standing
from weighbridge.record.json_lineage import lineage_document
from weighbridge.record.json_v1 import render_json
from weighbridge.record.lineage_graph import lineage_dot, lineage_mermaid
from weighbridge.record.lineage_tree import lineage_text
from weighbridge.record.style import COLOUR

HOSTILE = 'a"]\n\x1b[31m<b>&#1;`\\ "];x->y'
SOURCE = Source(uri="git+https://git.example/acme/train", ref="refs/heads/main")


def step_of(
    *inputs: int | None,
    standing: Standing = Standing.HOLDS,
    problems: tuple[str, ...] = (),
    artifacts: tuple[Artifact, ...] = (),
) -> LineageStep:
    """Return a step from the nodes *inputs*."""
    return LineageStep(
        place="model.claims.jsonl:2",
        sha256="ab" * 32,
        trust="runner",
        signer="key sha256:00",
        build=build_of(*artifacts, source=SOURCE, parameters=[("params.bits", '"8"')]),
        inputs=inputs,
        standing=standing,
        problems=problems,
    )


def node_of(
    name: str,
    *steps: LineageStep,
    generation: int = 1,
    standing: Standing = Standing.HOLDS,
    problems: tuple[str, ...] = (),
    signers: tuple[str, ...] = (),
    receipt: str | None = None,
) -> LineageNode:
    """Return an artifact of a lineage."""
    return LineageNode(
        artifact=artifact_of(name, content="x"),
        generation=generation,
        rule="rule 1 (models/**)",
        boundary="deploy",
        signers=signers,
        receipt=receipt,
        steps=steps,
        standing=standing,
        problems=problems,
    )


SMALL = Lineage(
    nodes=(
        node_of("q8", step_of(1), generation=0),
        node_of("tuned", step_of(2, 3, 2), receipt="model.claims.jsonl:7"),
        node_of("base", generation=2, signers=("hsm", "spare")),
        node_of("data", generation=2, standing=Standing.BROKEN, problems=("nobody signed it",)),
    )
)


def test_tree() -> None:
    """What something was made from is below it, with what is wrong of it; all of it once."""
    digest = artifact_of("", content="x").binding.label
    by = (
        "by https://github.com/actions/runner/github-hosted, signed by runner: "
        "urn:weighbridge:build-type:command:v1 from "
        "git+https://git.example/acme/train@refs/heads/main  holds  model.claims.jsonl:2"
    )
    rule = "rule 1 (models/**)"
    assert lineage_text(SMALL).splitlines() == [
        f"q8 {digest}  holds  {rule}",
        f"└─ {by}",
        f"   └─ tuned {digest}  holds  receipt model.claims.jsonl:7  {rule}",
        f"      └─ {by}",
        f"         ├─ base {digest}  holds  signed by hsm, spare  {rule}",
        f"         ├─ data {digest}  broken  {rule}",
        "         │  └─ nobody signed it",
        f"         └─ base {digest}  holds  signed by hsm, spare  {rule}",
    ]


def test_shared_parts_are_shown_once() -> None:
    """A part with builds of its own that comes again is only named, and a cycle ends."""
    lineage = Lineage(
        nodes=(
            node_of("a", step_of(1, 1), generation=0),
            node_of("b", step_of(0, None, standing=Standing.BROKEN, problems=("no inputs",))),
        )
    )
    text = lineage_text(lineage)
    assert text.count("(shown above)") == 2
    assert "no inputs" in text
    assert "more than this tool looks at" in text


def test_claimed_tree_says_so() -> None:
    """That nobody verified the claims is said below the tree."""
    text = lineage_text(Lineage(nodes=(node_of("a", standing=Standing.CLAIMED),)))
    assert "Nobody verified these claims" in text
    assert "Nobody verified" not in lineage_text(SMALL)


def test_colour() -> None:
    """Colours change nothing but the looks."""
    coloured = lineage_text(SMALL, style=COLOUR)
    for code in (COLOUR.good, COLOUR.bad, COLOUR.strong, COLOUR.faint, COLOUR.reset):
        coloured = coloured.replace(code, "")
    assert coloured == lineage_text(SMALL)


@pytest.mark.parametrize("render", [lineage_text, lineage_mermaid, lineage_dot])
def test_hostile_names_are_text(render: object) -> None:
    """Whatever an artifact is called, it starts no line and no escape sequence."""
    lineage = Lineage(nodes=(node_of(HOSTILE, step_of(1)), node_of("x" * 5000)))
    plain = Lineage(nodes=(node_of("a", step_of(1)), node_of("x")))
    assert callable(render)
    text = render(lineage)
    assert "\x1b" not in text
    assert text.count("\n") == render(plain).count("\n")
    assert all(len(line) < 1000 for line in text.splitlines())


def test_mermaid() -> None:
    """Artifacts and steps are nodes, what was made from what are arrows, and names are escaped."""
    text = lineage_mermaid(SMALL)
    assert text.startswith("flowchart BT\n")
    arrows = [line.strip() for line in text.splitlines() if "-->" in line]
    assert arrows == [
        "s0x0 --> a0",
        "a1 --> s0x0",
        "s1x0 --> a1",
        "a2 --> s1x0",
        "a3 --> s1x0",
        "a2 --> s1x0",
    ]
    hostile = lineage_mermaid(Lineage(nodes=(node_of(HOSTILE),)))
    (line,) = [each for each in hostile.splitlines() if each.startswith("  a0")]
    label = line.removeprefix('  a0["').removesuffix('"]:::holds')
    assert not set('"<>`[]&').intersection(label.replace("<br/>", ""))


def test_dot() -> None:
    """The same in the DOT language, with quotes and backslashes escaped."""
    text = lineage_dot(SMALL)
    assert text.startswith("digraph lineage {\n")
    assert text.endswith("}\n")
    assert "  a2 -> s1x0;" in text
    hostile = lineage_dot(Lineage(nodes=(node_of(HOSTILE),)))
    (line,) = [each for each in hostile.splitlines() if each.startswith("  a0")]
    label = line.partition('label = "')[2].removesuffix('"];')
    quotes = [place for place, each in enumerate(label) if each == '"']
    assert quotes
    assert all(label[:place].endswith("\\") for place in quotes)


def test_json() -> None:
    """The document has every part, and the same as JSON."""
    document = lineage_document(SMALL)
    assert document["schema"] == "weighbridge.lineage/v1"
    assert json.loads(render_json(document)) == document
    artifacts = document["artifacts"]
    assert isinstance(artifacts, list)
    second, last = artifacts[1], artifacts[3]
    assert isinstance(second, dict)
    assert isinstance(last, dict)
    builds = second["builds"]
    assert isinstance(builds, list)
    build = builds[0]
    assert isinstance(build, dict)
    assert (build["inputs"], build["source"]) == ([2, 3, 2], SOURCE.label)
    assert build["parameters"] == [{"name": "params.bits", "value": '"8"'}]
    assert (last["standing"], last["problems"]) == ("broken", ["nobody signed it"])


def test_empty_lineage() -> None:
    """There is no lineage of nothing."""
    with pytest.raises(ValueError, match="has an artifact"):
        Lineage(nodes=())


def test_parents() -> None:
    """The parents are the inputs of the builds that hold."""
    one, two = artifact_of("one"), artifact_of("two")
    good = step_of(None, artifacts=(one,))
    bad = step_of(None, artifacts=(two,), standing=Standing.BROKEN)
    lineage = Lineage(nodes=(node_of("a", good, bad, generation=0),))
    assert lineage.parents == {one.binding}


def test_a_tree_is_no_wider_than_a_rule_can_allow() -> None:
    """Of a very long chain the first generations are drawn, and the tree says that there are more."""
    length = 2 * MAX_DRAWN_GENERATIONS
    chain = [node_of(f"n{number}", step_of(number + 1)) for number in range(length)]
    text = lineage_text(Lineage(nodes=(*chain, node_of("last"))))
    assert f"n{MAX_DRAWN_GENERATIONS} " in text
    assert f"n{MAX_DRAWN_GENERATIONS + 1} " not in text
    assert text.splitlines()[-1].strip() == "└─ ... more generations: the lineage as JSON has them"
    whole = lineage_text(Lineage(nodes=(*chain[:10], node_of("last"))))
    assert "more generations" not in whole
