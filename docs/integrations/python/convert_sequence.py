"""Turn a sequence of lemlist or Instantly, as their APIs answer it, into the YAML that import_sequence reads.

    convert_sequence.py lemlist-sequence.json "Warm intro" > warm-intro.yaml
    convert_sequence.py instantly-campaign.json "Warm intro" > warm-intro.yaml

lemlist: GET /api/campaigns/:id/sequences. Instantly: GET /api/v2/campaigns/:id. Steps on other channels become tasks.
Conditions are left out, with a line on standard error that says so: add them as splits.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

# Their names of what this product knows under another one; every other variable is a column of the imported file.
KNOWN = {"company_name": "company", "job_title": "title", "phone_number": "phone", "website": "domain"}
SENDER = {"sender_name": "sender.name", "sender_first_name": "sender.first_name", "sending_account_name": "sender.name"}
CHANNELS = {"linkedin": "linkedin", "phone": "call", "call": "call"}


def translate(text: str) -> str:
    """`{{firstName}}` and `{{ first_name | there }}` as Liquid; a variable without a fallback may be empty."""

    def rename(found: re.Match[str]) -> str:
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", found["name"]).lower()
        field = SENDER.get(name) or f"contact.{KNOWN.get(name, name)}"
        fallback = (found["fallback"] or "").strip().strip("\"'").replace('"', "'")
        return f'{{{{ {field} | default: "{fallback}" }}}}'

    return re.sub(r"\{\{\s*(?P<name>\w+)\s*(?:\|(?P<fallback>[^}]*))?\}\}", rename, text)


def convert_lemlist(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The main sequence, which comes first; `delay` is in days before the step."""
    main, *others = answer.values()
    if others:
        print(f"{len(others)} branches of conditions are left out: add them as splits.", file=sys.stderr)
    return [convert_step(step, step.get("delay") or 0, [step]) for step in main["steps"]]


def convert_instantly(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """`delay` is in days before the next step."""
    converted, waited = [], 0
    for step in answer["sequences"][0]["steps"]:
        texts = [variant for variant in step["variants"] if not variant.get("v_disabled")]
        converted.append(convert_step(step, waited, texts))
        waited = step.get("delay") or 0
    return converted


def convert_step(step: dict[str, Any], days: int, texts: list[dict[str, Any]]) -> dict[str, Any]:
    """One step. `texts`: its variants that are on."""
    timing = {"delay": {"days": days}} if days else {}
    bodies = [translate(text.get("body") or text.get("message") or "") for text in texts]
    if step.get("type") not in {None, "email"}:
        kind = next((task for word, task in CHANNELS.items() if word in step["type"].lower()), "generic")
        return {"task": {**timing, "type": kind, "name": step["type"], "instructions": bodies[0] or step["type"]}}
    subjects = [translate(text.get("subject") or "") for text in texts]
    if len(texts) == 1:
        return {"email": {**timing, "subject": subjects[0], "format": "html", "body": bodies[0]}}
    variants = [
        {"key": chr(ord("a") + place), "weight": 1, "subject": subject, "body": body}
        for place, (subject, body) in enumerate(zip(subjects, bodies, strict=True))
    ]
    return {"email": {**timing, "format": "html", "variants": variants}}


def main() -> None:
    path, name = sys.argv[1:]
    answer = json.loads(Path(path).read_text(encoding="utf-8"))
    steps = convert_instantly(answer) if "sequences" in answer else convert_lemlist(answer)
    print(yaml.safe_dump({"name": name, "steps": steps}, sort_keys=False, allow_unicode=True, width=100), end="")


if __name__ == "__main__":
    main()
