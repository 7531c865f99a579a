"""rofs-prepare between real mounts: what it prepares in the system of mounted_system.py."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from mounted_system import BTRFS, DATA, System, sections
from support import environment, make_tree, need_programs, program

pytestmark = pytest.mark.root

RUNNING_ID = "0123456789abcdef0123456789abcdef"
FLASH_ID = "fedcba9876543210fedcba9876543210"

ATTRIBUTES = {
    "plain": "true",
    "closed": "chmod 0700 srv",
    "set-group-id": "chmod 02775 srv",
    "sticky": "chmod 01777 srv",
    "set-user-id": "chmod 04711 srv",
    "no permission at all": "chmod 0 srv",
    "owner": "chown 1234:5678 srv; chmod 02750 srv",
    "acl": "setfacl -m u:1:rwx,g:2:--x srv",
    "acl with mask": "setfacl -m u:1:rwx,m::r-- srv",
    "default acl": "setfacl -m u:1:rx -d -m u:1:rwx,g:3:r srv",
    "acl and set-group-id": "chown 0:50 srv; chmod 02770 srv; setfacl -d -m u:7:rx srv",
    "trusted xattr": "setfattr -n trusted.mine -v 'a value' srv",
    "security xattr": "setfattr -n security.mine -v 0x00ff00 srv",
    "user xattr": "setfattr -n user.mine -v '' srv || true",
    "many xattrs": "for i in 1 2 3 4 5 6 7 8 9; do setfattr -n trusted.x$i -v $i srv; done",
    "large xattr": "setfattr -n trusted.large -v 0x$(printf '%02000d' 0) srv",
    "overlay xattr is left out": "setfattr -n trusted.overlay.opaque -v y srv",
}


@pytest.mark.parametrize("name", ATTRIBUTES)
@pytest.mark.parametrize("size", ["", "Size=1M\n"], ids=["shared pool", "own pool"])
def test_merged_root_is_like_the_lower(system: System, name: str, size: str) -> None:
    found = sections(system(
        f"[Overlay /srv]\n{size}",
        "echo == before; facts /srv; boot; echo == after; facts /srv\n"
        "echo == status; cat /run/status; findmnt -no SOURCE,FSTYPE --mountpoint /srv\n",
        f"mkdir srv; touch srv/file; {ATTRIBUTES[name]}\n"
        "touch -d '2019-01-01 00:00:00.5 UTC' srv"))
    assert found["after"] == found["before"]
    assert found["status"][0] == "0"
    assert found["status"][1].split()[:2] == ["rofs", "overlay"]


def test_changes_end_in_upper_and_lower_stays(system: System) -> None:
    found = sections(system(
        "[Overlay /var]\n[Overlay /etc]\n[Overlay /home]\n[Overlay /opt]\nSize=1M\n",
        """
        boot
        listing /rofs/ro/var > /run/before
        echo more >> /var/old; echo new > /var/new; rm /var/gone; echo x > /opt/y
        listing /rofs/ro/var > /run/after
        echo == lower; cmp /run/before /run/after && echo same
        echo == upper; cat /rofs/rw/var/upper/old /rofs/rw/var/upper/new /rofs/rw/opt/upper/y
        stat -c '%F' /rofs/rw/var/upper/gone
        echo == merged; cat /var/old /rofs/overlay/var/old; ls /var
        echo == modes; stat -c '%a' /rofs /rofs/rw/var /rofs/rw/opt
        """,
        "mkdir opt; echo old > var/old; echo gone > var/gone"))
    assert found["lower"] == ["same"]
    assert found["upper"] == ["old", "more", "new", "x", "character special file"]
    assert found["merged"][:4] == ["old", "more"] * 2
    assert {"old", "new"} <= set(found["merged"]) and "gone" not in found["merged"]
    assert found["modes"] == ["700"] * 3


POOLS = "[Overlay /var]\n[Overlay /srv]\nSize=1M\n[Overlay /etc]\n"
STATE = """
echo == mounts; findmnt -rno TARGET,SOURCE,FSTYPE,VFS-OPTIONS /rofs -R | sort; findmnt -rn /srv
echo == srv; facts /srv; echo == id; cat /etc/machine-id; echo == upper; ls -A /rofs/rw/srv
"""


def test_pools_that_their_units_mount_leave_the_same_state(
    system: System, tmp_path: Path
) -> None:
    lower = "mkdir srv; chown 5:6 srv; chmod 0750 srv; echo 0123456789abcdef0123456789abcdef"
    lower += " > etc/machine-id; touch -d '2020-02-02 UTC' srv"
    good = sections(system(POOLS, f"boot{STATE}", lower))
    (tmp_path / "sys").rmdir()
    late = sections(system(POOLS, f"generate 2>/dev/null; pools; retry; prepare; merge{STATE}",
                           lower))
    assert good["upper"] == ["upper", "work"]
    assert late == good


@pytest.mark.parametrize("without", ["umount /rofs/rw/srv", "true"], ids=["pool", "layers"])
def test_overlay_is_not_mounted_without(system: System, without: str) -> None:
    """systemd 256 and newer would make the directories that are missing."""
    found = sections(system(
        POOLS, f"generate 2>/dev/null; pools; {without}; mkdir -p /rofs/rw/srv/upper\n"
        "echo == merge; merge; echo == mounted; findmnt -rno TARGET -t overlay || true\n",
        "mkdir srv"))
    assert "not mounted: rofs-overlay-srv.mount" in found["merge"]
    assert found["mounted"] == []


def test_longest_path(system: System) -> None:
    path = "/" + "/".join(["n" * 60, "o" * 60, "p" * 76])
    assert len(path) == 199
    found = sections(system(
        f"[Overlay {path}]\n",
        f"boot; echo x > {path}/y; echo == upper; cat /rofs/rw{path}/upper/y; cat /run/status\n",
        f"mkdir -p .{path}"))
    assert found["upper"] == ["x", "0"]


@pytest.mark.parametrize("name", ["$x", "${HOME}", "a&b", "~", "(x)", "#x", "ä€", "-", "--help"])
def test_odd_names_of_overlays(system: System, name: str) -> None:
    found = sections(system(
        f"[Overlay /srv/{name}]\n",
        f"boot; echo x > '/srv/{name}/y'; echo == upper; cat '/rofs/rw/srv/{name}/upper/y'\n",
        f"mkdir -p 'srv/{name}'"))
    assert found["upper"] == ["x"]


def test_start_empty(system: System) -> None:
    found = sections(system(
        "[Overlay /var]\nStartEmpty=/var/log /var/lib//deep/er/ /var/none/at/all\n",
        """
        boot
        for d in log lib/deep/er none/at/all; do echo "== $d"; ls -A /var/$d; done
        echo == beside; ls -A /var/lib/deep /var/lib
        echo == modes
        stat -c '%a %u %g %n' /var/log /var/lib /var/lib/deep /var/lib/deep/er /var/none/at/all
        getfacl -cpn /var/log | grep user:1
        echo == works; echo x > /var/log/new; ls -A /var/log; ls -A /rofs/ro/var/log
        """,
        """
        mkdir -p var/log/sub var/lib/deep/er var/lib/deep/other
        touch var/log/old var/log/sub/old var/lib/deep/er/old var/lib/deep/kept var/lib/kept
        chmod 02750 var/log; chown 0:4 var/log; setfacl -m u:1:rx var/log
        chmod 0711 var/lib var/lib/deep; chmod 0700 var/lib/deep/er; chown 5:6 var/lib/deep/er
        """))
    for empty in ("log", "lib/deep/er", "none/at/all"):
        assert found[empty] == []
    assert {"kept", "other", "er"} <= set(found["beside"])
    assert found["modes"] == [
        "2750 0 4 /var/log", "711 0 0 /var/lib", "711 0 0 /var/lib/deep",
        "700 5 6 /var/lib/deep/er", "755 0 0 /var/none/at/all", "user:1:r-x"]
    assert found["works"] == ["new", "old", "sub"]


@pytest.mark.parametrize("lower", ["touch var/x", "ln -s /etc var/x", "ln -s nowhere var/x"])
def test_start_empty_that_is_no_directory_costs_its_overlay_only(
    system: System, lower: str
) -> None:
    found = sections(system(
        "[Overlay /var]\nStartEmpty=/var/x/y\n[Overlay /home]\n",
        "boot 2>/run/said; touch /home/x; echo == status; cat /run/status; echo == etc; ls /etc\n"
        "echo == said; cat /run/said\n",
        lower))
    assert found["status"] == ["1"]
    assert "y" not in found["etc"]
    reason = "Not a directory" if lower.startswith("touch") else "Too many levels of symbolic links"
    assert found["said"] == [
        f"rofs-prepare: StartEmpty=/var/x/y of the overlay on /var: cannot open x: {reason}"]


# More names of attributes than one call returns: the kernel makes them, but lists none.
MANY_NAMES = """
python3 -c '
import os
for i in range(400): os.setxattr("srv/cache", "trusted." + "n" * 200 + str(i), b"")'
"""


def test_start_empty_with_attributes_that_cannot_be_listed_says_so(system: System) -> None:
    found = sections(system(
        "[Overlay /srv]\nStartEmpty=/srv/cache/sub\n[Overlay /home]\n",
        "boot 2>/run/said; echo == said; cat /run/said; echo == shown; ls /srv/cache/sub\n",
        "mkdir -p srv/cache/sub; touch srv/cache/sub/old\n" + MANY_NAMES))
    assert found["said"] == ["rofs-prepare: StartEmpty=/srv/cache/sub of the overlay on /srv: "
                             "cannot list the attributes of cache: Argument list too long"]
    assert found["shown"] == ["old"]


MACHINE_IDS = {
    # name: what flash has, is PID 1's bind on it?
    "empty": (": > etc/machine-id", True),
    "uninitialized": ("echo uninitialized > etc/machine-id", True),
    "only zeros": ("echo 00000000000000000000000000000000 > etc/machine-id", True),
    "too short": ("echo 0123456789abcdef > etc/machine-id", True),
    "empty, id in /run only": (": > etc/machine-id", False),
}


@pytest.mark.parametrize("name", MACHINE_IDS)
def test_running_machine_id_is_the_merged_one(system: System, name: str) -> None:
    flash, bound = MACHINE_IDS[name]
    bind = "mount --bind -o ro run/machine-id etc/machine-id" if bound else "true"
    found = sections(system(
        "[Overlay /etc]\n",
        """
        boot
        echo == id; cat /etc/machine-id; stat -c '%a %u %g' /etc/machine-id
        echo == mounts; findmnt -rno TARGET | grep machine-id || true
        echo == flash; cat /rofs/ro/etc/machine-id
        echo == status; cat /run/status
        """,
        f"{flash}; echo {RUNNING_ID} > run/machine-id; {bind}"))
    assert found["id"] == [RUNNING_ID, "444 0 0"]
    assert found["mounts"] == []
    assert RUNNING_ID not in found["flash"]
    assert found["status"] == ["0"]


def test_valid_machine_id_of_flash_is_left_alone(system: System) -> None:
    found = sections(system(
        "[Overlay /etc]\n",
        "boot; echo == id; cat /etc/machine-id; echo == upper; ls -A /rofs/rw/etc/upper\n",
        f"echo {FLASH_ID} > etc/machine-id; echo {RUNNING_ID} > run/machine-id"))
    assert found["id"] == [FLASH_ID]
    assert "machine-id" not in found["upper"]


def test_machine_id_is_made_when_there_is_none(system: System) -> None:
    found = sections(system("[Overlay /etc]\n", "boot; echo == id; cat /etc/machine-id\n"))
    assert re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", found["id"][0])


def test_subvolume_is_not_taken_for_a_mount(system: System) -> None:
    """Each subvolume of btrfs has a device number of its own, as a mount has."""
    done = system("[Overlay /etc]\n[Overlay /var]\n", f"""
        echo {RUNNING_ID} > /run/machine-id
        mount --bind /run/machine-id /etc/machine-id
        generate 2>/dev/null
        /rofs-prepare ram
        echo == mounts
        for m in /etc /var; do findmnt -n -o FSTYPE $m; done
        echo == machine-id
        grep -c machine-id /proc/self/mountinfo || true
        cat /etc/machine-id
    """, lower=": > etc/machine-id", root=BTRFS)
    found = sections(done)
    assert found["mounts"] == ["overlay", "overlay"]
    assert found["machine-id"] == ["0", RUNNING_ID]


def test_machine_id_stays_bound_without_an_overlay_on_etc(system: System) -> None:
    found = sections(system(
        "[Overlay /var]\n",
        "boot; echo == mounts; findmnt -rno TARGET | grep machine-id\n",
        f": > etc/machine-id; echo {RUNNING_ID} > run/machine-id\n"
        "mount --bind run/machine-id etc/machine-id"))
    assert found["mounts"] == ["/etc/machine-id"]


def test_updated_marks_have_the_time_of_usr(system: System) -> None:
    found = sections(system(
        "[Overlay /etc]\n[Overlay /var]\n[Overlay /home]\n",
        """
        boot
        echo == times; stat -c '%.9Y' /usr /etc/.updated /var/.updated
        echo == text; grep -o 'TIMESTAMP_NSEC=.*' /etc/.updated
        echo == home; ls -A /home
        echo == merged; stat -c '%.9Y' /etc /rofs/ro/etc
        """,
        "touch -d 2001-01-01 etc/.updated"))
    usr, etc, var = found["times"]
    assert usr == etc == var
    assert found["text"] == [f"TIMESTAMP_NSEC={usr.replace('.', '').lstrip('0')}"]
    assert found["home"] == []
    assert len(set(found["merged"])) == 1


def test_newer_updated_marks_are_left_alone(system: System) -> None:
    found = sections(system(
        "[Overlay /etc]\n",
        "boot; echo == upper; ls -A /rofs/rw/etc/upper\n",
        "touch -d 2100-01-01 etc/.updated"))
    assert ".updated" not in found["upper"]


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


@pytest.mark.parametrize("name", ["rofs-prepare", "rofs-format", "rofs-generator", "rofs-verify",
                                  "rofs-superblock", "rofs"])
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


def test_overlay_on_a_partition_keeps_its_changes(system: System) -> None:
    found = sections(system(
        f"{DATA}[Overlay /srv]\nPartition=data\nDirectory=/x/y\n",
        """
        boot; echo kept > /srv/file; chmod 0711 /srv
        umount /srv /rofs/overlay/srv /rofs/persist/data /rofs/ro /rofs; rm -r /run/units
        boot; echo == again; cat /srv/file; stat -c %a /srv; ls /run/disk/x/y
        echo == status; cat /run/status
        """,
        "mkdir srv"))
    assert found["again"] == ["kept", "711", "upper", "work"]
    assert found["status"] == ["0"]


ALL = (f"[Overlay /var]\nStartEmpty=/var/log\n[Overlay /etc]\n[Overlay /home]\nSize=1M\n{DATA}"
       "[Persist /var/a]\nPartition=data\nDirectory=/a/b\nMode=0700\n")


@pytest.mark.parametrize("change", [
    "true", "chmod 0700 /var /home; chown 5 /etc", "rm /etc/machine-id /etc/.updated",
    "echo x > /var/x; rm /etc/passwd; rmdir /var/log; mkdir /var/log", "chmod 0777 /var/a"])
def test_second_run_changes_nothing(system: System, change: str) -> None:
    found = sections(system(
        ALL,
        f"""
        boot
        {change}
        for d in /rofs/rw /run/disk /var /home; do listing $d; done > /run/before
        prepare
        for d in /rofs/rw /run/disk /var /home; do listing $d; done > /run/after
        echo == same; cmp /run/before /run/after && cat /run/status
        """,
        "mkdir -p var/log; : > etc/machine-id"))
    assert found["same"] == ["0"]


def test_first_run_that_was_cut_off_is_finished_by_the_second(system: System) -> None:
    found = sections(system(
        "[Overlay /var]\nStartEmpty=/var/log\n",
        """
        generate 2>/dev/null; pools
        mkdir -p /rofs/rw/var/upper/log; chmod 0 /rofs/rw/var/upper/log
        early_mounts; merge; echo == log; ls -A /var/log; stat -c %a /var
        """,
        "mkdir -p var/log; touch var/log/old; chmod 0751 var"))
    assert found["log"] == ["751"]


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


@pytest.mark.parametrize("what, status", [("/dev/vda2", "1"), ("tmpfs", "0")])
def test_partition_that_systemd_has_found_for_an_overlay_is_told(
    system: System, what: str, status: str,
) -> None:
    found = sections(system(
        "[Overlay /home]\n[Overlay /var]\n",
        f"""
        mkdir -p /run/systemd/generator.late
        printf '[Mount]\\nWhat={what}\\nWhere=/home\\n' >/run/systemd/generator.late/home.mount
        boot 2>/run/said
        echo == status; cat /run/status; echo == said; cat /run/said
        echo == mounts; findmnt -n -o FSTYPE /home; findmnt -n -o FSTYPE /var
        """))
    assert found["status"] == [status]
    said = [line for line in found["said"]
            if line.startswith("rofs-prepare: /home: the overlay hides ")]
    assert len(said) == int(status)
    assert not said or (what in said[0] and "/etc/fstab" in said[0])
    assert found["mounts"] == ["overlay", "overlay"]


def test_full_pool_leaves_no_overlay_half_made(system: System) -> None:
    found = sections(system(
        "[Memory]\nInodes=6\n[Overlay /a]\n[Overlay /b]\n[Overlay /c]\n[Overlay /etc]\n",
        """
        boot 2>/run/said
        echo == status; cat /run/status
        echo == work; ls -d /rofs/rw/*/work 2>/dev/null || true
        echo == said; cat /run/said
        """,
        "mkdir a b c"))
    assert found["status"] == ["1"]
    assert any("No space left on device" in line for line in found["said"])


WRONG = {"no argument": ("", 2), "two of a kind": ("ram ram", 2), "option": ("--nonsense", 2),
         "no subject": ("overlay", 2), "two subjects": ("overlay /var /var", 2),
         "another verb": ("format p", 2), "as before there were verbs": ("/rofs", 2),
         "empty": ("''", 2), "no run of its own": ("overlay /var", 1),
         "not declared": ("overlay /srv", 1), "below": ("guard /var/lib", 1),
         "no partition": ("partition x", 1), "relative": ("overlay var", 1),
         "dots": ("overlay /srv/../var", 1), "trailing slash": ("fallback /var/", 1),
         "empty subject": ("partition ''", 1)}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_refused(system: System, name: str) -> None:
    arguments, status = WRONG[name]
    found = sections(system(
        "[Overlay /var]\n",
        f"generate 2>/dev/null; pools\n"
        f"echo == status; if /rofs-prepare {arguments} 2>/run/said; then echo 0; else echo $?; fi\n"
        "echo == said; cat /run/said; echo == made; ls -A /rofs\n"))
    assert found["status"] == [str(status)]
    assert found["said"] != []
    assert found["made"] == ["ro"]


def test_wrong_verb_and_subject_are_named(prepare: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": "[Overlay /var]\n"})

    def said(*arguments: str) -> str:
        return subprocess.run([str(prepare), *arguments], env=environment(root), text=True,
                              check=False, capture_output=True).stderr

    assert said("gaurd", "/var") == "rofs-prepare: unknown verb gaurd; did you mean guard?\n"
    assert said("/rofs") == "rofs-prepare: unknown verb /rofs; rofs-prepare --help lists them\n"
    assert said("guard", "/srv") == (
        "rofs-prepare: nothing declared in rofs.conf requires 'guard /srv'\n")


def test_help_and_version(prepare: Path) -> None:
    for argument in ("--help", "--version"):
        done = subprocess.run([str(prepare), argument], check=True, capture_output=True, text=True)
        assert "rofs-prepare" in done.stdout
        assert done.stderr == ""


def test_mount_flags_of_the_merged_mount(system: System) -> None:
    found = sections(system(
        "[Overlay /home]\nOptions=nosuid,nodev,noexec\n[Overlay /var]\n",
        "boot; echo == flags; findmnt -no OPTIONS --mountpoint /home; "
        "findmnt -no OPTIONS --mountpoint /var\n"))
    home, var = (set(line.split(",")) for line in found["flags"])
    assert {"rw", "nosuid", "nodev", "noexec"} <= home
    # RAM pools are closed; what is merged from them is not.
    assert not {"nosuid", "nodev", "noexec"} & var


def test_nested_overlays_show_their_own_layers(system: System) -> None:
    found = sections(system(
        "[Overlay /var]\n[Overlay /var/lib]\nSize=1M\n",
        """
        boot; echo v > /var/new; echo l > /var/lib/new
        echo == upper; cat /rofs/rw/var/upper/new; cat /rofs/rw/var/lib/upper/new
        echo == lower; ls -A /rofs/ro/var/lib
        """,
        "mkdir -p var/lib; touch var/lib/old"))
    assert found["upper"] == ["v", "l"]
    assert found["lower"] == ["old"]


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


def test_machine_id_on_a_partition_is_that_of_each_boot(system: System) -> None:
    """systemd has it before the partition is mounted, so an earlier one would be another."""
    found = sections(system(
        f"{DATA}[Overlay /etc]\nPartition=data\n",
        f"""
        again() {{
            umount /etc /rofs/overlay/etc /rofs/persist/data /rofs/ro /rofs; rm -r /run/units
        }}
        show() {{ cat /etc/machine-id; findmnt -rno TARGET | grep machine-id || true; }}
        mount --bind -o ro /run/machine-id /etc/machine-id
        boot; echo == first; show
        echo kept > /etc/file; again
        echo {FLASH_ID} > /run/machine-id; mount --bind -o ro /run/machine-id /etc/machine-id
        boot; echo == second; show; cat /etc/file
        rm /etc/machine-id; again
        mount --bind -o ro /run/machine-id /etc/machine-id
        boot; echo == deleted; show; stat -c '%a %F' /etc/machine-id
        echo == status; cat /run/status
        """,
        f": > etc/machine-id; echo {RUNNING_ID} > run/machine-id"))
    assert found["first"] == [RUNNING_ID]
    assert found["second"] == [FLASH_ID, "kept"]
    assert found["deleted"] == [FLASH_ID, "444 regular file"]
    assert found["status"] == ["0"]


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
