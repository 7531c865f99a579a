"""`rofs commit`: what it writes, leaves out and refuses, over real overlays and file systems."""

from __future__ import annotations

from typing import Dict

import pytest
from overlay_commit import CHANGES, IMAGES, KEEPING, LOWER, Commit
from support import built

pytestmark = pytest.mark.root


@pytest.mark.parametrize("kind", IMAGES)
def test_all_is_written(commit: Commit, kind: str) -> None:
    told = commit(LOWER, f"""
    {CHANGES}
    tree /var > /run/before
    echo == commit; status_of rofs commit --all
    echo == live; tree /var | diff /run/before - && echo same
    echo == dropped; echo 3 > /proc/sys/vm/drop_caches; tree /var | diff /run/before - && echo same
    echo == lower; tree /rofs/ro/var | diff /run/before - && echo same
    echo == mounts; mount_state; touch /leak 2>/dev/null || echo read-only
    echo == again; status_of rofs commit --all
    echo == diff; rofs diff --raw --noheadings --output=change,path
    """, kind=kind)
    assert told["commit"] == [
        "0", "left out: /etc/machine-id (made by rofs in each boot)",
        "to be written: 17 files (286 B), 2 deleted, attributes of 1 directory",
        "written to flash: 17 files (286 B), 2 deleted, attributes of 1 directory"]
    assert told["live"] == ["same"]
    assert told["lower"] == ["same"]
    assert told["dropped"] == ["same"]
    assert told["mounts"] == ["ro", "ro", "read-only"]
    assert told["again"] == ["0", "nothing to write"]
    assert {line[0] for line in told["diff"]} == {"="}


def test_offset_and_time_of_more_than_32_bits(commit: Commit) -> None:
    """A file of 5 GiB that is a hole but for its end, from the year 2100."""
    told = commit("touch same", """
    truncate -s 5368709116 large; echo end >> large
    touch -d 2100-01-01T00:00Z large same
    echo == diff; rofs diff --raw --noheadings --output=change,path /var/large /var/same
    echo == commit; status_of rofs commit /var/large /var/same
    cd /rofs/ro/var; echo == flash; stat -c '%n %s %Y' large same; tail -c 4 large
    echo == again; status_of rofs commit /var/large
    """)
    assert told["diff"] == ["A /var/large", "m /var/same"]
    assert told["commit"][0] == "0"
    assert told["flash"] == ["large 5368709120 4102444800", "same 0 4102444800", "end"]
    assert told["again"][:2] == ["0", "nothing to write"]


def test_what_is_deleted_in_a_new_directory_stays_deleted(commit: Commit) -> None:
    """The kernel knows the directory, which is in use, from before: it makes no whiteout. When it
    looks for it again, the one on flash is merged, were the upper one not opaque."""
    told = commit("true", """
    mkdir new; echo a > new/a; echo b > new/b; mkdir -p new/sub; echo c > new/sub/c
    cd new/sub; rofs commit --all > /run/out; rm ../a ./c; cd /var
    echo 3 > /proc/sys/vm/drop_caches
    echo == left; ls new new/sub
    echo == flash; ls /rofs/ro/var/new /rofs/ro/var/new/sub
    rm -r new; mkdir new; echo 3 > /proc/sys/vm/drop_caches
    echo == anew; ls new
    """)
    assert told["left"] == ["new:", "b", "sub", "new/sub:"]
    assert told["flash"] == ["/rofs/ro/var/new:", "a", "b", "sub", "/rofs/ro/var/new/sub:", "c"]
    assert told["anew"] == []


@pytest.mark.parametrize(("argument", "status", "words"), [
    ("/usr", 3, "/usr is not below an overlay"),
    ("/var/none", 3, "/var/none: No such file or directory"),
    ("''", 2, "PATH is empty"),
    ("--all", 2, "--all and PATH are mutually exclusive"),
    ("/var/empty/x", 3, "/var/empty/x is never kept: /var/empty starts empty at each boot"),
    ("/var/kept", 3, "/var/kept is on partition data"),
    ("/home/x", 3, "/home/x is already kept, on partition data"),
    ("/var/file/x", 3, "/var/file/x cannot be written alone: on flash, /var/file is not a "
     "directory (file); commit that"),
])
def test_what_is_refused(commit: Commit, argument: str, status: int, words: str) -> None:
    """One path that is refused refuses all, and nothing is written to flash."""
    told = commit("mkdir empty kept; echo x > empty/x; echo f > file", f"""
    touch /var/new; rm file; mkdir file; touch file/x
    echo == commit; status_of rofs commit --yes {argument} /var/new; ls /rofs/ro/var
    ls -A /rofs/ro/rofs
    """, conf=KEEPING)
    assert told["commit"][0] == str(status)
    assert any(words in line for line in told["commit"])
    assert told["commit"][-3:] == ["empty", "file", "kept"]


