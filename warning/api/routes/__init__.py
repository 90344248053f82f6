"""The routes by subject; each translates a request into one call of a service."""
