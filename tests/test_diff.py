"""`rofs diff` over real overlays, each change made as programs make it.

The systems are those of mounted_system.py: generated units, mounted in a mount namespace.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from mounted_system import DATA, System
from support import need_programs, parse_json, run_program, under_valgrind

pytestmark = pytest.mark.root

CONF = "[Overlay /var]\n[Overlay /etc]\n"
Row = tuple[str, str, str, str]  # change, type, path, note
Diff = Callable[..., "Outcome"]


class Outcome:
    """What one run of the command printed, and its exit status."""

    def __init__(self, text: str, errors: str, status: int):
        self.text, self.errors, self.status = text, errors, status

    def rows(self) -> list[Row]:
        """Of `--raw --noheadings --output=change,type,path,note`."""
        found = []
        for line in self.text.splitlines():
            change, kind, path, note = line.split(" ")
            found.append((change, kind, path, note.replace("\\x20", " ")))
        return found


ROWS = "--raw --noheadings --output=change,type,path,note"


@pytest.fixture
def diff(system: System, rofs: Path, tmp_path: Path) -> Diff:
    """Makes a lower, boots, changes something, and runs `rofs diff` on what came of it."""

    def run_diff(lower: str, changes: str, arguments: str = ROWS, conf: str = CONF,
                 before: str = "true", command: str = "/rofs-command diff") -> Outcome:
        if (tmp_path / "sys").exists():
            (tmp_path / "sys").rmdir()  # the mount point of a run before
        done = system(
            conf,
            f"""
            boot > /run/booted 2>&1
            cat /run/status | grep -qx 0
            cd /var
            {changes}
            {before}
            status=0
            ({command} {arguments}) > /run/out 2> /run/err || status=$?
            printf '%s\\n' "$status"
            base64 -w 0 /run/out; echo
            cat /run/err
            """,
            f"cp {shlex.quote(str(rofs))} rofs-command\n(cd var; {lower}\n)")
        assert done.returncode == 0, done.stderr
        status, text, errors = done.stdout.split("\n", 2)
        errors = errors.replace("rofs-command: ", "rofs: ")  # messages begin with its name
        return Outcome(base64.b64decode(text).decode(errors="surrogateescape"), errors, int(status))

    return run_diff


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


NAMES = {
    "newline": b"a\nb",
    "newline at the end": b"a\n",
    "escape sequence": b"\033[2J\033]0;evil\007",
    "delete and backspace": b"\177\010\010",
    "bytes that are not UTF-8": b"\377\376\200",
    "cut off UTF-8": b"\342\202",
    "C1 as UTF-8": b"\302\233",
    "blanks": b" a  b ",
    "backslashes": b"a\\x0a\\",
    "quotes": b"'\"`$(reboot)",
    "UTF-8": b"\303\244\360\237\230\200",
    "a dash": b"-rf",
    "a tab": b"a\tb",
    "255 bytes": b"n" * 255,
}


def make_names() -> str:
    """A script that makes them all."""
    script = ""
    for name in NAMES.values():
        octal = "".join(f"\\{byte:03o}" for byte in name)
        # A character behind it keeps newlines at the end of a name from being cut off.
        script += f"n=$(printf '{octal}/'); n=${{n%/}}; echo x > \"./$n\"\n"
    return script


def test_any_name_for_programs(diff: Diff) -> None:
    paths = sorted(b"/var/" + name for name in NAMES.values())
    listed = diff("true", make_names(), "-0").text.encode(errors="surrogateescape")
    assert listed == b"".join(path + b"\0" for path in paths)

    text = diff("true", make_names(), "--json").text
    assert not [c for c in text if ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160]
    rows = json.loads(text)
    assert [bytes.fromhex(row["path_hex"]) if "path_hex" in row else row["path"].encode()
            for row in rows] == paths
    assert [row["path"] for row in rows if "path_hex" in row] == [
        "/var/\ufffd\ufffd", "/var/\ufffd\ufffd\ufffd"]


@pytest.mark.parametrize("arguments", ["", "--raw", "-u"])
def test_any_name_for_people(diff: Diff, arguments: str) -> None:
    shown = diff("true", make_names(), arguments).text.encode(errors="surrogateescape")
    assert not [byte for byte in shown if byte < 32 and byte != 10 or byte == 127]
    assert b"\xc2\x9b" not in shown
    shown.decode()
    # What acts on a terminal, and what looks like that; for all three alike.
    for name in (b"\\xc2\\x9b", b"a\\x0ab", b"\\x1b[2J", b"a\\x5cx0a"):
        assert b"/var/" + name in shown
    # Headings and a row each; or a row, two labels, a range and a line each.
    assert len(shown.splitlines()) == (5 * len(NAMES) if arguments == "-u" else 1 + len(NAMES))


@pytest.mark.parametrize("arguments", [
    "", "--noheadings", "--output=size,path,note", "--output=note,used", "--output=path",
    "--bytes"])
def test_tables_with_and_without_plain_names_look_the_same(diff: Diff, arguments: str) -> None:
    """Where all is ASCII libsmartcols does not print: one name that is not makes it do so."""
    changes = "echo x > added; echo x > 'two  words'; chmod 600 a; rm gone; rm -r d; mkdir d; "
    plain, other = (
        diff("touch a gone; mkdir d", f"{changes} touch z{last}", arguments,
             command="LC_ALL=C.UTF-8 /rofs-command diff").text
        for last in "z\u00e4")
    assert "z\u00e4" in other or "note,used" in arguments
    assert plain.replace("zz", "z\u00e4") == other


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


def test_sizes(diff: Diff) -> None:
    done = diff(
        "head -c 5000 /dev/zero > same; ln -s target l; echo x > gone",
        "head -c 300000 /dev/zero > big; truncate -s 1M sparse; echo x > small; touch same; "
        "ln -sfn aim l; rm gone; mkdir d; ln small small2", "--json --sort=size")
    rows = {row["path"]: row for row in json.loads(done.text)}
    assert list(rows)[:2] == ["/var/big", "/var/same"]
    assert [rows[f"/var/{n}"]["size"] for n in ("big", "sparse", "small", "same", "l", "gone", "d")
            ] == [300000, 1 << 20, 2, 5000, 3, 0, 0]
    assert rows["/var/big"]["used"] == -(-300000 // 4096) * 4096
    assert rows["/var/sparse"]["used"] == 0
    assert rows["/var/small"]["links"] == rows["/var/small2"]["links"] == 2
    used = [row["used"] for row in json.loads(done.text)]
    assert used == sorted(used, reverse=True)


def test_pools_are_called_as_in_status(diff: Diff) -> None:
    conf = ("[Overlay /var]\n[Overlay /srv]\nSize=1M\n[Overlay /opt]\nPartition=data\n"
            "[Partition data]\nDevice=LABEL=data\n")
    done = diff("mkdir ../srv ../opt", "touch a /srv/a /opt/a",
                "--raw --noheadings --output=path,overlay,pool", conf=conf)
    assert done.text == "/opt/a /opt data\n/srv/a /srv /srv\n/var/a /var ram\n"


def test_sizes_for_people(diff: Diff) -> None:
    sizes = {"0": "0B", "1023": "1023B", "1K": "1K", "1536": "1.5K", "1048575": "1M",
             "10M": "10M", "1300M": "1.3G", "3T": "3T"}
    done = diff("true", "".join(f"truncate -s {size} {size}\n" for size in sizes),
                "--raw --noheadings --output=path,size")
    assert dict(line.split(" ") for line in done.text.splitlines()) == {
        f"/var/{size}": shown for size, shown in sizes.items()}


ON_TERMINAL = """\
CHANGE TYPE USED SIZE PATH        NOTE
A      file   4K   6B /etc/c.conf
m      file   4K   2B /var/a      same content; mode
M      dir     -    - /var/d      opaque: hides the lower directory
D      file    -    - /var/gone
A      file 300K 300K /var/large
A      file 300K 300K /var/link
=      file   4K   2B /var/same   same content
T      link   0B   1B /var/t      was file
7 changes and 1 unchanged copy, 312 KiB in RAM (3 made by rofs not shown; use --all)
"""


def test_table_on_a_terminal(diff: Diff) -> None:
    """With a total, which counts hard links once."""
    done = diff(
        "echo x > a; mkdir d; touch d/x; echo x > gone; echo x > same; echo x > t",
        "echo hello > /etc/c.conf; chmod 600 a; rm -r d; mkdir d; rm gone; : 3<> same; "
        "head -c 300K /dev/zero > large; ln large link; ln -sf a t; "
        "mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts; "
        "export TERM=xterm SYSTEMD_PAGER= NO_COLOR=1", "",
        command="script -qec '/rofs-command diff' /dev/null")

    assert [line.rstrip() for line in done.text.splitlines()] == ON_TERMINAL.splitlines()


def test_terminal_is_not_given_what_it_would_obey(diff: Diff) -> None:
    done = diff(
        "true", r"printf 'a\033[31mb\n' > esc; printf 'a\r\n' > dos; "
        r"printf 'a\302\2332Jb\n' > csi; printf 'a\2332Jb\n' > byte; printf 'caf\351\n' > latin; "
        "mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts; "
        "export TERM=dumb SYSTEMD_PAGER=", "",
        command="script -qec '/rofs-command diff -u' /dev/null")
    for shown in (r"+a\x1b[31mb", r"+a\xc2\x9b2Jb", r"+a\x9b2Jb", r"+caf\xe9", r"+a\x0d"):
        assert shown + "\r\n" in done.text
    assert not {"\033", "\u009b", "\udc9b", "\udce9"} & set(done.text)
    done = diff(
        "true", r"printf '\303\233 \033\n' > $(printf '\303\233'); "
        "mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts; "
        "export TERM=dumb SYSTEMD_PAGER= LC_ALL=C", "",
        command="script -qec '/rofs-command diff -u' /dev/null")
    assert done.text.isascii()
    assert r"+\xc3\x9b \x1b" in done.text
    done = diff("true", r"printf 'a\033[31mb\n' > esc", "-u")
    assert "+a\033[31mb\n" in done.text


def test_bytes_are_exact(diff: Diff) -> None:
    done = diff("true", "head -c 4097 /dev/zero > a; mkdir d",
                "--raw --noheadings --bytes --output=used,size,path")
    assert done.text == "8192 4097 /var/a\n- - /var/d\n"


def test_json_is_as_its_schema_says(diff: Diff, source: Path) -> None:
    schema = json.loads((source / "docs/diff.schema.json").read_text())
    item = schema["items"]
    done = diff(
        "mkdir d t; touch d/a m; echo x > gone; echo y > s",
        "rm -r d; mkdir d; chmod 600 m; rm gone; rmdir t; echo x > t; touch s; mkfifo p; "
        "n=$(printf 'a\\377'); touch \"$n\"", "--json --all",
        conf="[Overlay /etc]\n[Overlay /var]\nStartEmpty=/var/cache\n")
    rows = json.loads(done.text)
    assert {row["change"] for row in rows} == {"A", "M", "D", "T", "m"}
    types = {"string": str, "integer": int, "boolean": bool, "array": list, "null": type(None)}
    for row in rows:
        assert set(item["required"]) <= set(row) <= set(item["properties"])
        for key, value in row.items():
            rule = item["properties"][key]
            allowed = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
            assert isinstance(value, tuple(types[name] for name in allowed)), key
            assert value in rule.get("enum", [value])
            if isinstance(value, list):
                assert set(value) <= set(rule["items"]["enum"])
    assert json.loads(diff("true", "true", "--json").text) == []


def test_unified(diff: Diff) -> None:
    done = diff(
        "printf 'one\\ntwo\\n' > a; echo gone > g; printf 'a\\0b' > bin; echo x > m; ln -s a l",
        "printf 'one\\n2\\n' > a; rm g; echo new > n; printf 'a\\0c' > bin; chmod 600 m; "
        "head -c 1048577 /dev/zero | tr '\\0' a > large; rm l; touch l", "-u")
    assert done.text == """\
