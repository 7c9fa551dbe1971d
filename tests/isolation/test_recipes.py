"""The recipes of integrations/isolation: what they ask for, and that a server answers by them."""

import configparser
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from isolation.test_servers import MODEL, predict, predict_many, serving
from support import container_runs, inference_server
from support.documents import ROOT
from support.users import SEARCHED
from support.walled_programs import Workplace, workplace

FOLDER = ROOT / "integrations" / "isolation"
UNIT = FOLDER / "systemd" / "model-server.service"
DOCKER = FOLDER / "docker"
PODS = FOLDER / "kubernetes" / "model-server.yaml"
BREAKS_BUBBLEWRAP = {
    *("ProtectKernelTunables", "ProtectKernelLogs", "ProcSubset", "ProtectHostname"),
    *("RestrictNamespaces", "MemoryDenyWriteExecute", "RestrictSUIDSGID", "DynamicUser"),
}
"""Directives with which bubblewrap cannot start, and that end programs which translate code."""


def image() -> dict[str, list[str]]:
    """Return the entry point and the arguments of the image, as its file has them."""
    lines = (DOCKER / "Dockerfile").read_text("utf-8").splitlines()
    found = dict(line.split(" ", 1) for line in lines if line.startswith(("ENTRYPOINT", "CMD")))
    return {name.lower(): json.loads(value) for name, value in found.items()}


def pods() -> dict[str, Any]:
    """Return the documents of the manifest, by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all(PODS.read_text("utf-8"))}


def unit() -> configparser.ConfigParser:
    """Return the unit; of keys that are there twice the last one."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # as documented
    parser.read(UNIT, "utf-8")
    return parser


@pytest.fixture(scope="module")
def place() -> Iterator[Workplace]:
    """Return a model, a server for it, and a policy."""
    with workplace(MODEL) as found:
        shutil.copyfile(inference_server.__file__, found.place / "server.py")
        (found.place / "server.py").chmod(0o644)
        yield found


@pytest.fixture(scope="module")
def built(place: Workplace) -> Path:
    """Return what stands for the image: its files and its command, with the port to be asked at."""
    made = place.place / "image"
    (made / "root" / "srv").mkdir(parents=True)
    (made / "root" / "etc" / "weighbridge").mkdir(parents=True)
    shutil.copyfile(place.place / "server.py", made / "root" / "srv" / "server.py")
    return made


@contextmanager
def container(place: Workplace, built: Path, *command: str) -> "Iterator[subprocess.Popen[str]]":
    """Give the process of *command*, which runs `docker`, with the image of *built*."""
    etc = built / "root" / "etc" / "weighbridge"
    for name in ("weighbridge.toml", "publisher.pub"):
        shutil.copyfile(place.place / name, etc / name)
    tools = built / "tools"
    tools.mkdir(exist_ok=True)
    docker = tools / "docker"
    docker.write_text(
        f'#!/bin/sh\nexec {sys.executable} {container_runs.__file__} "$@"\n', encoding="utf-8"
    )
    docker.chmod(0o755)
    environment = {
        "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([*SEARCHED, str(Path(container_runs.__file__).parents[1])]),
    }
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_a_container_without_privileges_serves(place: Workplace, built: Path) -> None:
    """The very command of the recipe: no capability, a read-only root, no namespaces, real answers."""
    port = free_port()
    place.demand(f'listen = [{port}], env = ["PYTHONPATH"]', read=(*SEARCHED, "/srv"))
    made = image()
    made["cmd"][-1] = str(port)
    (built / "image.json").write_text(json.dumps(made), "utf-8")
    with serving(place, None, None) as (_, plain):
        expected = predict_many(plain)
    model = os.fspath(place.place / "model")
    with container(place, built, os.fspath(DOCKER / "serve"), str(built), model) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        assert predict_many(port) == expected
        process.terminate()
        assert process.stderr.readline().startswith("isolated by direct")


def test_a_container_serves_nothing_unsigned(place: Workplace, built: Path) -> None:
    """The same command with a changed model ends with the policy's answer, and serves nothing."""
    port = free_port()
    place.demand(f'listen = [{port}], env = ["PYTHONPATH"]', read=(*SEARCHED, "/srv"))
    made = image()
    made["cmd"][-1] = str(port)
    (built / "image.json").write_text(json.dumps(made), "utf-8")
    changed = place.place / "changed"
    shutil.copytree(place.place / "model", changed)
    (changed / "config.json").write_text('{"changed": true}', "utf-8")
    with container(place, built, os.fspath(DOCKER / "serve"), str(built), str(changed)) as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (10, "")
    assert "[policy-denied]" in err


