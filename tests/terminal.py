"""A program on a terminal of its own: what a user types, and what is on the screen.

It needs nothing but Python, so that it can also run inside the systems of the tests.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Optional

# For what takes less than two on an idle machine.
SECONDS_MAX = 300


class Terminal:
    """Starts the program as the leader of a session. `seen` is all that it has printed so far."""

    def __init__(self, argv: Sequence[str], env: Optional[Mapping[str, str]] = None,
                 columns: int = 80) -> None:
        self.seen = ""
        self.at = 0  # how far expect() has read
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            self._resize(0, columns)
            os.execvpe(argv[0], list(argv), dict(os.environ if env is None else env))

    @staticmethod
    def _resize(fd: int, columns: int) -> None:
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def resize(self, columns: int) -> None:
        self._resize(self.fd, columns)

    def send(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def _read(self, seconds: float) -> bool:
        """Is there any more to come?"""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            chunk = os.read(self.fd, 65536)
        except OSError:  # how Linux says that the other end is closed
            return False
        self.seen += chunk.decode(errors="replace")
        return bool(chunk)

    def expect(self, pattern: str) -> str:
        """Wait until a regular expression is seen, after what was expected before."""
        end = time.monotonic() + SECONDS_MAX
        while True:
            found = re.compile(pattern).search(self.seen, self.at)
            if found:
                self.at = found.end()
                return found[0]
            more = self._read(0.1)
            if (not more and not re.compile(pattern).search(self.seen, self.at)) \
                    or time.monotonic() > end:
                raise AssertionError(f"not seen: {pattern!r} in {self.seen!r}")

    def wait(self) -> int:
        """Read to the end. The status is that of a shell: 128 and the signal."""
        while self._read(SECONDS_MAX):
            pass
        return self.ended()

    def ended(self) -> int:
        status = os.waitpid(self.pid, 0)[1]
        if os.WIFSIGNALED(status):
            return 128 + os.WTERMSIG(status)
        return os.WEXITSTATUS(status)

    def hang_up(self) -> None:
        os.close(self.fd)

    def mode(self) -> list[object]:
        return termios.tcgetattr(self.fd)
