"""Render verdicts and reports: text, versioned JSON, SARIF."""
