"""A kernel that `rofs chroot` has installed is what the boot loader on the disk boots next."""

from __future__ import annotations

import pytest
from vm.lab import Outcome

pytestmark = [
    pytest.mark.vm,
    pytest.mark.parametrize("boot_type", [
        pytest.param(name, marks=pytest.mark.scenario(f"bootloader-{name}"))
        for name in ("root", "ext4", "vfat", "btrfs")]),
]


def test_machine_was_set_up(outcome: Outcome, boot_type: str) -> None:
    setup = outcome.boots[0]
    assert setup["status"].line == "0", setup["said"].out
    own = [boot_type] if boot_type in ("ext4", "vfat") else []
    assert outcome.boots[1]["kernel"].out.splitlines()[2:] == own


def test_what_is_discarded_changes_nothing(outcome: Outcome, boot_type: str) -> None:
    first = outcome.boots[1]
    assert first["discarded"].line == "7"
    assert first["discarded_left"].out == first["before"].out


def test_refused_name_is_told_before_anything_is_written(
        outcome: Outcome, boot_type: str) -> None:
    first = outcome.boots[1]
    if boot_type != "vfat":
        assert first["name"].line.endswith("0")
        return
    assert first["name"].line.endswith("3")
    assert "cannot write a:b to /boot: Invalid argument" in first["name"].err
    assert first["name_left"].out.startswith(first["before"].out)
    assert ".rofs-new" not in first["name_left"].out


def test_kernel_is_installed(outcome: Outcome, boot_type: str) -> None:
    first = outcome.boots[1]
    assert first["status"].line == "0", first["said"].out
    said = first["said"].out
    assert "Found linux image: /boot/vmlinuz-" in said
    assert "written to flash; a reboot completes it" in said
    assert first["left"].out.split()[0] == "ro"
    assert first["package"].line == "new"
    where = {"root": "/boot", "btrfs": "/@/boot"}.get(boot_type, "")
    assert f"{where}/vmlinuz-" in first["grub"].out
    assert ("rootflags=subvol=@ " in first["grub"].out) == (boot_type == "btrfs")
    assert "/rofs" not in first["grub"].out
    assert ".rofs-new" not in first["left"].out


def test_next_boot_has_the_new_kernel(outcome: Outcome, boot_type: str) -> None:
    first, second = outcome.boots[1:]
    old, new = (boot["kernel"].out.split()[0] for boot in (first, second))
    assert (old.replace("-amd64", "-cloud-amd64"), "cloud" in old) == (new, False)
    assert f"vmlinuz-{new} " in second["kernel"].out
    assert f"/{new}/" in second["modules"].out
    assert second["package"].line == "new"


def test_next_boot_is_protected(outcome: Outcome, boot_type: str) -> None:
    second = outcome.boots[2]
    assert second["status"].line.startswith("protected:")
    assert second["running"].line == "running", second["failed"].out
    assert second["sectors"].line == "0"
    assert second["overlay"].out == ""


def test_console_shows_no_trouble(outcome: Outcome, boot_type: str) -> None:
    assert [boot.trouble for boot in outcome.boots] == [[], [], []]
