"""`rofs check` among real block devices, in a chroot in a mount namespace."""

from __future__ import annotations

from pathlib import Path

import pytest
from mounted_system import System

pytestmark = pytest.mark.root

# Two disks; /dev/disk has names for the first that only this namespace sees.
DISKS = """
for n in 1 2; do truncate -s 8M /run/image$n; mkfs.ext4 -q /run/image$n; done
one=$(losetup -f --show /run/image1); two=$(losetup -f --show /run/image2)
trap 'losetup -d $one; losetup -d $two' EXIT
mkdir -p /dev/disk; mount -t tmpfs disk /dev/disk
mkdir -p /dev/disk/by-label /dev/disk/by-uuid
ln -s $one /dev/disk/by-label/one; ln -s $one /dev/disk/by-uuid/1-1
ln -s $two /dev/disk/by-label/two
sed -i "s,TWO,$two," /etc/fstab
/rofs-bin check || true
"""
CONF = "[Overlay /var]\n[Partition data]\nDevice=LABEL=one\n[Persist /srv]\nPartition=data\n"
FSTAB = "LABEL=root / ext4 ro 0 1\n"


@pytest.fixture
def check(system: System, rofs: Path):
    """The output of rofs check for a rofs.conf and an fstab, without its last line."""
    def run(conf: str, fstab: str) -> list[str]:
        done = system(conf, f"printf '{fstab}' > /etc/fstab" + DISKS,
                      f"mkdir srv mnt; cp {rofs} rofs-bin")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()[:-1]
    return run


def said(lines: list[str], text: str) -> list[str]:
    return [line for line in lines if text in line]


def test_another_partition_is_nothing_to_warn_of(check) -> None:
    lines = check(CONF, FSTAB + "TWO /mnt ext4 defaults 0 2\\n")
    assert not said(lines, "LABEL=one"), lines


def test_same_name_in_fstab_is_told_by_the_plan_alone(check) -> None:
    lines = check(CONF, FSTAB + "LABEL=one /mnt ext4 defaults 0 2\\n")
    found, = said(lines, "same device")
    assert "rofs mounts it once" in found
    assert not said(lines, "the same name in both files")


@pytest.mark.parametrize(("line", "count"), [
    ("UUID=1-1 /mnt ext4 defaults 0 2", 1), ("UUID=1-1 /mnt ext4 noauto 0 2", 0)])
def test_another_name_in_fstab(check, line: str, count: int) -> None:
    lines = check(CONF, FSTAB + line + "\\n")
    assert said(lines, "the same name in both files") == [
        "/etc/fstab:2: warning: UUID=1-1 is the device of [Partition data], and is mounted on /mnt"
        " as well; expected the same name in both files, LABEL=one, or no such line here"] * count


def test_another_section(check) -> None:
    more = "[Partition more]\nDevice=UUID=1-1\n[Persist /mnt]\nPartition=more\n"
    lines = check(CONF + more, FSTAB)
    assert said(lines, "the same device as") == [
        "/etc/rofs.conf:7: warning: [Partition more]: UUID=1-1 is the same device as LABEL=one of"
        " [Partition data], and is mounted twice; expected one section for it"]
