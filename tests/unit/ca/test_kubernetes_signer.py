"""Certificates signed through the API of Kubernetes."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.ca.authority import Authority, organisation, pem, self_signed
from lateen.ca.errors import AuthorityError
from lateen.ca.kubernetes_signer import KubernetesOptions, KubernetesSigner
from lateen.ca.signer import LeafRequest, SignedLeaf, checked
from tests.kubernetes_api import TOKEN, KubernetesApi, kubernetes_api
from tests.unit.ca.requests import KEY, WEB, csr, leaf_request, names

SIGNER = "clusterissuers.example.com/mesh"


def authority(name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    root = self_signed(key, organisation(name), now=time.time(), ttl_seconds=86400)
    return Authority(key, root, (), (root,))


COMPANY = authority("company")


@pytest.fixture
def api() -> Iterator[KubernetesApi]:
    with tempfile.TemporaryDirectory() as folder:
        made = KubernetesApi(COMPANY, SIGNER)
        (Path(folder) / "token").write_text(TOKEN)
        (Path(folder) / "roots.pem").write_text(pem(COMPANY.certificate))
        with kubernetes_api(made, Path(folder)):
            yield made


def signed(api: KubernetesApi, **changed: Any) -> SignedLeaf:
    folder = Path(api.ca_file).parent
    wanted = {"signer_name": SIGNER, "approve": True, **changed}
    signer = KubernetesSigner(
        KubernetesOptions(
            server=api.address,
            ca_file=api.ca_file,
            token_file=str(folder / "token"),
            roots_file=str(folder / "roots.pem"),
            **wanted,
        ),
        time.time,
    )
    asked = leaf_request(time.time(), ttl_seconds=600)
    request = LeafRequest(
        csr(KEY, names(str(WEB))), asked.public_key, asked.names, asked.ttl_seconds, asked.now
    )
    return checked(asyncio.run(signer.sign(request)), request)


def test_a_request_is_created_approved_signed_and_deleted(api: KubernetesApi) -> None:
    leaf = signed(api)
    found = leaf.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert [name.value for name in found.value] == [str(WEB)]
    assert leaf.roots == (COMPANY.certificate,)
    assert api.seen == ["POST", "PUT", "GET", "DELETE"]
    assert not api.objects


def test_approval_may_be_anothers(api: KubernetesApi) -> None:
    api.approves = True
    assert signed(api, approve=False)
    assert "PUT" not in api.seen


def test_a_denial_is_an_error_with_its_words(api: KubernetesApi) -> None:
    api.denies = True
    with pytest.raises(AuthorityError, match="denied: not in this cluster"):
        signed(api, approve=False)
    assert not api.objects


def test_another_root_than_the_files_is_not_believed(api: KubernetesApi) -> None:
    api.signs_with = authority("stranger")
    with pytest.raises(AuthorityError, match="rootsFile"):
        signed(api)


def test_a_wrong_token_is_said(api: KubernetesApi) -> None:
    Path(api.ca_file).with_name("token").write_text("another")
    with pytest.raises(AuthorityError, match="401 Unauthorized"):
        signed(api)


def test_a_server_that_cannot_be_verified_is_not_called(api: KubernetesApi) -> None:
    Path(api.ca_file).write_text(pem(COMPANY.certificate))
    with pytest.raises(AuthorityError, match="certificate verify failed"):
        signed(api)
    assert not api.seen
