"""The pictures of the documentation: how output is drawn, and that they show the command."""

from __future__ import annotations

import os
import re
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from support import SOURCE

sys.path.insert(0, str(SOURCE / "tools"))

from ansi_svg import draw  # noqa: E402

TEXT = "{http://www.w3.org/2000/svg}text"
TSPAN = "{http://www.w3.org/2000/svg}tspan"


def lines(svg: str) -> list[str]:
    """What is written in a picture, from top to bottom."""
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(TEXT)]


def test_text_is_as_on_the_terminal() -> None:
    svg = draw("\033[1;31ma<b\033[0m & c  \r\n\n 0123456789\033[K\n\n", 8, "title")
    assert lines(svg) == ["a<b & c", " 0123456", "789"]
    coloured, = ElementTree.fromstring(svg).iter(TSPAN)
    assert (coloured.text, coloured.get("font-weight")) == ("a<b", "bold")


def test_rows_are_as_wide_as_their_characters() -> None:
    widths = [float(text.get("textLength", "0")) for text in
              ElementTree.fromstring(draw("1234\n├─/a\n", 80, "")).iter(TEXT)]
    assert widths == [4 * 8.4] * 2


# Where each is shown.
PAGES = {"status": "README.md", "diff": "docs/USING.md", "check": "docs/USING.md"}


@pytest.mark.parametrize("name, page", PAGES.items())
def test_page_shows_it(name: str, page: str) -> None:
    picture = SOURCE / f"docs/images/{name}.svg"
    path = os.path.relpath(picture, (SOURCE / page).parent)
    assert re.search(rf"!\[[^]]+\]\({path}\)", (SOURCE / page).read_text(encoding="utf-8"))
    assert lines(picture.read_text(encoding="utf-8"))[0].startswith(f"root@flash:~# rofs {name}")