def test_some_paths_are_written_and_all_others_are_as_before(commit: Commit) -> None:
    told = commit("mkdir d e; echo a > d/a; echo b > d/b; echo c > e/c; chmod 700 d", """
    echo A > d/a; echo B > d/b; rm e/c; mkdir -p new/deep/er; echo x > new/deep/x; chmod 711 new
    echo y > new/deep/er/y; touch new/other; touch -d '2001-01-01' new; chmod 750 d
    touch d/way; stat -c %y /rofs/ro/var/d > /run/time
    echo == commit; status_of rofs commit d/a new/deep/x
    echo == lower; cd /rofs/ro/var; cat d/a d/b e/c; find new | sort
    stat -c '%a %y' new; stat -c %a d; stat -c %y d | cmp - /run/time && echo old
    """)
    assert told["commit"][-1] == "written to flash: 4 files (4 B)"
    assert told["lower"] == ["A", "b", "c", "new", "new/deep", "new/deep/x",
                             "711 2001-01-01 00:00:00.000000000 +0000", "700", "old"]


def test_a_link_with_a_slash_is_the_directory(commit: Commit) -> None:
    """As a shell completes it. The link alone would be of no use after a reboot."""
    told = commit("mkdir -p d/e; echo a > d/e/a", """
    ln -s d/e link; ln -s /usr out; ln -s gone broken; echo A > d/e/a
    echo == with; status_of rofs commit --dry-run link/; status_of rofs commit --dry-run link/.
    status_of rofs revert --dry-run link/ | head -n 2; rofs diff --raw --noheadings link/
    echo == without; status_of rofs commit --dry-run link
    echo == outside; status_of rofs commit out/
    echo == broken; status_of rofs commit broken/; status_of rofs commit d/e/a/
    """)
    committed = ["0", "M /var/d/e/a", "to be written: 1 file (2 B)"]
    assert told["with"] == [*committed, *committed, "0", "+ /var/d/e/a",
                            "M file 4K 2B /var/d/e/a "]
    assert told["without"] == ["0", "A /var/link", "to be written: 1 file (0 B)"]
    assert told["outside"] == [
        "3", "rofs-command: /usr is not below an overlay; the overlays are: /etc /var"]
    assert told["broken"][:2] == ["3", "rofs-command: /var/gone: No such file or directory"]
    assert told["broken"][2] == "0"


def test_what_was_deleted_with_a_directory_can_be_deleted_alone(commit: Commit) -> None:
    told = commit("mkdir -p d/e f; echo a > d/e/a; echo b > d/e/b; echo c > f/c; echo d > f/d", """
    rm -r d f; mkdir f; touch f/n
    echo == commit; status_of rofs commit d/e/a f/c
    echo == lower; cd /rofs/ro/var; find d f | sort
    """)
    assert told["commit"][-1] == "written to flash: 2 deleted"
    assert told["lower"] == ["d", "d/e", "d/e/b", "f", "f/d"]


def test_a_directory_that_is_deleted_is_all_there_is(commit: Commit) -> None:
    told = commit("mkdir d", """
    rmdir d
    echo == commit; rofs commit --yes --all | tail -n 1; ls /rofs/ro/var
    """)
    assert told["commit"] == ["written to flash: 2 files (266 B), 1 deleted"]


