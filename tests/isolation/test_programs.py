"""Programs that use what systems offer, in Python and other languages: the same behind walls."""

import shutil
from collections.abc import Iterator

import pytest

from support.signed_model import safetensors_file
from support.users import users
from support.walled_programs import Workplace, assert_same, workplace

FILES = {"model.safetensors": safetensors_file(a=[1.0, 2.0]), "config.json": b'{"size": 2}\n'}

PROGRAMS = {
    "processes": """
import concurrent.futures, multiprocessing, sys
from multiprocessing import shared_memory
def square(number):
    return number * number
def put(queue):
    queue.put(sum(range(1000)))
def fill(name):
    memory = shared_memory.SharedMemory(name)
    memory.buf[:4] = b"done"
    memory.close()
def pool(context):
    with context.Pool(2) as workers:
        return workers.map(square, range(9))
def queue(context):
    queue = context.Queue()
    process = context.Process(target=put, args=(queue,))
    process.start()
    return queue.get(), process.join(), process.exitcode
def memory(context):
    memory = shared_memory.SharedMemory(create=True, size=100)
    process = context.Process(target=fill, args=(memory.name,))
    process.start()
    process.join()
    said = bytes(memory.buf[:4])
    memory.close()
    memory.unlink()
    return said
if __name__ == "__main__":
    for start in ("fork", "spawn", "forkserver"):
        for function in (pool, queue, memory):
            context = multiprocessing.get_context(start)
            print(start, function.__name__, function(context), flush=True)
    with multiprocessing.Manager() as manager:
        print(dict(manager.dict(a=1)))
    with concurrent.futures.ProcessPoolExecutor(2) as executor:
        print(list(executor.map(square, range(5))))
""",
    "files": """
import fcntl, mmap, os, shutil, sqlite3, sys, tempfile
model = sys.argv[1]
# Behind walls the signature is not there.
print(sorted({*os.listdir(model)} - {"model.sig"}), os.path.isdir(os.path.realpath(model)))
with open(f"{model}/config.json", "rb") as file:
    print(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)[:])
with tempfile.TemporaryDirectory() as place, tempfile.NamedTemporaryFile() as named:
    os.mkdir(f"{place}/a")
    with open(f"{place}/a/x", "w") as file:
        file.write("x" * 1000)
        fcntl.flock(file, fcntl.LOCK_EX)
    os.rename(f"{place}/a/x", f"{place}/y")
    os.link(f"{place}/y", f"{place}/a/z")
    os.symlink("../y", f"{place}/a/l")
    os.truncate(f"{place}/y", 5)
    shutil.copytree(f"{place}/a", f"{place}/b", symlinks=True)
    shutil.copy2(f"{model}/config.json", f"{place}/b")
    print(sorted((each, os.path.getsize(f"{place}/b/{each}")) for each in os.listdir(f"{place}/b")))
    os.mkfifo(f"{place}/fifo")
    base = sqlite3.connect(f"{place}/base")
    base.execute("create table t (a)")
    base.execute("insert into t values (1)")
    base.commit()
    print(base.execute("select * from t").fetchall())
    named.truncate(4096)
    shared = mmap.mmap(named.fileno(), 4096)
    shared[:3] = b"abc"
    shared.flush()
    print(named.read(3))
""",
    "threads": """
import asyncio, ctypes, getpass, os, resource, socket, ssl, sys, threading, time, zoneinfo
found = []
threads = [threading.Thread(target=found.append, args=(number,)) for number in range(50)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(found))
async def main():
    process = await asyncio.create_subprocess_exec("/bin/echo", "hi", stdout=-1)
    said, _ = await process.communicate()
    return said, await asyncio.get_running_loop().run_in_executor(None, abs, -5)
print(asyncio.run(main()))
print(len(os.sched_getaffinity(0)), os.cpu_count(), os.nice(0))
os.sched_setaffinity(0, os.sched_getaffinity(0))
print(bool(getpass.getuser()), bool(socket.gethostname()), bool(ssl.create_default_context()))
print(zoneinfo.ZoneInfo("Europe/Berlin"), os.statvfs(".").f_bsize > 0)
print(resource.getrusage(0).ru_maxrss > 0, ctypes.CDLL(None).getpid() == os.getpid())
first, second = socket.socketpair()
first.send(b"x")
print(second.recv(1))
""",
    "other languages": """
import subprocess, sys
def said(*command):
    print(subprocess.run(command, capture_output=True, text=True, check=True).stdout, flush=True)
said("/bin/sh", "-c", 'for f in "$0"/[a-l]* "$0"/*.safetensors; do wc -c < "$f"; done | sort | tr "\\\\n" " "', sys.argv[1])
said("perl", "-ne", "print length", f"{sys.argv[1]}/config.json")
said("awk", "{ print $1 }", f"{sys.argv[1]}/config.json")
""",
}


@pytest.fixture(scope="module")
def place() -> Iterator[Workplace]:
    """Return a small model."""
    with workplace(FILES) as found:
        yield found


@pytest.mark.parametrize("user", users("cryptography", "blake3"), ids=str)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_says_the_same(
    place: Workplace, serving_engine: str, user: str | None, name: str
) -> None:
    """What a program does with processes, files and threads behind walls is what it does without."""
    assert_same(place, PROGRAMS[name], user, serving_engine)


@pytest.mark.parametrize("program", ["sh", "perl", "awk", "cat"])
def test_a_program_that_is_no_python(place: Workplace, serving_engine: str, program: str) -> None:
    """Any program reads the model, wherever it is, and ends as it likes."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    code = {
        "sh": ("-c", 'cat "$WEIGHBRIDGE_MODEL/config.json"'),
        "perl": ("-pe", "", "{model}/config.json"),
        "awk": ("1", "{model}/config.json"),
        "cat": ("{model}/config.json",),
    }[program]
    ended = place.run(None, serving_engine, program, *code)
    assert (ended.code, ended.out) == (0, FILES["config.json"].decode()), ended.err
