"""A disk with a repository of packages that a base image can be upgraded with.

The packages are made of what is installed in the image, with a higher version and a file that says
so: this needs no network, and the upgrade changes as much as one of Debian. Further ones do what
packages do that is hard to get right: accounts, capabilities, set-id files, diversions, conffiles.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

from . import image
from .disk import MIB, File, mke2fs, put, rdump

LABEL = "repository"
SUFFIX = "+rofs1"
# By source package: the C library, PID 1 with udev, the bus, and a shell with a conffile.
SOURCES = ("glibc", "systemd", "dbus", "bash")
CONFFILE = "/etc/bash.bashrc"
NEWER = 1735689600  # 2025-01-01
MARK = "/usr/share/doc/{name}/upgraded"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "conffiles", "triggers", "shlibs", "symbols")
DROPPED = ("Status", "Conffiles", "Config-Version")
CAP_NET_RAW = "0x0100000200200000000000000000000000000000"
ACCOUNT = "rofs-test"
SYSUSER = "rofs-sysuser"
ASKED = "/etc/rofs-asked"

# What each of the further packages has, and does.
PACKAGES: Dict[str, Dict[str, File]] = {
    "rofs-account": {
        "/DEBIAN/postinst": File("#!/bin/sh\nset -e\n[ \"$1\" = configure ] || exit 0\n"
                                 f"useradd --system --no-create-home {ACCOUNT}\n"
                                 "systemd-sysusers rofs-account.conf\n"
                                 f"chown {ACCOUNT}:{SYSUSER} /usr/share/rofs-account/owned\n",
                                 0o755),
        "/usr/lib/sysusers.d/rofs-account.conf": File(f"u {SYSUSER} - -\n"),
        "/usr/share/rofs-account/owned": File("of the account\n"),
    },
    "rofs-files": {
        "/DEBIAN/preinst": File("#!/bin/sh\nset -e\n"
                                "dpkg-divert --package rofs-files --add --rename"
                                " --divert /usr/bin/tty.distrib /usr/bin/tty\n", 0o755),
        "/DEBIAN/postinst": File("#!/bin/sh\nset -e\n"
                                 f"setfattr -n security.capability -v {CAP_NET_RAW}"
                                 " /usr/bin/rofs-capable\n", 0o755),
        "/usr/bin/tty": File("#!/bin/sh\necho diverted\n", 0o755),
        "/usr/bin/rofs-setuid": File("#!/bin/sh\n", 0o4755),
        "/usr/bin/rofs-capable": File("#!/bin/sh\n", 0o755),
    },
    # Its conffile exists, with another content.
    "rofs-asking": {
        "/DEBIAN/conffiles": File(f"{ASKED}\n"),
        ASKED: File("of the package\n"),
    },
    "rofs-failing": {
        "/DEBIAN/postinst": File("#!/bin/sh\nexit 1\n", 0o755),
        "/usr/share/rofs-failing/file": File("never on flash\n"),
    },
}
CONTROL = """\
Package: {name}
Version: 1
Architecture: all
Maintainer: nobody <nobody@localhost>
Description: test package
"""


def stanzas(status: Path) -> Iterator[Dict[str, str]]:
    """The packages of dpkg's status file: their fields."""
    for text in status.read_text().split("\n\n"):
        fields: Dict[str, str] = {}
        for line in text.splitlines():
            if line[0].isspace():
                fields[list(fields)[-1]] += "\n" + line
            else:
                key, _, value = line.partition(":")
                fields[key] = value.strip()
        if fields:
            yield fields


def source_of(fields: Dict[str, str]) -> str:
    return fields.get("Source", fields["Package"]).split()[0]


def raised(fields: Dict[str, str], versions: Sequence[str]) -> str:
    """The control file of the same package with the higher version, and relations to match."""
    lines = []
    for key, value in fields.items():
        if key in DROPPED:
            continue
        if key == "Version":
            value += SUFFIX
        for version in versions:
            value = value.replace(f"(= {version})", f"(= {version}{SUFFIX})")
        lines.append(f"{key}: {value}")
    return "\n".join(lines) + "\n"


