"""rofs-prepare where others may have written: on a partition, a lower, an overlay.

Links, foreign owners and foreign content lead it nowhere else. Each test has a victim that must
stay as it was, or a path on which nothing may be mounted.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from mounted_system import DATA, System, sections
from support import Namespace, make_tree

pytestmark = pytest.mark.root

# openat2(2) is in Linux 5.6; a filter of system calls may forbid it as well.
KERNELS = {"5.6 and later": "", "before 5.6": "export LD_PRELOAD=/fault.so FAULT_OPENAT2=38\n",
           "filtered": "export LD_PRELOAD=/fault.so FAULT_OPENAT2=1\n"}


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest) -> str:
    """Commands that make rofs-prepare see such a kernel."""
    return ("export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0\n"
            + KERNELS[request.param])


@pytest.fixture
def with_fault(fault_library: Path) -> str:
    """Puts the library for `kernel` into the system."""
    return f"cp {fault_library} fault.so\n"


# The way from a partition's root to what is declared on it.

WAY = (f"[Overlay /var]\n{DATA}[Persist /var/a]\nPartition=data\nDirectory=/home/u/a\n%s"
       "[Persist /var/b]\nPartition=data\nDirectory=/b\n")
SHOW_WAY = """
boot 2>/run/said || true
echo == mounted; for d in a b; do ! is_mounted /var/$d || echo $d; done
echo == prepared; ls /run/rofs/prepared; echo == status; cat /run/status
echo == said; cat /run/said
"""
STRANGERS = {
    # name: what is on the partition, the component that is refused
    "owner of a directory": ("chown 1000 home", "home"),
    "owner of the last one above": ("chown 1000 home/u", "home/u"),
    "group may write": ("chmod 0775 home", "home"),
    "others may write": ("chmod 0757 home/u", "home/u"),
    "sticky": ("chmod 01777 home", "home"),
    "ACL": ("setfacl -m u:1000:rwx home", "home"),
    "link": ("mv home x; ln -s x home", "home"),
    "link to outside": ("mv home/u home/x; ln -s /home home/u", "home/u"),
    "file": ("rm -r home; touch home", "home"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_persist_below_what_others_can_change_is_refused(system: System, name: str) -> None:
    change, component = STRANGERS[name]
    found = sections(system(
        WAY % "", SHOW_WAY,
        f"mkdir -p var/a var/b run/disk/home/u/a home/a; cd run/disk; {change}; cd ../.."))
    assert found["mounted"] == ["b"]
    assert found["prepared"] == ["var-b.mount"]
    assert found["status"] == ["1"]
    # One line: of two, rofs status shows the second.
    [said] = found["said"]
    assert f"[Persist /var/a]: /rofs/persist/data/{component} " in said


def test_message_names_owner_mode_and_what_is_expected(system: System) -> None:
    found = sections(system(
        WAY % "User=alice\n", SHOW_WAY,
        "mkdir -p var/a var/b run/disk/home/u/a; chown 1000 run/disk/home"))
    assert found["said"] == [
        "rofs-prepare: [Persist /var/a]: /rofs/persist/data/home has owner 1000 and mode 0755; "
        "expected owner root or alice, and no write permission for group and others"]


def test_owner_that_cannot_be_the_declared_one_as_there_is_none(system: System) -> None:
    found = sections(system(
        WAY % "User=nobody-here\n", SHOW_WAY,
        "mkdir -p var/a var/b run/disk/home/u/a; chown 1000 run/disk/home"))
    [said] = found["said"]
    assert "[Persist /var/a]: User=nobody-here: no such user in /etc/passwd" in said


@pytest.mark.parametrize("change", ["chown 1234 home home/u",
                                    "chown 1234 home/u; chmod 0700 home/u",
                                    "chmod 0711 home; chown 0:50 home",
                                    "chown 9 home/u/a; chmod 0777 home/u/a"])
def test_persist_below_its_own_user_is_mounted(system: System, change: str) -> None:
    found = sections(system(
        WAY % "User=alice\n", SHOW_WAY,
        f"mkdir -p var/a var/b run/disk/home/u/a; cd run/disk; {change}; cd ../.."))
    assert found["mounted"] == ["a", "b"]
    assert found["status"] == ["0"]


@pytest.mark.parametrize("kind, other", [
    ("file", "ln -s /etc/passwd"), ("file", "mkdir"), ("file", "mkfifo"),
    ("directory", "ln -s /etc"), ("directory", "touch")])
def test_message_says_what_is_expected_at_the_end_of_the_way(
    system: System, kind: str, other: str
) -> None:
    found = sections(system(
        f"{DATA}[Overlay /var]\n[Persist /var/a]\nPartition=data\nDirectory=/x/a\nKind={kind}\n",
        f"""
        mkdir run/disk/x; {other} run/disk/x/a; boot 2>/dev/null
        echo == said; /rofs-prepare partition data 2>&1 || true
        echo == mounted; findmnt -rno TARGET --mountpoint /var/a --types noautofs || true
        """, "mkdir var/a" if kind == "directory" else "touch var/a"))
    [said] = found["said"]
    assert f"[Persist /var/a]: /rofs/persist/data/x/a is not a {kind}; expected " in said
    assert found["mounted"] == []


def test_root_of_a_partition_that_others_can_write_is_refused(system: System) -> None:
    found = sections(system(
        (WAY % "") + "[Persist /var/c]\nPartition=other\nDirectory=/c\n"
        "[Partition other]\nDevice=LABEL=other\n",
        SHOW_WAY, "mkdir -p var/a var/b var/c; chmod 0777 run/disk"))
    assert found["mounted"] == []
    assert found["status"] == ["1"]
    assert len([line for line in found["said"]
                if "/rofs/persist/data has owner root and mode 0777" in line]) == 2


def test_directories_made_on_the_way_are_roots(system: System) -> None:
    found = sections(system(
        "[Overlay /srv]\nPartition=data\nDirectory=/x/y\n" + WAY % "",
        "boot; echo == made; cd /run/disk; stat -c '%a %u %g %n' home home/u x x/y\n"
        "getfacl -cpn home home/u x | grep -e user:9 -e default || true\n",
        "mkdir -p srv var/a var/b; chown 0:50 run/disk; chmod 02755 run/disk\n"
        "setfacl -d -m u:9:rwx run/disk"))
    assert found["made"] == ["755 0 0 home", "755 0 0 home/u", "755 0 0 x", "700 0 0 x/y"]


# Layers on a partition.

KEPT = f"{DATA}[Overlay /srv]\nPartition=data\nDirectory=/x/y\n[Overlay /home]\nPartition=data\n"
LAYERS = {
    # name: what is on the partition, what the message names
    "owner on the way": ("chown 1000 x", "/x has owner 1000"),
    "owner of the directory itself": ("chown 1000 x/y", "/x/y has owner 1000"),
    "others may write to it": ("chmod 0777 x/y", "/x/y has owner root and mode 0777"),
    "link on the way": ("mv x z; ln -s z x", "/x is a symbolic link"),
    "layers are a link": ("mv x/y z; ln -s ../z x/y", "/x/y is a symbolic link"),
    "upper is a link": ("rmdir x/y/upper; ln -s /victim x/y/upper",
                        "/x/y/upper is a symbolic link"),
    "upper is a link to a sibling": ("rmdir x/y/upper; mkdir x/y/z; ln -s z x/y/upper",
                                     "/x/y/upper is a symbolic link"),
    "upper is a file": ("rmdir x/y/upper; touch x/y/upper", "/x/y/upper is not a directory"),
    "upper is a link, no work": ("rm -r x/y/*; ln -s /victim x/y/upper",
                                 "/x/y/upper is a symbolic link"),
    "work is a link": ("rm -r x/y/work; mkdir x/y/z; ln -s z x/y/work",
                       "/x/y/work is a symbolic link"),
    "work is a file": ("rm -r x/y/work; touch x/y/work", "/x/y/work is not a directory"),
    "work of somebody else": ("chown 1000 x/y/work", "/x/y/work has owner 1000"),
    "work that others may write to": ("chmod 0777 x/y/work", "/x/y/work has owner root and mode"),
    "foreign file in work": ("touch x/y/work/mine", "/x/y/work/mine "),
    "foreign directory in work": ("mkdir x/y/work/mine", "/x/y/work/mine "),
    "work in work is a link": ("ln -s /victim x/y/work/work",
                               "/x/y/work/work is a symbolic link"),
    "index is a link": ("ln -s /victim x/y/work/index", "/x/y/work/index is a symbolic link"),
    "foreign content in work's work": ("mkdir -p x/y/work/work/a/b/c", "/x/y/work/work/a "),
    "foreign content with a temporary name": ("mkdir -p x/y/work/work/#1/a/b",
                                              "/x/y/work/work/#1/a was not made by overlayfs"),
    "immutable upper": ("chattr +i x/y/upper", "/x/y/upper is immutable or append-only"),
    "append-only upper": ("chattr +a x/y/upper", "/x/y/upper is immutable or append-only"),
    "immutable work": ("chattr +i x/y/work", "/x/y/work is immutable or append-only"),
    "immutable work in work": ("mkdir x/y/work/work; chattr +i x/y/work/work",
                               "/x/y/work/work is immutable or append-only"),
    "immutable temporary file": ("mkdir x/y/work/work; touch x/y/work/work/#1\n"
                                 "chattr +i x/y/work/work/#1",
                                 "/x/y/work/work/#1 is immutable or append-only"),
    "mounted with volatile": ("cd /; mkdir -p lower merged; mount -t overlay -o volatile,"
                              "lowerdir=lower,upperdir=$OLDPWD/x/y/upper,workdir=$OLDPWD/x/y/work "
                              "v merged; umount merged; cd $OLDPWD",
                              "/x/y/work/work/incompat says that this overlay was mounted with "),
}


@pytest.mark.parametrize("name", LAYERS)
def test_foreign_layers_are_refused(system: System, name: str) -> None:
    change, message = LAYERS[name]
    found = sections(system(
        KEPT, """
        touch /victim/old; (cd /run/disk; find . | sort; ls -l /victim) > /run/before
        boot >/dev/null 2>/run/said || true
        rm -rf /run/disk/overlay
        echo == mounted; findmnt -rno TARGET | grep -e /srv -e /home
        (cd /run/disk; find . | sort; ls -l /victim) | cmp - /run/before && echo as it was
        echo == status; cat /run/status; echo == said; cat /run/said
        """,
        "mkdir -p srv victim run/disk/x/y/upper run/disk/x/y/work; chmod 0700 run/disk/x/y\n"
        f"cd run/disk; {change}; cd ../..\n"))
    assert found["mounted"] == ["/rofs/overlay/home", "/home", "as it was"]
    assert found["status"] == ["1"]
    said, *of_mount = found["said"]
    assert not any("rofs-prepare: " in line for line in of_mount), found["said"]
    assert f"[Overlay /srv]: /rofs/persist/data{message}" in said


def test_what_overlayfs_leaves_in_work_is_accepted(system: System) -> None:
    found = sections(system(
        KEPT, """
        boot; echo kept > /srv/file; rm -r /srv/old; mkdir /srv/old
        umount /srv /rofs/overlay/srv /home /rofs/overlay/home /rofs/persist/data /rofs/ro /rofs
        rm -r /run/units; mkdir /run/disk/x/y/work/work/#1 /run/disk/x/y/work/index
        mknod /run/disk/x/y/work/work/#1/whiteout c 0 0; touch /run/disk/x/y/work/work/#2
        boot; echo == again; cat /srv/file; echo more >> /srv/file; cat /srv/file /run/status
        """, "mkdir -p srv/old/sub"))
    assert found["again"] == ["kept", "kept", "more", "0"]


def test_layers_with_another_mount_below_are_refused(system: System) -> None:
    found = sections(system(
        KEPT, """
        generate 2>/dev/null; early_mounts; pools
        mkdir -p -m 0700 /rofs/persist/data/x/y/upper
        mount -t tmpfs other /rofs/persist/data/x/y/upper
        prepare 2>/run/said; merge
        echo == mounted; findmnt -rno TARGET | grep -e /srv -e /home
        echo == said; cat /run/said
        """, "mkdir srv"))
    assert found["mounted"] == ["/rofs/overlay/home", "/home"]
    assert any("/rofs/persist/data/x/y/upper is a mount point" in line for line in found["said"])


def test_upper_of_a_foreign_medium_stops_no_boot(system: System) -> None:
    """Opening a FIFO to write to it would wait for a reader."""
    found = sections(system(
        f"{DATA}[Overlay /etc]\nPartition=data\n",
        """
        generate 2>/dev/null; early_mounts; pools
        timeout -s KILL 20 /rofs-prepare partition data || echo failed
        merge
        echo == files; stat -c '%F %h' /etc/.updated /etc/machine-id; cat /etc/machine-id
        echo == victim; cat /victim
        """,
        """
        mkdir -p run/disk/overlay/etc/upper; chmod 0700 run/disk/overlay/etc
        mkfifo run/disk/overlay/etc/upper/.updated; : > etc/machine-id
        echo 0123456789abcdef0123456789abcdef | tee run/machine-id > victim
        ln -s /victim run/disk/overlay/etc/upper/machine-id
        """))
    assert found["files"] == ["regular file 1"] * 2 + ["0123456789abcdef0123456789abcdef"]
    assert found["victim"] == ["0123456789abcdef0123456789abcdef"]


# rofs check says the same beforehand, where the partition is mounted.

OF_FSTAB = f"[Overlay /home]\n{DATA}[Persist /srv/u/a]\nPartition=data\nDirectory=/a\n"
# name: the configuration, what is in the tree
REFUSED = {
    **{f"way: {name}": (WAY % "", f"cd run/disk; {change}; cd ../..")
       for name, (change, _) in STRANGERS.items()},
    **{f"layers: {name}": (KEPT, f"cd run/disk; {change}; cd ../..")
       for name, (change, _) in LAYERS.items()},
    "no such user": (WAY % "User=nobody-here\n", "chown 1000 run/disk/home"),
    "file for a directory": (WAY % "", "rmdir run/disk/home/u/a; touch run/disk/home/u/a"),
    "link for a directory": (WAY % "", "rmdir run/disk/home/u/a; ln -s /etc run/disk/home/u/a"),
    "link on the way to a path": (OF_FSTAB, "ln -s /etc srv/u"),
    "link on the way to a lower": (f"{DATA}[Overlay /srv/u/a]\nPartition=data\n",
                                   "ln -s /etc rofs/ro/srv/u"),
}
# Leaves what rofs check and rofs-prepare say, and whether the first has changed anything.
ASK = """
cd root; mkdir -p rofs/ro/home rofs/ro/srv rofs/persist/data run/disk/home/u/a
mkdir -p run/disk/x/y/upper run/disk/x/y/work
mount --bind srv rofs/ro/srv; chmod 0700 run/disk/x/y; {change}
{mount}
facts() {{ find . -printf '%p %y %m %u %T@ %l\\n' | sort; }}
facts > ../before; $1 check --root=$PWD > ../checked || true; facts > ../after
cmp ../before ../after
ROFS_ROOT=$PWD $2 partition data 2> ../said || true
"""


MOUNT = "mount --bind run/disk rofs/persist/data"


def ask(in_namespace: Namespace, rofs: Path, prepare: Path, tmp_path: Path, conf: str,
        change: str, mount: str = MOUNT) -> tuple[list[str], list[str]]:
    """What rofs check and rofs-prepare say of the content of a partition and of links."""
    make_tree(tmp_path / "root", {
        "etc/rofs.conf": conf, "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
        "etc/fstab": "LABEL=srv /srv ext4 defaults 0 0\n"}, ["var", "srv", "home"])
    done = in_namespace(ASK.format(change=change, mount=mount), rofs, prepare)
    assert done.returncode == 0, done.stderr
    *lines, last = (tmp_path / "checked").read_text().splitlines()
    checked = [line.split(": error: ")[1] for line in lines if ": error: " in line]
    assert last.startswith(f"{len(checked)} error")
    said = (tmp_path / "said").read_text().splitlines()
    return checked, [line.split("rofs-prepare: ")[1] for line in said]


@pytest.mark.parametrize("name", REFUSED)
def test_check_says_what_will_be_refused(
    in_namespace: Namespace, rofs: Path, prepare: Path, tmp_path: Path, name: str
) -> None:
    conf, change = REFUSED[name]
    [checked], [refused] = ask(in_namespace, rofs, prepare, tmp_path, conf, change)
    # About a lower, the message at boot has no section.
    assert checked.replace("[Overlay /srv/u/a]", "/srv/u/a") == refused


@pytest.mark.parametrize("conf, change", [
    (WAY % "User=7\n", "chown 7 run/disk/home; chmod 0777 run/disk/home/u/a"),
    (WAY % "", "rm -r run/disk/*"),
    (KEPT, "mkdir run/disk/x/y/work/work run/disk/x/y/work/index; chmod 0777 run/disk/x/y/upper"),
    (KEPT, "rm -r run/disk/*"), (f"{DATA}[Persist /srv]\nPartition=data\n", "chmod 0777 run/disk"),
])
def test_check_is_silent_about_what_is_accepted(
    in_namespace: Namespace, rofs: Path, prepare: Path, tmp_path: Path, conf: str, change: str
) -> None:
    checked, _ = ask(in_namespace, rofs, prepare, tmp_path, conf, change)
    assert checked == []


def test_check_is_silent_about_what_is_not_mounted(
    in_namespace: Namespace, rofs: Path, prepare: Path, tmp_path: Path
) -> None:
    """What is there may be hidden by the partition when it is mounted."""
    checked, _ = ask(in_namespace, rofs, prepare, tmp_path, WAY % "",
                     "chmod 0777 rofs/persist/data", mount="true")
    assert checked == []


def test_check_accepts_layers_in_use(system: System, rofs: Path) -> None:
    """work has what overlayfs puts there while it is mounted."""
    found = sections(system(
        KEPT, """
        boot; echo x > /srv/file; rm /srv/old
        refused() { /rofs-command check --json | grep -c directory-refused || true; }
        echo == in use; refused; chmod 0777 /run/disk/x; echo == opened to others; refused
        """, f"mkdir srv; touch srv/old; cp {rofs} rofs-command"))
    assert found["in use"] == ["0"]
    assert found["opened to others"] == ["1"]


def test_check_of_an_ordinary_user_says_what_it_can_see(
    in_namespace: Namespace, rofs: Path, prepare: Path, tmp_path: Path
) -> None:
    """Nobody but root can enter /rofs."""
    tmp_path.chmod(0o755)
    as_user = "\n".join([MOUNT, "chmod 0700 rofs; chmod 0777 run/disk; cp $1 ../program",
                         "mount --rbind .. /mnt; cd /mnt/root; shift",
                         "set -- 'setpriv --reuid=1000 --clear-groups /mnt/program' $1"])
    checked, said = ask(in_namespace, rofs, prepare, tmp_path, WAY % "", "true", mount=as_user)
    assert checked == []
    assert len(said) == 2


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
    # By both passes, over the overlay and over the paths.
    assert len({line for line in found["said"] if LINK in line}) == 1, found["said"]


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


# IfMissing=volatile: the path is there without its partition.

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


# Somebody exchanges two names while rofs-prepare runs: before each of its calls in turn.

SWAPS = """
swapped() {
    ended=0 was=$(stat -c %i $a)
    ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 LD_PRELOAD=/fault.so FAULT_READ=1 \\
        FAULT_AT=$n FAULT_SWAP=$a:$b FAULT_COUNT=/run/count timeout 20 "$@" \\
        >/run/said 2>&1 || ended=$?
    [ $ended -lt 124 ] || { echo "swap $n: ended with $ended"; cat /run/said; }
}
# How it was before, and whether there was such a call.
swap_back() {
    findmnt -rno TARGET | grep -e '/bob/' -e '^/victim' | tac | while read d; do umount -l $d; done
    rm -rf /rofs/rw/home/bob /run/disk/overlay /run/rofs/prepared
    [ $(stat -c %i $a) = $was ] || { mv $a $a.x; mv $b $a; mv $a.x $b; }
    [ "$(cat /run/count)" -ge "$n" ]
}
"""
CACHE = ("mkdir -p run/home/bob/cache home/bob; touch run/home/bob/cache/mine\n"
         "mkdir -m 0700 closed; touch closed/secret; ln -s /closed run/home/bob/l\n"
         "echo '/run/home /home none bind 0 0' > etc/fstab\n")


@pytest.mark.parametrize("keys, verb", [
    ("", "overlay /home/bob/cache"), ("Partition=data\n", "partition data"),
    ("Partition=data\nIfMissing=volatile\n", "fallback /home/bob/cache")])
def test_lower_is_the_directory_that_was_looked_at(
    system: System, with_fault: str, keys: str, verb: str
) -> None:
    found = sections(system(
        f"{DATA}[Overlay /var]\n[Overlay /home/bob/cache]\n{keys}", SWAPS + f"""
        mount --bind /run/home /home
        generate 2>/dev/null; early_mounts; pools
        mkdir -p /rofs/ro/home; mount --bind -o ro /home /rofs/ro/home
        a=/run/home/bob/cache b=/run/home/bob/l n=0
        echo == wrong
        while n=$((n + 1)); do
            swapped /rofs-prepare {verb}
            # What systemd does when it is not mounted.
            start rofs-overlay-home-bob-cache.mount 2>/dev/null || true
            for d in $(findmnt -rno TARGET | grep /bob/); do
                [ ! -e $d/secret ] || echo "swap $n: $d shows what is closed"
            done
            swap_back || break
        done
        echo == calls; echo $n
        echo == good; /rofs-prepare {verb}; ls /rofs/*/home/bob/cache; ls /closed
        """, CACHE + with_fault))
    assert found["wrong"] == []
    assert int(found["calls"][0]) > 30
    assert found["good"][-1] == "secret" and "mine" in found["good"]


def test_overlay_is_mounted_on_the_directory_that_was_looked_at(
    system: System, with_fault: str
) -> None:
    """Its place below /rofs/overlay is in another overlay, which users can write to."""
    found = sections(system(
        f"{DATA}[Overlay /home]\n[Overlay /home/bob/cache]\nPartition=data\n", SWAPS + """
        generate 2>/dev/null; early_mounts; pools; merge 2>/dev/null
        umount /home/bob/cache; cd /home/bob; rm -r cache; mkdir cache; ln -s /victim l; cd /
        a=/home/bob/cache b=/home/bob/l n=0
        echo == wrong
        while n=$((n + 1)); do
            swapped /rofs-prepare partition data
            start rofs-overlay-home-bob-cache.mount 2>/dev/null || true
            ! mountpoint -q /victim || echo "swap $n: mounted on the victim"
            swap_back || break
        done
        echo == calls; echo $n
        echo == good; /rofs-prepare partition data; ls /rofs/overlay/home/bob/cache
        """, "mkdir -p home/bob/cache victim; touch home/bob/cache/mine\n" + with_fault))
    assert found["wrong"] == []
    assert int(found["calls"][0]) > 30
    assert found["good"] == ["mine"]


OTHERS = {
    # name: Kind=, what is at the path, what is exchanged with it
    "FIFO": ("file", "echo mine > a; chown 1234 a", "mkfifo b; chown 1234 b"),
    "link": ("file", "echo mine > a; chown 1234 a", "ln -s /closed/secret b"),
    "file of root": ("file", "echo secret > a; chmod 0600 a", "echo mine > b; chown 1234 b"),
    "directory": ("file", "echo mine > a; chown 1234 a", "mkdir b; echo secret > b/secret"),
    "file": ("directory", "mkdir a; chown 1234 a", "echo secret > b"),
    "directory of root": ("directory", "mkdir -m 0700 a; echo secret > a/secret",
                          "mkdir b; chown 1234 b"),
    "link to a directory": ("directory", "mkdir a; chown 1234 a", "ln -s /closed b"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_copy_is_of_one_file(system: System, with_fault: str, name: str) -> None:
    """Neither a wait for a writer, nor what is root's with the owner of something else."""
    kind, one, other = OTHERS[name]
    found = sections(system(
        f"{DATA}[Persist /home/bob/a]\nPartition=data\nDirectory=/a\nKind={kind}\n"
        "Populate=yes\n", SWAPS + f"""
        mount --bind /run/home /home
        generate 2>/dev/null; early_mounts; pools
        mkdir -p /rofs/ro/home; mount --bind -o ro /home /rofs/ro/home
        a=/run/home/bob/a b=/run/home/bob/b n=0
        echo == wrong
        while n=$((n + 1)); do
            swapped /rofs-prepare partition data
            [ ! -L /run/disk/a ] || echo "swap $n: a link"
            [ ! -e /run/disk/a ] || [ -{kind[0]} /run/disk/a ] || echo "swap $n: no {kind}"
            ! grep -rqs secret /run/disk/a || [ $(stat -c %u /run/disk/a) = 0 ] ||
                echo "swap $n: readable by a user"
            rm -rf /run/disk/a /run/disk/.rofs-new
            swap_back || break
        done
        echo == calls; echo $n
        echo == good; /rofs-prepare partition data; stat -c '%F %u' /run/disk/a $a
        """, "mkdir -p run/home/bob home/bob; mkdir -m 0700 closed; echo secret > closed/secret\n"
        f"cd run/home/bob; {one}; {other}; cd ../../..\n"
        "echo '/run/home /home none bind 0 0' > etc/fstab\n" + with_fault))
    assert found["wrong"] == []
    assert int(found["calls"][0]) > 30
    assert found["good"][0] == found["good"][1]
