"""A worker as a process of its own, with a lease that a test can wait for: `work_once.py ADDRESS DATA_DIR LEASE_S`."""

import asyncio
import sys
from pathlib import Path

from gateway.helpdesk import open_helpdesk
from gateway.settings import Settings
from gateway.worker import open_worker


async def main(address: str, data_dir: str, lease_s: str) -> None:
    settings = Settings(
        data_dir=Path(data_dir), database_url=address, sqlite_durable=False, webhook_allow_private=True
    )
    helpdesk = open_helpdesk(settings)
    async with open_worker(settings, helpdesk, lease_s=float(lease_s)) as worker:
        print("ready", flush=True)  # noqa: T201  # what the test waits for
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
