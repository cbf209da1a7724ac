"""A trained model in one file for joblib: nothing outside the file is needed but the packages. May import joblib.

hpsearch only writes such files. Whoever loads one runs code that is in it.
"""

import io
import pickle
from dataclasses import replace
from pathlib import Path

import joblib

from hpsearch.errors import InputError, raised
from hpsearch.exporting.carried import Carried
from hpsearch.exporting.classifier import Classifier
from hpsearch.exporting.regressor import Regressor
from hpsearch.exporting.trained_model import TrainedModel
from hpsearch.files import write_file
from hpsearch.workers.models.checked_trainable import CheckedTrainable
from hpsearch.workers.models.estimators import Estimator


def write_joblib(model: TrainedModel, path: Path) -> Path:
    """Write the model as a scikit-learn estimator; return the path.

    A network is carried as its weights and the text of its model file, an estimator as it was fitted, and another
    trainable with the samples that it was trained on, since it is made from them. Raises InputError where something in
    it cannot be pickled, or the file cannot be written.
    """
    kind = Regressor if model.targets else Classifier
    carried = self_contained(model)
    try:
        buffer = io.BytesIO()
        joblib.dump(kind(carried), buffer, compress=3)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        rule = f"{model.model_file}: the model cannot be written for joblib ({raised(error)})"
        raise InputError(f"{rule}; --format npz has its arrays") from error
    return write_file(path, buffer.getvalue())


def self_contained(model: TrainedModel) -> TrainedModel:
    """The same model with all that it is made from, and without the paths of this machine."""
    plugin = model.plugin()
    file = model.model_file if isinstance(model.model_file, str) else Path(model.configuration.file)
    text = None if isinstance(model.model_file, str) else plugin.text
    carried = Carried(text)
    if plugin.kind == "module":
        carried = Carried(text, data=model.data())
    if plugin.kind == "trainable":
        made = model.made().trainable
        assert made is not None
        if isinstance(made.trainable, Estimator):
            carried = Carried(text, fitted=_without_samples(made.trainable, file))
        else:
            carried = Carried(text, data=model.data())
    return replace(model, model_file=file, split=Path(), carried=carried)


def _without_samples(estimator: Estimator, file: Path | str) -> CheckedTrainable:
    """A fitted estimator needs only the number of classes of its data."""
    data = estimator.data
    estimator.data = replace(data, samples=data.samples[:0].copy(), labels=data.labels[:0].copy())
    return CheckedTrainable(estimator, file, estimator.data)
