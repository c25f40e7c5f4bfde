"""The networks that imitate the exact renderer."""
