"""rofs chroot, between real mounts: what a command changes is on flash, all of it or nothing."""

from __future__ import annotations

import shlex

import pytest
from chroot_system import CONF, SUBVOLUME_ROOT, Chroot
from commit.system import can_mount
from mounted_system import DATA, RUNNING_ID, sections
from support import built, program

pytestmark = pytest.mark.root


def test_a_file_is_kept(chroot: Chroot) -> None:
    done = chroot("""
        rofs chroot sh -c 'echo new > /etc/new; echo more >> /etc/passwd'
        echo == flash; cat /rofs/ro/etc/new; tail -n 1 /rofs/ro/etc/passwd
        echo == live; cat /etc/new
        echo == root; is_ro && echo ro; grep ' / ' /proc/self/mountinfo
        echo == left; ls /rofs/ro/rofs
        """)
    found = sections(done)
    assert found["flash"] == ["new", "more"]
    assert found["live"] == ["new"]
    assert found["root"][0] == "ro"
    assert "written to flash; a reboot completes it" in done.stderr


# What a command may do to a lower of its own: the steps, and what must be true on flash afterwards.
LOWER = """
mkdir -p usr/lib/app usr/share/doc/old/deep etc/app opt/tree/sub srv/both
echo one > usr/lib/app/file; echo conf > etc/app/conf; echo x > usr/share/doc/old/deep/x
echo a > opt/tree/a; echo b > opt/tree/sub/b; echo keep > srv/both/keep; echo gone > srv/both/gone
ln -s file usr/lib/app/link; echo prog > usr/bin/tool; chmod 0755 usr/bin/tool
echo h > usr/lib/hard1; ln usr/lib/hard1 usr/lib/hard2
touch -d '2020-02-02 02:02:02.5 UTC' usr/lib/app usr/share/doc opt/tree srv/both
"""
STEPS = {
    "new tree": ("mkdir -p /usr/lib/new/a/b; echo 1 > /usr/lib/new/a/b/c; ln -s a /usr/lib/new/l",
                 "cat usr/lib/new/a/b/c; readlink usr/lib/new/l", ["1", "a"]),
    "replaced by rename": ("echo two > /usr/lib/app/.tmp; mv /usr/lib/app/.tmp /usr/lib/app/file",
                           "cat usr/lib/app/file; ls -A usr/lib/app", ["two", "file", "link"]),
    "deleted": ("rm /srv/both/gone; rm -r /usr/share/doc/old", "ls srv/both usr/share/doc",
                ["srv/both:", "keep", "", "usr/share/doc:"]),
    "setuid": ("chmod 04755 /usr/bin/tool", "stat -c %a usr/bin/tool", ["4755"]),
    "capability": ("cp /usr/bin/cat /usr/bin/capable; setcap cap_net_raw+ep /usr/bin/capable",
                   "getfattr -n security.capability -e hex usr/bin/capable | grep -c 0x", ["1"]),
    "recreated directory": ("rm -r /opt/tree; mkdir /opt/tree; echo n > /opt/tree/n",
                            "find opt/tree | sort", ["opt/tree", "opt/tree/n"]),
    "recreated with whiteouts": (
        "rm -r /opt/tree; mkdir -p /opt/tree/sub; echo n > /opt/tree/a; rm /opt/tree/a",
        "find opt/tree | sort; getfattr -R -m - opt/tree", ["opt/tree", "opt/tree/sub"]),
    "moved directory": ("mv /opt/tree /opt/moved", "find opt | sort",
                        ["opt", "opt/moved", "opt/moved/a", "opt/moved/sub", "opt/moved/sub/b"]),
    "directory becomes a file": ("rm -r /opt/tree; echo f > /opt/tree", "cat opt/tree", ["f"]),
    "file becomes a directory": ("rm /usr/lib/app/file; mkdir /usr/lib/app/file",
                                 "stat -c %F usr/lib/app/file", ["directory"]),
    "file becomes a link": ("ln -sf ../x /usr/lib/app/file", "readlink usr/lib/app/file", ["../x"]),
    "new hard links": ("echo l > /usr/lib/l1; ln /usr/lib/l1 /opt/l2",
                       "stat -c '%h' usr/lib/l1; [ usr/lib/l1 -ef opt/l2 ] && echo same",
                       ["2", "same"]),
    "link to an old file": ("ln /usr/lib/app/file /usr/lib/app/other",
                            "[ usr/lib/app/file -ef usr/lib/app/other ] && echo same", ["same"]),
    "attributes of a directory": (
        "chmod 0700 /opt/tree; setfattr -n user.x -v 1 /opt/tree; setfacl -m d:u:5:r /opt/tree",
        "stat -c %a opt/tree; getfattr -m user opt/tree | tail -n +2; cat opt/tree/a;"
        "getfacl -cpn opt/tree | grep default:user:5",
        ["700", "user.x", "", "a", "default:user:5:r--"]),
    "time of a directory": ("echo n > /srv/both/n; touch -d '2021-01-01 00:00:00.25 UTC' /srv/both",
                            "TZ=UTC stat -c %y srv/both", ["2021-01-01 00:00:00.250000000 +0000"]),
    "fifo and device": ("mkfifo /opt/fifo; mknod /opt/null c 1 3",
                        "stat -c '%F %t %T' opt/fifo opt/null",
                        ["fifo 0 0", "character special file 1 3"]),
    "dpkg": ("for f in a b; do echo $f > /usr/lib/app/$f.dpkg-new; done;"
             "ln /usr/lib/app/file /usr/lib/app/file.dpkg-tmp;"
             "mv /usr/lib/app/a.dpkg-new /usr/lib/app/file;"
             "mv /usr/lib/app/b.dpkg-new /usr/lib/app/b; rm /usr/lib/app/file.dpkg-tmp",
             "cat usr/lib/app/file usr/lib/app/b; ls usr/lib/app", ["a", "b", "b", "file", "link"]),
    "flags of chattr": (
        "chattr +i /opt/tree /opt/tree/a; echo n > /srv/both/n; chattr +a /srv/both",
        "lsattr -d opt opt/tree opt/tree/a srv/both | cut -c5,6", ["--", "i-", "i-", "-a"]),
    "hostile names": ("mkdir '/opt/a b' /opt/-rf; echo 1 > \"$(printf '/opt/a b/n\\n\\033\\\\x')\"",
                      "ls opt/'a b' | od -An -c | tr -d ' '; ls opt",
                      ["n\\n033\\x\\n", "-rf", "a b", "tree"]),
}


