# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel has, asked for quickly: no command is started for any of it."""
from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 1 << 18
_ADDR_NO_RANDOMIZE = 0x0040000
_SYS_BPF = 321
_PROG_GET_NEXT_ID, _MAP_GET_NEXT_ID, _PROG_QUERY, _LINK_GET_NEXT_ID = 11, 12, 16, 31
_MAP_LOOKUP, _PROG_FD_BY_ID, _MAP_FD_BY_ID, _INFO_BY_FD = 1, 13, 14, 15
_TCX = {"in": 46, "out": 47}
_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_RTM_NEWADDR, _RTM_GETADDR, _RTM_NEWQDISC, _RTM_GETQDISC = 20, 22, 36, 38
_REQUEST_DUMP, _NLMSG_DONE = 0x301, 3
_IFADDRMSG, _TCMSG = struct.Struct("=BBBBI"), struct.Struct("=BxxxiIII")
_IFINFOMSG, _VLAN_INFO, _TYPE = struct.Struct("=BxHiII"), struct.Struct("=HH"), 0x3fff
_IFA_LOCAL, _TCA_KIND = 2, 1
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_AF_SPEC, _IFLA_EXT_MASK = 1, 3, 26, 29
_BRIDGE_VLAN_INFO, _VLANS_COMPRESSED = 2, 4
_READ_ONLY = 1 << 7  # for programs
_UP, _LOWER_UP = 0x1, 0x10000


def _check(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def fixed_addresses() -> None:
    """Programs that we start have everything at the same addresses each time, so that a call stack
    is known again in the next process."""
    _check(_libc.personality(_ADDR_NO_RANDOMIZE))


def enter(namespace: str) -> None:
    """Into a network namespace, as `ip netns exec` does but for the mounts."""
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    _check(_libc.setns(fd, _CLONE_NEWNET))
    os.close(fd)


def socket_in(namespace: str, home: str, *kind: int) -> socket.socket:
    """A socket of another namespace than ours, which is @home."""
    enter(namespace)
    try:
        return socket.socket(*kind)
    finally:
        enter(home)


def mount_sysfs(place: Path) -> None:
    """/sys is of the namespace that mounted it; this one is of ours, and seen by us only."""
    _check(_libc.unshare(_CLONE_NEWNS))
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))
    place.mkdir(parents=True, exist_ok=True)
    _check(_libc.mount(b"sysfs", str(place).encode(), b"sysfs", 0, None))


def hide_types() -> None:
    """After mount_sysfs(): the daemon has no carrier program. A refusal of that changes no more than
    what `show` says of it; tests/packet/test_carrier.c and tests/lab/test_carrier.py have it."""
    _check(_libc.mount(b"/dev/null", b"/sys/kernel/btf/vmlinux", None, _MS_BIND, None))


def _bpf(command: int, attributes: bytearray) -> int:
    """0 or a negative errno; the kernel writes into @attributes."""
    buffer = (ctypes.c_char * len(attributes)).from_buffer(attributes)
    result = _libc.syscall(_SYS_BPF, command, buffer, len(attributes))
    return result if result >= 0 else -ctypes.get_errno()


def _count(command: int) -> int:
    number, found = 0, 0
    while True:
        attributes = bytearray(struct.pack("=III", number, 0, 0))
        if _bpf(command, attributes):
            return found
        number, found = struct.unpack_from("=I", attributes, 4)[0], found + 1


def bpf_counts() -> dict[str, int]:
    """Programs, maps and links of the whole machine."""
    return {"programs": _count(_PROG_GET_NEXT_ID), "maps": _count(_MAP_GET_NEXT_ID),
            "links": _count(_LINK_GET_NEXT_ID)}


def tcx(ifindex: int) -> dict[str, int]:
    """How many programs a device has in tcx, by direction; a kernel without tcx has none."""
    counts = {}
    for direction, kind in _TCX.items():
        attributes = bytearray(struct.pack("=IIIIQIIQQQ", ifindex, kind, 0, 0, 0, 0, 0, 0, 0, 0))
        result = _bpf(_PROG_QUERY, attributes)
        if result not in (0, -errno.EINVAL, -errno.ENOENT):
            raise OSError(-result, os.strerror(-result))
        counts[direction] = struct.unpack_from("=I", attributes, 24)[0] if not result else 0
    return counts


def _query(ifindex: int, kind: int) -> list[int]:
    """Ids of the programs that a device has in tcx."""
    ids = (ctypes.c_uint32 * 16)()
    attributes = bytearray(struct.pack("=IIIIQIIQQQ", ifindex, kind, 0, 0, ctypes.addressof(ids),
                                       len(ids), 0, 0, 0, 0))
    if _bpf(_PROG_QUERY, attributes):
        return []
    return list(ids[:struct.unpack_from("=I", attributes, 24)[0]])


def _info(fd: int, *, ids: ctypes.Array | None = None) -> bytes:
    """struct bpf_prog_info, with the ids of its maps, or bpf_map_info."""
    info = ctypes.create_string_buffer(128)
    if ids is not None:
        struct.pack_into("=IQ", info, 52, len(ids), ctypes.addressof(ids))
    if _bpf(_INFO_BY_FD, bytearray(struct.pack("=IIQ", fd, len(info), ctypes.addressof(info)))):
        return b""
    return info.raw


def _open(command: int, number: int) -> int:
    return _bpf(command, bytearray(struct.pack("=III", number, 0, 0)))


