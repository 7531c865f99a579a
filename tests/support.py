"""Helpers for several test modules: trees, runs of programs, snapshots of their output."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import build_tree
import pytest

SOURCE = Path(__file__).resolve().parent.parent
STANDARD_DIRS = ("etc", "home", "proc", "rofs", "tmp", "usr", "var")
# A program that hangs, not one that is slow: the slowest take ten on an idle machine.
RUN_SECONDS_MAX = 300
EMPTY_DIRECTORY = "(empty directory)"

# The type of the fixture in_namespace.
Namespace = Callable[..., subprocess.CompletedProcess[str]]

# As the kernel prints it: read I/Os, merges, sectors, ms, then the same of writes.
STAT = "    5000       10   200000      300       40        5 {sectors:8}        7        0     9\n"
DEVICES = {"254:0": ("vda", 0), "254:16": ("vdb", 4096)}


def build_directory() -> Path:
    """Where meson built the programs under test: ROFS_BUILD_DIR, else build/ of the checkout."""
    return Path(os.environ.get("ROFS_BUILD_DIR") or SOURCE / "build").resolve()


def built(name: str) -> Path:
    """A file of the build directory, by its path there; the test is skipped where it is missing."""
    path = build_directory() / name
    if not path.exists():
        pytest.skip(f"{path} is not built: run meson compile, or tools/test")
    return path


def program(name: str) -> Path:
    """A program of the build directory; the test is skipped where it is not built."""
    return built(str(build_tree.place(Path(), name)))


def security_bounds(version: int) -> dict[str, float]:
    """By service: the score that docs/SECURITY.md gives for a version of systemd, or the next older
    one that has a column."""
    table = (SOURCE / "docs/SECURITY.md").read_text()
    header, *rows = re.findall(r"^\|(.*)\|$", table[table.index("| Service |"):], re.M)
    versions = [int(cell.split()[-1]) for cell in header.split("|")[1:]]
    column = max((i for i, v in enumerate(versions) if v <= version), default=0)
    bounds = {}
    for row in rows[1:]:
        service, *scores = (cell.strip() for cell in row.split("|"))
        if not service.startswith("`"):
            break
        bounds[service.strip("`")] = float(scores[column])
    return bounds


# The programs that tests call, and Debian's package of each. tools/test installs them all.
PACKAGES = {
    "getfacl": "acl", "setfacl": "acl",
    "ansible-playbook": "ansible-core",
    "getfattr": "attr", "setfattr": "attr",
    "readelf": "binutils",
    "btrfs": "btrfs-progs", "mkfs.btrfs": "btrfs-progs",
    "mkfs.vfat": "dosfstools",
    "debugfs": "e2fsprogs", "dumpe2fs": "e2fsprogs", "e2fsck": "e2fsprogs",
    "fsck.ext4": "e2fsprogs", "mke2fs": "e2fsprogs", "mkfs.ext4": "e2fsprogs",
    "dh_installdeb": "debhelper",
    "dpkg-parsechangelog": "dpkg-dev", "dpkg-shlibdeps": "dpkg-dev",
    "fsck.f2fs": "f2fs-tools", "mkfs.f2fs": "f2fs-tools",
    "fakeroot": "fakeroot",
    "sfdisk": "fdisk",
    "git": "git",
    "modprobe": "kmod",
    "bsdtar": "libarchive-tools",
    "losetup": "mount",
    "makepkg": "makepkg",
    "pacman": "pacman-package-manager",
    "setcap": "libcap2-bin",
    "strace": "strace",
    "journalctl": "systemd", "systemd-analyze": "systemd", "systemd-escape": "systemd",
    "blkid": "util-linux", "blockdev": "util-linux", "findmnt": "util-linux",
    "mkswap": "util-linux", "wipefs": "util-linux",
    "mksquashfs": "squashfs-tools",
    "linux.uml": "user-mode-linux",
    "valgrind": "valgrind",
    "mkfs.xfs": "xfsprogs", "xfs_io": "xfsprogs", "xfs_repair": "xfsprogs",
    "zsh": "zsh",
}


@dataclass
class Run:
    """The result of a run of the generator: exit status, messages, and the trees it wrote."""

    status: int
    stderr: str
    normal: dict[str, str]
    early: dict[str, str]
    late: dict[str, str]


def need_programs(*names: str) -> None:
    """Skip the test where one of them is not installed, and say which package has it."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    lacking = [name for name in names if shutil.which(name, path=path) is None]
    if lacking:
        packages = dict.fromkeys(PACKAGES[name] for name in lacking)
        pytest.skip(f"{', '.join(lacking)} not found: install {', '.join(packages)}")


def need_root(what: str = "mount namespaces need root") -> None:
    """Skip the test where the tests run as an ordinary user."""
    if os.geteuid() != 0:
        pytest.skip(f"{what}: run through sudo, as tools/test does")


def programs_in(script: str) -> list[str]:
    """Which of PACKAGES a shell script calls."""
    words = set(re.findall(r"[\w.-]+", script))
    return [name for name in PACKAGES if name in words]


def make_tree(root: Path, files: Mapping[str, str], dirs: Sequence[str] = ()) -> Path:
    """Make a tree with the standard directories, `dirs` and `files`.

    What pulls a unit in, in a .wants or .requires directory, is a link to it, whatever its text.
    """
    for name in (*STANDARD_DIRS, *dirs):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.suffix in (".wants", ".requires"):
            path.unlink(missing_ok=True)
            path.symlink_to(f"../{path.name}")
        else:
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
        for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
            folder.chmod(0o755)  # whatever the umask of the checkout was
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


