"""Damaged photos to completed ones: read, search for, blend, write."""
