"""rofs-prepare where users other than root may have made or moved links."""

from __future__ import annotations

import pytest
from mounted_system import DATA, System, sections

pytestmark = pytest.mark.root

# openat2(2) is in Linux 5.6; a filter of system calls may forbid it as well.
KERNELS = {"5.6 and later": "", "before 5.6": "export LD_PRELOAD=/fault.so FAULT_OPENAT2=38\n",
           "filtered": "export LD_PRELOAD=/fault.so FAULT_OPENAT2=1\n"}


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest) -> str:
    """Commands that make rofs-prepare see such a kernel."""
    return ("export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0\n"
            + KERNELS[request.param])


# Paths on which something is mounted, after a service has changed its own directory.

SERVICE = f"[Overlay /var]\n{DATA}[Persist /var/state/log]\nPartition=data\nDirectory=/log\n"
FILE = f"[Overlay /var]\n{DATA}[Persist /var/state/f]\nPartition=data\nDirectory=/f\nKind=file\n"
LOWER = "mkdir -p var/state/log var/victim/log; touch var/state/f; echo low > var/victim/f\n"
UNGUARD = "umount /var/state/log /rofs/overlay/var/state/log\n"
PLANT = "mv /var/state /var/old; ln -s /var/victim /var/state\n"
LINK = "/var/state is a symbolic link"


def test_guard_follows_no_link(system: System, kernel: str, with_fault: str) -> None:
    found = sections(system(
        SERVICE, kernel + f"""
        generate 2>/dev/null; early_mounts; {UNGUARD}{PLANT}
        early_mounts 2>/run/said; echo == status; cat /run/status
        echo == mounts; findmnt -rno TARGET | grep -e victim -e state || true
        echo == said; cat /run/said
        """, LOWER + with_fault))
    assert found["mounts"] == []
    assert found["status"] == ["1"]
    assert len([line for line in found["said"] if LINK in line]) == 1, found["said"]


def test_guard_is_not_mistaken_for_what_is_mounted_behind_a_link(
    system: System, kernel: str, with_fault: str
) -> None:
    found = sections(system(
        SERVICE, kernel + f"""
        generate 2>/dev/null; early_mounts; {UNGUARD}{PLANT}
        mount -t tmpfs other /var/victim/log
        early_mounts 2>/run/said; echo == status; cat /run/status; cat /run/said
        """, LOWER + with_fault))
    assert found["status"][0] == "1"


def test_guard_of_a_file_follows_no_link(system: System, kernel: str, with_fault: str) -> None:
    found = sections(system(
        FILE, kernel + f"""
        generate 2>/dev/null; early_mounts
        # As an older kernel has left it, which cannot make it immutable.
        chattr -i /var/state/f; {PLANT}
        early_mounts 2>/run/said; echo == status; cat /run/status
        echo == victim; echo more >> /var/victim/f; cat /var/victim/f
        echo == said; cat /run/said
        """, LOWER + with_fault))
    assert found["victim"] == ["low", "more"]
    assert found["status"] == ["1"]
    assert len([line for line in found["said"] if LINK in line]) == 1, found["said"]


def test_persist_behind_a_link_is_not_mounted(
    system: System, kernel: str, with_fault: str
) -> None:
    found = sections(system(
        SERVICE, kernel + f"""
        generate 2>/dev/null; early_mounts; {UNGUARD}{PLANT}
        pools; prepare 2>/run/said; merge 2>/dev/null
        echo == mounts; findmnt -rno TARGET | grep -e victim -e state || true
        echo == prepared; ls /run/rofs/prepared 2>/dev/null || true
        echo == status; cat /run/status; echo == said; cat /run/said
        """, LOWER + with_fault))
    assert found["mounts"] == []
    assert found["prepared"] == []
    assert found["status"] == ["1"]
    assert len([line for line in found["said"] if LINK in line]) == 1, found["said"]


def test_persist_that_was_ready_is_not_after_a_link_was_planted(system: System) -> None:
    found = sections(system(
        SERVICE, f"""
        boot; umount -l /var/state/log; {UNGUARD}{PLANT}
        prepare 2>/dev/null; echo == prepared; ls /run/rofs/prepared; cat /run/status
        """, LOWER))
    assert found["prepared"] == ["1"]


