"""Tests of the environment that a recorded step gets."""

from pathlib import Path

import pytest

from weighbridge.cli.hiding import SECRETS
from weighbridge.cli.passwords import PIN_NAME
from weighbridge.pipeline.recording.surroundings import isolated_environment, step_environment

OWN = (*SECRETS.values(), PIN_NAME)


@pytest.mark.parametrize("name", OWN)
def test_the_signer_s_secrets_are_not_the_step_s(name: str, tmp_path: Path) -> None:
    """A secret that this tool takes from the environment never reaches the step."""
    environment = {name: "hush", "WEIGHBRIDGE_STORE": "/store", "PATH": "/bin"}
    assert step_environment(environment) == {"WEIGHBRIDGE_STORE": "/store", "PATH": "/bin"}
    assert name not in isolated_environment(environment, tmp_path)


def test_other_variables_are_the_step_s_own() -> None:
    """Without isolation a step keeps what it needs, the secrets of other services too."""
    environment = {"HF_TOKEN": "x", "HOME": "/home/a", "PIN": "1", "OMP_NUM_THREADS": "2"}
    assert step_environment(environment) == environment
