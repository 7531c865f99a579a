"""A root on dm-verity: protected as on a plain device, and what would change it is refused."""

from __future__ import annotations

import json
import re

import pytest
from support import parse_json
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.verity import BLOCK_BYTES

FSTYPES = ("squashfs", "ext4")
# Each names what is true: the type is the first reason, where that is one.
REFUSALS = {
    "squashfs": "/rofs/ro is squashfs, which cannot be written; make a new image",
    "ext4": "/rofs/ro is on dm-verity (/dev/dm-0), which cannot be written; make a new image",
}

pytestmark = [
    pytest.mark.vm,
    pytest.mark.parametrize("fstype", [
        pytest.param(name, marks=pytest.mark.scenario(f"verity-{name}")) for name in FSTYPES]),
]


def test_root_is_on_dm_verity(boot: Boot, fstype: str) -> None:
    source, found, options = boot["root"].out.split()
    assert (source, found) == ("/dev/mapper/root", fstype)
    assert "ro" in options.split(",")
    name, uuid, read_only, disk = boot["device"].out.split()
    assert (name, read_only, disk) == ("root", "1", "vda")
    assert uuid.startswith("CRYPT-VERITY-")


def test_a_byte_that_differs_is_never_read(boot: Boot, fstype: str) -> None:
    assert "Input/output error" in boot["tampered"].err
    assert int(boot["tampered"].line) < BLOCK_BYTES
    assert boot["whole"].line == str(BLOCK_BYTES)
    assert re.search(r"data block \d+ is corrupted", boot["kernel"].out)
    assert [boot["state"].line, boot["state_after"].line] == ["verified", "corrupted"]


def test_system_is_protected(boot: Boot, fstype: str) -> None:
    assert boot["running"].line == boot["running_after"].line == "running", boot["failed"]
    assert boot["journal_trouble"].line == boot["journal_warnings"].line == ""
    assert sorted(boot["verify"].out.split()) == ["active", "success"]
    assert boot["status"].status == 0, boot["status"]
    assert boot["status"].out.startswith("protected: "), boot["status"]
    assert boot["readonly"].err.count("Read-only file system") == 3


def test_status_names_the_device(boot: Boot, fstype: str) -> None:
    answer = parse_json(boot["json"].out, "status.schema.json")
    assert (answer["verdict"], answer["problems"]) == ("protected", [])
    assert answer["root"]["device"] == "/dev/mapper/root"
    if fstype == "ext4":  # with Device=read-only
        assert [(row["name"], row["readonly"], row["needed_by"])
                for row in answer["root"]["devices"]] == [
                    ("/dev/dm-0", True, None), ("/dev/vda", True, None)]


def test_check_and_suggest_find_nothing_wrong(boot: Boot, fstype: str) -> None:
    assert boot["suggest"].status == 0, boot["suggest"]
    assert boot["check"].status == 0, boot["check"]
    assert "error: " not in boot["check"].out and "warning: " not in boot["check"].out


def test_overlays_take_the_changes(boot: Boot, fstype: str) -> None:
    mounts = json.loads(boot["mounts"].out)["filesystems"]
    overlays = {m["target"] for m in mounts if m["fstype"] == "overlay"}
    assert {"/etc", "/var", "/home"} <= overlays
    assert boot["change"].status == 0, boot["change"]
    assert boot["merged"].out == boot["merged_after"].out == "changed\n" * 3
    assert boot["lower"].out == "flash\non flash\non flash\n127.0.0.1 localhost flash\n"
    assert boot["diff"].out.splitlines() == [
        "M /etc/hostname", "D /etc/hosts", "M /home/user/notes"]


def test_reload_changes_nothing(boot: Boot, fstype: str) -> None:
    assert "  ./etc.mount\n" in boot["early_before"].out
    assert boot["early_after"].out == boot["early_before"].out


@pytest.mark.parametrize("command", ["commit", "chroot", "maintenance"])
def test_what_would_write_is_refused(boot: Boot, fstype: str, command: str) -> None:
    assert boot[command].out.splitlines()[-1] == "3", boot[command]
    assert boot[command].err == f"rofs: {REFUSALS[fstype]}\n"


def test_nothing_is_written(outcome: Outcome, fstype: str) -> None:
    assert outcome.boots[0]["sectors"].line == "0"
    assert outcome.identical == [True]
    assert outcome.data_state == ["clean"]


def test_console_shows_no_trouble_until_power_off(boot: Boot, fstype: str) -> None:
    assert "Power down" in boot.console
    assert boot.trouble == [], boot.log
