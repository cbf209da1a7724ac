"""Fixtures of the report's tests: an empty database, and one finished study read once."""

import made_study
import pytest
import sqlalchemy

from hpsearch.reporting import load_frames
from hpsearch.reporting.frames import Frames


@pytest.fixture
def engine(tmp_path):
    return made_study.make_engine(tmp_path)


@pytest.fixture(scope="session")
def finished_engine(tmp_path_factory) -> sqlalchemy.Engine:
    engine = made_study.make_engine(tmp_path_factory.mktemp("finished"))
    made_study.make_search(engine)
    return engine


@pytest.fixture(scope="session")
def finished(finished_engine) -> Frames:
    return load_frames(finished_engine, "coarse-to-fine")
