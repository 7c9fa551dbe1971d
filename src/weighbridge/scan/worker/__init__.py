"""The examination of files in a confined process: `client` there, `serve` here, `wire` between."""
