"""The end of a server: its workers hear of it a moment before, and tell those who subscribed."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

THE_END_IS_NEAR: Final = signal.SIGUSR1
TOLD_WITHIN_S: Final = 0.3
"""For subscribers to be told, before the sockets are closed."""


def tell_workers_first() -> None:
    """Let the workers hear of the end a moment before it.

    Granian drops WebSockets without a close code, and waits for streams to end by themselves.
    """
    signal.signal(THE_END_IS_NEAR, signal.SIG_IGN)  # also in workers, until they listen
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _after_a_word_to_the_workers(signal.getsignal(each)))


def _after_a_word_to_the_workers(stop: Any) -> Callable[[int, FrameType | None], None]:
    def tell_and_stop(number: int, frame: FrameType | None) -> None:
        for worker in multiprocessing.active_children():
            if worker.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, THE_END_IS_NEAR)
        time.sleep(TOLD_WITHIN_S)
        stop(number, frame)

    return tell_and_stop


@contextlib.contextmanager
def before_the_end(tell: Callable[[], None]) -> Iterator[None]:
    """Within the block `tell` is called when the process is about to be stopped, and when the block ends."""
    loop = asyncio.get_running_loop()
    is_main = threading.current_thread() is threading.main_thread()  # only there signals are heard
    if is_main:
        loop.add_signal_handler(THE_END_IS_NEAR, tell)
    try:
        yield
    finally:
        if is_main:
            loop.remove_signal_handler(THE_END_IS_NEAR)
        tell()
