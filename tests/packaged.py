"""What is in a package, and a system to install it in.

The system is this machine, seen through an overlay in RAM: nothing outside of it changes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import List, Sequence

from support import build_directory

# In $1, a directory: the machine, with empty layers.
SYSTEM = r"""
mount -t tmpfs layers "$1"
cd "$1"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work system root
for directory in proc dev; do mount --rbind /$directory root/$directory; done
mount -t tmpfs run root/run
"""


def install(destination: Path) -> Path:
    """What `meson install` of the build under test puts into a new directory.

    Meson would leave its log in the build directory, where other users who run tests could not
    write theirs: it runs beside `destination`, in a directory of links.
    """
    links = destination.with_name(f"{destination.name}.build")
    for name in ("meson-private", "meson-logs"):
        (links / name).mkdir(parents=True)
    for path in build_directory().iterdir():
        if not (links / path.name).exists():
            (links / path.name).symlink_to(path)
    shutil.copy(build_directory() / "meson-private/install.dat", links / "meson-private")
    subprocess.run(["meson", "install", "-C", str(links), "--no-rebuild"], check=True,
                   env={**os.environ, "DESTDIR": str(destination)}, stdout=subprocess.DEVNULL)
    return destination


def files_of(package: Path) -> List[str]:
    """The paths of its files and links; directories end with a slash."""
    done = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], check=True,
                          stdout=subprocess.PIPE)
    listed = subprocess.run(["tar", "-t"], input=done.stdout, check=True, stdout=subprocess.PIPE)
    return [name[1:] for name in listed.stdout.decode().splitlines() if name != "./"]


def field(package: Path, name: str) -> str:
    """A field of its control file."""
    return subprocess.run(["dpkg-deb", "-f", str(package), name], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def listed_in(control: str, names: Sequence[str]) -> List[str]:
    """The packages that fields of a control file list, without versions."""
    found: List[str] = []
    for name in names:
        match = re.search(rf"^{name}:((?:.*\n)(?: .*\n)*)", control, re.M)
        assert match, name
        found += re.findall(r"(?:^|\|)\s*([a-z0-9][a-z0-9.+-]+)", match.group(1), re.M)
    return found
