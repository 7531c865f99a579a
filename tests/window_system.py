"""A small system whose root is a read-only file system on a loop device, for the write window.

It is in a mount and a PID namespace of its own, with /rofs/ro as rofs mounts it. `WindowSystem.run`
runs a shell script in it, `WindowSystem.steps` a process that opens windows: tests/window-steps.c.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Optional

from commit.system import can_mount
from support import build_directory, built, need_programs, need_root, program

# For what takes less than one on an idle machine.
SECONDS_MAX = 300

SIZES = {"ext4": "64M", "xfs": "320M", "btrfs": "128M", "f2fs": "64M"}
MAKE = {"ext4": "mkfs.ext4 -q", "xfs": "mkfs.xfs -q", "btrfs": "mkfs.btrfs -q",
        "f2fs": "mkfs.f2fs -q"}
KINDS = tuple(kind for kind in MAKE if kind != "f2fs" or can_mount(kind))
CHECK = {"ext4": "e2fsck -fn", "xfs": "xfs_repair -n", "btrfs": "btrfs check",
         "f2fs": "fsck.f2fs --dry-run"}

SETUP = r"""
mount -o OPTIONS DEVICE sys
cd sys
mkdir -p -m 0755 etc home proc run usr dev sys srv
mkdir -m 0700 rofs
mkdir -m 1777 tmp
for name in bin sbin lib lib64 lib32 libx32; do
    if [ -L /$name ]; then cp -P /$name .; fi
done
echo old >etc/file
PREPARE
sync -f .
mount -o remount,STATE .
mount --bind /usr usr
mount --bind /dev dev
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=0755 run run
mount -t tmpfs -o mode=1777 tmp tmp
cp STEPS run/steps
cp ROFS run/rofs-bin
cp FINISH run/rofs-finish
cp HELPER run/rofs-device
if [ -e FAULTS/fault.so ]; then cp FAULTS/fault.so FAULTS/fault-memory.so run; fi
chmod 0755 run/steps run/rofs-bin run/rofs-finish run/rofs-device
mount -t tmpfs -o mode=0700 rofs rofs
mkdir rofs/ro
mount --bind . rofs/ro
mount --make-private rofs/ro
mount -o remount,bind,ro rofs/ro
MORE
cd /
echo ready
exec sleep infinity
"""


def wait_until(is_so: Callable[[], bool], what: str) -> float:
    """Wait for something that must come. Returns the seconds that it took."""
    start = time.monotonic()
    while not is_so():
        assert time.monotonic() - start < SECONDS_MAX, f"not in {SECONDS_MAX} s: {what}"
        time.sleep(0.002)
    return time.monotonic() - start


class Steps:
    """A process in the system that opens windows, one step after the other."""

    def __init__(self, process: subprocess.Popen[str], pid: int) -> None:
        self.process = process
        self.pid = pid  # as the host sees it

    def do(self, step: str) -> str:
        """Do one step, and get its answer."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(step + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def children(self) -> list[int]:
        return children_of(self.pid)

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)
        self.process.communicate()


def children_of(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in path.read_text().split()]


