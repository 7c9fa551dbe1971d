"""Which files count as read, from the calls alone."""

import os
from pathlib import Path

import pytest

from weighbridge.sandbox.steps import observer as observing
from weighbridge.sandbox.steps.calls import Call, Connects, Hides, Names, Opens, Runs
from weighbridge.sandbox.steps.observer import Observer


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give a directory with a file in it, as a real path."""
    root = Path(os.path.realpath(tmp_path))
    (root / "old").write_text("old")
    return root


def see(observer: Observer, *calls: Call) -> tuple[str, ...]:
    """Have *observer* see *calls*, each carried out as the kernel would; return what it noted."""
    for call in calls:
        found = observer.before(call)
        _carry_out(call)
        observer.after(call, found)
    return observer.report().files


def _carry_out(call: Call) -> None:
    match call:
        case Opens(path, flags):
            try:
                os.close(os.open(path, flags, 0o600))
            except OSError:
                return
        case Names(old, new, kept):
            if kept:
                Path(new).hardlink_to(old)
            else:
                Path(old).rename(new)
        case _:
            return


def test_what_was_there_is_noted(place: Path) -> None:
    """A file that was there before and is read is noted, by its real path."""
    (place / "link").symlink_to("old")
    assert see(Observer(()), Opens(f"{place}/link", os.O_RDONLY)) == (f"{place}/old",)


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_WRONLY | os.O_APPEND, os.O_RDWR | os.O_TRUNC])
def test_what_is_only_written_is_not(place: Path, flags: int) -> None:
    """A file of which nothing is read is not noted."""
    assert see(Observer(()), Opens(f"{place}/old", flags)) == ()


def test_reading_and_writing_is_reading(place: Path) -> None:
    """A file that is opened for both is noted, also where it could have been made."""
    assert see(Observer(()), Opens(f"{place}/old", os.O_RDWR | os.O_CREAT)) == (f"{place}/old",)


def test_what_it_made_is_not_noted(place: Path) -> None:
    """A file that the step made is its own, and stays so under another name."""
    new, later = f"{place}/new", f"{place}/later"
    calls = (
        Opens(new, os.O_WRONLY | os.O_CREAT),
        Opens(new, os.O_RDONLY),
        Names(new, later, kept=False),
        Opens(later, os.O_RDONLY),
    )
    assert see(Observer(()), *calls) == ()


def test_a_directory_that_it_made_is_its_own_under_another_name(place: Path) -> None:
    """What is in a directory that is renamed stays the step's."""
    (place / "a").mkdir()
    calls = (
        Opens(f"{place}/a/x", os.O_WRONLY | os.O_CREAT),
        Names(f"{place}/a", f"{place}/b", kept=False),
        Opens(f"{place}/b/x", os.O_RDONLY),
    )
    assert see(Observer(()), *calls) == ()


@pytest.mark.parametrize("kept", [True, False])
def test_a_new_name_makes_nothing_its_own(place: Path, kept: bool) -> None:
    """A file that was there is noted also under the name that the step gave it."""
    calls = (
        Names(f"{place}/old", f"{place}/name", kept=kept),
        Opens(f"{place}/name", os.O_RDONLY),
    )
    assert see(Observer(()), *calls) == (f"{place}/name", f"{place}/old")


@pytest.mark.parametrize("kept", [True, False])
def test_what_gets_another_name_is_noted_without_being_read(place: Path, kept: bool) -> None:
    """A file that was there and is renamed or linked is noted; one that the step made is not."""
    calls = (
        Names(f"{place}/old", f"{place}/name", kept=kept),
        Opens(f"{place}/new", os.O_WRONLY | os.O_CREAT),
        Names(f"{place}/new", f"{place}/later", kept=kept),
        Names(f"{place}/nothing", f"{place}/later", kept=False),
    )
    observer = Observer(())
    for call in calls[:3]:
        found = observer.before(call)
        _carry_out(call)
        observer.after(call, found)
    observer.after(calls[3], observer.before(calls[3]))
    assert observer.report().files == (f"{place}/old",)


def test_what_is_in_a_directory_that_gets_another_name_is_noted(place: Path) -> None:
    """Of a renamed directory the files are noted that were there, at any depth, and no links."""
    (place / "a" / "b").mkdir(parents=True)
    (place / "a" / "b" / "old").touch()
    (place / "a" / "link").symlink_to(place / "old")
    os.mkfifo(place / "a" / "pipe")
    calls = (
        Opens(f"{place}/a/new", os.O_WRONLY | os.O_CREAT),
        Names(f"{place}/a", f"{place}/c", kept=False),
    )
    assert see(Observer(()), *calls) == (f"{place}/a/b/old",)


