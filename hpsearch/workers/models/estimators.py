"""Estimators with scikit-learn's interface as trainables. May import trainables; scikit-learn, where there is one.

An estimator is fitted exactly again from its data, parameters and seed, so that its state is the number of its epochs,
and nothing is ever unpickled.
"""

import re
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from hpsearch.trainables import Array, Data, State
from hpsearch.workers.models.predictions import of_classes_or_scores, of_probabilities

PER_EPOCH = "per_epoch"
"""The key of [model] for how many trees, or iterations of boosting, an epoch adds."""

_OURS = {"random_state": "the study's seed", "n_jobs": "1", "warm_start": "what [training] epochs needs"}
"""Parameters that an estimator gets from us."""

_GOES_ON_FROM = {"xgboost.": ("xgb_model", "get_booster"), "lightgbm.": ("init_model", "booster_")}
"""By package: the argument of `fit` that has it go on from what was fitted before, and what has that."""

_NOT_FOR_FIT = re.compile(
    "seed|thread|^(data|valid|task|machine|local_listen|time_out|initscore|header|parser|pre_partition|two_round)"
    "|column$|filename$|^(save|snapshot|input|output|convert|predict|start|num_iteration_predict|pred|precise)"
)
"""Parameters of LightGBM's program for files and machines, and those that are set for it."""

_OWN_DECISIONS = ("BaseSVC", "BaseThresholdClassifier")
"""Base classes whose `predict` is not always the class of the largest score or probability."""

Parameters = Mapping[str, Any]


def default_of(function: Callable[..., Any]) -> Any:
    """The estimator that a class or a function gives without parameters; raises what that raises."""
    return function()


def names_of(estimator: Any) -> list[str]:
    """All names that a study file may set: also `step__parameter` of a pipeline, and `per_epoch` where it has a use."""
    return [*estimator.get_params(), *_further(estimator), *([PER_EPOCH] if _counted(estimator) else [])]


def _further(estimator: Any) -> list[str]:
    """Names that its parameters do not list: LightGBM's classes take LightGBM's own, such as `verbose`, as well."""
    if not type(estimator).__module__.startswith("lightgbm."):
        return []
    own, found = estimator.get_params(), ["verbose"]
    aliases = getattr(sys.modules["lightgbm.basic"], "_ConfigAliases", None)  # which LightGBM keeps to itself
    for name, others in aliases._get_all_param_aliases().items() if aliases else [("verbosity", ())]:
        if not own.keys() & {name, *others} and not _NOT_FOR_FIT.search(name):
            found.append(name)
    return found


def goes_on(function: Callable[..., Any], given: Iterable[str]) -> bool:
    """Can it be trained by epochs, with these parameters given?"""
    estimator = default_of(function)
    counted = _counted(estimator)
    return counted not in given if counted else callable(getattr(estimator, "partial_fit", None))


def _counted(estimator: Any) -> str | None:
    """The parameter that counts what an ensemble has, where it can get more; `max_iter` of others is a limit."""
    own = estimator.get_params(deep=False)
    if "n_estimators" in own and _goes_on_from(estimator):
        return "n_estimators"
    if "warm_start" not in own:
        return None
    boosting = any(base.__name__ == "BaseHistGradientBoosting" for base in type(estimator).__mro__)
    return "n_estimators" if "n_estimators" in own else "max_iter" if boosting else None


def _goes_on_from(estimator: Any) -> tuple[str, str] | None:
    module = type(estimator).__module__
    return next((names for package, names in _GOES_ON_FROM.items() if module.startswith(package)), None)


