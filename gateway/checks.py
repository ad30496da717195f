"""What `answer check` says: each part of the configuration, what it is, and whether it works."""

from typing import NamedTuple

from db import revisions
from db.errors import DatabaseUnavailable, FilesUnavailable
from db.files import Files
from gateway.helpdesk import open_helpdesk
from gateway.pages import BUILT
from gateway.settings import Settings
from gateway.weaknesses import weaknesses
from resolvers.context import utc_now
from resolvers.sealing import is_readable
from resolvers.tokens import SigningSecrets, key_name

FINE, CARE, FAILED = "ok  ", "note", "FAIL"


class Line(NamedTuple):
    """One finding."""

    mark: str
    name: str
    text: str

    @property
    def is_failure(self) -> bool:
        """Whether it must be mended before Answer runs."""
        return self.mark == FAILED


async def checked(settings: Settings) -> list[Line]:
    """The findings, in the order in which one would mend them. Raises SettingsError."""
    return [
        _data_dir(settings),
        *(_secret(settings, name) for name in ("jwt_secret", "key_pepper")),
        await _database(settings),
        await _storage(settings),
        _workers(settings),
        _pages(settings),
        Line(FINE, "address", f"http://{settings.host}:{settings.port}"),
        *_exposure(settings),
        *(Line(CARE, name, text) for name, text in weaknesses(settings)),
    ]


def _data_dir(settings: Settings) -> Line:
    return Line(FINE, "data directory", str(settings.data_dir))


def _secret(settings: Settings, name: str) -> Line:
    is_set = bool(getattr(settings, name).get_secret_value())
    settings.secret("jwt_secret" if name == "jwt_secret" else "key_pepper")
    names = _named(settings.signing_secrets(utc_now())) if name == "jwt_secret" else ""
    if is_set:
        return Line(FINE, name, f"from the environment{names}")
    text = f"in {settings.data_dir / name}{names}"
    if settings.is_embedded:
        return Line(FINE, name, text)
    return Line(CARE, name, f"{text}: other machines need the same one, set ANSWER_{name.upper()}")


def _named(told: SigningSecrets) -> str:
    """The secrets by their `kid`, which tells nothing of them."""
    others = ", ".join(map(key_name, told.accepted))
    return f": {key_name(told.signs)} signs" + (f", {others} taken as well" if others else "")


async def _database(settings: Settings) -> Line:
    helpdesk = open_helpdesk(settings)
    shown = helpdesk.db.engine.url.render_as_string(hide_password=True)
    try:
        revision = await revisions.current(helpdesk.db)
        has_its_pepper = revision != revisions.newest() or await is_readable(helpdesk)
    except DatabaseUnavailable as error:
        return Line(FAILED, "database", f"{shown} cannot be reached: {error}")
    finally:
        await helpdesk.close()
    if not has_its_pepper:
        return Line(
            FAILED,
            "database",
            f"{shown} was filled with another key_pepper: no API key signs in, no webhook is signed",
        )
    if revision == revisions.newest():
        return Line(FINE, "database", f"{shown}, revision {revision}")
    if revision is None:
        return Line(CARE, "database", f"{shown} is empty; answer serve makes the tables")
    return Line(
        CARE, "database", f"{shown} is at {revision}, wanted is {revisions.newest()}: run answer migrate"
    )


async def _storage(settings: Settings) -> Line:
    files = Files(settings.storage_place, settings.storage_credentials)
    try:
        await files.check()
    except FilesUnavailable as error:
        return Line(FAILED, "attachments", f"{files.place} cannot be used: {error}")
    finally:
        await files.close()
    return Line(FINE, "attachments", str(files.place))


def _workers(settings: Settings) -> Line:
    if settings.is_embedded and settings.workers > 1:
        return Line(FAILED, "workers", "SQLite serves one process: set ANSWER_WORKERS=1 or use PostgreSQL")
    return Line(FINE, "workers", str(settings.workers))


def _pages(settings: Settings) -> Line:
    if not settings.graphiql:
        return Line(FINE, "pages", "GraphiQL and the REST pages are off")
    is_built = settings.graphiql_assets != "packaged" and (BUILT / "graphiql.js").is_file()
    return Line(FINE, "pages", "GraphiQL 5, built by npm" if is_built else "GraphiQL from its Python package")


def _exposure(settings: Settings) -> list[Line]:
    if settings.host in ("127.0.0.1", "localhost", "::1"):
        return []
    return [Line(CARE, "exposure", "listens beyond this machine: put a proxy that speaks TLS in front")]
