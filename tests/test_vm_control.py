"""Machines without rofs in force: the same questions answered the other way.

They show that the tests of the protected machine can fail.
"""

from __future__ import annotations

import json

import pytest
from vm.lab import Outcome

pytestmark = pytest.mark.vm


@pytest.mark.scenario("control")
def test_plain_read_only_root_is_degraded(outcome: Outcome) -> None:
    boot = outcome.boots[0]
    assert boot["running"].line == "degraded"
    assert boot["failed"].line != ""
    assert "[FAILED]" in "\n".join(boot.trouble)


@pytest.mark.scenario("control")
def test_plain_read_only_root_is_not_writable(outcome: Outcome) -> None:
    boot = outcome.boots[0]
    assert boot["writable"].status != 0
    assert boot["sectors"].line == "0"
    assert outcome.identical == [True]


@pytest.mark.scenario("off")
def test_switched_off_rofs_leaves_an_ordinary_system(outcome: Outcome) -> None:
    """Also the mistake in rofs.conf and the missing partition are of no consequence."""
    boot = outcome.boots[0]
    assert boot["running"].line == "running", boot["failed"].out
    assert boot["writable"].status == 0, boot["writable"].err
    assert outcome.identical == [False]


@pytest.mark.scenario("off")
def test_switched_off_rofs_makes_no_units_and_mounts(outcome: Outcome) -> None:
    boot = outcome.boots[0]
    assert boot["off_units"].line == ""
    assert boot["early"].line == ""
    found = json.loads(boot["mounts"].out)["filesystems"]
    assert not [m for m in found if m["source"] == "rofs" or m["target"].startswith("/rofs")]
    root = next(m for m in found if m["target"] == "/")
    assert "rw" in root["options"].split(",")


@pytest.mark.scenario("off")
def test_switched_off_rofs_says_so_in_one_line(outcome: Outcome) -> None:
    said = outcome.boots[0]["said"].out.splitlines()
    assert len(said) == 1
    assert "rofs=off" in said[0]
