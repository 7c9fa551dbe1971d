"""The hooks for pre-commit: which files they take, and what they run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support.documents import ROOT, document
from weighbridge.formats.sniff.suffixes import _PROMISES

HOOKS = {
    hook["id"]: hook
    for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
}
FILES = re.compile(HOOKS["weighbridge-scan"]["files"])
EVIL = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
GENERAL = frozenset(
    [
        "7z",
        "bash",
        "bmp",
        "bz2",
        "cfg",
        "csv",
        "dll",
        "dylib",
        "exe",
        "gif",
        "gz",
        "htm",
        "html",
        "ini",
        "ipynb",
        "jinja",
        "jinja2",
        "jpeg",
        "jpg",
        "json",
        "jsonl",
        "lz4",
        "lzma",
        "markdown",
        "md",
        "merges",
        "ndjson",
        "png",
        "py",
        "pyc",
        "pyd",
        "pyi",
        "pyo",
        "pyw",
        "rst",
        "sh",
        "so",
        "svg",
        "tar",
        "tbz2",
        "tgz",
        "toml",
        "tsv",
        "txt",
        "txz",
        "vocab",
        "webp",
        "xhtml",
        "xml",
        "xsl",
        "xslt",
        "xz",
        "yaml",
        "yml",
        "z",
        "zip",
        "deflate",
        "orc",
        "zlib",
        "zst",
        "zstd",
    ]
)
"""Suffixes of files that are in every repository, and rarely models."""


def test_names_of_models_are_taken() -> None:
    """Every suffix that promises a format of models is among the files of the hook."""
    promised = {suffix for names, _ in _PROMISES for suffix in names.split()}
    missed = {s for s in promised - GENERAL if not FILES.search(f"a/model.{s}")}
    assert missed == set()


@pytest.mark.parametrize("name", ["model.py", "README.md", "package.json", "pkl", "a.pkl.py"])
def test_other_files_are_left_alone(name: str) -> None:
    """Source code and documents are not scanned at each commit."""
    assert FILES.search(name) is None


def run_hook(name: str, place: Path, *arguments: str) -> int:
    """Run the hook's command as pre-commit does; return its exit code."""
    program, *words = HOOKS[name]["entry"].split()
    done = subprocess.run(
        [str(Path(sys.executable).parent / program), *words, *arguments],
        cwd=place,
        capture_output=True,
        check=False,
    )
    return done.returncode


def test_the_scan_stops_a_commit(tmp_path: Path) -> None:
    """The command fails for a malicious (inert) file among the names that it is given."""
    (tmp_path / "a.bin").write_bytes(EVIL)
    (tmp_path / "b.npy").write_bytes(b"\x80\x04}.")
    assert run_hook("weighbridge-scan", tmp_path, "--fail-on=high", "a.bin", "b.npy") == 10
    (tmp_path / "a.bin").write_bytes(b"\x80\x04}.")
    assert run_hook("weighbridge-scan", tmp_path, "--fail-on=high", "a.bin", "b.npy") == 0


def test_the_check_takes_a_policy(tmp_path: Path) -> None:
    """The command of the other hook takes the model and the policy by its arguments."""
    assert HOOKS["weighbridge-check"]["pass_filenames"] is False
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text("{}")
    rule = '[[rule]]\nmatch = ["m"]\nboundary = ["load"]\nsignature = { required = false }\n'
    (tmp_path / "p.toml").write_text(f"version = 1\n{rule}")
    assert run_hook("weighbridge-check", tmp_path, "m", "--policy=p.toml") == 0
    (tmp_path / "m" / "a.pkl").write_bytes(EVIL)
    assert run_hook("weighbridge-check", tmp_path, "m", "--policy=p.toml") == 10


def test_the_document_shows_the_hooks() -> None:
    """The example in the document is a configuration with the hooks that there are."""
    text = document("docs/integrations.md")
    (example,) = re.findall(r"```yaml\n(repos:.*?)```", text, re.DOTALL)
    configured = yaml.safe_load(example)["repos"][0]["hooks"]
    assert [hook["id"] for hook in configured] == list(HOOKS)
