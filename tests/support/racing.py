"""
A hostile neighbour: changes a model behind its reader's back, in every way a file system has.

Run as a program with a model directory, a directory with an evil model of the same shape (signed
by somebody else), and a seed. Each attack is undone after a random moment, so that some loads
meet the untouched model. It ends when its standard input does.
"""

import os
import random
import select
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST_SECONDS = 0.008
"""About as long as a load takes: attacks begin and end at any moment of it."""


class Neighbour:
    """Does and undoes one attack at a time."""

    def __init__(self, model: Path, evil: Path, *, seed: int) -> None:
        self.model = model
        self.evil = evil
        self.spare = model.with_name("spare")
        self.random = random.Random(seed)
        self.good = {
            path.relative_to(model): path.read_bytes()
            for path in sorted(model.rglob("*"))
            if path.is_file()
        }
        self.attacks: list[Callable[[], None]] = [
            self.swap_file,
            self.swap_file_for_hard_link,
            self.swap_file_for_symlink,
            self.truncate,
            self.extend,
            self.modify_in_place,
            self.modify_and_restore_times,
            self.rename_file,
            self.exchange_files,
            self.add_file,
            self.swap_directory,
            self.swap_directory_for_symlink,
            self.swap_model,
        ]

    def pause(self) -> None:
        """Let a random time pass without giving up the processor."""
        end = time.perf_counter() + self.random.random() * LONGEST_SECONDS
        while time.perf_counter() < end:
            pass

    def pick(self) -> Path:
        """Return one of the model's files, relative to it."""
        return self.random.choice(list(self.good))

    def put(self, path: Path, data: bytes) -> None:
        """Replace a file of the model by a new one, at once."""
        self.spare.write_bytes(data)
        self.spare.replace(self.model / path)

    @contextmanager
    def restored(self, path: Path) -> Iterator[Path]:
        """Give the file's place, wait after the attack, and put a good file there."""
        yield self.model / path
        self.pause()
        self.put(path, self.good[path])

    def swap_file(self) -> None:
        """Put another file in its place."""
        path = self.pick()
        with self.restored(path):
            self.put(path, (self.evil / path).read_bytes())

    def swap_file_for_hard_link(self) -> None:
        """Put a second name of the evil file in its place."""
        path = self.pick()
        with self.restored(path) as place:
            self.spare.hardlink_to(self.evil / path)
            self.spare.replace(place)

    def swap_file_for_symlink(self) -> None:
        """Put a link to the evil file in its place."""
        path = self.pick()
        with self.restored(path) as place:
            self.spare.symlink_to(self.evil / path)
            self.spare.replace(place)

    def truncate(self) -> None:
        """Cut it, and write it anew in place, piece by piece."""
        path = self.pick()
        with (self.model / path).open("r+b") as file:
            file.truncate(self.random.randrange(len(self.good[path]) + 1))
            self.pause()
            file.seek(0)
            file.write(self.good[path])

    def extend(self) -> None:
        """Append, and cut off again."""
        path = self.pick()
        with (self.model / path).open("ab") as file:
            file.write(b"evil")
            file.flush()
            self.pause()
            file.truncate(len(self.good[path]))

    def modify_in_place(self) -> None:
        """Change a byte, and change it back."""
        path = self.pick()
        data = self.good[path]
        with (self.model / path).open("r+b", buffering=0) as file:
            at = self.random.randrange(len(data))
            os.pwrite(file.fileno(), bytes([data[at] ^ 1]), at)
            self.pause()
            os.pwrite(file.fileno(), data[at : at + 1], at)

    def modify_and_restore_times(self) -> None:
        """Write the evil content in place and set the times back, then the same with the good."""
        path = self.pick()
        place = self.model / path
        times = place.stat()
        for data in ((self.evil / path).read_bytes(), self.good[path]):
            with place.open("r+b", buffering=0) as file:
                os.pwrite(file.fileno(), data, 0)
                file.truncate(len(data))
            os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
            self.pause()

    def rename_file(self) -> None:
        """Take it away, and bring it back."""
        place = self.model / self.pick()
        place.rename(self.spare)
        self.pause()
        self.spare.rename(place)

    def exchange_files(self) -> None:
        """Let two files trade places."""
        one, other = self.pick(), self.pick()
        for _ in range(2):
            (self.model / one).rename(self.spare)
            if other != one:
                (self.model / other).rename(self.model / one)
            self.spare.rename(self.model / other)
            self.pause()

    def add_file(self) -> None:
        """Put a file there that nobody signed."""
        place = self.model / "extra.bin"
        place.write_bytes(b"evil")
        self.pause()
        place.unlink()

    def swap_directory(self) -> None:
        """Put the evil directory in its place."""
        self.exchange_directories(self.model / "sub", self.evil / "sub")

    def swap_directory_for_symlink(self) -> None:
        """Put a link to the evil directory in its place."""
        place = self.model / "sub"
        place.rename(self.spare)
        place.symlink_to(self.evil / "sub")
        self.pause()
        place.unlink()
        self.spare.rename(place)

    def swap_model(self) -> None:
        """Put the whole evil model, its own signature included, in its place."""
        self.exchange_directories(self.model, self.evil)

    def exchange_directories(self, one: Path, other: Path) -> None:
        """Let two directories trade places, and back again."""
        aside = self.model.with_name("aside")
        one.rename(aside)
        other.rename(one)
        self.pause()
        one.rename(other)
        aside.rename(one)

    def run(self) -> None:
        """Attack until standard input ends."""
        while not select.select([sys.stdin], [], [], 0)[0]:
            self.random.choice(self.attacks)()
            self.pause()


def copy_with_changes(source: Path, target: Path) -> None:
    """Copy the directory *source*, every file of the same size and other content."""
    shutil.copytree(source, target)
    for path in target.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


if __name__ == "__main__":
    Neighbour(Path(sys.argv[1]), Path(sys.argv[2]), seed=int(sys.argv[3])).run()
