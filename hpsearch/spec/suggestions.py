"""What the writer of an unknown key may have meant: a typing error, or another library's name. Imports nothing.

The names are those of Optuna, scikit-learn, PyTorch, Keras and Ray Tune.
"""

import difflib
from collections.abc import Iterable, Iterator

SHORT = 8
"""So many known keys are listed where none is near."""

EVERYWHERE = "; docs/study-file.md and `hpsearch schema` have all keys"

_ROWS = (
    # training
    ("eta eta_max", "learning_rate lr eta0 learning_rate_init initial_lr"),
    ("eta every_epochs", "step_size"),
    ("eta_max", "max_lr lr_max peak_lr max_learning_rate"),
    ("eta_min", "base_lr min_lr lr_min min_learning_rate"),
    ("lambda weight_decay", "weight_decay l2 alpha reg regularisation regularization reg_lambda l2_reg lam"),
    ("batch_size batch", "minibatch_size minibatch mini_batch_size mini_batch batchsize bs"),
    ("epochs trials", "n_epochs num_epochs nb_epochs nb_epoch max_epochs max_iter"),
    ("schedule", "lr_schedule scheduler lr_scheduler learning_rate_schedule"),
    ("optimiser", "optimizer solver opt"),
    ("loss", "criterion loss_function loss_fn"),
    ("class_weight", "class_weights pos_weight scale_pos_weight sample_weight weights is_unbalance"),
    ("stop", "early_stopping early_stop"),
    ("clip_norm", "grad_clip clip_grad clipnorm max_norm max_grad_norm gradient_clipping gradient_clip"),
    ("factor", "gamma decay decay_rate lr_decay"),
    ("warmup_updates", "warmup_steps num_warmup_steps"),
    ("half_cycle_updates", "step_size_up n_s"),
    ("warm", "pct_start"),
    ("epsilon", "eps"),
    ("momentum", "mu"),
    ("min_delta", "tol tolerance threshold"),
    ("patience", "n_iter_no_change max_stagnation"),
    # the model
    ("hidden", "hidden_layer_sizes n_hidden layers hidden_units units hidden_size hidden_sizes hidden_dim n_units"),
    ("dropout", "dropout_rate drop_rate"),
    ("activation", "nonlinearity activation_function"),
    # data
    ("validation", "val valid validation_split val_split dev validation_size val_size validation_fraction n_val"),
    ("folds", "n_splits cv k n_folds num_folds kfold"),
    ("train", "train_size n_train"),
    ("test", "test_size n_test"),
    ("samples", "image x data features inputs"),
    ("labels label", "y target targets"),
    ("path", "file filename folder directory"),
    ("flip", "hflip horizontal_flip random_flip mirror"),
    ("shift", "random_crop crop translate translation"),
    ("noise", "noise_std gaussian_noise sigma"),
    # stages
    ("trials", "n_trials max_trials num_trials num_samples n_configs"),
    ("trials epochs", "n_iter"),
    ("seed", "random_state random_seed"),
    ("replicates", "n_replicates repeats n_repeats seeds n_seeds"),
    ("space configuration", "params parameters search_space param_space param_grid param_distributions distributions"),
    ("configurations configuration", "settings setting configs config"),
    ("startup", "n_startup_trials"),
    ("min_epochs", "min_resource grace_period n_warmup_steps min_budget"),
    ("keep", "reduction_factor eta"),
    ("minutes", "timeout time_limit max_time time_budget"),
    ("memory", "max_memory memory_limit mem_limit ram"),
    ("updates", "max_steps max_updates n_steps num_steps"),
    ("--workers", "n_jobs num_workers n_workers workers jobs"),
    # a range
    ("low", "min minimum lower"),
    ("high", "max maximum upper"),
    ("log", "log_scale log_uniform"),
    ("choices", "values categories options"),
    ("points", "num n_points"),
    ("step", "q quantum quantisation increment"),
)
"""Our keys, the likelier first, and what others call them."""

_OURS: dict[str, list[str]] = {}
for _keys, _others in _ROWS:
    for _other in _others.split():
        _OURS.setdefault(_other, []).extend(_keys.split())

_TABLES = {
    **dict.fromkeys(
        ("eta", "lambda", "batch_size", "epochs", "schedule", "optimiser", "loss", "class_weight", "stop", "clip_norm"),
        "[training]",
    ),
    **dict.fromkeys(("train", "validation", "dataset"), "[data]"),
    **dict.fromkeys(("flip", "shift", "noise"), "[augmentation]"),
    **dict.fromkeys(("hidden", "dropout", "activation"), "[model]"),
    **dict.fromkeys(("space", "sampler", "pruner", "budget", "replicates", "configurations"), "[[stage]]"),
    **dict.fromkeys(("first", "from", "default", "confirm", "constraints"), "[[stage]]"),
    **dict.fromkeys(("eta_min", "eta_max", "factor", "warmup_epochs"), "training.schedule"),
    **dict.fromkeys(("momentum", "beta1", "beta2", "epsilon"), "training.optimiser"),
    "folds": "data.validation",
    "minutes": "the stage's budget",
    "memory": "trial",
    "trials": "a random, qmc, tpe, cmaes or gp sampler",
    "n_startup_trials": "a tpe sampler",
    "seed": "the top level of the file",
}
"""Where a key belongs that was given in the wrong table."""


def did_you_mean(given: str, known: Iterable[str], here: str = "") -> str:
    """Return the end of the message that `given` is none of the `known` keys: "; did you mean 'eta'?".

    Without a near one it lists few known keys, and says where to find many. `here` is the table as `_TABLES` has it, if
    its keys are known: a key that belongs there is not looked for elsewhere.

    >>> did_you_mean("learning_rate", ["eta", "epochs"])
    "; did you mean 'eta'?"
    """
    names = sorted(known)
    meant = list(_meanings(given))
    for ours in meant:
        if name := _among(ours, names):
            return f"; did you mean {name!r}?"
    for ours in meant[1:]:
        if ours.startswith("--"):
            return f"; it is the option {ours} of `hpsearch launch`"
        if _TABLES.get(ours, here) != here:
            return f"; did you mean {ours!r} of {_TABLES[ours]}?"
    if len(names) > SHORT and _TABLES.get(given, here) != here:
        return f"; it is a key of {_TABLES[given]}"
    if match := difflib.get_close_matches(given, names, n=1):
        return f"; did you mean {match[0]!r}?"
    if len(names) <= SHORT:
        return f"; known: {', '.join(names)}" if names else ""
    return EVERYWHERE


def _meanings(given: str) -> Iterator[str]:
    """Yield the key itself, then our names for it; of "optimizer.beta1" for either part."""
    head, dot, rest = given.partition(".")
    heads, rests = ([part, *_OURS.get(part.lower().replace("-", "_"), ())] for part in (head, rest))
    yield from (f"{one}{dot}{other}" for one in heads for other in rests)


def _among(ours: str, names: list[str]) -> str | None:
    """Return the name that is `ours`, or the only one that ends so: "schedule.eta_max" for "eta_max"."""
    if ours in names:
        return ours
    inner = [name for name in names if name.endswith(f".{ours}")]
    return inner[0] if len(inner) == 1 else None
