"""Tests: real parts, and second opinions from OpenSSL, gmssl and BouncyCastle."""
