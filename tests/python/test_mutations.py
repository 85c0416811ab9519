"""The wrong rules of tests/mutations still name text that the engine has."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.mutations.rules import ENGINE, MUTATIONS, Mutation

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_a_mutation_changes_one_place(mutation: Mutation, tmp_path: Path) -> None:
    copy = tmp_path / ENGINE / mutation.file
    copy.parent.mkdir(parents=True)
    shutil.copy2(ROOT / ENGINE / mutation.file, copy)
    before = mutation.apply(tmp_path)
    assert before == (ROOT / ENGINE / mutation.file).read_text()
    assert copy.read_text() != before


def test_a_mutation_whose_place_is_gone_says_so(tmp_path: Path) -> None:
    file = tmp_path / ENGINE / "a.cpp"
    file.parent.mkdir(parents=True)
    file.write_text("one two two")
    for text, times in (("three", 0), ("two", 2)):
        with pytest.raises(ValueError, match=f"{times} times in cpp/engine/a.cpp"):
            Mutation("name", "P1", "a.cpp", text, "else").apply(tmp_path)


def test_names_are_given_once() -> None:
    assert set(Counter(each.name for each in MUTATIONS).values()) == {1}
