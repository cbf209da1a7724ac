"""A complete study of the digits, whose models are exported."""

import pytest
from tiny import TINY, options, url, workspace

import hpsearch
from hpsearch.search.launch import launch

MODEL = 'hidden = [8]\nactivation = "leaky_relu"\nbatch_norm = true\ndropout = 0.2'


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """The folder of a study with a [final], whose model has every kind of layer but one."""
    folder = tmp_path_factory.mktemp("exported")
    launch(workspace(folder, TINY.replace("hidden = [8]", MODEL)), options(folder))
    return folder


@pytest.fixture
def results(study):
    return hpsearch.load("tiny", url(study))