def test_what_was_ready_is_not_on_another_medium_if_the_run_is_killed(
    system: System, with_fault: str
) -> None:
    found = sections(system(
        f"[Overlay /var]\n{DATA}[Persist /var/a]\nPartition=data\nDirectory=/a\n"
        "[Persist /var/b]\nPartition=data\nDirectory=/b\n[Overlay /srv]\nPartition=data\n", """
        boot; echo == before; ls /run/rofs/prepared; umount /srv /rofs/overlay/srv
        rm -r /run/disk/*; export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
        run() { LD_PRELOAD=/fault.so "$@" /rofs-prepare partition data; }
        run env FAULT_COUNT=/run/count; umount /rofs/overlay/srv; rm -r /run/disk/*
        # In the middle of /srv, which is the first.
        run env FAULT_SIGNAL=9 FAULT_AT=$(($(cat /run/count) / 4)) 2>/dev/null || true
        echo == after; ls /run/rofs/prepared; echo == made; ls /run/disk
        """, "mkdir -p var/a var/b srv/sub\n" + with_fault))
    assert found["before"] == ["rofs-overlay-srv.mount", "var-a.mount", "var-b.mount"]
    assert found["after"] == []
    assert found["made"] == ["overlay"]


def test_single_file_behind_a_link_stays_immutable(
    system: System, kernel: str, with_fault: str
) -> None:
    found = sections(system(
        FILE, kernel + """
        generate 2>/dev/null; early_mounts; chattr -i /var/state/f; mv /var/state /var/old
        mkdir /var/new; echo x > /var/new/f; chattr +i /var/new/f; ln -s /var/new /var/state
        pools; prepare 2>/run/said; merge 2>/dev/null
        echo == victim; (echo y >> /var/new/f) 2>/dev/null || true; cat /var/new/f
        echo == mounts; findmnt -rno TARGET | grep -e new -e state || true
        echo == status; cat /run/status
        """, LOWER + with_fault))
    assert found["victim"] == ["x"]
    assert found["mounts"] == []
    assert found["status"] == ["1"]


def test_link_in_an_overlay_on_a_partition_is_seen_in_time(system: System) -> None:
    """Planted in an earlier boot; the persist is prepared before the overlay is at its path."""
    found = sections(system(
        f"{DATA}[Overlay /srv]\nPartition=data\n[Persist /srv/state/d]\nPartition=data\n"
        "Directory=/d\n[Overlay /var]\n", """
        boot; umount -l /srv/state/d; umount -l /srv/state/d 2>/dev/null || true
        umount /rofs/overlay/srv/state/d
        mv /srv/state /srv/old; ln -s /var/victim /srv/state
        umount -l /srv /rofs/overlay/srv /rofs/persist/data; rm -r /run/units /run/rofs
        prepare_again() { generate 2>/dev/null; pools; prepare; }
        prepare_again 2>/run/said; merge 2>/dev/null
        echo == prepared; ls /run/rofs/prepared
        echo == mounts; findmnt -rno TARGET | grep victim || true
        echo == said; cat /run/said
        """, "mkdir -p srv/state/d var/victim/d"))
    assert found["prepared"] == ["rofs-overlay-srv.mount"]
    assert found["mounts"] == []
    assert any("/srv/state is a symbolic link" in line for line in found["said"])


# Lowers that fstab mounts: what is in them is not known to the plan.

FSTAB = "mkdir -p srv; echo 'LABEL=srv /srv ext4 defaults 0 0' > etc/fstab\n"
# Mounts what the machine has on /srv, as the units would.
SRV = """
mount_srv() { mount -t tmpfs -o mode=0755 srv /srv; mkdir -p /rofs/ro/srv $1;
    mount --bind -o ro /srv /rofs/ro/srv; }
"""


