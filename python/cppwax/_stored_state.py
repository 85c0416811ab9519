"""What is in a recovery store, and how it fits a dataflow, while no run is on."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from cppwax._pickle_names import names_in, why_missing
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError

Verdict = Literal["kept", "dropped", "unreadable", "not listed", "new"]


@dataclass(frozen=True)
class StoredPartition:
    """One file of a store."""

    path: str
    size_bytes: int
    """With its log."""
    durable_epoch: int
    """The last epoch that is whole in it."""
    collected_epoch: int
    """States as of earlier epochs are gone."""


@dataclass(frozen=True)
class StoredStep:
    """What a resume would load of one step."""

    step_id: str
    keys: int
    state_bytes: int
    entries: int
    """Also those that newer ones have replaced, and that are not collected yet."""
    oldest_epoch: int
    newest_epoch: int


@dataclass(frozen=True)
class Store:
    """What a store says of itself."""

    flow_id: str
    """Empty before the first run."""
    resume_epoch: int
    """The epoch that a resume goes on from; 0: from the beginning."""
    executions: int
    """How many runs there were over it."""
    partitions: list[StoredPartition]
    steps: list[StoredStep]
    warnings: list[str]


@dataclass(frozen=True)
class StoredState:
    """One key of one step."""

    step_id: str
    key: str
    epoch: int
    """The epoch in which it was stored; after a merge the newest that it may have been."""
    pickle: bytes


@dataclass
class StepCheck:
    """What becomes of a step's states if a dataflow is run over a store."""

    step_id: str
    verdict: Verdict
    keys: int
    problems: dict[str, str] = field(default_factory=dict)
    """Each reason with the first key that has it."""


def _paths(folders: Iterable[str | os.PathLike[str]]) -> list[bytes]:
    return [os.fsencode(folder) for folder in folders]


class OpenStore:
    """A recovery store that is looked at: to be used in a `with`, at whose end it is closed.

    No run can begin over it meanwhile. No byte of it is changed.
    """

    def __init__(self, folders: Iterable[str | os.PathLike[str]]) -> None:
        """Open a store.

        Args:
            folders: Where its partitions lie.

        Raises:
            OSError: A folder or partitions are not there.
            RecoveryError: A run has the store, or it is damaged or of a newer version; so all
                methods, of damage that is found later.
            ValueError: The partitions do not belong together.
        """
        from cppwax import _engine

        self._view = _engine.OpenStore(_paths(folders))

    def __enter__(self) -> OpenStore:
        return self

    def __exit__(self, *_error: object) -> None:
        self._view.close()

    def read(self) -> Store:
        """Read what the store says of itself, with the steps in order of their ids."""
        facts = self._view.facts()
        return Store(
            flow_id=facts["flow_id"],
            resume_epoch=facts["resume_epoch"],
            executions=facts["executions"],
            partitions=[StoredPartition(*each) for each in facts["partitions"]],
            steps=[StoredStep(*each) for each in facts["steps"]],
            warnings=facts["warnings"],
        )

    def read_keys(self, step_id: str) -> list[tuple[str, int, int]]:
        """List the keys of a step.

        Args:
            step_id: The step.

        Returns:
            Key, epoch and size in bytes of each state, in order of the keys.
        """
        found: list[tuple[str, int, int]] = []

        def take(_step_id: str, states: list[tuple[str, int, bytes]]) -> None:
            found.extend((key, epoch, len(state)) for key, epoch, state in states)

        self._view.each_state(take, step_id)
        return sorted(found)

    def read_state(self, step_id: str, key: str) -> StoredState | None:
        """Read one key's state, as a pickle.

        Args:
            step_id: The step.
            key: The key, or a partition of a source or sink.

        Returns:
            It; `None` if there is none.
        """
        found = self._view.find_state(step_id, key)
        return None if found is None else StoredState(step_id, key, *found)

    def check(self, flow: Dataflow, *, load: bool = False) -> list[StepCheck]:
        """Tell what a run of a dataflow over the store would find.

        The modules that states name are imported, and sources and sinks are asked for their
        partitions.

        Args:
            flow: The dataflow.
            load: Also unpickle each state, as the run would: this runs what they name.

        Returns:
            A verdict for each step that has states in the store or would store some.

        Raises:
            CppwaxRuntimeError, TypeError: The dataflow cannot be run at all, or a source or sink
                cannot list its partitions.
        """
        from cppwax import _engine

        of_flow = {step_id: (kind, op) for step_id, kind, op in _engine.stateful_steps(flow)}
        checks: dict[str, StepCheck] = {}
        reader = _StateReader(load)
        listed: dict[str, set[str]] = {}
        for step_id, (kind, op) in of_flow.items():
            if kind != "keyed":
                # A source or a sink: the operator has it under this name.
                listed[step_id] = _partitions_of(step_id, getattr(op, kind))

        def take(step_id: str, states: list[tuple[str, int, bytes]]) -> None:
            known = step_id in of_flow
            check = checks.setdefault(
                step_id, StepCheck(step_id, "kept" if known else "dropped", 0)
            )
            check.keys += len(states)
            if not known:
                return
            for key, _epoch, state in states:
                if key not in listed.get(step_id, (key,)):
                    check.verdict = "not listed"
                    kind = of_flow[step_id][0]
                    check.problems.setdefault(f"the {kind} does not list this partition", key)
                for problem in reader.problems_of(state):
                    check.verdict = "unreadable"
                    check.problems.setdefault(problem, key)

        self._view.each_state(take)
        for step_id in of_flow:
            checks.setdefault(step_id, StepCheck(step_id, "new", 0))
        return [checks[step_id] for step_id in sorted(checks)]


def _partitions_of(step_id: str, owner: Any) -> set[str]:
    try:
        return set(owner.list_parts())
    # Sources and sinks of the user may fail in any way.
    except Exception as ex:
        raise CppwaxRuntimeError(
            f"step {step_id!r}: calling `list_parts` fails with {type(ex).__name__}: {ex}"
        ) from ex


def drop_states(
    folders: Iterable[str | os.PathLike[str]], step_id: str, key: str | None = None
) -> None:
    """Remove all that is stored of a step, or of one key of it, for good.

    Args:
        folders: Where the partitions lie.
        step_id: The step.
        key: The key, or a partition of a source or sink; `None` is all of the step.

    Raises:
        as `OpenStore`; also if the store cannot be written to.
    """
    from cppwax import _engine

    _engine.drop_states(_paths(folders), step_id, key)


class _StateReader:
    """Finds out whether states can be read; looks at each name once."""

    def __init__(self, load: bool) -> None:
        self._load = load
        self._missing: dict[tuple[str, str], str | None] = {}

    def problems_of(self, state: bytes) -> list[str]:
        try:
            names = names_in(state)
        except pickle.UnpicklingError as ex:
            return [f"it is no pickle that can be read: {ex}"]
        for name in names - self._missing.keys():
            self._missing[name] = why_missing(*name)
        problems = [why for name in sorted(names) if (why := self._missing[name]) is not None]
        if problems or not self._load:
            return problems
        try:
            pickle.loads(state)  # noqa: S301
        # Classes of the user may fail in any way.
        except Exception as ex:
            return [f"unpickling it fails with {type(ex).__name__}: {ex}"]
        return []


def load_state(state: StoredState) -> Any:
    """Unpickle a state, which runs what the pickle names.

    Args:
        state: The state.

    Returns:
        What the step's `snapshot` returned.

    Raises:
        Exception: Whatever its classes raise.
    """
    return pickle.loads(state.pickle)  # noqa: S301
