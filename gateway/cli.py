"""The command `answer`. Each command does one thing and says what it did; errors say what to do.

Imports are late on purpose: `answer --help` should not wait for the libraries that serve.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from gateway.settings import Settings

Result = TypeVar("Result")
ROLES = click.Choice(["admin", "agent", "customer"])
TIERS = click.Choice(["free", "starter", "professional", "enterprise"])


class Trouble(click.ClickException):
    """Something the operator can mend."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="oui-answer", prog_name="answer")
def main() -> None:
    """Answer: a self-hosted helpdesk backend, one GraphQL graph and a documented REST API."""


def _settings() -> "Settings":
    from gateway.settings import Settings, SettingsError

    try:
        return Settings.from_environment()
    except SettingsError as error:
        raise Trouble(str(error)) from None


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run the work; what an operator can mend is said in a line, without a trace."""
    from db.errors import DatabaseUnavailable, FilesUnavailable
    from gateway.serving import NotReady
    from gateway.settings import SettingsError
    from resolvers.errors import AnswerError, ValidationError

    try:
        return asyncio.run(work)
    except FilesUnavailable as error:
        raise Trouble(
            f"The store of attachments failed: {error}. See ANSWER_STORAGE_URL, or run: answer check"
        ) from None
    except DatabaseUnavailable as error:
        raise Trouble(
            f"The database cannot be reached: {error}. See ANSWER_DATABASE_URL, or run: answer check"
        ) from None
    except ValidationError as error:
        raise Trouble(
            "; ".join(f"{name}: {', '.join(texts)}" for name, texts in error.details.items())
        ) from None
    except (NotReady, SettingsError, AnswerError) as error:
        raise Trouble(str(error)) from None


@main.command()
@click.option("--host", help="The address to listen on.  [ANSWER_HOST, 127.0.0.1]")
@click.option("--port", type=int, help="The port to listen on.  [ANSWER_PORT, 8890]")
@click.option("--workers", type=int, help="How many processes serve.  [ANSWER_WORKERS, 1]")
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve GraphQL, REST and the pages."""
    import gc
    import os

    gc.disable()  # all that is made at the start stays; gateway/app.py enables it

    # the workers are processes of their own and read the environment themselves
    for name, value in (("HOST", host), ("PORT", port), ("WORKERS", workers)):
        if value is not None:
            os.environ[f"ANSWER_{name}"] = str(value)
    settings = _settings()
    if settings.is_embedded and settings.workers > 1:
        raise Trouble(
            "SQLite serves one process. Set ANSWER_WORKERS=1, or ANSWER_DATABASE_URL to a PostgreSQL"
        )
    from gateway.serving import make_ready, run_workers
    from gateway.telemetry import configure_logging

    _run(make_ready(settings, click.echo))
    configure_logging(settings.log_level)
    for name in settings.short_secrets:
        click.echo(f"{name} is short enough to be guessed: use 32 random characters or more.", err=True)
    address = f"http://{settings.host}:{settings.port}"
    pages = f"   GraphiQL {address}/graphql   REST {address}/v1/docs" if settings.graphiql else ""
    click.echo(f"Answer is at {address}{pages}", err=False)
    sys.stdout.flush()
    run_workers(settings)


@main.command()
@click.option("--once", is_flag=True, help="Do what is due, then stop.")
def worker(once: bool) -> None:
    """Deliver webhooks and e-mail. Any number may run beside each other, and beside `answer serve`."""
    settings = _settings()
    from gateway.telemetry import configure_logging

    configure_logging(settings.log_level)

    async def work(helpdesk: Any) -> None:
        from gateway.worker import work as do_jobs

        if not once:
            click.echo("Answer delivers webhooks and e-mail. Stop it with Ctrl+C.")
            sys.stdout.flush()
        await do_jobs(settings, helpdesk, once=once)

    _with_helpdesk(work)