M file /var/a
--- /rofs/ro/var/a
+++ /var/a
@@ -1,2 +1,2 @@
 one
-two
+2
M file /var/bin (binary)
D file /var/g
--- /rofs/ro/var/g
+++ /dev/null
@@ -1 +0,0 @@
-gone
T file /var/l (was link)
A file /var/large (too large to compare as text)
m file /var/m (same content; mode)
A file /var/n
--- /dev/null
+++ /var/n
@@ -0,0 +1 @@
+new
"""
    assert (done.errors, done.status) == ("", 0)


def test_text_that_takes_long_to_compare(diff: Diff) -> None:
    """Of letters in any order, diff(1) would make half a minute."""
    letters = "head -c 524288 /dev/urandom | base64 -w 1 | head -c 1048576 > a"
    done = diff(letters, letters + "; echo x > z", "-u")
    assert done.text == ("M file /var/a (too different to compare as text)\n"
                         "A file /var/z\n--- /dev/null\n+++ /var/z\n@@ -0,0 +1 @@\n+x\n")
    assert (done.errors, done.status) == ("", 0)


KILLED_DIFF = r"""
mkdir /run/bin
cat > /run/bin/diff << 'END'
#!/bin/sh
printf -- '--- a\n+++ b\n@@\n'
kill -TERM $$
END
chmod 755 /run/bin/diff
"""


def test_diff_that_is_killed(diff: Diff) -> None:
    done = diff("true", f"echo x > a\n{KILLED_DIFF}", "-u",
                command="PATH=/run/bin:$PATH /rofs-command diff")
    assert done.text == "A file /var/a\n--- /dev/null\n+++ /var/a\n@@\n"
    assert done.errors == "rofs: /var/a: diff(1) was killed; the output is incomplete\n"
    assert done.status == 1


def test_times_of_access_stay(diff: Diff) -> None:
    done = diff("true", "mkdir d; cd /rofs/rw/var/upper/d; mount -t tmpfs -o strictatime t .; "
                "cd $PWD; echo x > a; stat -c %x . a > /run/before; sleep 0.1", "",
                command="/rofs-command diff -u | grep -c +x; stat -c %x . a | diff /run/before -; "
                        ":")
    assert (done.text, done.errors) == ("1\n", "")


def test_unified_without_diff(diff: Diff) -> None:
    """Told once; what needs no diff(1) is shown."""
    done = diff("true", "echo x > a; echo x > b", "-u", command="PATH=/nowhere /rofs-command diff")
    assert done.text == "A file /var/a\nA file /var/b\n"
    assert (done.errors, done.status) == ("rofs: diff(1) not found; install diffutils\n", 1)


def test_deep_directories_need_few_descriptors(diff: Diff) -> None:
    deep = "/".join(["d"] * 300)
    done = diff(
        f"mkdir -p {deep}; for d in d d/d {deep}; do touch $d/z; done",
        f"echo x > {deep}/new; for d in d d/d {deep}; do echo x > $d/z; done; "
        # Levels whose descriptors had to be closed have more to tell behind the deep one.
        "for n in 1 2 3; do mkdir -p d/d/e$n/" + deep + "; touch d/d/e$n/" + deep + "/f; done",
        ROWS, command="ulimit -n 100; /rofs-command diff")
    assert [row[2].replace(deep, "DEEP") for row in done.rows()
            if row[1] == "file"] == [
        "/var/DEEP/new", "/var/DEEP/z",
        "/var/d/d/e1/DEEP/f", "/var/d/d/e2/DEEP/f", "/var/d/d/e3/DEEP/f",
        "/var/d/d/z", "/var/d/z"]


def test_changes_while_it_reads(diff: Diff) -> None:
    done = diff(
        "mkdir d; for i in $(seq 200); do echo x > d/$i; done",
        """
        while [ ! -e /run/stop ]; do
            for i in $(seq 200); do rm -rf d/$i; mkdir d/$i; rm -r d/$i; echo y > d/$i; done
            rm -r d; mkdir d
        done &
        """,
        # Two directories change all the time: it may have to say that it has not seen them rest.
        command="for i in $(seq 100); do /rofs-command diff > /run/log || "
                "grep -q 'changed while it was read' /run/log || echo $?; done; "
                "touch /run/stop; wait; :")
    assert (done.text, done.errors, done.status) == ("", "", 0)


# Makes a deep tree below the working directory: levels, name of each, file in each.
MAKE_DEEP = """python3 -c '
import os, sys
for level in range(int(sys.argv[1])):
    os.path.isdir(sys.argv[2]) or os.mkdir(sys.argv[2])
    os.chdir(sys.argv[2])
    open(sys.argv[3], "w").close()
