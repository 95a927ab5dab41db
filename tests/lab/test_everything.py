# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that works on a plain interface works on the team (T19), on igbvf: a VF has receive
filters, and hides nothing that a veth would."""
from __future__ import annotations

import time

import pytest

from lab import wait_until
from team import PYTHON, SLOW, difference, running, team  # noqa: F401
from traffic import (Capture, Receiver, at_switch, flows, known_at, ping, send_udp, switch,
                     vlan_outside, wait_all)

PEER, PEER6 = "192.0.2.1", "2001:db8::1"


def addresses(where, device):
    """What `ip` says of each IP address of a device."""
    found = where.run(["ip", "-j", "address", "show", "dev", device]).json()
    return [address for address in found[0].get("addr_info", ()) if address]


def link(where, device):
    return where.run(["ip", "-d", "-j", "link", "show", "dev", device]).json()[0]


# --- addresses ---

@pytest.mark.legacy
def test_dad_completes_and_inbound_ipv6_works(lab, build):
    with running(lab, build, nodad=False) as team:
        def settled():
            six = [a for a in addresses(lab.guest, team.name) if a["family"] == "inet6"]
            return len(six) == 2 and not any(a.get("tentative") for a in six) and six

        six = wait_until(settled, SLOW, "the end of duplicate address detection")
        assert not any(a.get("dadfailed") for a in six), six
        # Otherwise this network was kind, and the test proves nothing.
        assert sum(m["drops"]["reflected"] for m in team.show()["members"]) > 0
        local = next(a["local"] for a in six if a["scope"] == "link")
        for primary in ("ens4", "ens5"):
            if team.primary != primary:
                team.switchover(primary)
            # The peer knows nobody: its solicitation is multicast, and must be let in.
            lab.peer.run(["ip", "neighbour", "flush", "dev", "eth0"])
            ping(lab.peer, team.IPV6)
            ping(lab.peer, f"{local}%eth0")


def test_slaac(lab, team, tmp_path):
    config, pid = tmp_path / "radvd.conf", tmp_path / "radvd.pid"
    config.write_text("interface eth0 { AdvSendAdvert on; MinRtrAdvInterval 3;"
                      " MaxRtrAdvInterval 4; prefix 2001:db8:5::/64 {}; };\n")
    # radvd wants to be on a router.
    lab.peer.sh("sysctl -qw net.ipv6.conf.all.forwarding=1;"
                "ip address add 2001:db8:5::1/64 dev eth0 nodad")
    try:
        with lab.peer.spawn(["radvd", "-n", "-m", "stderr", "-C", str(config), "-p", str(pid),
                             "-u", "root"]):
            def configured():
                return next((a["local"] for a in addresses(lab.guest, team.name)
                             if a["local"].startswith("2001:db8:5:") and not a.get("tentative")),
                            None)

            address = wait_until(configured, SLOW, "an address by SLAAC")
            ping(lab.peer, address)
            routes = lab.guest.run(["ip", "-6", "-j", "route", "show", "default"]).json()
            assert [route["dev"] for route in routes] == [team.name]
            # The members hear the router too, and must not listen (C6).
            for member in team.macs:
                assert not addresses(lab.guest, member)
    finally:
        lab.peer.sh("sysctl -qw net.ipv6.conf.all.forwarding=0;"
                    "ip address delete 2001:db8:5::1/64 dev eth0")


DHCP_SCRIPT = """#!/bin/sh
case $1 in
deconfig) ip -4 address flush dev $interface ;;
bound|renew) ip address replace $ip/$mask dev $interface; echo "$1 $ip for $lease" ;;
esac
"""


def test_dhcp_lease_is_kept_over_a_failover_and_renewed(lab, build, tmp_path):
    leases = tmp_path / "leases"
    server = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--interface=eth0",
              "--bind-interfaces", "--port=0", "--dhcp-range=192.0.2.100,192.0.2.150,255.255.255.0",
              "--dhcp-authoritative", f"--dhcp-leasefile={leases}", f"--pid-file={tmp_path}/pid",
              "--user=root", "--log-dhcp"]
    lab.write("/tmp/dhcp-script", DHCP_SCRIPT, mode=0o755)

    def renewed(client, serving, times):
        """Asks for it, and waits until both ends say so. udhcpc asks once and then waits half the
        lease; it may ask with the MAC that it had, notice the new one and refuse the answer to the
        old one: so it is told again."""
        def told():
            if time.monotonic() > told.again:
                client.kill(10)  # SIGUSR1
                told.again = time.monotonic() + 10
            return client.stdout().count(f"renew {address} ") > before

        before, told.again = client.stdout().count("renew "), 0
        wait_until(told, 60, "a renewal")
        assert serving.stderr().count("DHCPACK(eth0)") >= 1 + times
        assert "DHCPNAK" not in serving.stderr()

    # The team's MAC changes, so a client that shall keep its address needs an identifier that is
    # not made of the MAC, as systemd-networkd has by default.
    with running(lab, build, addresses=[]) as team, \
            lab.peer.spawn(server) as serving, \
            lab.guest.spawn(["udhcpc", "-f", "-i", team.name, "-s", "/tmp/dhcp-script",
                             "-C", "-x", "0x3d:0074656d6f"]) as client:
        client.expect("bound ")
        address = addresses(lab.guest, team.name)[0]["local"]
        assert address.startswith("192.0.2.1")
        ping(lab.peer, address)
        with team.lost(team.primary):
            assert address in [a["local"] for a in addresses(lab.guest, team.name)]
            ping(lab.peer, address)
            renewed(client, serving, 1)
        renewed(client, serving, 2)
        assert [a["local"] for a in addresses(lab.guest, team.name)
                if a["family"] == "inet"] == [address]
        ping(lab.peer, address)


# --- receiving ---

MULTICAST_SEND = """
import socket, sys
for text in sys.argv[1:]:
    for group, family in (("239.1.2.3", socket.AF_INET), ("ff15::123", socket.AF_INET6)):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        s.sendto(text.encode(), (group, 5000))
