"""Who calls, and what they may do: callers, roles, and the one table of permissions."""
