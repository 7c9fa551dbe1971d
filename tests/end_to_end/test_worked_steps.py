"""
Steps of the worked pipeline that are run for real in another way, with everything behind them.

In `test_worked_pipeline` claims are exchanged; here whoever runs a step runs another one, and every
platform signs truthfully what it did.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.worked_pipeline import Workshop, git, make_workshop, write_base, write_texts
from weighbridge.core.verdict import Decision
from weighbridge.pipeline.check import check
from weighbridge.policy.schema import Policy

FROM_BASE = "served <- acme/converted <- acme/tuned <- hub/publisher/base (sha256:"
FROM_TEXTS = "served <- acme/converted <- acme/tuned <- acme/texts (sha256:"
FROM_TUNED = "served <- acme/converted <- acme/tuned (sha256:"
FROM_CONVERTED = "served <- acme/converted (sha256:"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Prepare a workshop: keys, repositories, a signed base model and signed data."""
    return make_workshop(tmp_path_factory.mktemp("workshop") / "w")


@pytest.fixture
def workshop(prepared: Workshop, tmp_path: Path) -> Workshop:
    """Return a copy of it, in which nothing was made yet."""
    return Workshop(Path(shutil.copytree(prepared.root, tmp_path / "w", symlinks=True)))


def finish(workshop: Workshop) -> None:
    """Run every step that was not run yet."""
    steps: dict[str, Callable[[], None]] = {
        "models/tuned": workshop.train,
        "models/converted": workshop.convert,
        "models/served": workshop.quantize,
    }
    for output, step in steps.items():
        if not workshop.path(output).exists():
            step()
    workshop.sign("models/served", "release")


def test_as_it_should_be(workshop: Workshop) -> None:
    """The steps as they should be lead to a model that is allowed."""
    finish(workshop)
    policy = Policy.from_file(workshop.path("weighbridge.toml"))
    verdict = check(workshop.path("models/served"), policy=policy, boundary="deploy")
    assert verdict.decision is Decision.ALLOW


def other_base(workshop: Workshop) -> None:
    """Exchange the base, and leave the old signature beside the new one."""
    write_base(workshop.path("models/base"), start=0.2)


def base_of_a_stranger(workshop: Workshop) -> None:
    """Exchange the base for one that a stranger signed."""
    write_base(workshop.path("models/base"), start=0.2)
    workshop.sign("models/base", "stranger")


def other_data(workshop: Workshop) -> None:
    """Exchange the data, which nobody signed then."""
    write_texts(workshop.path("data/texts"), seed=3)
    workshop.path("data/texts/model.sig").unlink()


def data_of_the_publisher(workshop: Workshop) -> None:
    """Have the data signed by somebody who signs models."""
    workshop.sign("data/texts", "publisher")


def renamed_base(workshop: Workshop) -> None:
    """Call a file of the base otherwise: the root digest of its files stays the same."""
    folder = workshop.path("models/base")
    (folder / "config.json").rename(folder / "a.json")


def swapped_roles(workshop: Workshop) -> None:
    """Call the base by the name of the data, and the other way round."""
    workshop.train(base_name="acme/texts", data_name="hub/publisher/base")


def edited_program(workshop: Workshop) -> None:
    """Train with a program that differs from the commit."""
    program = workshop.path("train/train.py")
    program.write_text(program.read_text() + "\n# something else\n")
    workshop.train()


def other_branch(workshop: Workshop) -> None:
    """Train with a commit of another branch."""
    git(workshop.path("train"), "checkout", "-q", "-b", "wip")
    workshop.train(source="git+https://git.example/acme/train@refs/heads/wip")


def other_repository(workshop: Workshop) -> None:
    """Train with a checkout of another repository."""
    url = "https://git.example/mallory/train"
    git(workshop.path("train"), "remote", "set-url", "origin", url)
    workshop.train(source=None)


def undeclared_file(workshop: Workshop) -> None:
    """Train with a program that reads a file which nobody declared."""
    workshop.path("secret.bin").write_bytes(b"poison")
    program = workshop.path("train/train.py").read_text()
    call = "main(*sys.argv[1:])"
    reads = f'pathlib.Path("../secret.bin").read_bytes()\n    {call}'
    workshop.commit("train", "train.py", program.replace(call, reads))
    workshop.train()


def file_outside_the_signature(workshop: Workshop) -> None:
    """Train with a program that reads a file beside the base, which no signature covers."""
    place = workshop.path("models/base/.github/poison.bin")
    place.parent.mkdir()
    place.write_bytes(b"poison")
    program = workshop.path("train/train.py").read_text()
    call = "main(*sys.argv[1:])"
    reads = f'pathlib.Path("../models/base/.github/poison.bin").read_bytes()\n    {call}'
    workshop.commit("train", "train.py", program.replace(call, reads))
    workshop.train()


def file_added_to_the_base(workshop: Workshop) -> None:
    """Add a file to the base, which its signature does not cover."""
    workshop.path("models/base/tokenizer.json").write_text("{}")


def more_epochs(workshop: Workshop) -> None:
    """Train for longer than the rule expects."""
    workshop.train(epochs="6")


def one_parameter_more(workshop: Workshop) -> None:
    """Train with a parameter that the rule does not expect."""
    workshop.train(params=("seed=1",))


def one_input_more(workshop: Workshop) -> None:
    """Train from a further model."""
    write_base(workshop.path("models/extra"), start=0.3)
    workshop.train(inputs=("mallory/extra=../models/extra",))


