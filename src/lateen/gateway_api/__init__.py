"""Gateway API and Ingress: what users write there, as the internal kinds of Istio.

    Gateway, ListenerSet      ->  one Gateway for each listener
    HTTPRoute, GRPCRoute      ->  one VirtualService for each namespace, listener and hostname
    TLSRoute, TCPRoute        ->  one VirtualService for each parent
    BackendTLSPolicy          ->  DestinationRule
    Ingress                   ->  Gateway, and one VirtualService for each hostname

`feed` keeps what was made and tells what a change of the inputs adds and removes. Statuses are
derived beside it, from the same judgements.
"""
