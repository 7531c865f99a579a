"""rofs-prepare between real mounts: directories of persists, guards on their paths, their users."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from mounted_system import DATA, System, sections
from support import need_programs, program

pytestmark = pytest.mark.root


def test_persist_directories_are_made_as_declared(system: System) -> None:
    found = sections(system(
        f"[Overlay /var]\n{DATA}"
        "[Persist /var/a]\nPartition=data\nDirectory=/a\nMode=02750\nUser=alice\nGroup=staff\n"
        "[Persist /var/b]\nPartition=data\nDirectory=/deep/er/b\nUser=77\nGroup=88\n"
        "[Persist /var/like]\nPartition=data\nDirectory=/like\n"
        "[Persist /var/new]\nPartition=data\nDirectory=/new\n"
        "[Persist /var/here]\nPartition=data\nDirectory=/here\nMode=0700\nUser=alice\n",
        """
        boot
        echo == made
        cd /run/disk; stat -c '%a %u %g %n' a deep deep/er deep/er/b like new here
        getfacl -cpn like | grep user:9
        echo == bound; echo kept > /var/a/file; cat /run/disk/a/file; cat /var/here/file
        echo == left; ls -A /run/disk
        echo == status; cat /run/status
        """,
        """
        mkdir var/a var/b var/like var/here run/disk/here
        chmod 0731 var/like; chown 3:4 var/like; setfacl -m u:9:rwx var/like
        chmod 01755 run/disk/here; echo there > run/disk/here/file
        """))
    assert found["made"] == [
        "2750 1234 4321 a", "755 0 0 deep", "755 0 0 deep/er", "755 77 88 deep/er/b",
        "771 3 4 like", "755 0 0 new", "1755 0 0 here", "user:9:rwx"]
    assert found["bound"] == ["kept", "there"]
    assert sorted(found["left"]) == ["a", "deep", "here", "like", "new"]
    assert found["status"] == ["0"]


def test_unknown_user_costs_its_persist_only_and_leaves_nothing(system: System) -> None:
    """What the first has left half done must not show in the second."""
    found = sections(system(
        f"[Overlay /var]\n{DATA}"
        "[Persist /var/a]\nPartition=data\nDirectory=/a\nUser=nobody-here\n"
        "[Persist /var/b]\nPartition=data\nDirectory=/b\n",
        """
        boot 2>/run/said || true
        echo == status; cat /run/status
        echo == b; stat -c '%a %u %g' /run/disk/b; getfacl -cpn /run/disk/b | grep user:9 || true
        echo == a; ls -d /run/disk/a 2>/dev/null || true
        echo == said; cat /run/said
        """,
        "mkdir var/a; chmod 0731 var/a; chown 3:4 var/a; setfacl -m u:9:rwx var/a"))
    assert found["status"] == ["1"]
    assert found["a"] == []
    assert found["b"] == ["755 0 0"]
    assert found["said"] == [
        "rofs-prepare: [Persist /var/a]: User=nobody-here: no such user in /etc/passwd of the root "
        "file system; names that are defined elsewhere must be given as numbers"]


# Name: the owner that its directory gets, None if it is refused.
USERS = {"alice": 1234, "first": 5, "long": 6, "last": 8, "0x10": 17, "highest": 4294967294,
         "4294967294": 4294967294, "minus": None, "large": None, "huge": None, "none": None,
         "short": None, "words": None, "commented": None, "nis": None, "in-ram": None,
         "firs": None, "alice2": None}
PASSWD = r"""
printf 'first:x:5:1::/:/bin/sh\nfirst:x:9:1::/:/bin/sh\n#commented:x:10:1::/:\n' >> etc/passwd
printf '+\n+nis::::::\n+@all\n-alice::::::\n\n:::\n::\nminus:x:-1:1\n' >> etc/passwd
printf 'large:x:4294967295:1\nhighest:x:4294967294:1\nnone:x::1\nshort:x\n' >> etc/passwd
printf 'huge:x:18446744073709551621:1\nwords:x:0x5:1\n0x10:x:17:1\nlong:' >> etc/passwd
head -c 300000 /dev/zero | tr '\000' x >> etc/passwd
printf ':6:1::/:\nlast:x:8' >> etc/passwd
printf 'big:x:99:' >> etc/group
seq 100000 | tr '\n' , >> etc/group
"""


def test_users_are_read_from_the_passwd_of_the_root(system: System) -> None:
    """Never through NSS, which may wait for the network, nor from a change that is in RAM."""
    persists = "".join(f"[Persist /var/{name}]\nPartition=data\nDirectory=/{name}\nUser={name}\n"
                       for name in USERS)
    found = sections(system(
        f"[Overlay /etc]\n[Overlay /var]\n{DATA}{persists}"
        "[Persist /var/group]\nPartition=data\nDirectory=/group\nGroup=big\n",
        """
        generate 2>/dev/null; early_mounts; pools
        echo 'in-ram:x:7:1::/:' >> /etc/passwd; echo 'alice:x:7:1::/:' > /etc/passwd.new
        cat /etc/passwd >> /etc/passwd.new; mv /etc/passwd.new /etc/passwd
        prepare 2>/run/said
        echo == owners; cd /run/disk; stat -c '%n %u' *; echo == group; stat -c %g group
        echo == said; cat /run/said
        """, PASSWD))
    owners = dict(line.split() for line in found["owners"])
    assert owners.pop("group") == "0"
    assert found["group"] == ["99"]
    assert owners == {name: str(uid) for name, uid in USERS.items() if uid is not None}
    invalid = {line.split(" of ")[1].split(" is ")[0] for line in found["said"]
               if "is not a number from 0 to 4294967294" in line}
    assert invalid == {"minus", "large", "huge", "none", "short", "words"}


def test_unreadable_passwd_is_an_error(system: System) -> None:
    found = sections(system(
        f"[Overlay /var]\n{DATA}[Persist /var/a]\nPartition=data\nDirectory=/a\nUser=alice\n",
        "boot 2>/run/said; echo == said; cat /run/said /run/status; ls /run/disk\n",
        "rm etc/passwd; mkfifo etc/passwd"))
    assert found["said"] == ["rofs-prepare: [Persist /var/a]: cannot read /etc/passwd: No such "
                             "device or address", "1"]


NSS = {"getpwnam", "getpwuid", "getpwent", "getgrnam", "getgrgid", "getgrent", "getgrouplist",
       "initgroups", "getaddrinfo", "getnameinfo", "gethostbyname", "gethostbyaddr", "getspnam",
       "getservbyname", "getprotobyname", "getnetgrent"}


@pytest.mark.parametrize("name", ["rofs-prepare", "rofs-device", "rofs-format", "rofs-generator",
                                  "rofs-verify", "rofs-superblock", "rofs"])
def test_no_program_calls_nss(name: str) -> None:
    need_programs("readelf")
    done = subprocess.run(["readelf", "-W", "--dyn-syms", str(program(name))], check=True,
                          capture_output=True, text=True)
    called = set(re.findall(r" UND ([a-z_]+?)(?:_r)?(?:64)?(?:@|$)", done.stdout, re.MULTILINE))
    assert "__libc_start_main" in called
    assert called & NSS == set()


def test_default_acl_of_the_partition_is_not_inherited(system: System) -> None:
    found = sections(system(
        f"{DATA}[Overlay /srv]\nPartition=data\n[Persist /var/a]\nPartition=data\nDirectory=/a\n"
        "[Overlay /var]\n",
        "echo == before; facts /srv; boot; echo == after; facts /srv\n"
        "echo == a; getfacl -cpn /var/a\n",
        "mkdir srv; mkdir var/a; setfacl -d -m u:9:rwx run/disk"))
    assert found["after"] == found["before"]
    assert not [line for line in found["a"] if "user:9" in line]


GUARDED = (f"[Overlay /var]\n{DATA}"
           "[Persist /var/a]\nPartition=data\nDirectory=/a\n"
           "[Persist /var/not/there]\nPartition=data\nDirectory=/b\nIfMissing=emergency\n"
           "[Persist /mnt]\nPartition=data\nDirectory=/c\n"
           "[Persist /var/ram]\nPartition=data\nDirectory=/d\nIfMissing=volatile\n")
GUARDED_LOWER = "mkdir mnt var/a var/ram; touch mnt/old var/a/old var/ram/old"
TRY = ("try() { ls -A $1; touch $1/new 2>&1 | grep -o 'Read-only.*' || true;"
       " ls $1/no 2>&1 || true; }\n")


def test_guard_keeps_writes_off_the_path_of_a_persist(system: System) -> None:
    found = sections(system(
        GUARDED,
        TRY + """
        generate 2>/dev/null; early_mounts
        for d in /var/a /var/not/there /mnt; do echo "== $d"; try $d; stat -c %a $d; done
        echo == ram; touch /var/ram/new && ls /var/ram
        echo == upper; cd /rofs/rw/var/upper; find . -type f | sort
        """,
        GUARDED_LOWER))
    for path in ("/var/a", "/var/not/there", "/mnt"):
        assert found[path] == [
            "Read-only file system", f"ls: cannot access '{path}/no': No such file or directory",
            "755"]
    assert found["ram"] == ["new", "old"]
    assert found["upper"] == ["./.updated", "./ram/new"]


# Whoever waits for the path to be writable, and writes at once, at every moment of a run.
WRITER = """
cp {library} run/fault.so
cat >> run/boot <<'END'
mount -o remount,bind,ro /
early() {{
    ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 LD_PRELOAD=/run/fault.so \\
        FAULT_WRITER=$1 /rofs-prepare "$2" $3
}}
written() {{
    find /rofs/ /run/disk -xdev -path '*/upper/*' -type f -size +0 \\
        ! -name .updated ! -name machine-id
}}
END
"""


def test_nobody_writes_to_the_path_of_a_persist_before_its_guard(
        system: System, fault_library: Path) -> None:
    """The guards are in the overlay when it is first seen at its path."""
    found = sections(system(
        GUARDED + "[Overlay /etc]\n[Persist /etc/app]\nPartition=data\nDirectory=/e\n"
        "[Overlay /var/lib]\n[Persist /var/lib/b]\nPartition=data\nDirectory=/f\n"
        "[Persist /var/file]\nPartition=data\nDirectory=/g\nKind=file\n",
        """
        generate 2>/dev/null
        early /var/a/x:/var/not/there/x:/etc/app/x:/var/lib/b/x:/var/file:/var/free ram ''
        echo == status; early_mounts; cat /run/status
        echo == written; written
        echo == guards; findmnt -rno FSTYPE,TARGET | sed -n 's/^autofs //p' | grep -v ^/rofs | sort
        echo == bound; findmnt -rno TARGET | grep -cx /var
        """,
        GUARDED_LOWER + "\nmkdir -p etc/app var/lib/b; touch var/file"
        + WRITER.format(library=fault_library)))
    assert found["status"] == ["0"]
    assert found["written"] == ["/rofs/rw/var/upper/free"]
    assert found["guards"] == ["/etc/app", "/mnt", "/var/a", "/var/lib/b", "/var/not/there"]
    assert found["bound"] == ["1"]


def test_boundary_of_dynamic_users_is_made_closed(system: System) -> None:
    """By the guard, as the parent of a file or of what is volatile, and as a persist itself."""
    found = sections(system(
        f"[Overlay /var]\nStartEmpty=/var/cache/private/app/empty\n{DATA}"
        "[Persist /var/lib/private/app]\nPartition=data\nDirectory=/a\n"
        "[Persist /var/cache/private/app/file]\nPartition=data\nDirectory=/b\nKind=file\n"
        "[Persist /var/log/private]\nPartition=data\nDirectory=/c\n"
        "[Overlay /srv]\n[Persist /srv/private/app]\nPartition=data\nDirectory=/d\n",
        """
        private="/var/lib/private /var/cache/private /var/log/private"
        modes() { stat -c '%n %a %u' "$@"; }
        generate 2>/dev/null; early_mounts; pools
        echo == early; modes /var/lib/private /var/cache/private
        (cd /rofs/rw/var/upper && modes log/private)
        prepare; merge
        echo == boot; modes $private
        echo == others; modes /var/lib /var/lib/private/app /var/cache/private/app /srv/private
        """, "mkdir srv"))
    assert found["early"] == [f"{path} 700 0" for path in
                              ("/var/lib/private", "/var/cache/private", "log/private")]
    assert found["boot"] == [f"/var/{name}/private 700 0" for name in ("lib", "cache", "log")]
    assert found["others"] == [f"{path} 755 0" for path in (
        "/var/lib", "/var/lib/private/app", "/var/cache/private/app", "/srv/private")]


LATE = {
    "lower of fstab": ("[Overlay /srv]\n", "echo 'tmpfs /srv tmpfs defaults 0 0' > etc/fstab"),
    "partition": ("[Overlay /srv]\nPartition=data\nIfMissing=emergency\n", ""),
    "partition or read-only": ("[Overlay /srv]\nPartition=data\n", ""),
    "partition or volatile": ("[Overlay /srv]\nPartition=data\nIfMissing=volatile\n", ""),
    "partition is missing": ("[Overlay /srv]\nPartition=data\nIfMissing=volatile\n", ""),
}


@pytest.mark.parametrize("name", LATE)
def test_guard_is_in_an_overlay_that_its_unit_binds(
        system: System, fault_library: Path, name: str) -> None:
    """No service that guards the path later has run."""
    overlay, lower = LATE[name]
    missing = "umount /rofs/persist/data" if "missing" in name else ":"
    found = sections(system(
        f"{overlay}{DATA}[Partition late]\nDevice=LABEL=late\n"
        "[Persist /srv/a/b]\nPartition=late\nDirectory=/a\n",
        f"""
        generate 2>/dev/null; early_mounts; pools; {missing}; prepare
        [ ! -f $units/rofs-prepare-fallback-srv.service ] || early /srv/a/b/x fallback /srv
        rm -f $units/local-fs.target.*/srv-a-b.mount
        merge
        echo == mode; stat -c %a /srv/a
        echo == guard; findmnt -rno FSTYPE --mountpoint /srv/a/b
        echo == written; echo x > /srv/free; written
        """,
        "mkdir srv\n" + lower + WRITER.format(library=fault_library)))
    assert found["guard"] == ["autofs"]
    assert found["mode"] == ["755"]
    assert [line.rpartition("/")[2] for line in found["written"]] == ["free"]


def test_partition_is_mounted_on_the_guard_and_leaves_it_behind(system: System) -> None:
    found = sections(system(
        GUARDED,
        TRY + """
        boot
        echo == data; echo kept > /var/a/file; cat /run/disk/a/file; ls -A /var/a
        echo == again; /rofs-prepare ram; cat /var/a/file
        echo == behind; umount /var/a; try /var/a
        """,
        GUARDED_LOWER))
    assert found["data"] == ["kept", "file"]
    assert found["again"] == ["kept"]
    assert found["behind"][0] == "Read-only file system"


def test_guard_is_the_one_mount_that_systemd_does_not_count(system: System) -> None:
    """Its mount.c skips autofs: the unit of the path is active when the data is there."""
    found = sections(system(
        GUARDED,
        """
        generate 2>/dev/null; early_mounts; early_mounts
        echo == mounts; findmnt -rno FSTYPE,OPTIONS --mountpoint /var/a | cut -d, -f1-4
        echo == status; cat /run/status
        """,
        GUARDED_LOWER))
    assert found["mounts"] == ["autofs ro,nosuid,nodev,noexec"]
    assert found["status"] == ["0"]


def test_guard_below_a_mount_of_fstab_is_put_up_on_its_own(system: System) -> None:
    path = "/srv/of \"100%\" $HOME\\x20"
    found = sections(system(
        f"{DATA}[Persist {path}]\nPartition=data\nDirectory=/a\n",
        TRY.replace("$1", '"$1"') + f"""
        generate 2>/dev/null; early_mounts; mount -t tmpfs x /srv
        echo == status; /rofs-prepare guard '{path}' && echo 0
        echo == guard; try '{path}'
        echo == below; ls -A /srv
        """,
        "mkdir srv; echo 'LABEL=srv /srv ext4 defaults 0 0' > etc/fstab"))
    assert found["status"] == ["0"]
    assert found["guard"][0] == "Read-only file system"
    assert found["below"] == [path.rpartition("/")[2]]


GUARDED_FILE = (f"[Overlay /var]\n{DATA}"
                "[Persist /var/f]\nPartition=data\nDirectory=/f\nKind=file\n"
                "[Persist /var/not/there]\nPartition=data\nDirectory=/g\nKind=file\n"
                "[Persist /var/ram]\nPartition=data\nDirectory=/h\nKind=file\n"
                "IfMissing=volatile\n")
TRY_FILE = """
export LC_ALL=C
try() {
    cat $1; touch /var/new; echo x 2>&1 >>$1 || true; mv -f /var/new $1 2>&1 || true
    rm -f $1 2>&1 || true; chmod 0600 $1 2>&1 || true; cat $1; stat -c '%a %s' $1
}
"""


def test_guard_of_a_single_file_keeps_writes_and_renames_off(system: System) -> None:
    found = sections(system(
        GUARDED_FILE,
        TRY_FILE + """
        generate 2>/dev/null; early_mounts
        for f in /var/f /var/not/there; do echo "== $f"; try $f 2>&1; done
        echo == ram; echo y >> /var/ram; cat /var/ram
        echo == mounts; findmnt -rno TARGET | grep -E '^/var/' || true
        echo == status; cat /run/status
        """, "echo low > var/f; chmod 0604 var/f; echo low > var/ram"))
    for path, text, facts in (("/var/f", ["low"], "604 4"), ("/var/not/there", [], "644 0")):
        seen = found[path]
        assert seen[:len(text)] == text and seen[-1] == facts
        assert len([line for line in seen if line.endswith("Operation not permitted")]) == 4, seen
    assert found["ram"] == ["low", "y"]
    assert found["mounts"] == []
    assert found["status"] == ["0"]


def test_single_file_is_mounted_on_its_guard(system: System) -> None:
    """Who renames over it is told EBUSY as on any mount point, not that it is immutable."""
    found = sections(system(
        GUARDED_FILE,
        """
        boot
        echo == data; echo kept > /var/f; cat /run/disk/f
        echo == rename; touch /var/new; LC_ALL=C mv -f /var/new /var/f 2>&1 || true
        echo == again; early_mounts; prepare; cat /run/status; echo more >> /var/f; cat /run/disk/f
        echo == renamed; LC_ALL=C mv -f /var/new /var/f 2>&1 || true
        """, "echo low > var/f; echo low > var/ram"))
    assert found["data"] == ["kept"]
    assert "Device or resource busy" in found["rename"][0]
    assert found["again"] == ["0", "kept", "more"]
    assert "Device or resource busy" in found["renamed"][0]


def test_path_that_cannot_be_guarded_is_told(system: System) -> None:
    found = sections(system(
        f"[Overlay /var]\nOptions=ro\n{DATA}"
        "[Persist /var/a]\nPartition=data\nDirectory=/a\n"
        "[Persist /mnt]\nPartition=data\nDirectory=/c\n",
        """
        generate 2>/dev/null; early_mounts 2>/run/said
        echo == status; cat /run/status; echo == said; cat /run/said
        echo == others; findmnt -rno FSTYPE --mountpoint /mnt
        """,
        "mkdir mnt"))
    assert found["status"] == ["1"]
    assert any("[Persist /var/a] cannot be made read-only" in line for line in found["said"])
    assert found["others"] == ["autofs"]
