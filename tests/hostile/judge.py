"""What must hold after a boot, whatever was on the media.

- Nothing on the root, on fstab's file system and on the partition has changed, but that declared
  directories and layers were made, and the directories on the way to them.
- What was made is of root, or as declared, or a copy of what lies below the persist's own path.
- An ordinary user reads nothing that he could not read before, but what the declared directories
  of the partition show of themselves.
- Mounts are at declared places only.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Dict, List, Optional, Set, Tuple

from . import kernel
from .case import APP, EVE, Case

RESERVED = ".rofs-new"
USERS = (APP, EVE)
# Path below the file system's root, and what it is.
Entries = Dict[str, "Entry"]


class Entry:
    """What is compared of an inode."""

    def __init__(self, path: str) -> None:
        status = os.lstat(path)
        self.inode = status.st_ino
        self.mode, self.uid, self.gid = status.st_mode, status.st_uid, status.st_gid
        self.content = b""
        if stat.S_ISLNK(self.mode):
            self.content = os.fsencode(os.readlink(path))
        elif stat.S_ISREG(self.mode):
            with open(path, "rb") as f:
                self.content = f.read()
        # The kernel marks the directories of layers.
        self.xattrs = {} if stat.S_ISLNK(self.mode) else {
            name: os.getxattr(path, name) for name in sorted(os.listxattr(path))
            if name not in ("trusted.overlay.uuid", "trusted.overlay.impure")}

    def same(self, other: "Entry") -> bool:
        """Nobody has touched it."""
        return vars(self) == vars(other)

    def __repr__(self) -> str:
        return f"{self.mode:o} {self.uid}:{self.gid} {self.content!r} {self.xattrs}"


def listing(directory: str) -> Entries:
    """Everything below a directory of one file system, and it itself as ''."""
    found = {"": Entry(f"{directory}/.")}
    todo = [""]
    while todo:
        inside = todo.pop()
        for name in os.listdir(directory + inside):
            path = f"{inside}/{name}"
            found[path] = Entry(directory + path)
            if stat.S_ISDIR(found[path].mode):
                todo.append(path)
    return found


def changes(before: Entries, after: Entries) -> Tuple[List[str], List[str]]:
    """Paths that are gone or not the same any more, and paths that are new."""
    touched = [path for path, entry in before.items()
               if path not in after or not entry.same(after[path])]
    return touched, [path for path in after if path not in before]


def sections(conf: str) -> List[Dict[str, str]]:
    """The sections of a configuration as the cases have it; '' is the header."""
    found: List[Dict[str, str]] = []
    for line in conf.splitlines():
        if line.startswith("["):
            found.append({"": line.strip("[]")})
        else:
            key, _, value = line.partition("=")
            found[-1][key] = value
    return found


class Declared:
    """What the configuration says of the partition, whether or not rofs has accepted it."""

    def __init__(self, case: Case) -> None:
        self.persists: List[Dict[str, str]] = []
        self.layers: List[str] = []
        self.merged: Dict[str, str] = {}  # by layer directory, the path of the overlay
        self.places = {"/"}
        self.home_is_mounted = " /home " in case.fstab
        for section in sections(case.conf):
            kind, _, path = section[""].partition(" ")
            if kind == "Overlay":
                self.places.add(path)
                if section.get("Partition"):
                    self.layers.append(normal(section.get("Directory", f"/overlay{path}")))
                    self.merged[self.layers[-1]] = path
            elif kind == "Persist":
                self.places.add(path)
                self.persists.append({**section, "path": path,
                                      "directory": normal(section.get("Directory", "/"))})

    def on_the_way(self, path: str) -> bool:
        """A directory above a declared one."""
        return any(f"{end}/".startswith(f"{path}/")
                   for end in self.layers + [p["directory"] for p in self.persists])

    def layer_of(self, path: str) -> Optional[str]:
        """The layer directory in which a path lies."""
        return next((d for d in self.layers if is_below(path, f"{d}/upper")
                     or is_below(path, f"{d}/work")), None)


def normal(directory: str) -> str:
    """Without the slash of the root alone."""
    return directory.rstrip("/")


def is_below(path: str, directory: str) -> bool:
    """Or the same."""
    return path == directory or path.startswith(f"{directory}/")


class Seen:
    """Where the file systems can be seen without what is mounted on them: root, data, home."""

    def __init__(self, paths: Dict[str, str]) -> None:
        self.paths = paths

    def listings(self) -> Dict[str, Entries]:
        """All that is on them."""
        return {name: listing(path) for name, path in self.paths.items()}


class Judge:
    """Knows what was there before a boot, and who could read it."""

    def __init__(self, declared: Declared, seen: Seen, before: Dict[str, Entries],
                 opened: Dict[str, List[str]]) -> None:
        self.declared = declared
        self.seen = seen
        self.before = before
        self.could_read = {uid: readable(uid, [seen.paths["root"], seen.paths["home"]])
                           | set(opened.get(str(uid), ())) for uid in USERS}

    def verdict(self, mountinfo: str) -> List[str]:
        """All that must not be."""
        after = self.seen.listings()
        wrong = judge_mounts(self.declared, mountinfo)
        wrong += judge_untouched("root", self.before["root"], after["root"])
        wrong += [line for path, line in untouched("home", self.before["home"], after["home"])
                  if not self.is_mount_point(path, after["home"].get(path))]
        wrong += self.judge_medium(after["data"])
        for uid in USERS:
            allowed = self.could_read[uid] | self.shown_by_media(uid) | self.opened_by_layers(uid)
            wrong += judge_readable(allowed, readable(uid, ["/"]), uid)
        return wrong

    def is_mount_point(self, path: str, entry: Optional[Entry]) -> bool:
        """systemd makes those of its units on a file system that can be written."""
        return (entry is not None and path not in self.before["home"]
                and (entry.uid, entry.gid, entry.mode) == (0, 0, stat.S_IFDIR | 0o755)
                and any(is_below(persist["path"], f"/home{path}")
                        for persist in self.declared.persists))

    def shown_by_media(self, uid: int) -> Set[str]:
        """What declared directories show: of the partition, and of what was copied there."""
        data = self.seen.paths["data"]
        ends = [f"{layer}/upper" for layer in self.declared.layers]
        ends += [persist["directory"] for persist in self.declared.persists]
        paths = [data + end for end in ends if is_plain(data, end)]
        for persist in self.declared.persists:
            if persist.get("Populate") == "yes":
                paths += self.sources(persist["path"])
        return readable(uid, paths)

    def opened_by_layers(self, uid: int) -> Set[str]:
        """What the lower has in directories whose mode and owner an upper that was there gives.

        An upper is used as it is: who may have made it can show all of the merged directory.
        """
        found = set()
        for layer, path in self.declared.merged.items():
            name, top = self.place(path)
            for inside, entry in self.before[name].items():
                upper = f"{layer}/upper{inside[len(normal(top)):]}"
                if (is_below(inside, normal(top)) and stat.S_ISREG(entry.mode)
                        and self.may_enter(uid, name, inside, upper)
                        and may(uid, entry, stat.S_IROTH)):
                    found.add(entry.content.decode())
        return found

    def may_enter(self, uid: int, name: str, inside: str, upper: str) -> bool:
        """All directories of a merged path, each as its upper has it, or else the lower.

        But the topmost one: rofs gives a new layer what the path has in the lower.
        """
        while not upper.endswith("/upper"):
            inside, upper = inside.rpartition("/")[0], upper.rpartition("/")[0]
            both = [self.before["data"].get(upper), self.before[name][inside]]
            seen = [entry for entry in both if entry is not None and stat.S_ISDIR(entry.mode)]
            if not upper.endswith("/upper"):
                seen = seen[:1] if both[0] is None or stat.S_ISDIR(both[0].mode) else []
            if not any(may(uid, entry, stat.S_IXOTH) for entry in seen):
                return False
        return True

    def sources(self, path: str) -> List[str]:
        """What lies in the directory that a persist is populated from."""
        name, inside = self.place(path)
        top = self.seen.paths[name]
        entry = self.before[name].get(inside)
        if entry is None or not is_plain(top, inside):
            return []
        if not stat.S_ISDIR(entry.mode):
            return [top + inside]
        return [path for path in (f"{top}{inside}/{below}" for below in os.listdir(top + inside))
                if not os.path.islink(path)]

    def place(self, path: str) -> Tuple[str, str]:
        """The file system on which a path of the lower lies, and its path there."""
        if self.declared.home_is_mounted and is_below(path, "/home"):
            return "home", path[len("/home"):]
        return "root", path

    def judge_medium(self, after: Entries) -> List[str]:
        """What must not have happened to the partition."""
        before = self.before["data"]
        touched, new = changes(before, after)
        wrong = [f"partition: {path or '/'} was {before[path]}, is {after.get(path)}"
                 for path in touched if not self.may_be_touched(path)]
        for path in new:
            if self.declared.layer_of(path) is None:
                wrong += self.judge_new(path, after[path])
        return wrong

    def may_be_touched(self, path: str) -> bool:
        """What a power cut has left incomplete, and what the kernel empties."""
        layer = self.declared.layer_of(path)
        if RESERVED in path.split("/"):
            return True
        if layer is None:
            return False
        return is_below(path, f"{layer}/work") or (
            path == f"{layer}/upper" and f"{layer}/work" not in self.before["data"])

    def judge_new(self, path: str, entry: Entry) -> List[str]:
        """One that rofs has made outside of layers."""
        wrong = [f"partition: {path} is new"]
        for persist in self.declared.persists:
            if is_below(path, persist["directory"]):
                wrong = self.judge_made(persist, path, entry)
                if not wrong:
                    return []
        on_the_way = (stat.S_IFDIR | 0o755, stat.S_IFDIR | 0o700)
        if self.declared.on_the_way(path) and entry.uid == entry.gid == 0 \
                and entry.mode in on_the_way:
            return []
        return wrong

    def judge_made(self, persist: Dict[str, str], path: str, entry: Entry) -> List[str]:
        """A declared directory or file, or a part of its content."""
        name, inside = self.place(persist["path"] + path[len(persist["directory"]):])
        source = self.before[name].get(inside)
        is_top = path == persist["directory"]
        if entry.content and (source is None or source.content != entry.content):
            return [f"partition: {path} holds {entry.content!r}, its source {source}"]
        if is_top:
            return judge_top(persist, path, entry)
        if persist.get("Populate") != "yes" or source is None:
            return [f"partition: {path} is new"]
        if (source.mode, source.uid, source.gid) != (entry.mode, entry.uid, entry.gid):
            return [f"partition: {path} is {entry}, its source {source}"]
        return []


def may(uid: int, entry: Entry, what: int) -> bool:
    """Whether the mode allows it to a user, who is alone in a group of the same number."""
    shift = 6 if entry.uid == uid else 3 if entry.gid == uid else 0
    return bool(entry.mode & (what << shift))


def is_plain(top: str, inside: str) -> bool:
    """No component is a link, so that it is what it says."""
    path = top
    for name in [""] + inside.strip("/").split("/"):
        path = f"{path}/{name}" if name else path
        if path != top and (os.path.islink(path) or not os.path.exists(path)):
            return False
    return True


def judge_top(persist: Dict[str, str], path: str, entry: Entry) -> List[str]:
    """Mode and owner that the section says."""
    wrong = []
    users = {"app": APP, "root": 0, "0": 0}
    if "User" in persist and entry.uid != users[persist["User"]]:
        wrong.append(f"partition: {path} of User={persist['User']} is {entry}")
    if "Mode" in persist and stat.S_IMODE(entry.mode) != int(persist["Mode"], 8):
        wrong.append(f"partition: {path} of Mode={persist['Mode']} is {entry}")
    return wrong


def judge_untouched(what: str, before: Entries, after: Entries) -> List[str]:
    """Nothing may have changed."""
    return [line for _, line in untouched(what, before, after)]


def untouched(what: str, before: Entries, after: Entries) -> List[Tuple[str, str]]:
    """What has changed: path and finding."""
    touched, new = changes(before, after)
    return ([(path, f"{what}: {path} was {before[path]}, is {after.get(path)}") for path in touched]
            + [(path, f"{what}: {path} is new") for path in new])


def judge_mounts(declared: Declared, mountinfo: str) -> List[str]:
    """Mount points: ours below /rofs, and the declared paths."""
    wrong = []
    for line in mountinfo.splitlines():
        where = line.split()[4]
        fine = (where in declared.places or is_below(where, "/rofs")
                or where in ("/tmp", "/run", "/usr", "/dev", "/proc", "/home", "/etc/machine-id",
                             "/programs"))
        if not fine:
            wrong.append(f"mounted on {where}: {line}")
    return wrong


def readable(uid: int, directories: List[str]) -> Set[str]:
    """The tokens that an ordinary user can read below some directories, each seen as its root."""
    handles = [os.open(path, os.O_PATH) for path in directories]
    found: Set[str] = set()
    with kernel.rights_of(uid):
        for handle in handles:
            collect(f"/proc/self/fd/{handle}", found, 0)
    for handle in handles:
        os.close(handle)
    return found


def collect(directory: str, found: Set[str], depth: int) -> None:
    """Regular files only, and no links: a link leads to what is visited by its own name."""
    try:
        entries = list(os.scandir(directory))
    except NotADirectoryError:
        read_token(directory, found)
        return
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and depth < 12:
            if entry.name not in ("proc", "dev", "usr") or depth > 0:
                collect(entry.path, found, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            read_token(entry.path, found)


def read_token(path: str, found: Set[str]) -> None:
    """If he may."""
    try:
        with open(path, "rb") as f:
            text = f.read(200)
    except OSError:
        return
    if re.match(rb"(lower|data|home|user\d+):", text):
        found.add(text.decode())


def judge_readable(before: Set[str], after: Set[str], uid: int) -> List[str]:
    """Only what he could read before; what users have written is theirs."""
    more = sorted(token for token in after - before if not token.startswith("user"))
    return [f"user {uid} can read {token!r}" for token in more]
