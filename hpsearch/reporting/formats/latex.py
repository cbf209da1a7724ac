"""The report as LaTeX: a document that pdflatex compiles, and its tables for `\\input`.

Both need booktabs and longtable, which every TeX installation has. No text of a user or a model can become a command.
"""

import re
from collections.abc import Mapping, Sequence

from hpsearch.reporting.formats.content import Content, Files
from hpsearch.reporting.formats.images import figure_paths
from hpsearch.reporting.formats.outline import Block, Heading, Images, Paragraph, Table, Verbatim, shortened

_PREAMBLE = r"""\documentclass[a4paper,10pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{lmodern}
\usepackage[a4paper,margin=18mm]{geometry}
\usepackage{booktabs,longtable,array,graphicx}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\setlength{\tabcolsep}{4pt}
\sloppy
"""

_CELL, _TEXT, _LINES = 160, 2_000, 400
"""The most characters of a table cell and of a paragraph, and the most lines of a verbatim block."""

_COMMANDS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "-": r"-{}",
    " ": " ",
    "\u00a0": "~",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "‘": r"\textquoteleft{}",
    "’": r"\textquoteright{}",
    "…": r"\dots{}",
    "−": r"\ensuremath{-}",
    "½": r"\ensuremath{\frac12}",
    "•": r"\textbullet{}",
    "₁": r"\textsubscript{1}",
    "₂": r"\textsubscript{2}",
    "²": r"\textsuperscript{2}",
}
_GREEK = "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi"
_MATHS = dict(zip("αβγδεζηθικλμνξπρστυφχ", _GREEK.split(), strict=True)) | {"ψ": "psi", "ω": "omega"}
_MATHS |= {"Δ": "Delta", "Σ": "Sigma", "∑": "Sigma", "‖": "Vert", "·": "cdot", "◂": "triangleleft"}
_MATHS |= {"≈": "approx", "±": "pm", "×": "times", "÷": "div", "≤": "leq", "≥": "geq", "≠": "neq"}
_MATHS |= {"→": "to", "←": "gets", "∈": "in", "√": "surd", "∞": "infty"}


def files(content: Content) -> Files:
    """Return document.tex, with the figures if the report has them as PNG files, and tables.tex."""
    figures = figure_paths(content, ("png",))
    return {"document.tex": document(content.blocks, figures), "tables.tex": tables(content.blocks)}


def escape(text: str) -> str:
    r"""Escape a text for TeX; a character that its fonts lack becomes its number, e.g. [U+1F600].

    >>> print(escape(r"\input{x} & λ"))
    \textbackslash{}input\{x\} \& \ensuremath{\lambda}
    """
    return "".join(_character_in_tex(character) for character in text)


def _character_in_tex(character: str) -> str:
    if character in _COMMANDS:
        return _COMMANDS[character]
    if character in _MATHS:
        return rf"\ensuremath{{\{_MATHS[character]}}}"
    if character.isascii():
        return character if character.isprintable() else " "
    # The Latin letters that inputenc and the T1 fonts have; any other character would stop pdflatex.
    if "\u00c0" <= character <= "\u017e" and character.isalpha() and character not in _NOT_IN_T1:
        return character
    return rf"{{\footnotesize[U+{ord(character):04X}]}}"


_NOT_IN_T1 = frozenset("ĦħĸĿŀŉŦŧ")


def _breakable(text: str, length: int) -> str:
    """Escape a text, shortened to a length, and let TeX break words that are longer than a column."""
    words = (re.findall(r".{1,16}", word) for word in shortened(text, length).split())
    return " ".join(r"\allowbreak{}".join(escape(part) for part in parts) for parts in words)


def document(blocks: Sequence[Block], figures: Mapping[str, str]) -> str:
    """Return the blocks of a page as a LaTeX document; `figures` has the path of each PNG file by the figure's name."""
    body = [part for block in blocks for part in _block(block, figures)]
    return "\n".join([_PREAMBLE, r"\begin{document}", *body, r"\end{document}", ""])


def tables(blocks: Sequence[Block]) -> str:
    """Return the tables only, each after a comment, for a document that loads booktabs, longtable and array."""
    parts, heading = [], ""
    for block in blocks:
        if isinstance(block, Heading):
            heading = escape(block.text)
        elif isinstance(block, Table) and any(block.header):
            parts.append(f"% {heading}\n{_table(block)}\n")
    return "\n".join(parts)


def _block(block: Block, figures: Mapping[str, str]) -> list[str]:
    if isinstance(block, Heading):
        command = ("section", "section", "subsection", "subsubsection")[block.level - 1]
        if block.level == 1:
            return [rf"\par{{\LARGE\bfseries {_breakable(block.text, 300)}\par}}\bigskip"]
        return [rf"\{command}*{{{_breakable(block.text, 300)}}}"]
    if isinstance(block, Paragraph):
        text = _breakable(block.text, _TEXT)
        return [rf"\par\textbullet\ {text}\par" if block.listed else rf"\par {text}\par"]
    if isinstance(block, Table):
        return [_table(block)]
    if isinstance(block, Verbatim):
        lines = block.text.splitlines()[:_LINES]
        return [r"\par{\footnotesize\ttfamily\raggedright", *(_verbatim(line) for line in lines), "}"]
    width = r"\linewidth" if isinstance(block, Images) else r"0.49\linewidth"  # two in a line
    path = figures.get(block.name)
    return [rf"\includegraphics[width={width}]{{{path}}}"] if path else []


def _verbatim(line: str) -> str:
    indent = len(line) - len(line.lstrip())
    return rf"\mbox{{}}{'~' * indent}{_breakable(line, _TEXT)}\par"


def _table(table: Table) -> str:
    kinds = []
    texts = sum(table.left)
    for column, left in enumerate(table.left):
        longest = max((len(row[column]) for row in table.rows), default=0)
        wide = longest > 24
        width = 0.6 if texts == 1 and len(table.left) <= 3 else 0.22
        kinds.append(rf">{{\raggedright\arraybackslash}}p{{{width}\linewidth}}" if wide else "l" if left else "r")
    lines = [r"\par{\scriptsize", rf"\begin{{longtable}}[l]{{@{{}}{''.join(kinds)}@{{}}}}", r"\toprule"]
    if any(table.header):
        lines += [_line(list(map(_heading, table.header, table.left))), r"\midrule", r"\endhead"]
    lines += [_line([_breakable(cell, _CELL) for cell in row]) for row in table.rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{longtable}", "}"])


def _heading(text: str, left: bool) -> str:
    """Set a long heading of several words in two lines, as the page does."""
    first, _, rest = text.rpartition(" ") if len(text) > 12 else ("", "", text)
    parts = [_breakable(part, 60) for part in (first, rest) if part]
    return rf"\shortstack[{'l' if left else 'r'}]{{{parts[0]}\\{parts[1]}}}" if len(parts) > 1 else "".join(parts)


def _line(cells: Sequence[str]) -> str:
    # A bracket at the start of a row would be read as the optional argument of the row's end before it.
    return rf"{' & '.join(cell and f'{{}}{cell}' for cell in cells)} \\"
