# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of bench/, and the meters' command lines."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("IOVTEAM_BUILD", CLONE / "build"))
sys.path.insert(0, str(CLONE / "bench"))

import bench  # noqa: E402
import scale  # noqa: E402
import cost  # noqa: E402
import silent  # noqa: E402
import failover  # noqa: E402
import figures  # noqa: E402
import latency  # noqa: E402
import restart  # noqa: E402
import selection  # noqa: E402


def cycle(lost, silence_us, **more):
    nothing = {"lost": 0, "disturbed": 0, "silence_us": 0}
    stretch = {way: nothing for way in ("out", "in")}
    return {"recovered": True, "well": True, "skipped": 0, "ticks": 100, "rest": stretch,
            "return": {**stretch, "in": {**nothing, "lost": 2}},
            "failover": {**stretch, "out": {"lost": lost, "disturbed": min(lost, 8),
                                            "silence_us": silence_us}},
            "all": {"out": {"duplicated": 1, "reordered": 0},
                    "in": {"duplicated": 0, "reordered": 3}}, **more}


def test_percentiles_are_values_that_were_measured():
    values = list(range(1, 1001))
    assert failover.percentile(values, 0.5) == 500
    assert failover.percentile(values, 0.99) == 990
    assert failover.percentile([7], 0.99) == 7
    assert failover.percentile([1, 2], 0.99) == 2


def test_summary():
    found = failover.summed_up([cycle(5, 1500), cycle(1, 500),
                                cycle(9, 2500, recovered=False, skipped=3)])
    assert (found["failovers"], found["not_recovered"], found["skipped_ticks"]) == (3, 1, 3)
    assert found["out"]["lost"] == {"p50": 5, "p99": 9, "max": 9}
    assert found["out"]["silence_ms"] == {"p50": 1.5, "p99": 2.5, "max": 2.5}
    assert found["out"]["disturbed"] == {"p50": 5, "p99": 8, "max": 8}
    assert (found["out"]["duplicated"], found["in"]["reordered"]) == (3, 9)
    assert (found["in"]["lost"]["max"], found["in"]["lost_at_return"]) == (0, 6)


def test_a_row_for_each_peer_and_way():
    sides = failover.SIDES[1:]  # those that were chosen
    results = {"members": 4, "second_ms": 0, "rate_pps": 500,
               "results": {side.key: failover.summed_up([cycle(5, 1500)]) for side in sides}}
    rows = failover.rows(results)
    assert [(row["peer"], row["direction"]) for row in rows] == [
        (side.key, way) for side in sides for way in ("out", "in")]
    assert (rows[0]["members"], rows[0]["gap_ms_p50"], rows[0]["lost"]["max"]) == (4, 1.5, 5)
    assert (rows[0]["duplicated"], rows[1]["reordered"]) == (1, 3)
    assert {row["event"] for row in rows} == {"link-lost"}
    assert {row["event"] for row in failover.rows({**results, "second_ms": 10})} == {
        "second-link-lost"}


def measured(dearer):
    """Two rounds: a bare member costs 1000, each further peer 100 more, of which 10 beside."""
    return {(side.key, way, work): [1000 + number * dearer, 1100 + number * dearer]
            for number, side in enumerate(cost.SIDES) for way in cost.WAYS for work in cost.WORKS}


def test_costs():
    rows = cost.rows(measured(100), measured(10))
    assert [row["peer"] for row in rows[::2]] == [side.key for side in cost.SIDES]
    assert (rows[0]["insn_per_packet"], rows[0]["udp_over_bare"], rows[0]["udp_spread"]) == (
        1000, 0, 0.1)
    assert (rows[2]["udp_over_bare"], rows[2]["tcp_on_other_devices"]) == (100, 10)
    lines = cost.table(rows)
    assert {len(line) for line in lines} == {len(lines[0])} and len(lines) == 1 + len(rows)