@pytest.mark.parametrize("name", STEPS)
def test_what_a_command_does_is_on_flash(chroot: Chroot, name: str) -> None:
    steps, check, expected = STEPS[name]
    done = chroot(f"""
        cat > /run/steps <<'END'
        {steps}
END
        rofs chroot sh -e -c "$(cat /run/steps)"
        is_ro
        cd /rofs/ro
        echo == flash; {check}
        echo == overlay; find . -path ./rofs -prune -o -print0 |
            xargs -0 getfattr -h -d -m trusted.overlay 2>/dev/null
        find . -path ./rofs -prune -o -type c -exec stat -c '%t %T %n' {{}} + | grep '^0 0' || true
        """, LOWER)
    found = done.stdout.split("== ")
    assert done.returncode == 0, done.stderr
    assert found[1].splitlines()[1:] == expected
    assert found[2].splitlines()[1:] == []


# A command that has changed something, in the background.
BEGUN = ("/rofs-command chroot sh -c '{do}; echo begun; sleep 1000' >/run/begun & "
         "until grep -qs begun /run/begun; do sleep 0.05; done; ")
NOT_KEPT = {
    "exit status": ("rofs chroot sh -c '{do}; exit 7'", 7, "exit status 7"),
    "signal": ("rofs chroot sh -c '{do}; kill -9 $$'", 137, "signal 9"),
    "discard": ("rofs chroot --discard sh -c '{do}'", 0, "all changes were discarded"),
    "no command": ("rofs chroot /no/such/command", 127, "No such file"),
    "SIGTERM": (BEGUN + "kill $!; wait $!", 143, "signal"),
    "SIGHUP": (BEGUN + "kill -HUP $!; wait $!", 129, "signal"),
}
CHANGE = "echo x > /etc/x; rm /usr/lib/hard1; rm -r /opt/tree; chmod 0700 /srv"


@pytest.mark.parametrize("name", NOT_KEPT)
def test_all_is_discarded(chroot: Chroot, name: str) -> None:
    command, status, message = NOT_KEPT[name]
    done = chroot(f"""
        state > /run/before
        status=0
        ({command.format(do=CHANGE)}) || status=$?
        state > /run/after
        cmp /run/before /run/after
        is_ro
        echo == status; echo $status
        echo == left; ls -A /rofs/ro/rofs
        """, LOWER)
    found = sections(done)
    assert found == {"status": [str(status)], "left": []}
    assert message in done.stderr


