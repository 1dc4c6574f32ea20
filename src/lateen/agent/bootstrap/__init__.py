"""Envoy's bootstrap configuration, as JSON. `document` joins what the others make.

document.py      node, admin, runtime, overload
clusters.py      xds-grpc, sds-grpc, agent, prometheus_stats
listeners.py     metrics (15090) and health (15021)
stats.py         tags and the set of statistics that is kept
proxy_config.py  what the workload's ProxyConfig and annotations wish of all that
telemetry.py     sinks, tracer and their servers, where they wish for them
"""
