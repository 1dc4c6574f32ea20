"""Envoy's bootstrap configuration, as JSON.

node, admin, stats, runtime, overload        document.py joins them
clusters.py   xds-grpc, sds-grpc, agent, prometheus_stats
listeners.py  metrics (15090) and health (15021)
stats.py      tags and the set of statistics that is kept
"""
