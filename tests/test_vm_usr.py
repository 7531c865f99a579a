"""An overlay on /usr: a package is installed into RAM."""

from __future__ import annotations

import pytest
from vm.lab import Outcome

pytestmark = [pytest.mark.vm, pytest.mark.scenario("usr")]


def test_system_is_running(outcome: Outcome) -> None:
    boot = outcome.boots[0]
    assert boot["running"].line == "running", boot["failed"].out
    assert boot["journal_trouble"].line == ""


def test_apt_installs_a_program_that_runs(outcome: Outcome) -> None:
    installed = outcome.boots[0]["apt"]
    assert installed.status == 0, installed
    assert "Hello, world!" in installed.out


def test_program_is_not_on_flash(outcome: Outcome) -> None:
    boot = outcome.boots[0]
    assert boot["lower"].status != 0
    assert boot["sectors"].line == "0"
    assert outcome.identical == [True]


def test_console_shows_no_trouble_until_power_off(outcome: Outcome) -> None:
    boot = outcome.boots[0]
    assert "Power down" in boot.console
    # systemd-shutdown itself runs from /usr, tries to unmount it all the same, and goes on.
    own = ("Failed to unmount /usr: Device or resource busy",
           "Failed to finalize file systems, ignoring.")
    assert [line for line in boot.trouble if not line.endswith(own)] == [], boot.log
