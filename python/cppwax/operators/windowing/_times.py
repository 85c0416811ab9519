"""Times that clocks and windowers share: the ends of time, and arithmetic that stays between them.

The far ends stand for "ever": what would go beyond them stops there, as in the engine, which counts
microseconds.
"""

from datetime import datetime, timedelta, timezone

UTC_MIN: datetime = datetime.min.replace(tzinfo=timezone.utc)
"""The first time there is; where watermarks begin."""
UTC_MAX: datetime = datetime.max.replace(tzinfo=timezone.utc)
"""The last time there is; the watermark when a stream has ended."""
ZERO_TD: timedelta = timedelta(0)
"""No time at all."""

MICROSECOND = timedelta(microseconds=1)
# Longer than from the first to the last time.
_ALL_TIME = timedelta(days=4_000_000)
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _get_system_utc() -> datetime:
    return datetime.now(timezone.utc)


def to_micros(when: datetime) -> int:
    """Count the microseconds from the Unix epoch to a time with a time zone."""
    return (when - _UNIX_EPOCH) // MICROSECOND


MIN_MICROS = to_micros(UTC_MIN)
MAX_MICROS = to_micros(UTC_MAX)


def from_micros(micros: int) -> datetime:
    """Give the time so many microseconds from the Unix epoch, or the end of time before it."""
    if micros <= MIN_MICROS:
        return UTC_MIN
    if micros >= MAX_MICROS:
        return UTC_MAX
    return _UNIX_EPOCH + timedelta(microseconds=micros)


def shifted(when: datetime, by: timedelta) -> datetime:
    """Give the time so much later, or the end of time if that comes first."""
    try:
        return when + by
    except OverflowError:
        return UTC_MAX if by > ZERO_TD else UTC_MIN


def within_all_time(span: timedelta) -> timedelta:
    """Give a span that means the same where it is added to times, and has an opposite."""
    return max(-_ALL_TIME, min(span, _ALL_TIME))


def has_zone(when: object) -> bool:
    """Tell whether something is a time of which it is known when it was everywhere."""
    return isinstance(when, datetime) and when.utcoffset() is not None


def in_utc(when: datetime) -> datetime:
    """Give the same time in UTC, or the end of time if that comes first."""
    if when.tzinfo is timezone.utc:
        return when
    try:
        return when.astimezone(timezone.utc)
    except OverflowError:
        return UTC_MIN if when.year == 1 else UTC_MAX


def check_timedelta(what: str, name: str, value: object) -> None:
    """Check an argument that is a span of time.

    Args:
        what: Of what it is an argument.
        name: Its name.
        value: The argument.

    Raises:
        TypeError: If it is no `timedelta`.
    """
    if not isinstance(value, timedelta):
        raise TypeError(
            f"`{what}`: '{name}' must be a `timedelta`; got {type(value)}; write seconds as "
            "`timedelta(seconds=…)`"
        )
