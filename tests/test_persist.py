"""Persists on real file systems: full ones, power cuts at any moment, single files."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest
from mounted_system import DATA, System, sections

pytestmark = pytest.mark.root

EXT4 = ("truncate -s {size} ../disk.img; mkfs.ext4 -q {more} ../disk.img;"
        " mount ../disk.img run/disk\n")
CONF = f"[Overlay /var]\n{DATA}[Persist /var/a]\nPartition=data\nDirectory=/d/a\nPopulate=yes\n"


def ext4(size: str = "8M", more: str = "") -> str:
    """Makes and mounts the partition."""
    return EXT4.format(size=size, more=more)


# All but sizes of directories, which each file system has its own idea of.
TELL = r"""
tell() {
    (cd "$1" && find . ! -type d -printf '%y %m %U %G %T@ %s %p %l\n' | sort
    find . -type d -printf '%y %m %U %G %T@ %p\n' | sort
    find . -type f -exec cksum {} + | sort
    find . -exec getfattr -h -d -m - -e hex {} + | grep -av '^trusted.overlay' | sort) | cat -v
}
left() { find /run/disk -mindepth 1 ! -name lost+found | sort; }
again() { umount -l /var/a /var/b 2>/dev/null || true; rm -rf /run/rofs; prepare; merge; }
"""

RICH = r"""
mkdir -p var/a/sub/deeper var/a/empty
cd var/a
echo text > file; chmod 04755 file; chown 11:12 file; touch -d '2011-11-11 11:11:11.5 UTC' file
echo text > acl; setfacl -m u:7:rw acl; setfacl -d -m u:8:rx sub
setfattr -n trusted.mine -v value file; setfattr -n security.mine -v 0x00ff sub
setfattr -n trusted.overlay.opaque -v y sub; setfattr -n trusted.overlay.x -v y file
ln file sub/second; ln file sub/deeper/third; ln sub/second ../outside
echo pair > one; ln one sub/other
truncate -s 3M sparse; echo data | dd of=sparse bs=1 seek=2000000 conv=notrunc status=none
truncate -s 1M hole
ln -s /nowhere link; chown -h 13:14 link; touch -h -d '2012-12-12 UTC' link
setfattr -h -n trusted.mine -v link link; ln -P link sub/link-too
mkfifo -m 0622 fifo; mknod -m 0640 device c 1 3; chown 0:9 device; mknod whiteout c 0 0
perl -MSocket -e 'socket(S,PF_UNIX,SOCK_STREAM,0); bind(S,sockaddr_un("socket"))'
echo x > "$(printf 'new\nline')"; echo x > "$(printf '\377\\ "%%')"; : > -n
echo closed > closed; chmod 0 closed; chmod 0 empty; touch -d '2010-10-10 UTC' empty
chown 5:6 .; chmod 02751 .; touch -d '2009-09-09 UTC' . sub
cd ../..
"""


def test_populate_copies_everything(system: System) -> None:
    found = sections(system(
        CONF, TELL + """
        boot 2>/run/said
        tell /rofs/ro/var/a | grep -v '/socket *$' > /run/lower; tell /var/a > /run/copy
        echo == same; cmp /run/lower /run/copy && echo same; diff /run/lower /run/copy || true
        echo == facts; facts /rofs/ro/var/a; echo == facts copied; facts /var/a
        cd /var/a
        echo == links; stat -c %h file one link; stat -c %i file sub/second sub/deeper/third | uniq
        echo == overlay; getfattr -h -d -m trusted.overlay -R . || true
        echo == blocks; stat -c '%b' hole; [ $(stat -c %b sparse) -le 32 ] && echo sparse
        echo == socket; ls socket 2>/dev/null || true
        echo == left; ls -A /run/disk /run/disk/d; echo == said; cat /run/said
        echo == status; cat /run/status; findmnt -no FSTYPE /var/a | tail -n 1
        """, RICH + ext4()))
    assert found["same"] == ["same"]
    assert found["facts"] == found["facts copied"]
    assert found["links"][:3] == ["3", "2", "2"] and len(found["links"]) == 4
    assert found["overlay"] == []
    assert found["blocks"] == ["0", "sparse"]
    assert found["socket"] == []
    assert ".rofs-new" not in found["left"]
    assert found["status"] == ["0", "ext4"]
    said = [line for line in found["said"] if "/var/a: cop" in line]
    assert len(said) == 2 and "from /rofs/ro/var/a" in said[0] and said[1].endswith(" s")


def test_populate_of_a_tree_that_is_deeper_than_any_path(system: System) -> None:
    found = sections(system(
        CONF, TELL + """
        (ulimit -n 20; boot)
        (cd /rofs/ro/var/a; find . -printf '%d %y %m %f\\n' | sort) > /run/lower
        (cd /var/a; find . -printf '%d %y %m %f\\n' | sort) > /run/copy
        echo == same; cmp /run/lower /run/copy && wc -l < /run/copy
        """, """
        mkdir var/a; cd var/a
        python3 -c '
