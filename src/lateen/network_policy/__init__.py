"""Kubernetes NetworkPolicies beside the mesh: derived from its policies, and put into force.

derive     what AuthorizationPolicies allow, as far as addresses and ports can say it
manifest   the derived policies as YAML documents
admission  whom the NetworkPolicies of a folder let through to and from each pod
"""
