"""Everything that waits: sockets, clocks, the server and the upstream client.

The modules here move bytes between clients, the pure engine above and the upstreams; they decide nothing about formats.
"""
