"""`rofs check` on trees that each have one problem."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Optional

import pytest
from support import make_tree, parse_json, run_program

pytestmark = pytest.mark.sanitized

MIB = 1024 * 1024
VAR = "[Overlay /var]\n"
DATA = "[Partition data]\nDevice=/dev/vdb\n[Persist /srv]\nPartition=data\n"
FSTAB = "LABEL=root / ext4 ro 0 1\n"


def check(rofs: Path, root: Optional[Path], *arguments: str) -> tuple[int, list[str]]:
    """The exit status, and all lines except the last, which counts them."""
    done = run_program(rofs, "check", *arguments, root=root)
    assert done.stderr == ""
    *lines, last = done.stdout.splitlines()
    errors = len([line for line in lines if re.match(r"(\S+: )?error: ", line)])
    warnings = len([line for line in lines if re.match(r"(\S+: )?warning: ", line)])
    assert last == (f"{errors} error{'s' * (errors != 1)}, "
                    f"{warnings} warning{'s' * (warnings != 1)}")
    assert done.returncode == (1 if errors else 0)
    return done.returncode, lines


def sparse(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def test_nothing_is_wrong(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": VAR + DATA, "etc/fstab": FSTAB}, ["srv"])
    assert check(rofs, root) == (0, [])
    assert check(rofs, None, f"--root={root}") == (0, [])


def test_units_that_a_partition_requires_and_that_exist(rofs: Path, tmp_path: Path) -> None:
    """Files of the image, templates and aliases; and what others than files make."""
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": VAR + DATA, "etc/fstab": FSTAB,
        "etc/rofs.conf.d/1.conf":
            "[Partition data]\nRequires=a@1.service b.target alias.service dev-sdb.device "
            "mnt-key.mount systemd-cryptsetup@data.service\n",
        "usr/lib/systemd/system/a@.service": "[Unit]\nDefaultDependencies=no\n",
        "usr/lib/systemd/system/c.service": "[Unit]\nDefaultDependencies=no\n",
        "etc/systemd/system/b.target": "[Unit]\n"}, ["srv"])
    (root / "etc/systemd/system/alias.service").symlink_to("/usr/lib/systemd/system/c.service")
    assert check(rofs, root) == (0, [])


# (the files, what one line must begin with, and hold)
CASES = {
    "commit to a lower that nobody can write": (
        {"etc/rofs.conf": "[Overlay /srv]\nCommitAt=daily\n",
         "etc/fstab": FSTAB + "LABEL=srv /srv squashfs defaults 0 0\n"},
        "/etc/rofs.conf:2: warning: ", "nothing can be committed to its lower, which is squashfs"),
    "commit at a time zone that does not exist": (
        {"etc/rofs.conf": "[Overlay /srv]\nCommitAt=shutdown; 03:00 Europe/Nowhere\n"},
        "/etc/rofs.conf:2: error: ", "systemd does not understand '03:00 Europe/Nowhere'"),
    "mistake": ({"etc/rofs.conf": VAR + "Szie=1M\n"},
                "/etc/rofs.conf:2: error: ", "unknown key Szie="),
    "mount point": ({"etc/rofs.conf": "[Overlay /nowhere]\n"},
                    "/etc/rofs.conf:1: error: ", "there is no such directory"),
    "lower of fstab": ({"etc/rofs.conf": "[Overlay /home]\n",
                        "etc/fstab": "# x\n/dev/sda3 /home vfat rw 0 2\n"},
                       "/etc/fstab:2: error: ", "/home is vfat, which overlayfs refuses"),
    "lower below a mount of fstab": (
        {"etc/rofs.conf": "[Overlay /home/a]\n", "etc/fstab": "/dev/sda3 /home exfat rw 0 0\n"},
        "/etc/fstab:1: error: ", "/home is exfat, which overlayfs refuses as the lower layer of "
        "[Overlay /home/a]"),
    "unit of a partition": (
        {"etc/rofs.conf": VAR + DATA,
         "etc/rofs.conf.d/1.conf": "[Partition data]\nRequires=there.service unlok.service\n",
         "etc/systemd/system/there.service": "[Unit]\nDefaultDependencies=no\n"},
        "/etc/rofs.conf.d/1.conf:2: warning: ",
        "Requires=unlok.service: this unit does not exist, and without it systemd does not mount"),
    "masked unit of a partition": (
        {"etc/rofs.conf": VAR + DATA,
         "etc/rofs.conf.d/1.conf": "[Partition data]\nRequires=off.service\n",
         "etc/systemd/system/off.service": ""},
        "/etc/rofs.conf.d/1.conf:2: warning: ", "Requires=off.service: this unit is masked"),
    "lower behind a daemon": (
        {"etc/rofs.conf": "[Overlay /home]\n", "etc/fstab": "/a:/b /home fuse.mergerfs rw 0 0\n"},
        "/etc/rofs.conf:1: error: ", "fstab mounts /home through a daemon, too late"),
    "upper": ({"etc/rofs.conf": VAR + "Partition=data\n" + DATA + "Directory=/x\n",
               "etc/rofs.conf.d/1.conf": "[Partition data]\nType=vfat\n"},
              "/etc/rofs.conf.d/1.conf:2: error: ", "vfat cannot hold the changes"),
    "upper that a daemon serves": (
        {"etc/rofs.conf": VAR + "Partition=data\n" + DATA + "Directory=/x\n",
         "etc/rofs.conf.d/1.conf": "[Partition data]\nType=fuse.exotic\n"},
        "/etc/rofs.conf.d/1.conf:2: error: ", "fuse.exotic cannot hold the changes"),
    "flags of fstab": ({"etc/rofs.conf": "[Overlay /home]\n",
                        "etc/fstab": "# x\n/dev/sda3 /home ext4 nosuid,users,exec 0 2\n"},
                       "/etc/fstab:2: note: ",
                       "[Overlay /home] is mounted with nosuid,nodev, as is /home"),
    "flags of a persist": ({"etc/rofs.conf": DATA.replace("/srv", "/home"),
                            "etc/fstab": "LABEL=x /home ext4 nosuid,noexec 0 2\n"},
                           "/etc/fstab:1: note: ", "[Persist /home] is mounted with noexec, as in"),
    "flags of the command line": ({"etc/rofs.conf": VAR, "etc/fstab": "",
                                   "proc/cmdline": "rootflags=nodev\n"},
                                  "/proc/cmdline: note: ",
                                  "[Overlay /var] is mounted with nodev, as is /;"),
    "flags of a partition": ({"etc/rofs.conf": "[Partition data]\nDevice=/dev/vdb\n"
                              "Options=noexec\n[Overlay /home]\nPartition=data\n"},
                             "/etc/rofs.conf:3: note: ",
                             "is mounted with noexec, as is [Partition data]"),
    "read-only by fstab": ({"etc/rofs.conf": "[Overlay /home]\n",
                            "etc/fstab": "# x\n/dev/sda3 /home ext4 ro 0 2\n"},
                           "/etc/fstab:2: warning: ",
                           "[Overlay /home] is read-only, as fstab mounts /home with ro; "
                           "Options=rw makes it writable"),
    "nosuid of a partition": ({"etc/rofs.conf": "[Partition data]\nDevice=/dev/vdb\n"
                               "[Overlay /usr]\nPartition=data\n"},
                              "/etc/rofs.conf:3: warning: ",
                              "so sudo and other set-user-ID programs below it fail"),
    "fstab mounts it too": ({"etc/rofs.conf": DATA,
                             "etc/fstab": FSTAB + "/dev/vdb /mnt ext4 defaults 0 2\n"},
                            "/etc/rofs.conf:2: note: ", "fstab mounts the same device on /mnt"),
    "fstab mounts it too, with options": (
        {"etc/rofs.conf": DATA, "etc/fstab":
         FSTAB + "/dev/vdb /mnt ext4 noatime,user,commit=5,nofail,x-a=b 0 2\n"},
        "/etc/rofs.conf:2: warning: ", "on /mnt with commit=5, which has no effect"),
    "boot on a subvolume of the root": (
        {"etc/rofs.conf": VAR, "etc/fstab": "UUID=1 / btrfs ro,subvol=@ 0 0\n"
         "UUID=1 /boot/grub btrfs subvol=@grub 0 0\n"},
        "/etc/fstab:2: warning: ", "fstab mounts /boot/grub writable, and it is a subvolume"),
    "quota of a lower": (
        {"etc/rofs.conf": "[Overlay /home]\n",
         "etc/fstab": "# x\n/dev/sda3 /home ext4 noatime,usrquota,jqfmt=vfsv1 0 2\n"},
        "/etc/fstab:2: warning: ", "[Overlay /home]: quota is not enforced on the overlay: "
        "usrquota,jqfmt=vfsv1 applies to the file system on /home"),
    "quota of the root": (
        {"etc/rofs.conf": VAR, "etc/fstab": "/dev/a / ext4 ro,usrquota 0 1\n"},
        "/etc/fstab:1: warning: ", "usrquota has no effect on /, which rofs keeps read-only"),
    "quota of a writable root": (
        {"etc/rofs.conf": "[Root]\nReadOnly=no\n" + VAR,
         "etc/fstab": "/dev/a / ext4 ro,usrquota 0 1\n"},
        "/etc/fstab:1: warning: ", "[Overlay /var]: quota is not enforced"),
    "quota of what is above the overlay": (
        {"etc/rofs.conf": "[Overlay /home/a]\n",
         "etc/fstab": "/dev/sda3 /home ext4 usrquota 0 2\n"},
        "/etc/fstab:1: warning: ", "[Overlay /home/a]: quota is not enforced on the overlay: "
        "usrquota applies to the file system on /home, to which the overlay does not write; "
        "expected a [Persist] on"),
    "quota of what is bound": (
        {"etc/rofs.conf": "[Overlay /home]\n",
         "etc/fstab": "/dev/sda3 /mnt ext4 grpquota,ro 0 2\n/mnt/home /home none bind 0 0\n"},
        "/etc/fstab:1: warning: ", "grpquota applies to the file system on /mnt, to which"),
    "quota of a persist": (
        {"etc/rofs.conf": DATA, "etc/fstab": "/dev/vdb /srv ext4 usrquota,ro 0 2\n"},
        "/etc/fstab:1: warning: ", "usrquota has no effect on /srv, where rofs mounts "
        "[Partition data] with its own options; expected it in Options= there"),
    "quota of a partition that is mounted once": (
        {"etc/rofs.conf": DATA, "etc/fstab": "/dev/vdb /mnt ext4 usrquota,ro 0 2\n"},
        "/etc/fstab:1: warning: ", "usrquota has no effect on /mnt, where rofs mounts"),
    "quota of the command line": (
        {"etc/rofs.conf": VAR, "etc/fstab": "", "proc/cmdline": "rootflags=grpquota\n"},
        "/proc/cmdline: warning: ", "grpquota has no effect on /"),
    "subvolume": (
        {"etc/rofs.conf": VAR, "etc/fstab": "UUID=1 / btrfs ro,subvol=@ 0 0\n"
         "UUID=1 /.snapshots btrfs subvol=@snapshots 0 0\n"},
        "/etc/fstab:2: warning: ", "fstab mounts /.snapshots writable, and it is a subvolume of"),
    "subvolume below an overlay": (
        {"etc/rofs.conf": VAR, "etc/fstab": "UUID=1 / auto ro 0 0\n"
         "/dev/disk/by-uuid/1 /var/log auto subvol=@var_log,compress=zstd 0 0\n"},
        "/etc/fstab:2: warning: ", "expected ro here, or an [Overlay /var/log]"),
    "partition that is the root": (
        {"etc/rofs.conf": DATA, "etc/fstab": "/dev/vdb / ext4 ro 0 0\n"},
        "/etc/rofs.conf:2: error: ", "[Partition data]: /dev/vdb holds the root file system"),
    "partition that is the root of root=": (
        {"etc/rofs.conf": DATA, "etc/fstab": "", "proc/cmdline": "root=/dev/vdb ro\n"},
        "/etc/rofs.conf:2: error: ", "[Partition data]: /dev/vdb holds the root file system"),
    "partition that is the subvolume of the root": (
        {"etc/rofs.conf": DATA,
         "etc/rofs.conf.d/1.conf": "[Partition data]\nOptions=subvol=/@\n",
         "etc/fstab": "/dev/vdb / btrfs ro,subvol=@ 0 0\n"},
        "/etc/rofs.conf:2: error: ", "/dev/vdb holds the root file system"),
    "partition that is another subvolume of the root": (
        {"etc/rofs.conf": DATA,
         "etc/rofs.conf.d/1.conf": "[Partition data]\nOptions=subvol=@data\n",
         "etc/fstab": "/dev/vdb / btrfs ro,subvol=@ 0 0\n"},
        "/etc/rofs.conf:2: warning: ", "is a subvolume of the file system of /, which is then"),
    "subvolume of root=": (
        {"etc/rofs.conf": VAR, "etc/fstab": "UUID=1 /opt btrfs subvol=@opt 0 0\n",
         "proc/cmdline": "root=UUID=1 rootflags=subvol=@\n"},
        "/etc/fstab:1: warning: ", "fstab mounts /opt writable"),
    "root writable by fstab": ({"etc/rofs.conf": VAR, "etc/fstab": "/dev/a / ext4 defaults 0 1\n"},
                               "/etc/fstab:1: note: ", "rofs keeps it read-only"),
    "root left writable": ({"etc/rofs.conf": "[Root]\nReadOnly=no\n",
                            "etc/fstab": "/dev/a / ext4 defaults 0 1\n"},
                           "/etc/fstab:1: warning: ", "ReadOnly=no in [Root] leaves it so"),
    "root not kept": ({"etc/rofs.conf": "[Root]\nReadOnly=no\n"},
                      "/etc/rofs.conf:2: warning: ", "rofs does not keep / read-only"),
    "root writable by boot": ({"etc/rofs.conf": VAR, "proc/cmdline": "quiet rw splash\n"},
                              "/proc/cmdline: warning: ", "rw on the kernel command line"),
    "volatile": ({"etc/rofs.conf": VAR, "proc/cmdline": "systemd.volatile=state\n"},
                 "/proc/cmdline: warning: ", "expected only one of the two"),
    "boot partition": ({"etc/rofs.conf": VAR,
                        "etc/fstab": FSTAB + "UUID=1-2 /boot/efi vfat umask=0077 0 1\n"},
                       "/etc/fstab:2: warning: ", "fstab mounts /boot/efi writable (vfat)"),
    "fsck of initramfs-tools": ({"etc/rofs.conf": VAR, "usr/sbin/update-initramfs": ""},
                                "/etc/fstab:1: warning: ", "&& update-initramfs -u -k all "),
    "fsck of dracut": ({"etc/rofs.conf": VAR, "usr/bin/dracut": ""},
                       "/etc/fstab:1: warning: ", "&& dracut --regenerate-all --force;"),
    "fsck of mkinitcpio": ({"etc/rofs.conf": VAR, "usr/bin/mkinitcpio": "",
                            "etc/mkinitcpio.conf": "HOOKS=(base udev fsck)\n"},
                           "/etc/fstab:1: warning: ",
                           "remove fsck from HOOKS in /etc/mkinitcpio.conf"),
    "fsck switched off": ({"etc/rofs.conf": VAR + DATA, "proc/cmdline": "ro fsck.mode=skip\n"},
                          "/etc/rofs.conf:2: note: ", "it is not checked despite Check=yes"),
    "off": ({"etc/rofs.conf": VAR, "proc/cmdline": "rofs=off\n"},
            "/proc/cmdline: note: ", "rofs does nothing in this boot: rofs=off on the "),
    "too little memory": ({"etc/rofs.conf": "[Memory]\nSize=600M\n" + VAR,
                           "proc/meminfo": "MemTotal:  512000 kB\n"},
                          "/etc/rofs.conf:1: error: ", "may grow to 600 MiB, but the machine has"),
    "pools together": ({"etc/rofs.conf": VAR + "Size=40%\n",
                        "proc/meminfo": "MemTotal:  512000 kB\n"},
                       "warning: ", "the RAM pools together may grow to 450 MiB of 500 MiB"),
    "file that is renamed over": (
        {"etc/rofs.conf": VAR + DATA
         + "[Persist /etc/resolv.conf]\nPartition=data\nDirectory=/r\nKind=file\n"},
        "/etc/rofs.conf:9: warning: ", "replace this file by renaming a new one over it"),
    "file": ({"etc/rofs.conf": VAR + DATA
              + "[Persist /var/x]\nPartition=data\nDirectory=/r\nKind=file\n"},
             "/etc/rofs.conf:9: note: ", "if any does, persist the directory instead"),
    "container storage": ({"etc/rofs.conf": VAR, "var/lib/docker/x": ""},
                          "/etc/rofs.conf:1: warning: ", "Docker has its storage in"),
    "database": ({"etc/rofs.conf": VAR, "var/lib/redis/dump.rdb": "x" * 2048},
                 "/etc/rofs.conf:1: warning: ", "Redis keeps its data in /var/lib/redis (2 KiB)"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_told(name: str, rofs: Path, tmp_path: Path) -> None:
    files, beginning, text = CASES[name]
    root = make_tree(tmp_path / "root", {"etc/fstab": FSTAB, **files}, ["srv"])
    _, lines = check(rofs, root)
    found = [line for line in lines if line.startswith(beginning) and text in line]
    assert len(found) == 1, lines


# (kind, path, partition) of the line that each case is about
KINDS = {
    "commit to a lower that nobody can write": ("commit-refused", "/srv", None),
    "commit at a time zone that does not exist": ("commit-time", "/srv", None),
    "mistake": ("configuration", None, None),
    "mount point": ("configuration", None, None),
    "lower of fstab": ("lower-refused", "/home", None),
    "lower below a mount of fstab": ("lower-refused", "/home/a", None),
    "unit of a partition": ("partition-unit", None, "data"),
    "masked unit of a partition": ("partition-unit", None, "data"),
    "lower behind a daemon": ("configuration", None, None),
    "upper": ("upper-refused", None, "data"),
    "upper that a daemon serves": ("upper-refused", None, "data"),
    "flags of fstab": ("flags-inherited", "/home", None),
    "flags of a persist": ("flags-inherited", "/home", None),
    "flags of the command line": ("flags-inherited", "/var", None),
    "flags of a partition": ("flags-inherited", "/home", None),
    "read-only by fstab": ("overlay-inherits-read-only", "/home", None),
    "nosuid of a partition": ("overlay-inherits-nosuid", "/usr", None),
    "fstab mounts it too": ("fstab-bound", None, "data"),
    "fstab mounts it too, with options": ("configuration", None, None),
    "boot on a subvolume of the root": ("root-subvolume-writable", None, None),
    "quota of a lower": ("quota-not-enforced", "/home", None),
    "quota of the root": ("quota-not-enforced", None, None),
    "quota of a writable root": ("quota-not-enforced", "/var", None),
    "quota of what is above the overlay": ("quota-not-enforced", "/home/a", None),
    "quota of what is bound": ("quota-not-enforced", "/home", None),
    "quota of a persist": ("quota-not-enforced", None, "data"),
    "quota of a partition that is mounted once": ("quota-not-enforced", None, "data"),
    "quota of the command line": ("quota-not-enforced", None, None),
    "subvolume": ("root-subvolume-writable", None, None),
    "subvolume below an overlay": ("root-subvolume-writable", None, None),
    "partition that is the root": ("device-is-root", None, "data"),
    "partition that is the root of root=": ("device-is-root", None, "data"),
    "partition that is the subvolume of the root": ("device-is-root", None, "data"),
    "partition that is another subvolume of the root": ("root-subvolume-writable", None, "data"),
    "subvolume of root=": ("root-subvolume-writable", None, None),
    "root writable by fstab": ("fstab-root-writable", None, None),
    "root left writable": ("root-unprotected", None, None),
    "root not kept": ("root-unprotected", None, None),
    "root writable by boot": ("cmdline-writable", None, None),
    "volatile": ("cmdline-volatile", None, None),
    "boot partition": ("boot-partition-writable", None, None),
    "fsck of initramfs-tools": ("fsck-in-initramfs", None, None),
    "fsck of dracut": ("fsck-in-initramfs", None, None),
    "fsck of mkinitcpio": ("fsck-in-initramfs", None, None),
    "fsck switched off": ("fsck-skipped", None, "data"),
    "off": ("boot-off", None, None),
    "too little memory": ("pool-too-large", None, None),
    "pools together": ("pools-too-large", None, None),
    "file that is renamed over": ("file-replaced", "/etc/resolv.conf", None),
    "file": ("file-bound", "/var/x", None),
    "container storage": ("container-storage", "/var", None),
    "database": ("database-in-ram", "/var", None),
}


@pytest.mark.parametrize("before, line", [
    ("", 1), ("\n\n", 3), ("# a comment\n   # another\n \t\n", 4),
    (f"LABEL={'x' * 20000} /srv ext4 ro 0 0\n", 2), ("/dev/sr0 /mnt\\040x iso9660 ro\n", 2),
], ids=["first", "empty lines", "comments", "line over every buffer", "escape"])
@pytest.mark.parametrize("after", ["", "\n", "\n# end\n"], ids=["cut", "ended", "followed"])
def test_line_of_fstab(before: str, line: int, after: str, rofs: Path, tmp_path: Path) -> None:
    fstab = f"{before}LABEL=root / ext4 defaults 0 1{after}"
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": VAR, "etc/fstab": fstab})
    _, lines = check(rofs, root)
    assert [text.split(": ")[0] for text in lines if "fstab mounts / writable" in text] == [
        f"/etc/fstab:{line}"]


@pytest.mark.parametrize("line", [
    "/root btrfs subvol=@root,x-initrd.mount", "/my\\040data btrfs subvol=@data"])
def test_overlay_is_no_advice_where_there_can_be_none(
        line: str, rofs: Path, tmp_path: Path) -> None:
    fstab = f"UUID=1 / btrfs ro,subvol=@ 0 0\nUUID=1 {line} 0 0\n"
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": VAR, "etc/fstab": fstab})
    _, lines = check(rofs, root)
    found, = (text for text in lines if text.startswith("/etc/fstab:2: "))
    assert found.endswith("rofs status says partial; expected ro here")


def test_all_subvolumes_that_are_writable_are_told(rofs: Path, tmp_path: Path) -> None:
    """And none that a section or its own line keeps read-only, or that is not mounted at boot."""
    fstab = """\
