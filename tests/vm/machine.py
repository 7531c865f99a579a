"""A virtual machine: QEMU with two disks, a console log, a result port and a time limit."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Union

from .image import Base, cache_dir
from .probe import Section, loader_argv, parse
from .progress import ANSI

QEMU = "qemu-system-x86_64"
# Of other architectures, always emulated: the program and its machine; for i386 without amd64.
FOREIGN = {
    "arm64": ("qemu-system-aarch64", "-accel", "tcg,thread=multi", "-M", "virt", "-cpu",
              "cortex-a57"),
    "i386": ("qemu-system-i386", "-accel", "tcg,thread=multi", "-cpu", "coreduo"),
}
TCG = ("-accel", "tcg,thread=multi", "-cpu", "Nehalem,-cx16")
KVM = ("-accel", "kvm", "-cpu", "host")
KVM_TRIAL_SECONDS = 15
MEMORY_MIB = 512
# Under emulation a second one costs more than it gains when machines run side by side.
PROCESSORS = 1
# Two machines side by side under emulation on two processors: a boot with all its questions
# takes up to two minutes. Five times as much for a host that is busy.
BOOT_SECONDS_MAX = 600
CONSOLE_TAIL_LINES = 40
POLL_SECONDS = 0.2

KERNEL_ARGUMENTS = ("root=LABEL=root", "net.ifnames=0",
                    "systemd.show_status=yes",
                    # Emulated, page table isolation costs a sixth of a boot, and programs that
                    # are somewhere else each time cost a third: what was translated is lost.
                    "mitigations=off", "norandmaps",
                    # A busy host may be late with the ticks that the kernel waits for: it panics.
                    "no_timer_check")

# A boot that says one of these ends there: nothing is gained by waiting for the time limit.
DEAD_ENDS = ("Kernel panic - not syncing", "You are in emergency mode",
             "Cannot open access to console", "Freezing execution")
# Not any "Failed to": a daemon may say so of its own affairs, as journald does when its watchdog
# message comes after PID 1 has closed the socket.
TROUBLE = re.compile(
    r"\[(FAILED|DEPEND|\s?TIME\s?)\]|ordering cycle|"
    r"Failed (to (un|re)?mount|(un|re)?mounting|to finalize)|"
    r"rofs.*(error|warn|fail)|overlayfs:|: Failed with result",
    re.IGNORECASE)
PR_SET_PDEATHSIG = 1


class MachineError(Exception):
    """The machine did not do what it should; the text ends with the tail of the console."""


@dataclasses.dataclass(frozen=True)
class Disk:
    """A drive; `cache` as QEMU's cache= ('unsafe', 'writeback', 'none').

    `image`: a file, or the URL of a network block device. `bus`: virtio (vda, vdb, ...), nvme
    (nvme0n1, ...), mmc (mmcblk0; one, of a power of two in bytes) or usb (sda, ...).
    """

    image: Union[Path, str]
    cache: str = "unsafe"
    readonly: bool = False
    bus: str = "virtio"


@dataclasses.dataclass(frozen=True)
class Boot:
    """One boot's results.

    `sections`: by name. `console`: all of it, without terminal escapes. `seconds`: from start to
    the end of QEMU. `log`: the console's file. `processor_seconds`: what QEMU has used of them.
    """

    sections: Dict[str, Section]
    console: str
    seconds: float
    log: Path
    processor_seconds: float = 0.0

    @property
    def trouble(self) -> List[str]:
        """Console lines that speak of failures, warnings of ours or ordering cycles."""
        return [line.strip() for line in self.console.splitlines() if TROUBLE.search(line)]

    def __getitem__(self, name: str) -> Section:
        return self.sections[name]


def clean_console(raw: bytes) -> str:
    """Console output as text: no escapes, no carriage returns."""
    return ANSI.sub("", raw.decode(errors="replace")).replace("\r", "")


def die_with_parent() -> None:
    """In the child: be killed when the thread that started us ends, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


_accel_lock = threading.Lock()
_accel: Optional[Sequence[str]] = None


def processor(base: Base) -> Sequence[str]:
    """QEMU, and its arguments for the fastest processor that really runs a kernel here.

    /dev/kvm can exist, open, and hang or fault on the first instruction: a kernel is started on
    it, once for each boot of the host.
    """
    global _accel
    if base.architecture in FOREIGN:
        return FOREIGN[base.architecture]
    with _accel_lock:
        if _accel is None:
            _accel = KVM if kvm_works(base) else TCG
    return (QEMU, *_accel)


