"""f2fs and vfat, under a kernel that has them: tests/commit/machine runs any command there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support import need_programs

SOURCE = Path(__file__).resolve().parent.parent
SCRIPT = """
set -e
tests/commit/run --type f2fs --series 1 --seed test
/usr/bin/python3 -m pytest -p no:cacheprovider -q -m root \\
    tests/test_window.py tests/test_chroot.py \\
    -k '(options_of and f2fs) or (cut_on_vfat and 2-boot)'
exit 7
"""


@pytest.mark.root
def test_file_systems_that_others_lack(tmp_path: Path) -> None:
    need_programs("linux.uml", "modprobe", "mkfs.f2fs", "fsck.f2fs")
    done = subprocess.run(["tests/commit/machine", "sh", "-c", SCRIPT], cwd=SOURCE, check=False,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "1 series on 1 images (f2fs), 0 with findings" in done.stdout, done
    assert "5 passed" in done.stdout, done
    assert done.returncode == 7
