"""Which proxies are believed when they say for whom they ask. Without one that the host has named, nobody is.

uvicorn's ProxyHeadersMiddleware does not serve here: where every peer is a proxy, as in a Space, it takes the first
address of the row, which anybody can write; it knows no X-Forwarded-Host, and takes a misspelt network for a name.
"""

import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from cope_demo.errors import CopeError

FORWARDED = (b"forwarded", b"x-real-ip")
"""Headers, beside all that begin with x-forwarded-, in which a proxy says for whom it asks."""


@dataclass(frozen=True)
class Proxies:
    """named: of COPE_PROXY; platform: whoever connects is the platform's own proxy, as in a Space."""

    named: tuple[IPv4Network | IPv6Network, ...] = ()
    platform: bool = False

    @classmethod
    def read(cls) -> "Proxies":
        """From the environment. Raises CopeError for a COPE_PROXY that is no list of addresses or networks."""
        text = os.environ.get("COPE_PROXY", "")
        try:
            named = tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
        except ValueError:
            raise CopeError(
                f"COPE_PROXY must be addresses or networks with commas between them, such as 127.0.0.1,10.0.0.0/8, "
                f"but is {text!r}."
            ) from None
        return cls(named, bool(os.environ.get("SPACE_ID")))

    def believes(self, peer: str) -> bool:
        """Whether the one who has connected may say for whom it asks."""
        address = _read_address(peer)
        return self.platform or (address is not None and self._is_named(address))

    def find_client(self, peer: str, forwarded: str) -> str:
        """The address that a request counts for: `peer`, who has connected, or whom a believed proxy names.

        forwarded: X-Forwarded-For. Every proxy adds whom it has heard from at the end, so the last that is no proxy
        itself counts; what stands before it was written by anybody.
        """
        if not self.believes(peer):
            return peer
        for part in reversed(forwarded.split(",")):
            address = _read_address(part)
            if address is None:
                break
            peer = str(address)
            if not self._is_named(address):
                break
        return peer

    def _is_named(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.named)


def _read_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
