"""A root on btrfs beside subvolumes that fstab mounts writable."""

from __future__ import annotations

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.subvolumes import WRITABLE

pytestmark = [pytest.mark.vm, pytest.mark.scenario("subvolumes")]


def test_check_names_all_writable_subvolumes_and_the_cure(first: Boot) -> None:
    assert first["check"].status == 0
    for path in WRITABLE:
        line = next(line for line in first["check"].out.splitlines()
                    if f"fstab mounts {path} writable" in line)
        assert line.startswith("/etc/fstab:")
        assert "expected ro here" in line


def test_status_says_what_is_writable(first: Boot) -> None:
    assert first["status"].out.startswith("partial: ")


@pytest.mark.parametrize("number", [0, 1])
def test_root_cannot_be_written(outcome: Outcome, number: int) -> None:
    """The other subvolumes share its superblock, and not its mounts."""
    assert outcome.boots[number]["root"].err.count("Read-only file system") == 3


def test_cured_machine_is_protected(second: Boot) -> None:
    assert second["status"].out.startswith("protected: "), second["status"]
    assert second["running"].line == "running", second["failed"]
    assert second["failed"].line == ""
    assert second["journal_trouble"].line == ""
    assert second["journal_warnings"].line == ""


def test_cured_subvolumes_are_mounted_read_only(second: Boot) -> None:
    assert second["write"].err.count("Read-only file system") == len(WRITABLE)


def test_cured_machine_writes_nothing(outcome: Outcome, second: Boot) -> None:
    assert second["sectors"].line == "0"
    assert outcome.identical[1]
    assert second.trouble == [], second.log
