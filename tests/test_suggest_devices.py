"""`rofs suggest` among real block devices, in a chroot in a mount namespace."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mounted_system import System

pytestmark = pytest.mark.root

# Two disks as udev knows them.
DISKS = r"""
for n in 1 2; do truncate -s ${n}6M /run/image$n; mkfs.ext4 -q /run/image$n; done
one=$(losetup -f --show /run/image1); two=$(losetup -f --show /run/image2)
trap 'umount -q /mnt || true; losetup -d $one; losetup -d $two' EXIT
mkdir -p -m 0755 /sys /run/udev/data; mount -t sysfs sys /sys
entry() {
    printf "I:1\nS:disk/by-label/$2\nE:ID_FS_USAGE=filesystem\nE:ID_FS_TYPE=ext4\n" \
        > /run/udev/data/b$(cat /sys/block/${1#/dev/}/dev)
    printf "E:ID_FS_LABEL=$2\nE:ID_FS_LABEL_ENC=$2\nE:ID_FS_UUID=u-$2\n$3" \
        >> /run/udev/data/b$(cat /sys/block/${1#/dev/}/dev)
}
"""
FSTAB = "LABEL=root / ext4 ro 0 0\n"


@pytest.fixture
def suggest(system: System, rofs: Path):
    """What is suggested with these disks, and the lines about the device of the partition in it."""
    def run(before: str, fstab: str = FSTAB, labels: tuple[str, str] = ("one", "data"),
            more: str = "") -> str:
        done = system("", f"printf '{fstab}' > /etc/fstab{DISKS}"
                      f"entry $one '{labels[0]}' '{more}'; entry $two '{labels[1]}' '{more}'\n"
                      f"{before}\n/rofs-bin suggest",
                      f"mkdir -p srv mnt home/anna; cp {rofs} rofs-bin")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    return run


def device(text: str) -> str:
    """Of the partition, with a number sign if there is none."""
    found, = [line for line in text.splitlines() if line.lstrip("#").startswith("Device=")]
    return found.replace("Device=", "")


def test_unused_one_is_found_by_its_label(suggest) -> None:
    text = suggest("")
    assert device(text) == "LABEL=data"
    assert "\n[Partition data]\n" in text
    assert "ext4, 26 MiB, label data: neither mounted nor in /etc/fstab" in text


@pytest.mark.parametrize("line", ["LABEL=data /mnt ext4 noauto 0 0", "UUID=u-x /mnt ext4 ro 0 0"])
def test_one_of_fstab_is_in_use(suggest, line: str) -> None:
    assert device(suggest("sed -i '1a S:disk/by-uuid/u-x' /run/udev/data/b$(cat "
                          "/sys/block/${two#/dev/}/dev)", FSTAB + line + "\\n")) == "LABEL=one"


def test_mounted_one_is_in_use(suggest) -> None:
    assert device(suggest("mount $two /mnt")) == "LABEL=one"


@pytest.mark.parametrize(("at", "sections"), [
    ("/home", ["[Overlay /home]", "[Persist /home]"]),
    ("/srv/lib/mysql", ["[Persist /srv/lib/mysql]"]), ("/srv/lib", ["[Persist /srv/lib/mysql]"])])
def test_what_is_mounted_otherwise_is_left_alone(suggest, at: str, sections: list[str]) -> None:
    text = suggest("mkdir -p /srv/lib/mysql /etc/mysql /usr/sbin; touch /usr/sbin/mariadbd\n"
                   "printf '[mysqld]\\ndatadir=/srv/lib/mysql\\n' > /etc/mysql/my.cnf\n"
                   f"mount $two {at}; trap 'umount {at}; losetup -d $one $two' EXIT\n"
                   "mkdir -p /home/anna /srv/lib/mysql/x").replace("\n# ", " ")
    for section in sections:
        assert f"\n{section}" not in text and f"\n#{section}" not in text
        assert f"Left out: {section}: {at} is mounted now, though neither" in text


def test_protected_machine(system: System, rofs: Path) -> None:
    """What rofs has mounted is not in the way, and what is only in RAM does not count."""
    done = system("[Overlay /etc]\n[Overlay /home]\n[Overlay /var]\nSize=20%\n",
                  "boot\nmkdir -p /home/new /etc/systemd/system/multi-user.target.wants\n"
                  "printf '[Service]\\nStateDirectory=app\\n' > /etc/systemd/system/app.service\n"
                  "ln -s ../app.service /etc/systemd/system/multi-user.target.wants/\n"
                  "/rofs-bin suggest", f"mkdir -p home/anna; cp {rofs} rofs-bin")
    assert done.returncode == 0, done.stdout + done.stderr
    text = done.stdout[done.stdout.index("# Suggested by"):]
    assert re.findall(r"^\[Overlay (.*)\]$", text, re.M) == ["/etc", "/home", "/root", "/var"]
    assert "[Persist /home]" in text and "is mounted now" not in text
    assert "This machine has a configuration already" in text and "app.service" not in text


def test_label_that_is_not_plain(suggest) -> None:
    text = suggest("", labels=("my data", "my data"), more="E:ID_FS_LABEL_ENC=my\\\\x20data\\n")
    assert device(text) == "UUID=u-my data"


@pytest.mark.parametrize(("kind", "expected"), [
    ("0fc63daf-8483-4772-8e79-3d69d8477de4", "LABEL=data"),
    ("4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "#LABEL=data")], ids=["files", "root"])
def test_type_of_the_partition(suggest, kind: str, expected: str) -> None:
    assert device(suggest("", more=f"E:ID_PART_ENTRY_TYPE={kind}\\n")) == expected
