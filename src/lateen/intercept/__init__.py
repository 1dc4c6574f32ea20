"""Capturing a workload's traffic: which packets go through its proxy, and telling the kernel so."""
