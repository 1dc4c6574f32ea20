"""Configuration of gRPC clients and servers that speak xDS themselves, without an Envoy.

    host:80                                     listener of a client: names its routes
    outbound|80||host                           routes, cluster and endpoints
    xds.istio.io/grpc/lds/inbound/10.0.0.7:80   listener of a server

They present GENERATOR: grpc in their node's metadata and ask for everything by name. gRPC refuses
what it does not know, so these resources hold nothing but what it does.
"""