def test_hard_links(commit: Commit) -> None:
    """Names of one file stay so; a name that is not asked for does not come along."""
    told = commit("echo l > l; ln l m; echo o > one", """
    echo x > a; ln a b; ln a c; echo o > two; ln -f one two; echo changed > l
    echo == all; status_of rofs commit a c; cd /rofs/ro/var; ls; stat -c '%n %h' a c
    [ a -ef c ] && echo linked; cd /var
    echo == rest; rofs commit --all > /run/out; cd /rofs/ro/var
    [ a -ef b ] && [ b -ef c ] && echo linked; [ one -ef two ] && echo linked
    [ l -ef m ] || echo apart; stat -c %h a one l
    """)
    assert told["all"] == ["0", "written to flash: 2 files (2 B)", "a", "c", "l", "m", "one", "a 2",
                           "c 2", "linked"]
    assert told["rest"] == ["linked", "linked", "apart", "3", "2", "1"]


def test_flags_of_chattr(commit: Commit) -> None:
    """Immutable ones are replaced, and what is new can be."""
    told = commit("mkdir d; echo a > d/a; echo b > d/b", """
    echo A > d/a; chattr +i d/a; echo b >> d/b; chattr +a d/b; mkdir n; touch n/x; chattr +i n/x n
    echo == commit; status_of rofs commit --all
    echo == lower; cd /rofs/ro/var; lsattr -d d/a d/b n n/x | cut -c 5,6; cat d/a
    cd /var; lsattr -d d/a d/b n n/x | cut -c 5,6
    echo == anew; chattr -i d/a n/x n; echo 2 > d/a; rm -r n; chattr -a d/b
    status_of rofs commit --all; ls /rofs/ro/var; cat /rofs/ro/var/d/a
    """)
    assert told["commit"][0] == "0"
    assert told["lower"] == ["i-", "-a", "i-", "i-", "A", "i-", "-a", "i-", "i-"]
    assert told["anew"][-2:] == ["d", "2"]


def test_directories_of_a_project(commit: Commit) -> None:
    """Of a quota: the kernel lets nothing into them that does not belong to it."""
    told = commit("""mkdir -p p/d p/gone; echo x > p/d/x; echo y > p/d/y; echo z > p/gone/z
    chattr +P -p 123 p p/d p/gone; chattr -p 123 p/d/x p/gone/z; chattr -p 7 p/d/y
    """, """
    tree /rofs/ro/var > /run/before
    echo X > p/d/x; echo Y > p/d/y; echo n > p/n; rm -r p/gone; mkdir p/gone; mkdir -p p/new/deep
    echo q > p/new/deep/q; ln p/n p/new/n; ln -s n p/link; mkfifo p/fifo p/new/fifo
    chattr +i p/new/deep/q; chmod 700 p/d
    tree /var > /run/live
    echo == commit; status_of rofs commit p; tree /rofs/ro/var | grep -v updated > /run/after
    echo == flash; grep -v -e updated -e ' \\. $' /run/live > /run/live2
    grep -v ' \\. $' /run/after | diff /run/live2 - && echo same
    echo == projects; find /rofs/ro/var/p ! -type l ! -type p -exec lsattr -pd {} + | sort -k 3 |
        sed 's/^ *\\([0-9]*\\) [^ P]*\\(P*\\)[^ ]*/\\1\\2/'
    echo == undo; status_of rofs undo | head -n 1; chattr -i p/new/deep/q
    tree /rofs/ro/var | diff - /run/before && echo same; mount_state
    """, kind="xfs")
    assert told["commit"][0] == "0", told["commit"]
    assert told["flash"] == ["same"]
    top = "/rofs/ro/var/p"
    assert told["projects"] == [
        f"123P {top}", f"123P {top}/d", f"123 {top}/d/x", f"123 {top}/d/y", f"123P {top}/gone",
        f"123 {top}/n", f"123P {top}/new", f"123P {top}/new/deep", f"123 {top}/new/deep/q",
        f"123 {top}/new/n"]
    assert told["undo"] == ["0", "same", "ro", "ro"]


def test_flags_of_a_file_with_several_names(commit: Commit) -> None:
    """The last name, which brings them, may be deep in a new directory."""
    told = commit("", """
    echo x > a; mkdir n; ln a n/b; echo y > c; ln c d; chattr +i a c
    echo == commit; status_of rofs commit --all
    echo == lower; cd /rofs/ro/var; lsattr -d a n/b c d | cut -c 5; [ a -ef n/b ] && echo linked
    echo == after; cd /var; chattr -i a c
    """)
    assert told["commit"][0] == "0"
    assert told["lower"] == ["i", "i", "i", "i", "linked"]


