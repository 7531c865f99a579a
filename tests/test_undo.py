"""`rofs undo` and `rofs log`, over real overlays and file systems."""

from __future__ import annotations

import re
import shlex

import pytest
from chroot_system import Chroot
from mounted_system import sections
from overlay_commit import IMAGES, Commit
from support import built, parse_json

pytestmark = pytest.mark.root

# The name that the command has in these systems.
PREFIX = "rofs-command: "

LOWER = """
mkdir -p d/e gone keep; echo lower > d/a; echo x > gone/x; echo k > keep/k
echo f > was-file; mkdir was-dir
echo z > was-dir/z; echo g > going; chmod 640 d/a;
mkdir many; (cd many; seq 100 | xargs touch)
touch -d 2001-02-03 d/e d gone keep was-dir .
"""
CHANGES = """
echo new > d/new; echo changed > d/a; rm -r gone; rm was-file; mkdir was-file; echo i > was-file/i
rm -r was-dir; echo w > was-dir; rm going; mkdir -p added/deep; echo q > added/deep/q
chmod 700 d/e; chown 5 d
"""
# The table of rofs log, without what differs from run to run.
LOG = "rofs log --raw --noheadings --output=number,kind,user,paths,note,command"


@pytest.mark.parametrize("kind", IMAGES)
def test_all_is_put_back(commit: Commit, kind: str) -> None:
    told = commit(LOWER, f"""
    tree /rofs/ro/var > /run/before
    {CHANGES}
    tree /var > /run/changed
    rofs commit --all > /run/out
    echo == committed; tree /rofs/ro/var | diff /run/before - > /run/diff || echo differs
    exec 3< d/a 4< d/e
    echo == undo; status_of rofs undo
    echo == flash; tree /rofs/ro/var | diff /run/before - && echo same
    echo == live; tree /var | diff /run/changed - && echo same
    echo == mounts; mount_state
    echo == again; status_of rofs undo
    echo == log; {LOG}
    echo == once-more; status_of rofs commit --all
    tree /rofs/ro/var | diff /run/changed - && echo same
    """, kind=kind)
    assert told["committed"] == ["differs"]
    assert told["undo"][0] == "0"
    assert re.fullmatch(r"transaction 1, commit of .* by root: rofs commit --all", told["undo"][1])
    assert told["undo"][2:-2] == [
        "D /etc/.updated", "m /var", "D /var/.updated", "D /var/added", "m /var/d", "M /var/d/a",
        "m /var/d/e", "D /var/d/new", "A /var/going", "A /var/gone",
        "M /var/was-dir", "M /var/was-file"]
    assert told["undo"][-2] == "transaction 1 is undone; a reboot completes it"
    assert told["undo"][-1].startswith("until then, the running system shows 12 of 12 paths")
    assert told["flash"] == ["same"]
    assert told["live"] == ["same"]
    assert told["mounts"] == ["ro", "ro"]
    assert told["again"] == ["3", PREFIX + "there is no transaction to undo; see rofs log"]
    assert told["log"] == [
        r"1 commit root 12 undone\x20by\x202 rofs\x20commit\x20--all",
        r"2 undo root 12 undid\x201 rofs\x20undo"]
    assert told["once-more"][0] == "0"
    assert told["once-more"][-1] == "same"


def test_one_after_the_other(commit: Commit) -> None:
    told = commit(LOWER, f"""
    echo one > d/a; rofs commit d/a > /run/out
    echo two > d/a; rofs commit d/a > /run/out; echo other > keep/k; rofs commit keep > /run/out
    echo == log; {LOG}
    echo == undo
    for i in 1 2 3; do rofs undo > /run/out; cat /rofs/ro/var/d/a /rofs/ro/var/keep/k; done
    echo == log-after; {LOG}
    echo == end; status_of rofs undo
    """)
    assert [line.split(" ")[:2] for line in told["log"]] == [[n, "commit"] for n in "123"]
    assert [r"can\x20be" in line for line in told["log"]] == [False, False, True]
    assert told["undo"] == ["two", "k", "one", "k", "lower", "k"]
    assert [line.split(" ")[4] for line in told["log-after"]] == [
        r"undone\x20by\x206", r"undone\x20by\x205", r"undone\x20by\x204",
        r"undid\x203", r"undid\x202", r"undid\x201"]
    assert told["end"][0] == "3"


