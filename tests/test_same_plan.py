"""The generator gives the same units at boot and at each later daemon-reload.

At boot nothing of fstab is mounted; later the same paths show whatever its file systems hold, and
an ordinary user may have made that.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support import Namespace, environment, make_tree, run_generator, snapshot

pytestmark = pytest.mark.sanitized

DATA = "[Partition data]\nDevice=LABEL=data\n"
HOME = "LABEL=home /home ext4 defaults 0 2\n"
# The links that somebody has made: path, target.
PLANTED = {"home/u/notes.db": "/etc/shadow"}
NOTES = f"{DATA}[Persist /home/u/notes.db]\nPartition=data\nDirectory=/n\nKind=file\nPopulate=yes\n"

CASES = {
    # name: rofs.conf, fstab, links on the root, links that come later
    "link of a user": (NOTES, HOME, {}, PLANTED),
    "below an overlay": (f"[Overlay /home]\n{NOTES}", HOME, {}, PLANTED),
    "directory that leads away": ("[Overlay /home/u/x]\n", HOME, {}, {"home/u": "/var"}),
    "mount point behind a link": (NOTES, "LABEL=home /data/home ext4 defaults 0 2\n",
                                  {"home": "data/home"}, {"data/home/u/notes.db": "/etc/shadow"}),
    "fstab names the link": (NOTES, "LABEL=home /home ext4 defaults 0 2\n",
                             {"home": "data/home"}, {"data/home/u/notes.db": "/etc/shadow"}),
    "link up and down again": (NOTES, HOME, {"mnt": "var/../home/../home", "x": "mnt/u"},
                               {"home/u/notes.db": "/etc/shadow", "home/v": "/etc"}),
    "nested mount points": (NOTES, HOME + "LABEL=u /home/u ext4 defaults 0 2\n", {}, PLANTED),
    "nested mount points, the inner one first":
        (NOTES, "LABEL=u /home/u ext4 defaults 0 2\n" + HOME, {}, PLANTED),
    "mount point of fstab below another one":
        ("[Overlay /home]\n[Overlay /var]\n", HOME + "LABEL=u /home/u/mnt ext4 defaults 0 2\n",
         {}, {"home/u": "/var"}),
    "mount point behind a link to another one":
        ("[Overlay /a/u]\n[Overlay /var]\n",
         "LABEL=u /a/u ext4 defaults 0 2\nLABEL=home /data/home ext4 defaults 0 2\n",
         {"a": "data/home/v"}, {"data/home/v": "/srv"}),
    "mount point behind a link to another one, which is behind a link":
        ("[Overlay /a/u]\n[Overlay /var]\n",
         "LABEL=u /a/u ext4 defaults 0 2\nLABEL=home /people/x ext4 defaults 0 2\n",
         {"a": "data/home/x/v", "people": "data/home"}, {"data/home/x/v": "/srv"}),
    "bind from behind a link": (
        "[Overlay /mnt]\n", "LABEL=home /home ext4 defaults 0 2\n/link/u /mnt none bind 0 0\n",
        {"link": "home"}, {"home/u": "/var"}),
    "bind of fstab": (NOTES, "/srv/home /home none bind 0 0\n", {}, PLANTED),
    "noauto": (NOTES, "LABEL=home /home ext4 noauto 0 2\n", {}, PLANTED),
    "overlay below noauto": ("[Overlay /home/u/x]\n", "LABEL=home /home ext4 noauto 0 2\n", {},
                             {"home/u": "/var"}),
    "automount": (NOTES, "LABEL=home /home ext4 noauto,x-systemd.automount 0 2\n", {}, PLANTED),
    "network": (NOTES, "server:/home /home nfs defaults 0 0\n", {}, PLANTED),
    "separate usr": ("[Overlay /usr/local/x]\n", "LABEL=usr /usr ext4 defaults 0 2\n", {},
                     {"usr/local": "/var"}),
    "initramfs": (NOTES, "LABEL=home /home ext4 x-initrd.mount 0 2\n", {}, PLANTED),
    "drop-in behind a link": ("[Overlay /var]\n", HOME,
                              {"etc/rofs.conf.d/x.conf": "/home/u/x.conf"}, {}),
    "drop-in that the link masks": ("[Overlay /var]\n", HOME,
                                    {"etc/rofs.conf.d/x.conf": "/home/u/x"},
                                    {"home/u/x": "/dev/null"}),
    "configuration on a later file system":
        ("[Overlay /var]\n", "LABEL=local /usr/local ext4 defaults 0 2\n", {}, {}),
    "tmp.mount on a later file system":
        ("[Overlay /var]\n", "LABEL=local /usr/local ext4 defaults 0 2\n", {}, {}),
}
# What else lies there later.
LATER_FILES = {
    "home/u/x.conf": "[Overlay /srv]\n",
    "usr/local/lib/rofs.conf.d/x.conf": "[Overlay /srv]\n",
    "usr/local/lib/systemd/system/tmp.mount": "[Mount]\nWhat=tmpfs\nWhere=/tmp\nType=tmpfs\n",
    "usr/local/lib/systemd/system/local-fs.target.wants/tmp.mount": "",
}


def link(root: Path, links: dict[str, str]) -> None:
    for name, target in links.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink() and (root / name).is_dir():
            (root / name).rmdir()
        (root / name).symlink_to(target)


@pytest.fixture
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    conf, fstab, links, _ = CASES[request.param]
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": conf, "etc/fstab": fstab},
                     ["srv", "data/home", "usr/local", "etc/rofs.conf.d", "mnt"])
    link(root, links)
    return root


def fill(root: Path, links: dict[str, str], fstab: str) -> None:
    """The state later, as far as it is on file systems of fstab."""
    link(root, links)
    for name, text in LATER_FILES.items():
        mount_point = fstab.split()[1]
        # The initramfs has mounted /usr before.
        if mount_point == "/usr" or not f"/{name}".startswith(f"{mount_point}/"):
            continue
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if not (root / name).exists():
            (root / name).write_text(text)


@pytest.mark.parametrize("root, name", [(n, n) for n in CASES], ids=list(CASES), indirect=["root"])
def test_mounted_file_systems_do_not_change_the_plan(
    generator: Path, root: Path, name: str, tmp_path: Path
) -> None:
    _, fstab, _, later = CASES[name]
    first = run_generator(generator, root, tmp_path / "first")
    fill(root, later, fstab)
    assert run_generator(generator, root, tmp_path / "second") == first


# What is mounted below /rofs/ro once the overlays are there.
MOUNTED = """
mount -t tmpfs rofs root/rofs
mkdir root/rofs/ro
mount --bind -o private root root/rofs/ro
mount -t tmpfs home root/rofs/ro/home
mkdir root/rofs/ro/home/u
ln -s /etc/shadow root/rofs/ro/home/u/notes.db
ln -s /var root/rofs/ro/home/u/x
printf '[Overlay /srv]\\n' > root/rofs/ro/home/u/x.conf
mkdir root/rofs/persist root/rofs/persist/data
mount -t tmpfs data root/rofs/persist/data
mount --rbind root/rofs/ro/home root/home
env ROFS_LOG=stderr ROFS_ROOT="$PWD/root" {generator} after
"""


@pytest.mark.root
@pytest.mark.parametrize(
    "root", ["link of a user", "below an overlay", "directory that leads away",
             "drop-in behind a link", "noauto"], indirect=True)
def test_what_is_mounted_below_the_untouched_root_does_not_change_the_plan(
    in_namespace: Namespace, generator: Path, root: Path, tmp_path: Path
) -> None:
    before = run_generator(generator, root, tmp_path)
    done = in_namespace(MOUNTED.format(generator=generator))
    assert snapshot(tmp_path / "after") == before.early
    assert done.stderr == before.stderr


# An overlay on /usr is a mount point there, but what it shows is not what boots.
USR = """
mount -t tmpfs rofs root/rofs
mkdir -p root/rofs/ro root/rofs/overlay/usr up
mount --bind -o private root root/rofs/ro
mount -t tmpfs up up
mkdir up/upper up/work
mount -t overlay -o lowerdir=root/usr,upperdir=up/upper,workdir=up/work rofs root/rofs/overlay/usr
mount --bind root/rofs/overlay/usr root/usr
mkdir -p root/usr/lib/rofs.conf.d
printf '[Overlay /srv]\\n' > root/usr/lib/rofs.conf.d/x.conf
env ROFS_LOG=stderr ROFS_ROOT="$PWD/root" {generator} after
"""


@pytest.mark.root
def test_configuration_in_an_overlay_on_usr_does_not_change_the_plan(
    in_namespace: Namespace, generator: Path, tmp_path: Path
) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": "[Overlay /usr]\n"}, ["srv", "usr/lib"])
    before = run_generator(generator, root, tmp_path)
    done = in_namespace(USR.format(generator=generator))
    assert done.returncode == 0, done.stderr
    assert snapshot(tmp_path / "after") == before.early


# What systemd-sysext mounts, with a file of configuration in it.
SYSEXT = """
mount -t tmpfs rofs root/rofs
mkdir -p root/rofs/ro ext/lib/rofs.conf.d
mount --bind -o private root root/rofs/ro
printf '[Overlay /srv]\\n' > ext/lib/rofs.conf.d/x.conf
mount -t overlay -o lowerdir=ext:root/usr sysext root/usr
env ROFS_LOG=stderr ROFS_ROOT="$PWD/root" {generator} after
"""


@pytest.mark.root
def test_extension_of_usr_does_not_change_the_plan(
    in_namespace: Namespace, generator: Path, tmp_path: Path
) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": "[Overlay /var]\n"}, ["srv", "usr/lib"])
    before = run_generator(generator, root, tmp_path)
    done = in_namespace(SYSEXT.format(generator=generator))
    assert done.returncode == 0, done.stderr
    assert snapshot(tmp_path / "after") == before.early


# The initramfs has mounted it; something of the root may be beneath it.
SEPARATE_USR = """
mount -t tmpfs usr root/usr
mkdir -p root/usr/lib/rofs.conf.d
printf '[Overlay /srv]\\n' > root/usr/lib/rofs.conf.d/x.conf
export ROFS_LOG=stderr ROFS_ROOT="$PWD/root"
{generator} first
mount -t tmpfs rofs root/rofs
mkdir -p root/rofs/ro
mount --bind -o private root root/rofs/ro
{generator} after
"""


@pytest.mark.root
@pytest.mark.parametrize("fstab, beneath", [
    ("", []), ("LABEL=usr /usr ext4 defaults 0 2\n", []),
    ("LABEL=usr /usr ext4 defaults 0 2\n", ["usr/lib"])])
def test_separate_usr_is_read_at_boot_and_later(
    in_namespace: Namespace, generator: Path, tmp_path: Path, fstab: str, beneath: list[str]
) -> None:
    make_tree(tmp_path / "root", {"etc/rofs.conf": "[Overlay /var]\n", "etc/fstab": fstab},
              ["srv", *beneath])
    for name in ("first", "after"):
        (tmp_path / name).mkdir()
    done = in_namespace(SEPARATE_USR.format(generator=generator))
    assert done.returncode == 0, done.stderr
    assert "srv.mount" in snapshot(tmp_path / "first")
    assert snapshot(tmp_path / "after") == snapshot(tmp_path / "first")


def test_drop_in_on_a_later_file_system_is_an_error(
    generator: Path, tmp_path: Path
) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": "[Overlay /var]\n", "etc/fstab": HOME,
        "home/u/x.conf": "[Overlay /srv]\n"}, ["srv", "etc/rofs.conf.d"])
    (root / "etc/rofs.conf.d/x.conf").symlink_to("/home/u/x.conf")
    run = run_generator(generator, root, tmp_path)
    assert run.status == 1
    assert ("/etc/rofs.conf.d/x.conf: cannot be read: it is on a file system that fstab mounts "
            "later") in run.stderr
    assert "var.mount" in run.early and "srv.mount" not in run.early


@pytest.mark.parametrize("mount_point, conf", [
    ("/run", "run/rofs.conf.d/x.conf"), ("/etc", "etc/rofs.conf.d/x.conf"),
    ("/usr", "usr/lib/rofs.conf.d/x.conf"), ("/", "etc/rofs.conf.d/x.conf")])
def test_what_is_there_before_fstab_is_read(
    generator: Path, tmp_path: Path, mount_point: str, conf: str
) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": "[Overlay /var]\n", conf: "[Overlay /srv]\n",
        "etc/fstab": f"LABEL=x {mount_point} ext4 defaults 0 2\nproc /proc proc defaults 0 0\n",
        "proc/cmdline": "quiet\n"}, ["srv"])
    run = run_generator(generator, root, tmp_path)
    assert run.status == 0, run.stderr
    assert {"var.mount", "srv.mount"} <= set(run.early)


WRITABLE = "[Root]\nReadOnly=no\n"
APP = f"{WRITABLE}[Overlay /var]\n{DATA}[Persist /home/bob/app/data]\nPartition=data\n"


@pytest.mark.root
@pytest.mark.parametrize("conf", [APP, f"{WRITABLE}[Overlay /home/bob/app]\n[Overlay /var]\n",
                                  APP.replace("/home/bob/", "/people/bob/")])
def test_link_that_a_user_makes_later_does_not_change_the_plan(
    generator: Path, tmp_path: Path, conf: str
) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": conf}, ["home/bob/app/data"])
    (root / "people").symlink_to("home")
    first = run_generator(generator, root, tmp_path / "first")
    assert first.status == 0, first.stderr
    bob = root / "home/bob"
    os.chown(bob, 1000, 1000)
    (bob / "app").rename(bob / "old")
    (bob / "app").symlink_to("old")
    os.chown(bob / "app", 1000, 1000, follow_symlinks=False)
    second = run_generator(generator, root, tmp_path / "second")
    assert second.early == first.early
    assert "leads through a symbolic link" in second.stderr


@pytest.mark.parametrize("left", ["commit", "pending.3"])
def test_what_covers_an_interrupted_transaction_does_not_change_the_plan(
    generator: Path, prepare: Path, tmp_path: Path, left: str
) -> None:
    """The RAM pool covers /rofs, whether rofs-finish has succeeded or not."""
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": "[Overlay /var]\n",
                                         "etc/fstab": f"{HOME}LABEL=srv /srv ext4 defaults 0 2\n"},
                     ["run", "var", "home", "srv", f"rofs/{left}"])
    first = run_generator(generator, root, tmp_path / "first")
    assert [name for name in first.early if "wants/rofs-finish" in name]
    subprocess.run([str(prepare), "ram"], env=environment(root), check=False)
    (root / "rofs" / left).rmdir()
    assert run_generator(generator, root, tmp_path / "second") == first
