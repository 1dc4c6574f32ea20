"""Runs an agent as the process: signals, working folder, log lines."""

import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path
from random import Random

import msgspec

from lateen.agent import proxy_metadata
from lateen.agent.agent import Agent
from lateen.agent.errors import AgentError
from lateen.agent.settings import AgentSettings
from lateen.base.clock import system_clock

STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
PRIVATE = 0o077  # umask


class LineFormatter(logging.Formatter):
    """`time level scope message field=value ...`, time in UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        fields = [
            f"{name}={value}" for name, value in vars(record).items() if name not in STANDARD_FIELDS
        ]
        return " ".join([text, *fields])


def run(settings: AgentSettings, *, log_level: str) -> int:
    _log_to_stderr(log_level)
    os.umask(PRIVATE)
    folder = Path(settings.work_dir).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.chdir(folder)  # socket paths can then be short; relative paths start here
    except OSError as trouble:
        raise AgentError(f"cannot use {folder}: {trouble.strerror}") from trouble
    wanted = msgspec.structs.replace(proxy_metadata.applied(settings), work_dir=str(folder))
    asyncio.run(_run(wanted))
    return 0


async def _run(settings: AgentSettings) -> None:
    agent = Agent(settings, clock=system_clock, random=Random())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.shutdown.ask)
    await agent.run()


def _log_to_stderr(level: str) -> None:
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[output])
