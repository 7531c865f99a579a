"""What the flash must have after some paths were committed, from the trees before."""

from __future__ import annotations

import dataclasses
import stat
from typing import Callable, Iterable, List, Set, Tuple

from .tree import ATTRIBUTES, FIELDS, Tree


def parents(path: bytes) -> List[bytes]:
    """From the top of the tree on."""
    parts = path.split(b"/")
    return [b".", *(b"/".join(parts[:n]) for n in range(1, len(parts)))]


def is_below(path: bytes, top: bytes) -> bool:
    """Or the same."""
    return top == b"." or path == top or path.startswith(top + b"/")


def changed_paths(old: Tree, new: Tree) -> List[bytes]:
    """Which differ between two trees; not the top."""
    return [path for path in sorted(old.keys() | new.keys())
            if path != b"." and (path not in old or path not in new or any(
                getattr(old[path], field) != getattr(new[path], field) for field in FIELDS))]


def only_times(old: Tree, new: Tree) -> Set[bytes]:
    """Directories of which only the time differs: that alone is no change that is committed."""
    return {path for path in old.keys() & new.keys() if old[path].kind == stat.S_IFDIR
            and all(getattr(old[path], field) == getattr(new[path], field)
                    for field in FIELDS if field != "mtime")}


def can_be_chosen(old: Tree, new: Tree, path: bytes) -> bool:
    """Whether a path is in a directory, before and after; if not, that has to be committed."""
    return all(tree[above].kind == stat.S_IFDIR
               for above in parents(path) for tree in (old, new) if above in tree)


def unchanged(old: Tree, new: Tree, chosen: Iterable[bytes]) -> Set[bytes]:
    """What is chosen with a directory and was not changed, and may thus be left as it is."""
    return {path for path in old.keys() & new.keys()
            if all(getattr(old[path], field) == getattr(new[path], field) for field in FIELDS)
            and any(is_below(path, top) for top in chosen)}


def committed(old: Tree, new: Tree, chosen: Iterable[bytes]) -> Tuple[Tree, Set[bytes]]:
    """The tree of the flash after a commit of the chosen paths.

    Also returns the directories above them, whose attributes may be either, as the commit must
    have them and need not change them. The inode numbers tell which files are one: those of the
    two trees are kept apart.
    """
    result = {path: dataclasses.replace(entry, inode=(0, *entry.inode))  # type: ignore[arg-type]
              for path, entry in old.items()}
    above: Set[bytes] = set()
    for top in sorted(chosen):
        remove(result, top)
        if top in new:
            for path in parents(top):
                if path not in result or result[path].kind != stat.S_IFDIR:
                    remove(result, path)
                    result[path] = new[path]
                above.add(path)
            for path in [path for path in new if is_below(path, top)]:
                result[path] = dataclasses.replace(
                    new[path], inode=(1, *new[path].inode))  # type: ignore[arg-type]
        else:
            above |= set(parents(top)) & result.keys()
    return result, above


def remove(tree: Tree, top: bytes) -> None:
    """A path and all below it."""
    for path in [path for path in tree if is_below(path, top)]:
        del tree[path]


def may_differ(attributes: Set[bytes], times: Set[bytes]) -> Callable[[bytes, str], bool]:
    """For differences(): of these directories all attributes, of those the times."""
    return lambda path, field: (path in attributes and field in ATTRIBUTES
                                or path in times and field == "mtime")