@pytest.mark.parametrize("kind", ["directory", "file", "directory itself", "file itself"])
def test_populate_follows_no_link(
    system: System, kernel: str, with_fault: str, kind: str
) -> None:
    itself = kind.endswith("itself")
    plant = "ln -s /secret/a /srv/u/a" if itself else "rmdir /srv/u; ln -s /secret /srv/u"
    found = sections(system(
        f"{DATA}[Persist /srv/u/a]\nPartition=data\nDirectory=/a\nPopulate=yes\n"
        f"Kind={kind.split()[0]}\n[Overlay /srv]\n", SRV + kernel + f"""
        generate 2>/dev/null; early_mounts; mount_srv /srv/u; {plant}
        # The path itself shows something harmless.
        mount -t tmpfs clean /srv; mkdir /srv/u
        mkdir -p /rofs/persist/data; mount --bind /run/disk /rofs/persist/data
        /rofs-prepare partition data 2>/run/said && echo == done || echo == failed
        echo == copied; find /run/disk -mindepth 1; echo == said; cat /run/said
        """,
        FSTAB + with_fault + "mkdir secret; echo s > secret/s; "
        + ("echo x > secret/a" if kind.startswith("file") else "mkdir secret/a")
        # The mounts that are not there yet are made by hand here.
        + "\nmkdir -p rofs/ro; mount --bind -o ro . rofs/ro\n"))
    assert "failed" in found
    assert found["copied"] == []
    link = "/rofs/ro/srv/u/a" if itself else "/rofs/ro/srv/u"
    assert any(f" {link} is a symbolic link" in line for line in found["said"]), found["said"]


def test_mode_and_owner_are_not_copied_through_a_link(system: System) -> None:
    found = sections(system(
        f"{DATA}[Persist /srv/u/a]\nPartition=data\nDirectory=/a\n[Overlay /srv]\n", SRV + """
        generate 2>/dev/null; early_mounts; mount_srv /srv; ln -s /secret /srv/u
        mount -t tmpfs clean /srv; mkdir /srv/u
        mkdir -p /rofs/persist/data; mount --bind /run/disk /rofs/persist/data
        prepare 2>/run/said; echo == made; ls /run/disk; cat /run/status
        """, FSTAB + "mkdir -p secret/a; chmod 0777 secret/a; chown 5 secret/a\n"
        "mkdir -p rofs/ro; mount --bind -o ro . rofs/ro\n"))
    assert found["made"] == ["1"]


def test_populate_stays_in_its_file_system(system: System) -> None:
    found = sections(system(
        f"[Overlay /var]\n{DATA}[Persist /var/a]\nPartition=data\nDirectory=/a\nPopulate=yes\n", """
        generate 2>/dev/null; early_mounts; pools
        mount -t tmpfs other /rofs/ro/var/a/sub; echo secret > /rofs/ro/var/a/sub/secret
        prepare; merge; echo == copied; cd /var/a; find . | sort; cat /run/status
        """, "mkdir -p var/a/sub var/a/next; touch var/a/sub/hidden var/a/next/file"))
    assert found["copied"] == [".", "./next", "./next/file", "./sub", "0"]


@pytest.mark.parametrize("keys", ["", "Partition=data\n", "Partition=data\nIfMissing=volatile\n"])
def test_lower_behind_a_link_is_merged_with_nothing(
    system: System, kernel: str, with_fault: str, keys: str
) -> None:
    found = sections(system(
        f"{DATA}[Overlay /srv/u/a]\n{keys}[Overlay /var]\n", SRV + kernel + """
        generate 2>/dev/null; early_mounts; mount_srv /srv; ln -s /secret /srv/u
        mkdir -p /rofs/persist/data; mount --bind /run/disk /rofs/persist/data
        prepare 2>/run/said; cd $units
        for u in rofs-overlay-srv*; do start $u 2>/dev/null || true; done
        # What is bound to the path requires this; so this is the end.
        sum=0; runs $units/rofs-prepare-fallback-*.service 2>>/run/said
        echo == mounts; findmnt -rno TARGET | grep -e secret -e /u/ || true
        echo == status; cat /run/status; echo == said; cat /run/said
        """, FSTAB + with_fault + "mkdir -p secret/a; echo s > secret/a/s\n"
        "mkdir -p rofs/ro; mount --bind -o ro . rofs/ro\n"))
    assert found["mounts"] == []
    assert found["status"] != ["0"]
    assert any(" /rofs/ro/srv/u is a symbolic link" in line for line in found["said"])