def test_a_renamed_link_is_no_file(place: Path) -> None:
    """A symbolic link that gets another name is noted neither itself nor by what it leads to."""
    (place / "link").symlink_to("old")
    assert see(Observer(()), Names(f"{place}/link", f"{place}/name", kept=False)) == ()


def test_a_large_directory_that_gets_another_name_is_bounded(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where not every file of a renamed directory is noted the report says so."""
    monkeypatch.setattr(observing, "MAX_OBSERVED_FILES", 1)
    for name in ("a/x", "a/y", "a/b/z"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    observer = Observer(())
    assert len(see(observer, Names(f"{place}/a", f"{place}/c", kept=False))) == 1
    assert observer.report().blind == (observing.FULL,)


def test_an_own_name_for_something_else_is_not_its_own(place: Path) -> None:
    """A file that takes the place of one that the step made is noted."""
    calls = (
        Opens(f"{place}/new", os.O_WRONLY | os.O_CREAT),
        Names(f"{place}/old", f"{place}/new", kept=False),
        Opens(f"{place}/new", os.O_RDONLY),
    )
    assert see(Observer(()), *calls) == (f"{place}/new", f"{place}/old")


def test_what_is_emptied_becomes_its_own(place: Path) -> None:
    """A file whose content the step replaced is its own from then on."""
    calls = (Opens(f"{place}/old", os.O_WRONLY | os.O_TRUNC), Opens(f"{place}/old", os.O_RDONLY))
    assert see(Observer(()), *calls) == ()


def test_expected_places_are_no_news(place: Path) -> None:
    """What lies below an expected directory, or is an expected file, is not noted."""
    (place / "in").mkdir()
    (place / "in" / "a").touch()
    (place / "inn").touch()
    calls = tuple(Opens(f"{place}/{name}", os.O_RDONLY) for name in ("in/a", "old", "inn"))
    expected = (f"{place}/in", f"{place}/old")
    assert see(Observer(expected), *calls) == (f"{place}/inn",)
    assert see(Observer(("/",)), *calls) == ()


def test_programs_and_their_interpreters_are_read(place: Path) -> None:
    """A script that is run is noted, and so is what the kernel runs it with."""
    script, shell = place / "run", place / "shell"
    script.write_text(f"#!{shell} -e\n")
    shell.touch()
    assert see(Observer(()), Runs(os.fspath(script))) == (f"{place}/run", f"{place}/shell")
    assert see(Observer(()), Runs(f"{place}/nothing"), Runs(f"{place}/old")) == (f"{place}/old",)


def test_directories_and_names_alone_are_not_read(place: Path) -> None:
    """Neither listing a directory nor naming a file is reading one."""
    calls = (Opens(os.fspath(place), os.O_RDONLY), Opens(f"{place}/old", os.O_PATH))
    assert see(Observer(()), *calls, Opens(f"{place}/nothing", os.O_RDONLY)) == ()


def test_everything_else_is_told() -> None:
    """Sockets, and what hides something, are in the report."""
    observer = Observer(())
    see(observer, Connects(), Hides("it hid"), Hides("it hid"))
    report = observer.report()
    assert report.network
    assert report.blind == ("it hid",)


def test_more_files_than_are_noted_are_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files are left out of the report it says so."""
    monkeypatch.setattr(observing, "MAX_OBSERVED_FILES", 1)
    (place / "b").touch()
    observer = Observer(())
    names = ("old", "b")
    assert see(observer, *(Opens(f"{place}/{n}", os.O_RDONLY) for n in names)) == (f"{place}/old",)
    assert observer.report().blind == (observing.FULL,)


def test_a_process_that_ends_at_once_is_not_overlooked(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the path leads by a process that has gone, the step was not wholly observed."""
    observer = Observer(())
    call = Opens(f"{place}/old", os.O_RDONLY)
    found = observer.before(call)

    def gone(path: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr("weighbridge.sandbox.steps.observer.os.path.realpath", gone)
    observer.after(call, found)
    monkeypatch.undo()
    assert observer.report().blind == (observing.GONE,)