def emulate() -> None:
    """Use no KVM in this process, whether or not it works."""
    global _accel
    _accel = TCG


def kvm_works(base: Base) -> bool:
    """Whether a kernel prints its banner under KVM; the answer is kept until the host reboots."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    known = cache_dir() / f"kvm-{boot_id}-{os.geteuid()}"
    if known.exists():
        return known.read_text() == "yes"
    argv = [QEMU, *KVM, "-m", "256", "-display", "none", "-monitor", "none", "-nodefaults",
            "-no-reboot", "-serial", "stdio", "-kernel", str(base.kernel),
            "-append", "console=ttyS0 panic=-1"]
    try:
        trial = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, timeout=KVM_TRIAL_SECONDS, check=False)
        works = b"Kernel panic" in trial.stdout
    except subprocess.TimeoutExpired:
        works = False
    with contextlib.suppress(OSError):
        for old in cache_dir().glob("kvm-*"):
            old.unlink()
        known.write_text("yes" if works else "no")
    return works


# What each drive on a bus is, and what the bus itself needs.
DRIVE_MODELS = {"nvme": "nvme,serial=nvme{0}", "mmc": "sd-card", "usb": "usb-storage"}
CONTROLLERS = {"mmc": "sdhci-pci", "usb": "qemu-xhci"}


def drive_arguments(disks: Sequence[Disk]) -> List[str]:
    """QEMU's arguments for the drives, which are numbered by bus in the order given."""
    arguments = []
    for bus, controller in CONTROLLERS.items():
        if any(disk.bus == bus for disk in disks):
            arguments += ["-device", controller]
    for number, disk in enumerate(disks):
        name = str(disk.image).replace(",", ",,")
        readonly = ",readonly=on" if disk.readonly else ""
        drive = f"file={name},format=raw,cache={disk.cache}{readonly}"
        if disk.bus == "virtio":
            arguments += ["-drive", f"{drive},if=virtio"]
        else:
            model = DRIVE_MODELS[disk.bus].format(number)
            arguments += ["-drive", f"{drive},if=none,id=drive{number}",
                          "-device", f"{model},drive=drive{number}"]
    return arguments


def console_of(base: Base) -> str:
    """The first serial port, as the kernel command line has it."""
    return "console=ttyAMA0" if base.architecture == "arm64" else "console=ttyS0"


def serial_arguments(base: Base, console: Path, results: Path) -> List[str]:
    """QEMU's arguments for the console and for what the guest calls ttyS1."""
    if base.architecture != "arm64":
        return ["-serial", f"file:{console}", "-serial", f"file:{results}"]
    # It has one port only, which is of another type.
    return ["-serial", f"file:{console}", "-chardev", "null,id=ttyS0",
            "-chardev", f"file,id=ttyS1,path={results}", "-device", "pci-serial,chardev=ttyS0",
            "-device", "pci-serial,chardev=ttyS1"]


def kernel_argv(base: Base, arguments: Sequence[str], cmdline: str = "") -> List[str]:
    """QEMU's arguments for the kernel of a base image. `cmdline`: instead of ours."""
    ours = " ".join([console_of(base), *KERNEL_ARGUMENTS, *arguments])
    return ["-kernel", str(base.kernel), "-initrd", str(base.initrd), "-append", cmdline or ours]


def qemu_argv(
    base: Base, disks: Sequence[Disk], kernel: Sequence[str], reboots: bool = False,
    processors: int = 2, memory: int = MEMORY_MIB,
) -> List[str]:
    """The machine without its serial ports: disks, network, and no window.

    `kernel`: from kernel_argv; or empty, and the first disk has a boot loader. One that `reboots`
    is for a person. Else QEMU ends at a reboot.
    """
    once = [] if reboots else ["-no-reboot"]
    return [
        *processor(base), "-smp", str(processors), "-m", str(memory),
        "-display", "none", "-monitor", "none", *once, "-nic", "user,model=virtio-net-pci",
        *kernel, *drive_arguments(disks)]


