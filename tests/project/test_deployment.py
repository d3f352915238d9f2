"""What compose files, manifests, charts and pipelines say of an image, each with its file and line."""

from collections.abc import Mapping

import pytest
from project.conftest import Write

from imageopt.project import deployment
from imageopt.project.deployment import read_deployment
from imageopt.project.model import DeploymentFact

COMPOSE = """\
x-common: &common
  user: "1001"
services:
  api:
    <<: *common
    build:
      context: ./api
      dockerfile: docker/prod.Dockerfile
      target: runtime
      args:
        NPM_TOKEN: abc
    command: ["node", "dist/main.js"]
    entrypoint: /entry.sh
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:3000/health"]
    volumes:
      - ./data:/app/data:ro
      - cache:/cache
      - /anonymous
      - {type: bind, source: x, target: /bound}
    tmpfs: /tmp:size=1m
    ports: ["8080:3000", "127.0.0.1:9000:9001/tcp", {target: 4000}]
    expose: ["5000"]
    read_only: true
    stop_signal: SIGINT
    working_dir: /srv
  web:
    build: web
  db:
    image: postgres:16
  odd:
    build: {context: ., dockerfile_inline: "FROM x"}
"""


def shown(facts: tuple[DeploymentFact, ...]) -> list[tuple[str, str, str]]:
    return [(fact.kind, fact.value, fact.source) for fact in facts]


def test_a_compose_file(project: Write) -> None:
    found = read_deployment(project({"compose.yaml": COMPOSE}))
    api = "api/docker/prod.Dockerfile"
    assert shown(tuple(fact for fact in found.facts if fact.service == "api")) == [
        ("dockerfile", api, "compose.yaml:7"),
        ("context", "api", "compose.yaml:7"),
        ("target", "runtime", "compose.yaml:9"),
        ("build-arg", "NPM_TOKEN", "compose.yaml:11"),
        ("user", "1001", "compose.yaml:2"),
        ("working-dir", "/srv", "compose.yaml:26"),
        ("stop-signal", "SIGINT", "compose.yaml:25"),
        ("command", "node dist/main.js", "compose.yaml:12"),
        ("entrypoint", "/entry.sh", "compose.yaml:13"),
        ("probe", "CMD curl -f http://localhost:3000/health", "compose.yaml:15"),
        ("read-only", "true", "compose.yaml:24"),
        ("volume", "/app/data", "compose.yaml:17"),
        ("volume", "/cache", "compose.yaml:18"),
        ("volume", "/anonymous", "compose.yaml:19"),
        ("volume", "/bound", "compose.yaml:20"),
        ("volume", "/tmp", "compose.yaml:21"),
        ("port", "3000", "compose.yaml:22"),
        ("port", "9001", "compose.yaml:22"),
        ("port", "4000", "compose.yaml:22"),
        ("port", "5000", "compose.yaml:23"),
    ]
    assert [(fact.value, fact.service) for fact in found.of("dockerfile")] == [(api, "api"), ("web/Dockerfile", "web")]
    assert [fact.dockerfile for fact in found.of("image")] == [""]
    assert shown(found.of("target", "command", dockerfile="web/Dockerfile")) == []
    assert found.of("command", dockerfile=api)[0].words == ("node", "dist/main.js")
    assert "abc" not in repr(found)


def test_an_override_file_speaks_of_the_same_service(project: Write) -> None:
    files = {
        "docker-compose.yml": "services:\n  api:\n    build: .\n",
        "docker-compose.override.yml": "services:\n  api:\n    command: npm run dev\n",
        "other/docker-compose.yml": "services:\n  api:\n    command: x\n",
    }
    found = read_deployment(project(files)).of("command")
    assert [(fact.value, fact.dockerfile) for fact in found] == [("npm run dev", "Dockerfile"), ("x", "")]


KUBERNETES = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      securityContext:
        runAsNonRoot: true
      containers:
        - name: main
          image: registry.example.org/team/api:1.2
          command: ["/bin/sh", "-c"]
          args:
            - node dist/main.js
          workingDir: /srv
          ports:
            - containerPort: 3000
          securityContext:
            runAsUser: 1000
            readOnlyRootFilesystem: true
          livenessProbe:
            exec:
              command: [cat, /tmp/alive]
          readinessProbe:
            httpGet: {path: /health, port: http}
          startupProbe:
            tcpSocket: {port: 3000}
          lifecycle:
            preStop:
              exec: {command: [sleep, "5"]}
          volumeMounts:
            - mountPath: /data
              name: data
