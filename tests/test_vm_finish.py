"""After a power cut in a transaction, what rofs-finish(8) says of the boots that follow."""

from __future__ import annotations

import pytest
from vm.lab import Outcome
from vm.machine import Boot

pytestmark = [pytest.mark.vm, pytest.mark.scenario("finish")]

OFF = 4
READ_ONLY = ["ro ro", "ro ro"]


@pytest.fixture
def finished(outcome: Outcome) -> Boot:
    """The boot after the one that has completed what is on the root file system."""
    return outcome.boots[2]


@pytest.fixture
def stuck(outcome: Outcome) -> Boot:
    """A boot with a transaction whose record is damaged."""
    return outcome.boots[4]


def test_transaction_is_interrupted_after_the_mark(boot: Boot) -> None:
    on_root, at_home = boot["left"].out.split("\n\n")
    assert "commit" in on_root.split()
    assert at_home.startswith("staging.")
    assert boot["flags"].out.splitlines() == READ_ONLY


def test_root_is_completed_before_a_reboot(outcome: Outcome) -> None:
    unfinished = outcome.boots[1]
    assert unfinished.sections == {}
    assert "Restarting system" in unfinished.console


def test_other_file_system_is_completed_once_it_is_mounted(finished: Boot) -> None:
    assert finished["content"].out.splitlines() == ["committed", "committed", "notes"]
    assert finished["diff"].out == ""
    on_root, at_home = finished["left"].out.split("\n\n")
    assert on_root.split() == ["kept.1", "log"]
    assert at_home.split() == ["kept.1"]
    assert "completed the transaction that was interrupted, on /rofs/ro/home" in \
        finished["said"].out


def test_then_the_machine_is_protected(finished: Boot) -> None:
    assert finished["status"].line.startswith("protected:")
    assert finished["running"].line == "running", finished["failed"]
    assert finished["flags"].out.splitlines() == READ_ONLY


def test_what_cannot_be_completed_does_not_end_the_boot(stuck: Boot) -> None:
    assert "its record is damaged" in stuck["said"].out
    assert stuck["status"].status == 1
    assert "not complete" in stuck["status"].out
    assert stuck["running"].line == "degraded"
    assert {line.split()[0] for line in stuck["failed"].out.splitlines()} == {
        "rofs-finish.service", "rofs-verify.service"}
    assert stuck["flags"].out.splitlines() == READ_ONLY


def test_no_other_transaction_is_possible(stuck: Boot) -> None:
    statuses = [line for line in stuck["others"].out.splitlines() if line.isdigit()]
    assert statuses == ["3", "3", "3", "0"], stuck["others"]
    assert "commit" in stuck["left"].out.split()


def test_maintenance_boot_is_for_removing_it(outcome: Outcome) -> None:
    repaired, after = outcome.boots[5:]
    assert repaired["status"].status == OFF
    assert "maintenance boot" in repaired["status"].out
    assert repaired["record"].out == "damaged\n"
    assert "commit" not in repaired["remove"].out.split()
    assert after["status"].line.startswith("protected:")
    assert after["running"].line == "running", after["failed"]
    assert after["commit"].out.splitlines()[-1] == "0", after["commit"]
    assert after["flags"].out.splitlines() == READ_ONLY


def test_file_systems_are_clean(outcome: Outcome) -> None:
    assert {status for status, _ in outcome.root_fsck.values()} == {0}, outcome.root_fsck
    assert outcome.disks[-1][0].state == "clean"


def test_console_shows_no_trouble(outcome: Outcome) -> None:
    """But for the boots in which rofs-finish.service is to fail."""
    healthy = outcome.boots[:4] + outcome.boots[6:]
    assert [boot.trouble for boot in healthy] == [[]] * len(healthy)
