"""However a maintenance boot goes, the boot after it is protected."""

from __future__ import annotations

import re
from typing import List

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.probe import Section

pytestmark = [pytest.mark.vm, pytest.mark.scenario("maintenance")]

OFF = 4
READ_ONLY = ["ro ro", "ro ro"]
PLAIN = ["ext4 rw"] * 4
WITHOUT_SOFT_REBOOT = ("bullseye", "bookworm")
# In each of them, systemd kills its own services before it starts them anew.
OF_SOFT_REBOOTS = re.compile(r"systemd-(journald.socket|udevd.service): Failed with result|"
                             "Failed to connect stdout to the journal socket, ignoring")


def plain(section: Section) -> List[str]:
    """Of each path, the type of file system that it is on, and whether that is writable."""
    return [" ".join(line.split()) for line in section.out.splitlines()]


def is_maintenance(boot: Boot, name: str = "status") -> bool:
    """Whether `rofs status` says so."""
    status = boot[name]
    return status.status == OFF and "maintenance boot" in status.out.splitlines()[0]


def is_protected(boot: Boot, name: str = "status") -> bool:
    status = boot[name]
    return status.status == 0 and status.out.startswith("protected:")


def test_soft_reboot_leaves_a_change_pending(outcome: Outcome) -> None:
    first = outcome.boots[0]
    assert first["chroot"].line.splitlines()[-1] == "0", first["chroot"]
    assert ("soft_reboot" in first.sections) == (outcome.suite in WITHOUT_SOFT_REBOOT)
    for name in ("pending", "pending_after"):
        assert is_protected(first, name), first[name]
        assert '"reboot_pending": true' in first[name].out
    told = [[line for line in first[name].out.splitlines() if "warning: " in line]
            for name in ("pending", "pending_after")]
    assert told[0] == told[1] and len(told[0]) == 1, first["pending_after"]
    assert first["content"].out.splitlines() == ["in RAM", "on flash", "new"]
    assert first["running_after"].line == "running", first["failed_after"]
    assert first["flags_after"].out.splitlines() == READ_ONLY


def test_interrupted_transaction_is_completed_by_a_maintenance_boot(outcome: Outcome) -> None:
    """Which is not the one that was asked for: that comes after a reboot."""
    asked, completed, maintained = outcome.boots[:3]
    assert asked["maintenance"].line.splitlines()[-1] == "0", asked["maintenance"]
    # The file itself may or may not have been switched when the command was killed.
    assert {"commit", "maintenance"} <= set(asked["interrupted"].out.split())
    assert asked["flags"].out.splitlines() == READ_ONLY
    assert completed.sections == {}
    assert "Restarting system" in completed.console
    assert is_maintenance(maintained), maintained["status"]
    assert maintained["content"].out.splitlines() == ["on flash", "committed"]


def test_maintenance_boot_stays_one_after_emergency_mode(outcome: Outcome) -> None:
    maintained = outcome.boots[2]
    assert [maintained[name].line for name in ("emergency", "back")] == ["active", "active"]
    assert maintained["reload"].out == ""
    for where in ("emergency", "back"):
        assert plain(maintained[f"mounts_{where}"]) == PLAIN
        assert is_maintenance(maintained, f"status_{where}"), maintained[f"status_{where}"]
    assert maintained["running_back"].line == "running"
    for name in ("left", "left_back"):
        assert not {"commit", "maintenance"} & set(maintained[name].out.split())


def test_maintenance_boot_that_fails_is_in_emergency_mode(outcome: Outcome) -> None:
    failed = outcome.boots[4]
    assert failed["target"].out.split() == ["emergency"]
    for name in ("status", "status_after"):
        assert is_maintenance(failed, name), failed[name]
    assert "maintenance" not in failed["left"].out.split()
    assert (failed["reload"].out, plain(failed["mounts"])) == ("", PLAIN)


@pytest.mark.parametrize("number", [3, 5])
def test_boot_after_it_is_protected(outcome: Outcome, number: int) -> None:
    boot = outcome.boots[number]
    assert is_protected(boot), boot["status"]
    assert boot["running"].line == "running", boot["failed"]
    assert boot["flags"].out.splitlines() == READ_ONLY
    assert boot["content"].out.splitlines() == ["on flash", "committed", "new"]
    assert boot["diff"].out == ""
    assert "maintenance" not in boot["left"].out.split()
    assert boot["maintenance"].line.splitlines()[-1] == "0", boot["maintenance"]


def test_soft_reboot_ends_maintenance(outcome: Outcome) -> None:
    boot = outcome.boots[6]
    assert is_maintenance(boot), boot["status"]
    if outcome.suite in WITHOUT_SOFT_REBOOT:
        assert is_maintenance(boot, "status_after")
        return
    assert is_protected(boot, "status_after"), boot["status_after"]
    assert boot["running_after"].line == "running", boot["failed_after"]
    assert boot["flags_after"].out.splitlines() == READ_ONLY


def test_last_boot_is_protected(outcome: Outcome) -> None:
    last = outcome.boots[7]
    assert is_protected(last), last["status"]
    assert last["running"].line == "running", last["failed"]
    assert last["flags"].out.splitlines() == READ_ONLY


def test_file_system_is_clean(outcome: Outcome) -> None:
    assert {status for status, _ in outcome.root_fsck.values()} == {0}, outcome.root_fsck
    assert outcome.data_state[-1] == "clean"


def test_console_shows_no_trouble(outcome: Outcome) -> None:
    """But for the service that is to fail."""
    trouble = [line for boot in outcome.boots[:4] + outcome.boots[5:] for line in boot.trouble]
    assert [line for line in trouble if not OF_SOFT_REBOOTS.search(line)] == []
