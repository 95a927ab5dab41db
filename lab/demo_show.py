# SPDX-License-Identifier: GPL-2.0-or-later
"""How the demo looks: header, strip charts, tables, verdict. 80 columns; colours on a terminal."""
from __future__ import annotations

import sys
import textwrap
from bisect import bisect_right
from itertools import zip_longest
from typing import Any, Sequence, TextIO

from .demo_measure import Mark

COLUMNS = 54  # of a strip chart
BARS = " ▁▂▃▄▅▆▇█"
WIDTH = 78

Sample = tuple[int, dict[str, list[int]]]  # ns, name -> [received, sent]


class Screen:
    """Where it is shown."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self.out, self.terminal = out, out.isatty()
        self._live = False

    def colour(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.terminal else text

    def bold(self, text: str) -> str:
        return self.colour(text, "1")

    def line(self, text: str = "") -> None:
        self.clear()
        print(text, file=self.out, flush=True)

    def live(self, text: str) -> None:
        """A line that the next one takes the place of; only a terminal has such."""
        if self.terminal:
            print(f"\r\033[K  {text[:WIDTH]}", end="", file=self.out, flush=True)
            self._live = True

    def progress(self, text: str) -> None:
        """Tells what is being done; on a terminal it is gone when it is done."""
        if self.terminal:
            self.live(text)
        else:
            self.line(f"  {text}")

    def clear(self) -> None:
        if self._live:
            print("\r\033[K", end="", file=self.out, flush=True)
            self._live = False


# --- strip chart ---

def continued(samples: Sequence[Sample], names: Sequence[str]) -> list[Sample]:
    """How far each counter has grown: one that is gone stands still, and is 0 when it is back."""
    grown, before, found = {name: [0, 0] for name in names}, samples[0][1], []
    for t, counts in samples:
        for name in names:
            pairs = zip(counts.get(name, [0, 0]), before.get(name, [0, 0]))
            grown[name] = [sum_ + (now - then if now >= then else now)
                           for sum_, (now, then) in zip(grown[name], pairs)]
        found.append((t, dict(grown)))
        before = counts
    return found


def counter_at(samples: Sequence[Sample], t: float, name: str, which: int) -> float:
    """A counter at a time between samples, by linear interpolation."""
    i = min(max(bisect_right(samples, t, key=lambda s: s[0]), 1), len(samples) - 1)
    (t0, before), (t1, after) = samples[i - 1], samples[i]
    part = min(max((t - t0) / (t1 - t0), 0), 1)
    return before[name][which] + part * (after[name][which] - before[name][which])


def rates(samples: Sequence[Sample], begin: int, end: int, name: str, which: int) -> list[float]:
    """Packets per second, by column of the chart."""
    edges = [begin + (end - begin) * i / COLUMNS for i in range(COLUMNS + 1)]
    counts = [counter_at(samples, edge, name, which) for edge in edges]
    step = (end - begin) / COLUMNS / 1e9
    return [(b - a) / step for a, b in zip(counts, counts[1:])]


def bar(rate: float, top: float) -> str:
    """Something is shown for anything that is more than stray packets."""
    level = round((len(BARS) - 1) * rate / top)
    return BARS[min(max(level, 1 if rate > top / 50 else 0), len(BARS) - 1)]


def letters(marks: Sequence[Mark], begin: int, end: int) -> str:
    """A, B, … under the columns where the marks lie; one column each, in their order."""
    row, free = [" "] * (COLUMNS + len(marks)), 0
    for number, mark in enumerate(marks):
        column = max(int(COLUMNS * (mark.t - begin) / (end - begin)), free)
        row[min(column, len(row) - 1)] = chr(ord("A") + number)
        free = column + 1
    return "".join(row).rstrip()


def strip_chart(screen: Screen, samples: Sequence[Sample], begin: int, end: int,
                members: Sequence[str], marks: Sequence[Mark], top: float) -> None:
    """Each member's packets both ways over the act, a full bar being @top per second, and what
    happened when."""
    width = max(map(len, members)) + 5
    samples = continued(samples, members)
    rows = {(name, way): rates(samples, begin, end, name, which)
            for name in members for way, which in (("tx", 1), ("rx", 0))}
    for (name, way), row in rows.items():
        text = "".join(bar(rate, top) for rate in row)
        mean = sum(row) / COLUMNS
        colour = "36" if way == "tx" else "32"
        screen.line(f"  {name + ' ' + way:{width}}{screen.colour(text, colour)}"
                    f" {mean:6,.0f}/s")
    seconds = f"{(end - begin) / 1e9:.1f} s"
    marked = letters(marks, begin, end)
    if len(marked) < COLUMNS - len(seconds):
        marked = marked.ljust(COLUMNS - len(seconds)) + seconds
    screen.line(" " * (width + 2) + screen.bold(marked))
    for number, mark in enumerate(marks):
        at = (mark.t - begin) / 1e9
        screen.line(f"   {screen.bold(chr(ord('A') + number))} {at:7.3f} s  {mark.text}")


# --- tables ---

def act_title(screen: Screen, number: int, name: str, text: str) -> None:
    title = f"── {number} {name}: {text} "
    screen.line()
    screen.line(screen.bold(title + "─" * (WIDTH - len(title))))


def act_table(screen: Screen, result: dict[str, Any]) -> None:
    screen.line(f"  {'':4}{'offered/s':>10}{'sent':>9}{'received':>10}{'lost':>7}{'twice':>7}"
                f"{'late':>7}{'gap ms':>9}{'lost ms':>10}")
    for way in result["directions"]:
        lost = f"{way['lost']:7}"
        screen.line(f"  {way['direction']:4}{way['offered_pps']:10.1f}{way['sent']:9}"
                    f"{way['received']:10}{screen.colour(lost, '31') if way['lost'] else lost}"
                    f"{way['duplicated']:7}{way['reordered']:7}{way['gap_ms']:9.1f}"
                    f"{way['lost_ms']:10.1f}")
    away = f", {result['flows_away']} not at home" if result["flows_away"] else ""
    screen.line(f"  {result['flows']} flows: {result['flows_moved']} moved, "
                f"{result['flows_disturbed']} of them without need{away}")
    if result.get("kept_flows_lost"):
        # igbvf waits for its lost PF with bottom halves off: a CPU of the guest carries nothing.
        screen.line(f"  flows that stayed lost {result['kept_flows_lost']} packets")
    screen.line("  kernel's counters: " + "; ".join(
        f"{m['name']} " + (f"tx {m['tx_packets']:,} rx {m['rx_packets']:,}"
                           if m["tx_packets"] is not None else "gone, with its own")
        for m in result["members"]))
    if any(m["dropped"] for m in result["members"]):
        screen.line("  of them dropped by the team: " + "; ".join(
            f"{m['name']} {m['dropped']:,}" for m in result["members"]))


def times_table(screen: Screen, rows: Sequence[tuple[str, str]],
                times: dict[str, float | None]) -> None:
    """rows: what is said of a time, and its key."""
    for text, key in rows:
        value = times[key]
        screen.line(f"  {text:52}" + (f"{value:10.1f} ms" if value is not None else "         ?"))


def timing_table(screen: Screen, timing: dict[str, float | None]) -> None:
    rows = [("uplink down -> the member's driver sees it", "pf_down_to_vf_carrier_ms"),
            ("  from there -> user space can know (rtnetlink)", "vf_carrier_to_netlink_ms"),
            ("  from there -> the team decides", "vf_carrier_to_decided_ms"),
            ("  from there -> the datapath is changed", "vf_carrier_to_applied_ms"),
            ("  from there -> outbound traffic flows", "vf_carrier_to_traffic_out_ms"),
            ("  from there -> inbound traffic flows", "vf_carrier_to_traffic_in_ms")]
    times_table(screen, rows, timing)


def silence_table(screen: Screen, silence: dict[str, float | None]) -> None:
    rows = [("cable pulled -> the team decides", "pulled_to_decided_ms"),
            ("  -> the datapath is changed", "pulled_to_applied_ms"),
            ("  -> outbound traffic flows", "pulled_to_traffic_out_ms"),
            ("  -> inbound traffic flows", "pulled_to_traffic_in_ms")]
    times_table(screen, rows, silence)


def removal_table(screen: Screen, removal: dict[str, float | None]) -> None:
    rows = [("the host's command -> the guest is told (rtnetlink)", "command_to_netlink_ms"),
            ("  -> the team decides", "command_to_decided_ms"),
            ("  -> the datapath is changed", "command_to_applied_ms"),
            ("  -> outbound traffic flows", "command_to_traffic_out_ms"),
            ("  -> inbound traffic flows", "command_to_traffic_in_ms"),
            ("  -> the guest has no such device", "command_to_gone_ms"),
            ("outbound traffic was interrupted for", "interrupted_out_ms"),
            ("inbound traffic was interrupted for", "interrupted_in_ms")]
    times_table(screen, rows, removal)


def both_views(screen: Screen, guest_title: str, guest: Sequence[dict[str, Any]],
               host_title: str, host: Sequence[dict[str, Any]]) -> None:
    """What guest and host said at the same time, side by side."""
    good = {"active", "standby", "ok"}
    left = [(m["name"], m["state"], m["reason"].replace("none", "-")) for m in guest]
    right = [(a["name"], a["status"], a["path"], "on" if a["allow_teaming"] else "off")
             for a in host]
    left_rows = [f"{'MEMBER':9}{'STATE':8}REASON", *(f"{n:9}{s:8}{r}" for n, s, r in left)]
    right_rows = [f"{'ADAPTER':9}{'STATUS':8}{'PATH':14}TEAMING",
                  *(f"{n:9}{s:8}{p:14}{t}" for n, s, p, t in right)]
    width = max(len(guest_title), *map(len, left_rows))
    screen.line(f"  {screen.bold(guest_title.ljust(width))} │ {screen.bold(host_title)}")
    wells = [True, *(m["state"] in good and (not a or a["path"] in good)
                     for m, a in zip_longest(guest, host))]
    for one, other, well in zip_longest(left_rows, right_rows, wells, fillvalue=""):
        line = f"{one.ljust(width)} │ {other}".rstrip()
        screen.line("  " + (line if well else screen.colour(line, "33")))


def frames_table(screen: Screen, rows: Sequence[dict[str, Any]]) -> None:
    screen.line("  frames that the guest sends by nicA, on the synthetic path")
    screen.line(f"  {'source MAC':12}{'allow-teaming':>14}{'mac-spoofing':>14}{'sent':>6}"
                f"{'passed':>8}{'refused':>9}{'seen outside':>14}")
    for row in rows:
        line = (f"  {row['source_mac']:12}{'on' if row['allow_teaming'] else 'off':>14}"
                f"{'on' if row['mac_spoofing'] else 'off':>14}{row['sent']:6}{row['passed']:8}"
                f"{row['refused']:9}{row['seen_outside']:14}")
        screen.line(line if row["as_wanted"] else screen.colour(line, "31"))


def commands(screen: Screen, side: str, lines: Sequence[str]) -> None:
    """What has been typed, where one likes it long."""
    for line in lines:
        first, *more = textwrap.wrap(line, WIDTH - 12, break_on_hyphens=False)
        screen.line(f"  {side}# {first}" + " \\" * bool(more))
        for number, rest in enumerate(more, 1):
            screen.line(f"          {rest}" + " \\" * (number < len(more)))


def command_output(screen: Screen, side: str, command: str, text: str) -> None:
    """As it would be on a terminal of 80 columns."""
    screen.line()
    screen.line(screen.bold(f"{side}# {command}"))
    screen.line(text.rstrip("\n"))


def verdict(screen: Screen, claims: Sequence[dict[str, Any]]) -> None:
    screen.line()
    for claim in claims:
        sign = screen.colour("✓", "32") if claim["held"] else screen.colour("✗", "1;31")
        first, *more = textwrap.wrap(claim["claim"], WIDTH - 4, break_on_hyphens=False)
        screen.line(f"  {sign} {first}")
        for text in more:
            screen.line(f"    {text}")
