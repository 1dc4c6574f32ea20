"""One container as a process: its program, environment and folder, with all references resolved.

What is known only once the pod has an address stays a `FieldOfPod` until the process starts.
"""

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from lateen.api.kubernetes.config import ConfigMap, Secret
from lateen.api.kubernetes.pod import (
    Container,
    EnvVar,
    EnvVarSource,
    Lifecycle,
    PodSpec,
    Probe,
    ResourceFieldSelector,
    ResourceRequirements,
    SecurityContext,
)
from lateen.api.resource import ObjectMeta, Resource
from lateen.base.problem import Problem
from lateen.local import capabilities, quantity
from lateen.local.cgroups import Limits
from lateen.local.process import LATEEN, Credentials
from lateen.local.settings import FILE, Settings
from lateen.local.volumes import MountPlan, VolumeError, mount_plans

DEFAULT_NAMESPACE = "default"
NODE_NAME = "localhost"
VARIABLE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")
OF_THE_POD_TOO = ("run_as_user", "run_as_group", "run_as_non_root")
LATE_FIELDS = ("status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs", "metadata.uid")


@dataclass(frozen=True, slots=True)
class FieldOfPod:
    """An environment variable's value that the pod's address decides."""

    path: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """A text with a `$(NAME)` that is known only once the pod has its address."""

    text: str

    def __str__(self) -> str:
        return self.text


Environment = tuple[tuple[str, str | FieldOfPod | Deferred], ...]


@dataclass(frozen=True)
class ContainerPlan:
    """A container with `problems` is not started; they say why. Equal plans need no restart."""

    name: str
    image: str
    argv: tuple[str | Deferred, ...]
    environment: Environment = ()
    directory: str = ""
    ports: tuple[tuple[str, int], ...] = ()  # name, number
    readiness: Probe | None = None
    liveness: Probe | None = None
    startup: Probe | None = None
    lifecycle: Lifecycle | None = None
    resources: ResourceRequirements = field(default_factory=ResourceRequirements)
    credentials: Credentials = field(default_factory=Credentials)
    mounts: tuple[MountPlan, ...] = ()
    always: bool = False  # an init container that keeps running beside the others
    runnable: bool = True
    problems: tuple[Problem, ...] = field(default=(), compare=False)

    def port(self, wanted: int | str) -> int:
        """A probe's port, by number or name; 0 when no port has that name."""
        if isinstance(wanted, int) or wanted.isdecimal():
            return int(wanted)
        return next((number for name, number in self.ports if name == wanted), 0)


@dataclass(frozen=True)
class References:
    """What containers may refer to: ConfigMaps and Secrets by namespace and name; images."""

    settings: Settings
    config_maps: Mapping[tuple[str, str], ConfigMap]
    secrets: Mapping[tuple[str, str], Secret]

    @classmethod
    def of(cls, resources: Iterable[Resource[Any]], settings: Settings) -> "References":
        found = cls(settings, {}, {})
        tables: dict[str, dict[tuple[str, str], Any]] = {"ConfigMap": {}, "Secret": {}}
        for resource in resources:
            if resource.kind in tables:
                place = (found.namespace(resource), resource.name)
                tables[resource.kind][place] = resource.spec
        return cls(settings, tables["ConfigMap"], tables["Secret"])

    def namespace(self, resource: Resource[Any]) -> str:
        return resource.namespace or self.settings.namespace or DEFAULT_NAMESPACE

    def config_map(self, namespace: str, name: str) -> dict[str, str] | None:
        found = self.config_maps.get((namespace, name))
        return None if found is None else dict(found.data)

    def secret(self, namespace: str, name: str) -> dict[str, str] | None:
        found = self.secrets.get((namespace, name))
        if found is None:
            return None
        decoded = {key: _decoded(value) for key, value in found.data.items()}
        return {**decoded, **found.string_data}

    def content(self, namespace: str, kind: str, name: str) -> dict[str, bytes] | None:
        """The keys of a ConfigMap or Secret, as files."""
        if kind == "ConfigMap":
            config = self.config_maps.get((namespace, name))
            if config is None:
                return None
            text = {key: value.encode() for key, value in config.data.items()}
            return {**text, **config.binary_data}
        secret = self.secrets.get((namespace, name))
        if secret is None:
            return None
        given = {key: value.encode() for key, value in secret.string_data.items()}
        return {**secret.data, **given}


