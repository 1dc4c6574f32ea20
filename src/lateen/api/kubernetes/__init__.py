"""Kinds of Kubernetes itself, as far as a mesh reads them. Unknown fields are skipped."""