def test_only_shown(commit: Commit) -> None:
    told = commit(LOWER, """
    echo one > d/a; rofs commit d/a > /run/out
    echo == undo; status_of rofs undo --dry-run; cat /rofs/ro/var/d/a
    """)
    assert told["undo"][0] == "0"
    assert told["undo"][2:] == ["M /var/d/a", "one"]


# What others do with the root file system in between, and what undo says.
WRITABLE = ("mkdir /run/mnt; mount -o remount,rw /; mount --bind /rofs/ro /run/mnt; "
            "mount -o remount,rw,bind /run/mnt")
READ_ONLY = "umount /run/mnt; mount -o remount,ro /"
NOT_UNDONE = "transaction 1 cannot be undone"
REFUSED = {
    "changed": ("echo other > /run/mnt/var/other; mv /run/mnt/var/other /run/mnt/var/d/a",
                f"/var/d/a on flash was changed since; {NOT_UNDONE}"),
    "edited": ("echo other >> /run/mnt/var/d/a",
               f"/var/d/a on flash was changed since; {NOT_UNDONE}"),
    "removed": ("rm /run/mnt/var/d/a", f"/var/d/a on flash was changed since; {NOT_UNDONE}"),
    "appeared": ("echo other > /run/mnt/var/going",
                 f"/var/going on flash was changed since; {NOT_UNDONE}"),
    "not kept": ("rm -r /run/mnt/rofs/kept.1",
                 f"{NOT_UNDONE}: the files that it replaced were removed when a later "
                 "transaction began"),
    "damaged": ("rm /run/mnt/rofs/kept.1/slots/*",
                f"/var/d/a is no longer kept as it was before; {NOT_UNDONE}"),
    "no record": ("echo garbage > /run/mnt/rofs/kept.1/record",
                  f"{NOT_UNDONE}: /rofs/kept.1 on the root file system is damaged"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_put_back_as_a_whole_is_refused(commit: Commit, case: str) -> None:
    change, reason = REFUSED[case]
    told = commit(LOWER, f"""
    echo one > d/a; rm going; rofs commit d/a going > /run/out
    {WRITABLE}; {change}; {READ_ONLY}
    (cd /rofs/ro; find var rofs | sort) > /run/before
    echo == undo; status_of rofs undo
    echo == untouched; (cd /rofs/ro; find var rofs | sort) | diff /run/before - && echo same
    """)
    assert told["undo"] == ["3", PREFIX + reason]
    assert told["untouched"] == ["same"]


# What became of the file /rofs/log, and the transactions that are still shown.
DAMAGED = {
    "garbage": ("head -c 100 /dev/urandom > $log", []),
    "a hole": ("truncate -s 0 $log; truncate -s 100 $log", []),
    "a line": ("sed -i 's/^2 commit/2 c*mmit/' $log", ["1"]),
    "cut off": ("truncate -s -3 $log", ["1"]),
    "a directory": ("rm $log; mkdir $log", []),
    "a link": ("rm $log; ln -s /etc/passwd $log", []),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_log_is_told(commit: Commit, case: str) -> None:
    """It is not known what was last. The next transaction is written all the same."""
    change, left = DAMAGED[case]
    told = commit(LOWER, f"""
    echo one > d/a; rofs commit d/a > /run/out; echo k2 > keep/k; rofs commit keep > /run/out
    log=/run/mnt/rofs/log; {WRITABLE}; {change}; {READ_ONLY}
    echo == log; status_of rofs log --raw --noheadings --output=number
    echo == json; status_of rofs log --json | head -n 1
    echo == undo; status_of rofs undo; cat /rofs/ro/var/d/a
    echo == commit; echo three > d/a; status_of rofs commit d/a
    echo == after; status_of rofs log --raw --noheadings --output=number
    """)
    damaged = PREFIX + "/rofs/log on the root file system is damaged"
    assert told["log"] == ["1", *left, damaged + "; a part of it is not shown"]
    assert told["json"] == ["1"]
    assert told["undo"] == ["3", damaged + ": it is not known what was last", "one"]
    assert told["commit"] == ["0", "written to flash: 1 file (6 B)"]
    assert told["after"] == ["0", *left, "3"]


def test_another_transaction_comes_meanwhile(commit: Commit) -> None:
    """While undo asks, for example: here it is stopped before it takes the lock."""
    told = commit(LOWER, """
    echo one > d/a; rofs commit d/a > /run/out
    LD_PRELOAD=/fault.so FAULT_AT=1 FAULT_SIGNAL=19 /rofs-command undo --yes > /run/undo 2>&1 &
    while ! grep -q '^State:.T' /proc/$!/status; do sleep 0.05; done
    echo two > d/a; rofs commit d/a > /run/out
    kill -CONT $!; status=0; wait $! || status=$?
    echo == undo; echo $status; grep ^rofs /run/undo; cat /rofs/ro/var/d/a
    echo == again; rofs undo > /run/out; cat /rofs/ro/var/d/a
    """, also=f"cp {shlex.quote(str(built('tests/fault.so')))} fault.so")
    assert told["undo"] == ["3", PREFIX + "another transaction came after transaction 1; "
                            "run rofs undo again", "two"]
    assert told["again"] == ["one"]


def test_what_an_earlier_boot_has_kept(commit: Commit) -> None:
    """It is put back, and goes with the first transaction of another kind."""
    earlier = "s/[0-9a-f]\\{8\\}-[0-9a-f-]\\{27\\}/11111111-2222-3333-4444-555555555555/"
    reboot = f"{WRITABLE}; sed -i '{earlier}' /run/mnt/rofs/kept.*/record; {READ_ONLY}"
    told = commit(LOWER, f"""
    echo one > d/a; rofs commit d/a > /run/out; echo two > d/a; rofs commit d/a > /run/out
    {reboot}
    echo == undo; rofs undo > /run/out; cat /rofs/ro/var/d/a; ls /rofs/ro/rofs
    echo == again; status_of rofs undo
    echo == commit; echo k2 > keep/k; rofs commit keep > /run/out; ls /rofs/ro/rofs
    """)
    # The first one is not needed for undoing the second one.
    assert told["undo"] == ["one", "kept.2", "kept.3", "log"]
    assert told["again"][0] == "3"
    # What the undo of this boot has moved away may be in use.
    assert told["commit"] == ["kept.2", "kept.3", "kept.4", "log"]


def test_the_log(commit: Commit) -> None:
    told = commit(LOWER, """
    echo == none; status_of rofs log; rofs log --json
    printf 'x%.0s' $(seq 3000) > d/a; rm going; mkdir added
    SUDO_UID=1000 SUDO_USER=joe rofs commit d/a going added > /run/out
    (cd many; seq 100 | xargs chmod 600); rofs commit many > /run/out
    echo == table; rofs log
    echo == json; rofs log --json
    echo == paths; rofs log 1
    echo == many; rofs log 2 | tail -1
    echo == unknown; status_of rofs log 3
    echo == wrong; status_of rofs log x
    """)
    assert told["none"] == ["0", "[]"]
    assert [line.split()[0] for line in told["table"]] == ["NUMBER", "1", "2"]
    first, second = parse_json("\n".join(told["json"]), "log.schema.json")
    assert re.fullmatch(r"1[0-9]{9}", str(first.pop("time")))
    assert first == {
        "number": 1, "kind": "commit", "uid": 1000, "user": "joe",
                     "command": "rofs commit d/a going added",
        "bytes": 3000, "n_paths": 3, "paths": ["/var/added", "/var/d/a", "/var/going"],
                     "undone_by": None, "undoes": None,
        "kept": True}
    assert second["n_paths"] == 100 and len(second["paths"]) == 64
    assert told["paths"] == ["A /var/added", "M /var/d/a", "D /var/going"]
    assert told["unknown"] == ["1", PREFIX + "there is no transaction 3; see rofs log"]
    assert told["wrong"] == ["2", PREFIX + "expected the number of a transaction, not x"]


def test_only_root(commit: Commit) -> None:
    told = commit(LOWER, """
    cp /rofs-command /run; chmod 755 /run/rofs-command
    echo == undo; status_of setpriv --reuid=1000 --clear-groups /run/rofs-command undo
    echo == log; status_of setpriv --reuid=1000 --clear-groups /run/rofs-command log
    """)
    assert told["undo"][0] == "3"
    assert told["log"] == ["3", PREFIX + "only root can read the log; run rofs log as root"]


def test_what_others_have_named_is_printable(commit: Commit) -> None:
    told = commit(LOWER, r"""
    name=$(printf 'd/\033[31m\377\n.'); echo one > "$name"
    SUDO_UID=1000 SUDO_USER=$(printf 'jo\033e') rofs commit "$name" > /run/out
    (rofs log; rofs log 1; rofs undo --dry-run) > /run/told
    echo == told; cat /run/told
    echo == bytes; tr -d '[:print:]\n' < /run/told | wc -c; rofs log --json | grep -c '\\u001b'
    """)
    assert told["bytes"] == ["0", "3"]
    assert r"A /var/d/\x1b[31m\xff\x0a." in told["told"]
    assert r"D /var/d/\x1b[31m\xff\x0a." in told["told"]


def test_an_upgrade_is_put_back(chroot: Chroot) -> None:
    done = chroot("""
        state > /run/before
        rofs chroot --yes sh -e -c '
            cd /usr/lib/app; echo two > .tmp; mv .tmp file; rm -r /opt/tree; mkdir /opt/tree
            echo n > /opt/tree/n; chmod 0700 /srv; setfattr -n user.x -v 1 /srv; rm /usr/lib/hard1
            ln /usr/bin/tool /usr/bin/tool2; chattr +i /usr/bin/tool; ln -sf ../x link; mkdir /new
            setfattr -n user.y -v 1 /new; mv /etc/app/conf /new/conf' > /run/out
        state > /run/after
        cmp /run/before /run/after > /run/cmp || true
        echo == changed; wc -l < /run/cmp
        cat /rofs/ro/usr/lib/app/file > /dev/null; exec 3< /rofs/ro/usr/lib/app/file
        rofs undo --yes > /run/out
        echo == same; state | cmp /run/before - && echo same
        echo == flags; find /rofs/ro/usr /rofs/ro/opt -type f -exec lsattr {} + | cut -d' ' -f1 |
            grep -c i || true
        is_ro
        echo == said; cat /run/out
        """, """
        mkdir -p usr/lib/app etc/app opt/tree/sub srv/both
        echo one > usr/lib/app/file; echo conf > etc/app/conf; echo a > opt/tree/a
        ln -s file usr/lib/app/link; echo prog > usr/bin/tool; chmod 4755 usr/bin/tool
        echo h > usr/lib/hard1; ln usr/lib/hard1 usr/lib/hard2
        touch -d 2020-02-02 . srv opt usr/lib
        """)
    assert done.returncode == 0, done.stderr
    found = sections(done)
    assert found["changed"] == ["1"]
    assert found["same"] == ["same"]
    assert found["flags"] == ["0"]
    assert "M /usr/lib/app/file" in found["said"] and "D /new" in found["said"]


# Keeps what the journal gets, until it is ended.
JOURNAL = """mkdir -p /run/systemd/journal; python3 -c '
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/run/systemd/journal/socket")
open("/run/journal-ready", "w").close()
with open("/run/journal", "ab", buffering=0) as f:
    while True:
        f.write(s.recv(65536))
' & journal=$!; while [ ! -e /run/journal-ready ]; do sleep 0.1; done
# The command cannot make the superblock read-only again. Its guard can.
busy() {
    error=$1; shift; : > /run/journal
    status_of strace -f -o /run/calls -e trace=fsconfig \\
        -e inject=fsconfig:error=$error:when=4+ /rofs-command "$@"
    id=0cdac7713d7444f3bc417511894c7246
    for i in $(seq 3000); do grep -aq MESSAGE_ID=$id /run/journal && break; sleep 0.1; done
    grep -ac MESSAGE_ID=$id /run/journal || true
    findmnt -no FS-OPTIONS / | cut -d, -f1
}
"""
BUSY = ("still writable, until what uses it ends: something uses a file that was deleted or is open"
        " for writing")


@pytest.mark.parametrize("error, said", [
    ("EBUSY", BUSY), ("EIO", "the file system may still be writable: Input/output error"),
])
@pytest.mark.parametrize("command, done", [
    ("commit --all", "all is written; "), ("undo --yes", "all is undone; "),
    ("chroot true", ""), ("maintenance", "")])
def test_what_stays_writable_is_told_and_recorded(commit: Commit, command: str, done: str,
                                                  error: str, said: str) -> None:
    told = commit("echo lower > a", f"""
    echo one > a; rofs commit --all > /dev/null; echo two > a
    {JOURNAL}
    echo == busy; busy {error} {command}
    kill $journal
    """)
    assert f"rofs: {done}{said}" in [line.replace("rofs-command: ", "rofs: ")
                                     for line in told["busy"]]
    assert told["busy"][-2:] == ["1", "ro"]