---
apiVersion: v1
kind: ConfigMap
data: {command: text}
"""


def test_a_manifest(project: Write) -> None:
    found = read_deployment(project({"k8s/api.yaml": KUBERNETES, "other.yaml": "command: [a]\n"}))
    assert shown(found.facts) == [
        ("user", "not root", "k8s/api.yaml:9"),
        ("image", "registry.example.org/team/api:1.2", "k8s/api.yaml:12"),
        ("entrypoint", "/bin/sh -c", "k8s/api.yaml:13"),
        ("command", "node dist/main.js", "k8s/api.yaml:15"),
        ("working-dir", "/srv", "k8s/api.yaml:16"),
        ("port", "3000", "k8s/api.yaml:18"),
        ("user", "1000", "k8s/api.yaml:20"),
        ("read-only", "true", "k8s/api.yaml:21"),
        ("probe", "cat /tmp/alive", "k8s/api.yaml:24"),
        ("probe", "GET :http/health", "k8s/api.yaml:26"),
        ("probe", "TCP :3000", "k8s/api.yaml:28"),
        ("hook", "sleep 5", "k8s/api.yaml:31"),
        ("volume", "/data", "k8s/api.yaml:33"),
    ]
    assert {fact.service for fact in found.of("probe")} == {"main"}


TEMPLATE = """\
{{- if .Values.enabled }}
{{/* a note
over two lines */}}
kind: Deployment
spec:
  containers:
    - name: {{ .Chart.Name }}
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
      command: ["node", "server.js"]
      {{- with .Values.resources }}
      resources: {{ toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        runAsUser: {{ .Values.user }}
      readinessProbe:
        exec:
          command: ["wget", "-q", "localhost"]
{{- end }}
"""


def test_a_chart(project: Write) -> None:
    files = {
        "chart/Chart.yaml": "apiVersion: v2\nname: x\n",
        "chart/values.yaml": "image:\n  repository: r\nsecurityContext:\n  runAsUser: 1001\n",
        "chart/templates/a.yaml": TEMPLATE,
        "chart/templates/b.yaml": TEMPLATE.replace("    - name", "  {{ if }} x\n   - name").replace("user }}", "user }}\n        mountPath: /d # said"),
    }  # fmt: skip
    found = read_deployment(project(files))
    assert found.problems == ()
    assert shown(tuple(fact for fact in found.facts if "templates/b" not in fact.source)) == [
        ("entrypoint", "node server.js", "chart/templates/a.yaml:9"),
        ("probe", "wget -q localhost", "chart/templates/a.yaml:17"),
        ("user", "1001", "chart/values.yaml:4"),
    ]
    assert shown(tuple(fact for fact in found.facts if "templates/b" in fact.source)) == [
        ("entrypoint", "node server.js", "chart/templates/b.yaml:10"),
        ("volume", "/d", "chart/templates/b.yaml:16"),
        ("probe", "wget -q localhost", "chart/templates/b.yaml:19"),
    ]


@pytest.mark.parametrize(
    ("script", "facts"),
    [
        ("docker build -t x .", [("builder", "docker")]),
        ("DOCKER_BUILDKIT=0 docker build .", [("builder", "docker-legacy")]),
        ("docker build --target runtime --build-arg TOKEN=$T --build-arg=B=1 -f ./ops/Dockerfile .", [("builder", "docker"), ("target", "runtime"), ("build-arg", "TOKEN"), ("build-arg", "B"), ("dockerfile", "ops/Dockerfile")]),
        ("docker --context remote image build .", [("builder", "docker")]),
        ("docker buildx build --push --secret id=npm,src=x .", [("builder", "buildx"), ("secret", "id=npm,src=x")]),
        ("docker buildx bake", [("builder", "buildx")]),
        ("docker compose -f a.yml up --build -d", [("builder", "docker")]),
        ("docker-compose build", [("builder", "docker")]),
        ("docker compose up", []),
        ("/kaniko/executor --context $CI_PROJECT_DIR --dockerfile $CI_PROJECT_DIR/Dockerfile --target prod", [("builder", "kaniko"), ("dockerfile", "Dockerfile"), ("target", "prod")]),
        ("buildah bud --target=a .", [("builder", "buildah"), ("target", "a")]),
        ("podman build .", [("builder", "podman")]),
        ("buildctl-daemonless.sh build --frontend dockerfile.v0 --opt target=x --opt build-arg:A=1 --opt filename=f --opt platform=y", [("builder", "buildkit"), ("target", "x"), ("build-arg", "A"), ("dockerfile", "f"), ("platform", "y")]),
        ("docker buildx build --platform linux/amd64,linux/arm64 .", [("builder", "buildx"), ("platform", "linux/amd64,linux/arm64")]),
        ("docker pull x && docker push x", []),
        ("docker run --rm -e A=1 --env=B=2 x npm test", [("run", "docker run --rm -e A --env=B x npm test")]),
        ("echo 'not closed", []),
        ("npm run build", []),
    ],
)  # fmt: skip
def test_the_builder_of_a_pipeline(project: Write, script: str, facts: list[tuple[str, str]]) -> None:
    found = read_deployment(project({".gitlab-ci.yml": f"image: docker:26\nbuild:\n  script:\n    - {script!r}\n"}))
    expected = [(kind, value, ".gitlab-ci.yml:4") for kind, value in facts]
    assert shown(found.facts) == expected


PIPELINE = """\
include:
  - local: /ci/build.yml
  - project: other/project
  - ci/gone.yml
variables:
  DOCKER_BUILDKIT: "0"
.hidden:
  before_script: [docker build a]
job:
  extends: .hidden
  script:
    - !reference [.hidden, before_script]
    - |
      cd x
      docker build \\
        --target long .
    - [docker build nested]
"""


def test_a_pipeline_and_what_it_includes(project: Write) -> None:
    files = {
        ".gitlab-ci.yml": PIPELINE,
        "ci/build.yml": "include: {local: .gitlab-ci.yml}\nother:\n  script: docker build x\n",
    }
    found = read_deployment(project(files))
    assert [(f.kind, f.value, f.service, f.source) for f in found.facts] == [
        ("builder", "docker-legacy", ".hidden", ".gitlab-ci.yml:8"),
        ("builder", "docker-legacy", "job", ".gitlab-ci.yml:13"),
        ("target", "long", "job", ".gitlab-ci.yml:13"),
        ("builder", "docker-legacy", "job", ".gitlab-ci.yml:17"),
        ("builder", "docker", "other", "ci/build.yml:3"),
    ]
    assert found.problems == ("ci/gone.yml is included and cannot be read",)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"compose.yml": "services: [\n"}, "compose.yml:2: did not find expected node content"),
        ({"k8s/a.yml": "kind: x\n<<<<<<< HEAD\n"}, "k8s/a.yml:2: it holds the marks of an unsolved merge"),
        ({".gitlab-ci.yml": "a: *b\n"}, ".gitlab-ci.yml:1: nothing before it is named &b"),
    ],
)
def test_what_cannot_be_read_is_a_problem(project: Write, files: Mapping[str, str], problem: str) -> None:
    found = read_deployment(project(files))
    assert (found.facts, found.problems) == ((), (problem,))


def test_the_search_is_bounded_and_follows_no_links(project: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "_FILES_LIMIT", 1)
    root = project(
        {"a.yml": "kind: x\ncommand: [a]\n", "b.yml": "kind: x\ncommand: [b]\n", "node_modules/c.yml": "kind: x\n"}
    )
    (root / "0.yml").symlink_to("/etc/hostname")
    found = read_deployment(root)
    assert shown(found.facts) == [("entrypoint", "a", "a.yml:2")]
    assert found.problems == ("the folder holds 2 YAML files; the first 1 were read",)


def test_deep_and_large_files_are_left_alone(project: Write) -> None:
    deep = "/".join("abcdefg")
    assert (
        read_deployment(
            project({f"{deep}/x.yml": "kind: x\ncommand: [a]\n", "big.yml": "kind: x\n#" + " " * 500_000})
        ).facts
        == ()
    )
