"""Study files that are invalid in many ways, for `scripts/fuzz`."""

import copy
import json
import random
import re
import tomllib
from pathlib import Path
from typing import Any

import torture_studies

ROOT = Path(__file__).resolve().parent.parent

KNOWN = """\
name = "known"

[data]
dataset = "digits"
train = 200
validation = 100

[model]
file = "models/mlp.py"
hidden = [4]

[training]
epochs = 2
eta = 0.1
batch_size = 50

[[stage]]
name = "coarse"
sampler = { kind = "random", trials = 12 }
budget = { minutes = 60, epochs = 24 }
confirm = { best = 2, replicates = 2 }
space.lambda = { low = 1e-5, high = 1e-1, log = true }
space.eta = { low = 1e-2, high = 0.5, log = true }
"""
"""A study that is complete before the fuzzing begins, to mutate and to grow."""

PARTS = [
    'sampler = { kind = "qmc", trials = 7, qmc_type = "halton", scramble = false }',
    'sampler = { kind = "tpe", trials = 9, window = 3, n_startup_trials = 2, multivariate = false, gamma = 3 }',
    'sampler = { kind = "cmaes", trials = 9, batch = 4, sigma0 = 0.3 }',
    'sampler = { kind = "gp", trials = 9, deterministic_objective = true }',
    'sampler = { kind = "grid", batch = 4 }',
    'pruner = { kind = "halving", keep = 0.333, rungs = 3, min_epochs = 1, audit = 0.05 }',
    'pruner = { kind = "halving", rungs = [2, 4, 8] }',
    'pruner = { kind = "hyperband", keep = 0.333, min_epochs = 1, audit = 0.0 }',
    'pruner = { kind = "median", startup = 5, rungs = [1, 2], min_epochs = 1 }',
    "budget = { minutes = 0.5, epochs = 400, target = 0.55, patience = 20 }",
    "first = [{ lambda = 1e-3 }, { eta = 0.1, lambda = 1e-4 }]",
    'from = "known"',
    'from = "known/coarse"',
    "replicates = 3",
    "confirm = 5",
    "confirm = { best = 3, replicates = 10 }",
    "test = true",
    'training = { schedule = { kind = "cyclical", eta_min = 1e-5, eta_max = 1e-1, step = 100 } }',
    "augmentation = { flip = true, shift = 2, noise = 0.1 }",
    'space.lambda = { around = "coarse", best = 3, points = 5 }',
    'stop = { patience = 3, metric = "loss" }',
]

NASTY: list[Any] = [
    *(0, 1, -1, 2, 3, 10, 1_000, 10**6, 10**9, 10**12, 2**31, 2**63 - 1, -(2**63), 2**63, 10**30),
    *(0.0, -0.0, 0.5, 1.0, -1.0, 1e-3, 1e-300, 5e-324, 1e300, -1e300, float("nan"), float("inf"), float("-inf")),
    *("", "x", " ", "\t", "a\nb", "a\0b", "\x1b[31m", "ä☃🎉", "\u202egnal", "\ud7ff", "../..", "/", "~", "%s{0}$x"),
    *("x" * 600, "coarse", "final", "known", "known/coarse", "known/", "/", "nan", "true", "-x", "loky", "digits"),
    *(True, False, [], {}, [[]], [{}], [1, "a", 2.5], [True, 1, 1.0], [0] * 400, {"low": 1, "high": 2}, {"": 1}),
    *([float("nan")], {"choices": []}, {"low": 0, "high": 0}, {"low": 1, "high": 10**18}, {"kind": "random"}),
    *({"around": "coarse"}, {"low": 1e-5, "high": 1e-1, "log": True, "points": 10**9}, [1, 1], ["a", "a"]),
]

Path_ = tuple[Any, ...]


def seeds() -> list[dict[str, Any]]:
    """Return valid study files as tables: ours, those of the docs and of the torture, and some with each of PARTS."""
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "studies").glob("*.toml"))]
    for page in sorted((ROOT / "docs").glob("*.md")):
        texts += re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    texts += [torture_studies.study(1, number)[1] for number in range(30)]
    texts += [KNOWN.replace('"known"', '"part"') + part + "\n" for part in PARTS]
    found = []
    for text in texts:
        try:
            said = tomllib.loads(text)
        except tomllib.TOMLDecodeError:  # the docs list alternatives that exclude each other
            continue
        if isinstance(said.get("data"), dict) and "name" in said:
            small = {"dataset": "digits", "train": 200, "validation": said["data"].get("validation", 100)}
            small["validation"] = small["validation"] if isinstance(small["validation"], dict) else 100
            found.append(said | {"data": small})
    return found


def dump(value: Any, top: bool = True) -> str:
    """Write a value as TOML, with inline tables inside it."""
    if isinstance(value, dict):
        pairs = [f"{_key(key)} = {dump(item, top=False)}" for key, item in value.items()]
        return "\n".join(pairs) + "\n" if top else "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(dump(item, top=False) for item in value) + "]"
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _key(key: Any) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", str(key)) else dump(str(key), top=False)


