"""Real packages of Debian that tests look into, and do not install: their services would start."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from vm import image


def downloaded(package: str) -> Path:
    """The files of a package, downloaded once; the test is skipped where that is not possible."""
    found = cached(package)
    if found is None:
        pytest.skip(f"{package} cannot be downloaded: apt-get download {package}, on Debian")
    return found / "files"


def archive(package: str) -> Path:
    """The package itself."""
    downloaded(package)
    found = cached(package)
    assert found
    return next(found.glob("*.deb"))


def cached(package: str) -> Path | None:
    final = image.cache_dir() / f"package-{package}"
    if final.is_dir():
        return final
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return None
    with image.locked(f"package-{package}"):
        if final.is_dir():
            return final
        try:
            with image.finished_directory(final) as work:
                subprocess.run(["apt-get", "-qq", "download", package], cwd=work, check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                subprocess.run(["dpkg-deb", "-x", next(work.glob("*.deb")), work / "files"],
                               check=True)
        except subprocess.CalledProcessError:
            return None
    return final
