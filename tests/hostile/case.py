"""Random systems: a configuration, a lower, a partition, and what users do between two boots."""

from __future__ import annotations

import dataclasses
import os
import random
import stat
from typing import Dict, List, Tuple

APP, EVE = 1234, 4242
NAMES = ("a", "b", "c")
OVERLAYS = ("/etc", "/home", "/srv", "/var")
PERSISTS = tuple(f"{top}/{rest}" for top in ("/home", "/srv", "/var")
                 for rest in ("a", "a/b", "a/b/c", "b", "b/a", "c"))
DIRECTORIES = ("/", "/a", "/a/b", "/a/b/c", "/b", "/b/a", "/c", "/c/c", "/overlay", "/overlay/etc",
               "/new", "/new/er", "/a/new")
TARGETS = ("..", "../..", "../../..", "a", "b", "c", "/", "/etc", "/etc/shadow", "/secret",
           "/secret/key", "../secret", "../../secret/key", "/var", "/var/a", "/home/a", "/srv",
           "/rofs", "/rofs/persist/data", "/rofs/persist/data/private", "/rofs/ro/secret",
           "private", "../private", "../private/key", "/run", "/proc/1/root")
XATTRS = ("trusted.overlay.opaque", "trusted.overlay.redirect", "trusted.overlay.metacopy",
          "trusted.overlay.origin", "trusted.overlay.impure", "trusted.other")
XATTR_VALUES = (b"y", b"/secret", b"a", b"../secret", b"")


@dataclasses.dataclass(frozen=True)
class Case:
    """Everything is derived from the seed."""

    seed: str
    conf: str
    fstab: str

    def rng(self, what: str) -> random.Random:
        """The same numbers for the same purpose, whatever else asks for some."""
        return random.Random(f"{self.seed}/{what}")


def make_case(seed: str) -> Case:
    """The case of a seed."""
    rng = random.Random(f"{seed}/conf")
    fstab = "LABEL=root / ext4 defaults 0 1\n"
    if rng.random() < 0.3:
        fstab += f"LABEL=home /home ext4 {rng.choice(('defaults', 'nosuid,nodev', 'noexec'))} 0 2\n"
    parts = [overlay(rng, path) for path in OVERLAYS if rng.random() < 0.6]
    parts.append("[Partition data]\nDevice=LABEL=data\nCheck=no\n")
    parts += [persist(rng, path) for path in rng.sample(PERSISTS, rng.choice((0, 1, 1, 1, 2, 3)))]
    return Case(seed, "".join(parts), fstab)


def overlay(rng: random.Random, path: str) -> str:
    """A section [Overlay]."""
    text = f"[Overlay {path}]\n"
    if rng.random() < 0.35:
        text += "Partition=data\n"
        text += f"Directory={rng.choice(DIRECTORIES)}\n" if rng.random() < 0.5 else ""
        text += "IfMissing=volatile\n" if rng.random() < 0.3 else ""
    elif rng.random() < 0.2:
        text += "Size=1M\n"
    if rng.random() < 0.2:
        text += f"StartEmpty={path}/{rng.choice(('a', 'a/b', 'c'))}\n"
    return text


def persist(rng: random.Random, path: str) -> str:
    """A section [Persist]."""
    text = f"[Persist {path}]\nPartition=data\n"
    text += f"Directory={rng.choice(DIRECTORIES)}\n" if rng.random() < 0.8 else ""
    text += "Populate=yes\n" if rng.random() < 0.5 else ""
    text += "Kind=file\n" if rng.random() < 0.25 else ""
    text += f"IfMissing={rng.choice(('read-only', 'volatile'))}\n" if rng.random() < 0.5 else ""
    text += f"User={rng.choice(('app', '0', 'root'))}\n" if rng.random() < 0.5 else ""
    text += f"Mode={rng.choice(('0700', '0750', '0755'))}\n" if rng.random() < 0.4 else ""
    return text


class Tree:
    """Fills a directory at random; each file says where it was made."""

    def __init__(self, rng: random.Random, label: str) -> None:
        self.rng = rng
        self.label = label
        self.files: List[str] = []
        self.budget = 40

    def fill(self, path: str, inside: str, depth: int = 0) -> None:
        """`inside`: the same directory as the label's file system names it."""
        for name in NAMES:
            if self.budget > 0 and self.rng.random() < 0.75:
                self.budget -= 1
                self.entry(f"{path}/{name}", f"{inside}/{name}", depth)

    def entry(self, path: str, inside: str, depth: int) -> None:
        """One entry of a random kind."""
        kind = self.rng.random()
        if os.path.lexists(path):
            return
        if kind < 0.5 and depth < 3:
            os.mkdir(path)
            self.fill(path, inside, depth + 1)
            self.attributes(path, (0o755, 0o755, 0o700, 0o750, 0o775, 0o777, 0o1777))
        elif kind < 0.75:
            self.file(path, inside)
        elif kind < 0.95 or not self.files:
            os.symlink(self.rng.choice(TARGETS), path)
            owner = self.rng.choice((APP, EVE))
            os.chown(path, owner, owner, follow_symlinks=False)
        elif kind < 0.97:
            os.link(self.rng.choice(self.files), path, follow_symlinks=False)
        else:
            os.mknod(path, self.rng.choice((stat.S_IFIFO, stat.S_IFCHR)) | 0o600, 0)

    def file(self, path: str, inside: str) -> None:
        """A file with the token that says where it comes from."""
        with open(path, "x", encoding="utf-8") as f:
            f.write(f"{self.label}:{inside}\n")
        self.attributes(path, (0o644, 0o600, 0o640, 0o666, 0o4755))
        self.files.append(path)

    def attributes(self, path: str, modes: Tuple[int, ...]) -> None:
        """Mode, owner, and sometimes what overlayfs stores."""
        owner = self.rng.choice((0, 0, APP, EVE))
        os.chown(path, owner, owner)
        os.chmod(path, self.rng.choice(modes))
        if self.rng.random() < 0.08:
            os.setxattr(path, self.rng.choice(XATTRS), self.rng.choice(XATTR_VALUES))


