# SPDX-License-Identifier: GPL-2.0-or-later
"""What `make lab` promises of each lab, and whether it held: pure, from what was measured."""
from __future__ import annotations

from typing import Any, Iterable, Sequence

from .demo_measure import (Claim, Results, all_carry, came_home, counters_claim, flowed_again,
                           mixed_claims, seen, silent_claims, teaming_claims, total,
                           unplug_claims)


def as_list(claims: Iterable[Claim]) -> list[dict[str, Any]]:
    return [{"claim": text, "held": held} for text, held in claims]


def common_claims(results: Results) -> list[Claim]:
    """Of a team whose links are well, and of a link that is back."""
    healthy = results["healthy"]
    return [
        (f"healthy: {healthy['flows']} flows, {total(healthy, 'sent'):,} packets: 0 lost, "
         "0 duplicated, 0 reordered, both members carry",
         total(healthy, "lost", "refused", "duplicated", "reordered") == 0 and all_carry(healthy)),
        came_home(results["link-back"]),
        counters_claim(results),
    ]


def claims_a(results: Results) -> list[Claim]:
    lost = results["link-lost"]
    guest, host = seen(lost)
    return [
        *common_claims(results),
        *silent_claims(results),
        (f"link-lost: traffic flowed again both ways, {total(lost, 'lost'):,} packets lost",
         flowed_again(lost)),
        ("link-lost: no flow moved without need, none came twice",
         lost["flows_disturbed"] == 0 and total(lost, "duplicated") == 0),
        ("link-lost: the guest sees one member failed, media-disconnected",
         (guest["state"], guest["reason"]) == ("failed", "media-disconnected")),
        ("link-lost: the host's adapter is ok, and its uplink is down",
         host["status"] == "ok" and host["path"] != "ok"
         and "down" in lost["views"]["uplinks"].values()),
        *unplug_claims(results),
        *mixed_claims(results),
    ]


def vf_claims(vfs: Sequence[dict[str, Any]]) -> list[Claim]:
    return [("VFs read back: the adapter's MAC, spoof check on, trusted with allow-teaming",
             bool(vfs) and all(vf["mac_is_the_adapters"] and vf["spoofchk"]
                               and vf["trust"] == vf["allow_teaming"] for vf in vfs))]


def claims_b(results: Results) -> list[Claim]:
    told = results["told"]["uplink"]
    return [
        *common_claims(results),
        *teaming_claims(results),
        (f"allow-teaming on: {told['uplink_down_to_guest_carrier_ms']} ms (±"
         f"{told['clock_uncertainty_ms']}) from the lost uplink to the guest's lost carrier",
         told["uplink_down_to_guest_carrier_ms"] is not None),
        ("allow-teaming off: the host's doctor names the guest that is not told",
         any(finding["check"] == "teaming-off"
             for finding in results["not-told"]["views"]["findings"])),
    ]


def frame_claims(frames: Sequence[dict[str, Any]]) -> list[Claim]:
    return [(f"source MACs: {len(frames)} kinds refused or passed as set, and counted",
             all(row["as_wanted"] and row["seen_outside"] == row["passed"] for row in frames))]
