"""Transactions as a user at a terminal sees them: keys, job control, progress, hang-ups."""

from __future__ import annotations

import ast
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import terminal
from chroot_system import Chroot
from mounted_system import sections
from overlay_commit import Commit

pytestmark = pytest.mark.root

# Runs inside the system.
BEGIN = r"""
import os, signal, subprocess, sys, time
sys.path.insert(0, "/run")
from terminal import Terminal

ROFS = "/rofs-command"


def wait_for(condition):
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


def wait_stopped(t):
    assert os.WIFSTOPPED(os.waitpid(t.pid, os.WUNTRACED)[1])


def go_on(t):
    os.kill(t.pid, signal.SIGCONT)


def ro():
    done = subprocess.run(["findmnt", "-no", "FS-OPTIONS", "/rofs/ro"], stdout=-1, text=True)
    return done.stdout.startswith("ro")


def left():
    return sorted(os.listdir("/rofs/ro/rofs"))


"""
DRIVER = """
mount -t devpts -o ptmxmode=0666 devpts /dev/pts
cat >/run/terminal.py <<'END'
{terminal}
END
cat >/run/driver.py <<'END'
{code}
END
env --default-signal=INT,QUIT,HUP LC_ALL=C.UTF-8 TERM=xterm python3 /run/driver.py
"""
STAGING, COMMIT = "/rofs/ro/rofs/staging/slots/2", "/rofs/ro/rofs/commit"
MAKE = "for i in 1 2 3; do echo $i > $i; done\n"
LEFT = """
print("== after", ro(), *left(), sep="\\n")
"""
DONE = "written to flash: 3 files (6 B)"


def driver(code: str) -> str:
    return DRIVER.format(terminal=Path(terminal.__file__).read_text(), code=BEGIN + code)


@pytest.fixture
def commit_until(commit: Commit, with_fault: str) -> Callable[..., dict[str, list[str]]]:
    """Runs a commit that stops as soon as there is a path, while it copies or switches."""
    def run(path: str, then: str, columns: int = 80,
            term: str = "xterm") -> dict[str, list[str]]:
        return commit("", MAKE + driver(f"""
commit = [ROFS, "commit", "/var/1", "/var/2", "/var/3"]
fault = {{"LD_PRELOAD": "/fault.so", "FAULT_SINCE": {path!r},
         "FAULT_SIGNAL": "{int(signal.SIGSTOP)}"}}
columns, term = {columns}, {{"TERM": {term!r}}}
{then}
""" + LEFT), also=with_fault)
    return run


STOPPED = """
t = Terminal(commit, {**os.environ, **term, **fault}, columns)
wait_stopped(t)
"""
ENDED = """
go_on(t)
print("== commit", t.wait(), repr(t.seen), sep="\\n")
"""
SLOWLY = STOPPED + "time.sleep(1.2)\n" + ENDED


def bars(seen: str) -> list[str]:
    return re.findall("\r(copying[^\r]*)\033\\[K", seen)


@pytest.mark.parametrize("columns, term", [(80, "xterm"), (50, "xterm"), (20, "xterm"),
                                           (12, "xterm"), (80, "dumb")])
def test_progress_is_one_line_that_goes(
    commit_until: Callable[..., dict[str, list[str]]], columns: int, term: str
) -> None:
    told = commit_until(STAGING, SLOWLY, columns, term)
    assert told["commit"][0] == "0"
    seen = ast.literal_eval(told["commit"][1])
    found = bars(seen)
    assert bool(found) == (columns > 12 and term != "dumb")
    assert all(len(line) < columns for line in found)
    if columns >= 50:
        assert all(re.fullmatch(r"copying \[#+\.*\] \d B of 6 B", line) for line in found)
    assert seen.endswith("\033[K\r\033[K" + DONE + "\r\n" if found else DONE + "\r\n")


def test_progress_follows_the_width(commit_until: Callable[..., dict[str, list[str]]]) -> None:
    told = commit_until(STAGING, STOPPED + "time.sleep(1.2)\nt.resize(20)\n" + ENDED)
    found = bars(ast.literal_eval(told["commit"][1]))
    assert found and all(len(line) < 20 for line in found)


def pressed(letter: str) -> str:
    """With Ctrl. The kernel echoes a key after it has sent the signal.

    Where it takes a second, there is progress to be seen, but not on a dumb terminal.
    """
    return (f'{STOPPED}\nt.send("\\x{ord(letter) & 31:02x}")\n'
            f't.expect(r"\\^{letter}")\n{ENDED}')


def test_interrupt_while_it_copies(commit_until: Callable[..., dict[str, list[str]]]) -> None:
    told = commit_until(STAGING, pressed("C"), term="dumb")
    assert told["commit"] == [
        "130", repr("^Crofs-command: interrupted; nothing was written\r\n")]
    assert told["after"] == ["True"]


def test_interrupt_while_it_switches(commit_until: Callable[..., dict[str, list[str]]]) -> None:
    told = commit_until(COMMIT, pressed("C"), term="dumb")
    assert told["commit"] == ["0", repr(f"^C{DONE}\r\n")]
    assert told["after"] == ["True", "kept.1", "log"]


@pytest.mark.parametrize("since, kept", [(STAGING, []), (COMMIT, ["kept.1", "log"])])
def test_the_terminal_hangs_up(
    commit_until: Callable[..., dict[str, list[str]]], since: str, kept: list[str]
) -> None:
    told = commit_until(since, STOPPED + "t.hang_up()\ngo_on(t)\nt.ended()\n")
    assert told["after"] == ["True", *kept]


