"""What the initramfs writes before rofs can act, and what stops it: see its scenarios."""

from __future__ import annotations

import json
from typing import Dict, List

import pytest
from vm import image
from vm.lab import Outcome
from vm.machine import Boot

pytestmark = pytest.mark.vm
installed = pytest.mark.scenario("installed")
torn_root = pytest.mark.scenario("torn-root")
dracut = pytest.mark.scenario("dracut")
dracut_usr = pytest.mark.scenario("dracut-usr")
dracut_installed = pytest.mark.scenario("dracut-installed")
EVERY_DRACUT = [pytest.param(None, marks=mark, id=mark.args[0])
                for mark in (dracut, dracut_usr, dracut_installed)]
# Of a superblock and of that of the journal, in blocks of 4 KiB.
FSCK_SECTORS = 16


def kinds(boot: Boot, section: str) -> Dict[str, str]:
    """What a problem's sentence and reason say, by kind."""
    return {problem["kind"]: f"{problem['message']}: {problem['reason']}"
            for problem in json.loads(boot[section].out)["problems"]}


def sectors(boot: Boot) -> List[int]:
    """Written to the root, and where there is one to the disk of /usr."""
    return [int(line) for line in boot["sectors"].out.split()]


@installed
def test_as_installed_the_initramfs_writes_to_the_root(outcome: Outcome) -> None:
    boot = outcome.boots[0]
    assert sectors(boot) == [FSCK_SECTORS]
    assert not outcome.identical[0]
    assert "fsck-root" in boot["trace"].out


@installed
def test_check_prints_the_cure_that_other_scenarios_have_had(first: Boot) -> None:
    cure = f"echo {image.CURE.strip()} >{image.CURE_PATH} && {image.CURE_COMMAND}"
    assert cure in kinds(first, "check_json")["fsck-in-initramfs"]
    assert cure in kinds(first, "status_json")["root-written"]
    assert f"{FSCK_SECTORS} sectors" in kinds(first, "status_json")["root-written"]


@installed
def test_nothing_is_written_with_fsck_mode_skip(second: Boot) -> None:
    assert sectors(second) == [0]
    assert "fsck-root" not in second["trace"].out
    assert "fsck-in-initramfs" not in kinds(second, "check_json")
    assert kinds(second, "status_json") == {}


@installed
@pytest.mark.parametrize("number", [0, 1])
def test_the_rest_is_as_ever(outcome: Outcome, number: int) -> None:
    boot = outcome.boots[number]
    assert boot["running"].line == "running", boot["failed"]
    assert boot["status"].status == 0, boot["status"]
    assert boot.trouble == [], boot.log


@pytest.mark.parametrize("scenario", EVERY_DRACUT)
class TestSystemdInTheInitramfs:
    """What holds whatever this initramfs does."""

    def test_system_runs_without_trouble(self, boot: Boot, scenario: None) -> None:
        assert boot["running"].line == boot["running_after"].line == "running", boot["failed"]
        assert not boot["journal_trouble"].out and not boot["journal_warnings"].out
        assert int(boot["initrd"].out.split()[0]) > 0

    def test_console_shows_no_trouble(self, outcome: Outcome, scenario: None) -> None:
        boot = outcome.boots[0]
        assert "Power down" in boot.console
        # systemd-shutdown runs from /usr and cannot unmount it; it says so without rofs too.
        assert [line for line in boot.trouble if not (outcome.scenario.disks and (
            "unmount /usr: " in line or "Failed to finalize file systems" in line))] == []

    def test_everything_is_in_force(self, boot: Boot, scenario: None) -> None:
        assert boot["status"].status == 0, boot["status"]
        assert boot["status"].out.startswith("protected: / read-only")
        assert "'/new'" in boot["writable"].err and boot["writable"].err.count("\n") == 1
        mount, file_system = boot["root"].line.split()
        assert mount.split(",")[0] == file_system.split(",")[0] == "ro"

    def test_generator_acts_in_the_real_root_only(self, boot: Boot, scenario: None) -> None:
        assert boot["said"].out.splitlines() == [
            "3 overlay(s), 1 persist(s) on 1 partition(s), / kept read-only"]
        assert boot["early_before"].out == boot["early_after"].out
        assert "rofs-overlay-var.mount" in boot["early_before"].out

    def test_machine_has_one_id(self, boot: Boot, scenario: None) -> None:
        ids = boot["machine_id"].out.split()
        assert len(ids) >= 2 and len(set(ids)) == 1, boot["machine_id"]

    def test_journal_is_read_back(self, boot: Boot, scenario: None) -> None:
        assert all(int(lines) > 50 for lines in boot["journal"].out.split())


@dracut_installed
def test_fsck_of_dracut_writes_to_the_root(outcome: Outcome) -> None:
    boot = outcome.boots[0]
    assert sectors(boot)[0] == FSCK_SECTORS
    cure = f"echo '{image.DRACUT_CURE.strip()}' >{image.DRACUT_CURE_PATH} && {image.DRACUT_COMMAND}"
    assert cure in kinds(boot, "check_json")["fsck-in-initramfs"]
    assert cure in kinds(boot, "status_json")["root-written"]


@dracut
def test_nothing_is_written_after_the_cure_of_dracut(outcome: Outcome) -> None:
    boot = outcome.boots[0]
    assert sectors(boot) == [0]
    assert outcome.identical[0]
    assert "fsck-in-initramfs" not in kinds(boot, "check_json")
    assert kinds(boot, "status_json") == {}


@dracut_usr
def test_root_and_usr_are_read_only_in_spite_of_rw(boot: Boot) -> None:
    device, mount, file_system = boot["usr"].line.split()
    assert device == "/dev/vdc"
    assert mount.split(",")[0] == file_system.split(",")[0] == "ro"
    assert "Read-only file system" in boot["usr"].err


@dracut_usr
def test_mounting_writable_in_the_initramfs_is_told(boot: Boot) -> None:
    assert "cmdline-writable" in kinds(boot, "check_json")
    assert "rw on the kernel command line" in kinds(boot, "status_json")["root-written"]


@torn_root
def test_torn_superblock_of_the_root_ends_the_boot(outcome: Outcome) -> None:
    """Whether fsck runs or not: what prevents that is that nothing is written to the root."""
    checked, unchecked = (boot.console for boot in outcome.boots)
    assert "fsck exited with status code 8" in checked
    assert "Fast boot enabled, so skipping root file system check" in unchecked
    for console in (checked, unchecked):
        assert "ext4 filesystem with invalid superblock checksum" in console
        assert "Failed to mount /dev/vda as root file system" in console
        assert "Welcome to" not in console
