"""How well incoming mail is understood: precision and recall per class on the corpus (tests/corpus)."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys

import django


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classify", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--mistakes", action="store_true", help="list the mails that are taken for something else")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    logging.disable(logging.INFO)
    from benchmarks import corpus

    if options.json:
        figures = {which: corpus.measure(corpus.read_samples(which)) for which in corpus.SETS}
        sys.stdout.write(json.dumps(figures) + "\n")
        return 0
    sys.stdout.write(corpus.table() + "\n")
    if options.mistakes:
        for which in corpus.SETS:
            for sample in corpus.read_samples(which):
                if sample.label != sample.found:
                    sys.stdout.write(f"{which}/{sample.name}: {sample.label} taken for {sample.found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
