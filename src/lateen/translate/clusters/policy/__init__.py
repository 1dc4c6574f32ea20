"""What a DestinationRule asks of one cluster, block by block.

layers             which policy holds for a port and subset
connection_pool    limits, timeouts, keepalive, protocol options
load_balancer      algorithm, slow start, locality
outlier            ejection and the panic threshold
client_tls         TLS towards the endpoints, and how their certificates are checked
"""
