# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths whose carrier does not tell (T12): a pulled cable leaves the carrier of a VF up."""
from __future__ import annotations

from contextlib import contextmanager

import pytest

from lab import wait_until
from team import SLOW, Team, running, team  # noqa: F401


def probes(team: Team, member: str) -> dict:
    return team.member(member)["probes"]


def reason(team: Team, member: str) -> str:
    return team.member(member)["reason"]


def wait_reason(team: Team, member: str, wanted: str) -> None:
    wait_until(lambda: reason(team, member) == wanted, SLOW, f"{member} {wanted}")


def wait_joined(team: Team) -> None:
    """Until each member has heard another one."""
    wait_until(lambda: all(probes(team, member)["heard"] for member in team.macs), SLOW,
               "the members to hear each other")


@contextmanager
def pulled(lab, team: Team, member: str):
    """A block in which the cable behind a member is pulled."""
    number = lab.vfs.index(member)
    lab.cable(number, up=False)
    try:
        yield
    finally:
        lab.cable(number, up=True)
    wait_until(team.well, SLOW, f"{member} to be used again")


def test_pulled_cable(lab, team):
    """The team leaves a member whose cable is pulled though its carrier is up, and returns."""
    wait_joined(team)
    dead = team.primary
    with pulled(lab, team, dead):
        wait_reason(team, dead, "path-unresponsive")
        assert lab.carrier(dead, team.where)
        assert team.primary != dead
        team.reach()
        lab.peer.wait_for(["ping", "-c", "1", "-W", "1", team.IPV4], " 0% packet loss", SLOW)
    assert reason(team, dead) == "none"