# What a run ends with whose changes somebody else has open, deleted, below /rofs/ro.
HELD = {
    "written": ("--yes", "echo new > /etc/new",
                "written to flash, but a file system is still writable; a reboot completes it"),
    "discarded": ("--discard", "true",
                  "all changes were discarded, but a file system is still writable"),
}


@pytest.mark.parametrize("case", HELD)
def test_a_file_system_that_stays_writable_is_no_success(chroot: Chroot, case: str) -> None:
    option, do, words = HELD[case]
    done = chroot(f"""
        mount -t tmpfs tmpfs /dev/shm
        rofs chroot {option} sh -ec 'echo held > /srv/held; echo > /dev/shm/made
            while [ ! -e /dev/shm/open ]; do sleep 0.05; done
            rm /srv/held; {do}' > /run/out 2> /run/err & pid=$!
        while [ ! -e /dev/shm/made ]; do sleep 0.05; done
        exec 3< /rofs/ro/rofs/staging/upper/srv/held
        touch /dev/shm/open; status=0; wait $pid || status=$?
        echo == run; echo $status; tail -n 2 /run/err; cat /rofs/ro/etc/new || true
        exec 3<&-; flock /run/rofs/transaction.lock true
        echo == then; is_ro && echo ro
        """, lower="mkdir srv")
    found = sections(done)
    status, holder, last, *new = found["run"]
    assert status == "1"
    assert "still writable, until what uses it ends: sh (PID " in holder
    assert last == f"rofs-command: {words}"
    assert new == (["new"] if case == "written" else [])
    assert found["then"] == ["ro"]


def test_what_the_command_sees(chroot: Chroot) -> None:
    """The flash, not the overlays; the kernel's file systems; files of the running system."""
    done = chroot(r"""
        echo ram > /etc/ram
        echo 'nameserver 192.0.2.1' > /etc/resolv.conf; echo '192.0.2.2 name' > /etc/hosts
        state > /run/before
        rofs chroot sh -c '
            echo == ram; ls /etc/ram 2>&1 || true
            echo == network; cat /etc/resolv.conf /etc/hosts
            echo == rofs; ls -A /rofs
            echo == kernel; ls -d /proc/1 /dev/null /proc/self/fd
            echo == own; stat -c %a /run /tmp; ls -A /tmp
            echo == policy; status=0; /usr/sbin/policy-rc.d || status=$?; echo $status
            echo == machine-id; cat /etc/machine-id
            echo == read-only; { echo x > /etc/machine-id; } 2>/dev/null || echo ro
            echo == suspended; echo $NEEDRESTART_SUSPEND'
        state > /run/after
        cmp /run/before /run/after
        """, "mkdir -p sys usr/sbin; : > usr/sbin/invoke-rc.d; : > etc/machine-id;"
                  f"echo {RUNNING_ID} > run/machine-id;"
                  "mount --bind -o ro run/machine-id etc/machine-id")
    found = sections(done)
    assert found["ram"] == ["ls: cannot access '/etc/ram': No such file or directory"]
    assert found["network"] == ["nameserver 192.0.2.1", "192.0.2.2 name"]
    assert found["rofs"] == []
    assert found["kernel"] == ["/dev/null", "/proc/1", "/proc/self/fd"]
    assert found["own"] == ["755", "1777"]
    assert found["policy"] == ["101"]
    assert found["machine-id"] == [RUNNING_ID]
    assert found["read-only"] == ["ro"]
    assert found["suspended"] == ["1"]
    assert "nothing was changed" in done.stderr


def test_nothing_survives_the_command(chroot: Chroot) -> None:
    """Neither a daemon, which would hold files of the switch, nor a file in /run and /tmp."""
    found = sections(chroot("""
        rofs chroot sh -c 'setsid sleep 10000 > /etc/held 2>&1 &
            echo x > /tmp/x; echo x > /run/x; echo y > /etc/y'
        echo == processes
        cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -x '1000[0]' || true
        echo == mounts; findmnt -rno TARGET,FSTYPE | grep -c overlay
        echo == flash; ls /rofs/ro/tmp /rofs/ro/run; cat /rofs/ro/etc/y
        is_ro
        """))
    assert found["processes"] == []
    assert found["mounts"] == ["6"]
    assert found["flash"] == ["/rofs/ro/run:", "/rofs/ro/tmp:", "y"]


