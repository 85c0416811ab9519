"""Checks that operators share, and the words of their errors.

`check_…` functions look at arguments where a step is defined. The others are called on the way out
of a failed batch: what users' callables gave is only looked at when something does not fit, so
that nothing is paid for each item.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

from cppwax.dataflow import f_repr


def check_callable(step_id: str, name: str, value: object) -> None:
    """Check an argument that will be called.

    Args:
        step_id: The step being defined.
        name: The argument's name.
        value: The argument.

    Raises:
        TypeError: If it cannot be called.
    """
    if not callable(value):
        raise TypeError(f"step {step_id!r}: '{name}' must be callable; got {type(value)}")


def check_instance(step_id: str, name: str, value: object, cls: type) -> None:
    """Check the class of an argument.

    Args:
        step_id: The step being defined.
        name: The argument's name.
        value: The argument.
        cls: The class it must have.

    Raises:
        TypeError: If it has another class, or is that class itself.
    """
    if isinstance(value, cls):
        return
    remedy = ""
    if isinstance(value, type) and issubclass(value, cls):
        remedy = f"; make an object of it: `{value.__name__}(…)`"
    raise TypeError(
        f"step {step_id!r}: '{name}' must be a `{cls.__name__}`; got {_described(value)}{remedy}"
    )


def raise_not_bool(step_id: str, what: str, function: object, result: object) -> NoReturn:
    """Refuse an answer that is neither True nor False.

    Args:
        step_id: The step.
        what: Which answer of `function` it is.
        function: The user's callable.
        result: The answer.

    Raises:
        TypeError: Always.
    """
    raise TypeError(
        f"step {step_id!r}: {what} {f_repr(function)} must be a `bool`; got {type(result)}; wrap "
        "it in `bool(…)`"
    )


def checked_key(step_id: str, key_fn: object, key: object) -> str:
    """Check a key that is not exactly a `str`.

    Args:
        step_id: The step.
        key_fn: The user's callable.
        key: What it returned.

    Returns:
        The key, an object of a subclass of `str`.

    Raises:
        TypeError: If it is not.
    """
    if isinstance(key, str):
        return key
    raise TypeError(
        f"step {step_id!r}: what `key` {f_repr(key_fn)} returns must be a `str`; got {type(key)}; "
        "wrap it in `str(…)`"
    )


def check_iterable(step_id: str, name: str, function: object, emitted: object) -> None:
    """Find out whether a failed iteration is to blame on a result that has no items.

    Args:
        step_id: The step.
        name: The argument or method that `function` was given as.
        function: The user's callable.
        emitted: What it gave to be emitted.

    Raises:
        TypeError: If `emitted` is not iterable.
    """
    if not _is_iterable(emitted):
        raise TypeError(
            f"step {step_id!r}: `{name}` {f_repr(function)} must give an iterable of items to "
            f"emit; got {type(emitted)}; give a list, an empty one for no items"
        ) from None


def check_flattened(step_id: str, item: object) -> None:
    """Find out whether a failed iteration is to blame on an item that has no items.

    Args:
        step_id: The step.
        item: What came from upstream.

    Raises:
        TypeError: If `item` is not iterable.
    """
    if not _is_iterable(item):
        raise TypeError(
            f"step {step_id!r} requires the items from upstream to be iterables; got {type(item)}; "
            "use `flat_map` to make them, or leave this step out"
        ) from None


def check_last_pair(step_id: str, items: Sequence[Any], position: Iterator[Any]) -> None:
    """Find out whether a failed loop over `(key, value)` items is to blame on an item.

    Args:
        step_id: The step.
        items: The whole batch.
        position: The iterator over `items` that the loop used.

    Raises:
        TypeError: If the last item that `position` gave is not a pair.
    """
    left: int = position.__length_hint__()  # type: ignore[attr-defined]
    item = items[len(items) - left - 1]
    try:
        _key, _value = item
    except (TypeError, ValueError):
        raise TypeError(
            f"step {step_id!r} requires each item from upstream to be a `(key, value)` 2-tuple; "
            f"got {_described(item)}; make such items with `key_on` or `map`"
        ) from None


def raise_not_pair(
    step_id: str, name: str, function: object, wanted: str, result: object
) -> NoReturn:
    """Refuse a result that had to have two parts.

    Args:
        step_id: The step.
        name: The argument or method that `function` was given as.
        function: The user's callable.
        wanted: The two parts, named.
        result: What it returned.

    Raises:
        TypeError: Always.
    """
    raise TypeError(
        f"step {step_id!r}: what `{name}` {f_repr(function)} returns must be a 2-tuple "
        f"`{wanted}`; got {_described(result)}"
    ) from None


def _is_iterable(value: object) -> bool:
    return isinstance(value, Iterable) or hasattr(type(value), "__getitem__")


def _described(value: object) -> str:
    length = f" of length {len(value)}" if isinstance(value, (tuple, list, str)) else ""
    return f"{type(value)}{length}"
