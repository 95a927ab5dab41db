# SPDX-License-Identifier: GPL-2.0-or-later
"""What the command asks the daemon, and JSON out of it."""
import pytest

import fake
import fake_host

NOTHING = fake.reply(actions=[])

MEMBER = {"device": "ens4", "settings": {}}

CALLS = {
    "team show": ("Show", {}),
    "team": ("Show", {}),
    "team show team0": ("Show", {"name": "team0"}),
    "member show team0": ("Show", {"name": "team0"}),
    "team add team0 --member ens4": (
        "AddTeam", {"team": {"name": "team0", "members": [MEMBER], "settings": {}}}),
    "team add team0 --member ens5,weight=200,Role=standby stable-time-ms=5 --member ens4 "
    "MacPolicy=member": (
        "AddTeam", {"team": {"name": "team0",
                             "members": [{"device": "ens5",
                                          "settings": {"Weight": "200", "Role": "standby"}},
                                         MEMBER],
                             "settings": {"StableTimeMs": "5", "MacPolicy": "member"}}}),
    "team adopt bond0": ("AddTeam", {"team": {
        "name": "bond0", "members": [], "settings": {"Adopt": "yes"}}}),
    "team adopt bond0 stable-time-ms=5": ("AddTeam", {"team": {
        "name": "bond0", "members": [], "settings": {"StableTimeMs": "5", "Adopt": "yes"}}}),
    "--json team remove team0": ("RemoveTeam", {"name": "team0"}),
    "team set team0 return-idle-ms=1 return-bound-ms=2 announce-count=3 announce-interval-ms=4 "
    "distribution=transport-ports mac-policy=member": (
        "SetTeam", {"name": "team0", "settings": {
            "ReturnIdleMs": "1", "ReturnBoundMs": "2", "AnnounceCount": "3",
            "AnnounceIntervalMs": "4", "Distribution": "transport-ports",
            "MacPolicy": "member"}}),
    "team switchover team0 --to ens5": ("Switchover", {"name": "team0", "member": "ens5"}),
    "team switchover --to=ens5 team0": ("Switchover", {"name": "team0", "member": "ens5"}),
    "member add team0 pci-0000:00:04.0": (
        "AddMember", {"name": "team0", "member": "pci-0000:00:04.0", "settings": {}}),
    "member add team0 ens6 role=standby weight=7": (
        "AddMember", {"name": "team0", "member": "ens6",
                      "settings": {"Role": "standby", "Weight": "7"}}),
    "member set team0 ens6 weight=1000": (
        "SetMember", {"name": "team0", "member": "ens6", "settings": {"Weight": "1000"}}),
    "member restore team0 ens6": ("RestoreMember", {"name": "team0", "member": "ens6"}),
    "member remove team0 ens5": ("RemoveMember", {"name": "team0", "member": "ens5"}),
    "switch": ("ShowSwitches", {}),
    "switch show TeamDemoA": ("ShowSwitches", {"name": "TeamDemoA"}),
    "switch add TeamDemoA --nic ens1f0": (
        "AddSwitch", {"switch": {"name": "TeamDemoA", "nic": "ens1f0", "settings": {}}}),
    "switch add --iov on TeamDemoA --nic=pci-0000:01:00.0 vf-count=4 adopt=yes --confirm 60": (
        "AddSwitch", {"switch": {"name": "TeamDemoA", "nic": "pci-0000:01:00.0", "settings": {
            "Iov": "on", "VfCount": "4", "Adopt": "yes"}}, "confirm": 60}),
    "switch set TeamDemoA iov=off": (
        "SetSwitch", {"name": "TeamDemoA", "settings": {"Iov": "off"}}),
    "switch remove TeamDemoA": ("RemoveSwitch", {"name": "TeamDemoA"}),
    "switch add lan --nic eno1 --take-addresses": (
        "AddSwitch", {"switch": {"name": "lan", "nic": "eno1", "settings": {}},
                      "take_addresses": True}),
    "switch remove lan --give-addresses eno1": (
        "RemoveSwitch", {"name": "lan", "give_addresses": "eno1"}),
    "adapter": ("ShowAdapters", {}),
    "adapter show web1": ("ShowAdapters", {"vm": "web1"}),
    "adapter show web1 nicA": ("ShowAdapters", {"vm": "web1", "adapter": "nicA"}),
    "adapter add web1 nicA --switch TeamDemoA --iov-weight 100": (
        "AddAdapter", {"vm": "web1", "adapter": {"name": "nicA", "switch": "TeamDemoA",
                                                 "settings": {"IovWeight": "100"}}}),
    "adapter add test nicA --switch=A --namespace test --mac 52:54:00:00:00:01 --vlan 7 "
    "allow-teaming=on MacSpoofing=on": (
        "AddAdapter", {"vm": "test", "vm_settings": {"Namespace": "test"},
                       "adapter": {"name": "nicA", "switch": "A", "settings": {
                           "Mac": "52:54:00:00:00:01", "Vlan": "7", "AllowTeaming": "on",
                           "MacSpoofing": "on"}}}),
    "adapter add web2 nicA --switch A --qmp /run/web2.qmp port=vnet3 --confirm 5": (
        "AddAdapter", {"vm": "web2", "vm_settings": {"Qmp": "/run/web2.qmp"}, "confirm": 5,
                       "adapter": {"name": "nicA", "switch": "A",
                                   "settings": {"Port": "vnet3"}}}),
    "adapter add web3 nicA --switch A --libvirt web3": (
        "AddAdapter", {"vm": "web3", "vm_settings": {"Libvirt": "web3"},
                       "adapter": {"name": "nicA", "switch": "A", "settings": {}}}),
    "adapter set web1 allow-teaming=on": (
        "SetAdapter", {"vm": "web1", "settings": {"AllowTeaming": "on"}}),
    "adapter set web1 nicA vlan=7 iov-weight=50": (
        "SetAdapter", {"vm": "web1", "adapter": "nicA",
                       "settings": {"Vlan": "7", "IovWeight": "50"}}),
    "adapter remove web1 nicA": ("RemoveAdapter", {"vm": "web1", "adapter": "nicA"}),
    "vf": ("ShowVfs", {}),
    "vf show TeamDemoA": ("ShowVfs", {"switch": "TeamDemoA"}),
    "vf reallot TeamDemoA": ("ReallotVfs", {"switch": "TeamDemoA"}),
    "vf reallot --plan TeamDemoA": ("ReallotVfs", {"switch": "TeamDemoA", "dry": True}),
    "plan": ("Plan", {}),
    "confirm": ("Confirm", {}),
    "cancel": ("Cancel", {}),
    "reload --confirm 60": ("Reload", {"confirm": 60}),
    "team add team0 --member ens4 --take-addresses --confirm=3600": (
        "AddTeam", {"team": {"name": "team0", "members": [MEMBER], "settings": {}},
                    "take_addresses": True, "confirm": 3600}),
    "team remove team0 --give-addresses ens4": (
        "RemoveTeam", {"name": "team0", "give_addresses": "ens4"}),
    "member remove team0 ens4 --give-addresses ens4 --confirm 1": (
        "RemoveMember", {"name": "team0", "member": "ens4", "give_addresses": "ens4",
                         "confirm": 1}),
    "team switchover team0 --to ens5 --confirm 5": (
        "Switchover", {"name": "team0", "member": "ens5", "confirm": 5}),
    "reload": ("Reload", {}),
}


