"""A file system on an image, mounted where only the test sees it, and transactions on it."""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Dict, Optional, Tuple

from support import built, need_programs, need_root

MAKE = {
    "ext4": ("64M", "mkfs.ext4 -q -E nodiscard"),
    "xfs": ("320M", "mkfs.xfs -q"),
    "btrfs": ("128M", "mkfs.btrfs -q"),
}
GET_FLAGS, SET_FLAGS = 0x80086601, 0x40086602
IMMUTABLE, APPEND = 0x10, 0x20

Entry = Tuple[object, ...]
Tree = Dict[str, Entry]


def flags_of(path: Path) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        got = fcntl.ioctl(fd, GET_FLAGS, struct.pack("l", 0))
        return int(struct.unpack("i", got[:4])[0])
    finally:
        os.close(fd)


def set_flags(path: Path, flags: int) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        kept = flags_of(path) & ~(IMMUTABLE | APPEND)
        fcntl.ioctl(fd, SET_FLAGS, struct.pack("l", kept | flags))
    finally:
        os.close(fd)


def describe(path: Path) -> Entry:
    """Everything of a file but its inode number and the times that cannot be set."""
    st = os.lstat(path)
    attributes = {name: os.getxattr(path, name, follow_symlinks=False)
                  for name in sorted(os.listxattr(path, follow_symlinks=False))
                  if name != "security.selinux"}
    common = (stat.filemode(st.st_mode), st.st_uid, st.st_gid, st.st_mtime_ns, attributes)
    if stat.S_ISLNK(st.st_mode):
        return (*common, os.readlink(path))
    if stat.S_ISREG(st.st_mode):
        return (*common, path.read_bytes(), flags_of(path) & (IMMUTABLE | APPEND), st.st_nlink)
    if stat.S_ISDIR(st.st_mode):
        return (*common, flags_of(path) & (IMMUTABLE | APPEND))
    return (*common, st.st_rdev)


def tree_of(root: Path) -> Tree:
    """All of a tree but the directory of transactions."""
    found: Tree = {".": describe(root)[:3]}
    for directory, names, files in os.walk(root):
        if Path(directory) == root:
            names[:] = [name for name in names if name not in ("rofs", ".rofs", "lost+found")]
        for name in names + files:
            path = Path(directory) / name
            found[str(path.relative_to(root))] = describe(path)
    return found


class Disk:
    """Its mount is in a namespace of a process that does nothing; /proc leads to its files."""

    def __init__(self, tmp_path: Path, kind: str) -> None:
        need_root()
        need_programs(f"mkfs.{kind}", "nsenter", "unshare")
        size, make = MAKE[kind]
        image, where = tmp_path / f"{kind}.image", tmp_path / "mounted"
        with image.open("wb") as file:
            file.truncate({"M": 1 << 20}[size[-1]] * int(size[:-1]))
        subprocess.run([*make.split(), str(image)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        where.mkdir()
        self.kind = kind
        self.where = where
        self.image = image
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec",
             'mount -o loop "$1" "$2"; echo mounted; exec sleep infinity', "sh",
             str(image), str(where)],
            stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout and self.holder.stdout.readline() == "mounted\n"
        self.root = Path(f"/proc/{self.holder.pid}/root{where}")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["nsenter", "-t", str(self.holder.pid), "-m", *command], text=True,
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def remount(self, how: str) -> str:
        """What mount(8) says; empty if it could be done."""
        return self.run("mount", "-o", f"remount,{how}", str(self.where)).stdout

    def close(self) -> None:
        self.run("umount", str(self.where))
        self.holder.kill()
        self.holder.wait()

    def check(self) -> None:
        """Is the file system clean?"""
        self.close()
        commands = {"ext4": ["e2fsck", "-fn"], "xfs": ["xfs_repair", "-n"],
                    "btrfs": ["btrfs", "check"]}
        done = subprocess.run([*commands[self.kind], str(self.image)], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout


def steps(roots: Sequence[str], lines: Sequence[str],
          environment: Optional[Dict[str, str]] = None) -> list[str]:
    """The answers of rofs-transaction-steps, one for each line that it came to."""
    done = subprocess.run(
        [str(built("tests/rofs-transaction-steps")), *roots], input="\n".join(lines) + "\n",
        text=True, check=False,
        env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.stderr == ""
    assert done.returncode in (0, -9), done.stdout
    return done.stdout.splitlines()
