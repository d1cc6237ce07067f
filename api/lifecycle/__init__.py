"""What becomes of a licence after it was issued: changed, renewed, suspended, ended; by one person, or by two."""
