"""Certificates signed by the PKI engine of a real OpenBao."""

import asyncio
import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from lateen.base.clock import system_clock
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.errors import AuthorityError
from lateen.ca.options import AuthorityOptions
from lateen.ca.plugged_in import issued_by
from lateen.ca.settings import AuthoritySettings
from lateen.ca.signer import SignedLeaf
from lateen.ca.vault import VaultAuth, VaultOptions, VaultSigner
from tests.features.proofs import certificate, token
from tests.features.running_plane import RunningPlane, control_plane, run
from tests.kubernetes_api import KubernetesApi, kubernetes_api
from tests.openbao import ROOT_TOKEN, OpenBao, openbao
from tests.unit.ca.requests import WEB, leaf_request
from tests.unit.ca.test_kubernetes_signer import COMPANY

ACCOUNT = "system:serviceaccount:istio-system:istiod"
MESH = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with (
        tempfile.TemporaryDirectory(prefix="lateen-bao-") as folder,
        openbao(Path(folder)) as server,
    ):
        server.set_up_pki()
        yield server


def options(bao: OpenBao, auth: VaultAuth | None = None, **changed: str) -> VaultOptions:
    if auth is None:
        role_id, secret = bao.app_role()
        auth = VaultAuth(method="approle", role_id=role_id, secret_id_file=str(secret))
    wanted = {"address": bao.address, "role": "mesh", "ca_file": bao.ca_file, **changed}
    return VaultOptions(auth=auth, **wanted)


def authority(folder: Path, wanted: VaultOptions) -> CertificateAuthority:
    return CertificateAuthority(
        folder / "ca",
        AuthoritySettings(trust_domain="cluster.local"),
        clock=system_clock,
        external=VaultSigner(wanted, system_clock),
    )


def signed(made: CertificateAuthority, ttl_seconds: float = 600) -> SignedLeaf:
    async def scenario() -> SignedLeaf:
        await made.refresh()
        return await made.sign(leaf_request(system_clock(), ttl_seconds=ttl_seconds))

    return asyncio.run(scenario())


def roots(made: CertificateAuthority) -> list[x509.Certificate]:
    return [root.loaded for root in made.roots]


def test_a_leaf_is_signed_for_an_app_role(bao: OpenBao, folder: Path) -> None:
    made = authority(folder, options(bao))
    leaf = signed(made)
    names = leaf.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert [name.value for name in names.value] == [str(WEB)]
    life = leaf.certificate.not_valid_after_utc.timestamp() - system_clock()
    assert 580 < life <= 601
    assert any(issued_by(leaf.certificate, root) for root in roots(made))


def test_a_leaf_is_signed_for_a_token_in_a_file(bao: OpenBao, folder: Path) -> None:
    (folder / "token").write_text(ROOT_TOKEN + "\n")
    auth = VaultAuth(method="token", token_file=str(folder / "token"))
    assert signed(authority(folder, options(bao, auth)))


def service_account_token() -> str:
    """OpenBao looks for the name in it; who signed it is the reviewer's business."""
    claims = {
        "iss": "kubernetes/serviceaccount",
        "sub": ACCOUNT,
        "iat": int(system_clock()) - 60,
        "nbf": int(system_clock()) - 60,
        "exp": int(system_clock()) + 600,
        "kubernetes.io": {
            "namespace": "istio-system",
            "serviceaccount": {"name": "istiod", "uid": "1"},
        },
    }
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    head, body = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    return f"{head}.{body}.c2lnbmF0dXJl"


def test_a_leaf_is_signed_for_a_service_account(bao: OpenBao, folder: Path) -> None:
    jwt = service_account_token()
    api = KubernetesApi(COMPANY, "none", accounts={jwt: ACCOUNT})
    with kubernetes_api(api, folder):
        bao.call("POST", "sys/auth/kubernetes", type="kubernetes")
        bao.call(
            "POST", "auth/kubernetes/config", kubernetes_host=api.address,
            disable_local_ca_jwt=True, kubernetes_ca_cert=Path(api.ca_file).read_text(),
            token_reviewer_jwt=jwt,
        )  # fmt: skip
        bao.call(
            "POST", "auth/kubernetes/role/mesh", bound_service_account_names="istiod",
            bound_service_account_namespaces="istio-system", token_policies="mesh",
        )  # fmt: skip
        (folder / "jwt").write_text(jwt)
        auth = VaultAuth(method="kubernetes", role="mesh", token_file=str(folder / "jwt"))
        assert signed(authority(folder, options(bao, auth)))


