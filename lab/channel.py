# SPDX-License-Identifier: GPL-2.0-or-later
"""The two sockets to a running QEMU: the agent inside, and QEMU's own control (QMP)."""
from __future__ import annotations

import itertools
import json
import signal
import socket
import threading
from typing import Any, Sequence

from .command import Process


class ChannelClosed(Exception):
    """The VM is gone."""


class AgentProcess(Process):
    """A command in the VM."""

    def __init__(self, client: AgentClient, number: int, argv: Sequence[str], where: str) -> None:
        super().__init__(argv, where)
        self._client, self.number = client, number

    def on_event(self, event: dict[str, Any]) -> None:
        for stream in ("out", "err"):
            if stream in event:
                self.feed(stream, event[stream].encode("latin-1"))
        if "exit" in event:
            self.finished(event["exit"])

    def kill(self, number: int = signal.SIGTERM, group: bool = False) -> None:
        self._client.send(id=self.number, op="kill", signal=int(number), group=group)

    def write(self, data: str | bytes) -> None:
        data = data.encode() if isinstance(data, str) else data
        self._client.send(id=self.number, op="write", data=data.decode("latin-1"))

    def close_stdin(self) -> None:
        self._client.send(id=self.number, op="close")

    def resize(self, rows: int, columns: int) -> None:
        """Tells a command that was started with pty= its terminal's new size."""
        self._client.send(id=self.number, op="resize", pty=[rows, columns])


class AgentClient:
    """The outside end of agent.py's protocol. A command may take patience seconds to start."""

    def __init__(self, sock: socket.socket, patience: float = 60) -> None:
        self._sock, self._patience = sock, patience
        self._numbers = itertools.count(1)
        self._sending = threading.Lock()
        self._change = threading.Condition()
        self._answers: dict[int, dict[str, Any]] = {}
        self._closed = False
        self.processes: dict[int, AgentProcess] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            with self._sock.makefile("rb") as lines:
                for line in lines:
                    self._dispatch(json.loads(line))
        except OSError:
            pass
        with self._change:
            self._closed = True
            self._change.notify_all()
        for process in list(self.processes.values()):
            if process.running:
                process.finished(-signal.SIGKILL)

    def _dispatch(self, event: dict[str, Any]) -> None:
        process = self.processes.get(event["id"])
        # An error after the start says that a late request came to a command that has ended,
        # which its exit has told already.
        if process and "pid" not in event and ("error" not in event or process.pid):
            process.on_event(event)
            return
        with self._change:
            self._answers[event["id"]] = event
            self._change.notify_all()

    def send(self, **request: Any) -> None:
        with self._sending:
            try:
                self._sock.sendall(json.dumps(request).encode() + b"\n")
            except OSError as error:
                raise ChannelClosed("the VM is gone") from error

    def answer(self, number: int, timeout: float) -> dict[str, Any]:
        """The first answer to a request; OSError when the agent reports an error."""
        with self._change:
            self._change.wait_for(lambda: number in self._answers or self._closed, timeout)
            event = self._answers.pop(number, None)
        if event is None:
            raise ChannelClosed("the VM is gone" if self._closed
                                else f"no answer from the VM in {timeout:g} s")
        if "error" in event:
            raise OSError(event["error"])
        return event

    def call(self, op: str, timeout: float = 60, **arguments: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self.send(id=number, op=op, **arguments)
        return self.answer(number, timeout)

    def spawn(self, argv: Sequence[str], netns: str | None, where: str, *,
              stdin: bytes | None, **options: Any) -> AgentProcess:
        number = next(self._numbers)
        process = AgentProcess(self, number, argv, where)
        self.processes[number] = process
        text = None if stdin is None else stdin.decode("latin-1")
        self.send(id=number, op="spawn", argv=list(argv), netns=netns, stdin=text, **options)
        try:
            process.pid = self.answer(number, self._patience)["pid"]
        except BaseException:
            del self.processes[number]
            raise
        return process


class Qmp:
    """QEMU's control socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lines = sock.makefile("rb")
        json.loads(self._lines.readline())  # the greeting
        self.command("qmp_capabilities")

    def command(self, name: str, /, **arguments: Any) -> Any:
        self._sock.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        for line in self._lines:
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise OSError(f"QMP {name}: {answer['error']['desc']}")
        raise ChannelClosed("the VM is gone")
