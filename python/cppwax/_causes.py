"""Where an exception comes from: causes and contexts, which user code may have made a ring of."""

from __future__ import annotations


def with_causes(ex: BaseException, *, contexts: bool = False) -> list[BaseException]:
    """Follow an exception to what it was raised from.

    `raise ex from ex`, or a fallback that fails too and becomes the cause of the failure it was
    for, make a ring: it is followed once around.

    Args:
        ex: The exception.
        contexts: Where one has no cause, go on to what was being handled when it was raised.

    Returns:
        The exception, its cause, the cause of that, and so on; each once.
    """
    found: dict[int, BaseException] = {}
    now: BaseException | None = ex
    # By identity: exceptions of users may compare as they like.
    while now is not None and id(now) not in found:
        found[id(now)] = now
        now = now.__context__ if contexts and now.__cause__ is None else now.__cause__
    return list(found.values())


def root_of(ex: BaseException) -> BaseException:
    """Find what an exception was raised from in the end.

    Args:
        ex: The exception.

    Returns:
        The last of `with_causes`; the exception itself if it has no cause.
    """
    return with_causes(ex)[-1]
