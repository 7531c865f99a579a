"""Partitions of every kind: file systems, buses, names, mapped devices."""

from __future__ import annotations

from typing import Dict, List

import pytest
from vm.disk import MIB
from vm.lab import Outcome
from vm.machine import Boot
from vm.scenarios.partitions import DATA_PATHS, GROWN, KINDS, SMALL, Kind

pytestmark = [pytest.mark.vm, pytest.mark.scenario("partitions")]

EACH = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
# Of the checks, these name the device; that of btrfs says nothing, that of xfs only its own name.
CHECKED = ("ext4", "vfat")
XFS_LOG_BYTES = 64 * MIB


def rows(text: str) -> Dict[str, List[str]]:
    """Lines of words, by their first."""
    return {line.split()[0]: line.split()[1:] for line in text.splitlines()}


def test_machine_is_protected(boot: Boot) -> None:
    assert boot["running"].line == "running", boot["failed"]
    assert boot["status"].out.startswith("protected: ")
    assert boot["journal_trouble"].line == ""


@EACH
def test_partition_is_where_it_should_be(boot: Boot, kind: Kind) -> None:
    state, source, fstype, mode, owner = rows(boot["show"].out)[kind.name]
    assert state == "active"
    # Of what has been formatted a moment ago, btrfs remembers the name that mkfs was given.
    assert source in (f"{kind.source}[/kept]", f"/dev/disk/by-partlabel/{kind.name}[/kept]")
    assert fstype == kind.fstype
    assert f"{mode} {owner}" == kind.mode


@EACH
def test_what_is_written_is_on_the_medium(boot: Boot, kind: Kind) -> None:
    """Read from the device while nothing of it is mounted, and again when it is."""
    mounted, found, *text = rows(boot["again"].out)[kind.name]
    assert mounted == "0"
    assert int(found) >= 1
    assert text == ["written", "to", kind.name]


@EACH
def test_partition_is_checked_before_it_is_mounted(boot: Boot, kind: Kind) -> None:
    checks = [line for line in boot["fsck"].out.splitlines() if line.startswith("systemd-fsck@")]
    assert len(checks) == len(KINDS) + 1  # and "data"
    assert all(line.split()[1:4] == ["loaded", "active", "exited"] for line in checks)
    if kind.fstype in CHECKED:
        assert f"\n{kind.source}: " in boot["fsck"].out


def test_blank_partitions_are_formatted(boot: Boot) -> None:
    for kind in KINDS:
        said = (f"/dev/disk/by-partlabel/{kind.name} was blank; "
                f"created a file system of type {kind.fstype}")
        assert (said in boot["prepared"].out) == kind.name.startswith("new-")


def test_file_systems_are_grown(boot: Boot) -> None:
    sizes = (int(size) for size in boot["grown"].out.split())
    for size, fstype, log in zip(sizes, ("btrfs", "xfs"), (0, XFS_LOG_BYTES)):
        assert size + log > (SMALL[fstype] + GROWN[fstype]) / 2, fstype


def test_several_persists_of_one_partition_and_one_in_fstab_too(boot: Boot) -> None:
    """What fstab has on the path of a persist is not mounted a second time: rofs wins."""
    targets = [line.split()[0] for line in boot["fstab"].out.splitlines()
               if line.split()[1].startswith("/dev/vdb")]
    assert sorted(targets) == ["/rofs/persist/data", *DATA_PATHS]


def test_partition_that_fstab_mounts_elsewhere_is_bound_there(boot: Boot) -> None:
    """The line says ro; a second mount would fail, or make the partition read-only."""
    found = {line.split()[0]: line.split()[3].split(",") for line in
             boot["fstab"].out.splitlines() if line.split()[1].startswith("/dev/nvme0n1p1")}
    assert sorted(found) == ["/rofs/persist/nvme", "/srv", "/var/local/nvme"]
    assert found["/srv"][:3] == ["ro", "nosuid", "nodev"]
    assert found["/var/local/nvme"][0] == found["/rofs/persist/nvme"][0] == "rw"
    assert "mounts the same device" not in boot["said"].out


def test_owner_on_vfat_is_refused_with_what_to_do(boot: Boot) -> None:
    assert "stores neither owners nor modes; remove Mode=" in boot["owners"].err
    assert "/etc/rofs.conf:4: [Persist /srv/closed]: the file system" in boot["owners"].err
    assert boot["owners"].out.split() == ["1", "kept"]


def test_nothing_is_written_by_an_idle_machine(boot: Boot) -> None:
    words = [line.split() for line in boot["idle"].out.splitlines()]
    before, after = (dict(words[:len(words) // 2]), dict(words[len(words) // 2:]))
    assert {name for name in before if before[name] != after[name]} <= {"vdc", "nvme0n1", "sda"}
    assert boot["sectors"].line == "0"


def test_changes_are_kept_on_f2fs(boot: Boot) -> None:
    """The second commit replaces and removes what the first has made; the directory of transactions
    is hidden."""
    lines = boot["commit"].out.splitlines()
    assert [line for line in lines if line in ("0", "again", "file", ".rofs")] == [
        "0", "0", "again", ".rofs", "file", "file"], boot["commit"]
    assert lines[-3:-2] == ["file"]
    assert [line.split()[0] for line in lines[-2:]] == ["ext4", "f2fs"]
    assert all(line.split()[1].startswith("ro") for line in lines[-2:])


def test_guard_is_back_when_the_stick_is_pulled(boot: Boot) -> None:
    assert boot["pull"].out.split() == ["autofs", "inactive"]
    assert "Read-only file system" in boot["pull"].err


def test_everything_is_unmounted_and_clean(outcome: Outcome, boot: Boot) -> None:
    assert "Power down" in boot.console
    assert boot.trouble == []
    assert outcome.root_fsck[0][0] == 0, outcome.root_fsck[0][1]
    assert outcome.data_state == ["clean"]
    assert outcome.data_fsck[0][0] == 0, outcome.data_fsck[0][1]
