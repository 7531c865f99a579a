"""`rofs commit` and `rofs revert` while somebody who owns a directory changes what is in it."""

from __future__ import annotations

import shlex
from typing import Dict

from overlay_commit import Commit
import pytest
from support import built, program

pytestmark = pytest.mark.root

# Holds a write lease on a file: who opens it waits, and meanwhile something is done.
LEASE = r"""
cat > /run/lease.py <<'END'
import fcntl, os, signal, subprocess, sys
path, during, *command = sys.argv[1:]
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO, signal.SIGCHLD])
signal.signal(signal.SIGCHLD, lambda *_: None)
fd = os.open(path, os.O_RDONLY)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
child = subprocess.Popen(command, preexec_fn=lambda: signal.pthread_sigmask(
    signal.SIG_UNBLOCK, [signal.SIGIO, signal.SIGCHLD]))
if signal.sigwait([signal.SIGIO, signal.SIGCHLD]) == signal.SIGIO:
    subprocess.run(["sh", "-euc", during], check=True)
else:
    print("it did not wait")
os.close(fd)
sys.exit(child.wait())
END
lease() { python3 /run/lease.py "$@"; }
"""


def test_a_lease_only_delays(commit: Commit) -> None:
    """Anybody may hold one on a file of theirs."""
    told = commit("true", f"""{LEASE}
    echo a > a; echo b > b
    echo == commit; status_of lease a true /rofs-command commit --all; cat /rofs/ro/var/a
    """)
    assert told["commit"][0] == "0"
    assert told["commit"][-1] == "a"


HOLD = r"""
cat > /run/hold.py <<'END'
# Somebody has leases, and does not care for what the kernel asks.
import fcntl, os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
for path in sys.argv[1:]:
    fcntl.fcntl(os.open(path, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_WRLCK)
open("/run/held", "w").close()
signal.sigwait([signal.SIGTERM])
END
"""


def test_leases_delay_for_a_limited_time(commit: Commit) -> None:
    """Anybody may hold thousands; each would be a delay of 45 seconds."""
    told = commit("true", f"""{HOLD}
    echo a > a; echo b > b; echo c > c
    python3 /run/hold.py a b & pid=$!
    while ! [ -e /run/held ]; do sleep 0.05; done
    echo == commit
    status_of env LD_PRELOAD=/fault.so FAULT_QUICK=1 /rofs-command commit --all
    kill $pid; ls /rofs/ro/var; mount_state
    """, also=f"cp {shlex.quote(str(built('tests/fault.so')))} fault.so")
    assert told["commit"][0] == "1"
    for path in ("/var/a", "/var/b"):
        assert f"rofs-command: {path} is left out: cannot open it: another program holds a " \
            "lease on it" in told["commit"]
    assert told["commit"][-3:] == ["c", "ro", "ro"]


def test_it_is_not_stopped(commit: Commit) -> None:
    """By Ctrl-Z, for example: flash would be writable until somebody continues it."""
    told = commit("true", f"""{LEASE}
    echo a > a
    echo == commit
    status_of lease a 'kill -TSTP $(pidof rofs-command)' timeout --foreground -s KILL 300 \
        /rofs-command commit --all
    cat /rofs/ro/var/a; mount_state
    """)
    assert told["commit"][0] == "0"
    assert told["commit"][-3:] == ["a", "ro", "ro"]


def test_the_limit_of_a_shell(commit: Commit) -> None:
    told = commit("true", """
    head -c 2M /dev/zero > big; echo a > a; ulimit -f 1000
    echo == commit; status_of rofs commit --all; ls /rofs/ro/var /rofs/ro/rofs; mount_state
    """)
    assert told["commit"][0] == "1"
    assert "rofs-command: /var/big is left out: cannot write it: File too large" in told["commit"]
    assert told["commit"][-7:] == ["/rofs/ro/rofs:", "kept.1", "log", "/rofs/ro/var:", "a",
                                   "ro", "ro"]


def test_a_name_of_a_file_is_not_replaced_by_what_another_name_became(commit: Commit) -> None:
    """Who can link to a file of root's must not choose what that file is on flash."""
    told = commit("mkdir home root", f"""{LEASE}
    echo of-root > root/file; chmod 600 root/file; ln root/file home/link; echo x > a
    echo == commit
    status_of lease a 'rm home/link; echo evil > home/link; chown 1234 home/link' \
        /rofs-command commit --all
    echo == flash; cat /rofs/ro/var/root/file; stat -c %u:%a /rofs/ro/var/root/file
    cat /rofs/ro/var/home/link
    """)
    assert told["commit"][0] == "0"
    assert told["flash"] == ["of-root", "0:600", "evil"]


