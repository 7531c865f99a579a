"""The demonstration behind tools/demo: a machine is written to, switched off and on, and shown."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Dict, List

from . import disk, image
from .machine import Boot, Disk, Machine, kernel_argv, qemu_argv
from .probe import parse, probe_argument, probe_files
from .progress import Step, wants_colour
from .tool import EXAMPLE, parser, run_machine

AUTOLOGIN = """\
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --noclear --keep-baud 115200,57600,38400,9600 - $TERM
"""
POLL_SECONDS = 0.3

FORGOTTEN = ("/etc/demo", "/var/demo", "/home/demo")
KEPT = "/var/local/data/demo"
COMMITTED = "/etc/demo.conf"
PACKAGE = "/opt/hello.deb"
ALL = " ".join([*FORGOTTEN, KEPT])
SECTORS = "awk '{print $7}' /sys/block/vda/stat"
FIRST = {
    "findmnt": "findmnt -t ext4,overlay -o TARGET,SOURCE,FSTYPE,VFS-OPTIONS",
    "status": "systemctl status --no-pager --lines=0 'rofs-*.mount'",
    "running": "systemctl is-system-running --wait",
    "write": f"date | tee {ALL}\nls -l {ALL}",
    "flash": "ls /rofs/ro/etc/demo\ntouch /usr/demo",
    "load": "dd if=/dev/zero of=/var/big bs=1M count=100 && sync",
    "sectors": SECTORS,
    "commit": f"echo kept >{COMMITTED}\nrofs commit {COMMITTED}",
    "chroot": f"rofs chroot apt-get install -y -qq {PACKAGE}",
    "closed": "touch /usr/demo\nrofs status | head -n 1",
    "log": "rofs log",
}
SECOND = {
    "read": f"ls -l {ALL}",
    "chosen": f"cat {COMMITTED}\nhello",
    "sectors": SECTORS,
}
TITLES = {
    "findmnt": "Its mounts: /etc, /var and /home are overlays, / is read-only",
    "status": "Every overlay and every partition is a unit",
    "running": "All services work",
    "write": "A file is written to each place",
    "flash": "The flash does not know of it, and refuses more",
    "load": "100 MiB more into /var",
    "sectors": "Sectors written to the root device in this boot",
    "commit": "One file is to be kept on the root file system",
    "chroot": "A package is installed on the root file system, under the running system",
    "closed": "Nobody else can write there, then or now",
    "log": "What has been written to the flash, and by whom",
    "read": "After the power cycle: what was forgotten, what was kept",
    "chosen": "The file that was committed, and the program that was installed",
}


class Screen:
    """Writes headings, commands and answers, coloured only on a terminal."""

    def __init__(self) -> None:
        self.colour = wants_colour(sys.stdout)

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def heading(self, text: str) -> None:
        """Print the heading of a part."""
        print("\n" + self._paint("1", text), flush=True)

    def answer(self, name: str, command: str, output: str) -> None:
        """Print a command that ran in the machine, and its output."""
        print("\n  " + self._paint("1", TITLES[name]))
        for line in command.splitlines():
            print("  " + self._paint("36", f"# {line}"))
        for line in output.rstrip("\n").split("\n") if output else ():
            # Of a line that was written again and again, as dpkg does, what was last.
            print("  " + line.rstrip("\r").rpartition("\r")[2])
        sys.stdout.flush()

    def verdict(self, text: str, good: bool) -> None:
        """Print one line of the summary."""
        mark = self._paint("32", "yes") if good else self._paint("31", "NO ")
        print(f"  {mark}  {text}", flush=True)


def boot(base: image.Base, disks: List[Disk], number: int, questions: Dict[str, str],
         work: Path, screen: Screen) -> Boot:
    """Boot, show each answer when it comes, wait for the power-off. Raises MachineError."""
    with Machine(base, disks, f"demo-{number}", work, [probe_argument(number)]) as machine:
        shown: List[str] = []
        with Step("booting", sys.stderr, follow=machine.console_log):
            machine.wait_for("HELLO ")
        while "DONE" not in machine.results:
            show_new(machine, questions, shown, screen)
            if machine.ended():
                raise machine.fail("ended before everything was shown")
            time.sleep(POLL_SECONDS)
        show_new(machine, questions, shown, screen)
        print()
        with Step("switching off", sys.stderr, follow=machine.console_log):
            return machine.wait_for_power_off()


def show_new(machine: Machine, questions: Dict[str, str], shown: List[str],
             screen: Screen) -> None:
    """Show the answers that are not yet in `shown`."""
    for name, section in parse(machine.results)[0].items():
        if name not in shown:
            shown.append(name)
            screen.answer(name, questions[name], section.out + section.err)


def judge(
    first: Boot, second: Boot, identical: bool, root_is_sound: bool, data_state: str,
    screen: Screen,
) -> bool:
    """Print each promise and whether it was kept; return whether all were."""
    read, chosen = second["read"], second["chosen"]
    sectors = [b["sectors"].line for b in (first, second)]
    promises = [
        ("the system is running, no unit failed", first["running"].line == "running"),
        ("what was written to /etc, /var and /home is forgotten",
         all(f"'{path}': No such file or directory" in read.err for path in FORGOTTEN)),
        ("what was written to /var/local/data is kept",
         read.line.startswith("-rw") and read.line.endswith(KEPT)),
        ("the file that was committed and the package are there",
         chosen.out.splitlines() == ["kept", "Hello, world!"]),
        (f"sectors written to the root device, but for these: {', '.join(sectors)}",
         sectors == ["0", "0"]),
        ("the second boot has left the root image the same, bit for bit (cmp)", identical),
        ("the root file system is sound (e2fsck)", root_is_sound),
        (f"the partition's file system is {data_state}", data_state == "clean"),
    ]
    screen.heading("In short")
    for text, good in promises:
        screen.verdict(text, good)
    return all(good for _, good in promises)


def demonstrate(base: image.Base, files: Dict[str, disk.Entry], work: Path) -> bool:
    """Show two boots of the same disks; return whether every promise was kept."""
    screen = Screen()
    root, pristine, data = (work / f"{name}.img" for name in ("root", "pristine", "data"))
    with Step("making the disks", sys.stderr):
        disk.variant(base.image, root, {**files, **probe_files((FIRST, SECOND))})
        disk.mke2fs(data, disk.DATA_BYTES, "data")
    disks = [Disk(root), Disk(data)]
    screen.heading(f"A read-only Debian {base.suite}, {EXAMPLE} as its /etc/rofs.conf")
    first = boot(base, disks, 1, FIRST, work, screen)
    disk.copy_sparse(root, pristine)
    screen.heading("The same disks, switched on again")
    second = boot(base, disks, 2, SECOND, work, screen)
    return judge(first, second, disk.same_content(root, pristine), disk.fsck(root)[0] == 0,
                 disk.superblock_state(data), screen)


def console(base: image.Base, files: Dict[str, disk.Entry], work: Path) -> bool:
    """The machine's console in this terminal, until it is switched off."""
    root, data = work / "root.img", work / "data.img"
    login = "/etc/systemd/system/serial-getty@ttyS0.service.d/autologin.conf"
    with Step("making the disks", sys.stderr):
        disk.variant(base.image, root, {**files, login: disk.File(AUTOLOGIN)})
        disk.mke2fs(data, disk.DATA_BYTES, "data")
    print("\nroot is logged in without a password. `rofs commit PATH` keeps a change, `reboot`"
          " shows what is\nforgotten and what is kept.\nTo leave: `poweroff`, or press Ctrl-A and"
          " then X.\n", flush=True)
    argv = qemu_argv(base, [Disk(root), Disk(data)], kernel_argv(base, ["ro", "quiet"]),
                     reboots=True)
    child = os.spawnvp(os.P_WAIT, argv[0], [*argv, "-serial", "mon:stdio"])
    return child == 0


def main() -> int:
    """Exit with status 0 if every promise was kept, 1 if not, 130 when interrupted."""
    arguments = parser("demo")
    arguments.add_argument("--shell", action="store_true")
    options = arguments.parse_args()
    return run_machine("demo", options.suite, options.source,
                       console if options.shell else demonstrate)


if __name__ == "__main__":
    sys.exit(main())
