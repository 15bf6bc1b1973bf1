"""Payloads to events and back, one folder per wire format; each knows its own format and nothing of the others."""