SWAP = r"""
cat > /run/swap.py <<'END'
# Somebody who owns /var/home: gives a file of another one the name of a copy that is made there.
import ctypes, os
exchange = ctypes.CDLL(None).renameat2
os.setgid(1234)
os.setuid(1234)
os.chdir("/var/home")
while not os.path.exists("/run/stop"):
    for i in range(100):
        exchange(-100, b".rofs-revert", -100, b"secret", 2)
END
"""


def test_revert_gives_away_no_other_file(commit: Commit) -> None:
    told = commit("mkdir home; chown 1234 home; cd home\n"
                  "for i in $(seq 200); do ln -s x l$i; done; chown -h 1234 l*", f"""{SWAP}
    cd home
    echo == owner
    for i in 1 2 3 4 5 6 7 8; do
        rm -rf * .rofs* /run/stop; echo of-root > secret; chmod 600 secret
        python3 /run/swap.py & pid=$!
        rofs revert --yes $(seq -f /var/home/l%g 200) > /run/out 2>&1 || tail -3 /run/out >&2
        touch /run/stop; wait $pid
        find . -type f -exec stat -c %u:%a {{}} +
    done
    """)
    assert set(told["owner"]) == {"0:600"}


def test_what_becomes_shorter_while_it_is_copied_keeps_its_owner(commit: Commit) -> None:
    told = commit("true", r"""
    cat > /run/shrink.py <<'END'
import os, sys
fd = os.open("/var/log", os.O_RDWR)
while not os.path.exists("/run/stop"):
    os.ftruncate(fd, 32 << 20)
    os.pwrite(fd, b"x" * (1 << 20), 31 << 20)
    os.ftruncate(fd, 10)
END
    echo 1234567890 > log; chmod 644 log; chown 1234 log
    python3 /run/shrink.py & pid=$!
    echo == flash
    for i in 1 2 3 4 5 6 7 8 9 10; do
        s=0; rofs commit log > /run/out 2>&1 || { s=$?; cat /run/out; }
        echo $s $(stat -c %u:%a /rofs/ro/var/log)
    done
    touch /run/stop; wait $pid
    """)
    assert set(told["flash"]) == {"0 1234:644"}


def test_revert_leaves_what_is_mounted_in_a_directory_where_it_is(commit: Commit) -> None:
    told = commit("ln -s x other; echo a > file", """
    rm other; mkdir -p other/below lib/ram; mount -t tmpfs t other/below; echo x > other/below/x
    echo up > lib/ram/x; mount -t tmpfs t lib/ram; echo mounted > lib/ram/x; echo b > file
    echo == revert; status_of rofs revert --yes /var; cat other/below/x lib/ram/x file; ls -A
    """)
    assert told["revert"][0] == "1"
    assert "rofs-command: cannot put back /var/other: Device or resource busy" in told["revert"]
    assert told["revert"][-7:] == ["x", "mounted", "a", ".updated", "file", "lib", "other"]


def test_the_directory_of_transactions_takes_nothing_of_users(
        commit: Commit, disks: Dict[str, str]) -> None:
    """Its name may be free in a directory in which all may write, and what it holds is obeyed."""
    told = commit("true", """
    alice() { setpriv --reuid 1234 --regid 1234 --clear-groups "$@"; }
    alice mkdir /data/.rofs; alice touch /data/.rofs/commit /data/f
    echo == commit; status_of rofs commit --all; ls -A /rofs/ro/data/.rofs /rofs/ro/data
    echo == named; status_of rofs commit /data/.rofs/commit; ls -A /rofs/ro/data/.rofs
    echo == revert; status_of rofs revert --yes /data; ls -A /data/.rofs
    """, conf="[Overlay /var]\n[Overlay /data]\n", also=f"""
    mkdir data; mount {disks['DISK']} data; chmod 1777 data; umount data
    echo "{disks['DISK']} /data ext4 defaults 0 0" > etc/fstab
    """)
    assert told["commit"][0] == "0"
    assert "left out: /data/.rofs (a name that rofs reserves for transactions)" in told["commit"]
    assert told["commit"][-6:] == ["/rofs/ro/data:", ".rofs", "f", "lost+found",
                                   "/rofs/ro/data/.rofs:", "kept.1"]
    assert "commit" not in told["named"]
    assert told["revert"][-1] == "commit"


