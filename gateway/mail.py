"""Sending e-mail by SMTP: what requesters are told of replies (D26)."""

import time
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

from db.queries.notifications import Letter
from resolvers.notifications import Posted

SENDS_WITHIN_S: Final = 30.0
_PORTS: Final = {"smtp": 587, "smtps": 465}
_KEPT_CHARACTERS: Final = 1024


class Mailer:
    """Sends letters through one mail server. Keeps its password out of every `repr`."""

    __slots__ = ("_host", "_password", "_port", "_sender", "_user", "_uses_tls")

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._uses_tls = parts.scheme == "smtps"
        self._user = unquote(parts.username or "") or None
        self._password = unquote(parts.password or "") or None
        self._sender = sender

    @classmethod
    def at(cls, url: str, sender: str) -> Self | None:
        """The mailer for this address; None when there is none."""
        return cls(url, sender) if url else None

    async def send(self, letter: Letter) -> Posted:
        """What the server said; whatever goes wrong on the way is an answer, too."""
        began = time.monotonic()
        status, answer, error, is_final = 250, "", None, False
        try:
            _, answer = await aiosmtplib.send(
                email_of(letter, self._sender),
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._uses_tls,
                timeout=SENDS_WITHIN_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            first = refusal.recipients[0]
            status, answer, error = first.code, first.message, "the address was refused"
            is_final = status >= 500
        except aiosmtplib.SMTPResponseException as refusal:
            status, answer, error = refusal.code, refusal.message, "the mail server refused"
            # who may not sign in today may tomorrow, when the operator has mended it
            is_final = status >= 500 and not isinstance(refusal, aiosmtplib.SMTPAuthenticationError)
        except (aiosmtplib.SMTPException, OSError) as failure:
            error = str(failure)[:200] or type(failure).__name__
        except ValueError:  # an address that no header can hold
            error, is_final = "the letter cannot be written", True
        took = round((time.monotonic() - began) * 1000)
        return Posted(
            status if error is None or answer else None, answer[:_KEPT_CHARACTERS], error, took, is_final
        )


def email_of(letter: Letter, sender: str) -> EmailMessage:
    """The letter as an e-mail. Sent twice it has the same Message-ID, so that a mailbox shows it once.

    Raises ValueError when an address cannot be put into a header.
    """
    domain = sender.rpartition("@")[2].rstrip(">") or "localhost"
    mail = EmailMessage()
    mail["Subject"] = f"Re: {_one_line(letter.subject)}"
    mail["From"] = sender
    mail["To"] = Address(display_name=_one_line(letter.name), addr_spec=letter.email)
    mail["Message-ID"] = f"<reply-{letter.reply_id}@{domain}>"
    # mail programs put the letters of one ticket together
    mail["References"] = f"<ticket-{letter.ticket_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers to this
    mail.set_content(f"{letter.content}\n\n-- \n{_one_line(letter.author)}\n")
    mail.add_alternative(letter.content_html, subtype="html")
    return mail


def _one_line(text: str) -> str:
    """The text without line breaks and other characters that headers refuse."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
