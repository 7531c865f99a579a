"""The command `rofs`: what all its verbs have in common, and `rofs plan`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable

import pytest
from support import (
    environment,
    make_golden_tree,
    make_tree,
    on_terminal,
    program,
    run_program,
    snapshot,
)

GOLDEN = sorted((Path(__file__).parent / "golden").iterdir())
CONF = "[Overlay /var]\n[Overlay /home]\n"


def test_help_goes_to_standard_output(rofs: Path) -> None:
    done = run_program(rofs, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: rofs COMMAND")
    assert done.stderr == ""


def test_version(rofs: Path) -> None:
    done = run_program(rofs, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("rofs ")


def test_no_command_is_a_wrong_call(rofs: Path) -> None:
    done = run_program(rofs)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: ")


def test_unknown_command_has_a_suggestion(rofs: Path) -> None:
    done = run_program(rofs, "plna")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "rofs: unknown command plna; did you mean plan?\n"


@pytest.mark.parametrize("arguments", [["--wrong"], ["plan", "--wrong"], ["plan", "word"],
                                       ["plan", "--root"]], ids=" ".join)
def test_wrong_arguments_are_a_wrong_call(rofs: Path, arguments: list[str]) -> None:
    done = run_program(rofs, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr != ""


@pytest.mark.parametrize("case", GOLDEN, ids=lambda path: path.name)
def test_plan_is_what_the_generator_writes(case: Path, rofs: Path, tmp_path: Path) -> None:
    make_golden_tree(case, tmp_path / "root")
    done = run_program(rofs, "plan", f"--root={tmp_path}/root", f"--output={tmp_path}/out")
    said = (case / "stderr").read_bytes().decode(errors="surrogateescape")
    if "rofs is off" in said:
        # The boot that is planned is an ordinary one, or nothing is declared.
        assert "an ordinary boot" in done.stderr or "declares nothing" in done.stderr
        return
    assert snapshot(tmp_path / "out") == snapshot(case / "expected")
    assert done.returncode == int((case / "status").read_text())
    assert done.stderr == "".join(said.splitlines(keepends=True)[:-1])
    assert done.stdout == ""


def test_plan_shows_each_file_under_its_name(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": CONF})
    shown = run_program(rofs, "plan", root=root)
    run_program(rofs, "plan", f"--output={tmp_path}/out", root=root)
    assert shown.returncode == 0
    blocks = shown.stdout.split("\n\n# ")
    for name, text in snapshot(tmp_path / "out").items():
        if text.startswith("-> "):
            assert f"# {name} {text}\n" in shown.stdout
        else:
            assert f"# {name}\n{text}" in shown.stdout
    assert len(blocks) >= len(snapshot(tmp_path / "out"))


def full_of_links(out: Path, target: Path) -> None:
    out.mkdir()
    (out / "local-fs.target.wants").symlink_to(target)


def link_to_directory(out: Path, target: Path) -> None:
    out.symlink_to(target)


def shared(out: Path, target: Path) -> None:
    out.mkdir()
    out.chmod(0o777)


def of_somebody_else(out: Path, target: Path) -> None:
    out.mkdir()
    os.chown(out, 1000, 1000)


def with_a_file(out: Path, target: Path) -> None:
    out.mkdir()
    (out / "rofs.mount").write_text("mine\n")


def with_a_hidden_file(out: Path, target: Path) -> None:
    out.mkdir()
    (out / ".mine").write_text("mine\n")


@pytest.mark.parametrize(("prepare", "why"), [
    (full_of_links, "is not empty"), (with_a_file, "is not empty"),
    (with_a_hidden_file, "is not empty"), (link_to_directory, "is not a directory"),
    (shared, "is writable by other users"),
    pytest.param(of_somebody_else, "is owned by another user", marks=pytest.mark.root),
])
@pytest.mark.parametrize("end", ["", "/", "/.", "//./"])
@pytest.mark.parametrize("call", ["rofs plan --output=", "rofs-generator "])
def test_units_go_only_into_a_directory_of_the_callers(
    tmp_path: Path, end: str, call: str, why: str, prepare: Callable[[Path, Path], None]
) -> None:
    """Whoever else may write there would have the units written elsewhere."""
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": CONF})
    out, target = tmp_path / "out", tmp_path / "target"
    target.mkdir()
    prepare(out, target)
    before = snapshot(out)
    assert_refused(call, f"{out}{end}", root, why)
    assert snapshot(out) == before
    assert snapshot(target) == {}


def assert_refused(call: str, out: str, root: Path, why: str) -> None:
    name, *words = f"{call}{out}".split()
    done = run_program(program(name), *words, root=root)
    assert (done.returncode, done.stdout) == (1, "")
    prefix = "rofs: " if name == "rofs" else ""
    assert done.stderr == (f"{prefix}{out} {why}; expected a new or empty directory of your own\n")


@pytest.mark.root
@pytest.mark.parametrize(("link", "folder", "mode"), [
    (1000, 0, 0o755), (0, 1000, 0o755), (0, 0, 0o777), (0, 0, 0o1777), (0, 0, 0o775)])
@pytest.mark.parametrize("out", ["link/sub", "link/../target", "link/./sub", "twice/link/sub"])
@pytest.mark.parametrize("call", ["rofs plan --output=", "rofs-generator "])
def test_nobody_elses_link_leads_the_units_elsewhere(
    tmp_path: Path, call: str, out: str, link: int, folder: int, mode: int
) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": CONF})
    place, target = tmp_path / "place", tmp_path / "target"
    place.mkdir()
    target.mkdir()
    (place / "link").symlink_to(target)
    os.lchown(place / "link", link, link)
    os.chown(place, folder, folder)
    place.chmod(mode)
    (tmp_path / "twice").symlink_to("place")  # of root, in a directory of root
    out = out if out.startswith("twice") else f"place/{out}"
    assert_refused(call, f"{tmp_path}/{out}", root,
                   "is behind a symbolic link that other users can create or change")
    assert snapshot(target) == {}


@pytest.mark.parametrize("call", ["rofs plan --output=", "rofs-generator "])
def test_own_links_above_the_directory_are_followed(tmp_path: Path, call: str) -> None:
    """As on a system with /home -> /data/home, or in /var/run."""
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": CONF})
    make_tree(tmp_path / "real", {}, ["a/b"])
    (tmp_path / "link").symlink_to("real/a")
    (tmp_path / "real/a/absolute").symlink_to(tmp_path / "link/b")
    name, *words = f"{call}{tmp_path}/link/absolute/../b/out/".split()
    done = run_program(program(name), *words, root=root)
    assert done.returncode == 0, done.stderr
    assert "rofs.mount" in snapshot(tmp_path / "real/a/b/out")


@pytest.mark.parametrize("call", ["rofs plan --output=", "rofs-generator "])
def test_links_in_a_circle_end(tmp_path: Path, call: str) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": CONF})
    (tmp_path / "link").symlink_to("link")
    name, *words = f"{call}{tmp_path}/link/out".split()
    done = run_program(program(name), *words, root=root)
    assert done.returncode == 1
    assert "Too many levels of symbolic links" in done.stderr


@pytest.mark.parametrize("existing", [False, True])
def test_plan_writes_into_a_new_or_empty_directory(
    rofs: Path, tmp_path: Path, existing: bool
) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": CONF})
    out = tmp_path / "out"
    if existing:
        out.mkdir(mode=0o755)
    done = run_program(rofs, "plan", f"--output={out}", root=root)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "rofs.mount" in snapshot(out)


def test_plan_of_a_recovery_boot_is_that_of_the_next_ordinary_one(
    rofs: Path, tmp_path: Path
) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": CONF, "proc/cmdline": "ro single\n"})
    done = run_program(rofs, "plan", root=root)
    assert done.returncode == 0
    assert done.stderr == ("rofs is off in this boot (single on the kernel command line requests "
                           "a recovery boot); these are the units of an ordinary boot\n")
    assert "# rofs-overlay-var.mount\n" in done.stdout


def test_plan_without_root_directory_says_so(rofs: Path, tmp_path: Path) -> None:
    done = run_program(rofs, "plan", f"--root={tmp_path}/nowhere")
    assert done.returncode == 1
    assert done.stderr == f"rofs: {tmp_path}/nowhere: No such file or directory\n"


def test_colour_is_for_terminals_only(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": CONF})
    base = {**environment(root), "TERM": "xterm", "SYSTEMD_PAGER": ""}
    base.pop("NO_COLOR", None)
    argv = [str(rofs), "plan"]
    assert "\033[" in on_terminal(argv, base)
    assert "\033[" not in on_terminal(argv, {**base, "NO_COLOR": "1"})
    assert "\033[" not in on_terminal(argv, {**base, "TERM": "dumb"})
    assert "\033[" not in run_program(rofs, "plan", root=root, TERM="xterm").stdout


def test_sentences_are_broken_between_words_on_terminals_only(rofs: Path, tmp_path: Path) -> None:
    """80 columns where nothing else is known; the pager would cut off what is longer."""
    word = "/srv/" + "long" * 30
    conf = CONF + f"[Overlay /srv/\u00e4]\n[Overlay {word}]\n[Overlay /media]\nSzie=1\n"
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": conf})
    plain = run_program(rofs, "check", root=root).stdout.splitlines()
    assert max(len(line) for line in plain) > 80
    seen = on_terminal([str(rofs), "check"], {**environment(root), "TERM": "xterm",
                                              "SYSTEMD_PAGER": "", "NO_COLOR": "1"})
    broken = seen.replace("\r", "").splitlines()
    assert [line for line in broken if len(line) > 80 and word not in line] == []
    assert "\n".join(broken).replace("\n    ", " ").splitlines() == plain


@pytest.mark.parametrize("pager", ["/nowhere/less -R", "nowhere", "/", "X=1 nowhere"])
@pytest.mark.parametrize("variable", ["PAGER", "SYSTEMD_PAGER"])
def test_without_the_pager_all_is_shown(
    rofs: Path, tmp_path: Path, variable: str, pager: str
) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": CONF})
    env = {**environment(root), "NO_COLOR": "1", variable: pager}
    shown = on_terminal([str(rofs), "plan"], env).replace("\r\n", "\n")
    assert run_program(rofs, "plan", root=root).stdout in shown


def test_pager_does_not_drive_the_terminal(rofs: Path, tmp_path: Path) -> None:
    """The shell would say that it is not found, and show its name."""
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": CONF})
    env = {**environment(root), "NO_COLOR": "1", "PAGER": "\033[31mless"}
    shown = on_terminal([str(rofs), "plan"], env)
    assert "# rofs.mount" in shown
    assert "\033" not in shown


def test_pager_is_for_terminals_only(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {"etc/rofs.conf": CONF})
    pager = {"SYSTEMD_PAGER": "sed 's/^/paged: /'", "NO_COLOR": "1"}
    seen = on_terminal([str(rofs), "plan"], {**environment(root), "TERM": "xterm", **pager})
    assert seen.startswith("paged: # rofs.fstab")
    assert "paged" not in run_program(rofs, "plan", root=root, **pager).stdout


@pytest.mark.parametrize("verb", ["check", "plan"])
@pytest.mark.parametrize("csi", [b"\xc2\x9b2J", b"\x9b2J", b"\033[2J"],
                         ids=["CSI in UTF-8", "CSI as a byte", "CSI of ESC and ["])
def test_an_image_cannot_drive_the_terminal(csi: bytes, verb: str, rofs: Path,
                                            tmp_path: Path) -> None:
    """Whoever made it chose the names and the content of all that is read."""
    name = csi.decode(errors="surrogateescape")
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": CONF, f"etc/rofs.conf.d/{name}.conf": CONF, "etc/rofs.conf.d/2.conf": "",
        "etc/fstab": "", "proc/cmdline": ""})
    (root / "etc/rofs.conf.d/2.conf").write_bytes(
        b"[Overlay /@]\n[@]\n[Root]\n@=x\nTmp=@\n".replace(b"@", csi))
    (root / "etc/fstab").write_bytes(b"/dev/@ /var/@ @ @ 0 0\n".replace(b"@", csi))
    (root / "proc/cmdline").write_bytes(b"root=@ rofs=@\n".replace(b"@", csi))
    shown = on_terminal([str(rofs), verb], {**environment(root), "TERM": "xterm",
                                            "SYSTEMD_PAGER": "", "NO_COLOR": "1"})
    assert "/etc/rofs.conf.d/\\x" in shown
    assert [c for c in shown if ord(c) < 32 and c not in "\r\n" or 127 <= ord(c) < 160] == []
