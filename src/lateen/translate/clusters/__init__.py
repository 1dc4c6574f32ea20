"""Clusters of a proxy: what it can send to, and how.

build        the list of a proxy's clusters, and the cell of each
outbound     services and their subsets          policy/     what DestinationRules ask for
inbound      the workload's own ports            protocol    HTTP/1.1, HTTP/2, or the client's
fixed        black hole and pass-through         dns         clusters that resolve names
"""
