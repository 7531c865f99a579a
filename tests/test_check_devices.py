"""`rofs check` among real block devices, in a chroot in a mount namespace."""

from __future__ import annotations

from pathlib import Path

import pytest
from mounted_system import System

pytestmark = pytest.mark.root

# Two disks, with names. /dev is a file system of this namespace: in that of the machine, /dev/disk
# would stay, and other programs ask whether it is there.
DISKS = """
for n in 1 2; do truncate -s 8M /run/image$n; mkfs.ext4 -q /run/image$n; done
one=$(losetup -f --show /run/image1); two=$(losetup -f --show /run/image2)
trap 'losetup -d $one; losetup -d $two' EXIT
mkdir /run/dev; mount -t tmpfs dev /run/dev
cp -a /dev/null /dev/zero /dev/random /dev/urandom $one $two /run/dev/; mount --move /run/dev /dev
mkdir -p /dev/disk/by-label /dev/disk/by-uuid
ln -s $one /dev/disk/by-label/one; ln -s $one /dev/disk/by-uuid/1-1
ln -s $two /dev/disk/by-label/two
sed -i "s,TWO,$two," /etc/fstab
"""
CONF = "[Overlay /var]\n[Partition data]\nDevice=LABEL=one\n[Persist /srv]\nPartition=data\n"
FSTAB = "LABEL=root / ext4 ro 0 1\n"


@pytest.fixture
def check(system: System, rofs: Path):
    """The output of rofs check for a rofs.conf and an fstab, without its last line."""
    def run(conf: str, fstab: str, before: str = "", by: str = "") -> list[str]:
        done = system(conf, f"printf '{fstab}' > /etc/fstab{DISKS}{before}\n"
                      f"{by} /rofs-bin check || true",
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
    assert not said(lines, "is the device of")


@pytest.mark.parametrize(("line", "count"), [
    ("UUID=1-1 /mnt ext4 defaults 0 2", 1), ("UUID=1-1 /mnt ext4 noauto 0 2", 0),
    ("UUID=1-1 /mnt btrfs subvol=@other 0 0", 0)])
def test_another_name_in_fstab(check, line: str, count: int) -> None:
    lines = check(CONF, FSTAB + line + "\\n")
    assert said(lines, "is the device of") == [
        "/etc/fstab:2: warning: UUID=1-1 is the device of [Partition data], and fstab mounts it on"
        " /mnt as well; name it LABEL=one here too, or remove this line"] * count


def test_another_section(check) -> None:
    more = "[Partition more]\nDevice=UUID=1-1\n[Persist /mnt]\nPartition=more\n"
    lines = check(CONF + more, FSTAB)
    assert said(lines, "the same device as") == [
        "/etc/rofs.conf:7: warning: [Partition more]: UUID=1-1 is the same device as LABEL=one of"
        " [Partition data], and would be mounted twice; expected one section for it"]


HOLDS = "[Partition data]: LABEL=one holds "
AT_DEVICE = "/etc/rofs.conf:3: error: " + HOLDS
EXT4 = CONF.replace("one\n", "one\nType=ext4\n")
SWAP = AT_DEVICE + "swap, which is not a file system; expected the device that holds one"
VFAT = f"/etc/rofs.conf:4: error: {HOLDS}vfat, not ext4; expected Type=auto or Type=vfat"
# How the device is changed, the configuration, and what is wrong.
CONTENTS = {
    "the type": ("", EXT4, []),
    "another type": ("wipefs -aq $one; mkfs.vfat $one >/dev/null", EXT4, [VFAT]),
    "nothing": ("wipefs -aq $one", CONF, [
        AT_DEVICE + "no file system; create one, for example with mkfs.ext4, or set Type= and "
                    "Format=yes"]),
    "nothing yet": (
        "wipefs -aq $one; mkdir /dev/disk/by-partlabel; ln -s $one /dev/disk/by-partlabel/one",
        EXT4.replace("LABEL=one", "PARTLABEL=one\nFormat=yes"), []),
    "no file system": ("wipefs -aq $one; mkswap $one >/dev/null", CONF, [SWAP]),
    "two types": ("printf S1SUSPEND | dd of=$one bs=1 seek=4086 status=none",
                  EXT4.replace("ext4", "xfs"), []),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_content_without_udev(check, name: str) -> None:
    before, conf, expected = CONTENTS[name]
    assert said(check(conf, FSTAB, before), " holds ") == expected


@pytest.mark.parametrize(("kept", "count"), [(False, 0), (True, 1)])
def test_upper_on_what_the_type_does_not_say(check, kept: bool, count: int) -> None:
    conf = CONF + "Directory=/x\n"
    if kept:
        conf = conf.replace("[Overlay /var]\n", "[Overlay /var]\nPartition=data\n")
    lines = check(conf, FSTAB, "wipefs -aq $one; mkfs.vfat $one >/dev/null")
    text = HOLDS + "vfat, which cannot hold the changes of an overlay; expected ext4,"
    assert len(said(lines, text)) == count, lines


@pytest.mark.parametrize(("device", "count"), [("TWO", 1), ("LABEL=one", 0)])
def test_subvolume_by_another_name(check, device: str, count: int) -> None:
    lines = check("[Overlay /var]\n", f"LABEL=two / btrfs ro 0 0\\n{device} /mnt btrfs rw 0 0\\n")
    assert len(said(lines, "fstab mounts /mnt writable, and it is a subvolume")) == count


LOWER = "[Overlay /mnt]\n"


@pytest.mark.parametrize(("before", "count"), [
    ("wipefs -aq $one; mkfs.vfat $one >/dev/null", 1), ("", 0)], ids=["vfat", "ext4"])
def test_lower_of_type_auto(check, before: str, count: int) -> None:
    lines = check(LOWER, FSTAB + "LABEL=one /mnt auto defaults 0 2\n", before)
    assert said(lines, "refuses") == [
        "/etc/fstab:2: error: /mnt is vfat, which overlayfs refuses as the lower layer of "
        "[Overlay /mnt]; expected ext4, xfs, btrfs, f2fs, squashfs or erofs"] * count


NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups"
# The database of udev has the device by its number.
UDEV = """
mkdir -p -m 0755 /sys /run/udev/data; mount -t sysfs sys /sys
printf 'I:1\\n{}' > /run/udev/data/b$(cat /sys/block/${{one#/dev/}}/dev)
"""


@pytest.mark.parametrize("by", ["", NOBODY], ids=["root", "nobody"])
@pytest.mark.parametrize(("found", "expected"), [
    (r"E:ID_FS_TYPE=swap\nE:ID_FS_USAGE=other\n", [SWAP]),
    (r"E:ID_FS_TYPE=vfat\nE:ID_FS_USAGE=filesystem\n", [VFAT]),
    (r"E:ID_FS_TYPE=ext4\nE:ID_FS_USAGE=filesystem\n", []),
], ids=["swap", "vfat", "ext4"])
def test_content_that_udev_has_found(check, found: str, expected: list[str], by: str) -> None:
    assert said(check(EXT4, FSTAB, UDEV.format(found), by), " holds ") == expected


@pytest.mark.parametrize("by", ["", NOBODY], ids=["root", "nobody"])
def test_nothing_where_udev_has_looked(check, by: str) -> None:
    """udev has no type for a blank device; who may not read the device relies on that."""
    lines = check(CONF, FSTAB, "wipefs -aq $one" + UDEV.format(""), by)
    assert said(lines, " holds ") == CONTENTS["nothing"][2]


def test_content_that_only_root_may_read(check) -> None:
    assert said(check(CONF, FSTAB, "wipefs -aq $one", NOBODY), " holds ") == []
