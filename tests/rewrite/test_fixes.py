"""What each fix makes of a finding, and what it leaves alone: tables of a rule, the text before, and the text after."""

import pytest
from rewrite.fixing import after, assert_shells_read, mend

from imageopt.rewrite.fixes.registry import FIXES, find_fix, safety
from imageopt.rules.load import load_rules

MENDED: list[tuple[str, str, str]] = [
    # rule, before, after
    ("apt-lists-left", "FROM debian\nRUN apt-get update\n", "FROM debian\nRUN apt-get update && rm -rf /var/lib/apt/lists/*\n"),
    *(
        ("apt-lists-left", f"FROM debian\nRUN apt-get update && {script} && true\n",
         f"FROM debian\nRUN apt-get update && {script} && rm -rf /var/lib/apt/lists/* && true\n")
        for script in ("./install.sh", "bash -c 'apt-get install -y a'", "apt-get install -y a && make deps", "gdebi -n a.deb")
    ),
    ("pkg-manager-cache-left", "FROM alpine:3.22\nRUN apk update && ./install.sh\n",
     "FROM alpine:3.22\nRUN apk update && ./install.sh && rm -rf /var/cache/apk/*\n"),
    (
        "apt-lists-left",
        "FROM debian\nRUN apt-get update \\\n    && apt-get install -y a \\\n    # why\n    && touch /x\n",
        ("FROM debian\nRUN apt-get update \\\n    && apt-get install -y a \\\n    && rm -rf /var/lib/apt/lists/* \\\n"
        "    # why\n    && touch /x\n"),
    ),
    (
        "apt-lists-left",
        "FROM debian\nRUN apt-get update && \\\n    apt-get install -y a && \\\n    touch /x\n",
        "FROM debian\nRUN apt-get update && \\\n    apt-get install -y a && \\\n    rm -rf /var/lib/apt/lists/* && \\\n    touch /x\n",
    ),
    (
        "apt-lists-left",
        "FROM debian\nRUN set -eux; \\\n\tapt-get update; \\\n\tapt-get install -y \\\n\t\ta\n",
        "FROM debian\nRUN set -eux; \\\n\tapt-get update; \\\n\tapt-get install -y \\\n\t\ta; \\\n\trm -rf /var/lib/apt/lists/*\n",
    ),
    (
        "apt-lists-left",
        "FROM debian\nRUN apt-get update ; apt-get install -y a ;\n",
        "FROM debian\nRUN apt-get update ; apt-get install -y a && rm -rf /var/lib/apt/lists/* ;\n",
    ),
    (
        "apt-lists-left",
        "FROM debian\nRUN apt-get update && apt-get install -y \\\n      a \\\n      b\n",
        "FROM debian\nRUN apt-get update && apt-get install -y \\\n      a \\\n      b \\\n      && rm -rf /var/lib/apt/lists/*\n",
    ),
    (
        "apt-lists-left",
        "# escape=`\nFROM debian\nRUN apt-get update `\n && apt-get install -y a\n",
        "# escape=`\nFROM debian\nRUN apt-get update `\n && apt-get install -y a `\n && rm -rf /var/lib/apt/lists/*\n",
    ),
    (
        "apt-lists-left",
        "FROM debian\nRUN <<EOF\nset -e\n  apt-get update\n  apt-get install -y a\nEOF\n",
        "FROM debian\nRUN <<EOF\nset -e\n  apt-get update\n  apt-get install -y a\n  rm -rf /var/lib/apt/lists/*\nEOF\n",
    ),
    (
        "apt-lists-left",
        "FROM debian\nRUN <<EOF\napt-get update\napt-get install -y a\nEOF\n",
        "FROM debian\nRUN <<EOF\napt-get update\napt-get install -y a && rm -rf /var/lib/apt/lists/*\nEOF\n",
    ),
    ("pkg-manager-cache-left", "FROM alpine\nRUN apk add -t x a\n", "FROM alpine\nRUN apk add --no-cache -t x a\n"),
    (
        "pkg-manager-cache-left",
        "FROM alpine\nRUN apk update && apk add a\n",
        "FROM alpine\nRUN apk update && apk add a && rm -rf /var/cache/apk/*\n",
    ),
    (
        "npm-yarn-pnpm-cache-left",
        "FROM node:22\nRUN npm ci && npm run build\n",
        "FROM node:22\nRUN npm ci && npm cache clean --force && npm run build\n",
    ),
    (
        "npm-yarn-pnpm-cache-left",
        "FROM node:22\nRUN yarn cache clean && yarn install --production\n",
        "FROM node:22\nRUN yarn cache clean && yarn install --production && yarn cache clean\n",
    ),
    (
        "composer-cache-or-binary-left",
        "FROM php:8.4-cli\nRUN php composer.phar install --no-dev\n",
        "FROM php:8.4-cli\nRUN php composer.phar install --no-dev && php composer.phar clear-cache\n",
    ),
    (
        "pecl-temp-left",
        "FROM php:8.4-cli\nRUN pecl install redis; docker-php-ext-enable redis\n",
        "FROM php:8.4-cli\nRUN pecl install redis && rm -rf /tmp/pear; docker-php-ext-enable redis\n",
    ),
    (
        "php-source-left",
        "FROM php:8.4-cli\nRUN docker-php-source extract \\\n && make # it\n",
        "FROM php:8.4-cli\nRUN docker-php-source extract \\\n && make \\\n && docker-php-source delete # it\n",
    ),
    (
        "deleted-in-later-layer",
        "FROM debian\nRUN make -o /tmp/a\n# not wanted\nRUN rm -rf /tmp/a/*\n",
        "FROM debian\nRUN make -o /tmp/a && \\\n# not wanted\n    rm -rf /tmp/a/*\n",
    ),
    (
        "deleted-in-later-layer",
        "FROM debian\nRUN set -e; make -o /tmp/a\nRUN rm -rf /tmp/a\n",
        "FROM debian\nRUN set -e; make -o /tmp/a; rm -rf /tmp/a\n",
    ),
    (
        "deleted-in-later-layer",
        "FROM debian\nRUN cp x /tmp/a \\\n  && tar xf /tmp/a\nRUN rm /tmp/a \\\n  && touch /x\n",
        "FROM debian\nRUN cp x /tmp/a \\\n  && tar xf /tmp/a \\\n  && rm /tmp/a \\\n  && touch /x\n",
    ),
    (
        "copied-up-by-chown-chmod",
        "FROM node:22\nWORKDIR /app\nCOPY a .\nCOPY --link b /app/b\nRUN chown -R node:node /app\n",
        ("FROM node:22\nWORKDIR /app\nCOPY --chown=node:node a .\nCOPY --chown=node:node --link b /app/b\n"
        "RUN chown node:node /app\n"),
    ),
    (
        "copied-up-by-chown-chmod",
        "# syntax=docker/dockerfile:1\nFROM debian\nRUN useradd me\nCOPY . /app\nRUN chown -R me:0 /app && chmod -R 755 /app\n",
        ("# syntax=docker/dockerfile:1\nFROM debian\nRUN useradd me\nCOPY --chown=me:0 --chmod=755 . /app\n"
        "RUN chown me:0 /app && chmod 755 /app\n"),
    ),
    ("sudo-used", "FROM debian\nRUN if true; then sudo -E make; fi\n", "FROM debian\nRUN if true; then make; fi\n"),
    ("sudo-used", "FROM x\nUSER 0\nRUN sudo A=b make\n", "FROM x\nUSER 0\nRUN A=b make\n"),
    ("shell-form-cmd", "FROM debian\nCMD node 'a b.js'\n", 'FROM debian\nCMD ["node", "a b.js"]\n'),
    (
        "shell-form-cmd",
        'FROM debian\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nENTRYPOINT  node a.js # it\n',
        'FROM debian\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nENTRYPOINT  node a.js # it\n',
    ),
    (
        "copy-after-user-without-chown",
        "FROM debian\nRUN useradd me\nUSER me\nCOPY --link . /app\nRUN make\n",
        "FROM debian\nRUN useradd me\nUSER me\nCOPY --chown=me:me --link . /app\nRUN make\n",
    ),
    ("copy-after-user-without-chown", "FROM x\nUSER 1:2\nCOPY . /a\nRUN make\n", "FROM x\nUSER 1:2\nCOPY --chown=1:2 . /a\nRUN make\n"),
    ("copy-after-user-without-chown", "FROM x\nUSER me\nCOPY . /a\nRUN make\n", "FROM x\nUSER me\nCOPY --chown=me . /a\nRUN make\n"),
    ("empty-continuation", "FROM a\nRUN b \\\n\n  \n  && c\n", "FROM a\nRUN b \\\n  && c\n"),
    ("empty-continuation", "FROM a\nRUN b \\\r\n\r\n && c\r\n", "FROM a\nRUN b \\\r\n && c\r\n"),
    ("copy-many-without-slash", "FROM a\nCOPY a b /c\n", "FROM a\nCOPY a b /c/\n"),
    ("copy-many-without-slash", 'FROM a\nCOPY ["a", "b", "/c"]\n', 'FROM a\nCOPY ["a", "b", "/c/"]\n'),
    ("copy-many-without-slash", "FROM node:22\nWORKDIR app\n", "FROM node:22\nWORKDIR /app\n"),
    ("copy-many-without-slash", "FROM node:22\nCOPY a ./b/\n", "FROM node:22\nCOPY a /b/\n"),
    (
        "overridden-cmd-entrypoint-healthcheck",
        'FROM a\n# first\nCMD ["a", \\\n  "b"]\nCMD ["c"]\n',
        'FROM a\n# first\nCMD ["c"]\n',
    ),
    ("invalid-json-form", "FROM a\nCMD [ 'a' , \"b\",'c' ]\n", 'FROM a\nCMD [ "a" , "b","c" ]\n'),
    ("invalid-json-form", 'FROM a\nCMD ["a",]\n', 'FROM a\nCMD ["a"]\n'),
    ("invalid-json-form", "FROM a\nENTRYPOINT [“a”, 'b',\\\n  'c']\n", 'FROM a\nENTRYPOINT ["a", "b",\\\n  "c"]\n'),
    ("invalid-json-form", "FROM a\nHEALTHCHECK CMD ['a']\n", 'FROM a\nHEALTHCHECK CMD ["a"]\n'),
    ("cd-without-effect", "FROM a\nRUN cd /app\n", "FROM a\nWORKDIR /app\n"),
    ("cd-without-effect", "FROM a\nRUN make \\\n  && cd /app\nCOPY x /\n", "FROM a\nRUN make\nWORKDIR /app\nCOPY x /\n"),
    ("deprecated-syntax", "FROM a\nMAINTAINER A <a@b>\n", 'FROM a\nLABEL org.opencontainers.image.authors="A <a@b>"\n'),
    ("deprecated-syntax", "FROM a\nENV A  b c\n", 'FROM a\nENV A="b c"\n'),
    ("deprecated-syntax", "FROM a\nENV A 'b c'\n", "FROM a\nENV A='b c'\n"),
    ("deprecated-syntax", "FROM a\nLABEL a b=c\n", "FROM a\nLABEL a=b=c\n"),
    ("deprecated-syntax", "FROM a as B\nEXPOSE 80/TCP\n", "FROM a AS b\nEXPOSE 80/tcp\n"),
    ("deprecated-syntax", "from a AS b\n", "from a as b\n"),
    ("deprecated-syntax", "FROM a\nRun x\n", "FROM a\nRUN x\n"),
    ("deprecated-syntax", "FROM a\nRUN x\nfrom a as b\nRUN y\n", "FROM a\nRUN x\nFROM a AS b\nRUN y\n"),
    (
        "no-cache-mount",
        "# syntax=docker/dockerfile:1\nFROM node:22\nRUN npm ci && composer install\n",
        (
            "# syntax=docker/dockerfile:1\nFROM node:22\nRUN --mount=type=cache,target=/root/.npm"
            " --mount=type=cache,target=/root/.composer/cache npm ci && composer install\n"
        ),
    ),
    (
        "no-cache-mount",
        "# syntax=docker/dockerfile:1.7-labs\nFROM composer:2\nRUN --network=default composer install\n",
        (
            "# syntax=docker/dockerfile:1.7-labs\nFROM composer:2\n"
            "RUN --mount=type=cache,target=/tmp/cache --network=default composer install\n"
        ),
    ),
    (
        "interactive-install",
        "FROM debian\nRUN apt-get update && apt-get -q install git || apt-get install -qq -t x a\n",
        "FROM debian\nRUN apt-get update && apt-get -q install -y git || apt-get install -qq -t x a\n",
    ),
    ("interactive-install", "FROM fedora\nRUN dnf install a && dnf in b\n", "FROM fedora\nRUN dnf install -y a && dnf in -y b\n"),
    (
        "platform-constant-or-redundant",
        "FROM --platform=$TARGETPLATFORM  alpine AS a\n",
        "FROM alpine AS a\n",
    ),
    (
        "package-update-alone",
        "FROM debian\nRUN apt-get update\nRUN apt-get install -y \\\n    git\n",
        "FROM debian\nRUN apt-get update && apt-get install -y \\\n    git\n",
    ),
    (
        "package-update-alone",
        "FROM debian\r\nRUN apt-get update\r\n\r\n# tools\r\nRUN apt-get install -y git\r\n",
        "FROM debian\r\nRUN apt-get update && \\\r\n# tools\r\n    apt-get install -y git\r\n",
    ),
    (
        "unused-or-expired-suppression",
        "FROM a\n# imageopt ignore=sudo-used, IO101 ,parse-error\nCMD x\n",
        "FROM a\n# imageopt ignore=IO101\nCMD x\n",
    ),
]  # fmt: skip

