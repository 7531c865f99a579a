"""Text of foreign origin in what rofs shows: it is one line of printable UTF-8 everywhere.

Whoever may mount, such as an ordinary user with FUSE, names the source and the type of a mount.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import List

import pytest
from support import (
    Namespace,
    bytes_on_terminal,
    environment,
    make_status_tree,
    on_terminal,
    program,
    snapshot,
)

pytestmark = pytest.mark.sanitized

# In the kernel's table of mounts: ESC, a newline, a tab, a quote, DEL, CSI of C1, invalid UTF-8.
FOREIGN = rb'/dev/x\033[31m\012forged:\040line\011"' + b"\x1b]0;\x7f\xc2\x9b31m\xff\\134x41\xc3\xa9"
# Everything in it that may be shown as it is.
SHOWN = "\u00e9"


@pytest.fixture(params=["source", "type", "covered", "place", "partition"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A system with one such mount."""
    covered = "10-something-is-mounted-over-an-overlay"
    kinds = {"source": ("01-all-is-in-force", b"ext4 /dev/vdb", b"ext4 " + FOREIGN),
             "type": (covered, b"tmpfs scratch",
                      b"fuse." + FOREIGN + b" scratch"),
             "covered": (covered, b"tmpfs scratch",
                         b"fuse " + FOREIGN),
             "place": (covered, b"0:90 / /var rw,relatime - tmpfs scratch",
                       b"254:0 / /mnt/" + FOREIGN + b" rw,relatime - ext4 /dev/vda"),
             "partition": ("11-overlay-kept-on-a-partition", b"ext4 /dev/vdb",
                           b"ext4 " + FOREIGN)}
    case, old, new = kinds[request.param]
    root = make_status_tree(Path(__file__).parent / "status" / case, tmp_path / "root")
    mounts = root / "proc/self/mountinfo"
    before = mounts.read_bytes()
    mounts.write_bytes(before.replace(old, new))
    assert mounts.read_bytes() != before
    if request.param == "place":  # of a mount through which the root file system can be written
        mounts.write_bytes(mounts.read_bytes().replace(b"ext4 /dev/vda ro", b"ext4 /dev/vda rw"))
    return root


def assert_printable(output: bytes) -> None:
    """Printable UTF-8, and no line that a mount has made."""
    text = output.decode("utf-8")
    bad = [c for c in text if c != "\n" and (ord(c) < 32 or 0x7f <= ord(c) <= 0x9f)]
    assert not bad, repr(text)
    assert not any(line.lstrip().startswith("forged") for line in text.splitlines())


