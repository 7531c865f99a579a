"""A dist-upgrade by `rofs chroot` on a machine with little RAM: all of it, or nothing."""

from __future__ import annotations

import pytest
from vm import repository
from vm.lab import Outcome
from vm.machine import Boot

pytestmark = [pytest.mark.vm, pytest.mark.scenario("upgrade")]


@pytest.fixture
def first(outcome: Outcome) -> Boot:
    """The boot after the one in which the power was cut."""
    return outcome.boots[1]


@pytest.fixture
def second(outcome: Outcome) -> Boot:
    """The boot after the upgrade."""
    return outcome.boots[2]


def test_power_cut_half_way_leaves_nothing(boot: Boot, first: Boot) -> None:
    """Of the packages; on flash, it has been half-way."""
    count, *names = boot["half_way"].out.split()
    assert int(count) >= 5
    assert names == ["staging"]
    assert "cut" not in boot.sections
    assert first["before"].out == boot["before"].out
    assert first["verdict"].line.startswith("protected:")
    assert first["running"].line == "running", first["failed"]
    assert first["cut_left"].out.split() == ["staging"]


def test_failing_package_leaves_nothing(first: Boot) -> None:
    assert first["failing"].out.split()[0] == "100"
    assert "all changes were discarded" in first["failing"].out
    assert first["failing_left"].line == "ro"


def test_killed_half_way_it_leaves_nothing(first: Boot) -> None:
    """The processes in the chroot are gone too."""
    count, *processes = first["killed"].out.split()
    assert int(count) > 0
    assert processes == []
    assert first["killed_left"].out.split()[0] == "ro"


def test_flash_is_as_before_outside_of_rofs(first: Boot) -> None:
    """After both of them."""
    assert first["before"].out.split()[0] in first["killed_left"].out


def test_questions_are_asked_on_a_terminal(first: Boot) -> None:
    for answer, left in (("n", ["3", "of the administrator"]), ("y", ["0", "of the package"])):
        said = first[f"asked_{answer}"].out.replace("\r", "").splitlines()
        assert any("rofs-asked (Y/I/N/O/D/Z)" in line for line in said), said
        assert any("Write these changes to flash?" in line for line in said)
        assert said[-3:] == [*left, "ro"]


def test_upgrade_is_written(first: Boot) -> None:
    assert first["status"].line == "0", first["said"].out
    assert repository.count(first["said"].out) >= 15
    assert "written to flash; a reboot completes it" in first["said"].out
    assert first["left"].out.split()[0] == "ro"
    packages = first["packages"].out.splitlines()
    assert len(packages) == 6
    assert all(line.endswith("ii ") for line in packages)
    assert sum(repository.SUFFIX in line for line in packages) == 4


def test_services_go_on(first: Boot) -> None:
    running, *failed, status = first["live"].out.split("\n")[:-1] or [""]
    assert (running, failed, status) == ("running", [], "0")


def test_account_in_ram_hides_that_of_the_package(first: Boot) -> None:
    assert "/etc/passwd: changed on flash now" in first["said"].out
    assert first["conflict"].status == 3


def test_login_says_that_a_reboot_completes_it(first: Boot) -> None:
    assert "reboot" in first["motd"].out


def test_next_boot_has_the_new_packages(second: Boot) -> None:
    upgraded, *audit = second["packages"].out.splitlines()
    assert int(upgraded) >= 15
    assert audit == []
    assert second["status"].line.startswith("protected:")
    assert second["running"].line == "running"
    assert second["sectors"].line == "0"


def test_accounts_capabilities_and_conffiles_came_through(second: Boot) -> None:
    uid, sysuser, owner, *in_ram = second["account"].out.split()
    assert all(100 <= int(number) < 1000 for number in (uid, sysuser))
    assert owner == f"{repository.ACCOUNT}:{repository.SYSUSER}"
    assert in_ram == []
    # Revision 2, effective; cap_net_raw is bit 13.
    assert " 01 00 00 02 00 20 00 00 " in second["files"].out
    assert "4755" in second["files"].out
    assert "diverted" in second["files"].out
    assert second["conffile"].line == "# changed by the administrator"


def test_nothing_of_overlays_and_of_this_machine_is_on_flash(second: Boot) -> None:
    assert second["overlay"].out == ""
    assert second["machine_id"].line == "0"


def test_no_update_services_run(second: Boot) -> None:
    assert second["updates"].out.count("ConditionResult=no") == 3


def test_partition_is_clean(outcome: Outcome) -> None:
    assert outcome.data_state[-1] == "clean"
