# SPDX-License-Identifier: GPL-2.0-or-later
"""What the demo makes of the recorders' reports: flows followed, interruptions, claims, the chart."""

import copy
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

from lab import demo_measure as measure  # noqa: E402
from lab import demo_show as show  # noqa: E402

FOUR, FIVE = "52:54:00:11:00:00", "52:54:00:12:00:00"
MACS = {"ens4": FOUR, "ens5": FIVE}
MS = 1_000_000


def watch(first, last, changes):
    return {"macs": [FOUR, FIVE], "first": first, "last": last, "changes": changes}


@pytest.mark.parametrize("acts", [
    # (first, last, changes), the lost member -> (moved, disturbed, away), act by act
    [(([0, 1, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0]), "", (0, [], 0)),
     (([0, 1, 0, 1], [1, 1, 1, 1], [1, 0, 1, 0]), FOUR, (2, [], 2)),
     (([1, 1, 1, 1], [0, 1, 0, 1], [1, 0, 1, 0]), "", (2, [], 0)),
     (([0, 1, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0]), "", (0, [], 0))],
    # between acts is moving, too
    [(([0, 1], [0, 1], [0, 0]), "", (0, [], 0)),
     (([1, 1], [1, 1], [0, 0]), FOUR, (1, [], 1)),
     (([0, 1], [0, 1], [0, 0]), "", (1, [], 0))],
    # over a third member to where it stays
    [(([0, 1], [0, 1], [0, 0]), "", (0, [], 0)),
     (([0, 1], [1, 1], [2, 0]), FOUR, (1, [], 1))],
    # flow 1 was not on the lost member, flow 0 went there and back
    [(([0, 1], [0, 1], [0, 0]), "", (0, [], 0)),
     (([0, 1], [0, 0], [2, 1]), FOUR, (2, [0, 1], 1))],
    # nothing lost, nothing away: no flow has a reason to move
    [(([0, 1], [0, 1], [0, 0]), "", (0, [], 0)),
     (([0, 1], [1, 1], [1, 0]), "", (1, [0], 1))],
    # home is where the first act found them, though a link was lost in it
    [(([0, 0], [1, 1], [1, 1]), FOUR, (2, [], 2)),
     (([1, 1], [0, 0], [1, 1]), "", (2, [], 0))],
    # a flow that was not seen has not moved
    [(([0, 1], [0, 1], [0, 0]), "", (0, [], 0)),
     (([0, -1], [0, -1], [0, 0]), "", (0, [], 0))],
])
def test_flows_are_followed(acts):
    flows = measure.Flows()
    for seen, lost_mac, expected in acts:
        moved, disturbed = flows.follow(watch(*seen), lost_mac or "-")
        assert (moved, disturbed, flows.away()) == expected


def test_spans_that_touch_are_one():
    assert measure.merged([(300 * MS, 400 * MS), (0, 100 * MS), (120 * MS, 130 * MS)]) == \
        [(0, 130 * MS), (300 * MS, 400 * MS)]
    assert measure.merged([(0, 400 * MS), (100 * MS, 200 * MS)]) == [(0, 400 * MS)]
    assert measure.merged([]) == []


def test_spans_far_apart_have_different_causes():
    near, far = (0, 100 * MS), (200 * MS, 700 * MS)
    assert measure.chained([near, far, (1300 * MS, 1400 * MS)]) == [near, far]
    assert measure.chained([]) == []


def report(flows=256, each=200, **received):
    """One recorder's act: @each packets sent per flow, all of the other's received."""
    return {
        "sent": {"sent": flows * each, "refused": 0, "offered_pps": 2000.0},
        "received": {"unique": flows * each, "duplicated": 0, "reordered": 0, "gap_ms": 20.0,
                     "flow_gap_ms": 150.0, "socket_drops": 0, "delay_min_ns": 500_000,
                     "outage_first_ns": 0, "outage_last_ns": 0, "silences": [], **received},
        "flows_sent": [each] * flows, "flows_unique": [each] * flows,
        "watch": watch([f % 2 for f in range(flows)], [f % 2 for f in range(flows)],
                       [0] * flows),
    }


def act_of(name, **changes):
    act = measure.Act(name, {"ens4": [0, 0], "ens5": [0, 0]}, 1000 * MS, 30_000 * MS,
                      {"ens4": [51_210, 25_610], "ens5": [0, 25_600]}, report(), report())
    for key, value in changes.items():
        setattr(act, key, value)
    return act


def link_lost():
    """ens4 is lost at 3 s; its 128 flows lose 10 packets each; the peer's clock is 7 s ahead."""
    act = act_of("link-lost", lost_member="ens4")
    act.peer = report(unique=51_200 - 1280, delay_min_ns=7000 * MS + 500_000,
                      outage_first_ns=3010 * MS, outage_last_ns=3800 * MS)
    act.peer["flows_unique"] = [190, 200] * 128
    act.peer["watch"] = watch([0, 1] * 128, [1, 1] * 128, [1, 0] * 128)
    act.guest = report(delay_min_ns=-7000 * MS + 500_000, outage_first_ns=10_020 * MS,
                       outage_last_ns=10_750 * MS, silences=[[1000 * MS, 300 * MS],
                                                             [3022 * MS, 740 * MS],
                                                             [9000 * MS, 100 * MS],
                                                             [9500 * MS, 900 * MS]])
    act.events = [{"t": 3000 * MS, "done": "down ens1f0"},
                  {"t": 3700 * MS, "log": "igbvf 0000:01:10.0: Link is Down"},
                  {"t": 3704 * MS, "link": "ens4", "up": True, "carrier": False}]
    act.failovers = [{"member": "ens4", "cause": "media-disconnected", "seen_us": 3_704_000,
                      "decided_us": 3_705_000, "applied_us": 3_706_000, "buckets_moved": 512}]
    return act


