"""What a Model Context Protocol client is answered; with the package mcp, over the protocol too."""

import asyncio
import json
import sys

import pytest
from tiny import LIST, ROOT, TINY, options, url, workspace

from hpsearch.cli.mcp.answers import Answers
from hpsearch.errors import HpsearchError
from hpsearch.search.launch import launch

STUDY = TINY.split("[[stage]]")[0] + LIST + "configurations = [{ eta = 0.1 }, { eta = 0.2 }, { eta = 1e-6 }]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, shared_processes):
    folder = tmp_path_factory.mktemp("mcp")
    launch(workspace(folder, STUDY), options(folder))
    launch(workspace(folder, STUDY.replace("seed = 0", "seed = 1").replace('"tiny"', '"other"')), options(folder))
    return folder


@pytest.fixture
def answers(folder):
    return Answers(url(folder), folder / "reports")


def test_a_ranking_goes_out_with_its_intervals_and_its_tests(answers):
    found = answers.ranking("tiny", limit=2)
    first, second = found["configurations"]
    assert (found["stage"], found["of"], found["metric"], first["rank"]) == ("coarse", 3, "validation accuracy", "1")
    assert second["compared_with_the_best"].startswith(("worse (", "≈ best ("))
    assert "–" in first["interval_95"]
    assert len(found["how_to_read"]) > 40
    json.dumps(found)


def test_the_other_answers_are_those_of_the_commands(answers):
    assert [each["study"] for each in answers.studies()] == ["tiny", "other"]
    best = answers.best("tiny")
    assert best["says"].startswith(f"the best is {best['best']['trial']}, ")
    assert answers.report("tiny").startswith("# ")
    compared = answers.compare(["tiny", "other"])
    assert "McNemar" in compared
    assert "tiny" in compared


def test_errors_are_one_line(answers, tmp_path):
    for call, reason in (
        (lambda: answers.ranking("tini"), "did you mean 'tiny'"),
        (lambda: answers.ranking("tiny", "corse"), "did you mean 'coarse'"),
        (lambda: answers.ranking("tiny", limit=0), "limit must be from 1 to 200, got 0"),
        (lambda: answers.compare(["tiny"]), "at least 2 studies"),
        (lambda: answers.launch(str(tmp_path / "none.toml")), "none.toml"),
    ):
        with pytest.raises(HpsearchError, match=reason) as error:
            call()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("more", [[], ["--allow-launch"]], ids=["read-only", "launch"])
def test_the_protocol_has_the_tools_that_are_allowed(folder, more):
    pytest.importorskip("mcp")
    from mcp import Client, StdioServerParameters

    line = ["-m", "hpsearch", "mcp", "--storage", url(folder), *more]
    program = StdioServerParameters(command=sys.executable, args=line, cwd=folder, env={"PYTHONPATH": str(ROOT)})

    async def ask():
        async with Client(program) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            found = await client.call_tool("ranking", {"study": "tiny"})
            refused = await client.call_tool("ranking", {"study": "none"})
        return tools, found, refused

    tools, found, refused = asyncio.run(ask())
    assert tools == {"studies", "best", "ranking", "compare", "report", *["launch"] * len(more)}
    assert json.loads(found.content[0].text)["stage"] == "coarse"
    assert (refused.is_error, "does not exist" in refused.content[0].text) == (True, True)
