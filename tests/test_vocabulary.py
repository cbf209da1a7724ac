"""The words that the project has given up, each with the term that replaced it and the few places where it is meant.

docs/glossary.md defines the terms that stay. A place is a pattern of the path, or a pattern of the line.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("hpsearch", "docs", "studies", "models", "README.md", "CONTRIBUTING.md")
SUFFIXES = {".py", ".md", ".html", ".js", ".css", ".toml", ".json", ".svg"}

NOT_CHECKED = r"hpsearch/storage/migrations/|^models/(mlp|softmax)\.py"
"""Migrations, which name the past; and models whose hash is part of digests that were published."""


NOWHERE = r"(?!)"
"""A pattern that matches nothing."""


@dataclass(frozen=True)
class Retired:
    """A word as a regular expression, without regard to case; the term to use; where the word is meant."""

    word: str
    instead: str
    paths: str = NOWHERE
    lines: str = NOWHERE


def only(words: str) -> str:
    """The words as parts of a text or an identifier, but not inside a longer word."""
    return rf"(?<![a-z])(?:{words})(?![a-z])"


IMAGE_FILES = (
    r"docs/(images|css)/|docs/data\.md|data/sources/|data/augmentation\.py|figures/weights\.py|sections/confusion\.py"
    r"|formats/(content|images|latex|markdown|outline|pdf|pdf_figures|registry)\.py|figures/files\.py|reporting/held_out\.py"
    r"|templates/_confusion_matrix\.html"
)
IMAGE_LINES = (
    r"image_shape|pixel|[Ff]lip|mirror|shift|[Cc]olour|channels?\b|CIFAR|MNIST|PNG|JPEG|SVG|svg|<img|[Ww]eights|picture|example"
    r"|!\[|images\]|docs/images|former|FORMER|container image|own images|images for each class|image files"
    r"|image x data|test_images|`images`|images? (is|are) resized|folders? of images|an image is a row|an image, or"
    r"|samples are images|as an image\b|config\.images|\.images\b|def images\(|flattened image"
    r'|replace\("images", "samples"\)'
)
"""Where images are meant: sources of images, changes of images, weights and examples shown as images."""

WORDS = (
    Retired(
        only("settings?"),
        "configuration",
        r"docs/how-to/editor\.md",
        r'"settings": "configurations"|"setting": "config|configs config'
        r'|context_settings|former name|stage\["settings"\]',
    ),
    Retired(
        only("(test|training|train|validation)[ _]images?"),
        "test set, training samples, validation set",
        lines=r"test_images|former|FORMER",
    ),
    Retired(only("images?"), "sample", IMAGE_FILES, IMAGE_LINES),
    Retired(r"\b(told|tells?|telling)( \S+)? (apart|from)\b", "(not) statistically distinguishable, to distinguish"),
    Retired(only("told"), "notified, given, observed", r"search/samplers/"),
    Retired("flatter", "selection bias"),
    Retired("taken for", "confusion matrix: true class, predicted class"),
    Retired("mattered", "hyperparameter importance"),
    Retired("what happened", "diagnosis"),
    Retired(r"(?-i:\bFINE\b)", "HEALTHY"),
    Retired(only("dear"), "expensive"),
    Retired("doomed", "pruned, would have been pruned"),
    Retired("careful", "isolated, cautious"),
    Retired("surrounding", "context"),
    Retired(r"(?-i:Asking)", "sampling"),
    Retired(r"(?-i:\bAsked\b)", "options"),
    Retired(only("standings?"), "status, position, order"),
    Retired(
        only("looking|looked at|looks at|number of looks|looks"),
        "evaluation on the test set, to read, to check",
        lines="looks (up|ahead|like)",
    ),
    Retired(only("founding|examining|telling|serving|placing|hosting"), "a noun or a verb"),
    Retired(only("races?|racer|entrants?|judges?|judged"), "stage with a pruner, candidate, pruner"),
    Retired(r"import words\b|\bwords\.py|`words`", "formatting, text"),
    Retired(only("guess(es|ed|ing)?"), "prediction, chance level"),
    Retired(only("apart"), "separate, distinguish"),
    Retired(only("lone"), "single", lines="lone surrogate"),
    Retired(only("knots?"), "cycle"),
    Retired(only("sound"), "valid, intact"),
    Retired(r"searched keys?\b|keys? searched|keys_searched|keys? that (is|are) searched", "hyperparameter"),
    Retired(only("forms"), "formats", lines="short[_ ]forms"),
    Retired(only("mend(s|ed|ing)?"), "fix, correct"),
)


@cache
def texts() -> dict[str, str]:
    """Every text that is checked, by its path."""
    found = [path for place in PLACES for path in [ROOT / place, *(ROOT / place).rglob("*")]]
    names = {path.relative_to(ROOT).as_posix(): path for path in found if path.suffix in SUFFIXES and path.is_file()}
    return {name: path.read_text("utf-8") for name, path in sorted(names.items()) if not re.search(NOT_CHECKED, name)}


@cache
def lines_with(retired: Retired) -> list[tuple[str, int, str]]:
    """Each line that has the word, as (path, number, line); line 0 is the path itself."""
    word, found = re.compile(retired.word, re.IGNORECASE), []
    for name, text in texts().items():
        if name.startswith("hpsearch/") and word.search(Path(name).stem):
            found.append((name, 0, name))
        numbers = dict.fromkeys(text.count("\n", 0, match.start()) for match in word.finditer(text))
        lines = text.splitlines() if numbers else []
        found += [(name, number + 1, lines[number]) for number in numbers]
    return found


def uses(retired: Retired) -> list[str]:
    """Where the word is used and not meant: "file:line: text"."""
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, number, line in lines_with(retired)
        if not re.search(retired.paths, name) and not re.search(retired.lines, line)
    ]


@pytest.mark.parametrize("retired", WORDS, ids=lambda retired: retired.instead)
def test_a_retired_word_is_used_only_where_it_is_meant(retired):
    assert uses(retired) == [], f"use instead: {retired.instead}"


def test_the_check_finds_a_word_in_a_sentence_and_in_an_identifier():
    settings, images = WORDS[0].word, WORDS[2].word
    for text in ("each setting", "best_setting", "`settings`", "Setting"):
        assert re.search(settings, text, re.IGNORECASE)
    for text in ("n_images", "of the images,", "an image"):
        assert re.search(images, text, re.IGNORECASE)
    assert not re.search(settings, "resetting", re.IGNORECASE)
    assert not re.search(WORDS[3].word, "told the worker", re.IGNORECASE)


def test_every_exception_is_needed():
    unused = []
    for retired in WORDS:
        found = lines_with(retired)
        if retired.paths != NOWHERE and not any(re.search(retired.paths, name) for name, _, _ in found):
            unused.append((retired.word, retired.paths))
        if retired.lines != NOWHERE and not any(re.search(retired.lines, line) for _, _, line in found):
            unused.append((retired.word, retired.lines))
    assert unused == []
