"""The JSON documents of an image (configuration, manifests), from bytes to values, checked once."""

import json
from collections.abc import Mapping
from typing import Any

from imageopt.errors import InputError
from imageopt.lazy_pattern import lazy_pattern
from imageopt.source.model import HealthTiming, HistoryEntry, ImageConfig

_DIGEST = lazy_pattern(r"[a-z0-9+._-]{1,32}:[0-9a-f]{32,128}").fullmatch
_HALF = lazy_pattern("[\ud800-\udfff]")
_MOST = 1 << 63  # what an engine's numbers hold
LIMIT = 16 << 20  # bytes; no real configuration or manifest comes near


def load_json(data: bytes, what: str) -> Any:
    """The parsed document, its texts fit for any output. Raises InputError naming `what` where it is not JSON."""
    try:
        value = json.loads(data)
        return _whole(value) if b"\\ud" in data.lower() or not data.isascii() else value
    except (ValueError, RecursionError):
        raise InputError(f"{what} is not JSON", "make or pull the image again") from None


def image_config(data: bytes) -> ImageConfig:
    """The image configuration (OCI image specification, config.md). Raises InputError where it is none."""
    document = load_json(data, "the image configuration")
    rootfs = _mapping(document, "rootfs")
    diff_ids = rootfs.get("diff_ids")
    if diff_ids is None and rootfs.get("type") == "layers":
        diff_ids = []  # as builders write it for `FROM scratch` and nothing but labels
    if not isinstance(diff_ids, list) or not all(isinstance(diff_id, str) and _DIGEST(diff_id) for diff_id in diff_ids):
        raise InputError("the image configuration lists no layers", "is this a container image?")
    config = _mapping(document, "config")
    return ImageConfig(
        os=_text(document, "os"),
        architecture=_text(document, "architecture"),
        variant=_text(document, "variant"),
        user=_text(config, "User"),
        env=_texts(config, "Env"),
        entrypoint=_texts(config, "Entrypoint"),
        cmd=_texts(config, "Cmd"),
        working_dir=_text(config, "WorkingDir"),
        exposed_ports=tuple(sorted(_mapping(config, "ExposedPorts"))),
        volumes=tuple(sorted(_mapping(config, "Volumes"))),
        labels={key: str(value) for key, value in sorted(_mapping(config, "Labels").items())},
        stop_signal=_text(config, "StopSignal") or None,
        healthcheck=_texts(_mapping(config, "Healthcheck"), "Test"),
        shell=_texts(config, "Shell"),
        created=_text(document, "created") or None,
        history=_history(document),
        diff_ids=tuple(diff_ids),
        health_timing=_health_timing(_mapping(config, "Healthcheck")),
    )


def _whole(value: Any) -> Any:
    """The value without halves of characters, which JSON may spell and no output can hold."""
    match value:
        case str():
            return value if value.isascii() else _HALF.sub("\ufffd", value)
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {_whole(key): _whole(item) for key, item in value.items()}
    return value


def _health_timing(check: Mapping[str, Any]) -> HealthTiming:
    """Durations are in nanoseconds; zero is as good as not there."""
    usual = HealthTiming()
    return HealthTiming(
        interval=_number(check, "Interval") / 1e9 or usual.interval,
        timeout=_number(check, "Timeout") / 1e9 or usual.timeout,
        start_period=_number(check, "StartPeriod") / 1e9 or usual.start_period,
        retries=_number(check, "Retries") or usual.retries,
    )


def _history(document: Any) -> tuple[HistoryEntry, ...]:
    entries = document.get("history")
    return tuple(
        HistoryEntry(_text(entry, "created_by"), entry.get("empty_layer") is True, _text(entry, "comment"))
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
    )


def _mapping(document: Any, key: str) -> Mapping[str, Any]:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, dict) else {}


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _number(document: Mapping[str, Any], key: str) -> int:
    value = document.get(key)
    return value if isinstance(value, int) and 0 <= value < _MOST else 0


def _texts(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = document.get(key)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