def info_file(tree: Path, fields: Dict[str, str], kind: str) -> Path:
    """A file of dpkg's database; those of foreign and shared architectures have a longer name."""
    info = tree / "var/lib/dpkg/info"
    plain = info / f"{fields['Package']}.{kind}"
    return plain if plain.exists() else info / f"{fields['Package']}:amd64.{kind}"


def copy_files(tree: Path, names: Sequence[str], to: Path) -> None:
    """The files of a package, with modes and links; its directories, where /bin is a link."""
    parents = {name.rsplit("/", 1)[0] for name in names}
    for name in names:
        source, target = tree / name[1:], to / name[1:]
        if name in parents:
            target.mkdir(parents=True, exist_ok=True)
        elif source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
            if not target.is_symlink():
                os.utime(target, (NEWER, NEWER))  # or it would be the same file
        elif source.is_dir() and not source.is_symlink():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copystat(source, target)


def repack(tree: Path, fields: Dict[str, str], versions: Sequence[str], work: Path) -> Path:
    name = fields["Package"]
    top = work / name
    listed = info_file(tree, fields, "list").read_text().split("\n")
    copy_files(tree, [path for path in listed if path not in ("", "/.")], top)
    put(top, MARK.format(name=name), File(f"{name}\n"))
    put(top, "/DEBIAN/control", File(raised(fields, versions)))
    for kind in SCRIPTS:
        script = info_file(tree, fields, kind)
        if script.exists():
            shutil.copy2(script, top / "DEBIAN" / kind)
    if name == "bash":
        put(top, CONFFILE, File("# of the new package\n"))
    return top


def build(top: Path, repository: Path) -> None:
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(top), str(repository)],
                   check=True, stdout=subprocess.DEVNULL)


def entry_of(package: Path) -> str:
    """The package's paragraph in the list of packages."""
    control = subprocess.run(["dpkg-deb", "-f", str(package)], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    return (f"{control}Filename: ./{package.name}\nSize: {package.stat().st_size}\n"
            f"SHA256: {digest}\n")


def upgraded(base: Path, work: Path) -> List[Path]:
    """Trees of all packages of SOURCES, from a base image."""
    rdump(base, "/", work)
    installed = list(stanzas(work / "var/lib/dpkg/status"))
    chosen = [fields for fields in installed if source_of(fields) in SOURCES]
    versions = sorted({fields["Version"] for fields in chosen}, key=len, reverse=True)
    (work.parent / "packages").mkdir()
    return [repack(work, fields, versions, work.parent / "packages") for fields in chosen]


def make_disk(path: Path, suite: str) -> None:
    """A further disk of a scenario: the repository for the base image of a suite."""
    with tempfile.TemporaryDirectory(prefix="repository-", dir=image.cache_dir()) as name:
        top = Path(name)
        repository = top / "repository"
        repository.mkdir()
        (top / "tree").mkdir()
        for tree in upgraded(image.base_path(suite) / "root.img", top / "tree"):
            build(tree, repository)
        for package, files in PACKAGES.items():
            put(top / package, "/DEBIAN/control", File(CONTROL.format(name=package)))
            for file, entry in files.items():
                put(top / package, file, entry)
            build(top / package, repository)
        lists = [entry_of(package) for package in sorted(repository.glob("*.deb"))]
        (repository / "Packages").write_text("\n".join(lists))
        total = sum(package.stat().st_size for package in repository.iterdir())
        mke2fs(path, (total // MIB + 32) * MIB, LABEL, repository)


def count(text: str) -> int:
    """How many packages apt-get says it has upgraded."""
    match = re.search(r"(\d+) upgraded", text)
    return int(match.group(1)) if match else 0
