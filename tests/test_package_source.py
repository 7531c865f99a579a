"""What packages are made from: one version, the tarball, `ninja uninstall`, and Arch's package."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from packaged import SYSTEM, listed_in
from support import SOURCE, Namespace, build_directory, need_programs
from vm.deb import ARCH, DEBIAN, version

NOBODY = 65534

# What a package of Arch needs, and Debian's package of the same; others have the same name.
DEBIAN_NAMES = {"glibc": "libc6-dev", "systemd-libs": "libsystemd-dev",
                "util-linux-libs": "libmount-dev", "util-linux": "libblkid-dev"}

# So that it takes seconds: nothing is optimized or compressed.
MAKEPKG_CONF = """\
CARCH=x86_64
CHOST=x86_64-pc-linux-gnu
CFLAGS=-O0
BUILDENV=(!distcc !color !ccache check !sign)
OPTIONS=(!strip docs emptydirs !zipman !purge !debug !lto)
INTEGRITY_CHECK=(sha256)
PKGEXT=.pkg.tar
SRCEXT=.src.tar
PACKAGER='nobody <nobody@localhost>'
"""


@pytest.fixture(scope="module")
def debian_package() -> ModuleType:
    """tools/debian_package.py."""
    spec = importlib.util.spec_from_file_location(
        "debian_package", SOURCE / "tools/debian_package.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def changelog() -> str:
    return (DEBIAN / "changelog").read_text()


def pkgbuild(name: str) -> list[str]:
    """An array of the PKGBUILD, as bash reads it."""
    script = f'. "$1"; printf "%s\\n" "${{{name}[@]}}"'
    return subprocess.run(["bash", "-c", script, "bash", str(ARCH / "PKGBUILD")], check=True,
                          text=True, stdout=subprocess.PIPE).stdout.splitlines()


# Versions.


def test_one_version() -> None:
    """meson.build has it; all other places agree."""
    assert re.match(rf"rofs \({re.escape(version())}-1\) unstable; ", changelog())
    news = re.search(r"^## (\S+)", (SOURCE / "NEWS.md").read_text(), re.M)
    assert news and news.group(1) == version()
    assert pkgbuild("pkgver") == [version()]


def first_version(text: str) -> str:
    found = re.match(r"rofs \((.*?)\)", text)
    assert found
    return found.group(1)


def test_versions_of_suites_and_snapshots_ascend(debian_package: ModuleType) -> None:
    """An upgrade of the system to the next suite, or from a snapshot, upgrades the package."""
    suffix = "~git20260102.0123456789ab"
    suites = ("bullseye", "bookworm", "trixie", "sid")
    made = [first_version(debian_package.changelog_for(changelog(), version(), suite, what, time))
            for what, time in ((suffix, 1767312000), ("", 0)) for suite in suites]
    assert made[0] == f"{version()}{suffix}-1~deb11"
    assert made[-1] == first_version(changelog())
    for older, newer in zip(made, made[1:]):
        assert subprocess.run(["dpkg", "--compare-versions", older, "lt", newer],
                              check=False).returncode == 0


def test_entry_of_a_build_is_read_by_dpkg(debian_package: ModuleType, tmp_path: Path) -> None:
    need_programs("dpkg-parsechangelog")
    path = tmp_path / "changelog"
    path.write_text(debian_package.changelog_for(changelog(), version(), "bookworm", "~git1.a",
                                                 1767312000))
    done = subprocess.run(["dpkg-parsechangelog", "-l", str(path)], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.stderr == ""
    assert f"Version: {version()}~git1.a-1~deb12\n" in done.stdout
    assert "Timestamp: 1767312000\n" in done.stdout


def test_changelog_of_another_version_is_refused(debian_package: ModuleType) -> None:
    with pytest.raises(debian_package.StepFailed, match="is about .* meson.build 9.9"):
        debian_package.changelog_for(changelog(), "9.9", "sid", "", 0)


def test_tarball_depends_on_content_and_time_alone(
    debian_package: ModuleType, tmp_path: Path
) -> None:
    made = []
    for name, mode, time in (("one", 0o600, 1), ("two", 0o664, 10**9)):
        tree = tmp_path / name
        tree.mkdir()
        for file in sorted(("b", "a"), reverse=name == "two"):
            (tree / file).write_text(file)
            (tree / file).chmod(mode)
            os.utime(tree / file, (time, time))
        debian_package.make_tarball(tree, "top", 1767312000, tmp_path / f"{name}.tar.xz")
        made.append((tmp_path / f"{name}.tar.xz").read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("arguments", [("--suite", "potato"), ("--suite",), ("--frob",)])
def test_mistake_on_the_command_line_of_the_tool(arguments: tuple[str, ...]) -> None:
    done = subprocess.run([str(SOURCE / "tools/package"), *arguments], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("package: ")


# Installation without a package.


@pytest.mark.root
@pytest.mark.plain
def test_uninstall_leaves_nothing(in_namespace: Namespace, tmp_path: Path) -> None:
    work, build = tmp_path / "system", build_directory()
    work.mkdir()
    # What is in the upper layer and not on this machine, without what Meson writes for itself.
    new = (f"(cd upper && find . -mindepth 1 -path .{build} -prune -o"
           " -printf '%P %y\\n' |"
           " while read -r path type; do"
           " [ $type != c ] && [ -e /$path ] || echo $path $type; done)")
    done = in_namespace(f"""{SYSTEM}
        chroot root meson install -C {build} --no-rebuild >log
        {new} | wc -l
        chroot root ninja -C {build} uninstall >>log
        {new}
        """, work)
    assert done.returncode == 0, done.stdout + done.stderr
    count, *left = done.stdout.splitlines()
    assert int(count) > 30
    assert left == []


# The tarball, and Arch's package of it.


@pytest.fixture(scope="module")
def as_nobody() -> Iterator[Path]:
    """A directory of an ordinary user: makepkg refuses to run as root."""
    with tempfile.TemporaryDirectory(prefix="rofs-makepkg-") as name:
        path = Path(name)
        path.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        yield path


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `meson dist` makes of the last commit.

    Of a clone: it refreshes git's index, and other tests use the checkout and the build directory.
    """
    need_programs("git")
    if not (SOURCE / ".git").exists():
        pytest.skip("meson dist needs a git checkout")
    clone = tmp_path_factory.mktemp("tarball") / "clone"
    for argv in (["git", "clone", "--quiet", "--shared", str(SOURCE), str(clone)],
                 ["meson", "setup", str(clone / "build"), str(clone), "-Dman=disabled"],
                 ["meson", "dist", "-C", str(clone / "build"), "--no-tests"]):
        done = subprocess.run(argv, check=False, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
    return clone / f"build/meson-dist/rofs-{version()}.tar.xz"


def write_pc_of_arch(name: str, directory: Path) -> None:
    """The pkg-config file of systemd or udev; up to Debian 12, it says /lib for /usr/lib."""
    found = subprocess.run(["pkg-config", "--variable=pcfiledir", name], check=False, text=True,
                           stdout=subprocess.PIPE).stdout.strip()
    if found:
        text = (Path(found) / f"{name}.pc").read_text()
        text = re.sub(r"^(root_?prefix)=.*", r"\1=/usr", text, flags=re.M)
        (directory / f"{name}.pc").write_text(text.replace("=/lib/", "=/usr/lib/"))


@pytest.fixture(scope="module")
def arch_package(tarball: Path, as_nobody: Path) -> Path:
    """The package that makepkg compiles from this tarball; its check() runs the tests."""
    need_programs("makepkg", "pacman", "bsdtar", "fakeroot")
    for path in (*ARCH.iterdir(), tarball):
        shutil.copy(path, as_nobody)
    for name in ("systemd", "udev"):
        write_pc_of_arch(name, as_nobody)
    (as_nobody / "makepkg.conf").write_text(MAKEPKG_CONF)
    argv = ["makepkg", "--config", "makepkg.conf", "--nodeps", "--noconfirm"]
    if os.geteuid() == 0:
        argv = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", *argv]
    done = subprocess.run(argv, cwd=as_nobody, check=False, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "HOME": str(as_nobody), "LC_ALL": "C.UTF-8",
                               "PKG_CONFIG_PATH": str(as_nobody)})
    assert done.returncode == 0, done.stdout[-5000:]
    assert re.search(r"^Fail:\s+0\s*$", done.stdout, re.M)
    package, = as_nobody.glob("*.pkg.tar")
    return package


