"""How long it takes to read 1,000 Dockerfiles of one and of two stages: the tree alone, and with all shell commands.

Run it with `python benchmarks/dockerfile_parse.py`. Goal: the trees of 1,000 files of one stage in under a second.
"""

import time

from imageopt.dockerfile import parse
from imageopt.dockerfile.shell import run_commands

FILES = 1000
ROUNDS = 3
PACKAGES = " \\\n        ".join(("build-essential", "ca-certificates", "curl", "git", "libpng-dev", "python3"))
STAGE = f"""
# dependencies of stage {{number}}
FROM node:${{{{VERSION}}}}-slim AS stage{{number}}
ARG REVISION="unknown"
ENV NODE_ENV=production PATH="/app/node_modules/.bin:$PATH" \\
    NPM_CONFIG_LOGLEVEL=warn
WORKDIR /app
RUN --mount=type=cache,target=/var/cache/apt apt-get update \\
    # compilers for native modules
    && apt-get install -y --no-install-recommends \\
        {PACKAGES} \\
    && rm -rf /var/lib/apt/lists/*
COPY --chown=node:node package.json package-lock.json ./
RUN npm ci --omit=dev && if [ -f patch.sh ]; then sh patch.sh "$REVISION" | tee log; fi
COPY --chown=node:node . .
RUN <<EOF
set -e
npm run build
npm prune --omit=dev
EOF
EXPOSE 3000
HEALTHCHECK --interval=30s CMD ["node", "health.js"]
USER node
CMD ["node", "dist/server.js"]
"""


def dockerfile_of(stages: int) -> str:
    """A Dockerfile with that many stages, none built on another."""
    head = "# syntax=docker/dockerfile:1\nARG VERSION=22\n"
    return head + "".join(STAGE.format(number=number) for number in range(stages))


def seconds_to_read(data: bytes, commands: bool) -> float:
    """The best of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(FILES):
            dockerfile = parse(data)
            if commands:
                for instruction in dockerfile.instructions:
                    run_commands(instruction)
        rounds.append(time.perf_counter() - begin)
    return min(rounds)


if __name__ == "__main__":
    print(f"{FILES} files, seconds.\n\n| stages | bytes of each | lines of each | tree | goal | tree and commands |")
    print("|---|---|---|---|---|---|")
    for stages in (1, 2):
        text = dockerfile_of(stages)
        tree, commands = (seconds_to_read(text.encode(), commands=commands) for commands in (False, True))
        goal = "1.0" if stages == 1 else ""
        figures = f"{tree:.2f} | {goal} | {commands:.2f}"
        print(f"| {stages} | {len(text.encode())} | {text.count(chr(10))} | {figures} |")
