"""The control plane's process: sources, mesh, discovery, certificates and the admin interface."""