def places(value: Any, path: Path_ = ()) -> list[Path_]:
    """Return the paths of everything inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for key, item in items:
        found += [(*path, key), *places(item, (*path, key))]
    return found


def at(value: Any, path: Path_) -> Any:
    """Return what is at a path."""
    for key in path:
        value = value[key]
    return value


class Mutator:
    """Makes one mutated study file after another."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.seeds = seeds()
        self.known = tomllib.loads(KNOWN)
        self.pieces = [(path[-1], at(said, path)) for said in self.seeds for path in places(said)]
        self.pieces += [next(iter(tomllib.loads(part).items())) for part in PARTS]

    def study_file(self, base: dict[str, Any] | None = None) -> bytes:
        """Return a study file with zero to four changes, sometimes also in its text or bytes."""
        said = copy.deepcopy(base if base is not None else self.random.choice(self.seeds))
        if base is not None and self.random.random() < 0.7:
            self.grow(said["stage"])
        for _ in range(self.random.choice([0, 1, 1, 1, 1, 2, 2, 3, 4])):
            self.change(said)
        text = dump(said)
        if self.random.random() < 0.15:
            for _ in range(self.random.randint(1, 3)):
                text = self.scramble(text)
        content = text.encode("utf-8", "surrogatepass")
        if self.random.random() < 0.02:
            at = self.random.randrange(len(content) + 1)
            content = content[:at] + self.random.choice([b"\xff", b"\xc3", b"\x00", b"\xef\xbb\xbf"]) + content[at:]
        return content

    def grow(self, stages: list[dict[str, Any]]) -> None:
        """Extend the stages of a study, or add stages."""
        stage = stages[0]
        stage["budget"]["epochs"] += self.random.choice([0, 0, 20, 10**6])
        stage["budget"]["minutes"] *= self.random.choice([1, 1, 2, 1e9])
        stage["sampler"]["trials"] += self.random.choice([0, 1, 100])
        stage["confirm"]["replicates"] += self.random.choice([0, 0, 1, 5])
        if self.random.random() < 0.4:
            stages.append(copy.deepcopy(stage) | {"name": self.random.choice(["more", "coarse", "final"])})

    def change(self, said: dict[str, Any]) -> None:
        """Change one value or key in the tables of a study file."""
        found = places(said)
        if not found:
            return
        *way, key = self.random.choice(found)
        inside = at(said, tuple(way))
        how = self.random.choice(
            ["nasty", "nasty", "number", "number", "delete", "rename", "add", "add", "swap", "wrap"]
        )
        if how == "nasty":
            inside[key] = self.nasty()
        elif how == "number" and isinstance(inside[key], int | float) and not isinstance(inside[key], bool):
            inside[key] = self.number(inside[key])
        elif how == "delete":
            del inside[key]
        elif how == "rename" and isinstance(inside, dict):
            inside[self.name(str(key))] = inside.pop(key)
        elif how == "add":
            self.add(said, inside)
        elif how == "swap":
            inside[key] = copy.deepcopy(at(said, self.random.choice(found)))
        elif how == "wrap":
            for _ in range(self.random.choice([1, 1, 2, 30, 90])):
                inside[key] = self.random.choice([[inside[key]], {"a": inside[key]}])

    def add(self, said: dict[str, Any], inside: Any) -> None:
        """Add something from another study file, mostly to a stage."""
        key, value = copy.deepcopy(self.random.choice(self.pieces))
        stages = said.get("stage")
        if isinstance(stages, list) and stages and self.random.random() < 0.7:
            inside = self.random.choice(stages)
            key, value = copy.deepcopy(next(iter(tomllib.loads(self.random.choice(PARTS)).items())))
        if isinstance(inside, dict):
            both = isinstance(inside.get(str(key)), dict) and isinstance(value, dict)
            inside[str(key)] = inside[str(key)] | value if both else value
        elif isinstance(inside, list):
            inside.insert(self.random.randrange(len(inside) + 1), value)

    def nasty(self) -> Any:
        return copy.deepcopy(self.random.choice(NASTY))

    def number(self, value: float) -> float:
        """Return a number near to the value, or far from it."""
        if not abs(value) < 1e100:  # or NaN
            return 1
        choices = [
            value + 1,
            value - 1,
            value * 2,
            value * 10,
            -value,
            value / 2,
            value * 1e6,
            float(value),
            round(value),
        ]
        return self.random.choice(choices)

    def name(self, key: str) -> str:
        """Return a misspelt key."""
        at = self.random.randrange(len(key) + 1)
        return self.random.choice(
            [
                key[:at] + key[at + 1 :],
                key[:at] + "e" + key[at:],
                key.upper(),
                "",
                key * 100,
                "ä☃",
                "a\nb",
                "\x1b[31m",
                " ",
            ]
        )

    def scramble(self, text: str) -> str:
        """Change a text regardless of its syntax."""
        a, b = sorted(self.random.randrange(len(text) + 1) for _ in range(2))
        lines = text.splitlines(keepends=True)
        self.random.shuffle(lines)
        return self.random.choice(
            [
                text[:a],
                text[:a] + text[b:],
                text[:b] + text[a:],
                text[:a]
                + self.random.choice(['"', "[", "]", "{", "}", "=", "\n", "#", "\0", "'''", "\r", "\u2028", "ä"])
                + text[a:],
                "".join(lines),
                text + "[" * self.random.choice([1, 2000, 100_000]),
                text + f"\nx = {'[' * 300}{']' * 300}\n",
                text + "#" * self.random.choice([1, 1_100_000]),
                text * 2,
            ]
        )

    def text(self) -> str:
        """Return a random argument; the operating system does not allow NUL in one."""
        value = self.nasty()
        return (value if isinstance(value, str) else dump(value, top=False)).replace("\0", "")
