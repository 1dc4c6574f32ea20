"""The running service, asked as proxies ask it."""

import asyncio
import json
from pathlib import Path
from random import Random

import grpc
import pytest

from lateen.control.http import UnixAddress
from lateen.local import unix_http
from lateen.rate_limit.answer import OK, OVER_LIMIT
from lateen.rate_limit.errors import ConfigError
from lateen.rate_limit.health import METHOD as HEALTH
from lateen.rate_limit.health import NOT_SERVING, SERVING, Request, Response
from lateen.rate_limit.service import SERVICE, RateLimitService
from lateen.rate_limit.settings import ServiceSettings, WhenRedisFails
from lateen.xds.transport.listener import Address, ListenError
from tests.features.running_plane import until
from tests.redis_server import redis_server
from tests.unit.rate_limit.asking import ask, channel, question, running

LOOPBACK = Address("127.0.0.1", 0)
CONFIG = """
domain: edge
descriptors:
- key: user
  rate_limit: {unit: day, requests_per_unit: 2}
- key: quiet
  rate_limit: {unit: day, requests_per_unit: 1}
  shadow_mode: true
- key: free
  rate_limit: {unlimited: true, replaces: [{name: named}]}
- key: named
  rate_limit: {unit: day, requests_per_unit: 1, name: named}
"""
RULE = """
apiVersion: ratelimit.lateen.dev/v1alpha1
kind: RateLimit
metadata: {name: api, namespace: shop}
spec: {rules: [{name: all, global: {requests: LIMIT, unit: DAY}}]}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "limits.yaml"
    path.write_text(CONFIG)
    return path


def test_an_answer_says_what_is_left_of_every_descriptor(config: Path) -> None:
    async def main() -> None:
        settings = ServiceSettings(config_files=(config,), listen=LOOPBACK)
        async with running(settings) as service, channel(service) as opened:
            both = question({"user": "ann"}, {"other": "x"}, domain="edge")
            answers = [await ask(opened, both) for _ in range(3)]

            assert [each.overall_code for each in answers] == [OK, OK, OVER_LIMIT]
            assert [each.statuses[0].limit_remaining for each in answers] == [1, 0, 0]
            assert [each.statuses[1].code for each in answers] == [OK, OK, OK]
            status = answers[2].statuses[0]
            assert status.current_limit.name == "edge.user"
            assert status.current_limit.requests_per_unit == 2
            assert 0 < status.duration_until_reset.seconds <= 86400
            other = await ask(opened, question({"user": "bob"}, domain="edge", hits=2))
            assert other.statuses[0].limit_remaining == 0

    asyncio.run(main())


def test_shadow_and_replaced_limits_refuse_nothing(config: Path) -> None:
    async def main() -> None:
        settings = ServiceSettings(config_files=(config,), listen=LOOPBACK)
        async with running(settings) as service, channel(service) as opened:
            quiet = question({"quiet": "x"}, domain="edge")
            replaced = question({"named": "x"}, {"free": "x"}, domain="edge")
            for request in (quiet, quiet, replaced, replaced):
                assert (await ask(opened, request)).overall_code == OK
            free = await ask(opened, question({"free": "x"}, domain="edge"))
            assert free.statuses[0].limit_remaining == 2**32 - 1
            text = service.metrics.text()
            assert 'decisions_total{rule="edge.quiet",result="shadow"} 1' in text

    asyncio.run(main())


def test_limits_follow_the_folder(tmp_path: Path) -> None:
    async def main() -> None:
        file = tmp_path / "limit.yaml"
        file.write_text(RULE.replace("LIMIT", "5"))
        settings = ServiceSettings(folders=(tmp_path,), listen=LOOPBACK)
        async with running(settings) as service, channel(service) as opened:
            request = question({"rate_limit": "shop/api/all"})

            async def limit() -> int:
                answer = await ask(opened, request)
                return int(answer.statuses[0].current_limit.requests_per_unit)

            assert await limit() == 5
            file.write_text(RULE.replace("LIMIT", "7"))

            async def changed() -> bool:
                return await limit() == 7

            await until(changed, "the changed limit is in force")

    asyncio.run(main())


def test_a_limit_that_comes_with_the_question_is_kept() -> None:
    async def main() -> None:
        async with running(ServiceSettings(listen=LOOPBACK)) as service, channel(service) as opened:
            request = question({"rate_limit": "shop/api/unknown"})
            request.descriptors[0].limit.requests_per_unit = 1
            request.descriptors[0].limit.unit = "HOUR"
            assert [(await ask(opened, request)).overall_code for _ in range(2)] == [OK, OVER_LIMIT]

    asyncio.run(main())


@pytest.mark.parametrize(
    "request_",
    [
        question(),
        question({"a": "b"}, domain=""),
        question({}),
        question(*[{"a": "b"}] * 201),
        question({"a": "b" * 5000}, domain="edge"),
    ],
    ids=["no descriptors", "no domain", "no entries", "too many", "too long"],
)
def test_questions_that_make_no_sense_are_refused(request_: object, config: Path) -> None:
    config.write_text(CONFIG.replace("key: user", "key: a"))

    async def main() -> grpc.StatusCode:
        settings = ServiceSettings(config_files=(config,), listen=LOOPBACK)
        async with running(settings) as service, channel(service) as opened:
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await ask(opened, request_)
            return refusal.value.code()

    assert asyncio.run(main()) is grpc.StatusCode.INVALID_ARGUMENT


def test_without_redis_there_is_no_answer_or_one_from_memory(config: Path) -> None:
    async def main(mode: WhenRedisFails) -> None:
        with redis_server() as server:
            settings = ServiceSettings(
                config_files=(config,), listen=LOOPBACK, redis=server.url, redis_seconds=5,
                when_redis_fails=mode,
            )  # fmt: skip
            async with running(settings) as service, channel(service) as opened:
                request = question({"user": "ann"}, domain="edge")
                assert (await ask(opened, request)).overall_code == OK
                server.kill()
                if mode is WhenRedisFails.MEMORY:
                    codes = [(await ask(opened, request)).overall_code for _ in range(3)]
                    assert codes == [OK, OK, OVER_LIMIT]
                else:
                    with pytest.raises(grpc.aio.AioRpcError) as refusal:
                        await ask(opened, request)
                    assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE
                text = service.metrics.text()
                assert f'store_failures_total{{mode="{mode}"}}' in text
                assert "lateen_rate_limit_redis_available 0" in text

    for mode in WhenRedisFails:
        asyncio.run(main(mode))


def test_probes_hear_when_it_is_about_to_stop_and_questions_are_answered_still() -> None:
    async def main() -> None:
        async with running(ServiceSettings(listen=LOOPBACK)) as service, channel(service) as opened:
            check = opened.unary_unary(HEALTH)

            async def status(name: str = "") -> int:
                answer = await check(Request(service=name).SerializeToString(), timeout=5)
                return int(Response.FromString(answer).status)

            assert await status() == await status(SERVICE) == SERVING
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await status("other")
            assert refusal.value.code() is grpc.StatusCode.NOT_FOUND
            service.is_ready = False
            assert await status() == NOT_SERVING

    asyncio.run(main())


def test_without_an_identity_it_listens_on_loopback_alone() -> None:
    async def main() -> None:
        async with running(ServiceSettings(listen=Address("0.0.0.0", 0))):
            raise AssertionError("it must not start")

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(main())
    assert caught.group_contains(ListenError, match="not a loopback address")


def test_a_configuration_that_is_wrong_refuses_the_start(config: Path) -> None:
    config.write_text("domain: a\nlimits: 5\n")

    with pytest.raises(ConfigError, match=r"limits\.yaml: .*unknown field"):
        RateLimitService(
            ServiceSettings(config_files=(config,)), clock=lambda: 0.0, random=Random()
        )


def test_its_own_pages_tell_limits_and_counts(tmp_path: Path) -> None:
    (tmp_path / "limit.yaml").write_text(RULE.replace("LIMIT", "5"))
    socket = tmp_path / "admin.sock"

    async def main() -> None:
        settings = ServiceSettings(folders=(tmp_path,), listen=LOOPBACK, admin=UnixAddress(socket))
        async with running(settings) as service, channel(service) as opened:
            await ask(opened, question({"rate_limit": "shop/api/all"}))
            pages = [
                await asyncio.to_thread(unix_http.get, socket, page)
                for page in ("/ready", "/limits", "/metrics")
            ]
            assert pages[0] == "ready\n"
            assert json.loads(pages[1])[0]["rule"] == "shop/api/all"
            assert 'decisions_total{rule="shop/api/all",result="ok"} 1' in pages[2]

    asyncio.run(main())