def tar_names(path: Path) -> set[str]:
    """What is in it, without directories."""
    with tarfile.open(path) as tar:
        return {member.name for member in tar.getmembers() if not member.isdir()}


@pytest.mark.plain
def test_tarball_has_all_that_is_committed(tarball: Path) -> None:
    committed = subprocess.run(["git", "-C", str(SOURCE), "ls-tree", "-r", "--name-only", "-z",
                                "HEAD"], check=True, stdout=subprocess.PIPE).stdout
    names = {name.split("/", 1)[1] for name in tar_names(tarball)}
    assert {os.fsdecode(name) for name in committed.split(b"\0") if name} == names


def check_files_of_arch(arch_package: Path, installed: Path) -> None:
    files = {re.sub("^lib/", "usr/lib/", str(path.relative_to(installed)))
             for path in installed.rglob("*") if not path.is_dir()}
    packaged = {name for name in tar_names(arch_package) if not name.startswith(".")}
    assert files <= packaged
    beside = r"usr/share/(doc/rofs/(guides/)?[A-Za-z-]+\.md|licenses/rofs/COPYING|libalpm/)"
    assert [name for name in packaged - files if not re.match(beside, name)] == []


def check_metadata_of_arch(arch_package: Path) -> None:
    with tarfile.open(arch_package) as tar:
        described = tar.extractfile(".PKGINFO")
        assert described
        info = described.read().decode()
        directory = tar.getmember("rofs")
    assert f"pkgver = {version()}-1\n" in info
    assert "backup = etc/rofs.conf\n" in info
    assert ".INSTALL" in tar_names(arch_package)
    assert (directory.mode, directory.uid, directory.gid) == (0o700, 0, 0)