@pytest.mark.parametrize("made", ["mkdir -p", "touch", "mkfifo", "ln -s /etc"])
def test_a_pending_transaction_without_a_record(commit: Commit, made: str) -> None:
    """Of a damaged medium: what it has switched is not known, so nobody may decide for the user."""
    told = commit("true", """
    echo a > a
    echo == commit; status_of rofs commit a; ls -A /rofs/ro/rofs /rofs/ro/var; mount_state
    """, also=f"{made} rofs/pending.7\n")
    assert told["commit"] == [
        "3", "rofs-command: cannot complete the transaction in /rofs/pending.7: its record is "
        "damaged; see rofs-finish(8)", "/rofs/ro/rofs:", "pending.7", "/rofs/ro/var:", "ro", "ro"]


BIG = 'big() { setfattr -n user.big -v "$(head -c 8000 /dev/zero | tr "\\0" x)" "$@"; }'


def test_more_attributes_than_can_be_listed(commit: Commit) -> None:
    """The kernel lists 64 KiB of names; a tmpfs holds more of them."""
    told = commit("echo lower > old; mkdir dir", r"""
    cat > /run/many.py <<'END'
import os, sys
for path in sys.argv[1:]:
    for i in range(400):
        os.setxattr(path, "user.%0200d" % i, b"")
END
    echo upper > new; echo x > mine; python3 /run/many.py old dir new
    echo == commit; status_of rofs commit --all; cat /rofs/ro/var/mine /rofs/ro/var/old
    ls /rofs/ro/var
    echo == diff; status_of rofs diff /var/old /var/dir
    echo == revert; status_of rofs revert --yes old; getfattr old
    """)
    said = "is left out: cannot list the attributes of it: Argument list too long"
    for path in ("/var/old", "/var/dir", "/var/new"):
        assert f"rofs-command: {path} {said}" in told["commit"]
    assert told["commit"][0] == "1"
    assert told["commit"][-5:] == ["x", "lower", "dir", "mine", "old"]
    assert [line.split()[0] for line in told["diff"]] == ["0", "CHANGE", "m", "m"]
    assert told["revert"][0] == "0"
    assert "user." not in " ".join(told["revert"])


def test_what_flash_cannot_hold_is_left_out(commit: Commit) -> None:
    """Any user can make such files, and must not stop the commit of all others."""
    told = commit("mkdir old; echo x > old/x; echo lower > f; chmod 700 old", f"""{BIG}
    mkdir new new/below in; echo y > new/below/y; big new; mkdir in/deep; echo z > in/deep/z
    big in/deep
    echo upper > f; big f; echo a > a; ln a b; echo h > h; ln h in/h; big h; big old; echo X > old/x
    truncate -s 8388607T huge; echo s > s
    echo == commit; status_of rofs commit --all; cd /rofs/ro/var
    echo == flash; find . ! -name .updated | LC_ALL=C sort; cat f old/x a; ls -A /rofs/ro/rofs
    find /rofs/ro/rofs -name y -o -name z
    """)
    assert told["commit"][0] == "1"
    reason = "it is too large for the file system on flash"
    said = "is left out: cannot set attribute user.big of it: " + reason
    for path in ("/var/f", "/var/h", "/var/in/h", "/var/old", "/var/new with all in it",
                 "/var/in/deep with all in it"):
        assert f"rofs-command: {path} {said}" in told["commit"]
    assert "rofs-command: /var/huge is left out: cannot write it: File too large" in told["commit"]
    assert told["flash"] == [".", "./a", "./b", "./f", "./in", "./old", "./old/x", "./s",
                             "lower", "X", "a", "kept.1", "log"]
    assert any(line.startswith("written to flash: 7 files") for line in told["commit"])


def test_only_what_flash_cannot_hold(commit: Commit) -> None:
    told = commit("true", f"""{BIG}
    for i in $(seq 12); do echo $i > f$i; big f$i; done
    echo == commit; status_of rofs commit f*; ls -A /rofs/ro/var /rofs/ro/rofs
    """)
    assert told["commit"][0] == "1"
    assert "rofs-command: 2 further paths are left out" in told["commit"]
    assert "f1" not in told["commit"]


