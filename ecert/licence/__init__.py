"""Licences: identifier, type definitions, applications, and the sealed records."""
