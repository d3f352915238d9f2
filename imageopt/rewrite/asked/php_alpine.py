"""The final stage on a Debian PHP image -> on the alpine one of the same version and variant.

musl's iconv and locales answer in other ways and its www-data has another number; sources that ask for either, and
stages that install Debian's packages or copy compiled extensions, keep their image.
"""

import re
from collections.abc import Iterator

from imageopt.dockerfile.model import Edit, Instruction
from imageopt.project.files import files_named, read_source
from imageopt.rewrite.asked.model import Asked, Change, Site
from imageopt.rewrite.base_image import parts
from imageopt.rewrite.php.base import PhpImage, php_image

_ASKS = re.compile(r"(?<![>:\w])(iconv\w*|setlocale|strftime|strptime|dcgettext|GLOB_BRACE)\b")
_DEBIANS = re.compile(
    r"(?<![\w-])(apt-get|apt|dpkg|a2enmod|(?:user|group)(?:add|mod)|add(?:user|group)|service|runuser|locale-gen|bash|pecl)"
    r"(?![\w-])"
)
_COMPILED = re.compile(
    r"/usr/local/(?:lib|etc)\b|/lib(?:32|64|exec)?/|\.so\b|/s?bin/(?!composer\b|install-php-extensions\b)[\w*]"
)
_NUMBER = re.compile(r"(?<![\w./-])33(?![\w./-])")  # www-data's on Debian
_BUILDS = re.compile(r"docker-php-ext-(?:install|configure)((?:\s+[\w-]+)*)")
_PLAIN = {
    "bcmath",
    "calendar",
    "exif",
    "mysqli",
    "opcache",
    "pcntl",
    "pdo",
    "pdo_mysql",
    "shmop",
    "sysvmsg",
    "sysvsem",
    "sysvshm",
}  # fmt: skip (what docker-php-ext-install builds with nothing but what the image brings)


def _make(site: Site) -> Change | str:
    stage = site.final
    word = stage.from_instruction.words[0]
    image = php_image(word.raw, stage.base) if stage.parent is None else None
    if image is None or "$" in word.raw or "@" in word.raw:
        return f"{site.line(stage.from_instruction)}: the final stage is not built on an official PHP image by its tag"
    reason = next(_against(site, image), None)
    if reason is not None:
        return reason
    tag = parts(word.raw)[1]
    kept = tag.removesuffix(image.suite).rstrip("-")
    new = f"{word.raw.removesuffix(f':{tag}')}:{f'{kept}-' if kept else ''}alpine"
    notes = ("www-data is 82 there and 33 on Debian: volumes that exist already must be given to it once",)
    why = "nothing in it is installed from Debian, and no source asks for iconv or a locale"
    return Change((Edit(word.start, word.end, new),), why, None, notes)


def _against(site: Site, image: PhpImage) -> Iterator[str]:
    """What speaks against it, in words."""
    if image.is_alpine:
        yield "the final stage is on alpine already"
    if site.is_built_on:
        yield "another stage is built on the final one"
    if image.server == "apache":
        yield "there is no alpine image of PHP with Apache"
    for item in site.final.instructions:
        yield from _against_step(site, item)
    for path in files_named(site.project.root, (".php", ".phtml", ".sh")):
        text = read_source(site.project.root, path)
        if path.endswith(".sh") and re.match(r"#!.*\bbash\b", text):
            yield f"{path} is written for bash"
        elif found := _ASKS.search(text):
            yield f"{path} calls {found[1]}, which answers in other ways on musl"


def _against_step(site: Site, item: Instruction) -> Iterator[str]:
    text = " ".join(item.json or (item.arguments,)) if item.keyword not in ("LABEL", "ENV") else ""
    if found := _DEBIANS.search(text):
        yield f"{site.line(item)}: {found[1]} is of Debian, or other on alpine"
    for built in _BUILDS.findall(text):
        if needs := sorted(set(built.split()) - _PLAIN):
            yield f"{site.line(item)}: {needs[0]} is built with libraries whose packages have other names there"
    owned = [item.flag("chown") or "", text if item.keyword == "USER" or "chown" in text else ""]
    if any(map(_NUMBER.search, owned)):
        yield f"{site.line(item)}: 33 is the number of www-data on Debian alone"
    if item.keyword == "COPY" and item.flag("from") and _COMPILED.search(text):
        yield f"{site.line(item)}: what is copied there is compiled for Debian"


PHP_ALPINE = Asked("php-alpine", "the final stage on the alpine image of the same PHP", _make)
