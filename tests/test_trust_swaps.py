"""rofs-prepare while somebody exchanges two names, before each of its calls in turn."""

from __future__ import annotations

from pathlib import Path

import pytest
from mounted_system import DATA, System, sections

pytestmark = pytest.mark.root


@pytest.fixture
def swaps(source: Path, fault_library: Path) -> str:
    """Puts what SWAPS needs into the system, as lower."""
    return f"cp {source}/tests/swaps.py run/swaps.py; cp {fault_library} run/fault.so\n"


SWAPS = "python3 /run/swaps.py /run/fault.so"
CACHE = ("mkdir -p run/home/bob/cache home/bob; touch run/home/bob/cache/mine\n"
         "mkdir -m 0700 closed; touch closed/secret; ln -s /closed run/home/bob/l\n"
         "echo '/run/home /home none bind 0 0' > etc/fstab\n")


@pytest.mark.parametrize("keys, verb", [
    ("", "overlay /home/bob/cache"), ("Partition=data\n", "partition data"),
    ("Partition=data\nIfMissing=volatile\n", "fallback /home/bob/cache")])
def test_lower_is_the_directory_that_was_looked_at(
    system: System, swaps: str, keys: str, verb: str
) -> None:
    found = sections(system(
        f"{DATA}[Overlay /var]\n[Overlay /home/bob/cache]\n{keys}", f"""
        mount --bind /run/home /home
        generate 2>/dev/null; early_mounts; pools
        mkdir -p /rofs/ro/home; mount --bind -o ro /home /rofs/ro/home
        echo == wrong
        {SWAPS} closed /run/home/bob/cache:/run/home/bob/l /rofs-prepare {verb}
        echo == good; /rofs-prepare {verb}; ls /rofs/*/home/bob/cache; ls /closed
        """, CACHE + swaps))
    *wrong, runs = found["wrong"]
    assert wrong == []
    assert int(runs) > 30
    assert found["good"][-1] == "secret" and "mine" in found["good"]


def test_overlay_is_mounted_on_the_directory_that_was_looked_at(
    system: System, swaps: str
) -> None:
    """Its place below /rofs/overlay is in another overlay, which users can write to."""
    found = sections(system(
        f"{DATA}[Overlay /home]\n[Overlay /home/bob/cache]\nPartition=data\n", f"""
        generate 2>/dev/null; early_mounts; pools; merge 2>/dev/null
        umount /home/bob/cache; cd /home/bob; rm -r cache; mkdir cache; ln -s /victim l; cd /
        echo == wrong
        {SWAPS} victim /home/bob/cache:/home/bob/l /rofs-prepare partition data
        echo == good; /rofs-prepare partition data; ls /rofs/overlay/home/bob/cache
        """, "mkdir -p home/bob/cache victim; touch home/bob/cache/mine\n" + swaps))
    *wrong, runs = found["wrong"]
    assert wrong == []
    assert int(runs) > 30
    assert found["good"] == ["mine"]


OTHERS = {
    # name: Kind=, what is at the path, what is exchanged with it
    "FIFO": ("file", "echo mine > a; chown 1234 a", "mkfifo b; chown 1234 b"),
    "link": ("file", "echo mine > a; chown 1234 a", "ln -s /closed/secret b"),
    "file of root": ("file", "echo secret > a; chmod 0600 a", "echo mine > b; chown 1234 b"),
    "directory": ("file", "echo mine > a; chown 1234 a", "mkdir b; echo secret > b/secret"),
    "file": ("directory", "mkdir a; chown 1234 a", "echo secret > b"),
    "directory of root": ("directory", "mkdir -m 0700 a; echo secret > a/secret",
                          "mkdir b; chown 1234 b"),
    "link to a directory": ("directory", "mkdir a; chown 1234 a", "ln -s /closed b"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_copy_is_of_one_file(system: System, swaps: str, name: str) -> None:
    """Neither a wait for a writer, nor what is root's with the owner of something else."""
    kind, one, other = OTHERS[name]
    found = sections(system(
        f"{DATA}[Persist /home/bob/a]\nPartition=data\nDirectory=/a\nKind={kind}\n"
        "Populate=yes\n", f"""
        mount --bind /run/home /home
        generate 2>/dev/null; early_mounts; pools
        mkdir -p /rofs/ro/home; mount --bind -o ro /home /rofs/ro/home
        echo == wrong
        {SWAPS} {kind} /run/home/bob/a:/run/home/bob/b /rofs-prepare partition data
        echo == good; /rofs-prepare partition data; stat -c '%F %u' /run/disk/a /run/home/bob/a
        """, "mkdir -p run/home/bob home/bob; mkdir -m 0700 closed; echo secret > closed/secret\n"
        f"cd run/home/bob; {one}; {other}; cd ../../..\n"
        "echo '/run/home /home none bind 0 0' > etc/fstab\n" + swaps))
    *wrong, runs = found["wrong"]
    assert wrong == []
    assert int(runs) > 30
    assert found["good"][0] == found["good"][1]