' """


def deep_paths(levels: int, name: str, file: str) -> list[str]:
    """All paths of such a tree, in their order, where the file comes behind the directory."""
    dirs = ["/var" + f"/{name}" * n for n in range(1, levels + 1)]
    return dirs + [f"{path}/{file}" for path in reversed(dirs)]


@pytest.mark.parametrize("both", [False, True], ids=["upper", "both layers"])
def test_deep_trees_take_calls_in_proportion(diff: Diff, both: bool) -> None:
    """Not by their depth: so many for each level, however many there are."""
    calls = []
    for levels in (250, 500, 1000):
        make = f"{MAKE_DEEP} {levels} d f"
        done = diff(make if both else "true", make + "; find d -name f -exec chmod 600 {} +", "",
                    command="strace -f -o /run/calls /rofs-command diff -0; "
                            "wc -l < /run/calls >&2; :")
        expected = deep_paths(levels, "d", "f")
        assert done.text.split("\0")[:-1] == [p for p in expected if not both or p.endswith("f")]
        calls.append(int(done.errors))
    assert calls[2] - calls[1] < 2.2 * (calls[1] - calls[0])


# Prints the KiB of memory that a command takes, in place of its output.
PEAK = """export ASAN_OPTIONS=quarantine_size_mb=1; python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
' """


