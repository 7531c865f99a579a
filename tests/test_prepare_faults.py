"""Whatever fails in rofs-prepare, rofs-verify and rofs-format: exit status and system agree."""

from __future__ import annotations

import errno
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from mounted_system import DATA, System, sections
from support import built, environment, make_status_tree, make_tree, program, snapshot

pytestmark = pytest.mark.root

ID = "0123456789abcdef0123456789abcdef"
CONF = (f"[Overlay /etc]\n[Overlay /home]\nSize=1M\n[Overlay /var]\nStartEmpty=/var/log/app\n"
        f"{DATA}[Partition none]\nDevice=LABEL=none\n"
        "[Persist /var/a]\nPartition=data\nDirectory=/d/a\nPopulate=yes\nUser=alice\nMode=0750\n"
        "[Persist /var/new/b]\nPartition=data\nDirectory=/d/b\nGroup=staff\n"
        "[Persist /var/f]\nPartition=data\nDirectory=/f\nKind=file\nPopulate=yes\n"
        "[Overlay /opt]\nPartition=data\n[Overlay /srv]\nPartition=none\nIfMissing=volatile\n"
        "[Overlay /mnt]\n[Persist /mnt/guarded]\nPartition=data\nDirectory=/g\n")
LOWER = f"""
mkdir -p var/a/sub var/log/app opt srv mnt run/systemd/generator.late
for d in var etc opt srv; do setfattr -n trusted.mine -v value $d; setfacl -m u:7:rwx $d; done
chmod 0711 var/log; chown 3:4 var/log/app; setfattr -n trusted.mine -v value var/log
echo text > var/a/file; ln var/a/file var/a/sub/link; ln -s x var/a/symbolic; mkfifo var/a/fifo
setfacl -m u:7:rw var/a/file; setfattr -n trusted.mine -v value var/a/sub
echo text > var/f; echo {ID} > run/id; : > etc/machine-id
printf '[Mount]\\nWhere=/home\\nWhat=tmpfs\\n' > run/systemd/generator.late/home.mount
echo 'mnt /mnt tmpfs defaults 0 0' > etc/fstab
find var opt srv -exec touch -h -d '2011-11-11 UTC' {{}} +
cp {{judge}} run/judge.py; cp {{library}} run/fault.so
"""
POOLS = "mount --bind /run/id /etc/machine-id; /rofs-prepare ram\n"
MNT = ("mount -t tmpfs mnt /mnt; chmod 0711 /mnt; touch -d '2010-10-10 UTC' /mnt\n"
       "mount --bind -o ro /mnt /rofs/ro/mnt\n")
PARTITION = "mkdir -p /rofs/persist/data; mount --bind /run/disk /rofs/persist/data\n"
# What runs, and what has happened before.
RUNS = {
    "ram": ("/rofs-prepare ram", "export JUDGE_BEFORE='mount --bind /run/id /etc/machine-id'\n"),
    "overlay": ("/rofs-prepare overlay /mnt", POOLS + MNT),
    "partition": ("/rofs-prepare partition data", POOLS + PARTITION),
    "fallback": ("/rofs-prepare fallback /srv", POOLS),
    "guard": ("/rofs-prepare guard /mnt/guarded", POOLS + MNT),
}
JUDGE = """
{before}
echo == broken; {fault} python3 /run/judge.py /run/fault.so {command}
"""


def broken(system: System, library: Path, source: Path, name: str, fault: str) -> list[str]:
    """The rules that the run breaks, after checking that there were faults at all."""
    command, before = RUNS[name]
    lower = LOWER.replace("{judge}", str(source / "tests/judge.py"))
    lower = lower.replace("{library}", str(library))
    judge = JUDGE.format(before=before, fault=fault, command=command)
    found = sections(system(CONF, judge, lower))
    total, *rules = found["broken"]
    assert int(total) > 20
    return rules


@pytest.mark.parametrize("name", RUNS)
def test_no_memory_is_told_wherever_it_happens(system: System, source: Path, name: str) -> None:
    assert broken(system, built("tests/fault-memory.so"), source, name, "") == []


@pytest.mark.parametrize("name", RUNS)
def test_failing_call_is_told_wherever_it_happens(
    system: System, source: Path, fault_library: Path, name: str
) -> None:
    fault = f"FAULT_READ=1 FAULT_ERRNO={errno.EIO}"
    assert broken(system, fault_library, source, name, fault) == []


