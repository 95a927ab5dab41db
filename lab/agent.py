# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs commands in the lab's VM on behalf of the machine outside.

Speaks JSON lines over a virtio-serial port. Bytes travel as latin-1 text, so any output
passes unchanged. A request carries an id chosen outside; every event about it repeats it:

    {"id": 1, "op": "spawn", "argv": [...], "netns": null | "guest", "env": {...},
     "cwd": "/", "pty": null | [rows, columns], "stdin": "..." | null}
        -> {"id": 1, "pid": 123} or {"id": 1, "error": "..."}
        -> {"id": 1, "out": "..."} {"id": 1, "err": "..."} ...
        -> {"id": 1, "exit": 0}            (negative: the signal that killed it)
    {"id": 1, "op": "write", "data": "..."}    to its standard input
    {"id": 1, "op": "close"}                   its standard input
    {"id": 1, "op": "kill", "signal": 15, "group": false}
    {"id": 1, "op": "resize", "pty": [rows, columns]}
        -> {"id": 1, "error": "..."} when it has ended and its output too; else nothing
    {"id": 2, "op": "get", "path": "..."}  -> {"id": 2, "data": "..."} or error
    {"id": 2, "op": "put", "path": "...", "data": "...", "mode": 420} -> {"id": 2, "done": true}