@pytest.mark.parametrize("left", ["--cap-drop", "--security-opt", "--read-only"])
def test_a_recipe_with_privileges_is_told(built: Path, left: str) -> None:
    """What stands in for `docker` refuses a command that leaves something of them."""
    (built / "image.json").write_text(json.dumps(image()), "utf-8")
    text = (DOCKER / "serve").read_text("utf-8").replace("\\\n", " ")
    (line,) = [each for each in text.splitlines() if each.startswith("exec docker")]
    words = [word for word in shlex.split(line)[2:] if word not in {"$image", "$@"}]
    whole = [*words, str(built)]
    assert container_runs.command(whole)
    at = whole.index(left)
    with pytest.raises(ValueError, match="privileges are left"):
        container_runs.command([*whole[:at], *whole[at + (1 if left == "--read-only" else 2) :]])
    with pytest.raises(ValueError, match="not known: --privileged"):
        container_runs.command(["run", "--privileged", *whole[1:]])


def test_the_pod_meets_the_restricted_standard() -> None:
    """
    Every control of the restricted Pod Security Standard is set, and enforced for its namespace.

    Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    """
    found = pods()
    labels = found["Namespace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = found["Deployment"]["spec"]["template"]["spec"]
    assert {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & pod.keys() == set()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    allowed = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "projected", "secret"}
    allowed |= {"persistentVolumeClaim", "name"}
    assert all(volume.keys() <= allowed for volume in pod["volumes"])
    for each in (*pod["containers"], *pod.get("initContainers", ())):
        context = each["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert "privileged" not in context
        assert all("hostPort" not in port for port in each["ports"])
    assert pod["automountServiceAccountToken"] is False
    assert found["NetworkPolicy"]["spec"]["egress"] == []


def test_the_pod_runs_what_the_container_runs() -> None:
    """What was tried with the container is what the pod does; its store is the group's alone."""
    (server,) = pods()["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert server["command"] == image()["entrypoint"]
    assert server["args"] == image()["cmd"]
    mounted = {each["mountPath"]: each["name"] for each in server["volumeMounts"]}
    volumes = pods()["Deployment"]["spec"]["template"]["spec"]["volumes"]
    store = next(each for each in volumes if each["name"] == mounted["/store"])
    assert "emptyDir" not in store
    assert {"name": "WEIGHBRIDGE_STORE", "value": "/store/private"} in server["env"]


def test_a_store_in_a_volume_of_the_group(place: Workplace) -> None:
    """A store below a directory that only the own group can write to is taken; an emptyDir is not."""
    volume = place.place / "volume"
    for mode, code in ((0o2775, 0), (0o777, 1)):
        volume.mkdir(exist_ok=True)
        volume.chmod(mode)
        place.demand('env = ["PYTHONPATH"]', read=SEARCHED)
        variables = {"WEIGHBRIDGE_STORE": os.fspath(volume / "private")}
        named = Workplace(place.place, variables)
        ended = named.run(None, "direct", "/bin/ls", "{model}")
        assert ended.code == code, ended.err
        assert ("[store-unusable]" in ended.err) == bool(code)


def test_the_unit_leaves_room_for_both_engines() -> None:
    """No directive is set with which an engine's walls could not be put up."""
    service = unit()["Service"]
    assert BREAKS_BUBBLEWRAP & {*service} == set()
    calls = UNIT.read_text("utf-8").split("SystemCallFilter=", 1)[1]
    for needed in ("@mount", "sethostname", "landlock_restrict_self", "seccomp", "pidfd_getfd"):
        assert needed in calls
    assert "AF_NETLINK" in service["RestrictAddressFamilies"]
    assert (service["NoNewPrivileges"], service["CapabilityBoundingSet"]) == ("yes", "")


def test_the_units_command_serves(place: Workplace, serving_engine: str) -> None:
    """What the unit starts answers, with the places of this machine for those of the unit."""
    words = shlex.split(unit()["Service"]["ExecStart"])
    here = {
        "/opt/weighbridge/bin/weighbridge": [sys.executable, "-m", "weighbridge"],
        "/opt/weighbridge/bin/python": [sys.executable],
        "/srv/models/encoder": [os.fspath(place.place / "model")],
        "/etc/weighbridge/weighbridge.toml": [
            *(os.fspath(place.place / "weighbridge.toml"), "--engine", serving_engine)
        ],
        "/etc/weighbridge/server.py": [os.fspath(place.place / "server.py")],
    }
    assert here.keys() <= {*words}
    port = free_port()
    command = [each for word in words for each in here.get(word, [word])]
    place.demand(f'listen = [{port}], env = ["PYTHONPATH"]', read=SEARCHED)
    store = {"WEIGHBRIDGE_STORE": os.fspath(place.place / "home-None" / "unit")}
    with subprocess.Popen(
        [*command[:-1], str(port)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(SEARCHED), **store},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            assert json.loads(predict(port, [[0, 0, 0, 0]])) == [[0.0, 0.0, 0.0, 0.0]]
        finally:
            process.terminate()
        assert process.wait() == 0