LEFT_ALONE: list[tuple[str, str, str]] = [
    # rule, the text, why it is not mended
    ("apt-lists-left", "FROM debian\nRUN apt-get update\nRUN make\nRUN apt-get install -y a\n", "line 4 installs from these"),
    ("apt-lists-left", "FROM debian AS a\nRUN apt-get update\nFROM a\nRUN apt-get install -y a\n", "line 4 installs from these"),
    ("apt-lists-left", "FROM debian\nRUN apt-get update || true\n", "more than a plain list"),
    ("apt-lists-left", "FROM debian\nRUN (apt-get update)\n", "more than a plain list"),
    ("apt-lists-left", "FROM debian\nRUN apt-get update\nRUN ./install.sh\n", "line 3 may install from these lists"),
    ("deleted-in-later-layer", "FROM debian\nCOPY a /tmp/a\nRUN rm /tmp/a\n", "not made by a RUN directly above"),
    ("deleted-in-later-layer", "FROM debian\nRUN cd /x && make /tmp/a\nRUN rm /tmp/a\n", "its shell's state"),
    ("deleted-in-later-layer", "FROM debian\nRUN set -f; make /tmp/a\nRUN rm /tmp/a\n", "its shell's state"),
    ("deleted-in-later-layer", "FROM debian\nRUN make /tmp/a # x\nRUN rm /tmp/a\n", "a comment stands at the end"),
    ("deleted-in-later-layer", "FROM debian\nRUN make /tmp/a | b\nRUN rm /tmp/a\n", "more than a plain list"),
    ("deleted-in-later-layer", "FROM debian\nRUN --network=none make /tmp/a\nRUN rm /tmp/a\n", "directly above"),
    ("copied-up-by-chown-chmod", "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN chown -R node:node .\n", "line 4 may write"),
    ("copied-up-by-chown-chmod", "FROM nginx\nCOPY . /usr/share/nginx/html\nRUN chown -R 1:1 /usr/share/nginx/html\n", "the base image may"),
    ("copied-up-by-chown-chmod", "FROM debian\nCOPY . /app\nRUN useradd me && chown -R me:me /app\n", "me may not be there yet"),
    ("copied-up-by-chown-chmod", "FROM debian\nCOPY . /app\nRUN chown -R 1 /app\n", "no user with a group"),
    ("copied-up-by-chown-chmod", "FROM debian\nCOPY . /app\nRUN chown -R $A:1 /app\n", "no user with a group"),
    ("copied-up-by-chown-chmod", "FROM debian\nADD . /app\nRUN chown -R 1:1 /app\n", "may unpack"),
    ("copied-up-by-chown-chmod", "FROM debian\nCOPY . /app\nRUN cp -r a /app/b && chown -R 1:1 /app\n", "an earlier command"),
    ("copied-up-by-chown-chmod", "FROM debian\nCOPY . /app\nRUN chown -R 1:1 /app /b\n", "for one folder"),
    ("copied-up-by-chown-chmod", "FROM debian\nCOPY . /app\nRUN chmod -R 755 /app\n", "needs BuildKit"),
    ("copied-up-by-chown-chmod", "# syntax=docker/dockerfile:1\nFROM debian\nCOPY . /app\nRUN chmod -R u+w /app\n", "depends on the one"),
    ("sudo-used", "FROM x\nRUN sudo make\n", "another than root"),
    ("sudo-used", "FROM debian\nUSER me\nRUN sudo make\n", "another than root"),
    ("sudo-used", "FROM debian\nUSER $ME\nRUN sudo make\n", "another than root"),
    ("sudo-used", "FROM debian\nRUN sudo -u me make\n", "more than to run as root"),
    ("shell-form-cmd", "FROM debian\nCMD node $A\n", "variables or patterns"),
    ("shell-form-cmd", "FROM debian\nCMD cd /app && node a.js\n", "needs a shell"),
    ("shell-form-cmd", "FROM debian\nCMD A=b node a.js\n", "needs a shell"),
    ("shell-form-cmd", "FROM debian\nCMD node a.js > /x\n", "needs a shell"),
    ("shell-form-cmd", 'FROM debian\nENTRYPOINT node a.js\nCMD ["x"]\n', "given CMD as arguments"),
    ("shell-form-cmd", 'FROM debian\nSHELL ["bash", "-lc"]\nCMD node a.js\n', "told more"),
    ("shell-form-cmd", "FROM debian\nCMD node \\\n a.js\n", "several lines"),
    ("no-cache-mount", "FROM node:22\nRUN npm ci\n", "say with"),
    ("no-cache-mount", "# syntax=docker/dockerfile:1.1\nFROM node:22\nRUN npm ci\n", "say with"),
    ("no-cache-mount", "# syntax=docker/dockerfile:1\nFROM node:22\nUSER node\nRUN npm ci\n", "depends on the user"),
    ("no-cache-mount", "# syntax=docker/dockerfile:1\nFROM node:22\nENV HOME=/x\nRUN npm ci\n", "depends on the user"),
    ("no-cache-mount", "# syntax=docker/dockerfile:1\nFROM node:22\nRUN A=b npm ci\n", "variables of the command"),
    ("no-cache-mount", "# syntax=docker/dockerfile:1\nFROM node:22\nRUN npm ci && npm cache clean --force\n", "decides itself"),
    ("no-cache-mount", "# syntax=docker/dockerfile:1\nFROM golang:1.25\nRUN go mod download\n", "is not known"),
    ("no-cache-mount", "# syntax=docker/dockerfile:1\nFROM node:22\nRUN yarn install --immutable\n", "is not known"),
    ("no-cache-mount", "# syntax=docker/dockerfile:1\nFROM node:22\nRUN pnpm fetch\n", "is not known"),
    ("package-update-alone", "FROM debian\nRUN apt-get update\nENV A=b\nRUN apt-get install -y git\n", "directly below"),
    ("platform-constant-or-redundant", "FROM --platform=linux/amd64 alpine\n", "it decides"),
    ("empty-continuation", "FROM a\nRUN b \\\n\nUSER c\n", "looks like an instruction (USER)"),
    ("copy-many-without-slash", "FROM x\nWORKDIR app\n", "is not known here"),
    ("copy-many-without-slash", "FROM node:22\nCOPY . .\n", "say with WORKDIR"),
    ("overridden-cmd-entrypoint-healthcheck", "FROM a\nCMD x \\\n # y\n z\nCMD b\n", "a comment stands within it"),
    ("invalid-json-form", "FROM a\nCMD [node, a.js]\n", "not all quoted"),
    ("invalid-json-form", "FROM a\nCMD ['a\"b']\n", "not all quoted"),
    ("cd-without-effect", "FROM a\nRUN make && cd $X\n", "not a plain path"),
    ("cd-without-effect", "FROM a\nRUN cd /a && make && cd b\n", "relative to that of another"),
    ("cd-without-effect", "FROM a\nRUN make && cd /b # x\n", "a comment stands behind"),
    ("cd-without-effect", "FROM a\nRUN make \\\n # x\n && cd /b\n", "a comment stands before"),
    ("deprecated-syntax", "FROM a\nEXPOSE 80:80\n", "cannot be told"),
    ("deprecated-syntax", "FROM a\nMAINTAINER $A\n", "read otherwise"),
    ("deprecated-syntax", "FROM a\nENV A b \"c\n", "read otherwise"),
    ("deprecated-syntax", "FROM a\nENV A b \\\n c\n", "several lines"),
    ("unused-or-expired-suppression", "FROM a\n# imageopt ignore=no-such\nCMD x\n", "correct the name"),
    ("unused-or-expired-suppression", "FROM a\n# imageopt ignore=IO101; until=soon\nCMD x\n", "correct the comment"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "before", "expected"), MENDED, ids=[f"{n}-{c[0]}" for n, c in enumerate(MENDED)])
def test_what_a_fix_makes(rule: str, before: str, expected: str) -> None:
    text = after(before, mend(before, rule))
    assert text == expected
    assert_shells_read(text)
    assert after(text, mend(text, rule)) == text


@pytest.mark.parametrize(("rule", "text", "why"), LEFT_ALONE, ids=[f"{n}-{c[0]}" for n, c in enumerate(LEFT_ALONE)])
def test_what_is_left_alone_and_why(rule: str, text: str, why: str) -> None:
    rewrite = mend(text, rule)
    assert rewrite.outcome == "refused"
    assert rewrite.changes == ()
    assert any(why in refusal.reason for refusal in rewrite.refusals), rewrite.refusals


SAFETIES = {rule.name: rule.fix.safety for rule in load_rules()}


@pytest.mark.parametrize("rule", FIXES)
def test_the_registry_names_functions(rule: str) -> None:
    assert find_fix(rule) is not None
    assert safety(rule) == "safe" or SAFETIES[rule] != "safe", "the rule promises more than its fix holds"
    assert find_fix("fat-base-image") is None
