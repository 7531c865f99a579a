"""Full RAM pools, pools of their own, mount flags, directories that start empty."""

from __future__ import annotations

import pytest
from vm.image import OPT_MODE
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.basic import both_permissions

pytestmark = [pytest.mark.vm, pytest.mark.scenario("pools")]

MIB = 1024 * 1024


def test_system_is_running(boot: Boot) -> None:
    assert boot["running"].line == "running", boot["failed"].out


def test_pools_have_their_declared_size(boot: Boot) -> None:
    lines = [line.split() for line in boot["sizes"].out.splitlines()]
    sizes = {words[0]: int(words[1]) * int(words[2]) for words in lines if len(words) == 3}
    assert sizes == {"/rofs": 48 * MIB, "/rofs/rw/home": 16 * MIB, "/rofs/rw/srv": 8 * MIB}


def test_odd_mode_and_acls_survive(boot: Boot) -> None:
    lower, merged = both_permissions(boot["permissions_opt"])
    assert lower.startswith(f"{OPT_MODE:o} 0:50\n")
    assert "user:1:--x" in lower
    assert "default:user:1:--x" in lower
    assert merged == lower


def test_mount_flags_are_those_declared(boot: Boot) -> None:
    assert {"rw", "nosuid", "nodev"} <= set(boot["home_options"].line.split(","))


def test_declared_directory_starts_empty_and_others_do_not(boot: Boot) -> None:
    assert boot["start_empty"].out == "old\non flash\n", boot["start_empty"].err


def test_full_own_pool_gives_enospc(boot: Boot) -> None:
    assert boot["fill_own"].status == 1
    assert "No space left on device" in boot["fill_own"].err


def test_full_own_pool_leaves_the_others_working(boot: Boot) -> None:
    assert boot["after_own"].status == 0, boot["after_own"]
    assert boot["running_own"].line == "running"


def test_full_shared_pool_gives_enospc_to_the_writer(boot: Boot) -> None:
    assert boot["fill_shared"].status == 1
    assert "No space left on device" in boot["fill_shared"].err
    assert "No space left on device" in boot["full_shared"].err


def test_machine_goes_on_with_a_full_pool(boot: Boot) -> None:
    assert boot["running_full"].line == "running"
    assert boot["alive_full"].status == 0, boot["alive_full"]
    assert boot["alive_full"].out.split()[:4] == ["active"] * 4


def test_pool_is_usable_again_when_space_is_freed(boot: Boot) -> None:
    assert boot["freed"].status == 0, boot["freed"]
    assert boot["freed"].line == "more text"


def test_nothing_was_written_to_the_root_device(outcome: Outcome) -> None:
    assert outcome.boots[0]["sectors"].line == "0"
    assert outcome.identical == [True]


def test_console_shows_no_trouble_until_power_off(boot: Boot) -> None:
    assert "Power down" in boot.console
    assert boot.trouble == [], boot.log
