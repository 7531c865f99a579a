"""Builds the Debian package in a clean chroot, for tools/package.

The chroot has the build dependencies of packaging/debian/control and lintian. It is cached beside
the images of the virtual machines, under a name that says what it was made from. A build sees it
below an overlay of its own, without network, and as an ordinary user.
"""

from __future__ import annotations

import argparse
import datetime
import email.utils
import hashlib
import lzma
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Dict, List, Match, Sequence

from vm.disk import File, put
from vm.image import SUITES, cache_dir, key_of, logs_dir, make_once, mmdebstrap
from vm.progress import Progress, StepFailed, exit_status

# Part of the cache's keys: raise it when what is done to the tree changes, not only its packages.
RECIPE = 1
PACKAGES = ("build-essential", "lintian")
# So that an upgrade of the system to the next suite upgrades the package, too.
SUITE_SUFFIX = {"bullseye": "~deb11", "bookworm": "~deb12", "trixie": "~deb13"}
# These are about Debian as a distribution, or newer than the lintian of an older suite.
SUPPRESSED = ("initial-upload-closes-no-bugs", "newer-standards-version")
NOBODY = 65534
SOURCE_DIRECTORY = "packaging/debian"

# In the chroot, as an ordinary user. $1: where the source is unpacked.
BUILD = """\
cd "$1"
dpkg-buildpackage -us -uc
"""
LINTIAN = """\
cd "$1"
lintian --fail-on error,warning --tag-display-limit 0 --suppress-tags {tags} ../*.changes
"""
# $1: the tree, $2: a directory for the layers; the rest is run below them.
ENTER = """\
tree=$1 layers=$2 root=$2/root
shift 2
mkdir -p "$layers/upper" "$layers/work" "$root"
if ! mount -t overlay -o "lowerdir=$tree,upperdir=$layers/upper,workdir=$layers/work" build "$root"
then
    cp -a --reflink=auto "$tree/." "$root/"
    mount --bind "$root" "$root"
fi
mount -t proc proc "$root/proc"
mkdir -p "$root/build"
mount --bind "$layers/build" "$root/build"
exec chroot "$root" setpriv --reuid {user} --regid {user} --clear-groups "$@"
"""
# apt-get build-dep reads it.
DSC = """\
Format: 1.0
Source: rofs
Version: 1
Maintainer: nobody <nobody@localhost>
Architecture: any
Build-Depends:{needs}"""


def version_of(source: Path) -> str:
    """The version in meson.build, the only place that has it."""
    found = re.search(r"^\s*version: '([^']+)'", (source / "meson.build").read_text(), re.M)
    if found is None:
        raise StepFailed(f"{source}/meson.build has no version")
    return found.group(1)


def field(control: str, name: str) -> str:
    """The value of a field, with its further lines."""
    found = re.search(rf"^{name}:((?:.*\n)(?: .*\n)*)", control, re.M)
    if found is None:
        raise StepFailed(f"packaging/debian/control has no {name}")
    return found.group(1)


def package_tree(suite: str, control: str, progress: Progress) -> Path:
    """The chroot of `suite`, made if it is not in the cache; needs root then."""
    needs = field(control, "Build-Depends")
    suggested = field(control, "Suggests").replace(",", " ").split()
    final = cache_dir() / f"package-{suite}-{key_of(RECIPE, suite, PACKAGES, needs)}"

    def make(directory: Path) -> None:
        put(directory, "/rofs.dsc", File(DSC.format(needs=needs)))
        mmdebstrap(suite, PACKAGES, directory / "tree", progress, f"Debian {suite}: chroot", (
            f'--customize-hook=cp {directory}/rofs.dsc "$1"/',
            '--customize-hook=chroot "$1" apt-get -o APT::Sandbox::User=root'
            " --no-install-recommends -y build-dep /rofs.dsc",
            # Nothing else looks whether there are packages with these names.
            '--customize-hook=chroot "$1" apt-get -qq --simulate install'
            f" {' '.join(suggested)} >/dev/null",
            '--customize-hook=rm "$1"/rofs.dsc'))

    make_once(final, f"package-{suite}", f"making the chroot of {suite}", make)
    return final / "tree"


def first_entry(changelog: str) -> Match[str]:
    """Version, revision, maintainer and date of the first entry."""
    found = re.match(r"rofs \(([^)]+)-([^-)]+)\) .*?^ -- (.*?)  (.*?)$", changelog, re.M | re.S)
    if found is None:
        raise StepFailed("packaging/debian/changelog does not begin with an entry of rofs")
    return found


def seconds_of(changelog: str) -> int:
    """The time of the first entry, since 1970."""
    return int(email.utils.parsedate_to_datetime(first_entry(changelog).group(4)).timestamp())


