"""What the path of a persist shows while its partition is missing; nothing is written to RAM."""

from __future__ import annotations

from typing import Dict

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.probe import Section
from vm.scenarios.missing import GUARDED

pytestmark = [pytest.mark.vm, pytest.mark.scenario("missing")]

READ_ONLY = "Read-only file system"


def states(text: str) -> Dict[str, str]:
    """The active state by unit from `systemctl list-units`."""
    return {line.split()[0]: line.split()[2] for line in text.splitlines()}


def assert_guarded(seen: Section) -> None:
    """A program that writes is told so; there is nothing to be seen."""
    said, rest = seen.out.split("== content\n")
    content, mounts = rest.split("== mounts\n")
    assert said.count(READ_ONLY) == 3, seen
    assert "cat: nothing: No such file or directory" in said
    assert content == ""
    assert mounts.split()[0] == "autofs"
    assert mounts.split()[1].startswith("ro,nosuid,nodev,noexec,")


@pytest.mark.parametrize("name", GUARDED)
def test_writes_fail_without_the_partition(boot: Boot, name: str) -> None:
    assert_guarded(boot[name])


def test_single_file_is_that_of_flash_and_nobody_can_write_to_it(boot: Boot) -> None:
    """Not by renaming over it either; and its unit is not active by that."""
    lines = boot["file"].out.splitlines()
    assert len(lines) == 4 and lines[3] == "on flash", boot["file"]
    assert all(line.endswith("Operation not permitted") for line in lines[:3])


def test_late_device_is_mounted_by_itself(boot: Boot) -> None:
    """The directory over its guard, and the single file, from the moment the device is there."""
    lines = boot["appear"].out.split("== verdict\n")[0].splitlines()
    assert lines[0].endswith("Operation not permitted")
    assert lines[1:5] == ["active", "active", "kept", "kept"], boot["appear"]
    assert lines[5].endswith("Device or resource busy")
    assert lines[6:] == ["autofs", "ext4"]


def test_verdict_follows_a_late_device(boot: Boot) -> None:
    before, later = boot["appear"].out.split("== verdict\n")[1].split("== later\n")
    for path in ("/var/local/late ", "/var/local/late.file "):
        assert f"{path}is not on its partition" in before, boot["appear"]
        assert f"{path}is not on its partition" not in later
    assert "/var/local/gone is not on its partition" in later


def test_no_unit_of_ours_is_logged_as_skipped(boot: Boot) -> None:
    assert boot["skipped"].out == ""


def test_guards_of_single_files_are_no_changes(boot: Boot) -> None:
    shown = {line.split()[-1] for line in boot["diff"].out.splitlines()}
    assert "/var/new" in shown
    assert "/var/local/serial" not in shown, boot["diff"]


def test_volatile_persist_takes_the_writes(boot: Boot) -> None:
    said, rest = boot["ram"].out.split("== content\n")
    assert READ_ONLY not in said
    assert rest == "dir\nfile\nnew\nold\n== mounts\n"


def test_nothing_of_a_guarded_path_is_in_ram(boot: Boot) -> None:
    below = {line.rpartition("/rofs/rw/var/upper/local")[2].split("/")[1]: line
             for line in boot["pool"].out.splitlines()[1:] if line.count("/") > 6}
    assert set(below) == {"ram"}


def test_programs_of_every_stage_are_told(boot: Boot) -> None:
    """One writes from before the overlay on, one after the boot, one asks for the mount."""
    assert boot["services"].out.split() == ["active", "failed", "inactive"]


def test_states_of_units_tell_the_truth(boot: Boot) -> None:
    found = states(boot["states"].out)
    for name in ("gone", "late"):
        assert found[f"rofs-persist-{name}.mount"] == "inactive"
    for name in ("gone", "ram", "wrong", "broken", "late"):
        assert found[f"var-local-{name}.mount"] == "inactive"
    assert found["rofs-persist-wrong.mount"] == "failed"
    assert found["rofs-persist-broken.mount"] == "inactive"
    assert found["systemd-fsck@dev-vdd.service"] == "failed"
    assert found["mnt.mount"] == "inactive"
    assert found["var-local-data.mount"] == "active"


def test_journal_says_what_stands_there_instead(boot: Boot) -> None:
    said = boot["said"].out
    assert "/var/local/gone: persistent, bound from a partition; read-only without it" in said
    assert "/var/local/ram: persistent, bound from a partition; volatile without it" in said


def test_guard_is_back_when_the_unit_is_stopped(boot: Boot) -> None:
    assert boot["stop"].line == "inactive"
    assert_guarded(boot["stopped"])
    assert boot["again"].line == "kept"


def test_reload_changes_nothing(boot: Boot) -> None:
    assert boot["reload"].out.split() == ["inactive", "inactive"]
    assert_guarded(boot["reloaded"])


def test_nothing_was_written_to_the_root_device(outcome: Outcome) -> None:
    assert outcome.boots[0]["sectors"].line == "0"
    assert outcome.identical == [True]


def test_guard_is_back_when_the_medium_is_pulled(boot: Boot) -> None:
    assert boot["pulled_state"].out.split() == ["inactive", "inactive"]
    assert_guarded(boot["pulled"])


def test_medium_that_is_back_has_its_data(boot: Boot) -> None:
    assert boot["replug"].out.splitlines()[:2] == ["before", "after"], boot["replug"]


def test_program_with_an_open_file_is_told_that_the_medium_is_gone(boot: Boot) -> None:
    assert "Input/output error" in boot["busy_said"].out
    assert boot["busy"].out.count(READ_ONLY) + boot["busy"].out.count("Input/output error") >= 3


def test_machine_switches_itself_off(boot: Boot) -> None:
    assert "Power down" in boot.console
    assert "emergency mode" not in boot.console


@pytest.mark.scenario("emergency")
def test_emergency_stops_the_boot(boot: Boot) -> None:
    assert boot["targets"].out.split() == ["active", "inactive", "inactive"]
    assert "Power down" in boot.console


@pytest.mark.scenario("emergency")
def test_emergency_shell_cannot_write_beneath_either(boot: Boot) -> None:
    assert_guarded(boot["gone"])