def test_a_token_is_renewed_and_got_again_after_its_end(bao: OpenBao, folder: Path) -> None:
    role_id, secret = bao.app_role(token_ttl="1s")
    auth = VaultAuth(method="approle", role_id=role_id, secret_id_file=str(secret))
    made = authority(folder, options(bao, auth))

    async def scenario() -> None:
        ends = system_clock() + 3
        while system_clock() < ends:
            await made.sign(leaf_request(system_clock(), ttl_seconds=600))

    asyncio.run(scenario())


def test_a_revoked_token_is_replaced(bao: OpenBao, folder: Path) -> None:
    made = authority(folder, options(bao))

    async def scenario() -> SignedLeaf:
        await made.sign(leaf_request(system_clock(), ttl_seconds=600))
        bao.call("POST", "sys/leases/revoke-prefix/auth/approle/login", sync=True)
        return await made.sign(leaf_request(system_clock(), ttl_seconds=600))

    assert asyncio.run(scenario())


def test_another_root_of_the_engine_is_trusted_before_it_signs(bao: OpenBao, folder: Path) -> None:
    made = authority(folder, options(bao))
    signed(made)
    before = roots(made)
    added = bao.call(
        "POST", "pki/root/rotate/internal", common_name="company 2", ttl="8760h",
        issuer_name="second", key_type="ec",
    )["issuer_id"]  # fmt: skip
    old = bao.call("GET", "pki/config/issuers")["default"]
    leaf = signed(made)
    assert len(roots(made)) == len(before) + 1
    assert any(issued_by(leaf.certificate, root) for root in before)
    bao.call("POST", "pki/config/issuers", default=added)
    try:
        leaf = signed(made)
        assert not any(issued_by(leaf.certificate, root) for root in before)
        assert any(issued_by(leaf.certificate, root) for root in roots(made))
    finally:
        bao.call("POST", "pki/config/issuers", default=old)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"role": "other"}, "permission denied"),
        ({"ca_file": ""}, "certificate verify failed"),
        ({"address": "https://127.0.0.1:1"}, "refused"),
    ],
)
def test_what_goes_wrong_is_said(
    bao: OpenBao, folder: Path, changed: dict[str, str], words: str
) -> None:
    made = authority(folder, options(bao, **changed))
    with pytest.raises(AuthorityError, match=words):
        asyncio.run(made.sign(leaf_request(system_clock(), ttl_seconds=600)))


def test_the_life_that_the_role_allows_is_not_exceeded(bao: OpenBao, folder: Path) -> None:
    day = 86400
    leaf = signed(authority(folder, options(bao)), ttl_seconds=10 * day)
    assert leaf.certificate.not_valid_after_utc.timestamp() <= system_clock() + day + 60


def test_a_whole_control_plane_issues_what_openbao_signs(bao: OpenBao) -> None:
    wanted = AuthorityOptions(vault=options(bao))

    async def scenario() -> None:
        async with control_plane(MESH, secure=True, authority=wanted) as control:
            _, chain = await certificate(control, token(control))
            leaf, *trusted = x509.load_pem_x509_certificates("".join(chain).encode())
            assert any(issued_by(leaf, root) for root in trusted)
            assert not any(issued_by(leaf, own) for own in control_plane_roots(control))

    run(scenario)


def control_plane_roots(control: RunningPlane) -> list[x509.Certificate]:
    """Those that sign the control plane's own certificate."""
    folder = control.plane.settings.state / "ca" / "control-plane" / "roots"
    return [x509.load_pem_x509_certificate(path.read_bytes()) for path in folder.glob("*.pem")]