def trained_by_a_stranger(workshop: Workshop) -> None:
    """Train on a machine of somebody else, who says the same of it."""
    workshop.train(key="stranger")


def trained_elsewhere(workshop: Workshop) -> None:
    """Train on the platform that converts."""
    workshop.train(key="convert-platform")


def trained_by_another_builder(workshop: Workshop) -> None:
    """Train by another builder of the same platform."""
    workshop.train(builder="https://ci.example/train-unreviewed")


def converted_by_a_stranger(workshop: Workshop) -> None:
    """Convert on a machine of somebody else."""
    workshop.train()
    workshop.convert(key="stranger")


def changed_after_the_conversion(workshop: Workshop) -> None:
    """Change the converted model before it is quantized."""
    workshop.train()
    workshop.convert()
    place = workshop.path("models/converted/model.safetensors")
    data = bytearray(place.read_bytes())
    data[-1] ^= 1
    place.write_bytes(data)


def changed_before_the_conversion(workshop: Workshop) -> None:
    """Change the tuned model before it is converted."""
    workshop.train()
    place = workshop.path("models/tuned/config.json")
    place.write_text('{"model_type": "linear" }')


def copied_instead_of_converted(workshop: Workshop) -> None:
    """Have a program make the converted model, where the rule wants a conversion."""
    workshop.train()
    workshop.convert(output="models/hidden")
    words = ("--input", "acme/tuned=models/tuned", "--builder", "https://ci.example/convert")
    signer = ("--private-key", workshop.key("convert-platform"))
    command = ("cp", "-r", "models/hidden", "models/converted")
    # The copy has the claims of what it was copied from, which are about the same digests.
    shutil.move(
        workshop.path("models/hidden/model.claims.jsonl"), workshop.path("hidden.claims.jsonl")
    )
    workshop.run(
        *("record", "--output", "models/converted", *words),
        *("--allow-read", "models/hidden", *signer, "--", *command),
    )


def conversion_under_another_name(workshop: Workshop) -> None:
    """Convert the tuned model under the name of the base."""
    workshop.train()
    workshop.convert(name="hub/publisher/base")


def quantized_from_the_tuned(workshop: Workshop) -> None:
    """Quantize a model that was never converted by the builder, under the name of one that was."""
    workshop.train()
    write_base(workshop.path("models/converted"), start=0.5)


def quantized_by_a_stranger(workshop: Workshop) -> None:
    """Quantize on a machine of somebody else."""
    workshop.train()
    workshop.convert()
    workshop.quantize(key="stranger")


def other_bits(workshop: Workshop) -> None:
    """Quantize with another parameter."""
    workshop.train()
    workshop.convert()
    workshop.quantize(params=("bits=4",))


def without_the_claims(workshop: Workshop) -> None:
    """Lose the claims of the tuned model on the way."""
    workshop.train()
    workshop.path("models/tuned/model.claims.jsonl").unlink()


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (other_base, "lineage-signer", FROM_BASE),
        (base_of_a_stranger, "lineage-signer", FROM_BASE),
        (renamed_base, "lineage-signer", FROM_BASE),
        (other_data, "lineage-signer", FROM_TEXTS),
        (data_of_the_publisher, "lineage-signer", FROM_TEXTS),
        (swapped_roles, "lineage-signer", FROM_TEXTS),
        (edited_program, "provenance-source", FROM_TUNED),
        (other_branch, "provenance-source", FROM_TUNED),
        (other_repository, "provenance-source", FROM_TUNED),
        (undeclared_file, "lineage-unbound", FROM_TUNED),
        (file_outside_the_signature, "lineage-unbound", FROM_TUNED),
        (file_added_to_the_base, "lineage-signer", FROM_BASE),
        (more_epochs, "provenance-parameter", FROM_TUNED),
        (one_parameter_more, "provenance-parameter", FROM_TUNED),
        (one_input_more, "lineage-no-rule", "<- mallory/extra (sha256:"),
        (trained_by_a_stranger, "provenance-missing", FROM_TUNED),
        (trained_elsewhere, "provenance-builder", FROM_TUNED),
        (trained_by_another_builder, "provenance-builder", FROM_TUNED),
        (converted_by_a_stranger, "provenance-missing", FROM_CONVERTED),
        (changed_after_the_conversion, "provenance-missing", FROM_CONVERTED),
        (changed_before_the_conversion, "provenance-missing", FROM_TUNED),
        (copied_instead_of_converted, "provenance-build-type", FROM_CONVERTED),
        (conversion_under_another_name, "lineage-parent", FROM_CONVERTED),
        (quantized_from_the_tuned, "provenance-missing", FROM_CONVERTED),
        (quantized_by_a_stranger, "provenance-missing", "no build that meets the rule"),
        (other_bits, "provenance-parameter", "params.bits"),
        (without_the_claims, "provenance-missing", FROM_TUNED),
    ],
)
def test_another_step(
    change: Callable[[Workshop], None], code: str, words: str, workshop: Workshop
) -> None:
    """A step that was run otherwise is denied where the model is deployed, by its own name."""
    change(workshop)
    finish(workshop)
    policy = Policy.from_file(workshop.path("weighbridge.toml"))
    verdict = check(workshop.path("models/served"), policy=policy, boundary="deploy")
    assert verdict.decision is Decision.DENY
    against = [reason for reason in verdict.reasons if reason.blocking]
    assert any(
        reason.code == code and reason.decision is Decision.DENY and words in reason.message
        for reason in against
    ), "\n".join(f"{reason.code}: {reason.message}" for reason in against)
