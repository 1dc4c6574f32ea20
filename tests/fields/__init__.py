"""Every field of Istio's API, and whether it changes anything: shown by leaving it out."""
