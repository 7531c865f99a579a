"""Mounts have the flags of what they are mounted from: nosuid, nodev, noexec and ro."""

from __future__ import annotations

import pytest
from mounted_system import DATA, System, sections

pytestmark = pytest.mark.root

FLAGS = ("nosuid", "nodev", "noexec", "nosymfollow", "ro")
HOME = "/run/home /home none bind,{} 0 0"
ROOT = "LABEL=root / ext4 {} 0 1"
DISK = "/run /srv/d none bind,{}"
BIND = "/srv/d/home /home none bind{}"
OVERLAY = "[Overlay /home]\n"
KEPT = f"{OVERLAY}Partition=data\n{DATA}"
PERSIST = f"[Overlay /home]\n{DATA}[Persist /home/p]\nPartition=data\n"

CASES = {
    # name: rofs.conf, fstab, mount point, its flags
    "none": (OVERLAY, HOME.format("defaults"), "/home", ""),
    "all of fstab": (OVERLAY, HOME.format("nosuid,nodev,noexec"), "/home", "nosuid,nodev,noexec"),
    "user of fstab": (OVERLAY, HOME.format("user"), "/home", "nosuid,nodev,noexec"),
    "read-only": (OVERLAY, HOME.format("ro"), "/home", "ro"),
    "read-only, undone": (f"{OVERLAY}Options=rw\n", HOME.format("ro,nodev"), "/home", "nodev"),
    "undone": (f"{OVERLAY}Options=suid,dev,exec\n", HOME.format("nosuid,nodev,noexec"),
               "/home", ""),
    "one undone": (f"{OVERLAY}Options=noatime,exec\n", HOME.format("nosuid,noexec"),
                   "/home", "nosuid"),
    "added": (f"{OVERLAY}Options=noexec\n", HOME.format("nosuid"), "/home", "nosuid,noexec"),
    # As fstab of util-linux 2.39 may have it; here the lower itself cannot be mounted with it.
    "recursive": (OVERLAY, f"{ROOT.format('nosuid=recursive,noexec=recursive')}", "/home",
                  "nosuid,noexec"),
    "no links": (OVERLAY, HOME.format("nosymfollow,nosuid"), "/home", "nosuid,nosymfollow"),
    "no links, undone": (f"{OVERLAY}Options=symfollow\n", HOME.format("nosymfollow"), "/home", ""),
    "below the mount point": ("[Overlay /home/u]\n", HOME.format("nosuid,nodev"), "/home/u",
                              "nosuid,nodev"),
    # What fstab binds has the flags of the mount that it is bound from.
    "bind of a mount": (OVERLAY, f"{DISK.format('nosuid,nodev,noexec,ro')}\n{BIND.format('')}",
                        "/home", "nosuid,nodev,noexec"),
    "bind of a bind": (OVERLAY, f"{DISK.format('nosuid')}\n/srv/d/home /mnt none bind,nodev\n"
                       "/mnt /home none bind,noexec", "/home", "nosuid,nodev,noexec"),
    "bind from behind a link": (
        OVERLAY, f"{DISK.format('nosuid,nodev')}\n/link/home /home none bind", "/home",
        "nosuid,nodev"),
    "bind from behind a relative link": (
        OVERLAY, f"{DISK.format('nosuid,nodev')}\n/relative/home /home none bind", "/home",
        "nosuid,nodev"),
    "bind of the root": (OVERLAY, f"{ROOT.format('ro,nodev')}\n/opt /home none bind,nosuid",
                         "/home", "nosuid,nodev"),
    "bind of what is not on the root": (
        OVERLAY, f"{ROOT.format('nodev')}\n{HOME.format('ro')}", "/home", "ro"),
    "bind, undone in fstab": (OVERLAY, f"{DISK.format('nosuid,nodev')}\n{BIND.format(',suid')}",
                              "/home", "nodev"),
    "bind, undone": (f"{OVERLAY}Options=suid\n", f"{DISK.format('nosuid')}\n{BIND.format('')}",
                     "/home", ""),
    "root": (OVERLAY, ROOT.format("ro,nodev"), "/home", "nodev"),
    "own pool": (f"{OVERLAY}Size=1M\n", ROOT.format("nosuid"), "/home", "nosuid"),
    "partition": (KEPT, "", "/home", "nosuid,nodev"),
    "partition, undone": (KEPT.replace("Partition=data\n", "Partition=data\nOptions=suid,dev\n"),
                          "", "/home", ""),
    "partition without flags": (f"{KEPT}Options=noatime\n", "", "/home", ""),
    "partition and fstab": (f"{KEPT}Options=nodev\n", HOME.format("nosuid"), "/home",
                            "nosuid,nodev"),
    "persist": (PERSIST, "", "/home/p", "nosuid,nodev"),
    "persist without flags": (PERSIST.replace("[Persist", "Options=noatime\n[Persist"), "",
                              "/home/p", ""),
    "persist, read-only": (PERSIST.replace("[Persist", "Options=ro,noexec\n[Persist"), "",
                           "/home/p", "noexec,ro"),
    "persist on a mount point of fstab": (
        f"{DATA}Options=nodev\n[Persist /home]\nPartition=data\n",
        HOME.format("ro,nosuid,noexec,nosymfollow"), "/home", "nosuid,nodev,noexec,nosymfollow"),
    "persist on a mount point of fstab, with the flags of the partition": (
        f"{DATA}[Persist /home]\nPartition=data\n", HOME.format("nosuid"), "/home",
        "nosuid,nodev"),
    "persist of a directory": (f"{PERSIST}Directory=/d\n", "", "/home/p", "nosuid,nodev"),
}

