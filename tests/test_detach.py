"""rofs-prepare detach, between real mounts: what it unmounts when devices are gone.

A tmpfs stands in for the partition: mount(8) lets it have any source.
"""

from __future__ import annotations

import pytest
from mounted_system import DATA, System, sections
from support import need_programs

pytestmark = pytest.mark.root

CONF = f"""\
[Overlay /var]
[Overlay /etc]
{DATA}
[Persist /var/data]
Partition=data
Directory=/kept
[Persist /etc/kept]
Partition=data
Directory=/file
Kind=file
"""

# The partition has this source.
BOOT_FROM = """
boot_from() {
    generate 2>/dev/null; early_mounts; pools
    umount /rofs/persist/data
    mount -t tmpfs -o mode=0755,private "$1" /rofs/persist/data
    prepare; merge
    echo data >/var/data/file; echo kept >/etc/kept
}
shown() {
    { findmnt -rno SOURCE,FSTYPE --mountpoint "$1" || echo "$1: nothing mounted"; } | tail -n 1
}
block_device() { for d in /dev/* /dev/*/*; do [ ! -b "$d" ] || { echo "$d"; return; }; done; }
detach() { if /rofs-prepare detach 2>&1; then echo 0; else echo $?; fi; }
"""


def test_dead_device_is_unmounted_though_files_are_open(system: System) -> None:
    found = sections(system(CONF, BOOT_FROM + """
        boot_from /dev/gone
        echo == before; shown /var/data; shown /etc/kept; shown /rofs/persist/data
        exec 3>>/var/data/held; cd /rofs/persist/data
        echo == detach; detach
        cd /
        echo == after; shown /var/data; shown /etc/kept; shown /rofs/persist/data
        echo == writes
        (echo lost >/var/data/lost) 2>/dev/null || echo /var/data
        (echo lost >/etc/kept) 2>/dev/null || echo /etc/kept
        echo == again; detach
        echo == back
        mount -t tmpfs -o mode=0755,private /dev/back /rofs/persist/data
        prepare; merge
        echo new >/var/data/file; echo new >/etc/kept
        shown /var/data; shown /etc/kept; cat /rofs/persist/data/kept/file /rofs/persist/data/file
        """, ": >etc/kept"))
    assert found["before"] == ["/dev/gone[/kept] tmpfs", "/dev/gone[/file] tmpfs",
                               "/dev/gone tmpfs"]
    assert found["detach"] == ["rofs-prepare: [Partition data]: its device /dev/gone was removed; "
                               "unmounting what is mounted from it", "0"]
    assert found["after"] == ["rofs autofs", "/etc/kept: nothing mounted",
                              "/rofs/persist/data: nothing mounted"]
    # That of a single file is an attribute of a file on tmpfs: Linux 6.1.
    assert found["writes"] == ["/var/data", "/etc/kept"]
    assert found["again"] == ["0"]
    assert found["back"] == ["/dev/back[/kept] tmpfs", "/dev/back[/file] tmpfs",
                             "new", "new"]


def test_umount_of_systemd_that_comes_later_leaves_a_guard(system: System) -> None:
    """It unmounts what is on top of the path, once; time after time, no more guards are added."""
    found = sections(system(CONF, BOOT_FROM + """
        guards() { findmnt -rno FSTYPE --mountpoint /var/data | wc -l; }
        boot_from /dev/gone
        detach >/dev/null; echo == after; guards; umount /var/data
        echo == late; shown /var/data; (echo lost >/var/data/lost) 2>/dev/null || echo refused
        for device in /dev/gone2 /dev/gone3; do
            mount -t tmpfs -o mode=0755,private $device /rofs/persist/data; prepare; merge
            echo == $device; detach >/dev/null; guards
        done
        """, ": >etc/kept"))
    assert found["after"] == ["2"]
    assert found["late"] == ["rofs autofs", "refused"]
    assert found["/dev/gone2"] == found["/dev/gone3"] == ["2"]


@pytest.mark.parametrize("source", ["$(block_device)", "network:/export", "/run/disk"])
def test_device_that_is_there_is_left_alone(system: System, source: str) -> None:
    """Any block device that is removed starts it."""
    found = sections(system(CONF, BOOT_FROM + f"""
        boot_from {source}
        echo == detach; detach
        echo == after; cat /var/data/file /etc/kept
        """, ": >etc/kept"))
    assert found["detach"] == ["0"]
    assert found["after"] == ["data", "kept"]


@pytest.mark.parametrize("known, after", [
    ("$major:$minor", "/dev/old ext4"), ("1:1", "/rofs/persist/data: nothing mounted")])
def test_device_that_was_renamed_is_left_alone(system: System, known: str, after: str) -> None:
    """lvrename(8) takes the name away that the table of mounts has; the kernel knows the number."""
    need_programs("mkfs.ext4", "losetup")
    found = sections(system(CONF, BOOT_FROM + f"""
        truncate -s 8M /run/image; mkfs.ext4 -q /run/image
        disk=$(losetup --find --show /run/image)
        major=$(stat -c %Hr $disk) minor=$(stat -c %Lr $disk)
        mount -t tmpfs sys /sys; mkdir -p /sys/dev/block/{known}
        generate 2>/dev/null; early_mounts; pools
        umount /rofs/persist/data
        mount -t tmpfs dev /dev; mknod /dev/null c 1 3; mknod /dev/old b $major $minor
        mount -t ext4 /dev/old /rofs/persist/data
        mknod /run/disk-node b $major $minor; losetup -d /run/disk-node
        prepare; merge
        rm /dev/old
        echo == detach; detach
        echo == after; shown /rofs/persist/data
        """, ": >etc/kept; mkdir sys"))
    assert found["detach"][-1] == "0"
    assert found["after"] == [after]


