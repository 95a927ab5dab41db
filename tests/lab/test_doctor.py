# SPDX-License-Identifier: GPL-2.0-or-later
"""Doctor (H11) about a team that runs; tests/unit/test_doctor.c has each check."""
from __future__ import annotations

from lab import wait_until
from team import SLOW
from veth import network  # noqa: F401


def test_doctor_sees_a_team_lose_its_last_spare(network):  # noqa: F811
    network.make(2)
    with network.team() as team:
        def found():
            done = team.run("doctor", "--json", check=False)
            checks = {finding["check"]: finding for finding in done.json()["findings"]}
            fatal = any(finding["severity"] == "fatal" for finding in checks.values())
            assert done.rc == fatal, done
            return checks

        assert found() == {}
        network.carrier("m0", up=False)
        team.wait_state("m0", "failed")
        checks = found()
        assert list(checks) == ["single-usable", "member-out"], checks
        assert "nothing takes over when m1 is lost" == checks["single-usable"]["what"]
        assert "media-disconnected" in checks["member-out"]["evidence"]

        network.carrier("m0", up=True)
        wait_until(team.well, SLOW, "m0 to be used again")
        assert found() == {}
        team.run("member", "drain", "team0", "m1")
        assert list(found()) == ["member-drained"]
        # As a DHCP client sets it.
        network.guest.run(["ip", "address", "change", "192.0.2.10/24", "dev", "team0", "valid_lft",
                           "3600", "preferred_lft", "3600"])
        wait_until(lambda: "leased" in found(), SLOW, "the lease to be seen")
        assert "192.0.2.10 was leased" in found()["leased"]["evidence"]
        network.guest.run(["ip", "address", "flush", "dev", "team0", "scope", "global"])
        wait_until(lambda: "no-address" in found(), SLOW, "the addresses to be gone")
