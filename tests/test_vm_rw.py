"""With rw on the kernel command line and no / in fstab the root is read-only all the same."""

from __future__ import annotations

import pytest
from vm.machine import Boot

pytestmark = [pytest.mark.vm, pytest.mark.scenario("rw")]


def test_root_is_read_only_as_mount_and_as_file_system(boot: Boot) -> None:
    mount, file_system = boot["root"].line.split()
    assert mount.split(",")[0] == "ro"
    assert file_system.split(",")[0] == "ro"


def test_root_refuses_writes(boot: Boot) -> None:
    assert boot["write"].status != 0
    assert "Read-only file system" in boot["write"].err


def test_overlays_and_partition_are_writable(boot: Boot) -> None:
    assert boot["writable"].status == 0, boot["writable"]


def test_system_runs_without_trouble(boot: Boot) -> None:
    assert boot["running"].line == "running"
    assert not boot["failed"].line
    assert not boot.trouble
