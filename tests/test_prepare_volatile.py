"""rofs-prepare between real mounts. IfMissing=volatile: the path is there without its partition."""

from __future__ import annotations

import pytest
from mounted_system import DATA, System, sections

pytestmark = pytest.mark.root


def test_volatile_path_below_tmp_is_made_there(system: System) -> None:
    found = sections(system(
        f"{DATA}[Persist /tmp/a/spool]\nPartition=data\nDirectory=/s\nIfMissing=volatile\n"
        "Mode=0700\nUser=alice\n", """
        generate 2>/dev/null; early_mounts
        echo == made; stat -c '%n %a %u' /tmp/a /tmp/a/spool
        touch /tmp/a/spool/file; chmod 0711 /tmp/a/spool
        echo == again; early_mounts; cat /run/status; stat -c '%a %u' /tmp/a/spool; ls /tmp/a/spool
        umount /tmp; echo == root; ls -A /tmp
        """))
    assert found["made"] == ["/tmp/a 755 0", "/tmp/a/spool 700 1234"]
    assert found["again"] == ["0", "711 1234", "file"]
    assert found["root"] == []


VOLATILE = ("[Overlay /var]\nStartEmpty=/var/log\n" + DATA
            + "[Persist /var/lib/app/a]\nPartition=data\nDirectory=/a\nIfMissing=volatile\n%s")


@pytest.mark.parametrize("keys, facts", [
    ("", "755 0 0 directory"),
    ("Mode=02750\nUser=alice\nGroup=staff\n", "2750 1234 4321 directory"),
    ("Mode=0700\n", "700 0 0 directory"), ("User=77\nGroup=88\n", "755 77 88 directory"),
    ("Kind=file\nMode=0600\nUser=alice\n", "600 1234 0 regular empty file"),
    ("Kind=file\n", "644 0 0 regular empty file")])
def test_volatile_path_that_the_lower_lacks_is_in_ram(
    system: System, keys: str, facts: str
) -> None:
    found = sections(system(
        VOLATILE % keys, """
        generate 2>/dev/null; early_mounts; early_mounts
        echo == facts; stat -c '%a %u %g %F' /var/lib/app/a
        echo == above; stat -c '%a %u %g' /var/lib /var/lib/app; cat /run/status
        echo == lower; ls /rofs/ro/var/lib; ls -A /rofs/rw/var
        """, "mkdir -p var/lib; chmod 0711 var/lib; chown 3:4 var/lib"))
    assert found["facts"] == [facts]
    assert found["above"] == ["711 3 4", "755 0 0", "0"]
    assert found["lower"] == ["upper", "work"]


def test_volatile_path_of_the_lower_is_left_alone(system: System) -> None:
    found = sections(system(
        VOLATILE % "Mode=0700\nUser=alice\n", """
        generate 2>/dev/null; early_mounts
        echo == facts; stat -c '%a %u' /var/lib/app/a; ls /var/lib/app/a; cat /run/status
        echo == upper; ls -A /rofs/rw/var/upper
        """, "mkdir -p var/lib/app/a; touch var/lib/app/a/old; chmod 0755 var/lib/app/a"))
    assert found["facts"] == ["755 0", "old", "0"]
    assert "lib" not in found["upper"]


def test_volatile_path_in_what_starts_empty_is_made(system: System) -> None:
    found = sections(system(
        (VOLATILE % "Mode=0700\n").replace("/var/lib/app/a", "/var/log/app"),
        "generate 2>/dev/null; early_mounts; echo == facts; stat -c %a /var/log/app; "
        "ls -A /var/log /var/log/app\n",
        "mkdir -p var/log/app; touch var/log/app/old"))
    assert found["facts"] == ["700", "/var/log:", "app", "/var/log/app:"]


