"""`rofs-device` and `rofs check` between real mounts: which devices become read-only."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import need_programs
from window_system import WindowSystem, wait_until

pytestmark = pytest.mark.root

ROOT = "[Root]\nDevice=read-only\n"


def flag(device: str) -> bool:
    return Path(f"/sys/class/block/{Path(device).name}/ro").read_text() == "1\n"


class Disk:
    """A disk with two partitions: the root, and another one."""

    def __init__(self, machine: WindowSystem) -> None:
        need_programs("sfdisk", "partx")
        self.machine = machine
        self.disk = machine.attach("ext4", "disk")
        subprocess.run(["sfdisk", "-q", self.disk], text=True, check=True, capture_output=True,
                       input="start=1MiB, size=40MiB, type=L\ntype=L\n")
        subprocess.run(["partx", "-a", self.disk], check=False, capture_output=True)
        self.root, self.other = f"{self.disk}p1", f"{self.disk}p2"
        for part in (self.root, self.other):
            wait_until(Path(part).exists, part)
            subprocess.run(["mkfs.ext4", "-q", "-F", part], check=True)

    def boot(self, conf: str, fstab: str = "", more: str = "", prepare: str = "") -> None:
        conf, fstab = (text.format(other=self.other, disk=self.disk) for text in (conf, fstab))
        self.machine.boot(self.root, more=more.format(other=self.other), prepare=f"""
            mkdir -p boot
            cat >etc/rofs.conf <<'END'
{conf}
END
            cat >etc/fstab <<'END'
{fstab}
END
            {prepare.format(other=self.other)}
            """)

    def set(self) -> subprocess.CompletedProcess[str]:
        return self.machine.run("/run/rofs-device")

    def flags(self) -> tuple[bool, bool, bool]:
        return flag(self.root), flag(self.disk), flag(self.other)

    def listed(self) -> list[str]:
        text = self.machine.run("cat /run/rofs/root-devices").stdout
        return [" ".join(line.split()[:1] + line.split()[2:]).replace(self.disk, "disk")
                for line in text.splitlines()]

    def check(self) -> str:
        return self.machine.run("/run/rofs-bin check").stdout.replace(self.disk, "disk")


@pytest.fixture
def disk(machine: WindowSystem) -> Iterator[Disk]:
    d = Disk(machine)
    yield d
    for device in (d.root, d.other, d.disk):
        subprocess.run(["blockdev", "--setrw", device], check=True)
    machine.stop()
    subprocess.run(["partx", "-d", d.disk], check=True)


def test_a_disk_that_nothing_else_needs(disk: Disk) -> None:
    disk.boot(ROOT)
    assert "Device=read-only" not in disk.check()
    done = disk.set()
    assert (done.returncode, done.stderr) == (0, "")
    assert disk.flags()[:2] == (True, True)
    assert disk.listed() == ["set diskp1", "set disk"]
    assert disk.machine.run("mount -o remount,rw /").returncode != 0
    # Not the trace of a transaction, which has a reason to write.
    assert disk.machine.run("cat /run/rofs/transaction.lock").stdout == ""


@pytest.mark.parametrize(("conf", "fstab", "more", "what"), [
    ("[Partition data]\nDevice={other}\n[Persist /srv]\nPartition=data\n", "", "",
     "[Partition data]"),
    ("", "{other} /srv ext4 defaults 0 0", "", "/srv"),
    ("", "{other} /srv ext4 defaults,noauto 0 0", "", "/srv"),
    ("", "{other} /srv ext4 ro,nofail 0 0", "", "/srv"),
    ("", "{other} /srv ext4 x-systemd.automount 0 0", "", "/srv"),
    ("Swap=yes\n", "{other} none swap sw 0 0", "", "disk"),
    ("", "", "mount {other} srv", "/srv"),
])
def test_what_needs_the_disk(disk: Disk, conf: str, fstab: str, more: str, what: str) -> None:
    disk.boot(ROOT + conf, fstab, more)
    what = what if what != "disk" else "diskp2"
    if not more:
        assert f"disk stays writable despite Device=read-only, because {what} needs it" in (
            " ".join(disk.check().split()))
    done = disk.set()
    assert done.returncode == 0, done.stderr
    assert disk.flags() == (True, False, False)
    assert disk.listed() == ["set diskp1", f"left disk {what}"]


@pytest.mark.parametrize("fstab", [
    "{other} /srv ext4 ro 0 0",
    "{other} /usr ext4 defaults 0 0",
    "{other} /home ext4 defaults 0 0",
    "{other} /srv squashfs defaults,nofail 0 0",
    "{other} none swap sw 0 0",
])
def test_what_does_not_need_the_disk(disk: Disk, fstab: str) -> None:
    disk.boot(ROOT + "[Overlay /home]\n", fstab)
    disk.set()
    assert disk.listed() == ["set diskp1", "set disk"]


def test_a_second_run_remembers_what_the_first_one_did(disk: Disk) -> None:
    disk.boot(ROOT)
    disk.set()
    assert disk.set().returncode == 0
    assert disk.listed() == ["set diskp1", "set disk"]
    subprocess.run(["blockdev", "--setrw", disk.disk], check=True)
    assert not flag(disk.disk)
    assert disk.set().returncode == 0
    assert disk.flags()[:2] == (True, True)


FAILING = """
n={start}
while n=$((n + {step})); do
    blockdev --setrw {disk}; blockdev --setrw {root}; rm -rf /run/rofs
    {fault} FAULT_AT=$n FAULT_COUNT=/run/count /run/rofs-device 2>/run/said && s=0 || s=$?
    [ $(cat /run/count) -ge $n ] || break
    echo $n: $s $(blockdev --getro {root} {disk}) \
        $(cut -d ' ' -f 1 /run/rofs/root-devices) $(head -n 1 /run/said)