def test_the_machine_id_stays_out(chroot: Chroot) -> None:
    """That of a package, and the copy that dbus makes."""
    done = chroot("""
        rofs chroot sh -c 'mkdir -p /var/lib/dbus; echo x > /var/lib/dbus/machine-id
            echo y > /var/lib/dbus/y;
            echo x > /etc/machine-id || true' > /run/said
        echo == said; grep -v ' new, ' /run/said
        echo == flash; ls /rofs/ro/var/lib/dbus; ls /rofs/ro/etc
        """, "mkdir -p var/lib/dbus")
    found = sections(done)
    assert found["said"] == [
        "not written: /var/lib/dbus/machine-id, which belongs to the running system"]
    assert found["flash"][0] == "y"
    assert "machine-id" not in found["flash"]


def test_services_of_the_next_boot_have_nothing_to_update(chroot: Chroot) -> None:
    found = sections(chroot("""
        rofs chroot sh -c 'mkdir /usr/new; echo x > /usr/new/x'
        echo == times; stat -c %.9Y /rofs/ro/usr /rofs/ro/etc/.updated /rofs/ro/var/.updated
        """))
    assert len(set(found["times"])) == 1


def test_another_file_system_of_fstab(chroot: Chroot) -> None:
    """/boot on a file system of its own, mounted writable: a part of the same transaction."""
    done = chroot("""
        rofs chroot sh -c 'echo new > /boot/kernel; rm /boot/old; echo root > /opt/root'
        echo == boot; ls -A /boot; cat /boot/kernel
        echo == root; cat /rofs/ro/opt/root; ls -A /rofs/ro/boot
        echo == writable; findmnt -rno FS-OPTIONS /boot | grep -o '^rw'
        rofs chroot sh -c 'echo x > /boot/kernel; exit 5' || echo == status $?
        cat /boot/kernel
        """, """mkdir boot opt; truncate -s 32M ../boot.image; mkfs.ext4 -q ../boot.image
        mount -o loop ../boot.image boot
        echo old > boot/kernel; echo old > boot/old; rmdir boot/lost+found
        echo 'LABEL=boot /boot ext4 defaults 0 2' > etc/fstab""")
    found = sections(done)
    assert found["boot"] == [".rofs", "kernel", "new"]
    assert found["root"] == ["root"]
    assert found["writable"] == ["rw"]
    assert found["status 5"] == ["new"]


# Each on a device of its own, of which the last passes for vfat.
THREE_DEVICES = """mkdir -p boot ../efi
    for name in boot efi; do
        truncate -s 16M ../$name.image; mkfs.ext4 -q ../$name.image
    done
    mount -o loop ../boot.image boot; mkdir boot/efi; mount -o loop ../efi.image boot/efi
    echo 'LABEL=boot /boot ext4 defaults 0 2' > etc/fstab
    echo 'LABEL=efi /boot/efi vfat defaults 0 2' >> etc/fstab"""


def test_boot_loaders_find_the_devices(chroot: Chroot) -> None:
    """grub-probe asks for the source of a mount, and for the directory of it that is mounted."""
    library = built("tests/pretend-vfat.so")
    done = chroot("""
        rofs() { LD_PRELOAD=/pretend.so /rofs-command "$@"; }
        for at in / /boot /boot/efi; do echo == "$at"; findmnt -rno SOURCE $at; done
        echo == chroot; rofs chroot cat /proc/self/mountinfo
        echo == esp; rofs chroot sh -c 'echo $SYSTEMD_ESP_PATH'
        """, f"cp {library} pretend.so\n{THREE_DEVICES}")
    found = sections(done)
    mounted = [line.split() for line in found["chroot"] if line.startswith(tuple("0123456789"))]
    for at in ("/", "/boot", "/boot/efi"):
        fields = [line for line in mounted if line[4] == at][-1]
        assert [fields[3], *fields[fields.index("-") + 1:][:2]] == ["/", "overlay", found[at][0]]
    assert found["esp"][0] == "/boot/efi"


def test_root_in_a_subvolume(chroot: Chroot) -> None:
    """grub-mkrelpath asks for the directory of the file system that is mounted: /@, as before."""
    done = chroot("""
        rofs chroot sh -c 'cat /proc/self/mountinfo; echo == listed; ls -A / /rofs
            echo == done; echo new > /etc/new
            rm -r /opt/tree; mkdir /opt/tree; echo n > /opt/tree/n
            rm /srv/both/gone; chmod 0700 /srv/both; echo two > /usr/lib/app/file
            echo 1 > /home/new; chmod 0711 /home; exit 0'
        is_ro
        echo == flash; cd /rofs/ro; cat etc/new usr/lib/app/file home/new; find opt/tree | sort
        ls srv/both; stat -c %a srv/both home .; ls -d @* || :; ls -A rofs
        getfattr -R -m trusted.overlay etc opt srv usr/lib/app 2>/dev/null
        rofs chroot sh -c 'echo x > /etc/new; exit 5' || echo == status $?
        cat /rofs/ro/etc/new
        """, LOWER + """
        echo "$(findmnt -nvo SOURCE .) /home btrfs subvol=@home 0 0" > etc/fstab
        """, root=SUBVOLUME_ROOT)
    found = sections(done)
    mounted = [line.split() for line in done.stdout.splitlines() if " overlay " in line]
    assert [(line[3], line[4]) for line in mounted if "upperdir" in line[-1]] == [
        ("/@", "/"), ("/@home", "/home")]
    assert "@" not in found["listed"]
    assert found["flash"] == ["new", "two", "1", "opt/tree", "opt/tree/n", "keep",
                              "700", "711", "755", "kept.1", "log"]
    assert found["status 5"] == ["new"]


