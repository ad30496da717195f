"""The worker: claims jobs that are due, does them side by side, writes down what came of each.

A job is claimed with a lease in one transaction, done outside of any, and settled in another. Workers do not know of
each other; one that dies in between leaves a lease that ends, and the job is done again under the same webhook-id.
"""

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, Final

from db import rows
from db.errors import DatabaseUnavailable, FilesUnavailable, WriteRaced
from gateway.delivery import Sender
from gateway.mail import Mailer
from gateway.settings import Settings
from resolvers import deliveries, files, jobs, notifications, tallies
from resolvers.context import Helpdesk
from resolvers.jobs import LEASE_S

logger = logging.getLogger("answer.worker")

AT_ONCE: Final = 32
"""Jobs under way together."""
AT_ONCE_A_QUEUE: Final = 8
"""Of these, for one webhook: a receiver that hangs must not hold up the others."""
LOOKS_EVERY_S: Final = 1.0
FOLDS_EVERY_S: Final = 5.0
REPORTS_EVERY_S: Final = 30.0
TIDIES_EVERY_S: Final = 3600.0
SWEEPS_EVERY_S: Final = 86_400.0
"""The first time an hour after the start: the whole store is listed."""
STOPS_WITHIN_S: Final = 20.0


class Worker:
    """Does jobs until it is told to stop. `mailer` None: e-mail is recorded as skipped."""

    def __init__(
        self, helpdesk: Helpdesk, sender: Sender, mailer: Mailer | None, *, lease_s: float = LEASE_S
    ) -> None:
        self.name = f"{socket.gethostname()} {secrets.token_hex(4)}"
        self._helpdesk = helpdesk
        self._sender = sender
        self._mailer = mailer
        self._lease_s = lease_s
        self._under_way: dict[asyncio.Task[None], str] = {}
        self._wake = asyncio.Event()
        self._stops = False
        self._folded_at = self._reported_at = self._tidied_at = float("-inf")
        self._swept_at = time.monotonic() - SWEEPS_EVERY_S + TIDIES_EVERY_S

    async def run(self) -> None:
        """Do jobs as they come, until `stop`; what is under way then is finished."""
        self._helpdesk.db.on_jobs = self._wake.set
        logger.info("worker %s does jobs", self.name)
        try:
            while not self._stops:
                await self._turn()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOKS_EVERY_S)
        finally:
            self._helpdesk.db.on_jobs = None
            await self._finish()

    def stop(self) -> None:
        """Claim nothing more."""
        self._stops = True
        self._wake.set()

    async def drain(self) -> None:
        """Do everything that is due now, and what becomes due meanwhile."""
        while not await tallies.fold(self._helpdesk):
            pass
        while await self._claim_all() or self._under_way:
            if self._under_way:  # else what was claimed is done already
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)

    async def _turn(self) -> None:
        self._wake.clear()
        try:
            await self._claim_all()
            await self._report()
        except (DatabaseUnavailable, WriteRaced) as error:
            logger.warning("the worker waits for the database: %s", error)
        except Exception:
            logger.exception("the worker stumbled")

    async def _claim_all(self) -> int:
        """Start everything that is due and has a place; how many."""
        started = 0
        while claimed := await self._claim():
            started += claimed
        return started

    async def _claim(self) -> int:
        """Start some of what is due and has a place; how many, 0 when there is no more."""
        places = AT_ONCE - len(self._under_way)
        if places <= 0:
            return 0
        taken = Counter(self._under_way.values())
        busy = [queue for queue, count in taken.items() if count >= AT_ONCE_A_QUEUE]
        claimed = await jobs.claim(
            self._helpdesk, busy=busy, most=min(places, AT_ONCE_A_QUEUE), lease_s=self._lease_s
        )
        if claimed:
            await self._start(claimed)
        return len(claimed)

    async def _start(self, claimed: Sequence[rows.Job]) -> None:
        hooks = [job for job in claimed if job.kind == "webhook"]
        for message in await deliveries.messages(self._helpdesk, hooks) if hooks else ():
            self._do(message.job, self._deliver(message))
        for job in claimed:
            if job.kind == "email":
                self._do(job, self._post(job))

    def _do(self, job: rows.Job, work: Coroutine[Any, Any, None]) -> None:
        self._begin(f"job {job.id}", job.queue, work)

    def _begin(self, name: str, queue: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        self._under_way[task] = queue
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
        error = None if task.cancelled() else task.exception()
        # the lease of a job ends, and it is done again
        if isinstance(error, DatabaseUnavailable | WriteRaced):
            logger.warning("%s waits for the database: %s", task.get_name(), error)
        elif error is not None:
            logger.error("%s failed", task.get_name(), exc_info=error)
        self._wake.set()

    async def _deliver(self, message: deliveries.Message) -> None:
        if not message.is_wanted:
            await deliveries.cancel(self._helpdesk, message.job)
            return
        result = await self._sender.send(message)
        if not result.is_success:
            logger.info(
                "delivery %s, attempt %s: %s",
                message.job.id,
                message.job.attempts,
                result.error or f"status {result.status}",
            )
        await deliveries.settle(self._helpdesk, message, result)

    async def _post(self, job: rows.Job) -> None:
        letter = await notifications.letter(self._helpdesk, job)
        if self._mailer is None or letter is None:
            await notifications.skip(self._helpdesk, job)
            return
        posted = await self._mailer.send(letter)
        if posted.error is not None:
            logger.warning("e-mail of job %s, attempt %s: %s", job.id, job.attempts, posted.error)
        await notifications.settle(self._helpdesk, job, letter.email, posted)

    async def _report(self) -> None:
        """Say now and then that we are alive, which is what /health tells; tidy up, and throw away what is old."""
        now = time.monotonic()
        if now - self._folded_at >= FOLDS_EVERY_S and await tallies.fold(self._helpdesk):
            self._folded_at = now  # else there is more, which the next turn goes on with
        if now - self._reported_at >= REPORTS_EVERY_S:
            await jobs.report(self._helpdesk, self.name)
            self._reported_at = now
        if now - self._tidied_at >= TIDIES_EVERY_S:
            await jobs.forget_old(self._helpdesk)
            await self._helpdesk.db.study()
            self._tidied_at = now
        if now - self._swept_at >= SWEEPS_EVERY_S:
            self._begin("the sweep of the store", "sweep", self._sweep())
            self._swept_at = now

    async def _sweep(self) -> None:
        try:
            removed = await files.sweep(self._helpdesk)
        except FilesUnavailable as error:
            logger.warning("the store was not swept: %s", error)
        else:
            logger.info("swept the store: %d files that no row knew", removed)

    async def _finish(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=STOPS_WITHIN_S)
        for task in list(self._under_way):
            task.cancel()
        with contextlib.suppress(DatabaseUnavailable, WriteRaced):
            await jobs.leave(self._helpdesk, self.name)


@contextlib.asynccontextmanager
async def open_worker(
    settings: Settings, helpdesk: Helpdesk, *, lease_s: float = LEASE_S
) -> AsyncIterator[Worker]:
    """The worker that the settings describe, with its connections."""
    sender = Sender(allows_private=settings.webhook_allow_private, clock=helpdesk.clock)
    mailer = Mailer.at(settings.smtp_url.get_secret_value(), settings.smtp_from)
    try:
        yield Worker(helpdesk, sender, mailer, lease_s=lease_s)
    finally:
        await sender.close()


@contextlib.asynccontextmanager
async def embedded_worker(settings: Settings, helpdesk: Helpdesk) -> AsyncIterator[None]:
    """A worker beside the block, in the same process, unless the settings say that others do the jobs."""
    if not settings.worker_embedded:
        yield
        return
    async with open_worker(settings, helpdesk) as worker:
        task = asyncio.create_task(worker.run(), name="worker")
        try:
            yield
        finally:
            worker.stop()
            await task


async def work(settings: Settings, helpdesk: Helpdesk, *, once: bool) -> None:
    """Do jobs until SIGTERM or SIGINT; `once`: only those that are due."""
    async with open_worker(settings, helpdesk) as worker:
        if once:
            await worker.drain()
            return
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, worker.stop)
        await worker.run()
