"""Command lines, valid and invalid, for `scripts/fuzz`."""

from collections.abc import Callable
from random import Random

TRIALS = [["--trial", trial] for trial in ("coarse:0", "coarse:3", "coarse:99", "fine:0", "coarse", ":", "coarse:²")]
PLACES = [["--data-dir", folder] for folder in (".", "nowhere", "models/mlp.py", "")]
URLS = [
    ["--storage", url] for url in ("sqlite:///", "x", "sqlite:///models", "sqlite:///no/such.db", "postgresql://h/d")
]
RUNNING = [
    *(["--workers", workers] for workers in ("1", "0", "two", "99999")),
    *(["--quiet"], ["--backend", "threading"], ["--backend", "dask"], ["--reports", "out"], ["--reports", ""]),
]
COMMANDS = (
    *("status", "digest", "verify", "resume", "report", "compare", "delete", "launch", "data", "gradcheck"),
    *("top", "new", "completion"),
)
OPTIONS: dict[str, list[list[str]]] = {
    "status": [*TRIALS, ["--failures"], *URLS],
    "digest": URLS,
    "verify": [*TRIALS, ["--all"], *(["--seed", seed] for seed in ("0", "7", "-1", "x", str(2**64))), *PLACES],
    "resume": [["--accept-changes"], *RUNNING, *PLACES, *URLS],
    "launch": [["--or-resume"], *RUNNING, *PLACES, *URLS],
    "report": [
        *(["--format", formats] for formats in ("html", "csv,md", "pgn", "", ",")),
        *(["--trials", trials] for trials in ("0", "coarse:0,1", "x", "", "99")),
        *(["--examples"], ["--reports", "models/mlp.py"]),
    ],
    "top": [["--once"], *URLS],
    "new": [
        *(["--dataset", dataset] for dataset in ("digits", "mnist", "models", "known.toml", "models/mlp.py", "")),
        *(
            ["--search", searched]
            for searched in ("eta", "lamda", "hidden=[[8], [9]]", "eta=3", "=", "batch_size=[]", "clip_norm")
        ),
        *(["--trials", trials] for trials in ("1", "0", "99", "99999999")),
        *(["--minutes", minutes] for minutes in ("0", "1e-9", "nan", "-1", "1e99")),
        *(["--model", model] for model in ("models/softmax.py", "models", "x.py", "known.toml", "")),
        *(["--epochs", "1"], ["--test", "x"], ["--label", "y"]),
    ],
    "compare": [["known"], ["half"], ["--reports", "out"], ["--reports", "models/mlp.py"]],
    "delete": [["--yes"], ["--yes"], *URLS],
    "gradcheck": [
        ["--h", "nan"],
        ["--tolerance", "inf"],
        ["--lambda", "nan"],
        ["--epsilon", "1e-320"],
        ["--seed", "9"],
    ],
}
"""Options of each command, valid and invalid."""


def arguments(random: Random, text: Callable[[], str], files: list[str]) -> list[str]:
    """Return a command line; its names, numbers and options are valid about half of the time."""
    pick = random.choice
    command = pick(COMMANDS)
    words = [command]
    if command == "data":
        words += [pick(["fetch", "fetch", "clean", "fech"]), pick(["digits", "cifar10", "x"])]
    elif command == "gradcheck":
        words += [pick(["models/mlp.py", "models/x.py", "models", "", "~"]), "--samples", "2", "--features", "3"]
        words += ["--set", pick(["hidden=[3]", "hidden=[-1]", "hidden=3", "hidden", "=", "x=1", 'hidden=["a"]'])]
    elif command == "launch":
        words.append(pick(files))
    elif command == "new":
        words += ["study", "--yes", pick(["mine.toml", "a/b.toml", "known.toml/x", *files])]
    elif command == "completion":
        words.append(pick(["bash", "zsh", "fish", "csh"]))
    else:
        words += [
            pick(["known", "known", "half", "half", "knwn", text()])
            for _ in range(pick([0, 1, 1, 1, 1, 2]) + (command == "compare"))
        ]
    for _ in range(pick([0, 0, 1, 1, 2, 3])):
        known = (
            OPTIONS.get(command, [])
            if random.random() < 0.8
            else [option for some in OPTIONS.values() for option in some]
        )
        words += pick(known or [["--help"]]) if random.random() < 0.9 else [f"--{text()}", text()]
    if random.random() < 0.1:
        words.append("--json")
    if random.random() < 0.1:
        random.shuffle(words)
    if random.random() < 0.15:
        words[random.randrange(len(words))] = text()
    return words
