"""Progress messages for steps that take long."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Callable, List, Optional, Sequence, Type

ANSI = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|\][^\x07]*\x07)")
SPINNER = "|/-\\"
LOG_TAIL_LINES = 30


class StepFailed(Exception):
    """A step of the preparation failed; the text says which, how, and the end of its output."""


def exit_status(run: Callable[[], bool], *errors: Type[Exception]) -> int:
    """0 if `run` returns True, 1 if it does not or fails, 130 when interrupted.

    Prints StepFailed and the further `errors`, whose text is for people.
    """
    try:
        return 0 if run() else 1
    except (StepFailed, *errors) as e:
        print(e, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def wants_colour(stream: IO[str]) -> bool:
    """Whether `stream` is a terminal whose user has not said NO_COLOR."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def last_line(log: Path) -> str:
    """The last non-empty line of a file that may still be growing, or ''."""
    try:
        with log.open("rb") as f:
            f.seek(max(0, log.stat().st_size - 2048))
            lines = f.read().decode(errors="replace").replace("\r", "\n").split("\n")
    except OSError:
        return ""
    texts = [text for text in (ANSI.sub("", line).strip() for line in lines) if text]
    return texts[-1] if texts else ""


def tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """The last `lines` lines of a file, '' if it cannot be read."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


class Step:
    """One line on the stream: a live one on a terminal, a start and an end elsewhere.

    Use as a context manager. `follow` is a file whose last line is shown beside the step.
    """

    def __init__(self, label: str, stream: IO[str], follow: Optional[Path] = None) -> None:
        self.label = label
        self.stream = stream
        self.follow = follow
        self.started = 0.0
        self._done = threading.Event()
        self._thread: Optional[threading.Thread] = None

    def __enter__(self) -> Step:
        self.started = time.monotonic()
        if self.stream.isatty():
            self._thread = threading.Thread(target=self._spin, daemon=True)
            self._thread.start()
        else:
            self._write(f"  {self.label} ...\n")
        return self

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()
            self._write("\r\033[K")
        end = "failed after" if kind else "done in"
        self._write(f"  {self.label}: {end} {time.monotonic() - self.started:.0f} s\n")

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()

    def _spin(self) -> None:
        turn = 0
        while not self._done.wait(0.2):
            beside = last_line(self.follow) if self.follow else ""
            width = os.get_terminal_size(self.stream.fileno()).columns or 80
            text = f"{SPINNER[turn % len(SPINNER)]} {self.label} "
            text += f"{time.monotonic() - self.started:.0f} s  {beside}"
            printable = "".join(c if c.isprintable() else " " for c in text)
            self._write("\r\033[K" + printable[: max(1, width - 1)])
            turn += 1


class Progress:
    """Runs the commands of a long preparation, each as a Step, their output kept in a log.

    Limits: commands run one after the other. The logs are files below `logs`.
    """

    def __init__(self, logs: Path, stream: Optional[IO[str]] = None) -> None:
        self.logs = logs
        self.stream = stream if stream is not None else sys.stderr

    def step(self, label: str, follow: Optional[Path] = None) -> Step:
        """A Step on this object's stream."""
        return Step(label, self.stream, follow)

    def say(self, text: str) -> None:
        """One line that is not a step."""
        self.stream.write(f"  {text}\n")
        self.stream.flush()

    def run(self, label: str, argv: Sequence[str], cwd: Optional[Path] = None) -> None:
        """Run a command as a step.

        Raises StepFailed with the end of its output if it cannot be run or exits non-zero.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        name = "".join(c if c.isalnum() else "-" for c in label)
        log = self.logs / f"{name}.log"
        with self.step(label, follow=log), log.open("wb") as out:
            arguments: List[str] = list(argv)
            try:
                done = subprocess.run(
                    arguments,
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    check=False,
                )
            except FileNotFoundError as e:
                raise StepFailed(f"{label}: {arguments[0]} is not installed") from e
            if done.returncode != 0:
                raise StepFailed(
                    f"{label}: {arguments[0]} exited with status {done.returncode}\n{tail(log)}"
                )
