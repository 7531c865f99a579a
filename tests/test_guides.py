"""The guides that need no virtual machine, from the first to the last command.

They run in this machine, seen through an overlay in RAM: nothing outside of it changes.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from debian import archive
from packaged import SYSTEM
from support import Namespace, make_tree, need_programs, run_generator, verify
from vm import guide

OVERLAYROOT = "docs/guides/overlayroot.md"
IMAGES = "docs/guides/images.md"
# The files of the package, without dpkg, which tests/test_package.py has.
UNPACK = "tar -C {tree} -c . | tar -C {root} -x --keep-directory-symlink"
MARK = "--- "
# Without names of devices: rofs check would look for the partition among those of this machine.
NO_DISKS = """
mkdir dev; mount -t tmpfs dev dev; mkdir -m 1777 dev/shm
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty dev/
mount --move dev root/dev
"""


def follow(page: str, changes: Mapping[str, str], without: tuple[str, ...] = ()) -> str:
    """A script that runs all commands of a page, and prints each and its status."""
    lines = []
    for command in guide.commands(page):
        if command == "reboot" or command in without:
            continue
        lines += [f"printf '%s%s\\n' {shlex.quote(MARK)} {shlex.quote(command)}",
                  "status=0",
                  f"{{ {guide.adapted(command, changes)}\n}} </dev/null 2>&1 || status=$?",
                  "echo \"status $status\""]
    return "\n".join(lines) + "\n"


def answers(done: subprocess.CompletedProcess) -> list[tuple[str, int, str]]:
    """The commands that were run, with status and output."""
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(rf"^{MARK}(.*?)\n(.*?)^status (\d+)$", done.stdout, re.M | re.S)
    return [(command, int(status), text) for command, text, status in found]


def outputs(done: subprocess.CompletedProcess, command: str) -> list[str]:
    """What each run of a command has printed; all commands but rofs check have succeeded."""
    for name, status, text in answers(done):
        assert status == 0 or name.startswith("rofs check"), (name, status, text)
    return [text for name, _, text in answers(done) if name.startswith(command)]


@pytest.mark.root
@pytest.mark.plain
def test_moving_from_overlayroot(
    in_namespace: Namespace, installed: Path, tmp_path: Path
) -> None:
    package = archive("overlayroot")
    changes = {
        "apt install ./rofs_*_amd64.deb": UNPACK.format(tree="/run/tree", root="/"),
        # Its dependencies are not installed here.
        "apt purge": "dpkg --no-triggers --purge",
    }
    (tmp_path / "inside").write_text(f"""set -e
        mkdir -p /etc/rofs.conf.d; rm -rf /etc/rofs.conf /etc/rofs.conf.d
        dpkg --no-triggers --force-depends -i /run/package.deb >/dev/null 2>&1
        sed -i 's/^overlayroot=.*/overlayroot="tmpfs"/' /etc/overlayroot.conf
        {follow(OVERLAYROOT, changes)}
        ls /etc/overlayroot.conf 2>&1 || true
        """)
    done = in_namespace(f"""{SYSTEM}
        cp {package} root/run/package.deb; cp -a {installed} root/run/tree
        cp {tmp_path}/inside root/run/inside
        chroot root /bin/sh /run/inside
        """, make_directory(tmp_path / "system"))
    assert outputs(done, "grep") == ['overlayroot="tmpfs"\n']
    before, after = outputs(done, "rofs check")
    assert "overlayroot mounts an overlay on / before rofs acts" in " ".join(before.split())
    assert "overlayroot" not in after
    assert "[Overlay /var]" in outputs(done, "cat")[0]
    assert "No such file" in done.stdout.splitlines()[-1]


def make_directory(path: Path) -> Path:
    path.mkdir()
    return path


def test_equivalent_of_overlayroot_is_accepted(generator: Path, tmp_path: Path) -> None:
    text, = guide.blocks(OVERLAYROOT, "ini")
    paths = re.findall(r"^\[Overlay /(\w+)\]$", text, re.M)
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": text}, paths)
    run = run_generator(generator, root, tmp_path)
    assert run.status == 0
    assert {f"{path}.mount" for path in paths} <= set(run.early)


@pytest.mark.root
@pytest.mark.plain
def test_image_for_many_machines(
    in_namespace: Namespace, installed: Path, generator: Path, tmp_path: Path
) -> None:
    need_programs("mkfs.ext4")
    changes = {
        "chroot image apt install ./rofs_*_amd64.deb": UNPACK.format(tree=installed, root="image"),
        "rofs check": f"{installed}/usr/bin/rofs check",
        "rofs plan": f"{installed}/usr/bin/rofs plan",
    }
    ansible = guide.commands(IMAGES)[-1]
    assert ansible.startswith("ansible-playbook")
    system = make_directory(tmp_path / "system")
    done = in_namespace(f"""{SYSTEM}
        mkdir before; mount --move root before; mkdir image; mount --move before image
        rm -rf image/etc/rofs.conf image/etc/rofs.conf.d
        printf 'LABEL=root / ext4 defaults 0 0\\n' >image/etc/fstab
        echo key >image/etc/ssh/ssh_host_test_key || true
        {follow(IMAGES, changes, without=(ansible,))}
        cat image/etc/machine-id; ls image/etc/ssh/ssh_host_* || true
        ls image/etc/systemd/system/multi-user.target.wants/first-boot.service
        mkdir normal early late
        ROFS_LOG=stderr ROFS_ROOT=$PWD/image {generator} $PWD/normal $PWD/early $PWD/late 2>&1
        ls early
        cp -r units first; cp image/etc/systemd/system/first-boot.service {tmp_path}/
        cp -r units {tmp_path}/units
        """, system)
    assert outputs(done, "rofs check") != []
    (check,) = [row for row in answers(done) if row[0].startswith("rofs check")]
    assert check[1] == 0, check
    rest = done.stdout.split("status 0\n")[-1]
    assert rest.startswith("uninitialized\n")
    assert "ssh_host_test_key" not in rest
    assert "maintenance" in rest and "rofs-maintenance.service" in rest
    assert "var.mount" not in rest
    assert "var.mount" in {path.name for path in (tmp_path / "units").iterdir()}
    one = make_directory(tmp_path / "one")
    (tmp_path / "first-boot.service").rename(one / "first-boot.service")
    assert verify(one) == []


@pytest.mark.root
@pytest.mark.plain
def test_playbook(in_namespace: Namespace, installed: Path, tmp_path: Path) -> None:
    """By Ansible, on a machine that is not protected: what is checked is what it does there."""
    need_programs("ansible-playbook")
    playbook, = guide.blocks(IMAGES, "yaml")
    configuration = guide.split(guide.blocks(IMAGES, "sh")[0])[1].split("\n", 1)[1]
    (tmp_path / "playbook.yml").write_text(playbook)
    (tmp_path / "files").mkdir()
    (tmp_path / "files/rofs.conf").write_text(configuration.replace("\nEND", "\n"))
    command = guide.commands(IMAGES)[-1].replace(
        "-i machines", "-i localhost, -c local -e ansible_python_interpreter=/usr/bin/python3")
    run = f"(cd /run/work && LC_ALL=C.UTF-8 ANSIBLE_NOCOLOR=1 {command})"
    done = in_namespace(f"""{SYSTEM}
        {UNPACK.format(tree=installed, root="root")}
        rm -rf root/etc/rofs.conf root/etc/rofs.conf.d; mkdir -p root/run/work
        cp -r {tmp_path}/playbook.yml {tmp_path}/files root/run/work/
        printf 'LABEL=root / ext4 defaults 0 0\\n' >root/etc/fstab
        mount -t tmpfs tmp root/tmp
        {NO_DISKS}
        chroot root /bin/sh -ec {shlex.quote(f"{run}; {run}; cat /etc/rofs.conf")}
        """, make_directory(tmp_path / "system"))
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = re.findall(r"^localhost +: (.*)$", done.stdout, re.M)
    assert "changed=1" in first and "failed=0" in first
    assert "changed=0" in second and "failed=0" in second
    assert "[Persist /var/local/data]" in done.stdout
