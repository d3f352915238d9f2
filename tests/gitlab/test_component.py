"""The component is what GitLab's published schema asks for, whatever its inputs are, and its commands are ours."""

import itertools
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Command, Context, Group
from jsonschema import Draft7Validator

from imageopt.cli.main import command as main
from imageopt.report.render import formats_of

COMPONENT = Path(__file__).parents[2] / "templates" / "imageopt" / "template.yml"
SCHEMA = json.loads(files("check_jsonschema").joinpath("builtin_schemas/vendor/gitlab-ci.json").read_text("utf-8"))
HEADER, BODY = COMPONENT.read_text("utf-8").split("\n---\n")
INPUTS: dict[str, dict[str, Any]] = yaml.safe_load(HEADER)["spec"]["inputs"]
CHOICES = [name for name, given in INPUTS.items() if "options" in given]


def jobs(**chosen: object) -> dict[str, Any]:
    values = {name: given.get("default", "registry.example.org/imageopt:1") for name, given in INPUTS.items()} | chosen
    text = re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda match: str(values[match[1]]), BODY)
    return dict(yaml.safe_load(text))


def combinations() -> Iterator[dict[str, object]]:
    for options in itertools.product(*(INPUTS[name]["options"] for name in CHOICES)):
        yield dict(zip(CHOICES, options, strict=True))


def test_the_header_is_valid_and_every_input_is_described_and_used() -> None:
    Draft7Validator(SCHEMA).validate(yaml.safe_load(HEADER))
    for name, given in INPUTS.items():
        assert given["description"].endswith(".")
        assert f"inputs.{name} ]]" in BODY
    assert [name for name, given in INPUTS.items() if "default" not in given] == ["image"]


@pytest.mark.parametrize("chosen", list(combinations()), ids=lambda chosen: "-".join(map(str, chosen.values())))
def test_the_jobs_are_valid_and_extend_what_is_there(chosen: dict[str, object]) -> None:
    found = jobs(**chosen)
    Draft7Validator(SCHEMA).validate(found)
    for job in found.values():
        extended = job.get("extends", [])
        assert set([extended] if isinstance(extended, str) else extended) <= set(found)
        assert {need["job"] for need in job.get("needs", [])} <= set(found)
    assert {name for name in found if not name.startswith(".")} == {
        "imageopt-lint", "imageopt-build", "imageopt-gate", "imageopt-propose"
    }  # fmt: skip


def test_two_services_do_not_share_a_job() -> None:
    assert not set(jobs()) & set(jobs(**{"job-prefix": "api"}))


def lines_of(job: dict[str, Any]) -> Iterator[list[str]]:
    for line in (*job.get("script", ()), *job.get("after_script", ())):
        if "imageopt " in line and "buildctl" not in line:
            yield line[line.index("imageopt ") :].split()


@pytest.mark.parametrize(("name", "job"), list(jobs().items()), ids=str)
def test_the_commands_and_their_options_exist(name: str, job: dict[str, Any]) -> None:
    for words in lines_of(job):
        found: Command | None = main
        for word in words[1:]:
            if isinstance(found, Group):
                found = found.get_command(Context(found), word)
        assert found is not None, (name, words)
        known = {option for parameter in found.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, name


def test_what_the_jobs_write_are_formats_of_their_results() -> None:
    for name, schema in (("lint", "imageopt.lint/1"), ("gate", "imageopt.gate/1")):
        script = " ".join(jobs()[f"imageopt-{name}"]["script"])
        assert set(re.findall(r"--format ([a-z]+)", script)) <= set(formats_of(schema))


def test_a_report_that_is_collected_is_one_that_is_written() -> None:
    for job in jobs().values():
        written = " ".join((*job.get("script", ()), ""))
        artifacts = job.get("artifacts", {})
        for file in (*artifacts.get("paths", ()), *artifacts.get("reports", {}).values()):
            assert file in written
