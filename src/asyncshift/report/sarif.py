"""Findings for programs: SARIF 2.1.0, and the annotations of GitHub's workflows.

SARIF: https://docs.oasis-open.org/sarif/sarif/v2.1.0/; the chain to a call is a code flow.
Annotations: https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from asyncshift import __version__
from asyncshift.check import Finding, Step
from asyncshift.inert import printable
from asyncshift.rules import own_rules

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "PROJECTROOT"


def sarif(root: str, findings: Sequence[Finding]) -> str:
    """All findings as one run; places to look are notes, the rest errors."""
    rules = sorted({finding.rule for finding in findings})
    numbers = {rule: index for index, rule in enumerate(rules)}
    seen: Counter[str] = Counter()
    results = []
    for finding in findings:
        key = f"{finding.path}\0{finding.rule}\0{finding.text}"
        print_ = hashlib.sha256(f"{key}\0{seen[key]}".encode("utf-8", "surrogatepass"))
        seen[key] += 1
        results.append(_result(finding, numbers, print_.hexdigest()[:32]))
    run = {
        "tool": {
            "driver": {
                "name": "asyncshift",
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"uri": Path(root).as_uri().rstrip("/") + "/"}},
        "results": results,
    }  # fmt: skip
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1)


def _result(finding: Finding, numbers: dict[str, int], fingerprint: str) -> dict[str, Any]:
    text = f"{printable(finding.text)}. {printable(finding.way_out)}"
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": numbers[finding.rule],
        "level": "note" if finding.listed else "error",
        "message": {"text": text},
        "locations": [_location(finding.path, finding.line, finding.column)],
        "partialFingerprints": {"asyncshift/v1": fingerprint},
    }
    if finding.chain:
        steps = [
            {"location": {**_location(s.path, s.line), "message": {"text": printable(s.name)}}}
            for s in finding.chain
        ]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    if finding.also:
        result["relatedLocations"] = [
            {
                **_location(step.path, step.line),
                "message": {"text": f"also reached by {printable(step.name)}"},
            }
            for step in finding.also
        ]
    return result


def _location(path: str, line: int, column: int | None = None) -> dict[str, Any]:
    region: dict[str, int] = {"startLine": max(1, line)}
    if column is not None:
        region["startColumn"] = column + 1
    uri = quote(path.encode("utf-8", "surrogateescape"))
    place = {"artifactLocation": {"uri": uri, "uriBaseId": _ROOT}, "region": region}
    return {"physicalLocation": place}


def _rule(name: str) -> dict[str, Any]:
    rule = own_rules()[name]
    return {
        "id": name,
        "shortDescription": {"text": rule.means},
        "help": {"text": f"{rule.means} {rule.do}"},
    }


def github(findings: Sequence[Finding]) -> Iterator[str]:
    """One annotation for each finding, with the chain in its text."""
    for finding in findings:
        level = "notice" if finding.listed else "error"
        lines = [finding.text, *map(_step, finding.chain), finding.way_out]
        message = "%0A".join(_data(line) for line in lines)
        place = f"file={_property(finding.path)},line={finding.line},col={finding.column + 1}"
        yield f"::{level} {place},title={_property(finding.rule)}::{message}"


def _step(step: Step) -> str:
    return f"  {step.path}:{step.line}: {step.name}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