"""


def test_multicast_is_received_once(lab, team):
    with Receiver(lab.guest, group="239.1.2.3", device=team.name) as four, \
            Receiver(lab.guest, "::", port=5000, group="ff15::123", device=team.name) as six:
        sent = []

        def send(phase):
            texts = [f"{phase}{number}" for number in range(20)]
            sent.extend(texts)
            lab.peer.run([*PYTHON, "-c", MULTICAST_SEND, *texts])
            for receiver in (four, six):
                receiver.wait(len(sent))

        send("before")
        team.switchover(team.other())
        send("switched")
        with team.lost(team.primary):
            send("lost")
        send("back")
        for receiver in (four, six):
            assert [d.text for d in receiver.datagrams()] == sent


LLDP_LISTEN = """
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88cc))
s.bind((sys.argv[1], 0x88cc))
group = bytes.fromhex("0180c200000e")  # as lldpd does
s.setsockopt(263, 1, struct.pack("=iHH8s", socket.if_nametoindex(sys.argv[1]), 0, 6, group))
print("ready", flush=True)
while True:
    frame, address = s.recvfrom(2000)
    print("got", frame[14:].rstrip(bytes(1)).decode(), flush=True)
"""
LLDP_SEND = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0x88cc))
s.send(bytes.fromhex("0180c200000e52540000aa0188cc") + sys.argv[2].encode().ljust(60, bytes(1)))
"""


def test_lldp_and_ethtool_work_on_members(lab, team):
    listeners = {member: lab.guest.spawn([*PYTHON, "-c", LLDP_LISTEN, member])
                 for member in team.macs}
    try:
        for listener in listeners.values():
            listener.expect("ready")
        # Bridges keep these frames to themselves, so each port of the switch sends its own.
        for nic, member in zip(lab.pfs, team.macs):
            switch(lab).run([*PYTHON, "-c", LLDP_SEND, nic.tap, f"to-{member}"])
        for member, listener in listeners.items():
            assert listener.expect(f"got to-{member}") == f"ready\ngot to-{member}\n"
    finally:
        for listener in listeners.values():
            listener.stop()
    for member in team.macs:
        told = lab.guest.run(["ethtool", member]).out
        assert "Speed: 1000Mb/s" in told and "Link detected: yes" in told


