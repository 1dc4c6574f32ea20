"""`lateen generate`: manifests derived from the mesh's configuration."""

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lateen.cli.input import add_files, add_mesh_options, files, folder_namespace, read_mesh

if TYPE_CHECKING:
    from lateen.api.kubernetes.pod import PodTemplateSpec
    from lateen.network_policy.derive import Derived
    from lateen.network_policy.sources import Places

EXAMPLES = """\
examples:
  lateen generate network-policy -f mesh/ > mesh/network-policies.yaml
  lateen generate network-policy -f mesh/ -n shop -o json
  lateen generate network-policy -f mesh/ | kubectl apply -f -
"""
DESCRIPTION = """\
Prints NetworkPolicies that back the mesh's authorization with the network's own: what
AuthorizationPolicies refuse by source and port alone does not reach the pod at all.

They never refuse what the mesh allows. Pods stand for the service accounts that they run as, so
generate them again when workloads or their service accounts change. Workloads for which no policy
refuses anything by address or port get none.
"""
USAGE_ERROR = 2


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "generate",
        help="derive manifests from the mesh's configuration",
        description="Derives manifests from the mesh's configuration.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    policy = what.add_parser(
        "network-policy",
        help="Kubernetes NetworkPolicies that back the mesh's authorization",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_files(policy)
    policy.add_argument("-n", "--namespace", default="", help="only for workloads of this one")
    policy.add_argument("-o", "--output", choices=("yaml", "json"), default="yaml")
    add_mesh_options(policy)


def run(arguments: argparse.Namespace) -> int:
    from lateen.base.problem import Severity
    from lateen.cli.render_objects import print_documents
    from lateen.config.paths import read_paths
    from lateen.network_policy.derive import derive
    from lateen.network_policy.manifest import document
    from lateen.network_policy.workloads import places

    paths = files(arguments)
    if not paths:
        print("lateen generate: name files or folders with -f", file=sys.stderr)
        return USAGE_ERROR
    reading = read_paths(paths, namespace=folder_namespace(paths))
    errors = [p for p in reading.problems if p.severity is Severity.ERROR]
    for problem in errors:
        print(f"{problem.severity}: {problem}", file=sys.stderr)
    mesh = read_mesh(arguments, reading)
    domains = (mesh.trust_domain, *mesh.config.trust_domain_aliases)
    known = places(reading.resources, trust_domains=domains, has_proxy=_has_proxy)
    found = [
        derived
        for derived in derive(mesh, known)
        if arguments.namespace in ("", derived.workload.namespace)
    ]
    print_documents([document(derived) for derived in found], arguments.output)
    _tell(found, known)
    return 1 if errors else 0


def _has_proxy(template: "PodTemplateSpec", namespace: str, labels: Mapping[str, str]) -> bool:
    from lateen.local.injection import ProxyRole, role

    return role(template, namespace, labels) is not ProxyRole.NONE


def _tell(found: "list[Derived]", known: "Places") -> None:
    pods = [workload for workload in known.workloads if not workload.addresses]
    without = sum(not workload.proxied for workload in pods)
    outside = f"; {without} have no proxy, so no policy holds for them" if without else ""
    print(f"{len(found)} of {len(pods)} workloads get a NetworkPolicy{outside}", file=sys.stderr)
