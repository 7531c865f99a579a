"""conf/examples/identity.conf, on a board without a clock: the same machine in each boot."""

from __future__ import annotations

import calendar
from typing import Dict, List

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.persist import MACHINE_ID

pytestmark = [pytest.mark.vm, pytest.mark.scenario("identity")]

Y2001 = calendar.timegm((2001, 1, 1, 0, 0, 0))


@pytest.mark.parametrize("number", [0, 1])
def test_system_is_running_and_shuts_down_cleanly(outcome: Outcome, number: int) -> None:
    boot = outcome.boots[number]
    assert boot["running"].line == "running", boot["failed"].out
    assert boot.trouble == []
    assert boot["sectors"].line == "0"
    assert outcome.identical[number]
    assert outcome.data_state[number] == "clean"
    assert outcome.data_fsck[number][0] == 0


@pytest.mark.parametrize("number", [0, 1])
def test_what_the_example_declares_is_mounted(outcome: Outcome, number: int) -> None:
    assert outcome.boots[number]["persists"].out.split() == [
        "/var/lib/dhcp", "/var/lib/dhcpcd", "/var/lib/ssh-keys", "/var/lib/systemd",
        "/var/log/journal"]


def times(boot: Boot) -> List[int]:
    """The time of the boot, and the one that was saved at its start."""
    return [int(line) for line in boot["time"].out.split()]


def test_time_never_goes_back(first: Boot, second: Boot) -> None:
    """QEMU's clock is in the year 2000 at each start."""
    assert times(first)[0] > Y2001
    assert times(second)[0] > times(first)[0]
    assert times(second)[1] >= times(first)[0]


def test_journal_and_machine_have_one_id(first: Boot, second: Boot) -> None:
    for number, boot in enumerate((first, second), start=1):
        assert boot["machine_id"].line == MACHINE_ID
        lines = boot["boots"].out.split()
        assert lines[-1] == MACHINE_ID and lines.count(MACHINE_ID) == 1
        assert boot["journal"].out.splitlines() == ["seen"] * number


def test_random_seed_is_kept_and_replaced(first: Boot, second: Boot) -> None:
    seeds = [boot["seed"].out.split() for boot in (first, second)]
    assert seeds[0][0] == seeds[1][0] and int(seeds[0][0]) >= 32
    assert seeds[0][1] != seeds[1][1]


def test_content_of_the_image_is_there(first: Boot) -> None:
    lower, _, own = first["systemd"].out.partition("\n/var/lib/systemd:")
    header, *names = lower.split()
    assert header == "/rofs/ro/var/lib/systemd:"
    assert names != []
    assert set(names) <= set(own.split())


def test_host_keys_are_kept(first: Boot, second: Boot) -> None:
    assert first["keys"].out.splitlines() == ["700 root:root"]
    assert second["keys"].out.splitlines() == ["700 root:root", "a key"]


def leases(boot: Boot) -> Dict[str, int]:
    """The files of the DHCP clients, and how many lines they have."""
    lines = [line.split() for line in boot["leases"].out.splitlines() if line.startswith("/")]
    return {words[0]: int(words[1]) for words in lines}


def test_dhcp_client_finds_its_leases(outcome: Outcome, first: Boot, second: Boot) -> None:
    assert " 10.0.2." in first["address"].out and " 10.0.2." in second["address"].out
    before, after = leases(first), leases(second)
    assert before and set(before) <= set(after)
    if outcome.suite == "sid":
        duid = first["leases"].out.splitlines()[-1]
        assert not duid.startswith("/")
        assert second["leases"].out.splitlines()[-1] == duid
    else:
        # It adds to the file, or begins it anew with what it has read.
        assert all(after[name] >= before[name] > 1 for name in before)
