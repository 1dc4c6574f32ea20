"""Gateway certificates out of the KV engine of a real OpenBao."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml

from lateen.api.resource import Key
from lateen.base.clock import system_clock
from lateen.ca.errors import AuthorityError
from lateen.config.folder import Batch
from lateen.control import vault_secrets
from lateen.control.vault_secrets import VaultSecrets
from tests.openbao import ROOT_TOKEN, OpenBao, openbao

SECONDS = 20
EDGE = Key("Secret", "shop", "edge")
POLICY = """
path "secret/metadata/mesh/*" { capabilities = ["list"] }
path "secret/data/mesh/*" { capabilities = ["read"] }
"""


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with (
        tempfile.TemporaryDirectory(prefix="lateen-bao-") as folder,
        openbao(Path(folder)) as server,
    ):
        server.call("PUT", "sys/policies/acl/mesh", policy=POLICY)
        yield server


def written(bao: OpenBao, **changed: object) -> Path:
    role_id, secret = bao.app_role()
    settings = {
        "address": bao.address,
        "caFile": bao.ca_file,
        "auth": {"method": "approle", "roleId": role_id, "secretIdFile": secret.name},
        "refreshSeconds": 1,
        **changed,
    }
    path = bao.folder / "vault-secrets.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def put(bao: OpenBao, place: str, **fields: str) -> None:
    data = {name.replace("_", "."): value for name, value in fields.items()}
    bao.call("POST", f"secret/data/mesh/{place}", data=data)


async def follow(batches: AsyncIterator[Batch]) -> Batch:
    async with asyncio.timeout(SECONDS):
        return await anext(batches)


def contents(batch: Batch) -> dict[Key, dict[str, bytes] | None]:
    return {c.key: dict(c.resource.spec.data) if c.resource else None for c in batch.changes}


def test_secrets_come_change_and_go_and_an_outage_takes_nothing_away(bao: OpenBao) -> None:
    put(bao, "shop/edge", tls_crt="certificate", tls_key="one")
    put(bao, "No_Namespace/x", tls_key="ignored")
    bao.call("POST", "secret/data/elsewhere/shop/x", data={"tls.key": "not below the path"})

    async def scenario() -> None:
        source = VaultSecrets(vault_secrets.read(written(bao)), system_clock)
        batches = source.batches()
        first = await follow(batches)
        assert contents(first) == {EDGE: {"tls.crt": b"certificate", "tls.key": b"one"}}
        assert first.problems == ()
        put(bao, "shop/edge", tls_crt="certificate", tls_key="two")
        assert contents(await follow(batches)) == {
            EDGE: {"tls.crt": b"certificate", "tls.key": b"two"}
        }
        bao.call("PUT", "sys/policies/acl/mesh", policy='path "x" { capabilities = ["read"] }')
        (problem,) = (await follow(batches)).problems
        assert "permission denied" in str(problem)
        assert "1 secrets that it gave before stay in force" in str(problem)
        bao.call("PUT", "sys/policies/acl/mesh", policy=POLICY)
        assert (await follow(batches)).problems == ()
        bao.call("DELETE", "secret/metadata/mesh/shop/edge")
        assert contents(await follow(batches)) == {EDGE: None}

    asyncio.run(scenario())


def test_a_server_that_is_away_at_the_start_holds_up_nothing(bao: OpenBao) -> None:
    async def scenario() -> Batch:
        path = written(bao, address="https://127.0.0.1:1")
        return await follow(VaultSecrets(vault_secrets.read(path), system_clock).batches())

    found = asyncio.run(scenario())
    assert found.changes == ()
    assert "does not answer" in str(found.problems[0])
    assert ROOT_TOKEN not in str(found.problems[0])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"mount": 5, "auth": None}, "auth"), ({"adress": "x"}, "adress")],
)
def test_a_wrong_file_is_named_with_the_field(
    bao: OpenBao, changed: dict[str, object], reason: str
) -> None:
    with pytest.raises(AuthorityError, match=reason):
        vault_secrets.read(written(bao, **changed))
