"""SPIFFE ids: what is one, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lateen.identity import spiffe
from lateen.identity.errors import IdentityError


@given(
    st.from_regex(spiffe.TRUST_DOMAIN, fullmatch=True),
    st.from_regex(spiffe.NAMESPACE, fullmatch=True),
    st.from_regex(spiffe.SERVICE_ACCOUNT, fullmatch=True),
)
def test_an_id_reads_back_as_it_was_written(domain: str, namespace: str, account: str) -> None:
    made = spiffe.of(trust_domain=domain, namespace=namespace, service_account=account)
    assert spiffe.parse(str(made)) == made


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "spiffe://cluster.local",
        "spiffe://cluster.local/ns/a",
        "spiffe://cluster.local/ns/a/sa/b/c",
        "spiffe://cluster.local/ns/a/sa/b?x",
        "spiffe://cluster.local/ns/a/sa/b\n",
        "spiffe://cluster.local/ns/../sa/b",
        "spiffe://cluster.local/ns//sa/b",
        "spiffe://Cluster.local/ns/a/sa/b",
        "https://cluster.local/ns/a/sa/b",
        "spiffe://cluster.local/ns/a/sa/" + "b" * 3000,
    ],
)
def test_anything_else_is_refused(uri: str) -> None:
    with pytest.raises(IdentityError):
        spiffe.parse(uri)
