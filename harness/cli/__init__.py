"""The `repose` command."""