def restarted(lost, silence_us):
    way = {"lost": lost, "disturbed": 0, "silence_us": silence_us}
    return {"ticks": 100, "skipped": 0, "rest": {"out": way, "in": way},
            "all": {"out": {"duplicated": 0, "reordered": 2},
                    "in": {"duplicated": 1, "reordered": 0}}}


def test_restarts():
    rows = restart.rows({(side.key, event): [restarted(0, 500), restarted(7, 2500),
                                             restarted(3, 1500)]
                         for side in restart.SIDES for event in restart.EVENTS})
    first, second = rows[2:4]
    assert rows[0]["event"] == "left alone"
    assert (first["peer"], first["event"], first["direction"]) == ("iovteam", "killed", "out")
    assert (first["runs"], first["sent"]) == (3, 3 * 100 * failover.FLOWS)
    assert (first["lost"]["p50"], first["lost"]["max"]) == (3, 7)
    assert (first["gap_ms_p50"], first["gap_ms_max"]) == (1.5, 2.5)
    assert (first["reordered"], second["duplicated"]) == (6, 3)
    assert {row["peer"] for row in rows if "n/a" in row} == set(restart.WITHOUT)
    lines = restart.table(rows)
    assert len(lines) == 2 + len(rows) and {line.count("|") for line in lines} == {8}
    assert "| killed | out | 3 | 3, 7 | 1.5, 2.5 | 0, 6 |" in lines[4]


def test_only_some():
    keys = [kind.key for kind in failover.chosen(failover.SIDES, "iovteam,ab")]
    assert keys == ["iovteam", "ab100", "ab1"]
    assert failover.chosen(failover.SIDES, "") == failover.SIDES


def test_silent_figures():
    def once(silence, lost, reordered=0, lives=True):
        toll = {"silence_ms": silence, "lost": lost, "duplicated": 0, "reordered": reordered}
        calm = {"silence_ms": 0, "lost": 1, "duplicated": 2, "reordered": 0}
        return {"loss": {"out": toll, "in": calm}, "return": {"out": calm, "in": calm},
                "connection_lives": lives}

    out, into = silent.figures(silent.OURS[0], silent.Device,
                               [once(180, 12), once(90, 40, 3), once(240, 7, lives=False)])
    assert (out["peer"], out["event"], out["runs"]) == ("iovteam-50", "vf-unplugged", 3)
    assert out["silence_ms"] == {"p50": 180, "p99": 240, "max": 240}
    assert (out["lost"]["p50"], out["lost"]["max"], out["lost_at_return"]) == (12, 40, 3)
    assert (out["duplicated"], out["reordered"], out["connections_lost"]) == (6, 3, 1)
    assert into["lost"]["max"] == 1 and into["duplicated"] == 12
    lines = silent.table([out, into])
    assert lines[2] == "vf-unplugged, 3 times each" and lines[3].endswith("3   6, 3; 1 connections lost by TCP")


def test_latency_is_the_median_of_turns():
    def turn(p50):
        return {"p50_us": p50, "p99_us": 10 * p50}

    found = {"iovteam": [(turn(110), turn(100)), (turn(900), turn(800)), (turn(120), turn(100))]}
    row, = latency.rows(found)
    assert row == {"peer": "iovteam", "requests": 3 * latency.REQUESTS, "p50_us": 120,
                   "bare_p50_us": 100, "p99_us": 1200, "bare_p99_us": 1000}
    assert latency.table([row])[2].endswith("| 120.0, 1200.0 | 100.0, 1000.0 | +20.0% | +20.0% |")


def test_selection_table():
    turns = [{"what": "iovteam", "ns_min": low, "ns_p50": middle}
             for low, middle in ((19, 20), (17.96, 40), (18, 19))]
    lines = selection.table([selection.summed_up("iovteam", turns),
                             {"what": "dpdk", "n/a": "not here"}])
    assert lines[2].endswith("| 18.0 | 20.0, 40.0 |") and lines[3].endswith("| n/a: not here | |")


