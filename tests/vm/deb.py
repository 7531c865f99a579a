"""The Debian package made of what `meson install` has installed, without compiling."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Sequence

from . import image
from .disk import MIB, mke2fs
from .progress import Progress, StepFailed
from .repository import entry_of

SOURCE = Path(__file__).resolve().parent.parent.parent
DEBIAN = SOURCE / "packaging/debian"
ARCH = SOURCE / "packaging/arch"
LABEL = "packages"

# After dh_auto_install. What "make" runs are overrides in debian/rules.
STEPS = (
    ("dh_installdocs",),
    ("make", "-sf", "debian/rules", "override_dh_installchangelogs"),
    ("dh_lintian",),
    ("dh_fixperms",),
    ("make", "-sf", "debian/rules", "execute_after_dh_fixperms"),
    ("dh_installdeb",),
    ("dh_gencontrol", "--", "-v{version}"),
    ("dh_md5sums",),
    ("dh_builddeb", "--destdir=.", "--", "-Znone"),
)
# Finds the libraries of this machine.
SHLIBS = ("dh_shlibdeps",)


def version() -> str:
    """The version in meson.build."""
    found = re.search(r"^\s*version: '([^']+)'", (SOURCE / "meson.build").read_text(), re.M)
    assert found
    return found.group(1)


def make_deb(
    installed: Path, work: Path, of: str, steps: Sequence[Sequence[str]] = STEPS,
    architecture: str = "",
) -> Path:
    """The package with the version `of`, for this architecture or another.

    `work`: a new directory. Raises StepFailed.
    """
    environment = dict(os.environ, **({"DEB_HOST_ARCH": architecture} if architecture else {}))
    work.mkdir()
    shutil.copytree(DEBIAN, work / "debian")
    shutil.copytree(installed, work / "debian/rofs", symlinks=True)
    for name in ("README.md", "NEWS.md", "docs"):
        (work / name).symlink_to(SOURCE / name)
    for step in steps:
        done = subprocess.run([word.format(version=of) for word in step], cwd=work, check=False,
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        if done.returncode != 0:
            raise StepFailed(f"{' '.join(step)}:\n{done.stdout}")
    package, = work.glob("rofs_*.deb")
    return package


def make_disk(path: Path, suite: str) -> None:
    """A further disk of a scenario: old.deb, a repository with new.deb, and the package's tests."""
    progress = Progress(image.logs_dir())
    installed = image.installed(suite, SOURCE, progress)
    with tempfile.TemporaryDirectory(prefix="packages-", dir=image.cache_dir()) as name:
        top = Path(name)
        (top / "disk").mkdir()
        for which, revision in (("old", 1), ("new", 2)):
            # Without the names of the libraries, which those of this machine might not be.
            package = make_deb(installed, top / which, f"{version()}-{revision}")
            shutil.copy(package, top / f"disk/{which}.deb")
        # The newer one can also be had by an upgrade.
        (top / "disk/Packages").write_text(entry_of(top / "disk/new.deb"))
        shutil.copytree(DEBIAN / "tests", top / "disk/tests")
        total = sum(file.stat().st_size for file in top.glob("disk/*"))
        mke2fs(path, (total // MIB + 32) * MIB, LABEL, top / "disk")
