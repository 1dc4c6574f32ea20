"""Kinds of the Kubernetes Gateway API, one module for each part of a listener's or route's life."""
