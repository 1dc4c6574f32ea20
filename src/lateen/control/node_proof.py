"""Whether what a proxy says it is agrees with what is known of its pod.

    router, waypoint    may see all credentials of their namespace: their pod must be a gateway, or
                        the settings must name their identity
    any                 a node that names a pod must have that pod's account and its labels

A credential proves an account, which several workloads may share. Where the token named labels too,
they must be those of the pod, so that an application cannot pass for the gateway beside it.
"""

from fnmatch import fnmatchcase

from lateen.api.resource import Key, Resource
from lateen.catalog.proxy_role import is_gateway
from lateen.identity.credential import Credential
from lateen.identity.errors import Refused, StatusCode
from lateen.view.mesh import Mesh
from lateen.view.proxy import Proxy, ProxyKind


def check_node(
    mesh: Mesh, credential: Credential, proxy: Proxy, *, gateways: tuple[str, ...]
) -> None:
    """Refused (PERMISSION_DENIED) for a proxy that is not what its pod is.

    `gateways` are identities, NAMESPACE/ACCOUNT with `*`, that may be gateways without a pod.
    """
    namespace = credential.identity.namespace
    name = proxy.id.removesuffix(f".{namespace}")
    pod = mesh.resource(Key("Pod", namespace, name))
    if pod is not None:
        _check_is_pod(credential, pod)
    if proxy.kind is ProxyKind.SIDECAR or _is_named(credential, gateways):
        return
    if pod is None:
        raise _denied(
            f"the node is a {proxy.kind}, and no pod {namespace}/{name} is known to be a gateway; "
            "allow its identity with --gateway-identity"
        )
    if not is_gateway(pod.meta, pod.spec):
        raise _denied(f"the node is a {proxy.kind}; its pod {namespace}/{name} is not a gateway")


def _check_is_pod(credential: Credential, pod: Resource[object]) -> None:
    spec = pod.spec
    account = getattr(spec, "service_account_name", "") or getattr(spec, "service_account", "")
    if credential.identity.service_account != (account or "default"):
        raise _denied(
            f"the node names the pod {pod.namespace}/{pod.name}, which is of service account "
            f"{account or 'default'!r}; its identity is {credential.identity}"
        )
    proven = credential.labels
    if proven is None:
        return
    for label, value in (("app", proven.app), ("version", proven.version)):
        held = pod.meta.labels.get(label, "")
        if held != value:
            raise _denied(
                f"the node names the pod {pod.namespace}/{pod.name}, which has the label "
                f"{label}={held!r}; its credential says {value!r}"
            )


def _is_named(credential: Credential, gateways: tuple[str, ...]) -> bool:
    identity = f"{credential.identity.namespace}/{credential.identity.service_account}"
    return any(fnmatchcase(identity, pattern) for pattern in gateways)


def _denied(reason: str) -> Refused:
    return Refused(StatusCode.PERMISSION_DENIED, reason)
