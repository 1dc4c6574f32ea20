"""Whether every proxy trusts what a signer's leaves lead to, so that it may sign."""

from lateen.ca.signer import LocalSigner, Signer, issuing_roots
from lateen.ca.trusted_roots import TrustedRoot, TrustState, root_id


def needed(state: TrustState, signer: Signer) -> tuple[TrustedRoot, ...]:
    """The trusted roots that its leaves lead to; of a server elsewhere, those that it named."""
    if not isinstance(signer, LocalSigner):
        return tuple(root for root in state.roots if root.source == signer.name)
    authority = signer.authority
    chain = authority.between or (authority.certificate,)
    ids = {root_id(root) for root in issuing_roots(chain, authority.roots)}
    return tuple(root for root in state.roots if root.id in ids)


def is_adopted(state: TrustState, signer: Signer, now: float) -> bool:
    roots = needed(state, signer)
    return bool(roots) and all(now >= root.adopted for root in roots)


def adopted_at(state: TrustState, signer: Signer) -> float | None:
    """When it will be; None while its roots are not known."""
    return max((root.adopted for root in needed(state, signer)), default=None)
