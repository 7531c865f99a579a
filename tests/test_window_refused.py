"""The write window is refused, and nothing is changed: what `rofs commit` and others say then."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support import need_programs
from window_system import (
    KINDS,
    WindowSystem,
    boot_from_partition,
    refused,
    steps_once,
)

pytestmark = pytest.mark.root


def test_only_root_can_open_it(ext4: WindowSystem) -> None:
    done = ext4.run("printf 'check\\nopen\\n' | setpriv --reuid 1234 --clear-groups "
                    "/run/steps /rofs/ro")
    assert done.stdout == "-1: only root can do this; use sudo\n" * 2


def test_a_process_that_may_not_mount_is_refused(ext4: WindowSystem) -> None:
    done = ext4.run("printf 'open\\nis-open\\n' | setpriv --bounding-set -sys_admin "
                    "/run/steps /rofs/ro")
    assert done.stdout == ("-1: this process must not mount anything; run it outside of the "
                           "container or the service\nok\n")
    assert not ext4.is_open()


def test_with_the_privileges_of_a_service(ext4: WindowSystem) -> None:
    """Those that unit/unit-sandbox.c gives what opens a window, without CAP_SYS_CHROOT."""
    kept = ("chown dac_override dac_read_search fowner fsetid lease linux_immutable mknod setfcap "
            "sys_admin sys_resource").split()
    before = ext4.superblock()
    done = ext4.run("printf 'open\\nwrite etc/new\\nclose\\n' | setpriv --bounding-set -all,"
                    + ",".join(f"+{name}" for name in kept)
                    + " --no-new-privs /run/steps /rofs/ro")
    assert done.stdout == "ok\n" * 3, done.stderr
    assert ext4.superblock() == before
    assert ext4.run("cat /etc/new").stdout == "text\n"


@pytest.mark.parametrize("where", ["/etc", "/none", "/etc/file", "/bin"])
def test_a_path_where_nothing_is_mounted_is_refused(ext4: WindowSystem, where: str) -> None:
    assert refused(ext4, "/rofs/ro", where) == (
        f"-1: nothing is mounted on {where}; see rofs status")


def test_another_directory_on_rofs_ro_is_refused(machine: WindowSystem) -> None:
    machine.boot(machine.attach("ext4"), more="mount --bind etc rofs/ro")
    assert refused(machine) == "-1: /rofs/ro shows another directory than /; see rofs status"


@pytest.mark.parametrize("kind", KINDS)
def test_a_write_protected_device_is_refused(machine: WindowSystem, kind: str) -> None:
    device = machine.attach(kind)
    machine.boot(device)
    subprocess.run(["blockdev", "--setro", device], check=True)
    assert refused(machine) == (f"-1: the device of /rofs/ro is write-protected ({device}); "
                                "remove the protection")
    subprocess.run(["blockdev", "--setrw", device], check=True)
    assert steps_once(machine, "check") == "ok"


# What /sys has of a device of dm-verity, in place of another's: there may be no device mapper.
VERITY = """
shown=sys/devices/virtual/block/{name}
mkdir -p run/shown/dm
cp $shown/dev $shown/uevent run/shown
echo 1 >run/shown/ro
echo CRYPT-VERITY-0123456789abcdef-root >run/shown/dm/uuid
mount --bind run/shown $shown
"""


def boot_with_verity(machine: WindowSystem, prepare: str = "") -> str:
    device = machine.attach("ext4")
    machine.boot(device, prepare=prepare, more=VERITY.format(name=Path(device).name))
    return device


def test_dm_verity_is_refused(machine: WindowSystem) -> None:
    """Its protection cannot be removed: without it, the root would not be the one that was made."""
    device = boot_with_verity(machine)
    assert refused(machine) == (f"-1: /rofs/ro is on dm-verity ({device}), which cannot be "
                                "written; make a new image")


def check_of_commits(machine: WindowSystem) -> str:
    said = machine.run("/run/rofs-bin check").stdout
    return "\n".join(line for line in said.splitlines() if "nothing can be committed" in line)


COMMIT_CONF = """
mkdir -p var
printf '[Overlay /var]\\nCommitAt=daily\\n' >etc/rofs.conf
"""


def test_check_knows_that_nothing_can_be_committed(machine: WindowSystem) -> None:
    boot_with_verity(machine, prepare=COMMIT_CONF)
    assert check_of_commits(machine) == (
        "/etc/rofs.conf:2: warning: [Overlay /var]: nothing can be committed to its lower, which "
        "is on dm-verity; use Partition= instead of CommitAt=")


def test_check_knows_of_write_protection(machine: WindowSystem) -> None:
    device = machine.attach("ext4")
    machine.boot(device, prepare=COMMIT_CONF)
    assert check_of_commits(machine) == ""
    subprocess.run(["blockdev", "--setro", device], check=True)
    assert check_of_commits(machine) == (
        "/etc/rofs.conf:2: warning: [Overlay /var]: nothing can be committed to its lower, whose "
        f"device is write-protected ({device}); use Partition= instead of CommitAt=")


def test_a_partition_of_a_write_protected_disk_is_refused(machine: WindowSystem) -> None:
    device, part = boot_from_partition(machine)
    assert steps_once(machine, "check") == "ok"
    subprocess.run(["blockdev", "--setro", device], check=True)
    assert "is write-protected" in refused(machine)
    subprocess.run(["blockdev", "--setrw", device], check=True)
    machine.stop()
    subprocess.run(["partx", "-d", device], check=True)


def test_a_read_only_subvolume_is_refused(machine: WindowSystem) -> None:
    need_programs("btrfs")
    machine.boot(machine.attach("btrfs"))
    machine.run("mount -o remount,rw / && btrfs property set / ro true && mount -o remount,ro /")
    assert refused(machine) == ("-1: the subvolume on /rofs/ro is read-only; "
                                "btrfs property set makes it writable")


def test_a_file_system_that_cannot_be_written_is_refused(machine: WindowSystem) -> None:
    need_programs("mksquashfs")
    image = machine.directory / "image"
    (machine.directory / "empty").mkdir()
    subprocess.run(["mksquashfs", str(machine.directory / "empty"), str(image), "-quiet"],
                   check=True, stdout=subprocess.PIPE)
    if "squashfs" not in Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has no squashfs")
    machine.boot(machine.attach("ext4"), more=f"mount -o loop,ro {image} srv")
    assert refused(machine, "/rofs/ro", "/srv") == (
        "-1: /srv is squashfs, which cannot be written; make a new image")


@pytest.mark.parametrize("prepare", [
    "rmdir .rofs; mkdir -m 0700 other; ln -s other .rofs",
    "chmod 0770 .rofs",
    "chown 1234 .rofs",
])
def test_a_directory_that_others_may_use_is_refused(machine: WindowSystem, prepare: str) -> None:
    """Below /rofs is what a later run, as root, takes for its own."""
    machine.boot(machine.attach("ext4"))
    home = machine.attach("ext4", "home")
    machine.run(f"mount {home} /home && cd /home && mkdir -m 0700 .rofs && {{ {prepare}; }};"
                "mount -o remount,ro /home")
    assert refused(machine, "/rofs/ro", "/home") == (
        "-1: /home/.rofs is not a directory that is owned by root and writable only by it; "
        "remove it in a maintenance boot")


def test_a_mount_that_would_become_writable_is_refused(machine: WindowSystem) -> None:
    machine.boot(machine.attach("ext4"), more="""
        mount --bind srv home
        mount -o remount,bind,rw home
        """)
    top = machine.directory / "sys"
    assert machine.mountinfo("/home")[5].startswith("rw")
    assert refused(machine) == ("-1: the mount on /home would become writable with /rofs/ro; "
                                "remount it read-only first"), top
