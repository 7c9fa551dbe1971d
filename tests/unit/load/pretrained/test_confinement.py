"""A call during which a library finds nothing but the directory that it is given."""

import os
import socket
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from support.holding import hold_files
from weighbridge.core.errors import ArtifactRefusedError
from weighbridge.load.pretrained import confinement
from weighbridge.load.pretrained.confinement import Loading, confined, current
from weighbridge.load.pretrained.interface import Pretrained
from weighbridge.load.store import Store


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    """Return a load of an empty artifact."""
    files = hold_files({"a": b"x"})
    pretrained = Pretrained(files=files, name="model", code=frozenset(), store=Store())
    return Loading(root=tmp_path / "root", pretrained=pretrained, trusts_code=False)


def test_no_network_for_the_thread_that_loads(loading: Loading) -> None:
    """Connections and look-ups of the loading thread are refused, those of others are not."""
    outcomes: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = server.getsockname()

        def connect() -> None:
            with socket.create_connection(place):
                outcomes.append(True)

        with confined(loading):
            for attempt in (connect, lambda: socket.getaddrinfo("localhost", 1)):
                with pytest.raises(ArtifactRefusedError, match="network"):
                    attempt()
            other = threading.Thread(target=connect)
            other.start()
            other.join()
        connect()
    assert outcomes == [True, True]
    assert len(loading.refusals) == 2


def test_local_sockets_are_left_alone(
    loading: Loading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket of this machine's file system leads nowhere else."""
    monkeypatch.chdir(tmp_path)  # a socket's address is 108 bytes long at most
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("s")
        server.listen()
        with confined(loading):
            client.connect("s")


def test_switches(loading: Loading, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub is offline and its cache nowhere meanwhile; afterwards all is as it was."""
    hub = ModuleType("huggingface_hub.constants")
    vars(hub).update(HF_HUB_OFFLINE=False, HF_HUB_CACHE="cache")
    monkeypatch.setitem(sys.modules, "huggingface_hub.constants", hub)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    before = dict(os.environ)
    with pytest.raises(ZeroDivisionError), confined(loading):
        assert vars(hub)["HF_HUB_OFFLINE"] is True
        assert not Path(vars(hub)["HF_HUB_CACHE"]).parent.is_dir()
        assert os.environ["HF_HUB_OFFLINE"] == "1"
        assert os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] == "1"
        assert "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD" not in os.environ
        assert current() is loading
        raise ZeroDivisionError
    assert (vars(hub)["HF_HUB_OFFLINE"], vars(hub)["HF_HUB_CACHE"]) == (False, "cache")
    assert dict(os.environ) == before
    assert current() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_child_process_may_load(loading: Loading) -> None:
    """A process that is forked while another thread loads can load as well."""
    inside, leave = threading.Event(), threading.Event()

    def load() -> None:
        with confined(loading):
            inside.set()
            leave.wait()

    thread = threading.Thread(target=load)
    thread.start()
    inside.wait()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with confined(loading):
                code = 7 if current() is loading else 1
        finally:
            os._exit(code)  # whatever happened: the child must not go on with the tests
    status = os.waitpid(child, 0)[1]
    leave.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 7


def test_loads_are_nested(loading: Loading) -> None:
    """A load within a load ends with the outer one still under way."""
    inner = Loading(root=loading.root, pretrained=loading.pretrained, trusts_code=True)
    with confined(loading):
        with confined(inner):
            assert current() is inner
        assert current() is loading


@pytest.mark.parametrize(
    ("place", "name", "folder"),
    [
        ("other/repo", "config.json", ""),
        ("{root}/..", "config.json", ""),
        ("{root}", "../config.json", ""),
        ("{root}", "config.json", "../x"),
        ("{root}", "/etc/passwd", ""),
        ("{root}x", "config.json", ""),
    ],
)
def test_other_places_are_refused(loading: Loading, place: str, name: str, folder: str) -> None:
    """Files outside of the directory are refused; those inside are not."""
    where = place.format(root=loading.root)
    with pytest.raises(ArtifactRefusedError, match="not verified"):
        loading.require_inside(where, [name], folder=folder)
    loading.require_inside(os.fspath(loading.root), ["a", "b/c"], folder="sub")
    loading.require_inside(loading.root, [], folder="")


def test_wrappers_do_nothing_outside_of_loads(
    loading: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrapped functions, also those imported by value, are the library's own without a load."""

    def find(path: object, names: object, **named: object) -> object:
        return path, names, named

    def get_class(reference: str, *rest: object, **named: object) -> object:
        return reference, rest, named

    def get_file(repository: str, file: str) -> object:
        return repository, file

    hub = ModuleType("transformers.utils.hub")
    dynamic = ModuleType("transformers.dynamic_module_utils")
    importer = ModuleType("transformers.models.auto")
    vars(hub)["cached_files"] = find
    vars(dynamic).update(get_class_from_dynamic_module=get_class, get_cached_module_file=get_file)
    vars(importer)["mine"] = get_class
    for module in (hub, dynamic, importer):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(confinement, "_INSTALLED", {"audit"})
    with confined(loading):
        for module, name in (
            (hub, "cached_files"),
            (dynamic, "get_class_from_dynamic_module"),
            (dynamic, "get_cached_module_file"),
            (importer, "mine"),
        ):
            with pytest.raises(ArtifactRefusedError):
                vars(module)[name]("other/repo", ["a.py"])
        assert vars(hub)["cached_files"](loading.root, ["a"], x=1) == (
            loading.root,
            ["a"],
            {"x": 1},
        )
    assert vars(hub)["cached_files"]("other/repo", ["a"]) == ("other/repo", ["a"], {})
    assert vars(importer)["mine"]("a.B", "x", y=2) == ("a.B", ("x",), {"y": 2})
    assert vars(dynamic)["get_cached_module_file"]("x", "a.py") == ("x", "a.py")


def test_pinned_code_is_given_to_those_who_trust_it(
    loading: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wrapper gives out a class of pinned code, and refuses others though code is trusted."""
    dynamic = ModuleType("transformers.dynamic_module_utils")
    vars(dynamic)["get_class_from_dynamic_module"] = lambda *_: SimpleNamespace()
    vars(dynamic)["get_cached_module_file"] = lambda *_: ""
    monkeypatch.setitem(sys.modules, dynamic.__name__, dynamic)
    monkeypatch.setattr(confinement, "_INSTALLED", {"audit"})
    files = hold_files({"code.py": b"class Mine:\n    pass\n"})
    pretrained = Pretrained(files=files, name="m", code=frozenset({"code.py"}), store=Store())
    trusting = Loading(root=loading.root, pretrained=pretrained, trusts_code=True)
    with confined(trusting):
        find = vars(dynamic)["get_class_from_dynamic_module"]
        assert find("code.Mine", "x").__name__ == "Mine"
        with pytest.raises(ArtifactRefusedError):
            find("other/repo--code.Mine", "x")
    assert len(trusting.refusals) == 1
