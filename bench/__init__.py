"""The benchmark: what Trueline costs, beside nginx and other gateways, on this machine, in one run.

It knows processes, sockets and statistics, and Trueline only as a command; `micro` alone runs the engine in process.
"""
