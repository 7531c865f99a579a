"""rofs-prepare between real mounts: what a path shows instead of its overlay."""

from __future__ import annotations

from pathlib import Path

import pytest
from mounted_system import DATA, RUNNING_ID, System, sections

pytestmark = pytest.mark.root


def test_missing_lower_costs_its_overlay_only(system: System) -> None:
    """What is below a file system of fstab is not known before it is mounted."""
    found = sections(system(
        f"[Overlay /a]\nPartition=data\n[Overlay /srv/gone]\nPartition=data\n"
        f"[Overlay /var]\nPartition=data\n{DATA}",
        """
        boot 2>/run/said
        echo == status; cat /run/status; echo == said; cat /run/said
        echo == work; cd /run/disk/overlay; ls -d */work srv/*/work 2>/dev/null || true
        echo == works; touch /a/x /var/x; ls /run/disk/overlay/*/upper/x
        """,
        "mkdir a srv; echo 'LABEL=srv /srv ext4 defaults 0 0' > etc/fstab"))
    assert found["status"][0] == "1"
    assert found["work"] == ["a/work", "var/work"]
    assert any("/rofs/ro/srv/gone" in line for line in found["said"])
    assert len(found["works"]) == 2


def test_layers_that_the_kernel_refuses_cost_their_overlay_only(system: System) -> None:
    """An overlay cannot hold the upper of another one."""
    found = sections(system(
        f"[Overlay /var]\nPartition=data\n[Overlay /home]\n{DATA}",
        """
        cd /run; mkdir a b c; mount -t overlay x -o lowerdir=a,upperdir=b,workdir=c /run/disk; cd /
        boot 2>/run/said
        echo == status; cat /run/status; echo == said; cat /run/said
        echo == home; findmnt -n -o FSTYPE /home
        mountpoint -q /rofs/overlay/var || echo not on /var
        """))
    assert found["status"] == ["1"]
    assert ("rofs-prepare: /var: the kernel refused to mount the overlay: Invalid argument;"
            " see journalctl -k") in found["said"]
    assert found["home"] == ["overlay", "not on /var"]


def test_without_overlayfs_paths_are_bound_read_only(system: System, fault_library: Path) -> None:
    done = system("[Overlay /etc]\n[Overlay /var]\n[Overlay /home]\nSize=1M\n", r"""
        export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
        for run in 1 2; do
            LD_PRELOAD=/run/fault.so FAULT_TYPE=overlay /rofs-prepare ram; echo $?
        done
        findmnt -rn -o TARGET | grep -E '^/(etc|var|home)'
        for d in /etc /var /home; do touch $d/new 2>/dev/null && echo $d; done
        cat /etc/machine-id
        mount -t tmpfs persist /var/lib; findmnt -rn -o SOURCE /var/lib
    """, f"""
        cp {fault_library} run/fault.so; echo {RUNNING_ID} > run/id; : > etc/machine-id
        mount --bind run/id etc/machine-id; mkdir var/lib; mount --make-shared .
    """)
    assert done.stderr.splitlines() == [
        "rofs-prepare: this kernel has no overlayfs: /etc /home /var stay read-only"] * 2
    assert done.stdout.split() == [
        "0", "0", "/etc/machine-id", "/etc", "/etc/machine-id", "/home", "/var",
        RUNNING_ID, "persist"]


# A file system whose type says nothing: an overlay on another, on which the kernel takes no third.
REFUSED = """
    mkdir srv; touch srv/below
    echo 'x /srv overlay lowerdir=/run/upper:/run/deep 0 0' > etc/fstab
    mkdir run/a run/b run/upper run/deep; echo on flash > run/b/file
    mount -t overlay x -o lowerdir=run/a:run/b run/deep
"""