def test_it_cannot_be_stopped(commit_until: Callable[..., dict[str, list[str]]]) -> None:
    """The root would stay writable until it goes on."""
    told = commit_until(STAGING, pressed("Z"), term="dumb")
    assert told["commit"] == ["0", repr(f"^Z{DONE}\r\n")]
    assert told["after"] == ["True", "kept.1", "log"]


@pytest.mark.parametrize("command", ["commit --all", "undo", "revert /var/x"])
def test_interrupt_at_a_question(commit: Commit, command: str) -> None:
    told = commit("", "echo x > x; rofs commit /var/x; echo y > x\n" + driver(f"""
t = Terminal([ROFS, *{command.split()!r}])
t.expect("y/N. ")
t.send("\\x03")
print("== command", t.wait(), sep="\\n")
print("== now", open("/var/x").read() + open("/rofs/ro/var/x").read(), sep="\\n")
""" + LEFT))
    assert told["command"] == ["130"]
    assert told["now"] == ["y", "x"]
    assert told["after"] == ["True", "kept.1", "log"]


CHROOT = """
def run(*argv):
    return Terminal([ROFS, "chroot", *argv], {**os.environ, "SHELL": "/bin/sh"})
"""
DISCARDED = "all changes were discarded"
# What the command is, what happens on its terminal then, the exit status, and what is said.
ENDS = {
    "interrupt at the question": (
        "touch /etc/x", 't.expect("y/N. "); t.send("\\x03")', 130,
        f"not confirmed\\r\\n.*{DISCARDED}"),
    # A shell that is about to start a process would drop it.
    "interrupt": (
        "touch /etc/x; echo begun; exec sleep 1000", 't.expect("begun"); t.send("\\x03")', 130,
        f"signal 2 ended the command; {DISCARDED}"),
    "killed in raw mode": (
        "touch /etc/x; stty raw -echo; kill -9 $$", "", 137,
        f"signal 9 ended the command; {DISCARDED}"),
    "window size": (
        "touch /etc/x; trap 'stty size; exit 5' WINCH; echo begun; while :; do sleep 0.1; done",
        't.expect("begun"); t.resize(33)', 5, f"24 33\\r\\n.*exit status 5; {DISCARDED}"),
    # It goes on at once: the root would stay writable meanwhile.
    "stop": (
        "sleep 2 & echo begun; wait; echo slept", 't.expect("begun"); t.send("\\x1a")', 0,
        "slept\\r\\n.*nothing was changed"),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_command_in_the_chroot(chroot: Chroot, name: str) -> None:
    command, keys, status, said = ENDS[name]
    told = sections(chroot(driver(CHROOT + f"""
t = run("sh", "-c", {command!r})
# Flags of input, output and the line.
before = t.mode()[:4]
{keys}
print("== chroot", t.wait(), repr(t.seen), t.mode()[:4] == before, sep="\\n")
print("== kept", os.path.exists("/rofs/ro/etc/x"), sep="\\n")
""" + LEFT)))
    assert told["chroot"][0] == str(status)
    assert re.search(said, ast.literal_eval(told["chroot"][1]), re.S)
    assert told["chroot"][2] == "True"
    assert told["kept"] == ["False"]
    assert told["after"] == ["True"]


FOREGROUND = """
def is_in_foreground():
    # The sleep: it waits, and its process group is the one of the terminal.
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name, rest = open(f"/proc/{pid}/stat").read().rsplit(")", 1)
        except OSError:
            continue
        state, _, group, _, _, foreground = rest.split()[:6]
        if name.endswith("(sleep") and state == "S":
            return group == foreground
    return False


"""


def test_job_control_of_a_shell_in_the_chroot(chroot: Chroot) -> None:
    told = sections(chroot(driver(CHROOT + FOREGROUND + """
t = run()
t.expect("# ")
t.send("sleep 1000\\n")
wait_for(is_in_foreground)
t.send("\\x1a")
t.expect("Stopped")
t.send("fg\\n")
wait_for(is_in_foreground)
t.send("\\x03")
t.expect("# ")
t.send("echo status $?; exit 3\\n")
print("== shell", t.expect(r"status \\d+"), sep="\\n")
t.expect("Keep the changes all the same.*y/N. ")
t.send("\\x03")
print("== chroot", t.wait(), sep="\\n")
""" + LEFT)))
    assert told["shell"] == ["status 130"]
    assert told["chroot"] == ["3"]
    assert told["after"] == ["True"]


@pytest.mark.parametrize("trap", ["", "trap '' HUP; "])
def test_the_terminal_of_a_chroot_hangs_up(chroot: Chroot, trap: str) -> None:
    """Nobody has said that the changes are to be written."""
    told = sections(chroot(driver(f"""
t = Terminal(["/bin/sh", "-c", {trap!r} + ROFS + " chroot sh -c 'touch /etc/x; echo begun; sleep 1'"
              "; echo $? > /run/status"])
t.expect("begun")
t.hang_up()
t.ended()
wait_for(ro)
print("== kept", os.path.exists("/rofs/ro/etc/x"), sep="\\n")
""" + LEFT)))
    assert told["kept"] == ["False"]
    assert told["after"] == ["True"]
