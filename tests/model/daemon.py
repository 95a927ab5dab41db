# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as a process, and its socket."""
from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

START_MAX = 60  # seconds; an emulated machine on a busy one takes its time
ANSWER_MAX = 30


class Refusal(Exception):
    """An error that the daemon has answered."""

    def __init__(self, error: str, parameters: dict[str, Any]) -> None:
        super().__init__(f"{error}: {parameters.get('message', parameters)}")
        self.error = error.rpartition(".")[2]


class Daemon:
    def __init__(self, program: Path, directory: Path, bpffs: str) -> None:
        self.config, self.socket, self.bpffs = directory / "conf", directory / "socket", bpffs
        self.log = directory / "log"
        self._program = program
        self._process: subprocess.Popen | None = None
        self._connection: socket.socket | None = None
        self.config.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [str(self._program), "--config", str(self.config), "--socket", str(self.socket),
                 "--bpffs", self.bpffs], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + START_MAX
        while True:
            try:
                self.call("Show")
                return
            except OSError:
                if not self.alive or time.monotonic() > end:
                    raise RuntimeError(f"iovteamd does not answer: {self.tail()}") from None
                time.sleep(0.01)

    def end(self, number: int) -> None:
        self._process.send_signal(number)
        self._process.wait(START_MAX)
        self._disconnect()

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def tail(self) -> str:
        return "".join(self.log.read_text(errors="replace").splitlines(keepends=True)[-60:])

    # --- asking ---

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        if not self._connection:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(ANSWER_MAX)
            try:
                connection.connect(str(self.socket))
            except OSError:
                connection.close()
                raise
            self._connection = connection
        self._connection.sendall(json.dumps(
            {"method": f"org.iovteam.{method}", "parameters": parameters}).encode() + b"\0")
        answer = b""
        while not answer.endswith(b"\0"):
            piece = self._connection.recv(1 << 20)
            if not piece:
                self._disconnect()
                raise ConnectionResetError("iovteamd has closed the connection")
            answer += piece
        told = json.loads(answer[:-1])
        if "error" in told:
            raise Refusal(told["error"], told.get("parameters", {}))
        return told["parameters"]

    def show(self) -> dict[str, dict[str, Any]]:
        return {team["name"]: team for team in self.call("Show")["teams"]}

    def pending(self) -> list[str]:
        """What it would still do."""
        return [action["text"] for action in self.call("Plan")["actions"]
                if action["what"] not in ("wait", "refuse")]

    # --- its resources ---

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def memory_kib(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0