def test_timing_of_a_lost_link():
    act = link_lost()
    assert measure.clock_offset(act) == 7000 * MS
    assert measure.timing(act) == {
        "pf_down_to_vf_carrier_ms": 700, "vf_carrier_to_netlink_ms": 4,
        "vf_carrier_to_seen_ms": 4, "vf_carrier_to_decided_ms": 5, "vf_carrier_to_applied_ms": 6,
        "vf_carrier_to_traffic_out_ms": 100, "vf_carrier_to_traffic_in_ms": 62,
        "pf_down_to_traffic_out_ms": 800, "pf_down_to_traffic_in_ms": 762}
    texts = [mark.text for mark in measure.marks(act, ["ens4", "ens5"])]
    assert texts == ["host: ip link set ens1f0 down", "outbound: interrupted",
                     "inbound: interrupted", "the VF's driver: igbvf 0000:01:10.0: Link is Down",
                     "ens4: carrier lost", "team: ens4 is out (media-disconnected)",
                     "team: datapath changed, 512 buckets moved", "inbound: flows again",
                     "outbound: flows again"]


def test_timing_of_what_did_not_happen():
    act = act_of("link-lost", lost_member="ens4")
    assert set(measure.timing(act).values()) == {None}


def story():
    """Four acts as they should be, measured."""
    back = act_of("link-back")
    back.peer["watch"] = watch([1, 1] * 128, [0, 1] * 128, [1, 0] * 128)
    flows = measure.Flows()
    return {act.name: measure.measure(act, ["ens4", "ens5"], MACS, flows)
            for act in (act_of("healthy"), link_lost(), back, act_of("switchover"))}


def failed(results):
    return [text for text, held in measure.claims(results, 100_000) if not held]


def test_the_claims_hold():
    results = story()
    assert failed(results) == []
    lost = results["link-lost"]
    assert (lost["flows_moved"], lost["flows_disturbed"], lost["kept_flows_lost"]) == (128, 0, 0)
    assert lost["directions"][0]["lost_ms"] == 640.0
    assert results["link-back"]["flows_moved"] == 128


@pytest.mark.parametrize("spoil,told", [
    (lambda r: r["healthy"]["directions"][1].update(lost=1), "healthy: 0 lost"),
    (lambda r: r["healthy"]["directions"][0].update(refused=1), "healthy: 0 lost"),
    (lambda r: r["switchover"]["directions"][0].update(duplicated=1), "switchover: 0 lost"),
    (lambda r: r["switchover"]["directions"][0].update(reordered=1), "switchover: 0 lost"),
    (lambda r: r["healthy"].update(flows=255), "healthy: 255 flows"),
    (lambda r: r["healthy"]["members"][1].update(tx_packets=2), "healthy: both members carry"),
    (lambda r: r["link-lost"].update(flows_disturbed=1), "link-lost: no flow moved"),
    (lambda r: (r["link-lost"]["timing"].update(vf_carrier_to_traffic_in_ms=None),
                r["link-lost"]["directions"][1].update(lost=1)),
     "link-lost: the VF's driver"),
    (lambda r: r["link-back"]["directions"][0].update(lost=1), "link-back: 0 lost"),
    (lambda r: r["link-back"].update(flows_away=1), "link-back: 0 lost"),
    (lambda r: r["link-back"].update(counters_agree=False), "the kernel's counters"),
])
def test_a_claim_that_does_not_hold_is_told(spoil, told):
    results = copy.deepcopy(story())
    spoil(results)
    assert len(failed(results)) == 1 and failed(results)[0].startswith(told)


@pytest.mark.parametrize("tx,rx,probes,agree", [
    (0, 0, 0, True), (190, 190, 0, True), (-11, 0, 0, False), (0, -11, 0, False),
    (300, 0, 0, False), (0, 300, 0, False),
    (480, 480, 100, True), (500, 0, 100, False)])  # each probe, and two questions with it
def test_counters_that_disagree(tx, rx, probes, agree):
    act = act_of("healthy", probes=probes)
    act.packets_after = {"ens4": [51_210 + rx, 25_610 + tx], "ens5": [0, 25_600]}
    result = measure.measure(act, ["ens4", "ens5"], MACS, measure.Flows())
    assert result["counters_agree"] == agree


def test_rates_from_samples():
    """One packet a millisecond for a second, then none: half the chart at 1000, half at 0."""
    samples = [(t * MS, {"ens4": [0, min(t, 1000)]}) for t in range(0, 2001, 100)]
    row = show.rates(samples, 0, 2000 * MS, "ens4", 1)
    half = show.COLUMNS // 2
    assert len(row) == show.COLUMNS
    assert row[:half] == pytest.approx([1000] * half) and row[half:] == pytest.approx([0] * half)
    assert [show.bar(rate, 1000) for rate in (0, 15, 30, 500, 1000, 3000)] == list("  ▁▄██")


def test_letters_keep_their_order():
    marks = [measure.Mark(t, "") for t in (0, 1, 2, 500, 1000)]
    row = show.letters(marks, 0, 1000)
    assert row.replace(" ", "") == "ABCDE" and row.startswith("ABC") and row[27] == "D"
