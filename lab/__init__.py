# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab: an SR-IOV hypervisor host in QEMU, its guest, and a peer outside (README.md)."""
from .command import CommandFailed, Namespace, Process, Result
from .hosted import Hosted
from .lab import Lab, LabError, wait_until
from .system import System

__all__ = ["CommandFailed", "Hosted", "Lab", "LabError", "Namespace", "Process", "Result", "System", "wait_until"]
