"""`docs/cli.md` and the command line say the same."""

import importlib
import re
from collections.abc import Iterator

import click
import pytest

from support.documents import document, prose, sections
from weighbridge.cli.main import COMMANDS, cli

_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
COMMON = frozenset({"--help", "--version", "--quiet"})
"""Flags that one section documents for all commands."""


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command below *command* that is no group, with its whole name."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for part in command.list_commands(context):
        child = command.get_command(context, part)
        assert child is not None
        yield from leaves(child, f"{name} {part}")


LEAVES = dict(leaves(cli, "weighbridge"))


def flags(command: click.Command) -> set[str]:
    """Return the long flags of *command*."""
    return {
        flag
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for flag in (*parameter.opts, *parameter.secondary_opts)
        if flag.startswith("--")
    }


def documented() -> dict[str, str]:
    """Return the text about each command; that of a group counts for its subcommands too."""
    texts: dict[str, str] = {}
    for section in sections(document("docs/cli.md")):
        if section.title.startswith("weighbridge "):
            texts[section.title] = section.text
    return texts


def about(name: str) -> str:
    """Return all that the document says about the command *name*."""
    texts = documented()
    words = name.split()
    names = [" ".join(words[:count]) for count in range(2, len(words) + 1)]
    return "\n".join(texts.get(each, "") for each in names)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_list_of_commands_is_the_commands_own(name: str) -> None:
    """The line that `weighbridge --help` shows is the short help of the command itself."""
    module = importlib.import_module(f"weighbridge.cli.commands.{name}")
    assert module.command.short_help == COMMANDS[name]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_a_section(name: str) -> None:
    """Each command has a section of its own, with the line of help that the tool prints."""
    assert COMMANDS[name] in documented()[f"weighbridge {name}"]


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_every_command_with_options_has_a_section(name: str) -> None:
    """Each subcommand has a section of its own."""
    assert name in documented()


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_every_option_is_documented(name: str) -> None:
    """Each long flag of a command occurs in what the document says about the command."""
    said = set(_FLAG.findall(prose(about(name))))
    assert flags(LEAVES[name]) - said - COMMON == set()


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_no_other_option_is_documented(name: str) -> None:
    """The section of a command names no flag that the command lacks."""
    said = set(_FLAG.findall(prose(documented()[name])))
    assert said - flags(LEAVES[name]) - COMMON == set()


def test_common_options_are_documented_once() -> None:
    """The section about common options names each of them."""
    (common,) = [s for s in sections(document("docs/cli.md")) if s.title == "Common options"]
    assert set(_FLAG.findall(common.text)) >= COMMON


def test_only_commands_have_sections() -> None:
    """No section is about a command that does not exist."""
    groups = {f"weighbridge {name}" for name in COMMANDS}
    assert set(documented()) - groups - set(LEAVES) == set()


def test_every_argument_has_a_line_of_help() -> None:
    """Each option of each command says in its help what it is for."""
    silent = [
        f"{name} {option.opts[0]}"
        for name, command in LEAVES.items()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []
