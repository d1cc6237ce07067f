"""What publisher and window share on the wire: problems, bounded bodies, metrics."""