def test_nested_subvolume(chroot: Chroot) -> None:
    """A directory of the system, for all that a command sees."""
    done = chroot("""
        state > /run/before
        rofs chroot sh -c 'echo x > /etc/new; echo x > /opt/nested/x' || echo == status $?
        state > /run/after; cmp /run/before /run/after
        """, LOWER + "btrfs -q subvolume create opt/nested", root=SUBVOLUME_ROOT)
    assert "status 3" in sections(done)
    assert ("rofs-command: /opt/nested is on another file system or subvolume, which cannot be "
            "changed with this one\n") in done.stderr


def test_vfat_that_is_full(chroot: Chroot) -> None:
    """What does not fit there is not written anywhere."""
    library = built("tests/pretend-vfat.so")
    done = chroot("""
        rofs() { LD_PRELOAD=/pretend.so /rofs-command "$@"; }
        state > /run/before
        status=0
        rofs chroot sh -c 'dd if=/dev/zero of=/boot/efi/big bs=1M count=20; echo 1 > /boot/kernel
            echo 1 > /opt/new' || status=$?
        echo == left; echo $status; ls -A /boot/efi /boot
        state > /run/after; cmp /run/before /run/after
        """, f"cp {library} pretend.so; mkdir opt\n{THREE_DEVICES}")
    assert sections(done)["left"] == ["3", "/boot:", ".rofs", "efi", "lost+found",
                                      "/boot/efi:", "lost+found"]
    assert "cannot write big to /boot/efi: No space left on device" in done.stderr
    assert "all changes were discarded" in done.stderr


def test_vfat(chroot: Chroot) -> None:
    """overlayfs refuses it: the command has a copy, which is written back. ext4 passes for it."""
    library = built("tests/pretend-vfat.so")
    done = chroot("""
        rofs() { LD_PRELOAD=/pretend.so /rofs-command "$@"; }
        cp -r /boot/efi /run/before
        rofs chroot sh -c 'cat /boot/efi/EFI/boot/a; echo 9 > /boot/efi/EFI/boot/a; exit 3' || true
        diff -r /boot/efi /run/before; [ ! -e /boot/efi/.rofs ]
        rofs chroot sh -c 'cd /boot/efi; echo longer > EFI/boot/a; rm EFI/boot/gone
            mkdir -p EFI/debian/x; echo 1 > EFI/debian/x/f; echo up > EFI/boot/same
            rm -r old; ln -s x EFI/link
            rm -r EFI/dir; echo f > EFI/dir; rm EFI/file; mkdir EFI/file; echo 2 > /opt/2'
        echo == efi; cd /boot/efi; find . | sort
        cat EFI/boot/a EFI/debian/x/f EFI/dir /rofs/ro/opt/2
        is_ro
        """, f"""cp {library} pretend.so; mkdir -p boot/efi opt
        truncate -s 16M ../efi.image; mkfs.ext4 -q ../efi.image
        mount -o loop ../efi.image boot/efi; rmdir boot/efi/lost+found
        mkdir -p boot/efi/EFI/boot boot/efi/old/deep boot/efi/EFI/dir
        for f in boot/a boot/gone boot/same file dir/x; do echo up > boot/efi/EFI/$f; done
        echo x > boot/efi/old/deep/x
        echo 'LABEL=efi /boot/efi vfat defaults 0 2' > etc/fstab""")
    found = sections(done)
    assert found["efi"] == [".", "./EFI", "./EFI/boot", "./EFI/boot/a", "./EFI/boot/same",
                            "./EFI/debian", "./EFI/debian/x", "./EFI/debian/x/f",
                            "./EFI/dir", "./EFI/file",
                            "longer", "1", "f", "2"]
    assert "not written: /boot/efi/EFI/link" in done.stdout


