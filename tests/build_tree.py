"""Where the programs of a build are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Sequence


def place(build: Path, name: str) -> Path:
    """The path of one of our programs in a build directory.

    It is not searched for: the directory has copies, and others may be writing there.
    """
    return build / "src" / name.replace("rofs-", "") / name


def gather(build: Path, names: Sequence[str], directory: Path) -> Path:
    """Copy programs of a build into a new directory. Raises FileNotFoundError."""
    directory.mkdir()
    for name in names:
        path = place(build, name)
        if not path.exists():
            raise FileNotFoundError(f"{path} is not built: run meson compile")
        shutil.copy(path, directory)
    return directory
