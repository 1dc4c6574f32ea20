"""Keys of tokens: from a server, by the control plane, to the proxies that use them."""

import asyncio
import json
from pathlib import Path
from typing import Any

from lateen.jwks.reach import Reach
from lateen.jwks.settings import KeySettings
from lateen.xds import kinds
from tests.features.running_plane import control_plane, run, until
from tests.unit.jwks.server import OTHER_KEY, RSA_KEY, KeyServer, answer, key_server, keys
from tests.unit.xds.ads_client import ads, names_of

OFTEN = KeySettings(refresh_seconds=0.05, reach=Reach.parse(allow=["127.0.0.1"]))
DENIED = KeySettings(refresh_seconds=0.05)


def mesh_with(server: KeyServer, app: str = "front") -> str:
    return f"""
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {{name: tokens, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: {app}}}}}
  jwtRules: [{{issuer: someone, jwksUri: "{server.url()}"}}]
"""


def _seen(file: Path) -> tuple[bool, str]:
    return file.stat().st_mode & 0o777 == 0o600, file.read_text()


def listener(response: Any) -> str:
    found = next(each for each in response.resources if each.name == "virtualInbound")
    return str(found.resource.value)


def test_rotated_keys_reach_the_proxies_that_use_them_and_no_other() -> None:
    async def main() -> None:
        async with key_server() as server:
            server.answers["/keys"] = answer(keys(RSA_KEY))
            front, back = {"app": "front"}, {"app": "back"}
            async with (
                control_plane(mesh_with(server), keys=OFTEN) as control,
                ads(control.port, namespace="shop", labels=front) as secured,
                ads(control.port, namespace="shop", labels=back) as other,
            ):
                first = await secured.subscribe(kinds.LISTENER)
                assert '"kid":"1"' in listener(first)
                assert "jwt_authn" not in listener(await other.subscribe(kinds.LISTENER))
                server.answers["/keys"] = answer(keys(OTHER_KEY))
                changed = await secured.next()
                assert names_of(changed) == ["virtualInbound"]
                assert '"kid":"2"' in listener(changed)
                await secured.ack(changed)
                await other.silence()

    run(main)


def test_a_new_rule_comes_with_its_keys() -> None:
    async def main() -> None:
        async with key_server() as server:
            server.answers["/keys"] = answer(keys(RSA_KEY))
            async with (
                control_plane("", keys=OFTEN) as control,
                ads(control.port, namespace="shop", labels={"app": "front"}) as proxy,
            ):
                await proxy.subscribe(kinds.LISTENER)
                control.source.write(mesh_with(server))
                found = listener(await proxy.next())
                assert '"kid":"1"' in found
                assert "nobody" not in found

    run(main)


def test_a_new_rule_whose_server_is_slow_is_in_force_without_keys() -> None:
    async def main() -> None:
        async with key_server() as server:
            server.answers["/keys"] = None
            async with (
                control_plane("", keys=OFTEN) as control,
                ads(control.port, namespace="shop", labels={"app": "front"}) as proxy,
            ):
                await proxy.subscribe(kinds.LISTENER)
                control.source.write(mesh_with(server))
                assert "nobody" in listener(await proxy.next())

    run(main)


def test_keys_that_cannot_be_had_are_reported_where_they_are_asked_for() -> None:
    async def main() -> None:
        async with key_server() as server:
            server.answers["/keys"] = answer(keys(RSA_KEY))
            async with control_plane(mesh_with(server), keys=DENIED) as control:
                _, page = await control.page("/debug/push_status")
                assert "which is a loopback address" in page
                assert "tokens of it are refused" in page
                assert "test.yaml:2 spec.jwtRules[0].jwksUri: " in page
                assert server.asked == []
                control.source.delete(mesh_with(server))

                async def is_gone() -> bool:
                    return "jwksUri" not in (await control.page("/debug/push_status"))[1]

                await until(is_gone, "the problem goes with its cause")

    run(main)


def test_the_mesh_goes_on_with_the_last_good_keys() -> None:
    async def main() -> None:
        async with key_server() as server:
            server.answers["/keys"] = answer(keys(RSA_KEY))
            async with control_plane(mesh_with(server), keys=OFTEN) as control:
                server.answers["/keys"] = answer(b"", "500 Broken")

                async def is_reported() -> bool:
                    page = (await control.page("/debug/push_status"))[1]
                    return "status 500; the last good keys stay in force" in page

                await until(is_reported, "the failure is reported")
                async with ads(control.port, namespace="shop", labels={"app": "front"}) as proxy:
                    found = await proxy.subscribe(kinds.LISTENER)
                    assert '"kid":"1"' in listener(found)

    run(main)


def test_where_keys_stand_can_be_asked() -> None:
    async def main() -> None:
        async with key_server() as server:
            server.answers["/keys"] = answer(keys(RSA_KEY, OTHER_KEY))
            async with control_plane(mesh_with(server), keys=OFTEN) as control:
                _, page = await control.page("/debug/token_keys")
                [source] = json.loads(page)
                assert source["source"] == server.url()
                assert source["keys"] == ["1", "2"]
                assert source["usedBy"] == [
                    "RequestAuthentication shop/tokens spec.jwtRules[0].jwksUri"
                ]
                assert (source["failures"], source["trouble"]) == (0, "")

    run(main)


def test_good_keys_are_kept_in_the_state_of_the_control_plane() -> None:
    async def main() -> None:
        async with key_server() as server:
            server.answers["/keys"] = answer(keys(RSA_KEY))
            async with control_plane(mesh_with(server), keys=OFTEN) as control:
                file = Path(control.plane.settings.state, "jwks", "jwks.json")
                is_private, text = await asyncio.to_thread(_seen, file)
                assert is_private
                assert '"uri"' in text

    run(main)
