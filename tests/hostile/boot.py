"""One boot: the units of the generator, in the order in which systemd would start them.

Runs in a child process whose root is the system's. systemd itself is not there: what it does to a
mount unit is done here, with its refusal to mount on a path that has a link in it.
"""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Dict, List, Optional, Tuple

from . import kernel

PROGRAM_SECONDS_MAX = 300
UNITS = "/run/units"
FLAGS = {"ro": kernel.MS_RDONLY, "nosuid": kernel.MS_NOSUID, "nodev": kernel.MS_NODEV,
         "noexec": kernel.MS_NOEXEC}
Units = Dict[str, Dict[str, List[str]]]  # by unit and by key, the values
ELSEWHERE = {"private", "bind", "rw", "suid", "dev", "exec", "noatime", "relatime", "defaults",
             "nofail", "noauto", "x-initrd.mount"}


class Boot:
    """The messages of the programs, and what is wrong with how they ended."""

    def __init__(self) -> None:
        self.said: List[str] = []
        self.wrong: List[str] = []

    def program(self, *argv: str, fine: Tuple[int, ...] = (0, 1)) -> int:
        """Run one of ours; it must end by itself, with one of these statuses."""
        environment = {"PATH": "/usr/bin:/usr/sbin", "ROFS_LOG": "stderr"}
        try:
            done = subprocess.run(argv, env=environment, stdout=subprocess.PIPE, check=False,
                                  stderr=subprocess.STDOUT, timeout=PROGRAM_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.wrong.append(f"{' '.join(argv)} does not end")
            return -signal.SIGALRM
        self.said += [f"{os.path.basename(argv[0])}: {line}"
                      for line in done.stdout.decode(errors="backslashreplace").splitlines()]
        if done.returncode not in fine:
            self.wrong.append(f"{' '.join(argv)} ends with {done.returncode}")
        return done.returncode

    def run(self, medium: str, home: str) -> None:
        """`medium`, `home`: where the partition and fstab's /home are mounted outside."""
        os.makedirs(UNITS, exist_ok=True)
        self.program("/programs/rofs-generator", UNITS, UNITS, UNITS)
        units = read_units()
        self.services(units, "rofs-prepare.")
        self.mounts(units, ["rofs.mount", "rofs-ro.mount"], {})
        self.mounts(units, by_depth(units, "rofs-rw-"), {})
        self.mounts(units, by_depth(units, "rofs-ro-"), {"/rofs/ro/home": home})
        self.mounts(units, by_depth(units, "rofs-persist-"), {"/rofs/persist/data": medium})
        if "rofs-ro-home.mount" not in units:
            mount_by_fstab(home)
        self.services(units, "rofs-prepare-rw-", "rofs-prepare-persist-", "rofs-prepare-ro-")
        self.mounts(units, by_depth(units, "rofs-overlay-"), {})
        self.services(units, "rofs-prepare-fallback-")
        self.mounts(units, [name for name in by_depth(units, "") if is_wanted(name)], {})
        self.reload()
        self.program("/programs/rofs", "check")

    def services(self, units: Units, *prefixes: str) -> None:
        """The runs of rofs-prepare."""
        for prefix in prefixes:
            for name in sorted(units):
                if name.startswith(prefix) and name.endswith(".service"):
                    for line in units[name].get("ExecStart", []):
                        words = line.split("/rofs-prepare ", 1)[1]
                        self.program("/programs/rofs-prepare", *unquoted(words))

    def mounts(self, units: Units, names: List[str],
               instead: Dict[str, str]) -> None:
        """`instead`: by mount point, the directory that is mounted there as the device."""
        for name in names:
            unit = units.get(name)
            if unit is not None:
                where = unquote(unit["Where"][0])
                error = start(unit, where, instead.get(where))
                if error:
                    self.said.append(f"systemd: {name}: {error}")

    def reload(self) -> None:
        """systemctl daemon-reload: the same units again."""
        again = f"{UNITS}.again"
        os.makedirs(again, exist_ok=True)
        self.program("/programs/rofs-generator", again, again, again)
        before, after = unit_texts(UNITS), unit_texts(again)
        self.wrong += [f"another {path} after daemon-reload"
                       for path in sorted(before.keys() | after.keys())
                       if before.get(path) != after.get(path)]


def unit_texts(top: str) -> Dict[str, str]:
    """All units, and the targets of links."""
    texts = {}
    for directory, _, names in os.walk(top):
        for name in names:
            path = f"{directory}/{name}"
            if os.path.islink(path):
                texts[path[len(top):]] = os.readlink(path)
            else:
                with open(path, encoding="utf-8") as f:
                    texts[path[len(top):]] = f.read().replace(top, UNITS)
    return texts


def read_units() -> Units:
    """Those of mounts and services."""
    units: Units = {}
    for name in os.listdir(UNITS):
        if not name.endswith((".mount", ".service")):
            continue
        values = units.setdefault(name, {})
        with open(f"{UNITS}/{name}", encoding="utf-8") as f:
            for line in f:
                key, equals, value = line.rstrip("\n").partition("=")
                if equals and not line.startswith("#"):
                    values.setdefault(key, []).append(value.replace("%%", "%"))
    return units


def unquote(text: str) -> str:
    """The paths of the cases need no more."""
    return text.strip('"')


def unquoted(words: str) -> List[str]:
    """The words of a command line."""
    return [unquote(word) for word in words.split()]


def by_depth(units: Units, prefix: str) -> List[str]:
    """Mount units, what is mounted on what first."""
    names = [name for name in units if name.startswith(prefix) and name.endswith(".mount")]
    return sorted(names, key=lambda name: unquote(units[name]["Where"][0]))


def is_wanted(name: str) -> bool:
    """Whether local-fs.target pulls it in."""
    return name != "tmp.mount" and any(os.path.lexists(f"{UNITS}/local-fs.target.{how}/{name}")
                                       for how in ("wants", "requires"))


def start(unit: Dict[str, List[str]], where: str, instead: Optional[str]) -> str:
    """Mount it, unless it is. Returns the error, or ''."""
    if is_mounted(where):
        return ""
    for path in unit.get("AssertPathExists", []):
        if not os.path.exists(unquote(path)):
            return f"{path} does not exist"
    for path in unit.get("AssertPathIsMountPoint", []):
        if not os.path.ismount(unquote(path)):
            return f"{path} is no mount point"
    try:
        # Before it makes the mount point; unit_fail_if_noncanonical() in systemd's mount.c.
        if os.path.realpath(where) != where:
            return "not canonical"
        if not os.path.lexists(where):
            os.makedirs(where, 0o755)
        mount(unit, where, instead)
    except OSError as e:
        return str(e)
    return ""


def is_mounted(where: str) -> bool:
    """Something other than the guard is."""
    found = ""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            fields = line.split()
            if fields[4] == where:
                found = fields[fields.index("-") + 1]
    return found not in ("", "autofs")


def mount(unit: Dict[str, List[str]], where: str, instead: Optional[str]) -> None:
    """As mount(8) does with the options of the unit."""
    options = ",".join(unit.get("Options", [])).split(",")
    flags = 0
    for word in options:
        flags |= FLAGS.get(word, 0)
    if instead is not None or "bind" in options:
        kernel.mount(instead or unquote(unit["What"][0]), where, "", kernel.MS_BIND)
        if flags:
            kernel.mount("none", where, "", kernel.MS_REMOUNT | kernel.MS_BIND | flags)
    else:
        data = ",".join(word for word in options if word not in FLAGS and word not in ELSEWHERE)
        kernel.mount(unquote(unit["What"][0]), where, unit["Type"][0], flags, data)
    kernel.mount("none", where, "", kernel.MS_PRIVATE)


def mount_by_fstab(home: str) -> None:
    """What systemd-fstab-generator would do of a file system that rofs leaves to it."""
    with open("/etc/fstab", encoding="utf-8") as f:
        if " /home " in f.read():
            kernel.mount(home, "/home", "", kernel.MS_BIND)
