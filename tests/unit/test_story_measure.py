# SPDX-License-Identifier: GPL-2.0-or-later
"""What demo and `make lab` make of an uplink that is lost on the host: when the guest was told,
what both sides said, claims."""

import copy
import io
import os
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

from lab import demo_measure as measure  # noqa: E402
from lab import demo_show as show  # noqa: E402
from lab import story_frames, story_measure  # noqa: E402
from lab.demo_guest import Clock  # noqa: E402

MS = 1_000_000


def act(*events, lost="nicA"):
    return measure.Act("told", {}, 0, 9000 * MS, uplink={"lost": lost, "allow_teaming": True},
                       events=[{"t": t * MS, **what} for t, what in events])


def link(name, carrier=False, **more):
    return {"link": name, "up": True, "carrier": carrier, **more}


DOWN = 2000, {"done": "down up0", "took_ns": 1, "outside": True}
HOST = 2001, link("nic0", outside=True)


@pytest.mark.parametrize("events,told,host_ms,guest_ms", [
    ([DOWN, HOST, (2011, link("nicA"))], True, 1.0, 11.0),
    ([DOWN, HOST], False, 1.0, None),  # the host knows, the guest does not
    ([DOWN, HOST, (2011, link("nicB"))], False, 1.0, None),  # another member's
    ([DOWN, HOST, (2011, link("nicA", carrier=True))], False, 1.0, None),
    ([(2000, {"done": "down ens1f0"}), (2800, link("nicA"))], True, None, 800.0),  # one clock
])
def test_when_the_guest_was_told(events, told, host_ms, guest_ms):
    assert measure.told(act(*events), 1_700_000) == {
        "guest_told": told, "uplink_down_to_host_ms": host_ms,
        "uplink_down_to_guest_carrier_ms": guest_ms, "clock_uncertainty_ms": 1.7}


def test_marks_of_two_clocks_say_where():
    events = act(DOWN, HOST, (2011, link("nicA"))).events
    texts = [mark.text for mark in map(measure.event_mark, events)]
    assert texts == ["outside: ip link set up0 down", "host: nic0: carrier lost",
                     "nicA: carrier lost"]


PULLED = 2000, {"cable": "nicA", "up": False, "outside": True}


def test_a_pulled_cable():
    played = act((1900, {"link": "nicB", "up": False, "carrier": True}), PULLED)
    played.lost_member, played.figures = "nicA", "silence"
    played.failovers = [{"member": "nicA", "cause": "path-unresponsive", "buckets_moved": 512,
                         "seen_us": 2_170_000, "decided_us": 2_180_000, "applied_us": 2_181_000}]
    quiet = {"delay_min_ns": 0, "silences": [], "outage_first_ns": 0, "outage_last_ns": 0}
    played.guest = {"received": {**quiet, "outage_first_ns": 2010 * MS,
                                 "outage_last_ns": 2240 * MS}}
    played.peer = {"received": quiet}
    assert measure.silence(played) == {
        "pulled_to_decided_ms": 180.0, "pulled_to_applied_ms": 181.0,
        "pulled_to_traffic_out_ms": None, "pulled_to_traffic_in_ms": 240.0}
    assert not measure.told(played, 0)["guest_told"]
    assert measure.event_mark(played.events[1]).text == "outside: the cable behind nicA is pulled"


TAKEN = 2000, {"vf": "nicA", "up": False, "command": "iovteam adapter set …", "outside": True}


def test_a_vf_that_is_taken():
    played = act(TAKEN, (2900, link("nicA")), (3100, link("nicA", gone=True, up=False)))
    played.lost_member, played.figures = "nicA", "removal"
    played.failovers = [{"member": "nicA", "cause": "administrative-decision",
                         "buckets_moved": 512, "seen_us": 2_890_000, "decided_us": 2_891_000,
                         "applied_us": 2_899_000}]
    quiet = {"delay_min_ns": 0, "silences": [], "outage_first_ns": 0, "outage_last_ns": 0}
    played.guest = {"received": {**quiet, "outage_first_ns": 2700 * MS,
                                 "outage_last_ns": 2910 * MS}}
    played.peer = {"received": quiet}
    assert measure.removal(played) == {
        "command_to_netlink_ms": 900.0, "command_to_seen_ms": 890.0,
        "command_to_decided_ms": 891.0, "command_to_applied_ms": 899.0,
        "command_to_traffic_out_ms": None, "command_to_traffic_in_ms": 910.0,
        "command_to_gone_ms": 1100.0, "interrupted_out_ms": 0.0, "interrupted_in_ms": 210.0}
    assert [measure.event_mark(event).text for event in played.events] == [
        "host: iovteam adapter set …", "nicA: carrier lost", "nicA: removed"]


