"""From manifests to pods."""

from textwrap import dedent

from lateen.config.documents import read
from lateen.local.plan import Plan, plan
from lateen.local.settings import Image, Settings

DEPLOYMENT = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {{name: cart}}
    spec:
      replicas: {replicas}
      template:
        metadata: {{labels: {{app: cart}}}}
        spec: {{containers: [{{name: main, image: example/cart:1, command: [{command}]}}]}}
"""


def planned(text: str, settings: Settings | None = None) -> Plan:
    reading = read(dedent(text), "cart.yaml", namespace="shop")
    assert not [p for p in reading.problems if p.severity == "error"], reading.problems
    return plan(reading.resources, settings or Settings())


def test_deployment_makes_its_replicas_with_names_of_their_own() -> None:
    pods = planned(DEPLOYMENT.format(replicas=3, command="run")).pods

    assert len({pod.name for pod in pods}) == 3
    assert all(pod.name.startswith("cart-") and pod.namespace == "shop" for pod in pods)


def test_pod_of_a_deployment_belongs_to_a_replica_set_of_its_template() -> None:
    pod = planned(DEPLOYMENT.format(replicas=1, command="run")).pods[0]

    assert pod.owner is not None
    assert (pod.owner.kind, pod.owner.name) == (
        "ReplicaSet",
        f"cart-{pod.labels['pod-template-hash']}",
    )


def test_changed_template_makes_a_pod_of_another_name() -> None:
    first = planned(DEPLOYMENT.format(replicas=1, command="run")).pods[0]
    second = planned(DEPLOYMENT.format(replicas=1, command="walk")).pods[0]

    assert first.name != second.name


def test_changed_number_of_replicas_keeps_the_pods_that_stay() -> None:
    one = planned(DEPLOYMENT.format(replicas=1, command="run")).pods
    two = planned(DEPLOYMENT.format(replicas=2, command="run")).pods

    assert two[:1] == one


def test_stateful_set_numbers_its_pods() -> None:
    pods = planned("""
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: db}
        spec:
          replicas: 2
          serviceName: db
          template: {spec: {containers: [{name: main, image: db, command: [db]}]}}
    """).pods

    assert [pod.name for pod in pods] == ["db-0", "db-1"]


def test_job_is_restarted_on_failure_only() -> None:
    pod = planned("""
        apiVersion: batch/v1
        kind: Job
        metadata: {name: once}
        spec:
          backoffLimit: 2
          template:
            spec: {restartPolicy: OnFailure, containers: [{name: a, image: b, command: [c]}]}
    """).pods[0]

    assert (pod.restart_policy, pod.backoff_limit) == ("OnFailure", 2)


def test_suspended_job_makes_no_pod() -> None:
    text = """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: once}
        spec:
          suspend: true
          template: {spec: {containers: [{name: a, image: b, command: [c]}]}}
    """
    assert planned(text).pods == ()


def test_cron_job_is_reported_with_what_to_do() -> None:
    found = planned("""
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: nightly}
        spec:
          schedule: "0 0 * * *"
          jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: b}]}}}}
    """)

    assert found.pods == ()
    assert "write a Job" in found.problems[0].message


def test_image_without_command_is_a_problem_with_file_line_and_remedy() -> None:
    found = planned(DEPLOYMENT.format(replicas=2, command=""))

    assert len(found.problems) == 1
    problem = str(found.problems[0])
    assert "cart.yaml:2" in problem
    assert "images: [{image: example/cart:1, command: [PROGRAM, ARGUMENT]}]" in problem


def test_image_of_the_table_gives_the_command() -> None:
    settings = Settings(images=(Image(image="example/*", command=("cart", "--run")),))
    found = planned(DEPLOYMENT.format(replicas=1, command=""), settings)

    assert found.pods[0].containers[0].argv == ("cart", "--run")
    assert found.problems == ()


def test_proxy_container_of_a_gateway_is_not_a_container_to_run() -> None:
    pod = planned("""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: gateway}
        spec:
          template:
            metadata: {labels: {istio: ingressgateway}}
            spec: {containers: [{name: istio-proxy, image: auto}]}
    """).pods[0]

    assert pod.proxy == "gateway"
    assert pod.containers == ()


def test_line_of_the_manifest_is_no_reason_to_restart() -> None:
    text = DEPLOYMENT.format(replicas=1, command="run")

    assert planned("# moved down\n" + dedent(text)).pods == planned(text).pods


def test_changed_config_map_value_makes_a_new_pod() -> None:
    def of(value: str) -> str:
        config = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{a: {value}}}\n"
        job = DEPLOYMENT.format(replicas=1, command="run").replace(
            "command: [run]", "command: [run], envFrom: [{configMapRef: {name: c}}]"
        )
        return planned(f"{config}---\n{dedent(job)}").pods[0].name

    assert of("x") != of("z")
    assert of("x") == of("x")


def test_pod_of_a_stateful_set_has_a_name_of_its_own_in_its_service() -> None:
    pod = planned("""
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: db}
        spec:
          serviceName: database
          template: {spec: {containers: [{name: main, image: db, command: [db]}]}}
    """).pods[0]

    assert (pod.spec.hostname, pod.spec.subdomain) == ("db-0", "database")


def test_pod_of_a_stateful_set_waits_for_the_one_before_it() -> None:
    text = """
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {{name: db}}
        spec:
          replicas: 2
          podManagementPolicy: {policy}
          template: {{spec: {{containers: [{{name: main, image: db, command: [db]}}]}}}}
    """
    ordered = planned(text.format(policy="OrderedReady")).pods
    parallel = planned(text.format(policy="Parallel")).pods

    assert [pod.before for pod in ordered] == ["", "db-0.shop"]
    assert [pod.before for pod in parallel] == ["", ""]


def test_a_changed_proxy_config_is_a_new_pod_that_has_it() -> None:
    deployment = DEPLOYMENT.format(replicas=1, command="run").replace(
        "labels: {app: cart}", "labels: {app: cart, sidecar.istio.io/inject: 'true'}"
    )
    config = """
    ---
    apiVersion: networking.istio.io/v1beta1
    kind: ProxyConfig
    metadata: {name: cart}
    spec: {concurrency: 2}
    """

    before, after = planned(deployment).pods[0], planned(deployment + config).pods[0]

    assert before.proxy_config == {}
    assert after.proxy_config == {"concurrency": 2}
    assert before.name != after.name


def test_metrics_are_merged_unless_pod_or_mesh_says_otherwise() -> None:
    mesh = """
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: istio, namespace: istio-system}
    data: {mesh: "enablePrometheusMerge: false"}
    """
    own = DEPLOYMENT.format(replicas=1, command="run")
    noted = own.replace(
        "metadata: {labels",
        "metadata: {annotations: {prometheus.istio.io/merge-metrics: 'true'}, labels",
    )

    assert planned(own).pods[0].merges_metrics
    assert not planned(own + mesh).pods[0].merges_metrics
    assert planned(noted + mesh).pods[0].merges_metrics
