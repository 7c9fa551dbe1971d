"""
Reading the untrusted JSON of statements, by the rules that in-toto and SLSA give for it.

Fields that are not known are ignored. What is unset, null or empty means the same. Bounds are met
by `LimitExceededError`, everything else that is wrong by `ClaimError`.

Sources: in-toto Attestation Framework 1.2, parsing rules; SLSA v1.2, build provenance, parsing
rules; RFC 3339.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, TypeAlias

from weighbridge.core.codes import Code
from weighbridge.core.errors import ClaimError, LimitExceededError
from weighbridge.core.limits.claims import MAX_STATEMENT_TEXT_CHARS
from weighbridge.formats.json import JsonValue
from weighbridge.formats.json.members import Members

Fields: TypeAlias = Members[ClaimError]
"""The members of one JSON object of a statement."""

JsonObject: TypeAlias = dict[str, JsonValue]
"""An object of a statement, as it is written."""

_TIMESTAMP: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):(\d\d))",
    re.ASCII,
)


def fields(value: JsonValue, /, *, at: str, where: str) -> Fields:
    """Return the members of *value*, which has to be an object."""
    return Members(value, at=at, where=where, raises=ClaimError, code=Code.CLAIM_MALFORMED)


def required_text(members: Fields, name: str, /) -> str:
    """Return the string *name*, which may not be empty."""
    text = members.text(name)
    if not text:
        raise members.error(f"{name} is empty", expected="some text", found="none")
    return bounded(members, name, text)


def optional_text(members: Fields, name: str, /) -> str | None:
    """Return the string *name*, or None where it is unset, null or empty."""
    if not _is_set(members, name):
        return None
    return bounded(members, name, members.text(name)) or None


def bounded(members: Fields, name: str, text: str, /) -> str:
    """Return *text*, the member *name* or a part of it, unless it is absurdly long."""
    if len(text) > MAX_STATEMENT_TEXT_CHARS:
        raise LimitExceededError(
            f"{members.at}: {name} is too long",
            where=members.where,
            expected=f"at most {MAX_STATEMENT_TEXT_CHARS} characters",
            found=str(len(text)),
        )
    return text


def optional_object(members: Fields, name: str, /) -> Fields:
    """Return the object *name*; an empty one where it is unset or null."""
    if not _is_set(members, name):
        return fields({}, at=f"{members.at}.{name}", where=members.where)
    return members.object(name)


def optional_mapping(members: Fields, name: str, /) -> JsonObject:
    """Return the object *name* as it stands; an empty one where it is unset or null."""
    value = members.value(name) if _is_set(members, name) else {}
    if not isinstance(value, dict):
        raise members.error(f"{name} has the wrong type", expected="an object", found="another one")
    return value


def optional_objects(members: Fields, name: str, /, *, limit: int) -> list[Fields]:
    """Return the array of objects *name*; an empty one where it is unset or null."""
    if not _is_set(members, name):
        return []
    found = len(members.items(name))
    if found > limit:
        raise LimitExceededError(
            f"{members.at}: {name} is too long",
            where=members.where,
            expected=f"at most {limit}",
            found=str(found),
        )
    return members.objects(name, limit=limit)


def optional_texts(members: Fields, name: str, /, *, limit: int) -> tuple[str, ...]:
    """Return the array of strings *name*; an empty one where it is unset or null."""
    if not _is_set(members, name):
        return ()
    texts = members.texts(name)
    if len(texts) > limit:
        raise LimitExceededError(
            f"{members.at}: {name} is too long",
            where=members.where,
            expected=f"at most {limit}",
            found=str(len(texts)),
        )
    return tuple(bounded(members, name, text) for text in texts)


def optional_time(members: Fields, name: str, /) -> datetime | None:
    """
    Return the time *name* in UTC, or None where it is unset, null or empty.

    Any offset is taken, which RFC 3339 allows and SLSA does not: clocks of other platforms have
    them. What is finer than a microsecond is cut off.
    """
    text = optional_text(members, name)
    if text is None:
        return None
    time = _time(text)
    if time is None:
        raise members.error(
            f"{name} is no time", expected="one such as 2026-01-31T12:00:00Z", found=repr(text[:60])
        )
    return time


def render_time(time: datetime, /) -> str:
    """Return *time*, which has a time zone, as RFC 3339 in UTC, to the second or finer."""
    text = time.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text}Z"


def _time(text: str) -> datetime | None:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    date, clock, fraction, zulu, sign, hours, minutes = match.groups()
    zone: timezone = UTC
    try:
        if zulu is None:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            zone = timezone(offset if sign == "+" else -offset)
        time = datetime.fromisoformat(f"{date}T{clock}").replace(
            microsecond=int((fraction or "0").ljust(6, "0")[:6]), tzinfo=zone
        )
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_set(members: Fields, name: str) -> bool:
    return name in members and members.value(name) is not None
