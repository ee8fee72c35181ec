"""The files of docs/contracts/, and their breaks with those of the last release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from tests.support.contracts.changes import breaks
from tests.support.contracts.http import applications, openapi
from tests.support.contracts.http_changes import http_breaks
from tests.support.contracts.schemas import FILES
from tests.support.contracts.topics import asyncapi

ROOT: Final = Path(__file__).resolve().parents[3]
CURRENT: Final = ROOT / "docs" / "contracts"
RELEASED: Final = ROOT / "tests" / "examples" / "released_contracts"
"""As other teams have them: of the last release, or of what was said to be as good as released."""
INPUTS: Final = ("envelope", "touchpoints")


def documents() -> dict[str, str]:
    """Each file's text by its name."""
    found = {f"{name}.schema.json": made() for name, made in FILES.items()}
    found |= {"asyncapi.json": asyncapi(), **{one.file: openapi(one) for one in applications()}}
    return {name: json.dumps(made, ensure_ascii=False, indent=1) + "\n" for name, made in found.items()}


def broken() -> list[str]:
    """What a reader or a writer of the last release's contracts would stumble over, in words."""
    now = documents()
    found = []
    for name in FILES:
        file = f"{name}.schema.json"
        if not (RELEASED / file).exists():
            continue  # nobody has it yet
        former: dict[str, Any] = json.loads((RELEASED / file).read_text(encoding="utf-8"))
        found += [f"{file}: {one}" for one in breaks(former, json.loads(now[file]), name not in INPUTS)]
    for app in applications():
        if (RELEASED / app.file).exists():
            document: dict[str, Any] = json.loads((RELEASED / app.file).read_text(encoding="utf-8"))
            found += [f"{app.file}: {one}" for one in http_breaks(document, json.loads(now[app.file]))]
    return found
