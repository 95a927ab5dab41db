# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab is what it says it is; the other tests here rest on that."""
import pytest

from lab import LabError


def test_guest_has_vfs(lab):
    for index, vf in enumerate(lab.vfs):
        driver = lab.guest.run(["ethtool", "-i", vf]).out
        assert "driver: igbvf" in driver
        link = lab.guest.run(["ip", "-j", "link", "show", vf]).json()[0]
        assert link["address"] == lab.vf_mac(index)
    for index, pf in enumerate(lab.pfs):
        assert "driver: igb\n" in lab.host.run(["ethtool", "-i", pf.name]).out
        vf = lab.host.run(["ip", "-j", "link", "show", pf.name]).json()[0]["vfinfo_list"][0]
        assert (vf["address"], vf["spoofchk"], vf["trust"]) == (lab.vf_mac(index), True, False)


@pytest.mark.parametrize("index", [0, 1])
def test_ping_over_each_vf(lab, index):
    vf = lab.vfs[index]
    lab.guest.sh(f"""
        ip address add 192.0.2.10/24 dev {vf}
        ip link set {vf} up
        ip address add 2001:db8::10/64 dev {vf} nodad
    """)
    lab.wait_until(lambda: lab.carrier(vf, lab.guest), 10, f"carrier of {vf}")
    for peer in (lab.outside.PEER_IPV4, lab.outside.PEER_IPV6):
        lab.guest.run(["ping", "-c", "1", "-W", "5", peer])
    # From outside too: what the VF's receive filter lets in is half of the matter.
    for guest in ("192.0.2.10", "2001:db8::10"):
        lab.peer.run(["ping", "-c", "1", "-W", "5", guest])


def test_pulled_cable_takes_the_carrier_of_the_pf_only(lab):
    pf, vf = lab.pfs[0].name, lab.vfs[0]
    lab.guest.run(["ip", "link", "set", vf, "up"])
    lab.wait_until(lambda: lab.carrier(vf, lab.guest), 10, f"carrier of {vf}")
    lab.cable(0, up=False)
    lab.wait_until(lambda: not lab.carrier(pf), 10, f"{pf} without carrier")
    # The VF's driver polls its link every two seconds; give it a full round to notice.
    with pytest.raises(LabError):
        lab.wait_until(lambda: not lab.carrier(vf, lab.guest), 5, "VF without carrier")
    lab.cable(0, up=True)
    lab.wait_until(lambda: lab.carrier(pf), 10, f"carrier of {pf}")