@pytest.mark.parametrize("keys", ["", "IfMissing=volatile\n"])
def test_fallback_follows_no_link(
    system: System, kernel: str, with_fault: str, keys: str
) -> None:
    found = sections(system(
        f"{DATA}[Overlay /srv/u/a]\nPartition=data\n{keys}", SRV + kernel + """
        generate 2>/dev/null; cd $units; start rofs.mount; start rofs-ro.mount
        mount_srv /srv; ln -s /secret /srv/u
        echo == status; /rofs-prepare fallback /srv/u/a 2>/run/said || echo 1
        echo == mounts; findmnt -rno TARGET | grep -e secret -e /u/ || true
        echo == said; cat /run/said
        """, FSTAB + with_fault + "mkdir -p secret/a; echo s > secret/a/s"))
    assert found["status"] == ["1"]
    assert found["mounts"] == []
    assert any(" /rofs/ro/srv/u is a symbolic link" in line for line in found["said"])


def test_bind_follows_no_link(system: System, kernel: str, with_fault: str) -> None:
    """Of the same file system, at its place, another directory may have been moved away."""
    found = sections(system(
        f"{DATA}[Overlay /srv/u/a]\nPartition=data\nIfMissing=volatile\n", SRV + kernel + """
        generate 2>/dev/null; cd $units; start rofs.mount; start rofs-ro.mount
        mount_srv /srv/u/a; umount /srv; mount -t tmpfs srv /srv; ln -s /secret /srv/u
        /rofs-prepare fallback /srv/u/a 2>/run/said || true
        echo == mounts; findmnt -rno TARGET | grep -e secret || true
        echo == said; cat /run/said
        """, FSTAB + with_fault + "mkdir -p secret/a"))
    assert found["mounts"] == []
    assert any("/srv/u is a symbolic link" in line for line in found["said"])


@pytest.mark.parametrize("keys", ["", "IfMissing=volatile\n"])
def test_lower_that_is_not_mounted_takes_nothing_along(system: System, keys: str) -> None:
    """Nor is its empty mount point merged with anything."""
    found = sections(system(
        f"{DATA}[Overlay /srv]\nPartition=data\n{keys}[Overlay /var]\n"
        "[Persist /var/app]\nPartition=data\nDirectory=/app\n", """
        generate 2>/dev/null; early_mounts; rm $units/rofs-ro-srv.mount; pools
        prepare 2>/run/said; cd $units
        start var-app.mount; ! start rofs-overlay-srv.mount 2>/dev/null || echo merged
        echo == required; grep -h ^Requires $units/rofs-prepare-persist-data.service
        echo == mounted; is_mounted /var/app && echo app; findmnt -rno TARGET,FSTYPE | grep srv || :
        echo == made; ls /run/disk; cat /run/status; echo == said; cat /run/said
        """, FSTAB + "mkdir -p var/app rofs/ro\n"))
    assert found["required"] == [
        'RequiresMountsFor="/rofs/persist/data"', 'RequiresMountsFor="/rofs/ro"']
    assert found["mounted"] == ["app"]
    assert found["made"] == ["app", "1"]
    assert any(line.endswith("/srv: there is no lower, since /rofs/ro/srv is not mounted")
               for line in found["said"])


# A link that root has made, for another purpose, where a user could move it.

NOTES = f"[Overlay /etc]\n{DATA}[Persist /home/bob/notes.db]\nPartition=data\n"
MOVED = "cp -p /etc/shadow /run/before\nboot 2>/run/said || true\n" + """
echo == targets; findmnt -rno TARGET | grep -e shadow -e notes || true
echo == disk; ls /run/disk; echo == shadow; stat -c '%u %a' /etc/shadow
cmp /etc/shadow /run/before && echo same; echo == said; cat /run/said
"""
MOVE = """
echo root:SECRET > etc/shadow; chmod 0640 etc/shadow
mkdir -p home/bob; chown 1234 home/bob; ln -s /etc/shadow home/bob/for-audit
setpriv --reuid 1234 --clear-groups mv home/bob/for-audit home/bob/notes.db
"""


@pytest.mark.parametrize(("directory", "said"), [
    ("Directory=/notes\nKind=file\nPopulate=yes\nUser=1234\n",
     "/home/bob/notes.db is a symbolic link"), ("", "")])
def test_moved_link_of_root_is_not_followed(system: System, directory: str, said: str) -> None:
    found = sections(system(NOTES + directory, MOVED, MOVE))
    assert found["targets"] == []
    assert found["disk"] == []
    assert found["shadow"] == ["0 640", "same"]
    assert any(said in line for line in found["said"])
