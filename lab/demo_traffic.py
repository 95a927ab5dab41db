# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic between the guest and the peer: the recorder at both ends, told of acts together."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import Namespace, wait_until

ANSWER_TIMEOUT = 60  # seconds; a report under emulation takes a few
DRAINED_AFTER = 5  # polls without a packet more


class End:
    """One recorder."""

    def __init__(self, where: Namespace, binary: Path, *options: object) -> None:
        self._process = where.spawn([str(binary), *map(str, options)])
        self._answers = 0
        self._next_answer()  # it prints one line when it is ready

    def _next_answer(self) -> dict[str, Any]:
        def line() -> str | None:
            lines = self._process.stdout().split("\n")
            if not self._process.running:
                raise RuntimeError(f"the recorder has ended: {self._process.stderr()}")
            return lines[self._answers] if len(lines) > self._answers + 1 else None

        answer = wait_until(line, ANSWER_TIMEOUT, "an answer of the recorder")
        self._answers += 1
        return json.loads(answer)

    def stop(self) -> None:
        self._process.stop()

    def tell(self, line: str) -> dict[str, Any]:
        self._process.write(line + "\n")
        answer = self._next_answer()
        if "error" in answer:
            raise RuntimeError(f"recorder: {answer['error']}")
        return answer


class Traffic:
    """Both recorders. Directions are the guest's: out is from guest to peer."""

    def __init__(self, guest: End, peer: End) -> None:
        self.guest, self.peer = guest, peer

    def begin(self, act: str) -> dict[str, Any]:
        """Starts an act, and sending with it; returns the guest's answer (its clock in now_ns)."""
        self.peer.tell(f"act {act}")
        return self.guest.tell(f"act {act}")

    def sent(self) -> tuple[int, int]:
        """So far, over all acts."""
        return self.guest.tell("status")["sent"], self.peer.tell("status")["sent"]

    def sent_and_received(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """So far, by direction: out, in."""
        guest, peer = self.guest.tell("status"), self.peer.tell("status")
        return (guest["sent"], peer["received"]), (peer["sent"], guest["received"])

    def received(self) -> tuple[int, int]:
        return self.guest.tell("status")["received"], self.peer.tell("status")["received"]

    def drain(self) -> int:
        """Stops sending, and waits until nothing more comes in at either end. Returns when the
        guest stopped, in its clock."""
        stopped = self.guest.tell("pause")["now_ns"]
        self.peer.tell("pause")
        seen: list[tuple[int, int]] = []

        def quiet() -> bool:
            seen.append(self.received())
            return len(seen) >= DRAINED_AFTER and len(set(seen[-DRAINED_AFTER:])) == 1

        wait_until(quiet, ANSWER_TIMEOUT, "the end of the traffic")
        return stopped

    def stop(self) -> None:
        for end in (self.guest, self.peer):
            end.stop()

    def reports(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.guest.tell("report"), self.peer.tell("report")
