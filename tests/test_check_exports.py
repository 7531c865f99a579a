"""`rofs check` on trees with NFS exports."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import make_tree, parse_json, run_program

FSTAB = "LABEL=root / ext4 ro 0 1\n"
CONF = "[Overlay /srv]\n[Overlay /home]\n"
DATA = ("[Partition data]\nDevice=/dev/vdb\n"
        "[Persist /srv/data]\nPartition=data\nDirectory=/data\n")
MANY = "".join(f"/usr/{i} *(ro)\n" for i in range(1000))

# (text of exports, (line, path in the message, overlay) of each problem)
CASES: dict[str, tuple[str, list[tuple[int, str, str]]]] = {
    "overlay": ("/srv *(rw)\n", [(1, "/srv", "/srv")]),
    "below": ("# x\n\n/srv/a/ 192.168.0.0/16(rw,fsid=1)\n", [(3, "/srv/a/", "/srv")]),
    "without clients": ("/home", [(1, "/home", "/home")]),
    "quoted": ('"/srv/a b" *(rw)\n', [(1, "/srv/a b", "/srv")]),
    "escaped": ("\t/srv/a\\040b *(rw)\n", [(1, "/srv/a b", "/srv")]),
    "continued": ("/srv/a \\\n  a(rw) \\\n  /home/x\n/home/y b\n",
                  [(1, "/srv/a", "/srv"), (4, "/home/y", "/home")]),
    "comment": ("/srv/a#b\n#/srv/c\n", [(1, "/srv/a", "/srv")]),
    "several": ("/srv a(rw)\n/usr b\n/home c\n", [(1, "/srv", "/srv"), (3, "/home", "/home")]),
    "many": (MANY + "/srv *", [(1001, "/srv", "/srv")]),
    "persist": ("/srv/data *(rw)\n/srv/data/x *(rw)\n", []),
    "read-only root": ("/usr/share *(ro)\n", []),
    "mount of its own": ("/srv/disk *(rw)\n", []),
    "nothing": ("", []),
    "senseless": ("srv\n/srv/../home\n\\\n\"\n-ro\n", []),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("file", ["/etc/exports", "/etc/exports.d/a.exports"])
def test_exports(name: str, file: str, rofs: Path, tmp_path: Path) -> None:
    text, expected = CASES[name]
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": CONF + DATA, file[1:]: text,
        "etc/fstab": FSTAB + "/dev/sda5 /srv/disk ext4 rw 0 2\n"}, ["srv/data"])
    done = run_program(rofs, "check", "--json", root=root)
    problems = parse_json(done.stdout, "check.schema.json")["problems"]
    assert [(p["kind"], p["file"], p["line"], p["path"]) for p in problems] == [
        ("export-refused", file, line, overlay) for line, _, overlay in expected]
    for problem, (_, path, overlay) in zip(problems, expected):
        assert problem["message"].startswith(
            f"{path.rstrip('/')} is exported over NFS, but it is on [Overlay {overlay}], ")
        assert problem["message"].endswith(f"add [Persist {path.rstrip('/')}]")
        assert ("remove the overlay and" in problem["message"]) == (path == overlay)
    assert done.returncode == 0


def test_binds_are_followed(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": CONF + DATA,
        "etc/exports": "/export *(ro)\n/export/users *(rw)\n/export/b/x *(rw)\n/export/data *\n"
                       "/export/ro *\n/export/round *\n",
        "etc/fstab": FSTAB + "/home /export/users none bind 0 0\n"
        "/export/users/x /export/b none rbind 0 0\n/srv/data /export/data none bind 0 0\n"
        "/home /export/ro none bind,ro 0 0\n/export/round /export/round none bind 0 0\n"},
        ["srv/data", "home/x"] + [f"export/{x}" for x in ("users", "b", "data", "ro", "round")])
    done = run_program(rofs, "check", "--json", root=root)
    problems = parse_json(done.stdout, "check.schema.json")["problems"]
    assert [(p["line"], p["path"], p["message"].rsplit(" and ", 1)[1]) for p in problems] == [
        (2, "/home", "add [Persist /home]"), (3, "/home", "add [Persist /home]"),
        (5, "/home", "add [Persist /home]")]


def test_links_are_followed(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": CONF, "etc/fstab": FSTAB, "etc/exports": "/export *(rw)\n"}, ["srv/x"])
    (root / "export").symlink_to("srv/x")
    problem, = parse_json(run_program(rofs, "check", "--json", root=root).stdout,
                          "check.schema.json")["problems"]
    assert problem["message"].endswith("; add [Persist /srv/x]")


def test_other_files_are_not_read(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": CONF, "etc/fstab": FSTAB, "etc/exports.d/a.conf": "/srv *(rw)\n",
        "etc/exports.d/.a.exports": "/srv *(rw)\n"}, ["srv", "etc/exports"])
    assert parse_json(run_program(rofs, "check", "--json", root=root).stdout,
                      "check.schema.json")["problems"] == []


# (text of exports, whose clients cross into the overlay on /srv/sub)
CROSSING = {
    "client": ("/export *(rw,crossmnt,fsid=0)\n", True),
    "first option": ("/export a(crossmnt)\n", True),
    "one of several clients": ("/export a(ro) b(rw) @c(rw,crossmnt) d\n", True),
    "defaults": ("/export -ro,crossmnt a b(rw)\n", True),
    "continued": ("/export \\\n\ta(ro) \\\n\tb(ro,crossmnt)\n", True),
    "quoted": ('"/export" "*(ro,crossmnt)"\n', True),
    "escaped": ("\\057export *(ro,cross\\155nt)\n", True),
    "blank before the options": ("/export * (ro,crossmnt)\n", True),
    "not": ("/export *(rw,no_subtree_check)\n", False),
    "another option": ("/export *(rw,crossmnts,nocrossmnt,xcrossmnt)\n", False),
    "host of that name": ("/export crossmnt\n", False),
    "comment": ("/export a(ro) # b(crossmnt)\n", False),
    "other export": ("/export/other *(rw,crossmnt)\n/export *(ro)\n", False),
}


@pytest.mark.parametrize("name", CROSSING)
def test_clients_do_not_cross_into_an_overlay(name: str, rofs: Path, tmp_path: Path) -> None:
    text, crosses = CROSSING[name]
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": "[Overlay /export/sub]\n" + DATA, "etc/fstab": FSTAB,
        "etc/exports": text}, ["srv/data", "export/sub", "export/other"])
    problems = parse_json(run_program(rofs, "check", "--json", root=root).stdout,
                          "check.schema.json")["problems"]
    assert [(p["kind"], p["file"], p["line"], p["path"]) for p in problems] == (
        [("export-refused", "/etc/exports", 1, "/export/sub")] if crosses else [])
    if crosses:
        message = problems[0]["message"]
        assert message.startswith("/export is exported over NFS with crossmnt, but ")
        assert message.endswith("remove the overlay and add [Persist /export/sub]")


def test_an_export_on_an_overlay_is_told_once(rofs: Path, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": "[Overlay /srv]\n[Overlay /srv/a/b]\n", "etc/fstab": FSTAB,
        "etc/exports": "/srv/a *(rw,crossmnt)\n"}, ["srv/a/b"])
    problems = parse_json(run_program(rofs, "check", "--json", root=root).stdout,
                          "check.schema.json")["problems"]
    assert [(p["path"], p["message"].split(" ")[0]) for p in problems] == [
        ("/srv", "/srv/a"), ("/srv/a/b", "/srv/a")]


def test_files_are_read_in_the_order_of_their_names(rofs: Path, tmp_path: Path) -> None:
    names = [f"{i:02}.exports" for i in range(40)]
    root = make_tree(tmp_path / "root", {
        "etc/rofs.conf": CONF, "etc/fstab": FSTAB,
        **{f"etc/exports.d/{name}": "/srv *(rw)\n" for name in reversed(names)}}, ["srv"])
    done = run_program(rofs, "check", root=root)
    told = [line.split(":")[0] for line in done.stdout.splitlines() if ".exports:" in line]
    assert told == [f"/etc/exports.d/{name}" for name in names]