class Missing(Exception):
    """A reference leads nowhere; becomes a Problem where the container is planned."""


def container_plan(
    container: Container,
    meta: ObjectMeta,
    spec: PodSpec,
    resource: Resource[Any],
    references: References,
) -> ContainerPlan:
    problems: list[Problem] = []

    def report(message: str, hint: str = "") -> None:
        problems.append(_problem(resource, container, message, hint))

    environment: Environment = ()
    try:
        environment = tuple(_environment(container, meta, spec, references))
    except Missing as trouble:
        report(str(trouble))
    image = next((i for i in references.settings.images if i.matches(container.image)), None)
    known = {name: value for name, value in environment if isinstance(value, str)}
    if image is not None:
        environment = (*image.env.items(), *environment)
    command = container.command or (image.command if image is not None else ())
    if not command:
        report(
            f"the container {container.name} has an image, {container.image}, and no command",
            hint=_remedy(container.image),
        )
    directory = container.working_dir or (image.directory if image is not None else "")
    if directory and not Path(directory).is_dir():
        report(f"its working directory {directory} is not a folder on this machine")
    try:
        Limits.of(container.resources or ResourceRequirements())
    except ValueError as trouble:
        report(f"resources.limits: {trouble}")
    mounts = []
    for mount in mount_plans(container.volume_mounts):
        if isinstance(mount, VolumeError):
            report(str(mount))
        else:
            mounts.append(mount)
    late = {name for name, value in environment if not isinstance(value, str)}
    argv = tuple(expanded(word, known, late) for word in (*command, *container.args))
    context = security_context(container, spec)
    try:
        powers = capabilities.kept(context)
    except ValueError as trouble:
        powers = capabilities.DEFAULT
        report(f"securityContext.capabilities: {trouble}")
    if context.run_as_non_root and context.run_as_user == 0:
        report("securityContext: runAsNonRoot forbids runAsUser 0")
    if context.run_as_non_root and context.run_as_user is None and os.geteuid() == 0:
        report(
            "securityContext: runAsNonRoot without runAsUser: no image says who runs it here, so "
            "it would be root; name a runAsUser"
        )
    return ContainerPlan(
        name=container.name,
        image=container.image,
        argv=_program(argv),
        environment=environment,
        directory=directory or str(Path(resource.origin.file).resolve().parent),
        ports=tuple((port.name, port.container_port) for port in container.ports),
        readiness=container.readiness_probe,
        liveness=container.liveness_probe,
        startup=container.startup_probe,
        lifecycle=container.lifecycle,
        resources=container.resources or ResourceRequirements(),
        credentials=Credentials(
            context.run_as_user,
            context.run_as_group,
            capabilities=powers,
            may_gain=context.allow_privilege_escalation is not False,
        ),
        mounts=tuple(mounts),
        always=container.restart_policy == "Always",
        runnable=not problems,
        problems=tuple(problems),
    )


