"""What `rofs diff` prints: tables, names, sizes, JSON, and the text of changed files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from overlay_diff import MAKE_DEEP, WITHOUT_RIGHTS, Diff

pytestmark = pytest.mark.root

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


def test_text_that_cannot_be_read(diff: Diff) -> None:
    done = diff("true", "echo x > a; chmod 600 a; chown 5 a; echo x > z", "-u",
                command=f"{WITHOUT_RIGHTS} /rofs-command diff")
    assert done.text.startswith("A file /var/a (content: Permission denied)\nA file /var/z\n---")
    assert done.status == 1


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
