"""Names that start programs."""

from collections.abc import Iterator

from benchmarks.scan.assemble import Call, Items, Ref
from benchmarks.scan.gadgets.interface import (
    LINE,
    Gadget,
    call,
    gadget,
    ref,
)
from benchmarks.scan.samples import ARGV, MARKER_NAME, PYTHON, SHELL


def commands() -> Iterator[Gadget]:
    """Yield what starts programs."""
    for name in (
        "os:system",
        "posix:system",
        "os:popen",
        "subprocess:getoutput",
        "subprocess:getstatusoutput",
        "imaplib:IMAP4_stream",
        "_osx_support:_read_output",
        "_aix_support:_read_cmd_output",
        "torch.utils.collect_env:run",
    ):
        yield gadget(call(name, SHELL))
    for name in (
        "subprocess:Popen",
        "subprocess:run",
        "subprocess:call",
        "subprocess:check_call",
        "subprocess:check_output",
        "distutils.spawn:spawn",
        "setuptools._distutils.spawn:spawn",
        "pty:spawn",
    ):
        yield gadget(call(name, LINE))
    for name in ("os:execv", "os:execvp", "posix:execv"):
        yield gadget(call(name, "/bin/sh", LINE))
    for name in ("os:execl", "os:execlp"):
        yield gadget(call(name, "/bin/sh", *ARGV))
    for name in ("os:spawnv", "os:spawnvp"):
        yield gadget(call(name, 0, "/bin/sh", LINE))
    for name in ("os:spawnl", "os:spawnlp"):
        yield gadget(call(name, 0, "/bin/sh", *ARGV))
    for name in ("os:posix_spawn", "os:posix_spawnp", "posix:posix_spawn"):
        yield gadget(call(name, "/bin/sh", LINE, ref("os:environ")))
    yield gadget(call("os:fork"), proven=False)
    yield gadget(call("os:kill", 0, 0), proven=False)
    yield gadget(
        call("uuid:_get_command_stdout", *ARGV), "GHSA-g38g-8gr9-h9xp", "GHSA-5hwf-rc88-82xm"
    )
    yield gadget(
        call("multiprocessing.util:spawnv_passfds", b"/bin/sh", [b"sh", b"-c", SHELL.encode()], ()),
        "GHSA-q5qq-mvfm-j35x",
    )
    yield gadget(
        call(
            "asyncio.unix_events:_UnixSubprocessTransport._start",
            Items(Call(Ref("builtins", "dict")), ()),
            SHELL,
            True,
            None,
            None,
            None,
            0,
        ),
        "GHSA-f7qq-56ww-84cr",
        "GHSA-q77w-mwjj-7mqx",
        "CVE-2025-10157",
    )
    yield gadget(call("pydoc:pipepager", "text", SHELL))
    yield gadget(call("pydoc:tempfilepager", "text", SHELL + " #"))
    yield gadget(
        call(
            "mailcap:findmatch",
            Items(
                Call(Ref("builtins", "dict")),
                (
                    (
                        "a/b",
                        [Items(Call(Ref("builtins", "dict")), (("test", SHELL), ("view", "x")))],
                    ),
                ),
            ),
            "a/b",
        )
    )
    yield gadget(
        call("test.support.script_helper:assert_python_ok", "-c", PYTHON), "GHSA-g38g-8gr9-h9xp"
    )
    yield gadget(call("test.support.script_helper:spawn_python", "-c", PYTHON))
    yield gadget(
        call("torch.utils.collect_env:run_and_read_all", ref("torch.utils.collect_env:run"), SHELL),
        "GHSA-jhph-76pp-mggw",
    )
    yield gadget(call("webbrowser:open", "http://127.0.0.1:9/"))
    yield gadget(call("webbrowser:get", SHELL + " %s"), proven=False)
    yield gadget(
        call("pip:main", ["--version"]), "CVE-2025-1716", "GHSA-655q-fx9r-782v", proven=False
    )
    yield gadget(call("pip._internal:main", ["--version"]), "CVE-2025-1716", proven=False)
    yield gadget(call("ensurepip:_run_pip", ["--version"]), "GHSA-xp4f-hrf8-rxw7")
    yield gadget(call("venv:create", MARKER_NAME), "GHSA-vqmv-47xg-9wpr")
    yield gadget(call("platform:_syscmd_ver"), proven=False)
    yield gadget(call("ctypes.util:_findLib_gcc", "c"), proven=False)
    yield gadget(call("torch._inductor.codecache:compile_file", "", "", LINE), proven=False)
    yield gadget(call("multiprocessing.popen_spawn_posix:Popen", None), proven=False)
    yield gadget(call("asyncio:create_subprocess_shell", SHELL), proven=False)
    yield gadget(call("nt:system", SHELL), proven=False)
    yield gadget(call("commands:getoutput", SHELL), proven=False)
    yield gadget(call("popen2:popen2", SHELL), proven=False)
    yield gadget(
        call("_pyrepl.pager:pipe_pager", "text", SHELL), "GHSA-g38g-8gr9-h9xp", proven=False
    )
    yield gadget(call("pandas.io.clipboard:init_osx_pbcopy_clipboard"), proven=False)