def run(executable: Path, root: Path, *arguments: str, **more: str) -> bytes:
    done = subprocess.run([str(executable), *arguments], env=environment(root, more), check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode in (0, 1)
    return done.stdout


@pytest.mark.parametrize("arguments", [
    "status", "status --json", "status --openmetrics", "status --raw", "status --noheadings",
    "status --output=PATH,SOURCE,UNIT", "check", "check --json", "plan"])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_output_is_printable(rofs: Path, tree: Path, arguments: str, locale: str) -> None:
    output = run(rofs, tree, *arguments.split(), LC_ALL=locale)
    assert_printable(output)
    if "json" in arguments:
        json.loads(output)


def test_terminal_is_not_driven(rofs: Path, tree: Path) -> None:
    env = {**environment(tree), "NO_COLOR": "1", "SYSTEMD_PAGER": "", "LC_ALL": "C.UTF-8"}
    assert_printable(on_terminal([str(rofs), "status"], env).replace("\r\n", "\n").encode())


@pytest.mark.parametrize("arguments", [[], ["--watch"]])
def test_messages_and_motd_are_printable(verify: Path, tree: Path, arguments: List[str]) -> None:
    assert_printable(run(verify, tree, *arguments))
    motd = tree / "run/motd.d/rofs"
    assert_printable(motd.read_bytes() if motd.exists() else b"")


def test_text_that_is_foreign_is_shown(rofs: Path, tree: Path) -> None:
    """Printable it is, but not gone: the bytes by number, the rest as it is."""
    output = run(rofs, tree, "status", LC_ALL="C.UTF-8").decode()
    assert "\\x1b[31m\\x0aforged" in output
    assert SHOWN in output


def labels(metrics: bytes) -> List[str]:
    """The values of labels, as Prometheus unescapes them."""
    return [json.loads(f'"{line.split(chr(34), 1)[1].rsplit(chr(34), 1)[0]}"')
            for line in metrics.decode().splitlines() if "{device=" in line]


def test_metrics_escape_what_is_printable(rofs: Path, tree: Path) -> None:
    found = [value for value in labels(run(rofs, tree, "status", "--openmetrics"))
             if "forged" in value]
    assert all('\\x1b[31m\\x0aforged: line\\x09"' in value for value in found)


@pytest.mark.parametrize("arguments", ["check", "check --json", "plan", "status", "status --json"])
@pytest.mark.parametrize("conf", ["[Overlay /srv]\n", "[Partition data]\nDevice=/dev/vdb\n"
                                  "[Persist /srv]\nPartition=data\n"])
def test_links_on_a_path_say_nothing_by_themselves(
    rofs: Path, generator: Path, tmp_path: Path, arguments: str, conf: str
) -> None:
    """Their targets are part of the plan, and anybody's if the medium is."""
    target = b"a\n[Mount]\x1b[31m\nforged\xc2\x9b\xff"
    root = make_status_tree(Path(__file__).parent / "status/01-all-is-in-force", tmp_path / "root")
    (root / "etc/rofs.conf").write_text(conf)
    (root / "srv").rmdir()
    os.symlink(b"/opt/" + target, os.fsencode(root / "srv"))
    os.mkdir(os.fsencode(root / "opt") + b"/" + target)
    assert_printable(run(rofs, root, *arguments.split(), LC_ALL="C.UTF-8"))
    early = tmp_path / "early"
    assert_printable(run(generator, root, str(early)))
    for text in snapshot(early).values():
        assert_printable(text.encode(errors="surrogateescape"))


@pytest.mark.parametrize("arguments", ["status", "check", "check --json", "plan", "\u00db",
                                       "plan --root=/\u00db", "status --json"])
def test_terminal_of_another_character_set_gets_ascii(
    rofs: Path, tmp_path: Path, arguments: str
) -> None:
    """It reads the second byte of \u00db as CSI, which begins an escape sequence."""
    root = make_status_tree(Path(__file__).parent / "status/01-all-is-in-force", tmp_path / "root")
    (root / "srv/\u00db").mkdir()
    (root / "etc/rofs.conf").write_text("[Overlay /srv/\u00db]\n[Overlay /var]\n\u00db=1\n")
    argv = [str(rofs), *arguments.split()]
    env = {**environment(root), "NO_COLOR": "1", "SYSTEMD_PAGER": ""}
    shown = bytes_on_terminal(argv, {**env, "LC_ALL": "C"})
    assert shown.isascii()
    assert b"\\xc3\\x9b" in shown
    assert "\u00db" in bytes_on_terminal(argv, {**env, "LC_ALL": "C.UTF-8"}).decode()


def test_generator_by_hand_knows_the_terminal(generator: Path, tmp_path: Path) -> None:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/rofs.conf").write_text("[Overlay /var]\n\u00db=1\n")
    env = {**environment(tmp_path / "root"), "LC_ALL": "C"}
    argv = [str(generator), str(tmp_path / "out")]
    assert b"\\xc3\\x9b" in bytes_on_terminal(argv, env)
    done = subprocess.run(argv, env=env, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert "\u00db" in done.stderr.decode()


# What a person may be talked into pasting, in every place of a command line.
PASTED = "\033[31m\u009b\udc9b"
WRONG_CALLS = [
    *(f"{call} {option}" for call in (
        "rofs", "rofs status", "rofs check", "rofs plan", "rofs diff", "rofs log", "rofs undo",
        "rofs-device", "rofs-finish", "rofs-format", "rofs-generator", "rofs-prepare",
        "rofs-superblock", "rofs-verify")
      for option in ("--PASTED", "-PASTED", "--help=PASTED", "--h=PASTED")),
    "rofs PASTED", "rofs log PASTED", "rofs log --output=PASTED", "rofs undo PASTED",
    "rofs-device PASTED", "rofs-finish PASTED",
    "rofs diff --sort=PASTED", "rofs diff PASTED", "rofs diff --output=PASTED",
    "rofs status --output=PASTED", "rofs plan --output=PASTED/x", "rofs plan --root=PASTED",
    "rofs check --root=PASTED", "rofs-format PASTED", "rofs-generator PASTED/x",
    "rofs-superblock PASTED", "rofs-superblock --export PASTED", "rofs-prepare PASTED",
    "rofs-prepare overlay PASTED",
]


@pytest.mark.parametrize("call", WRONG_CALLS)
def test_messages_about_arguments_are_printable(tmp_path: Path, call: str) -> None:
    name, *words = call.split(" ")
    root = make_status_tree(Path(__file__).parent / "status/01-all-is-in-force", tmp_path / "root")
    done = subprocess.run([str(program(name)), *(word.replace("PASTED", PASTED) for word in words)],
                          env=environment(root), check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode in (1, 2, 3, 4)
    assert done.stdout == b""
    assert_printable(done.stderr)
    assert done.stderr.startswith((f"{name}: ".encode(), b"Usage: ", b"\\x1b"))


@pytest.mark.parametrize("call", ["rofs status", "rofs check", "rofs plan", "rofs diff",
                                  "rofs-device", "rofs-format data", "rofs-generator out",
                                  "rofs-verify", "rofs-prepare overlay /var"])
def test_messages_about_the_root_are_printable(tmp_path: Path, call: str) -> None:
    name, *words = call.split()
    done = subprocess.run([str(program(name)), *words], check=False, stdin=subprocess.DEVNULL,
                          cwd=tmp_path, env=environment(Path(f"/{PASTED}")),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode in (1, 3)
    assert_printable(done.stdout)


@pytest.mark.parametrize("name", ["rofs", "rofs-generator", "rofs-superblock", "rofs-verify"])
def test_a_program_of_any_name_is_printable(tmp_path: Path, name: str) -> None:
    done = subprocess.run([f"/{PASTED}/{PASTED}", "--wrong"], executable=str(program(name)),
                          check=False, stdin=subprocess.DEVNULL, cwd=tmp_path,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 2
    assert_printable(done.stdout)
    assert b"unknown or ambiguous" in done.stdout or b"is unknown" in done.stdout


@pytest.mark.parametrize("call", ["rofs status", "rofs status --json", "rofs status --openmetrics",
                                  "rofs status --raw", "rofs check", "rofs check --json",
                                  "rofs-verify", "rofs-generator out"])
@pytest.mark.parametrize("fstab", [b"LABEL=\033[31m\xff /home ext4 ro 0 0\n",
                                   b"/dev/sda\033[31m\xff /home ext4 ro 0 0\n"])
def test_fstab_of_any_bytes_is_printable(tmp_path: Path, call: str, fstab: bytes) -> None:
    """udev escapes them in labels, so that these are as good as others."""
    root = make_status_tree(Path(__file__).parent / "status/01-all-is-in-force", tmp_path / "root")
    (root / "etc/rofs.conf").write_text("[Overlay /home]\n")
    (root / "home").mkdir(exist_ok=True)
    (root / "etc/fstab").write_bytes(fstab)
    name, *words = call.replace("out", f"{tmp_path}/out").split()
    assert_printable(run(program(name), root, *words, LC_ALL="C.UTF-8"))


@pytest.mark.parametrize("name", [b"a\033[31m.conf", b"\xff.conf", b"a\xc2\x9b.conf"])
def test_drop_in_is_told_that_its_name_is_the_reason(
    generator: Path, tmp_path: Path, name: bytes
) -> None:
    drop_ins = tmp_path / "root/etc/rofs.conf.d"
    drop_ins.mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(drop_ins) + b"/" + name)).write_text("[Overlay /var]\n")
    said = run(generator, tmp_path / "root", str(tmp_path / "out"))
    assert_printable(said)
    assert said.splitlines()[0].endswith(
        b".conf: cannot be read: its name has a control character or a byte that is not UTF-8")


@pytest.mark.root
def test_kernel_log_gets_whole_characters(in_namespace: Namespace) -> None:
    """A message that is too long is not cut within one."""
    done = in_namespace(f"""
        mkdir -p root/etc; : > messages; mount --bind messages /dev/kmsg
        for n in x xx xxx; do
            printf '[Overlay /var]\\nOptions=%s%s' $n $(printf '\u20ac%.0s' $(seq 400)) \
                > root/etc/rofs.conf
            ROFS_LOG=kmsg ROFS_ROOT=root {program("rofs-generator")} units$n || true
            base64 -w0 messages; echo; : > messages
        done
    """)
    for line in done.stdout.splitlines():
        assert "\u20ac...\n" in base64.b64decode(line).decode("utf-8")
    assert len(done.stdout.splitlines()) == 3


@pytest.mark.root
def test_journal_entries_are_printable(
    in_namespace: Namespace, verify: Path, tree: Path
) -> None:
    """Also the fields besides the message; the journal is one here that only keeps what it gets."""
    journal = tree.parent / "journal.py"
    journal.write_text(f"""
import os, socket, subprocess
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/run/systemd/journal/socket")
with open("messages", "w") as f:
    st = os.fstat(f.fileno())
    env = dict(os.environ, JOURNAL_STREAM=f"{{st.st_dev}}:{{st.st_ino}}", ROFS_ROOT={str(tree)!r})
    subprocess.run([{str(verify)!r}], env=env, stderr=f)
s.settimeout(0)
while True:
    try:
        os.write(1, s.recv(65536))
    except BlockingIOError:
        break
""")
    done = in_namespace("""
        mount -t tmpfs t /run; mkdir -p /run/systemd/journal
        /usr/bin/python3 "$1" | base64 -w0; cat messages >&2
    """, journal)
    entries = base64.b64decode(done.stdout)
    assert entries.count(b"MESSAGE=") > 0, done.stderr
    assert_printable(entries)