@pytest.mark.parametrize("arguments", ["", "--raw", "-0", "--json", "--sort=size", "-u"])
def test_long_paths_take_memory_in_proportion(diff: Diff, arguments: str) -> None:
    """As many bytes as there are in names, not in paths: these are 128 MB in 2,000 paths."""
    peaks = [int(diff("true", f"{MAKE_DEEP} {levels} {name} f", arguments,
                      command=f"{PEAK} /rofs-command diff").text)
             for levels, name in ((1000, "d"), (1000, "n" * 255))]
    assert peaks[1] - peaks[0] < 8 * 1024, peaks


@pytest.mark.parametrize("arguments", ["-0", "--json"])
def test_rows_that_need_no_sorting_are_not_kept(diff: Diff, arguments: str) -> None:
    """Only the names are, to see what is new when directories are looked at again."""
    peaks = [int(diff("true", f"mkdir d; seq -f d/%g {n} | xargs touch", arguments,
                      command=f"{PEAK} /rofs-command diff").text) for n in (30000, 90000)]
    assert peaks[1] - peaks[0] < 60000 * 100 / 1024, peaks


def test_paths_longer_than_the_system_can_take_are_right(diff: Diff) -> None:
    name = "n" * 254 + "\\"
    expected = deep_paths(50, name, "z")
    make = f"{MAKE_DEEP} 50 '{name}' z"
    assert len(expected[49]) > 3 * 4096
    assert diff("true", make, "-0").text.split("\0")[:-1] == expected
    assert [row["path"] for row in json.loads(diff("true", make, "--json").text)] == expected
    assert diff("true", make, "--output=path --noheadings").text.splitlines() == expected
    # A long path does not move what is behind the others.
    short = diff("touch a", make + "; chmod 600 a", "").text.splitlines()[1]
    assert short.split() == ["m", "file", "0B", "0B", "/var/a", "same", "content;", "mode"]
    assert len(short) < 400