def _constants_of(program: int) -> str:
    maps = (ctypes.c_uint32 * 16)()
    info = _info(program, ids=maps)
    found = []
    for number in maps[:struct.unpack_from("=I", info, 52)[0]]:
        fd = _open(_MAP_FD_BY_ID, number)
        if fd < 0:
            continue
        told = _info(fd)
        if told and struct.unpack_from("=I", told, 20)[0] & _READ_ONLY:
            key = ctypes.c_uint32(0)
            value = ctypes.create_string_buffer(struct.unpack_from("=I", told, 12)[0])
            _bpf(_MAP_LOOKUP, bytearray(struct.pack(
                "=IxxxxQQQ", fd, ctypes.addressof(key), ctypes.addressof(value), 0)))
            found.append(value.raw.hex().rstrip("0"))
        os.close(fd)
    return " ".join(found)


def constants(ifindex: int) -> str:
    """Of the programs that a device has in tcx at its ingress: what they were loaded with. (Names
    are of no use: if the kernel refuses one once, libbpf does without for ever.)"""
    found = []
    for number in _query(ifindex, _TCX["in"]):
        fd = _open(_PROG_FD_BY_ID, number)
        if fd >= 0:
            found.append(_constants_of(fd))
            os.close(fd)
    return " ".join(found)


def _messages(answer: bytes):
    while len(answer) >= 16:
        length, kind = struct.unpack_from("=IH", answer)
        yield kind, answer[16:length]
        answer = answer[(length + 3) & ~3:]


def _attribute(body: bytes, at: int, wanted: int) -> bytes:
    """Of the attributes that begin at @at."""
    while at + 4 <= len(body):
        length, attribute = struct.unpack_from("=HH", body, at)
        if attribute & _TYPE == wanted:
            return body[at + 4:at + length]
        at += (length + 3) & ~3
    return b""


def _dump_of(netlink: socket.socket, request: int, answer: int, header: bytes):
    """The bodies of all messages that the kernel lists in the socket's namespace."""
    netlink.send(struct.pack("=IHHII", 16 + len(header), request, _REQUEST_DUMP, 1, 0) + header)
    while True:
        for kind, body in _messages(netlink.recv(1 << 16)):
            if kind == _NLMSG_DONE:
                return
            if kind != answer:
                raise OSError(f"the kernel does not answer the dump {request}")
            yield body


def _dump(request: int, answer: int, header: bytes):
    """Those of our namespace."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.bind((0, 0))
        yield from _dump_of(netlink, request, answer, header)


def links(netlink: socket.socket) -> list[tuple[str, str, str]]:
    """(name, MAC, "up", "carrier") of the devices in the namespace of the socket."""
    found = []
    for body in _dump_of(netlink, _RTM_GETLINK, _RTM_NEWLINK, _IFINFOMSG.pack(0, 0, 0, 0, 0)):
        flags = _IFINFOMSG.unpack_from(body)[3]
        name = _attribute(body, _IFINFOMSG.size, _IFLA_IFNAME).rstrip(b"\0").decode()
        found.append((name, _attribute(body, _IFINFOMSG.size, _IFLA_ADDRESS).hex(":"),
                      ("up" if flags & _UP else "") + (" carrier" if flags & _LOWER_UP else "")))
    return found


def vlans() -> dict[int, str]:
    """Of each bridge and port: flags and ids of its VLANs, of ranges the ends."""
    found = {}
    header = (_IFINFOMSG.pack(socket.AF_BRIDGE, 0, 0, 0, 0)
              + struct.pack("=HHI", 8, _IFLA_EXT_MASK, _VLANS_COMPRESSED))
    for body in _dump(_RTM_GETLINK, _RTM_NEWLINK, header):
        spec, at, told = _attribute(body, _IFINFOMSG.size, _IFLA_AF_SPEC), 0, []
        while at + 4 <= len(spec):
            length, attribute = struct.unpack_from("=HH", spec, at)
            if attribute & _TYPE == _BRIDGE_VLAN_INFO:
                told.append("{:x}:{}".format(*_VLAN_INFO.unpack_from(spec, at + 4)))
            at += (length + 3) & ~3
        found[_IFINFOMSG.unpack_from(body)[2]] = " ".join(told)
    return found


def qdiscs() -> set[tuple[int, str]]:
    """(ifindex, kind) of those that somebody has made."""
    found = set()
    for body in _dump(_RTM_GETQDISC, _RTM_NEWQDISC, _TCMSG.pack(0, 0, 0, 0, 0)):
        _, ifindex, handle, _, _ = _TCMSG.unpack_from(body)
        if handle:
            kind = _attribute(body, _TCMSG.size, _TCA_KIND)
            found.add((ifindex, kind.rstrip(b"\0").decode()))
    return found


def addresses() -> list[tuple[int, str]]:
    """(ifindex, address/prefix): of IPv4, which is all that the sweep has."""
    found = []
    for body in _dump(_RTM_GETADDR, _RTM_NEWADDR, _IFADDRMSG.pack(socket.AF_INET, 0, 0, 0, 0)):
        _, prefix, _, _, ifindex = _IFADDRMSG.unpack_from(body)
        local = _attribute(body, _IFADDRMSG.size, _IFA_LOCAL)
        found.append((ifindex, f"{socket.inet_ntoa(local)}/{prefix}"))
    return found


def routes() -> list[tuple[str, str]]:
    """(device, destination, gateway and the like in hexadecimal), of IPv4's main table."""
    lines = Path("/proc/thread-self/net/route").read_text().splitlines()[1:]
    return [(words[0], " ".join(words[1:4] + words[6:8])) for words in map(str.split, lines)]