def test_a_device_takes_its_counters_with_it():
    played = measure.Act("vf-unplugged", {"nicA": [5, 5], "nicB": [0, 0]}, 0,
                         packets_after={"nicB": [30, 20]})
    gone, stayed = measure.members(played, ["nicA", "nicB"])
    assert (gone["tx_packets"], gone["rx_packets"]) == (None, None)
    assert (stayed["tx_packets"], stayed["rx_packets"]) == (20, 30)
    directions = [{"sent": 20, "received": 20}, {"sent": 30, "received": 30}]
    assert measure.counters_agree({"directions": directions, "members": [gone, stayed],
                                   "probes": 0}) is None
    # A new one of its name has counted from 0 on.
    played.packets_before, played.packets_after = {"nicB": [0, 0]}, {"nicA": [4, 3],
                                                                     "nicB": [26, 17]}
    assert [(m["tx_packets"], m["rx_packets"])
            for m in measure.members(played, ["nicA", "nicB"])] == [(3, 4), (17, 26)]
    acts = {"vf-unplugged": {"counters_agree": None}, "vf-replugged": {"counters_agree": True}}
    text, held = measure.counters_claim(acts)
    assert held and "but vf-unplugged" in text
    acts["vf-replugged"]["counters_agree"] = False
    assert not measure.counters_claim(acts)[1]


def test_the_chart_of_a_device_that_goes_and_comes():
    samples = [(0, {"nicA": [100, 10]}), (1, {"nicA": [150, 20]}), (2, {}), (3, {"nicA": [7, 0]}),
               (4, {"nicA": [9, 1]})]
    assert [counts["nicA"] for _, counts in show.continued(samples, ["nicA"])] == [
        [0, 0], [50, 10], [50, 10], [57, 10], [59, 11]]


def home_again(name):
    return {**story()["link-back"], "name": name}


def unplug_story():
    gone = lost(True, ("failed", "not-present"), "ok", name="vf-unplugged", lost_member="nicA",
                removal={"command_to_decided_ms": 891.0, "command_to_gone_ms": 1100.0,
                         "command_to_traffic_out_ms": 700.0, "command_to_traffic_in_ms": 910.0})
    for way in gone["directions"]:
        way["duplicated"] = 0
    del gone["uplink"]  # it is well
    return {"vf-unplugged": gone, "vf-replugged": home_again("vf-replugged")}


@pytest.mark.parametrize("spoil,claims", [
    (lambda acts: None, 0),
    (lambda acts: acts["vf-unplugged"]["views"]["guest"][0].update(reason="none"), 1),
    (lambda acts: acts["vf-unplugged"]["removal"].update(command_to_decided_ms=None), 1),
    (lambda acts: acts["vf-unplugged"]["removal"].update(command_to_gone_ms=None), 1),
    (lambda acts: acts["vf-unplugged"]["removal"].update(command_to_traffic_in_ms=None), 1),
    (lambda acts: acts["vf-unplugged"].update(flows_disturbed=1), 1),
    (lambda acts: acts["vf-unplugged"]["directions"][0].update(duplicated=1), 1),
    (lambda acts: acts["vf-replugged"].update(flows_away=3), 1),
    (lambda acts: acts["vf-replugged"]["directions"][0].update(lost=1), 1),
])
def test_claims_of_a_vf_that_is_taken(spoil, claims):
    acts = unplug_story()
    spoil(acts)
    assert sum(not held for _, held in measure.unplug_claims(acts)) == claims


