"""A relying party: keyless, and able to work without a network."""
