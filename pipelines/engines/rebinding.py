"""Keeps one loaded library from listening at every address of the machine, where it has no setting for it.

A library calls `bind` and `connect` through slots that the loader fills with their addresses. For a while they hold
those of functions here, which put one address in the place of "any". Nothing is compiled, no other library is touched.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

# of elf.h, dlfcn.h and mman.h, on all 64-bit machines
_STRTAB, _SYMTAB, _RELA, _RELASZ, _PLTRELSZ, _PLTREL, _JMPREL = 5, 6, 7, 8, 2, 20, 23
_RELA_BYTES, _SYM_BYTES = 24, 24
_LINK_MAP = 2
_READ_AND_WRITE = 3
_AT = {socket.AF_INET: slice(4, 8), socket.AF_INET6: slice(8, 24)}
_PORT = slice(2, 4)
"""Where the address and the port stand in the name of a socket, a sockaddr of Linux."""
_LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
_CALL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, use_errno=True)


class CannotRebind(RuntimeError):
    """This platform, or this library, gives no hold; the message says why."""


class _LinkMap(ctypes.Structure):
    _fields_ = (("base", ctypes.c_size_t), ("name", ctypes.c_char_p), ("dynamic", ctypes.c_size_t))


@contextmanager
def bound_to(address: str, library: ctypes.CDLL, ports: set[bytes]) -> Iterator[None]:
    """Within it, a socket that the library would bind to every address of the machine is bound to this one, and what it
    would call at loopback, at the port of such a socket, is called here.

    address: IPv4 or IPv6, of this machine; sockets of the other kind are left alone. ports: those of the sockets, as in
    their names; each that is bound is added. Raises CannotRebind before anything is changed.
    """
    if sys.platform != "linux" or sys.byteorder != "little" or ctypes.sizeof(ctypes.c_void_p) != 8:
        raise CannotRebind(f"only known for 64-bit Linux, and this is {sys.platform}")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        packed = socket.inet_pton(family, address)
    except OSError as error:
        raise CannotRebind(f"{address} is no address to bind to") from error
    libc, at = ctypes.CDLL(None, use_errno=True), _AT[family]
    loopback = socket.inet_pton(family, _LOOPBACK[family])

    def bind(descriptor: int, asked: int, length: int) -> int:
        name = bytearray(ctypes.string_at(asked, length))
        is_any = int.from_bytes(name[:2], "little") == family and not any(name[at])
        if is_any:
            name[at] = packed
        failed = int(libc.bind(descriptor, bytes(name), length))
        if is_any and not failed:
            given = ctypes.create_string_buffer(length)
            libc.getsockname(descriptor, given, ctypes.byref(ctypes.c_uint(length)))
            ports.add(given.raw[_PORT])
        return failed

    def connect(descriptor: int, asked: int, length: int) -> int:
        name = bytearray(ctypes.string_at(asked, length))
        if int.from_bytes(name[:2], "little") == family and name[at] == loopback and bytes(name[_PORT]) in ports:
            name[at] = packed
        return int(libc.connect(descriptor, bytes(name), length))

    functions = {b"bind": _CALL(bind), b"connect": _CALL(connect)}
    slots = [(slot, function) for name, function in functions.items() for slot in _slots(libc, library, name)]
    held = [slot.value for slot, _ in slots]
    for slot, function in slots:
        slot.value = ctypes.cast(function, ctypes.c_void_p).value or 0
    try:
        yield
    finally:
        for (slot, _), value in zip(slots, held, strict=True):
            slot.value = value


def _slots(libc: ctypes.CDLL, library: ctypes.CDLL, name: bytes) -> list[ctypes.c_uint64]:
    """The slots, made writable, through which the library calls a function of another one: the relocations of its
    dynamic section that have this symbol (System V ABI, chapter 5)."""
    link_map = ctypes.POINTER(_LinkMap)()
    if libc.dlinfo(ctypes.c_void_p(library._handle), _LINK_MAP, ctypes.byref(link_map)):
        raise CannotRebind("the loader does not tell where the library lies")
    base, at = link_map.contents.base, link_map.contents.dynamic
    dynamic: dict[int, int] = {}
    while (entry := tuple((ctypes.c_uint64 * 2).from_address(at)))[0]:
        dynamic[entry[0]] = entry[1]
        at += 16
    if not {_STRTAB, _SYMTAB, _JMPREL, _PLTRELSZ} <= dynamic.keys() or dynamic.get(_PLTREL) != _RELA:
        raise CannotRebind("the library was linked in an unknown way")
    found: list[ctypes.c_uint64] = []
    for table, size in ((_JMPREL, _PLTRELSZ), (_RELA, _RELASZ)):
        count = dynamic.get(size, 0) // _RELA_BYTES
        if not count:
            continue
        raw = (ctypes.c_uint64 * (3 * count)).from_address(_in_memory(dynamic[table], base))
        entries = np.ctypeslib.as_array(raw).reshape(count, 3)  # offset, symbol and kind, addend
        for offset, info in entries[entries[:, 1] >> 32 > 0][:, :2].tolist():
            symbol = _in_memory(dynamic[_SYMTAB], base) + _SYM_BYTES * (info >> 32)
            text = _in_memory(dynamic[_STRTAB], base) + ctypes.c_uint32.from_address(symbol).value
            if ctypes.string_at(text) == name:
                found.append(ctypes.c_uint64.from_address(base + offset))
    if not found:
        raise CannotRebind(f"the library does not call {name.decode()} itself")
    for slot in found:
        _make_writable(libc, ctypes.addressof(slot))
    return found


def _in_memory(pointer: int, base: int) -> int:
    """An address of the dynamic section: glibc has added the base already, other loaders have not."""
    return pointer if pointer >= base else base + pointer


def _make_writable(libc: ctypes.CDLL, address: int) -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    start = ctypes.c_void_p(address // page * page)
    if libc.mprotect(start, ctypes.c_size_t(page), _READ_AND_WRITE):
        raise CannotRebind(f"its slots cannot be written to ({os.strerror(ctypes.get_errno())})")
