"""
Arrays of NumPy's files: `.npy`, one array, and `.npz`, a zip of them.

An array of Python objects is a pickle and is refused; nothing here unpickles. Arrays of an `.npz`
that are stored are shown where they lie in the zip, deflated ones are inflated within bounds.
"""

import re
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import (
    ArtifactRefusedError,
    LimitExceededError,
    MalformedContentError,
    OperationError,
)
from weighbridge.core.limits.archives import MAX_MEMBER_BYTES
from weighbridge.core.limits.weights import MAX_TENSOR_NAME_BYTES
from weighbridge.formats.npy import NpyHeader, parse_header
from weighbridge.formats.zip import STORED, ZipMember, open_member, read_archive
from weighbridge.load.held import HeldFile
from weighbridge.load.memory import InlineMemory
from weighbridge.load.placement import Placement, contiguous_strides, make_region, place

SUFFIX: Final = ".npy"

_TYPE: Final = re.compile(r"'?([<>|=])?([biufc])([0-9]{1,2})'?")
_ELEMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "b1": "BOOL",
        "u1": "U8",
        "i1": "I8",
        "u2": "U16",
        "i2": "I16",
        "f2": "F16",
        "u4": "U32",
        "i4": "I32",
        "f4": "F32",
        "u8": "U64",
        "i8": "I64",
        "f8": "F64",
        "c8": "C64",
        "c16": "C128",
    }
)
"""What NumPy calls a type to what placements call it."""

_ORDERS: Final[Mapping[str, str]] = MappingProxyType({"<": "little", ">": "big"})


def place_npy(held: HeldFile, *, where: str) -> dict[str, Placement]:
    """
    Return where the one array of the `.npy` file *held* lies.

    It is called by *where*, the file's path, without the suffix.

    Raises:
        ArtifactRefusedError: It is an array of Python objects, which is a pickle.
        MalformedContentError: The file does not follow the format, or more follows the array.
        OperationError: The type is none that a tensor has.
    """
    name = where.removesuffix(SUFFIX)
    return {name: _place(held, held, start=0, size=held.size, where=where)}


def place_npz(held: HeldFile, *, where: str) -> dict[str, Placement]:
    """
    Return where the arrays of the `.npz` file *held* lie, by their names in it.

    Raises:
        ArtifactRefusedError: A member is an array of Python objects, or two have one name.
        MalformedContentError: The file breaks its format, or is a zip that readers disagree on.
        LimitExceededError: The compressed arrays are too large.
        OperationError: The type of an array is none that a tensor has.
    """
    archive = read_archive(held)
    if archive.anomalies:
        found = archive.anomalies[0].detail
        raise _broken(where, expected="a zip that all readers agree on", found=found)
    placements: dict[str, Placement] = {}
    inflated = 0
    for member in archive.members:
        label = f"{where}: {member.name[:MAX_TENSOR_NAME_BYTES]}"
        name = _array_name(member, where=label)
        if name in placements:
            raise ArtifactRefusedError(
                "two arrays of the file have the same name",
                code=Code.LOAD_MALFORMED,
                where=label,
                found=name,
            )
        inflated += member.size if member.method != STORED else 0
        if inflated > MAX_MEMBER_BYTES:
            raise LimitExceededError(
                "too many compressed arrays",
                where=where,
                expected=f"at most {MAX_MEMBER_BYTES} bytes",
                found=f"{inflated} or more",
                hint="Ask for a file that numpy.savez wrote, or for safetensors",
            )
        placements[name] = _place_member(held, member, where=label)
    return placements


def _array_name(member: ZipMember, *, where: str) -> str:
    """Return what NumPy calls the array in *member*."""
    if not member.name.endswith(SUFFIX) or len(member.name) > MAX_TENSOR_NAME_BYTES:
        raise _broken(where, expected="members NAME.npy only", found=repr(member.name))
    return member.name.removesuffix(SUFFIX)


def _place_member(held: HeldFile, member: ZipMember, *, where: str) -> Placement:
    content = open_member(held, member)
    if member.method == STORED and member.data_offset is not None:
        return _place(content, held, start=member.data_offset, size=member.size, where=where)
    block = HeldFile(InlineMemory(content.read_at(0, content.size)))
    return _place(block, block, start=0, size=block.size, where=where)


def _place(content: ByteSource, block: HeldFile, *, start: int, size: int, where: str) -> Placement:
    """Return the array whose file is the *size* bytes from *start* of *block*, or *content*."""
    header = parse_header(content)
    if header.has_object or header.data_size is None:
        raise ArtifactRefusedError(
            "an array of Python objects is a pickle, and no tensor",
            code=Code.LOAD_REFUSED,
            where=where,
            expected="numbers",
            found=header.descr[:200],
            hint="Ask the publisher for arrays of numbers, or for safetensors",
        )
    element, order = _element_of(header, where=where)
    if header.data_offset + header.data_size != size:
        expected = f"{header.data_size} bytes behind the header"
        raise _broken(where, expected=expected, found=str(size - header.data_offset))
    region = make_region(
        block, start=start + header.data_offset, size=header.data_size, element=element, order=order
    )
    strides = None
    if header.fortran_order:
        strides = tuple(reversed(contiguous_strides(tuple(reversed(header.shape)))))
    return place(region, shape=header.shape, strides=strides, where=where)


def _element_of(header: NpyHeader, *, where: str) -> tuple[str, str]:
    """Return a placement's name for the type, and the order of bytes."""
    match = _TYPE.fullmatch(header.descr)
    element = _ELEMENTS.get(match[2] + match[3]) if match else None
    if match is None or element is None:
        raise OperationError(
            "tensors of this type cannot be built",
            code=Code.LOAD_FORMAT,
            where=where,
            expected="booleans or numbers of up to 64 bits, or complex ones",
            found=header.descr[:200],
            hint="Read it with numpy.load(model.open(PATH), allow_pickle=False)",
        )
    return element, _ORDERS.get(match[1], sys.byteorder)


def _broken(where: str, *, expected: str, found: str) -> MalformedContentError:
    return MalformedContentError(
        "the NumPy file is broken",
        code=Code.LOAD_MALFORMED,
        where=where,
        expected=expected,
        found=found[:200],
    )
