"""Two images that exist already -> the versions to measure, as if they had been built here."""

from imageopt.build.model import Given
from imageopt.build.record import recall
from imageopt.project.read import read_project
from imageopt.source.reference import parse_reference
from imageopt.verify.bench import Bench, Version
from imageopt.verify.measure import examined, read_image


def read_given(bench: Bench, images: tuple[str, str]) -> list[Version]:
    """Both versions; the Dockerfile of each is the one given, or the one that imageopt itself built it from.

    Raises InputError for an image that is not there: that says nothing about a Dockerfile, as a failed build would.
    """
    request = bench.request
    project = read_project(request.root, dockerfile=request.dockerfile) if request.has_project else None
    versions = []
    for name, words, text in zip(("before", "after"), images, (request.before, request.after), strict=True):
        reference = parse_reference(words)
        image = read_image(bench, name, reference)
        record = recall(image.digest) if image.digest is not None else None
        dockerfile = text or (record.text if record is not None else b"")
        given = Given(image.digest or "", reference.name if image.source == "docker" else "")
        versions.append(examined(bench, Version(name, None, dockerfile, given, None, ()), image, project))
    return versions
