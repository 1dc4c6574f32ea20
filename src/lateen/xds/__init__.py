"""The discovery server: keeps connected proxies equal to the mesh, with little work and few bytes.

graph -> Cell (bytes of one resource) -> Group (what one subscription holds) -> Watch (one type
on one stream) -> Call (transport)
"""
