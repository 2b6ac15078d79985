"""Machinery without a subject: files, caches, locks, processes, tracking."""
