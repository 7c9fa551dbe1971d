"""The way through: a model is inspected, signed, checked against a policy, loaded and used."""

from collections import Counter
from typing import TYPE_CHECKING, Final

from weighbridge.core.artifact import Carries, FileEntry, carries
from weighbridge.demo.model import SENTENCES
from weighbridge.demo.scene import (
    INDENT,
    Scene,
    UnexpectedError,
    expect_allow,
    say,
    show_code,
    show_command,
    show_lines,
    show_verdict,
)
from weighbridge.demo.workshop import BOUNDARY, POLICY, PUBLISHER, Workshop
from weighbridge.load.artifact import VerifiedArtifact

if TYPE_CHECKING:
    from weighbridge.demo.encoder import Matrix

CHECK: Final = f"weighbridge check model --policy weighbridge.toml --boundary {BOUNDARY}"
LOAD: Final = 'artifact = weighbridge.load("model", policy=policy)'
_MEGABYTE: Final = 1_000_000
_TOLERANCE: Final = 1e-3


def inspect_it(shop: Workshop) -> None:
    """Copy the installed model and show what it is made of."""
    shop.copy_model()
    show_command(shop.console, "weighbridge inspect model")
    inspection = shop.inspect()
    entries = inspection.inventory.model_entries
    formats = Counter(str(entry.format) for entry in entries)
    size = sum(entry.size for entry in entries) / _MEGABYTE
    listed = ", ".join(f"{count} {name}" for name, count in sorted(formats.items()))
    show_lines(shop.console, "FILES   ", [f"{len(entries)} files, {size:.1f} MB: {listed}"])
    weights = next(entry for entry in entries if entry.path == shop.weights.name)
    digest = weights.sha256.hex if weights.sha256 else "unknown"
    show_lines(shop.console, "WEIGHTS ", [f"{weights.path}:", f"sha256 {digest}"])
    if inspection.inventory.gaps or digest != shop.original.weights_sha256:
        raise UnexpectedError(
            f"expected the weights {shop.original.weights_sha256}, found {digest}"
        )
    _expect_no_code(entries)
    say(shop.console, "None of these formats can carry code. But who made it?")


def make_key(shop: Workshop) -> None:
    """Make the publisher's key."""
    say(shop.console, "The publisher makes a key once, and keeps the private part.")
    show_command(shop.console, "weighbridge keygen publisher.key --no-password")
    shop.make_key(PUBLISHER)


def sign_it(shop: Workshop) -> None:
    """Sign the model as its publisher would."""
    show_command(
        shop.console,
        "weighbridge sign key model --private-key publisher.key --no-ignore-git-paths",
    )
    result = shop.sign(PUBLISHER, signature=shop.signature)
    files = [path for path in shop.model.rglob("*") if path.is_file() and path != shop.signature]
    if result.files != len(files) or result.left_out:
        raise UnexpectedError(f"expected {len(files)} files to be signed, found {result.files}")
    show_lines(
        shop.console,
        "SIGNED  ",
        [f"{result.files} files, written to model/{shop.signature.name} (OpenSSF Model Signing)"],
    )


def write_policy(shop: Workshop) -> None:
    """Write what the loader's side asks of the model."""
    say(
        shop.console,
        "The loader's side writes whom it trusts and what it admits:",
    )
    for line in POLICY.strip().splitlines():
        shop.console.write(f"{INDENT}  {line}".rstrip())
    shop.policy.write_text(POLICY, encoding="utf-8")


def check_it(shop: Workshop) -> None:
    """Check the signed model against the policy."""
    show_command(shop.console, CHECK)
    verdict = shop.check()
    show_verdict(shop.console, verdict)
    expect_allow(verdict)
    if verdict.uncovered:
        raise UnexpectedError(f"expected every file signed, found {len(verdict.uncovered)} not")


def use_it(shop: Workshop) -> None:
    """Load the verified bytes and compute with them."""
    show_code(shop.console, LOAD)
    with shop.load() as artifact:
        count = len(artifact.tensors("numpy"))
        say(
            shop.console,
            f"{count} tensors and the tokenizer, from the very bytes that were hashed. They turn "
            "sentences into vectors; how close is each pair?",
        )
        rows = embed(shop, artifact)
    products = rows @ rows.T
    for sentence, row in zip(SENTENCES, products, strict=True):
        numbers = "".join(f"{float(value):>7.2f}" for value in row)
        shop.console.write(f"{INDENT}  {sentence:<42}{numbers}")
    show_lines(shop.console, "SAME    ", [similarity_line(shop, rows)])
    if float(products[0, 1]) < max(float(products[0, 2]), float(products[1, 2])):
        raise UnexpectedError("expected the first two sentences to be the closest pair")


def all_is_well_again(shop: Workshop) -> None:
    """Check once more after all attacks were undone."""
    say(shop.console, "Every attack was undone. The model is as its publisher signed it:")
    check_it(shop)


def embed(shop: Workshop, artifact: VerifiedArtifact) -> "Matrix":
    """Return the embeddings of `SENTENCES`, computed from nothing but *artifact*."""
    # NumPy and tokenizers are optional: `locate_model` has seen that they are here.
    from weighbridge.demo.encoder import EncoderShape, SentenceEncoder  # noqa: PLC0415

    encoder = SentenceEncoder(
        artifact.tensors("numpy"),
        shape=EncoderShape.from_json(
            artifact.read("config.json"), max_tokens=shop.original.max_tokens
        ),
        tokenizer=artifact.read("tokenizer.json"),
    )
    return encoder.encode(SENTENCES)


def similarity_line(shop: Workshop, rows: "Matrix") -> str:
    """
    Compare the first two sentences with what the reference implementation finds for them.

    Raises:
        UnexpectedError: It is something else, so the weights are not the model's.
    """
    found, expected = float(rows[0] @ rows[1]), shop.original.similarity
    if abs(found - expected) > _TOLERANCE:
        raise UnexpectedError(f"expected a similarity of {expected:.4f}, found {found:.4f}")
    return f"cat and kitten: {found:.4f}, and the reference implementation finds {expected:.4f}"


def _expect_no_code(entries: tuple[FileEntry, ...]) -> None:
    harmless = (Carries.DATA, Carries.CONFIGURATION)
    for entry in entries:
        if entry.format is None or carries(entry.format) not in harmless:
            raise UnexpectedError(f"expected no format that carries code, found {entry.path}")


PASSAGE: Final = (
    Scene(title="A model arrives. What is in it?", play=inspect_it, needed=True),
    Scene(title="A key for the publisher", play=make_key, needed=True),
    Scene(title="The publisher signs the model", play=sign_it, needed=True),
    Scene(title="A policy", play=write_policy, needed=True),
    Scene(title="The check before loading", play=check_it, needed=True),
    Scene(title="Loading the verified bytes", play=use_it, needed=True),
)
"""In the order of the story."""

ENDING: Final = Scene(title="All attacks undone", play=all_is_well_again)
