"""The Debian package: what it contains, and what its scripts do on a machine, protected or not."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from chroot_system import Chroot
from packaged import SYSTEM, field, files_of, install, listed_in
from support import Namespace, build_directory, need_programs
from vm.deb import ARCH, DEBIAN, SHLIBS, STEPS, make_deb, version
from vm.image import SUITES, build_packages

pytestmark = pytest.mark.plain
root = pytest.mark.root

# The shipped scripts see a machine whose changes are in RAM, and, by default, whose /usr is not.
PROTECT = "mount -t tmpfs rofs /rofs; mkdir /rofs/ro; mount --bind / /rofs/ro\n"
READ_ONLY_USR = "mount --bind /usr /usr; mount -o remount,ro,bind /usr\n"
UNPROTECT = "umount /rofs/ro /rofs\n"
DECLARE = "printf '[Overlay /var]\\n[Persist /srv/a b]\\nPartition=data\\n' >>/etc/rofs.conf\n"
STATE = "dpkg-query -W -f '${Version} ${db:Status-Status}\\n' rofs\n"

# The type of the fixture `machine`.
Machine = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="module")
def debs(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The package, and a newer one."""
    need_programs("dh_installdeb", "dpkg-shlibdeps")
    work = tmp_path_factory.mktemp("debs")
    return {name: make_deb(installed, work / name, f"{version()}-{revision}", (SHLIBS, *STEPS))
            for name, revision in (("old", 1), ("new", 2))}


@pytest.fixture
def machine(in_namespace: Namespace, debs: dict[str, Path], tmp_path: Path) -> Machine:
    """Runs a shell script in this machine, with rofs installed in it.

    In the script, `upgrade` installs the newer package, and `dpkg` does not run triggers. `after`
    runs outside, beside the layers.
    """
    def run(script: str, after: str = "") -> subprocess.CompletedProcess:
        old, new = (shlex.quote(str(debs[name])) for name in ("old", "new"))
        inside = f"""set -eu
            export DEBIAN_FRONTEND=noninteractive
            rm -rf /etc/rofs.conf /etc/rofs.conf.d; rmdir /rofs 2>/dev/null || true
            dpkg() {{ command dpkg --no-triggers "$@" >/dev/null; }}
            upgrade() {{ dpkg -i /run/new.deb; }}
            dpkg -i /run/old.deb
            {script}
            """
        (tmp_path / "system").mkdir()
        return in_namespace(
            f"{SYSTEM}\ncp {old} root/run/old.deb; cp {new} root/run/new.deb\n"
            f"chroot root /bin/sh -c {shlex.quote(inside)}\n{after}", tmp_path / "system")

    return run


def succeeded(done: subprocess.CompletedProcess) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# What it contains.


def test_package_has_all_that_is_installed(debs: dict[str, Path], installed: Path) -> None:
    files = {str(path.relative_to(installed.parent / "tree")) for path in installed.rglob("*")
             if not path.is_dir()}
    packaged = {name.lstrip("/") for name in files_of(debs["old"]) if not name.endswith("/")}
    assert files <= packaged
    more = packaged - files
    assert [name for name in more if not re.match(
        r"usr/share/(doc/rofs/|lintian/overrides/rofs$)", name)] == []
    assert "usr/share/doc/rofs/copyright" in more
    assert "usr/share/doc/rofs/changelog.gz" in more | {f"{name}.gz" for name in more}


def test_installation_leaves_no_log_in_the_build_directory(tmp_path: Path) -> None:
    log = build_directory() / "meson-logs/install-log.txt"
    before = log.stat().st_mtime_ns if log.exists() else None
    assert (install(tmp_path / "tree") / "etc/rofs.conf").exists()
    assert (log.stat().st_mtime_ns if log.exists() else None) == before


def test_new_directory_in_root_is_the_mount_point_alone(debs: dict[str, Path]) -> None:
    top = {name.split("/")[1] for name in files_of(debs["old"])}
    assert top - {"lib"} == {"etc", "rofs", "usr"}
    listed = subprocess.run(["dpkg-deb", "-c", str(debs["old"])], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    assert re.search(r"^drwx------ root/root .* \./rofs/$", listed, re.M)
    assert [line for line in listed.splitlines() if " root/root " not in line] == []


def test_only_the_configuration_is_a_conffile(debs: dict[str, Path]) -> None:
    conffiles = subprocess.run(["dpkg-deb", "-I", str(debs["old"]), "conffiles"], check=True,
                               text=True, stdout=subprocess.PIPE).stdout
    assert conffiles.split() == ["/etc/rofs.conf"]
    assert [name for name in files_of(debs["old"])
            if name.startswith("/etc/") and not name.endswith("/")] == ["/etc/rofs.conf"]


def test_fields_of_the_package(debs: dict[str, Path]) -> None:
    assert field(debs["old"], "Version") == f"{version()}-1"
    assert field(debs["old"], "Multi-Arch") == "foreign"
    depends = field(debs["old"], "Depends")
    for name in ("libc6", "libmount1", "libsmartcols1", "libsystemd0", "systemd (>= 247)"):
        assert name in depends


def test_scripts_start_and_enable_nothing(debs: dict[str, Path], tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "-e", str(debs["old"]), str(tmp_path / "control")], check=True)
    scripts = {path.name: path.read_text() for path in (tmp_path / "control").iterdir()}
    assert {"preinst", "prerm", "postrm"} <= set(scripts)
    assert [name for name, text in scripts.items() if "systemctl" in text or "deb-systemd" in text
            or "udevadm" in text] == []


