"""Two image configurations -> the keys that differ. Whether a change is right is not asked here.

Values of the environment may be secret: only those of names that say they are not are told. Labels are
public but for those that are named like a secret.
"""

from collections.abc import Iterator, Mapping

from imageopt.compare.model import ConfigChange
from imageopt.masking import names_a_secret
from imageopt.source.model import ImageConfig

_TOLD = ("NODE_ENV", "PATH", "LANG", "LC_ALL", "TZ")


def compare_configurations(before: ImageConfig, after: ImageConfig) -> tuple[ConfigChange, ...]:
    """The keys in a fixed order; of environment and labels each name by itself. Dates and history are left out."""
    return (
        *_differing("Platform", before.platform, after.platform),
        *_differing("User", before.user, after.user),
        *_differing("Entrypoint", " ".join(before.entrypoint), " ".join(after.entrypoint)),
        *_differing("Cmd", " ".join(before.cmd), " ".join(after.cmd)),
        *_environment(_pairs(before.env), _pairs(after.env)),
        *_differing("WorkingDir", before.working_dir, after.working_dir),
        *_differing("ExposedPorts", ", ".join(sorted(before.exposed_ports)), ", ".join(sorted(after.exposed_ports))),
        *_differing("Volumes", ", ".join(sorted(before.volumes)), ", ".join(sorted(after.volumes))),
        *_differing("Healthcheck", *health_words(before, after)),
        *_differing("StopSignal", before.stop_signal or "", after.stop_signal or ""),
        *_differing("Shell", " ".join(before.shell), " ".join(after.shell)),
        *_labels(before.labels, after.labels),
    )


def health_words(before: ImageConfig, after: ImageConfig) -> tuple[str, str]:
    """Both health checks, with when they are made where that differs; "" for none, which an image may say as `NONE`."""
    texts = [" ".join(one.healthcheck) if has_health_check(one) else "" for one in (before, after)]
    if all(texts) and before.health_timing != after.health_timing:
        texts = [f"{text} ({_timing(one)})" for text, one in zip(texts, (before, after), strict=True)]
    return texts[0], texts[1]


def has_health_check(config: ImageConfig) -> bool:
    """Whether the image has one that is made."""
    return config.healthcheck[:1] not in ((), ("NONE",))


def _timing(config: ImageConfig) -> str:
    told = config.health_timing
    return (
        f"every {told.interval:g} s, {told.timeout:g} s each, "
        f"unhealthy after {told.retries}, not in the first {told.start_period:g} s"
    )


def _differing(what: str, before: str, after: str) -> Iterator[ConfigChange]:
    if before != after:
        yield ConfigChange(what, before or None, after or None)


def _environment(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[ConfigChange]:
    for name in sorted(before.keys() | after.keys()):
        told = name in _TOLD or name.endswith("_VERSION")
        yield from _named(f"Env {name}", before.get(name), after.get(name), told=told)


def _labels(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[ConfigChange]:
    for name in sorted(before.keys() | after.keys()):
        yield from _named(f"Label {name}", before.get(name), after.get(name), told=not names_a_secret(name))


def _named(what: str, old: str | None, new: str | None, *, told: bool) -> Iterator[ConfigChange]:
    if old == new:
        return
    if told:
        yield ConfigChange(what, old, new)
    else:
        other = "another value" if old is not None else "set"
        yield ConfigChange(what, None if old is None else "set", None if new is None else other)


def _pairs(environment: tuple[str, ...]) -> dict[str, str]:
    return dict(entry.partition("=")[::2] for entry in environment)
