"""The command and its services on booted machines: healthy, broken, and without rofs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest
from vm.lab import Outcome
from vm.machine import Boot

pytestmark = pytest.mark.vm

SCHEMA = Path(__file__).resolve().parent.parent / "docs/status.schema.json"
GONE = "/var/local/gone is not on its partition gone (LABEL=gone): "
MISTAKE = "/etc/rofs.conf:6: unknown key Szie= in [Overlay]; did you mean Size=?"


@pytest.fixture
def boot(outcome: Outcome) -> Boot:
    """The scenario's only boot."""
    return outcome.boots[0]


def answer(boot: Boot, name: str) -> Dict[str, Any]:
    """A section's JSON, which is as the schema says."""
    jsonschema = pytest.importorskip("jsonschema", reason="install python3-jsonschema")
    found = json.loads(boot[name].out)
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    return found


@pytest.mark.scenario("command")
def test_healthy_machine_is_protected(boot: Boot) -> None:
    assert boot["running"].line == "running", boot["failed"].out
    assert boot["healthy_status"].status == 0
    assert boot["healthy_status"].out.startswith(
        "protected: / read-only, /etc /home /var in RAM (")
    assert boot["healthy_status"].out.splitlines()[0].endswith(", /var/local/data on /dev/vdb")
    found = answer(boot, "healthy_json")
    assert (found["verdict"], found["boot"], found["problems"]) == ("protected", "normal", [])
    assert found["root"] == {"readonly": True, "device": "/dev/vda", "sectors_written": 0}
    states = [x["state"] for kind in ("overlays", "partitions", "persists") for x in found[kind]]
    assert states == ["active"] * 5


@pytest.mark.scenario("command")
def test_healthy_machine_says_so_to_everybody(boot: Boot) -> None:
    assert boot["healthy_verify"].status == 0
    assert "ActiveState=active" in boot["verify_at_boot"].out
    assert boot["healthy_motd"].out == (
        "changes to /etc /home /var are lost at power-off; see rofs diff\n")
    assert "protected: / read-only, " in boot["healthy_journal"].out


@pytest.mark.scenario("command")
@pytest.mark.parametrize("name", ["plan", "plan_unprivileged"])
def test_plan_is_what_was_generated(boot: Boot, name: str) -> None:
    assert boot[name].status == 0, boot[name]


@pytest.mark.scenario("command")
def test_ordinary_user_gets_the_answer(boot: Boot) -> None:
    assert boot["unprivileged"].status == 0, boot["unprivileged"]
    assert boot["unprivileged"].out.startswith("protected: ")
    assert "not seen: rofs.conf as it lies on flash" in boot["unprivileged"].out
    assert answer(boot, "unprivileged_json")["pools"] == answer(boot, "healthy_json")["pools"] or (
        answer(boot, "unprivileged_json")["pools"][0]["size"])


@pytest.mark.scenario("command")
def test_idle_machine_writes_and_logs_nothing(boot: Boot) -> None:
    assert "SubState=waiting" in boot["timer"].out
    assert boot["idle"].status == 0, boot["idle"]
    assert boot["idle_after"].out == boot["idle_before"].out


@pytest.mark.scenario("command")
def test_edited_configuration_is_noticed(boot: Boot) -> None:
    assert boot["edit"].status == 0
    assert "warning: /etc/rofs.conf differs from the one in force" in boot["edit"].out


@pytest.mark.scenario("command")
def test_without_the_bus(boot: Boot) -> None:
    assert boot["bus_down"].status == 0
    assert "not seen" not in boot["bus_down"].out
    assert boot["bus_down_unprivileged"].status == 0
    assert "not seen: what systemd says of the units" in boot["bus_down_unprivileged"].out


@pytest.mark.scenario("broken")
def test_missing_partition_and_mistake_degrade_the_machine(boot: Boot) -> None:
    assert boot["running"].line == "degraded"
    assert boot["boot_failed"].line.startswith("rofs-verify.service ")
    for text in (GONE, MISTAKE):
        assert text in boot["boot_status"].out
        assert text in boot["boot_journal"].out
        assert [p for p in answer(boot, "boot_json")["problems"] if p.startswith(text)]
    assert boot["boot_status"].status == 1
    assert boot["boot_motd"].out.startswith(f"rofs: NOT PROTECTED: {GONE}")


@pytest.mark.scenario("broken")
def test_catalog_explains(boot: Boot) -> None:
    assert "Subject: Something that rofs.conf declares is not in force" in boot["catalog"].out
    assert "Subject: /rofs is nearly full: 99 %" in boot["pool_message"].out


@pytest.mark.scenario("broken")
@pytest.mark.parametrize(("name", "sentence"), [
    ("overlay", "/srv has no overlay: writes there fail"),
    ("root", "/ is writable: what programs write there wears the flash; "),
    ("covered", "the persist on /var/local/data is covered: scratch (tmpfs) is mounted over it"),
])
def test_piece_that_is_taken_away_is_told_by_all(boot: Boot, name: str, sentence: str) -> None:
    assert boot[f"{name}_status"].status == 1
    assert f"not in force: {sentence}" in boot[f"{name}_status"].out
    assert [p for p in answer(boot, f"{name}_json")["problems"] if p.startswith(sentence)]
    assert boot[f"{name}_verify"].status == 1
    assert boot[f"{name}_failed"].line.startswith("rofs-verify.service ")
    assert boot[f"{name}_motd"].out.startswith(f"rofs: NOT PROTECTED: {sentence}")
    assert sentence in boot[f"{name}_journal"].out


@pytest.mark.scenario("broken")
def test_watch_asks_for_a_new_verdict(boot: Boot) -> None:
    assert "/srv has no overlay: writes there fail" in boot["overlay_watch"].out


@pytest.mark.scenario("broken")
def test_full_pool_is_told_once(boot: Boot) -> None:
    said = boot["pool_watch"].out.splitlines()
    assert len([line for line in said if "the shared RAM pool /rofs is 99 % full" in line]) == 1
    assert "warning: the shared RAM pool /rofs is 99 % full" in boot["pool_status"].out
    assert "rofs: the shared RAM pool /rofs is 99 % full" in boot["pool_motd"].out
    assert "level" not in boot["pool_emptied"].out


@pytest.mark.scenario("command-off")
def test_recovery_boot_is_off(boot: Boot) -> None:
    assert boot["off_status"].status == 4
    assert boot["off_status"].out.startswith(
        "off: rofs does nothing in this boot: a recovery boot: recovery on the kernel command line")
    found = answer(boot, "off_json")
    assert (found["verdict"], found["boot"]) == ("off", "recovery")
    assert int(boot["off_plan"].line) > 10