def test_a_target_of_a_link_that_is_too_long(commit: Commit) -> None:
    told = commit("true", """
    ln -s $(printf %01500d 0) long; echo a > a
    echo == commit; status_of rofs commit --all; ls /rofs/ro/var
    """, kind="xfs")
    assert told["commit"][0] == "1"
    assert "rofs-command: /var/long is left out: cannot create it: File name too long" \
        in told["commit"]
    assert told["commit"][-1] == "a"


def test_no_room_still_ends_everything(commit: Commit) -> None:
    """It shows only while files are copied: the blocks of attributes are in no estimate."""
    told = commit("echo a > a", """
    echo b > a; mkdir d
    python3 -c 'import os
for i in range(20000):
    os.mknod(f"d/{i}"); os.setxattr(f"d/{i}", "user.x", b"%0700d" % i)'
    mount -o remount,rw /; fallocate -l $(($(df --output=avail -B1 / | tail -1) - 11600000)) /fill
    mount -o remount,ro /
    echo == commit; status_of rofs commit --all; cat /rofs/ro/var/a; ls /rofs/ro/var
    echo == mounts; mount_state
    """)
    assert told["commit"][0] == "1"
    assert "is left out" not in " ".join(told["commit"])
    assert "No space left on device" in told["commit"][-3]
    assert told["commit"][-2:] == ["a", "a"]
    assert told["mounts"] == ["ro", "ro"]


MOVES = r"""
cat > /run/moves.py <<'END'
# Somebody who owns /var/home moves trees to ever new paths, across directories.
import os
os.setgid(1234)
os.setuid(1234)
os.chdir("/var/home")
i = 0
while not os.path.exists("/run/stop"):
    for t in ("t", "u"):
        for side in ("a", "b"):
            other = "ab".replace(side, "")
            try:
                os.rename(f"{side}/{t}{i}", f"{other}/{t}{i + 1}")
                break
            except OSError:
                pass
    i += 1
END
tree() { mkdir -p $1; for d in $(seq 40); do mkdir $1/$d; touch $1/$d/1 $1/$d/2 $1/$d/3; done; }
"""


@pytest.mark.parametrize("verb", ["commit --all", "revert --yes /var"])
def test_who_moves_trees_for_ever_stops_nobody(commit: Commit, verb: str) -> None:
    """320 entries: each round of the walk would find all of them again under new paths."""
    told = commit("mkdir home; echo lower > mine", f"""{MOVES}
    mkdir home/a home/b; tree home/a/t0; tree home/a/u0; chown -R 1234 home; echo upper > mine
    python3 /run/moves.py & pid=$!
    echo == seen; rofs {verb} --dry-run > /run/plan || :; wc -l < /run/plan
    echo == done; status_of rofs {verb}
    touch /run/stop; wait $pid
    echo == flash; cat /rofs/ro/var/mine mine; mount_state
    """)
    assert 2 < int(told["seen"][0]) < 3000
    assert told["flash"][-2:] == ["ro", "ro"]
    if verb.startswith("commit"):
        assert told["done"][0] == "0"
        assert told["flash"][:2] == ["upper", "upper"]
    else:
        assert told["flash"][:2] == ["lower", "lower"]


REPLACE = r"""
cat > /run/replace.py <<'END'
# Somebody who owns /var/home: whatever is looked at becomes another kind of file.
import ctypes, os
exchange = ctypes.CDLL(None).renameat2
os.setgid(1234)
os.setuid(1234)
os.chdir("/var/home")
while not os.path.exists("/run/stop"):
    for i in range(30):
        exchange(-100, b"a%d" % i, -100, b"b%d" % i, 2)
END
file() { echo "$1" > "$1"; }
link() { ln -s target "$1"; }
dir() { mkdir "$1"; echo x > "$1/x"; }
sock() {
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$1"
}
"""


@pytest.mark.parametrize("lower, a, b", [("file", "file", "link"), ("link", "link", "file"),
                                         ("dir", "file", "dir"), ("file", "dir", "link"),
                                         ("file", "file", "sock")])
