"""What a proxy is configured with, as tables and filters: the parts of `lateen proxy-config`.

source      a running proxy's admin interface, or a file
clusters, listeners, routes, endpoints, secrets      one table each
"""
