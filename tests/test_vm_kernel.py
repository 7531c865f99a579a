"""Without overlayfs the machine comes up read-only, says so once, and keeps its partition."""

from __future__ import annotations

import json
import re

import pytest
from vm.lab import Outcome
from vm.machine import Boot

pytestmark = [pytest.mark.vm, pytest.mark.scenario("no-overlayfs")]

OVERLAYS = {f"rofs-overlay-{name}.mount" for name in ("etc", "home", "var")}


def test_kernel_really_has_no_overlayfs(boot: Boot) -> None:
    assert "overlay" not in boot["known"].out


def test_one_message_says_so(boot: Boot) -> None:
    assert boot["said"].out.splitlines() == [
        "this kernel has no overlayfs: /etc /home /var stay read-only"]


def test_overlays_are_shown_as_failed(boot: Boot) -> None:
    assert boot["running"].line == "degraded"
    failed = {line.split()[0] for line in boot["failed"].out.splitlines()}
    expected = OVERLAYS | {"rofs-verify.service"}
    assert failed >= expected
    assert not [unit for unit in failed - expected if "rofs" in unit or unit.endswith(".mount")]
    for unit in OVERLAYS:
        assert re.search(rf"^\S+ {re.escape(unit)} - .*\n.*\n +Active: failed", boot["status"].out,
                         re.MULTILINE), boot["status"]


def test_everybody_says_so(boot: Boot) -> None:
    status = boot["rofs_status"].out
    assert boot["rofs_status"].status == 1
    for path in ("/etc", "/home", "/var"):
        sentence = f"{path} has no overlay: writes there fail"
        assert (f"  error: {sentence}\n"
                "    why: this kernel has no overlayfs: /etc /home /var stay read-only\n"
                ) in status
        assert sentence in boot["rofs_journal"].out
    assert boot["rofs_verify"].status == 1
    assert boot["rofs_motd"].out == ("rofs: partial: /etc has no overlay: writes there fail; "
                                     "2 more, see rofs status\n")
    found = json.loads(boot["rofs_json"].out)
    assert found["verdict"] == "partial"
    assert [o["state"] for o in found["overlays"]] == ["failed"] * 3  # which only systemd knows
    assert boot["diff"].status == 1
    assert "the overlay on /var is not mounted" in boot["diff"].err


def test_check_says_that_the_module_is_not_loaded(boot: Boot) -> None:
    assert boot["check"].status == 1
    assert re.search(r"^error: the overlay module of this kernel \(\S+\) is installed but not "
                     "loaded, so no overlay can be mounted; ", boot["check"].out, re.MULTILINE)


def test_nothing_is_writable_but_tmp_and_the_partition(boot: Boot) -> None:
    assert boot["writable"].out.split() == ["/tmp/new", "/var/local/data/new"]
    assert boot["root"].line.split(",")[0] == "ro"


def test_partition_is_mounted(outcome: Outcome) -> None:
    assert outcome.boots[0]["persist"].line == "/dev/vdb"
    assert outcome.data_state == ["clean"]


def test_machine_is_alive(boot: Boot) -> None:
    machine_id, *states, lines = boot["alive"].out.split()
    assert re.fullmatch("[0-9a-f]{32}", machine_id)
    assert states == ["active"] * 3
    assert int(lines) > 100


def test_nothing_waits_for_a_timeout(boot: Boot) -> None:
    assert int(boot["reached"].line) > 0
    late = re.compile(r"timed out|\[\s?TIME\s?\]", re.IGNORECASE)
    assert [line for line in boot.console.splitlines() if late.search(line)] == []


def test_second_run_changes_nothing(boot: Boot) -> None:
    assert boot["again"].out.split() == ["0", "/home", "/var"]


def test_nothing_was_written_to_the_root_device(outcome: Outcome) -> None:
    assert outcome.boots[0]["sectors"].line == "0"
    assert outcome.identical == [True]


def test_shutdown_shows_no_trouble(boot: Boot) -> None:
    assert "Power down" in boot.console
    shutdown = boot.console[boot.console.rindex("Stopped target"):]
    # journald's watchdog message may come after PID 1 has closed the socket.
    ours = [line for line in shutdown.splitlines() if "systemd-journald" not in line]
    assert not [line for line in ours if "FAILED" in line or "Failed to" in line]
