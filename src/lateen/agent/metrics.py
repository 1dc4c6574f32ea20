"""The agent's own counters and gauges, under Istio's names."""

from lateen.base.metrics import Registry

PREFIX = "istio_agent_"


class AgentMetrics:
    """Owns the series of one agent."""

    def __init__(self) -> None:
        self.registry = Registry()
        counter, gauge = self.registry.counter, self.registry.gauge
        self.requests = counter(
            f"{PREFIX}xds_proxy_requests", "Envoy's discovery requests passed on."
        ).labels()
        self.responses = counter(
            f"{PREFIX}xds_proxy_responses", "The control plane's responses passed on."
        ).labels()
        self.connection_failures = counter(
            f"{PREFIX}num_xds_connection_failures", "Streams to the control plane that ended."
        ).labels()
        self.rejections = counter(
            f"{PREFIX}xds_proxy_rejections", "Responses that Envoy rejected.", "type"
        )
        self.certificate_requests = counter(
            f"{PREFIX}num_outgoing_requests", "Certificate requests sent."
        ).labels()
        self.certificate_failures = counter(
            f"{PREFIX}num_failed_outgoing_requests", "Certificate requests that failed."
        ).labels()
        self.certificate_expiry = gauge(
            f"{PREFIX}cert_expiry_timestamp_seconds", "When the certificate expires."
        ).labels()
        self.dns_requests = counter(
            f"{PREFIX}dns_requests_total", "Questions asked of the resolver."
        ).labels()
        self.dns_upstream = counter(
            f"{PREFIX}dns_upstream_requests_total", "Questions passed to upstream resolvers."
        ).labels()
        self.dns_failures = counter(
            f"{PREFIX}dns_upstream_failures_total", "Questions that no upstream resolver answered."
        ).labels()
        self.scrape_failures = counter(
            f"{PREFIX}scrape_failures_total", "Metrics that could not be read.", "type"
        )
        self.envoy_restarts = counter(
            f"{PREFIX}envoy_restarts_total", "Times Envoy was started again."
        ).labels()
        self.startup = gauge(
            f"{PREFIX}startup_duration_seconds", "From the agent's start until it was ready."
        ).labels()

    def text(self) -> str:
        return self.registry.text()
