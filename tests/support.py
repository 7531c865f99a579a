"""What several tests need: trees to read, runs of the generator, snapshots of what it wrote."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

STANDARD_DIRS = ("etc", "home", "proc", "rofs", "tmp", "usr", "var")
RUN_SECONDS_MAX = 60
EMPTY_DIRECTORY = "(empty directory)"

# The type of the fixture in_namespace.
Namespace = Callable[[str], subprocess.CompletedProcess[str]]


@dataclass
class Run:
    """What a run of the generator left: exit status, messages, and the trees it wrote."""

    status: int
    stderr: str
    normal: dict[str, str]
    early: dict[str, str]
    late: dict[str, str]


def make_tree(root: Path, files: Mapping[str, str], dirs: Sequence[str] = ()) -> Path:
    """A system to read: the standard directories, and what is given."""
    for name in (*STANDARD_DIRS, *dirs):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def make_golden_tree(case: Path, root: Path) -> None:
    """The tree of a golden test, with what git cannot keep.

    `dirs` has a line for each further empty directory, `!NAME` for a standard one that is not
    there; `links` has lines `NAME -> TARGET`; `cmdline` is the kernel command line.
    """
    if (case / "root").exists():
        shutil.copytree(case / "root", root)
    dirs = lines_of(case / "dirs")
    for name in (*STANDARD_DIRS, *dirs):
        if not name.startswith("!") and f"!{name}" not in dirs:
            (root / name).mkdir(parents=True, exist_ok=True)
    for line in lines_of(case / "links"):
        name, target = line.split(" -> ")
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    if (case / "cmdline").exists():
        shutil.copy(case / "cmdline", root / "proc/cmdline")


def snapshot(top: Path) -> dict[str, str]:
    """Every file below a directory: its text, or '-> TARGET'. Empty directories are named too."""
    found: dict[str, str] = {}
    for folder, dirs, files in os.walk(top):
        here = Path(folder)
        for path in (here / name for name in (*dirs, *files)):
            name = str(path.relative_to(top))
            if path.is_symlink():
                found[name] = f"-> {os.readlink(path)}"
            elif path.is_file():
                found[name] = path.read_bytes().decode(errors="surrogateescape")
            elif not any(path.iterdir()):
                found[name] = EMPTY_DIRECTORY
    return found


def environment(root: Optional[Path], extra: Optional[Mapping[str, str]] = None) -> dict[str, str]:
    """The environment of a run: messages to stderr, the system below `root`."""
    env = {**os.environ, "ROFS_LOG": "stderr", **(extra or {})}
    env.pop("ROFS_ROOT", None)
    if root is not None:
        env["ROFS_ROOT"] = str(root)
    return env


def run_generator(generator: Path, root: Path, work: Path,
                  extra: Optional[Mapping[str, str]] = None) -> Run:
    """Run it as systemd does, with three directories, which are made below `work`."""
    names = ("generator", "generator.early", "generator.late")
    outputs = [work / name for name in names]
    for path in outputs:
        path.mkdir(parents=True)
    done = subprocess.run([str(generator), *map(str, outputs)], env=environment(root, extra),
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False, timeout=RUN_SECONDS_MAX)
    return Run(done.returncode, done.stderr.decode(errors="surrogateescape"),
               *map(snapshot, outputs))


# What `systemd-analyze verify` says about this machine, not about our units.
HARMLESS = re.compile(
    r"^(\S+\.service: Command /usr/lib/rofs/rofs-(?:prepare|format) is not executable: "
    r"No such file or directory"
    r"|Cannot add dependency job, ignoring: Unit \S+\.device not found\.?)$")


def verify(early: Path) -> list[str]:
    """What systemd says against the units of a directory."""
    units = sorted(p for p in early.iterdir()
                   if p.suffix in (".mount", ".service") and p.is_file() and not p.is_symlink())
    if not units:
        return []
    # An argument with a colon means something else: a target pulls those units in.
    target = early.parent / "with-colon.target"
    colons = [p.name for p in units if ":" in p.name]
    target.write_text("[Unit]\n" + "".join(f"Requires={name}\n" for name in colons))
    arguments = [str(target), *(str(p) for p in units if ":" not in p.name)]
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{early}:", "SYSTEMD_LOG_COLOR": "0", "LC_ALL": "C"}
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *arguments], env=env,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=RUN_SECONDS_MAX)
    lines = done.stdout.decode(errors="surrogateescape").splitlines()
    return [line for line in lines if not HARMLESS.match(line)]