# --- both members carry ---

TCP_SERVE = """
import socket, threading
def echo(s):
    while data := s.recv(65536):
        s.sendall(data)
s = socket.create_server(("", 5001), backlog=64)
print("ready", flush=True)
while True:
    threading.Thread(target=echo, args=(s.accept()[0],), daemon=True).start()
"""
TCP_USE = """
import socket, sys
all = [socket.create_connection((sys.argv[1], 5001)) for number in range(int(sys.argv[2]))]
for s in all:
    s.sendall(bytes(20000))
for s in all:
    left = 20000
    while left:
        left -= len(s.recv(left))
print("echoed", len(all))
"""


def test_flows_spread_and_no_mac_is_on_two_ports(lab, team):
    with lab.peer.spawn([*PYTHON, "-c", TCP_SERVE]) as server, Receiver(lab.peer) as receiver, \
            at_switch(lab) as seen:
        server.expect("ready")
        send_udp(lab.guest, flows(64, team.IPV4, PEER))
        assert len(receiver.wait(640)) == 640
        wait_all(seen, 640, f"> {PEER}.5000: UDP")
        done = lab.guest.run([*PYTHON, "-c", TCP_USE, PEER, "16"], timeout=120)
        assert done.out == "echoed 16\n"
        ports = {kind: {member: {int(frame.text.split(f"{team.IPV4}.")[1].split()[0])
                                 for frame in capture.frames(f"> {PEER}.{to}:")}
                        for member, capture in seen.items()}
                 for kind, to in (("udp", 5000), ("tcp", 5001))}
        for kind, total in (("udp", 64), ("tcp", 16)):
            first, second = ports[kind].values()
            assert len(first) + len(second) == len(first | second) == total, ports[kind]
        # The kernel's hash is seeded at boot. Fewer than 12 of 64: once in ten million boots;
        # none of 16 connections: once in 30 thousand.
        assert min(map(len, ports["udp"].values())) >= 12, ports["udp"]
        assert min(map(len, ports["tcp"].values())) >= 1, ports["tcp"]
        # The host speaks through its PFs, too, now and then.
        sources = {member: {frame.source for frame in capture.frames()} - {nic.mac}
                   for nic, (member, capture) in zip(lab.pfs, seen.items())}
    assert sources == {member: {mac} for member, mac in team.macs.items()}
    table = switch(lab).run(["bridge", "-j", "fdb", "show", "br", "phys"]).json()
    learned = {(entry["mac"], entry["ifname"]) for entry in table
               if entry["mac"] in team.macs.values()}
    assert learned == {(team.macs[member], nic.tap) for member, nic in zip(lab.vfs, lab.pfs)}


def test_fragments_of_a_datagram_take_one_member(lab, team):
    # Without ports in later fragments all of a pair of addresses go one way: so several pairs.
    peers = [f"192.0.2.{number}" for number in range(20, 32)]
    lab.peer.sh("".join(f"ip address add {peer}/32 dev eth0;" for peer in peers))
    try:
        with Receiver(lab.peer) as receiver, \
                at_switch(lab, f"src {team.IPV4} and ip[6:2] & 0x3fff != 0") as seen:
            send_udp(lab.guest, [(team.IPV4, 40000 + number, peer, 5000)
                                 for number, peer in enumerate(peers)],
                     rounds=3, size=3500)
            assert {d.length for d in receiver.wait(36)} == {3500}
            wait_all(seen, 36 * 3)
            took = {peer: [len(capture.frames(f"> {peer}")) for capture in seen.values()]
                    for peer in peers}
        # 3 datagrams of 3 fragments each; both members have some (all on one: once in 2048).
        assert all(sorted(counts) == [0, 9] for counts in took.values()), took
        assert {counts.index(9) for counts in took.values()} == {0, 1}
        with Receiver(lab.guest) as inside:
            send_udp(lab.peer, flows(8, PEER, team.IPV4), rounds=1, size=3500)
            assert {d.length for d in inside.wait(8)} == {3500}
    finally:
        lab.peer.sh("".join(f"ip address delete {peer}/32 dev eth0;" for peer in peers))


