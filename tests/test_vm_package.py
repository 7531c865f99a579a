"""The Debian package, from the installation to an ordinary system without it."""

from __future__ import annotations

import pytest
from vm import guide, image
from vm.deb import version
from vm.lab import Outcome
from vm.machine import Boot

pytestmark = [pytest.mark.vm, pytest.mark.scenario("package")]


@pytest.fixture
def upgraded(outcome: Outcome) -> Boot:
    return outcome.boots[2]


@pytest.fixture
def ordinary(outcome: Outcome) -> Boot:
    return outcome.boots[3]


@pytest.mark.parametrize("number", range(4))
def test_nothing_goes_wrong(outcome: Outcome, number: int) -> None:
    boot = outcome.boots[number]
    assert boot.trouble == [], boot.log
    assert boot["journal_trouble"].out == boot["journal_warnings"].out == ""


def test_installation_changes_nothing(first: Boot) -> None:
    assert first["stock"].out == ""
    assert first["install"].status == 0, first["install"].out + first["install"].err
    assert first["state"].out == f"{version()}-1 installed 700\n"
    assert first["untouched"].out == "running\n/etc/rofs.conf\n/usr/bin/rofs\n/usr/lib/rofs\n"


def test_tests_of_the_package_pass(first: Boot, second: Boot) -> None:
    assert first["test_plan"].status == 0, first["test_plan"].err
    assert first["test_boot"].status == 0, first["test_boot"].err
    assert first["test_boot"].out.endswith("reboot protected\n")
    assert second["test_boot"].status == 0, second["test_boot"].out + second["test_boot"].err


def test_what_rofs_suggests_is_accepted(first: Boot) -> None:
    assert first["declare"].status == 0, first["declare"].err
    for line in ("[Overlay /etc]", "[Overlay /var]", "[Partition data]"):
        assert line in first["declare"].out.splitlines()
    assert first["check"].status == first["check_after"].status == 0, first["check"]


def test_initramfs_as_installed_is_cured_by_the_suggested_command(first: Boot) -> None:
    command = f"echo {image.CURE.strip()} >{image.CURE_PATH} && {image.CURE_COMMAND}"
    assert f"run: {command}" in " ".join(first["check"].out.split())
    assert command in guide.commands("docs/guides/debian.md")
    status, *_, made = first["cure"].out.splitlines()
    assert status == "0", first["cure"].out
    assert made.startswith("/boot/initrd.img-")
    assert "fsck" not in first["check_after"].out


def test_machine_is_protected_after_the_reboot(second: Boot) -> None:
    assert second["status"].line.startswith("protected:")
    assert "/var/local/data" in second["status"].line
    assert " rofs " in second["findmnt"].out
    assert second["diff"].status == 0
    assert second["running"].line == "running"
    assert second["sectors"].line == "0"


def test_setting_is_there_in_all_later_boots(outcome: Outcome) -> None:
    assert outcome.boots[1]["setting"].status == 0, outcome.boots[1]["setting"]
    assert {boot["setting"].out for boot in outcome.boots[2:]} == {"kiosk\nkiosk\n"}


def test_upgrade_in_ram_is_refused(second: Boot) -> None:
    assert "rofs chroot apt-get upgrade" in second["upgrade"].out + second["upgrade"].err
    assert second["upgrade"].out.endswith(f"{version()}-1 installed")


def test_removal_in_ram_is_refused(second: Boot) -> None:
    text = second["remove"].out + second["remove"].err
    assert "rofs chroot apt-get remove rofs" in text
    assert f"{version()}-1 installedprotected:" in second["remove"].out


def test_upgrade_of_the_system_on_flash(second: Boot, upgraded: Boot) -> None:
    assert second["chroot_update"].status == 0, second["chroot_update"].out
    assert second["chroot"].status == 0, second["chroot"].out
    assert "machine is protected" not in second["chroot"].out + second["chroot"].err
    assert second["on_flash"].out == f"{version()}-2 installed"
    assert upgraded["state"].out == f"{version()}-2 installed"
    assert upgraded["status"].line.startswith("protected:")
    assert upgraded["running"].line == "running"
    assert upgraded["sectors"].line == "0"


def test_metrics_are_written_once_the_timer_is_enabled(second: Boot, upgraded: Boot) -> None:
    assert second["metrics_enabled"].status == 0, second["metrics_enabled"].err
    assert "active (" in upgraded["metrics_timer"].out
    assert upgraded["metrics"].out == "rofs_protected 1\n", upgraded["metrics"].err


def test_removal_that_ends_in_a_read_only_boot_is_refused(upgraded: Boot) -> None:
    assert upgraded["read_only"].status != 0
    assert 'Replace "ro" by "rw"' in upgraded["read_only"].out + upgraded["read_only"].err
    assert upgraded["kept"].out == "LABEL=root / ext4 errors=remount-ro 0 1\n" \
        "/rofs/ro/usr/bin/rofs\n"


def test_purge_leaves_an_ordinary_system(upgraded: Boot, ordinary: Boot) -> None:
    assert upgraded["purge"].status == 0, upgraded["purge"].out
    text = (upgraded["purge"].out + upgraded["purge"].err).replace("\r", "")
    assert "    /var/local/data\n" in text
    assert "/rofs on flash was left" in text
    assert upgraded["root"].line == "ro"
    assert upgraded["running_after"].line == "running"
    assert ordinary["running"].line == "running", ordinary["failed"].out
    assert ordinary["root"].line == "rw"
    assert ordinary["writable"].status == 0
    assert ordinary["traces"].out == ""
    assert ordinary["fsck"].line == "active"


def test_what_is_left_can_be_removed(ordinary: Boot) -> None:
    assert "kept." in ordinary["left"].out
    assert "no packages found" in ordinary["left"].err
    assert ordinary["left"].status == 0


def test_way_back_from_a_read_only_boot(outcome: Outcome) -> None:
    boot = outcome.boots[4]
    assert boot["root"].line == "ro"
    assert boot["back"].status == 0, boot["back"].err
    assert boot["back"].out == "LABEL=root / ext4 rw 0 1\n"
    assert boot["root_after"].line == "rw"