def test_what_is_left_out(commit: Commit) -> None:
    told = commit("mkdir -p lib/systemd empty kept; echo s > lib/systemd/random-seed", """
    echo t > lib/systemd/random-seed; touch empty/x; touch kept/y; mkdir log; echo l > log/messages
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/var/sock")'
    echo == commit; status_of rofs commit --all
    echo == lower; cd /rofs/ro/var; ls; cat lib/systemd/random-seed
    echo == socket; status_of rofs commit /var/sock
    echo == named; rofs commit /var/lib/systemd/random-seed | tail -n 1; cat lib/systemd/random-seed
    """, conf=KEEPING)
    assert told["commit"] == [
        "0", "left out: /var/empty (starts empty at each boot)",
        "left out: /var/lib/systemd/random-seed (random seed, which must not be used twice)",
        "left out: /var/sock (socket, which only the program that listens can make)",
        "looks like state: /var/log/messages (logs, 1 file, 2 B)",
        "to be written: 3 files (135 B)", "written to flash: 3 files (135 B)"]
    assert told["lower"] == ["empty", "kept", "lib", "log", "s"]
    assert told["socket"][:3] == [
        "0", "left out: /var/sock (socket, which only the program that listens can make)",
        "nothing to write"]
    assert told["named"] == ["written to flash: 1 file (2 B)", "t"]


def test_the_next_boots_run_no_update_services(commit: Commit) -> None:
    """.updated is on flash with the time of /usr, though it is no change by itself."""
    told = commit("true", """
    echo == nothing; status_of rofs commit --all; ls -A /rofs/ro/var
    touch x; rofs commit --all > /run/out
    echo == times; stat -c %Y /rofs/ro/var/.updated /rofs/ro/etc/.updated /usr | uniq | wc -l
    """)
    assert told["nothing"] == ["0", "nothing to write"]
    assert told["times"] == ["1"]


def test_without_proc_that_is_said(commit: Commit) -> None:
    told = commit("echo a > a", """
    echo b > a; umount /proc
    echo == said
    for verb in "commit a" maintenance "chroot -y true"; do status_of rofs $verb; done
    mount -t proc proc /proc; ls -A /rofs/ro/rofs; mount_state
    """)
    assert told["said"] == ["3", "rofs-command: /proc is not mounted; mount it first"] * 3 \
        + ["ro", "ro"]


def test_dry_run_writes_nothing(commit: Commit) -> None:
    told = commit("echo a > a; echo g > g; mkdir d", """
    echo A > a; rm g; chmod 700 d; echo n > 'n
    m'
    echo == commit; status_of rofs commit --dry-run /var; ls -A /rofs/ro/var /rofs/ro/rofs
    """)
    assert told["commit"][:7] == ["0", "M /var/a", "m /var/d", "D /var/g", "A /var/n\\x0a    m",
                                  "left out: /var/.updated (made by rofs in each boot)",
                                  "to be written: 2 files (4 B), 1 deleted, "
                                  "attributes of 1 directory"]
    assert told["commit"][7:] == ["/rofs/ro/rofs:", "/rofs/ro/var:", "a", "d", "g"]


def test_an_interrupted_transaction_is_seen_before_anything_is_shown(commit: Commit) -> None:
    """And --dry-run says what the run itself would say."""
    told = commit("echo a > a; echo k > k", """
    echo A > a; rofs commit a > /run/out; echo K > k
    LD_PRELOAD=/fault.so FAULT_SINCE=/rofs/ro/rofs/commit FAULT_SIGNAL=9 /rofs-command commit k \\
        > /run/out 2>&1 || echo == killed
    flock /run/rofs/transaction.lock true # until its guard has ended
    echo == dry; status_of rofs commit --dry-run k; echo == real; status_of rofs commit k
    echo == undo-dry; status_of rofs undo --dry-run; echo == undo; status_of rofs undo
    """, also=f"cp {built('tests/fault.so')} fault.so")
    refused = ["3", "rofs-command: an earlier transaction was interrupted; reboot to complete it, "
               "or see rofs-finish(8) if that has failed"]
    assert "killed" in told
    assert told["dry"] == told["real"] == told["undo-dry"] == told["undo"] == refused


