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
        timeout -s KILL 300 /rofs-prepare partition data || echo failed
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
# What is immutable could not be removed after the test.
chattr -R -f -ia run/disk || true
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
