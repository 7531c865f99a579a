"""Roots on btrfs, xfs, squashfs, erofs and f2fs: protected as on ext4."""

from __future__ import annotations

import json

import pytest
from vm.image import XATTR_NAMES
from vm.lab import Outcome
from vm.machine import Boot
from vm.probe import Section
from vm.scenarios.basic import OVERLAYS, both_permissions

FSTYPES = ("btrfs", "xfs", "squashfs", "erofs", "f2fs")
NO_ACLS = ("squashfs", "f2fs")
NO_ATTRIBUTES = ("f2fs",)  # The program that fills it sets none.
# xfs clears the part of its log that comes next at each mount, a read-only one too: 2 MiB.
WRITES_WHEN_MOUNTED = ("xfs",)
# Nothing can be kept on these.
UNWRITABLE = ("squashfs", "erofs")

pytestmark = [
    pytest.mark.vm,
    pytest.mark.parametrize("fstype", [
        pytest.param(name, marks=pytest.mark.scenario(f"root-{name}")) for name in FSTYPES]),
]


def test_system_is_running(boot: Boot, fstype: str) -> None:
    assert boot["running"].line == "running", boot["failed"].out
    assert boot["failed"].line == ""
    assert boot["journal_trouble"].line == ""
    assert boot["journal_warnings"].line == ""


def test_console_shows_no_trouble_until_power_off(boot: Boot, fstype: str) -> None:
    assert "Power down" in boot.console
    assert boot.trouble == [], boot.log


def test_root_is_what_it_is_said_to_be_and_read_only(boot: Boot, fstype: str) -> None:
    found, options = boot["root"].out.split()
    assert found == fstype
    assert "ro" in options.split(",")
    assert boot["readonly"].err.count("Read-only file system") == 3


def test_everything_from_the_root_device_is_read_only(boot: Boot, fstype: str) -> None:
    mounts = json.loads(boot["mounts"].out)["filesystems"]
    from_root = [m for m in mounts if m["source"].startswith("/dev/vda")]
    assert {"/", "/rofs/ro"} <= {m["target"] for m in from_root}
    for mount in from_root:
        assert "ro" in mount["options"].split(","), mount


def test_overlays_are_in_place_once(boot: Boot, fstype: str) -> None:
    assert boot["bound"].out.split() == ["overlay"] * 3
    mounts = json.loads(boot["mounts"].out)["filesystems"]
    targets = [m["target"] for m in mounts if m["fstype"] == "overlay"]
    assert sorted(targets) == sorted(set(targets))


@pytest.mark.parametrize("name", OVERLAYS)
def test_merged_root_has_the_permissions_of_the_lower(boot: Boot, fstype: str, name: str) -> None:
    lower, merged = both_permissions(boot[f"permissions_{name}"])
    for attribute in XATTR_NAMES if fstype not in NO_ATTRIBUTES else ():
        assert attribute in lower
    if name == "home" and fstype not in NO_ACLS:
        assert "user:1:--x" in lower
    assert merged == lower


def test_changes_are_in_the_merged_view_only(boot: Boot, fstype: str) -> None:
    assert boot["change"].status == 0, boot["change"].err
    assert boot["merged"].status == 0
    assert boot["merged"].out == "changed\n" * 3
    assert boot["lower"].out == "flash\non flash\non flash\n127.0.0.1 localhost flash\n"


def test_reload_changes_nothing(boot: Boot, fstype: str) -> None:
    assert boot["reload"].status == 0
    assert "  ./etc.mount\n" in boot["early_before"].out
    assert boot["early_after"].out == boot["early_before"].out
    assert boot["running_after"].line == "running"


def test_root_device_is_not_written(outcome: Outcome, fstype: str) -> None:
    boot = outcome.boots[0]
    assert boot["sectors"].line == boot["sectors_early"].line
    assert outcome.data_state == ["clean"] * len(outcome.boots)
    if fstype not in WRITES_WHEN_MOUNTED:
        assert boot["sectors"].line == "0"
    if fstype in UNWRITABLE:
        assert outcome.identical == [True]


def test_changes_are_kept_where_the_root_can_be_written(outcome: Outcome, fstype: str) -> None:
    boot = outcome.boots[0]
    if fstype in UNWRITABLE:
        assert_refused(boot["commit"], fstype)
        assert boot["commit_flash"].out.splitlines()[:3] == ["flash", "on flash", "etc/hosts"]
    else:
        assert boot["commit"].out.splitlines()[-1] == "0", boot["commit"]
        assert boot["commit_flash"].out.splitlines()[:2] == ["changed", "changed"]
        assert "etc/hosts" in boot["commit_flash"].err
    assert boot["commit_flags"].out.splitlines() == ["ro ro", "ro ro"]
    assert boot["commit_readonly"].err.count("Read-only file system") == 3
    for later in outcome.boots[1:]:
        assert_shows_what_was_committed(later, boot)


def assert_shows_what_was_committed(boot: Boot, before: Boot) -> None:
    assert boot["running"].line == "running", boot["failed"].out
    assert boot["root"].line == before["root"].line
    assert boot["readonly"].err.count("Read-only file system") == 3
    assert boot["committed"].out.split() == ["changed", "changed", "/etc/by-chroot"]
    assert "/etc/hosts" in boot["committed"].err
    assert boot["diff"].out == ""


def assert_refused(section: Section, fstype: str) -> None:
    """One sentence that names the type, and exit status 3."""
    assert section.out.splitlines()[-1] == "3", section
    assert len(section.err.splitlines()) == 1
    assert section.err.startswith("rofs: ") and fstype in section.err


def test_chroot_and_maintenance_write_where_the_root_can_be_written(
    outcome: Outcome, fstype: str
) -> None:
    boot = outcome.boots[0]
    if fstype in UNWRITABLE:
        assert_refused(boot["maintenance"], fstype)
        assert_refused(boot["chroot"], fstype)
    else:
        assert boot["maintenance"].out.splitlines()[-1] == "0", boot["maintenance"]
        assert boot["chroot"].out.splitlines()[-1] == "0", boot["chroot"]
        assert boot["chroot_flash"].line == "/rofs/ro/etc/by-chroot"
    assert boot["cancel"].status == 0, boot["cancel"]


def test_root_is_sound(outcome: Outcome, fstype: str) -> None:
    assert [status for status, _ in outcome.root_fsck.values()] == (
        [] if fstype in UNWRITABLE else [0] * len(outcome.boots)), outcome.root_fsck
