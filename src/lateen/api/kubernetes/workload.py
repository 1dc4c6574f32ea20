"""Controllers that make pods: Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob."""

from typing import Any

from lateen.api.kubernetes.pod import PodTemplateSpec
from lateen.api.kubernetes.selector import LabelSelector
from lateen.api.resource import ObjectMeta, OpenSpec
from lateen.api.scalars import Int32, Int64


class DeploymentSpec(OpenSpec, frozen=True):
    replicas: Int32 | None = None  # absent means 1
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    strategy: dict[str, Any] | None = None
    min_ready_seconds: Int32 = 0
    revision_history_limit: Int32 | None = None
    paused: bool = False
    progress_deadline_seconds: Int32 | None = None


class ReplicaSetSpec(OpenSpec, frozen=True):
    replicas: Int32 | None = None
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    min_ready_seconds: Int32 = 0


class StatefulSetSpec(OpenSpec, frozen=True):
    replicas: Int32 | None = None
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    service_name: str = ""
    pod_management_policy: str = "OrderedReady"
    update_strategy: dict[str, Any] | None = None
    volume_claim_templates: tuple[dict[str, Any], ...] = ()


class DaemonSetSpec(OpenSpec, frozen=True):
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    update_strategy: dict[str, Any] | None = None


class JobSpec(OpenSpec, frozen=True):
    parallelism: Int32 | None = None
    completions: Int32 | None = None
    active_deadline_seconds: Int64 | None = None
    backoff_limit: Int32 | None = None
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    ttl_seconds_after_finished: Int32 | None = None
    suspend: bool | None = None
    completion_mode: str | None = None


class JobTemplateSpec(OpenSpec, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: JobSpec = JobSpec()


class CronJobSpec(OpenSpec, frozen=True):
    schedule: str = ""
    suspend: bool | None = None
    concurrency_policy: str = "Allow"
    job_template: JobTemplateSpec = JobTemplateSpec()


Deployment = DeploymentSpec
ReplicaSet = ReplicaSetSpec
StatefulSet = StatefulSetSpec
DaemonSet = DaemonSetSpec
Job = JobSpec
CronJob = CronJobSpec
