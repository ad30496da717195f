"""Which addresses webhooks may be sent to: none that is only reachable from where Answer runs (D29).

Asked when a webhook is saved, and again for every connection: names can change what they stand for in between.
"""

import asyncio
import ipaddress
import socket
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAMES_OF_PRIVATE_NETWORKS: Final = frozenset(
    {
        "localhost",
        "local",
        "internal",
        "intranet",
        "lan",
        "corp",
        "home",
        "private",
        "localdomain",
        "arpa",
        "test",
    }
)
"""Last labels that no public name has (RFC 6761, 6762, 8375; `internal` is reserved by ICANN)."""
_NOT_PUBLIC: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.88.99.0/24",  # relays of 6to4, given up (RFC 7526)
            "168.63.129.16/32",  # what virtual machines of Azure are told by: public by its number alone
            "3fff::/20",  # documentation (RFC 9637), which older Pythons do not know
            "5f00::/16",  # segment routing (RFC 9602), the same
        ),
    )
)
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses as IPv6-only networks reach them (RFC 6052)."""


def is_public(text: str) -> bool:
    """Whether anybody on the internet could reach the address, so that sending to it tells nothing of our network."""
    try:
        address = _plain(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
    if isinstance(address, ipaddress.IPv6Address) and (address.is_site_local or address.is_reserved):
        return False
    return address.is_global and not address.is_multicast


def _plain(address: Address) -> Address:
    """The IPv4 address inside of an IPv6 one, however it is wrapped."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_private_name(host: str) -> bool:
    """Whether the name means something only inside of a network: a single word, a number, below a private suffix."""
    labels = host.lower().rstrip(".").split(".")
    if ":" in host:
        return False
    if labels[-1].isdigit():
        return True  # no public name ends in a number, and an address that can be looked up was
    return len(labels) == 1 or labels[-1] in _NAMES_OF_PRIVATE_NETWORKS


async def addresses_of(host: str, port: int) -> list[str]:
    """Every address the host stands for, decimal, octal and other spellings of an address included.

    Raises OSError when it stands for none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


async def is_private(host: str, port: int, *, within_s: float = 2.0) -> bool:
    """Whether the host is known to be private; one that cannot be looked up now is asked again at every connection."""
    try:
        async with asyncio.timeout(within_s):
            found = await addresses_of(host, port)
    except (OSError, TimeoutError, UnicodeError):
        return is_private_name(host)
    return not all(is_public(each) for each in found)
