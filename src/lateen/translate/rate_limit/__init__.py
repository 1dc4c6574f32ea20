"""RateLimits as Envoy's filters, on what arrives at sidecars and gateways.

limits         which RateLimits are for a workload
descriptors    what a request is counted by
http           the filters that count and refuse requests
network        the same for connections
service        whom the global ones ask
clusters       how they reach it
"""