def test_unchanged_paths_are_said_so(commit: Commit) -> None:
    told = commit("echo a > a; echo b > b", """
    echo A > a
    echo == one; status_of rofs commit b
    echo == both; status_of rofs commit a b
    """)
    assert told["one"] == ["0", "nothing to write", "rofs-command: /var/b: nothing to write"]
    assert told["both"] == ["0", "written to flash: 1 file (2 B)",
                            "rofs-command: /var/b: nothing to write"]


def test_no_room_is_seen_before_anything_is_written(commit: Commit) -> None:
    told = commit("echo a > a", """
    head -c 200M /dev/zero > big; echo b > a
    echo == dry; status_of rofs commit --dry-run /var; status_of rofs commit --dry-run a
    echo == commit; status_of rofs commit --all; cat /rofs/ro/var/a; ls -A /rofs/ro/rofs
    echo == mounts; mount_state
    """)
    assert told["dry"][0] == "3"
    assert "rofs-command: the file system at / has no room: 204 MiB are needed, " in told["dry"][5]
    assert told["dry"][6:] == ["0", "M /var/a", "to be written: 1 file (2 B)"]
    assert told["commit"][0] == "3"
    assert told["commit"][-1] == "a"
    assert told["mounts"] == ["ro", "ro"]


def test_a_file_that_is_open_for_writing_is_named(commit: Commit) -> None:
    told = commit("true", """
    echo a > log; exec 5>> log
    echo == commit; status_of rofs commit log
    exec 5>&-; echo b >> log
    echo == closed; status_of rofs commit log
    """)
    assert told["commit"][-1].startswith("rofs-command: /var/log is open for writing; ")
    assert told["closed"] == ["0", "written to flash: 1 file (4 B)"]


def test_diff_knows_what_is_on_flash(commit: Commit) -> None:
    told = commit("mkdir d; echo a > d/a; echo g > g", """
    echo A > d/a; rm g; rm -r d; mkdir d; echo n > d/n; echo m > more
    rofs commit d g > /run/out
    echo == diff; rofs diff --raw --noheadings --output=change,path,note |
        sed 's/[0-9][0-9]:[0-9]*;/TIME;/'
    echo == json; rofs diff --json d/n | grep -o '"on_flash_since": "20..-..-..T'
    echo x >> d/n
    echo == again; rofs diff --raw --noheadings --output=change,path
    """)
    note = "on\\x20flash\\x20since\\x20TIME;\\x20its\\x20RAM\\x20copy\\x20goes" \
        "\\x20at\\x20the\\x20next\\x20boot"
    assert told["diff"] == [f"= /var/d {note}", f"= /var/d/n {note}", "A /var/more "]
    assert len(told["json"]) == 2
    assert told["again"] == ["= /var/d", "M /var/d/n", "A /var/more"]


def test_a_large_file_is_written_once(commit: Commit) -> None:
    """More than 64 MiB, which `rofs diff` does not read unless a transaction has written it."""
    put = "put() { printf $1 | dd of=big bs=1 seek=$2 conv=notrunc status=none; }"
    told = commit("truncate -s 80M big same", f"""{put}
    put begin 0; put middle 40000000; touch same
    echo == before; rofs diff | sed 's/  */ /g'
    echo == commit; status_of rofs commit --all
    echo == after; rofs diff | sed 's/  */ /g'
    echo == again; status_of rofs commit --all
    put Middle 40000000
    echo == changed; status_of rofs commit --all; cmp big /rofs/ro/var/big && echo equal
    put '\\0' 40000000; put end 83000000
    echo == holes; status_of rofs commit --all; cmp big /rofs/ro/var/big && echo equal
    """)
    assert any(line.startswith("M file") and "not compared" in line for line in told["before"])
    assert told["commit"][0] == told["changed"][0] == told["holes"][0] == "0"
    assert any("/var/big" in line and line.startswith("= file") for line in told["after"])
    assert told["again"] == ["0", "nothing to write"]
    assert told["changed"][-1] == told["holes"][-1] == "equal"
    assert "written to flash: 1 file" in " ".join(told["changed"])


