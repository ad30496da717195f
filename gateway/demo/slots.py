"""What goes into the slots of a template: drawn when first asked for, then the same all through a ticket."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from gateway.demo.arrivals import DAY, instant

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_CURRENCIES: Final = ("€", "€", "€", "$", "$", "£", "CHF ")


class Slots(dict[str, str]):
    """The values of one ticket. They hold no markdown and nothing that HTML would escape."""

    def __init__(self, lists: Mapping[str, Sequence[str]], moment: int, rng: Random) -> None:
        super().__init__()
        self.lists = lists
        self.moment = moment
        self.rng = rng

    def __missing__(self, slot: str) -> str:
        listed = self.lists.get(slot)
        value = self.number(listed) if listed is not None else _MADE[slot](self)
        self[slot] = value
        return value

    def number(self, listed: Sequence[str]) -> str:
        """One of the list."""
        return listed[int(self.rng.random() * len(listed))]

    def below(self, limit: int) -> int:
        """A whole number from 0."""
        return int(self.rng.random() * limit)


def _money(slots: Slots, least: int, spread: int) -> str:
    cents = (least + slots.below(spread)) * 100 + (0, 0, 50, 90, 99)[slots.below(5)]
    return f"{slots['currency']}{cents / 100:,.2f}"


def _day(slots: Slots) -> str:
    then = instant(slots.moment - slots.below(12) * DAY)
    return f"{then.day} {MONTHS[then.month - 1]}"


def _number(slots: Slots) -> str:
    return f"{instant(slots.moment - slots.below(12) * DAY):%d.%m.}"


def _another(slots: Slots, of: str) -> str:
    listed = [value for value in slots.lists[of] if value != slots[of]]
    return slots.number(listed)


def _reference(slots: Slots) -> str:
    return f"{slots.below(16**8):08X}"


_MADE: Final[dict[str, Callable[[Slots], str]]] = {
    "currency": lambda slots: slots.number(_CURRENCIES),
    "amount": lambda slots: _money(slots, 40, 1900),
    "amount2": lambda slots: _money(slots, 40, 1900),
    "small": lambda slots: _money(slots, 3, 60),
    "digits": lambda slots: f"{1000 + slots.below(9000)}",
    "quantity": lambda slots: f"{3 + slots.below(22)}",
    "order": lambda slots: f"HB-{10_000 + slots.below(90_000)}",
    "invoice": lambda slots: f"INV-{instant(slots.moment).year}-{slots.below(100_000):05d}",
    "reference": _reference,
    "serial": lambda slots: f"HB{2 + slots.below(4)}-{1000 + slots.below(9000)}-{1000 + slots.below(9000)}",
    "tracking": lambda slots: f"{10**11 + slots.below(9 * 10**11)}",
    "tracking2": lambda slots: f"{10**11 + slots.below(9 * 10**11)}",
    "code": lambda slots: f"E-{10 + slots.below(90)}",
    "time": lambda slots: f"{7 + slots.below(13)}:{slots.below(60):02d}",
    "day": _day,
    "number": _number,
    "year2": lambda slots: f"{instant(slots.moment).year + 1 + slots.below(3)}",
    "month2": lambda slots: MONTHS[(MONTHS.index(slots["month"]) + 2) % 12],
    "gadget2": lambda slots: _another(slots, "gadget"),
    "tenant": lambda slots: f"{slots['first'].casefold()}-{slots.below(900) + 100}",
}