def test_lower_that_the_kernel_refuses_is_shown_read_only(system: System) -> None:
    done = system("[Overlay /srv]\n[Overlay /var]\n", """
        boot
        cat /run/status; ls /srv; cat /srv/file; touch /srv/new || true; touch /var/new
        findmnt -rn -o OPTIONS --mountpoint /srv
        /rofs-prepare overlay /srv || echo $?
    """, REFUSED)
    assert done.returncode == 0, done.stderr
    # The unit of the overlay fails, as ever; that of the path finds it mounted.
    missing, status, *shown, options, again = done.stdout.splitlines()
    assert missing == "not mounted: rofs-overlay-srv.mount"
    assert (status, shown, again) == ("1", ["file", "on flash"], "1")
    assert options.split(",")[0] == "ro"
    told = [line for line in done.stderr.splitlines() if "rofs-prepare" in line]
    assert len(told) == 2 and "/srv: the kernel refused to mount the overlay" in told[0]
    assert "touch: cannot touch '/srv/new': Read-only file system" in done.stderr


def test_lower_of_fstab_is_shown_without_overlayfs(system: System, fault_library: Path) -> None:
    found = sections(system("[Overlay /srv]\n", """
        export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
        generate 2>/dev/null; early_mounts; pools
        LD_PRELOAD=/run/fault.so FAULT_TYPE=overlay /rofs-prepare overlay /srv 2>&1
        merge
        echo == srv; ls /srv
    """, f"cp {fault_library} run/fault.so\n" + REFUSED))
    assert found["srv"] == ["file"]


def test_lower_that_the_kernel_refuses_without_its_partition(system: System) -> None:
    done = system(DATA + "[Overlay /srv]\nPartition=data\nIfMissing=volatile\n", """
        generate 2>/dev/null; early_mounts; pools; umount /rofs/persist/data; prepare; merge
        cat /srv/file; touch /srv/new 2>/dev/null || echo read-only
    """, REFUSED)
    assert done.stdout.splitlines()[-2:] == ["on flash", "read-only"], done.stdout + done.stderr


INSTEAD = (f"{DATA}[Overlay /etc]\nPartition=data\nIfMissing=volatile\n"
           "[Overlay /var]\nPartition=data\nIfMissing=volatile\n"
           "[Overlay /srv]\nPartition=data\n")
# As on a machine where the partition has not come: only what needs no device is mounted.
WITHOUT = """
generate 2>/dev/null; cd $units; start rofs.mount; start rofs-ro.mount
mount -t tmpfs srv /srv; touch /srv/old; mkdir -p /rofs/ro/srv; mount --bind -o ro /srv /rofs/ro/srv
"""


def test_without_the_partition_an_overlay_has_what_it_says(system: System) -> None:
    found = sections(system(
        INSTEAD,
        WITHOUT + """
        umount /srv
        for p in etc var srv; do /rofs-prepare fallback /$p || echo failed; done
        echo == volatile; touch /etc/new /var/new; ls /rofs/rw/etc/upper/new /rofs/rw/var/upper/new
        cat /etc/machine-id; findmnt -rno SOURCE --mountpoint /var
        echo == lower; ls /srv; touch /srv/new 2>&1 | grep -o Read-only.* || true
        echo == again; /rofs-prepare fallback /var; findmnt -rno SOURCE --mountpoint /var
        """,
        f"""
        mkdir srv; echo 'srv /srv tmpfs defaults 0 0' > etc/fstab
        : > etc/machine-id; echo {RUNNING_ID} > run/machine-id
        """))
    assert found["volatile"] == [
        "/rofs/rw/etc/upper/new", "/rofs/rw/var/upper/new", RUNNING_ID, "rofs"]
    assert found["lower"] == ["old", "Read-only file system"]
    assert found["again"] == ["rofs"]


def test_with_the_partition_an_overlay_is_what_was_declared(system: System) -> None:
    found = sections(system(
        INSTEAD.replace("[Overlay /srv]\nPartition=data\n", ""),
        """
        boot
        echo == upper; touch /etc/new /var/new; cd /run/disk/overlay; ls */upper/new
        echo == ram; ls /rofs/rw 2>/dev/null || true
        """))
    assert found["upper"] == ["etc/upper/new", "var/upper/new"]
    assert found["ram"] == []
