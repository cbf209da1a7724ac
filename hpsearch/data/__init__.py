"""Datasets, and the splits that are prepared from them once and memory-mapped by every worker.

The package may import NumPy, platformdirs and `hpsearch.errors`; scikit-learn (digits), SciPy (MATLAB files), Pillow
(folders of images) and pooch (downloads) only inside the functions that need them: the package is fast to import.
"""

from hpsearch.data.augmentation import Augmentation, EpochAugmentation, check_augmentation
from hpsearch.data.cache import clean
from hpsearch.data.class_weights import class_weights
from hpsearch.data.dataset import Dataset
from hpsearch.data.directories import data_directory
from hpsearch.data.preparation import prepare
from hpsearch.data.progress import progress_to
from hpsearch.data.sources.by_path import KINDS
from hpsearch.data.sources.catalogue import DATASETS, fetch, fetched, load
from hpsearch.data.sources.targets import LooksLikeValuesError
from hpsearch.data.split import Split, open_split
from hpsearch.data.stratification import fold_sizes

__all__ = [
    "DATASETS",
    "KINDS",
    "Augmentation",
    "Dataset",
    "EpochAugmentation",
    "LooksLikeValuesError",
    "Split",
    "check_augmentation",
    "class_weights",
    "clean",
    "data_directory",
    "fetch",
    "fetched",
    "fold_sizes",
    "load",
    "open_split",
    "prepare",
    "progress_to",
]
