"""
The story of the demonstration: the way through, then everything that does not get through.

Each scene knows how it has to end. The story is told to the end even when an attack is not
stopped, and says so in its last line and its exit code.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeVar

from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError, WeighbridgeError
from weighbridge.demo.attacks import ATTACKS
from weighbridge.demo.console import Console, Tone
from weighbridge.demo.model import DemoModel, locate_model
from weighbridge.demo.scene import INDENT, Scene, UnexpectedError, explain
from weighbridge.demo.scenes import ENDING, PASSAGE
from weighbridge.demo.workshop import Workshop

AS_EXPECTED: Final = 0
NOT_AS_EXPECTED: Final = 10

W = TypeVar("W", bound=Workshop)


def run(
    console: Console, directory: Path | None = None, *, keep: bool = False, keyless: bool = False
) -> int:
    """
    Tell the whole story with the installed model and return the exit code.

    Args:
        console: Where it is told.
        directory: Where to work, empty or not there yet; the default is a new temporary one.
        keep: Leave the directory as it is at the end, to look at.
        keyless: Tell the story of a signature without a key.

    Raises:
        MissingExtraError: A package is missing; the hint has the commands that install it.
        UsageError: The directory holds something already.
    """
    # For matrices this small a pool of threads costs more than it gives, most of all on a busy
    # machine. NumPy's library looks once, when it is first imported; the user's choice wins.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    model = locate_model(keyless=keyless)
    told = tell_keyless if keyless else tell
    return told(console, model, directory=directory, keep=keep)


def tell(
    console: Console, model: DemoModel, *, directory: Path | None = None, keep: bool = False
) -> int:
    """
    Tell the story with *model*: 0 when every scene ended as it has to, else 10.

    Raises:
        UsageError: The directory holds something already.
    """
    title = f"weighbridge demo: {model.name}, from its publisher to a loader, and what is stopped"
    with _told(console, title) as story, _workplace(directory, keep=keep) as place:
        shop = Workshop(console=console, original=model, directory=place)
        story.play(shop, (*PASSAGE, *ATTACKS, ENDING))
        if keep:
            console.write(f"\nKept: {place}")
    return story.code


def tell_keyless(
    console: Console, model: DemoModel, *, directory: Path | None = None, keep: bool = False
) -> int:
    """
    Tell the story of a signature without a key with *model*: 0 when every scene ended as it has to.

    Raises:
        UsageError: The directory holds something already.
    """
    # These need packages that the other story does not.
    from weighbridge.demo.instance.loopback import loopback_sigstore  # noqa: PLC0415
    from weighbridge.demo.keyless import attacks, scenes, workshop  # noqa: PLC0415

    title = f"weighbridge demo --keyless: {model.name}, signed by a workflow that has no key"
    with (
        _told(console, title) as story,
        _workplace(directory, keep=keep) as place,
        ExitStack() as stack,
    ):
        files = place / "instance"
        files.mkdir()
        shop = workshop.KeylessWorkshop(
            console=console,
            original=model,
            directory=place,
            instance=stack.enter_context(loopback_sigstore(files)),
            switch_off=stack.close,
        )
        story.play(shop, (*scenes.PASSAGE, *attacks.ATTACKS, scenes.ENDING))
        if keep:
            console.write(f"\nKept: {place}")
    return story.code


class _Story:
    """Scenes that are played, and how many of them ended as they have to."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.good = 0
        self.total = 0

    @property
    def code(self) -> int:
        """The exit code."""
        return AS_EXPECTED if self.good == self.total else NOT_AS_EXPECTED

    def play(self, shop: W, scenes: Sequence[Scene[W]]) -> None:
        """Play *scenes* in order."""
        console = self._console
        self.total = len(scenes)
        for number, scene in enumerate(scenes, start=1):
            console.write(f"\n{number:>2}  {console.style(scene.title, Tone.TITLE)}")
            begun = time.perf_counter()
            try:
                scene.play(shop)
            except (UnexpectedError, WeighbridgeError) as error:
                failure = console.style(f"NOT AS IT HAS TO BE: {explain(error)}", Tone.BAD)
                console.write(f"{INDENT}{failure}")
                if scene.needed:
                    console.write(f"{INDENT}The rest of the story needs this step.")
                    break
            else:
                self.good += 1
                seconds = f"{time.perf_counter() - begun:.2f} s"
                console.write(f"{INDENT}{console.style(seconds, Tone.FAINT)}")


@contextmanager
def _told(console: Console, title: str) -> Iterator[_Story]:
    """Write the *title* before the story and the sum after it."""
    begun = time.perf_counter()
    console.write(console.style(title, Tone.TITLE))
    story = _Story(console)
    yield story
    seconds = time.perf_counter() - begun
    tone = Tone.GOOD if story.code == AS_EXPECTED else Tone.BAD
    summary = f"{story.good} of {story.total} scenes ended as they have to, in {seconds:.1f} s."
    console.write(f"\n{console.style(summary, tone)}")


@contextmanager
def _workplace(directory: Path | None, *, keep: bool) -> Iterator[Path]:
    """Yield a directory of our own; afterwards, interrupted or not, nothing of it stays."""
    if directory is None:
        place = Path(tempfile.mkdtemp(prefix="weighbridge-demo-"))
    else:
        place = directory
        place.mkdir(parents=True, exist_ok=True)
        if any(place.iterdir()):
            raise UsageError(
                "the demo changes and removes what is in its directory",
                code=Code.OUTPUT_EXISTS,
                where=str(place),
                expected="an empty directory",
                hint="Name another directory",
            )
    try:
        yield place
    finally:
        if not keep:
            shutil.rmtree(place)