@main.command()
@click.option("--to", "revision", default="head", help="A revision to go to; `base` takes every table away.")
def migrate(revision: str) -> None:
    """Bring the database to the tables this version wants."""
    settings = _settings()

    async def work() -> None:
        from db import migrate as migrations
        from gateway.helpdesk import open_helpdesk

        helpdesk = open_helpdesk(settings)
        try:
            before, after = await migrations.migrate(helpdesk.db, revision)
        finally:
            await helpdesk.close()
        told = f"is at revision {after} already" if before == after else f"went from {before} to {after}"
        click.echo(f"The database {told}.")

    _run(work())


@main.command()
@click.option("--tickets", type=click.IntRange(1, 10_000_000), default=200, show_default=True)
@click.option(
    "--workspace", default="default", show_default=True, help="Where to put them; made when not there."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same helpdesk.")
def demo(tickets: int, workspace: str, seed: int) -> None:
    """Fill a workspace with a believable helpdesk."""
    settings = _settings()

    async def work() -> None:
        from gateway.demo import fill
        from gateway.helpdesk import open_helpdesk
        from gateway.progress import progress_bars
        from gateway.serving import migrate_at_start

        helpdesk = open_helpdesk(settings)
        try:
            await migrate_at_start(settings, helpdesk.db, click.echo)
            with progress_bars() as progress:
                summary = await fill(
                    helpdesk.db,
                    tickets=tickets,
                    workspace=workspace,
                    seed=seed,
                    now=helpdesk.clock(),
                    progress=progress,
                )
        finally:
            await helpdesk.close()
        click.echo(str(summary))

    _run(work())


@main.group()
def keys() -> None:
    """API keys: what programs sign in with."""


def _with_helpdesk(work: Callable[[Any], Coroutine[Any, Any, Result]]) -> Result:
    settings = _settings()

    async def opened() -> Result:
        from gateway.helpdesk import open_helpdesk
        from gateway.serving import migrate_at_start

        helpdesk = open_helpdesk(settings)
        try:
            await migrate_at_start(settings, helpdesk.db, lambda text: click.echo(text, err=True))
            return await work(helpdesk)
        finally:
            await helpdesk.close()

    return _run(opened())


@keys.command("create")
@click.option("--role", type=ROLES, required=True, help="What the key's user is.")
@click.option(
    "--tier", type=TIERS, help="The workspace's subscription; a new workspace is enterprise (unlimited)."
)
@click.option("--workspace", default="default", show_default=True, help="Made when it is not there.")
@click.option("--email", help="Whose key it is; made when not there.  [<role>@<workspace>.example]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object and nothing else on standard output.")
def create_key(role: str, tier: str | None, workspace: str, email: str | None, as_json: bool) -> None:
    """Make an API key, with the database, workspace and user it needs. The secret is shown once."""

    async def work(helpdesk: Any) -> dict[str, Any]:
        from resolvers.tokens import make_key

        made, user, owner = await make_key(helpdesk, role, workspace=workspace, tier=tier, email=email)
        return {
            "api_key": made.row.api_key,
            "api_secret": made.api_secret,
            "role": user.type,
            "tier": owner.tier,
            "workspace_id": owner.id,
            "user_id": user.id,
        }

    made = _with_helpdesk(work)
    if as_json:
        click.echo(json.dumps(made))
        return
    for name, value in made.items():
        click.echo(f"{name:12}  {value}")
    click.echo("\nThe secret is shown only now.")


@keys.command("list")
@click.option("--workspace", default="default", show_default=True)
def list_keys(workspace: str) -> None:
    """List the keys of a workspace, without their secrets."""

    async def work(helpdesk: Any) -> list[tuple[str, ...]]:
        from resolvers.tokens import keys_of

        return [
            (key.api_key, f"…{key.secret_ending}", user.type, user.email, _state(key.revoked_at))
            for key, user in await keys_of(helpdesk, workspace)
        ]

    found = _with_helpdesk(work)
    for line in found:
        click.echo(
            "  ".join(f"{part:24}" if place in (0, 3) else f"{part:9}" for place, part in enumerate(line))
        )
    if not found:
        click.echo(f"The workspace {workspace!r} has no keys. Make one: answer keys create --role admin")


def _state(revoked_at: Any) -> str:
    return "active" if revoked_at is None else f"revoked {revoked_at:%Y-%m-%d}"


@keys.command("revoke")
@click.argument("api_key")
def revoke_key(api_key: str) -> None:
    """Revoke a key. Its tokens stop working within ten seconds."""

    async def work(helpdesk: Any) -> bool:
        from resolvers.tokens import revoke_key as revoke

        return await revoke(helpdesk, api_key)

    if not _with_helpdesk(work):
        raise Trouble(f"No active key {api_key!r}. See: answer keys list")
    click.echo(f"{api_key} is revoked; its tokens stop working within ten seconds.")


@main.group("secrets")
def secrets_group() -> None:
    """The secret that signs tokens."""


@secrets_group.command("rotate")
@click.option(
    "--overlap",
    type=click.IntRange(0, 31_536_000),
    metavar="SECONDS",
    help="How long tokens of the former secret are taken.  [ANSWER_TOKEN_TTL and a minute]",
)
@click.option("--at-once", is_flag=True, help="Take none any more: for a secret that somebody has learnt.")
def rotate_secret(overlap: int | None, at_once: bool) -> None:
    """Sign tokens with a new secret. Running servers follow within five seconds; webhooks and API keys keep theirs."""
    settings = _settings()
    if settings.jwt_secret.get_secret_value():
        raise Trouble(
            "ANSWER_JWT_SECRET comes from the environment, so that is where a new one goes. Put the one it has now into "
            "ANSWER_JWT_SECRETS_ACCEPTED until its tokens have ended; docs/settings.md has the steps"
        )
    import datetime as dt

    from gateway.kept_secrets import rotate
    from resolvers.context import utc_now
    from resolvers.tokens import CLOCKS_DIFFER_S, key_name

    seconds = settings.token_ttl + CLOCKS_DIFFER_S if overlap is None else overlap
    path = settings.data_dir / "jwt_secret"
    try:
        after = rotate(path, utc_now(), None if at_once else dt.timedelta(seconds=seconds))
    except OSError as error:
        raise Trouble(str(settings.not_kept("jwt_secret", error))) from None
    click.echo(f"Tokens are signed with the new secret {key_name(after.secret)} in {path}.")
    for former in after.former:
        click.echo(
            f"Those of {key_name(former.secret)} are taken until {former.until:%Y-%m-%d %H:%M:%S} UTC."
        )
    click.echo("Servers that run on this directory follow within five seconds.")


@main.command()
def sweep() -> None:
    """Remove files that no ticket knows any more, a day after they were written."""

    async def work(helpdesk: Any) -> int:
        from resolvers.files import sweep as removed

        return await removed(helpdesk)

    click.echo(f"{_with_helpdesk(work)} files removed.")


@main.group()
def documents() -> None:
    """Trusted documents: what clients may name instead of sending it."""


@documents.command("check")
@click.argument("path", type=click.Path(path_type=Path), required=False)
def check_documents(path: Path | None) -> None:
    """See whether each document can run on this schema, at PATH or where ANSWER_TRUSTED_DOCUMENTS_PATH says."""
    settings = _settings()
    from gateway.settings import SettingsError
    from gateway.trusted_documents import findings
    from schema.execution import Graph
    from schema.root import schema

    try:
        found = findings(path or settings.trusted_documents_path, Graph(schema).documents)
    except SettingsError as error:
        raise Trouble(str(error)) from None
    for document, fault, costs in found:
        told = ", ".join(f"{name or 'query'} costs {cost:g}" for name, cost in costs.items())
        click.echo(f"{'FAIL' if fault else 'ok  '}  {document.ids[0]}  {document.place}: {fault or told}")
    if faults := sum(each.fault is not None for each in found):
        raise Trouble(f"{faults} cannot run, and with them no server starts")


@main.command("schema")
def print_schema() -> None:
    """Print the GraphQL schema (SDL), sorted."""
    from schema.described import sdl
    from schema.root import schema

    click.echo(sdl(schema), nl=False)


@main.command()
def check() -> None:
    """Explain the configuration and see what it can reach."""
    settings = _settings()
    from gateway.checks import checked

    failed = False
    for line in _run(checked(settings)):
        failed |= line.is_failure
        click.echo(f"{line.mark}  {line.name:16}  {line.text}")
    if failed:
        sys.exit(1)
