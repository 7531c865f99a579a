"""`rofs diff` over real overlays, each change made as programs make it.

The systems are those of mounted_system.py: generated units, mounted in a mount namespace.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

import pytest
from mounted_system import DATA
from overlay_diff import CONF, ROWS, Diff, Row
from support import need_programs, run_program, under_valgrind

pytestmark = pytest.mark.root

# What is done, on what, and what is told. Each in a directory of its own, /var here.
CHANGES: dict[str, tuple[str, str, list[Row]]] = {
    "nothing": ("touch a; mkdir d", "ls -R > /dev/null; cat a", []),
    "a new file": ("true", "echo x > a", [("A", "file", "/var/a", "")]),
    "a new directory": ("true", "mkdir -p d/e; touch d/e/f", [
        ("A", "dir", "/var/d", ""), ("A", "dir", "/var/d/e", ""), ("A", "file", "/var/d/e/f", "")]),
    "what is new and gone again": ("true", "echo x > a; rm a; mkdir d; rmdir d", []),
    "appended": ("echo x > a", "echo y >> a", [("M", "file", "/var/a", "")]),
    "the same size, other bytes": ("echo x > a", "echo y > a", [("M", "file", "/var/a", "")]),
    "a byte of many": (
        "truncate -s 300k a", "printf y | dd of=a bs=1 seek=299k conv=notrunc 2>/dev/null",
        [("M", "file", "/var/a", "")]),
    "truncated": ("echo x > a", ": > a", [("M", "file", "/var/a", "")]),
    "replaced by rename, as editors do": (
        "echo x > a", "echo yy > a.new; mv a.new a", [("M", "file", "/var/a", "")]),
    "written anew with the same bytes": (
        "echo x > a", "cp a /run/a; cat /run/a > a",
        [("m", "file", "/var/a", "same content; time")]),
    "touched": ("echo x > a", "touch a", [("m", "file", "/var/a", "same content; time")]),
    "many equal bytes, touched": (
        "head -c 300000 /dev/urandom > a", "touch a",
        [("m", "file", "/var/a", "same content; time")]),
    "opened for writing only": (
        "echo x > a", ": 3<> a", [("=", "file", "/var/a", "same content")]),
    "empty and opened for writing": (
        ": > a", ": 3<> a", [("=", "file", "/var/a", "same content")]),
    "mode": ("echo x > a", "chmod 4711 a", [("m", "file", "/var/a", "same content; mode")]),
    "owner": ("echo x > a", "chown 5 a", [("m", "file", "/var/a", "same content; owner")]),
    "group": ("echo x > a", "chgrp 5 a", [("m", "file", "/var/a", "same content; owner")]),
    "all at once": (
        "echo x > a", "touch a; chown 5:5 a; chmod 600 a; setfattr -n trusted.x -v y a",
        [("m", "file", "/var/a", "same content; mode, owner, time, xattr")]),
    "mode and content": (
        "echo x > a", "echo y > a; chmod 600 a", [("M", "file", "/var/a", "mode")]),
    "an ACL is given": (
        "echo x > a; chmod 640 a", "setfacl -m u:5:r a",
        [("m", "file", "/var/a", "same content; acl")]),
    "an ACL is taken": (
        "echo x > a; setfacl -m u:5:r a", "setfacl -b a",
        [("m", "file", "/var/a", "same content; acl")]),
    "an ACL is another": (
        "echo x > a; setfacl -m u:5:r a", "setfacl -x u:5,m: a; setfacl -m u:6:r a",
        [("m", "file", "/var/a", "same content; acl")]),
    "an attribute is another": (
        "echo x > a; setfattr -n trusted.x -v y a", "setfattr -n trusted.x -v z a",
        [("m", "file", "/var/a", "same content; xattr")]),
    "an attribute is gone": (
        "echo x > a; setfattr -n trusted.x -v y a", "setfattr -x trusted.x a",
        [("m", "file", "/var/a", "same content; xattr")]),
    "attributes stay when copied up": (
        "echo x > a; setfattr -n trusted.x -v y a; setfacl -m u:5:r a", "echo y > a",
        [("M", "file", "/var/a", "")]),
    "mode of a directory": (
        "mkdir d; touch d/a", "chmod 700 d", [("m", "dir", "/var/d", "mode")]),
    "ACL of a directory": (
        "mkdir d; touch d/a", "setfacl -d -m u:5:r d", [("m", "dir", "/var/d", "acl")]),
    "time of a directory says nothing": (
        "mkdir d; touch d/a", "touch d; echo x > d/new; rm d/new", []),
    "a directory on the way is not told": (
        "mkdir -p d/e/f", "touch d/e/f/a", [("A", "file", "/var/d/e/f/a", "")]),
    "a file is gone": ("echo x > a", "rm a", [("D", "file", "/var/a", "")]),
    "an empty directory is gone": ("mkdir d", "rmdir d", [("D", "dir", "/var/d", "")]),
    "a directory is gone": ("mkdir d; touch d/a", "rm -r d", [("D", "dir", "/var/d", "")]),
    "a link is gone": ("ln -s x l", "rm l", [("D", "link", "/var/l", "")]),
    "renamed": ("echo x > a", "mv a b", [("D", "file", "/var/a", ""), ("A", "file", "/var/b", "")]),
    "a directory is renamed": (
        "mkdir d; touch d/a", "mv d e",
        [("D", "dir", "/var/d", ""), ("A", "dir", "/var/e", ""), ("A", "file", "/var/e/a", "")]),
    "a directory made anew is opaque": (
        "mkdir d; echo x > d/a; echo x > d/b; echo x > d/c; mkdir d/e; touch d/e/f",
        "rm -r d; mkdir d; echo new > d/a; mkdir d/e; echo x > d/n",
        [("M", "dir", "/var/d", "opaque: hides the lower directory"),
         ("M", "file", "/var/d/a", ""),
         ("M", "dir", "/var/d/e", "opaque: hides the lower directory"),
         ("A", "file", "/var/d/n", "")]),
    "an opaque directory of another mode": (
        "mkdir -m 755 d; touch d/a", "rm -r d; mkdir -m 700 d",
        [("M", "dir", "/var/d", "opaque: hides the lower directory; mode")]),
    "a file where a directory was": (
        "mkdir -p d/e; touch d/e/a", "rm -r d; echo x > d", [("T", "file", "/var/d", "was dir")]),
    "a directory where a file was": (
        "echo x > a", "rm a; mkdir a; touch a/b",
        [("T", "dir", "/var/a", "was file"), ("A", "file", "/var/a/b", "")]),
    "a link over a file": ("echo x > a", "ln -sf b a", [("T", "link", "/var/a", "was file")]),
    "a link leads elsewhere": ("ln -s b l", "ln -sfn c l", [("M", "link", "/var/l", "")]),
    "a link of another length": ("ln -s b l", "ln -sfn cc l", [("M", "link", "/var/l", "")]),
    "a link is owned by another": ("ln -s b l", "chown -h 5 l", [("m", "link", "/var/l", "owner")]),
    "a link to the same, made anew": (
        "ln -s b l", "ln -sfn b l", [("m", "link", "/var/l", "time")]),
    "a device": ("mknod n c 1 3", "rm n; mknod n c 1 5", [("M", "char", "/var/n", "")]),
    "a device is owned by another": (
        "mknod n b 7 200", "chown 5 n", [("m", "block", "/var/n", "owner")]),
    "a FIFO": ("true", "mkfifo p", [("A", "fifo", "/var/p", "")]),
    "mode of a FIFO": ("mkfifo p", "chmod 600 p", [("m", "fifo", "/var/p", "mode")]),
    "a hard link": (
        "echo x > a", "ln a b", [("=", "file", "/var/a", "same content"),
                                 ("A", "file", "/var/b", "")]),
    "order of paths": (
        "true", "mkdir a a-b; touch a/z a-b/a a.c b",
        [("A", "dir", "/var/a", ""), ("A", "file", "/var/a/z", ""), ("A", "dir", "/var/a-b", ""),
         ("A", "file", "/var/a-b/a", ""), ("A", "file", "/var/a.c", ""),
         ("A", "file", "/var/b", "")]),
}


def by_case(rows: list[Row], cases: Iterable[str]) -> dict[str, list[Row]]:
    """The rows of each case, whose directory is /var/caseNUMBER, as if that were /var."""
    found: dict[str, list[Row]] = {name: [] for name in cases}
    for change, kind, path, note in rows:
        number, slash, rest = path[len("/var/case"):].partition("/")
        found[list(found)[int(number)]].append((change, kind, f"/var{slash}{rest}", note))
    return found


def in_case(i: int, script: str) -> str:
    return f"(mkdir -p case{i:03}; cd case{i:03}; {script}\n)\n"


# As on Linux before 6.13: a seccomp filter lets getxattrat(2) and listxattrat(2) not exist.
OLD_KERNEL = """python3 -c '
import ctypes, os, struct
rules = [(0x20, 0, 0, 0), (0x15, 1, 0, 464), (0x15, 0, 1, 465), (6, 0, 0, 0x50026),
         (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
program = struct.pack("@HP", len(rules), ctypes.addressof(code))
prctl = ctypes.CDLL(None, use_errno=True).prctl
assert prctl(38, 1, 0, 0, 0) == 0 and prctl(22, ctypes.c_ulong(2), program) == 0
os.execl("/rofs-command", "rofs", "diff", *__import__("sys").argv[1:])
' """


@pytest.mark.parametrize("command", ["/rofs-command diff", OLD_KERNEL], ids=["new", "old"])
def test_changes(diff: Diff, command: str) -> None:
    done = diff("".join(in_case(i, lower) for i, (lower, _, _) in enumerate(CHANGES.values())),
                "".join(in_case(i, changes) for i, (_, changes, _) in enumerate(CHANGES.values())),
                command=command)
    assert by_case(done.rows(), CHANGES) == {name: case[2] for name, case in CHANGES.items()}
    assert (done.errors, done.status) == ("", 0)


def test_mode_of_the_overlay_itself(diff: Diff) -> None:
    assert diff("true", "chmod 700 .").rows() == [("m", "dir", "/var", "mode")]


# In the upper directly: what the kernel reads there but does not write itself.
MARK = "setfattr -n trusted.overlay.whiteout"
MARKS = {
    "a marked file is a whiteout": (f": > $u/d/a; {MARK} $u/d/a", [("D", "file", "/var/d/a", "")]),
    "of a directory too": (f": > $u/d/e; {MARK} $u/d/e", [("D", "dir", "/var/d/e", "")]),
    "an empty file is none": (": > $u/d/a", [("M", "file", "/var/d/a", "")]),
    "a marked file that is not empty is none": (
        f"echo yy > $u/d/a; {MARK} $u/d/a", [("M", "file", "/var/d/a", "")]),
    "a whiteout of nothing is nothing": ("mknod $u/d/none c 0 0", []),
    "a marked file of nothing is nothing": (f": > $u/d/none; {MARK} $u/d/none", []),
    "the mark of a directory hides nothing": ("true", []),
}


@pytest.mark.parametrize("command", ["/rofs-command diff", OLD_KERNEL], ids=["new", "old"])
@pytest.mark.parametrize("marked", ["", "setfattr -n trusted.overlay.opaque -v x $u/d"],
                         ids=["plain directory", "marked directory"])
def test_both_forms_of_whiteouts(diff: Diff, marked: str, command: str) -> None:
    changes = "".join(in_case(i, f"u=$PWD; mkdir $u/d\n{change}\n{marked}")
                      for i, (change, _) in enumerate(MARKS.values()))
    done = diff(
        "".join(in_case(i, "mkdir -p d/e; echo x > d/a; echo x > d/e/f")
                for i in range(len(MARKS))),
        "cd /; umount /var /rofs/overlay/var; cd /rofs/rw/var/upper\n"
        f"{changes}\ncd /; start rofs-overlay-var.mount", command=command)
    assert by_case(done.rows(), MARKS) == {name: case[1] for name, case in MARKS.items()}
    assert (done.errors, done.status) == ("", 0)


def test_the_kernel_agrees_on_marked_files(diff: Diff) -> None:
    """Where it is new enough: what we tell is gone cannot be opened."""
    if tuple(int(n) for n in os.uname().release.split(".")[:2]) < (6, 7):
        pytest.skip("whiteouts as files need Linux 6.7 or newer")
    done = diff(
        "mkdir -p d; echo x > d/a; echo x > d/b",
        "cd /; umount /var /rofs/overlay/var; u=/rofs/rw/var/upper; mkdir $u/d; : > $u/d/a; "
        f"{MARK} $u/d/a; start rofs-overlay-var.mount",
        command="cd /rofs/overlay/var/d; [ ! -e a ] && [ -e b ] && /rofs-command diff")
    assert done.rows() == [("D", "file", "/var/d/a", "")]


@pytest.mark.parametrize("name", ["flash", "flash that has been made anew"])
def test_start_empty_is_told(diff: Diff, name: str) -> None:
    lower = "mkdir -p c/d; echo x > c/d/a" if name == "flash" else "mkdir c"
    done = diff(lower, "echo y > c/d/b",
                conf="[Overlay /var]\nStartEmpty=/var/c/d\n")
    first = "M" if name == "flash" else "A"
    assert done.rows() == [(first, "dir", "/var/c/d", "starts empty"),
                           ("A", "file", "/var/c/d/b", "")]


def test_start_empty_through_a_link(diff: Diff) -> None:
    done = diff("mkdir -p real/c; echo x > real/c/a; ln -s real link", "true",
                conf="[Overlay /var/link]\nStartEmpty=/var/link/c\n")
    assert done.rows() == [("M", "dir", "/var/real/c", "starts empty")]


SEEDED = [("A", "file", "/etc/.updated", "made by rofs"),
          ("M", "file", "/etc/machine-id", "made by rofs"),
          ("A", "file", "/var/.updated", "made by rofs")]


def test_what_rofs_has_made_is_told_on_demand(diff: Diff) -> None:
    lower = ": > ../etc/machine-id; chmod 444 ../etc/machine-id"
    assert diff(lower, "true").rows() == []
    assert [(row[0], row[2], row[3]) for row in diff(lower, "true", ROWS + " --all").rows()] == [
        (row[0], row[2], row[3]) for row in SEEDED]


def test_what_others_have_made_of_it_is_told(diff: Diff) -> None:
    """A new machine-id over a valid one, and an .updated that systemd has written."""
    done = diff("echo 0123456789abcdef0123456789abcdef > ../etc/machine-id",
                "echo 00000000000000000000000000000001 > /etc/machine-id; "
                "echo '# of systemd' > /var/.updated")
    assert done.rows() == [("M", "file", "/etc/machine-id", ""), ("A", "file", "/var/.updated", "")]


def test_mount_points_of_persists_are_made_by_rofs(diff: Diff) -> None:
    conf = CONF + ("[Partition data]\nDevice=LABEL=data\n"
                   "[Persist /var/local/data]\nPartition=data\nDirectory=/x\n")
    done = diff("true", "echo x > local/data/a; touch local/b", conf=conf)
    assert done.rows() == [("A", "file", "/var/local/b", "")]


def test_paths_restrict(diff: Diff) -> None:
    lower = "mkdir -p a/b gone/b; touch a/b/c a-b gone/b/c; echo x > ../etc/f"
    changes = "echo x > a/b/c; echo x > a-b; rm -r gone; echo y > ../etc/f; mkdir new; touch new/f"

    def paths(arguments: str, before: str = "true") -> list[str]:
        done = diff(lower, changes, f"{ROWS} {arguments}", before=before)
        assert (done.errors, done.status) == ("", 0)
        return [row[2] for row in done.rows()]

    assert paths("/var/a") == ["/var/a/b/c"]
    assert paths("/var/a/b/c /etc") == ["/etc/f", "/var/a/b/c"]
    assert paths("/var/a/b/c/ /var/../var//a-b/.") == ["/var/a/b/c", "/var/a-b"]
    assert paths("b ../new", "cd a") == ["/var/a/b/c", "/var/new", "/var/new/f"]
    assert paths("..", "cd a/b") == ["/var/a/b/c"]
    assert paths(".", "cd /etc") == ["/etc/f"]
    assert len(paths("/")) == 6
    assert paths("/var/new/f") == ["/var/new/f"]
    # Gone with the directory it was in.
    assert paths("/var/gone/b/c") == ["/var/gone"]


@pytest.mark.plain
def test_many_paths_take_time_in_proportion(diff: Diff) -> None:
    """Not each of them for each change."""
    need_programs("valgrind")
    instructions = []
    for n in (250, 500, 1000):
        done = diff("true", f"mkdir d; for i in $(seq {n}); do : > d/$i; done", "-0 d/*",
                    command="count() { valgrind --tool=lackey --log-file=/run/log /rofs-command "
                            'diff "$@"; sed -n "s/.*guest instrs: *//p" /run/log >&2; }; count')
        assert done.text.count("\0") == n
        instructions.append(int(done.errors.replace(",", "")))
    first, second, third = instructions
    assert third - second < 2.5 * (second - first), instructions


def test_paths_within_each_other(diff: Diff) -> None:
    lower = "mkdir -p a/b/c gone/b; touch a/b/c/f gone/b/c"
    changes = "echo x > a/b/c/f; echo x > a/z; echo x > a-b; rm -r gone"

    def paths(arguments: str) -> list[str]:
        done = diff(lower, changes, f"{ROWS} {arguments}")
        assert (done.errors, done.status) == ("", 0)
        return [row[2] for row in done.rows()]

    assert paths("a a/b a/b/c/f a/b/none/../c") == ["/var/a/b/c/f", "/var/a/z"]
    assert paths("a/b/c a/b") == ["/var/a/b/c/f"]
    assert paths("a/z a/z") == ["/var/a/z"]
    assert paths("/var/gone/b/c gone/b /var/gone") == ["/var/gone"]
    assert paths("/var /var/a") == ["/var/a/b/c/f", "/var/a/z", "/var/a-b", "/var/gone"]
    assert paths("a-b a/b/c/f/none/..") == ["/var/a/b/c/f", "/var/a-b"]


def test_paths_follow_links(diff: Diff) -> None:
    done = diff("mkdir -p real/d; ln -s real/d link; ln -s var/real ../short",
                "touch real/d/a", f"{ROWS} link/a /short/d")
    assert [row[2] for row in done.rows()] == ["/var/real/d/a"]
    done = diff("mkdir -p real/d; ln -s var/real ../short",
                "touch real/d/a", f"{ROWS} /short")
    assert [row[2] for row in done.rows()] == ["/var/real/d/a"]


def test_paths_in_no_overlay_are_refused(diff: Diff) -> None:
    done = diff("true", "echo x > a", "/var /usr")
    assert (done.text, done.status) == ("", 2)
    assert done.errors == "rofs: /usr is not below an overlay; the overlays are: /etc /var\n"


def test_paths_on_a_partition_are_refused(diff: Diff) -> None:
    conf = CONF + ("[Partition data]\nDevice=LABEL=data\n"
                   "[Persist /var/local/data]\nPartition=data\nDirectory=/x\n")
    done = diff("mkdir -p local/data", "echo x > local/data/a", "/var/local/data/a", conf=conf)
    assert (done.text, done.status) == ("", 2)
    assert done.errors == ("rofs: /var/local/data/a is on partition data, "
                           "not below an overlay\n")


def test_paths_below_another_mount_are_refused(diff: Diff) -> None:
    done = diff("mkdir -p log/sub", "mount -t tmpfs log log; touch log/a", "log/a")
    assert (done.text, done.status) == ("", 2)
    assert done.errors == ("rofs: /var/log/a is on another file system, mounted over the overlay"
                           " on /var\n")


def test_misspelt_path_is_told(diff: Diff) -> None:
    done = diff("touch same", "echo x > a", f"{ROWS} /var/lgo /var/same /var/a")
    assert [row[2] for row in done.rows()] == ["/var/a"]
    assert (done.errors, done.status) == ("rofs: /var/lgo: No such file or directory\n", 1)


def test_changes_in_ram_in_place_of_the_partition(diff: Diff) -> None:
    found = diff(
        "true",
        "touch kept; cd /; umount /var /rofs/fallback/var /rofs/overlay/var /rofs/persist/data;"
        " /rofs-prepare fallback /var; cd /var; touch lost",
        conf=f"{DATA}[Overlay /var]\nPartition=data\nIfMissing=volatile\n")
    assert found.rows() == [("A", "file", "/var/lost", "")]


def test_overlays_in_each_other(diff: Diff) -> None:
    done = diff("mkdir -p lib/a lib-x; touch lib/old", "touch z lib/a/new lib-x/f; rm lib/old",
                conf="[Overlay /var]\n[Overlay /var/lib]\n")
    assert [row[2] for row in done.rows()] == [
        "/var/lib/a/new", "/var/lib/old", "/var/lib-x/f", "/var/z"]


def test_off_is_told(rofs: Path, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "proc").mkdir()
    (tmp_path / "rofs").mkdir()
    done = run_program(rofs, "diff", root=tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "rofs: rofs is off in this boot: rofs.conf declares nothing\n"

    (tmp_path / "etc/rofs.conf").write_text("[Overlay /etc]\n")
    done = run_program(rofs, "diff", root=tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert "/rofs is not mounted" in done.stderr

    (tmp_path / "proc/cmdline").write_text("ro single\n")
    done = run_program(rofs, "diff", "/etc", root=tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert "recovery boot" in done.stderr


def test_overlay_that_is_not_mounted_is_told(diff: Diff) -> None:
    done = diff("true", "echo x > a; umount /etc /rofs/overlay/etc", ROWS)
    assert [row[2] for row in done.rows()] == ["/var/a"]
    assert done.errors == ("rofs: the overlay on /etc is not mounted; "
                           "see systemctl status rofs-overlay-etc.mount\n")
    assert done.status == 1
    assert diff("true", "echo x > a; umount /etc /rofs/overlay/etc",
                f"{ROWS} /var").status == 0
    done = diff("true", "cd /; umount /etc /var /rofs/overlay/etc /rofs/overlay/var")
    assert (done.text, done.status, done.errors.count("is not mounted")) == ("", 1, 2)


def test_only_root_may_read_layers(diff: Diff) -> None:
    done = diff("true", "true", command="setpriv --reuid=65534 /rofs-command diff")
    assert (done.text, done.status) == ("", 3)
    assert done.errors == "rofs: only root can read the layers; run rofs diff as root\n"


@pytest.mark.parametrize("arguments", [
    ["--sort=name"], ["--json", "-u"], ["-0", "--json"], ["-u", "--sort=size"], ["--json", "--raw"],
    ["-0", "--output=path"], ["--output=colour"], ["--sort"]], ids=" ".join)
def test_wrong_options(diff: Diff, arguments: list[str]) -> None:
    done = diff("true", "true", " ".join(arguments))
    assert (done.status, done.text) == (2, "")
    assert done.errors.startswith("rofs: ")


def test_help_names_every_option_and_column(rofs: Path) -> None:
    done = run_program(rofs, "diff", "--help")
    assert done.returncode == 0
    for word in ("--unified", "--sort=", "--all", "--json", "--null", "--output=", "--noheadings",
                 "--raw", "--bytes", "CHANGE", "TYPE", "USED", "SIZE", "PATH", "NOTE", "OVERLAY",
                 "POOL"):
        assert word in done.stdout


@pytest.mark.parametrize("arguments", ["", "-u", "--json", "--sort=size"])
def test_valgrind_finds_nothing(diff: Diff, rofs: Path, arguments: str) -> None:
    command = shlex.join([*under_valgrind(rofs, "--log-file=/run/found"), "/rofs-command", "diff"])
    done = diff("echo x > a; mkdir d e; touch d/f e/f; ln -s a l; setfattr -n trusted.x -v y a",
                "echo y > a; chmod 600 d/f; rm -r e; mkdir e; ln -sf b l; mkdir n; touch n/f",
                arguments, command=command)
    assert done.status == 0, done.errors


# What rofs itself made may be among the changes, if it cannot be recognized.
EACH_FAILING = """
export FAULT_READ=1 LD_PRELOAD=/run/fault.so ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
FAULT_COUNT=/run/count "$@" >/run/whole
read -r count < /run/count
at=0
while [ $((at += 1)) -le $count ]; do
    status=0
    FAULT_ERRNO=5 FAULT_AT=$at "$@" >/run/found 2>/run/said || status=$?
    read -r said < /run/said || said=
    found=all
    ! grep -qvxFf /run/found /run/whole || found=less
    echo "$status $found $said"
done
"""


@pytest.mark.parametrize("command", [
    f"diff {ROWS}", "commit --dry-run --all", "revert --dry-run /var/a"])
def test_error_is_told_wherever_it_happens(diff: Diff, fault_library: Path, command: str) -> None:
    """It is not taken for a boot without rofs, an overlay that is not mounted, or no change."""
    made = diff(f"cp {shlex.quote(str(fault_library))} ../run/fault.so", "echo new > /var/a",
                command=f"set -- /rofs-command {command}\n{EACH_FAILING}", arguments="")
    runs = made.text.splitlines()
    assert len(runs) > 20
    assert [run for run in runs if run != "0 all "
            and not ("Input/output error" in run or "could not be read" in run)] == []