def test_explain_says_where_a_flow_goes(lab, team):
    said = {flow[1]: team.explain("udp", f"{flow[0]}:{flow[1]}", f"{flow[2]}:{flow[3]}")["member"]
            for flow in flows(10, team.IPV4, PEER)}
    with Receiver(lab.peer) as receiver, at_switch(lab, f"udp and dst {PEER}") as seen:
        send_udp(lab.guest, flows(10, team.IPV4, PEER))
        receiver.wait(100)
        wait_all(seen, 100)
        went = {member: [len(capture.frames(f"{team.IPV4}.{port} >")) for port in said]
                for member, capture in seen.items()}
    assert went == {member: [10 * (said[port] == member) for port in said] for member in went}


def test_switchover_loses_no_ping(lab, team):
    local = next(a["local"] for a in addresses(lab.guest, team.name) if a["scope"] == "link")
    count = 400

    def start(where, address):
        return where.spawn(["ping", "-n", "-c", str(count), "-i", "0.02", "-W", "20", address])

    pings = [start(lab.guest, PEER), start(lab.guest, PEER6), start(lab.peer, team.IPV4),
             start(lab.peer, team.IPV6), start(lab.peer, f"{local}%eth0")]
    try:
        first = team.primary
        for running_ping in pings:
            running_ping.expect("seq=20 ")
        team.switchover(team.other(first))
        seen = max(process.stdout().count("\n") for process in pings)
        for process in pings:
            process.expect(f"seq={min(seen + 20, count - 100)} ")
        team.switchover(first)
        # Else nothing would be measured after the second.
        assert all(process.running for process in pings)
        for process in pings:
            told = process.wait(120).out
            assert f"{count} packets transmitted, {count} received, 0% packet loss" in told, told
            assert "DUP" not in told and "duplicates" not in told, told
    finally:
        for process in pings:
            process.stop()


# --- being watched and counted ---

def test_tcpdump_sees_both_directions(lab, team):
    """What is sent has the MAC of the member that it leaves by, what is received the team's."""
    first, second = team.primary, team.other()
    team_mac, members = team.macs[first], set(team.macs.values())
    peer_mac = link(lab.peer, "eth0")["address"]
    try:
        with Capture(lab.guest, team.name, "icmp or udp port 5000") as seen:
            ping(lab.guest, PEER, 30)
            ping(lab.peer, team.IPV4, 30)
            # A peer that knows another member's MAC only.
            lab.peer.run(["ip", "neighbour", "replace", team.IPV4, "lladdr", team.macs[second],
                          "dev", "eth0"])
            with Capture(lab.guest, second, "icmp") as at_member:
                ping(lab.peer, team.IPV4, 30)
                assert len(at_member.wait(30, f"> {team.IPV4}: ICMP echo request")) == 30
            with Receiver(lab.peer) as receiver:
                send_udp(lab.guest, flows(32, team.IPV4, PEER), rounds=2)
                receiver.wait(64)
            seen.wait(180, "ICMP")
            seen.wait(64, "UDP")
            for text, sources, destination, count in (
                    (f"{team.IPV4} > {PEER}: ICMP echo request", members, peer_mac, 30),
                    (f"{PEER} > {team.IPV4}: ICMP echo reply", {peer_mac}, team_mac, 30),
                    (f"{PEER} > {team.IPV4}: ICMP echo request", {peer_mac}, team_mac, 60),
                    (f"{team.IPV4} > {PEER}: ICMP echo reply", members, peer_mac, 60),
                    (f"> {PEER}.5000: UDP", members, peer_mac, 64)):
                frames = seen.frames(text)
                assert len(frames) == count, text
                assert {f.source for f in frames} <= sources, text
                assert {f.destination for f in frames} == {destination}, text
            assert {f.source for f in seen.frames(f"> {PEER}.5000: UDP")} == members
    finally:
        lab.peer.run(["ip", "neighbour", "delete", team.IPV4, "dev", "eth0"])


