"""What a study file means for its digest, which must stay as it was when the first digests were written down."""

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hpsearch.search.verify.checks import meaning

STUDIES = Path(__file__).parents[2] / "studies"
DIGITS = (STUDIES / "digits.toml").read_text("utf-8")

MEANINGS = [
    ("coarse_to_fine.toml", "7a08dba8bab0400a8e3eae3f7484f3ae858037a9cec95578656d42cb54d7834f"),
    ("cyclical.toml", "c52e581d7a4ae2941fc4f0d4a13f6c7daae047947f4cbc8cc36af994e1d7a4fd"),
    ("digits.toml", "ce4dec9f715dc704aa25a47c1e4038d0d1707e2201b8eedb46bf7aa7d2bf0f72"),
    ("halving.toml", "fcd8141ca19ea282ed376679d282ea87ab4003175dfcbeab08cb559c44f52b52"),
    ("lvq.toml", "7e84473c12f5a029c8dec4e7ccd59b51211ef8f16337e7fb2de2dc4918ebe3ec"),
    ("mlp_bonus.toml", "794e4cbaaaa629cf7d2f0ef5ea10b9e20c392999518870f99fd2a6c0fb145b3b"),
    ("sgd_classifier.toml", "30db79c4f0c32778027e8a5388598327d3f214ae1edb1eaa7af3727fafc5952f"),
    ("softmax_bonus.toml", "473440850af3a98d49afd731e869df7289c1354d77cbeacba1812e2bd7444f3e"),
    ("softmax_long.toml", "f3c12719f674c80e802cb9b94f010b52abc93e8a8607090fa7c4466893a078f2"),
    ("softmax_table.toml", "5fe5eb9713123012d90718b29e62cadeae3413cb1bf89603ad6500976bc51677"),
]
"""SHA-256 of `meaning` in version 3 of the database."""

DATASETS = [
    (
        '{ kind="npz", path="a", samples="x", labels="y", test_samples="t", test_labels="u", channels="first" }',
        "921092f425a10d9179a1fc07e93f3d6deb668b08762dfe512db0d86f12f19c6b",
    ),
    (
        '{ kind="npz", path="a", images="x", labels="y", test_images="t", test_labels="u", channels="first" }',
        "921092f425a10d9179a1fc07e93f3d6deb668b08762dfe512db0d86f12f19c6b",
    ),
    ('{ kind="npz", path="a", test=10 }', "f39fd7ac5d3e8a23166cf14ecd8d1c3396ae339f8608e55c530bd375aa276eab"),
    (
        '{ kind="python", path="a", images=3, test_images=[4], samples=2 }',
        "578d4bd1e0f875d37861bec85333a7cfaef15a23608628b7fcfe010d1d65b1d2",
    ),
]


def hashed(text: str) -> str:
    row = cast(Any, SimpleNamespace(text=text, path="x"))
    return hashlib.sha256(meaning(row).encode()).hexdigest()


@pytest.mark.parametrize(("name", "expected"), MEANINGS)
def test_a_study_means_what_it_meant(name, expected):
    assert hashed((STUDIES / name).read_text("utf-8")) == expected


@pytest.mark.parametrize(("dataset", "expected"), DATASETS)
def test_a_dataset_by_path_means_what_it_meant_under_former_and_present_names(dataset, expected):
    text = DIGITS.replace('dataset = "digits"', f"dataset = {dataset}")
    assert text != DIGITS
    assert hashed(text) == expected


@pytest.mark.parametrize("objective", ["", 'metric = "balanced_accuracy"\nalso = ["log_loss"]\n'])
def test_the_region_of_equivalence_is_the_reports_alone(objective):
    assert hashed(f"{DIGITS}\n[objective]\n{objective}rope = 0.02\n") == hashed(f"{DIGITS}\n[objective]\n{objective}")