def changelog_for(changelog: str, upstream: str, suite: str, suffix: str, time: int) -> str:
    """The changelog, with an entry of its own for a snapshot and for a suite other than sid."""
    version, revision, maintainer, _ = first_entry(changelog).groups()
    if version != upstream:
        raise StepFailed(f"packaging/debian/changelog is about {version}, meson.build {upstream}")
    full = f"{upstream}{suffix}-{revision}{SUITE_SUFFIX.get(suite, '')}"
    if full == f"{version}-{revision}":
        return changelog
    what = f"Snapshot {suffix.lstrip('~')}." if suffix else f"Rebuild for {suite}."
    when = datetime.datetime.fromtimestamp(time or seconds_of(changelog), datetime.timezone.utc)
    distribution = "unstable" if suite == "sid" else suite
    return (f"rofs ({full}) {distribution}; urgency=medium\n\n  * {what}\n\n"
            f" -- {maintainer}  {email.utils.format_datetime(when)}\n\n{changelog}")


def make_tarball(source: Path, top: str, time: int, path: Path) -> None:
    """The source as a tarball that depends on its content and this time alone."""
    def normal(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        info.mtime = time
        info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
        return info

    with lzma.open(path, "wb", preset=6) as out, \
            tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        tar.add(source, top, filter=normal)  # in the order of names


def enter(tree: Path, layers: Path, argv: Sequence[str]) -> List[str]:
    """The command that runs `argv` below an overlay on `tree`, with layers/build as /build."""
    return ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-ec",
            ENTER.format(user=NOBODY), "sh", str(tree), str(layers),
            "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/build", "LC_ALL=C.UTF-8",
            *argv]


def build(tree: Path, layers: Path, source: Path, version: str, changelog: str, label: str,
          progress: Progress, odd: bool = False) -> Path:
    """Build the package. Returns where the results are.

    `layers`: a new directory. `odd`: in another directory, time zone and umask than usual.
    """
    top = "elsewhere" if odd else f"rofs-{version}"
    home = layers / "build"
    home.mkdir(parents=True)
    make_tarball(source, f"rofs-{version}", seconds_of(changelog),
                 home / f"rofs_{version}.orig.tar.xz")
    shutil.copytree(source, home / top, symlinks=True)
    shutil.copytree(source / SOURCE_DIRECTORY, home / top / "debian")
    (home / top / "debian/changelog").write_text(changelog)
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(home)], check=True)
    way = "umask 002; export TZ=Pacific/Chatham\n" if odd else "umask 022\n"
    progress.run(f"{label}: build and tests" + (", again" if odd else ""),
                 enter(tree, layers, ["sh", "-ec", way + BUILD, "sh", f"/build/{top}"]))
    if not odd:
        progress.run(f"{label}: lintian", enter(tree, layers, [
            "sh", "-ec", LINTIAN.format(tags=",".join(SUPPRESSED)), "sh", f"/build/{top}"]))
    return home


def differing(one: Path, other: Path) -> List[str]:
    """The files of two builds that are not the same, byte for byte."""
    def sums(directory: Path) -> Dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for pattern in ("*.deb", "*.dsc", "*.tar.xz") for path in directory.glob(pattern)}
    first, second = sums(one), sums(other)
    return [name for name in sorted({*first, *second}) if first.get(name) != second.get(name)]


def package(options: argparse.Namespace, progress: Progress) -> bool:
    """Build everything that is asked for, and copy it to the output directory."""
    source: Path = options.source.resolve()
    upstream = version_of(source)
    changelog = changelog_for((source / SOURCE_DIRECTORY / "changelog").read_text(), upstream,
                              options.suite, options.suffix, options.time)
    tree = package_tree(options.suite, (source / SOURCE_DIRECTORY / "control").read_text(),
                        progress)
    label = f"Debian {options.suite}"
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="package-", dir=cache_dir()) as name:
        work = Path(name)
        work.chmod(0o755)
        what = (source, upstream + options.suffix, changelog, label, progress)
        made = build(tree, work / "one", *what)
        if options.twice:
            found = differing(made, build(tree, work / "two", *what, odd=True))
            if found:
                raise StepFailed(f"{label}: not reproducible: {', '.join(found)}")
            progress.say(f"{label}: both builds are the same, byte for byte")
        for path in made.glob("rofs*_*"):
            shutil.copyfile(path, options.output / path.name)
    return True


def main() -> int:
    """The command line: exit status 0, or 1 with a message."""
    parser = argparse.ArgumentParser(description="Build the Debian package in a clean chroot.")
    parser.add_argument("--source", type=Path, required=True, help="the tree to build")
    parser.add_argument("--version", action="store_true", help="print its version, and exit")
    parser.add_argument("--suite", choices=SUITES)
    parser.add_argument("--output", type=Path, help="where the results go")
    parser.add_argument("--suffix", default="", help="of the version, for a snapshot")
    parser.add_argument("--time", type=int, default=0, help="of the snapshot, since 1970")
    parser.add_argument("--twice", action="store_true", help="build it again, and compare")
    options = parser.parse_args()
    if options.version:
        print(version_of(options.source))
        return 0
    return exit_status(lambda: package(options, Progress(logs_dir())))


if __name__ == "__main__":
    sys.exit(main())
