"""The trust registry: who may vouch for what, signed by the national root."""

from ecert.trust.registry import Member, Region, RegisteredKey, Registry, Role, encode_registry, load_registry

__all__ = ["Member", "Region", "RegisteredKey", "Registry", "Role", "encode_registry", "load_registry"]
