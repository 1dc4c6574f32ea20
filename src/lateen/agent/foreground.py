"""Runs an agent as the process: signals, working folder, log lines."""

import asyncio
import os
import signal
from pathlib import Path
from random import Random

import msgspec

from lateen.agent import proxy_metadata
from lateen.agent.agent import Agent
from lateen.agent.errors import AgentError
from lateen.agent.settings import AgentSettings
from lateen.base import logs
from lateen.base.clock import system_clock

PRIVATE = 0o077  # umask


def run(settings: AgentSettings, *, log_level: str) -> int:
    logs.to_stderr(log_level)
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