class WindowSystem:
    """The system. Its devices and its processes are gone after close()."""

    def __init__(self, directory: Path) -> None:
        need_root()
        self.directory = directory
        self.devices: list[str] = []
        self.processes: list[subprocess.Popen[str]] = []
        self.init: Optional[subprocess.Popen[str]] = None
        self.pid = 0  # of its process 1, as the host sees it

    def attach(self, kind: str, name: str = "root", prepare: str = "") -> str:
        """A device with a new file system, and with what `prepare` leaves in it."""
        need_programs(f"mkfs.{kind}", "losetup")
        image = self.directory / f"{name}.img"
        with image.open("wb") as f:
            f.truncate(int(SIZES[kind][:-1]) << 20)
        subprocess.run([*MAKE[kind].split(), str(image)], check=True, capture_output=True)
        done = subprocess.run(["losetup", "-f", "--show", str(image)], check=True, text=True,
                              stdout=subprocess.PIPE)
        self.devices.append(done.stdout.strip())
        return self.devices[-1]

    def boot(self, device: str, prepare: str = "", more: str = "", state: str = "ro",
             options: str = "defaults") -> None:
        """`prepare` runs in the root while it is writable, `more` when all is mounted."""
        (self.directory / "sys").mkdir(exist_ok=True)
        script = SETUP
        for word, text in {"OPTIONS": options, "DEVICE": device, "STATE": state,
                           "PREPARE": prepare, "MORE": more,
                           "STEPS": str(built("tests/window-steps")),
                           "ROFS": str(program("rofs")),
                           "FAULTS": str(build_directory() / "tests"),
                           "FINISH": str(program("rofs-finish")),
                           "HELPER": str(program("rofs-device"))}.items():
            script = script.replace(word, text)
        self.init = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child",
             "--mount-proc", "/bin/sh", "-euc", script],
            cwd=self.directory, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        assert self.init.stdout and self.init.stderr
        answer = self.init.stdout.readline()
        assert answer == "ready\n", self.init.stderr.read()
        self.pid = children_of(self.init.pid)[0]

    def enter(self) -> list[str]:
        return ["nsenter", "-t", str(self.pid), "-m", "-p"]

    def inside(self, *command: str) -> list[str]:
        return [*self.enter(), "chroot", str(self.directory / "sys"), *command]

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.inside("/bin/sh", "-c", script), text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)

    def start(self, *command: str) -> subprocess.Popen[str]:
        # A shell that runs the tests in the background has these ignored.
        usual = ["env", "--default-signal=INT,QUIT,HUP"]
        process = subprocess.Popen([*usual, *self.inside(*command)], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    def steps(self, *where: str) -> Steps:
        # nsenter(1) forks for the PID namespace, and then chroot(8) becomes the program.
        process = self.start("/run/steps", *(where or ("/rofs/ro",)))
        steps = Steps(process, process.pid)
        assert steps.do("is-open") in ("ok", "ok 1")
        steps.pid = children_of(process.pid)[0]
        return steps

    def mountinfo(self, where: str) -> list[str]:
        """The fields of the mount, the options of the superblock last."""
        path = str(self.directory / "sys") + where.rstrip("/")
        lines = Path(f"/proc/{self.pid}/mountinfo").read_text().splitlines()
        return [line.split() for line in lines if line.split()[4] == path][-1]

    def superblock(self, where: str = "/rofs/ro") -> str:
        return self.mountinfo(where)[-1]

    def is_rw(self, where: str = "/rofs/ro") -> bool:
        return self.superblock(where).split(",")[0] == "rw"

    def is_open(self) -> bool:
        """Is there a window, or a guard?"""
        return self.run("echo is-open | /run/steps /rofs/ro").stdout == "ok 1\n"

    def wait_ro(self, where: str = "/rofs/ro") -> float:
        return wait_until(lambda: not self.is_rw(where), f"{where} is read-only")

    def stop(self) -> None:
        """Unmount all, which fails if anything is still in use."""
        for process in self.processes:
            if process.poll() is None:
                for pid in children_of(process.pid):
                    os.kill(pid, signal.SIGKILL)
            process.communicate()
        self.processes = []
        top = self.directory / "sys"

        def unmount() -> bool:
            return subprocess.run([*self.enter(), "umount", "-R", str(top)], check=False,
                                  capture_output=True).returncode == 0
        wait_until(unmount, "unmounted")
        self.end()

    def end(self) -> None:
        if self.init is not None:
            self.init.kill()
            self.init.communicate()
            self.init = None

    def check(self, kind: str, name: str = "root") -> None:
        """The image must be clean, once stop() has unmounted it."""
        done = subprocess.run([*CHECK[kind].split(), str(self.directory / f"{name}.img")],
                              check=False, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout

    def close(self) -> None:
        self.end()
        for process in self.processes:
            process.kill()
            process.communicate()
        for device in self.devices:
            subprocess.run(["blockdev", "--setrw", device], check=True)
            wait_until(lambda: subprocess.run(["losetup", "-d", device], check=False)
                       .returncode == 0, f"{device} is free")


def boot_from_partition(machine: WindowSystem) -> tuple[str, str]:
    """A disk and its partition, with an ext4. In the end, `partx -d` has to forget the latter."""
    need_programs("sfdisk")
    device = machine.attach("ext4", "disk")
    subprocess.run(["sfdisk", "-q", device], input="start=1MiB, type=L\n", text=True, check=True,
                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    subprocess.run(["partx", "-a", device], check=False, capture_output=True)
    part = f"{device}p1"
    wait_until(Path(part).exists, part)
    subprocess.run(["mkfs.ext4", "-q", "-F", part], check=True)
    machine.boot(part)
    return device, part


def steps_once(machine: WindowSystem, step: str) -> str:
    steps = machine.steps()
    answer = steps.do(step)
    steps.kill()
    return answer


def has_ended(pid: int) -> bool:
    """Or is a zombie, which has no files."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def kill_all(steps: Steps) -> None:
    """As systemd does with a service that does not end."""
    pids = (*steps.children(), steps.pid)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    steps.process.communicate()
    # Until then it may still have the lock.
    for pid in pids:
        wait_until(lambda pid=pid: has_ended(pid), f"end of {pid}")


def refused(machine: WindowSystem, *where: str) -> str:
    """Why a window is refused; both calls say the same, and nothing is changed."""
    steps = machine.steps(*where)
    before = machine.superblock()
    answer = steps.do("check")
    assert steps.do("open") == answer
    assert machine.superblock() == before
    assert not machine.is_open()
    return answer


def printable(answer: str) -> str:
    """An answer without what differs from run to run."""
    return re.sub(r"PID \d+", "PID N", answer)