MKFS_VFAT = "mkfs.vfat" if can_mount("vfat") else "mkfs.ext4 -q"
VFAT = f"""truncate -s 16M ../efi.image; mkdir -p boot/efi opt; {MKFS_VFAT} ../efi.image
    mount -o loop ../efi.image boot/efi; rm -rf boot/efi/lost+found
    mkdir -p boot/efi/EFI/old
    for f in a b gone old/x; do echo up > boot/efi/EFI/$f; done
    echo 'LABEL=efi /boot/efi vfat defaults 0 2' > etc/fstab"""
CHANGE_VFAT = """cd /boot/efi/EFI; for f in a b c; do echo new $f > $f; done
    mkdir d; echo new > d/e; rm -r gone old; echo 2 > /opt/2"""


@pytest.mark.parametrize("how", ["boot", "chroot"])
@pytest.mark.parametrize("cut", range(1, 5))
def test_power_cut_on_vfat(chroot: Chroot, cut: int, how: str) -> None:
    """The root is new by then. The next boot, or the next rofs chroot, completes the other one."""
    library, finish = built("tests/pretend-vfat.so"), program("rofs-finish")
    complete = {"boot": "/finish /boot/efi", "chroot": "rofs chroot sh -c :"}
    done = chroot(f"""
        rofs() {{ LD_PRELOAD=/pretend.so /rofs-command "$@"; }}
        cut() {{ PRETEND_CUT={cut} LD_PRELOAD=/pretend.so /rofs-command "$@"; }}
        cut chroot sh -c '{CHANGE_VFAT}' || echo == status $?
        cat /rofs/ro/opt/2; ls -A /rofs/ro/rofs
        for i in $(seq 3000); do # until the guard has ended
            rofs status | grep -q 'a transaction was interrupted' && break
            sleep 0.1
        done
        is_ro; rofs status | grep -c 'a transaction was interrupted'
        rofs undo --yes || echo $?
        export LD_PRELOAD=/pretend.so; {complete[how].replace("rofs ", "/rofs-command ")}
        unset LD_PRELOAD
        echo == efi; cd /boot/efi; find . | sort; cat EFI/a EFI/b EFI/c EFI/d/e
        echo == left; ls -A /rofs/ro/rofs/kept.1; is_ro
        """, f"cp {library} pretend.so; cp {finish} finish\n{VFAT}")
    found = sections(done)
    assert found["status 137"] == ["2", "kept.1", "log", "1", "3"]
    assert ("transaction 1 cannot be undone: it was interrupted; reboot to complete it"
            in done.stderr)
    assert found["efi"] == [".", "./EFI", "./EFI/a", "./EFI/b", "./EFI/c", "./EFI/d", "./EFI/d/e",
                            "new a", "new b", "new c", "new"]
    assert "copies" not in found["left"] and "record" in found["left"]
    assert "ompleted" in done.stderr


def test_what_was_written_for_no_transaction(chroot: Chroot) -> None:
    """A command that was killed has left it on vfat: it is removed, not put into place."""
    library = built("tests/pretend-vfat.so")
    done = chroot("""
        rofs() { LD_PRELOAD=/pretend.so /rofs-command "$@"; }
        mkdir -p /boot/efi/.rofs/staging.new/EFI; echo bad > /boot/efi/.rofs/staging.new/EFI/a
        rofs chroot id
        echo == efi; cd /boot/efi; find . | sort; cat EFI/a
        """, f"cp {library} pretend.so\n{VFAT}")
    assert sections(done)["efi"] == [".", "./EFI", "./EFI/a", "./EFI/b", "./EFI/gone", "./EFI/old",
                                     "./EFI/old/x", "up"]


def test_only_vfat_is_changed(chroot: Chroot) -> None:
    """It is a transaction all the same: a power cut leaves all of it or nothing."""
    library = built("tests/pretend-vfat.so")
    done = chroot("""
        rofs() { LD_PRELOAD=/pretend.so /rofs-command "$@"; }
        rofs chroot sh -c 'echo new > /boot/efi/EFI/a'
        echo == log; rofs log; ls -A /rofs/ro/rofs/kept.1; cat /boot/efi/EFI/a
        echo == undo; rofs undo --yes
        """, f"cp {library} pretend.so\n{VFAT}")
    found = sections(done)
    assert " chroot " in found["log"][1] and found["log"][-1] == "new"
    assert "copies" not in found["log"]
    assert found["undo"][-2:] == [
        "not put back: what it changed on /boot/efi",
        "transaction 1 is undone as far as its old files were kept; a reboot completes it"]


