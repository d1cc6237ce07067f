"""Licences of a department: issued, found, read."""
