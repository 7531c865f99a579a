"""The words of a recovery boot give the system that fstab describes, and rofs=on wins over them."""

from __future__ import annotations

import json
from typing import Dict, List

import pytest
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.initramfs import DRACUT_RESCUE
from vm.scenarios.recovery import PROTECTED, WORDS

pytestmark = pytest.mark.vm

OVERLAYS = ("/etc", "/var", "/home")
# The boots of each scenario, by what their kernel command line has.
BOOTS = {
    "recovery": (PROTECTED, *WORDS),
    "recovery-newest": (PROTECTED, "emergency"),
    "dracut": (None, DRACUT_RESCUE),
}
TARGETS = {**WORDS, DRACUT_RESCUE: "rescue"}
WRITABLE = {word for word, target in TARGETS.items() if target == "rescue"}


def booted(*words: object) -> List[pytest.param]:
    """The scenarios that have booted with one of these, and what they have booted with."""
    return [pytest.param(word, marks=pytest.mark.scenario(name), id=f"{name}-{word}")
            for name, boots in BOOTS.items() for word in boots if word in words]


EACH_WORD = pytest.mark.parametrize("word", booted(*TARGETS))
EACH_RESCUE = pytest.mark.parametrize("word", booted(*WRITABLE))
EACH_EMERGENCY = pytest.mark.parametrize("word", booted("emergency"))
EACH_PROTECTED = pytest.mark.parametrize("word", booted(PROTECTED))


@pytest.fixture
def recovery(outcome: Outcome, word: object) -> Boot:
    """The boot with that word."""
    return outcome.boots[BOOTS[outcome.scenario.name].index(word)]


def mounts(boot: Boot) -> List[Dict[str, str]]:
    """findmnt's list: target, source, fstype, options."""
    return json.loads(boot["mounts"].out)["filesystems"]


def options(boot: Boot, target: str) -> List[str]:
    """The mount options of what is on `target`."""
    return next(m["options"].split(",") for m in mounts(boot) if m["target"] == target)


@EACH_WORD
def test_machine_is_in_the_target_that_was_asked_for(recovery: Boot, word: str) -> None:
    assert recovery["target"].out.split() == [TARGETS[word]]


@EACH_WORD
def test_recovery_boot_has_no_unit_and_no_mount_of_ours(recovery: Boot, word: str) -> None:
    assert recovery["units"].line == ""
    assert recovery["early"].out == ""
    assert not [m for m in mounts(recovery)
                if m["source"] == "rofs" or m["target"].startswith("/rofs")
                or m["target"] in OVERLAYS or m["fstype"] == "overlay"]


@EACH_WORD
def test_recovery_boot_says_why_in_one_line(recovery: Boot, word: str) -> None:
    said = recovery["said"].out.splitlines()
    assert len(said) == 1
    assert f"{word} on the kernel command line requests a recovery boot" in said[0]


@EACH_WORD
def test_status_and_diff_say_why(recovery: Boot, word: str) -> None:
    """Without a bus, and in emergency mode without a journal."""
    why = f"{word} on the kernel command line requests a recovery boot\n"
    assert recovery["status"].status == recovery["diff"].status == 4
    assert recovery["status"].out.startswith(f"off: rofs does nothing in this boot: {why}")
    assert recovery["diff"].err == f"rofs: rofs is off in this boot: {why}"


@EACH_RESCUE
def test_rescue_mode_is_writable_as_fstab_says(recovery: Boot, word: str) -> None:
    assert "rw" in options(recovery, "/")
    assert recovery["writable"].out.split() == [
        "/new", "/usr/new", "/etc/new", "/var/new", "/home/new"]


@EACH_WORD
def test_console_shows_no_trouble(recovery: Boot, word: str) -> None:
    assert "Power down" in recovery.console
    assert recovery.trouble == [], recovery.log


@EACH_PROTECTED
def test_rofs_on_protects_rescue_mode(recovery: Boot, word: object) -> None:
    assert recovery["target"].out.split() == ["rescue"]
    for path in OVERLAYS:
        assert [m["source"] for m in mounts(recovery) if m["target"] == path] == ["rofs"]
    assert "ro" in options(recovery, "/")
    assert recovery["writable"].out.split() == ["/etc/new", "/var/new", "/home/new"]


@EACH_PROTECTED
def test_rofs_on_writes_nothing_to_the_root_device_in_rescue_mode(
    recovery: Boot, word: object
) -> None:
    assert recovery["sectors"].line == "0"
    assert recovery.trouble == [], recovery.log


def check_plain_emergency_mode(boot: Boot) -> None:
    """systemd itself leaves / as the kernel command line says, and mounts nothing."""
    assert boot["target"].out.split() == ["emergency"]
    assert [m["target"] for m in mounts(boot) if m["source"].startswith("/dev/")] == ["/"]
    assert "ro" in options(boot, "/")
    assert boot["writable"].out == ""
    assert boot["sectors"].line == "0"


@EACH_EMERGENCY
def test_emergency_mode_is_that_of_a_machine_without_rofs(recovery: Boot, word: str) -> None:
    check_plain_emergency_mode(recovery)


@pytest.mark.scenario("recovery-control")
def test_machine_without_rofs_has_that_emergency_mode(outcome: Outcome) -> None:
    check_plain_emergency_mode(outcome.boots[0])
