"""Results -> JSON documents: the front door of their writers, and how a document becomes text.

A document is the whole of a result: every renderer shows a document, none asks the values it was made from, so that
a result read back from a file shows the same as one that was just made.
"""

import json
from collections.abc import Mapping
from typing import Any

from imageopt.report.analysis import analysis_document as analysis_document
from imageopt.report.comparison import comparison_document as comparison_document
from imageopt.report.gate import gate_document as gate_document
from imageopt.report.rewrite import rewrite_document as rewrite_document
from imageopt.report.verification import verification_document as verification_document


def dumps(document: Mapping[str, Any]) -> str:
    """The document as JSON with a newline at its end; equal documents give equal bytes."""
    import msgspec

    # the standard library lays out with an encoder written in Python, which takes ten times as long as this
    compact = json.dumps(document, ensure_ascii=False, allow_nan=False)
    try:
        return msgspec.json.format(compact, indent=2) + "\n"
    except UnicodeEncodeError:  # a name that is not UTF-8
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
