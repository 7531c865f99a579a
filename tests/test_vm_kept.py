"""Overlays on a partition, with and without it; partitions that are formatted and grown."""

from __future__ import annotations

from typing import List

import pytest
from vm.disk import MIB
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.kept import FOREIGN

pytestmark = [pytest.mark.vm, pytest.mark.scenario("kept")]


def assert_one_id(boot: Boot) -> None:
    """Files, D-Bus and the journal's directory have the same one; nothing is left mounted."""
    ids: List[str] = boot["id"].out.split()
    assert len(ids) == 3 and len(set(ids)) == 1, boot["id"]
    lines, directory = boot["journal"].out.split()
    assert int(lines) > 100
    assert directory == ids[0]
    assert boot["id_mount"].line == ""
    assert boot["id_lower"].line == "0"


def test_changes_are_kept(second: Boot) -> None:
    assert second["kept"].out.splitlines() == [
        "changed", "x", "changed", "711", "tester", "/home/tester"]
    assert "/etc/to-delete" in second["kept"].err


def test_changes_in_ram_beside_them_are_not(second: Boot) -> None:
    assert second["forgotten"].line == "on flash"


@pytest.mark.parametrize("number", [0, 1])
def test_each_boot_has_one_id(outcome: Outcome, number: int) -> None:
    assert_one_id(outcome.boots[number])


@pytest.mark.parametrize("number", [0, 1])
def test_nothing_but_the_refused_partition_failed(outcome: Outcome, number: int) -> None:
    failed = [line.split()[0] for line in outcome.boots[number]["failed"].out.splitlines()]
    assert failed == ["rofs-format-foreign.service", "rofs-verify.service"]
    assert outcome.boots[number]["journal_trouble"].line == ""


@pytest.mark.parametrize("number", [0, 1])
def test_nothing_fails_to_be_unmounted(outcome: Outcome, number: int) -> None:
    boot = outcome.boots[number]
    assert "Power down" in boot.console
    assert not [line for line in boot.trouble if "mounting" in line], boot.log


def test_root_is_untouched_and_the_partition_clean(outcome: Outcome) -> None:
    assert outcome.identical == [True, True]
    assert [boot["sectors"].line for boot in outcome.boots] == ["0", "0"]
    assert outcome.data_state == ["clean", "clean"]
    assert [status for status, _ in outcome.data_fsck] == [0, 0], outcome.data_fsck


def test_blank_partition_is_formatted_once(first: Boot, second: Boot) -> None:
    assert "ext4   /dev/vdc" in first["formatted"].out
    assert "/dev/vdc was blank; created a file system of type ext4" in first["formatted"].out
    assert second["formatted"].out.splitlines()[0] == "kept"
    assert "was blank" not in second["formatted"].out


def test_partition_with_data_is_not_formatted(first: Boot) -> None:
    seen = first["foreign"]
    assert FOREIGN.decode() in seen.out
    assert "/dev/vde has no file system but is not blank" in seen.out
    assert "Read-only file system" in seen.err


def test_overlay_has_the_flags_of_its_partition(first: Boot) -> None:
    assert {"nosuid", "nodev"} <= set(first["flags"].line.split(","))


def test_file_system_is_grown(first: Boot) -> None:
    assert int(first["grown"].line.split()[-1]) > 24 * MIB


def test_no_mount_is_logged_as_skipped(outcome: Outcome) -> None:
    for boot in outcome.boots:
        assert boot["skipped"].out == ""


@pytest.mark.scenario("instead")
def test_without_the_partition_the_system_runs_in_ram(first: Boot) -> None:
    assert first["running"].line == "degraded"
    assert [line.split()[0] for line in first["failed"].out.splitlines()] == [
        "rofs-verify.service"]
    assert first["volatile"].out.split() == [
        "/rofs/rw/etc/upper/new", "/rofs/rw/var/upper/new"]
    assert first["state"].line == "kept"
    assert_one_id(first)


@pytest.mark.scenario("instead")
def test_without_the_partition_the_plain_lower_is_read_only(first: Boot) -> None:
    for name, lower in (("plain", "on flash"), ("lower", "srv tmpfs ro")):
        assert "Read-only file system" in first[name].err
        assert " ".join(first[name].out.split()).startswith(lower)


@pytest.mark.scenario("instead")
def test_units_say_that_the_partition_is_missing(first: Boot) -> None:
    states = {line.split()[0]: line.split()[2] for line in first["states"].out.splitlines()}
    assert states["var.mount"] == states["etc.mount"] == "active"
    for unit in ("rofs-overlay-var.mount", "rofs-overlay-etc.mount", "rofs-persist-gone.mount",
                 "home.mount"):
        assert states[unit] == "inactive"
    assert first["reload"].out.split() == ["active", "active"]


@pytest.mark.scenario("instead")
def test_timeout_begins_when_udev_is_asked_for_devices(first: Boot) -> None:
    """Not at the start of the boot: the partition that is there is mounted."""
    lines = first["there"].out.splitlines()
    assert lines[:2] == ["autofs", "ext4"], first["there"]
    assert len(lines) > 2 and all("label/gone" in line for line in lines[2:])


@pytest.mark.scenario("instead")
def test_late_partition_takes_what_was_read_only(first: Boot) -> None:
    """What is in RAM stays there: nothing that was written since the boot is hidden."""
    shown, verdict = first["late"].out.split("== verdict\n")
    new, notes, srv, *volatile = shown.splitlines()
    assert (new, notes) == ("new", "on flash"), first["late"]
    assert srv.split() == ["srv", "tmpfs"]
    assert volatile == ["/rofs/rw/var/upper/later", "/rofs/rw/var/upper/new", *["active"] * 4]
    assert "/var is not kept on its partition" in verdict
    assert "/home is not kept on its partition" not in verdict


@pytest.mark.scenario("instead")
def test_without_the_partition_nothing_is_written(outcome: Outcome) -> None:
    assert outcome.boots[0]["sectors"].line == "0"
    assert outcome.identical == [True]
