"""What cron starts in a container is kept for it: its table, its files, packages and tools, and root."""

import time
from pathlib import Path

import pytest
from rewrite.node_shapes import EXPRESS, FAT, evidence, package, write

from imageopt.dockerfile import parse
from imageopt.rewrite.commands import commands_of
from imageopt.rewrite.crontab import jobs_in
from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose

TABLE = "# jobs\nSHELL=/bin/sh\n*/5 * * * * root cd /app && node dist/job.js >> /var/log/job.log 2>&1\n"
CRON = "RUN apt-get update && apt-get install -y cron{}\n"
BEGIN = "FROM {}\n{}WORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n"
START = 'CMD ["sh", "-c", "cron && node dist/server.js"]\n'
PLACED = "COPY jobs /etc/cron.d/jobs\nRUN chmod 0644 /etc/cron.d/jobs"


def proposed(root: Path, middle: str, table: str = TABLE, more: str = "", base: str = "node:20") -> Rewrite:
    service = package(
        prod={"express": "4.19.2"}, dev={"typescript": "5.4.5", "tsx": "4.7.0"}, scripts={"build": "tsc -p ."}
    )
    begin = BEGIN.format(base, "" if "alpine" in base else CRON.format(more))
    files = {**service, **EXPRESS, "src/job.ts": "console.log(1)\n", "jobs": table}
    return propose(evidence(write(root, {**files, "Dockerfile": f"{begin}{middle}\n{START}"})), FAT)


def stages(rewrite: Rewrite) -> list[list[str]]:
    text = next(change.after.decode() for change in rewrite.changes if change.path == "Dockerfile")
    return [stage.splitlines() for stage in text.removeprefix("FROM ").split("\nFROM ")]


def refused(rewrite: Rewrite, name: str) -> str:
    return "; ".join(refusal.reason for refusal in rewrite.refusals if refusal.name == name)


@pytest.mark.parametrize(
    "given",
    [
        f"{PLACED} && crontab /etc/cron.d/jobs",
        "COPY jobs /etc/cron.d/\nRUN crontab /etc/cron.d/jobs",
        'COPY ["jobs", "/etc/cron.d/jobs"]\nRUN crontab /etc/cron.d/jobs',
        "COPY <<EOF /etc/cron.d/jobs\n* * * * * root node /app/dist/job.js\nEOF\nRUN crontab /etc/cron.d/jobs",
    ],
)
def test_the_table_is_given_to_cron_where_it_runs(tmp_path: Path, given: str) -> None:
    rewrite = proposed(tmp_path, given)
    build, final = stages(rewrite)
    assert not any("cron" in line for line in build)
    assert final[0] == "node:20-slim"
    assert final.index(next(line for line in final if line.startswith("COPY") and "/etc/cron.d" in line)) < final.index(
        "RUN crontab /etc/cron.d/jobs"
    )
    assert any("apt-get install -y cron" in line for line in final)
    assert "COPY --from=build /app ./" in final
    assert "cron" in refused(rewrite, "run-as-node")


@pytest.mark.parametrize("run", ["crontab jobs", "crontab /app/jobs"])
def test_a_table_of_the_project_itself(tmp_path: Path, run: str) -> None:
    _, final = stages(proposed(tmp_path, f"RUN {run}"))
    assert final.index("COPY --from=build /app ./") < final.index("RUN crontab /app/jobs")


def test_alpine_has_its_own(tmp_path: Path) -> None:
    _, final = stages(proposed(tmp_path, "COPY jobs /etc/crontabs/root", base="node:20-alpine"))
    assert "COPY jobs /etc/crontabs/root" in final
    assert "COPY --from=build /app ./" in final


@pytest.mark.parametrize(
    ("job", "stays"),
    [
        ("0 3 * * 1-5 root curl -fsS http://127.0.0.1:3000/clean", True),
        ("@daily curl -fsS http://127.0.0.1:3000/clean", True),
        ("# 0 3 * * * root curl x", False),
        ("CURL=curl", False),
        ("0 3 * * * root node /app/dist/job.js", False),
    ],
)
def test_a_package_that_a_job_calls_stays(tmp_path: Path, job: str, stays: bool) -> None:
    _, final = stages(proposed(tmp_path, PLACED, f"{job}\n", " curl"))
    assert any("install -y cron curl" in line for line in final) is stays


@pytest.mark.parametrize("user", ["", "root "])
def test_a_development_tool_that_a_job_calls_stays(tmp_path: Path, user: str) -> None:
    rewrite = proposed(tmp_path, PLACED, f"* * * * * {user}cd /app && npx tsx src/job.ts\n")
    assert "jobs:1 starts tsx, a development dependency" in refused(rewrite, "prune-dev-deps")
    assert not any("npm prune" in line for line in stages(rewrite)[0])


def test_a_stage_of_the_authors_own_keeps_it_too(tmp_path: Path) -> None:
    service = package(prod={"express": "4.19.2"}, dev={"tsx": "4.7.0"})
    text = f"FROM node:20 AS tools\nFROM node:20\n{CRON.format('')}WORKDIR /app\nCOPY . .\nRUN npm install\n{PLACED}\n{START}"
    files = {**service, **EXPRESS, "jobs": "* * * * * root cd /app && npx tsx src/job.ts\n", "Dockerfile": text}
    rewrite = propose(evidence(write(tmp_path, files)), FAT)
    assert "tsx, a development dependency" in refused(rewrite, "prune-dev-deps")
    assert not any(b"--omit=dev" in change.after for change in rewrite.changes)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("COPY tables/ /etc/cron.d/", "what cron starts by tables/ is not known"),
        ("ADD https://example.org/jobs /etc/cron.d/jobs", "what cron starts by https://example.org/jobs is not known"),
        ("RUN crontab /srv/jobs", "what cron starts by /srv/jobs is not known"),
        ("RUN echo '* * * * * x' | crontab -", "cannot tell whether the running service needs what `echo"),
        ("RUN echo '* * * * * root x' > /etc/cron.d/x", "changes /etc/cron.d/x, outside"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path: Path, given: str, reason: str) -> None:
    assert reason in refused(proposed(tmp_path, given), "multi-stage")


@pytest.mark.parametrize(
    ("command", "is_crontab"),
    [
        ("crontab /etc/cron.d/jobs", True),
        ("crontab jobs", True),
        ("crontab -u node jobs", False),
        ("crontab -", False),
        ("crontab -r", False),
        ("crontab", False),
        ("crontab $JOBS", False),
        ("crontab jobs > log", False),
        ("cat jobs | crontab", False),
    ],
)
def test_which_commands_give_it(command: str, is_crontab: bool) -> None:
    (run,) = [item for item in parse(f"FROM node:20\nRUN {command}\n".encode()).instructions if item.keyword == "RUN"]
    assert [found.purpose == "crontab" for found in commands_of(run)] == [is_crontab]


def test_long_words_that_make_no_job_are_read_at_once() -> None:
    start = time.perf_counter()
    assert list(jobs_in("1 " + " ".join(["x" * 200] * 4))) == []
    assert time.perf_counter() - start < 1
