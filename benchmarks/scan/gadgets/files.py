"""Names that open files, or connect."""

from collections.abc import Iterator

from benchmarks.scan.assemble import Call, Items, Node, Ref
from benchmarks.scan.gadgets.interface import (
    HOST,
    PORT,
    Gadget,
    call,
    gadget,
)
from benchmarks.scan.samples import MARKER_NAME


def files() -> Iterator[Gadget]:
    """Yield what makes, changes or opens files."""
    for name in (
        "builtins:open",
        "io:open",
        "_io:open",
        "_io:FileIO",
        "codecs:open",
        "gzip:open",
        "bz2:open",
        "lzma:open",
        "gzip:GzipFile",
        "bz2:BZ2File",
        "lzma:LZMAFile",
        "zipfile:ZipFile",
        "tarfile:open",
        "tarfile:TarFile",
        "wave:open",
        "aifc:open",
        "sunau:open",
        "scipy.io:FortranFile",
        "joblib.compressor:BinaryZlibFile",
    ):
        mode = (
            "wb"
            if name in {"gzip:open", "gzip:GzipFile", "joblib.compressor:BinaryZlibFile"}
            else "w"
        )
        yield gadget(call(name, MARKER_NAME, mode))
    for name in (
        "os:mkdir",
        "posix:mkdir",
        "os:makedirs",
        "os:mkfifo",
        "os:mknod",
        "sqlite3:connect",
        "_sqlite3:connect",
        "logging:FileHandler",
        "logging.handlers:WatchedFileHandler",
        "logging.handlers:RotatingFileHandler",
        "logging.handlers:TimedRotatingFileHandler",
        "mailbox:mbox",
        "mailbox:Maildir",
        "mailbox:MH",
        "distutils.dir_util:mkpath",
    ):
        yield gadget(call(name, MARKER_NAME))
    for name in ("os:symlink", "shutil:copyfile", "shutil:copy", "shutil:copy2", "os:link"):
        yield gadget(call(name, "/etc/hostname", MARKER_NAME))
    for name in ("os:remove", "os:unlink", "os:rmdir", "shutil:rmtree", "os:removedirs"):
        yield gadget(call(name, "missing"))
    for name in ("os:rename", "os:replace", "shutil:move"):
        yield gadget(call(name, "missing", MARKER_NAME))
    yield gadget(call("os:open", MARKER_NAME, 0o101, 0o600))
    yield gadget(call("os:chmod", "missing", 0o600))
    yield gadget(call("os:truncate", "missing", 0))
    yield gadget(call("pathlib:Path.touch", call("pathlib:Path", MARKER_NAME)))
    yield gadget(call("pathlib:Path.write_text", call("pathlib:Path", MARKER_NAME), "x"))
    yield gadget(call("pathlib:Path.write_bytes", call("pathlib:PosixPath", MARKER_NAME), b"x"))
    yield gadget(call("pathlib:Path.mkdir", call("pathlib:Path", MARKER_NAME)))
    yield gadget(call("pathlib:Path.unlink", call("pathlib:Path", "missing")))
    yield gadget(call("shutil:make_archive", MARKER_NAME, "tar"))
    yield gadget(call("shutil:copytree", "/etc/apt", MARKER_NAME))
    yield gadget(call("shutil:unpack_archive", "missing.zip"))
    yield gadget(call("tempfile:mkstemp", "", MARKER_NAME, "."))
    yield gadget(call("tempfile:mkdtemp", "", MARKER_NAME, "."))
    yield gadget(call("tempfile:NamedTemporaryFile", "w"))
    yield gadget(call("distutils.file_util:write_file", MARKER_NAME, ["x"]), "GHSA-m273-6v24-x4m4")
    yield gadget(call("setuptools._distutils.file_util:write_file", MARKER_NAME, ["x"]))
    yield gadget(call("dbm.dumb:open", MARKER_NAME, "c"))
    yield gadget(call("dbm:open", MARKER_NAME, "c"))
    yield gadget(call("zipapp:create_archive", "missing", MARKER_NAME), proven=False)
    yield gadget(call("py_compile:compile", "missing.py", MARKER_NAME), proven=False)
    yield gadget(call("fileinput:input", "missing"), proven=False)
    yield gadget(call("linecache:getlines", "/etc/hostname"), proven=False)
    yield gadget(call("_io:FileIO", "/etc/hostname", "r"), suffix="-read", proven=False)
    yield gadget(call("numpy:save", MARKER_NAME, [1]))
    yield gadget(call("numpy:savetxt", MARKER_NAME, [1]))
    yield gadget(call("numpy:savez", MARKER_NAME, [1]))
    yield gadget(call("numpy:memmap", MARKER_NAME, "uint8", "w+", 0, (1,)))
    yield gadget(call("numpy.lib.format:open_memmap", MARKER_NAME, "w+", "uint8", (1,)))
    yield gadget(call("numpy:fromfile", "/etc/hostname", "uint8"), proven=False)
    yield gadget(call("numpy:genfromtxt", "/etc/hostname"), proven=False)
    yield gadget(call("numpy:loadtxt", "/etc/hostname"), proven=False)
    yield gadget(call("scipy.io:savemat", MARKER_NAME, Call(Ref("builtins", "dict"))))
    yield gadget(call("scipy.io:mmwrite", MARKER_NAME, [[1]]), proven=False)
    yield gadget(call("scipy.io.wavfile:write", MARKER_NAME, 8000, [1]), proven=False)
    yield gadget(call("pandas:read_csv", "/etc/hostname"), proven=False)
    yield gadget(call("pandas:HDFStore", MARKER_NAME), proven=False)
    yield gadget(call("pandas:to_pickle", [1], MARKER_NAME))
    yield gadget(call("pandas.io.pickle:to_pickle", [1], MARKER_NAME))
    yield gadget(call("joblib:dump", [1], MARKER_NAME))
    yield gadget(call("torch:save", [1], MARKER_NAME))
    yield gadget(call("torch:from_file", MARKER_NAME, True, 1))
    yield gadget(call("torch:UntypedStorage.from_file", MARKER_NAME, True, 1))
    yield gadget(call("sklearn.datasets:dump_svmlight_file", [[1]], [1], MARKER_NAME))
    yield gadget(call("sklearn.datasets:load_files", "."), proven=False)
    yield gadget(call("xgboost.core:Booster.save_model", None, MARKER_NAME), proven=False)
    yield gadget(call("lightgbm.basic:Booster", None, None, "missing"), proven=False)
    yield gadget(
        call(
            "logging.config:dictConfig",
            Items(
                Call(Ref("builtins", "dict")),
                (
                    ("version", 1),
                    (
                        "formatters",
                        Items(
                            Call(Ref("builtins", "dict")),
                            (
                                (
                                    "f",
                                    Items(
                                        Call(Ref("builtins", "dict")),
                                        (("()", "os.mkdir"), ("path", MARKER_NAME)),
                                    ),
                                ),
                            ),
                        ),
                    ),
                ),
            ),
        )
    )