def test_who_replaces_files_for_ever_stops_nobody(commit: Commit, lower: str, a: str,
                                                  b: str) -> None:
    """They are written as they are at some moment, or not at all."""
    told = commit(f"""{REPLACE}
    mkdir home; cd home; for i in $(seq 0 29); do {lower} a$i; done; chown -hR 1234 .
    """, f"""{REPLACE}
    cd home; rm -r *; for i in $(seq 0 29); do {a} a$i; {b} b$i; done; chown -hR 1234 .; cd ..
    python3 /run/replace.py & pid=$!
    echo == commit
    for i in 1 2 3 4; do
        echo $i > mine; rofs commit --all > /run/out 2>&1 || grep rofs-command: /run/out
        cat /rofs/ro/var/mine
    done
    touch /run/stop; wait $pid
    echo == end; find /rofs/ro/var/home -mindepth 1 ! -user 1234; mount_state
    """)
    assert told["commit"] == ["1", "2", "3", "4"]
    assert told["end"] == ["ro", "ro"]


@pytest.mark.parametrize("moves", ["mv home/x/y home/y", "mv home/x/y home/y; mv home/x other"])
def test_a_directory_that_is_moved_while_it_is_copied(commit: Commit, moves: str) -> None:
    told = commit("true", f"""{LEASE}
    mkdir -p home/x/y; for n in home/x/y/a home/x/y/b home/x/z home/z z; do echo $n > $n; done
    echo == commit; status_of lease home/x/y/a '{moves}' /rofs-command commit --all
    echo == flash; cd /rofs/ro/var; cat home/z z; ls home; mount_state
    """)
    assert told["commit"][0] == "0"
    assert "it did not wait" not in told["commit"]
    assert told["flash"][:2] == ["home/z", "z"]
    assert told["flash"][-2:] == ["ro", "ro"]
    assert ("rofs-command: /var/home/x/z was deleted meanwhile" in told["commit"]
            or "rofs-command: /var/home/x was deleted meanwhile" in told["commit"]) \
        == ("other" in moves)


def test_revert_gives_away_no_other_directory(commit: Commit) -> None:
    """One of root's has the name of one of a user's when its turn comes."""
    told = commit("mkdir -p home/d; chown -R 1234 home; echo f > a", f"""{LEASE}
    chmod 711 home/d; mkdir home/root; chmod 700 home/root; rm a
    echo == revert
    status_of lease /rofs/ro/var/a 'rmdir home/d; mv home/root home/d' \
        /rofs-command revert --yes /var/a /var/home/d
    echo == owner; stat -c %u:%a home/d; cat a
    """)
    assert "it did not wait" not in told["revert"]
    assert told["revert"][0] == "1"
    assert "rofs-command: cannot put back /var/home/d: Stale file handle" in told["revert"]
    assert told["owner"] == ["0:700", "f"]


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_revert_removes_no_other_directory(commit: Commit, kind: str) -> None:
    """Who owns the directory above can give one of root's the name of what is put back."""
    make = {"file": "echo upper > home/x",
            "directory": "rm home/x; mkdir home/x; chown 1234 home/x"}
    told = commit("mkdir home; echo f > home/x; chown -R 1234 home", f"""{LEASE}
    {make[kind]}; mkdir home/root; chmod 700 home/root; echo of-root > home/root/file
    echo == revert
    status_of lease /rofs/ro/var/home/x 'mv home/x home/y; mv home/root home/x' \
        /rofs-command revert --yes /var/home/x
    echo == left; cat home/x/file; stat -c %u:%a home/x; ls -A home
    """)
    assert "it did not wait" not in told["revert"]
    assert told["revert"][0] == "1"
    assert "rofs-command: cannot put back /var/home/x: Stale file handle" in told["revert"]
    assert told["left"] == ["of-root", "0:700", "x", "y"]


def test_what_no_program_can_name(commit: Commit) -> None:
    """A new directory is one path, however deep it is. What changes in it later is not."""
    told = commit("true", r"""
    cat > /run/deep.py <<'END'
import os, sys
os.chdir("/var")
for i in range(2100):
    os.makedirs("d", exist_ok=True)
    os.chdir("d")
    if i == 100 or i == 2099:
        open("f", "w").write(sys.argv[1])
END
    python3 /run/deep.py first; rofs commit --all > /run/out
    python3 /run/deep.py second; echo a > a
    echo == commit; status_of rofs commit --all | sed 's,/var/[d/]*,,'
    echo == flash; cat /rofs/ro/var/a; find /rofs/ro/var/d -name f -execdir cat {} +
    """)
    assert told["commit"][0] == "1"
    assert "rofs-command: f is left out: cannot copy it: File name too long" in told["commit"]
    assert told["flash"][0] == "a"
    assert "".join(told["flash"][1:]) in ("firstsecond", "secondfirst")