def make_status_tree(case: Path, root: Path) -> Path:
    """The tree of a case of tests/status: what its files say, and two disks."""
    names = {"conf": "etc/rofs.conf", "mountinfo": "proc/self/mountinfo", "swaps": "proc/swaps",
             "cmdline": "proc/cmdline", "root-devices": "run/rofs/root-devices"}
    read_only = (case / "read-only").read_text().split() if (case / "read-only").exists() else ()
    files = {path: (case / name).read_text() for name, path in names.items()
             if (case / name).exists()}
    make_tree(root, files, ("srv", "opt", "var/local/data", "sys/dev/block"))
    for number, (name, sectors) in DEVICES.items():
        medium = root / "sys/devices" / name
        (medium / "device").mkdir(parents=True)
        (medium / "stat").write_text(STAT.format(sectors=sectors))
        (medium / "dev").write_text(f"{number}\n")
        (medium / "ro").write_text(f"{int(name in read_only)}\n")
        (medium / "uevent").write_text(f"MAJOR=254\nDEVNAME={name}\nDEVTYPE=disk\n")
        (root / "sys/dev/block" / number).symlink_to(f"../../devices/{name}")
    return root


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


def is_sanitized(build_dir: Path) -> bool:
    return "-DROFS_SANITIZED" in (build_dir / "build.ninja").read_text()


def environment(root: Optional[Path], extra: Optional[Mapping[str, str]] = None) -> dict[str, str]:
    """The environment of a run: messages to stderr, the system below `root`."""
    env = {**os.environ, "ROFS_LOG": "stderr", **(extra or {})}
    env.pop("ROFS_ROOT", None)
    if root is not None:
        env["ROFS_ROOT"] = str(root)
    return env


def run_program(program: Path, *arguments: object, root: Optional[Path] = None,
                **extra: str) -> subprocess.CompletedProcess[str]:
    """Run it on the system below `root`, with more variables in its environment."""
    return subprocess.run(
        [str(program), *map(str, arguments)], env=environment(root, extra), check=False,
        encoding="utf-8", errors="surrogateescape", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=RUN_SECONDS_MAX)


def parse_json(text: str, schema: str) -> Any:
    """What a command has printed as JSON, which is as the schema docs/`schema` says."""
    jsonschema = pytest.importorskip("jsonschema", reason="install python3-jsonschema")
    rules = json.loads((SOURCE / "docs" / schema).read_text())
    jsonschema.Draft7Validator.check_schema(rules)
    answer = json.loads(text)
    jsonschema.validate(answer, rules)
    return answer


def machine_of(program: Path) -> bytes:
    """The class, byte order and machine that an ELF file is for."""
    head = program.read_bytes()[:20]
    return head[4:6] + head[18:20]


def under_valgrind(program: Path, *more: str) -> list[str]:
    """The words that run it under valgrind.

    It runs alone with sanitizers, which see the same, and if it is for i386 on amd64, of which
    valgrind of amd64 knows nothing.
    """
    if (b"__asan_init" in program.read_bytes()
            or machine_of(program) != machine_of(Path(sys.executable))):
        return []
    need_programs("valgrind")
    return ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full", *more]


def on_terminal(argv: Sequence[str], env: dict[str, str]) -> str:
    """What a program prints on a terminal of 80 columns, which reads UTF-8."""
    return bytes_on_terminal(argv, {"LC_ALL": "C.UTF-8", **env}).decode()


def bytes_on_terminal(argv: Sequence[str], env: dict[str, str]) -> bytes:
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(argv[0], list(argv), env)
    text = b""
    while True:
        try:
            chunk = os.read(fd, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not chunk:
            break
        text += chunk
    os.close(fd)
    os.waitpid(pid, 0)
    return text


def run_generator(generator: Path, root: Path, work: Path,
                  extra: Optional[Mapping[str, str]] = None) -> Run:
    """Run it as systemd does, with three directories below `work`, which are made if need be."""
    names = ("generator", "generator.early", "generator.late")
    outputs = [work / name for name in names]
    for path in outputs:
        path.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([str(generator), *map(str, outputs)], env=environment(root, extra),
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False, timeout=RUN_SECONDS_MAX)
    return Run(done.returncode, done.stderr.decode(errors="surrogateescape"),
               *map(snapshot, outputs))


# What `systemd-analyze verify` says about this machine, not about our units.
HARMLESS = re.compile(
    r"^(\S+\.service: Command /usr/(?:bin/rofs|lib/rofs/rofs-(?:device|finish|format|prepare)) "
    r"is not executable: No such file or directory"
    r"|Cannot add dependency job, ignoring: Unit \S+\.device not found\.?)$")


def verify(early: Path, image: Optional[Path] = None) -> list[str]:
    """What systemd says against the units of a directory, not those of @image that they name."""
    units = sorted(p for p in early.iterdir()
                   if p.suffix in (".mount", ".service", ".timer") and p.is_file()
                   and not p.is_symlink())
    if not units:
        return []
    need_programs("systemd-analyze")
    # An argument with a colon means something else: a target pulls those units in.
    target = early.parent / "with-colon.target"
    colons = [p.name for p in units if ":" in p.name]
    target.write_text("[Unit]\n" + "".join(f"Requires={name}\n" for name in colons))
    arguments = [str(target), *(str(p) for p in units if ":" not in p.name)]
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{early}:{image or early}:",
           "SYSTEMD_LOG_COLOR": "0", "LC_ALL": "C"}
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *arguments], env=env,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=RUN_SECONDS_MAX)
    lines = done.stdout.decode(errors="surrogateescape").splitlines()
    theirs = {p.name for p in image.glob("*")} - {p.name for p in units} if image else set()
    return [line for line in lines
            if not HARMLESS.match(line) and line.split(": ")[0] not in theirs]