def test_what_somebody_else_has_mounted_stays(system: System) -> None:
    found = sections(system(CONF, BOOT_FROM + """
        boot_from /dev/gone
        mount -t tmpfs another /var/data
        echo == detach; detach
        echo == after; shown /var/data | tail -n 1; shown /etc/kept; shown /rofs/persist/data
        """, ": >etc/kept"))
    assert found["detach"][-1] == "0"
    assert found["after"] == ["another tmpfs", "/etc/kept: nothing mounted",
                              "/rofs/persist/data: nothing mounted"]


def test_mount_point_of_fstab_on_the_device_is_unmounted_too(system: System) -> None:
    found = sections(system(CONF, BOOT_FROM + """
        boot_from /dev/gone
        mount --bind /rofs/persist/data /mnt
        echo == detach; detach
        echo == after; shown /mnt
        """, ": >etc/kept; mkdir mnt; echo 'LABEL=data /mnt ext4 defaults 0 2' >etc/fstab"))
    assert found["detach"][-1] == "0"
    assert found["after"] == ["/mnt: nothing mounted"]


def test_path_that_leads_elsewhere_by_now_is_left_alone(system: System) -> None:
    """Whoever owns a directory above may rename it and put a link in its place."""
    boot = BOOT_FROM.replace("/var/data", "/var/a/data")
    found = sections(system(CONF.replace("/var/data", "/var/a/data"), boot + """
        boot_from /dev/gone
        mkdir -p /var/x/data
        mount -t tmpfs other /var/x/data
        mv /var/a /var/b; ln -s x /var/a
        echo == detach; detach
        echo == after; shown /var/x/data; shown /etc/kept; shown /rofs/persist/data
        """, ": >etc/kept"))
    assert found["detach"][1:] == [
        "rofs-prepare: /etc/rofs.conf:6: [Persist /var/a/data]: /var/a is a symbolic link, which "
        "is not followed here; expected a directory or file", "1"]
    assert found["after"] == ["other tmpfs", "/etc/kept: nothing mounted",
                              "/rofs/persist/data: nothing mounted"]


KEPT = f"""\
[Overlay /srv]
Partition=data
{DATA}
[Persist /srv/data]
Partition=data
Directory=/kept
"""
LOWER = "mkdir -p srv/other srv/data; echo lower >srv/lower"
KEEP_ON = """
keep_on() {
    generate 2>/dev/null; early_mounts; pools
    umount /rofs/persist/data
    mount -t tmpfs -o mode=0755,private "$1" /rofs/persist/data
    prepare; merge
}
"""


def test_overlay_whose_changes_are_on_the_device_is_unmounted(system: System) -> None:
    """It would answer with errors, and stay there when the partition is back."""
    found = sections(system(KEPT, BOOT_FROM + KEEP_ON + """
        keep_on /dev/gone
        echo == before; shown /srv; shown /rofs/overlay/srv
        exec 3>>/srv/held
        echo == detach; detach | tail -n 1
        echo == after; shown /srv; shown /rofs/overlay/srv; ls /srv
        echo == back
        mount -t tmpfs -o mode=0755,private /dev/back /rofs/persist/data
        prepare; merge
        echo new >/srv/new; ls /srv; cat /rofs/persist/data/overlay/srv/upper/new
        """, LOWER))
    assert found["before"] == ["rofs overlay", "rofs overlay"]
    assert found["detach"] == ["0"]
    assert found["after"] == ["/srv: nothing mounted", "/rofs/overlay/srv: nothing mounted",
                              "data", "lower", "other"]
    assert found["back"] == ["data", "lower", "new", "other", "new"]


def test_what_is_alive_below_a_dead_persist_stays(system: System) -> None:
    """A lazy unmount would take it along."""
    found = sections(system(CONF, BOOT_FROM + """
        boot_from /dev/gone
        mkdir /var/data/other; mount -t tmpfs alive /var/data/other
        echo == detach; detach
        echo == after; shown /var/data; shown /var/data/other; shown /etc/kept
        """, ": >etc/kept"))
    assert found["detach"][1:] == [
        "rofs-prepare: cannot unmount /var/data, which uses the removed device /dev/gone: "
        "/var/data/other is mounted below it", "1"]
    assert found["after"] == ["/dev/gone[/kept] tmpfs", "alive tmpfs", "/etc/kept: nothing mounted"]


def test_what_is_alive_below_a_dead_overlay_stays(system: System) -> None:
    found = sections(system(KEPT, BOOT_FROM + KEEP_ON + """
        keep_on /dev/gone
        mount -t tmpfs alive /srv/other
        echo == detach; detach
        echo == after; shown /srv; shown /srv/other; shown /rofs/persist/data
        """, LOWER))
    assert found["detach"][1:] == [
        "rofs-prepare: cannot unmount /srv, which uses the removed device /dev/gone: "
        "/srv/other is mounted below it", "1"]
    assert found["after"] == ["rofs overlay", "alive tmpfs", "/rofs/persist/data: nothing mounted"]
