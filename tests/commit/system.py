"""A small system whose root is on an image, in namespaces of its own, booted as often as wanted.

The root is a file system on a loop device, mounted read-only. Each boot is a child process with its
own mounts and processes: rofs-generator writes the units, rofs-prepare mounts what they say. When
the child ends, so does everything that it has mounted or started.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from hostile import kernel

CLONE_NEWPID = 0x20000000
PROGRAMS = ("rofs-generator", "rofs-prepare", "rofs-finish", "rofs")
LINKS = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")
UNITS = "/run/units"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
COMMAND_SECONDS_MAX = 300
FREE_SECONDS_MAX = 300
CHECK_LINES_MAX = 40
KMSG_BYTES_MAX, LOG_WARNING = 8192, 4  # kernel/printk; sys/syslog.h
CONF = "[Overlay /var]\n[Overlay /home]\n"
TOPS = ("var", "home")
# What a commit of everything refreshes, and what belongs to the boot.
SKIPPED = frozenset([b".updated"])
MEBI = 1 << 20
# How to make each, and how to find out without a change whether it is clean.
MAKE = {
    "ext4": (96 * MEBI, ["mkfs.ext4", "-q", "-F", "-b", "4096"]),
    "xfs": (320 * MEBI, ["mkfs.xfs", "-q", "-f", "-s", "size=4096"]),
    "btrfs": (160 * MEBI, ["mkfs.btrfs", "-q", "-f"]),
    "f2fs": (128 * MEBI, ["mkfs.f2fs", "-q", "-f", "-O", "extra_attr,inode_checksum"]),
}
CHECK = {
    "ext4": ["e2fsck", "-f", "-n"],
    "xfs": ["xfs_repair", "-n"],
    "btrfs": ["btrfs", "check", "--readonly"],
    "f2fs": ["fsck.f2fs", "--dry-run"],
}
_libc = ctypes.CDLL(None, use_errno=True)


def can_mount(fstype: str) -> bool:
    """Whether this kernel has the file system."""
    with open("/proc/filesystems", encoding="ascii") as f:
        return fstype in f.read().split()


def make_image(fstype: str, image: Path) -> None:
    """A new, empty file system."""
    size, command = MAKE[fstype]
    with image.open("wb") as f:
        f.truncate(size)
    subprocess.run([*command, str(image)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def clean(fstype: str, image: Path) -> str:
    """What the check of a file system says, '' if it is clean. Nothing is changed."""
    done = subprocess.run([*CHECK[fstype], str(image)], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode(errors="backslashreplace")
    lines = text.splitlines()
    return "" if done.returncode == 0 else "\n".join([
        f"status {done.returncode}: {len(lines)} lines", *lines[:CHECK_LINES_MAX]])


@contextlib.contextmanager
def attached(file: Path) -> Iterator[str]:
    """A loop device on a file."""
    done = subprocess.run(["losetup", "--find", "--show", str(file)], check=True, text=True,
                          stdout=subprocess.PIPE)
    device = done.stdout.strip()
    try:
        # The kernel remembers that somebody has write-protected another disk of this number.
        subprocess.run(["blockdev", "--setrw", device], check=True)
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
        wait_until_free(device, file)


def wait_until_free(device: str, file: Path) -> None:
    """Detaching waits in the background for any other program that just looks at the device.

    Such as mkfs.btrfs of another test, which looks at all of them. Raises TimeoutError.
    """
    backing = Path("/sys/block", Path(device).name, "loop/backing_file")
    end = time.monotonic() + FREE_SECONDS_MAX
    while True:
        try:
            if backing.read_text().strip() != str(file):  # by now it is somebody else's
                return
        except FileNotFoundError:
            return
        if time.monotonic() > end:
            raise TimeoutError(f"{device} is still attached to {file}")
        time.sleep(0.01)


@contextlib.contextmanager
def mounted(device: str, where: Path, fstype: str, writable: bool = False) -> Iterator[None]:
    """A file system, read-only as the root of a system, or writable to fill it."""
    where.mkdir(exist_ok=True)
    data = "noinit_itable" if fstype == "ext4" else ""
    kernel.mount(device, str(where), fstype, 0 if writable else kernel.MS_RDONLY, data)
    try:
        yield
    finally:
        subprocess.run(["umount", str(where)], check=True)


def make_root(root: Path, conf: str = CONF) -> None:
    """The files of a system on an empty, writable file system."""
    for name in ("etc", "home", "proc", "rofs", "run", "usr", "var", "dev", "root", "programs",
                 "sys"):
        (root / name).mkdir(exist_ok=True)
        (root / name).chmod(0o755)
    (root / "rofs").chmod(0o700)
    (root / "tmp").mkdir(mode=0o1777, exist_ok=True)
    for name in LINKS:
        if os.path.islink(f"/{name}"):
            (root / name).symlink_to(os.readlink(f"/{name}"))
    files = {"etc/rofs.conf": conf, "etc/fstab": "", "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
             "etc/group": "root:x:0:\n", "etc/machine-id": "0123456789abcdef0123456789abcdef\n"}
    for name, text in files.items():
        (root / name).write_text(text)


class BootFailed(Exception):
    """A boot that did not come to its steps; with what was said."""


def boot(root: Path, programs: Path, steps: Callable[["System"], Any]) -> Any:
    """Boot the system at `root` and run the steps in it. Returns what they return.

    Raises ChildProcessError if they fail.
    """
    return pickle.loads(kernel.in_child(lambda: isolated(root, programs, steps)))


def isolated(root: Path, programs: Path, steps: Callable[["System"], Any]) -> bytes:
    """In a child: its own mounts, and a child of its own that is process 1."""
    kernel.private_namespace()
    if _libc.unshare(CLONE_NEWPID) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    return kernel.in_child(lambda: pickle.dumps(as_process_1(root, programs, steps)))


def as_process_1(root: Path, programs: Path, steps: Callable[["System"], Any]) -> Any:
    os.setsid()
    os.umask(0o022)
    kernel.mount("proc", f"{root}/proc", "proc")
    kernel.mount(str(programs), f"{root}/programs", "", kernel.MS_BIND)
    kernel.mount("/usr", f"{root}/usr", "", kernel.MS_BIND)
    kernel.mount("/dev", f"{root}/dev", "", kernel.MS_BIND)
    kernel.mount("/sys", f"{root}/sys", "", kernel.MS_BIND)
    kernel.mount("run", f"{root}/run", "tmpfs", 0, "mode=0755")
    kernel.mount("tmp", f"{root}/tmp", "tmpfs", 0, "mode=1777")
    os.chroot(root)
    os.chdir("/")
    with open("/run/boot_id", "w", encoding="ascii") as f:
        f.write(f"{uuid.uuid4()}\n")
    kernel.mount("/run/boot_id", BOOT_ID, "", kernel.MS_BIND)
    return steps(System())


class System:
    """The system that has booted, from inside."""

    def __init__(self) -> None:
        self.environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "ROFS_LOG": "stderr",
                            "LC_ALL": "C.UTF-8", "HOME": "/root"}

    def run(self, *argv: str) -> Tuple[int, str]:
        """A program's exit status and what it says."""
        done = subprocess.run(argv, env=self.environment, check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/",
                              timeout=COMMAND_SECONDS_MAX)
        return done.returncode, done.stdout.decode(errors="backslashreplace")

    def rofs(self, *arguments: str) -> Tuple[int, str]:
        """The command."""
        return self.run("/programs/rofs", *arguments)

    def finish(self) -> Optional[Tuple[int, str]]:
        """What the boot does first, if a transaction is not finished."""
        if not os.path.lexists("/rofs/commit"):
            return None
        return self.run("/programs/rofs-finish")

    def mount_overlays(self) -> None:
        """The units, and what they mount. Raises BootFailed."""
        os.mkdir(UNITS)
        said = [self.run("/programs/rofs-generator", UNITS, UNITS, UNITS),
                self.run("/programs/rofs-prepare", "ram")]
        for top in TOPS:
            if not os.path.ismount(f"/{top}"):
                raise BootFailed(f"/{top} is not mounted: {said}")

    def superblock_is_read_only(self) -> bool:
        """That of the root, whatever the mounts say."""
        return all("ro" in options.split(",") for options in self._superblock())

    def _superblock(self) -> List[str]:
        found: List[str] = []
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
            for line in f:
                fields = line.split()
                if fields[4] == "/":
                    found.append(fields[fields.index("-") + 3])
        assert found
        return found


class KernelLog:
    """What the kernel says from now on. Use as a context manager."""

    def __enter__(self) -> KernelLog:
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._fd, 0, os.SEEK_END)
        return self

    def __exit__(self, *unused: object) -> None:
        os.close(self._fd)

    def warnings(self) -> List[str]:
        """Those that are warnings or worse, and what it says of a process that crashes."""
        found = []
        while True:
            try:
                head, _, text = os.read(self._fd, KMSG_BYTES_MAX).decode(
                    errors="backslashreplace").partition(";")
            except BlockingIOError:
                return found
            except BrokenPipeError:  # some were overwritten meanwhile
                continue
            if int(head.split(",")[0]) & 7 <= LOG_WARNING or "segfault" in text:
                found.append(f"kernel: {text.splitlines()[0]}")


def drop_caches(what: int) -> None:
    """Of the whole machine."""
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write(f"{what}\n")


def environment_of(build: Optional[str], source: Path) -> Path:
    """Where the programs are: ROFS_BUILD_DIR, else build/ of the checkout."""
    return Path(build or source / "build").resolve()


Trees = Dict[str, Dict[bytes, Any]]
