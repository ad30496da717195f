"""The settings: environment variables `ANSWER_*`, each with what it means (docs/settings.md is this, as a table)."""

import secrets
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from db.database import database_url

SHORTEST_SECRET = 32


class SettingsError(Exception):
    """A setting cannot be used; the text says which and what to do."""


class Settings(BaseSettings):
    """How this Answer runs."""

    model_config = SettingsConfigDict(env_prefix="ANSWER_", extra="ignore", frozen=True)

    data_dir: Annotated[Path, Field(description="Where the SQLite file and generated secrets are kept.")] = (
        Path("answer-data")
    )
    database_url: Annotated[
        str,
        Field(
            description="`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`. "
            "Empty: `answer.db` in the data directory."
        ),
    ] = ""
    database_pool: Annotated[
        int,
        Field(ge=1, le=200, description="Connections for reading, and as many for writing, of each worker."),
    ] = 8
    sqlite_durable: Annotated[
        bool,
        Field(
            description="SQLite waits for the disk at every commit. Off is faster, and a power cut may lose writes."
        ),
    ] = True
    cache_url: Annotated[
        str,
        Field(
            description="`valkey://HOST:PORT/0` or `redis://…`: where rate limits are counted for all processes. "
            "Empty: in the memory of each."
        ),
    ] = ""
    host: Annotated[str, Field(description="The address that is listened on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="The port that is listened on.")] = 8890
    workers: Annotated[
        int, Field(ge=1, le=64, description="Processes that serve. More than one wants PostgreSQL.")
    ] = 1
    jwt_secret: Annotated[
        SecretStr,
        Field(
            description=f"Signs the tokens; {SHORTEST_SECRET} random characters or more, the same on every machine. "
            "Empty: generated once and kept in the data directory."
        ),
    ] = SecretStr("")
    key_pepper: Annotated[
        SecretStr,
        Field(
            description="Keys the hashes of API secrets; the same on every machine, and never changed: every API key "
            "depends on it. Empty: generated once and kept in the data directory."
        ),
    ] = SecretStr("")
    token_ttl: Annotated[int, Field(ge=10, le=2_592_000, description="Seconds that a token lasts.")] = 3600
    executor: Annotated[
        Literal["levels", "graphql-core"],
        Field(
            description="What answers GraphQL queries: `levels` takes each field for all rows at once and leaves the "
            "rest to `graphql-core`; `graphql-core` answers everything, several times slower."
        ),
    ] = "levels"
    graphiql: Annotated[
        bool,
        Field(description="Browsers that open `/graphql` get GraphiQL, and `/v1/docs` shows the REST pages."),
    ] = True
    graphiql_assets: Annotated[
        Literal["auto", "built", "packaged"],
        Field(
            description="Which GraphiQL: the one npm built, or the one from the Python package; `auto` takes the built "
            "one when it is there."
        ),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="The least serious events that are logged."),
    ] = "info"

    @field_validator("database_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value:
            database_url(value)
        return value

    @field_validator("cache_url")
    @classmethod
    def _is_a_cache(cls, value: str) -> str:
        if value and not value.startswith(("valkey://", "valkeys://", "redis://", "rediss://", "unix://")):
            raise ValueError("a cache address looks like valkey://127.0.0.1:6379/0")
        return value

    @classmethod
    def from_environment(cls) -> Self:
        """The settings of this process. Raises SettingsError, naming every variable that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            lines = [
                f"ANSWER_{'_'.join(map(str, each['loc'])).upper()}: {each['msg'].removeprefix('Value error, ')}"
                for each in error.errors(include_input=False)
            ]
            raise SettingsError("\n".join(lines)) from None

    @property
    def database_address(self) -> str:
        """The database, with the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'answer.db'}"

    @property
    def is_embedded(self) -> bool:
        """SQLite: one machine, nothing to set up, tables brought up to date at the start."""
        return self.database_address.startswith("sqlite")

    @property
    def short_secrets(self) -> list[str]:
        """The variables whose secret is set but short enough to be guessed."""
        return [
            f"ANSWER_{name.upper()}"
            for name in ("jwt_secret", "key_pepper")
            if 0 < len(getattr(self, name).get_secret_value()) < SHORTEST_SECRET
        ]

    def secret(self, name: Literal["jwt_secret", "key_pepper"]) -> str:
        """The secret that is set, else the one in the data directory, generated at first use.

        Raises SettingsError when the data directory cannot be written.
        """
        value: SecretStr = getattr(self, name)
        return value.get_secret_value() or _kept_secret(self.data_dir / name)


def _kept_secret(path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        generated = secrets.token_urlsafe(48)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(generated)
        try:
            # a link is made whole or not at all: of two workers that start at once, one wins and both read the same
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise SettingsError(
            f"ANSWER_DATA_DIR: cannot keep {path.name} in {path.parent} ({error.strerror}). "
            "Make it writable, or set the secret itself"
        ) from None
