"""`rofs diff` in large, deep and closed directories, and in those that change meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from overlay_diff import MAKE_DEEP, ROWS, WITHOUT_RIGHTS, Diff, Outcome
from support import parse_json

pytestmark = pytest.mark.root


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
    """They are more than flash has; and there is what is below the directory."""
    done = diff("mkdir -p d/e; echo x > d/e/f; echo x > a; echo x > z",
                f"{MANY_ATTRIBUTES} d; {MANY_ATTRIBUTES} a; echo y > d/e/f; echo y > d/n; "
                "echo y > z")
    assert done.rows() == [
        ("m", "file", "/var/a", "same content; xattr"),
        ("m", "dir", "/var/d", "xattr"),
        ("M", "file", "/var/d/e/f", ""),
        ("A", "file", "/var/d/n", ""),
        ("M", "file", "/var/z", "")]
    assert (done.status, done.errors) == (0, "")


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
    assert any(numbers[::3])


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