def test_chroot_for_building_has_what_compiles_in_the_images() -> None:
    """packaging/debian/control, and what the virtual machines are compiled with."""
    needed = set(listed_in((DEBIAN / "control").read_text(), ["Build-Depends"]))
    for suite in SUITES:
        missing = set(build_packages(suite)) - needed - {"gcc", "libc6-dev", "ninja-build"}
        assert missing == set()


# On an ordinary machine.


@root
def test_installation_changes_nothing_until_something_is_declared(machine: Machine) -> None:
    """Nor does running its programs, as the test of the package itself does."""
    done = machine(f"""
        stat -c '%a %U' /rofs
        ls -A /rofs
        export AUTOPKGTEST_TMP=/run/tmp
        sh {DEBIAN}/tests/plan >&2
        """, "find upper -type f -printf '/%P\n'")
    mode, *changed = succeeded(done).splitlines()
    assert mode == "700 root", done.stderr
    ours = re.compile(r"/etc/rofs\.conf$|/var/(lib/dpkg|log)/|/usr/lib/rofs/|/usr/(s|)bin/rofs$"
                      r"|(/usr)?/lib/(systemd|udev)/.*rofs|/usr/share/.*\b_?rofs")
    assert [path for path in changed if not ours.search(path)] == []
    assert any("systemd/system/rofs" in path for path in changed)


@root
def test_upgrade_keeps_an_edited_configuration(machine: Machine) -> None:
    done = machine(DECLARE + "upgrade\n" + STATE + "tail -n 1 /etc/rofs.conf\n")
    assert succeeded(done) == f"{version()}-2 installed\nPartition=data\n"
    assert "rofs:" not in done.stderr


@root
def test_removal_says_what_is_no_longer_mounted(machine: Machine) -> None:
    done = machine(DECLARE + "dpkg -r rofs\nls -d /etc/rofs.conf /rofs || true\n"
                             "find /usr /lib/ -name '*rofs*' -not -path '*/src/*' "
                             "-not -path '/usr/share/doc/*' || true\n")
    assert succeeded(done).startswith("/etc/rofs.conf\n")
    assert "rofs-generator" not in done.stdout
    assert "    /srv/a b\n" in done.stderr
    assert "/etc/fstab" in done.stderr


@root
def test_purge_leaves_nothing(machine: Machine) -> None:
    done = machine("""
        mkdir /etc/rofs.conf.d
        systemctl --root=/ enable rofs-metrics.timer 2>/dev/null
        link=/etc/systemd/system/timers.target.wants/rofs-metrics.timer
        test -L $link
        dpkg -P rofs
        ls -d /etc/rofs.conf /etc/rofs.conf.d /rofs $link 2>&1 || true
        dpkg-query -W rofs 2>&1 || true
        """)
    assert succeeded(done).count("No such file") == 4
    assert "no packages found" in done.stdout


@root
def test_purge_keeps_what_transactions_and_administrators_left(machine: Machine) -> None:
    done = machine("""
        mkdir /etc/rofs.conf.d /rofs/kept.1; touch /etc/rofs.conf.d/x.conf /rofs/kept.1/0
        dpkg -P rofs
        ls -d /etc/rofs.conf.d/x.conf /rofs/kept.1/0
        """)
    assert len(succeeded(done).splitlines()) == 2
    assert "/etc/rofs.conf.d is not empty" in done.stderr
    assert "rm -r /rofs" in done.stderr


