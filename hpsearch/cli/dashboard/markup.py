"""`dashboard`: HTML of its own pages, with the text of others made safe. May import `hpsearch.text`."""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from hpsearch.storage import REPORTS_PATH
from hpsearch.text import visible

STUDY, STATE, STOP, RESUME = (f"/hpsearch/{part}/" for part in ("study", "state", "stop", "resume"))
"""Where the pages of a study are, their parts as JSON, and what their buttons call; a study's name follows."""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="/hpsearch/page.css">
<link rel="icon" href="data:,">
<script src="/hpsearch/page.js" defer></script>
</head>
<body data-state="{state}" data-from="{source}">
<a class="skip" href="#main">Skip to the content</a>
<header><nav aria-label="Pages">{links}</nav></header>
{alert}<main id="main">
{main}
</main>
<footer><p>Read from {database}. <span id="updated"></span></p><p role="status" id="said"></p></footer>
</body>
</html>
"""


def escaped(text: Any) -> str:
    """A text as HTML shows it."""
    return html.escape(visible(" ".join(str(text).split())))


def page(
    title: str, state: str, parts: Mapping[str, str], database: str, name: str | None = None, error: str = ""
) -> bytes:
    """A page whose parts the script replaces when they change; of the study `name`, or of all. `error` stays."""
    links = [("/", "Studies", name is None)]
    if name is not None:
        links.append((at(REPORTS_PATH, name), "Report", False))
    links.append(("/dashboard", "Optuna Dashboard", False))
    current = {True: ' aria-current="page"', False: ""}
    shown = "".join(f'<a href="{escaped(where)}"{current[here]}>{text}</a>' for where, text, here in links)
    main = "\n".join(f'<section id="{key}">{content}</section>' for key, content in parts.items())
    text = PAGE.format(
        title=escaped(title),
        state=escaped(state),
        source=escaped(at(STATE, name or "")),
        links=shown,
        alert=f'<div role="alert"><p class="error">{escaped(error)}</p></div>\n' if error else "",
        main=main,
        database=escaped(database),
    )
    return text.encode("utf-8", "replace")


def at(path: str, name: str) -> str:
    """The address of a study's page."""
    return path + quote(name, safe="")


def configuration(params: Mapping[str, Any] | None) -> str:
    """A configuration: η = 0.1, hidden = [64]."""
    return ", ".join(f"{key} = {value_text(value)}" for key, value in (params or {}).items())


def value_text(value: Any) -> str:
    """A hyperparameter's value."""
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str] = ()) -> str:
    """A table of cells that are HTML, which becomes cards where the window is narrow; `numbers` are right-aligned."""
    right = [' class="n"' if head in numbers else "" for head in heads]
    head = "".join(f'<th scope="col"{side}>{escaped(each)}</th>' for each, side in zip(heads, right, strict=True))
    body = ""
    for row in rows:
        cells = [f'<th scope="row" data-label="{escaped(heads[0])}">{row[0]}</th>']
        cells += [
            f'<td data-label="{escaped(each)}"{side}>{cell}</td>'
            for each, side, cell in zip(heads[1:], right[1:], row[1:], strict=True)
        ]
        body += f"<tr>{''.join(cells)}</tr>\n"
    return f"<table><caption>{escaped(caption)}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>"


def bar(done: int, total: int, what: str, label: str = "") -> str:
    """A progress bar with its percentage, after a label that can be seen, and with one that is only read out."""
    seen = f"<span>{escaped(label)}</span>" * bool(label)
    ends = f'max="{max(total, 1)}" value="{min(done, total)}"'
    percent = f"<span>{100 * done // max(total, 1)}%</span>"
    return f'<span class="bar">{seen}<progress {ends} aria-label="{escaped(what)}"></progress>{percent}</span>'