def connections() -> Iterator[Gadget]:
    """Yield what connects, resolves names or loads native libraries."""
    for name in (
        "smtplib:SMTP",
        "ftplib:FTP",
        "poplib:POP3",
        "imaplib:IMAP4",
        "nntplib:NNTP",
        "telnetlib:Telnet",
        "smtplib:LMTP",
    ):
        args: tuple[Node, ...] = (HOST,) if name == "ftplib:FTP" else (HOST, PORT)
        yield gadget(call(name, *args), "GHSA-mxhj-88fx-4pcv")
    for name in ("socket:create_connection", "ssl:get_server_certificate"):
        yield gadget(call(name, (HOST, PORT)), "GHSA-hgrh-qx5j-jfwx")
    for name in ("socket:gethostbyname", "socket:getfqdn", "socket:gethostbyname_ex"):
        yield gadget(call(name, "weighbridge.invalid"))
    yield gadget(call("socket:getaddrinfo", "weighbridge.invalid", PORT))
    yield gadget(call("urllib.request:urlopen", "http://127.0.0.1:9/"))
    yield gadget(call("urllib.request:urlretrieve", "http://127.0.0.1:9/"))
    yield gadget(call("logging.handlers:SysLogHandler", (HOST, PORT)), proven=False)
    yield gadget(call("xmlrpc.client:ServerProxy", "http://127.0.0.1:9/"), proven=False)
    yield gadget(
        call("http.client:HTTPConnection.connect", call("http.client:HTTPConnection", HOST, PORT))
    )
    yield gadget(call("requests:get", "http://127.0.0.1:9/"), proven=False)
    yield gadget(call("requests.api:get", "http://127.0.0.1:9/"), proven=False)
    yield gadget(call("aiohttp:ClientSession"), "GHSA-hgrh-qx5j-jfwx", proven=False)
    yield gadget(call("multiprocessing.connection:Client", (HOST, PORT)))
    yield gadget(call("xml.sax:parse", "http://127.0.0.1:9/", None), proven=False)
    yield gadget(
        call("torch.hub:download_url_to_file", "http://127.0.0.1:9/", MARKER_NAME), proven=False
    )
    yield gadget(call("torch.hub:load_state_dict_from_url", "http://127.0.0.1:9/"), proven=False)
    yield gadget(
        call("numpy:DataSource.open", call("numpy.lib.npyio:DataSource"), "http://127.0.0.1:9/x")
    )
    yield gadget(call("pandas:read_json", "http://127.0.0.1:9/"), proven=False)
    for name in (
        "ctypes:CDLL",
        "ctypes:PyDLL",
        "_ctypes:dlopen",
        "ctypes:cdll.LoadLibrary",
        "torch.ops:load_library",
        "torch:ops.load_library",
        "torch:classes.load_library",
        "numpy.ctypeslib:load_library",
        "sqlite3:enable_callback_tracebacks",
    ):
        args = ("missing.so", 2) if name == "_ctypes:dlopen" else ("missing.so",)
        yield gadget(
            call(name, *args),
            "GHSA-4675-36f9-wf6r",
            proven=name
            in {"ctypes:CDLL", "ctypes:PyDLL", "_ctypes:dlopen", "ctypes:cdll.LoadLibrary"},
        )
    yield gadget(call("importlib.machinery:ExtensionFileLoader", "x", "missing.so"), proven=False)
    yield gadget(call("imp:load_dynamic", "x", "missing.so"), proven=False)
    yield gadget(call("imp:load_source", "x", "missing.py"), proven=False)
    yield gadget(call("readline:read_init_file", "missing"), proven=False)