def test_order_of_overlays_in_each_other(diff: Diff) -> None:
    """By path in every form, although each overlay has an upper layer of its own."""
    for arguments in ("-0", "-u"):
        done = diff("mkdir -p lib/a lib-x", "echo x > z; echo x > lib/a/n; echo x > lib-x/f; "
                    "echo x > a", arguments, conf="[Overlay /var]\n[Overlay /var/lib]\n")
        found = (done.text.split("\0")[:-1] if arguments == "-0" else
                 [line.split()[2] for line in done.text.splitlines() if line.startswith("A ")])
        assert found == ["/var/a", "/var/lib/a/n", "/var/lib-x/f", "/var/z"]


# More names of attributes than listxattr(2) can list.
MANY_ATTRIBUTES = """python3 -c '
import os, sys
for i in range(300):
    os.setxattr(sys.argv[1], "trusted." + str(i) + "x" * 240, b"")
' """


def test_attributes_that_cannot_be_listed(diff: Diff) -> None:
    """A row for each, and what is below the directory."""
    done = diff("mkdir -p d/e; echo x > d/e/f; echo x > a; echo x > z",
                f"{MANY_ATTRIBUTES} d; {MANY_ATTRIBUTES} a; echo y > d/e/f; echo y > d/n; "
                "echo y > z")
    assert done.rows() == [
        ("?", "file", "/var/a", "attributes: Argument list too long"),
        ("?", "dir", "/var/d", "attributes: Argument list too long"),
        ("M", "file", "/var/d/e/f", ""),
        ("A", "file", "/var/d/n", ""),
        ("M", "file", "/var/z", "")]
    assert done.status == 1
    assert done.errors == "rofs: 2 paths could not be read; see the rows marked ?\n"


