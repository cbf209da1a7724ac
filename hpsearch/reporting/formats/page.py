"""Our templates, rendered as a page. May import Jinja2 and `hpsearch.text`.

Every text is escaped for HTML, and marks of direction and control characters are written out. Markdown, LaTeX and PDF
are made from the page.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from hpsearch.text import visible


def page(template: str, **values: Any) -> str:
    """Render a template as a page."""
    return visible(_environment().get_template(template).render(**values))


def compile_templates() -> None:
    """Compile all templates of a study's page, which `page` does otherwise."""
    for name in _environment().list_templates(filter_func=lambda name: name == "index.html" or name.startswith("_")):
        _environment().get_template(name)


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    """Return the environment of our templates: it escapes every text, and has `read` and `unbroken`."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("hpsearch.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["unbroken"] = unbroken
    folder = Path(__file__).parent.parent / "templates"
    made.globals["read"] = lambda file: Markup((folder / file).read_text(encoding="utf-8"))
    return made


_NUMBER = re.compile(r"\d[\d.,]*(e-?\d+|–\d[\d.]*)")


def unbroken(text: str) -> Markup:
    """Escape a text for HTML, and keep numbers such as 6.75e-4 and 50.75–52.71 on one line."""
    return Markup(_NUMBER.sub(lambda number: f'<span class="number">{number[0]}</span>', str(escape(text))))
