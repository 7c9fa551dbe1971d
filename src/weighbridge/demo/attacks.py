"""What does not get through: each attack on the signed model, its denial, and its undoing."""

from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import PolicyDeniedError
from weighbridge.demo.damage import (
    added,
    flipped_bit,
    malicious_pickle,
    overwritten,
    renamed,
    replaced,
    swapped,
)
from weighbridge.demo.scene import (
    Expected,
    Scene,
    UnexpectedError,
    expect_allow,
    expect_denial,
    say,
    show_code,
    show_command,
    show_lines,
    show_verdict,
)
from weighbridge.demo.scenes import CHECK, LOAD, embed, similarity_line
from weighbridge.demo.workshop import ATTACKER, PUBLISHER, Workshop

_WEIGHTS: Final = "model.safetensors"
_PICKLE: Final = "pytorch_model.bin"
_RULE: Final = "pickle-dangerous-global"
_POISON_BYTES: Final = 256 * 1024


def flip_a_bit(shop: Workshop) -> None:
    """Change one bit of the weights."""
    middle = shop.weights.stat().st_size // 2
    say(shop.console, f"One bit of byte {middle:,} of {_WEIGHTS} changes, on a disk or on the way.")
    with flipped_bit(shop.weights, offset=middle):
        deny(shop, Expected(code=Code.DIGEST_MISMATCH, path=_WEIGHTS))


def add_a_file(shop: Workshop) -> None:
    """Add a file beside the signed ones."""
    name = "modeling_custom.py"
    say(shop.console, f"Somebody adds {name}: loaders that trust remote code would import it.")
    with added(shop.model / name, content=b"print('imported by a trusting loader')\n"):
        deny(shop, Expected(code=Code.UNCOVERED_FILE, path=name))


def rename_a_file(shop: Workshop) -> None:
    """Give a signed file another name; the signature's root digest would not change."""
    say(
        shop.console,
        "vocab.txt becomes words.txt. The bytes are as signed.",
    )
    with renamed(shop.model / "vocab.txt", to=shop.model / "words.txt"):
        deny(shop, Expected(code=Code.FILE_MISSING, path="vocab.txt"))


def sign_as_somebody_else(shop: Workshop) -> None:
    """Sign the model with a key that the policy does not trust."""
    say(shop.console, "Mallory signs the model anew. Her signature is valid, but it is hers.")
    shop.make_key(ATTACKER)
    forged = shop.directory / "mallory.sig"
    show_command(shop.console, f"weighbridge sign key model --private-key {ATTACKER}.key")
    shop.sign(ATTACKER, signature=forged)
    with replaced(shop.signature, content=forged.read_bytes()):
        deny(shop, Expected(code=Code.KEY_MISMATCH, path=shop.signature.name))


def drop_a_pickle(shop: Workshop) -> None:
    """Add a checkpoint that runs a command when it is loaded, unsigned and then signed."""
    console = shop.console
    refused = (
        Expected(code=_RULE, path=_PICKLE),
        Expected(code=Code.FORMAT_REFUSED, path=_PICKLE),
    )
    say(console, f"Mallory adds {_PICKLE}: whoever loads it with torch.load runs her command.")
    with added(shop.model / _PICKLE, content=malicious_pickle(shop.marker)):
        show_command(console, "weighbridge scan model")
        _show_findings(shop)
        deny(shop, *refused)
        say(console, "A signature says who, not what. Even signed by the publisher it stays out:")
        again = shop.directory / "again.sig"
        shop.sign(PUBLISHER, signature=again)
        with replaced(shop.signature, content=again.read_bytes()):
            deny(shop, *refused)
    if shop.marker.exists():
        raise UnexpectedError(f"expected that nothing runs the pickle, found {shop.marker}")
    say(console, "The file that her command would have made does not exist: nothing ran it.")


def swap_after_the_check(shop: Workshop) -> None:
    """Put other weights in place after an allowing check, before and after loading."""
    console = shop.console
    middle = shop.weights.stat().st_size // 2
    poison = bytes(min(_POISON_BYTES, middle // 2))
    show_command(console, CHECK)
    verdict = shop.check()
    show_verdict(console, verdict)
    expect_allow(verdict)
    say(console, "Allowed. Now other weights are put in the same place, before the program loads:")
    with swapped(shop.weights, offset=middle, content=poison, spare=shop.directory / "spare"):
        show_code(console, LOAD)
        try:
            shop.load().close()
        except PolicyDeniedError as error:
            show_verdict(console, error.verdict)
            expect_denial(error.verdict, Expected(code=Code.DIGEST_MISMATCH, path=_WEIGHTS))
        else:
            raise UnexpectedError("expected that load refuses the swapped weights, found a model")
    _overwrite_after_loading(shop, offset=middle, poison=poison)


def _overwrite_after_loading(shop: Workshop, *, offset: int, poison: bytes) -> None:
    console = shop.console
    say(console, "And when they are overwritten after loading, before the tensors are used:")
    with shop.load() as artifact, overwritten(shop.weights, offset=offset, content=poison):
        expect_denial(shop.check(), Expected(code=Code.DIGEST_MISMATCH, path=_WEIGHTS))
        rows = embed(shop, artifact)
    show_lines(console, "SAFE    ", [similarity_line(shop, rows)])
    say(console, "The loader holds the bytes that were checked. It does not open the path again.")


def deny(shop: Workshop, *expected: Expected) -> None:
    """
    Check the copy as it is now, which has to be denied for each of the reasons *expected*.

    Raises:
        UnexpectedError: It is not.
    """
    show_command(shop.console, CHECK)
    verdict = shop.check()
    show_verdict(shop.console, verdict, first=expected)
    expect_denial(verdict, *expected)


def _show_findings(shop: Workshop) -> None:
    findings = [f for f in shop.scan().findings if (f.rule, f.path) == (_RULE, _PICKLE)]
    if not findings:
        raise UnexpectedError(f"expected {_RULE} about {_PICKLE}, found no such finding")
    for finding in findings[:1]:
        lines = [f"{finding.path}: {finding.message} [{finding.rule}]", *finding.evidence[:1]]
        show_lines(shop.console, f"{finding.severity.upper():<8}", lines)


ATTACKS: Final = (
    Scene(title="A flipped bit", play=flip_a_bit),
    Scene(title="An added file", play=add_a_file),
    Scene(title="A renamed file", play=rename_a_file),
    Scene(title="A wrong signer", play=sign_as_somebody_else),
    Scene(title="A malicious pickle", play=drop_a_pickle),
    Scene(title="A model swapped after the check", play=swap_after_the_check),
)
"""In the order of the story; each leaves the model as it found it."""