def test_counters_of_the_team_agree_with_its_members(lab, team):
    before = team.counters()
    with Receiver(lab.peer) as outside, Receiver(lab.guest) as inside:
        send_udp(lab.guest, flows(32, team.IPV4, PEER))
        send_udp(lab.peer, flows(32, PEER, team.IPV4))
        outside.wait(320)
        inside.wait(320)

    def grown():
        after = team.counters()
        return {what: difference(after, before, what) for what in next(iter(after.values()))}

    # A VF's driver reads its counters every other second.
    wait_until(lambda: min(grown()[f"{way}_packets"][team.name] for way in ("rx", "tx")) >= 320,
               SLOW, "the team's counters")
    change = grown()
    for what, by_device in change.items():
        assert by_device[team.name] == sum(by_device[member] for member in team.macs), change
    for way in ("rx", "tx"):
        # Neighbour discovery and the like come on top.
        assert 320 <= change[f"{way}_packets"][team.name] <= 340, change
        # 142 bytes each on the wire; a driver may count the 4 of the checksum.
        assert 320 * 142 <= change[f"{way}_bytes"][team.name] <= 340 * 146, change
    # T15: the command says the same of the members as the kernel.
    shown = {m["name"]: m["tx_packets"] for m in team.show()["members"]}
    now = team.counters()
    assert all(abs(shown[member] - now[member]["tx_packets"]) <= 5 for member in team.macs)


def test_offloads_of_members_stay_on(lab, build):
    def features():
        return {member: lab.guest.run(["ethtool", "-k", member]).out for member in lab.vfs}

    before = features()
    assert "tx-checksumming: on" in before["ens4"]
    with running(lab, build):
        assert features() == before
    assert features() == before


# --- on top ---

