"""Device=read-only in [Root]: not even root writes to the device, but transactions do."""

from __future__ import annotations

import pytest
from support import parse_json
from vm.machine import Boot
from vm.probe import Section

pytestmark = [pytest.mark.vm, pytest.mark.scenario("device")]

# Of vda1, vda, vda2 and vdb: the kernel says of a partition what it says of its disk. At last, of
# the file system.
ALONE = ["vda1 1", "vda 1", "vda2 1", "vdb 0", "ro"]
SHARED = ["vda1 1", "vda 0", "vda2 0", "vdb 0", "ro"]
OPEN = ["vda1 0", "vda 0", "vda2 0", "vdb 0", "rw"]


def lines(section: Section) -> list[str]:
    return section.out.splitlines()


def devices(section: Section) -> list[tuple[str, bool, object]]:
    answer = parse_json(section.out, "status.schema.json")
    return [(row["name"], row["readonly"], row["needed_by"]) for row in answer["root"]["devices"]]


@pytest.mark.parametrize("number", [1, 2])
def test_machine_is_protected(outcome, number: int) -> None:
    boot: Boot = outcome.boots[number - 1]
    assert boot["running"].line == "running", boot["failed"]
    assert boot["journal_trouble"].line == ""
    assert boot["status"].out.startswith("protected: "), boot["status"]


def test_it_is_in_force_before_local_fs_target(first: Boot) -> None:
    values = dict(line.split("=", 1) for line in lines(first["unit"])[:2])
    assert values["ActiveState"] == "active"
    assert "local-fs.target" in values["Before"].split()


def test_device_and_disk_are_read_only(first: Boot) -> None:
    assert lines(first["flags"]) == ALONE
    assert devices(first["json"]) == [("/dev/vda1", True, None), ("/dev/vda", True, None)]
    assert "/dev/vda1 device read-only" in lines(first["nobody"])
    assert "Device=read-only" not in first["check"].out


def test_disk_of_a_partition_stays_writable(second: Boot) -> None:
    assert lines(second["flags"]) == SHARED
    assert devices(second["json"]) == [
        ("/dev/vda1", True, None), ("/dev/vda", False, "[Partition more]")]
    assert "/dev/vda stays writable because of [Partition more]" in lines(second["unit"])
    assert ("/dev/vda stays writable despite Device=read-only, because [Partition more] needs it"
            in " ".join(second["check"].out.split()))
    assert second["persist"].status == 0, second["persist"]
    # The guard below it is there as well.
    assert lines(second["persist"])[-1].startswith("/dev/vda2"), second["persist"]


def test_root_cannot_write_to_it(first: Boot, second: Boot) -> None:
    assert lines(first["overwrite"]) == ["vda1 1", "vda 1", "vda2 1"]
    assert lines(second["overwrite"]) == ["vda1 1"]


@pytest.mark.parametrize("number", [1, 2])
def test_root_cannot_remount_it(outcome, number: int) -> None:
    said = outcome.boots[number - 1]["remount"]
    touch, options = lines(said)[-2:]
    assert "write-protected" in said.out and touch == "1"
    assert options.startswith("ro,")


def test_commit_writes_and_the_device_is_read_only_again(first: Boot, second: Boot) -> None:
    assert lines(first["commit"])[-2:] == ["0", "committed"], first["commit"]
    assert lines(first["flags_after"]) == ALONE
    assert lines(second["content"]) == ["committed", "committed"]
    assert lines(second["commit"])[-2:] == ["0", "again"], second["commit"]
    assert lines(second["flags_after"]) == SHARED
    assert lines(second["undo"])[-2:] == ["0", "committed"], second["undo"]
    assert lines(second["flags_last"]) == SHARED


@pytest.mark.parametrize(("number", "question", "expected"), [
    (1, "killed", ALONE), (1, "killed_all", ALONE), (2, "killed", SHARED)])
def test_who_is_killed_leaves_it_read_only(outcome, number: int, question: str,
                                           expected: list[str]) -> None:
    said = lines(outcome.boots[number - 1][question])
    assert said[:5] == OPEN
    at = said.index("again")
    # While it is open, that is no error.
    assert said[5].startswith("protected: ")
    if question == "killed_all":
        assert said[at - 1] == "0"
    assert said[at + 1:at + 6] == expected
    assert said[at + 6].startswith("protected: ")


def test_what_is_made_writable_by_hand_is_no_secret(first: Boot) -> None:
    before, after = lines(first["by_hand"])
    assert before.startswith("partial: ")
    assert after.startswith("protected: ")


def test_the_configuration_is_committed(first: Boot) -> None:
    assert lines(first["edit"])[-1] == "0", first["edit"]
    assert lines(first["flags_last"]) == ALONE
