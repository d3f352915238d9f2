"""A file or a folder of the image -> what is known of it, in lines: who made it, whose it is, if it is avoidable."""

from collections.abc import Iterator, Mapping, Sequence

from imageopt.evidence.model import Evidence
from imageopt.image.model import Image
from imageopt.image.packages.folder import package_folder
from imageopt.rules.model import Rule
from imageopt.units import format_bytes

_SHOWN = 5


def explain(evidence: Evidence, rules: Mapping[str, Rule], indices: Sequence[int]) -> list[str]:
    """The lines about these files, as indices into the image's; of several, the sums of each kind."""
    image = evidence.image
    assert image is not None
    lines = _file(evidence, image, indices[0]) if len(indices) == 1 else _folder(evidence, image, indices)
    return [*lines, *_causes(evidence, rules, indices)]


def made_by(evidence: Evidence, layer: int) -> str:
    """The instruction that made the layer with its line; what the history says where the line is not known."""
    line, text = line_and_text(evidence, layer)
    return f"{evidence.dockerfile_path}:{line}  {text}" if line else text


def line_and_text(evidence: Evidence, layer: int) -> tuple[str, str]:
    """The number of the line, empty where it is not known, and the instruction: for a column of each."""
    image = evidence.image
    assert image is not None
    origin = evidence.origins[layer] if layer < len(evidence.origins) else None
    if origin is None:
        return "", " ".join((image.layers[layer].created_by or "unknown").split())
    instruction = origin.instruction
    return str(instruction.line), " ".join(f"{instruction.keyword} {instruction.arguments}".split())


def owner_of(image: Image, path: str) -> str:
    """The package that the path belongs to, empty where it is nobody's."""
    if (owner := image.packages.owners.get(path)) is not None:
        return owner
    folder = package_folder(path)
    if folder is None:
        return ""
    found = next((package for package in image.packages.npm if package.path == folder), None)
    return f"{found.name}@{found.version}" if found is not None else folder.rpartition("node_modules/")[2]


def _file(evidence: Evidence, image: Image, index: int) -> list[str]:
    file = image.files[index]
    lines = [f"/{file.path}", f"{format_bytes(file.size)}, mode {file.mode & 0o7777:04o}, owner {file.uid}:{file.gid}"]
    lines.append(f"stored by layer {file.birth}: {made_by(evidence, file.birth)}")
    if file.death is not None:
        lines.append(f"wasted ({file.fate}), hidden by layer {file.death}: {made_by(evidence, file.death)}")
    if owner := owner_of(image, file.path):
        lines.append(f"belongs to the package {owner}")
    lines.append(f"it is {evidence.classes[index].category.replace('-', ' ')}")
    return lines


def _folder(evidence: Evidence, image: Image, indices: Sequence[int]) -> list[str]:
    files = [image.files[index] for index in indices]
    wasted = sum(file.size for file in files if file.death is not None)
    size = format_bytes(sum(file.size for file in files))
    lines = [f"{len(files):,} files, {size}, of which {format_bytes(wasted)} are wasted"]
    lines += _sums("stored by layer {}: ", {i: image.files[i].birth for i in indices}, image, evidence)
    return lines


def _sums(text: str, layers: Mapping[int, int], image: Image, evidence: Evidence) -> Iterator[str]:
    sizes: dict[int, int] = {}
    for index, layer in layers.items():
        sizes[layer] = sizes.get(layer, 0) + image.files[index].size
    for layer in sorted(sizes, key=lambda layer: (-sizes[layer], layer))[:_SHOWN]:
        yield f"{format_bytes(sizes[layer])} {text.format(layer)}{made_by(evidence, layer)}"


def _causes(evidence: Evidence, rules: Mapping[str, Rule], indices: Sequence[int]) -> Iterator[str]:
    """Why the bytes are avoidable, as the rules say it, the biggest cause first."""
    assert evidence.image is not None
    sizes: dict[str, int] = {}
    for index in indices:
        cause = evidence.classes[index].cause
        if cause is not None:
            sizes[cause] = sizes.get(cause, 0) + evidence.image.files[index].size
    for cause in sorted(sizes, key=lambda cause: (-sizes[cause], cause))[:_SHOWN]:
        yield ""
        rule = rules.get(cause)
        yield f"avoidable: {format_bytes(sizes[cause])}, {rule.title if rule is not None else cause} ({cause})"
        if rule is not None:
            yield " ".join(rule.why.split())
            yield f"Better: {' '.join(rule.better.split())}"
