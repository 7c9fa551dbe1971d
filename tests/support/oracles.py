"""The reference packages as test oracles, each in an environment of its own."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ORACLES = ("model-signing", "rh-model-signing")
_REPOSITORY = Path(__file__).parents[2]
_DRIVER = _REPOSITORY / "tests" / "oracles" / "driver.py"


class Oracle:
    """A reference package, running as long as the tests that ask it."""

    def __init__(self, name: str) -> None:
        self.name = name
        python = _REPOSITORY / ".oracles" / name / "bin" / "python"
        if not python.exists():
            message = f"the environment of {name} is absent: run 'make oracles'"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)
        self._process = subprocess.Popen(
            [python, _DRIVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, **task: Any) -> str | None:
        """Return what the package raised over *task*, None if it was content."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task, default=str) + "\n")
        self._process.stdin.flush()
        answer: dict[str, str | None] = json.loads(self._process.stdout.readline())
        return answer["error"]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
