"""The settings: environment variables `ANSWER_*`, each with what it means (docs/settings.md is this, as a table)."""

from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from db.database import database_url
from db.files import Credentials, Place, place_of
from gateway.cors import origins_of
from gateway.kept_secrets import WatchedSecrets, kept
from resolvers.tokens import SecretSource, SigningSecrets

SHORTEST_SECRET = 32


class SettingsError(Exception):
    """A setting cannot be used; the text says which and what to do."""


class Settings(BaseSettings):
    """How this Answer runs."""

    model_config = SettingsConfigDict(env_prefix="ANSWER_", extra="ignore", frozen=True)

    data_dir: Annotated[
        Path, Field(description="Where the SQLite file, attachments and generated secrets are kept.")
    ] = Path("answer-data")
    database_url: Annotated[
        str,
        Field(
            repr=False,  # an address may hold a password
            description="`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`. "
            "Empty: `answer.db` in the data directory.",
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
            repr=False,  # an address may hold a password
            description="`valkey://HOST:PORT/0` or `redis://…`: where rate limits are counted for all processes. "
            "Empty: in the memory of each.",
        ),
    ] = ""
    storage_url: Annotated[
        str,
        Field(
            repr=False,  # an address may hold a password
            description="Where attachments are kept: a folder, or "
            "`s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION`. "
            "It belongs to this database alone. Empty: `attachments` in the data directory.",
        ),
    ] = ""
    storage_access_key_id: Annotated[
        str, Field(description="The access key of S3. Empty: what the machine itself is given.")
    ] = ""
    storage_secret_access_key: Annotated[
        SecretStr, Field(description="The secret that belongs to the access key.")
    ] = SecretStr("")
    storage_session_token: Annotated[
        SecretStr, Field(description="The session token of temporary access keys.")
    ] = SecretStr("")
    host: Annotated[str, Field(description="The address that is listened on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="The port that is listened on.")] = 8890
    workers: Annotated[
        int, Field(ge=1, le=64, description="Processes that serve. More than one wants PostgreSQL.")
    ] = 1
    max_in_flight: Annotated[
        int,
        Field(
            ge=4,
            le=4096,
            description="Requests that each process works on at once; one more is told 503, to come again in a second.",
        ),
    ] = 128
    cors_origins: Annotated[
        str,
        Field(
            description="Origins whose pages may ask from a browser, with commas: `https://app.example`. Empty: none."
        ),
    ] = ""
    jwt_secret: Annotated[
        SecretStr,
        Field(
            description=f"Signs the tokens; {SHORTEST_SECRET} random characters or more, the same on every machine. "
            "Empty: generated once and kept in the data directory."
        ),
    ] = SecretStr("")
    jwt_secrets_accepted: Annotated[
        SecretStr,
        Field(
            description="Secrets, with spaces between, whose tokens are taken as well: the one before, until its last "
            "token has ended, or the next one, before every machine has it."
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
    trusted_documents: Annotated[
        Literal["off", "allow", "only"],
        Field(
            description="Documents registered at the start: `off`, there are none; `allow`, a client may name one "
            "instead of sending it; `only`, nothing else runs."
        ),
    ] = "off"
    trusted_documents_path: Annotated[
        Path | None,
        Field(
            description="Where they are: a folder of `.graphql` files, or a JSON file of ids and texts, as Relay and "
            "Apollo write it. `answer documents check` reads them."
        ),
    ] = None
    introspection: Annotated[
        Literal["everyone", "signed-in", "staff", "nobody"],
        Field(
            description="Who may ask for the schema: by introspection and at `/graphql/schema`. GraphiQL needs it to "
            "help with typing; clients do not."
        ),
    ] = "everyone"
    suggestions: Annotated[
        bool,
        Field(description="Errors about a GraphQL document say what it may have meant: `Did you mean …?`"),
    ] = True
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
    webhook_allow_private: Annotated[
        bool,
        Field(
            description="Webhooks may be sent to private, loopback and link-local addresses: for receivers on your own "
            "network, when you trust every admin with it."
        ),
    ] = False
    worker_embedded: Annotated[
        bool,
        Field(
            description="Each process of `answer serve` also delivers webhooks and e-mail. Off: run `answer worker` for "
            "that; without either, totals stay exact but take longer and longer to sum."
        ),
    ] = True
    smtp_url: Annotated[
        SecretStr,
        Field(
            description="The mail server that tells requesters of replies: `smtp://USER:PASSWORD@HOST:PORT` (TLS when it "
            "offers it) or `smtps://…`. Empty: no e-mail is sent."
        ),
    ] = SecretStr("")
    smtp_from: Annotated[
        str, Field(description="Who e-mail comes from, as `Support <support@acme.example>`.")
    ] = "Answer <answer@localhost>"
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

    @field_validator("storage_url")
    @classmethod
    def _is_a_place(cls, value: str) -> str:
        if value:
            place_of(value)
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        origins_of(value)
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_a_mail_server(cls, value: SecretStr) -> SecretStr:
        if text := value.get_secret_value():
            parts = urlsplit(text)
            if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0:
                raise ValueError("a mail server looks like smtp://user:password@mail.example:587")
        return value

    @field_validator("smtp_from")
    @classmethod
    def _is_a_sender(cls, value: str) -> str:
        if "@" not in parseaddr(value)[1] or not value.isprintable():
            raise ValueError("a sender looks like Support <support@acme.example>")
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
    def storage_place(self) -> Place:
        """Where attachments are kept, with the default filled in."""
        return place_of(self.storage_url or str(self.data_dir.absolute() / "attachments"))

    @property
    def storage_credentials(self) -> Credentials:
        """What signs requests to S3."""
        return Credentials(
            self.storage_access_key_id,
            self.storage_secret_access_key.get_secret_value(),
            self.storage_session_token.get_secret_value(),
        )

    @property
    def is_embedded(self) -> bool:
        """SQLite: one machine, nothing to set up, tables brought up to date at the start."""
        return self.database_address.startswith("sqlite")

    @property
    def short_secrets(self) -> list[str]:
        """The variables whose secret is set but short enough to be guessed."""
        return [
            f"ANSWER_{name.upper()}"
            for name in ("jwt_secret", "jwt_secrets_accepted", "key_pepper")
            if any(len(each) < SHORTEST_SECRET for each in self.given(name))
        ]

    def given(self, name: str) -> list[str]:
        """The secrets that the environment gives for a setting; none when it is generated."""
        value: str = getattr(self, name).get_secret_value()
        return value.split() if name == "jwt_secrets_accepted" else [value] if value else []

    def secret(self, name: Literal["jwt_secret", "key_pepper"]) -> str:
        """The secret that is set, else the one in the data directory, generated at first use.

        Raises SettingsError when the data directory cannot be written.
        """
        value: SecretStr = getattr(self, name)
        try:
            return value.get_secret_value() or kept(self.data_dir / name).secret
        except OSError as error:
            raise self.not_kept(name, error) from None

    @property
    def signing_secrets(self) -> SecretSource:
        """What signs tokens and what else is taken: as the environment says, else as the file says at that moment.

        Raises SettingsError when the data directory cannot be written.
        """
        accepted = tuple(self.given("jwt_secrets_accepted"))
        if given := self.jwt_secret.get_secret_value():
            told = SigningSecrets(given, accepted)
            return lambda _now: told
        try:
            return WatchedSecrets(self.data_dir / "jwt_secret", accepted)
        except OSError as error:
            raise self.not_kept("jwt_secret", error) from None

    def not_kept(self, name: str, error: OSError) -> SettingsError:
        """What to tell the operator when a secret can be neither read nor written."""
        return SettingsError(
            f"ANSWER_DATA_DIR: cannot keep {name} in {self.data_dir} ({error.strerror}). "
            "Make it writable, or set the secret itself"
        )