def test_another_commit_comes_meanwhile(commit: Commit) -> None:
    """While the first one asks, for example: here it is stopped before it takes the lock."""
    told = commit("true", """
    mkdir d; echo f > d/f; echo g > d/g
    LD_PRELOAD=/fault.so FAULT_COUNT=/run/n /rofs-command commit --dry-run d/f > /run/out
    LD_PRELOAD=/fault.so FAULT_AT=$(($(cat /run/n) + 1)) FAULT_SIGNAL=19 \
        /rofs-command commit d/f > /run/first 2>&1 &
    while ! grep -q '^State:.T' /proc/$!/status; do sleep 0.05; done
    rofs commit d/g > /run/out
    kill -CONT $!; status=0; wait $! || status=$?
    echo == first; echo $status; cat /run/first; ls /rofs/ro/var/d
    echo == again; status_of rofs commit d/f; ls /rofs/ro/var/d
    """, also=f"cp {shlex.quote(str(built('tests/fault.so')))} fault.so")
    assert told["first"] == ["3", "rofs-command: another transaction has written to flash "
                             "meanwhile; run rofs commit again", "g"]
    assert told["again"][0] == "0"
    assert told["again"][-2:] == ["f", "g"]


def test_what_is_no_transaction_stops_nobody(commit: Commit) -> None:
    """Of a damaged file system. A record may have a hole of any size."""
    told = commit("""
    cd ../rofs; touch kept.5; ln -s / kept.6; mkfifo kept.7; mkdir kept.8 kept.9 kept.2147483647
    truncate -s 8G kept.8/record; echo rofs-transaction 1 > kept.9/record
    """, """
    echo a > a
    echo == status; status_of timeout -s KILL 300 /rofs-command status --output=PATH
    echo == first; status_of timeout -s KILL 300 /rofs-command commit --all
    echo == commit; status_of rofs commit --all; cat /rofs/ro/var/a; ls /rofs/ro/rofs
    """)
    assert "/var" in " ".join(told["status"])
    assert told["first"][-1] == ("rofs-command: cannot write to flash: "
                                 "Value too large for defined data type")
    assert told["commit"][0] == "0"
    assert told["commit"][-3:] == ["a", "kept.1", "log"]


# Finishes what is left of a transaction, as the guard and the next boot do.
FINISH = """
finish() {
    flock /run/rofs/transaction.lock true
    [ -e /rofs/ro/rofs/commit ] || return 0
    mount -o remount,rw /; mkdir -p /run/flash; mount --bind / /run/flash
    /rofs-finish > /run/out 2>&1
    umount /run/flash; mount -o remount,ro /
}
"""


def test_no_call_fails_in_silence(commit: Commit) -> None:
    """Of those that write. A second name that could not be made is not another file instead."""
    told = commit("mkdir d", f"""{FINISH}
    change() {{
        rm -rf d/*; mkdir d/new; touch d/$1; echo $1 > d/new/a; ln d/new/a d/new/b
    }}
    flash() {{ (cd /rofs/ro/var/d; ls; cat new/a new/b; stat -c %h new/a) 2>&1 || true; }}
    attempt() {{
        change $1; flash > /run/before; status=0
        LD_PRELOAD=/fault.so FAULT_AT=$1 FAULT_ERRNO=5 /rofs-command \\
            commit --yes /var > /run/out 2> /run/err || status=$?
        flash > /run/after
        state=other; cmp -s /run/before /run/after && state=old
        printf '%s\\n' $(cd d; ls) $1 $1 2 | cmp -s - /run/after && state=new
        said=said; [ -s /run/err ] || said=silent
        grep -q "all is written" /run/err && said=written
        echo "$1 $status $state $said"
        [ $status != 3 ] || grep -q "cannot be made writable: Input/output error" /run/err
        if grep -x "rofs-command: Input/output error" /run/err; then exit 1; fi
    }}
    echo == runs; for at in $(seq 1 2 120); do attempt $at; finish; done
    """, also=f"""cp {shlex.quote(str(built('tests/fault.so')))} fault.so
    cp {shlex.quote(str(program('rofs-finish')))} rofs-finish""")
    runs = {tuple(line.split()[1:]) for line in told["runs"]}
    assert runs == {("0", "new", "silent"), ("1", "old", "said"), ("1", "new", "written"),
                    ("3", "old", "said")}, told["runs"]
