"""Measurements. Each script prints figures, and ratios of what it measured within one run.

Run them from the root of the checkout: `.venv/bin/python -m benchmarks.local_mesh`.
"""
