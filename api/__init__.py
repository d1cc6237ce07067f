"""Issuing departments: licences issued, recorded and revoked."""
