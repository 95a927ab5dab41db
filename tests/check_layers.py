#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hold src/ to its rules of structure (docs/architecture.md); one line per offence.

    check_layers.py [DIRECTORY]      DIRECTORY holds src/, by default the checkout

What the compiler cannot see: includes go down only and in no circle, files and functions stay
short enough to read, every file names its licence. Exit status 1 if anything offends. Long
functions that are still allowed are listed on stdout and do not count.
"""

import re
import sys
from collections import namedtuple
from pathlib import Path

# What each layer may include besides itself.
LAYERS = {
    "base": set(),
    "model": {"base"},
    "core": {"base", "model"},
    "kernel": {"base", "model"},
    "datapath": {"base", "model"},
    "daemon": {"base", "model", "core", "kernel", "datapath"},
    "cli": {"base", "model"},
    "libvirt": {"base"},
}
# A BPF program links with nothing: it shares plain headers only.
BPF_SUFFIX = ".bpf.c"
BPF_LAYERS = {"model", "datapath"}

FILE_LINES_MAX = 600
EXCUSE = "Over 600 lines because: "
EXCUSE_WITHIN = 20
FUNCTION_LINES_LISTED = 60
FUNCTION_LINES_MAX = 80
LICENCE = "SPDX-License-Identifier: "
LICENCE_WITHIN = 3

INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')

Include = namedtuple("Include", "line target")  # target: a path below src/
Function = namedtuple("Function", "name line length")


class Source:
    """One file below src/: its path from there, its lines, what it includes."""

    def __init__(self, root, path):
        self.path = path.relative_to(root)
        self.lines = path.read_text(encoding="utf-8").splitlines()
        self.layer = self.path.parts[0] if len(self.path.parts) > 1 else None
        self.is_c = path.suffix in (".c", ".h")
        self.is_bpf = path.name.endswith(BPF_SUFFIX)
        self.includes = list(self._includes(root)) if self.is_c else []

    def _includes(self, root):
        """Our own headers only: generated ones and libraries' are not below src/."""
        for number, line in enumerate(self.lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            beside = root / self.path.parent / match[1]
            for candidate in (beside, root / match[1]):
                if candidate.is_file():
                    target = candidate.resolve().relative_to(root)
                    yield Include(number, target)
                    break

    def functions(self):
        """Functions as the kernel's style lays them out: braces in the first column."""
        start = None
        for number, line in enumerate(self.lines, 1):
            if line == "{":
                start = number
            elif line == "}" and start:
                yield Function(self._function_name(start), start, number - start - 1)
                start = None

    def _function_name(self, brace):
        for line in reversed(self.lines[:brace - 1]):
            match = re.match(r"(?=\S)[^(]*?(\w+)\(", line)
            if match:
                return match[1]
        return "?"


def check_layers(source):
    if source.layer not in LAYERS:
        if source.is_c:
            yield 1, "stands in no layer"
        return
    allowed = BPF_LAYERS if source.is_bpf else LAYERS[source.layer] | {source.layer}
    for include in source.includes:
        if include.target.parts[0] not in allowed:
            what = "a BPF program" if source.is_bpf else source.layer
            yield include.line, f"{what} may not include {include.target}"


def check_length(source):
    excused = any(EXCUSE in line for line in source.lines[:EXCUSE_WITHIN])
    if len(source.lines) > FILE_LINES_MAX and not excused:
        yield 1, (f"has {len(source.lines)} lines, over {FILE_LINES_MAX}; split it, or say "
                  f'"{EXCUSE}..." in its head')


def check_functions(source):
    if not source.is_c:
        return
    for function in source.functions():
        if function.length > FUNCTION_LINES_MAX:
            yield function.line, (f"{function.name}() has {function.length} lines, over "
                                  f"{FUNCTION_LINES_MAX}")


def check_licence(source):
    if not any(LICENCE in line for line in source.lines[:LICENCE_WITHIN]):
        yield 1, f'has no "{LICENCE}..." in its first {LICENCE_WITHIN} lines'


CHECKS = (check_layers, check_length, check_functions, check_licence)


def find_cycles(sources):
    """Each circle of includes once, as a list of paths that ends where it began."""
    graph = {s.path: [i.target for i in s.includes] for s in sources}
    finished = set()

    def walk(path, trail):
        if path in trail:
            yield trail[trail.index(path):] + [path]
            return
        if path in finished:
            return
        for target in graph.get(path, ()):
            yield from walk(target, trail + [path])
        finished.add(path)

    for path in sorted(graph):
        yield from walk(path, [])


def offences(sources):
    for source in sources:
        for check in CHECKS:
            for line, text in check(source):
                yield f"src/{source.path}:{line}: {text}"
    for cycle in find_cycles(sources):
        yield f"src/{cycle[0]}:1: includes itself: " + " -> ".join(map(str, cycle))


def list_long_functions(sources):
    for source in sources:
        for function in source.functions() if source.is_c else ():
            if FUNCTION_LINES_LISTED < function.length <= FUNCTION_LINES_MAX:
                print(f"long: src/{source.path}:{function.line}: {function.name}() has "
                      f"{function.length} lines")


def main(arguments):
    top = Path(arguments[0]) if arguments else Path(__file__).parent.parent
    root = (top / "src").resolve()
    paths = sorted(p for p in root.rglob("*") if p.is_file() and not p.name.startswith("."))
    if not paths:
        print(f"{root}: nothing to check", file=sys.stderr)
        return 2
    sources = [Source(root, path) for path in paths]
    found = list(offences(sources))
    list_long_functions(sources)
    for offence in found:
        print(offence, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
