# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands and their results: one interface for the VM's namespaces and for the peer."""
from __future__ import annotations

import json
import signal
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Protocol, Sequence


@dataclass
class Result:
    """What a finished command left."""

    argv: Sequence[str]
    rc: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class CommandFailed(Exception):
    """A command ended with an exit code other than 0, or not in time."""

    def __init__(self, result: Result, where: str, why: str = "") -> None:
        self.result = result
        why = why or f"exit code {result.rc}"
        command = " ".join(result.argv)
        command = command if len(command) < 300 else command[:300] + "…"
        super().__init__(f"{where}: {command}: {why}\n{result.err or result.out}")


class Process:
    """A running command. How it is reached (agent or pipe) is the subclass's matter; that
    calls feed() and finished() from its reader thread."""

    def __init__(self, argv: Sequence[str], where: str) -> None:
        self.argv, self.where = list(argv), where
        self.pid = 0
        self.rc: int | None = None
        self._data = {"out": bytearray(), "err": bytearray()}
        self._change = threading.Condition()
        self.reader: Callable[[bytes], None] | None = None  # is given its output as it comes

    def feed(self, stream: str, data: bytes) -> None:
        with self._change:
            self._data[stream] += data
            self._change.notify_all()
        if stream == "out" and self.reader:
            self.reader(data)

    def finished(self, rc: int) -> None:
        with self._change:
            self.rc = rc
            self._change.notify_all()

    def stdout(self) -> str:
        """Everything printed so far."""
        return self._text("out")

    def stderr(self) -> str:
        return self._text("err")

    def _text(self, stream: str) -> str:
        with self._change:
            return self._data[stream].decode(errors="replace")

    @property
    def running(self) -> bool:
        return self.rc is None

    def wait(self, timeout: float | None = 30) -> Result:
        """The result, whatever the exit code; CommandFailed when it takes too long."""
        with self._change:
            in_time = self._change.wait_for(lambda: self.rc is not None, timeout)
        if not in_time:
            raise CommandFailed(self._result(), self.where, f"still running after {timeout} s")
        return self._result()

    def _result(self) -> Result:
        rc = -1 if self.rc is None else self.rc
        return Result(self.argv, rc, self.stdout(), self.stderr())

    def expect(self, text: str, timeout: float = 30, stream: str = "out") -> str:
        """Waits until it has printed text; returns everything printed so far."""
        wanted = text.encode()
        with self._change:
            self._change.wait_for(
                lambda: wanted in self._data[stream] or self.rc is not None, timeout)
            found = wanted in self._data[stream]
        if not found:
            raise CommandFailed(self._result(), self.where, f"did not print {text!r}")
        return self._text(stream)

    def stop(self, timeout: float = 10) -> Result:
        """Ends it politely, then by force; fine when it has ended already."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.running:
                self.kill(number, group=True)
            try:
                return self.wait(timeout)
            except CommandFailed:
                if number == signal.SIGKILL:
                    raise
        raise AssertionError("unreachable")

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # --- the subclass's part ---

    def kill(self, number: int = signal.SIGTERM, group: bool = False) -> None:
        raise NotImplementedError

    def write(self, data: str | bytes) -> None:
        raise NotImplementedError

    def close_stdin(self) -> None:
        raise NotImplementedError


class Spawner(Protocol):
    """Whatever can start a command in a namespace: the agent's client, or the machine."""

    def spawn(self, argv: Sequence[str], netns: str | None, where: str, *,
              stdin: bytes | None, **options: Any) -> Process: ...


class Namespace:
    """A place to run commands: lab.host, lab.guest, lab.peer, lab.namespace("x")."""

    def __init__(self, spawner: Spawner, name: str, netns: str | None) -> None:
        self.name, self.netns, self._spawner = name, netns, spawner

    def spawn(self, argv: Sequence[str], *, stdin: str | bytes | None = None,
              **options: Any) -> Process:
        """Starts a command. Without stdin its input stays open for write(). In the VM also:
        env={...}, cwd="...", pty=(rows, columns)."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        return self._spawner.spawn(argv, self.netns, self.name, stdin=data, **options)

    def run(self, argv: Sequence[str], *, stdin: str | bytes = b"", timeout: float = 30,
            check: bool = True, **options: Any) -> Result:
        """Runs a command to its end."""
        process = self.spawn(argv, stdin=stdin, **options)
        try:
            result = process.wait(timeout)
        except BaseException:
            process.kill(signal.SIGKILL, group=True)
            raise
        if check and result.rc:
            raise CommandFailed(result, self.name)
        return result

    def sh(self, script: str, **options: Any) -> Result:
        """Runs several commands for the price of one; stops at the first that fails."""
        return self.run(["sh", "-ec", script], **options)

    def wait_for(self, argv: Sequence[str], text: str, timeout: float = 30) -> str:
        """Repeats a command until its output contains text."""
        end = time.monotonic() + timeout
        while True:
            result = self.run(argv, check=False)
            if text in result.out:
                return result.out
            if time.monotonic() > end:
                raise CommandFailed(result, self.name, f"no {text!r} in {timeout} s")