LOWER = "mkdir -p srv/d mnt opt run/home/u home/u home/p\n"
LOWER += "ln -s /srv/d link\nln -s srv/d relative\ncat > etc/fstab <<'END'\n{}\nEND\n"

# A program that shows as whom it runs: with set-user-ID root, called by a user.
SUID = """
cp /usr/bin/id {0}/id && chown 0:0 {0}/id && chmod 4755 {0}/id
mknod -m 666 {0}/null c 1 3
echo read > {0}/file; ln -s file {0}/link
"""
TRY = """
flags() {{ findmnt -rno OPTIONS --mountpoint "$1" | tail -n 1 | tr , '\\n'; }}
# As fstab says, where no unit of ours is on its path.
[ {path} != /home/u ] || mount -o bind,nosuid,nodev /run/home /home
for path in /srv/d /mnt; do
    from=$(sed -n "s,^\\([^ ]*\\) $path .*,\\1,p" /etc/fstab)
    [ -z "$from" ] || mount --bind "$from" $path
done
boot 2>/dev/null
echo == flags; flags {path}
echo == id; setpriv --reuid 1234 --clear-groups {path}/id -u || echo no
echo == null; (: > {path}/null) 2>/dev/null && echo opened || echo no
echo == write; touch {path}/new 2>/dev/null && echo written || echo no
echo == link; cat {path}/link 2>/dev/null || echo no
"""


CMDLINE = {
    # name: kernel command line, options of / in fstab, flags of the overlay on /home and of /
    "no line for /": ("rootflags=subvol=x,nosuid,nodev,ro", None, "nosuid,nodev"),
    "a line for /": ("rootflags=nosuid,nodev", "noexec", "noexec"),
    "others": ("rootflags=subvol=x xrootflags=nosuid", None, ""),
}


@pytest.mark.parametrize("name", CMDLINE)
def test_flags_of_the_kernel_command_line(system: System, name: str) -> None:
    cmdline, fstab, expected = CMDLINE[name]
    found = sections(system(OVERLAY, """
        mount --bind /run/cmdline /proc/cmdline
        boot 2>/dev/null
        echo == flags; findmnt -rno OPTIONS --mountpoint /home | tail -n 1 | tr , '\\n'
        echo == root; grep ' / .* 0 ' $units/rofs.fstab | cut -d ' ' -f 4
        """, LOWER.format(ROOT.format(fstab) if fstab else "") + f"echo {cmdline} > run/cmdline"))
    assert ",".join(flag for flag in FLAGS if flag in found["flags"]) == expected
    assert found["root"] == [f"ro,{expected}" if expected else "ro"]


@pytest.mark.parametrize("name", CASES)
def test_mount_has_the_flags_of_its_layers(system: System, name: str) -> None:
    conf, fstab, path, expected = CASES[name]
    lower = LOWER.format(fstab)
    lower += "".join(SUID.format(place) for place in (
        "home", "opt", "run/home", "run/home/u", "run/disk"))
    lower += "mkdir run/disk/d; (cd run/disk; cp -a id null file link d)\n"
    found = sections(system(conf, TRY.format(path=path), lower))
    flags = expected.split(",") if expected else []
    assert [flag for flag in FLAGS if flag in found["flags"]] == flags
    runs = ["no"] if "noexec" in flags else ["1234"] if "nosuid" in flags else ["0"]
    assert found["id"] == runs
    assert found["null"] == (["no"] if "nodev" in flags else ["opened"])
    assert found["link"] == (["no"] if "nosymfollow" in flags else ["read"])
    assert found["write"] == (["no"] if "ro" in flags else ["written"])


MISSING = """
generate 2>/dev/null
early_mounts
pools
umount /rofs/persist/data
merge >/dev/null 2>&1
echo == flags; findmnt -rno OPTIONS --mountpoint /home | tail -n 1 | tr , '\\n'
echo == id; setpriv --reuid 1234 --clear-groups /home/id -u || echo no
"""


@pytest.mark.parametrize("if_missing", ["read-only", "volatile"])
def test_what_replaces_an_overlay_has_them_too(system: System, if_missing: str) -> None:
    conf = KEPT.replace("Partition=data\n", f"Partition=data\nIfMissing={if_missing}\n", 1)
    found = sections(system(
        conf, MISSING,
        LOWER.format(HOME.format("nosuid")) + SUID.format("run/home")))
    assert {"nosuid", "nodev"} <= set(found["flags"])
    assert ("ro" in found["flags"]) == (if_missing == "read-only")
    assert found["id"] == ["1234"]