@pytest.mark.parametrize("name", RUNS)
def test_without_memory_from_some_moment_on(system: System, source: Path, name: str) -> None:
    """One failure is rarely alone."""
    assert broken(system, built("tests/fault-memory.so"), source, name, "FAULT_ALL=1") == []


# The pool of an overlay cannot be mounted, on a root file system that is writable.

STATE = r"""
state() {
    findmnt -rn -o TARGET,FSTYPE,FSROOT,OPTIONS,PROPAGATION |
        grep -E '^/(rofs|etc|var|home|mnt|tmp)' |
        sed -E '/^.rofs.persist/d; s/fd=[0-9]+,pgrp=[0-9]+|pipe_ino=[0-9]+//g; s/,uuid=on//' | sort
    (cd /rofs/rw && find * -path '*/work/*' -prune -o -printf '%y %m %U %G %p %l\n' | sort)
    cat /etc/machine-id
}
again() { umount -lR /etc /var /home /rofs; umount -l /tmp; }
"""


@pytest.mark.parametrize("pool, lost", [
    ("/rofs", ["/etc", "/home", "/home/foo", "/var"]),
    ("/rofs/rw/home", ["/home", "/home/foo"])])
def test_no_layer_without_its_pool_and_all_of_it_once_the_pool_is_mounted(
    system: System, fault_library: Path, pool: str, lost: list[str]
) -> None:
    found = sections(system(
        f"[Overlay /etc]\n[Overlay /home]\nSize=1M\n[Overlay /home/foo]\n"
        f"[Overlay /var]\nStartEmpty=/var/log\n{DATA}"
        "[Persist /var/a]\nPartition=data\nDirectory=/a\n", STATE + f"""
        generate 2>/dev/null; mount --bind /run/id /etc/machine-id
        early_mounts; cat /run/status; state > /run/wanted; again
        mount --bind /run/id /etc/machine-id
        echo == first
        LD_PRELOAD=/run/fault.so FAULT_WHERE={pool} /rofs-prepare ram 2>/run/said || echo $?
        echo == said; cat /run/said
        echo == made; find {pool} -xdev -mindepth 1
        echo == mounted; findmnt -rn -o TARGET | grep -E '^/(etc|home|var)$' || true
        echo == pool; sed -n 's/^AssertPathIsMountPoint=//p' $units/rofs-overlay-home-foo.mount
        pools; early_mounts 2>/run/said
        echo == second; cat /run/status /run/said; state | diff /run/wanted - || true
        """, f"""
        echo {ID} > run/id; : > etc/machine-id; mkdir -p var/log/x var/a home/foo
        cp {fault_library} run/fault.so
        """))
    said = found["said"]
    assert found["first"] == ["1"]
    assert f"rofs-prepare: cannot mount {pool}: Input/output error; its unit will try again" in said
    for path in lost:
        where = pool if path.startswith("/home") and pool != "/rofs" else "/rofs"
        assert any(line.startswith(f"rofs-prepare: {path}: {where}")
                   and line.endswith(" is not mounted as a RAM pool; nothing is created there")
                   for line in said), said
    assert not set(found["mounted"]) & set(lost)
    assert found["made"] == []
    assert found["pool"] == ["/rofs/rw/home"]
    assert found["second"] == ["0"], found["second"]


WRONG_POOLS = {
    "another file system in place of a pool": (
        "mount -t ramfs ramfs /rofs", "/rofs-prepare ram", "/rofs is not mounted as a RAM pool"),
    "no partition for a persist": (
        "early_mounts; mkdir -p /rofs/persist/data", "/rofs-prepare partition data",
        "/var/a: /rofs/persist/data is not mounted; nothing is created there"),
    "no partition for an overlay": (
        "early_mounts; mkdir -p /rofs/persist/data", "/rofs-prepare partition data",
        "/srv: /rofs/persist/data is not mounted; nothing is created there"),
    "no pool for what replaces an overlay": (
        "true", "/rofs-prepare fallback /srv", "/rofs is not mounted as a RAM pool"),
}


@pytest.mark.parametrize("name", WRONG_POOLS)
def test_nothing_is_made_on_what_is_no_pool(system: System, name: str) -> None:
    before, command, message = WRONG_POOLS[name]
    found = sections(system(
        f"[Overlay /var]\n[Overlay /srv]\nPartition=data\nIfMissing=volatile\n{DATA}"
        "[Persist /var/a]\nPartition=data\nDirectory=/a\n", f"""
        generate 2>/dev/null; {before}
        find /run/disk /rofs /srv > /run/before
        echo == status; {command} 2>/run/said || echo $?; echo == said; cat /run/said
        echo == made; find /run/disk /rofs /srv | diff /run/before - || true
        """, "mkdir srv var/a"))
    assert found["status"] == ["1"]
    assert any(message in line for line in found["said"]), found["said"]
    assert found["made"] == []


