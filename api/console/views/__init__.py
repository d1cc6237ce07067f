"""What each page shows, as frozen dataclasses: the contract between a route and its page, one module per group."""
