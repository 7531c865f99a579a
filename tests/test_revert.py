"""`rofs revert`: the version on flash is back, under running programs."""

from __future__ import annotations

import pytest
from overlay_commit import CHANGES, KEEPING, LOWER, Commit

pytestmark = pytest.mark.root


def test_everything_is_as_on_flash(commit: Commit) -> None:
    told = commit(LOWER, f"""
    tree /var | sed '/updated/d' > /run/before
    {CHANGES}
    tree /var | sed '/updated/d' | diff -q - /run/before > /dev/null && echo unchanged
    echo == revert; status_of rofs revert --yes /var
    echo == tree; tree /var | sed '/updated/d' | diff - /run/before && echo same
    echo == diff; rofs diff --raw --noheadings --output=change,path /var | grep -v ^= || true
    echo == again; status_of rofs revert --yes /var
    """)
    assert told["revert"][:2] == [
        "0", "reverted: 6 put back, 10 removed, attributes of 1 directory"]
    assert told["tree"] == ["same"]
    assert told["diff"] == []
    assert told["again"] == ["0", "nothing to put back"]


def test_only_what_is_asked_for(commit: Commit) -> None:
    told = commit("mkdir d; echo a > a; echo b > d/b; echo c > d/c", """
    echo A > a; echo B > d/b; rm d/c; echo new > d/new
    echo == dry; status_of rofs revert --dry-run d
    echo == one; status_of rofs revert --yes d/b; cat a d/b; ls d
    echo == gone; status_of rofs revert --yes d/c; cat d/c
    echo == new; status_of rofs revert --yes d/new; ls d
    """)
    assert told["dry"] == ["0", "+ /var/d/b", "+ /var/d/c", "- /var/d/new",
                           "to be reverted: 2 put back, 1 removed, attributes of 0 directories"]
    assert told["one"][2:] == [told["one"][2], "A", "b", "b", "new"]
    assert told["gone"][-1] == "c"
    assert told["new"][-2:] == ["b", "c"]


def test_a_reader_never_sees_half_a_file(commit: Commit) -> None:
    """Whoever has it open keeps the old content; the new one is there as a whole."""
    told = commit("printf '%s' 0123456789 > f", """
    printf '%s' abc > f; exec 5< f
    rofs revert --yes f > /run/out
    echo == open; cat <&5; echo
    echo == new; cat f; echo; ls -A | grep -v updated
    """)
    assert told["open"] == ["abc"]
    assert told["new"] == ["0123456789", "f"]


def test_immutable_files_and_directories(commit: Commit) -> None:
    told = commit("mkdir d; echo a > d/a", """
    echo b > d/a; chattr +i d/a; echo n > d/n; chattr +a d/n; chattr +i d
    echo == revert; status_of rofs revert --yes /var/d; cat d/a; ls d
    lsattr -d d d/a | cut -c5
    """)
    assert told["revert"][0] == "0"
    assert told["revert"][3:] == ["a", "a", "-", "-"]


def test_only_what_was_put_back_is_counted(commit: Commit) -> None:
    """Nobody can remove a directory on which something is mounted, or replace one."""
    told = commit("mkdir was; echo f > file; echo g > gone", """
    mkdir new; mount -t tmpfs new new; rm gone; echo x > added; echo F > file
    rmdir was; echo w > was; mount --bind added was
    echo == revert; status_of rofs revert --yes /var
    umount new; umount was
    echo == again; status_of rofs revert --yes /var
    """)
    assert told["revert"][:2] == [
        "1", "reverted: 2 put back, 1 removed, attributes of 0 directories"]
    assert [line for line in told["revert"] if line.startswith("rofs-command: ")] == [
        "rofs-command: cannot put back /var/was: Device or resource busy",
        "rofs-command: cannot remove /var/new: Device or resource busy"]
    assert told["again"][:2] == [
        "0", "reverted: 1 put back, 1 removed, attributes of 0 directories"]


@pytest.mark.parametrize(("argument", "status", "words"), [
    ("/usr", 3, "/usr is not below an overlay"),
    ("/var/none", 3, "/var/none: No such file or directory"),
    ("''", 2, "PATH is empty"),
    ("/var/empty/x", 3, "/var/empty/x is never kept: /var/empty starts empty at each boot"),
    ("/var/kept", 3, "/var/kept is on partition data"),
    ("/home/x", 3, "/home/x is already kept, on partition data"),
])
def test_what_is_refused(commit: Commit, argument: str, status: int, words: str) -> None:
    told = commit("mkdir empty kept; echo x > empty/x", f"""
    touch /var/new
    echo == revert; status_of rofs revert --yes {argument} /var/new; ls /var
    """, conf=KEEPING)
    assert told["revert"][0] == str(status)
    assert any(words in line for line in told["revert"])
    assert "new" in told["revert"]
