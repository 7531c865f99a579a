"""Images compared without a machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from vm.disk import MIB, File, copy_sparse, extract_initrd, mke2fs, put, same_content
from vm.progress import StepFailed

SIZE = 5 * MIB + 100


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image with data at 2 MiB and holes around it."""
    path = tmp_path / "image"
    with path.open("wb") as f:
        f.truncate(SIZE)
        f.seek(2 * MIB)
        f.write(b"data" * 4096)
    return path


def test_copies_are_the_same_whatever_their_holes(image: Path, tmp_path: Path) -> None:
    sparse, full = tmp_path / "sparse", tmp_path / "full"
    copy_sparse(image, sparse)
    full.write_bytes(image.read_bytes())
    assert sparse.stat().st_blocks < full.stat().st_blocks
    assert same_content(image, sparse) and same_content(image, full) and same_content(full, image)


@pytest.mark.parametrize("offset", [0, 2 * MIB - 1, 2 * MIB + 5, 4 * MIB, SIZE - 1])
def test_one_byte_differs(image: Path, tmp_path: Path, offset: int) -> None:
    other = tmp_path / "other"
    copy_sparse(image, other)
    with other.open("r+b") as f:
        f.seek(offset)
        byte = f.read(1)
        f.seek(offset)
        f.write(bytes([byte[0] ^ 1]))
    assert not same_content(image, other) and not same_content(other, image)


@pytest.mark.parametrize("size", [0, SIZE - 1, SIZE + 1])
def test_size_differs(image: Path, tmp_path: Path, size: int) -> None:
    other = tmp_path / "other"
    copy_sparse(image, other)
    with other.open("r+b") as f:
        f.truncate(size)
    assert not same_content(image, other) and not same_content(other, image)


def test_holes_alone_are_the_same(tmp_path: Path) -> None:
    for name in ("one", "other"):
        with (tmp_path / name).open("wb") as f:
            f.truncate(SIZE)
    assert same_content(tmp_path / "one", tmp_path / "other")


@pytest.mark.parametrize("names, found", [
    (("initrd.img-6.1.0-1-cloud-amd64", "vmlinuz"), True), (("vmlinuz",), False),
    (("initrd.img-6.1", "initrd.img-6.12"), False)])
def test_the_one_initrd_of_an_image(names: tuple[str, ...], found: bool, tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    for name in names:
        put(tmp_path / "tree", f"/boot/{name}", File(content))
    mke2fs(tmp_path / "root.img", 32 * MIB, "root", tmp_path / "tree")
    if found:
        assert extract_initrd(tmp_path / "root.img").read_bytes() == content
        return
    with pytest.raises(StepFailed, match="not one"):
        extract_initrd(tmp_path / "root.img")