class Estimator:
    """An estimator under training: in one epoch by `fit`, in more by warm starts or `partial_fit`.

    Raises ValueError for parameters, data or epochs that it does not take.
    """

    def __init__(self, made: Any, data: Data, seed: int, given: Parameters, epochs: int) -> None:
        self.estimator, self.data, self.seed, self.epochs, self.done = made, data, seed, epochs, 0
        _check_task(made, data)
        flat = dict(_flat(made, given))
        if ours := next((key for key in flat if _last(key) in _OURS), None):
            raise ValueError(f"{ours} must not be given; it is {_OURS[_last(ours)]}")
        counted = _counted(made)
        self._per_epoch = flat.pop(PER_EPOCH, None)
        self._counted = counted if epochs > 1 else None
        self._check_epochs(counted, flat)
        made.set_params(**{key: None if value == "none" else value for key, value in flat.items()})
        known = made.get_params()
        made.set_params(**{key: seed for key in known if _last(key) == "random_state"})
        made.set_params(**{key: 1 for key in known if _last(key) == "n_jobs" and _has_threads(made, known, key)})
        if self._counted and not _goes_on_from(made):
            stops = {"early_stopping": False} if "early_stopping" in known.keys() - flat.keys() else {}
            made.set_params(warm_start=True, **stops)
        elif epochs > 1 and not self._counted and not callable(getattr(made, "partial_fit", None)):
            rule = "cannot go on after an epoch, as partial_fit and warm_start let others"
            raise ValueError(f"{type(made).__name__} {rule}; [training] epochs must be 1 or left out, got {epochs}")
        _check_parameters(made)
        self._define_predictions()

    def _check_epochs(self, counted: str | None, flat: Parameters) -> None:
        if self._per_epoch is not None and not self._counted:
            raise ValueError(f"{PER_EPOCH} must not be given without [training] epochs, of at least 2")
        self._per_epoch = 1 if self._per_epoch is None else self._per_epoch
        if type(self._per_epoch) is not int or self._per_epoch < 1:
            raise ValueError(f"{PER_EPOCH} must be a whole number of at least 1, got {self._per_epoch!r}")
        if self._counted and counted in flat:
            rule = f"must not be given with epochs = {self.epochs}, each of which adds {PER_EPOCH} of them"
            raise ValueError(f"{counted} {rule}; set {PER_EPOCH}")

    def train(self, epoch: int) -> None:
        """Fit it; or let it go on for one more epoch."""
        if self.epochs == 1:
            self.estimator.fit(self.data.samples, self.data.labels)
        elif names := _goes_on_from(self.estimator):
            self._boost(epoch, *names)
        elif self._counted:
            self.estimator.set_params(**{self._counted: epoch * self._per_epoch})
            self.estimator.fit(self.data.samples, self.data.labels)
        else:
            order = self.data.order(epoch)
            classes = {"classes": np.arange(self.data.classes)} if self.data.classes else {}
            self.estimator.partial_fit(self.data.samples[order], self.data.labels[order], **classes)
        self.done = epoch

    def _boost(self, epoch: int, argument: str, made: str) -> None:
        """Add trees to those that are there; with a seed of their own, or each epoch would draw the same samples."""
        given = {}
        if epoch > 1:
            found = getattr(self.estimator, made)
            given = {argument: found() if callable(found) else found}
        self.estimator.set_params(n_estimators=self._per_epoch, random_state=(self.seed + epoch - 1) % 2**31)
        self.estimator.fit(self.data.samples, self.data.labels, **given)

    def save(self) -> State:
        """The number of epochs, from which all else follows."""
        return {"epochs": np.array(self.done)}

    def restore(self, state: State) -> None:
        """Fit it again, epoch by epoch: the same calls give the same bits."""
        with warnings.catch_warnings():  # they were shown, or not, when it was fitted first
            warnings.simplefilter("ignore")
            for epoch in range(1, int(state["epochs"]) + 1):
                self.train(epoch)

    # Predictions

    def _define_predictions(self) -> None:
        """Define the methods of a trainable that fit what this estimator gives."""
        own: dict[str, Callable[..., Any]] = {"predict": self._values}
        if self.data.classes:
            own = {"predict": self._classes}
            if callable(getattr(self.estimator, "predict_proba", None)):
                own = {"predict_proba": self._probabilities}
            elif callable(getattr(self.estimator, "decision_function", None)):
                own = {"predict": self._scores}
            parts = [self.estimator, *self.estimator.get_params().values()]
            if any(base.__name__ in _OWN_DECISIONS for part in parts for base in type(part).__mro__):
                own["evaluate"] = self._decisions
        for name, method in own.items():
            setattr(self, name, method)

    def _values(self, samples: Array) -> Array:
        return np.asarray(self.estimator.predict(samples))

    def _classes(self, samples: Array) -> Array:
        return np.asarray(self.estimator.predict(samples)).astype(np.int64)

    def _probabilities(self, samples: Array) -> Array:
        return self._of_all(np.asarray(self.estimator.predict_proba(samples)), 0.0)

    def _scores(self, samples: Array) -> Array:
        found = np.asarray(self.estimator.decision_function(samples), dtype=np.float64)
        if found.ndim == 1:
            found = np.stack([np.zeros_like(found), found], axis=1)
        return self._of_all(found, float(found.min(initial=0.0)) - 1.0)

    def _of_all(self, found: Array, missing: float) -> Array:
        """Columns for all classes, also those that are not among the training samples."""
        seen = np.asarray(getattr(self.estimator, "classes_", np.arange(self.data.classes)))
        if len(seen) == self.data.classes:
            return found
        columns = np.full((len(found), self.data.classes), missing, found.dtype)
        columns[:, seen] = found
        return columns

    def _decisions(self, samples: Array, labels: Array) -> tuple[float, Array]:
        """The loss of its probabilities or scores, and the classes that it decides for itself."""
        sizes = len(samples), self.data.classes
        if hasattr(self, "predict_proba"):
            loss = of_probabilities(self._probabilities(samples), *sizes).loss(labels)
        else:
            loss = of_classes_or_scores(self._scores(samples), *sizes).loss(labels)
        return loss, self._classes(samples)