# Root without the right to read what belongs to others and is closed to them.
WITHOUT_RIGHTS = "setpriv --bounding-set=-dac_override,-dac_read_search"


@pytest.fixture
def unreadable(diff: Diff) -> Callable[[str], Outcome]:
    def run(arguments: str) -> Outcome:
        return diff(
            "mkdir -p closed lower/d; echo x > same; echo x > lower/f; echo x > lower/d/f; "
            "chmod 700 lower; chown -R 5 lower; chmod 700 closed",
            "touch closed/f; chown 5 closed; mkdir new; touch new/f; chmod 700 new; chown 5 new; "
            "echo y > same; chmod 600 same; chown 5 same; "
            "chown 0 lower; chmod 755 lower; echo y > lower/f; rm lower/d/f; touch z",
            arguments, command=f"{WITHOUT_RIGHTS} /rofs-command diff")
    return run


def test_what_cannot_be_read_is_a_row(unreadable: Callable[[str], Outcome]) -> None:
    done = unreadable(ROWS)
    assert done.rows() == [
        ("?", "dir", "/var/closed", "directory: Permission denied; owner"),
        ("?", "dir", "/var/lower", "lower: Permission denied; mode, owner"),
        ("?", "dir", "/var/lower/d", "lower: Permission denied"),
        ("?", "-", "/var/lower/d/f", "lower: Permission denied"),
        ("?", "file", "/var/lower/f", "lower: Permission denied"),
        ("?", "dir", "/var/new", "directory: Permission denied"),
        ("?", "file", "/var/same", "content: Permission denied; mode, owner, time"),
        ("A", "file", "/var/z", "")]
    assert done.status == 1
    assert done.errors == "rofs: 7 paths could not be read; see the rows marked ?\n"


def test_what_cannot_be_read_for_programs(unreadable: Callable[[str], Outcome]) -> None:
    done = unreadable("--json")
    rows = {row["path"]: row for row in parse_json(done.text, "diff.schema.json")}
    assert done.status == 1
    assert [rows["/var/same"][key] for key in ("change", "unread", "error")] == [
        "?", "content", "Permission denied"]
    assert [rows["/var/z"][key] for key in ("change", "unread", "error")] == ["A", None, None]
    assert rows["/var/lower/d/f"]["type"] is None

    done = unreadable("-0")
    assert (len(done.text.split("\0")), done.status) == (9, 1)
    assert "rofs: /var/closed: directory: Permission denied; owner\n" in done.errors

    done = unreadable("-u")
    assert "? file /var/same (content: Permission denied; mode, owner, time)\n" in done.text
    assert done.status == 1


def test_text_that_cannot_be_read(diff: Diff) -> None:
    done = diff("true", "echo x > a; chmod 600 a; chown 5 a; echo x > z", "-u",
                command=f"{WITHOUT_RIGHTS} /rofs-command diff")
    assert done.text.startswith("A file /var/a (content: Permission denied)\nA file /var/z\n---")
    assert done.status == 1


@pytest.mark.parametrize("limit", [24, 40, 80])
def test_few_descriptors(diff: Diff, limit: int) -> None:
    done = diff(f"{MAKE_DEEP} 100 d f", f"{MAKE_DEEP} 200 d g", "-0",
                command=f"ulimit -n {limit}; /rofs-command diff")
    assert done.text.split("\0")[:-1] == [
        path for path in deep_paths(200, "d", "g") if path.endswith("g") or path.count("d") > 100]
    assert (done.errors, done.status) == ("", 0)


