"""Lines of a file into a database, each exactly once, however often a run is killed.

mkdir db && python -m cppwax.recovery db 2
python -m cppwax.run -r db "examples.sqlite_sink:get_flow('LICENSE', 'lines.sqlite3')"
"""

import sqlite3

import cppwax.operators as op
from cppwax.connectors.files import FileSource
from cppwax.dataflow import Dataflow
from cppwax.outputs import FixedPartitionedSink, TransactionalSinkPartition

# Epochs and their values that are not known to be in the database.
Prepared = list[tuple[int, list[str]]]


class LinePartition(TransactionalSinkPartition[str, Prepared]):
    def __init__(self, path: str, resume_state: Prepared | None) -> None:
        self.values: list[str] = []
        self.prepared = resume_state or []
        self.db = sqlite3.connect(path)
        self.db.execute("CREATE TABLE IF NOT EXISTS line(text)")
        self.db.execute("CREATE TABLE IF NOT EXISTS marker(id INTEGER PRIMARY KEY, epoch)")
        if self.marker() > max([epoch for epoch, _ in self.prepared], default=0):
            raise ValueError(f"{path} is not of this recovery store, or ahead of it")

    def marker(self) -> int:
        return next((epoch for (epoch,) in self.db.execute("SELECT epoch FROM marker")), 0)

    def write_batch(self, values: list[str]) -> None:
        self.values += values

    def prepare(self, epoch: int) -> None:
        self.prepared = [*self.prepared, (epoch, self.values)]
        self.values = []

    def snapshot(self) -> Prepared:
        return self.prepared

    def committed(self, epoch: int) -> None:
        for of, values in [each for each in self.prepared if each[0] <= epoch]:
            # A run that was killed may have got so far.
            if of > self.marker():
                with self.db:  # one transaction
                    self.db.executemany("INSERT INTO line VALUES (?)", [(v,) for v in values])
                    self.db.execute("INSERT OR REPLACE INTO marker VALUES (1, ?)", (of,))
        self.prepared = [each for each in self.prepared if each[0] > epoch]


class LineSink(FixedPartitionedSink[str, Prepared]):
    def __init__(self, path: str) -> None:
        self.path = path

    def list_parts(self) -> list[str]:
        return ["lines"]

    def build_part(self, step_id: str, for_part: str, state: Prepared | None) -> LinePartition:
        return LinePartition(self.path, state)


def get_flow(from_path: str, to_path: str) -> Dataflow:
    flow = Dataflow("to_sqlite")
    lines = op.input("inp", flow, FileSource(from_path, batch_size=10))
    op.output("out", op.key_on("key", lines, lambda line: line), LineSink(to_path))
    return flow
