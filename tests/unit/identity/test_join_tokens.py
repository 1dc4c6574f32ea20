"""A join token joins once, whatever happens in between."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.identity.errors import IdentityError
from lateen.identity.join_tokens import JoinTokens, is_join_token
from lateen.identity.labels import WorkloadLabels
from lateen.identity.token_judges import TokenJudges
from lateen.identity.tokens import TokenSigner

KEY = ec.generate_private_key(ec.SECP256R1())


class Time:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def joins(folder: Path, time: Time | None = None) -> JoinTokens:
    clock = time or Time()
    return JoinTokens(TokenSigner(KEY, clock), folder / "used", clock)


def issue(of: JoinTokens, ttl: float = 60) -> str:
    return of.issue(namespace="shop", service_account="web", ttl_seconds=ttl)[1]


def test_a_token_is_bound_to_its_identity_and_labels(tmp_path: Path) -> None:
    of = joins(tmp_path)
    labels = WorkloadLabels(app="web")
    claims, text = of.issue(namespace="shop", service_account="web", workload=labels)
    found = of.verify(text, joins=True)
    assert (found.namespace, found.service_account, found.labels) == ("shop", "web", labels)
    assert found.proof == f"join token {claims.identifier}"


def test_it_works_once_also_after_a_restart(tmp_path: Path) -> None:
    text = issue(joins(tmp_path))
    joins(tmp_path).verify(text, joins=True)
    for _ in range(2):
        with pytest.raises(IdentityError, match="used before"):
            joins(tmp_path).verify(text, joins=True)


def test_given_back_it_works_again(tmp_path: Path) -> None:
    of = joins(tmp_path)
    text = issue(of)
    of.verify(text, joins=True)
    of.give_back(text)
    of.verify(text, joins=True)


def test_it_opens_no_discovery_and_is_not_used_up_by_trying(tmp_path: Path) -> None:
    of = joins(tmp_path)
    text = issue(of)
    with pytest.raises(IdentityError, match="buys a certificate"):
        of.verify(text, joins=False)
    of.verify(text, joins=True)


def test_it_expires_and_is_forgotten_then(tmp_path: Path) -> None:
    time = Time()
    of = joins(tmp_path, time)
    first, second = issue(of), issue(of)
    of.verify(first, joins=True)
    time.now += 66
    with pytest.raises(IdentityError, match="expired"):
        of.verify(second, joins=True)
    of.verify(issue(of), joins=True)
    assert len(list((tmp_path / "used").iterdir())) == 1


@pytest.mark.parametrize("ttl", [0, -1, 24 * 3600 + 1])
def test_its_time_is_bounded(tmp_path: Path, ttl: float) -> None:
    with pytest.raises(IdentityError, match="lives up to"):
        issue(joins(tmp_path), ttl)


def test_names_that_are_no_identity_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IdentityError):
        joins(tmp_path).issue(namespace="../x", service_account="web")


def test_workload_tokens_and_join_tokens_do_not_pass_for_each_other(tmp_path: Path) -> None:
    time = Time()
    signer, of = TokenSigner(KEY, time), joins(tmp_path, time)
    judges = TokenJudges(signer.verifier(), time, of)
    workload = signer.mint(namespace="shop", service_account="web", ttl_seconds=60)
    joining = issue(of)
    assert is_join_token(joining)
    assert not is_join_token(workload)
    assert judges.verify(workload, joins=False).proof == "token lateen"
    assert judges.verify(workload, joins=True).proof == "token lateen"
    assert judges.verify(joining, joins=True).proof.startswith("join token")
    with pytest.raises(IdentityError):
        of.verify(workload, joins=True)
    with pytest.raises(IdentityError):
        signer.verifier().verify(joining)