def test_no_descriptors_left(diff: Diff) -> None:
    """Each directory for which there is none is a row."""
    done = diff("true", "mkdir d e; touch d/f e/f z", ROWS,
                command="n=$(ls /proc/self/fd | wc -l); ulimit -n 9; /rofs-command diff")
    rows = done.rows()
    assert done.status == 1
    assert [row for row in rows if row[0] == "?"]
    assert all("Too many open files" in row[3] for row in rows if row[0] == "?")


# Renames a file in the directory back and forth, as fast as it can.
RENAME = """python3 -c '
import os, sys
os.chdir(sys.argv[1])
while not os.path.exists("/run/stop"):
    for i in range(1000):
        os.rename("here", "there")
        os.rename("there", "here")
' """


@pytest.mark.parametrize("others", [0, 3000], ids=["alone", "among many"])
def test_a_file_that_is_renamed_all_the_time_is_shown(diff: Diff, others: int) -> None:
    """Under either name; or a row says that it was changed while it was read."""
    done = diff(
        "mkdir d", f"for i in $(seq {others}); do : > d/$i; done; echo x > d/here; "
        f"{RENAME} d &", "-0",
        command="for i in $(seq 60); do /rofs-command diff -0 2> /run/log | tr '\\0' '\\n' | "
                "grep -cE '/var/d/(t?here)$|/var/d$' | grep -c '^0' || :; done; touch /run/stop; "
                "wait; :")
    assert done.text == "0\n" * 60


# Takes the place of diff(1), which `diff -u` runs while it walks: here, right behind /var/a/f.
MOVE_MEANWHILE = """
mkdir /run/bin
cat > /run/bin/diff << 'END'
#!/bin/sh
[ -e /run/moved ] || {moves}
: > /run/moved
END
chmod 755 /run/bin/diff
"""


@pytest.mark.parametrize("moves, expected", [
    ("mv /var/b/f /var/a/0", ["/var/a", "/var/a/f", "/var/b", "/var/b/g", "/var/a/0"]),
    ("mv /var/b /var/a/0", ["/var/a", "/var/a/f", "/var/a/0", "/var/a/0/f", "/var/a/0/g"]),
    ("mv /var/b/f /var/0", ["/var/a", "/var/a/f", "/var/b", "/var/b/g", "/var/0"]),
    ("{ rm /var/a/f; mv /var/b /var/a/f; }", ["/var/a", "/var/a/f", "/var/a/f", "/var/a/f/f",
                                              "/var/a/f/g"]),
    ("mv /var/a /var/0", ["/var/a", "/var/a/f", "/var/b", "/var/b/f", "/var/b/g",
                          "/var/0", "/var/0/f"]),
    ("touch /var/a/0 /var/b/0", ["/var/a", "/var/a/f", "/var/b", "/var/b/0", "/var/b/f",
                                 "/var/b/g", "/var/a/0"]),
], ids=["a file", "a directory", "a file, upwards", "a directory in the place of a file",
        "the directory that is read", "nothing, but new files"])
def test_what_is_moved_to_where_it_has_read_is_shown(diff: Diff, moves: str,
                                                     expected: list[str]) -> None:
    done = diff("true", f"mkdir a b; echo x > a/f; echo x > b/f; echo x > b/g; sleep 0.1"
                f"{MOVE_MEANWHILE.replace('{moves}', moves)}", "-u",
                command="PATH=/run/bin:$PATH /rofs-command diff")
    assert [line.split(" ")[2] for line in done.text.splitlines()] == expected
    assert (done.errors, done.status) == ("", 0)


# Renames files from a/ to b/ and back, as fast as it can.
MOVE = """python3 -c '
import os
while not os.path.exists("/run/stop"):
    for i in range(300):
        os.rename(f"a/{i}", f"b/{i}")
    for i in range(300):
        os.rename(f"b/{i}", f"a/{i}")
' """


