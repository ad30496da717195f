"""When tickets come in: more from year to year, on weekdays and in office hours, the latest minutes ago."""

import datetime as dt
import math
from array import array
from itertools import accumulate
from random import Random
from typing import Final

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

DAYS: Final = 730
GROWTH: Final = 1.6
"""A day at the end brings e to this power as many tickets as one at the beginning."""
RECENT_DAYS: Final = 12.0
_BUSY_DAY: Final = (1.25, 1.1, 1.05, 1.0, 0.9, 0.35, 0.3)
_BUSY_HOUR: Final = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 16, 13, 15, 17, 16, 13, 9, 7, 6, 5, 4, 3, 2)
_LATEST: Final = (4, 11, 26, 47, 95)
"""Minutes before now of the newest tickets, at whatever time of day."""


def microseconds(instant: dt.datetime) -> int:
    """The instant, counted from 1970."""
    return (instant - EPOCH) // dt.timedelta(microseconds=1)


def instant(moment: int) -> dt.datetime:
    """The instant, from what `microseconds` counts."""
    # a float still tells microseconds apart for three hundred years, and this is what a sample does most
    return dt.datetime.fromtimestamp(moment / SECOND, dt.UTC)


def arrivals(count: int, now: int, rng: Random) -> "array[int]":
    """The moments of that many tickets, ascending, none after now, in microseconds since 1970."""
    start = (now - DAYS * DAY) // HOUR * HOUR
    reach = list(accumulate(_weights(count, start, now)))
    moments = array("q")
    hour, below = 0, 0.0
    for number in range(count):
        # one draw in each of `count` equal shares: sorted as it comes, without lumps
        share = (number + rng.random()) / count * reach[-1]
        while reach[hour] < share:
            below = reach[hour]
            hour += 1
        moments.append(start + int((hour + (share - below) / (reach[hour] - below)) * HOUR))
    for place, minutes in enumerate(_LATEST[: max(1, count // 20)], start=1):
        moments[-place] = now - minutes * MINUTE - rng.randrange(50 * SECOND)
    return array("q", sorted(min(moment, now - MINUTE) for moment in moments))


def _weights(count: int, start: int, now: int) -> list[float]:
    """How many tickets each hour brings, in relation. Few tickets would be thin everywhere: half of them are recent."""
    recent = 0.5 / (1 + count / 2_000)
    found = []
    for hour in range((now - start) // HOUR):
        moment = start + hour * HOUR
        age = (now - moment) / DAY
        grown = (1 - recent) * math.exp(-GROWTH * age / DAYS) / DAYS * GROWTH / (1 - math.exp(-GROWTH))
        fresh = recent * math.exp(-age / RECENT_DAYS) / RECENT_DAYS
        found.append((grown + fresh) * _BUSY_DAY[weekday(moment)] * _BUSY_HOUR[moment % DAY // HOUR])
    return found


def weekday(moment: int) -> int:
    """0 is Monday."""
    return (moment // DAY + 3) % 7  # 1970 began on a Thursday


def office_hours(moment: int, rng: Random) -> int:
    """The moment, or early on the next working day when nobody is at the desk then (UTC, 7 to 19)."""
    day, time = moment // DAY, moment % DAY
    if time > 19 * HOUR:
        day += 1
    elif time >= 7 * HOUR and weekday(moment) < 5:
        return moment
    day += (0, 0, 0, 0, 0, 2, 1)[(day + 3) % 7]
    return day * DAY + 7 * HOUR + rng.randrange(2 * HOUR)