import os
for i in range(300):
    os.mkdir("n" * 200); os.chdir("n" * 200); open("f", "w").close()'
        cd ../..
        """ + ext4("16M")))
    assert found["same"] == ["601"]


def test_populate_of_a_directory_with_many_entries(system: System) -> None:
    found = sections(system(
        CONF, TELL + "boot; echo == same; tell /rofs/ro/var/a > /run/x; tell /var/a | cmp /run/x -"
        " && ls -A /var/a | wc -l\n",
        """
        mkdir var/a; cd var/a; seq 3000 | sed 's/^/file/' | xargs touch
        seq 500 | sed 's/^/dir/' | xargs mkdir; cd ../..
        """ + ext4("16M", "-N 8000")))
    assert found["same"] == ["3500"]


@pytest.mark.parametrize("change", ["rm /var/a/file", "rm -r /var/a/*", "echo new > /var/a/file",
                                    "mkdir /run/disk/d/.rofs-new"])
def test_populate_is_done_once(system: System, change: str) -> None:
    found = sections(system(
        CONF, TELL + f"boot; {change}; tell /var/a > /run/before; again; tell /var/a > /run/after\n"
        "echo == same; cmp /run/before /run/after && cat /run/status\n"
        "findmnt -no FSTYPE /var/a | tail -n 1\n"
        "echo == left; ls -A /run/disk/d\n",
        "mkdir -p var/a/sub; echo text > var/a/file\n" + ext4()))
    assert found["same"] == ["0", "ext4"]
    assert found["left"] == ["a"]


def test_empty_directory_that_exists_is_not_populated(system: System) -> None:
    found = sections(system(CONF, "boot; echo == a; ls -A /var/a; cat /run/status\n",
                            "mkdir var/a; echo text > var/a/file\n" + ext4()
                            + "mkdir -p run/disk/d/a\n"))
    assert found["a"] == ["0"]


def test_without_a_lower_it_is_empty(system: System) -> None:
    found = sections(system(CONF, "boot; echo == a; ls -A /var/a; stat -c '%a %u' /var/a\n",
                            ext4()))
    assert found["a"] == ["755 0"]


def test_declared_mode_and_owner_win_over_the_lower(system: System) -> None:
    found = sections(system(
        CONF + "Mode=0710\nUser=alice\n",
        "boot; echo == a; stat -c '%a %u %g' /var/a /var/a/file\n",
        "mkdir var/a; echo text > var/a/file; chmod 0777 var/a; chown 1:2 var/a\n" + ext4()))
    assert found["a"] == ["710 1234 2", "644 0 0"]


@pytest.mark.parametrize("keys, declared", [
    ("User=alice\nMode=0700\n", " Mode=0700 User=alice"), ("Mode=04750\n", " Mode=4750"),
    ("Group=staff\n", " Group=staff"), ("User=0\nGroup=0\nMode=0755\n", ""), ("", "")])
def test_directory_that_an_earlier_boot_has_made_as_a_parent(
    system: System, keys: str, declared: str
) -> None:
    """It is the application's by now; but nobody should think that it is as declared."""
    conf = f"[Overlay /var]\n{DATA}[Persist /var/a]\nPartition=data\nDirectory=/app"
    found = sections(system(
        f"{conf}/sub\n", f"""
        boot 2>/dev/null; umount /var/a; cat > /etc/rofs.conf << .
{conf}
{keys}
.
        echo == status; /rofs-prepare partition data 2>/run/said; echo $?
        echo == said; cat /run/said; echo == facts; stat -c '%a %u' /run/disk/app
        """, "mkdir var/a"))
    said = ("rofs-prepare: /var/a: /rofs/persist/data/app exists and is left as it is, with mode "
            f"0755, owner 0 and group 0; declared:{declared}")
    assert found["status"] == ["0"]
    assert found["said"] == ([said] if declared else [])
    assert found["facts"] == ["755 0"]


