# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel, asked without iovteam: devices by ip(8), BPF maps and programs by the system call."""
from __future__ import annotations

import ctypes
import json
import os
import struct
import subprocess
from contextlib import contextmanager
from typing import Any, Iterator

CLONE_NEWNET = 0x40000000
SYS_BPF = 321
MAP_LOOKUP, OBJ_GET, PROG_GET_FD_BY_ID, OBJ_GET_INFO, PROG_QUERY = 1, 7, 13, 15, 16
TCX = {"ingress": 46, "egress": 47}
PROG_NAME_AT, NAME_SIZE = 64, 16  # in struct bpf_prog_info

libc = ctypes.CDLL(None, use_errno=True)


class CommandFailed(Exception):
    pass


def run(*words: Any, check: bool = True) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if check and done.returncode:
        raise CommandFailed(f"{' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


def batch(namespace: str, *lines: str) -> None:
    """Commands of ip(8) for the price of one process."""
    done = subprocess.run(["ip", "-n", namespace, "-batch", "-"], input="\n".join(lines) + "\n",
                          capture_output=True, text=True)
    if done.returncode:
        raise CommandFailed(f"ip in {namespace}: {'; '.join(lines)}: {done.stderr.strip()}")


def attempt(namespace: str, line: str) -> bool:
    """A command of ip(8) that may fail."""
    return subprocess.run(["ip", "-n", namespace, *line.split()],
                          capture_output=True).returncode == 0


def links(namespace: str) -> dict[str, dict[str, Any]]:
    """name -> what ip -d -j link shows."""
    shown = json.loads(run("ip", "-n", namespace, "-d", "-j", "link", "show"))
    return {link["ifname"]: link for link in shown}


def _setns(descriptor: int) -> None:
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def enter(namespace: str) -> None:
    with open(f"/run/netns/{namespace}", "rb") as file:
        _setns(file.fileno())


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """A block in another network namespace; sockets that it makes stay there."""
    with open("/proc/self/ns/net", "rb") as before:
        enter(namespace)
        try:
            yield
        finally:
            _setns(before.fileno())


# --- BPF ---


def _bpf(command: int, attributes: bytes) -> tuple[int, bytes]:
    buffer = ctypes.create_string_buffer(attributes, max(len(attributes), 128))
    result = libc.syscall(SYS_BPF, command, buffer, len(buffer))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}")
    return result, buffer.raw


def _info(descriptor: int, size: int) -> bytes:
    info = ctypes.create_string_buffer(size)
    _bpf(OBJ_GET_INFO, struct.pack("=IIQ", descriptor, size, ctypes.addressof(info)))
    return info.raw


def map_value(pin: str) -> bytes:
    """The only value of a pinned array."""
    path = ctypes.create_string_buffer(pin.encode())
    descriptor, _ = _bpf(OBJ_GET, struct.pack("=QII", ctypes.addressof(path), 0, 0))
    try:
        size, = struct.unpack_from("=I", _info(descriptor, 80), 12)
        key, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(size)
        _bpf(MAP_LOOKUP, struct.pack("=IxxxxQQQ", descriptor, ctypes.addressof(key),
                                     ctypes.addressof(value), 0))
        return value.raw
    finally:
        os.close(descriptor)


def _program_name(number: int) -> str:
    descriptor, _ = _bpf(PROG_GET_FD_BY_ID, struct.pack("=III", number, 0, 0))
    try:
        return _info(descriptor, 128)[PROG_NAME_AT:PROG_NAME_AT + NAME_SIZE].split(b"\0")[0].decode()
    finally:
        os.close(descriptor)


def _tcx_programs(ifindex: int, way: str) -> list[str]:
    numbers = (ctypes.c_uint32 * 16)()
    _, answer = _bpf(PROG_QUERY, struct.pack("=IIIIQI", ifindex, TCX[way], 0, 0,
                                             ctypes.addressof(numbers), 16))
    count, = struct.unpack_from("=I", answer, 24)
    return [_program_name(number) for number in numbers[:count]]


def _tc_programs(device: str, way: str) -> list[str]:
    shown = json.loads(run("tc", "-j", "filter", "show", "dev", device, way, check=False) or "[]")
    return [rule["options"]["bpf_name"].split(":")[0] if "bpf_name" in rule["options"] else "?"
            for rule in shown if "prog" in rule.get("options", {})]


HAS_TCX = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 6)


def programs(device: str, ifindex: int, way: str) -> list[str]:
    """Names of the programs at a device of our own namespace."""
    return _tcx_programs(ifindex, way) if HAS_TCX else _tc_programs(device, way)


def our_programs() -> list[str]:
    """All loaded programs of iovteam's names, wherever they are attached."""
    ours = ("team_egress", "member_ingress", "member_egress")
    shown = json.loads(run("bpftool", "-j", "prog", "show"))
    return [f"{p['id']} {p['name']}" for p in shown if p.get("name", "") in ours]