def test_tbf_shapes_and_traffic_still_spreads(lab, team):
    lab.guest.run(["tc", "qdisc", "add", "dev", team.name, "root", "tbf", "rate", "1mbit",
                   "burst", "4kb", "limit", "1mb"])
    size, count = 1000, 300
    with at_switch(lab, f"udp and dst {PEER}") as seen, Receiver(lab.peer) as receiver:
        began = float(lab.guest.run(["cut", "-d ", "-f1", "/proc/uptime"]).out)
        send_udp(lab.guest, flows(30, team.IPV4, PEER), rounds=count // 30, size=size)
        receiver.wait(count, 60)
        seconds = float(lab.guest.run(["cut", "-d ", "-f1", "/proc/uptime"]).out) - began
        wait_all(seen, count)
        shares = [len(capture.frames()) for capture in seen.values()]
    lab.guest.run(["tc", "qdisc", "delete", "dev", team.name, "root"])
    # All that was offered is sent, at 1 Mbit/s; the first 4 kB at once. Starting the sender and
    # noticing the end take their time here, so only the lower bound is sharp.
    least = (count * (size + 42) - 4096) * 8 / 1e6
    assert least * 0.98 <= seconds <= least * 1.5 + 3, (least, seconds)
    assert sum(shares) == count
    # 30 flows: fewer than 3 on one side once in a million boots.
    assert min(shares) >= 30, shares


@pytest.mark.legacy
def test_vlan_on_the_team_both_ways_and_after_a_failover(lab, team):
    inside, outside = "198.51.100.10", "198.51.100.1"
    with vlan_outside(lab, 100, f"{outside}/24") as device:
        lab.guest.sh(f"""ip link add link {team.name} name {team.name}.100 type vlan id 100
            ip link set {team.name}.100 up
            ip address add {inside}/24 dev {team.name}.100""")
        ping(lab.peer, inside)
        ping(lab.guest, outside)
        with at_switch(lab, "vlan 100 and udp") as seen, Receiver(lab.peer) as receiver:
            send_udp(lab.guest, flows(32, inside, outside))
            receiver.wait(320)
            wait_all(seen, 320)
            assert {member: {frame.source for frame in capture.frames()}
                    for member, capture in seen.items()} == {
                        member: {mac} for member, mac in team.macs.items()}
            # 32 flows: fewer than 3 on one side once in four million boots.
            assert min(len(capture.frames()) for capture in seen.values()) >= 30
        lost, left = team.primary, team.other()
        assert known_at(lab.peer, inside, device) == team.macs[lost]
        with team.lost(lost):
            # The VLAN's address is announced (T10); nobody has asked.
            wait_until(lambda: known_at(lab.peer, inside, device) == team.macs[left], SLOW,
                       "the peer to know the new MAC of the address in the VLAN")
            ping(lab.peer, inside)
            ping(lab.guest, outside)
        ping(lab.peer, inside)


def foreign_mac_traffic(lab, team, where, address, mac):
    """Both ways, with a MAC that is not the team's: it stays on the primary."""
    for number in range(2):
        if number:
            team.switchover(team.other())
        with at_switch(lab, "icmp") as seen:
            ping(where, PEER, 10)
            ping(lab.peer, address, 10)
            frames = seen[team.primary].wait(20, f"{address} > {PEER}")
            assert len(frames) == 20 and {frame.source for frame in frames} == {mac}
            assert not seen[team.other()].frames(address)


@pytest.fixture
def trusting_host(lab):
    """A VF may receive further MACs only if the host trusts it: igbvf asks its PF for each.

    igb has room for 19, and igbvf asks for the whole list again at each change of a filter. It
    asks igb to clear the list first, which igb refuses ("attempted to set invalid MAC filter"),
    so that the room is used up after some changes ("there is no space for it"), of a bare VF too,
    and free again only when the VFs are made anew."""
    lab.renew_vfs()
    lab.host.sh("".join(f"ip link set {pf.name} vf 0 trust on;" for pf in lab.pfs))
    yield
    lab.host.sh("".join(f"ip link set {pf.name} vf 0 trust off;" for pf in lab.pfs))


def test_macvlan_on_the_team(lab, trusting_host, team):
    upper = lab.namespace("upper")
    try:
        lab.guest.run(["ip", "link", "add", "mv0", "link", team.name, "netns", "upper",
                       "type", "macvlan", "mode", "bridge"])
        upper.sh("ip link set mv0 up; ip address add 192.0.2.20/24 dev mv0")
        foreign_mac_traffic(lab, team, upper, "192.0.2.20", link(upper, "mv0")["address"])
    finally:
        lab.host.run(["ip", "netns", "delete", "upper"])


def test_bridge_on_the_team(lab, trusting_host, team):
    # The bridge has a MAC of its own, which the VFs are told to receive, like the VM's. By itself
    # it takes the lowest of its ports, which may be the tap's, or the team's and change with it.
    own = "02:00:00:00:00:b0"
    vm = lab.namespace("vm")
    try:
        lab.guest.sh(f"""ip address flush dev {team.name}
            ip link add name br0 address {own} type bridge
            ip link add tap0 type veth peer name eth0 netns vm
            ip link set tap0 master br0 up
            ip link set {team.name} master br0
            ip link set br0 up
            ip address add {team.IPV4}/24 dev br0""")
        vm.sh("ip link set eth0 up; ip address add 192.0.2.30/24 dev eth0")
        mac = link(vm, "eth0")["address"]
        lab.guest.sh(f"bridge fdb add {mac} dev {team.name} self;"
                     f" bridge fdb add {own} dev {team.name} self")
        lab.peer.run(["ip", "neighbour", "flush", "dev", "eth0"])
        wait_until(lambda: vm.run(["ping", "-c1", "-W1", PEER], check=False).rc == 0, SLOW,
                   "the VM to reach the peer")
        foreign_mac_traffic(lab, team, vm, "192.0.2.30", mac)
        ping(lab.peer, team.IPV4)
        ping(vm, team.IPV4)
    finally:
        lab.guest.run(["ip", "link", "delete", "br0"], check=False)
        lab.host.run(["ip", "netns", "delete", "vm"])


# --- frames of any size ---

def set_mtu_outside(lab, mtu):
    """Of everything between the VFs and the peer."""
    lab.peer.run(["ip", "link", "set", "eth0", "mtu", str(mtu)])
    switch(lab).sh("".join(f"ip link set {device} mtu {mtu};"
                           for device in ("peer", *(nic.tap for nic in lab.pfs), "phys")))
    lab.host.sh("".join(f"ip link set {nic.name} mtu {mtu};" for nic in lab.pfs))


def settle(lab, team):
    """A PF's driver resets its card for a new MTU: links go and come, those of the VFs too, and a
    VF's driver looks at its own every other second. So: each member carries again."""
    wait_until(lambda: all(lab.carrier(nic.name) for nic in lab.pfs), 60, "carriers of the PFs")
    for member in [team.other(), team.primary]:
        wait_until(lambda: switched(lab, team, member), 60, f"traffic through {member}")


def switched(lab, team, member):
    """Makes it primary if it can be, and tries it both ways."""
    if not team.well():
        return False
    if team.primary != member:
        # Refused, or undone, if its link goes just now.
        team.run("team", "switchover", team.name, "--to", member, check=False)
        if team.primary != member:
            return False
    lab.peer.run(["ip", "neighbour", "flush", "dev", "eth0"])
    return all(where.run(["ping", "-c", "2", "-i", "1", "-W", "2", to], check=False).rc == 0
               for where, to in ((lab.guest, PEER), (lab.peer, team.IPV4)))


def test_mtu_9000(lab, team):
    try:
        set_mtu_outside(lab, 9000)
        lab.guest.run(["ip", "link", "set", team.name, "mtu", "9000"])
        assert {device: link(lab.guest, device)["mtu"] for device in (team.name, *lab.vfs)} == {
            team.name: 9000, **dict.fromkeys(lab.vfs, 9000)}
        settle(lab, team)
        for number in range(2):
            if number:  # a new MTU resets a VF; bonding sees its link a moment after the daemon
                wait_until(lambda: team.run("team", "switchover", team.name, "--to", team.other(),
                                            check=False).rc == 0, SLOW, "a link that can take over")
            # 20 bytes of IP and 8 of ICMP make it 9000; it may not be fragmented.
            ping(lab.guest, PEER, 3, "-s", "8972", "-M", "do")
            ping(lab.peer, team.IPV4, 3, "-s", "8972", "-M", "do")
    finally:
        lab.guest.run(["ip", "link", "set", team.name, "mtu", "1500"])
        set_mtu_outside(lab, 1500)
        settle(lab, team)
    assert {link(lab.guest, vf)["mtu"] for vf in lab.vfs} == {1500}
    ping(lab.peer, team.IPV4)


# --- giving back ---

@pytest.mark.legacy
def test_remove_gives_devices_back_as_they_were(lab, build):
    keep = ("address", "mtu", "flags", "promiscuity", "allmulti", "qdisc", "txqlen", "group",
            "inet6_addr_gen_mode")

    def state():
        links = {vf: link(lab.guest, vf) for vf in lab.vfs}
        filters = lab.guest.sh("bpftool -j net show; for d in ens4 ens5; do tc qdisc show dev $d;"
                               " tc filter show dev $d ingress; bridge -j fdb show dev $d;"
                               " cat /proc/sys/net/ipv6/conf/$d/disable_ipv6"
                               " /proc/sys/net/ipv6/conf/$d/accept_ra; done").out
        return ({vf: {key: of.get(key) for key in keep} | {"master": of.get("master")}
                 for vf, of in links.items()}, filters)

    # One up with an MTU of its own and a filter of somebody else's, one down.
    lab.guest.sh("""ip link set ens4 mtu 1450 up
        tc qdisc add dev ens4 clsact
        tc filter add dev ens4 ingress protocol ip prio 7 u32 match u32 0 0 action ok""")
    try:
        wait_until(lambda: lab.carrier("ens4", lab.guest), SLOW, "carrier of ens4")
        before = state()
        with running(lab, build) as team:
            ping(lab.peer, team.IPV4)
            team.switchover(team.other())
            ping(lab.peer, team.IPV4)
            team.remove()
            assert team.name not in lab.guest.run(["ip", "-br", "link"]).out
            wait_until(lambda: lab.carrier("ens4", lab.guest), SLOW, "carrier of ens4")
            assert state() == before
    finally:
        lab.guest.sh("tc qdisc delete dev ens4 clsact; ip link set ens4 down mtu 1500")
