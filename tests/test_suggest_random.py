"""`rofs suggest` on random trees, always the same ones: rofs check accepts each result."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from support import make_tree, run_generator, run_program

pytestmark = pytest.mark.sanitized

TREES = 30
DIRS = ["/home", "/var", "/srv", "/data", "/var/log", "/var/lib", "/var/lib/mysql", "/opt", "/usr",
        "/usr/local", "/boot", "/tmp", "/mnt/a b", "/etc", "/home/ann", "/srv/x", '/q"x', "/a%b"]
TYPES = ["ext4"] * 3 + ["xfs", "btrfs", "f2fs", "vfat", "auto", "zfs", "nfs", "tmpfs", "squashfs",
                        "fuse.sshfs", "overlay"]
SPECS = ["UUID=root", "UUID={}", "LABEL={}", "PARTLABEL=p{}", "/dev/sd{}", "/dev/mapper/vg-{}",
         "nas:/{}", "tank/{}", "/srv/{}.img", "LABEL=a\\040{}", "LABEL=data", "LABEL=%{}"]
OPTIONS = ["defaults", "ro", "nofail", "noauto", "x-systemd.automount", "x-initrd.mount",
           "x-systemd.requires=a.service", "x-systemd.before=b.service", "subvol=@x", "usrquota",
           "nosuid", "_netdev", "user", "x-systemd.growfs", "loop", "bind", 'context="a,b"',
           "x-systemd.device-timeout=infinity", "x-systemd.device-timeout=nonsense",
           "x-systemd.requires-mounts-for=/data"]
PATHS = ["/srv/x", "-/data/y", "+/opt/z", "/", "/etc", "/home", "/var", "/usr/local/q",
         '"/srv/a b"', "/proc/x", "/run/x", "/srv/../etc", "~", "%S/x", "/data", "/missing/x"]
NAMES = ["x", "x y", '"a b"', "%p", "%i", "%n", "a:b", "../x", "/absolute", "a%%b", "private",
         "mysql", "%m/x", "caf\u00e9"]
VALUES = {"StateDirectory": NAMES, "CacheDirectory": NAMES, "LogsDirectory": NAMES,
          "ConfigurationDirectory": NAMES, "ReadWritePaths": PATHS, "WorkingDirectory": PATHS,
          "DynamicUser": ["yes", "no", "nonsense"]}
DATA = ["/var/lib/mysql/x", "/var/lib/docker/x", "/var/mail/ann", "/var/lib/libvirt/images/x",
        "/home/ann/x", "/srv/x/y", "/data/y/z", "/var/lib/x/y", "/var/cache/x/y", "/opt/z/q",
        "/var/log/x.log", "/var/log/journal/i/system.journal"]
CMDLINES = ["root=UUID=root ro\n", "root=UUID=root rw\n", "overlayroot=tmpfs\n", "single\n", ""]
DROPINS = ["[Overlay /etc]\n", "[Persist /home]\nPartition=q\n[Partition q]\nDevice=LABEL=data\n",
           "[Memory]\nSize=5%\n"]


def fstab(pick: random.Random) -> str:
    lines = ["UUID=root / ext4 " + pick.choice(["ro", "defaults", "rw,usrquota"]) + " 0 1"]
    for number in range(pick.randrange(6)):
        lines.append(" ".join([
            pick.choice(SPECS).format(number), pick.choice(DIRS).replace(" ", "\\040"),
            pick.choice(TYPES), ",".join(pick.sample(OPTIONS, pick.randrange(1, 4))), "0 2"]))
    return "\n".join(lines + pick.sample(["UUID=s none swap sw 0 0", "LABEL=x", "\t"], 1)) + "\n"


def services(pick: random.Random) -> dict[str, str]:
    files = {}
    for number in range(pick.randrange(5)):
        keys = pick.sample(sorted(VALUES), pick.randrange(1, 5))
        text = "".join(f"{key}={pick.choice(VALUES[key])}\n" for key in keys)
        files[f"usr/lib/systemd/system/s{number}@.service"] = f"[Service]\n{text}"
        files[f"etc/systemd/system/multi-user.target.wants/s{number}@a.service"] = ""
    return files


def random_tree(root: Path, seed: int) -> Path:
    pick = random.Random(seed)
    files = {"etc/fstab": fstab(pick), "proc/cmdline": pick.choice(CMDLINES), **services(pick),
             "proc/meminfo": f"MemTotal: {pick.choice([65536, 1 << 20, 1 << 26])} kB\n"}
    files.update({path[1:]: "x" for path in pick.sample(DATA, pick.randrange(8))})
    if pick.random() < 0.2:
        files["etc/rofs.conf.d/x.conf"] = pick.choice(DROPINS)
    return make_tree(root, files, [path[1:] for path in DIRS if pick.random() < 0.8])


def errors(rofs: Path, root: Path, conf: str) -> list[str]:
    (root / "etc/rofs.conf").write_text(conf)
    done = run_program(rofs, "check", f"--root={root}")
    return re.findall(r"^.*error: .*$", done.stdout, re.M)


@pytest.mark.parametrize("seed", range(TREES))
def test_check_accepts_it(seed: int, rofs: Path, generator: Path, tmp_path: Path) -> None:
    root = random_tree(tmp_path / "root", seed)
    done = run_program(rofs, "suggest", f"--root={root}")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(line.isprintable() for line in done.stdout.splitlines())
    assert run_program(rofs, "suggest", f"--root={root}").stdout == done.stdout
    # What is wrong with the machine itself is so with the smallest configuration, too.
    before = errors(rofs, root, "[Root]\n")
    text = done.stdout
    with_partition = re.sub(r"^#(?=\[(?:Partition|Persist) .*\]$|[A-Z]\w+=)", "", text, flags=re.M)
    for path in re.findall(r"^\[Persist (.*)\]$", with_partition, re.M):
        with_partition = with_partition.replace(f"\n[Overlay {path}]\n", "\n")
    assert errors(rofs, root, with_partition) == before
    assert errors(rofs, root, text) == before
    assert run_generator(generator, root, tmp_path / "work").status == (1 if before else 0)
