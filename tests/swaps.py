"""Runs rofs-prepare while somebody exchanges two names, before each of its calls in turn.

A script for the inside of the system of mounted_system.py:

    python3 swaps.py LIBRARY WRONG A:B COMMAND...

runs COMMAND with LD_PRELOAD=LIBRARY, which exchanges A and B, as often as it has calls. WRONG is
one of the functions below: what must not be after any of these runs. Prints the number of runs, and
a line for each that broke the rule.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Tuple

MNT_DETACH = 2
LIBC = ctypes.CDLL(None, use_errno=True)
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
               "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
COUNT = Path("/run/count")
UNIT = Path("/run/units/rofs-overlay-home-bob-cache.mount")
COPY = Path("/run/disk/a")


def mount_points() -> List[str]:
    """Of guards (autofs) too."""
    return [place for place, _ in mounts()]


def mounts() -> List[Tuple[str, str]]:
    """The mount point and the type of each."""
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [(line[4], line[line.index("-") + 1]) for line in lines]


def mount_unit() -> None:
    """What systemd does with an overlay that is not mounted, where all that it asserts is there."""
    if not UNIT.exists():
        return
    keys: Dict[str, List[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.M):
        keys.setdefault(key, []).append(value)
    [where] = keys["Where"]
    # systemd does not take the guard for the mount itself.
    mounted = [place for place, kind in mounts() if kind != "autofs"]
    if where in mounted or os.path.realpath(where) != where:
        return
    if not all(map(os.path.exists, keys.get("AssertPathExists", []))):
        return
    if not {*keys.get("AssertPathIsMountPoint", [])} <= {*mount_points()}:
        return
    os.makedirs(where, exist_ok=True)
    subprocess.run(["mount", "-t", keys["Type"][0], "-o", keys["Options"][0], keys["What"][0],
                    where], env=ENVIRONMENT, stderr=subprocess.DEVNULL, check=False)


def closed() -> Iterator[str]:
    """A directory that is closed to users can be seen at another place."""
    mount_unit()
    for place in mount_points():
        if "/bob/" in place and Path(place, "secret").exists():
            yield f"{place} shows what is closed"


def victim() -> Iterator[str]:
    """Something is mounted where a link leads."""
    mount_unit()
    if "/victim" in mount_points():
        yield "mounted on the victim"


def copy(kind: Callable[[int], bool]) -> Iterator[str]:
    """The copy is of another kind than declared, or gives a user what is root's."""
    try:
        found = COPY.lstat()
    except FileNotFoundError:
        return
    if not kind(found.st_mode):
        yield f"a copy with the mode {found.st_mode:o}"
    secret = COPY / "secret" if stat.S_ISDIR(found.st_mode) else COPY
    if found.st_uid and secret.is_file() and "secret" in secret.read_text():
        yield "readable by a user"


WRONG: Dict[str, Callable[[], Iterator[str]]] = {
    "closed": closed, "victim": victim,
    "file": lambda: copy(stat.S_ISREG), "directory": lambda: copy(stat.S_ISDIR)}


def identity(path: str) -> Tuple[int, int]:
    """Whether it is exchanged. In an overlay, a directory that was dropped from the cache gets
    another inode number, so its kind must do."""
    found = os.lstat(path)
    return (stat.S_IFMT(found.st_mode), 0 if sys.argv[2] == "victim" else found.st_ino)


def exchange(a: str, b: str) -> None:
    os.rename(a, f"{a}.x")
    os.rename(b, a)
    os.rename(f"{a}.x", b)


def clear() -> None:
    """Take away what a run has mounted and made."""
    for place in reversed(mount_points()):
        if "/bob/" in place or place.startswith("/victim"):
            LIBC.umount2(place.encode(), MNT_DETACH)
    for made in ["/rofs/rw/home/bob", "/run/disk/overlay", "/run/rofs/prepared", "/run/disk/a",
                 "/run/disk/.rofs-new"]:
        if os.path.isdir(made) and not os.path.islink(made):
            shutil.rmtree(made)
        elif os.path.lexists(made):
            os.unlink(made)


def main() -> None:
    library, wrong, names = sys.argv[1:4]
    a, b = names.split(":")
    at = calls = 1
    while at <= calls:
        was = identity(a)
        done = subprocess.run(
            sys.argv[4:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=300,
            stderr=subprocess.PIPE, check=False,
            env={**ENVIRONMENT, "LD_PRELOAD": library, "FAULT_READ": "1", "FAULT_AT": str(at),
                 "FAULT_SWAP": names, "FAULT_COUNT": str(COUNT)})
        if done.returncode not in (0, 1):
            print(f"swap {at}: ended with {done.returncode}: {done.stderr!r}")
        for text in WRONG[wrong]():
            print(f"swap {at}: {text}")
        clear()
        if identity(a) != was:
            exchange(a, b)
        calls = int(COUNT.read_text())
        at += 1
    print(at - 1)


main()
