"""
Runs the examples of a document in a directory, in the order of the document.

`console` blocks: a line that begins with `$ ` is a command for bash, continued by lines that
begin with `> `; the lines below are its output, standard error included. In expected output
`...` stands for any text within a line, for any number of lines where it stands alone, and for
all the rest where it ends the last line. A command has to succeed unless it ends with
`# exit code N`.

`python` blocks are executed; the blocks of one document share their names.

`toml` blocks whose first line is a comment with a file name, such as `# weighbridge.toml`, are
written to that file.

A block whose first line is `# not run: REASON` is skipped. One whose first line is `# needs: PROGRAM...`
ends the document's run where one of the programs is not installed.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.documents import Block, blocks

_NOT_RUN = re.compile(r"^# not run: \S.*$")
_NEEDS = re.compile(r"^# needs: (\S.*)$")
_FILE = re.compile(r"^# ([\w./-]+\.toml)$")
_EXIT_CODE = re.compile(r"# exit code (\d+)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of a console block with what it has to print."""

    command: str
    output: str
    exit_code: int


def run_examples(text: str, directory: Path) -> int:
    """
    Run the examples in *text* in *directory*, which is the current one, and return how many ran.

    Skips the test where a program that a block needs is not installed.

    Raises:
        AssertionError: An example does not do what the document says; the message names the
            line.
    """
    names: dict[str, object] = {"__name__": "__example__"}
    count = 0
    for block in blocks(text):
        first = block.text.partition("\n")[0]
        if _NOT_RUN.match(first):
            continue
        _require_programs(first)
        file = _FILE.match(first)
        if block.language == "console":
            _run_console(block, directory)
        elif block.language == "python":
            exec(compile("\n" * (block.line - 1) + block.text, "<example>", "exec"), names)
        elif block.language == "toml" and file is not None:
            place = directory / file.group(1)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(block.text)
        else:
            continue
        count += 1
    return count


def _require_programs(first: str) -> None:
    needs = _NEEDS.match(first)
    for program in needs.group(1).split() if needs else ():
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install what has it")
        if (
            program == "unshare"
            and subprocess.run(["unshare", "-rn", "true"], check=False).returncode
        ):
            pytest.skip("user namespaces are not allowed here, so unshare -rn cannot be shown")


def steps(block: Block) -> tuple[Step, ...]:
    """Return the commands of a console block."""
    found: list[tuple[list[str], list[str]]] = []
    for line in block.text.splitlines():
        if not found and _NEEDS.match(line):
            continue
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif not found:
            message = f"line {block.line}: output without a command"
            raise AssertionError(message)
        elif (line.startswith("> ") or line == ">") and not found[-1][1]:
            found[-1][0].append(line[2:])
        else:
            found[-1][1].append(line)
    result: list[Step] = []
    for command, output in found:
        code = _EXIT_CODE.search(command[0])
        result.append(
            Step(
                command="\n".join(command),
                output="\n".join(output).strip("\n"),
                exit_code=int(code.group(1)) if code else 0,
            )
        )
    return tuple(result)


def matches(expected: str, found: str) -> bool:
    """Tell whether *found* is *expected*, in which `...` is a wildcard."""
    lines = expected.splitlines()
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else _line_pattern(line) + r"\n" for line in lines
    )
    if lines and lines[-1].endswith("..."):
        pattern += r"(?:.*\n)*"
    text = "\n".join(line.rstrip() for line in found.strip("\n").splitlines())
    return re.fullmatch(pattern, text + "\n" if text else "") is not None


def _line_pattern(line: str) -> str:
    return r".*?".join(re.escape(part) for part in line.rstrip().split("..."))


def _run_console(block: Block, directory: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": os.fspath(directory),
        "COLUMNS": "100",
        "LC_ALL": "C.UTF-8",
    }
    for step in steps(block):
        done = subprocess.run(
            ["bash", "-c", step.command],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        place = f"line {block.line}: $ {step.command}\n"
        assert done.returncode == step.exit_code, (
            f"{place}exit code {done.returncode} instead of {step.exit_code}:\n{done.stdout}"
        )
        assert matches(step.output, done.stdout), (
            f"{place}expected:\n{step.output}\n\nfound:\n{done.stdout}"
        )
