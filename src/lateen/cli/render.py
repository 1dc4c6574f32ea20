"""`lateen render`: what one proxy would be sent, computed from files without a mesh."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lateen.cli.input import add_files, add_mesh_options, files, folder_namespace, read_mesh
from lateen.cli.render_objects import generated, print_documents, with_status

if TYPE_CHECKING:
    from lateen.api.kubernetes.pod import PodTemplateSpec
    from lateen.api.resource import Resource
    from lateen.base.problem import Problem
    from lateen.config.documents import Reading
    from lateen.simulate.configuration import Configuration
    from lateen.view.mesh import Mesh
    from lateen.view.proxy import Proxy, ProxyClass

EXAMPLES = """\
examples:
  lateen render -f mesh/ --workload reviews-v1.shop
  lateen render -f mesh/ --proxy '{"namespace": "shop", "labels": {"app": "reviews"}}' \\
      --type listeners,routes -o json
"""
WORKLOAD_KINDS = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "WorkloadEntry")
TYPES = ("listeners", "routes", "clusters", "endpoints", "secrets", "extensions", "names")
USAGE_ERROR = 2


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "render",
        help="print what one proxy would be sent",
        description="Prints the configuration that one proxy would be sent, computed from files.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_files(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--proxy", metavar="NODE", help="the proxy: a JSON object, or a file that holds one"
    )
    which.add_argument(
        "--workload", metavar="NAME.NAMESPACE",
        help="the proxy of a Pod, Deployment or WorkloadEntry of the input",
    )  # fmt: skip
    which.add_argument(
        "--status", action="store_true",
        help="instead: objects that carry a status, with the one they would be given",
    )  # fmt: skip
    which.add_argument(
        "--generated", action="store_true",
        help="instead: the objects that would be created for Gateway API Gateways",
    )  # fmt: skip
    parser.add_argument(
        "--type", dest="types", metavar="TYPE,...", default=",".join(TYPES),
        help=f"only these: {', '.join(TYPES)}",
    )  # fmt: skip
    parser.add_argument(
        "-n", "--namespace", default="", metavar="NAMESPACE",
        help="of objects that name none (default: what lateen.yaml says, else default)",
    )  # fmt: skip
    parser.add_argument("-o", "--output", choices=("json", "yaml"), default="yaml")
    add_mesh_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from lateen.config.paths import read_paths
    from lateen.translate.envoy_filter.problems import problems as patch_problems
    from lateen.view.conflicts import conflicts

    paths = files(arguments)
    wanted = _types(arguments.types)
    if not paths or not wanted:
        _complain("name files or folders with -f" if wanted else f"types are {', '.join(TYPES)}")
        return USAGE_ERROR
    namespace = arguments.namespace or folder_namespace(paths)
    reading = read_paths(paths, namespace=namespace)
    mesh = read_mesh(arguments, reading)
    if arguments.status or arguments.generated:
        made = with_status(mesh) if arguments.status else generated(mesh)
        print_documents(made, arguments.output)
        return 0
    description = _description(arguments, reading, namespace)
    if description is None:
        return USAGE_ERROR
    problems = (*reading.problems, *mesh.problems, *conflicts(mesh), *patch_problems(mesh))
    _print(rendered(mesh, description, wanted, problems), arguments.output)
    return 0


def _types(text: str) -> list[str]:
    """The types asked for; none when one of them is unknown."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    return names if set(names) <= set(TYPES) else []


def _complain(text: str) -> None:
    print(f"lateen render: {text}", file=sys.stderr)


# -- which proxy -------------------------------------------------------------------------------


def _description(
    arguments: argparse.Namespace, reading: "Reading", namespace: str
) -> dict[str, Any] | None:
    if arguments.workload:
        return _workload(arguments.workload, reading, namespace)
    if not arguments.proxy:
        return {}
    text = arguments.proxy
    try:
        if not text.lstrip().startswith("{"):
            text = Path(text).read_text()
        described = json.loads(text)
    except (OSError, ValueError) as trouble:
        _complain(f"--proxy: {trouble}")
        return None
    if not isinstance(described, dict):
        _complain("--proxy: the description of a proxy is a JSON object")
        return None
    return described


def _workload(named: str, reading: "Reading", default: str) -> dict[str, Any] | None:
    name, _, namespace = named.partition(".")
    found = [
        resource
        for kind in WORKLOAD_KINDS
        for resource in reading.resources
        if (resource.kind, resource.name) == (kind, name)
        and resource.namespace == (namespace or default)
    ]
    if not found:
        _complain(f"no workload {name} in namespace {namespace or default} of the input")
        return None
    return described_workload(found[0])


