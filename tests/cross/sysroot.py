"""The headers and libraries of another architecture, from Debian's packages, cached as images are.

The packages are unpacked, not installed, so neither dpkg of the host nor an emulator is needed.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from vm.image import BUILD_PACKAGES, cache_dir, key_of, logs_dir, make_once, mmdebstrap
from vm.progress import Progress, exit_status

RECIPE = 1
# The suite of each. i386 has no kernel after it; riscv64 is not in earlier ones. In trixie, armhf
# has times of 64 bits, as i386 has not.
SUITES = {"arm64": "bookworm", "armhf": "trixie", "i386": "bookworm", "riscv64": "trixie",
          "s390x": "bookworm"}
PACKAGES = ["libc-bin", "libgcc-s1", *(name for name in BUILD_PACKAGES if name.startswith("lib"))]
# Nothing else: the host has the rest. Of Linux, what links in usr/include lead to in Debian 13.
KEPT = ("usr/include", "usr/lib/linux", "usr/lib/locale", "usr/lib/*-linux-gnu*", "usr/lib/ld*",
        "lib/*-linux-gnu*", "lib/ld*")


def path_of(architecture: str) -> Path:
    """Where the sysroot is kept."""
    suite = SUITES[architecture]
    return cache_dir() / f"sysroot_{architecture}-{suite}-{key_of(RECIPE, PACKAGES, KEPT)}"


def make(architecture: str, directory: Path, progress: Progress) -> None:
    """Fill `directory` with what a compiler of the host needs."""
    suite = SUITES[architecture]
    tree = directory / "tree"
    mmdebstrap(suite, PACKAGES, tree, progress, f"Debian {suite}: libraries of {architecture}",
               architecture=architecture, variant="extract")
    for pattern in KEPT:
        for path in tree.glob(pattern):
            kept = directory / path.relative_to(tree)
            kept.parent.mkdir(parents=True, exist_ok=True)
            path.rename(kept)
    shutil.rmtree(tree)
    if not (directory / "lib").exists():
        (directory / "lib").symlink_to("usr/lib")


def main() -> int:
    """Prints the path: exit status 0, or 1 with a message."""
    parser = argparse.ArgumentParser(prog="cross.sysroot", description=__doc__.splitlines()[0])
    parser.add_argument("architecture", choices=SUITES)
    parser.add_argument("--ready", action="store_true",
                        help="make nothing; exit status 1 if it is still to be made")
    options = parser.parse_args()
    final = path_of(options.architecture)

    def run() -> bool:
        if not options.ready:
            progress = Progress(logs_dir())
            make_once(final, f"sysroot-{options.architecture}",
                      f"unpacking the libraries of {options.architecture}",
                      lambda directory: make(options.architecture, directory, progress))
        if final.is_dir():
            print(final)
        return final.is_dir()

    return exit_status(run)


if __name__ == "__main__":
    raise SystemExit(main())
