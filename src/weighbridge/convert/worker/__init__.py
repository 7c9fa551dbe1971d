"""Conversion by confined processes: `client` here, `serve` there, `wire` between."""
