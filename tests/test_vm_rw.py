"""With rw on the kernel command line the root is read-only all the same, whatever fstab says.

On trixie it says nothing: see scenarios/commit.py.
"""

from __future__ import annotations

import pytest
from vm.lab import Outcome
from vm.machine import Boot

pytestmark = [pytest.mark.vm, pytest.mark.scenario("minimal")]


@pytest.fixture
def third(outcome: Outcome) -> Boot:
    """The boot with that word."""
    return outcome.boots[2]


def test_root_is_read_only_as_mount_and_as_file_system(third: Boot) -> None:
    mount, file_system = third["root"].line.split()
    assert mount.split(",")[0] == "ro"
    assert file_system.split(",")[0] == "ro"


def test_root_refuses_writes(third: Boot) -> None:
    assert third["write"].status != 0
    assert "Read-only file system" in third["write"].err


def test_overlays_and_partition_are_writable(third: Boot) -> None:
    assert third["writable"].status == 0, third["writable"]


def test_system_runs_without_trouble(third: Boot) -> None:
    assert third["running"].line == "running"
    assert not third["failed"].line
    assert not third.trouble