def test_a_lower_of_its_own(chroot: Chroot, disks: dict[str, str]) -> None:
    """A file system that fstab would mount on an overlaid path."""
    found = sections(chroot("""
        rofs chroot sh -c 'echo 1 > /home/new; rm /home/old; echo 2 > /opt/2'
        echo == flash; ls -A /rofs/ro/home; cat /rofs/ro/home/new /rofs/ro/opt/2
        findmnt -rno FS-OPTIONS /rofs/ro/home | grep -q '^ro'
        """, f"""mkdir opt; mount {disks["DISK"]} home; rmdir home/lost+found
        echo old > home/old; umount home
        echo '{disks["DISK"]} /home ext4 defaults 0 2' > etc/fstab"""))
    assert found["flash"] == [".rofs", "new", "1", "2"]


def test_staged_on_a_partition(chroot: Chroot) -> None:
    done = chroot("""
        rofs chroot --on=data sh -e -c 'echo new > /etc/new; rm -r /opt/tree; mkdir /opt/tree
            echo n > /opt/tree/n
            ln /etc/new /etc/link; rm /srv/both/gone; chmod 0700 /srv/both'
        cd /rofs/ro
        echo == flash; cat etc/new; ls opt/tree srv/both; stat -c %a srv/both; stat -c %h etc/link
        echo == left; ls -A /run/disk
        rofs chroot --on=none true || echo == status $?
        # Who owns the partition could put something else in the place of the changes.
        chown 1234 /run/disk; rofs chroot --on=data true || echo == alice $?
        chown 0 /run/disk; chmod 0775 /run/disk; rofs chroot --on=data true || echo == group $?
        """, LOWER, CONF + DATA + "[Persist /var/local]\nPartition=data\n")
    found = sections(done)
    assert found["flash"] == ["new", "opt/tree:", "n", "srv/both:", "keep", "700", "2"]
    assert ".rofs-chroot" not in found["left"]
    assert "status 3" in found
    assert "none: no partition of rofs.conf that is used has this name" in done.stderr
    assert {"alice 3", "group 3"} < set(found)
    assert "data: others than root may write to the root directory of the partition" in done.stderr


def test_direct(chroot: Chroot) -> None:
    """There is no way back, and the command's exit status changes nothing."""
    done = chroot("""
        status=0; rofs chroot --direct sh -c 'echo x > /etc/direct; exit 4' || status=$?
        echo == status; echo $status; cat /rofs/ro/etc/direct; is_ro && echo ro
        """)
    assert sections(done)["status"] == ["4", "x", "ro"]


def test_conflict_with_a_change_in_ram(chroot: Chroot) -> None:
    done = chroot("""
        echo ram:x:1000 >> /etc/passwd; rm /etc/group; mkdir /etc/d
        echo same > /etc/same; echo r > /etc/d/f
        rofs chroot sh -c 'echo flash:x:100 >> /etc/passwd; echo g > /etc/group
            echo same > /etc/same
            mkdir /etc/d; echo f > /etc/d/f; echo n > /etc/none'
        """)
    assert done.returncode == 0, done.stderr
    told = [line.split(": ")[1] for line in done.stderr.splitlines()
            if "changed on flash now" in line]
    assert told == ["/etc/d/f", "/etc/group", "/etc/passwd"]


