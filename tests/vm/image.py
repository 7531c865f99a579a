"""Debian root images for the virtual machines, cached outside the checkout.

Three things are kept in the cache, each under a name that says what it was made from:

    base-SUITE-KEY/     root.img, vmlinuz, initrd*.img, meta.json: a Debian without rofs, with an
                        initramfs that does not write to the root, and others
    build-SUITE-KEY/    a tree with the compiler of that suite, unless the host is one itself
    rofs-SUITE-HASH/    what `meson install` of one state of the source put into DESTDIR

A test's own image is a sparse copy of root.img into which files are written with debugfs: that
takes a second and no privileges. Making what is cached needs root.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Sequence, Tuple

from .disk import MIB, MKE2FS_CONF, Entry, File, Link, fsck, mke2fs, put, rdump
from .progress import Progress, StepFailed

SUITES = ("bullseye", "bookworm", "trixie", "sid")
DEFAULT_SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Part of the cache's keys: raise it when what is done to the tree changes, not only its packages.
RECIPE = 3
PART_RECIPE = 1
PART_SPARE_BYTES = 64 * MIB
PRUNE_SECONDS = 24 * 3600
# What an installed system would have free; the tests write into RAM, not here.
ROOT_SPARE_BYTES = 400 * MIB

BASE_PACKAGES = (
    "acl,apt,attr,bash,cron,dbus,e2fsprogs,gzip,ifupdown,init,initramfs-tools,iproute2,kmod,"
    "libpam-systemd,mount,passwd,procps,systemd-sysv,udev,util-linux"
).split(",")
# bullseye's last security update lists a kernel metapackage that mirrors no longer have.
KERNEL_PACKAGE = {"bullseye": "linux-image-cloud-amd64/bullseye"}
# Further base images, by name and suite, with packages that the others can do without.
PACKAGE_SETS: Dict[str, Dict[str, Tuple[str, ...]]] = {
    # What the first has no drivers and no tools for: the usual kernel knows USB, SD cards and
    # f2fs, which that for clouds does not.
    "more": {
        "bookworm": ("btrfs-progs", "cryptsetup", "dosfstools", "f2fs-tools",
                     "linux-image-amd64", "lvm2", "xfsprogs"),
    },
    # What runs on servers and has been reported not to, on a root that is read-only.
    "server": {
        "bookworm": ("busybox-static", "chrony", "cloud-guest-utils", "cloud-init", "docker.io",
                     "iptables", "mariadb-server", "network-manager", "nfs-kernel-server",
                     "nginx-light", "openssh-server", "podman", "postgresql", "quota",
                     "redis-server", "rsyslog"),
    },
    # For bench/boot; the script of overlayroot calls the grep of busybox.
    "overlayroot": {suite: ("busybox", "overlayroot") for suite in SUITES},
    # For bench/idle: what may write on a real machine, which is the log, the clock, and timers.
    "idle": {suite: ("logrotate", "man-db", "openssh-server", "rsyslog", "systemd-timesyncd")
             for suite in SUITES},
    # What makes dm-verity, and what sets it up at boot.
    "verity": {"sid": ("cryptsetup-bin", "systemd-cryptsetup")},
    # What Raspberry Pi OS 12 has for a card, for swap, and for a machine without a clock.
    "raspberry_pi": {
        "bookworm": ("dosfstools", "dphys-swapfile", "fake-hwclock", "systemd-timesyncd"),
    },
    # A boot loader, and a kernel that GRUB takes for older than the one that is downloaded.
    "grub": {suite: ("dosfstools", "grub-pc", "linux-image-amd64") for suite in SUITES},
}
# Packages that are not installed, in /opt: one in all images, and further ones of a set.
DOWNLOADED = ("hello",)
DOWNLOADS: Dict[str, Tuple[str, ...]] = {"more": ("systemd-zram-generator",)}
# A kernel that is not installed, as kernel.deb.
DOWNLOAD_KERNEL = """\
kernel=$(apt-cache depends linux-image-cloud-amd64 | grep -o "linux-image-[0-9].*" | head -n 1) &&
apt-get -o APT::Sandbox::User=root download "$kernel" && mv linux-image-*.deb kernel.deb"""
# On other architectures than amd64. For i386, that of processors without PAE.
KERNEL_OF_ARCHITECTURE = {"arm64": "linux-image-cloud-arm64", "i386": "linux-image-686"}
# isc-dhcp-client left Debian after trixie; ifupdown knows dhcpcd too.
DHCP_PACKAGE = {"sid": "dhcpcd-base"}
BUILD_PACKAGES = (
    "gcc,libblkid-dev,libc6-dev,libmount-dev,libsmartcols-dev,libsystemd-dev,libudev-dev,meson,"
    "ninja-build,pkg-config,scdoc"
).split(",")
BUILD_TOOLS = ("cc", "meson", "ninja", "pkg-config", "scdoc")
BUILD_LIBRARIES = ("blkid", "mount", "smartcols", "libsystemd", "libudev", "systemd")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# systemd.pc, which names the directory of the generators, moved into a package of its own.
SYSTEMD_PC_PACKAGE = {"bullseye": "systemd", "bookworm": "systemd"}

MERGE_USR = ('for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d"; ln -s "usr/$d" "$1/$d";'
             " done")

# The initrd of MODULES=most takes seconds to unpack under emulation; those in a list are all
# loaded, so the file systems are added by a hook.
INITRD_MODULES = "virtio_pci\nvirtio_blk\n"
# On a machine, the type is that of the device in fstab, which is not there when the image is made.
INITRD_CONF = "MODULES=list\nFSTYPE=ext4\n"
INITRD_HOOK = """\
#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
manual_add_modules ext4 btrfs xfs f2fs squashfs erofs
"""

# As the installer writes it, before any initramfs is made. The initramfs then runs fsck, which
# writes to the root in each boot. What rofs check says to do about it are the file and the command.
FSTAB = "LABEL=root / ext4 errors=remount-ro 0 1\n"
INSTALLED_INITRD, CURED_INITRD = "initrd-fsck.img", "initrd.img"
CURE_PATH = "/etc/initramfs-tools/conf.d/rofs"
CURE = "fastboot=y\n"
CURE_COMMAND = "update-initramfs -u -k all"


# Suites whose base image also gets initramfses made by dracut, with systemd in them: uncompressed,
# with the drivers of the machine. As installed it contains fsck too.
DRACUT_SUITES = ("trixie", "sid")
DRACUT_CONF = """\
hostonly="no"
compress="cat"
drivers=" virtio_pci virtio_blk ext4 "
omit_dracutmodules+=" hwdb lunmask nvdimm resume virtfs virtiofs "
"""
# More for a set of packages.
DRACUT_CONF_OF = {"verity": """\
add_dracutmodules+=" systemd-veritysetup "
drivers+=" dm_verity squashfs "
"""}
DRACUT_INSTALLED_INITRD, DRACUT_INITRD = "initrd-dracut-fsck.img", "initrd-dracut.img"
DRACUT_CURE_PATH = "/etc/dracut.conf.d/rofs.conf"
DRACUT_CURE = 'nofscks="yes"\n'
DRACUT_COMMAND = "dracut --regenerate-all --force"


# Units that stand for what runs on a real machine; WantedBy= links are made beside them.
STATE_UNIT = """\
[Unit]
Description=Test service with a StateDirectory=
[Service]
Type=oneshot
RemainAfterExit=yes
StateDirectory=test
ExecStart=/bin/sh -c 'echo kept >"$STATE_DIRECTORY/file"'
"""
DYNAMIC_UNIT = """\
[Unit]
Description=Test service with a dynamic user, a StateDirectory= and a private /tmp
[Service]
Type=oneshot
RemainAfterExit=yes
DynamicUser=yes
StateDirectory=test-dynamic
ExecStart=/bin/sh -c 'echo kept >"$STATE_DIRECTORY/file" && echo scratch >/tmp/file'
"""
TIMER_UNIT = """\
[Unit]
Description=Test timer
[Timer]
OnActiveSec=1s
AccuracySec=1s
Unit=test-tick.service
"""
TICK_UNIT = """\
[Unit]
Description=What the test timer starts
[Service]
Type=oneshot
ExecStart=/bin/touch /var/lib/ticked
"""

INTERFACES = """\
auto lo eth0
iface lo inet loopback
iface eth0 inet dhcp
"""

# Where the DHCP client cannot write its lease, ifup waits for five minutes. Emulated beside another
# machine, one that can took more than one.
NETWORKING = """\
[Service]
TimeoutStartSec=180
"""

UNITS = "/usr/local/lib/systemd/system"
# Test units are below /usr so that /etc is as an installation leaves it.
BASE_FILES: Dict[str, Entry] = {
    "/etc/fstab": File(FSTAB),
    CURE_PATH: File(CURE),
    "/etc/hostname": File("flash\n"),
    "/etc/hosts": File("127.0.0.1 localhost flash\n"),
    "/etc/machine-id": File(""),
    "/etc/network/interfaces": File(INTERFACES),
    "/etc/resolv.conf": File(""),
    "/home/user/notes": File("on flash\n"),
    "/var/lib/rofs-lower": File("on flash\n"),
    f"{UNITS}/networking.service.d/patience.conf": File(NETWORKING),
    f"{UNITS}/test-state.service": File(STATE_UNIT),
    f"{UNITS}/test-dynamic.service": File(DYNAMIC_UNIT),
    f"{UNITS}/test.timer": File(TIMER_UNIT),
    f"{UNITS}/test-tick.service": File(TICK_UNIT),
    **{
        f"{UNITS}/multi-user.target.wants/{unit}": Link(f"../{unit}")
        for unit in ("test-state.service", "test-dynamic.service", "test.timer")
    },
}

# What merged roots must take over. tmpfs has no user.* attributes before Linux 6.6. The mode of
# /home stays usual: systemd-tmpfiles sets it in each boot; /opt nobody touches.
ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ, ACL_MASK, ACL_OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
ACL_NO_ID = 0xFFFFFFFF
GID_STAFF = 50
UID_DAEMON = 1
OPT_MODE = 0o3750


def acl(group: int, other: int) -> Tuple[Tuple[int, int, int], ...]:
    """An ACL with an entry for the user daemon: (tag, permissions, id) per entry."""
    return ((ACL_USER_OBJ, 7, ACL_NO_ID), (ACL_USER, 1, UID_DAEMON),
            (ACL_GROUP_OBJ, group, ACL_NO_ID), (ACL_MASK, 5, ACL_NO_ID),
            (ACL_OTHER, other, ACL_NO_ID))


XATTR_NAMES = ("security.rofs-test", "trusted.rofs-test")
XATTR_VALUE = b"from the lower directory"


@dataclasses.dataclass(frozen=True)
class Base:
    """A finished base image; `merged_usr` says whether /lib is a link to /usr/lib."""

    suite: str
    image: Path
    kernel: Path
    initrd: Path
    merged_usr: bool
    architecture: str = "amd64"

    def with_initrd(self, name: str) -> Base:
        """The same system with another of its initrds: a file beside its image."""
        return dataclasses.replace(self, initrd=self.image.parent / name)


def cache_dir() -> Path:
    """Where images are kept: ROFS_CACHE, else rofs below the user's cache directory."""
    own = os.environ.get("ROFS_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rofs"


def key_of(*parts: object) -> str:
    """A short hash of anything that JSON can represent."""
    text = json.dumps(parts, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the cache's lock `name`: two processes never make the same thing at once."""
    directory = cache_dir()
    directory.mkdir(parents=True, exist_ok=True)
    fd = os.open(directory / f".lock-{name}", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def finished_directory(final: Path) -> Iterator[Path]:
    """A directory under a temporary name, renamed to `final` when the block succeeds.

    Directories of the same kind and suite (the same name up to the key) that are more than a day
    old are removed then: younger ones may be in use by another checkout.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".new-{final.name}-", dir=final.parent))
    temporary.chmod(0o755)
    try:
        yield temporary
        temporary.rename(final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    kind = final.name.rsplit("-", 1)[0]
    for other in final.parent.iterdir():
        if other == final or not other.is_dir() or other.name.rsplit("-", 1)[0] != kind:
            continue
        if time.time() - other.stat().st_mtime > PRUNE_SECONDS:
            shutil.rmtree(other, ignore_errors=True)


def need_root(what: str) -> None:
    """Raise StepFailed, naming `what`, unless the process is root."""
    if os.geteuid() != 0:
        raise StepFailed(f"{what} needs root (device nodes and file owners): run it with sudo")


def make_once(final: Path, lock: str, what: str, make: Callable[[Path], None]) -> None:
    """Have the directory `final` in the cache: `make` fills it if it is missing, as root."""
    if final.is_dir():
        return
    need_root(what)
    with locked(lock):
        if not final.is_dir():
            with finished_directory(final) as directory:
                make(directory)


def logs_dir() -> Path:
    """Where the output of the preparation's commands is kept."""
    return cache_dir() / "logs"


def mmdebstrap(
    suite: str, packages: Sequence[str], tree: Path, progress: Progress, label: str,
    hooks: Sequence[str] = (), architecture: str = "amd64", variant: str = "minbase",
) -> None:
    """Make a Debian tree of `suite` at `tree` from the default mirror.

    Raises StepFailed, with the end of its output, if that fails.
    """
    argv = ["mmdebstrap", "--mode=root", f"--variant={variant}", "--format=directory",
            f"--architectures={architecture}", f"--include={','.join(sorted(packages))}", *hooks]
    if Path(KEYRING).exists():
        argv.append(f"--keyring={KEYRING}")
    if suite == "sid":
        # Its Release file can be older than its own promise when a mirror is behind.
        argv.append('--aptopt=Acquire::Check-Valid-Until "false"')
    if suite == "bullseye":
        # As its installer did; later suites bring the merged /usr as a package.
        argv.append(f"--setup-hook={MERGE_USR}")
    # Without security updates for others: mirrors of these lag at times.
    sources = [] if architecture == "amd64" else [f"deb {MIRROR} {suite} main"]
    progress.run(label, [*argv, suite, str(tree), *sources])


def has_dracut(suite: str, packages: str = "") -> bool:
    """Whether the base image has initramfses of dracut, beside those of initramfs-tools."""
    return suite in DRACUT_SUITES and (not packages or packages in DRACUT_CONF_OF)


def dracut_conf(packages: str) -> str:
    """How dracut makes the initramfses of a base image."""
    return DRACUT_CONF + DRACUT_CONF_OF.get(packages, "")


def base_packages(suite: str, packages: str = "", architecture: str = "amd64") -> List[str]:
    """The packages of the test system in `suite`, with those of the set `packages` if any.

    A kernel among them takes the place of ours.
    """
    more = PACKAGE_SETS[packages][suite] if packages else ()
    kernel = [] if any(name.startswith("linux-image-") for name in more) else [
        KERNEL_OF_ARCHITECTURE.get(architecture)
        or KERNEL_PACKAGE.get(suite, "linux-image-cloud-amd64")]
    dracut = ["dracut-core"] if has_dracut(suite, packages) else []
    return [*BASE_PACKAGES, *kernel, *dracut, DHCP_PACKAGE.get(suite, "isc-dhcp-client"), *more]


def build_packages(suite: str) -> List[str]:
    """The packages that compile rofs in `suite`."""
    return [*BUILD_PACKAGES, SYSTEMD_PC_PACKAGE.get(suite, "systemd-dev")]


def acl_xattr(entries: Sequence[Tuple[int, int, int]]) -> bytes:
    """The kernel's form of an ACL: version 2, then (tag, permissions, id) per entry."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def customize(tree: Path) -> None:
    """Turn a fresh Debian tree into the tests' system, before it becomes an image."""
    for path, entry in BASE_FILES.items():
        put(tree, path, entry)
    (tree / "rofs").mkdir(mode=0o700)
    (tree / "var/local/data").mkdir(parents=True, exist_ok=True)
    (tree / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    shutil.rmtree(tree / "var/log/journal", ignore_errors=True)
    (tree / "var/log/journal").mkdir()
    for name, group, other in (("home", 7, 5), ("opt", 5, 0)):
        directory = tree / name
        os.chown(directory, 0, GID_STAFF)
        os.setxattr(directory, "system.posix_acl_access", acl_xattr(acl(group, other)))
    (tree / "opt").chmod(OPT_MODE)
    os.setxattr(tree / "opt", "system.posix_acl_default", acl_xattr(acl(5, 0)))
    for name in ("home", "opt", "var", "etc"):
        for attribute in XATTR_NAMES:
            os.setxattr(tree / name, attribute, XATTR_VALUE)


def small_package(directory: Path) -> Path:
    """A package that lives in /etc and /var alone, for an installation without /usr."""
    tree = directory / "small"
    put(tree, "/DEBIAN/control", File(
        "Package: rofs-small\nVersion: 1\nArchitecture: all\n"
        "Maintainer: nobody <nobody@localhost>\n"
        "Description: test package below /etc and /var\n"
    ))
    put(tree, "/DEBIAN/conffiles", File("/etc/rofs-small.conf\n"))
    put(tree, "/DEBIAN/postinst", File("#!/bin/sh\ntouch /var/lib/rofs-small/configured\n", 0o755))
    put(tree, "/etc/rofs-small.conf", File("small\n"))
    put(tree, "/var/lib/rofs-small/data", File("small\n"))
    package = directory / "small.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", str(tree), str(package)], check=True,
                   stdout=subprocess.DEVNULL)
    return package


def tree_bytes(tree: Path) -> int:
    """How many bytes the files of a tree take in blocks of 4 KiB, each inode counted once."""
    seen = set()
    total = 0
    for directory, names, files in os.walk(tree):
        for name in [*names, *files]:
            status = os.lstat(os.path.join(directory, name))
            if status.st_ino not in seen:
                seen.add(status.st_ino)
                total += -(-status.st_size // 4096) * 4096
    return total


def base_path(suite: str, packages: str = "", architecture: str = "amd64") -> Path:
    """Where the base image of a suite, with a set of packages, is kept."""
    key = key_of(RECIPE, suite, base_packages(suite, packages, architecture), BASE_FILES,
                 INITRD_MODULES, INITRD_HOOK, INITRD_CONF, CURE_COMMAND, dracut_conf(packages),
                 DRACUT_CURE, DRACUT_COMMAND, MKE2FS_CONF, ROOT_SPARE_BYTES,
                 *DOWNLOADS.get(packages, ()))
    kind = f"base_{packages}" if packages else "base"
    return cache_dir() / f"{kind}-{suite if architecture == 'amd64' else architecture}-{key}"


def base(
    suite: str, progress: Progress, packages: str = "", architecture: str = "amd64"
) -> Base:
    """The base image of `suite` with a set of packages, made if it is not in the cache.

    The host must be able to run programs of the architecture. Raises StepFailed if it has to be
    made and cannot be.
    """
    final = base_path(suite, packages, architecture)
    lock = f"base-{suite}" if architecture == "amd64" else f"base-{architecture}"
    make_once(final, lock, f"making the {suite} image",
              lambda directory: make_base(suite, directory, progress, packages, architecture))
    meta = json.loads((final / "meta.json").read_text())
    return Base(suite, final / "root.img", final / "vmlinuz", final / CURED_INITRD,
                meta["merged_usr"], architecture)


def initrd_hooks(work: Path, directory: Path, conf: str) -> List[str]:
    """Hooks that put the initrds into `directory`: as installed, cured, the same by dracut.

    `conf`: of dracut; empty: without it.
    """
    def hooks(command: str, cure: str, cure_path: str, installed: str, cured: str) -> List[str]:
        keep = 'cp "$1"/boot/initrd.img-*'
        return [f"{keep} {directory}/{installed}", f'cp {work}/{cure} "$1"{cure_path}',
                f'chroot "$1" {command}', f"{keep} {directory}/{cured}"]

    put(work, "/cure", File(CURE))
    lines = hooks(CURE_COMMAND, "cure", CURE_PATH, INSTALLED_INITRD, CURED_INITRD)
    if conf:
        put(work, "/dracut.conf", File(conf))
        put(work, "/dracut-cure", File(DRACUT_CURE))
        lines += [f'cp {work}/dracut.conf "$1"/etc/dracut.conf.d/rofs-test.conf',
                  f'chroot "$1" {DRACUT_COMMAND}',
                  *hooks(DRACUT_COMMAND, "dracut-cure", DRACUT_CURE_PATH, DRACUT_INSTALLED_INITRD,
                         DRACUT_INITRD),
                  f'cp {directory}/{CURED_INITRD} "$1"/boot/initrd.img-*']
    return [f"--customize-hook={line}" for line in lines]


def downloads(packages: str) -> List[str]:
    """Shell commands that download packages into the current directory, as NAME.deb."""
    commands = [f"apt-get -o APT::Sandbox::User=root download {name} && mv {name}_*.deb {name}.deb"
                for name in (*DOWNLOADED, *DOWNLOADS.get(packages, ()))]
    return [*commands, DOWNLOAD_KERNEL] if packages == "grub" else commands


def make_base(
    suite: str, directory: Path, progress: Progress, packages: str = "",
    architecture: str = "amd64",
) -> None:
    """Fill `directory` with a base image, its kernel, its initrd and meta.json."""
    with tempfile.TemporaryDirectory(prefix="work-", dir=directory) as work_name:
        work = Path(work_name)
        early = work / "early"
        put(early, "/etc/initramfs-tools/conf.d/rofs-test", File(INITRD_CONF))
        put(early, "/usr/share/initramfs-tools/modules.d/rofs-test",
            File(INITRD_MODULES))
        put(early, "/etc/initramfs-tools/hooks/rofs-test", File(INITRD_HOOK, 0o755))
        put(early, "/etc/fstab", File(FSTAB))
        tree = work / "tree"
        download = " && ".join(["cd /opt", *downloads(packages)])
        label = f"Debian {suite}: {f'packages for {packages}' if packages else 'packages'}"
        label += "" if architecture == "amd64" else f" of {architecture}"
        mmdebstrap(suite, base_packages(suite, packages, architecture), tree, progress, label, (
            f"--essential-hook=cp -R {early}/. \"$1\"/",
            f"--customize-hook=chroot \"$1\" sh -ec '{download}'",
            *initrd_hooks(work, directory,
                          dracut_conf(packages) if has_dracut(suite, packages) else ""),
        ), architecture)
        with progress.step(f"Debian {suite}: file system image"):
            shutil.copy(small_package(work), tree / "opt/small.deb")
            customize(tree)
            shutil.copy(sorted((tree / "boot").glob("vmlinuz-*"))[-1], directory / "vmlinuz")
            for made in (directory / "vmlinuz", *directory.glob("initrd*.img")):
                made.chmod(0o644)
            meta = {"merged_usr": (tree / "lib").is_symlink()}
            (directory / "meta.json").write_text(json.dumps(meta))
            image = directory / "root.img"
            mke2fs(image, tree_bytes(tree) + ROOT_SPARE_BYTES, "root", tree)
            status, output = fsck(image)
            if status != 0:
                raise StepFailed(f"the new {suite} image is not clean:\n{output}")


def part_path(suite: str, name: str) -> Path:
    """Where the file system made of one directory of the base image is kept."""
    return cache_dir() / f"part_{name}-{suite}-{key_of(PART_RECIPE, base_path(suite).name)}"


def part(suite: str, name: str, progress: Progress) -> Path:
    """An ext4 image of the base's directory /`name`, as if it had a partition of its own.

    Raises StepFailed if it has to be made and cannot be.
    """
    final = part_path(suite, name)
    make_once(final, f"part-{suite}", f"making the image of /{name} of {suite}",
              lambda directory: make_part(base(suite, progress), name, directory, progress))
    return final / "part.img"


def make_part(of: Base, name: str, directory: Path, progress: Progress) -> None:
    """Copy /`name` out of a base image, owners and all, into a file system."""
    with progress.step(f"Debian {of.suite}: /{name} as a file system"), \
            tempfile.TemporaryDirectory(prefix="work-", dir=directory) as work:
        rdump(of.image, f"/{name}", Path(work))
        tree = Path(work) / name
        mke2fs(directory / "part.img", tree_bytes(tree) + PART_SPARE_BYTES, name, tree)


def source_files(source: Path) -> List[Path]:
    """The files of the source, relative to it, without hidden and build directories.

    git is not asked: as root it refuses to look into another user's checkout.
    """
    found = []
    for directory, names, files in os.walk(source):
        here = Path(directory).relative_to(source)
        hidden = [n for n in names if n.startswith(".") or n == "__pycache__"]
        built = [n for n in names if n.startswith("build") or n == "dist"] if here == Path() else []
        names[:] = [n for n in names if n not in hidden and n not in built]
        found += [here / name for name in files if name != ".git"]  # of a further worktree
    return sorted(found)


def is_compiled(name: Path) -> bool:
    """Whether a change of the source file can change what `meson install` installs."""
    if name.parts[0] in ("tests", "tools", "docs", "bench", "packaging", ".ci"):
        return False
    return name.suffix not in (".py", ".md")


def source_hash(source: Path, names: Sequence[Path]) -> str:
    """A hash over name, mode and content of what is compiled."""
    total = hashlib.sha256()
    for name in names:
        if not is_compiled(name):
            continue
        path = source / name
        content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
        total.update(os.fsencode(str(name)) + b"\0" + b"%o\0" % (path.lstat().st_mode,))
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()[:16]


def build_tree(suite: str, progress: Progress) -> Path:
    """The tree with the compiler of `suite`, made if it is not in the cache; needs root then."""
    final = cache_dir() / f"build-{suite}-{key_of(RECIPE, suite, build_packages(suite))}"
    make_once(final, f"build-{suite}", f"making the build tree of {suite}",
              lambda directory: mmdebstrap(suite, build_packages(suite), directory / "tree",
                                           progress, f"Debian {suite}: compiler"))
    return final / "tree"


def host_compiles_for(suite: str) -> bool:
    """Whether the host is a Debian of this suite that has all that compiles rofs."""
    release = Path("/etc/os-release")
    lines = release.read_text().splitlines() if release.exists() else []
    return ({"ID=debian", f"VERSION_CODENAME={suite}"} <= set(lines)
            and all(shutil.which(tool, path=PATH) for tool in BUILD_TOOLS)
            and subprocess.run(["pkg-config", "--exists", *BUILD_LIBRARIES],
                               check=False).returncode == 0)


def installed_path(suite: str, source: Path, names: Sequence[Path]) -> Path:
    """Where the compiled source is kept."""
    return cache_dir() / f"rofs-{suite}-{source_hash(source, names)}"


def installed(suite: str, source: Path, progress: Progress) -> Path:
    """What `meson install` puts into DESTDIR when the source is compiled in `suite`.

    Compiled only if the source changed. Raises StepFailed with the compiler's output.
    """
    names = source_files(source)
    if Path("meson.build") not in names:
        raise StepFailed(f"{source} has no meson.build")
    final = installed_path(suite, source, names)
    if final.is_dir():
        return final / "tree"
    need_root(f"compiling for {suite}")
    tree = Path("/") if host_compiles_for(suite) else build_tree(suite, progress)
    with locked(f"build-{suite}"):
        if not final.is_dir():
            with finished_directory(final) as directory:
                compile_in(tree, suite, source, names, directory / "tree", progress)
    return final / "tree"


def compile_in(
    tree: Path, suite: str, source: Path, names: Sequence[Path], destination: Path,
    progress: Progress,
) -> None:
    """Compile the source in the root directory `tree`; what it installs goes to `destination`."""
    with tempfile.TemporaryDirectory(prefix="src-", dir=tree / "tmp") as copy_name:
        copy = Path(copy_name)
        for name in names:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, copy / name, follow_symlinks=False)
        script = (
            f"cd /tmp/{copy.name} && meson setup build --prefix=/usr --sysconfdir=/etc"
            " --localstatedir=/var --buildtype=debugoptimized -Dtests=false"
            " && meson compile -C build && DESTDIR=$PWD/out meson install -C build --no-rebuild"
        )
        progress.run(f"rofs for Debian {suite}", [
            "unshare", "--mount", "--pid", "--fork", "--kill-child", f"--root={tree}",
            "--mount-proc", "/usr/bin/env", "-i", f"PATH={PATH}", "HOME=/",
            "LC_ALL=C.UTF-8", "/bin/sh", "-ec", script])
        shutil.move(copy / "out", destination)


def tree_as_files(tree: Path, merged_usr: bool) -> Dict[str, Entry]:
    """The files and links of a DESTDIR as entries; /lib etc. become /usr/lib etc. if merged."""
    entries: Dict[str, Entry] = {}
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(tree)
        if merged_usr and name.parts[0] in ("bin", "sbin", "lib", "lib64"):
            name = Path("usr") / name
        if path.is_symlink():
            entries[f"/{name}"] = Link(os.readlink(path))
        elif path.is_file():
            entries[f"/{name}"] = File(path.read_bytes(), path.stat().st_mode & 0o7777)
    return entries