def test_lower_files_are_read_ahead(commit: Commit) -> None:
    """Of what is compared by content, and no other files; from when on something had to be read."""
    told = commit("mkdir many; for i in $(seq 10 99); do echo old$i > many/$i; done", """
    for i in $(seq 10 99); do echo new$i > many/$i; done; echo longer > many/10; rm many/11
    ahead() {
        echo 3 > /proc/sys/vm/drop_caches
        strace -e trace=fadvise64 -o /run/calls /rofs-command commit --dry-run "$@" > /dev/null
        grep -c WILLNEED /run/calls || true
    }
    echo == many; ahead many
    echo == one; ahead many/55
    echo == commit; status_of rofs commit many | tail -1; cat /rofs/ro/var/many/99
    """)
    assert 50 < int(told["many"][0]) <= 88
    assert int(told["one"][0]) <= 1
    assert told["commit"] == ["written to flash: 89 files (535 B), 1 deleted", "new99"]


def test_what_is_deleted_after_a_commit_stays_deleted(commit: Commit) -> None:
    """The kernel has not seen the files on flash yet: it has to make whiteouts all the same."""
    told = commit("mkdir d; echo a > d/a", """
    cd d; echo n > new; echo A > a; rofs commit --all > /run/out; rm new a; cd /var
    echo 3 > /proc/sys/vm/drop_caches
    echo == left; ls -A d; echo anew > d/new; cat d/new; ls -A d
    """)
    assert told["left"] == ["anew", "new"]


def test_a_signal_undoes_everything(commit: Commit) -> None:
    told = commit("true", """
    head -c 60M /dev/zero | tr '\\0' x > big
    for delay in 0 0.01 0.03 0.06; do
        /rofs-command commit big > /run/out & p=$!; sleep $delay; kill -TERM $p
        s=0; wait $p 2> /dev/null || s=$?
        [ $s = 143 ] && [ ! -e /rofs/ro/var/big ] || [ $s = 0 ] || echo "ended with $s"
        ls -A /rofs/ro/rofs | grep -x -e staging -e commit || true
        mount_state | grep -v ro || true
    done
    echo == now; rofs commit big | tail -n 1; cmp big /rofs/ro/var/big && echo same
    """)
    assert told["now"][-1] == "same"


def test_one_at_a_time(commit: Commit) -> None:
    told = commit("true", """
    touch other; mkdir -p /run/rofs
    (flock 9; echo == other; status_of rofs commit other; ls /rofs/ro/var) \\
        9> /run/rofs/transaction.lock
    echo == then; status_of rofs commit other
    """)
    assert told["other"][0] == "3"
    assert "another transaction is running" in told["other"][1]
    assert told["then"][0] == "0"


# What rofs chroot leaves on flash, of one file.
BY_CHROOT = """
by_chroot() {
    mount -o remount,rw /; mkdir -p /run/flash; mount --bind / /run/flash
    printf 'begin chroot\\nnew 0 %s /run/new\\nswitch\\ndone\\n' "$1" |
        /rofs-transaction-steps /run/flash=/rofs/ro > /run/out
    umount /run/flash; mount -o remount,ro /
}
"""


def test_what_chroot_has_changed_is_refused(commit: Commit) -> None:
    """Either change would be lost. The paths below it count, and those above it."""
    told = commit("mkdir d; echo a > d/a; echo b > d/b; mkdir e; echo c > e/c", BY_CHROOT + """
    echo mine > d/a; echo mine > d/b; rm -r e; mkdir e; echo mine > e/new
    echo theirs > /run/new; by_chroot var/d/a; by_chroot var/e/c
    echo == conflict; status_of rofs commit d/a
    echo == below; status_of rofs commit --yes --all
    echo == dry; status_of rofs commit --dry-run e
    echo == other; status_of rofs commit d/b
    echo == revert; rofs revert --yes d/a > /run/out; cat d/a; status_of rofs commit --dry-run d
    """, also=f"cp {built('tests/rofs-transaction-steps')} rofs-transaction-steps")
    words = ("was changed on flash by rofs chroot since boot; "
             "rofs revert it, or reboot before you commit it")
    assert told["conflict"] == ["3", f"rofs-command: /var/d/a {words}"]
    assert told["below"] == ["3", f"rofs-command: /var/d/a {words}",
                             f"rofs-command: /var/e {words}"]
    assert told["dry"] == ["3", f"rofs-command: /var/e {words}"]
    assert told["other"][0] == "0"
    assert told["revert"][:2] == ["theirs", "0"]