def put_secret(directory: str, token: str, mode: int = 0o700) -> None:
    """A directory of root with a file that nobody else may ever read."""
    os.makedirs(directory)
    with open(f"{directory}/key", "x", encoding="utf-8") as f:
        f.write(f"{token}\n")
    os.chmod(f"{directory}/key", 0o600 if mode == 0o755 else 0o644)
    os.chmod(directory, mode)


def make_root(case: Case, root: str) -> None:
    """The lower: what is on the root file system."""
    for name in ("boot", "etc", "home", "rofs", "root", "run", "srv", "var", "usr", "dev", "proc"):
        os.mkdir(f"{root}/{name}", 0o755)
    os.mkdir(f"{root}/tmp")
    os.chmod(f"{root}/tmp", 0o1777)
    write(f"{root}/etc/rofs.conf", case.conf)
    write(f"{root}/etc/fstab", case.fstab)
    write(f"{root}/etc/passwd", f"root:x:0:0::/root:/bin/sh\napp:x:{APP}:{APP}::/:/bin/sh\n")
    write(f"{root}/etc/group", f"root:x:0:\napp:x:{APP}:\n")
    write(f"{root}/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    write(f"{root}/etc/shadow", "lower:/etc/shadow\n", 0o600)
    put_secret(f"{root}/secret", "lower:/secret/key", 0o755)
    tree = Tree(case.rng("lower"), "lower")
    for top in ("home", "srv", "var"):
        tree.budget = 14
        tree.fill(f"{root}/{top}", f"/{top}")


def make_medium(case: Case, directory: str, label: str) -> None:
    """What an attacker may have put on a file system: the partition, or fstab's /home."""
    rng = case.rng(label)
    put_secret(f"{directory}/private", f"{label}:/private/key")
    tree = Tree(rng, label)
    tree.fill(directory, "")
    if label == "data" and rng.random() < 0.4:
        put_layers(tree, f"{directory}/overlay/{rng.choice(('etc', 'home', 'srv', 'var'))}")
    if rng.random() < 0.15:
        os.chmod(directory, rng.choice((0o777, 0o1777, 0o775)))
    if rng.random() < 0.1:
        os.chown(directory, EVE, EVE)


def put_layers(tree: Tree, directory: str) -> None:
    """Layers as an older boot, or somebody else, has left them."""
    inside = directory[directory.index("/overlay/"):]
    os.makedirs(directory)
    for name in ("upper", "work"):
        path, kind = f"{directory}/{name}", tree.rng.random()
        if kind < 0.25:
            os.symlink(tree.rng.choice(TARGETS), path)
        elif kind < 0.85:
            os.mkdir(path)
            tree.budget = 8
            if tree.rng.random() < 0.6:
                tree.fill(path, f"{inside}/{name}", 1)
            tree.attributes(path, (0o755, 0o700, 0o777))


def write(path: str, text: str, mode: int = 0o644) -> None:
    """A file of root."""
    with open(path, "x", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def misbehave(case: Case, uid: int, boot: int) -> None:
    """What a service or a user does with the rights it has: rename, link, make, open up."""
    rng = case.rng(f"user {uid} {boot}")
    tops = ["/home", "/srv", "/var", "/tmp", "/etc", "/rofs/persist/data"]
    for number in range(12):
        paths = [f"{top}/{rest}" for top in tops for rest in ("a", "b", "a/a", "a/b", "b/a", "c/c",
                                                              "a/b/c", "new", "upper/a", "x")]
        one, other = rng.choice(paths), rng.choice(paths)
        try:
            act(rng, one, other, f"user{uid}:{number}")
        except OSError:
            pass  # not allowed, or not there


def act(rng: random.Random, one: str, other: str, token: str) -> None:
    """One of these. Raises OSError."""
    what = rng.randrange(7)
    if what == 0:
        os.rename(one, other)
    elif what == 1:
        os.rename(one, f"{one}.old")
        os.symlink(rng.choice(TARGETS), one)
    elif what == 2:
        os.mkdir(one, 0o777)
    elif what == 3:
        write(one, f"{token}\n", 0o4777)
    elif what == 4:
        os.chmod(one, rng.choice((0o777, 0o700, 0o4777)), follow_symlinks=True)
    elif what == 5:
        os.unlink(one)
    else:
        os.link(one, other, follow_symlinks=False)


def describe(case: Case) -> Dict[str, str]:
    """For a report."""
    return {"seed": case.seed, "rofs.conf": case.conf, "fstab": case.fstab}
