# SPDX-License-Identifier: GPL-2.0-or-later
"""A command removes at its end: one that is refused leaves guests what they have made of their cards."""
from host_world import host  # noqa: F401
from test_host_native import make, unmake

ADDRESS = "192.0.2.11"


def make_guest(world):
    """web1, whose card has an address and a route; and web2, in whose namespace the name is taken."""
    guest = make(world, teaming=False)
    world.at(guest, "sh", "-ec", f"ip address add {ADDRESS}/24 dev nicA;"
                                 " ip route add default via 192.0.2.1")
    other = world.make_guest("web2")
    world.at(other, "ip", "link", "add", "nicA", "type", "veth", "peer", "name", "other")
    return guest, other


def card(world, guest, name="nicA"):
    return (world.link(name, guest)["ifindex"], "UP" in world.link(name, guest)["flags"],
            world.at(guest, "ip", "-o", "-4", "address", "show", "dev", name).stdout,
            world.at(guest, "ip", "route").stdout)


def write(world, vm, guest, switch="swA"):
    (world.config / f"{vm}.vm.conf").write_text(
        f"[VM]\nName={vm}\nNamespace={guest}\n[Adapter]\nName=nicA\nSwitch={switch}\n"
        "Mac=02:00:00:00:00:02\nSerial=9\n")


def rename(world, old, new):
    file = world.config / f"{old}.vm.conf"
    (world.config / f"{new}.vm.conf").write_text(
        file.read_text().replace(f"Name={old}", f"Name={new}"))
    file.unlink()


def test_reload_with_a_vm_that_goes(host):  # noqa: F811
    with host.daemon():
        guest, other = make_guest(host)
        before = card(host, guest)
        assert ADDRESS in before[2] and "default" in before[3] and before[1]
        text = (host.config / "web1.vm.conf").read_text()
        (host.config / "web1.vm.conf").unlink()
        write(host, "web2", other)
        planned = [action["text"] for action in host.ask("plan")["actions"]]
        assert planned == ["remove the port web1.nicA", "remove the port web1.nicB",
                           "make the port web2.nicA for web2/nicA"]
        assert "nicA in the namespace" in host.refuse("reload")
        assert card(host, guest) == before and not host.link("web2.nicA")
        # Once it can be done it is, and web1 goes.
        host.at(other, "ip", "link", "del", "nicA")
        done = [action["text"] for action in host.ask("reload")["actions"]]
        assert sorted(done[-2:]) == planned[:2], done
        assert host.as_wanted() and not host.link("web1.nicA") and host.link("web2.nicA")
        (host.config / "web1.vm.conf").write_text(text)
        (host.config / "web2.vm.conf").unlink()
        host.do("reload")
        unmake(host)


def test_command_beside_a_renamed_vm(host):  # noqa: F811
    """Its new ports need the names of the old ones: both wait for what the command is about."""
    with host.daemon():
        guest, other = make_guest(host)
        before = card(host, guest)
        rename(host, "web1", "web9")
        assert "nicA in the namespace" in host.refuse(
            "adapter", "add", "web2", "nicA", "--switch", "swA", "--namespace", other)
        assert card(host, guest) == before and host.link("web1.nicA")
        host.do("reload")
        assert host.as_wanted() and not host.link("web1.nicA")
        assert host.link("web9.nicA")["master"] == "swA" and host.link("nicA", guest)
        rename(host, "web9", "web1")
        host.do("reload")
        unmake(host)


def test_port_that_is_made_anew(host):  # noqa: F811
    """Another one by the same name can only follow it; what else there is to do comes first."""
    with host.daemon():
        guest, other = make_guest(host)
        before = card(host, guest)
        text = (host.config / "web1.vm.conf").read_text()
        mac = host.adapter("web1", "nicA")["mac"]
        (host.config / "web1.vm.conf").write_text(text.replace(mac, "02:00:00:00:00:07"))
        write(host, "web2", other)
        assert "nicA in the namespace" in host.refuse("reload")
        assert card(host, guest) == before
        host.at(other, "ip", "link", "del", "nicA")
        host.do("reload")
        assert host.link("nicA", guest)["address"] == "02:00:00:00:00:07" and host.as_wanted()
        host.do("adapter", "remove", "web2", "nicA")
        unmake(host)


def test_namespaces_change_hands(host):  # noqa: F811
    """Each port leaves the namespace that the other one's is made in."""
    with host.daemon():
        guest, other = make(host, teaming=False), host.make_guest("web2")
        host.do("adapter", "add", "web2", "nicA", "--switch", "swA", "--namespace", other)
        for vm, old, new in (("web1", guest, other), ("web2", other, guest)):
            file = host.config / f"{vm}.vm.conf"
            file.write_text(file.read_text().replace(f"Namespace={old}", f"Namespace={new}"))
        host.do("reload")
        assert host.as_wanted()
        for vm, inside in (("web1", other), ("web2", guest)):
            assert host.link("nicA", inside)["address"] == host.adapter(vm, "nicA")["mac"]
        host.do("adapter", "remove", "web2", "nicA")
        unmake(host)