# fstab that is left without rofs: whether the package can be removed.
FSTABS = {
    "defaults": ("/dev/sda1 / ext4 defaults 0 1\n", True),
    "read-only": ("/dev/sda1 / ext4 ro,noatime 0 1\n", False),
    "read-only among others": (
        "# /dev/sdb1 / ext4 rw 0 0\n\nUUID=x  /\text4\terrors=remount-ro,ro\n", False),
    "the last one counts": ("/dev/sda1 / ext4 ro,rw 0 1\n", True),
    "the first line counts": ("/dev/sda1 / ext4 rw\n/dev/sda1 / ext4 ro\n", True),
    "another path": ("/dev/sda1 / ext4 errors=remount-ro\n/dev/sda2 /usr ext4 ro\n", True),
    "no line": ("", True),
}


@root
def test_removal_where_the_next_boot_would_be_read_only(machine: Machine) -> None:
    steps = "".join(f"printf '%s' {shlex.quote(text)} >/etc/fstab\n"
                    "dpkg -r rofs && echo removed && dpkg -i /run/old.deb || echo kept\n"
                    for text, _ in FSTABS.values())
    done = machine(DECLARE + steps + STATE)
    *answers, state = succeeded(done).splitlines()
    assert dict(zip(FSTABS, answers)) == {
        name: "removed" if removable else "kept" for name, (_, removable) in FSTABS.items()}
    assert state == f"{version()}-1 installed"
    assert done.stderr.count('Replace "ro" by "rw"') == answers.count("kept")


@root
def test_removal_of_what_declares_nothing_does_not_look_at_fstab(machine: Machine) -> None:
    done = machine("echo '/dev/sda1 / ext4 ro' >/etc/fstab\ndpkg -r rofs\n")
    succeeded(done)
    assert "rofs:" not in done.stderr


@root
def test_removal_waits_for_an_interrupted_transaction(machine: Machine) -> None:
    done = machine("for name in commit pending.3; do mkdir /rofs/$name; dpkg -r rofs || "
                   f"{STATE.strip()}; rmdir /rofs/$name; done\ndpkg -r rofs\n")
    assert succeeded(done) == 2 * f"{version()}-1 installed\n"
    assert done.stderr.count("a transaction was interrupted") == 2


# On a protected machine.


@root
def test_upgrade_of_a_protected_machine_is_refused_before_it_fails(machine: Machine) -> None:
    """dpkg could not unpack anything; its state is as before."""
    done = machine(f"{PROTECT}{READ_ONLY_USR}upgrade || {STATE}")
    assert succeeded(done) == f"{version()}-1 installed\n"
    assert "rofs chroot apt-get upgrade" in done.stderr
    assert "Read-only file system" not in done.stderr


@root
def test_upgrade_in_ram_is_done_with_a_warning(machine: Machine) -> None:
    """An automatic upgrade of many packages must not stop half-way because of this one."""
    done = machine(f"{PROTECT}upgrade\n{STATE}")
    assert succeeded(done) == f"{version()}-2 installed\n"
    assert "this upgrade is lost at the next boot" in done.stderr
    assert "rofs chroot apt-get upgrade" in done.stderr


@root
def test_removal_on_a_protected_machine_is_refused(machine: Machine) -> None:
    """Whether /usr is writable or not, and nothing is removed before."""
    refused = f"for option in -r -P; do dpkg $option rofs || {STATE.strip()}; done\n"
    done = machine(f"{DECLARE}{PROTECT}{refused}{READ_ONLY_USR}{refused}"
                   "test -e /etc/rofs.conf; rofs --version >/dev/null\n")
    assert succeeded(done) == 4 * f"{version()}-1 installed\n"
    assert done.stderr.count("rofs chroot apt-get remove rofs") == 4


@root
def test_what_was_refused_works_afterwards(machine: Machine) -> None:
    done = machine(f"{PROTECT}dpkg -P rofs || true\n{UNPROTECT}upgrade\n{STATE}"
                   "dpkg -P rofs\ndpkg-query -W rofs 2>/dev/null || true\n")
    assert succeeded(done) == f"{version()}-2 installed\n"


@root
def test_purge_below_a_hidden_directory(machine: Machine) -> None:
    """As in `rofs chroot`, which covers /rofs."""
    done = machine("mount -t tmpfs -o ro hidden /rofs\ndpkg -P rofs\n")
    succeeded(done)
    assert "/rofs on flash was left" in done.stderr


@root
def test_rofs_chroot_does_not_look_protected(chroot: Chroot) -> None:
    """What the scripts look for is in the running system, and not in a transaction."""
    test = "mountpoint -q /rofs/ro"
    for path in (DEBIAN / "preinst", DEBIAN / "prerm", ARCH / "rofs-refuse"):
        assert f"if {test}" in path.read_text()
    done = chroot(f"{test}; echo $?; rofs chroot cat /proc/self/mountinfo")
    running, *inside = succeeded(done).splitlines()
    points = [line.split()[4] for line in inside]
    assert running == "0"
    assert "/rofs" in points and "/rofs/ro" not in points
