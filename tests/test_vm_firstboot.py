"""A cloned image: a boot is a first one, with no question, no failure and no update."""

from __future__ import annotations

import re
from typing import Dict

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.firstboot import NEEDS_UPDATE

pytestmark = [pytest.mark.vm, pytest.mark.scenario("firstboot")]

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


def test_system_is_running(boot: Boot) -> None:
    assert boot["running"].line == "running", boot["failed"].out
    assert boot.trouble == [], boot.log


def test_it_is_a_first_boot_and_the_wizard_is_held_off(boot: Boot) -> None:
    units = shown(boot["first_boot_units"].out)
    assert units["first-boot-complete.target"]["ConditionResult"] == "yes"
    # Debian 11 does not have it.
    wizard = units.get("systemd-firstboot.service", {"ConditionResult": "no"})
    assert wizard["ConditionResult"] == "no"


def test_nobody_is_asked_anything(boot: Boot) -> None:
    console = boot.console
    assert [line for line in console.splitlines() if QUESTION.search(line)] == []
    assert "login:" in console


def test_services_that_wait_for_a_changed_usr_do_not_run(boot: Boot) -> None:
    units = shown(boot["needs_update"].out)
    assert set(units) == {f"{unit}.service" for unit in NEEDS_UPDATE}
    # Debian has left some of them out for long.
    loaded = [unit for unit in units.values() if unit["LoadState"] == "loaded"]
    assert loaded
    for unit in loaded:
        assert (unit["ConditionResult"], unit["ActiveState"]) == ("no", "inactive"), unit


def test_machine_id_is_valid_and_the_same_for_all(boot: Boot) -> None:
    in_etc, in_run, of_pid1 = ids(boot)
    assert re.fullmatch("[0-9a-f]{32}", in_etc)
    assert in_etc == in_run == of_pid1
    assert boot["journal_files"].out.split() == [in_etc]
    assert int(boot["journal"].line) > 100
    assert boot["lower"].line == "uninitialized"


def test_root_is_untouched(outcome: Outcome) -> None:
    """Each boot is a first one: nothing of the one before is left."""
    assert outcome.boots[0]["sectors"].line == "0"
    assert outcome.identical == [True]
