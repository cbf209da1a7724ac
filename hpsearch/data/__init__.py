"""Datasets, and the splits prepared from them once and memory-mapped by every worker.

The package may import NumPy, platformdirs and `hpsearch.errors`; scikit-learn (digits), SciPy (MATLAB files) and pooch
(downloads) only inside the functions that need them, so that importing it stays light.
"""

from hpsearch.data.cache import clean
from hpsearch.data.catalogue import DATASETS, fetch, fetched, load
from hpsearch.data.dataset import Dataset
from hpsearch.data.places import data_directory
from hpsearch.data.preparing import prepare
from hpsearch.data.split import Split, open_split

__all__ = [
    "DATASETS",
    "Dataset",
    "Split",
    "clean",
    "data_directory",
    "fetch",
    "fetched",
    "load",
    "open_split",
    "prepare",
]
