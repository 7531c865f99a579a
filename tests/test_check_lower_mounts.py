"""`rofs check` on trees whose fstab leaves a lower writable through another mount."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import make_tree, parse_json, run_program

FSTAB = "LABEL=root / ext4 ro 0 1\n"
HOME = "[Overlay /home]\n"
DIRS = ["srv", "mnt/disk/home", "mnt/other", "export", "data/www", "data/old"]


def check(rofs: Path, root: Path, conf: str, fstab: str) -> list[dict[str, Any]]:
    make_tree(root, {"etc/rofs.conf": conf, "etc/fstab": fstab}, DIRS)
    done = run_program(rofs, "check", "--json", root=root)
    problems: list[dict[str, Any]] = parse_json(done.stdout, "check.schema.json")["problems"]
    return [p for p in problems if p["kind"] == "lower-shared"]


# (configuration, fstab, line of the problem, what the message holds)
SHARED = {
    "bind of a directory": (
        HOME, FSTAB + "/dev/sda3 /mnt/disk ext4 rw 0 2\n/mnt/disk/home /home none bind 0 0\n", 3,
        "/mnt/disk/home stays writable through /mnt/disk"),
    "bind of all": (
        HOME, FSTAB + "/dev/sda3 /mnt/disk ext4 defaults 0 2\n/mnt/disk /home none rbind 0 0\n", 3,
        "/mnt/disk stays writable through /mnt/disk"),
    "bind of a bind": (
        HOME, FSTAB + "/dev/sda3 /mnt/disk ext4 defaults 0 2\n/mnt/disk /mnt/other none bind\n"
        "/mnt/other/home /home none bind\n", 4, "stays writable through /mnt/other"),
    "same device twice": (
        HOME, FSTAB + "/dev/sda3 /home ext4 rw 0 2\n/dev/sda3 /mnt/disk ext4 rw 0 2\n", 3,
        "/dev/sda3 writable on /mnt/disk as well as on /home"),
    "same device, other names": (
        HOME, FSTAB + 'LABEL="x" /home ext4 rw\n/dev/disk/by-label/x /mnt/disk ext4 rw\n', 3,
        "writable on /mnt/disk as well as on /home"),
    "device of the root": (
        HOME, FSTAB + "LABEL=root /mnt/disk ext4 rw 0 2\n", 2, "on /mnt/disk as well as on /"),
    "all subvolumes": (
        HOME, FSTAB + "/dev/sda3 /home btrfs subvol=@home\n/dev/sda3 /mnt/disk btrfs subvolid=5\n",
        3, "on /mnt/disk as well as on /home"),
    "same subvolume": (
        HOME, FSTAB + "/dev/sda3 /home btrfs subvol=@home\n/dev/sda3 /mnt/disk btrfs "
        "subvol=/@home\n", 3, "on /mnt/disk as well as on /home"),
    "subvolume in that of the lower": (
        HOME, FSTAB + "/dev/sda3 /home btrfs subvol=@home\n/dev/sda3 /srv btrfs "
        "subvol=@home/www\n", 3, "on /srv as well as on /home"),
    "below a mount": (
        "[Overlay /data/www]\n", FSTAB + "/dev/sda3 /data ext4 rw\n/dev/sda3 /mnt/disk ext4 rw\n",
        3, "on /mnt/disk as well as on /data"),
    "bind of what is above the overlay": (
        "[Overlay /data/www]\n", FSTAB + "/dev/sda3 /data ext4 rw\n/data /export none bind\n", 3,
        "fstab binds /data on /export, where /export/www is writable without its overlay"),
}


@pytest.mark.parametrize("name", SHARED)
def test_it_is_told(name: str, rofs: Path, tmp_path: Path) -> None:
    conf, fstab, line, text = SHARED[name]
    problem, = check(rofs, tmp_path, conf, fstab)
    assert (problem["file"], problem["line"]) == ("/etc/fstab", line)
    assert text in problem["message"]


ALONE = {
    "source is read-only": (
        HOME, FSTAB + "/dev/sda3 /mnt/disk ext4 ro 0 2\n/mnt/disk/home /home none bind 0 0\n"),
    "source is overlaid too": (
        HOME + "[Overlay /mnt/disk]\n",
        FSTAB + "/dev/sda3 /mnt/disk ext4 rw 0 2\n/mnt/disk/home /home none bind 0 0\n"),
    "source is on /": (HOME, FSTAB + "/mnt/disk/home /home none bind 0 0\n"),
    "other device": (HOME, FSTAB + "/dev/sda3 /home ext4 rw\n/dev/sda4 /mnt/disk ext4 rw\n"),
    "second mount is read-only": (
        HOME, FSTAB + "/dev/sda3 /home ext4 rw\n/dev/sda3 /mnt/disk ext4 ro\n"),
    "subvolume in that of the lower, mounted there": (
        HOME, FSTAB + "/dev/sda3 /home btrfs subvol=@home\n/dev/sda3 /home/.snapshots btrfs "
        "subvol=@home/.snapshots\n"),
    "second mount is for hand": (
        HOME, FSTAB + "/dev/sda3 /home ext4 rw\n/dev/sda3 /mnt/disk ext4 noauto\n"),
    "second mount is overlaid": (
        HOME + "[Overlay /srv]\n", FSTAB + "/dev/sda3 /home ext4 rw\n/dev/sda3 /srv ext4 rw\n"),
    "bind of an overlay": (HOME, FSTAB + "/dev/sda3 /home ext4 rw\n/home/x /srv none bind\n"),
    "bind beside the overlay": (
        "[Overlay /data/www]\n", FSTAB + "/dev/sda3 /data ext4 rw\n/data/old /export none bind\n"),
    "rbind shows the overlay": (
        "[Overlay /data/www]\n", FSTAB + "/dev/sda3 /data ext4 rw\n/data /export none rbind\n"),
    "bind of /": (HOME, FSTAB + "/ /export none bind\n"),
    "another subvolume": (
        HOME, FSTAB + "/dev/sda3 /home btrfs subvol=@home\n/dev/sda3 /mnt/disk btrfs "
        "subvol=@home2\n"),
    "root is writable": ("[Root]\nReadOnly=no\n[Overlay /var]\n",
                         "LABEL=root / ext4 rw 0 1\nLABEL=root /mnt/disk ext4 rw\n"),
}


@pytest.mark.parametrize("name", ALONE)
def test_it_is_not_told(name: str, rofs: Path, tmp_path: Path) -> None:
    assert check(rofs, tmp_path, *ALONE[name]) == []