REFUSED = {
    "not root": ("setpriv --reuid=5 --clear-groups /rofs-command chroot true", 3, "only root"),
    "nested": ("mkdir -p /run/rofs-chroot; rofs chroot true", 3, "this is a rofs chroot"),
    "commit in it": ("mkdir -p /run/rofs-chroot; rofs commit /var", 3, "this is a rofs chroot"),
    "revert in it": ("mkdir -p /run/rofs-chroot; rofs revert /var", 3, "this is a rofs chroot"),
    "maintenance in it": ("mkdir -p /run/rofs-chroot; rofs maintenance", 3, "a rofs chroot"),
    "another one": (BEGUN.format(do="true") + "rofs chroot true", 3, "another"),
    "/boot not mounted": ("rofs chroot true", 3, "/boot of fstab is not mounted"),
    "options": ("rofs chroot --direct --discard true", 2, "mutually exclusive"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(chroot: Chroot, name: str) -> None:
    command, status, message = REFUSED[name]
    fstab = "mkdir boot; echo 'LABEL=x /boot ext4 noauto 0 2' > etc/fstab"
    done = chroot(f"""
        state > /run/before
        status=0; ({command}) || status=$?
        state > /run/after; cmp /run/before /run/after
        echo == status; echo $status
        """, fstab if "/boot" in name else "")
    assert sections(done)["status"] == [str(status)]
    assert message in done.stderr


def test_killed(chroot: Chroot) -> None:
    """SIGKILL of rofs: the command dies with it, and the root is read-only again."""
    found = sections(chroot("""
        state > /run/before
        /rofs-command chroot sh -c 'rm -r /opt/tree; echo ready; sleep 10000' > /run/out &
        pid=$!
        until grep -q ready /run/out; do sleep 0.1; done
        kill -9 $pid; wait $pid || true
        for i in $(seq 3000); do is_ro && break; sleep 0.1; done
        is_ro
        echo == processes
        cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -x '1000[0]' || true
        state > /run/after; cmp /run/before /run/after
        rofs chroot sh -c 'echo y > /etc/y' > /run/out
        echo == after; ls /rofs/ro/etc/y /rofs/ro/rofs
        """, LOWER))
    assert found["processes"] == []
    assert found["after"][0] == "/rofs/ro/etc/y"
    assert not any("staging" in line for line in found["after"])


CTRL_C = "\x03"
# What is typed, and how it ends.
TERMINAL = {
    "kept": (["echo x > /etc/x", "exit 0", "y"], 0, True),
    "not confirmed": (["echo x > /etc/x", "exit 0", "n"], 3, False),
    "status of the last command": (["echo x > /etc/x; false", "exit", "y", "y"], 0, True),
    "discarded": (["echo x > /etc/x", "exit 3", "n"], 3, False),
    "interrupted": (["sleep 1000; echo slept | cat", CTRL_C, "echo x > /etc/x", "exit 0", "y"],
                    0, True),
}


@pytest.mark.parametrize("name", TERMINAL)
def test_a_shell_on_a_terminal(chroot: Chroot, name: str) -> None:
    typed, status, kept = TERMINAL[name]
    lines = " ".join(shlex.quote(line) for line in typed)
    done = chroot(f"""
        mount -t devpts -o ptmxmode=0666 devpts /dev/pts
        mkfifo /run/keys
        env --default-signal=INT,QUIT SHELL=/bin/sh \
            script -qefc 'SHELL=/bin/none /rofs-command chroot' /run/seen < /run/keys > /dev/null &
        pid=$!
        exec 3<> /run/keys
        n=0
        prompted() {{
            [ "$(grep -aoE '[(]rofs chroot[)] # |y/N. ' /run/seen | wc -l)" -ge $n ]
        }}
        sleeps() {{ cat /proc/[0-9]*/comm 2>/dev/null | grep -qx sleep; }}
        for line in {lines}; do
            # Only Ctrl-C does not wait for a prompt.
            ready=sleeps
            [ "$line" = {shlex.quote(CTRL_C)} ] || ready=prompted n=$((n + 1))
            for i in $(seq 3000); do $ready && break; sleep 0.1; done
            echo "$line" >&3 || break
        done
        status=0; wait $pid || status=$?
        echo == status; echo $status
        echo == kept; ls /rofs/ro/etc | grep -x x || true
        echo == seen; cat /run/seen; echo
        """)
    found = sections(done)
    assert found["status"] == [str(status)], done.stdout
    assert found["kept"] == (["x"] if kept else [])
    assert "exit 0 writes all changes" in done.stdout
    assert "slept" not in found["seen"]


def test_the_directory_that_an_overlay_is_mounted_on(chroot: Chroot) -> None:
    """The kernel lets nobody rename it while the system runs."""
    done = chroot("""
        rofs chroot rm -rf /srv
        echo == emptied; ls -A /rofs/ro/srv; ls -d /rofs/ro/srv; ls -A /srv
        echo == undone; rofs undo > /run/out; cat /rofs/ro/srv/d/f /rofs/ro/srv/g
        echo == replaced; s=0
        rofs chroot sh -c 'rm -rf /var; mkdir /var; echo > /var/x' 2>&1 || s=$?; echo $s
        echo == root; is_ro && echo ro
        """, conf="[Overlay /srv]\n[Overlay /var]\n",
                  lower="mkdir -p srv/d; echo f > srv/d/f; echo g > srv/g")
    found = sections(done)
    assert found["emptied"] == ["/rofs/ro/srv"]
    assert found["undone"] == ["f", "g"]
    assert "rofs-command: /var: cannot be replaced while an overlay is mounted on it; " \
        "change what is in it" in found["replaced"]
    assert found["replaced"][-1] == "3"
    assert found["root"] == ["ro"]