@pytest.mark.parametrize("words", CALLS)
def test_call(words, daemon, iovteam):
    server = daemon(NOTHING)
    done = iovteam(*words.split())
    method, parameters = CALLS[words]
    assert (done.returncode, done.stderr) == (0, "")
    assert server.calls == [{"method": f"org.iovteam.{method}", "parameters": parameters}]


@pytest.mark.parametrize("state", ["standby", "failed"])
def test_drain_waits_until_nothing_flows(state, daemon, iovteam):
    views = iter(["active", "active", state])

    def answer(method, _):
        if method == "org.iovteam.DrainMember":
            return NOTHING
        member = fake.member("ens4", 4, state=next(views))
        return fake.reply(teams=[fake.healthy() | {"members": [member]}])

    server = daemon(answer)
    done = iovteam("member", "drain", "team0", "ens4")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("ens4 carries nothing now.\n")
    assert [call["method"].split(".")[-1] for call in server.calls] == [
        "DrainMember", "Show", "Show", "Show"]


FLOWS = {
    "tcp 10.0.0.1:4711 10.0.0.2:443": ("tcp", "10.0.0.1", "10.0.0.2", 4711, 443),
    "udp [2001:db8::1]:53 [2001:DB8:0::2]:53": ("udp", "2001:db8::1", "2001:db8::2", 53, 53),
    "sctp 10.0.0.1:1 10.0.0.2:65535": ("sctp", "10.0.0.1", "10.0.0.2", 1, 65535),
    "10.0.0.1 10.0.0.2": ("ip", "10.0.0.1", "10.0.0.2"),
    "2001:db8::1 [2001:db8::2]": ("ip", "2001:db8::1", "2001:db8::2"),
    "52:54:00:AA:00:01 ff:ff:ff:ff:ff:ff": ("ethernet", "52:54:00:aa:00:01", "ff:ff:ff:ff:ff:ff"),
}


@pytest.mark.parametrize("text", FLOWS)
@pytest.mark.parametrize("one_word", [True, False])
def test_flow(text, one_word, daemon, iovteam):
    server = daemon(fake.reply(member="ens4"))
    done = iovteam("explain", "team0", *([text] if one_word else text.split()))
    assert (done.returncode, done.stderr) == (0, "")
    names = ("protocol", "source", "destination", "source_port", "destination_port")
    flow = dict(zip(names, FLOWS[text]))
    assert server.calls[0]["parameters"] == {"name": "team0", "flow": flow}


def test_json_is_the_answer_itself(daemon, iovteam):
    teams = [fake.degraded(), fake.waiting()]
    daemon(fake.reply(teams=teams))
    assert iovteam.json("team", "show") == (0, {"teams": teams})
    code, document = iovteam.json("member")
    assert code == 0
    assert [(m["team"], m["device"]) for m in document["members"]][:2] == [
        ("team0", "ens4"), ("team0", "ens5")]
    assert document["members"][0]["drops"] == teams[0]["members"][0]["drops"]


@pytest.mark.parametrize("noun, method, key, rows", [
    ("switch", "ShowSwitches", "switches", fake_host.troubled()),
    ("adapter", "ShowAdapters", "vms", fake_host.vms()), ("vf", "ShowVfs", "vfs", fake_host.vfs())])
def test_json_of_a_host_is_the_answer_itself(noun, method, key, rows, daemon, iovteam):
    server = daemon(fake.reply(**{key: rows}))
    assert iovteam.json(noun, "show") == (0, {key: rows})
    assert server.calls[0]["method"] == f"org.iovteam.{method}"


def test_json_of_a_change(daemon, iovteam):
    actions = [{"team": "team0", "what": "create", "device": "", "text": "make it"}]
    daemon(fake.reply(actions=actions))
    for words in (["plan"], ["reload"], ["team", "remove", "team0"]):
        assert iovteam.json(*words) == (0, {"actions": actions})