def test_both_packages_need_the_same() -> None:
    """The libraries of the programs, and what compiles them, under the names of Debian."""
    control = (DEBIAN / "control").read_text()
    names = pkgbuild("depends") + pkgbuild("makedepends")
    needed = {DEBIAN_NAMES.get(name, name) for name in names}
    optional = {text.split(":")[0] for text in pkgbuild("optdepends")}
    assert needed - {"libc6-dev"} <= set(listed_in(control, ["Build-Depends"]))
    assert optional == set(listed_in(control, ["Suggests"]))


@pytest.mark.root
@pytest.mark.plain
def test_pacman_installs_upgrades_and_removes_the_package(
    arch_package: Path, installed: Path, in_namespace: Namespace, tmp_path: Path
) -> None:
    """And does neither on a protected machine, where it changes nothing.

    All of the package in one test: it is compiled for it, and pytest-xdist gives each worker some.
    """
    check_files_of_arch(arch_package, installed)
    check_metadata_of_arch(arch_package)
    work = tmp_path / "system"
    work.mkdir()
    done = in_namespace(f"""{SYSTEM}
        cp {arch_package} root/run/rofs.pkg.tar
        cat >root/run/script <<'END'
        pacman() {{ command pacman --noconfirm --nodeps --nodeps "$@" 2>&1 || echo failed; }}
        state() {{ echo "== $1"; command pacman -Q rofs 2>&1; ls -d /rofs /usr/bin/rofs 2>&1; }}
        rm -rf /etc/rofs.conf; rmdir /rofs 2>/dev/null
        pacman -U /run/rofs.pkg.tar
        state installed; stat -c %a /rofs
        echo '# edited' >>/etc/rofs.conf
        pacman -U /run/rofs.pkg.tar
        state upgraded; tail -n 1 /etc/rofs.conf
        mount -t tmpfs x /rofs; mkdir /rofs/ro; mount --bind / /rofs/ro
        pacman -U /run/rofs.pkg.tar
        state upgrade; pacman -R rofs
        state removal; umount /rofs/ro /rofs
        pacman -R rofs
        state removed; ls /etc/rofs.conf*
END
        exec chroot root sh /run/script
        """, work)
    assert done.returncode == 0, done.stdout + done.stderr
    parts = re.split(r"^== ", done.stdout, flags=re.M)
    there = f"rofs {version()}-1\n/rofs\n/usr/bin/rofs\n"
    assert parts[1].startswith(f"installed\n{there}700\n")
    assert parts[2].startswith(f"upgraded\n{there}# edited\n")
    for before, after in ((parts[2], parts[3]), (parts[3], parts[4])):
        assert "rofs chroot pacman" in before
        assert before.endswith("failed\n")
        assert there in after
    assert "no longer mounted from the next boot on" in parts[4]
    assert "package 'rofs' was not found" in parts[5]
    assert not {"/rofs", "/usr/bin/rofs"} & set(parts[5].splitlines())
    assert parts[5].endswith("/etc/rofs.conf.pacsave\n")
