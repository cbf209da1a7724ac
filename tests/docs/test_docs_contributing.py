"""CONTRIBUTING.md names files, folders and tables of the code that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
FOLDERS = re.findall(r"^\| `.*\|$", TEXT, re.M)
ROWS = re.findall(r"^\| [a-z].*\|$", TEXT, re.M)
PLACEHOLDER = re.compile(r"NAME|NNNN|\bX\b")


def paths(row: str) -> list[str]:
    """What a row of a table names: files, and folders by their last slash."""
    linked = re.sub(r"\[[^]]*\]\(([^)]*)\)", r"\1", row).replace("versionN", "version4")
    found = re.findall(
        r"(?<![\w/.])(?:[\w-]+/)*[\w.-]*\w\.(?:py|md|toml|html|yml)\b|scripts/\w+|(?<![\w/])(?:[\w-]+/)+(?=[\s`,;|)])",
        linked,
    )
    return [path for path in found if not PLACEHOLDER.search(path)]


def candidates(path: str, row: str) -> list[Path]:
    """Where a path may be: at the root, in the package, or in a folder that the row names."""
    folders = [Path(each).parent if "." in each else Path(each) for each in paths(row)]
    bases = [root / folder for root in (ROOT, ROOT / "hpsearch") for folder in (Path(), *folders)]
    return [base / path for base in bases]


@pytest.mark.parametrize("row", FOLDERS + ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_every_place_that_a_row_names_exists(row):
    missing = [path for path in paths(row) if not any(each.exists() for each in candidates(path, row))]
    assert missing == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_every_name_of_the_code_in_a_row_is_in_one_of_its_files(row):
    files = [each for path in paths(row) for each in candidates(path, row) if each.is_file()]
    text = "".join(path.read_text("utf-8") for path in files)
    names = {name for name in re.findall(r"`([A-Za-z_]{3,})`", row) if not PLACEHOLDER.search(name)}
    assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()
