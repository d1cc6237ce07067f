"""The addresses of the publisher's service, by what they are about."""
