"""Garbage collection of a long-running worker."""

from __future__ import annotations

import gc


def freeze_loaded_objects() -> None:
    """Exclude loaded modules from garbage collection: examining them again and again slows deciding."""
    gc.collect()
    gc.freeze()
