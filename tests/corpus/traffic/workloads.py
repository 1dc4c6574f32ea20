"""The corpus's workloads as manifests that `lateen up` runs, from its environment file.

Each is an echo application. What binds the pod's own address, or loopback only, or speaks first, is
a container of its own beside it, since those differ in how a whole application listens.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.mesh.certificates import self_signed

CERTIFICATE_FOLDER = "/tmp/echo-certificate"
CERTIFICATE_FILE = f"{CERTIFICATE_FOLDER}/echo.pem"
GATEWAY_PORTS = {80: 8080, 443: 8443, 15443: 15443, 31400: 31400}

POD_ADDRESS = {"fieldRef": {"fieldPath": "status.podIP"}}

Manifest = dict[str, Any]


def manifests(environment: Manifest) -> str:
    """Namespaces, workloads and the gateway; the baseline configuration is applied beside them."""
    made = [*namespaces(environment["namespaces"]), *gateway(environment["gateway"])]
    for app in environment["apps"]:
        if app["service"] == "a":
            made.append(certificate("echo", "server.default.svc"))
        made += application(app, environment["ports"])
    made.append(certificate("external", "server.default.svc"))
    return yaml.safe_dump_all(made, sort_keys=False)


def baseline(environment: Manifest, namespace: str) -> str:
    documents = yaml.safe_load_all(environment["baseline_config"])
    return yaml.safe_dump_all(placed(documents, namespace))


def placed(documents: Any, namespace: str) -> Iterator[Manifest]:
    """Documents that name no namespace are of the one given, as `kubectl -n` has it."""
    for document in documents:
        if document:
            document.setdefault("metadata", {}).setdefault("namespace", namespace)
            yield document


def read_environment(file: Path) -> Manifest:
    environment = yaml.safe_load(file.read_text())
    assert isinstance(environment, dict)
    return environment


def namespaces(settings_of: dict[str, Manifest]) -> Iterator[Manifest]:
    for name, settings in settings_of.items():
        injected = settings.get("istio-injection", False)
        labels = {"istio-injection": "enabled" if injected else "disabled"}
        yield object_of("v1", "Namespace", name, "", metadata={"name": name, "labels": labels})


def gateway(wanted: Manifest) -> Iterator[Manifest]:
    """`app` is the value of its label of that name (default: the gateway's name)."""
    name, namespace = wanted["name"], wanted["namespace"]
    key, _, value = wanted["label"].partition("=")
    app = wanted.get("app", name)
    yield object_of("v1", "ServiceAccount", name, namespace)
    ports = [
        {"name": f"port-{port}", "port": port, "targetPort": target}
        for port, target in GATEWAY_PORTS.items()
    ]
    selected = {"selector": {key: value}, "ports": ports}
    yield object_of("v1", "Service", name, namespace, spec=selected)
    template = {
        "metadata": {
            "labels": {key: value, "app": app, "sidecar.istio.io/inject": "true"},
            "annotations": {"inject.istio.io/templates": "gateway"},
        },
        "spec": {
            "serviceAccountName": name,
            "containers": [{"name": "istio-proxy", "image": "auto"}],
        },
    }
    spec = {"selector": {"matchLabels": {key: value}}, "template": template}
    yield object_of("apps/v1", "Deployment", name, namespace, spec=spec)


def application(app: Manifest, ports: Manifest) -> Iterator[Manifest]:
    """`containers` are more of its pods' containers; `without_sidecar` names such versions."""
    name, namespace = app["service"], app["namespace"]
    known = ports["headless" if app["ports"] == "headless" else "all"]
    yield object_of("v1", "ServiceAccount", name, namespace)
    service: Manifest = {"selector": {"app": name}, "ports": list(_service_ports(known))}
    if app.get("headless"):
        service["clusterIP"] = "None"
    yield object_of("v1", "Service", name, namespace, spec=service)
    for version in app.get("versions", ["v1"]):
        yield _pods(app, version, known)


def _service_ports(ports: list[Manifest]) -> Iterator[Manifest]:
    for port in ports:
        if port["service_port"] is not None:
            name = port["name"]
            entry = {
                "name": name,
                "port": port["service_port"],
                "targetPort": port["workload_port"],
            }
            declared = {"tcp-for-http": "tcp", "tcp-proxy": "tcp"}.get(name)
            yield entry | ({"appProtocol": declared} if declared else {})


def _pods(app: Manifest, version: str, ports: list[Manifest]) -> Manifest:
    name = app["service"]
    kind = "StatefulSet" if app.get("statefulset") else "Deployment"
    labels = {"app": name, "version": version, "test.istio.io/class": _class(name)}
    if not app["sidecar"] or version in app.get("without_sidecar", ()):
        labels["sidecar.istio.io/inject"] = "false"
    if "locality" in app:
        labels["istio-locality"] = app["locality"]
    volume = {"name": "certificate", "secret": {"secretName": "echo-certificate"}}
    template = {
        "metadata": {"labels": labels},
        "spec": {
            "serviceAccountName": name,
            "containers": [*_containers(name, ports), *app.get("containers", ())],
            "volumes": [volume],
        },
    }
    spec: Manifest = {
        "replicas": app["pods"] // len(app.get("versions", [version])),
        "selector": {"matchLabels": {"app": name, "version": version}},
        "template": template,
    }
    if kind == "StatefulSet":
        spec["serviceName"] = name
    own = name if kind == "StatefulSet" else f"{name}-{version}"
    return object_of("apps/v1", kind, own, app["namespace"], spec=spec)


def _class(service: str) -> str:
    known = ("naked", "headless", "statefulset", "vm", "tproxy")
    return service if service in known else "standard"


def _containers(name: str, ports: list[Manifest]) -> Iterator[Manifest]:
    plain = [port for port in ports if not port.keys() & {"bind_instance_ip", "bind_localhost"}]
    greeting = [port for port in plain if port.get("server_first")]
    spoken = [port for port in plain if not port.get("server_first")]
    instance = [port for port in ports if port.get("bind_instance_ip")]
    loopback = [port for port in ports if port.get("bind_localhost")]
    mount = {"name": "certificate", "mountPath": CERTIFICATE_FOLDER}
    main = _container(name, "main", spoken, f"--certificate={CERTIFICATE_FILE}")
    yield main | {"volumeMounts": [mount]}
    if name == "b":  # the cases look at b's addresses and at what c says first
        if instance:
            yield _container(name, "instance", instance, bind={"valueFrom": POD_ADDRESS})
        if loopback:
            yield _container(name, "loopback", loopback, bind={"value": "127.0.0.1"})
    if name == "c" and greeting:
        yield _container(name, "greeting", greeting, "--tcp-greeting")


def _container(
    workload: str, name: str, ports: list[Manifest], *options: str, bind: Manifest | None = None
) -> Manifest:
    environment = [{"name": "WORKLOAD", "value": workload}]
    if bind is not None:
        environment.append({"name": "LATEEN_BIND"} | bind)
    return {
        "name": name,
        "image": "example/echo:v1",
        "command": ["lateen", "echo"],
        "args": [*options, *(_listen(port) for port in ports)],
        "env": environment,
    }


def _listen(port: Manifest) -> str:
    kind = {"HTTP": "http", "GRPC": "grpc", "HTTPS": "https", "TCP": "tcp"}[port["protocol"]]
    return f"--{kind}={port['workload_port']}"


def certificate(namespace: str, host: str) -> Manifest:
    content = b"".join(self_signed(host)).decode()
    return object_of(
        "v1", "Secret", "echo-certificate", namespace, stringData={"echo.pem": content}
    )


def object_of(version: str, kind: str, name: str, namespace: str, **parts: Any) -> Manifest:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata} | parts
