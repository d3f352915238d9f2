"""What `e` tells: the line, the package, the waste and the reason."""

from imageopt.evidence.model import Evidence
from imageopt.explore.explain import explain, made_by, owner_of
from imageopt.rules.load import load_rules

RULES = {rule.name: rule for rule in load_rules(examples=False)}


def _index(evidence: Evidence, path: str) -> int:
    assert evidence.image is not None
    return next(index for index, file in enumerate(evidence.image.files) if file.path == path)


def test_a_wasted_file(evidence: Evidence) -> None:
    lines = explain(evidence, RULES, [_index(evidence, "app/node_modules/left-pad/index.js")])
    text = "\n".join(lines)
    assert "wasted (overwritten_same), hidden by layer 1" in text
    assert "belongs to the package left-pad@1.3.0" in text


def test_a_folder(evidence: Evidence) -> None:
    assert evidence.image is not None
    lines = explain(evidence, RULES, range(len(evidence.image.files)))
    assert lines[0] == "6 files, 10.2 kB, of which 5.10 kB are wasted"
    assert any(line.startswith("5.15 kB stored by layer 0") for line in lines)


def test_a_rule_that_is_not_known_is_named(evidence: Evidence) -> None:
    assert evidence.image is not None
    caused = [index for index, kind in enumerate(evidence.classes) if kind.cause]
    text = "\n".join(explain(evidence, {}, caused))
    assert all(f"({evidence.classes[index].cause})" in text for index in caused)


def test_who_made_a_layer_and_whose_a_file_is(evidence: Evidence) -> None:
    assert evidence.image is not None
    assert made_by(evidence, 0)
    assert owner_of(evidence.image, "app/a.txt") == ""
    assert owner_of(evidence.image, "srv/node_modules/@x/y/z.js") == "@x/y"