def test_volatile_path_of_an_unknown_user_is_told(system: System) -> None:
    found = sections(system(
        VOLATILE % "User=nobody-here\n", """
        generate 2>/dev/null; early_mounts 2>/run/said
        echo == status; cat /run/status; ls -A /rofs/rw/var; findmnt -no FSTYPE --mountpoint /var
        echo == made; ls /var/lib/app; echo == said; cat /run/said
        """, "mkdir var/lib"))
    assert found["status"] == ["1", "upper", "work", "overlay"]
    assert found["made"] == []
    [said] = found["said"]
    assert "[Persist /var/lib/app/a]: User=nobody-here: no such user" in said


def test_volatile_paths_are_made_in_an_older_upper(system: System) -> None:
    found = sections(system(
        f"{DATA}[Partition other]\nDevice=LABEL=other\n[Overlay /srv]\nPartition=data\n", """
        boot; umount /srv /rofs/overlay/srv /rofs/persist/data /rofs/ro /rofs; rm -r /run/units
        printf '[Persist /srv/a]\\nPartition=other\\nDirectory=/a\\nMode=0700\\n' >> /etc/rofs.conf
        echo IfMissing=volatile >> /etc/rofs.conf
        generate 2>/dev/null; pools; umount /rofs/persist/other
        /rofs-prepare partition data; merge || true
        echo == facts; stat -c %a /srv/a; cat /run/status; ls -A /run/disk/overlay/srv
        """, "mkdir srv"))
    assert found["facts"] == ["700", "0", "upper", "work"]


def test_upper_that_was_removed_is_made_with_the_attributes_of_the_lower(system: System) -> None:
    """Whoever starts over may leave the directory work."""
    found = sections(system(
        f"{DATA}[Overlay /srv]\nPartition=data\n", """
        boot; umount /srv /rofs/overlay/srv /rofs/persist/data /rofs/ro /rofs; rm -r /run/units
        rm -r /run/disk/overlay/srv/upper
        boot; echo == facts; stat -c '%a %u %g' /srv; cat /run/status; touch /srv/new
        """, "mkdir -m 2751 srv; chown 3:4 srv; chmod 2751 srv"))
    assert found["facts"] == ["2751 3 4", "0"]


@pytest.mark.parametrize("deleted", ["a/b", "a"])
@pytest.mark.parametrize("kind", ["directory", "file"])
def test_mount_point_that_was_deleted_from_an_older_upper_comes_back(
    system: System, kind: str, deleted: str
) -> None:
    """While the partition was missing, or before the persist was declared."""
    new = "srv/a/b/old" if kind == "directory" else "srv/a/b"
    found = sections(system(
        f"{DATA}[Overlay /srv]\nPartition=data\n", f"""
        boot; rm -r /srv/{deleted}
        umount /srv /rofs/overlay/srv /rofs/persist/data /rofs/ro /rofs; rm -r /run/units
        cat >> /etc/rofs.conf << .
[Partition other]
Device=LABEL=other
[Persist /srv/a/b]
Partition=other
Directory=/b
Kind={kind}
IfMissing=volatile
Mode=0700
.
        generate 2>/dev/null; pools; umount /rofs/persist/other; sum=0
        /rofs-prepare partition data || sum=$?; merge || true
        echo == facts; stat -c '%a %u %F' /srv/a /srv/a/b; echo $sum
        echo == below; find /srv/a -mindepth 2
        """, f"mkdir -m 0711 -p srv/a; mkdir -p {new.rsplit('/', 1)[0]}; echo old > {new}; "
        "touch srv/a/next"))
    what = "directory" if kind == "directory" else "regular empty file"
    assert found["facts"] == ["711 0 directory", f"700 0 {what}", "0"]
    assert found["below"] == []


def test_data_is_mounted_on_a_volatile_path(system: System) -> None:
    found = sections(system(
        VOLATILE % "Mode=0700\nUser=alice\n", """
        boot; echo == facts; stat -c '%a %u' /var/lib/app/a; echo x > /var/lib/app/a/file
        cat /run/disk/a/file; cat /run/status; umount /var/lib/app/a; stat -c '%a %u' /var/lib/app/a
        """, "mkdir var/lib"))
    assert found["facts"] == ["700 1234", "x", "0", "700 1234"]
