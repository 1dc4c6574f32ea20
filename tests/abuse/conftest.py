"""The mesh that is attacked: one, started once, with an authority whose key the tests hold too."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.abuse import tokens, wire
from tests.abuse.forgery import CLIENT, Forger
from tests.mesh.running import RunningMesh, eventually
from tests.plugged_in_authority import Company

HERE = Path(__file__).parent
SERVICES = HERE.parent / "mesh" / "manifests"
NEEDED = ("namespaces.yaml", "reviews.yaml", "client.yaml", "ingress.yaml")


@dataclass(frozen=True)
class Target:
    """A running mesh, and what an attacker could get hold of in the worst case."""

    mesh: RunningMesh
    forger: Forger  # signs as the mesh's own authority would
    issuer: tokens.Issuer  # of the mesh's tokens
    gateway: str  # HOST:PORT
    pod: str  # the address of a pod of reviews


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    work = Path(tempfile.mkdtemp(prefix="lateen-abuse-"))
    folder = work / "manifests"
    folder.mkdir()
    for name in NEEDED:
        shutil.copy(SERVICES / name, folder)
    shutil.copy(HERE / "manifests" / "policies.yaml", folder)
    (folder / "lateen.yaml").write_text("decisions: all\n")
    issuer = tokens.Issuer("https://issuer.example")
    (folder / "tokens.yaml").write_text(tokens.request_authentication(issuer))
    mesh = RunningMesh(folder, work / "state", f"abuse{os.getpid()}", "root")
    try:
        mesh.up()
        authority = mesh.state / mesh.name / "control" / "ca"
        company = Company(now=time.time())
        signing = company.plug_in(authority)
        forger = Forger.of(authority, signing, company)
        found = Target(
            mesh, forger, issuer, mesh.gateway(80), mesh.pods("reviews-v1")[0]["address"]
        )
        wait_until_in_force(found)
        yield found
    finally:
        mesh.clean()
        shutil.rmtree(work, ignore_errors=True)


def wait_until_in_force(target: Target) -> None:
    """Proxies trust the new authority, and every policy holds."""

    def honest() -> bool:
        leaf = target.forger.leaf(CLIENT)
        return all(
            wire.mutual(pod["address"], 8080, wire.get("/a"), leaf).status == 200
            for workload in ("reviews-v1", "reviews-v2")
            for pod in target.mesh.pods(workload)
        )

    def refused() -> set[int]:
        return {wire.plain(target.gateway, wire.get("/admin")).status for _ in range(8)}

    eventually(honest, bool, seconds=60)
    eventually(refused, lambda found: found == {403}, seconds=60)