# The other programs of a boot, when a call fails or they have no memory.

TROUBLE = ("Cannot allocate memory", "out of memory", "Input/output error")
# That is said of the message alone: what it would have told is done, or has its exit status.
LOST = re.compile(r"^rofs-[a-z]+: out of memory: a message is lost\n", re.M)


MEMORY = ("tests/fault-memory.so", {})
CALLS = ("tests/fault.so", {"FAULT_READ": "1", "FAULT_ERRNO": str(errno.EIO)})
FAULTS = pytest.mark.parametrize("library, fault", [MEMORY, CALLS], ids=["memory", "calls"])


def run_with(library: str, name: str, root: Path, *arguments: str, **fault: str
             ) -> subprocess.CompletedProcess[str]:
    env = environment(root, {
        "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", **fault,
        "LD_PRELOAD": str(built(library)),
        "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"})
    return subprocess.run([str(program(name)), *arguments], env=env, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def each_failing(library: str, fault: dict[str, str], name: str, root: Path, *arguments: str,
                 load: str = "") -> Iterator[subprocess.CompletedProcess[str]]:
    """One run without a fault, then one for each call or allocation after those of the run for
    `load`."""
    count = root.parent / "count"
    counting = {"FAULT_COUNT": str(count), **{k: v for k, v in fault.items() if k == "FAULT_READ"}}
    first = 1
    if load:
        run_with(library, name, root, load, **counting)
        first = int(count.read_text())
    yield run_with(library, name, root, *arguments, **counting)
    calls = int(count.read_text())
    assert calls > first + 5
    for at in range(first, calls + 1):
        yield run_with(library, name, root, *arguments, FAULT_AT=str(at), **fault)


@FAULTS
@pytest.mark.parametrize("number", ["01", "05", "13"])
def test_verdict_is_the_same_or_an_error(
    source: Path, tmp_path: Path, number: str, library: str, fault: dict[str, str]
) -> None:
    root = make_status_tree(next((source / "tests/status").glob(f"{number}-*")), tmp_path / "root")
    (root / "run").mkdir(exist_ok=True)
    runs = each_failing(library, fault, "rofs-verify", root)
    first = next(runs)
    written = snapshot(root / "run/motd.d")
    for done in runs:
        said, lost = LOST.subn("", done.stderr)
        if any(text in said for text in (*TROUBLE, "rofs-verify: cannot ")):
            assert done.returncode == 1
        else:
            assert done.returncode == first.returncode
            assert said == first.stderr or lost
            assert snapshot(root / "run/motd.d") == written


@FAULTS
@pytest.mark.parametrize("content, status", [("zeros", 0), ("ext4", 0), ("swap", 1)])
def test_partition_is_not_formatted_or_it_is_done(
    tmp_path: Path, content: str, status: int, library: str, fault: dict[str, str]
) -> None:
    drive = tmp_path / "drive"
    drive.write_bytes(bytes(4 << 20))
    if content != "zeros":
        subprocess.run({"ext4": ["mkfs.ext4", "-q"], "swap": ["mkswap", "-q"]}[content]
                       + [str(drive)], check=True)
    before = drive.read_bytes()
    loop = subprocess.run(["losetup", "-f", "--show", str(drive)], text=True, check=True,
                          stdout=subprocess.PIPE).stdout.strip()
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": f"[Overlay /var]\n[Partition p]\nDevice={loop}\nType=ext4\nFormat=yes\n"
                         "[Persist /var/a]\nPartition=p\n"})
    try:
        for done in each_failing(library, fault, "rofs-format", root, "p", load="not-declared"):
            made = Path(loop).read_bytes() != before
            said, lost = LOST.subn("", done.stderr)
            if any(text in said for text in TROUBLE):
                assert done.returncode == 1 and not made
            else:
                assert done.returncode == status, done.stderr
                assert made == (content == "zeros")
                assert bool(done.stderr) == (bool(status) or lost > 0 or made)
            if made:
                with open(loop, "wb") as device:
                    device.write(before)
                    os.fsync(device.fileno())
    finally:
        subprocess.run(["losetup", "-d", loop], check=True)