def described_workload(resource: "Resource[Any]") -> dict[str, Any]:
    """The description of the proxy beside a workload, as `--proxy` takes it."""
    from lateen.api.kubernetes.pod import PodTemplateSpec

    described: dict[str, Any] = {
        "name": resource.name,
        "namespace": resource.namespace or "default",
    }
    spec, labels = resource.spec, resource.meta.labels
    if resource.kind == "WorkloadEntry":
        account, ips = spec.service_account, _addresses(spec.address)
        labels = {**spec.labels, **labels}
    elif resource.kind == "Pod":
        account = spec.service_account_name or spec.service_account
        ips = [resource.status.pod_ip] if resource.status else []
        template = PodTemplateSpec(metadata=resource.meta, spec=spec)
        described["type"] = _proxy_type(template, resource.namespace)
    else:
        pod = spec.template
        labels, ips = pod.metadata.labels, []
        described["type"] = _proxy_type(pod, resource.namespace)
        account = pod.spec.service_account_name or pod.spec.service_account
    described |= {"labels": dict(labels), "service_account": account or "default"}
    return described | ({"ips": ips} if any(ips) else {})


def _addresses(written: str) -> list[str]:
    """Of a WorkloadEntry: none where a name or a socket stands for it."""
    import ipaddress

    try:
        return [str(ipaddress.ip_address(written))]
    except ValueError:
        return []


def _proxy_type(template: "PodTemplateSpec", namespace: str) -> str:
    from lateen.local import injection

    is_gateway = injection.role(template, namespace, {}) is injection.ProxyRole.GATEWAY
    return "router" if is_gateway else "sidecar"


# -- what it is sent ---------------------------------------------------------------------------


def rendered(
    mesh: "Mesh", description: dict[str, Any], wanted: Sequence[str], problems: "Iterable[Problem]"
) -> dict[str, Any]:
    """The whole answer, in the order in which it is printed."""
    from lateen.envoy.messages import to_json
    from lateen.simulate.configuration import configuration
    from lateen.view import proxy_class as classes

    proxy = classes.proxy_from_description(description, mesh)
    of_class = classes.classify(mesh, proxy.proxy_class)
    held = configuration(mesh, of_class)
    parts: dict[str, Any] = {
        "listeners": lambda: [to_json(each) for each in held.listeners],
        "routes": lambda: [to_json(each) for each in held.routes.values()],
        "clusters": lambda: [to_json(each) for each in held.clusters],
        "endpoints": lambda: [to_json(each) for each in held.endpoints.values()],
        "secrets": lambda: list(held.secrets),
        "extensions": lambda: _extensions(mesh, of_class),
        "names": lambda: _names(mesh, of_class),
    }
    made = {name: parts[name]() for name in TYPES if name in wanted}
    found = (*problems, *_patch_problems(mesh, of_class, held))
    return {"node": _node(proxy), **made, "problems": [_problem(each) for each in found]}


def _node(proxy: "Proxy") -> dict[str, Any]:
    known = proxy.proxy_class
    return {
        "id": f"{proxy.kind}~{proxy.addresses[0] if proxy.addresses else ''}~{proxy.id}"
        f"~{known.dns_domain}",
        "type": str(proxy.kind),
        "name": proxy.id.partition(".")[0],
        "namespace": known.namespace,
        "ips": list(proxy.addresses),
        "labels": dict(known.labels),
        "service_account": known.service_account,
        "metadata": dict(proxy.metadata),
    }


def _names(mesh: "Mesh", of_class: "ProxyClass") -> dict[str, Any]:
    from lateen.base.name_table import NameTable
    from lateen.translate import discovery

    table = NameTable.FromString(discovery.cell(mesh, of_class, discovery.NAME_TABLE, "").read())
    return {
        host: {
            "ips": list(entry.ips),
            "registry": entry.registry,
            "shortname": entry.shortname,
            "namespace": entry.namespace,
        }
        for host, entry in sorted(table.table.items())
    }


def _extensions(mesh: "Mesh", of_class: "ProxyClass") -> list[dict[str, Any]]:
    from lateen.envoy import messages, types
    from lateen.translate import discovery
    from lateen.translate.envoy_filter import layer

    cells = (
        discovery.cell(mesh, of_class, discovery.EXTENSION, name).read()
        for name in layer.extension_names(mesh, of_class)
    )
    return [messages.to_json(types.TypedExtensionConfig.FromString(each)) for each in cells]


def _patch_problems(
    mesh: "Mesh", of_class: "ProxyClass", held: "Configuration"
) -> tuple["Problem", ...]:
    """Patches of EnvoyFilters that could not be applied to what the proxy holds."""
    from lateen.translate import discovery
    from lateen.translate.envoy_filter.problems import problems_of

    names = [
        *(
            (kind, name)
            for kind in discovery.KINDS
            for name in discovery.names(mesh, of_class, kind)
        ),
        *((discovery.ROUTE, name) for name in held.routes),
    ]
    return problems_of(discovery.cell(mesh, of_class, kind, name) for kind, name in names)


def _problem(problem: "Problem") -> dict[str, Any]:
    fields = {
        "code": problem.code,
        "severity": str(problem.severity),
        "resource": problem.resource,
        "path": problem.path,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "hint": problem.hint,
    }
    return {name: value for name, value in fields.items() if value or name == "message"}


def _print(document: dict[str, Any], form: str) -> None:
    text = json.dumps(document, indent=2)
    if form == "json":
        print(text)
        return
    import yaml

    document = json.loads(text)  # plain dicts: protobuf's own are ordered ones
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    print(yaml.dump(document, Dumper=dumper, sort_keys=False, default_flow_style=False), end="")