def test_files_that_are_moved_all_the_time(diff: Diff) -> None:
    """All are shown, or rows say that the directories never rested."""
    done = diff(
        "true", "mkdir a b; for i in $(seq 0 299); do echo x > a/$i; done; " + MOVE + "&",
        command="for i in $(seq 8); do status=0; /rofs-command diff --raw > /run/log || status=$?; "
                "sed -n 's,.* /var/[ab]/\\([0-9]*\\).*,\\1,p' /run/log | sort -u | wc -l; "
                "grep -c '^? dir.*changed' /run/log; echo $status; done; touch /run/stop; wait; :")
    numbers = [int(n) for n in done.text.split()]
    for shown, unread, status in zip(numbers[::3], numbers[1::3], numbers[2::3]):
        assert shown == 300 or (unread, status) == (2, 1)
        assert shown > 200


def test_a_busy_directory_is_no_error(diff: Diff) -> None:
    """Files that come and go in one, at any rate, cannot hide anything."""
    churn = ("python3 -c 'import os\nwhile not os.path.exists(\"/run/stop\"):\n"
             "    open(\"log/new\", \"w\").close(); os.rename(\"log/new\", \"log/old\")'")
    done = diff("true", f"mkdir -p log d/e; echo x > d/e/f; {churn} &",
                command="for i in $(seq 20); do /rofs-command diff -0 > /run/log || echo $?; "
                        "tr '\\0' '\\n' < /run/log | grep -c '^/var/d/e/f$'; done; "
                        "touch /run/stop; wait; :")
    assert (done.text, done.errors) == ("1\n" * 20, "")


def test_what_is_deleted_while_it_reads_is_no_error(diff: Diff) -> None:
    done = diff(
        "true", "mkdir d; for i in $(seq 3000); do : > d/$i; done; (sleep 0.05; rm -r d) &", ROWS,
        command="for i in $(seq 20); do /rofs-command diff > /run/log || cat /run/log; done; wait;"
                " : ")
    assert (done.text, done.errors) == ("", "")


def test_a_file_that_grows_while_it_is_read(diff: Diff) -> None:
    """Its size says nothing: this one has none, and megabytes of text."""
    done = diff("true", "touch a; mount --bind /proc/kallsyms /rofs/rw/var/upper/a", "-u")
    assert done.text == "A file /var/a (too large to compare as text)\n"


FAKE_DIFF = r"""
mkdir /run/bin
cat > /run/bin/diff << 'END'
#!/bin/sh
printf '%s\n' "$@" > /run/arguments
for last; do :; done
readlink "$last" > /run/target
exec /usr/bin/diff "$@"
END
chmod 755 /run/bin/diff
"""


def test_text_is_compared_in_copies(diff: Diff) -> None:
    """diff(1) gets neither names nor files that others can change."""
    done = diff("true", "echo x > secret-name" + FAKE_DIFF, "-u",
                command="export PATH=/run/bin:$PATH; /rofs-command diff -u > /run/log; "
                        "cat /run/arguments /run/target; :")
    assert "secret-name" not in done.text
    assert "/memfd:rofs-diff (deleted)" in done.text


def test_text_below_a_path_longer_than_arguments(diff: Diff) -> None:
    name = "n" * 255
    done = diff("true", f"{MAKE_DEEP} 600 {name} f; cd {'/'.join([name] * 3)}; echo x > new", "-u")
    path = "/var" + f"/{name}" * 3 + "/new"
    assert f"\nA file {path}\n--- /dev/null\n+++ {path}\n@@ -0,0 +1 @@\n+x\n" in done.text
    assert (done.errors, done.status) == ("", 0)


def test_text_of_a_deep_file(diff: Diff) -> None:
    name = "n" * 255
    done = diff("true", f"{MAKE_DEEP} 600 {name} f; python3 -c 'import os\nfor i in range(600): "
                f"os.chdir(\"{name}\")\nopen(\"f\", \"w\").write(\"x\")'", "-u")
    assert f"+++ {'/var' + f'/{name}' * 600}/f\n@@ -0,0 +1 @@\n+x\n" in done.text
    assert (done.errors, done.status) == ("", 0)


def test_names_cannot_forge_labels(diff: Diff) -> None:
    done = diff("true", "n=$(printf 'a\\n+++ /etc/shadow\\n@@ -1 +1 @@\\n+x'); "
                "mkdir -p \"$n\" 2>/dev/null || mkdir -p \"${n%%/*}\"; echo x > \"${n%%/*}/f\"",
                "-u")
    assert [line for line in done.text.splitlines() if line.startswith("+++")] == [
        r"+++ /var/a\x0a+++ /f"]


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