UUID=1 / btrfs defaults,subvol=@ 0 0
UUID=1 /home btrfs subvol=@home 0 0
UUID=1 /srv btrfs subvol=@srv 0 0
UUID=1 /usr btrfs subvol=@usr 0 0
UUID=1 /opt btrfs ro,subvol=@opt 0 0
UUID=1 /mnt btrfs noauto,subvol=@mnt 0 0
UUID=2 /data btrfs subvol=@data 0 0
UUID=1 /.snapshots btrfs subvol=@snapshots 0 0
UUID=1 /var/log btrfs subvol=@log 0 0
UUID=1 /var/cache btrfs subvol=@cache 0 0
UUID=1 none swap sw 0 0
/var/cache /cache none bind 0 0
"""
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": VAR + "[Overlay /home]\n" + DATA, "etc/fstab": fstab}, ["srv"])
    _, lines = check(rofs, root)
    told = [line.split(": ")[0] for line in lines if "is a subvolume of the file system of" in line]
    # In the order of their paths.
    assert told == [f"/etc/fstab:{n}" for n in (8, 10, 9)]
    for path in root.glob("etc/rofs.conf"):
        path.write_text("[Root]\nReadOnly=no\n" + VAR)
    assert not [line for line in check(rofs, root)[1] if "is a subvolume of" in line]


def check_json(rofs: Path, root: Path) -> list[dict[str, object]]:
    """The problems, which are as the schema says and the same as in the text."""
    done = run_program(rofs, "check", "--json", root=root)
    assert done.stderr == ""
    answer = parse_json(done.stdout, "check.schema.json")
    status, lines = check(rofs, root)
    assert done.returncode == status
    shown = [
        (p["file"] or "") + (f":{p['line']}" if p["line"] else "") + (": " if p["file"] else "")
        + f"{p['severity']}: {p['message']}" for p in answer["problems"] + answer["notes"]]
    second = [place.replace(": ", ": note: ", 1) for p in answer["problems"] if p["reason"]
              for place in p["reason"].split("; ")]
    assert sorted(lines) == sorted(shown + second)
    return answer["problems"] + answer["notes"]


@pytest.mark.parametrize("name", CASES)
def test_json_says_the_kind(name: str, rofs: Path, tmp_path: Path) -> None:
    files, _, text = CASES[name]
    root = make_tree(tmp_path / "root", {"etc/fstab": FSTAB, **files}, ["srv"])
    found, = (p for p in check_json(rofs, root) if text in str(p["message"]))
    assert (found["kind"], found["path"], found["partition"]) == KINDS[name]


def test_json_without_problems(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": VAR + DATA, "etc/fstab": FSTAB}, ["srv"])
    assert check_json(rofs, root) == []


@pytest.mark.parametrize("name", CASES)
def test_without_its_cause_it_is_not_told(name: str, rofs: Path, tmp_path: Path) -> None:
    files, _, text = CASES[name]
    harmless = {"etc/fstab": FSTAB, "proc/cmdline": "ro\n",
                "proc/meminfo": "MemTotal: 4000000 kB\n"}
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": VAR + DATA, **harmless}, ["srv"])
    _, lines = check(rofs, root)
    assert not [line for line in lines if text in line]
    assert files


SWAPS = "Filename\tType\tSize\tUsed\tPriority\n{}\tpartition\t{}\t0\t100\n"
ZRAM = SWAPS.format("/dev/zram0", 1000 << 10)
DISK = SWAPS.format("/dev/sda2", 1000 << 10)


@pytest.mark.parametrize("size, conf, swaps, kind", [
    ("600M", "", "", "pool-too-large"),
    ("600M", "", ZRAM, None),
    ("800M", "", ZRAM, None),
    ("801M", "", ZRAM, "pools-too-large"),
    ("1001M", "", ZRAM, "pool-too-large"),
    ("800M", "", SWAPS.format("/dev/zram0", 4000 << 10), None),
    ("801M", "", SWAPS.format("/dev/zram0", 4000 << 10), "pools-too-large"),
    ("600M", "", DISK, "pool-too-large"),
    ("1200M", "[Root]\nSwap=yes\n", DISK, None),
    ("1201M", "[Root]\nSwap=yes\n", DISK, "pools-too-large"),
    ("600M", "[Root]\nSwap=perhaps\n", DISK, "pool-too-large"),
    ("600M", "[Root]\nSwap=yes\n", SWAPS.format("/srv/swap", 1000 << 10), "pool-too-large"),
    ("1600M", "[Root]\nSwap=yes\n", DISK + ZRAM.split("\n", 1)[1], None),
])
def test_pools_may_grow_into_swap(
    size: str, conf: str, swaps: str, kind: Optional[str], rofs: Path, tmp_path: Path
) -> None:
    """Of 500 MiB of memory and 1000 MiB of swap: on zram, what is there takes half of it in RAM.

    And never more than all of the RAM.
    """
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": f"{conf}[Memory]\nSize={size}\n{VAR}", "etc/fstab": FSTAB,
        "proc/meminfo": "MemTotal:  512000 kB\n", "proc/swaps": swaps})
    found = {str(p["kind"]): str(p["message"]) for p in check_json(rofs, root)}
    kinds = [name for name in ("pool-too-large", "pools-too-large") if name in found]
    assert kinds[:1] == [kind] * (kind is not None)
    if kinds == ["pools-too-large"]:
        assert " of memory and swap; if they do" in found["pools-too-large"]


HOOK = "usr/share/initramfs-tools/hooks/fsck"
CONF_D = "etc/initramfs-tools/conf.d"
TOOLS = {"usr/sbin/update-initramfs": "", HOOK: 'if [ "$1" = "$MNT_DIR" ]; then\n'}
OLD_TOOLS = {**TOOLS, HOOK: 'if [ "$1" = "$MNT_DIR" ] && [ "$MNT_PASS" != 0 ]; then\n'}
DRACUT = {"usr/bin/dracut": ""}
MKINITCPIO = {"usr/bin/mkinitcpio": "", "etc/mkinitcpio.conf": "HOOKS=(base systemd fsck)\n"}
ROOT = "LABEL=root / {} errors=remount-ro 0 {}\n"
USR = "LABEL=usr /usr ext4 ro 0 {}\n"


@pytest.mark.parametrize(("files", "fstab", "maker"), [
    (TOOLS, ROOT.format("ext4", 1), "initramfs-tools"),
    (TOOLS, ROOT.format("ext4", 0), "initramfs-tools"),
    (TOOLS, ROOT.format("auto", 1), "initramfs-tools"),
    (TOOLS, ROOT.format("btrfs", 1), ""),
    (TOOLS, ROOT.format("xfs", 1), ""),
    (TOOLS, "", ""),
    (OLD_TOOLS, ROOT.format("ext3", 1), "initramfs-tools"),
    (OLD_TOOLS, ROOT.format("ext4", 0), ""),
    # fsck is there because of /usr, and then runs on / too.
    (OLD_TOOLS, ROOT.format("ext4", 0) + USR.format(2), "initramfs-tools"),
    (OLD_TOOLS, ROOT.format("ext4", 0) + USR.format(0), ""),
    ({**TOOLS, f"{CONF_D}/rofs": "fastboot=y\n"}, ROOT.format("ext4", 1), ""),
    ({**TOOLS, f"{CONF_D}/rofs": "export fastboot=y\n"}, ROOT.format("ext4", 1), ""),
    ({**TOOLS, f"{CONF_D}/rofs": "#fastboot=y\n"}, ROOT.format("ext4", 1), "initramfs-tools"),
    ({**TOOLS, f"{CONF_D}/a": "fastboot=y\n", f"{CONF_D}/b": "fastboot=n\n"},
     ROOT.format("ext4", 1), "initramfs-tools"),
    ({**TOOLS, "etc/initramfs-tools/initramfs.conf": "FSTYPE=xfs,btrfs\n"},
     ROOT.format("auto", 1), ""),
    ({**OLD_TOOLS, f"{CONF_D}/x": "FSTYPE='vfat,ext4'\n"}, "", "initramfs-tools"),
    ({**TOOLS, f"{CONF_D}/x": "FSTYPE=auto\n"}, ROOT.format("ext4", 1), "initramfs-tools"),
    (TOOLS, ROOT.format("btrfs", 0) + USR.format(2), "initramfs-tools"),
    (TOOLS, ROOT.format("btrfs", 0) + USR.format(0), ""),
    (DRACUT, ROOT.format("btrfs", 0) + USR.format(2), "dracut"),
    # The package of dracut has an update-initramfs.
    ({**TOOLS, **DRACUT, "etc/kernel/postinst.d/dracut": ""}, ROOT.format("ext4", 0), "dracut"),
    ({**TOOLS, **DRACUT}, ROOT.format("ext4", 1), "initramfs-tools"),
    (DRACUT, ROOT.format("ext4", 0), "dracut"),
    (DRACUT, ROOT.format("xfs", 1), ""),
    (DRACUT, "", "dracut"),
    ({**DRACUT, "etc/dracut.conf.d/rofs.conf": 'nofscks="yes"\n'}, ROOT.format("ext4", 1), ""),
    ({**DRACUT, "etc/dracut.conf": "nofscks=yes\n"}, ROOT.format("ext4", 1), ""),
    ({**DRACUT, "etc/dracut.conf.d/rofs.conf": 'nofscks="no"\n'}, ROOT.format("ext4", 1),
     "dracut"),
    (MKINITCPIO, ROOT.format("ext4", 0), "mkinitcpio"),
    ({**MKINITCPIO, "etc/mkinitcpio.conf": "#HOOKS=(fsck)\nHOOKS=(base\n udev\n fsck)\n"},
     ROOT.format("ext4", 1), "mkinitcpio"),
    ({**MKINITCPIO, "etc/mkinitcpio.conf.d/a.conf": "HOOKS+=(lvm2)\n"},
     ROOT.format("ext4", 1), "mkinitcpio"),
    ({**MKINITCPIO, "etc/mkinitcpio.conf.d/a.conf": "HOOKS=(base systemd)\n"},
     ROOT.format("ext4", 1), ""),
    ({**DRACUT, "etc/dracut.conf.d/rofs.conf.old": 'nofscks="yes"\n'},
     ROOT.format("ext4", 1), "dracut"),
    ({**MKINITCPIO, "etc/mkinitcpio.conf": "HOOKS=(base udev fsckx)\n"},
     ROOT.format("ext4", 1), ""),
    ({}, ROOT.format("ext4", 1), ""),
])
@pytest.mark.parametrize("word", ["ro", "fsck.mode=skip", "fastboot", "fsck.mode=auto"])
def test_fsck_in_the_initramfs(files: dict[str, str], fstab: str, maker: str, word: str,
                               rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": VAR, "etc/fstab": fstab, "proc/cmdline": f"{word}\n", **files})
    _, lines = check(rofs, root)
    found = [line for line in lines if "runs fsck on /" in line]
    usr = USR.format(2) in fstab
    skipped = word in ("fsck.mode=skip", "fastboot")
    assert len(found) == (1 if maker and not skipped else 0), lines
    on = ("/usr" if "btrfs" in fstab else "/ and /usr") if usr else "/"
    assert all(f"made by {maker}, runs fsck on {on} before" in line for line in found)


@pytest.mark.parametrize(("line", "told"), [
    ("LABEL=b /boot ext4 defaults 0 2", True),
    ("LABEL=b /boot/firmware vfat defaults 0 2", True),
    ("LABEL=b /efi vfat rw 0 2", True),
    ("LABEL=b /boot ext4 nofail 0 2", True),
    ("LABEL=b /boot ext4 ro,nofail 0 2", False),
    ("LABEL=b /boot ext4 noauto 0 2", False),
    ("LABEL=b /boot ext4 x-systemd.automount 0 2", False),
    ("/srv/boot /boot none bind 0 0", False),
    ("none /boot tmpfs defaults 0 0", False),
    ("LABEL=b /bootstrap ext4 defaults 0 2", False),
])
def test_boot_partition(line: str, told: bool, rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": VAR, "etc/fstab": f"{FSTAB}{line}\n"})
    _, lines = check(rofs, root)
    assert [text.split(": ")[0] for text in lines if "writable (" in text] == (
        ["/etc/fstab:2"] if told else [])


MOUNT_UNITS = {
    "subvolume": ("opt", "What=UUID=1\nOptions=subvol=@opt\n", "root-subvolume-writable",
                  "mounts /opt writable, and it is a subvolume of the file system of /"),
    "boot partition": ("boot-efi", "What=LABEL=EFI\nType=vfat\n", "boot-partition-writable",
                       "mounts /boot/efi writable (vfat)"),
    "device of a partition": ("mnt", "What=/dev/disk/by-label/data\n", "device-shared",
                              "the device of [Partition data] on /mnt as well"),
    "cure of a unit": ("boot-efi", "What=LABEL=EFI\nType=vfat\n", "boot-partition-writable",
                       "add ro to its options, and mount -o remount,rw /boot/efi before"),
    "never written": ("boot", "What=LABEL=B\nType=squashfs\n", None, ""),
    "read-only": ("boot-efi", "What=LABEL=EFI\nType=vfat\nOptions=ro\n", None, ""),
    "another device": ("mnt", "What=LABEL=other\n", None, ""),
}


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("unit, text, kind, message", MOUNT_UNITS.values(), ids=MOUNT_UNITS)
def test_mount_unit_at_an_undeclared_path(unit: str, text: str, kind: Optional[str], message: str,
                                          enabled: bool, rofs: Path, tmp_path: Path) -> None:
    units = "etc/systemd/system"
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": VAR + "[Partition data]\nDevice=LABEL=data\n[Persist /srv]\n"
        "Partition=data\n", "etc/fstab": "UUID=1 / btrfs ro,subvol=@ 0 0\n",
        f"{units}/{unit}.mount": f"[Mount]\nWhere=/{unit.replace('-', '/')}\n{text}"},
        ("srv", f"{units}/local-fs.target.wants"))
    if enabled:
        (root / units / f"local-fs.target.wants/{unit}.mount").symlink_to(f"../{unit}.mount")
    found = [p for p in check_json(rofs, root) if str(p["file"]).endswith(f"/{unit}.mount")]
    assert [p["kind"] for p in found] == ([kind] if kind and enabled else [])
    assert all(message in str(p["message"]) for p in found)


@pytest.mark.parametrize(("mounts", "told"), [
    ("LABEL=EFI:/efi:vfat", True), ("LABEL=EFI:/efi:vfat:ro", False),
])
def test_boot_partition_of_the_command_line(mounts: str, told: bool, rofs: Path, tmp_path: Path
                                            ) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": VAR, "etc/fstab": FSTAB, "proc/cmdline": f"systemd.mount-extra={mounts}"})
    assert told == any("/proc/cmdline mounts /efi writable (vfat)" in line
                       for line in check(rofs, root)[1])


def test_boot_partition_below_an_overlay_is_read_only(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": "[Overlay /boot]\n", "boot/kernel": "",
        "etc/fstab": f"{FSTAB}LABEL=b /boot ext4 defaults 0 2\n"})
    assert not [line for line in check(rofs, root)[1] if "writable (" in line]


@pytest.mark.parametrize(("line", "conf", "told"), [
    ("LABEL=usr /usr ext4 defaults 0 2", "", True),
    ("UUID=1-2 /usr btrfs rw,subvol=/@usr 0 0", "", True),
    ("LABEL=usr /usr ext4 defaults,ro 0 2", "", False),
    ("LABEL=usr /usr squashfs defaults 0 0", "", False),
    ("LABEL=usr /usr erofs defaults 0 0", "", False),
    ("/srv/usr /usr none bind 0 0", "", False),
    ("server:/usr /usr nfs defaults 0 0", "", False),
    ("LABEL=usr /usr ext4 defaults 0 2", "[Root]\nReadOnly=no\n", False),
    ("LABEL=local /usr/local ext4 defaults 0 2", "", False),
])
def test_writable_usr(line: str, conf: str, told: bool, rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": conf + VAR,
                                         "etc/fstab": f"{FSTAB}{line}\n"})
    found = [p for p in check_json(rofs, root) if p["kind"] == "usr-writable"]
    assert [(p["file"], p["line"], p["severity"]) for p in found] == (
        [("/etc/fstab", 2, "warning")] if told else [])


def large_files(root: Path) -> None:
    sparse(root / "var/log/journal/id/system.journal", 24 * MIB)
    sparse(root / "var/log/journal/id/system@old.journal", 100 * MIB)
    sparse(root / "var/log/daemon.log", 20 * MIB)
    sparse(root / "var/lib/mlocate/mlocate.db", 30 * MIB)


def test_large_files_are_told(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": VAR, "etc/fstab": FSTAB})
    large_files(root)
    _, lines = check(rofs, root)
    text = "\n".join(lines)
    # Finished journals are only read.
    assert "24 MiB of journals in /var/log/journal are copied to RAM" in text
    assert "20 MiB of logs in /var/log" in text
    assert "30 MiB in /var/lib/mlocate" in text
    assert len(lines) == 3


@pytest.mark.parametrize("conf", [
    "[Overlay /home]\n",
    VAR + "StartEmpty=/var/log /var/lib/mlocate\n",
    VAR + DATA.replace("/srv", "/var/log") + "Directory=/log\n"
    + "[Persist /var/lib]\nPartition=data\nDirectory=/lib\n",
    VAR + "Partition=data\nOptions=suid,dev\n" + DATA + "Directory=/x\n",
], ids=["no overlay", "start empty", "persist", "partition"])
def test_large_files_that_stay_where_they_are_are_not(
    conf: str, rofs: Path, tmp_path: Path
) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": conf, "etc/fstab": FSTAB}, ["srv"])
    large_files(root)
    status, lines = check(rofs, root)
    assert (status, lines) == (0, [])


def test_start_empty_counts_where_the_overlay_is_written_through_a_link(
    rofs: Path, tmp_path: Path
) -> None:
    conf = "[Overlay /data]\nStartEmpty=/data/log /var/lib/mlocate\n"
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": conf, "etc/fstab": FSTAB})
    (root / "data").symlink_to("var")
    large_files(root)
    assert check(rofs, root) == (0, [])


def test_mount_of_fstab_below_an_overlay_stays_out_of_ram(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": VAR, "etc/fstab": FSTAB + "/dev/sda5 /var/log ext4 rw 0 2\n"})
    large_files(root)
    _, lines = check(rofs, root)
    assert not [line for line in lines if "/var/log" in line]


def test_nothing_is_declared(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {})
    assert check(rofs, root) == (0, ["rofs.conf declares nothing: rofs does nothing"])


@pytest.mark.parametrize("arguments", [["word"], ["--rot=/"]])
def test_wrong_arguments_are_a_wrong_call(rofs: Path, arguments: list[str]) -> None:
    done = run_program(rofs, "check", *arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_tree_that_is_not_there(rofs: Path, tmp_path: Path) -> None:
    done = run_program(rofs, "check", f"--root={tmp_path}/x")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No such file or directory" in done.stderr