# Not enough room.

BESIDE = "[Persist /var/b]\nPartition=data\nDirectory=/b\n"
TOO_SMALL = {
    "bytes": ("dd if=/dev/urandom of=var/a/big bs=1M count=6 status=none\n", ext4("4M"), True),
    "inodes": ("seq 200 | sed 's,^,var/a/f,' | xargs touch\n", ext4("4M", "-N 64"), True),
    # More than can be known before: the blocks that say where the 300 others are.
    "blocks of pointers": (
        "for i in $(seq 300); do echo x | dd of=var/a/f bs=1M seek=$i conv=notrunc status=none;"
        " done\n",
        ext4("1400K", "-N 32 -b 1024 -m 0 -O ^has_journal,^extent,^64bit,^resize_inode"), False),
}


@pytest.mark.parametrize("name", TOO_SMALL)
def test_partition_that_is_too_small_stays_as_it_was(system: System, name: str) -> None:
    content, disk, early = TOO_SMALL[name]
    found = sections(system(
        CONF + BESIDE, TELL + """
        left > /run/before; boot 2>/run/said || true; cat /run/said >&2
        umount /var/b; rmdir /run/disk/b
        echo == left; rmdir /run/disk/d; left | cmp /run/before - && echo as it was
        echo == mounts; is_mounted /var/a && echo /var/a || true
        echo == said; cat /run/said; echo == status; cat /run/status
        """, f"mkdir var/a\n{content}{disk}"))
    assert found["left"] == ["as it was"]
    assert found["mounts"] == []
    assert found["status"] == ["1"]
    copying, needs = errors(found["said"])
    assert f"Populate=yes needs {'' if early else 'more than '}" in needs and " bytes in " in needs
    assert needs.endswith(" files free" if early else " files were free")
    assert copying is not early


def errors(said: list[str]) -> tuple[bool, str]:
    """Has a copy begun? And the one line that says why it failed: rofs status shows no second."""
    copying = said[0].startswith("rofs-prepare: /var/a: copying ")
    assert len(said) == 1 + copying, said
    return copying, said[-1]


BIG = "$(printf %08000d 1)"
# What the partition cannot hold, though it is almost empty: the lower, and what is said.
REFUSED = {
    "attribute of a file": (
        f"mkdir -p var/a/lib; echo x > var/a/lib/x; setfattr -n trusted.big -v {BIG} var/a/lib/x",
        ext4(), "/var/a: cannot set attribute trusted.big of lib/x: No space left on device"),
    "attribute of the directory": (
        f"mkdir var/a; setfattr -n trusted.big -v {BIG} var/a", ext4(),
        "/var/a: cannot set attribute trusted.big of a: No space left on device"),
    "ACL": (
        "mkdir var/a; echo x > var/a/x; setfacl -m u:7:rw var/a/x",
        "truncate -s 128M ../disk.img; mkfs.btrfs -q ../disk.img;"
        " mount -o noacl ../disk.img run/disk",
        "/var/a: cannot set attribute system.posix_acl_access of x: its file system does not"
        " support this attribute"),
}