def security_context(container: Container, spec: PodSpec) -> SecurityContext:
    """The container's own, with the pod's users and groups where it names none."""
    own, pods = container.security_context, spec.security_context
    if own is None or pods is None:
        return own or pods or SecurityContext()
    pairs = ((name, getattr(own, name)) for name in OF_THE_POD_TOO)
    missing = {name: getattr(pods, name) for name, value in pairs if value is None}
    return msgspec.structs.replace(own, **missing)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` by its value, unknown names left alone, `$$` by `$`, as Kubernetes does."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        return "$" if name is None else variables.get(name, found.group(0))

    return VARIABLE.sub(value, text)


def expanded(text: str, variables: Mapping[str, str], late: Set[str]) -> str | Deferred:
    if any(found.group(1) in late for found in VARIABLE.finditer(text)):
        return Deferred(text)
    return expand(text, variables)


def resolved(environment: Environment, of_pod: Mapping[str, str]) -> dict[str, str]:
    """The environment, now that the pod's own fields are known."""
    known: dict[str, str] = {}
    for name, value in environment:
        if isinstance(value, FieldOfPod):
            known[name] = of_pod[value.path]
        else:
            known[name] = expand(value.text, known) if isinstance(value, Deferred) else value
    return known


def _program(argv: tuple[str | Deferred, ...]) -> tuple[str | Deferred, ...]:
    """`lateen` is the one of this interpreter, whatever the path says."""
    if not argv or argv[0] != "lateen":
        return argv
    return (*LATEEN, *argv[1:])


def _environment(
    container: Container, meta: ObjectMeta, spec: PodSpec, references: References
) -> Iterator[tuple[str, str | FieldOfPod | Deferred]]:
    known: dict[str, str] = {}
    late: set[str] = set()
    for source in container.env_from:
        for kind, reference, find in (
            ("ConfigMap", source.config_map_ref, references.config_map),
            ("Secret", source.secret_ref, references.secret),
        ):
            if reference is None:
                continue
            content = find(meta.namespace, reference.name)
            if content is None and not reference.optional:
                raise Missing(f"envFrom: there is no {kind} {meta.namespace}/{reference.name}")
            for name, value in (content or {}).items():
                known[source.prefix + name] = value
                yield source.prefix + name, value
    for variable in container.env:
        found = _value(variable, container, meta, spec, references)
        if found is None:
            continue
        given: str | FieldOfPod | Deferred = found
        if isinstance(found, str) and variable.value_from is None:
            given = expanded(found, known, late)
        if isinstance(given, str):
            known[variable.name] = given
        else:
            late.add(variable.name)
        yield variable.name, given


def _value(
    variable: EnvVar,
    container: Container,
    meta: ObjectMeta,
    spec: PodSpec,
    references: References,
) -> str | FieldOfPod | None:
    source = variable.value_from
    if source is None:
        return variable.value
    if source.field_ref is not None:
        return _field(source.field_ref.field_path, meta, spec)
    if source.resource_field_ref is not None:
        return _resource(source.resource_field_ref, container, spec)
    return _keyed(variable.name, source, meta, references)


def _keyed(
    variable: str, source: EnvVarSource, meta: ObjectMeta, references: References
) -> str | None:
    for kind, key, find in (
        ("ConfigMap", source.config_map_key_ref, references.config_map),
        ("Secret", source.secret_key_ref, references.secret),
    ):
        if key is None:
            continue
        content = find(meta.namespace, key.name) or {}
        if key.key not in content and not key.optional:
            place = f"{kind} {meta.namespace}/{key.name}"
            raise Missing(f"env {variable}: there is no key {key.key!r} in {place}")
        return content.get(key.key)
    return ""


def _field(path: str, meta: ObjectMeta, spec: PodSpec) -> str | FieldOfPod:
    if path in LATE_FIELDS:
        return FieldOfPod(path)
    keyed = KEYED_FIELD.fullmatch(path)
    if keyed:
        table = meta.labels if keyed[1] == "labels" else meta.annotations
        return table.get(keyed[2], "")
    fields = {
        "metadata.name": meta.name,
        "metadata.namespace": meta.namespace,
        "spec.nodeName": spec.node_name or NODE_NAME,
        "spec.serviceAccountName": spec.service_account_name or "default",
    }
    if path not in fields:
        known = ", ".join((*fields, *LATE_FIELDS, "metadata.labels['NAME']"))
        raise Missing(f"fieldRef {path!r} is not a field of a pod; known are {known}")
    return fields[path]


def _resource(reference: ResourceFieldSelector, container: Container, spec: PodSpec) -> str:
    name = reference.container_name or container.name
    found = next((part for part in spec.containers if part.name == name), container)
    which, _, resource = reference.resource.partition(".")
    requirements = found.resources or ResourceRequirements()
    table = requirements.limits if which == "limits" else requirements.requests
    default = _of_machine(resource)
    try:
        return str(quantity.in_units(table.get(resource, default), reference.divisor or 1))
    except ValueError as trouble:
        raise Missing(f"resourceFieldRef {reference.resource}: {trouble}") from trouble


def _of_machine(resource: str) -> int:
    """What a container without a limit may use: all there is."""
    if resource == "cpu":
        return os.cpu_count() or 1
    if resource == "memory":
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 0


def _decoded(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _remedy(image: str) -> str:
    return (
        f"add a command to the container, or to {FILE} beside the manifests: "
        f"images: [{{image: {shlex.quote(image)}, command: [PROGRAM, ARGUMENT]}}]"
    )


def _problem(resource: Resource[Any], container: Container, message: str, hint: str) -> Problem:
    return Problem(
        "container",
        message,
        resource=str(resource.key),
        path=f"containers[{container.name}]",
        file=resource.origin.file,
        line=resource.origin.line,
        hint=hint,
    )
