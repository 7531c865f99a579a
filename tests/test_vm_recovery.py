"""The words of a recovery boot give the system that fstab describes, and rofs=on wins over them."""

from __future__ import annotations

import json
from typing import Dict, List

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.recovery import WORDS

pytestmark = [pytest.mark.vm, pytest.mark.scenario("recovery")]

NUMBERS = {word: number for number, word in enumerate(WORDS)}
OVERLAYS = ("/etc", "/var", "/home")


def mounts(boot: Boot) -> List[Dict[str, str]]:
    """findmnt's list: target, source, fstype, options."""
    return json.loads(boot["mounts"].out)["filesystems"]


def options(boot: Boot, target: str) -> List[str]:
    """The mount options of what is on `target`."""
    return next(m["options"].split(",") for m in mounts(boot) if m["target"] == target)


@pytest.fixture
def protected(outcome: Outcome) -> Boot:
    """The boot with both a recovery word and rofs=on."""
    return outcome.boots[len(WORDS)]


@pytest.mark.parametrize("word", WORDS)
def test_machine_is_in_the_target_that_was_asked_for(outcome: Outcome, word: str) -> None:
    assert outcome.boots[NUMBERS[word]]["target"].out.split() == [WORDS[word]]


@pytest.mark.parametrize("word", WORDS)
def test_recovery_boot_has_no_unit_and_no_mount_of_ours(outcome: Outcome, word: str) -> None:
    boot = outcome.boots[NUMBERS[word]]
    assert boot["units"].line == ""
    assert boot["early"].out == ""
    assert not [m for m in mounts(boot)
                if m["source"] == "rofs" or m["target"].startswith("/rofs")
                or m["target"] in OVERLAYS or m["fstype"] == "overlay"]


@pytest.mark.parametrize("word", WORDS)
def test_recovery_boot_says_why_in_one_line(outcome: Outcome, word: str) -> None:
    said = outcome.boots[NUMBERS[word]]["said"].out.splitlines()
    assert len(said) == 1
    assert f"{word} on the kernel command line requests a recovery boot" in said[0]


@pytest.mark.parametrize("word", WORDS)
def test_status_and_diff_say_why(outcome: Outcome, word: str) -> None:
    """Without a bus, and in emergency mode without a journal."""
    boot = outcome.boots[NUMBERS[word]]
    why = f"{word} on the kernel command line requests a recovery boot\n"
    assert boot["status"].status == boot["diff"].status == 4
    assert boot["status"].out.startswith(f"off: rofs does nothing in this boot: {why}")
    assert boot["diff"].err == f"rofs: rofs is off in this boot: {why}"


@pytest.mark.parametrize("word", [word for word in WORDS if WORDS[word] == "rescue"])
def test_rescue_mode_is_writable_as_fstab_says(outcome: Outcome, word: str) -> None:
    boot = outcome.boots[NUMBERS[word]]
    assert "rw" in options(boot, "/")
    assert boot["writable"].out.split() == ["/new", "/usr/new", "/etc/new", "/var/new", "/home/new"]


@pytest.mark.parametrize("word", WORDS)
def test_console_shows_no_trouble(outcome: Outcome, word: str) -> None:
    boot = outcome.boots[NUMBERS[word]]
    assert "Power down" in boot.console
    assert boot.trouble == [], boot.log


def test_rofs_on_protects_rescue_mode(protected: Boot) -> None:
    assert protected["target"].out.split() == ["rescue"]
    for path in OVERLAYS:
        assert [m["source"] for m in mounts(protected) if m["target"] == path] == ["rofs"]
    assert "ro" in options(protected, "/")
    assert protected["writable"].out.split() == ["/etc/new", "/var/new", "/home/new"]


def test_rofs_on_writes_nothing_to_the_root_device_in_rescue_mode(protected: Boot) -> None:
    assert protected["sectors"].line == "0"
    assert protected.trouble == [], protected.log


def check_plain_emergency_mode(boot: Boot) -> None:
    """systemd itself leaves / as the kernel command line says, and mounts nothing."""
    assert boot["target"].out.split() == ["emergency"]
    assert [m["target"] for m in mounts(boot) if m["source"].startswith("/dev/")] == ["/"]
    assert "ro" in options(boot, "/")
    assert boot["writable"].out == ""
    assert boot["sectors"].line == "0"


def test_emergency_mode_is_that_of_a_machine_without_rofs(outcome: Outcome) -> None:
    check_plain_emergency_mode(outcome.boots[NUMBERS["emergency"]])


@pytest.mark.scenario("recovery-control")
def test_machine_without_rofs_has_that_emergency_mode(outcome: Outcome) -> None:
    check_plain_emergency_mode(outcome.boots[0])