A command is moved into a network namespace by setns() alone. It keeps the VM's mounts, so
pins under /sys/fs/bpf are shared by all namespaces and outlive the process.
"""
import ctypes
import fcntl
import json
import os
import selectors
import signal
import struct
import subprocess
import termios

PORT = "/dev/virtio-ports/lab.agent"
CLONE_NEWNET = 0x40000000
CHUNK = 1 << 16

libc = ctypes.CDLL(None, use_errno=True)
selector = selectors.DefaultSelector()


def find_port():
    """The port's name is in sysfs; /dev/virtio-ports is udev's work, and there is no udev."""
    base = "/sys/class/virtio-ports"
    for entry in os.listdir(base):
        with open(f"{base}/{entry}/name") as file:
            name = file.read().strip()
        os.makedirs(os.path.dirname(PORT), exist_ok=True)
        link = f"{os.path.dirname(PORT)}/{name}"
        if not os.path.lexists(link):
            os.symlink(f"/dev/{entry}", link)
    return PORT


def enter_netns(name):
    fd = os.open(f"/run/netns/{name}", os.O_RDONLY)
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"setns {name}")
    os.close(fd)


class Child:
    """One command: its pipes are read as they fill, its end is seen through a pidfd."""

    def __init__(self, agent, request):
        self.agent, self.id = agent, request["id"]
        self.waiting = bytearray()  # what its standard input could not take yet
        self.closing = False
        netns, pty = request.get("netns"), request.get("pty")

        def prepare():
            if netns:
                enter_netns(netns)
            if pty:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        if pty:
            self.master, slave = os.openpty()
            self.resize(pty)
            streams = dict.fromkeys(streams, slave)
        try:
            self.process = subprocess.Popen(
                request["argv"], cwd=request.get("cwd"), preexec_fn=prepare,
                env={**os.environ, **request.get("env", {})}, start_new_session=True,
                bufsize=0, **streams)
        except BaseException:
            if pty:
                os.close(self.master)
            raise
        finally:
            if pty:
                os.close(slave)
        if pty:
            self.stdin, self.outputs = self.master, {self.master: "out"}
            self.closers = {self.master: lambda: os.close(self.master)}
        else:
            pipes = self.process.stdin, self.process.stdout, self.process.stderr
            self.stdin, out, err = (pipe.fileno() for pipe in pipes)
            self.outputs = {out: "out", err: "err"}
            self.closers = {pipe.fileno(): pipe.close for pipe in pipes}
        for fd in self.closers:
            os.set_blocking(fd, False)
        for fd in self.outputs:
            selector.register(fd, selectors.EVENT_READ, self.on_pipe)
        self.pidfd = os.pidfd_open(self.process.pid)
        selector.register(self.pidfd, selectors.EVENT_READ, self.on_exit)
        if request.get("stdin") is not None:
            self.write(request["stdin"].encode("latin-1"))
            self.close()

    def on_pipe(self, fd, events):
        if events & selectors.EVENT_WRITE:
            self.flush()
        if events & selectors.EVENT_READ:
            self.read(fd)

    def read(self, fd):
        """Passes one chunk on; false when there is no more for now."""
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # a pty's master reports EIO when the last user is gone
            data = b""
        if data:
            self.agent.send(id=self.id, **{self.outputs[fd]: data.decode("latin-1")})
            return True
        del self.outputs[fd]
        self.shut(fd)
        self.forget_if_over()
        return False

    def shut(self, fd):
        if fd in selector.get_map():
            selector.unregister(fd)
        self.closers.pop(fd)()
        if fd == self.stdin:
            self.stdin = None

    def forget_if_over(self):
        """Once it has ended and nobody holds its output any more."""
        if self.process.returncode is not None and not self.outputs:
            if self.stdin is not None:
                self.shut(self.stdin)
            self.agent.children.pop(self.id, None)

    def on_exit(self, fd, events):
        """Children of the command may hold its pipes open; they are read on, not waited for."""
        code = self.process.wait()
        for pipe in list(self.outputs):
            while self.read(pipe):
                pass
        selector.unregister(fd)
        os.close(fd)
        self.agent.send(id=self.id, exit=code)
        self.forget_if_over()

    def write(self, data):
        self.waiting += data
        self.flush()

    def close(self):
        self.closing = True
        self.flush()

    def flush(self):
        """Writes what the pipe takes and asks to be called again for the rest."""
        if self.stdin is None:
            return
        try:
            while self.waiting:
                del self.waiting[:os.write(self.stdin, self.waiting[:CHUNK])]
        except BlockingIOError:
            pass
        except OSError:  # it does not want to read any more
            self.waiting.clear()
        wanted = selectors.EVENT_WRITE if self.waiting else 0
        if self.stdin in self.outputs:
            selector.modify(self.stdin, wanted | selectors.EVENT_READ, self.on_pipe)
        elif wanted and self.stdin not in selector.get_map():
            selector.register(self.stdin, wanted, self.on_pipe)
        elif not wanted and self.stdin in selector.get_map():
            selector.unregister(self.stdin)
        if self.closing and not self.waiting and self.stdin not in self.outputs:
            self.shut(self.stdin)

    def resize(self, pty):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", *pty, 0, 0))

    def kill(self, number, group):
        if self.process.returncode is None or group:
            try:
                (os.killpg if group else os.kill)(self.process.pid, number)
            except ProcessLookupError:
                pass


class Agent:
    """Reads requests, keeps the children, writes events."""

    def __init__(self, port):
        self.port, self.partial, self.children = port, [], {}
        selector.register(port, selectors.EVENT_READ, self.on_port)

    def send(self, **event):
        data = json.dumps(event).encode() + b"\n"
        while data:
            data = data[os.write(self.port, data):]

    def on_port(self, fd, events):
        first, *more = os.read(fd, CHUNK).split(b"\n")
        self.partial.append(first)
        for start in more:
            line, self.partial = b"".join(self.partial), [start]
            self.on_request(json.loads(line))

    def on_request(self, request):
        try:
            getattr(self, "op_" + request["op"])(request)
        except (OSError, subprocess.SubprocessError) as error:
            self.send(id=request["id"], error=str(error))

    def op_spawn(self, request):
        child = Child(self, request)
        self.children[request["id"]] = child
        self.send(id=request["id"], pid=child.process.pid)

    def child(self, request):
        try:
            return self.children[request["id"]]
        except KeyError:
            raise ProcessLookupError(f"command {request['id']} has ended") from None

    def op_write(self, request):
        self.child(request).write(request["data"].encode("latin-1"))

    def op_close(self, request):
        self.child(request).close()

    def op_kill(self, request):
        self.child(request).kill(request["signal"], request.get("group", False))

    def op_resize(self, request):
        self.child(request).resize(request["pty"])

    def op_get(self, request):
        with open(request["path"], "rb") as file:
            self.send(id=request["id"], data=file.read().decode("latin-1"))

    def op_put(self, request):
        with open(request["path"], "wb") as file:
            file.write(request["data"].encode("latin-1"))
            os.fchmod(file.fileno(), request.get("mode", 0o644))
        self.send(id=request["id"], done=True)


def main():
    port = os.open(find_port(), os.O_RDWR)
    agent = Agent(port)
    agent.send(id=0, hello=os.uname().release)
    while True:
        for key, events in selector.select():
            # One closed in this round may be another's by now.
            current = selector.get_map().get(key.fd)
            if current and current.data == key.data:
                key.data(key.fd, events)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    main()
