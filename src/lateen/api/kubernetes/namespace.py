"""Namespace, ServiceAccount and Node: where and as whom workloads run."""

from lateen.api.resource import OpenSpec


class Namespace(OpenSpec, frozen=True):
    """Everything of interest is in its metadata."""

    finalizers: tuple[str, ...] = ()


class LocalObjectReference(OpenSpec, frozen=True):
    name: str = ""


class ServiceAccount(OpenSpec, frozen=True):
    secrets: tuple[LocalObjectReference, ...] = ()
    image_pull_secrets: tuple[LocalObjectReference, ...] = ()
    automount_service_account_token: bool | None = None


class NodeSpec(OpenSpec, frozen=True):
    pod_cidr: str = ""
    unschedulable: bool = False