class Machine:
    """A running machine. Use as a context manager: leaving it kills what still runs.

    `logs`: where <name>.console and <name>.results are written; the first stays. `loader`: the
    number of the boot, if it is that of a boot loader on the first disk. `cmdline`: all of the
    kernel command line, instead of ours. `options`: further arguments of QEMU.
    """

    def __init__(
        self, base: Base, disks: Sequence[Disk], name: str, logs: Path,
        arguments: Sequence[str] = (), root_flag: str = "ro", rtc: str = "base=utc",
        processors: int = PROCESSORS, memory: int = MEMORY_MIB, loader: int = 0,
        options: Sequence[str] = (), cmdline: str = "",
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.console_log = logs / f"{name}.console"
        self.result_log = logs / f"{name}.results"
        kernel = (loader_argv(loader) if loader else
                  kernel_argv(base, [*filter(None, [root_flag]), *arguments, "panic=-1"], cmdline))
        self.argv = [*qemu_argv(base, disks, kernel, processors=processors, memory=memory),
                     "-rtc", rtc, *serial_arguments(base, self.console_log, self.result_log),
                     *options]
        self.started = 0.0
        self.processor_seconds = 0.0
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._messages = tempfile.TemporaryFile()

    def __enter__(self) -> Machine:
        for log in (self.console_log, self.result_log):
            log.write_bytes(b"")
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=self._messages,
            stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        return self

    def __exit__(self, *unused: object) -> None:
        self.kill()
        self._messages.close()
        self.result_log.unlink()

    def kill(self) -> None:
        """Cut the power: send SIGKILL to QEMU. Does nothing if it has exited."""
        if self._process is not None and not self.ended():
            self._process.kill()
            self._reap(0)

    @property
    def console(self) -> str:
        """The output of the console so far."""
        return clean_console(self.console_log.read_bytes())

    @property
    def results(self) -> str:
        """The output of the result port so far."""
        return self.result_log.read_bytes().decode(errors="replace")

    def fail(self, why: str) -> MachineError:
        """An error with the last lines of the console."""
        self._messages.seek(0)
        said = self._messages.read().decode(errors="replace")
        shown = "\n".join(self.console.splitlines()[-CONSOLE_TAIL_LINES:])
        return MachineError(f"{self.name}: {why}\n{said}--- end of {self.console_log}\n{shown}")

    def wait_for(self, text: str, seconds: float = BOOT_SECONDS_MAX) -> None:
        """Wait until the console or the result port has shown `text`. Raises MachineError."""
        for _ in self._polls(seconds, f"did not say {text!r}"):
            if text in self.console or text in self.results:
                return
            if self.ended():
                raise self.fail(f"ended without saying {text!r}")

    def wait_for_power_off(self, seconds: float = BOOT_SECONDS_MAX) -> Boot:
        """Wait until the machine has switched itself off; its results.

        Raises MachineError after the time limit, at a dead end (panic, emergency mode), when QEMU
        fails, or when the probe did not get to its end.
        """
        for _ in self._polls(seconds, "did not switch itself off"):
            if self.ended():
                break
            for words in DEAD_ENDS:
                if words in self.console:
                    time.sleep(1)  # let the lines that explain it come out
                    raise self.fail(f"came to a dead end: {words}")
        process = self._process
        assert process is not None
        if process.returncode != 0:
            raise self.fail(f"QEMU exited with status {process.returncode}")
        sections, finished = parse(self.results)
        if not finished:
            raise self.fail(f"ended before the probe did; sections so far: {list(sections)}")
        return self._boot(sections)

    def wait_for_end(self, seconds: float = BOOT_SECONDS_MAX) -> Boot:
        """Wait until the machine has switched itself off, is reset or has panicked, wherever it is.

        Raises MachineError after the time limit.
        """
        for _ in self._polls(seconds, "did not end"):
            if self.ended():
                break
        return self._boot(parse(self.results)[0])

    def ended(self) -> bool:
        """Whether QEMU has exited."""
        return self._reap(os.WNOHANG)

    def _reap(self, options: int) -> bool:
        """Take QEMU's exit status, and the time it has used, as soon as it has exited."""
        process = self._process
        assert process is not None
        if process.returncode is None:
            pid, status, usage = os.wait4(process.pid, options)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                self.processor_seconds = usage.ru_utime + usage.ru_stime
        return process.returncode is not None

    def _boot(self, sections: Dict[str, Section]) -> Boot:
        return Boot(sections, self.console, time.monotonic() - self.started, self.console_log,
                    self.processor_seconds)

    def _polls(self, seconds: float, complaint: str) -> Iterator[None]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            yield
            time.sleep(POLL_SECONDS)
        raise self.fail(f"{complaint} within {seconds:.0f} s")
