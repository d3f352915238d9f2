"""Fixes of how lines are written: the newer form of an instruction, lists that are lists, blank lines, old comments."""

import json
import re
from collections import Counter

from imageopt.dockerfile.instructions import KEYWORDS
from imageopt.dockerfile.model import Dockerfile, Edit, Instruction, Trivia, Word
from imageopt.rewrite.fixes.model import Outcome, Refusal, Site
from imageopt.rules.comments import Suppression, suppressions

_BLANK_LINE = re.compile(r"(?m)^[ \t]*\r?\n")
_STARTS_INSTRUCTION = re.compile(rf"[ \t]*(?:{'|'.join(sorted(KEYWORDS))})[ \t]")
_ITEM = re.compile(r"'[^'\"\\]*'|\"(?:[^\"\\]|\\.)*\"|“[^”\"\\]*”|‘[^’\"\\]*’|«[^»\"\\]*»")
_COMMA = re.compile(r"\s*,\s*")
_PROTOCOL = re.compile(r"\d+(?:-\d+)?/(?:tcp|udp|sctp)", re.IGNORECASE)


def drop_blank_lines(site: Site) -> Outcome:
    """The blank lines within an instruction go, unless what follows was meant to be another instruction."""
    text, instruction = site.dockerfile.text, site.instruction
    bodies = [(heredoc.start, heredoc.end) for heredoc in instruction.heredocs]
    edits = []
    for match in _BLANK_LINE.finditer(text, instruction.start, instruction.end):
        if any(start <= match.start() < end for start, end in bodies):
            continue
        follows = _STARTS_INSTRUCTION.match(text, match.end())
        if follows and match.end() < instruction.end:
            return Refusal(f"the line below looks like an instruction ({follows[0].strip()}): take the backslash away")
        edits.append(Edit(*match.span(), ""))
    return tuple(edits) or Refusal("there is no blank line")


def write_json(site: Site) -> Outcome:
    """The list with double quotes and without a comma at its end, where each item is quoted somehow."""
    instruction = site.instruction.trigger or site.instruction
    text = instruction.arguments
    start = text.find("[")
    end = len(text.rstrip())
    edits: list[Edit] = []
    at = start + 1 + len(text[start + 1 :]) - len(text[start + 1 :].lstrip())
    while start >= 0 and (item := _ITEM.match(text, at)):
        quotes = [instruction.locate(offset) for offset in (item.start(), item.end() - 1) if text[offset] != '"']
        edits += (Edit(place, place + 1, '"') for place in quotes)
        comma = _COMMA.match(text, item.end())
        at = comma.end() if comma else item.end()
        if comma and text[at:end] == "]":
            where = instruction.locate(text.index(",", item.end()))
            edits.append(Edit(where, where + 1, ""))
        if not comma or text[at:end] == "]":
            break
    closes = start >= 0 and text[at:end].strip() == "]"
    return tuple(edits) if closes and edits else Refusal("its items are not all quoted; write it as JSON by hand")


def modernise(site: Site) -> Outcome:
    """The newer form of what the finding is about: MAINTAINER, the old ENV, the case of a word, a port's protocol."""
    instruction, words = site.instruction, site.instruction.words
    spot = next((word for word in words if word.start == site.offset), None)
    if instruction.keyword == "MAINTAINER":
        return _label(site)
    if spot is None:
        keyword = _usual(site.dockerfile, instruction)
        own = _keyword(site, keyword)
        if instruction.keyword == "FROM" and len(words) == 3:  # else AS would be in another case than FROM
            return (own, Edit(words[1].start, words[1].end, "as" if keyword.islower() else "AS"))
        return (own,)
    match instruction.keyword:
        case "ENV" | "LABEL" if len(words) == 2:
            return _pair(site, words[0], words[1])
        case "FROM" if spot is words[2]:
            return (Edit(spot.start, spot.end, spot.raw.lower()),)
        case "FROM":
            upper = instruction.raw_keyword.isupper()
            return (Edit(spot.start, spot.end, spot.raw.upper() if upper else spot.raw.lower()),)
        case "EXPOSE" if _PROTOCOL.fullmatch(spot.raw):
            return (Edit(spot.start, spot.end, spot.raw.lower()),)
    return Refusal("what is meant cannot be told; name the port that the service listens on")


def drop_suppression(site: Site) -> Outcome:
    """The comment goes, or the one name in it that suppresses nothing."""
    if site.offset < 0 or site.finding.message.startswith("There is no rule"):
        return Refusal("correct the name, or take it out")
    found = next((one for one in suppressions(site.dockerfile) if one.start <= site.offset < one.end), None)
    if found is None or found.tool != "imageopt" or found.fault:
        return Refusal("correct the comment, or take it out")
    name = next((word for word in found.names if word.start == site.offset), None)
    if name is None or len(found.names) == 1:
        return _without_comment(site.dockerfile, found)
    number = found.names.index(name)
    if number + 1 < len(found.names):
        return (Edit(name.start, found.names[number + 1].start, ""),)
    return (Edit(found.names[number - 1].end, name.end, ""),)


def _without_comment(dockerfile: Dockerfile, found: Suppression) -> Outcome:
    for node in dockerfile.nodes:
        if isinstance(node, Trivia) and node.start <= found.start < node.end:
            return (Edit(node.start, node.end, ""),)
    return Refusal("the comment stands within an instruction")


def _usual(dockerfile: Dockerfile, instruction: Instruction) -> str:
    """The keyword in the case that most of the file's keywords have."""
    cases = Counter(item.raw_keyword.islower() for item in dockerfile.instructions if item.keyword in KEYWORDS)
    return instruction.keyword.lower() if cases[True] > cases[False] else instruction.keyword


def _keyword(site: Site, keyword: str) -> Edit:
    """The edit that writes the keyword anew."""
    start = keyword_start(site.dockerfile, site.instruction)
    return Edit(start, start + len(site.instruction.raw_keyword), keyword)


def keyword_start(dockerfile: Dockerfile, instruction: Instruction) -> int:
    """Where the instruction's keyword begins: behind its indentation."""
    return dockerfile.text.index(instruction.raw_keyword, instruction.start)


def _label(site: Site) -> Outcome:
    instruction = site.instruction
    if len(instruction.words) != 1 or len(instruction.pieces) > 1:
        return Refusal("it is spread over several lines")
    word = instruction.words[0]
    if "$" in word.raw or site.dockerfile.escape in word.raw or '"' in word.value:
        return Refusal("its value would be read otherwise in a LABEL")
    usual = "label" if instruction.raw_keyword.islower() else "LABEL"
    value = json.dumps(word.value, ensure_ascii=False)
    return (_keyword(site, usual), Edit(word.start, word.end, f"org.opencontainers.image.authors={value}"))


def _pair(site: Site, name: Word, value: Word) -> Outcome:
    """`ENV name value` as `ENV name=value`, quoted where it has spaces."""
    raw = value.raw
    if (
        site.dockerfile.text[name.end : value.start].strip(" \t")
        or "\n" in site.dockerfile.text[value.start : value.end]
    ):
        return Refusal("it is spread over several lines")
    if re.search(r"\s", raw):
        quoted = len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "'\"" and raw[0] not in raw[1:-1]
        if not quoted and (site.dockerfile.escape in raw or '"' in raw or "'" in raw):
            return Refusal("its quotes would be read otherwise in the newer form")
        raw = raw if quoted else f'"{raw}"'
    elif raw.count('"') % 2 or raw.count("'") % 2:
        return Refusal("its quotes would be read otherwise in the newer form")
    return (Edit(name.end, value.end, f"={raw}"),)
