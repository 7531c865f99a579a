"""`rofs check` on trees with services that have DynamicUser=yes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import make_tree, parse_json, run_program

FSTAB = "LABEL=root / ext4 ro 0 1\n"
VENDOR = "usr/lib/systemd/system/"
ADMIN = "etc/systemd/system/"
WANTS = ADMIN + "multi-user.target.wants/"
DYNAMIC = "[Service]\nDynamicUser=yes\n"


def check(rofs: Path, root: Path, files: dict[str, str], persist: str,
          section: str = "Persist") -> list[dict[str, Any]]:
    conf = "[Overlay /var]\n[Partition data]\nDevice=/dev/vdb\n[Persist /srv]\nPartition=data\n"
    conf += f"Directory=/srv\n[{section} {persist}]\nPartition=data\nDirectory=/x\n"
    make_tree(root, {"etc/rofs.conf": conf, "etc/fstab": FSTAB, **files},
              ["srv", persist[1:]])
    done = run_program(rofs, "check", "--json", root=root)
    problems: list[dict[str, Any]] = parse_json(done.stdout, "check.schema.json")["problems"]
    return [p for p in problems if p["kind"] == "directory-private"]


# (files, path of the persist, key, path that it should have)
WRONG = {
    "state": ({VENDOR + "a.service": DYNAMIC + "StateDirectory=app\n"},
              "/var/lib/app", "StateDirectory", "/var/lib/private/app"),
    "cache": ({VENDOR + "a.service": DYNAMIC + "CacheDirectory=app\n"},
              "/var/cache/app", "CacheDirectory", "/var/cache/private/app"),
    "logs": ({VENDOR + "a.service": DYNAMIC + "LogsDirectory=app\n"},
             "/var/log/app", "LogsDirectory", "/var/log/private/app"),
    "below": ({VENDOR + "a.service": DYNAMIC + "StateDirectory=app\n"},
              "/var/lib/app/data", "StateDirectory", "/var/lib/private/app/data"),
    "of several": ({VENDOR + "a.service": DYNAMIC + 'StateDirectory=x "app" y\n'},
                   "/var/lib/app", "StateDirectory", "/var/lib/private/app"),
    "above": ({VENDOR + "a.service": DYNAMIC + "StateDirectory=app/one\n"},
              "/var/lib/app", "StateDirectory", "/var/lib/private/app"),
    "two levels": ({VENDOR + "a.service": DYNAMIC + "StateDirectory=app/one\n"},
                   "/var/lib/app/one", "StateDirectory", "/var/lib/private/app/one"),
    "link": ({VENDOR + "a.service": DYNAMIC + "StateDirectory=app:other\n"},
             "/var/lib/app", "StateDirectory", "/var/lib/private/app"),
    "specifier": ({VENDOR + "app.service": DYNAMIC + "StateDirectory=%N\n"},
                  "/var/lib/app", "StateDirectory", "/var/lib/private/app"),
    "prefix": ({VENDOR + "app@.service": DYNAMIC + "StateDirectory=%p\n"},
               "/var/lib/app", "StateDirectory", "/var/lib/private/app"),
    "instance": ({VENDOR + "g@.service": DYNAMIC + "StateDirectory=g/%i\n",
                  WANTS + "g@one.service": ""},
                 "/var/lib/g/one", "StateDirectory", "/var/lib/private/g/one"),
    "instance of a file": ({VENDOR + "g@one.service": DYNAMIC + "StateDirectory=%p-%i\n"},
                           "/var/lib/g-one", "StateDirectory", "/var/lib/private/g-one"),
    "unescaped instance": ({VENDOR + "g@.service": DYNAMIC + "CacheDirectory=%I\n",
                            WANTS + "g@a-b\\x2dc.service": ""},
                           "/var/cache/a/b-c", "CacheDirectory", "/var/cache/private/a/b-c"),
    "drop-in of an instance": ({VENDOR + "g@.service": "[Service]\nStateDirectory=%N\n",
                                ADMIN + "g@one.service.d/x.conf": DYNAMIC,
                                VENDOR + "m.target.requires/g@one.service": ""},
                               "/var/lib/g@one", "StateDirectory", "/var/lib/private/g@one"),
    "started by a timer": ({VENDOR + "g@.service": DYNAMIC + "StateDirectory=g/%i\n",
                            VENDOR + "g@.timer": "[Timer]\nOnBootSec=1\n",
                            WANTS + "g@one.timer": ""},
                           "/var/lib/g/one", "StateDirectory", "/var/lib/private/g/one"),
    "last part of the prefix": ({VENDOR + "a-b.service": DYNAMIC + "StateDirectory=%j\n"},
                                "/var/lib/b", "StateDirectory", "/var/lib/private/b"),
    "no instance": ({VENDOR + "a.service": DYNAMIC + "StateDirectory=app%i\n"},
                    "/var/lib/app", "StateDirectory", "/var/lib/private/app"),
    "quoted blank": ({VENDOR + "a.service": DYNAMIC + "StateDirectory='x y' \"app\"\n"},
                     "/var/lib/x y", "StateDirectory", "/var/lib/private/x y"),
    "own unit": ({ADMIN + "a.service": "[Service]\nStateDirectory=app\nDynamicUser=1\n"},
                 "/var/lib/app", "StateDirectory", "/var/lib/private/app"),
    "drop-in": ({VENDOR + "a.service": "[Service]\nStateDirectory=app\n",
                 ADMIN + "a.service.d/x.conf": DYNAMIC},
                "/var/lib/app", "StateDirectory", "/var/lib/private/app"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_path_must_be_private(name: str, rofs: Path, tmp_path: Path) -> None:
    files, path, key, right = WRONG[name]
    problem, = check(rofs, tmp_path, files, path)
    assert (problem["path"], problem["file"], problem["line"]) == (path, "/etc/rofs.conf", 7)
    assert f"has DynamicUser=yes, so its {key}= is " in problem["message"]
    assert problem["message"].endswith(f"expected [Persist {right}]")
    assert check(rofs, tmp_path, files, right) == []


RIGHT = {
    "ordinary": ({VENDOR + "a.service": "[Service]\nStateDirectory=app\n"}, "/var/lib/app"),
    "no": ({VENDOR + "a.service": DYNAMIC + "DynamicUser=no\nStateDirectory=app\n"},
           "/var/lib/app"),
    "drop-in": ({VENDOR + "a.service": DYNAMIC + "StateDirectory=app\n",
                 ADMIN + "a.service.d/x.conf": "[Service]\nDynamicUser=no\n"}, "/var/lib/app"),
    "reset": ({VENDOR + "a.service": DYNAMIC + "StateDirectory=app\nStateDirectory=\n"},
              "/var/lib/app"),
    "another": ({VENDOR + "a.service": DYNAMIC + "StateDirectory=app\n"}, "/var/lib/app2"),
    "another kind": ({VENDOR + "a.service": DYNAMIC + "CacheDirectory=app\n"}, "/var/lib/app"),
    "all of them": ({VENDOR + "a.service": DYNAMIC + "StateDirectory=app\n"}, "/var/lib/private"),
    "above": ({VENDOR + "a.service": DYNAMIC + "StateDirectory=app\n"}, "/var/lib"),
    "unknown specifier": ({VENDOR + "a@.service": DYNAMIC + "StateDirectory=%i\n"},
                          "/var/lib/app"),
    "instance": ({VENDOR + "g@.service": DYNAMIC + "StateDirectory=g/%i\n",
                  WANTS + "g@one.service": ""}, "/var/lib/g/two"),
    "quoted blank": ({VENDOR + "a.service": DYNAMIC + "StateDirectory='x y'\n"}, "/var/lib/y"),
    "senseless": ({VENDOR + "a.service": DYNAMIC + "StateDirectory=/ . ../lib/app % :\n"},
                  "/var/lib/app"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_others_may_be_anywhere(name: str, rofs: Path, tmp_path: Path) -> None:
    files, path = RIGHT[name]
    assert check(rofs, tmp_path, files, path) == []


# (the service, path of the persist, path that it should have)
LINKS = {
    "link": ("[Service]\nStateDirectory=app:other\n", "/var/lib/other", "/var/lib/app"),
    "below": ("[Service]\nStateDirectory=x app:other/\n", "/var/lib/other/data",
              "/var/lib/app/data"),
    "two": ("[Service]\nLogsDirectory=app:a app:b\n", "/var/log/b", "/var/log/app"),
    "flags": ("[Service]\nCacheDirectory=app:other:ro\n", "/var/cache/other", "/var/cache/app"),
    "nested": ("[Service]\nStateDirectory=app/one:sub/%N\n", "/var/lib/sub/a",
               "/var/lib/app/one"),
    "private": (DYNAMIC + "StateDirectory=app:other\n", "/var/lib/other",
                "/var/lib/private/app"),
}


@pytest.mark.parametrize("name", LINKS)
def test_a_link_of_systemd_cannot_be_a_mount_point(name: str, rofs: Path, tmp_path: Path) -> None:
    text, path, right = LINKS[name]
    files = {VENDOR + "a.service": text}
    problem, = check(rofs, tmp_path, files, path)
    assert (problem["path"], problem["file"], problem["line"]) == (path, "/etc/rofs.conf", 7)
    assert problem["message"].endswith(f"expected [Persist {right}]")
    assert check(rofs, tmp_path, files, right) == []


@pytest.mark.parametrize("word", ["app", "app::ro", "app:", "app:/etc", "app:../other", ":other"])
def test_words_without_a_link(word: str, rofs: Path, tmp_path: Path) -> None:
    files = {VENDOR + "a.service": f"[Service]\nStateDirectory={word}\n"}
    assert check(rofs, tmp_path, files, "/var/lib/other") == []


def test_masked(rofs: Path, tmp_path: Path) -> None:
    (tmp_path / ADMIN).mkdir(parents=True)
    (tmp_path / ADMIN / "a.service").symlink_to("/dev/null")
    files = {VENDOR + "a.service": DYNAMIC + "StateDirectory=app\n"}
    assert check(rofs, tmp_path, files, "/var/lib/app") == []


def test_several_names_are_told_once(rofs: Path, tmp_path: Path) -> None:
    (tmp_path / ADMIN).mkdir(parents=True)
    (tmp_path / ADMIN / "b.service").symlink_to("/usr/lib/systemd/system/a.service")
    files = {VENDOR + "a.service": DYNAMIC + "StateDirectory=app\n"}
    assert len(check(rofs, tmp_path, files, "/var/lib/app")) == 1


def test_what_is_a_link_already_is_private(rofs: Path, tmp_path: Path) -> None:
    """As it is once the service has run."""
    (tmp_path / "var/lib/private/app").mkdir(parents=True)
    (tmp_path / "var/lib/app").symlink_to("private/app")
    files = {VENDOR + "a.service": DYNAMIC + "StateDirectory=app\n"}
    assert check(rofs, tmp_path, files, "/var/lib/app") == []


def test_an_overlay_of_its_own_is_the_same(rofs: Path, tmp_path: Path) -> None:
    files = {VENDOR + "a.service": DYNAMIC + "StateDirectory=app\n"}
    problem, = check(rofs, tmp_path, files, "/var/lib/app", "Overlay")
    assert problem["message"].endswith("expected [Overlay /var/lib/private/app]")
