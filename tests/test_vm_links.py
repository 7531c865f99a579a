"""Links on the way to a declared path, an overlay in an overlay, a section from a drop-in."""

from __future__ import annotations

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.links import UNITS

pytestmark = [pytest.mark.vm, pytest.mark.scenario("links")]


def test_system_is_running(boot: Boot) -> None:
    failed = [line.split()[0] for line in boot["failed"].out.splitlines()]
    assert [unit for unit in failed if unit != "rofs-verify.service"] == []
    assert boot["journal_trouble"].line == ""


def test_all_that_is_right_is_in_force(boot: Boot) -> None:
    assert boot["state"].out.split() == ["active"] * len(UNITS)
    assert boot["write"].out.split() == ["new"] * 4, boot["write"].err


def test_mount_is_made_where_the_link_leads(boot: Boot) -> None:
    assert boot["links"].out.split() == ["/usr/users", "/run", "moved"]
    assert "users.mount" not in boot["early"].out.split()


def test_changes_are_in_the_layers_of_their_own_overlay(boot: Boot) -> None:
    assert boot["lower"].out == ""
    assert sorted(boot["upper"].out.split()) == [
        "etc/upper/new", "usr/users/upper/new", "var/cache/upper/new", "var/upper/new"]


def test_full_inner_pool_leaves_the_outer_overlay_working(boot: Boot) -> None:
    assert "No space left on device" in boot["fill"].err
    assert boot["fill"].line == "room"


def test_mistakes_are_told_with_their_line_and_no_other(boot: Boot) -> None:
    said = boot["said"].out.splitlines()
    assert [line for line in said if line.startswith("/etc/rofs.conf:5: ") and "/run" in line]
    assert [line for line in said if line.startswith("/etc/rofs.conf:6: ")
            and "no such directory" in line]
    assert {line.split(":")[1] for line in said if line.startswith("/etc/")} == {"5", "6"}


def test_root_is_untouched(outcome: Outcome) -> None:
    assert outcome.boots[0]["sectors"].line == "0"
    assert outcome.identical == [True]


def test_console_shows_no_trouble(boot: Boot) -> None:
    # The generator tells the mistakes, and rofs-verify that they are in the way.
    ours = [line for line in boot.trouble
            if "rofs-generator" not in line and "rofs-verif" not in line
            and "Verify that" not in line]
    assert "Power down" in boot.console
    assert ours == [], boot.log