def _last(key: str) -> str:
    return key.rpartition("__")[2]


def _has_threads(estimator: Any, known: Parameters, key: str) -> bool:
    """Is it one that may run several jobs? None is one job in scikit-learn, and all cores elsewhere."""
    owner = known.get(key.rpartition("__")[0], estimator)
    return known[key] is not None or not type(owner).__module__.startswith("sklearn.")


def _flat(estimator: Any, given: Parameters, above: str = "") -> Iterable[tuple[str, Any]]:
    """Parameters by their names: a table of a step's parameters becomes `step__parameter`."""
    known = estimator.get_params()
    for key, value in given.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and value and hasattr(known.get(name), "get_params"):
            yield from _flat(estimator, value, f"{name}__")
        elif above and name not in known:
            steps = [each.removeprefix(above) for each in known if each.startswith(above)]
            raise ValueError(f"{above.removesuffix('__')} has no parameter {key!r}; it has {', '.join(sorted(steps))}")
        else:
            yield name, value


def _check_task(estimator: Any, data: Data) -> None:
    from sklearn.base import is_classifier, is_regressor

    name = type(estimator).__name__
    kinds = [kind for kind, fits in (("classifier", is_classifier), ("regressor", is_regressor)) if fits(estimator)]
    wanted, task = ("classifier", "classification") if data.classes else ("regressor", "regression")
    if wanted not in kinds:
        kind = f"is a {kinds[0]}" if kinds else "is neither a classifier nor a regressor"
        other = "regression" if data.classes else "classification"
        hint = f'; choose a {wanted}, or set task = "{other}" in [data]' if kinds else f"; choose a {wanted}"
        raise ValueError(f"{name} {kind}, but the study is of a {task}{hint}")
    if not data.classes and data.labels.ndim == 2:
        from sklearn.utils import get_tags

        if not get_tags(estimator).target_tags.multi_output:
            rule = "predicts one target, but the study has"
            raise ValueError(
                f"{name} {rule} {data.labels.shape[1]}; wrap it in sklearn.multioutput.MultiOutputRegressor"
            )


def _check_parameters(estimator: Any) -> None:
    """Refuse values that the estimator would refuse in `fit`, which comes when a search has begun."""
    for part in (estimator, *estimator.get_params().values()):
        if hasattr(part, "_parameter_constraints") and not isinstance(part, type):  # LightGBM's have none
            part._validate_params()