@pytest.mark.parametrize("populate", ["yes", "no"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_a_partition_cannot_hold_is_named(system: System, name: str, populate: str) -> None:
    lower, disk, message = REFUSED[name]
    copied = populate == "yes" or name == "attribute of the directory"
    found = sections(system(
        CONF.replace("Populate=yes", f"Populate={populate}"),
        "boot 2>/run/said; echo == said; cat /run/said; echo == status; cat /run/status\n"
        "echo == left; ls -A /run/disk /run/disk/d\n",
        f"{lower}\n{disk}\n"))
    if copied:
        assert errors(found["said"]) == (populate == "yes", f"rofs-prepare: {message}")
    assert found["status"] == [str(int(copied))]
    assert not [line for line in found["said"] if "Populate=yes needs" in line]
    assert ("a" in found["left"]) is not copied
    assert ".rofs-new" not in found["left"]


def test_enough_room_after_all_is_used_in_the_next_boot(system: System) -> None:
    found = sections(system(
        CONF, TELL + "boot || true; rm /run/disk/ballast; again; echo == a; ls /var/a\n",
        "mkdir var/a; dd if=/dev/zero of=var/a/big bs=1M count=2 status=none\n" + ext4("4M")
        + "dd if=/dev/zero of=run/disk/ballast bs=1M count=2 status=none\n"))
    assert found["a"] == ["big"]


def test_progress_is_logged_while_much_is_copied(system: System) -> None:
    """The program is stopped for the time that a slow medium takes.

    Of many files, most are still to be copied then: one call may copy all of a single one.
    """
    found = sections(system(
        CONF, """
        generate 2>/dev/null; early_mounts; pools
        : >/run/said
        /rofs-prepare partition data 2>/run/said & pid=$!
        # What logs it must wait already: its time starts then.
        logger_waits() {
            for task in /proc/$pid/task/*; do
                [ ${task##*/} = $pid ] || { grep -q '^State:.S' $task/status && return; }
            done
            return 1
        }
        until logger_waits; do :; done
        kill -STOP $pid; sleep 12; kill -CONT $pid
        wait $pid && echo == said && cat /run/said
        echo == left; cat /proc/[0-9]*/comm | grep rofs-prepare || true
        """, "mkdir var/a; head -c 64M /dev/zero | split -b 16K -a 3 - var/a/\n"
        + ext4("400M")))
    began, *progress, ended = found["said"]
    # One line, or more where the rest takes long as well.
    assert progress, found["said"]
    copied = 0
    for line in progress:
        done = re.fullmatch(r"rofs-prepare: /var/a: (\d+) of (\d+) bytes have been copied", line)
        assert done, progress
        assert copied <= int(done.group(1)) <= int(done.group(2)) == int(began.split()[3])
        copied = int(done.group(1))
    assert "/var/a: copied " in ended
    assert found["left"] == []


# Cut off.

SMALL_TREE = r"""
mkdir -p var/a/sub; echo text > var/a/file; ln var/a/file var/a/sub/link; ln -s x var/a/symbolic
mkfifo var/a/fifo; setfacl -m u:7:rw var/a/file; chown 5:6 var/a/sub; chmod 0711 var/a
setfattr -n trusted.mine -v value var/a/sub; truncate -s 100K var/a/sub/hole
"""
# A copy of the image at that moment has what the device would have: nothing of the caches.
CUT = r"""
export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
generate 2>/dev/null; early_mounts; pools
umount /rofs/persist/data
image=/run/image; where=/rofs/persist/data
start_over() {{ cp --sparse=always $image.new $image; mount $image $where; }}
run() {{ env LD_PRELOAD=/fault.so "$@" /rofs-prepare partition data 2>/run/said; }}
tell /rofs/ro/var/a > /run/lower
cp /run/empty $image.new
start_over; run FAULT_COUNT=/run/count; tell $where/d/a | cmp /run/lower - || exit 9
umount $where
calls=$(cat /run/count); at=1
echo == calls; echo $calls; echo == wrong
while [ $at -le $calls ]; do
    start_over
    run FAULT_AT=$at {fault} && done=1 || done=0
    {power}
    if [ -e $where/d/a ]; then
        tell $where/d/a | cmp -s /run/lower - || echo "half done at call $at"
    elif [ $done = 1 ]; then
        echo "not there, and not told, at call $at"
    fi
    /rofs-prepare partition data 2>/run/said ||
        {{ echo "not done again at call $at"; cat /run/said; }}
    tell $where/d/a | cmp -s /run/lower - || echo "not the same at call $at"
    [ "$(ls -A $where/d)" = a ] || echo "something is left at call $at: $(ls -A $where/d)"
    umount $where
    fsck.ext4 -fn $image >/run/fsck 2>&1 || {{ echo "not clean at call $at"; cat /run/fsck; }}
    at=$((at + 1))
done
echo == end
"""
POWER = ("cp --sparse=always $image $image.cut; umount $where; mv $image.cut $image;"
         " mount $image $where")


def cut(system: System, fault_library: Path, fault: str, power: str) -> dict[str, list[str]]:
    return sections(system(
        CONF, TELL + CUT.format(fault=fault, power=power),
        SMALL_TREE + f"cp {fault_library} fault.so\n"
        + "truncate -s 40M run/empty; mkfs.ext4 -q -J size=4 run/empty; mkdir run/disk/x\n"))


def test_power_cut_at_any_call_leaves_it_done_or_not_begun(
    system: System, fault_library: Path
) -> None:
    found = cut(system, fault_library, "FAULT_SIGNAL=9", POWER)
    assert int(found["calls"][0]) > 40
    assert found["wrong"] == []
    assert "end" in found


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_failure_of_any_call_leaves_it_done_or_not_begun(
    system: System, fault_library: Path, number: int
) -> None:
    found = cut(system, fault_library, f"FAULT_ERRNO={number}", "true")
    assert int(found["calls"][0]) > 40
    assert found["wrong"] == []
    assert "end" in found


# The lower on a file system of its own.

FSTAB = "echo 'LABEL=srv /srv ext4 defaults 0 0' > etc/fstab\n"
SRV = f"{DATA}[Persist /srv/a]\nPartition=data\nDirectory=/d/a\nPopulate=yes\n"


@pytest.mark.parametrize("kernel", ["", "export LD_PRELOAD=/fault.so FAULT_STATX=1;"],
                         ids=["5.8 and later", "before 5.8"])
def test_nothing_is_copied_while_the_lower_is_not_mounted(
    system: System, fault_library: Path, kernel: str
) -> None:
    """The empty mount point must not be taken for the content, for good."""
    found = sections(system(
        SRV, TELL + kernel + """
        generate 2>/dev/null; early_mounts; mkdir /rofs/persist /rofs/persist/data
        mount --bind /run/disk /rofs/persist/data
        prepare 2>/run/said; echo == left; left; cat /run/status; echo == said; cat /run/said
        mount -t tmpfs srv /srv; mkdir /srv/a; echo x > /srv/a/file
        mount --bind /srv /rofs/ro/srv
        echo == then; sum=0; prepare 2>/dev/null; cat /run/disk/d/a/file /run/status
        """, f"mkdir -p srv/a; cp {fault_library} fault.so; {FSTAB}{ext4()}"
        # The mounts that are not there yet are made by hand here.
        "mkdir -p rofs/ro; mount --bind -o ro . rofs/ro\n"))
    assert found["left"] == ["/run/disk/d", "1"]
    assert any("/srv/a: Populate=yes has nothing to copy: /rofs/ro/srv is not mounted" in line
               for line in found["said"])
    assert found["then"] == ["x", "0"]


# Single files.

FILE = f"[Overlay /var]\n{DATA}[Persist %s]\nPartition=data\nDirectory=/d/f\nKind=file\n%s"
FILES = {
    # name: path, further keys, what is below, what is seen then, mode and owner
    "empty, like the lower": ("/etc/f", "", "echo x > etc/f; chown 1:2 etc/f; chmod 0640 etc/f",
                              [], "640 1 2"),
    "populated": ("/etc/f", "Populate=yes\n", "echo x > etc/f; chmod 0604 etc/f", ["x"],
                  "604 0 0"),
    "populated with mode and owner": ("/etc/f", "Populate=yes\nMode=0600\nUser=alice\n",
                                      "echo x > etc/f", ["x"], "600 1234 0"),
    "populated from a link's target": ("/etc/l", "Populate=yes\n",
                                       "ln -s f etc/l; echo x > etc/f", ["x"], "644 0 0"),
    "lower below the overlay": ("/var/f", "Populate=yes\n", "echo x > var/f", ["x"], "644 0 0"),
    "no lower": ("/var/f", "", "true", [], "644 0 0"),
    "no lower to populate from": ("/var/f", "Populate=yes\n", "true", [], "644 0 0"),
    "no directory above either": ("/var/x/y/f", "", "true", [], "644 0 0"),
    "no directory for the lower's": ("/var/x/y/f", "", "mkdir var/x; chmod 0711 var/x", [],
                                     "644 0 0"),
}


@pytest.mark.parametrize("name", FILES)
def test_single_file(system: System, name: str) -> None:
    path, keys, lower, text, facts = FILES[name]
    found = sections(system(
        FILE % (path, keys), TELL + f"""
        boot; echo == text; cat {path}; echo == facts; stat -Lc '%a %u %g' {path}
        echo == mount; findmnt -no FSTYPE {path} | tail -n 1; cat /run/status; ls -A /run/disk/d
        echo == kept; echo new > {path}; umount {path}; again; cat {path} /run/disk/d/f
        echo == above; stat -c '%a %F' "$(dirname {path})"
        """, f"{lower}\n{ext4()}"))
    assert found["text"] == text
    assert found["facts"] == [facts]
    assert found["mount"] == ["ext4", "0", "f"]
    assert found["kept"] == ["new", "new"]
    assert found["above"] == ["755 directory"]


def test_mount_point_of_a_file_in_a_directory_that_starts_empty(system: System) -> None:
    found = sections(system(
        "[Overlay /var]\nStartEmpty=/var/x\n" + (FILE % ("/var/x/f", "Populate=yes\n"))[15:],
        "boot; echo == text; cat /var/x/f; ls /var/x; cat /run/status\n",
        "mkdir var/x; echo x > var/x/f; echo y > var/x/g\n" + ext4()))
    assert found["text"] == ["x", "f", "0"]


def test_mount_point_of_a_file_in_an_overlay_that_is_older(system: System) -> None:
    found = sections(system(
        f"[Overlay /srv]\nPartition=data\n{DATA}", """
        boot; echo x > /srv/x; umount /srv /rofs/overlay/srv; rm -r /run/units
        printf '[Persist /srv/new/f]\\nPartition=data\\nDirectory=/f\\nKind=file\\n' > /run/more
        umount /rofs/persist/data /rofs/ro /rofs
        cat /run/more >> /etc/rofs.conf; boot
        echo == made; echo y > /srv/new/f; cat /run/disk/f /srv/x; cat /run/status
        """, f"mkdir srv; {ext4()}"))
    assert found["made"] == ["y", "x", "0"]


def test_attribute_that_a_kept_layer_cannot_hold_is_named(system: System) -> None:
    """Of a directory above the mount point; the file system is almost empty."""
    found = sections(system(
        f"[Overlay /srv]\nPartition=data\n{DATA}[Persist /srv/app/conf]\nPartition=data\n"
        "Directory=/f\nKind=file\n",
        "boot >/dev/null 2>/run/said; echo == said; grep rofs-prepare: /run/said\n"
        "echo == status; cat /run/status\n",
        f"mkdir -p srv/app; setfattr -n trusted.big -v {BIG} srv/app; {ext4()}"))
    assert found["said"] == [
        "rofs-prepare: /srv/app/conf: cannot create the file to mount on: cannot set attribute "
        "trusted.big of app: No space left on device"]
    assert found["status"] == ["1"]


OTHER_TYPE = {
    # name: kind, what is on the partition already
    "directory for a file": ("file", "mkdir run/disk/d/f"),
    "link for a file": ("file", "ln -s /etc/passwd run/disk/d/f"),
    "file for a directory": ("directory", "touch run/disk/d/f"),
    "link for a directory": ("directory", "ln -s /etc run/disk/d/f"),
    "link on the way": ("directory", "rmdir run/disk/d; ln -s /etc run/disk/d"),
    "device for a file": ("file", "mknod run/disk/d/f c 1 3"),
}


@pytest.mark.parametrize("name", OTHER_TYPE)
def test_something_else_on_the_partition_is_not_bound(system: System, name: str) -> None:
    kind, there = OTHER_TYPE[name]
    found = sections(system(
        f"[Overlay /var]\n{DATA}[Persist /var/f]\nPartition=data\nDirectory=/d/f\nKind={kind}\n"
        f"Populate=yes\n{BESIDE}", TELL + """
        left > /run/before; boot 2>/run/said; umount /var/b; rmdir /run/disk/b
        echo == left; left | cmp /run/before - && echo as it was
        echo == mounts; is_mounted /var/f && echo /var/f || true
        echo == status; cat /run/status; wc -l </run/said
        """, ("mkdir var/f var/f/x" if kind == "directory" else "touch var/f")
        + f"\n{ext4()}mkdir run/disk/d; {there}\n"))
    assert found["left"] == ["as it was"]
    assert found["mounts"] == []
    assert found["status"] == ["1", "1"]


def test_rename_over_a_single_file_and_what_to_do_instead(system: System) -> None:
    """As the manual says: EBUSY; the directory does not have this."""
    found = sections(system(
        f"[Overlay /etc]\n{DATA}[Persist /etc/app.conf]\nPartition=data\nDirectory=/f\nKind=file\n"
        "[Persist /etc/app.d]\nPartition=data\nDirectory=/app.d\nPopulate=yes\n", """
        boot; echo == file; cd /etc
        echo new > app.conf.new; LC_ALL=C mv -f app.conf.new app.conf 2>&1 || true
        echo written > app.conf; cat /run/disk/f
        echo == directory; cd /etc/app.d
        echo new > conf.new; mv -f conf.new conf; cat /run/disk/app.d/conf
        """, f"echo x > etc/app.conf; mkdir etc/app.d; echo x > etc/app.d/conf\n{ext4()}"))
    assert len(found["file"]) == 2
    assert "Device or resource busy" in found["file"][0]
    assert found["file"][1] == "written"
    assert found["directory"] == ["new"]
