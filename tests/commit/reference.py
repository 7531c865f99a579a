"""A commit by mount and cp, which no power cut may hit; and wrong ones, for the judge to see."""

from __future__ import annotations

import os
from typing import Callable, List, Tuple

from .system import System

COPY = """
set -e
mkdir /run/window
mount --bind /rofs/ro /run/window
device=$(findmnt -no SOURCE /rofs/ro | sed 's/\\[.*//')
mount -o remount,rw "$device" /run/window
chattr -R -f -i -a /run/window/old || :
rm -rf /run/window/old
mkdir -p /run/window/old /run/window/new
for top in var home; do
    cp -a --sparse=always /$top /run/window/new/$top
    mkdir /run/window/old/$top
done
for top in var home; do
    cd /run/window/$top
    find . -mindepth 1 -maxdepth 1 -exec chattr -f -i -a {} + || :
    find . -mindepth 1 -maxdepth 1 -exec mv -t ../old/$top {} +
    find ../new/$top -mindepth 1 -maxdepth 1 -exec mv -t . {} +
    # f2fs changes the time of a directory that it moves.
    find . -mindepth 1 -maxdepth 1 -type d -exec sh -c 'touch -m -r "/$0/$1" "$1"' $top {} ';'
    chown --reference=/$top .
    chmod --reference=/$top .
    getfattr -d -m - -e hex --absolute-names /$top | sed "s,^# file: .*,# file: $PWD," |
        grep -v ^trusted.overlay. | setfattr --restore=-
    touch -r /$top .
done
rm -r ../new
cd /run/window
{wrong}
cd /
sync -f /run/window
mount -o remount,ro "$device" /run/window
umount /run/window
"""
# What is done to the flash in addition, to a file that each series with it has.
KNOWN = "/var/known"
WRONG = {
    "content": 'file=var/known; touch -r "$file" /run/t; echo x >> "$file"; '
               'touch -r /run/t "$file"',
    "one byte": 'file=var/known; touch -r "$file" /run/t; printf y | dd of="$file" bs=1 seek=7 '
                'conv=notrunc status=none; touch -r /run/t "$file"',
    "mode": 'file=var/known; chmod u-w,g+w "$file"',
    "owner": 'file=var/known; chown 77 "$file"',
    "time": 'file=var/known; touch -d "$(stat -c %y "$file") + 1 second" "$file"',
    "attribute": 'file=var/known; setfattr -n user.more -v 1 "$file"',
    "ACL": 'file=var/known; setfacl -m u:77:r "$file"',
    "flag": 'file=var/known; chattr +A "$file"',
    "missing": 'rm var/known; touch -r /var var',
    "added": "mkdir home/more; touch -r /home home",
    "link": "rm var/link; cp -a var/known var/link; touch -r /var var",
    "time of a directory": "touch var",
    "holes": "fallocate -l 3M var/holes; touch -r /var var",
    "read-write": ":",
}
STAYS_WRITABLE = "read-write"


def make_known() -> None:
    """The files that are committed wrongly."""
    with open(KNOWN, "wb") as f:
        f.write(bytes(range(256)) * 32)
    if not os.path.lexists("/var/link"):
        os.link(KNOWN, "/var/link")
    with open("/var/holes", "wb") as f:
        f.truncate(3 << 20)


def commit(wrong: str = "") -> Callable[[System, List[str]], Tuple[int, str]]:
    """Of everything; a key of WRONG says what it does wrong."""
    script = COPY.replace("{wrong}", WRONG[wrong] if wrong else ":")
    if wrong == STAYS_WRITABLE:
        script = "\n".join(line for line in script.splitlines() if "remount,ro" not in line)

    def run(machine: System, arguments: List[str]) -> Tuple[int, str]:
        del arguments
        return machine.run("/bin/sh", "-c", script)

    return run