def mixed_story():
    gone = lost(True, ("failed", "media-disconnected"), "disconnected", lost_member="nicA",
                flows=256, flows_away=256,
                members=[{"name": "nicA", "path": "hardware", "state": "active"},
                         {"name": "virtio0", "path": "synthetic", "state": "standby"}],
                timing={"vf_carrier_to_traffic_out_ms": 4.0, "vf_carrier_to_traffic_in_ms": 64.0})
    for way in gone["directions"]:
        way["duplicated"] = 0
    return {"mixed-team": gone, "mixed-team-back": home_again("mixed-team-back")}


@pytest.mark.parametrize("spoil,claims", [
    (lambda acts: None, 0),
    (lambda acts: acts["mixed-team"]["members"][1].update(state="active"), 1),
    (lambda acts: acts["mixed-team"]["members"][0].update(path="unknown"), 1),
    (lambda acts: acts["mixed-team"].update(flows_away=255), 1),
    (lambda acts: acts["mixed-team"]["timing"].update(vf_carrier_to_traffic_in_ms=None), 1),
    (lambda acts: acts["mixed-team"]["directions"][1].update(duplicated=1), 1),
    (lambda acts: acts["mixed-team-back"].update(flows_away=1), 1),
])
def test_claims_of_a_mixed_team(spoil, claims):
    acts = mixed_story()
    spoil(acts)
    assert sum(not held for _, held in measure.mixed_claims(acts)) == claims


def silent_story():
    pulled = lost(False, ("failed", "path-unresponsive"), "uplink-lost", name="cable-pulled",
                  lost_member="nicA",
                  silence={"pulled_to_decided_ms": 180.0, "pulled_to_traffic_out_ms": 210.0,
                           "pulled_to_traffic_in_ms": 240.0})
    for way in pulled["directions"]:
        way["duplicated"] = 0
    return {"cable-pulled": pulled, "cable-back": home_again("cable-back")}


@pytest.mark.parametrize("spoil,claims", [
    (lambda acts: None, 0),
    (lambda acts: acts["cable-pulled"]["uplink"].update(guest_told=True), 1),
    (lambda acts: acts["cable-pulled"]["views"]["guest"][0].update(reason="none"), 1),
    (lambda acts: acts["cable-pulled"]["silence"].update(pulled_to_traffic_in_ms=None), 1),
    (lambda acts: acts["cable-pulled"].update(flows_disturbed=1), 1),
    (lambda acts: acts["cable-back"].update(flows_away=3), 1),
])
def test_claims_of_a_pulled_cable(spoil, claims):
    acts = silent_story()
    spoil(acts)
    assert sum(not held for _, held in measure.silent_claims(acts)) == claims


class FarClock:
    """A probe a second ahead, that takes now and then longer to answer."""

    def __init__(self):
        self.asked = 0

    def clock_ns(self):
        self.asked += 1
        if self.asked % 3:
            time.sleep(0.005)
        return time.monotonic_ns() + 1000 * MS


def test_the_fastest_round_tells_the_clock():
    clock = Clock.of(FarClock())
    assert abs(clock.ahead_ns - 1000 * MS) <= clock.uncertainty_ns < 5 * MS


def lost(teaming, guest, host, **more):
    state, reason = guest
    return {"directions": [{"lost": 100}, {"lost": 20}], "flows_disturbed": 0,
            "uplink": {"lost": "nicA", "allow_teaming": teaming, "guest_told": teaming,
                       "uplink_down_to_guest_carrier_ms": 11.0 if teaming else None,
                       "clock_uncertainty_ms": 1.7},
            "views": {"guest": [{"name": "nicA", "state": state, "reason": reason},
                                {"name": "nicB", "state": "active", "reason": "none"}],
                      "host": [{"name": "nicA", "status": "ok", "path": host,
                                "allow_teaming": teaming},
                               {"name": "nicB", "status": "ok", "path": "ok",
                                "allow_teaming": teaming}],
                      "uplinks": {"TeamDemoA": "down", "TeamDemoB": "up"},
                      "findings": [{"severity": "warning", "check": "teaming-off",
                                    "subject": "web1", "what": "not told"}]},
            **more}


