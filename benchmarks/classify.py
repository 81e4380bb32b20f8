"""How well incoming mail is understood: precision and recall per kind on the corpus (tests/corpus), and their cost."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from benchmarks.corpus import Sample


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classify", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--mistakes", action="store_true", help="list the mails that are taken for something else")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    logging.disable(logging.INFO)
    from benchmarks import corpus

    samples = {which: corpus.read_samples(which) for which in corpus.SETS}
    if options.json:
        sys.stdout.write(json.dumps({which: _figures(found) for which, found in samples.items()}) + "\n")
        return 0
    sys.stdout.write(f"{corpus.table()}\n\n{corpus.costs()}\n")
    if options.mistakes:
        for which, found in samples.items():
            for sample in found:
                if sample.found not in sample.labels:
                    sys.stdout.write(
                        f"{which}/{sample.name}: {sample.label} taken for {sample.found}: {sample.reason}\n"
                    )
    return 0


def _figures(samples: list[Sample]) -> dict[str, object]:
    from benchmarks import corpus

    wrong, cost = corpus.measure_cost(samples)
    kinds = {
        kind: {"mails": mails, "precision": round(precision, 4), "recall": round(recall, 4)}
        for kind, (mails, precision, recall) in corpus.measure(samples).items()
    }
    return {"mails": len(samples), "errors": wrong, "cost": cost, "kinds": kinds}


if __name__ == "__main__":
    sys.exit(main())
