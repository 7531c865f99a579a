"""Draw terminal output as SVG, with text that can be selected and searched.

It supports what our programs print: lines, colours and weights (SGR), but no cursor movement.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Iterator, List
from xml.sax.saxutils import escape

FONT_PIXELS = 14
CELL_WIDTH = 8.4  # 0.6 em, as in most monospaced fonts; textLength adjusts the others
LINE_HEIGHT = 19
MARGIN = 16

BACKGROUND = "#16181d"
FOREGROUND = "#d6d9de"
COLOURS = {31: "#ff7b72", 32: "#56d364", 33: "#e3b341", 36: "#79c0ff"}
DIM = "#8b949e"

SGR = re.compile(r"\033\[([0-9;]*)m")
OTHER = re.compile(r"\033\[[0-9;?]*[A-Za-ln-z]|\033[=>]|\r|\017")


@dataclasses.dataclass(frozen=True)
class Style:
    """The style of a character."""

    colour: str = FOREGROUND
    bold: bool = False

    def after(self, code: int) -> "Style":
        """This style after one parameter of an SGR sequence."""
        if code == 0:
            return Style()
        if code == 1:
            return dataclasses.replace(self, bold=True)
        if code == 2:
            return dataclasses.replace(self, colour=DIM)
        if code in (22, 39):
            return Style(bold=self.bold and code == 39)
        return dataclasses.replace(self, colour=COLOURS.get(code, self.colour))

    def attributes(self) -> str:
        """The SVG attributes that differ from those of the whole image."""
        colour = f' fill="{self.colour}"' if self.colour != FOREGROUND else ""
        return colour + (' font-weight="bold"' if self.bold else "")


@dataclasses.dataclass
class Run:
    """Consecutive characters of one style."""

    style: Style
    text: str


def runs(text: str) -> Iterator[Run]:
    """Split the text into runs of one style each."""
    style = Style()
    at = 0
    for match in SGR.finditer(text):
        if match.start() > at:
            yield Run(style, text[at:match.start()])
        for code in match[1].split(";"):
            style = style.after(int(code or 0))
        at = match.end()
    if text[at:]:
        yield Run(style, text[at:])


def rows(output: str, columns: int) -> List[List[Run]]:
    """The rows of a terminal, with long lines wrapped. Each character takes one cell."""
    found: List[List[Run]] = [[]]
    width = 0
    for run in runs(OTHER.sub("", output)):
        for character in run.text:
            if character == "\n" or width == columns:
                found.append([])
                width = 0
            if character == "\n":
                continue
            row = found[-1]
            if row and row[-1].style == run.style:
                row[-1].text += character
            else:
                row.append(Run(run.style, character))
            width += 1
    while found and not "".join(run.text for run in found[-1]).strip():
        found.pop()
    return found


def draw_row(row: List[Run], y: int) -> str:
    """Draw one line of text."""
    row = [dataclasses.replace(run) for run in row]
    while row and not row[-1].text.strip():
        row.pop()
    if not row:
        return ""
    row[-1].text = row[-1].text.rstrip()
    cells = sum(len(run.text) for run in row)
    inside = "".join(
        f"<tspan{run.style.attributes()}>{escape(run.text)}</tspan>"
        if run.style.attributes() else escape(run.text) for run in row)
    return (f'<text x="{MARGIN}" y="{y}" textLength="{cells * CELL_WIDTH:.1f}"'
            f' lengthAdjust="spacingAndGlyphs" xml:space="preserve">{inside}</text>\n')


def draw(output: str, columns: int, title: str) -> str:
    """Draw the SVG. `title` is for screen readers."""
    screen = rows(output, columns)
    width = round(columns * CELL_WIDTH) + 2 * MARGIN
    height = len(screen) * LINE_HEIGHT + 2 * MARGIN
    lines = "".join(draw_row(row, MARGIN + number * LINE_HEIGHT + FONT_PIXELS)
                    for number, row in enumerate(screen))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" role="img">\n<title>{escape(title)}</title>\n'
            f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>\n'
            f'<g font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace"'
            f' font-size="{FONT_PIXELS}" fill="{FOREGROUND}">\n{lines}</g>\n</svg>\n')
