"""The pictures of the documentation, for tools/screenshots: the output of a real machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Dict

from ansi_svg import draw

from . import disk, image
from .machine import Disk, Machine
from .probe import Section, probe_argument, probe_files
from .progress import Step, StepFailed
from .tool import parser, run_machine

COLUMNS = 100
PROMPT = "\033[1;32mroot@flash\033[0m:\033[1;36m~\033[0m# "

# What rofs check advises; the pool then holds the same at each run.
VOLATILE = "/etc/systemd/journald.conf.d/10-volatile.conf"
# A machine on which something is worth a warning.
FILES: Dict[str, disk.Entry] = {
    VOLATILE: disk.File("[Journal]\nStorage=volatile\n"),
    "/etc/hostname": disk.File("flash\n"),
    "/etc/kiosk.conf": disk.File("url=https://example.org\nfullscreen=no\n"),
    "/etc/cron.daily/report": disk.File("#!/bin/sh\n", 0o755),
    "/var/lib/docker/overlay2/layer": disk.File(bytes(12 << 20)),
}

# A day's work of an administrator.
CHANGES = """
sed -i s/fullscreen=no/fullscreen=yes/ /etc/kiosk.conf
rm /etc/cron.daily/report
chmod 600 /etc/crontab 2>/dev/null || chmod 600 /etc/fstab
mkdir -p /home/kiosk/.config && printf 'theme=dark\\n' >/home/kiosk/.config/browser.conf
head -c 300000 /dev/zero >/home/kiosk/cache.db
ln -sf /usr/share/zoneinfo/Europe/Vienna /etc/localtime
"""
EDIT = """
cat >>/etc/rofs.conf <<'END'

[Overlay /srv]
Szie=64M

[Persist /var/lib/docker]
Partition=dat
END
"""
# The picture's name: what is typed, and what a screen reader says of it.
PICTURES = {
    "status": ("rofs status", "rofs status: the machine is protected, and a table of its overlays, "
                              "partitions and persists"),
    "diff": ("rofs diff /etc /home", "rofs diff: what has changed since boot, each with a letter"),
    "check": ("rofs check", "rofs check: two mistakes in the edited rofs.conf, with line and what "
                            "was probably meant, and what will go wrong"),
}


def on_terminal(command: str) -> str:
    """Run a command on a terminal of its own, so that its output has colours."""
    setup = f"stty cols {COLUMNS} rows 50; export TERM=xterm LC_ALL=C.UTF-8 SYSTEMD_PAGER="
    return f"script -qec '{setup}; {command}' /dev/null"


QUESTIONS = {
    "running": "systemctl is-system-running --wait; systemctl start rofs-verify.service",
    "status": on_terminal(PICTURES["status"][0]),
    "changes": CHANGES,
    "diff": on_terminal(PICTURES["diff"][0]),
    "edit": EDIT,
    "check": on_terminal(PICTURES["check"][0]),
}


def ask(base: image.Base, files: Dict[str, disk.Entry], work: Path) -> Dict[str, Section]:
    """Boot once; return the sections by name."""
    root, data = work / "root.img", work / "data.img"
    with Step("making the disks", sys.stderr):
        disk.variant(base.image, root, {**files, **FILES, **probe_files((QUESTIONS,))})
        disk.mke2fs(data, disk.DATA_BYTES, "data")
    with Machine(base, [Disk(root), Disk(data)], "screenshots", work,
                 [probe_argument(1)]) as machine:
        with Step("booting", sys.stderr, follow=machine.console_log):
            return machine.wait_for_power_off().sections


def write_pictures(answers: Dict[str, Section], directory: Path) -> None:
    """Write a picture of each command with its output."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, (command, title) in PICTURES.items():
        section = answers[name]
        if section.err or not section.out:
            raise StepFailed(f"{command} failed:\n{section.err}")
        text = f"{PROMPT}{command}\n{section.out}"
        (directory / f"{name}.svg").write_text(draw(text, COLUMNS, title), encoding="utf-8")


def main() -> int:
    """Exit with status 0 if all pictures were written, 1 if not, 130 when interrupted."""
    options = parser("screenshots").parse_args()

    def draw_all(base: image.Base, files: Dict[str, disk.Entry], work: Path) -> bool:
        write_pictures(ask(base, files, work), options.source.resolve() / "docs/images")
        return True

    return run_machine("screenshots", options.suite, options.source, draw_all)


if __name__ == "__main__":
    sys.exit(main())
