"""Runs one of our programs with each of its calls or allocations failing, and judges the result.

A script for the inside of the system of mounted_system.py:

    python3 judge.py LIBRARY COMMAND...    with LD_PRELOAD=LIBRARY

The rules, for each fault:

- The program ends with status 0 or 1, not by a signal.
- Status 0: all mounts and attributes are as in a run without a fault. Only .rofs-new may be left.
- Status 1: it has said why.
- A second run, without a fault, succeeds and leaves everything as in a run without a fault. It may
  fail at what cannot be changed once an overlay is mounted.

Prints the number of faults, and a line for each rule that is broken. FAULT_* go to the program;
JUDGE_BEFORE is a command that runs before each of them.
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
from typing import Dict, Iterator, List, Tuple

State = Dict[str, str]
MNT_DETACH = 2
OPAQUE = "trusted.overlay.opaque"
LIBC = ctypes.CDLL(None, use_errno=True)
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
               "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
FAULT = {name: value for name, value in os.environ.items() if name.startswith("FAULT_")}
KEPT = [Path("/run/disk"), Path("/rofs/rw"), Path("/run/rofs"), Path("/run/motd.d"),
        Path("/run/rofs-watch")]
MADE = [*KEPT, Path("/rofs/overlay"), Path("/rofs/fallback")]
REMAINS = re.compile("StartEmpty=|cannot unmount /etc/machine-id|cannot read all of the conf|"
                     # Which of these it was, nobody could say.
                     "a message is lost")
LONG_AGO = 1_600_000_000  # what is older has the time of its original


def mounts() -> List[List[str]]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split() for line in lines]


def entries() -> List[Path]:
    """What a run may have made, apart from mounts."""
    return [path for top in MADE if top.is_dir() for path in top.iterdir()]


FIRST = {fields[0] for fields in mounts()}
FIRST_ENTRIES = set(entries())


def clear() -> None:
    """Take away all that a run has mounted and made."""
    for fields in reversed(mounts()):
        # What is mounted on it goes with it.
        if fields[0] not in FIRST and fields[1] in FIRST:
            LIBC.umount2(fields[4].encode().decode("unicode_escape").encode(), MNT_DETACH)
    for path in entries():
        if path in FIRST_ENTRIES:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def table() -> State:
    """What is mounted now, by place: several mounts on one are numbered."""
    found: State = {}
    for fields in mounts():
        if fields[0] in FIRST:
            continue
        end = fields.index("-")
        shared = "shared" if any(f.startswith("shared:") for f in fields[6:end]) else "private"
        # An autofs has a number of its own; uuid=on says that the overlay was never mounted before.
        options = "fd=" not in fields[-1] and fields[-1].replace(",uuid=on", "")
        number = sum(key.startswith(f"mount {fields[4]} ") for key in found)
        found[f"mount {fields[4]} {number}"] = (
            f"{fields[3]} {fields[5]} {shared} {fields[end + 1]} {fields[end + 2]} {options}")
    return found


def describe(path: Path) -> str:
    s = path.lstat()
    names = sorted(name for name in os.listxattr(path, follow_symlinks=False)
                   if name == OPAQUE or not name.startswith("trusted.overlay."))
    values = [f"{n}={os.getxattr(path, n, follow_symlinks=False).hex()}" for n in names]
    text = ""
    if stat.S_ISREG(s.st_mode):
        text = repr(path.read_bytes())
    elif stat.S_ISLNK(s.st_mode):
        text = os.readlink(path)
    time = s.st_mtime_ns if s.st_mtime < LONG_AGO else "new"
    links = 0 if stat.S_ISDIR(s.st_mode) else s.st_nlink
    return f"{s.st_mode:o} {s.st_uid} {s.st_gid} {time} {links} {values} {text}"


def below(top: Path) -> Iterator[Path]:
    """Not in work, which is the kernel's."""
    for where, directories, files in os.walk(top):
        yield from (Path(where, name) for name in directories + files)
        if Path(where).joinpath("upper").exists() and "work" in directories:
            directories.remove("work")


def state() -> State:
    found = table()
    for top in KEPT:
        for path in below(top):
            found[f"file {path}"] = describe(path)
    return found


def run(command: List[str], **fault: str) -> Tuple[int, str]:
    done = subprocess.run(command, env={**ENVIRONMENT, **fault}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stderr.decode(errors="replace")


def difference(found: State, complete: State) -> str:
    names = sorted(n for n in {*found, *complete} if found.get(n) != complete.get(n))
    return "; ".join(f"{n}: {found.get(n)}, not {complete.get(n)}" for n in names)


def without_remains(found: State) -> State:
    """What the next run removes, which is told."""
    return {name: text for name, text in found.items() if ".rofs-new" not in name}


class Judge:
    def __init__(self, library: str, command: List[str]) -> None:
        self.library, self.command = library, command
        self.make_ready()
        status, self.last = self.count(command)
        assert status == 0
        self.complete = state()
        self.make_ready()

    def count(self, command: List[str]) -> Tuple[int, int]:
        """The exit status of a run without faults, and how many there could be."""
        counting = {name: text for name, text in FAULT.items() if name == "FAULT_READ"}
        status, _ = run(command, LD_PRELOAD=self.library, FAULT_COUNT="/run/count", **counting)
        return status, int(Path("/run/count").read_text())

    def make_ready(self) -> None:
        clear()
        if "JUDGE_BEFORE" in os.environ:
            subprocess.run(os.environ["JUDGE_BEFORE"].split(), check=True, env=ENVIRONMENT)
        self.pristine = state()

    def broken_by(self, at: int) -> Iterator[str]:
        status, said = run(self.command, LD_PRELOAD=self.library, FAULT_AT=str(at), **FAULT)
        found = state()
        wrong = difference(without_remains(found), self.complete)
        if status not in (0, 1):
            yield f"ended with {status}: {said}"
        if status == 0 and wrong:
            yield f"status 0, but {wrong}: {said}"
        if status == 1 and not said:
            yield "status 1 without a word"
        if found == self.pristine:
            return
        again, said_again = run(self.command)
        wrong = difference(state(), self.complete)
        if (again != 0 or wrong) and not (said_again or REMAINS.search(said)):
            yield f"then {again}, {wrong}: {said}"
        if again != 0 and not REMAINS.search(said):
            yield f"then {again}: {said} {said_again}"
        self.make_ready()


def main() -> None:
    judge = Judge(sys.argv[1], sys.argv[2:])
    print(judge.last)
    for at in range(1, judge.last + 1):
        for rule in judge.broken_by(at):
            print(f"{at}: {rule!r}")
    clear()


main()
