"""Bytes to payloads and back.  Knows framing and JSON; knows nothing about models, chats or images."""
