"""One image through every source, as a user names it: the same result, but for where it came from."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imageopt.cli.edge import run

pytestmark = [pytest.mark.engine, pytest.mark.registry, pytest.mark.slow]

IMAGE = "imageopt-sources:1"
DOCKERFILE = """\
FROM alpine:3.23
RUN mkdir /srv/app && cp -r /etc /srv/app && chown -R 1000 /srv/app && ln -s /srv/app/etc/passwd /p && ln /p /hard
RUN rm -rf /srv/app/etc/apk /etc/motd && head -c 300000 /dev/zero > /srv/zeros && cp /srv/zeros /srv/again
"""


@pytest.fixture(scope="module")
def places(engine: str, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    """What each source's reference is, with what else has to be said."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    pushed = f"{registry}/imageopt/sources:1"
    for line in (
        ["buildx", "build", "-q", "--provenance=false", "-t", IMAGE, "-t", pushed, folder],
        ["save", IMAGE, "-o", folder / "saved.tar"],  # since Docker 25 an OCI layout too
        ["push", "-q", pushed],
    ):
        subprocess.run(["docker", *line], check=True, timeout=300, stdout=subprocess.DEVNULL)
    (folder / "layout").mkdir()
    subprocess.run(["tar", "-xf", folder / "saved.tar", "-C", folder / "layout"], check=True, timeout=60)
    yield {
        "docker": [f"docker:{IMAGE}"],
        "docker, exported": [f"docker:{IMAGE}", "--verify-digests"],
        "docker-archive": [f"docker-archive:{folder}/saved.tar"],
        "oci": [f"oci:{folder}/layout"],
        "oci-archive": [f"oci-archive:{folder}/saved.tar"],
        "registry": [f"registry:{pushed}"],
        "bare": [IMAGE],
    }
    subprocess.run(["docker", "rmi", "-f", IMAGE, pushed], check=True, timeout=60, stdout=subprocess.DEVNULL)


def analysed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["analyze", *arguments, "--format", "json", "--quiet"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def common(document: dict[str, Any]) -> dict[str, Any]:
    """What must not depend on the source: all but the compressed sizes, the manifest's digest and what was proved."""
    image = dict(document["image"])
    del image["digest_verified"]
    image["sizes"] = {name: size for name, size in image["sizes"].items() if name != "download_bytes"}
    image["layers"] = [
        {name: value for name, value in layer.items() if name not in ("digest", "download_bytes")}
        for layer in image["layers"]
    ]
    return {"image": image, "findings": document["findings"], "summary": document["summary"]}


def test_every_source_gives_the_same_result(
    places: dict[str, list[str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # no Dockerfile here
    documents = {name: analysed(arguments, capsys) for name, arguments in places.items()}
    expected = common(documents["docker"])
    assert expected["image"]["waste"]["overwritten_same"] == 0  # a chown of what the same RUN made copies nothing
    assert expected["image"]["waste"]["deleted"] > 0
    for name, document in documents.items():
        assert common(document) == expected, name
    assert [name for name, found in documents.items() if not found["image"]["digest_verified"]] == ["docker", "bare"]
    assert documents["registry"]["image"]["sizes"]["download_bytes"] > 0
    assert documents["bare"]["target"]["source"] == "docker"
