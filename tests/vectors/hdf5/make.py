"""
Makes the HDF5 files of this folder with h5py, what h5py says of them, and the rules' vectors.

Run by hand (`python make.py`) in an environment with h5py; the files are checked in. Nothing in
them does anything: the pickles hold numbers, the other files that are named do not exist.
"""

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-not-found]
import numpy as np

FOLDER = Path(__file__).parent
RULES = FOLDER.parent / "rules"
PICKLE = pickle.dumps({"a": [1, 2]}, protocol=2)


def in_memory(fill: Callable[[Any], None], **options: Any) -> bytes:
    """Return the file that *fill* makes."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        fill(file)
    return buffer.getvalue()


def fill_everything(file: Any) -> None:
    """Fill *file* with one of each kind of object that matters."""
    file.attrs["text"] = "héllo"
    file.attrs["fixed"] = np.bytes_(b"fixed")
    file.attrs["texts"] = ["a", "bb"]
    file.attrs["numbers"] = np.arange(5)
    file.attrs["nothing"] = h5py.Empty("f4")
    file.attrs["record"] = np.array((1, 2.0, b"xx"), dtype=[("a", "i4"), ("b", "f8"), ("c", "S3")])
    file.attrs["choice"] = np.array(1, dtype=h5py.enum_dtype({"A": 0, "B": 1}))
    file.attrs["opaque"] = np.void(PICKLE)
    file.attrs["reference"] = file.ref
    many = file.create_group("many")
    for index in range(12):
        many[f"name-{index}"] = h5py.SoftLink("/plain")
        many.attrs[f"attribute-{index}"] = f"value {index}"
    file["plain"] = np.arange(3.0)
    file["scalar"] = np.float32(1)
    file["deep/er/st"] = np.zeros(2, "i1")
    file["deep/up"] = file["/"]
    file["alias"] = file["plain"]
    file["dangling"] = h5py.SoftLink("/nowhere")
    file["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
    file["type"] = np.dtype("f4")
    file.create_dataset("typed", data=np.zeros(3), dtype=file["type"])
    file["plain"].attrs.create("committed", np.float32(2), dtype=file["type"])
    file.create_dataset(
        "outside", shape=(8,), dtype="u1", external=[("a.bin", 1, 4), ("b.bin", 0, 4)]
    )
    file.create_dataset(
        "zipped", data=np.arange(40), chunks=(10,), compression="gzip", shuffle=True
    )
    layout = h5py.VirtualLayout(shape=(2, 3), dtype="f8")
    layout[0] = h5py.VirtualSource(".", "/plain", shape=(3,))
    layout[1] = h5py.VirtualSource("third.h5", "/x", shape=(3,))
    file.create_virtual_dataset("virtual", layout)


def fill_many(file: Any) -> None:
    """Fill *file* with so many names and attributes that trees and heaps have levels."""
    group = file.create_group("group")
    for index in range(150):
        group[f"name-{index:03}"] = h5py.SoftLink("/x")
        group.attrs[f"key-{index:03}"] = index


def fill_sequences(file: Any) -> None:
    """Fill *file* with pickles, as PyTables, hickle and others keep them."""
    rows = np.array([np.frombuffer(PICKLE, "u1"), np.arange(3, dtype="u1")], dtype=object)
    kind = h5py.vlen_dtype("u1")
    file.create_dataset("rows", data=rows, dtype=kind, maxshape=(None,), chunks=(4,))
    file.create_dataset(
        "zipped", data=rows, dtype=kind, chunks=(2,), compression="gzip", shuffle=True
    )
    file.create_dataset("checked", data=np.frombuffer(PICKLE, "u1"), chunks=(8,), fletcher32=True)
    file["opaque"] = np.void(PICKLE)
    file["string"] = np.bytes_(PICKLE)
    file["bytes"] = np.frombuffer(PICKLE, "u1")
    file.create_dataset("parts", data=np.frombuffer(PICKLE, "u1"), chunks=(8,), compression="gzip")
    file["text"] = "a sentence."
    file["numbers"] = np.arange(200, dtype="u1")


def fill_large(file: Any) -> None:
    """Fill *file* with attributes of which one has a place of its own in the file."""
    for index in range(9):
        file.attrs[f"small-{index}"] = index
    file.attrs["large"] = np.arange(1200, dtype="u4")


def fill_indexes(file: Any) -> None:
    """Fill *file* with pickles in chunks, found by each kind of index of today."""
    data = np.frombuffer(PICKLE, "u1")
    file.create_dataset("single", data=data, chunks=(len(data),))
    file.create_dataset("single-zipped", data=data, chunks=(len(data),), compression="gzip")
    file.create_dataset("fixed", data=data, chunks=(8,))
    file.create_dataset("extensible", data=data, chunks=(8,), maxshape=(None,))
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((len(data),))
    made = h5py.h5d.create(file.id, b"compact", h5py.h5t.STD_U8LE, space, dcpl=compact)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, data)
    square = data[:16].reshape(4, 4)
    file.create_dataset("tree", data=square, chunks=(2, 2), maxshape=(None, None))


def fill_types(file: Any) -> None:
    """Fill *file* with datasets of each type that there is."""
    file.create_dataset("array", shape=(1,), dtype=np.dtype((np.float32, (2, 3))))
    record = [("x", "f4", (2,)), ("text", h5py.string_dtype()), ("inner", [("a", "i1")])]
    file.create_dataset("record", shape=(1,), dtype=record)
    file.create_dataset("choice", shape=(1,), dtype=h5py.enum_dtype({"A": 0, "BB": 1}))
    file.create_dataset("flag", shape=(1,), dtype="?")
    file.create_dataset("complex", shape=(1,), dtype="c8")
    file.create_dataset("reference", shape=(1,), dtype=h5py.ref_dtype)
    file.create_dataset("region", shape=(1,), dtype=h5py.regionref_dtype)
    file.create_dataset("when", shape=(1,), dtype=h5py.opaque_dtype("M8[ns]"))
    file.create_dataset("sequence", shape=(1,), dtype=h5py.vlen_dtype("f4"))
    file.create_dataset("nothing", data=h5py.Empty("i4"))


def fill_model(file: Any) -> None:
    """Fill *file* with a configuration that leaves room for another one."""
    text = json.dumps({"class_name": "Sequential", "config": "-" * 700})
    file.attrs["model_config"] = text
    file.attrs["keras_version"] = "2.15.0"


def fill_pytables(file: Any) -> None:
    """Fill *file* as PyTables does with an array of objects."""
    rows = np.array([np.frombuffer(PICKLE, "u1"), np.arange(3, dtype="u1")], dtype=object)
    kind = h5py.vlen_dtype("u1")
    made = file.create_dataset("rows", data=rows, dtype=kind, chunks=(2,), compression="gzip")
    made.attrs["CLASS"] = np.bytes_(b"VLARRAY")
    made.attrs["PSEUDOATOM"] = np.bytes_(b"object")


def low_level(properties: Any, fill: Callable[[Any], None]) -> bytes:
    """Return the file that *fill* makes with *properties* of creation."""
    path = FOLDER / "temporary.h5"
    h5py.h5f.create(str(path).encode(), h5py.h5f.ACC_TRUNC, properties).close()
    with h5py.File(path, "a") as file:
        fill(file)
    data = path.read_bytes()
    path.unlink()
    return data


def narrow() -> bytes:
    """Return a file with addresses of four bytes."""
    properties = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    properties.set_sizes(4, 4)
    return low_level(properties, fill_narrow)


def fill_narrow(file: Any) -> None:
    """Fill *file* with a little of everything that has addresses."""
    file["a/b"] = np.arange(3)
    file["a"].attrs["x"] = "yy"
    file.create_dataset("c", data=np.arange(100), chunks=(10,))
    long = pickle.dumps(list(range(100)), protocol=2)
    file.create_dataset("levels", data=np.frombuffer(long, "u1"), chunks=(3,))


def describe(data: bytes) -> dict[str, Any]:
    """Return what h5py says of the file *data*: kinds, attributes and links by path."""
    found: dict[str, Any] = {}
    with h5py.File(io.BytesIO(data), "r") as file:
        _describe_into(found, file["/"], "/", set())
    return found


def _describe_into(found: dict[str, Any], item: Any, path: str, seen: set[int]) -> None:
    """Add *item* and all below it."""
    seen.add(h5py.h5o.get_info(item.id).addr)
    entry: dict[str, Any] = {"kind": type(item).__name__.lower(), "attributes": sorted(item.attrs)}
    found[path] = entry
    if isinstance(item, h5py.Dataset):
        entry["shape"] = item.shape and list(item.shape)
        entry["external"] = [each[0] for each in item.external or ()]
        entry["sources"] = [s.file_name for s in item.virtual_sources()] if item.is_virtual else []
    if not isinstance(item, h5py.Group):
        return
    entry["links"] = {name: _describe_link(item.get(name, getlink=True)) for name in item}
    for name in item:
        if not isinstance(item.get(name, getlink=True), h5py.HardLink):
            continue
        below = item[name]
        if h5py.h5o.get_info(below.id).addr not in seen:
            _describe_into(found, below, f"{path.rstrip('/')}/{name}", seen)


def _describe_link(link: Any) -> str:
    """Return a link as text."""
    if isinstance(link, h5py.ExternalLink):
        return f"external {link.filename}:{link.path}"
    return f"soft {link.path}" if isinstance(link, h5py.SoftLink) else "hard"


def plain(file: Any) -> None:
    """Fill *file* with the one dataset that benign twins have."""
    file["w"] = np.arange(2, dtype="u1")


def with_dataset(**options: Any) -> bytes:
    """Return a file with a dataset of these *options*."""
    return in_memory(lambda file: file.create_dataset("w", **options), libver="latest")


def plugin_file(number: int) -> bytes:
    """Return a file with a dataset whose filter has this *number*, which LZF stands in for."""
    data = with_dataset(shape=(4,), dtype="u1", chunks=(4,), compression="lzf")
    at = data.index((32000).to_bytes(2, "little") + b"\4\0")
    changed = data[:at] + number.to_bytes(2, "little") + data[at + 2 :]
    return rehashed(changed)


def rehashed(data: bytes) -> bytes:
    """Return *data* with right checksums of its object headers."""
    from weighbridge.formats.hdf5.checksum import lookup3  # noqa: PLC0415  needs this project

    at = data.find(b"OHDR")
    while at >= 0:
        flags = data[at + 5]
        prefix = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0) + (1 << (flags & 3))
        width = 1 << (flags & 3)
        end = at + prefix + int.from_bytes(data[at + prefix - width : at + prefix], "little")
        data = data[:end] + lookup3(data[at:end]).to_bytes(4, "little") + data[end + 4 :]
        at = data.find(b"OHDR", at + 1)
    return data


def rule_vectors() -> None:
    """Write the vectors of the rules for HDF5."""
    twin = in_memory(plain, libver="latest")
    behind = in_memory(plain, libver="latest", userblock_size=512)
    link = in_memory(
        lambda f: f.__setitem__("w", h5py.ExternalLink("/etc/hosts", "/x")), libver="latest"
    )
    soft = in_memory(lambda f: f.__setitem__("w", h5py.SoftLink("/etc/hosts")), libver="latest")
    outside = with_dataset(shape=(8,), dtype="u1", external=[("/etc/hosts", 0, 8)])
    bomb = with_dataset(shape=(1 << 33,), dtype="u1", chunks=(1 << 20,))
    small = with_dataset(shape=(1 << 13,), dtype="u1", chunks=(1 << 10,))
    pickled = in_memory(lambda f: f.attrs.__setitem__("w", np.bytes_(PICKLE)), libver="latest")
    text = in_memory(lambda f: f.attrs.__setitem__("w", np.bytes_(b"no pickle.")), libver="latest")
    broken = twin.replace(b"OHDR", b"OHDX", 1)
    for rule, severity, references, description, bad, good in (
        ("hdf5-external-link", "high", ["CVE-2026-1669"], "A group of which a name leads to another file; the twin's leads within the file.", link, soft),
        ("hdf5-external-storage", "high", ["CVE-2026-1669"], "A dataset whose elements are those of another file of the machine; the twin's are its own.", outside, twin),
        ("hdf5-filter-plugin", "medium", ["HDF5 dynamically loaded filters"], "A dataset with a filter that no library is known to have; the twin's is h5py's.", plugin_file(60000), plugin_file(32000)),
        ("hdf5-pickle", "low", ["PyTables attributeset.py"], "An attribute that PyTables unpickles; the twin's ends with the same full stop.", pickled, text),
        ("hdf5-shape-bomb", "medium", ["CVE-2026-0897"], "A dataset of eight gibibytes of which nothing is stored; the twin has eight kibibytes.", bomb, small),
        ("hdf5-structure", "medium", ["HDF5 File Format Specification, IV.A"], "A root group whose header has another signature; the twin's is right.", broken, twin),
        ("hdf5-user-block", "medium", ["HDF5 File Format Specification, II"], "A file that begins with a script and goes on as HDF5; the twin's user block is empty.", b"#!/bin/sh\ntouch marker\nexit\n".ljust(512, b"\0") + behind[512:], behind),
    ):  # fmt: skip
        files = [
            [{"path": "model.h5", "format": "hdf5", "hex": each.hex()}] for each in (bad, good)
        ]
        document = {
            "rule": rule,
            "description": description,
            "references": references,
            "finding": {"severity": severity, "files": files[0]},
            "twin": {"files": files[1]},
        }
        (RULES / f"{rule}.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def main() -> None:
    """Write all files."""
    made = {
        "earliest": in_memory(fill_everything, libver="earliest"),
        "latest": in_memory(fill_everything, libver="latest"),
        "ordered": in_memory(fill_everything, libver="latest", track_order=True),
        "user-block": in_memory(fill_everything, libver="v110", userblock_size=1024),
        "many": in_memory(fill_many, libver="latest"),
        "sequences": in_memory(fill_sequences),
        "narrow": narrow(),
        "model": in_memory(fill_model),
        "large": in_memory(fill_large, libver="latest"),
        "indexes": in_memory(fill_indexes, libver="latest"),
        "paged": in_memory(fill_model, fs_strategy="page", fs_page_size=512),
        "types": in_memory(fill_types),
        "types-latest": in_memory(fill_types, libver="latest"),
        "pytables": in_memory(fill_pytables),
    }
    for name, data in made.items():
        (FOLDER / f"{name}.h5").write_bytes(data)
    expected = {"h5py": h5py.version.version, "hdf5": h5py.version.hdf5_version}
    described = {name: describe(data) for name, data in made.items()}
    document = {"made_with": expected, "files": described}
    (FOLDER / "expected.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    rule_vectors()


if __name__ == "__main__":
    main()
