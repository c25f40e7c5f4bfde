from tests.cli.conftest import photo, short_search, stub  # noqa: F401  (fixtures)