def test_user_who_takes_the_name_of_transactions(commit: Commit, disks: Dict[str, str]) -> None:
    """On a lower whose root directory is the user's. Nobody else's commit fails for it."""
    told = commit("true", """
    cd /home; mkdir -p .rofs/kept.1; echo x > .rofs/kept.1/x; echo 1 > u/f
    echo == first; status_of rofs commit --all; ls -A /rofs/ro/home/.rofs/kept.1
    rm -rf .rofs; rm .rofs || true; mkdir -p .rofs/staging.9; echo x > .rofs/x; echo 2 > u/f
    echo == second; status_of rofs commit --all
    echo == named; status_of rofs commit .rofs/x; status_of rofs revert .rofs
    echo == lower; ls -A /rofs/ro/home/.rofs; stat -c '%U %a' /rofs/ro/home/.rofs
    """, conf="[Overlay /var]\n[Overlay /home]\n", also=f"""
    mount {disks['DISK']} home; mkdir home/u; echo u > home/u/f; chown 1000 home; umount home
    echo "{disks['DISK']} /home ext4 defaults 0 0" > etc/fstab
    """)
    left_out = "left out: /home/.rofs (a name that rofs reserves for transactions)"
    assert told["first"][0] == "0" and left_out in told["first"]
    assert "x" not in told["first"]
    assert told["second"][0] == "0" and left_out in told["second"]
    assert told["named"][:2] == ["0", "nothing to write"]
    assert told["named"][-2:] == ["0", "nothing to put back"]
    assert told["lower"] == ["kept.1", "kept.2", "root 700"]


def test_overlay_below_another(commit: Commit) -> None:
    """What the outer one has after it, by name, belongs to the outer one all the same."""
    told = commit("mkdir -p lib/in new; echo l > lib/in/f; echo z > z", """
    echo L > lib/in/f; mkdir lib/dir; echo x > lib/dir/x; mkdir -p later/deep aaa
    echo d > later/deep/d; echo Z > z; echo n > new/n; chmod 700 new; echo a > aaa/a
    tree /var > /run/var; tree /var/lib > /run/lib
    echo == some; status_of rofs commit later/deep z; cat /rofs/ro/var/z /rofs/ro/var/later/deep/d
    echo == all; status_of rofs commit --all
    tree /var | diff - /run/var; tree /var/lib | diff - /run/lib
    echo == lower; tree /rofs/ro/var/lib | diff - /run/lib && echo same
    cat /rofs/ro/var/lib/dir/x /rofs/ro/var/new/n /rofs/ro/var/aaa/a; stat -c %a /rofs/ro/var/new
    """, conf="[Overlay /var]\n[Overlay /var/lib]\n")
    assert told["some"] == ["0", "written to flash: 4 files (4 B)", "Z", "d"]
    assert told["all"][0] == "0"
    assert told["all"][-1].startswith("written to flash: ")
    assert told["lower"] == ["same", "x", "n", "a", "700"]


def test_lower_that_is_a_file_system_of_its_own(commit: Commit, disks: Dict[str, str]) -> None:
    """What the transaction leaves on it is hidden, and never a change."""
    told = commit("true", """
    echo U > /home/u/f; mkdir /home/v; touch /home/v/x; chmod 700 /home; echo r > r
    tree /home > /run/before
    echo == commit; status_of rofs commit --all; ls -A /home
    tree /home | diff - /run/before && echo same
    echo == lower; ls -A /rofs/ro/home; cat /rofs/ro/home/u/f /rofs/ro/var/r
    stat -c %a /rofs/ro/home; stat -c %y /home > /run/time
    stat -c %y /rofs/ro/home | cmp - /run/time && echo same
    findmnt -no FS-OPTIONS /rofs/ro/home | cut -d, -f1
    echo == again; status_of rofs commit --all
    """, conf="[Overlay /var]\n[Overlay /home]\n", also=f"""
    mount {disks['DISK']} home; mkdir home/u; echo u > home/u/f; umount home
    echo "{disks['DISK']} /home ext4 defaults 0 0" > etc/fstab
    """)
    assert told["commit"][0] == "0"
    assert told["commit"][-4:] == ["lost+found", "u", "v", "same"]
    assert told["lower"] == [".rofs", "lost+found", "u", "v", "U", "r", "700", "same", "ro"]
    assert told["again"] == ["0", "nothing to write"]
