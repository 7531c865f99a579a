"""A system whose root is a small ext4 with programs of its own, for `rofs chroot`.

mounted_system.py shows the host's /usr, which is a mount: a chroot sees what is below it. So the
root has copies of a few programs there.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from mounted_system import System

CONF = "[Overlay /var]\n[Overlay /etc]\n[Overlay /home]\n"
PROGRAMS = ("sh", "cat", "chmod", "chown", "chattr", "cp", "dd", "env", "find", "getfattr", "id",
            "ln", "ls", "mkdir", "mkfifo", "mknod", "mount", "mv", "readlink", "rm", "rmdir",
            "setcap", "setfacl", "setfattr", "sha256sum", "sleep", "stat", "stty", "touch", "tty",
            "umount", "unlink")
# In $1, a directory: as much of /usr as these need.
COPY_PROGRAMS = f"""
mkdir -p "$1/bin" "$1/sbin"
for name in {" ".join(PROGRAMS)}; do
    path=$(command -v "$name")
    cp -L "$path" "$1/bin/"
    for lib in $(ldd "$path" | grep -o '/[^ )]*'); do
        mkdir -p "$1$(dirname "${{lib#/usr}}")"
        [ -e "$1${{lib#/usr}}" ] || cp -L "$lib" "$1${{lib#/usr}}"
    done
done
"""
ROOT = """
cp --sparse=always {image} image
mount -o loop image sys
"""
# The same in a subvolume of btrfs, beside another one for /home.
SUBVOLUME_ROOT = """
truncate -s 512M image; mkfs.btrfs -q image; mkdir top other
mount -o loop image top; mount -o loop,ro {image} other
btrfs -q subvolume create top/@; btrfs -q subvolume create top/@home
cp -a other/. top/@; umount other
mount -o subvol=@ "$(findmnt -no SOURCE top)" sys; umount top
"""
# What is on flash, outside of what transactions leave, in a form that can be compared.
STATE = r"""
state() {
    (cd "${1:-/rofs/ro}" && find . -path ./rofs -prune -o -printf '%P %y %m %U %G %T@ %s %n %l\n' |
        grep -v '^ d' | sort &&
        find . -path ./rofs -prune -o -type f -print0 | sort -z | xargs -0 sha256sum &&
        find . -path ./rofs -prune -o -print0 | sort -z |
        xargs -0 getfattr -h -d -m - -e hex)
}
# The root as rofs has it at boot: its superblock read-only.
protect() { sync; mount -o remount,ro /; }
is_ro() { findmnt -rno FS-OPTIONS / | grep -q '^ro'; }
"""
Chroot = Callable[..., subprocess.CompletedProcess[str]]


def make_image(path: Path) -> Path:
    """An ext4 with these programs in usr/."""
    tree = path.parent / "tree"
    subprocess.run(["/bin/sh", "-ec", COPY_PROGRAMS, "sh", str(tree / "usr")], check=True)
    with open(path, "wb") as image:
        image.truncate(256 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-d", str(tree), str(path)], check=True)
    return path


def chroot_in(system: System, rofs: Path, image: Path) -> Chroot:
    """What the fixture `chroot` gives: boots the system, and runs checks in it.

    In these, `rofs` is the command, `state` prints what is on flash, and `is_ro` fails if the
    superblock of the root is writable.
    """
    def run(checks: str, lower: str = "", conf: str = CONF,
            root: str = ROOT) -> subprocess.CompletedProcess[str]:
        script = f"""{STATE}
            boot > /run/booted 2>&1
            protect
            rofs() {{ /rofs-command "$@"; }}
            {checks}
            """
        # The host's /usr covers that of the image, which is what `lower` must change.
        return system(conf, script, f"cp {shlex.quote(str(rofs))} rofs-command\n"
                      "chmod 0700 rofs\numount usr\n"
                      f"{lower}\nmount --bind /usr usr\n", root=root.format(image=image))

    return run