def test_what_was_measured_is_kept(tmp_path, monkeypatch):
    def fails(*_):
        raise RuntimeError("no VM")

    monkeypatch.setattr(bench, "STEPS", [("one", lambda *_: {"kernel": "6.12"}), ("two", fails)])
    monkeypatch.setattr(sys, "argv", ["bench", "--build", str(tmp_path)])
    assert bench.main() == 1
    assert json.loads((tmp_path / "results/bench.json").read_text()) == {"kernel": "6.12"}


def test_table_is_aligned():
    rows = failover.table({side.key: failover.summed_up([cycle(12345, 9876543)])
                           for side in failover.SIDES})
    assert len(rows) == 2 + 2 * len(failover.SIDES)
    assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize("words", [[], ["--cycles", "x"], ["--member", "m0"], ["--nothing"],
                                   ["--flows", "65"], ["--until-eof=1"], ["stray"]])
def test_meter_refuses(words):
    done = subprocess.run([BUILD / "failover-meter", *words], capture_output=True, text=True)
    assert done.returncode == 2 and not done.stdout
    assert "Try 'failover-meter --help'." in done.stderr


@pytest.mark.parametrize("words", [[], ["--from", "x"], ["--nothing"],
                                   ["--from", "a,192.0.2.1", "--to", "b,192.0.2.2", "stray"],
                                   ["--packets", "7"], ["--tcp", "x"], ["--requests", "0"]])
def test_cost_meter_refuses(words):
    done = subprocess.run([BUILD / "cost-meter", *words], capture_output=True, text=True)
    assert done.returncode == 2 and not done.stdout
    assert "--help" in done.stderr


@pytest.mark.parametrize("meter", ["failover-meter", "cost-meter"])
def test_meters_help(meter):
    done = subprocess.run([BUILD / meter, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith(f"Usage: {meter}")
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_scale_table():
    row = {"what": "teams", "count": 16, "members": 2, "memory_kib": 3000, "maps_kib": 9.6,
           "apply_ms": 1234.5, "failover_ms": [3.0, 1.0, 2.0], "failover_all_ms": 7.25}
    alone = {**row, "count": 1, "members": 1, "failover_ms": [], "failover_all_ms": None}
    adapters = {**row, "what": "adapters", "count": 1000, "failover_all_ms": None}
    told = [line.split() for line in scale.table([row, alone, adapters])[2:]]
    assert told == [["16", "teams", "of", "2", "3000", "10", "1234", "2.0", "7.2"],
                    ["1", "team", "of", "1", "3000", "10", "1234"],
                    ["1000", "adapters", "3000", "10", "1234", "2.0"]]


def test_figures_stand_beside_the_story(tmp_path):
    path = tmp_path / "results" / "lab.json"
    figures.write(path, {"runs": 20})
    assert json.loads(path.read_text()) == {"figures": {"runs": 20}}
    path.write_text('{"seconds": 1, "labs": [], "figures": {"runs": 3}}')
    figures.write(path, {"runs": 20})
    assert json.loads(path.read_text()) == {"seconds": 1, "labs": [], "figures": {"runs": 20}}


def test_figures_name_peers_that_there_are():
    for members, second_ms, only in figures.LINKS:
        assert members > (2 if second_ms else 1)
        assert all(failover.chosen(failover.SIDES, word) for word in only.split(","))


def test_entries_of_the_pictures():
    costs = cost.rows(measured(100), measured(10))
    entries = bench.cost_entries(costs, "tx")
    assert [entry.values for entry in entries[:2]] == [(90,), (180,)]  # without what is beside
    assert [entry.ours for entry in entries].count(True) == 1
    lost = [{"peer": peer, "event": event, "direction": way, "lost": {"p50": 2, "max": 9}}
            for peer in ("iovteam", "ovs-ab") for event in restart.EVENTS for way in ("out", "in")]
    entries = bench.restart_entries([*lost, {"peer": "ab100", "n/a": "no control plane"}])
    assert [(entry.label, entry.values) for entry in entries] == [
        ("iovteam, killed", (4,)), ("iovteam, restarted", (4,)),
        ("Open vSwitch, active-backup, killed", (4,)),
        ("Open vSwitch, active-backup, restarted", (4,))]
