"""What it costs to tell what messages mean: loading the known failures, and judging messages of 1 KB."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

from qlikops.agent.diagnosis.library import Library, built_in, compiled
from qlikops.agent.diagnosis.ranking import MessageContext, explain
from tests.benchmarks.conftest import Results

MESSAGES = 2000
ROUNDS = 5
WORDS_TIMES = 10
COLUMNS = ", ".join(f'"COLUMN_{number}"' for number in range(100))


def messages() -> list[str]:
    """Different ones of 1 KB: an example, and the statement that failed."""
    examples = [example for entries in built_in() for failure in entries.failures for example in failure.examples]
    made = (
        f'{examples[number % len(examples)]}; Failed to execute statement {number}: \'INSERT INTO "ORDERS" ({COLUMNS}'
        for number in range(MESSAGES)
    )
    return [f"{each[:1022]}')" for each in made]


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def test_loading_the_known_failures(results: Results) -> None:
    text = compiled()
    took = min(seconds(lambda: Library(json.loads(text))) for _ in range(ROUNDS))
    results.add("known failures loaded", took / 0.030, 1.0, "30 ms")


def test_judging_messages(results: Results) -> None:
    made, known = messages(), Library(json.loads(compiled()))
    context, word = MessageContext(), re.compile(r"\w+")

    def judge() -> None:
        for message in made:
            explain(message, context, known, is_whole=False)

    def split() -> None:
        for message in made:
            for _ in range(WORDS_TIMES):
                word.findall(message.lower())

    pairs = [(seconds(judge), seconds(split)) for _ in range(ROUNDS)]
    judging, splitting = (min(each) for each in zip(*pairs, strict=True))
    results.add(f"{MESSAGES} messages of 1 KB judged", judging / splitting, 1.5, f"their words, {WORDS_TIMES} times")
    results.add("a message of 1 KB judged", judging / MESSAGES * 5000, None, "1 s / 5,000")
