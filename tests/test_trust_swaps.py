"""rofs-prepare while somebody exchanges two names, before each of its calls in turn."""

from __future__ import annotations

import pytest
from mounted_system import DATA, System, sections

pytestmark = pytest.mark.root

SWAPS = """
# What tells whether they are exchanged.
identity=%i
swapped() {
    ended=0 was=$(stat -c $identity $a)
    ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 LD_PRELOAD=/fault.so FAULT_READ=1 \\
        FAULT_AT=$n FAULT_SWAP=$a:$b FAULT_COUNT=/run/count timeout 300 "$@" \\
        >/run/said 2>&1 || ended=$?
    [ $ended -lt 124 ] || { echo "swap $n: ended with $ended"; cat /run/said; }
}
# How it was before, and whether there was such a call.
swap_back() {
    findmnt -rno TARGET | grep -e '/bob/' -e '^/victim' | tac | while read d; do umount -l $d; done
    rm -rf /rofs/rw/home/bob /run/disk/overlay /run/rofs/prepared
    [ "$(stat -c $identity $a)" = "$was" ] || { mv $a $a.x; mv $b $a; mv $a.x $b; }
    [ "$(cat /run/count)" -ge "$n" ]
}
"""
CACHE = ("mkdir -p run/home/bob/cache home/bob; touch run/home/bob/cache/mine\n"
         "mkdir -m 0700 closed; touch closed/secret; ln -s /closed run/home/bob/l\n"
         "echo '/run/home /home none bind 0 0' > etc/fstab\n")


@pytest.mark.parametrize("keys, verb", [
    ("", "overlay /home/bob/cache"), ("Partition=data\n", "partition data"),
    ("Partition=data\nIfMissing=volatile\n", "fallback /home/bob/cache")])
def test_lower_is_the_directory_that_was_looked_at(
    system: System, with_fault: str, keys: str, verb: str
) -> None:
    found = sections(system(
        f"{DATA}[Overlay /var]\n[Overlay /home/bob/cache]\n{keys}", SWAPS + f"""
        mount --bind /run/home /home
        generate 2>/dev/null; early_mounts; pools
        mkdir -p /rofs/ro/home; mount --bind -o ro /home /rofs/ro/home
        a=/run/home/bob/cache b=/run/home/bob/l n=0
        echo == wrong
        while n=$((n + 1)); do
            swapped /rofs-prepare {verb}
            # What systemd does when it is not mounted.
            start rofs-overlay-home-bob-cache.mount 2>/dev/null || true
            for d in $(findmnt -rno TARGET | grep /bob/); do
                [ ! -e $d/secret ] || echo "swap $n: $d shows what is closed"
            done
            swap_back || break
        done
        echo == calls; echo $n
        echo == good; /rofs-prepare {verb}; ls /rofs/*/home/bob/cache; ls /closed
        """, CACHE + with_fault))
    assert found["wrong"] == []
    assert int(found["calls"][0]) > 30
    assert found["good"][-1] == "secret" and "mine" in found["good"]


def test_overlay_is_mounted_on_the_directory_that_was_looked_at(
    system: System, with_fault: str
) -> None:
    """Its place below /rofs/overlay is in another overlay, which users can write to."""
    found = sections(system(
        f"{DATA}[Overlay /home]\n[Overlay /home/bob/cache]\nPartition=data\n", SWAPS + """
        generate 2>/dev/null; early_mounts; pools; merge 2>/dev/null
        umount /home/bob/cache; cd /home/bob; rm -r cache; mkdir cache; ln -s /victim l; cd /
        a=/home/bob/cache b=/home/bob/l n=0
        # In an overlay, a directory that was dropped from the cache gets another inode number.
        identity=%F
        echo == wrong
        while n=$((n + 1)); do
            swapped /rofs-prepare partition data
            start rofs-overlay-home-bob-cache.mount 2>/dev/null || true
            ! mountpoint -q /victim || echo "swap $n: mounted on the victim"
            swap_back || break
        done
        echo == calls; echo $n
        echo == good; /rofs-prepare partition data; ls /rofs/overlay/home/bob/cache
        """, "mkdir -p home/bob/cache victim; touch home/bob/cache/mine\n" + with_fault))
    assert found["wrong"] == []
    assert int(found["calls"][0]) > 30
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
def test_copy_is_of_one_file(system: System, with_fault: str, name: str) -> None:
    """Neither a wait for a writer, nor what is root's with the owner of something else."""
    kind, one, other = OTHERS[name]
    found = sections(system(
        f"{DATA}[Persist /home/bob/a]\nPartition=data\nDirectory=/a\nKind={kind}\n"
        "Populate=yes\n", SWAPS + f"""
        mount --bind /run/home /home
        generate 2>/dev/null; early_mounts; pools
        mkdir -p /rofs/ro/home; mount --bind -o ro /home /rofs/ro/home
        a=/run/home/bob/a b=/run/home/bob/b n=0
        echo == wrong
        while n=$((n + 1)); do
            swapped /rofs-prepare partition data
            [ ! -L /run/disk/a ] || echo "swap $n: a link"
            [ ! -e /run/disk/a ] || [ -{kind[0]} /run/disk/a ] || echo "swap $n: no {kind}"
            ! grep -rqs secret /run/disk/a || [ $(stat -c %u /run/disk/a) = 0 ] ||
                echo "swap $n: readable by a user"
            rm -rf /run/disk/a /run/disk/.rofs-new
            swap_back || break
        done
        echo == calls; echo $n
        echo == good; /rofs-prepare partition data; stat -c '%F %u' /run/disk/a $a
        """, "mkdir -p run/home/bob home/bob; mkdir -m 0700 closed; echo secret > closed/secret\n"
        f"cd run/home/bob; {one}; {other}; cd ../../..\n"
        "echo '/run/home /home none bind 0 0' > etc/fstab\n" + with_fault))
    assert found["wrong"] == []
    assert int(found["calls"][0]) > 30
    assert found["good"][0] == found["good"][1]
