"""A cloned image: each boot is a first one, with no question, no failure and no update."""

from __future__ import annotations

import re
from typing import Dict

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.firstboot import NEEDS_UPDATE

pytestmark = [pytest.mark.vm, pytest.mark.scenario("firstboot")]

BOTH = pytest.mark.parametrize("number", [0, 1])
# What systemd-firstboot, passwd and their like would ask on the console.
QUESTION = re.compile(r"please (enter|choose|select|configure|press)|press any key|\(empty to skip"
                      r"|new password|welcome to your new installation", re.IGNORECASE)


def ids(boot: Boot) -> "list[str]":
    """The machine id: in /etc, in /run, and what PID 1 says."""
    return boot["machine_id"].out.split()


def shown(text: str) -> Dict[str, Dict[str, str]]:
    """Properties by unit, from blocks of `systemctl show`."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
              for block in text.split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


@BOTH
def test_system_is_running(outcome: Outcome, number: int) -> None:
    boot = outcome.boots[number]
    assert boot["running"].line == "running", boot["failed"].out
    assert boot.trouble == [], boot.log


@BOTH
def test_it_is_a_first_boot_and_the_wizard_is_held_off(outcome: Outcome, number: int) -> None:
    boot = outcome.boots[number]
    units = shown(boot["first_boot_units"].out)
    assert units["first-boot-complete.target"]["ConditionResult"] == "yes"
    # Debian 11 does not have it.
    wizard = units.get("systemd-firstboot.service", {"ConditionResult": "no"})
    assert wizard["ConditionResult"] == "no"


@BOTH
def test_nobody_is_asked_anything(outcome: Outcome, number: int) -> None:
    console = outcome.boots[number].console
    assert [line for line in console.splitlines() if QUESTION.search(line)] == []
    assert "login:" in console


@BOTH
def test_services_that_wait_for_a_changed_usr_do_not_run(outcome: Outcome, number: int) -> None:
    units = shown(outcome.boots[number]["needs_update"].out)
    assert set(units) == {f"{unit}.service" for unit in NEEDS_UPDATE}
    # Debian has left some of them out for long.
    loaded = [unit for unit in units.values() if unit["LoadState"] == "loaded"]
    assert loaded
    for unit in loaded:
        assert (unit["ConditionResult"], unit["ActiveState"]) == ("no", "inactive"), unit


@BOTH
def test_machine_id_is_valid_and_the_same_for_all(outcome: Outcome, number: int) -> None:
    boot = outcome.boots[number]
    in_etc, in_run, of_pid1 = ids(boot)
    assert re.fullmatch("[0-9a-f]{32}", in_etc)
    assert in_etc == in_run == of_pid1
    assert boot["journal_files"].out.split() == [in_etc]
    assert int(boot["journal"].line) > 100
    assert boot["lower"].line == "uninitialized"


def test_two_machines_have_different_ids(outcome: Outcome) -> None:
    first, second = outcome.boots
    assert ids(first)[0] != ids(second)[0]


def test_root_is_untouched(outcome: Outcome) -> None:
    assert [boot["sectors"].line for boot in outcome.boots] == ["0", "0"]
    assert outcome.identical == [True, True]
