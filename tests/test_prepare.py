"""rofs-prepare between real mounts: what it prepares in the system of mounted_system.py."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from mounted_system import BTRFS, DATA, RUNNING_ID, System, sections
from support import environment, make_tree

pytestmark = pytest.mark.root

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


@pytest.mark.parametrize(("make", "hidden"), [
    ("mkdir -m 0700 .rofs", True),
    ("mkdir -m 0755 .rofs", False),
    ("mkdir -m 0700 .rofs; chown 1000 .rofs", False),
    ("touch .rofs", False),
    ("ln -s u .rofs", False),
    (":", False),
])
def test_what_commits_leave_on_a_lower_is_hidden(system: System, make: str, hidden: bool) -> None:
    """And nobody else's file of that name."""
    found = sections(system(
        "[Overlay /home]\n",
        f"""
        generate 2>/dev/null; early_mounts; pools
        mount -o remount,rw /rofs/ro/home; cd /rofs/ro/home
        {make}
        mkdir u u/.rofs; chmod 0700 u/.rofs; cd /; mount -o remount,ro /rofs/ro/home
        prepare; merge
        echo == root; ls -A /home
        echo == upper; ls -A /rofs/rw/home/upper; cat /run/status
        echo == user; ls -A /home/u
        """, "echo 'home /home tmpfs defaults 0 0' > etc/fstab"))
    there = make != ":" and not hidden
    assert found["root"] == ([".rofs", "u"] if there else ["u"])
    assert found["upper"] == ([".rofs", "0"] if hidden else ["0"])
    assert found["user"] == [".rofs"]
