"""The write window where rofs has made the device of the root read-only: writable as long as it is
open, and read-only again whatever happens."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from window_system import (
    KINDS,
    WindowSystem,
    boot_from_partition,
    kill_all,
    refused,
    steps_once,
    wait_until,
)

pytestmark = pytest.mark.root


def make_device_read_only(machine: WindowSystem, *devices: str) -> None:
    """As rofs-device does."""
    text = ""
    for device in devices:
        number = Path(f"/sys/class/block/{Path(device).name}/dev").read_text().strip()
        text += f"set {number} {device}\n"
        subprocess.run(["blockdev", "--setro", device], check=True)
    machine.run(f"mkdir -p /run/rofs && printf %s '{text}' >/run/rofs/root-devices")


def flags(*devices: str) -> list[bool]:
    return [Path(f"/sys/class/block/{Path(device).name}/ro").read_text() == "1\n"
            for device in devices]


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_that_rofs_made_read_only_is_so_again(machine: WindowSystem, kind: str) -> None:
    device = machine.attach(kind)
    machine.boot(device)
    make_device_read_only(machine, device)
    # What Device=read-only is for. The remount of btrfs does not look at the device.
    assert kind == "btrfs" or machine.run("mount -o remount,rw /").returncode != 0
    assert machine.run(f"dd if=/dev/zero of={device} bs=4096 count=1 seek=9").returncode != 0
    before = machine.superblock()
    steps = machine.steps()
    for _ in range(2):
        assert [steps.do("check"), steps.do("open")] == ["ok", "ok"]
        assert flags(device) == [False]
        assert steps.do("write etc/new") == "ok"
        assert steps.do("close") == "ok"
        assert flags(device) == [True]
        assert machine.superblock() == before
    subprocess.run(["blockdev", "--setrw", device], check=True)
    machine.stop()
    machine.check(kind)


def test_a_disk_that_rofs_made_read_only_is_so_again(machine: WindowSystem) -> None:
    device, part = boot_from_partition(machine)
    make_device_read_only(machine, part, device)
    steps = machine.steps()
    assert [steps.do("open"), steps.do("write etc/new")] == ["ok", "ok"]
    assert flags(part, device) == [False, False]
    assert steps.do("close") == "ok"
    assert flags(part, device) == [True, True]
    steps.kill()
    machine.run("cp /run/rofs/root-devices /run/both")
    # Another partition of this disk.
    machine.run("sed 1d /run/both >/run/rofs/root-devices")
    assert steps_once(machine, "check") == "ok"
    # One whose disk is not ours.
    machine.run("sed 2d /run/both >/run/rofs/root-devices")
    assert "is write-protected" in refused(machine)
    subprocess.run(["blockdev", "--setrw", device, part], check=True)
    machine.stop()
    subprocess.run(["partx", "-d", device], check=True)


def test_who_is_killed_leaves_the_device_read_only(ext4: WindowSystem) -> None:
    device = ext4.devices[0]
    make_device_read_only(ext4, device)
    for everything in (False, True):
        steps = ext4.steps()
        assert steps.do("open") == "ok"
        if everything:
            kill_all(steps)
            assert flags(device) == [False]
            assert steps_once(ext4, "left") == "ok 1"
            assert steps_once(ext4, "restore") == "ok 1"
        else:
            steps.kill()
            ext4.wait_ro()
        wait_until(lambda: flags(device) == [True], "the device is read-only")
        wait_until(lambda: not ext4.is_open(), "the guard has ended")
        assert steps_once(ext4, "left") == "ok"


def test_who_is_killed_between_the_two(ext4: WindowSystem) -> None:
    """The file system is read-only, but not its device yet."""
    device = ext4.devices[0]
    make_device_read_only(ext4, device)
    steps = ext4.steps()
    assert steps.do("open") == "ok"
    kill_all(steps)
    assert ext4.run("mount -o remount,ro /").returncode == 0
    assert not ext4.is_rw() and flags(device) == [False]
    assert steps_once(ext4, "left") == "ok 1"
    assert steps_once(ext4, "restore") == "ok"
    assert flags(device) == [True]
    assert steps_once(ext4, "left") == "ok"


def test_a_device_that_is_gone_is_not_waited_for(ext4: WindowSystem) -> None:
    ext4.run("mkdir -p /run/rofs && echo 'set 7:250 /dev/loop250' >/run/rofs/root-devices")
    steps = ext4.steps()
    assert [steps.do("open"), steps.do("close")] == ["ok", "ok"]
