"""Where a sequence can go: the questions that validation asks about the graph of its steps. Pure.

A step leads to the next one; a split leads to its two targets. The end is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from sequences.authoring.step_fields import StepDraft
from sequences.choices import StepType

Graph = Mapping[str, tuple[str | None, ...]]


def build_graph(steps: Sequence[StepDraft]) -> dict[str, tuple[str | None, ...]]:
    """Every step's successors, by key. A goto that names no step leads nowhere (it is an error of its own)."""
    keys = {step.key for step in steps}
    graph: dict[str, tuple[str | None, ...]] = {}
    for place, step in enumerate(steps):
        if step.is_split:
            graph[step.key] = tuple(
                target for target in (step.if_true, step.if_false) if target is None or target in keys
            )
        else:
            graph[step.key] = (steps[place + 1].key if place + 1 < len(steps) else None,)
    return graph


def find_endless(graph: Graph) -> set[str]:
    """Steps from which no path reaches the end. Those before a dangling goto count as ending there."""
    leading: dict[str, list[str]] = {key: [] for key in graph}
    ending: list[str] = []
    for key, targets in graph.items():
        if not targets or None in targets:
            ending.append(key)
        for target in targets:
            if target is not None:
                leading[target].append(key)
    seen = set(ending)
    while ending:
        for key in leading[ending.pop()]:
            if key not in seen:
                seen.add(key)
                ending.append(key)
    return set(graph) - seen


def find_instant_loops(steps: Sequence[StepDraft], graph: Graph) -> list[list[str]]:
    """Loops in which no step has a delay: enrollments in them would go round without time passing."""
    instant = {step.key for step in steps if step.delay == timedelta()}
    inner = {key: [target for target in graph[key] if target in instant] for key in graph if key in instant}
    waiting = {key: len(targets) for key, targets in inner.items()}
    leading: dict[str, list[str]] = {key: [] for key in inner}
    for key, targets in inner.items():
        for target in targets:
            leading[str(target)].append(key)
    # Steps that only lead out of the delay-free part are taken away, and again, until loops and what leads in remain.
    done = [key for key, count in waiting.items() if count == 0]
    while done:
        for key in leading[done.pop()]:
            waiting[key] -= 1
            if waiting[key] == 0:
                done.append(key)
    left = [key for key, count in waiting.items() if count > 0]
    loops: list[list[str]] = []
    seen: set[str] = set()
    for start in left:
        path: list[str] = []
        key = start
        while key not in seen:
            seen.add(key)
            path.append(key)
            key = next(str(target) for target in inner[key] if waiting[str(target)] > 0)
        if key in path:
            loops.append(path[path.index(key) :])
    return loops


def find_unreached(steps: Sequence[StepDraft], graph: Graph) -> set[str]:
    """Steps that no path from the first step leads to."""
    return set(graph) - _walk(steps, graph, stop_at=frozenset())


def find_emails_without_thread(steps: Sequence[StepDraft], graph: Graph) -> set[str]:
    """Email steps with an empty subject, be it of one variant, that some path reaches before any other email.

    There is nothing to reply to.
    """
    emails = frozenset(step.key for step in steps if step.type == StepType.EMAIL)
    first = _walk(steps, graph, stop_at=emails)
    return {
        step.key
        for step in steps
        if step.key in first & emails and not all(subject.strip() for _, subject, _ in step.texts)
    }


def find_last_before(key: str, steps: Iterable[StepDraft], graph: Graph, step_type: StepType) -> set[str]:
    """Steps of a type that can be the last of that type before the step `key`, on some path to it."""
    wanted = {step.key for step in steps if step.type == step_type}
    leading: dict[str, list[str]] = {each: [] for each in graph}
    for source, targets in graph.items():
        for target in targets:
            if target is not None:
                leading[target].append(source)
    found: set[str] = set()
    seen: set[str] = set()
    behind = list(leading[key])
    while behind:
        source = behind.pop()
        if source in seen:
            continue
        seen.add(source)
        if source in wanted:
            found.add(source)
        else:
            behind += leading[source]
    return found


def find_ahead(steps: Sequence[StepDraft], graph: Graph) -> dict[str, frozenset[str]]:
    """By step, the emails and tasks that a contact at it can still get: itself and all that it leads to."""
    texts = {step.key for step in steps if step.type in {StepType.EMAIL, StepType.TASK}}
    found: dict[str, frozenset[str]] = {}
    for step in steps:
        seen = {step.key}
        ahead = [step.key]
        while ahead:
            for target in graph[ahead.pop()]:
                if target is not None and target not in seen:
                    seen.add(target)
                    ahead.append(target)
        found[step.key] = frozenset(seen & texts)
    return found


def _walk(steps: Sequence[StepDraft], graph: Graph, stop_at: frozenset[str]) -> set[str]:
    ahead = [steps[0].key] if steps else []
    seen = set(ahead)
    while ahead:
        key = ahead.pop()
        if key in stop_at:
            continue
        for target in graph[key]:
            if target is not None and target not in seen:
                seen.add(target)
                ahead.append(target)
    return seen
