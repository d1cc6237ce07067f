"""Where showings are kept: in this process, or in a Redis that all processes share."""