done
"""


# The first calls, and most of the allocations, are for the configuration.
@pytest.mark.parametrize("fault, start, step", [
    ("LD_PRELOAD=/run/fault.so FAULT_READ=1 FAULT_ERRNO=5", 120, 1),
    ("LD_PRELOAD=/run/fault-memory.so", 0, 11)], ids=["call", "memory"])
def test_whatever_fails_is_told(disk: Disk, fault: str, start: int, step: int) -> None:
    disk.boot(ROOT, "{other} /usr ext4 defaults 0 0")
    script = FAILING.format(fault=fault, start=start, step=step, root=disk.root, disk=disk.disk)
    runs = disk.machine.run(script).stdout.splitlines()
    assert len(runs) > 30
    good = re.compile(r"\d+: (0 1 1 set set$|1 .* rofs-device: )")
    assert [line for line in runs if not good.match(line)] == []


def test_what_was_write_protected_before_is_not_ours(disk: Disk) -> None:
    disk.boot(ROOT)
    subprocess.run(["blockdev", "--setro", disk.root], check=True)
    assert disk.set().returncode == 0
    assert disk.listed() == ["found diskp1", "set disk"]
    steps = disk.machine.steps()
    assert "is write-protected" in steps.do("open")


def test_while_a_window_is_open_nothing_is_done(disk: Disk) -> None:
    disk.boot(ROOT)
    steps = disk.machine.steps()
    assert steps.do("open") == "ok"
    done = disk.set()
    assert done.returncode == 1
    assert "another transaction is running" in done.stderr
    assert disk.flags() == (False, False, False)
    assert steps.do("close") == "ok"


def test_a_root_that_is_writable_keeps_its_device(machine: WindowSystem) -> None:
    """The kernel would let the writes through, with a warning."""
    device = machine.attach("ext4")
    machine.boot(device, state="rw", prepare=f"printf '{ROOT}' >etc/rofs.conf")
    assert machine.run("/run/rofs-device").returncode == 0
    assert not flag(device)
    assert machine.run("cat /run/rofs/root-devices").stdout.split()[0] == "left"


def test_btrfs_on_two_devices(machine: WindowSystem) -> None:
    need_programs("mkfs.btrfs")
    one, two = machine.attach("btrfs"), machine.attach("btrfs", "second")
    subprocess.run(["mkfs.btrfs", "-q", "-f", "-m", "raid1", one, two], check=True)
    machine.boot(one, prepare=f"printf '{ROOT}' >etc/rofs.conf")
    said = " ".join(machine.run("/run/rofs-bin check").stdout.split())
    assert "makes writable all the same" in said
    assert machine.run("/run/rofs-device").returncode == 0
    assert flag(one) and flag(two)
    steps = machine.steps()
    assert steps.do("open") == "ok"
    assert not flag(one) and not flag(two)
    assert [steps.do("write etc/new"), steps.do("close")] == ["ok", "ok"]
    assert flag(one) and flag(two)


def test_a_soft_reboot_into_a_maintenance_boot(disk: Disk) -> None:
    """The kernel goes on, with the devices as they are."""
    disk.boot(ROOT)
    disk.set()
    disk.machine.run("touch /run/rofs/maintenance")
    done = disk.set()
    assert (done.returncode, done.stderr) == (0, "")
    assert disk.flags() == (False, False, False)
    assert disk.listed() == []
    assert disk.machine.run("mount -o remount,rw /").returncode == 0


MOUNT_UNIT = """
mkdir -p etc/systemd/system/local-fs.target.wants
printf '[Mount]\\nWhat={other}\\nWhere=/srv\\nOptions=%s\\n' {{options}} \
    >etc/systemd/system/srv.mount
ln -s ../srv.mount etc/systemd/system/local-fs.target.wants
"""


@pytest.mark.parametrize(("options", "is_late"), [("noatime", True), ("ro", False)])
def test_a_mount_unit_that_needs_the_disk(disk: Disk, options: str, is_late: bool) -> None:
    """Nothing says that it is mounted by then."""
    disk.boot(ROOT, prepare=MOUNT_UNIT.replace("{{options}}", options))
    answer = json.loads(disk.machine.run("/run/rofs-bin check --json").stdout)
    found = [p for p in answer["problems"] if p["kind"] == "root-device-late"]
    assert [p["severity"] for p in found] == ["warning"] * is_late
    assert all(p["file"] == "/etc/systemd/system/srv.mount" and
               "mounts /srv writable from a disk that Device=read-only" in p["message"]
               for p in found)


def test_a_root_on_no_block_device(said) -> None:
    found = said("echo '== check'; /rofs-bin check --json || echo \"exit $?\"\n",
                 conf=ROOT + "[Overlay /var]\n")["check"]
    answer, status = found.rsplit("exit", 1)
    problem, = [p for p in json.loads(answer)["problems"] if p["kind"].startswith("root-device")]
    assert (problem["kind"], problem["severity"], problem["line"]) == (
        "root-device-none", "error", 2)
    assert status == " 1\n"


def test_nothing_is_done_that_is_not_declared(machine: WindowSystem) -> None:
    device = machine.attach("ext4")
    machine.boot(device)
    done = machine.run("/run/rofs-device")
    assert done.returncode == 1
    assert "rofs.conf does not declare Device=read-only in [Root]" in done.stderr
    assert not flag(device)
