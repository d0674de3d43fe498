"""What can go wrong, in the words of this package."""


class ShopError(Exception):
    """Base of everything this package raises on purpose."""


class NotFound(ShopError):
    """The shop has no such thing."""

    def __init__(self, path: str) -> None:
        super().__init__(f"not found: {path}")
        self.path = path


class ShopUnavailable(ShopError):
    """The shop did not answer, or not usefully, after all attempts."""


class ImportRejected(ShopError):
    """The shop did not take the result of an import."""


class StoreError(ShopError):
    """An import could not be stored."""
