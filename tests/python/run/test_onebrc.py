"""The big file of the benchmarks: what it must give is what its lines say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import onebrc
from benchmarks.workload import LOOP, Cost


def test_the_expected_text_is_what_the_lines_say(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    expected = onebrc.write_rows(path, 250_000)
    stations: dict[str, list[int]] = {}
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        name, degrees = line.split(";")
        stations.setdefault(name, []).append(round(float(degrees) * 10))
    assert len(stations) == 413
    assert sum(map(len, stations.values())) == 250_000
    shown = [
        f"{name}={min(all_) / 10:.1f}/{sum(all_) / len(all_) / 10:.1f}/{max(all_) / 10:.1f}"
        for name, all_ in sorted(stations.items())
    ]
    assert expected == "{" + ", ".join(shown) + "}"


@pytest.mark.parametrize(("line", "tenths"), [("a;-0.5", -5), ("São;12.3", 123), ("b;0.0", 0)])
def test_lines_are_parsed(line: str, tenths: int) -> None:
    assert onebrc.parse(line) == (line.split(";")[0], tenths)


def test_a_wrong_result_ends_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onebrc, "run", lambda *_: ("{a=1.0/1.0/1.0}\n", Cost(1.0, 1.0)))
    assert onebrc.cost_of(LOOP, tmp_path / "rows", 10, "{a=1.0/1.0/1.0}").cpu == 0
    with pytest.raises(SystemExit, match="loop: WRONG RESULT"):
        onebrc.cost_of(LOOP, tmp_path / "rows", 10, "{a=1.0/1.0/1.1}")