def story():
    well = {"flows": 256, "flows_away": 0, "counters_agree": True,
            "directions": [{"sent": 5000, "lost": 0, "refused": 0, "duplicated": 0,
                            "reordered": 0}] * 2,
            "members": [{"tx_packets": 2500}, {"tx_packets": 2500}]}
    flowing = {"vf_carrier_to_traffic_out_ms": 4.0, "vf_carrier_to_traffic_in_ms": 64.0}
    return {"healthy": copy.deepcopy(well),
            "not-told": lost(False, ("active", "none"), "uplink-lost", counters_agree=True),
            "told": lost(True, ("failed", "media-disconnected"), "disconnected",
                         counters_agree=True, timing=flowing),
            "link-back": {"name": "link-back", **copy.deepcopy(well)}}


def failed(results):
    return [text for text, held in story_measure.claims_b(results) if not held]


def test_the_claims_hold():
    assert failed(story()) == []


@pytest.mark.parametrize("spoil,told", [
    (lambda r: r["healthy"]["directions"][0].update(lost=1), "healthy:"),
    (lambda r: r["not-told"]["uplink"].update(guest_told=True), "allow-teaming off: the guest is"),
    (lambda r: r["not-told"]["views"]["host"][0].update(path="ok"), "allow-teaming off: the guest"),
    (lambda r: r["not-told"]["views"]["findings"].clear(), "allow-teaming off: the host's doctor"),
    (lambda r: r["told"]["views"]["guest"][0].update(reason="none"), "allow-teaming on: the g"),
    (lambda r: r["told"]["views"]["host"][0].update(status="degraded"), "allow-teaming on: the g"),
    (lambda r: r["told"]["timing"].update(vf_carrier_to_traffic_in_ms=None), "allow-teaming on:"),
    (lambda r: r["told"].update(flows_disturbed=1), "allow-teaming on: no flow"),
    (lambda r: r["link-back"].update(flows_away=1), "link-back:"),
])
def test_a_claim_that_does_not_hold_is_told(spoil, told):
    results = story()
    spoil(results)
    assert len(failed(results)) == 1 and failed(results)[0].startswith(told)


@pytest.mark.parametrize("setting,value", [("trust", False), ("spoofchk", False),
                                           ("mac_is_the_adapters", False)])
def test_settings_that_were_not_taken(setting, value):
    vf = {"mac_is_the_adapters": True, "spoofchk": True, "trust": True, "allow_teaming": True}
    assert [held for _, held in story_measure.vf_claims([vf])] == [True]
    assert [held for _, held in story_measure.vf_claims([{**vf, setting: value}])] == [False]
    assert [held for _, held in story_measure.vf_claims([])] == [False]


def test_frames_as_allow_teaming_and_mac_spoofing_say():
    """H5: the table that the lab goes through."""
    for whose, teaming, spoofing, passes in story_frames.ROWS:
        assert passes == (whose == "own" or spoofing == "on"
                          or (whose, teaming) == ("mate", "on"))
        counted = story_frames.expected(whose, teaming, passes)
        assert counted["passed"] + counted["refused"] == story_frames.COUNT
    row = {"as_wanted": True, "seen_outside": 20, "passed": 20}
    assert [held for _, held in story_measure.frame_claims([row])] == [True]
    assert [held for _, held in story_measure.frame_claims([{**row, "seen_outside": 0}])] == [False]


def test_both_views_fit_a_terminal():
    out = io.StringIO()
    views = story()["told"]["views"]
    show.both_views(show.Screen(out), "guest: iovteam member show", views["guest"],
                    "host: iovteam adapter show web1", views["host"])
    lines = out.getvalue().rstrip("\n").split("\n")
    assert max(map(len, lines)) <= 80
    assert {line.index("│") for line in lines} == {lines[0].index("│")}
    assert "failed  media-disconnected" in lines[2] and "disconnected  on" in lines[2]
    assert "active  -" in lines[3]


def test_a_member_that_no_adapter_is_of():
    out = io.StringIO()
    views = story()["told"]["views"]
    show.both_views(show.Screen(out), "guest", views["guest"], "host", views["host"][:1])
    assert out.getvalue().rstrip("\n").split("\n")[-1].endswith("│")


def test_long_claims_are_wrapped():
    out = io.StringIO()
    show.verdict(show.Screen(out), [{"claim": "word " * 30, "held": True},
                                    {"claim": "short", "held": False}])
    lines = out.getvalue().strip("\n").split("\n")
    assert max(map(len, lines)) <= 80 and lines[-1] == "  ✗ short" and len(lines) == 3
